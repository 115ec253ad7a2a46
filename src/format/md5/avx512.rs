//! The kernel for x86-64 with AVX-512: sixteen streams, one in each 32-bit lane.
//!
//! Never knows how long a stream is.

use super::block::{Mix, RoundStep, steps};
use super::{Md5Block, Md5State};
use std::arch::x86_64::{
    __m512i, _mm512_add_epi32, _mm512_loadu_si512, _mm512_rolv_epi32, _mm512_set1_epi32,
    _mm512_setzero_si512, _mm512_shuffle_i32x4, _mm512_storeu_si512, _mm512_ternarylogic_epi32,
    _mm512_unpackhi_epi32, _mm512_unpackhi_epi64, _mm512_unpacklo_epi32, _mm512_unpacklo_epi64,
};

/// Streams at once.
pub(super) const LANES: usize = 16;

/// Proof that the machine has the instructions this kernel needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Avx512(());

impl Avx512 {
    /// The kernel, if this machine can run it.
    pub(super) fn detect() -> Option<Self> {
        is_x86_feature_detected!("avx512f").then_some(Self(()))
    }

    /// Takes blocks, as many of each stream as the shortest has, into the states.
    #[expect(unsafe_code, reason = "calls a function compiled for instructions known to be there")]
    pub(super) fn compress(self, states: &mut [Md5State; LANES], blocks: &[&[Md5Block]; LANES]) {
        // SAFETY: `self` is only ever made by `detect`, which saw the feature that `compress`
        // enables.
        unsafe { compress(states, blocks) }
    }
}

#[target_feature(enable = "avx512f")]
fn compress(states: &mut [Md5State; LANES], blocks: &[&[Md5Block]; LANES]) {
    let mut state = [_mm512_setzero_si512(); 4];
    for (place, words) in state.iter_mut().enumerate() {
        let mut lanes = [0; LANES];
        for (lane, state) in lanes.iter_mut().zip(&*states) {
            *lane = state[place];
        }
        *words = load_words(&lanes);
    }
    let shortest = blocks.iter().map(|blocks| blocks.len()).min().unwrap_or(0);
    for place in 0..shortest {
        let mut rows = [_mm512_setzero_si512(); LANES];
        for (row, blocks) in rows.iter_mut().zip(blocks) {
            *row = load(&blocks[place]);
        }
        let message = transposed(&rows);
        let stirred = steps(state, &message, |step, state, word| stir(step, state, word));
        for (old, new) in state.iter_mut().zip(stirred) {
            *old = _mm512_add_epi32(*old, new);
        }
    }
    for (place, words) in state.iter().enumerate() {
        let mut lanes = [0; LANES];
        store_words(&mut lanes, *words);
        for (state, lane) in states.iter_mut().zip(lanes) {
            state[place] = lane;
        }
    }
}

/// As its portable twin; the immediates are truth tables, `b` being the highest bit of the index.
#[inline]
#[target_feature(enable = "avx512f")]
fn stir(step: RoundStep, [a, b, c, d]: [__m512i; 4], word: __m512i) -> __m512i {
    let mixed = match step.mix {
        Mix::F => _mm512_ternarylogic_epi32::<0xca>(b, c, d),
        Mix::G => _mm512_ternarylogic_epi32::<0xe4>(b, c, d),
        Mix::H => _mm512_ternarylogic_epi32::<0x96>(b, c, d),
        Mix::I => _mm512_ternarylogic_epi32::<0x39>(b, c, d),
    };
    let sum = _mm512_add_epi32(a, _mm512_set1_epi32(step.constant as i32));
    let sum = _mm512_add_epi32(_mm512_add_epi32(sum, word), mixed);
    let rotation = _mm512_set1_epi32(step.rotation as i32);
    _mm512_add_epi32(b, _mm512_rolv_epi32(sum, rotation))
}

/// Turns rows into columns: word `j` of row `i` becomes word `i` of row `j`. First within groups
/// of four rows and four words, then between the groups.
#[inline]
#[target_feature(enable = "avx512f")]
fn transposed(rows: &[__m512i; LANES]) -> [__m512i; LANES] {
    let mut quads = [_mm512_setzero_si512(); LANES];
    for (out, rows) in quads.as_chunks_mut::<4>().0.iter_mut().zip(rows.as_chunks::<4>().0) {
        let low = _mm512_unpacklo_epi32(rows[0], rows[1]);
        let high = _mm512_unpackhi_epi32(rows[0], rows[1]);
        let next_low = _mm512_unpacklo_epi32(rows[2], rows[3]);
        let next_high = _mm512_unpackhi_epi32(rows[2], rows[3]);
        *out = [
            _mm512_unpacklo_epi64(low, next_low),
            _mm512_unpackhi_epi64(low, next_low),
            _mm512_unpacklo_epi64(high, next_high),
            _mm512_unpackhi_epi64(high, next_high),
        ];
    }
    // `quads[4 * group + word]` now holds, in its quarter q, word `4 * q + word` of the group.
    let mut columns = [_mm512_setzero_si512(); LANES];
    for word in 0..4 {
        let [first, second, third, fourth] =
            [quads[word], quads[4 + word], quads[8 + word], quads[12 + word]];
        let even = _mm512_shuffle_i32x4::<0b10_00_10_00>(first, second);
        let odd = _mm512_shuffle_i32x4::<0b11_01_11_01>(first, second);
        let later_even = _mm512_shuffle_i32x4::<0b10_00_10_00>(third, fourth);
        let later_odd = _mm512_shuffle_i32x4::<0b11_01_11_01>(third, fourth);
        columns[word] = _mm512_shuffle_i32x4::<0b10_00_10_00>(even, later_even);
        columns[4 + word] = _mm512_shuffle_i32x4::<0b10_00_10_00>(odd, later_odd);
        columns[8 + word] = _mm512_shuffle_i32x4::<0b11_01_11_01>(even, later_even);
        columns[12 + word] = _mm512_shuffle_i32x4::<0b11_01_11_01>(odd, later_odd);
    }
    columns
}

#[inline]
#[target_feature(enable = "avx512f")]
#[expect(unsafe_code, reason = "vector loads take pointers")]
fn load(block: &Md5Block) -> __m512i {
    // SAFETY: the reference vouches for 64 readable bytes, the whole vector; `loadu` asks for no
    // alignment.
    unsafe { _mm512_loadu_si512(block.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
#[expect(unsafe_code, reason = "vector loads take pointers")]
fn load_words(words: &[u32; LANES]) -> __m512i {
    // SAFETY: the reference vouches for 16 readable values of four bytes, the whole vector;
    // `loadu` asks for no alignment.
    unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
#[expect(unsafe_code, reason = "vector stores take pointers")]
fn store_words(words: &mut [u32; LANES], values: __m512i) {
    // SAFETY: the reference vouches for 16 writable values of four bytes, the whole vector;
    // `storeu` asks for no alignment.
    unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), values) }
}
