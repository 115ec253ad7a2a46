//! Operations: what a Batch Operations job does to each object.
//!
//! One module for each, which holds all that is known of its operation, but for the flags of its
//! parameters: its `SPEC` ([`OperationSpec`]) with the rows that it can't do, as [`Rule`]s, with
//! what the jobs' role needs and with what it costs; and its parameters, such as
//! [`copy::CopyParameters`], with a check that refuses what AWS would refuse
//! ([`Operation::check`]) and its member of `CreateJob`'s `Operation` ([`Operation::request`]).
//! [`OperationKind`] lists them. [`given`] is for requests that somebody else wrote.
//!
//! What they share: `check` for values, [`class`] for storage classes, [`partition`] and [`bucket`]
//! for ARNs, [`job`] for the request around an operation, [`policy`] for policies,
//! [`mod@estimate`] for the lines of a bill, from [`price`] lists.
//!
//! A rule or limit stands beside its source. "UG" is the Amazon S3 User Guide, "API" the model of
//! the S3 Control API.
//!
//! Never knows how rows are found, what a plan folder looks like, nor how parameters are given: a
//! [`Refusal`] names the parameter.

pub(crate) mod acl;
mod arn;
pub(crate) mod bucket;
mod check;
pub(crate) mod checksum;
pub(crate) mod class;
pub(crate) mod copy;
pub(crate) mod copy_key;
pub(crate) mod delete_tags;
pub(crate) mod estimate;
pub(crate) mod given;
pub(crate) mod job;
pub(crate) mod lambda;
pub(crate) mod legal_hold;
mod manifest;
pub(crate) mod partition;
pub(crate) mod policy;
pub(crate) mod price;
pub(crate) mod replicate;
#[cfg(test)]
mod request_tests;
pub(crate) mod restore;
pub(crate) mod retention;
mod rule;
mod setting;
mod spec;
pub(crate) mod tag;
pub(crate) mod update_encryption;

use serde_json::Value;

use estimate::{CostBasis, CostInputs, Estimate};
use policy::{Access, Statement};
use price::Prices;
use spec::DirectoryBuckets;

pub(crate) use check::Refusal;
pub use class::{CopyClass, StorageClass};
pub(crate) use manifest::PlannedManifest;
pub(crate) use rule::{DELETE_MARKER, UNREADABLE};
pub use rule::{Rule, RuleCondition};
pub(crate) use setting::JobContext;
pub(crate) use spec::{Operation, OperationSpec};

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

    /// What its module says of it.
    pub(crate) const fn spec(self) -> &'static OperationSpec {
        match self {
            Self::UpdateEncryption => &update_encryption::SPEC,
            Self::Copy => &copy::SPEC,
            Self::Tag => &tag::SPEC,
            Self::DeleteTags => &delete_tags::SPEC,
            Self::Restore => &restore::SPEC,
            Self::Acl => &acl::SPEC,
            Self::LegalHold => &legal_hold::SPEC,
            Self::Retention => &retention::SPEC,
            Self::Replicate => &replicate::SPEC,
            Self::Checksum => &checksum::SPEC,
            Self::Lambda => &lambda::SPEC,
        }
    }

    /// The operation of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The name on the command line and in `plan.json`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.spec().name
    }

    /// The name of its member in the API's `JobOperation`.
    #[must_use]
    pub const fn api_name(self) -> &'static str {
        self.spec().api_name
    }

    /// Whether its jobs can act on delete markers, which have a version id and nothing else.
    #[must_use]
    pub const fn acts_on_delete_markers(self) -> bool {
        self.spec().acts_on_delete_markers
    }

    /// Whether its jobs can act on objects of directory buckets (UG, "Using Batch Operations with
    /// directory buckets").
    #[must_use]
    pub const fn acts_on_directory_buckets(self) -> bool {
        !matches!(self.spec().directory_buckets, DirectoryBuckets::Refused)
    }

    /// Whether every row of its manifests must name a version.
    #[must_use]
    pub const fn needs_version_ids(self) -> bool {
        self.spec().needs_version_ids
    }

    /// The rows that it can't do, in the order in which reasons are tried: a row is excluded for
    /// the first one that is true of it.
    #[must_use]
    pub fn rules(self) -> Vec<Rule> {
        [&[DELETE_MARKER], self.spec().rules].concat()
    }

    /// Whether there are rows besides delete markers that it can't do.
    #[must_use]
    pub fn sets_more_aside(self) -> bool {
        !self.spec().rules.is_empty()
    }

    /// What the role of a job needs for a request's operation, besides reading its manifest and
    /// writing its report.
    #[must_use]
    pub fn permissions(self, request: &Value, access: &Access) -> Vec<Statement> {
        (self.spec().permissions)(request, access)
    }

    /// What it costs on all objects: one estimate, or one for each way of doing it.
    #[must_use]
    pub(crate) fn estimate(
        self,
        inputs: &CostInputs,
        copy_class: CopyClass,
        prices: &Prices,
    ) -> Vec<Estimate> {
        let basis = CostBasis { operation: self.name(), inputs, copy_class, prices };
        (self.spec().estimate)(basis)
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
