//! Each case runs through every form of the kernel and through the reference, in pieces of several
//! sizes, with a window that has much room and one that has little. `flate2`'s own gzip reader is
//! the oracle.

use std::io::{Read, Write};

use flate2::write::GzEncoder;
use flate2::{Compress, Compression, FlushCompress};
use proptest::prelude::*;

use super::kernel::InflateKernel;
use super::*;

/// One of the decoders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InflatePath {
    /// One of [`InflateKernel::every_path`].
    Kernel(usize),
    Reference,
}

pub(super) const INFLATE_PATHS: [InflatePath; 4] = [
    InflatePath::Kernel(0),
    InflatePath::Kernel(1),
    InflatePath::Kernel(2),
    InflatePath::Reference,
];

impl InflatePath {
    pub(super) fn decoder(self) -> GzipDecoder {
        match self {
            Self::Kernel(number) => {
                let mut decoder = GzipDecoder::new(Inflate::Fast);
                let kernel = InflateKernel::every_path().into_iter().nth(number).unwrap();
                decoder.engine = Engine::Fast(Box::new(kernel));
                decoder
            }
            Self::Reference => GzipDecoder::new(Inflate::Reference),
        }
    }
}

/// Sizes of input pieces. Below 16 the kernel's fast loop never runs.
const CHUNKS: [usize; 7] = [1, 2, 7, 20, 33, 100, usize::MAX];
/// Room in the window beside the history.
const ROOMS: [usize; 4] = [1, 5, 300, 200_000];

/// Decodes a file that arrives in pieces of `chunk` bytes, through a window with `room` bytes of
/// room. `late_end`: that the input has ended is said only in a last call without input.
pub(super) fn decode_by(
    decoder: &mut GzipDecoder,
    file: &[u8],
    chunk: usize,
    room: usize,
    late_end: bool,
) -> Result<Vec<u8>, GzipError> {
    decoder.reset();
    let mut window = vec![0; HISTORY_BYTES + room];
    let (mut at, mut from, mut to) = (0, 0, chunk.min(file.len()));
    let mut output = Vec::new();
    let mut stuck = 0;
    loop {
        // What lies behind `at` must not matter.
        let free = at..window.len().min(at + 400);
        window[free].fill(0xa5);
        let end = to == file.len() && !(late_end && from < to);
        // Little room from the first byte on, not only when the history is full.
        let limit = window.len().min(at + room);
        let progress = decoder.decode(&file[from..to], end, &mut window[..limit], at)?;
        output.extend_from_slice(&window[at..][..progress.produced]);
        from += progress.consumed;
        at += progress.produced;
        stuck = if progress.consumed + progress.produced == 0 { stuck + 1 } else { 0 };
        assert!(stuck < 4, "no progress at {from} of {to}: {progress:?}");
        match progress.status {
            Status::NeedInput => {
                assert_eq!(from, to, "input left though more was wanted");
                assert!(!end, "more wanted after the end");
                to = file.len().min(to.saturating_add(chunk));
            }
            Status::OutputFull => {
                assert_eq!(at, limit, "the window has room");
                if at == window.len() {
                    window.copy_within(at - HISTORY_BYTES..at, 0);
                    at = HISTORY_BYTES;
                }
            }
            Status::End => {
                assert!(end && from == file.len());
                assert_eq!(decoder.bytes_in(), file.len() as u64);
                assert_eq!(decoder.bytes_out(), output.len() as u64);
                return Ok(output);
            }
        }
    }
}

/// The answers of every path to a whole file, after a check that pieces and windows change
/// nothing.
fn decode_every_way(file: &[u8]) -> [Result<Vec<u8>, GzipErrorKind>; INFLATE_PATHS.len()] {
    INFLATE_PATHS.map(|path| {
        let mut decoder = path.decoder();
        let whole = decode_by(&mut decoder, file, usize::MAX, 200_000, false);
        for chunk in CHUNKS {
            for room in ROOMS {
                for late_end in [false, true] {
                    let got = decode_by(&mut decoder, file, chunk, room, late_end);
                    let same = match (&got, &whole) {
                        (Ok(got), Ok(whole)) => got == whole,
                        (got, whole) => got.is_err() == whole.is_err(),
                    };
                    assert!(
                        same,
                        "{path:?}, chunk {chunk}, room {room}, late end {late_end}, file \
                         {file:02x?}:\n{got:02x?}\ninstead of\n{whole:02x?}"
                    );
                }
            }
        }
        whole.map_err(|error| error.kind)
    })
}

#[track_caller]
fn assert_decodes(file: &[u8], expected: &[u8]) {
    for got in decode_every_way(file) {
        assert_eq!(got.as_deref(), Ok(expected));
    }
}

