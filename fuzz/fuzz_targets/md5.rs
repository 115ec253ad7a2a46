//! Every path must give the digests that the crate `md-5` gives, whatever the number of streams,
//! their lengths, and the pieces in which they come.
//!
//! The first bytes choose the number of streams and the sizes of the pieces; each stream is then
//! some stretch of the rest, repeated, so that short inputs fill many blocks, too.
#![no_main]

use libfuzzer_sys::fuzz_target;
use md5::{Digest, Md5};
use s3sieve::internal::{LANES_MAX, Md5Path, Md5Streams};

/// The most bytes of one stream: many blocks, and still a quick run.
const STREAM_BYTES_MAX: usize = 4 << 10;

/// Stream `number`, of unequal lengths.
fn stream(data: &[u8], number: usize, skew: u8) -> Vec<u8> {
    let start = (number * 13).min(data.len());
    let length = (data.len() + number * usize::from(skew)) % STREAM_BYTES_MAX;
    data[start..].iter().chain(data).cycle().copied().take(length).collect()
}

fn digests(path: Md5Path, streams: &[Vec<u8>], cuts: &[u8]) -> Vec<[u8; 16]> {
    let mut hasher = Md5Streams::new(streams.len(), path);
    let mut rests: Vec<&[u8]> = streams.iter().map(Vec::as_slice).collect();
    for (round, cut) in cuts.iter().enumerate() {
        let mut pieces = Vec::new();
        for (number, rest) in rests.iter_mut().enumerate() {
            let wanted = usize::from(*cut) * ((number + round) % 4);
            let (piece, later) = rest.split_at(rest.len().min(wanted));
            pieces.push(piece);
            *rest = later;
        }
        hasher.update(&pieces);
    }
    hasher.update(&rests);
    hasher.finish()
}

fuzz_target!(|input: &[u8]| {
    let [count, skew, cuts @ .., _, _] = input else { return };
    let cuts = &cuts[..cuts.len().min(6)];
    let streams: Vec<Vec<u8>> = (0..usize::from(*count) % (2 * LANES_MAX + 2))
        .map(|number| stream(input, number, *skew))
        .collect();
    let expected: Vec<[u8; 16]> = streams.iter().map(|bytes| Md5::digest(bytes).into()).collect();
    for path in Md5Path::available() {
        assert!(digests(path, &streams, cuts) == expected, "{path}");
    }
});
