//! The inflate kernel, the reference and `flate2`'s own gzip reader must give the same answer on
//! any bytes, in pieces and windows of any size; and what is compressed must be decoded again.
//!
//! Any bytes are also taken for deflate data: a checksum that does not fit must not hide what the
//! kernel made of them.

#![no_main]

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use libfuzzer_sys::fuzz_target;
use s3sieve::Inflate;
use s3sieve::internal::{
    GzipDecoder, GzipError, GzipErrorKind, HISTORY_BYTES, RawInflate, SharedPiece, Status,
};

/// Where decoding of fuzzed bytes stops: a small input can make a thousand times its size.
const OUTPUT_BYTES_MAX: usize = 1 << 22;

/// How a file arrives and how much room its output has. Piece sizes follow each other in a circle.
struct Shape {
    chunks: [usize; 4],
    room: usize,
    late_end: bool,
}

impl Shape {
    fn new(bytes: [u8; 6]) -> Self {
        let [a, b, c, d, room, flags] = bytes;
        // Two thirds of the pieces are small: the ends of files are where things go wrong.
        let size = |byte: u8| match byte {
            0..171 => usize::from(byte) + 1,
            byte => usize::from(byte - 170) * 97,
        };
        Self { chunks: [a, b, c, d].map(size), room: size(room), late_end: flags & 1 != 0 }
    }
}

/// The decoded bytes, or `None` when they pass the limit.
fn decode(inflate: Inflate, file: &[u8], shape: &Shape) -> Result<Option<Vec<u8>>, GzipError> {
    let mut decoder = GzipDecoder::new(inflate);
    let mut window = vec![0; HISTORY_BYTES + shape.room];
    let mut chunks = shape.chunks.iter().cycle().copied();
    let (mut at, mut from, mut to) = (0, 0, 0);
    let mut output = Vec::new();
    loop {
        let end = to == file.len() && !(shape.late_end && from < to);
        // Little room from the first byte on, not only when the history is full.
        let limit = window.len().min(at + shape.room);
        let progress = decoder.decode(&file[from..to], end, &mut window[..limit], at)?;
        output.extend_from_slice(&window[at..][..progress.produced]);
        from += progress.consumed;
        at += progress.produced;
        if output.len() > OUTPUT_BYTES_MAX {
            return Ok(None);
        }
        match progress.status {
            Status::NeedInput => {
                assert!(!end && from == to);
                to = file.len().min(to + chunks.next().unwrap_or(1));
            }
            Status::OutputFull => {
                assert_eq!(at, limit);
                if at == window.len() {
                    window.copy_within(at - HISTORY_BYTES..at, 0);
                    at = HISTORY_BYTES;
                }
            }
            Status::End => {
                assert!(end && from == file.len());
                return Ok(Some(output));
            }
        }
    }
}

/// A file that arrives in pieces and is decoded through a window.
struct ArrivingFile<'a> {
    decoder: GzipDecoder,
    file: &'a [u8],
    chunk: usize,
    window: Vec<u8>,
    at: usize,
    from: usize,
    to: usize,
    output: Vec<u8>,
    end: Option<Result<bool, GzipError>>,
}

impl<'a> ArrivingFile<'a> {
    fn new(file: &'a [u8], chunk: usize, room: usize) -> Self {
        let (decoder, window) = (GzipDecoder::new(Inflate::Fast), vec![0; HISTORY_BYTES + room]);
        let (at, from, to, output) = (0, 0, 0, Vec::new());
        Self { decoder, file, chunk, window, at, from, to, output, end: None }
    }

    fn shared(&mut self) -> (&mut GzipDecoder, SharedPiece<'_>) {
        let input = &self.file[self.from..self.to];
        (&mut self.decoder, SharedPiece { input, window: &mut self.window, at: self.at })
    }

    fn can_share(&mut self) -> bool {
        let (decoder, piece) = self.shared();
        decoder.can_share(&piece)
    }

    fn took(&mut self, consumed: usize, produced: usize) {
        self.output.extend_from_slice(&self.window[self.at..][..produced]);
        self.from += consumed;
        self.at += produced;
        if self.output.len() > OUTPUT_BYTES_MAX {
            self.end = Some(Ok(false));
        }
    }

    fn step(&mut self) {
        let end_of_input = self.to == self.file.len();
        let (decoder, SharedPiece { input, window, at }) = self.shared();
        let progress = match decoder.decode(input, end_of_input, window, at) {
            Ok(progress) => progress,
            Err(error) => return self.end = Some(Err(error)),
        };
        self.took(progress.consumed, progress.produced);
        match progress.status {
            Status::NeedInput => self.to = self.file.len().min(self.to + self.chunk),
            Status::OutputFull => {
                self.window.copy_within(self.at - HISTORY_BYTES..self.at, 0);
                self.at = HISTORY_BYTES;
            }
            Status::End => self.end = Some(Ok(true)),
        }
    }
}