/// Every path refuses the file, in pieces of any size; given whole, with this error.
#[track_caller]
fn assert_refused(file: &[u8], byte: u64, member: u64, kind: GzipErrorKind) {
    for got in decode_every_way(file) {
        assert!(got.is_err(), "{got:02x?}");
    }
    for path in INFLATE_PATHS {
        let mut decoder = path.decoder();
        let got = decode_by(&mut decoder, file, usize::MAX, 9, false);
        assert_eq!(got, Err(GzipError { kind, byte, member }), "{path:?}");
    }
}

pub(super) fn gz(data: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(level));
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

/// A member of these parts; `header` without magic and method.
fn member(header: &[u8], deflate: &[u8], data: &[u8]) -> Vec<u8> {
    let mut file = vec![0x1f, 0x8b, 8];
    file.extend(header);
    file.extend(deflate);
    file.extend(crc32fast::hash(data).to_le_bytes());
    file.extend((data.len() as u32).to_le_bytes());
    file
}

/// Deflate data whose copies may reach back into `dictionary`.
fn deflate_with(dictionary: &[u8], data: &[u8]) -> Vec<u8> {
    let mut compress = Compress::new(Compression::new(9), false);
    compress.set_dictionary(dictionary).unwrap();
    let mut out = Vec::with_capacity(data.len() + 1000);
    compress.compress_vec(data, &mut out, FlushCompress::Finish).unwrap();
    out
}

pub(super) fn rows(count: usize) -> Vec<u8> {
    let mut text = Vec::new();
    let mut seed = 7_u64;
    for row in 0..count {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        writeln!(text, "\"bucket\",\"some/path/{row:08}.jpg\",\"{seed:016x}\",\"DISABLED\"")
            .unwrap();
    }
    text
}

const PLAIN: [u8; 7] = [0; 7];
/// A final block without data, in fixed codes.
const NOTHING: [u8; 2] = [3, 0];

#[test]
fn what_compressors_write_is_decoded_in_pieces_of_any_size() {
    for data in [&b""[..], b"a", b"hello, hello, hello", &rows(40), &[0; 1000]] {
        for level in [0, 1, 6, 9] {
            assert_decodes(&gz(data, level), data);
        }
    }
}

#[test]
fn far_copies_and_long_stored_runs_survive_a_sliding_window() {
    let mut far = rows(420);
    far.truncate(HISTORY_BYTES);
    far.extend_from_within(..258);
    far.extend_from_within(..);
    let zeros = [vec![0; 70_000], rows(3), vec![0x1f; 70_000]].concat();
    for data in [far, zeros, rows(6_000)] {
        for level in [0, 6] {
            let file = gz(&data, level);
            for path in INFLATE_PATHS {
                let mut decoder = path.decoder();
                for (chunk, room) in [(1, 300), (7, 1), (100, 5), (5_000, 70_000), (65_536, 9)] {
                    let got = decode_by(&mut decoder, &file, chunk, room, false).unwrap();
                    assert!(got == data, "{path:?}, chunk {chunk}, room {room}");
                }
            }
        }
    }
}

/// All 32 combinations of flags, with a header checksum where one is announced.
#[test]
fn every_optional_header_field_is_skipped() {
    for flags in 0..32_u8 {
        let mut header = vec![flags, 1, 2, 3, 4, 5, 6];
        if flags & 4 != 0 {
            header.extend([3, 0, b'e', 0, b'x']);
        }
        if flags & 8 != 0 {
            header.extend(b"name.csv\0");
        }
        if flags & 16 != 0 {
            header.extend(b"a comment\0");
        }
        if flags & 2 != 0 {
            let crc = crc32fast::hash(&[&[0x1f, 0x8b, 8], &header[..]].concat()) as u16;
            header.extend(crc.to_le_bytes());
        }
        let deflate = deflate_with(b"", b"data");
        let file = member(&header, &deflate, b"data");
        assert_decodes(&file, b"data");
        if flags & 2 != 0 {
            let mut damaged = file.clone();
            damaged[5] ^= 0x10;
            assert!(decode_every_way(&damaged).iter().all(|got| {
                matches!(got, Err(GzipErrorKind::HeaderCrc { stored, computed })
                    if stored != computed)
            }));
        }
    }
}

#[test]
fn an_extra_field_may_be_empty_or_have_its_full_length() {
    for length in [0_u16, 1, u16::MAX] {
        let mut header = vec![4, 0, 0, 0, 0, 0, 0];
        header.extend(length.to_le_bytes());
        header.extend(vec![0x1f; usize::from(length)]);
        assert_decodes(&member(&header, &NOTHING, b""), b"");
    }
}

