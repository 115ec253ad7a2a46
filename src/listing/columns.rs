//! The columns that a listing can have.

/// Columns of every report; those of versions only where versions are listed.
pub(super) const ALWAYS: [&str; 2] = ["Bucket", "Key"];
pub(super) const OF_VERSIONS: [&str; 3] = ["VersionId", "IsLatest", "IsDeleteMarker"];

/// Columns that a listing itself holds.
pub(crate) const LISTED: [&str; 6] = [
    "Size",
    "LastModifiedDate",
    "ETag",
    "StorageClass",
    "IsMultipartUploaded",
    "ChecksumAlgorithm",
];

/// Columns that take a request for each object.
pub(crate) const ASKED: [&str; 6] = [
    "EncryptionStatus",
    "BucketKeyStatus",
    "ReplicationStatus",
    "ObjectLockMode",
    "ObjectLockRetainUntilDate",
    "ObjectLockLegalHoldStatus",
];
