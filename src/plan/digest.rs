//! The digest by which a plan knows a file, and its computation.

use crate::hex;
use md5::Md5;
use sha2::{Digest as _, Sha256};

/// The digest of a file of a plan, in hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileDigest<'a> {
    /// SHA-256, of a manifest.
    Sha256(&'a str),
    /// MD5, of a data file that an inventory manifest lists.
    Md5(&'a str),
}

/// Computes the digest of a file for comparison.
pub(crate) enum FileHasher {
    /// SHA-256.
    Sha256(Sha256),
    /// MD5.
    Md5(Md5),
}

impl<'a> FileDigest<'a> {
    /// A hasher for this kind of digest.
    #[must_use]
    pub(crate) fn hasher(&self) -> FileHasher {
        match self {
            Self::Sha256(_) => FileHasher::Sha256(Sha256::new()),
            Self::Md5(_) => FileHasher::Md5(Md5::new()),
        }
    }

    /// The name of the algorithm.
    pub(super) fn algorithm(&self) -> &'static str {
        match self {
            Self::Sha256(_) => "SHA-256",
            Self::Md5(_) => "MD5",
        }
    }

    /// The digest itself.
    #[must_use]
    pub(crate) fn hex(&self) -> &'a str {
        match self {
            Self::Sha256(hex) | Self::Md5(hex) => hex,
        }
    }
}

impl FileHasher {
    /// Adds bytes.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Md5(hasher) => hasher.update(bytes),
        }
    }

    /// The digest of all bytes, in hexadecimal.
    #[must_use]
    pub(crate) fn finish(self) -> String {
        match self {
            Self::Sha256(hasher) => hex::encode(hasher.finalize()),
            Self::Md5(hasher) => hex::encode(hasher.finalize()),
        }
    }
}