#[test]
fn a_name_or_comment_without_end_is_refused_at_the_limit() {
    let limit = header::HEADER_TEXT_BYTES_MAX as usize;
    for (flag, field) in [(8, "file name"), (16, "comment")] {
        let file = |length: usize| {
            let header = [&[flag, 0, 0, 0, 0, 0, 0][..], &vec![b'n'; length], &[0]].concat();
            member(&header, &NOTHING, b"")
        };
        let bytes_max = header::HEADER_TEXT_BYTES_MAX;
        assert_decodes(&file(limit), b"");
        let kind = GzipErrorKind::HeaderTextTooLong { field, bytes_max };
        assert_refused(&file(limit + 1), 10 + limit as u64, 1, kind);
    }
}

#[test]
fn a_wrong_header_is_refused_at_its_wrong_byte() {
    let refused = |at: usize, byte: u8, kind| {
        let mut file = gz(b"data", 6);
        file[at] = byte;
        assert_refused(&file, at as u64, 1, kind);
    };
    refused(0, b'P', GzipErrorKind::NotGzip { found: b'P', expected: 0x1f });
    refused(1, b'K', GzipErrorKind::NotGzip { found: b'K', expected: 0x8b });
    refused(2, 7, GzipErrorKind::Method { found: 7 });
    for flags in [0x20, 0x40, 0x80] {
        refused(3, flags, GzipErrorKind::ReservedFlags { flags });
    }
    assert_refused(b"", 0, 1, GzipErrorKind::Empty);
    let found = GzipErrorKind::NotGzip { found: 0, expected: 0x1f };
    assert_refused(&[0; 30], 0, 1, found);
}

#[test]
fn members_follow_each_other_and_padding_follows_the_last() {
    let one = gz(b"one ", 6);
    let none = member(&PLAIN, &NOTHING, b"");
    let two = gz(&rows(30), 1);
    let file = [&one[..], &none, &none, &two, &none].concat();
    let data = [b"one ", &rows(30)[..]].concat();
    assert_decodes(&file, &data);
    for zeros in [1, 2, 3, 4, 7, 8, 9, 512] {
        assert_decodes(&[&file[..], &vec![0; zeros]].concat(), &data);
        assert_decodes(&[&none[..], &vec![0; zeros]].concat(), b"");
    }
}

#[test]
fn a_member_of_a_few_bytes_costs_no_tables_of_its_own() {
    let few = [member(&PLAIN, &NOTHING, b""), gz(b"x", 6)].concat();
    let mut decoder = InflatePath::Kernel(0).decoder();
    let found = decode_by(&mut decoder, &few.repeat(1_000), usize::MAX, 300, false).unwrap();
    assert_eq!(found, b"x".repeat(1_000));
    let Engine::Fast(kernel) = &decoder.engine else { panic!("not the kernel") };
    assert_eq!(kernel.fixed_codes_made(), 1);
    // Codes of another block's own take their place.
    let own = gz(&rows(300), 6);
    let file = [&few[..], &own, &few, &own, &few].concat();
    let data = [&b"x"[..], &rows(300), b"x", &rows(300), b"x"].concat();
    assert_decodes(&file, &data);
}

#[test]
fn nothing_but_members_and_padding_follows() {
    let file = gz(b"one ", 6);
    let length = file.len() as u64;
    for garbage in [1, 0x1e, 0x8b, 0xff] {
        let kind = GzipErrorKind::TrailingGarbage { found: garbage };
        assert_refused(&[&file[..], &[garbage]].concat(), length, 2, kind);
        assert_refused(&[&file[..], &[0, 0, garbage, 0]].concat(), length + 2, 1, kind);
        assert_refused(&[&file[..], &[0x1f, garbage ^ 0x40]].concat(), length + 1, 2, {
            GzipErrorKind::TrailingGarbage { found: garbage ^ 0x40 }
        });
    }
    let kind = GzipErrorKind::TrailingGarbage { found: 0x1f };
    assert_refused(&[&file[..], &[0], &file].concat(), length + 1, 1, kind);
    let kind = GzipErrorKind::Truncated { part: MemberPart::Header };
    assert_refused(&[&file[..], &[0x1f]].concat(), length + 1, 2, kind);
}

#[test]
fn wrong_checksum_and_wrong_length_are_told_apart() {
    let sound = gz(&rows(5), 6);
    let from = sound.len() - 8;
    let computed = crc32fast::hash(&rows(5));
    for after in [&b""[..], &[0; 20], &sound] {
        let mut file = [&sound[..], after].concat();
        file[from + 1] ^= 4;
        let stored = computed ^ 0x400;
        assert_refused(&file, from as u64, 1, GzipErrorKind::Crc { stored, computed });
        let mut file = [&sound[..], after].concat();
        file[from + 7] ^= 1;
        let computed = rows(5).len() as u32;
        let stored = computed ^ 0x0100_0000;
        assert_refused(&file, from as u64 + 4, 1, GzipErrorKind::Length { stored, computed });
    }
}

