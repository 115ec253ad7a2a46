//! Why a file is not in S3.

use std::io;

/// Why a file could not be stored. Nothing that lay there before was changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// The file can't be read, or S3 refused.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// There is an object of that name, and it is not this file.
    #[error("already exists with different content ({what})")]
    Differs {
        /// What differs.
        what: String,
    },
    /// The file has other bytes than it had when its checksum was computed.
    #[error("the file changed while it was sent")]
    Changed,
}
