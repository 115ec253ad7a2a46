//! The kernel for any machine, and for a single stream on every machine: one stream after another.
//!
//! Never knows how many streams there are. The safe twin of the vector kernels.

use super::block::{Mix, RoundStep, steps};
use super::{Md5Block, Md5State};

/// Takes blocks of one stream into its state.
pub(super) fn compress(state: &mut Md5State, blocks: &[Md5Block]) {
    for block in blocks {
        let mut message = [0; 16];
        for (word, bytes) in message.iter_mut().zip(block.as_chunks().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        let stirred = steps(*state, &message, stir);
        for (old, new) in state.iter_mut().zip(stirred) {
            *old = old.wrapping_add(new);
        }
    }
}

#[inline(always)]
fn stir(step: RoundStep, [a, b, c, d]: Md5State, word: u32) -> u32 {
    let sum = a.wrapping_add(word).wrapping_add(step.constant);
    let sum = match step.mix {
        Mix::F => sum.wrapping_add(d ^ (b & (c ^ d))),
        // Two sums of parts that share no bit: the part without `b`, which comes last, is early.
        Mix::G => sum.wrapping_add(c & !d).wrapping_add(b & d),
        Mix::H => sum.wrapping_add(b ^ (c ^ d)),
        Mix::I => sum.wrapping_add(c ^ (b | !d)),
    };
    b.wrapping_add(sum.rotate_left(step.rotation))
}