/// With one to four stray bytes before it, the right trailer stands where a decoder that guesses
/// the end of the data would look for it. So does the trailer of an empty member in zero padding.
#[test]
fn a_shifted_trailer_is_refused_in_pieces_of_any_size() {
    for data in [&b""[..], b"some data, some data", &rows(9)] {
        let sound = gz(data, 6);
        let (body, trailer) = sound.split_at(sound.len() - 8);
        for stray in 1..5 {
            for after in [&b""[..], &[0; 30], &sound, &[0xff; 30]] {
                for filler in [0xff, 0x1f, 0] {
                    let strays = vec![filler; stray];
                    let file = [body, &strays, trailer, after].concat();
                    if data.is_empty() && filler == 0 && after.iter().all(|byte| *byte == 0) {
                        assert_decodes(&file, data);
                    } else {
                        assert!(decode_every_way(&file).iter().all(Result::is_err));
                    }
                }
            }
        }
        let mut file = [&sound[..], &[0; 30]].concat();
        file[body.len()] ^= 1;
        assert!(decode_every_way(&file).iter().all(Result::is_err));
    }
}

/// Wherever a piece ends, in a trailer or in the header behind it, no byte is lost or taken twice.
#[test]
fn members_with_names_and_times_may_be_split_anywhere() {
    let header = [&[8, 1, 2, 3, 4, 5, 6][..], b"name\0"].concat();
    let text = rows(2);
    let one = member(&header, &deflate_with(b"", &text), &text);
    let file = [&one[..], &one, &one].concat();
    for chunk in 1..file.len() {
        for path in INFLATE_PATHS {
            let got = decode_by(&mut path.decoder(), &file, chunk, 999, false);
            assert_eq!(got, Ok(text.repeat(3)), "{path:?}, chunk {chunk}");
        }
    }
}

/// With short codes and room for one byte only, the last byte of the data is often taken while
/// output still waits inside the decoder.
#[test]
fn output_that_waits_does_not_hide_the_end() {
    let mut seed = 1_u64;
    for length in 300..340 {
        let digits: Vec<u8> = (0..length)
            .map(|_| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                b"0123456789abcdef"[(seed >> 60) as usize]
            })
            .collect();
        let file = gz(&digits, 9).repeat(2);
        for room in [1, 2, 3] {
            for path in INFLATE_PATHS {
                let got = decode_by(&mut path.decoder(), &file, 1, room, false);
                assert_eq!(got, Ok(digits.repeat(2)), "{path:?}, length {length}, room {room}");
            }
        }
    }
}

/// From 16 MiB on a length need not have a zero byte, and this one has none: nothing in the trailer
/// looks like padding.
#[test]
fn a_stray_byte_after_much_data_is_refused_wherever_a_piece_ends() {
    let data = vec![b'a'; 0x0101_0101];
    let sound = gz(&data, 1);
    let (body, trailer) = sound.split_at(sound.len() - 8);
    let mut decoder = GzipDecoder::new(Inflate::Fast);
    for stray in 1..4 {
        let file = [body, &vec![7; stray], trailer, &[0; 20]].concat();
        for piece in body.len() + 4..file.len() - 12 {
            let got = decode_by(&mut decoder, &file, piece, 1 << 25, false);
            let kind = got.map(|data| data.len()).map_err(|error| error.kind);
            assert!(matches!(kind, Err(GzipErrorKind::Crc { .. })), "{stray}, {piece}: {kind:?}");
        }
    }
    let file = [&sound[..], &sound].concat();
    for piece in body.len() + 4..sound.len() + 12 {
        let got = decode_by(&mut decoder, &file, piece, 1 << 26, false);
        assert_eq!(got.map(|data| data.len()), Ok(2 * data.len()), "{piece}");
    }
}

#[test]
fn a_file_cut_at_any_byte_is_refused() {
    let header = b"\x08\0\0\0\0\0\0name\0";
    let first =
        member(header, &deflate_with(b"", b"some data, some data"), b"some data, some data");
    let file = [&first[..], &gz(b"other data", 0)].concat();
    for cut in 0..file.len() {
        for got in decode_every_way(&file[..cut]) {
            match got {
                Ok(data) => {
                    assert_eq!((cut, &data[..]), (first.len(), &b"some data, some data"[..]));
                }
                Err(GzipErrorKind::Empty) => assert_eq!(cut, 0),
                Err(kind) => assert!(matches!(kind, GzipErrorKind::Truncated { .. }), "{kind}"),
            }
        }
    }
}

