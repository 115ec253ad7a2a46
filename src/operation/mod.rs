//! Operations: what a Batch Operations job does to each object.
//!
//! One module for each, with the same four parts: its *parameters* and what AWS
//! would refuse of them, the *eligibility* of a row, the *request* that CreateJob takes, and the
//! *permissions* that the job's role needs.
//!
//! A rule or limit stands beside its source. "UG" is the Amazon S3 User Guide, "API" the model of
//! the S3 Control API.
//!
//! Never knows how rows are found, what a plan folder looks like, nor how flags are parsed.

mod acl;
mod checksum;
mod copy;
mod delete_tags;
pub mod estimate;
mod lambda;
mod legal_hold;
pub mod price;
mod replicate;
mod restore;
mod retention;
mod rule;
mod tag;
mod update_encryption;

pub use rule::{DELETE_MARKER, Part, Rule};

/// An operation by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
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

impl Kind {
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

    /// The rows that it can't do, in the order in which reasons are tried: a row is set aside for
    /// the first one that is true of it.
    #[must_use]
    pub fn rules(self) -> Vec<Rule> {
        let own = match self {
            Self::UpdateEncryption => update_encryption::eligibility(),
            Self::Copy => copy::eligibility(),
            Self::Tag => tag::eligibility(),
            Self::DeleteTags => delete_tags::eligibility(),
            Self::Restore => restore::eligibility(),
            Self::Acl => acl::eligibility(),
            Self::LegalHold => legal_hold::eligibility(),
            Self::Retention => retention::eligibility(),
            Self::Replicate => replicate::eligibility(),
            Self::Checksum => checksum::eligibility(),
            Self::Lambda => lambda::eligibility(),
        };
        [vec![DELETE_MARKER], own].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_name() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_name(kind.name()), Some(kind));
        }
        assert_eq!(Kind::from_name("delete"), None);
    }
}
