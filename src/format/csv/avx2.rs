//! The kernel for x86-64 with AVX2: a block is two vectors of 32 bytes.
//!
//! Never knows what the masks are used for.

use super::index::{BLOCK_BYTES, Masks, SeparatorCounts, append_bits, index_blocks};
use std::arch::x86_64::{
    __m256i, _mm_clmulepi64_si128, _mm_cvtsi128_si64, _mm_set_epi64x, _mm_set1_epi8,
    _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8,
};

/// Proof that the machine has the instructions this kernel needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Avx2(());

impl Avx2 {
    /// The kernel, if this machine can run it.
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("pclmulqdq")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("popcnt"))
        .then_some(Self(()))
    }

    /// Indexes `data`; see [`index_blocks`].
    #[expect(unsafe_code, reason = "calls a function compiled for instructions known to be there")]
    pub(super) fn index(self, data: &[u8], positions: &mut [u32]) -> SeparatorCounts {
        // SAFETY: `self` is only ever made by `detect`, which saw every feature `index` enables.
        unsafe { index(data, positions) }
    }
}

#[target_feature(enable = "avx2,pclmulqdq,bmi1,bmi2,popcnt")]
fn index(data: &[u8], positions: &mut [u32]) -> SeparatorCounts {
    index_blocks(data, positions, |block| classify(block), |bits| prefix_xor(bits), append_bits)
}

#[inline]
#[target_feature(enable = "avx2")]
fn classify(block: &[u8; BLOCK_BYTES]) -> Masks {
    let [low, high] = load(block);
    let equal = |byte: u8| {
        let byte = _mm256_set1_epi8(byte as i8);
        [_mm256_cmpeq_epi8(low, byte), _mm256_cmpeq_epi8(high, byte)]
    };
    let mask = |[low, high]: [__m256i; 2]| {
        let low = _mm256_movemask_epi8(low) as u32;
        let high = _mm256_movemask_epi8(high) as u32;
        u64::from(high) << 32 | u64::from(low)
    };
    let ([lf_low, lf_high], [cr_low, cr_high]) = (equal(b'\n'), equal(b'\r'));
    Masks {
        quote: mask(equal(b'"')),
        comma: mask(equal(b',')),
        terminator: mask([_mm256_or_si256(lf_low, cr_low), _mm256_or_si256(lf_high, cr_high)]),
    }
}

#[inline]
#[target_feature(enable = "avx2")]
#[expect(unsafe_code, reason = "vector loads take pointers")]
fn load(block: &[u8; BLOCK_BYTES]) -> [__m256i; 2] {
    let half = block.as_ptr().cast::<__m256i>();
    // SAFETY: the reference vouches for 64 readable bytes, which are the two vectors of 32; `loadu`
    // asks for no alignment.
    unsafe { [_mm256_loadu_si256(half), _mm256_loadu_si256(half.add(1))] }
}

/// The running parity: a carry-less product with all ones adds up every shift of `bits`.
#[inline]
#[target_feature(enable = "pclmulqdq")]
pub(super) fn prefix_xor(bits: u64) -> u64 {
    let product = _mm_clmulepi64_si128::<0>(_mm_set_epi64x(0, bits as i64), _mm_set1_epi8(-1));
    _mm_cvtsi128_si64(product) as u64
}
