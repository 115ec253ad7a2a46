//! Operations: what a Batch Operations job does to each object.
//!
//! One module for each, with the same four parts:
//!
//! 1. `eligibility()`: the rows that it can't do, as [`Rule`]s.
//! 2. `Parameters`: what it is told, with a check that refuses what AWS would refuse
//!    ([`Operation::check`]).
//! 3. [`Operation::request`]: its member of `CreateJob`'s `Operation`.
//! 4. `permissions()`: what the jobs' role needs. They are read from the request, so that they also
//!    hold for a request that somebody else wrote ([`given`]).
//!
//! What they share: `check` for values, [`class`] for storage classes, [`partition`] and [`bucket`]
//! for ARNs, [`job`] for the request around an operation, [`policy`] for policies. What they cost:
//! [`mod@estimate`], from [`price`] lists.
//!
//! A rule or limit stands beside its source. "UG" is the Amazon S3 User Guide, "API" the model of
//! the S3 Control API.
//!
//! Never knows how rows are found, what a plan folder looks like, nor how flags are parsed.

pub mod acl;
pub mod bucket;
mod check;
pub mod checksum;
pub mod class;
pub mod copy;
pub mod copy_key;
pub mod delete_tags;
pub mod estimate;
pub mod given;
pub mod job;
pub mod lambda;
pub mod legal_hold;
pub mod partition;
pub mod policy;
pub mod price;
pub mod replicate;
#[cfg(test)]
mod request_tests;
pub mod restore;
pub mod retention;
mod rule;
pub mod tag;
pub mod update_encryption;

use std::fmt;

use serde_json::Value;

use job::{JobContext, PlannedManifest};
use policy::{Access, Statement};

pub use check::{Refusal, Tag};
pub use class::{CopyClass, StorageClass};
pub use rule::{DELETE_MARKER, Rule, RuleCondition, UNREADABLE};

/// An operation with its parameters.
pub trait Operation: fmt::Debug {
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

    /// The rows that it can't do, in the order in which reasons are tried: a row is excluded for
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

    /// Whether there are rows besides delete markers that it can't do.
    #[must_use]
    pub fn sets_more_aside(self) -> bool {
        self.rules().iter().any(|rule| rule.reason != DELETE_MARKER.reason)
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

    /// What the role of a job needs for a request's operation, besides reading its manifest and
    /// writing its report.
    #[must_use]
    pub fn permissions(self, request: &Value, access: &Access) -> Vec<Statement> {
        match self {
            Self::UpdateEncryption => update_encryption::permissions(request, access),
            Self::Copy => copy::permissions(request, access),
            Self::Tag => tag::permissions(access),
            Self::DeleteTags => delete_tags::permissions(access),
            Self::Restore => restore::permissions(access),
            Self::Acl => acl::permissions(access),
            Self::LegalHold => legal_hold::permissions(access),
            Self::Retention => retention::permissions(request, access),
            Self::Replicate => replicate::permissions(access),
            Self::Checksum => checksum::permissions(access),
            Self::Lambda => lambda::permissions(request),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_name() {
        for kind in OperationKind::ALL {
            assert_eq!(OperationKind::from_name(kind.name()), Some(kind));
        }
        assert_eq!(OperationKind::from_name("delete"), None);
    }

    /// The table of docs/eligibility.md.
    #[test]
    fn some_kinds_can_do_all_but_delete_markers() {
        let narrow = OperationKind::ALL.into_iter().filter(|kind| kind.sets_more_aside());
        let narrow: Vec<&str> = narrow.map(OperationKind::name).collect();
        assert_eq!(narrow, ["update-encryption", "copy", "restore", "replicate", "checksum"]);
    }
}