/// Only the header's fields that say nothing about the data may change unnoticed, and the up to
/// seven bits that fill a byte: no checksum covers them, and no byte of the data depends on them.
#[test]
fn a_single_flipped_bit_is_found_or_changes_nothing() {
    let data = rows(4);
    for level in [0, 1, 9] {
        let mut header = vec![8, 1, 2, 3, 4, 5, 6];
        header.extend(b"n.csv\0");
        let raw = gz(&data, level);
        let sound = member(&header, &raw[10..raw.len() - 8], &data);
        let mut unnoticed = 0;
        for at in 0..sound.len() {
            for bit in 0..8 {
                let mut file = sound.clone();
                file[at] ^= 1 << bit;
                // FTEXT is bit 0 of the flags; then time, extra flags, system, and the name.
                let harmless = (at == 3 && bit == 0) || (4..15).contains(&at);
                let mut answers = Vec::new();
                for path in INFLATE_PATHS {
                    let mut decoder = path.decoder();
                    for chunk in [29, usize::MAX] {
                        answers.push(decode_by(&mut decoder, &file, chunk, 9_000, true).ok());
                    }
                }
                let place = format!("level {level}, byte {at}, bit {bit}");
                match &answers[0] {
                    Some(got) => assert!(*got == data, "{place}"),
                    None => assert!(!harmless, "{place}"),
                }
                assert!(answers.iter().all(|answer| *answer == answers[0]), "{place}");
                unnoticed += u32::from(answers[0].is_some() && !harmless);
            }
        }
        assert!(unnoticed < 8, "level {level}: {unnoticed}");
    }
}

#[test]
fn a_copy_from_an_earlier_member_is_refused() {
    let secret = rows(3);
    let spy = member(&PLAIN, &deflate_with(&secret, &secret), &secret);
    assert!(spy.len() < 40, "the data is copied from the dictionary");
    for got in decode_every_way(&[&gz(&secret, 6)[..], &spy].concat()) {
        assert!(matches!(got, Err(GzipErrorKind::Deflate(_))), "{got:?}");
    }
}

/// Such a code can only encode empty blocks, and some decoders refuse it. zlib does not.
#[test]
fn a_code_of_a_single_word_is_accepted() {
    // Dynamic block, 257 literal/length codes, 1 distance code; code length code: 18 and 1 with one
    // bit each. Lengths: 138 + 118 times 0, then 1 for the end of block, then 1 for distance 1.
    let mut bits = Vec::new();
    let mut put = |value: u32, count: u32| {
        bits.extend((0..count).map(|bit| (value >> bit & 1) as u8));
    };
    put(1, 1);
    put(2, 2);
    put(0, 5);
    put(0, 5);
    put(14, 4);
    for symbol in [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1] {
        put(u32::from(symbol == 18 || symbol == 1), 3);
    }
    for repeat in [138, 118] {
        put(1, 1);
        put(repeat - 11, 7);
    }
    put(0, 1);
    put(0, 1);
    put(0, 1);
    let deflate: Vec<u8> = bits
        .chunks(8)
        .map(|byte| byte.iter().enumerate().map(|(bit, one)| one << bit).sum())
        .collect();
    assert_decodes(&member(&PLAIN, &deflate, b""), b"");
}

#[test]
fn an_error_stays_until_reset() {
    for path in INFLATE_PATHS {
        let mut decoder = path.decoder();
        let mut window = vec![0; 100];
        let first = decoder.decode(b"PK", false, &mut window, 0);
        assert!(first.is_err());
        assert_eq!(decoder.decode(&gz(b"data", 6), true, &mut window, 0), first);
        decoder.reset();
        let progress = decoder.decode(&gz(b"data", 6), true, &mut window, 0).unwrap();
        assert_eq!((progress.status, progress.produced), (Status::End, 4));
    }
}

#[test]
#[should_panic(expected = "the window keeps 3 bytes of history, not 4")]
fn a_window_that_lost_its_history_is_a_bug_of_the_caller() {
    let mut decoder = GzipDecoder::new(Inflate::Fast);
    let mut window = vec![0; 100];
    let file = gz(b"data", 6);
    decoder.decode(&file, true, &mut window, 0).unwrap();
    let _ = decoder.decode(b"", true, &mut window, 3);
}

