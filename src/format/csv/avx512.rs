//! The kernel for x86-64 with AVX-512: a block is one vector, and places of bits are compressed.
//!
//! Never knows what the masks are used for.

use super::avx2::prefix_xor;
use super::index::{BLOCK_BYTES, Masks, SLACK, SeparatorCounts, append_bits, index_blocks};
use std::arch::x86_64::{
    __m512i, _mm512_add_epi32, _mm512_castsi512_si128, _mm512_cmpeq_epi8_mask,
    _mm512_cvtepu8_epi32, _mm512_loadu_si512, _mm512_maskz_compress_epi8, _mm512_set1_epi8,
    _mm512_set1_epi32, _mm512_storeu_si512,
};

/// Proof that the machine has the instructions this kernel needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Avx512(());

impl Avx512 {
    /// The kernel, if this machine can run it.
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vbmi2")
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

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,pclmulqdq,bmi1,bmi2,popcnt")]
fn index(data: &[u8], positions: &mut [u32]) -> SeparatorCounts {
    index_blocks(
        data,
        positions,
        |block| classify(block),
        |bits| prefix_xor(bits),
        |out, base, bits| append_compressed(out, base, bits),
    )
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn classify(block: &[u8; BLOCK_BYTES]) -> Masks {
    let bytes = load(block);
    let equal = |byte: u8| _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(byte as i8));
    Masks { quote: equal(b'"'), comma: equal(b','), terminator: equal(b'\n') | equal(b'\r') }
}

/// The numbers 0 to 63: the place of every bit of a mask.
const PLACES: [u8; BLOCK_BYTES] = {
    let mut places = [0; BLOCK_BYTES];
    let mut place = 0;
    while place < BLOCK_BYTES {
        places[place] = place as u8;
        place += 1;
    }
    places
};

/// As [`append_bits`], without a loop for up to 16 bits, which is all but the densest blocks.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi2")]
fn append_compressed(out: &mut [u32], base: u32, bits: u64) -> usize {
    let count = bits.count_ones() as usize;
    match out.first_chunk_mut::<SLACK>() {
        Some(out) if count <= SLACK => {
            let places = _mm512_maskz_compress_epi8(bits, load(&PLACES));
            let places = _mm512_cvtepu8_epi32(_mm512_castsi512_si128(places));
            store(out, _mm512_add_epi32(places, _mm512_set1_epi32(base as i32)));
            count
        }
        _ => append_bits(out, base, bits),
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
#[expect(unsafe_code, reason = "vector loads take pointers")]
fn load(block: &[u8; BLOCK_BYTES]) -> __m512i {
    // SAFETY: the reference vouches for 64 readable bytes, the whole vector; `loadu` asks for no
    // alignment.
    unsafe { _mm512_loadu_si512(block.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
#[expect(unsafe_code, reason = "vector stores take pointers")]
fn store(out: &mut [u32; SLACK], values: __m512i) {
    // SAFETY: the reference vouches for 16 writable values of four bytes, the whole vector;
    // `storeu` asks for no alignment.
    unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), values) }
}
