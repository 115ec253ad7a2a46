//! Every path against the crate `md-5`: any number of streams, of any lengths, cut anywhere.

use super::{BLOCK_BYTES, LANES_MAX, Md5Path, Md5Streams};
use md5::{Digest, Md5};
use proptest::prelude::*;

fn oracle(stream: &[u8]) -> [u8; 16] {
    Md5::digest(stream).into()
}

/// The digests by this path, when `rounds` pieces are fed, of lengths that `cut` gives for a
/// stream's and a round's number; then what is left.
fn digests(
    path: Md5Path,
    streams: &[Vec<u8>],
    rounds: usize,
    cut: impl Fn(usize, usize) -> usize,
) -> Vec<[u8; 16]> {
    let mut hasher = Md5Streams::new(streams.len(), path);
    let mut rests: Vec<&[u8]> = streams.iter().map(Vec::as_slice).collect();
    for round in 0..rounds {
        let mut pieces = Vec::new();
        for (number, rest) in rests.iter_mut().enumerate() {
            let (piece, later) = rest.split_at(rest.len().min(cut(number, round)));
            pieces.push(piece);
            *rest = later;
        }
        hasher.update(&pieces);
    }
    hasher.update(&rests);
    hasher.finish()
}

#[test]
fn the_digests_of_the_rfc() {
    let texts = [
        ("", "d41d8cd98f00b204e9800998ecf8427e"),
        ("abc", "900150983cd24fb0d6963f7d28e17f72"),
        ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
        ("abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"),
    ];
    let streams = texts.map(|(text, _)| text.as_bytes().to_vec());
    for path in Md5Path::available() {
        let found = digests(path, &streams, 0, |_, _| 0);
        for (digest, (text, expected)) in found.iter().zip(texts) {
            let found: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(found, expected, "{path}: {text:?}");
        }
    }
}

#[test]
fn every_length_around_the_padding_in_every_lane() {
    let lengths = 0..3 * BLOCK_BYTES + 2;
    let streams: Vec<Vec<u8>> =
        lengths.map(|length| (0..length).map(|at| (at * 7 + length) as u8).collect()).collect();
    let expected: Vec<_> = streams.iter().map(|stream| oracle(stream)).collect();
    for path in Md5Path::available() {
        for count in 1..2 * LANES_MAX + 2 {
            for (streams, expected) in streams.chunks(count).zip(expected.chunks(count)) {
                assert_eq!(digests(path, streams, 0, |_, _| 0), expected, "{path}");
                assert_eq!(digests(path, streams, 3, |number, _| number), expected, "{path}");
            }
        }
    }
}

#[test]
fn pieces_and_streams_need_not_be_as_many() {
    for path in Md5Path::available() {
        let mut hasher = Md5Streams::new(2, path);
        hasher.update(&[b"a"]);
        hasher.update(&[b"b", b"c", b"nobody's"]);
        assert_eq!(hasher.finish(), [oracle(b"ab"), oracle(b"c")]);
        assert!(Md5Streams::new(0, path).finish().is_empty());
    }
}

#[test]
fn the_choice_is_one_that_runs() {
    let available = Md5Path::available();
    assert_eq!(available.last(), Some(&Md5Path::Portable));
    assert_eq!(Md5Path::Auto.lanes(), available[0].lanes());
    assert_eq!(Md5Path::Portable.lanes(), 1);
    assert!(available.iter().all(|path| path.lanes() <= LANES_MAX));
}

proptest! {
    #[test]
    fn every_path_agrees_with_the_crate(
        lengths in proptest::collection::vec(0_usize..2000, 0..40),
        cuts in proptest::collection::vec(0_usize..300, 1..40),
        rounds in 0_usize..12,
        seed: u8,
    ) {
        let streams: Vec<Vec<u8>> = lengths
            .iter()
            .enumerate()
            .map(|(number, length)| {
                (0..*length).map(|at| (at * at / 3 + number * 31) as u8 ^ seed).collect()
            })
            .collect();
        let expected: Vec<_> = streams.iter().map(|stream| oracle(stream)).collect();
        for path in Md5Path::available() {
            let cut = |number, round| cuts[(number * 5 + round) % cuts.len()];
            prop_assert_eq!(digests(path, &streams, rounds, cut), &expected[..], "{}", path);
        }
    }
}
