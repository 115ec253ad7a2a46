//! MD5 of many streams at once: each stream in a lane of the machine's vectors.
//!
//! Never knows files, nor what is done with a digest.
//!
//! # Why many at once
//! MD5 is one long chain: each of its 64 steps for a block needs the result of the step before, so
//! a core spends its time waiting, at about 0.65 GB/s, and no instruction set helps a single
//! stream. Streams do not depend on each other, though. Sixteen of them, one in each 32-bit lane of
//! a vector, go through the same steps in about the time of one.
//!
//! MD5 is here a checksum that a report happens to carry; it protects from accidents only.
//!
//! # What is where
//! - `block.rs`: the 64 steps, written once for any kind of word, one lane or many.
//! - `avx512.rs`, `avx2.rs`, `portable.rs`: what a word is, and how blocks come into lanes.
//! - Here: streams of unequal length, cut anywhere. All streams that have whole blocks left go in
//!   step as far as the shortest; then it drops out, and the others go on. The last one alone
//!   goes through the portable kernel, which is faster for a single stream.
//!
//! Crates that do this exist and are young: one hashes streams that arrive in pieces one after the
//! other, one is an alpha of 14,000 lines. What is needed is small.
//!
//! # If you change something
//! The crate `md-5` is the oracle of the tests and of the fuzz target `md5`; run both.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod block;
mod path;
mod portable;
#[cfg(test)]
mod tests;

pub(crate) use block::BLOCK_BYTES;
pub use block::LANES_MAX;
use block::{Md5Block, Md5State};
pub use path::Md5Path;

use path::Md5Kernel;

/// Bytes of the message's length in bits, at the very end of the padding.
const LENGTH_BYTES: usize = 8;

/// What every stream starts with (RFC 1321, 3.3).
const START: Md5State = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];

/// Some streams and how far they are hashed.
#[derive(Debug, Clone)]
pub struct Md5Streams {
    kernel: Md5Kernel,
    /// All three have one entry for each stream.
    states: Vec<Md5State>,
    partials: Vec<PartialBlock>,
    /// Bytes of each stream so far.
    bytes: Vec<u64>,
}

/// The end of a stream that is not a whole block yet.
#[derive(Debug, Clone, Copy)]
struct PartialBlock {
    block: Md5Block,
    /// Less than a block between calls.
    filled: usize,
}

impl PartialBlock {
    const EMPTY: Self = Self { block: [0; BLOCK_BYTES], filled: 0 };

    /// Takes bytes up to the block's end, and gives back the rest.
    fn fill<'a>(&mut self, piece: &'a [u8]) -> &'a [u8] {
        let (head, rest) = piece.split_at(piece.len().min(BLOCK_BYTES - self.filled));
        self.block[self.filled..][..head.len()].copy_from_slice(head);
        self.filled += head.len();
        rest
    }
}

impl Md5Streams {
    /// This many streams, all empty. `path` is a wish: one that the machine can't run is replaced
    /// by the fastest that it can.
    #[must_use]
    pub fn new(streams: usize, path: Md5Path) -> Self {
        Self {
            kernel: Md5Kernel::resolve(path),
            states: vec![START; streams],
            partials: vec![PartialBlock::EMPTY; streams],
            bytes: vec![0; streams],
        }
    }

    /// Adds to each stream the piece in its place: of any length, also none. Streams without a
    /// piece get nothing; pieces without a stream are ignored.
    pub fn update(&mut self, pieces: &[&[u8]]) {
        let mut rests = Vec::with_capacity(pieces.len());
        for (place, piece) in pieces.iter().enumerate().take(self.states.len()) {
            self.bytes[place] = self.bytes[place].wrapping_add(piece.len() as u64);
            let partial = &mut self.partials[place];
            rests.push(if partial.filled > 0 { partial.fill(piece) } else { piece });
        }
        let mut full: Vec<&[Md5Block]> = self.partials.iter().map(full_block).collect();
        if full.iter().any(|blocks| !blocks.is_empty()) {
            compress(self.kernel, &mut self.states, &mut full);
        }
        let mut whole = Vec::with_capacity(rests.len());
        for (partial, rest) in self.partials.iter_mut().zip(rests) {
            let (blocks, tail) = rest.as_chunks();
            if partial.filled == BLOCK_BYTES {
                partial.filled = 0;
            }
            partial.fill(tail);
            whole.push(blocks);
        }
        compress(self.kernel, &mut self.states, &mut whole);
    }

