//! The 64 steps of MD5 (RFC 1321, 3.4), for any kind of word: one lane or many.
//!
//! Never knows what a word is made of.

/// What one of the four rounds mixes three words by.
#[derive(Debug, Clone, Copy)]
pub(super) enum Mix {
    /// `b ? c : d`, bit by bit.
    F,
    /// `d ? b : c`, bit by bit.
    G,
    /// `b ^ c ^ d`.
    H,
    /// `c ^ (b | !d)`.
    I,
}

/// What sets a step apart from the others.
#[derive(Debug, Clone, Copy)]
pub(super) struct RoundStep {
    pub mix: Mix,
    /// Added along with the message word.
    pub constant: u32,
    /// How far the sum is rotated to the left.
    pub rotation: u32,
}

/// The step of this number, and the number of the message word that goes into it.
#[inline(always)]
const fn step(number: usize) -> (RoundStep, usize) {
    let (mix, rotations, word) = match number / 16 {
        0 => (Mix::F, [7, 12, 17, 22], number),
        1 => (Mix::G, [5, 9, 14, 20], 5 * number + 1),
        2 => (Mix::H, [4, 11, 16, 23], 3 * number + 5),
        _ => (Mix::I, [6, 10, 15, 21], 7 * number),
    };
    (RoundStep { mix, constant: CONSTANTS[number], rotation: rotations[number % 4] }, word % 16)
}

/// One block, without the addition of the old state at the end. `stir` gives, for the step and
/// `[a, b, c, d]` and a message word, the new `b`.
///
/// Written out step by step: only then are constants, rotations and places known to the compiler,
/// and neither state nor message is ever moved about.
#[inline(always)]
pub(super) fn steps<W: Copy>(
    mut state: [W; 4],
    message: &[W; 16],
    stir: impl Fn(RoundStep, [W; 4], W) -> W,
) -> [W; 4] {
    macro_rules! in_turn {
        ($($number:literal)*) => {$({
            const STEP: (RoundStep, usize) = step($number);
            let [_, b, c, d] = state;
            state = [d, stir(STEP.0, state, message[STEP.1]), b, c];
        })*};
    }
    in_turn!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
    in_turn!(16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31);
    in_turn!(32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47);
    in_turn!(48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63);
    state
}

/// The whole part of `2^32 * abs(sin(number + 1))`.
const CONSTANTS: [u32; 64] = [
    0xd76a_a478,
    0xe8c7_b756,
    0x2420_70db,
    0xc1bd_ceee,
    0xf57c_0faf,
    0x4787_c62a,
    0xa830_4613,
    0xfd46_9501,
    0x6980_98d8,
    0x8b44_f7af,
    0xffff_5bb1,
    0x895c_d7be,
    0x6b90_1122,
    0xfd98_7193,
    0xa679_438e,
    0x49b4_0821,
    0xf61e_2562,
    0xc040_b340,
    0x265e_5a51,
    0xe9b6_c7aa,
    0xd62f_105d,
    0x0244_1453,
    0xd8a1_e681,
    0xe7d3_fbc8,
    0x21e1_cde6,
    0xc337_07d6,
    0xf4d5_0d87,
    0x455a_14ed,
    0xa9e3_e905,
    0xfcef_a3f8,
    0x676f_02d9,
    0x8d2a_4c8a,
    0xfffa_3942,
    0x8771_f681,
    0x6d9d_6122,
    0xfde5_380c,
    0xa4be_ea44,
    0x4bde_cfa9,
    0xf6bb_4b60,
    0xbebf_bc70,
    0x289b_7ec6,
    0xeaa1_27fa,
    0xd4ef_3085,
    0x0488_1d05,
    0xd9d4_d039,
    0xe6db_99e5,
    0x1fa2_7cf8,
    0xc4ac_5665,
    0xf429_2244,
    0x432a_ff97,
    0xab94_23a7,
    0xfc93_a039,
    0x655b_59c3,
    0x8f0c_cc92,
    0xffef_f47d,
    0x8584_5dd1,
    0x6fa8_7e4f,
    0xfe2c_e6e0,
    0xa301_4314,
    0x4e08_11a1,
    0xf753_7e82,
    0xbd3a_f235,
    0x2ad7_d2bb,
    0xeb86_d391,
];