#[test]
fn errors_name_the_place_and_the_remedy() {
    let kind = GzipErrorKind::Crc { stored: 0x1a2b_3c4d, computed: 0x9988_7766 };
    assert_eq!(
        GzipError { kind, byte: 1234, member: 2 }.to_string(),
        "byte 1234 (member 2): stored CRC-32 1a2b3c4d, data gives 99887766: the file is damaged; \
         fetch it again"
    );
    let kind = GzipErrorKind::Truncated { part: MemberPart::Body };
    assert_eq!(
        GzipError { kind, byte: 9, member: 1 }.to_string(),
        "byte 9 (member 1): the file ends inside the compressed data: it is cut short; fetch it \
         again"
    );
}

/// Data with repeats at all distances, and none.
pub(super) fn data() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..300),
        (any::<u8>(), 0..700_usize).prop_map(|(byte, count)| vec![byte; count]),
        (0..99_usize).prop_map(rows),
    ];
    prop::collection::vec((piece, 1..4_usize), 0..6).prop_map(|pieces| {
        pieces.into_iter().flat_map(|(piece, times)| piece.repeat(times)).collect()
    })
}

/// What deflate data becomes, and how much of it was taken when it ended, if it did.
fn inflate_by(
    path: InflatePath,
    deflate: &[u8],
    chunk: usize,
    room: usize,
) -> Result<(Vec<u8>, Option<usize>), DeflateFault> {
    let mut engine = path.decoder().engine;
    engine.start();
    let mut output = Vec::new();
    let (mut from, mut to) = (0, chunk.min(deflate.len()));
    loop {
        let at = output.len();
        output.resize(at + room, 0xa5);
        let step = engine.step(&deflate[from..to], &mut output, at, at + room)?;
        output.truncate(at + step.produced);
        from += step.consumed;
        if step.end {
            return Ok((output, Some(from)));
        }
        if step.produced < room {
            assert_eq!(from, to, "input left though more was wanted");
            if to == deflate.len() {
                return Ok((output, None));
            }
            to = deflate.len().min(to + chunk);
        }
    }
}

/// Every form of the kernel does as the reference does.
#[track_caller]
fn assert_inflates_alike(deflate: &[u8], chunk: usize, room: usize) {
    let expected = inflate_by(InflatePath::Reference, deflate, usize::MAX, 1 << 20).ok();
    for path in INFLATE_PATHS {
        let got = inflate_by(path, deflate, chunk, room).ok();
        let alike = match (&got, &expected) {
            // Cut short: how much comes out before that is not fixed, and the kernel may know
            // already that a code without words leads nowhere.
            (Some((got, None)), Some((expected, None))) => {
                got.starts_with(expected) || expected.starts_with(got)
            }
            (None, Some((_, None))) => true,
            (got, expected) => got == expected,
        };
        assert!(
            alike,
            "{path:?}, chunk {chunk}, room {room}, {deflate:02x?}:\n{got:02x?}\n{expected:02x?}"
        );
    }
}

/// Bits, the lowest of each number first.
fn bits(numbers: impl IntoIterator<Item = (u32, u32)>) -> Vec<u8> {
    let bits: Vec<u8> = numbers
        .into_iter()
        .flat_map(|(value, count)| (0..count).map(move |bit| (value >> bit & 1) as u8))
        .collect();
    let byte = |bits: &[u8]| bits.iter().enumerate().map(|(bit, one)| one << bit).sum();
    bits.chunks(8).map(byte).collect()
}

/// The header of a last block with codes of its own, each code length written with four bits. All
/// lengths are allowed, so most are wrong.
fn code_lengths_header(literals: &[u8], distances: &[u8]) -> Vec<(u32, u32)> {
    let mut numbers = vec![(1, 1), (2, 2), (literals.len() as u32 - 257, 5)];
    numbers.extend([(distances.len() as u32 - 1, 5), (15, 4)]);
    // Symbols 16 to 18 have no word; 0 to 15 have four bits each, in order.
    numbers.extend([(0, 3); 3]);
    numbers.extend([(4, 3); 16]);
    let lengths = literals.iter().chain(distances);
    numbers.extend(lengths.map(|length| (u32::from(*length).reverse_bits() >> 28, 4)));
    numbers
}

/// A way to share out a code's words: complete if `cuts` never runs dry, and often then damaged.
fn some_lengths(symbols: usize, cuts: &[usize], damage: Option<(usize, u8)>) -> Vec<u8> {
    let mut words = vec![0_u8];
    for cut in cuts {
        let at = cut % words.len();
        if words[at] < 15 && words.len() < symbols {
            words[at] += 1;
            words.insert(at, words[at]);
        }
    }
    let mut lengths = vec![0; symbols];
    // The last symbols, among them the end of a block, come first.
    lengths.iter_mut().rev().zip(&words).for_each(|(length, word)| *length = *word);
    if let Some((at, length)) = damage {
        lengths[at % symbols] = length;
    }
    lengths
}

