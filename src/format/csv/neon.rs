//! The kernel for 64-bit ARM: a block is four vectors of 16 bytes.
//!
//! Never knows what the masks are used for.

use super::index::{BLOCK_BYTES, Masks, SeparatorCounts, append_bits, index_blocks};
use super::portable::prefix_xor;
use std::arch::aarch64::{
    uint8x16_t, vandq_u8, vceqq_u8, vdupq_n_u8, vgetq_lane_u64, vld1q_u8, vorrq_u8, vpaddq_u8,
    vreinterpretq_u64_u8,
};

/// Proof that the machine has the instructions this kernel needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Neon(());

impl Neon {
    /// The kernel, if this machine can run it.
    pub(super) fn detect() -> Option<Self> {
        std::arch::is_aarch64_feature_detected!("neon").then_some(Self(()))
    }

    /// Indexes `data`; see [`index_blocks`].
    #[expect(unsafe_code, reason = "calls a function compiled for instructions known to be there")]
    pub(super) fn index(self, data: &[u8], positions: &mut [u32]) -> SeparatorCounts {
        // SAFETY: `self` is only ever made by `detect`, which saw the feature `index` enables.
        unsafe { index(data, positions) }
    }
}

#[target_feature(enable = "neon")]
fn index(data: &[u8], positions: &mut [u32]) -> SeparatorCounts {
    index_blocks(data, positions, |block| classify(block), prefix_xor, append_bits)
}

#[inline]
#[target_feature(enable = "neon")]
fn classify(block: &[u8; BLOCK_BYTES]) -> Masks {
    let (parts, _) = block.as_chunks::<16>();
    let parts: [uint8x16_t; 4] = std::array::from_fn(|part| load(&parts[part]));
    let equal = |byte: u8| parts.map(|part| vceqq_u8(part, vdupq_n_u8(byte)));
    let (lf, cr) = (equal(b'\n'), equal(b'\r'));
    Masks {
        quote: mask(equal(b'"')),
        comma: mask(equal(b',')),
        terminator: mask(std::array::from_fn(|part| vorrq_u8(lf[part], cr[part]))),
    }
}

/// One bit for each byte: every true byte keeps the bit of its place among eight, and three rounds
/// of adding neighbours bring eight places together in one byte.
#[inline]
#[target_feature(enable = "neon")]
fn mask(truths: [uint8x16_t; 4]) -> u64 {
    let bits = load(&[1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128]);
    let [first, second, third, fourth] = truths.map(|truth| vandq_u8(truth, bits));
    let pairs = [vpaddq_u8(first, second), vpaddq_u8(third, fourth)];
    let fours = vpaddq_u8(pairs[0], pairs[1]);
    vgetq_lane_u64::<0>(vreinterpretq_u64_u8(vpaddq_u8(fours, fours)))
}

#[inline]
#[target_feature(enable = "neon")]
#[expect(unsafe_code, reason = "vector loads take pointers")]
fn load(bytes: &[u8; 16]) -> uint8x16_t {
    // SAFETY: the reference vouches for 16 readable bytes, the whole vector; no alignment is asked.
    unsafe { vld1q_u8(bytes.as_ptr()) }
}
