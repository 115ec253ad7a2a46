//! Bytes as lower-case hexadecimal digits, as digests are written.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// Two digits for each byte.
#[must_use]
pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    let bytes = bytes.as_ref();
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a `String` does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The SHA-256 of bytes.
#[must_use]
pub(crate) fn sha256(bytes: impl AsRef<[u8]>) -> String {
    encode(Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_byte_has_two_digits() {
        assert_eq!(super::encode([0, 9, 0xab, 0xff]), "0009abff");
        assert_eq!(super::encode([]), "");
    }
}
