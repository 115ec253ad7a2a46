//! CRC-64/NVME: the checksum by which S3 tells whether an object holds a file's bytes.
//!
//! S3 keeps it of whole objects, also of those that came in parts, and `HeadObject` gives it back;
//! a SHA-256 it keeps of parts only (S3 User Guide, "Checking object integrity").

use std::fmt;

use crc_fast::{CrcAlgorithm, Digest};

/// The digits of Base64 (RFC 4648).
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Digits of six bits that 64 bits take; one of padding follows.
const DIGITS: usize = 11;

/// A CRC-64/NVME being computed. It is shown as S3's header `x-amz-checksum-crc64nvme` holds it:
/// eight bytes, the highest first, in Base64.
#[derive(Clone)]
pub(crate) struct Crc64Nvme(Digest);

impl Crc64Nvme {
    /// Of no bytes yet.
    #[must_use]
    pub(crate) fn new() -> Self {
        Self(Digest::new(CrcAlgorithm::Crc64Nvme))
    }

    /// Of these bytes.
    #[must_use]
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let mut checksum = Self::new();
        checksum.update(bytes);
        checksum
    }

    /// Whether a text may be one, of a whole object: servers have been seen to give others for
    /// objects that came in parts.
    #[must_use]
    pub(crate) fn is_one(text: &str) -> bool {
        let digits = text.strip_suffix('=').unwrap_or_default().as_bytes();
        digits.len() == DIGITS && digits.iter().all(|digit| BASE64.contains(digit))
    }

    /// Takes in more bytes.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
}

impl Default for Crc64Nvme {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for Crc64Nvme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The last digit has two bits more than there are.
        let padded = u128::from(self.0.finalize()) << 2;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_written_as_s3_has_them() {
        // The check value of the algorithm is ae8b14860a799888.
        assert_eq!(Crc64Nvme::of(b"123456789").to_string(), "rosUhgp5mIg=");
        assert_eq!(Crc64Nvme::new().to_string(), "AAAAAAAAAAA=");
        assert!(Crc64Nvme::is_one("rosUhgp5mIg="));
        for other in ["", "7w4HOw==", "rosUhgp5mIg=-2", "rosUhgp5mI-=", "rosUhgp5mIgg"] {
            assert!(!Crc64Nvme::is_one(other), "{other}");
        }
        let mut pieces = Crc64Nvme::of(b"1234");
        pieces.update(b"56789");
        assert_eq!(pieces.to_string(), "rosUhgp5mIg=");
    }
}