#[test]
fn every_distance_and_length_is_copied() {
    for distance in (1..70).chain([255, 256, 257, 4_000, 32_767, 32_768]) {
        for length in (3..70).chain([257, 258]) {
            let mut data = Vec::new();
            let mut seed: u32 = distance;
            for _ in 0..distance {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                data.push((seed >> 24) as u8);
            }
            // A stored block, then a copy with the fixed codes, twice, and room behind it.
            let mut deflate = Vec::new();
            for piece in data.chunks(0xffff) {
                deflate.push(0);
                deflate.extend((piece.len() as u16).to_le_bytes());
                deflate.extend((!(piece.len() as u16)).to_le_bytes());
                deflate.extend(piece);
            }
            let symbol = (257..285).rev().find(|symbol| length_base(*symbol) <= length);
            let symbol = if length == 258 { 285 } else { symbol.unwrap() };
            let extra = (length - length_base(symbol), length_extra(symbol));
            let far = (0..30).rev().find(|symbol| distance_base(*symbol) <= distance).unwrap();
            let far_extra = (distance - distance_base(far), distance_extra(far));
            let word = match symbol {
                ..280 => ((symbol - 256_u32).reverse_bits() >> 25, 7),
                _ => ((0xc0 + symbol - 280).reverse_bits() >> 24, 8),
            };
            let copy = [word, extra, (far.reverse_bits() >> 27, 5), far_extra];
            let mut numbers = vec![(1, 1), (1, 2)];
            numbers.extend(copy.iter().chain(&copy));
            numbers.push((0, 7));
            deflate.extend(bits(numbers));
            deflate.extend([0; 20]);
            for _ in 0..2 * length {
                data.push(data[data.len() - distance as usize]);
            }
            for path in INFLATE_PATHS {
                let (got, end) = inflate_by(path, &deflate, usize::MAX, 40_000).unwrap();
                assert!(got == data, "{path:?}, distance {distance}, length {length}");
                assert_eq!(end, Some(deflate.len() - 20));
            }
        }
    }
}

fn length_extra(symbol: u32) -> u32 {
    if (265..285).contains(&symbol) { (symbol - 261) / 4 } else { 0 }
}

fn length_base(symbol: u32) -> u32 {
    match symbol {
        285 => 258,
        _ => 3 + (257..symbol).map(|symbol| 1 << length_extra(symbol)).sum::<u32>(),
    }
}

fn distance_extra(symbol: u32) -> u32 {
    symbol.saturating_sub(2) / 2
}

fn distance_base(symbol: u32) -> u32 {
    1 + (0..symbol).map(|symbol| 1 << distance_extra(symbol)).sum::<u32>()
}

