//! What an operation is: its name, and what it is asked for.
//!
//! What the single operations answer stands in their modules.

use std::fmt;

use serde_json::Value;

use super::check::Refusal;
use super::manifest::PlannedManifest;
use super::setting::JobContext;

/// An operation with its parameters.
pub(crate) trait Operation: fmt::Debug {
    /// Which one it is.
    fn kind(&self) -> OperationKind;

    /// Refuses what AWS would refuse, as far as it depends on no manifest.
    ///
    /// # Errors
    /// When there is such a parameter.
    fn check(&self, setting: &JobContext) -> Result<(), Refusal>;

    /// The value of its member in the API's `JobOperation`, for the objects of a manifest.
    ///
    /// # Errors
    /// When AWS would refuse it for these objects.
    fn request(&self, setting: &JobContext, manifest: &PlannedManifest) -> Result<Value, Refusal>;
}

/// An operation by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OperationKind {
    /// `S3UpdateObjectEncryption`: another key or a bucket key, in place.
    UpdateEncryption,
    /// `S3PutObjectCopy`.
    Copy,
    /// `S3PutObjectTagging`: replaces all tags.
    Tag,
    /// `S3DeleteObjectTagging`.
    DeleteTags,
    /// `S3InitiateRestoreObject`.
    Restore,
    /// `S3PutObjectAcl`.
    Acl,
    /// `S3PutObjectLegalHold`.
    LegalHold,
    /// `S3PutObjectRetention`.
    Retention,
    /// `S3ReplicateObject`.
    Replicate,
    /// `S3ComputeObjectChecksum`.
    Checksum,
    /// `LambdaInvoke`.
    Lambda,
}

impl OperationKind {
    /// All of them, in the order of the API's model but for the two that most people come for.
    pub const ALL: [Self; 11] = [
        Self::UpdateEncryption,
        Self::Copy,
        Self::Tag,
        Self::DeleteTags,
        Self::Restore,
        Self::Acl,
        Self::LegalHold,
        Self::Retention,
        Self::Replicate,
        Self::Checksum,
        Self::Lambda,
    ];

    /// The name on the command line and in `plan.json`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UpdateEncryption => "update-encryption",
            Self::Copy => "copy",
            Self::Tag => "tag",
            Self::DeleteTags => "delete-tags",
            Self::Restore => "restore",
            Self::Acl => "acl",
            Self::LegalHold => "legal-hold",
            Self::Retention => "retention",
            Self::Replicate => "replicate",
            Self::Checksum => "checksum",
            Self::Lambda => "lambda",
        }
    }

    /// The name of its member in the API's `JobOperation`.
    #[must_use]
    pub const fn api_name(self) -> &'static str {
        match self {
            Self::UpdateEncryption => "S3UpdateObjectEncryption",
            Self::Copy => "S3PutObjectCopy",
            Self::Tag => "S3PutObjectTagging",
            Self::DeleteTags => "S3DeleteObjectTagging",
            Self::Restore => "S3InitiateRestoreObject",
            Self::Acl => "S3PutObjectAcl",
            Self::LegalHold => "S3PutObjectLegalHold",
            Self::Retention => "S3PutObjectRetention",
            Self::Replicate => "S3ReplicateObject",
            Self::Checksum => "S3ComputeObjectChecksum",
            Self::Lambda => "LambdaInvoke",
        }
    }

    /// The operation of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether its jobs can act on delete markers, which have a version id and nothing else: a
    /// function gets the id of each version (UG, "Invoke AWS Lambda function", whose example
    /// removes one), and replication knows them (UG, "Replicating delete markers between buckets").
    #[must_use]
    pub const fn acts_on_delete_markers(self) -> bool {
        matches!(self, Self::Replicate | Self::Lambda)
    }

    /// Whether its jobs can act on objects of directory buckets (UG, "Using Batch Operations with
    /// directory buckets").
    #[must_use]
    pub const fn acts_on_directory_buckets(self) -> bool {
        matches!(self, Self::Copy | Self::Lambda)
    }

    /// Whether every row of its manifests must name a version: replication copies versions (UG,
    /// "Replicating existing objects with Batch Replication").
    #[must_use]
    pub const fn needs_version_ids(self) -> bool {
        matches!(self, Self::Replicate)
    }
}
