//! Operations: what a Batch Operations job does to each object.
//!
//! One module for each, with the same four parts; [`given`] is for requests that somebody else
//! wrote, and has no rules and permissions of its own:
//!
//! 1. `eligibility()`: the rows that it can't do, as [`Rule`]s.
//! 2. Its parameters, such as [`copy::CopyParameters`]: what it is told, with a check that refuses
//!    what AWS would refuse ([`Operation::check`]).
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
mod kind;
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
pub(crate) mod tag;
pub(crate) mod update_encryption;

use serde_json::Value;

use policy::{Access, Statement};

pub(crate) use check::Refusal;
pub use class::{CopyClass, StorageClass};
pub(crate) use kind::Operation;
pub use kind::OperationKind;
pub(crate) use manifest::PlannedManifest;
pub(crate) use rule::{DELETE_MARKER, UNREADABLE};
pub use rule::{Rule, RuleCondition};
pub(crate) use setting::JobContext;

impl OperationKind {
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