/// Inputs by which the fuzz target `gzip` came to code that others had not come to.
#[test]
fn kept_inputs_inflate_alike() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/fuzz/gzip");
    let mut inputs = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let input = std::fs::read(file.unwrap().path()).unwrap();
        // The target's first six bytes are sizes.
        let deflate = input.get(6..).unwrap_or_default();
        for chunk in [1, 33, usize::MAX] {
            assert_inflates_alike(deflate, chunk, 3_000);
        }
        inputs += 1;
    }
    assert!(inputs > 50, "{inputs}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 128 }))]

    #[test]
    fn what_is_compressed_is_decoded_again(
        members in prop::collection::vec((data(), 0..10_u32), 1..4),
        padding in prop_oneof![Just(0_usize), 0..20_usize],
        chunk in 1..5_000_usize,
        room in 1..5_000_usize,
        late_end: bool,
    ) {
        let mut file: Vec<u8> = members.iter().flat_map(|(data, level)| gz(data, *level)).collect();
        let mut oracle = Vec::new();
        flate2::read::MultiGzDecoder::new(&file[..]).read_to_end(&mut oracle).unwrap();
        file.resize(file.len() + padding, 0);
        for path in INFLATE_PATHS {
            let mut decoder = path.decoder();
            let got = decode_by(&mut decoder, &file, chunk, room, late_end);
            prop_assert!(got.as_ref() == Ok(&oracle), "{path:?}: {got:02x?}");
        }
    }

    #[test]
    fn every_way_agrees_on_damaged_files(
        members in prop::collection::vec((data(), 0..10_u32), 1..3),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 1..3),
        chunk in 1..200_usize,
        room in 1..3_000_usize,
    ) {
        let mut file: Vec<u8> = members.iter().flat_map(|(data, level)| gz(data, *level)).collect();
        for (at, byte, how) in damage {
            let at = at.index(file.len());
            match how {
                0 => file[at] = byte,
                1 => file.insert(at, byte),
                2 => { file.remove(at); }
                _ => file.truncate(at.max(1)),
            }
        }
        let decode = |path: InflatePath| decode_by(&mut path.decoder(), &file, chunk, room, false);
        let answers = INFLATE_PATHS.map(decode);
        let [kernels @ .., reference] = answers;
        let mut oracle = Vec::new();
        if flate2::read::MultiGzDecoder::new(&file[..]).read_to_end(&mut oracle).is_ok() {
            prop_assert_eq!(reference.as_ref(), Ok(&oracle));
        }
        for kernel in kernels {
            match (&kernel, &reference) {
                (Ok(kernel), Ok(reference)) => prop_assert!(kernel == reference),
                (Err(_), Err(_)) => {}
                (kernel, reference) => prop_assert!(false, "{kernel:02x?}\n{reference:02x?}"),
            }
        }
    }

    #[test]
    fn any_bytes_inflate_alike(
        deflate in prop::collection::vec(any::<u8>(), 0..400),
        chunk in 1..100_usize,
        room in 1..3_000_usize,
    ) {
        assert_inflates_alike(&deflate, chunk, room);
    }

    #[test]
    fn any_codes_inflate_alike(
        literals in prop::collection::vec(any::<usize>(), 0..400),
        distances in prop::collection::vec(any::<usize>(), 0..60),
        counts in (257..289_usize, 1..33_usize),
        damage in prop::option::of((any::<usize>(), 0..16_u8)),
        far_damage in prop::option::of((any::<usize>(), 0..16_u8)),
        rest in prop::collection::vec(any::<u8>(), 0..300),
        chunk in 1..400_usize,
        room in prop_oneof![1..700_usize, Just(10_000)],
    ) {
        let literals = some_lengths(counts.0, &literals, damage);
        let distances = some_lengths(counts.1, &distances, far_damage);
        let mut numbers = code_lengths_header(&literals, &distances);
        numbers.extend(rest.iter().map(|byte| (u32::from(*byte), 8)));
        assert_inflates_alike(&bits(numbers), chunk, room);
    }

    #[test]
    fn damaged_deflate_data_inflates_alike(
        data in data(),
        level in 0..10_u32,
        damage in prop::collection::vec((any::<prop::sample::Index>(), 0..8_u32), 0..4),
        chunk in prop_oneof![1..100_usize, Just(usize::MAX)],
        room in prop_oneof![1..700_usize, Just(100_000)],
    ) {
        let file = gz(&data, level);
        let mut deflate = file[10..].to_vec();
        for (at, bit) in damage {
            let at = at.index(deflate.len());
            deflate[at] ^= 1 << bit;
        }
        assert_inflates_alike(&deflate, chunk, room);
    }

    #[test]
    fn two_at_a_time_inflate_as_each_alone(
        data in [data(), data()],
        levels in [0..10_u32, 0..10_u32],
        damage in prop::collection::vec((0..2_usize, any::<prop::sample::Index>(), 0..8_u32), 0..4),
        missing in prop::array::uniform2(prop_oneof![2 => Just(0), 1 => 1..900_usize]),
        spare in 1..1_000_usize,
    ) {
        let mut deflate = [0, 1].map(|piece| gz(&data[piece], levels[piece])[10..].to_vec());
        for (piece, at, bit) in damage {
            let at = at.index(deflate[piece].len());
            deflate[piece][at] ^= 1 << bit;
        }
        let room = [0, 1].map(|piece| {
            (data[piece].len() + spare).saturating_sub(missing[piece]).max(1)
        });
        let whole = |found: Inflated, output: &[u8]| match found {
            Ok(Some(length)) if length < output.len() => Some(output[..length].to_vec()),
            // Whether the end is seen when the output is full to the last byte is not fixed.
            _ => None,
        };
        let expected = [0, 1].map(|piece| {
            let mut output = vec![0xa5; room[piece]];
            let found = RawInflate::new(Inflate::Reference).inflate(&deflate[piece], &mut output);
            whole(found, &output)
        });
        for path in INFLATE_PATHS {
            let mut inflate =
                RawInflate::with_engines(path.decoder().engine, path.decoder().engine);
            let [mut one, mut two] = room.map(|room| vec![0xa5; room]);
            // Twice: nothing of an earlier pair is left.
            for _ in 0..2 {
                let inputs = [&deflate[0][..], &deflate[1][..]];
                let [first, second] = inflate.inflate_two(inputs, [&mut one, &mut two]);
                let found = [whole(first, &one), whole(second, &two)];
                prop_assert!(found == expected, "{path:?}: {found:02x?}\n{expected:02x?}");
            }
        }
    }
}