    /// The digest of each stream.
    #[must_use]
    pub fn finish(mut self) -> Vec<[u8; 16]> {
        let paddings: Vec<_> = self
            .partials
            .iter()
            .zip(&self.bytes)
            .map(|(partial, bytes)| pad(partial, *bytes))
            .collect();
        let mut last: Vec<&[Md5Block]> =
            paddings.iter().map(|(blocks, count)| &blocks[..*count]).collect();
        compress(self.kernel, &mut self.states, &mut last);
        self.states.iter().map(digest).collect()
    }
}

fn full_block(partial: &PartialBlock) -> &[Md5Block] {
    if partial.filled == BLOCK_BYTES { std::slice::from_ref(&partial.block) } else { &[] }
}

/// The one or two blocks that end a stream: what is left of it, a one bit, zeros, its length.
fn pad(partial: &PartialBlock, bytes: u64) -> ([Md5Block; 2], usize) {
    let mut blocks = [[0; BLOCK_BYTES]; 2];
    blocks[0][..partial.filled].copy_from_slice(&partial.block[..partial.filled]);
    blocks[0][partial.filled] = 0x80;
    let count = if partial.filled < BLOCK_BYTES - LENGTH_BYTES { 1 } else { 2 };
    let length = bytes.wrapping_mul(8).to_le_bytes();
    blocks[count - 1][BLOCK_BYTES - LENGTH_BYTES..].copy_from_slice(&length);
    (blocks, count)
}

fn digest(state: &Md5State) -> [u8; 16] {
    let mut digest = [0; 16];
    for (bytes, word) in digest.chunks_exact_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    digest
}

/// Takes every stream's blocks into its state. `inputs` are used up.
fn compress(kernel: Md5Kernel, states: &mut [Md5State], inputs: &mut [&[Md5Block]]) {
    let lanes = kernel.lanes();
    for (states, inputs) in states.chunks_mut(lanes).zip(inputs.chunks_mut(lanes)) {
        while compress_to_shortest(kernel, states, inputs) {}
    }
}

/// Takes as many blocks of each stream that has any as the shortest of them has; `false` once no
/// stream has any.
fn compress_to_shortest(
    kernel: Md5Kernel,
    states: &mut [Md5State],
    inputs: &mut [&[Md5Block]],
) -> bool {
    let mut busy = [0; LANES_MAX];
    let mut count = 0;
    let mut shortest = usize::MAX;
    for (place, blocks) in inputs.iter().enumerate().filter(|(_, blocks)| !blocks.is_empty()) {
        busy[count] = place;
        count += 1;
        shortest = shortest.min(blocks.len());
    }
    if count == 0 {
        return false;
    }
    if count == 1 {
        let place = busy[0];
        portable::compress(&mut states[place], std::mem::take(&mut inputs[place]));
        return false;
    }
    // Lanes without a stream of their own repeat the first one; their result is not used.
    let first = busy[0];
    busy[count..].fill(first);
    let mut lane_states = busy.map(|place| states[place]);
    let lane_blocks = busy.map(|place| &inputs[place][..shortest]);
    kernel.compress(&mut lane_states, &lane_blocks);
    for (place, state) in busy[..count].iter().zip(lane_states) {
        states[*place] = state;
        inputs[*place] = &inputs[*place][shortest..];
    }
    true
}
