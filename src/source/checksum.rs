//! CRC-64/NVME: the checksum by which S3 tells whether an object holds a file's bytes.
//!
//! S3 keeps it of whole objects, also of those that came in parts, and `HeadObject` gives it back;
//! a SHA-256 it keeps of parts only (S3 User Guide, "Checking object integrity").
//!
//! It costs next to nothing (some 40 GB/s), and pieces of a file can be hashed by different threads
//! in any order: [`Crc64Nvme::combine`] makes one checksum of two. It finds damage, not malice:
//! anybody can make other bytes of the same checksum.

use std::fmt;
use std::str::FromStr;

use crc_fast::{CrcAlgorithm, Digest};

/// The digits of Base64 (RFC 4648).
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Digits of six bits that 64 bits take; one of padding follows.
const DIGITS: usize = 11;

/// Bits that the last digit has beyond the 64.
const PADDING_BITS: u32 = 6 * DIGITS as u32 - u64::BITS;

/// The polynomial without its highest term, the lowest power in the highest bit.
const POLYNOMIAL: u64 = 0x9a6c_9329_ac4b_c9b5;

/// A byte has this many bits, as a power of two.
const BYTE_BITS_LOG: u32 = 3;

/// x to the power of 2^k, modulo the polynomial, by k: enough for the bits of 2^64 bytes.
const POWERS: [u64; (u64::BITS + BYTE_BITS_LOG) as usize] = powers();

/// The CRC-64/NVME of some bytes. It is shown as S3's header `x-amz-checksum-crc64nvme` holds it:
/// eight bytes, the highest first, in Base64.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Crc64Nvme(u64);

impl Crc64Nvme {
    /// Of these bytes.
    #[must_use]
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let mut hasher = Crc64NvmeHasher::new();
        hasher.update(bytes);
        hasher.finish()
    }

    /// That of two pieces, one after the other, from those of each and the length of the second.
    ///
    /// A checksum is the remainder of its bytes, taken as a polynomial, so bytes that follow
    /// multiply the first one by a power of x. `crc-fast` has this, too (the tests compare), but
    /// squares a matrix for each bit of the length, which takes longer than to hash the second
    /// piece.
    #[must_use]
    pub(crate) fn combine(first: Self, second: Self, second_len_bytes: u64) -> Self {
        let (mut shifted, mut rest) = (first.0, second_len_bytes);
        while rest > 0 {
            let place = rest.trailing_zeros();
            shifted = multiply(shifted, POWERS[(place + BYTE_BITS_LOG) as usize]);
            rest &= rest - 1;
        }
        Self(shifted ^ second.0)
    }
}

/// Not a checksum as S3 writes it of a whole object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a CRC-64/NVME in Base64")]
pub(crate) struct MalformedChecksum;

impl FromStr for Crc64Nvme {
    type Err = MalformedChecksum;

    /// Reads one as S3 writes it of a whole object: servers have been seen to give others for
    /// objects that came in parts.
    fn from_str(text: &str) -> Result<Self, MalformedChecksum> {
        let digits = text.strip_suffix('=').ok_or(MalformedChecksum)?.as_bytes();
        if digits.len() != DIGITS {
            return Err(MalformedChecksum);
        }
        let mut padded = 0_u128;
        for digit in digits {
            let value = BASE64.iter().position(|known| known == digit).ok_or(MalformedChecksum)?;
            padded = (padded << 6) | value as u128;
        }
        match padded & ((1 << PADDING_BITS) - 1) {
            0 => Ok(Self((padded >> PADDING_BITS) as u64)),
            _ => Err(MalformedChecksum),
        }
    }
}

impl fmt::Display for Crc64Nvme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let padded = u128::from(self.0) << PADDING_BITS;
        let digits: String = (0..DIGITS)
            .rev()
            .map(|place| char::from(BASE64[(padded >> (6 * place)) as usize & 63]))
            .collect();
        write!(f, "{digits}=")
    }
}

impl fmt::Debug for Crc64Nvme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Crc64Nvme({self})")
    }
}

