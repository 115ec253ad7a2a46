//! The kernel for any machine: eight bytes at a time in ordinary 64-bit words.
//!
//! Never knows what the masks are used for. The vector kernels must give the same masks; this one
//! is their safe twin.

use super::index::{BLOCK_BYTES, Masks, SeparatorCounts, append_bits, index_blocks};

/// Indexes `data`; see [`index_blocks`].
pub(super) fn index(data: &[u8], positions: &mut [u32]) -> SeparatorCounts {
    index_blocks(data, positions, classify, prefix_xor, append_bits)
}

const fn every_byte(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

const LOW_BITS: u64 = every_byte(0x7f);

/// Bit 7 of every byte of `word` that is not `byte`, exact for all 256 values; other bits are
/// arbitrary.
///
/// The usual test for a zero byte by subtraction reports false hits behind a true one; adding
/// within seven bits can't carry into the neighbour.
#[inline(always)]
fn differs(word: u64, byte: u8) -> u64 {
    let difference = word ^ every_byte(byte);
    ((difference & LOW_BITS) + LOW_BITS) | difference
}

/// Turns the 8 by 8 bits of a word over: bit 8a + b becomes bit 8b + a. Swaps bits between
/// neighbours, then between pairs, then between halves.
#[inline(always)]
fn transposed(word: u64) -> u64 {
    const STEPS: [(u32, u64); 3] =
        [(7, 0x00aa_00aa_00aa_00aa), (14, 0x0000_cccc_0000_cccc), (28, 0x0000_0000_f0f0_f0f0)];
    STEPS.iter().fold(word, |word, (distance, places)| {
        let swapped = (word ^ word >> distance) & places;
        word ^ swapped ^ swapped << distance
    })
}

/// The masks of one block.
///
/// Word n's answers go to bit n of each byte, and one turn at the end puts all 64 in order. (A
/// multiplication per word to gather its answers was slower: the compiler vectorised it for
/// machines whose vectors can't multiply 64 bits.)
#[inline(always)]
pub(super) fn classify(block: &[u8; BLOCK_BYTES]) -> Masks {
    let (mut quote, mut comma, mut terminator) = (0, 0, 0);
    for (place, bytes) in block.as_chunks::<8>().0.iter().enumerate() {
        let word = u64::from_le_bytes(*bytes);
        let answers = |differs: u64| (differs & !LOW_BITS) >> (7 - place);
        quote |= answers(differs(word, b'"'));
        comma |= answers(differs(word, b','));
        terminator |= answers(differs(word, b'\n') & differs(word, b'\r'));
    }
    Masks {
        quote: transposed(!quote),
        comma: transposed(!comma),
        terminator: transposed(!terminator),
    }
}

/// Bit n of the result is the parity of bits 0..=n of `bits`.
#[inline(always)]
pub(super) fn prefix_xor(bits: u64) -> u64 {
    let mut parity = bits;
    for shift in [1, 2, 4, 8, 16, 32] {
        parity ^= parity << shift;
    }
    parity
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_value_is_told_apart_at_every_place() {
        for place in 0..BLOCK_BYTES {
            for value in 0..=255u8 {
                let mut block = [b'x'; BLOCK_BYTES];
                block[place] = value;
                let bit = |wanted: &[u8]| u64::from(wanted.contains(&value)) << place;
                let masks = classify(&block);
                assert_eq!(masks.quote, bit(b"\""), "byte {value} at {place}");
                assert_eq!(masks.comma, bit(b","), "byte {value} at {place}");
                assert_eq!(masks.terminator, bit(b"\r\n"), "byte {value} at {place}");
            }
        }
    }

    #[test]
    fn prefix_xor_is_the_running_parity() {
        for bits in [0, 1, 0b1010, u64::MAX, 1 << 63, 0x8000_0000_0000_0001] {
            let mut running = 0;
            let mut expected = 0;
            for place in 0..64 {
                running ^= bits >> place & 1;
                expected |= running << place;
            }
            assert_eq!(prefix_xor(bits), expected, "{bits:#x}");
        }
    }
}
