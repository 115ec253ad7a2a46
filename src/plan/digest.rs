//! The digests by which a plan knows a file, and their computation.

use md5::Md5;
use sha2::{Digest as _, Sha256};

use crate::hex;
use crate::source::{Crc64Nvme, Crc64NvmeHasher};

/// The digests by which a plan knows its manifests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ManifestDigest {
    /// CRC-64/NVME, which S3 knows and checks. It finds damage, not malice: anybody can make other
    /// bytes of the same checksum.
    #[default]
    Crc64Nvme,
    /// SHA-256, too. It takes as much time as all else, and S3 doesn't know it: a manifest in S3
    /// is read wherever it is checked.
    Sha256,
}

/// What a plan says of a file's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileDigest<'a> {
    /// Of a manifest.
    Manifest {
        /// Its CRC-64/NVME, as S3 shows it.
        crc64nvme: &'a str,
        /// Its SHA-256, in hexadecimal, if the plan was made with it.
        sha256: Option<&'a str>,
    },
    /// Of a data file that an inventory manifest lists: its MD5, in hexadecimal.
    Md5(&'a str),
}

/// A file has other bytes than the plan says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("its {algorithm} is {found} where the plan says {expected}")]
pub(crate) struct DigestMismatch {
    algorithm: &'static str,
    found: String,
    expected: String,
}

/// Computes the digests of a file for comparison; its CRC-64/NVME, which costs nothing, in any
/// case.
pub(crate) struct FileHasher<'a> {
    crc64nvme: Crc64NvmeHasher,
    expected_crc64nvme: Option<&'a str>,
    slow: Option<SlowHasher<'a>>,
}

/// A digest that takes time to compute, and what it should be.
enum SlowHasher<'a> {
    Sha256(Sha256, &'a str),
    Md5(Md5, &'a str),
}

impl<'a> FileDigest<'a> {
    /// A hasher of a file of which the plan says this.
    #[must_use]
    pub(crate) fn hasher(self) -> FileHasher<'a> {
        let (expected_crc64nvme, slow) = match self {
            Self::Manifest { crc64nvme, sha256 } => {
                let sha256 = sha256.map(|expected| SlowHasher::Sha256(Sha256::new(), expected));
                (Some(crc64nvme), sha256)
            }
            Self::Md5(expected) => (None, Some(SlowHasher::Md5(Md5::new(), expected))),
        };
        FileHasher { crc64nvme: Crc64NvmeHasher::new(), expected_crc64nvme, slow }
    }

    /// Whether S3 can't tell all of it.
    #[cfg(feature = "aws")]
    #[must_use]
    pub(crate) fn has_sha256(self) -> bool {
        matches!(self, Self::Manifest { sha256: Some(_), .. })
    }
}

impl FileHasher<'_> {
    /// Adds bytes.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.crc64nvme.update(bytes);
        match &mut self.slow {
            Some(SlowHasher::Sha256(hasher, _)) => hasher.update(bytes),
            Some(SlowHasher::Md5(hasher, _)) => hasher.update(bytes),
            None => {}
        }
    }

    /// Compares the digests of all bytes; gives the CRC-64/NVME where they are those of the plan.
    ///
    /// # Errors
    /// When one is not.
    pub(crate) fn finish(self) -> Result<Crc64Nvme, DigestMismatch> {
        let crc64nvme = self.crc64nvme.finish();
        if let Some(expected) = self.expected_crc64nvme {
            compare("CRC-64/NVME", crc64nvme.to_string(), expected)?;
        }
        match self.slow {
            Some(SlowHasher::Sha256(hasher, expected)) => {
                compare("SHA-256", hex::encode(hasher.finalize()), expected)?;
            }
            Some(SlowHasher::Md5(hasher, expected)) => {
                compare("MD5", hex::encode(hasher.finalize()), expected)?;
            }
            None => {}
        }
        Ok(crc64nvme)
    }
}

fn compare(algorithm: &'static str, found: String, expected: &str) -> Result<(), DigestMismatch> {
    if found == expected {
        return Ok(());
    }
    Err(DigestMismatch { algorithm, found, expected: expected.to_owned() })
}
