//! The kernel for x86-64 with AVX2: eight streams, one in each 32-bit lane.
//!
//! Never knows how long a stream is.

use super::block::{Mix, RoundStep, steps};
use super::{Md5Block, Md5State};
use std::arch::x86_64::{
    __m256i, _mm_cvtsi32_si128, _mm256_add_epi32, _mm256_and_si256, _mm256_loadu_si256,
    _mm256_or_si256, _mm256_permute2x128_si256, _mm256_set1_epi32, _mm256_setzero_si256,
    _mm256_sll_epi32, _mm256_srl_epi32, _mm256_storeu_si256, _mm256_unpackhi_epi32,
    _mm256_unpackhi_epi64, _mm256_unpacklo_epi32, _mm256_unpacklo_epi64, _mm256_xor_si256,
};

/// Streams at once.
pub(super) const LANES: usize = 8;

/// Proof that the machine has the instructions this kernel needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Avx2(());

impl Avx2 {
    /// The kernel, if this machine can run it.
    pub(super) fn detect() -> Option<Self> {
        is_x86_feature_detected!("avx2").then_some(Self(()))
    }

    /// Takes blocks, as many of each stream as the shortest has, into the states.
    #[expect(unsafe_code, reason = "calls a function compiled for instructions known to be there")]
    pub(super) fn compress(self, states: &mut [Md5State; LANES], blocks: &[&[Md5Block]; LANES]) {
        // SAFETY: `self` is only ever made by `detect`, which saw the feature that `compress`
        // enables.
        unsafe { compress(states, blocks) }
    }
}

#[target_feature(enable = "avx2")]
fn compress(states: &mut [Md5State; LANES], blocks: &[&[Md5Block]; LANES]) {
    let mut state = [_mm256_setzero_si256(); 4];
    for (place, words) in state.iter_mut().enumerate() {
        let mut lanes = [0; LANES];
        for (lane, state) in lanes.iter_mut().zip(&*states) {
            *lane = state[place];
        }
        *words = load_words(&lanes);
    }
    let shortest = blocks.iter().map(|blocks| blocks.len()).min().unwrap_or(0);
    for place in 0..shortest {
        let mut halves = [[_mm256_setzero_si256(); LANES]; 2];
        for (lane, blocks) in blocks.iter().enumerate() {
            [halves[0][lane], halves[1][lane]] = load(&blocks[place]);
        }
        let mut message = [_mm256_setzero_si256(); 16];
        for (words, rows) in message.as_chunks_mut().0.iter_mut().zip(&halves) {
            *words = transposed(rows);
        }
        let stirred = steps(state, &message, |step, state, word| stir(step, state, word));
        for (old, new) in state.iter_mut().zip(stirred) {
            *old = _mm256_add_epi32(*old, new);
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

/// As its portable twin.
#[inline]
#[target_feature(enable = "avx2")]
fn stir(step: RoundStep, [a, b, c, d]: [__m256i; 4], word: __m256i) -> __m256i {
    let (and, or, xor) = (
        |x, y| _mm256_and_si256(x, y),
        |x, y| _mm256_or_si256(x, y),
        |x, y| _mm256_xor_si256(x, y),
    );
    let not_d = xor(d, _mm256_set1_epi32(-1));
    let mixed = match step.mix {
        Mix::F => xor(d, and(b, xor(c, d))),
        Mix::G => xor(c, and(d, xor(b, c))),
        Mix::H => xor(b, xor(c, d)),
        Mix::I => xor(c, or(b, not_d)),
    };
    let sum = _mm256_add_epi32(a, _mm256_set1_epi32(step.constant as i32));
    let sum = _mm256_add_epi32(_mm256_add_epi32(sum, word), mixed);
    let left = _mm256_sll_epi32(sum, _mm_cvtsi32_si128(step.rotation as i32));
    let right = _mm256_srl_epi32(sum, _mm_cvtsi32_si128(32 - step.rotation as i32));
    _mm256_add_epi32(b, or(left, right))
}

/// Turns rows into columns: word `j` of row `i` becomes word `i` of row `j`.
#[inline]
#[target_feature(enable = "avx2")]
fn transposed(rows: &[__m256i; LANES]) -> [__m256i; LANES] {
    let mut quads = [_mm256_setzero_si256(); LANES];
    for (out, rows) in quads.as_chunks_mut::<4>().0.iter_mut().zip(rows.as_chunks::<4>().0) {
        let low = _mm256_unpacklo_epi32(rows[0], rows[1]);
        let high = _mm256_unpackhi_epi32(rows[0], rows[1]);
        let next_low = _mm256_unpacklo_epi32(rows[2], rows[3]);
        let next_high = _mm256_unpackhi_epi32(rows[2], rows[3]);
        *out = [
            _mm256_unpacklo_epi64(low, next_low),
            _mm256_unpackhi_epi64(low, next_low),
            _mm256_unpacklo_epi64(high, next_high),
            _mm256_unpackhi_epi64(high, next_high),
        ];
    }
    // `quads[4 * group + word]` now holds, in its half h, word `4 * h + word` of the group.
    let mut columns = [_mm256_setzero_si256(); LANES];
    for word in 0..4 {
        let (first, second) = (quads[word], quads[4 + word]);
        columns[word] = _mm256_permute2x128_si256::<0x20>(first, second);
        columns[4 + word] = _mm256_permute2x128_si256::<0x31>(first, second);
    }
    columns
}

#[inline]
#[target_feature(enable = "avx2")]
#[expect(unsafe_code, reason = "vector loads take pointers")]
fn load(block: &Md5Block) -> [__m256i; 2] {
    let half = block.as_ptr().cast::<__m256i>();
    // SAFETY: the reference vouches for 64 readable bytes, which are the two vectors of 32; `loadu`
    // asks for no alignment.
    unsafe { [_mm256_loadu_si256(half), _mm256_loadu_si256(half.add(1))] }
}

#[inline]
#[target_feature(enable = "avx2")]
#[expect(unsafe_code, reason = "vector loads take pointers")]
fn load_words(words: &[u32; LANES]) -> __m256i {
    // SAFETY: the reference vouches for 8 readable values of four bytes, the whole vector; `loadu`
    // asks for no alignment.
    unsafe { _mm256_loadu_si256(words.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
#[expect(unsafe_code, reason = "vector stores take pointers")]
fn store_words(words: &mut [u32; LANES], values: __m256i) {
    // SAFETY: the reference vouches for 8 writable values of four bytes, the whole vector; `storeu`
    // asks for no alignment.
    unsafe { _mm256_storeu_si256(words.as_mut_ptr().cast(), values) }
}