/// A CRC-64/NVME being computed.
#[derive(Clone)]
pub(crate) struct Crc64NvmeHasher(Digest);

impl Crc64NvmeHasher {
    /// Of no bytes yet.
    #[must_use]
    pub(crate) fn new() -> Self {
        Self(Digest::new(CrcAlgorithm::Crc64Nvme))
    }

    /// Takes in more bytes.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The checksum of all bytes so far.
    #[must_use]
    pub(crate) fn finish(&self) -> Crc64Nvme {
        Crc64Nvme(self.0.finalize())
    }
}

impl Default for Crc64NvmeHasher {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Crc64NvmeHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Crc64NvmeHasher({})", self.finish())
    }
}

/// The product of two polynomials modulo [`POLYNOMIAL`], without a branch.
const fn multiply(one: u64, mut other: u64) -> u64 {
    let mut product = 0;
    let mut place = u64::BITS;
    while place > 0 {
        place -= 1;
        product ^= other & ((one >> place) & 1).wrapping_neg();
        // Times x.
        other = (other >> 1) ^ (POLYNOMIAL & (other & 1).wrapping_neg());
    }
    product
}

const fn powers() -> [u64; (u64::BITS + BYTE_BITS_LOG) as usize] {
    // x itself.
    let mut power = 1 << 62;
    let mut powers = [0; (u64::BITS + BYTE_BITS_LOG) as usize];
    let mut place = 0;
    while place < powers.len() {
        powers[place] = power;
        power = multiply(power, power);
        place += 1;
    }
    powers
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn checksums_are_written_as_s3_has_them() {
        // The check value of the algorithm is ae8b14860a799888.
        let check = Crc64Nvme::of(b"123456789");
        assert_eq!(check.to_string(), "rosUhgp5mIg=");
        assert_eq!("rosUhgp5mIg=".parse(), Ok(check));
        assert_eq!(Crc64Nvme::of(b"").to_string(), "AAAAAAAAAAA=");
        let others =
            ["", "7w4HOw==", "rosUhgp5mIg=-2", "rosUhgp5mI-=", "rosUhgp5mIgg", "rosUhgp5mIh="];
        for other in others {
            assert_eq!(other.parse::<Crc64Nvme>(), Err(MalformedChecksum), "{other}");
        }
        let mut pieces = Crc64NvmeHasher::new();
        pieces.update(b"1234");
        pieces.update(b"56789");
        assert_eq!(pieces.finish(), check);
    }

    proptest! {
        /// The bytes hashed at once are the oracle.
        #[test]
        fn pieces_combine_to_the_checksum_of_all(
            bytes in prop::collection::vec(any::<u8>(), 0..3_000),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        ) {
            let mut cuts: Vec<usize> =
                cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let mut all = Crc64Nvme::of(b"");
            for cut in cuts.windows(2) {
                let piece = &bytes[cut[0]..cut[1]];
                all = Crc64Nvme::combine(all, Crc64Nvme::of(piece), piece.len() as u64);
            }
            prop_assert_eq!(all, Crc64Nvme::of(&bytes));
        }

        /// Lengths that no test can hash.
        #[test]
        fn combining_is_what_the_crate_makes_of_it(
            first in any::<u64>(),
            second in any::<u64>(),
            len_bytes in any::<u64>(),
            len_bits in 0_u32..64,
        ) {
            // The crate counts bits in 64 bits.
            let len_bytes = len_bytes >> len_bits >> BYTE_BITS_LOG;
            let algorithm = CrcAlgorithm::Crc64Nvme;
            let expected = crc_fast::checksum_combine(algorithm, first, second, len_bytes);
            let found = Crc64Nvme::combine(Crc64Nvme(first), Crc64Nvme(second), len_bytes);
            prop_assert_eq!(found, Crc64Nvme(expected));
        }

        #[test]
        fn what_is_written_is_read_again(value in any::<u64>()) {
            prop_assert_eq!(Crc64Nvme(value).to_string().parse(), Ok(Crc64Nvme(value)));
        }
    }
}