/// Two files decoded in one loop, as far as both can, are what the reference makes of each.
fn compare_shared(files: [&[u8]; 2], shape: &Shape) {
    let room = shape.room + 600;
    let mut two = [0, 1].map(|place| {
        // Pieces below some bytes never share a loop.
        ArrivingFile::new(files[place], shape.chunks[place] + 24, room)
    });
    let mut stuck = 0;
    while two.iter().any(|file| file.end.is_none()) {
        let open = two.each_mut().map(|file| file.end.is_none());
        let can_share = two.each_mut().map(|file| file.end.is_none() && file.can_share());
        if can_share != [true; 2] {
            for place in 0..2 {
                if open[place] && (!can_share[place] || !open[1 - place]) {
                    two[place].step();
                }
            }
            continue;
        }
        let [one, other] = &mut two;
        let ((decoder_one, piece_one), (decoder_other, piece_other)) =
            (one.shared(), other.shared());
        let steps = GzipDecoder::decode_two([decoder_one, decoder_other], [piece_one, piece_other]);
        let mut progress = 0;
        for (file, step) in two.iter_mut().zip(steps) {
            match step {
                Ok(step) => {
                    file.took(step.consumed, step.produced);
                    progress += step.consumed + step.produced;
                }
                Err(error) => {
                    file.end = Some(Err(error));
                    progress += 1;
                }
            }
        }
        // The end of a block may be in bits that were taken before.
        stuck = if progress == 0 { stuck + 1 } else { 0 };
        assert!(stuck < 4);
    }
    for (file, found) in files.into_iter().zip(two) {
        let reference = decode(Inflate::Reference, file, shape);
        match (found.end, reference) {
            (Some(Ok(true)), Ok(Some(reference))) => assert!(found.output == reference),
            (Some(Ok(false)), _) | (_, Ok(None)) | (Some(Err(_)), Err(_)) => {}
            (end, reference) => panic!("shared: {end:?}, reference: {reference:02x?}"),
        }
    }
}

fn compare(file: &[u8], shape: &Shape) {
    let fast = decode(Inflate::Fast, file, shape);
    let reference = decode(Inflate::Reference, file, shape);
    match (&fast, &reference) {
        (Ok(Some(fast)), Ok(Some(reference))) => assert!(fast == reference),
        (Ok(None), _) | (_, Ok(None)) | (Err(_), Err(_)) => {}
        (fast, reference) => panic!("fast: {fast:02x?}\nreference: {reference:02x?}"),
    }
    let mut oracle = Vec::new();
    let limit = OUTPUT_BYTES_MAX as u64 + 1;
    if MultiGzDecoder::new(file).take(limit).read_to_end(&mut oracle).is_ok()
        && oracle.len() <= OUTPUT_BYTES_MAX
    {
        assert!(reference == Ok(Some(oracle)), "flate2 accepts, we: {reference:02x?}");
    }
}

/// Takes `data` for deflate data. Where both find its end, the checksum is wrong, at the same byte
/// and with the same computed value, or it happens to be right.
fn compare_deflate(data: &[u8], shape: &Shape) {
    let header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let file = [&header, data, &[1; 8]].concat();
    let fast = decode(Inflate::Fast, &file, shape);
    let reference = decode(Inflate::Reference, &file, shape);
    match (&fast, &reference) {
        (Ok(None), _) | (_, Ok(None)) => {}
        (Err(fast), Err(reference)) if is_in_deflate(fast) => {
            assert!(is_in_deflate(reference), "fast: {fast}, reference: {reference}");
        }
        _ => assert!(fast == reference, "fast: {fast:02x?}\nreference: {reference:02x?}"),
    }
}

/// Two pieces of deflate data inflated at once are what the reference makes of each.
fn compare_two(pieces: [&[u8]; 2]) {
    let output = || vec![0; OUTPUT_BYTES_MAX >> 4];
    let [mut one, mut two] = [output(), output()];
    let found = RawInflate::new(Inflate::Fast).inflate_two(pieces, [&mut one, &mut two]);
    for ((piece, found), output) in pieces.into_iter().zip(found).zip([one, two]) {
        let mut expected = vec![0; output.len()];
        let reference = RawInflate::new(Inflate::Reference).inflate(piece, &mut expected);
        match (found, reference) {
            (Ok(Some(found)), Ok(Some(reference))) => {
                assert!(output[..found] == expected[..reference]);
            }
            // Full to the last byte: whether the end is seen then is not fixed.
            (Ok(None), _) | (_, Ok(None)) | (Err(_), Err(_)) => {}
            (found, reference) => panic!("fast: {found:?}, reference: {reference:?}"),
        }
    }
}

/// Damaged or cut short before the end of the deflate data.
fn is_in_deflate(error: &GzipError) -> bool {
    matches!(error.kind, GzipErrorKind::Deflate(_) | GzipErrorKind::Truncated { .. })
}

fuzz_target!(|data: &[u8]| {
    let Some((shape, data)) = data.split_first_chunk::<6>() else { return };
    let (level, shape) = (u32::from(shape[5] >> 1) % 10, Shape::new(*shape));
    compare(data, &shape);
    compare_deflate(data, &shape);

    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(level));
    encoder.write_all(data).expect("writing to memory");
    let file = encoder.finish().expect("writing to memory");
    compare_two([data, &file[10..]]);
    compare_two([&file[10..], data.split_at(data.len() / 2).1]);
    let header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let taken = [&header, data, &[1; 8]].concat();
    compare_shared([&file, &taken], &shape);
    compare_shared([&taken, &[&file[..], &file].concat()], &shape);
    for inflate in [Inflate::Fast, Inflate::Reference] {
        assert!(decode(inflate, &file, &shape) == Ok(Some(data.to_vec())));
    }
    // The same deflate data with a damage near its end, and something after it.
    if let Some((&place, rest)) = data.split_first() {
        let at = file.len().saturating_sub(usize::from(place % 16));
        let damaged = [&file[..at], &rest[..rest.len().min(3)], &file[at..], &file].concat();
        compare(&damaged, &shape);
    }
});
