//! Two files decoded in one loop, against each of them alone, by every path and in pieces of any
//! size.

use proptest::prelude::*;

use super::tests::{INFLATE_PATHS, InflatePath, data, decode_by, gz, rows};
use super::*;

/// A file that arrives in pieces of `chunk` bytes, and is decoded through a window with `room`
/// bytes of room.
struct ArrivingFile<'a> {
    decoder: GzipDecoder,
    file: &'a [u8],
    chunk: usize,
    room: usize,
    window: Vec<u8>,
    at: usize,
    from: usize,
    to: usize,
    output: Vec<u8>,
    end: Option<Result<(), GzipError>>,
}

impl<'a> ArrivingFile<'a> {
    fn new(path: InflatePath, file: &'a [u8], chunk: usize, room: usize) -> Self {
        let (decoder, window) = (path.decoder(), vec![0; HISTORY_BYTES + room]);
        let (at, from, to) = (0, 0, chunk.min(file.len()));
        Self { decoder, file, chunk, room, window, at, from, to, output: Vec::new(), end: None }
    }

    fn shared(&mut self) -> (&mut GzipDecoder, SharedPiece<'_>) {
        let limit = self.window.len().min(self.at + self.room);
        let (input, window) = (&self.file[self.from..self.to], &mut self.window[..limit]);
        // What lies behind `at` must not matter.
        window[self.at..].fill(0xa5);
        (&mut self.decoder, SharedPiece { input, window, at: self.at })
    }

    fn can_share(&mut self) -> bool {
        let (decoder, piece) = self.shared();
        decoder.can_share(&piece)
    }

    fn took(&mut self, consumed: usize, produced: usize) {
        self.output.extend_from_slice(&self.window[self.at..][..produced]);
        self.from += consumed;
        self.at += produced;
    }

    /// Goes on by itself: one call.
    fn step(&mut self) {
        let end_of_input = self.to == self.file.len();
        let (decoder, SharedPiece { input, window, at }) = self.shared();
        let progress = match decoder.decode(input, end_of_input, window, at) {
            Ok(progress) => progress,
            Err(error) => return self.end = Some(Err(error)),
        };
        self.took(progress.consumed, progress.produced);
        match progress.status {
            Status::NeedInput => self.to = self.file.len().min(self.to.saturating_add(self.chunk)),
            Status::OutputFull if self.at == self.window.len() => {
                self.window.copy_within(self.at - HISTORY_BYTES..self.at, 0);
                self.at = HISTORY_BYTES;
            }
            Status::OutputFull => {}
            Status::End => self.end = Some(Ok(())),
        }
    }

    fn outcome(self) -> Result<Vec<u8>, GzipError> {
        self.end.unwrap().map(|()| self.output)
    }
}

/// Decodes two files, in one loop wherever both can.
fn decode_two(files: &mut [ArrivingFile<'_>; 2]) -> usize {
    let (mut shared, mut stuck) = (0, 0);
    while files.iter().any(|file| file.end.is_none()) {
        let can_share = files.each_mut().map(|file| file.end.is_none() && file.can_share());
        if can_share != [true; 2] {
            let alone = files.iter_mut().zip(can_share);
            let is_alone = |(file, can_share): &(&mut ArrivingFile<'_>, bool)| {
                file.end.is_none() && !can_share
            };
            let mut stepped = false;
            alone.filter(is_alone).for_each(|(file, _)| {
                file.step();
                stepped = true;
            });
            if !stepped {
                files.iter_mut().filter(|file| file.end.is_none()).for_each(ArrivingFile::step);
            }
            continue;
        }
        let [one, two] = &mut *files;
        let ((decoder_one, piece_one), (decoder_two, piece_two)) = (one.shared(), two.shared());
        let steps = GzipDecoder::decode_two([decoder_one, decoder_two], [piece_one, piece_two]);
        let mut progress = 0;
        for (file, step) in files.iter_mut().zip(steps) {
            match step {
                Ok(SharedStep { consumed, produced }) => {
                    file.took(consumed, produced);
                    progress += consumed + produced;
                    shared += produced;
                }
                Err(error) => {
                    file.end = Some(Err(error));
                    progress += 1;
                }
            }
        }
        // The end of a block may be in bits that were taken before.
        stuck = if progress == 0 { stuck + 1 } else { 0 };
        assert!(stuck < 4, "two that can share a loop go on in it");
    }
    shared
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 256 }))]

    #[test]
    fn two_in_one_loop_are_decoded_as_each_alone(
        members in prop::array::uniform2(prop::collection::vec((data(), 0..10_u32), 1..4)),
        damage in prop::collection::vec(
            (0..2_usize, any::<prop::sample::Index>(), 1..=u8::MAX), 0..3),
        chunks in prop::array::uniform2(prop_oneof![1..40_usize, 1..5_000_usize]),
        rooms in prop::array::uniform2(prop_oneof![1..700_usize, 1..50_000_usize]),
    ) {
        let mut files = members.map(|members| {
            members.iter().flat_map(|(data, level)| gz(data, *level)).collect::<Vec<u8>>()
        });
        for (file, at, change) in damage {
            let at = at.index(files[file].len());
            files[file][at] ^= change;
        }
        for path in INFLATE_PATHS {
            let alone = [0, 1].map(|place| {
                decode_by(&mut path.decoder(), &files[place], chunks[place], rooms[place], false)
            });
            let mut two = [0, 1].map(|place| {
                ArrivingFile::new(path, &files[place], chunks[place], rooms[place])
            });
            decode_two(&mut two);
            for (found, alone) in two.map(ArrivingFile::outcome).into_iter().zip(alone) {
                match (&found, &alone) {
                    (Ok(found), Ok(alone)) => prop_assert!(found == alone, "{path:?}"),
                    (Err(_), Err(_)) => {}
                    _ => prop_assert!(false, "{path:?}: {found:02x?}\n{alone:02x?}"),
                }
            }
        }
    }
}

#[test]
fn what_is_wrong_with_one_does_not_touch_the_other() {
    let text = rows(900);
    let sound = gz(&text, 6);
    let mut damaged = gz(&(0..40_000_u32).flat_map(u32::to_le_bytes).collect::<Vec<u8>>(), 9);
    let middle = damaged.len() / 2;
    damaged[middle..][..20].fill(0xff);
    let mut two =
        [&sound, &damaged].map(|file| ArrivingFile::new(INFLATE_PATHS[0], file, 1_000, 100_000));
    assert!(decode_two(&mut two) > 0, "nothing was decoded in one loop");
    let [sound, damaged] = two.map(ArrivingFile::outcome);
    assert_eq!(sound.unwrap(), text);
    assert!(damaged.is_err());
}
