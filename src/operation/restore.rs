//! `restore`: `S3InitiateRestoreObject`.

use serde_json::{Map, Value};

use super::check::{CheckResult, Refusal, missing, one_of_if_given, refusal};
use super::estimate::{Charge, CostBasis, Estimate, EstimateBuilder};
use super::manifest::PlannedManifest;
use super::policy::{Access, Statement};
use super::price::Tier;
use super::rule::{Rule, RuleCondition};
use super::setting::JobContext;
use super::spec::{DirectoryBuckets, Operation, OperationSpec};
use crate::diagnostic::parameter::{FILTER, OPERATION, PLAN_FOR, RESTORE_DAYS, RESTORE_TIER};

/// Only what is archived can be restored. Both columns are needed: a class says nothing of the tier
/// of what is in `INTELLIGENT_TIERING`, and only that class has tiers.
const NOT_ARCHIVED: Rule = Rule {
    reason: "not-archived",
    meaning: "not archived: there is nothing to restore",
    parts: &[
        RuleCondition {
            condition: "StorageClass NOT IN ('GLACIER', 'DEEP_ARCHIVE', 'INTELLIGENT_TIERING')",
            columns: &["StorageClass"],
        },
        RuleCondition {
            condition: "StorageClass = 'INTELLIGENT_TIERING' AND (IntelligentTieringAccessTier IS \
                        NULL OR IntelligentTieringAccessTier NOT IN ('ARCHIVE', 'DEEP_ARCHIVE'))",
            columns: &["StorageClass", "IntelligentTieringAccessTier"],
        },
    ],
};

const RULES: &str = "UG, Restore objects with Batch Operations";

/// How fast, and how dear. Jobs don't know `EXPEDITED` (API, `S3GlacierJobTier`).
const TIERS: [&str; 2] = ["BULK", "STANDARD"];

/// The operation.
pub(super) const SPEC: OperationSpec = OperationSpec {
    name: "restore",
    api_name: "S3InitiateRestoreObject",
    rules: &[NOT_ARCHIVED],
    acts_on_delete_markers: false,
    needs_version_ids: false,
    results_in_report: false,
    directory_buckets: DirectoryBuckets::Refused,
    permissions,
    estimate,
};

/// The parameters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RestoreParameters {
    /// For how many days the restored copy stays. Jobs on `GLACIER` and `DEEP_ARCHIVE` need it; it
    /// is left out of jobs on `INTELLIGENT_TIERING`, which it would fail.
    pub days: Option<u32>,
    /// The retrieval tier: `BULK` or `STANDARD`; S3's own choice is `STANDARD`.
    pub tier: Option<String>,
}

impl RestoreParameters {
    /// The days for the objects of a manifest, whose storage class decides.
    fn days(&self, manifest: &PlannedManifest) -> Result<Option<u32>, Refusal> {
        match manifest.storage_class(OPERATION, "restore", RULES)? {
            "INTELLIGENT_TIERING" => Ok(None),
            "GLACIER" | "DEEP_ARCHIVE" if self.days.is_some() => Ok(self.days),
            class @ ("GLACIER" | "DEEP_ARCHIVE") => Err(missing(
                RESTORE_DAYS,
                format!("objects of {class} are restored for a number of days"),
                RULES,
                format!("give {RESTORE_DAYS}, at least 1"),
            )),
            class => Err(refusal(
                OPERATION,
                "restore",
                format!("{} holds objects of {class}, which are not archived", manifest.path),
                RULES,
                format!("make the plan with `{FILTER} {PLAN_FOR:#} restore`"),
            )),
        }
    }
}

impl Operation for RestoreParameters {
    fn spec(&self) -> &'static OperationSpec {
        &SPEC
    }

    fn check(&self, _: &JobContext) -> CheckResult {
        if self.days.is_some_and(|days| !(1..=i32::MAX.cast_unsigned()).contains(&days)) {
            let days = self.days.unwrap_or_default().to_string();
            let rule = "it must be at least 1, and fit 31 bits";
            return Err(refusal(RESTORE_DAYS, &days, rule, RULES, "give a number of days"));
        }
        let tier = self.tier.as_deref();
        one_of_if_given(RESTORE_TIER, tier, &TIERS, "API, S3GlacierJobTier")
    }

    fn request(&self, _: &JobContext, manifest: &PlannedManifest) -> Result<Value, Refusal> {
        let mut member = Map::new();
        if let Some(days) = self.days(manifest)? {
            member.insert("ExpirationInDays".to_owned(), days.into());
        }
        if let Some(tier) = &self.tier {
            member.insert("GlacierJobTier".to_owned(), tier.as_str().into());
        }
        Ok(member.into())
    }
}

/// What the role needs (UG, "Restore objects: `RestoreObject`").
fn permissions(_: &Value, access: &Access) -> Vec<Statement> {
    vec![access.allow("RestoreObjects", &["s3:RestoreObject"], access.object_arns())]
}

/// One for each tier.
fn estimate(basis: CostBasis<'_>) -> Vec<Estimate> {
    let tiers = [("standard", Tier::Standard), ("bulk", Tier::Bulk)];
    let estimate = |(name, tier)| {
        let mut builder = EstimateBuilder::new(basis).with_tier(name);
        builder.restores(tier);
        builder.leave_out(Charge::Storage);
        builder.note(
            "While a restored copy is kept, its bytes are stored a second time, at the price of \
             STANDARD: left out, for it depends on the days that the request asks for.",
        );
        builder.finish()
    };
    tiers.map(estimate).into()
}
