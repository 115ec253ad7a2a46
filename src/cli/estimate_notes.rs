//! What `s3sieve estimate` says beside its figures: what they take for given, and what can't be
//! done although it is priced.
//!
//! Never computes an amount.

use super::args::EstimateArgs;
use crate::operation::copy::SOURCE_BYTES_MAX;
use crate::operation::estimate::{Charge, CostInputs, Estimate, EstimateLine};
use crate::operation::price::Prices;
use crate::operation::{OperationKind, StorageClass};
use crate::plan::Plan;
use crate::units::{Count, counted};

/// What to know of the prices that come with the program.
const PUBLISHED_PRICES: &str = "The prices are from published lists, without discounts, transfer \
                                or taxes: check those that matter; --prices FILE replaces them.";

/// Of operations that the plan was not made for: what of it they can't do, as far as it tells.
pub(super) fn operation_notes(
    plan: &Plan,
    inputs: &CostInputs,
    kinds: &[OperationKind],
) -> Vec<String> {
    let own = plan.operation.as_ref().map(|operation| operation.name.as_str());
    let others = kinds.iter().filter(|kind| own != Some(kind.name()));
    others.filter_map(|kind| not_made_for(*kind, inputs)).collect()
}

fn not_made_for(kind: OperationKind, inputs: &CostInputs) -> Option<String> {
    let rules = kind.rules();
    let has = |reason: &str| rules.iter().any(|rule| rule.reason == reason);
    let objects = inputs.objects_total();
    let all = counted(objects, "object");
    let of = |is_meant: &dyn Fn(StorageClass) -> bool| {
        let meant = inputs.classes.iter().filter(|(class, _)| class.is_some_and(is_meant));
        meant.fold(0_u64, |sum, (_, class)| sum.saturating_add(class.objects))
    };
    let has_unknown = inputs.classes.get(&None).is_some_and(|class| class.objects > 0);
    let (mut told, mut not_told) = (Vec::new(), Vec::new());
    if has("archived") {
        let archived = of(&StorageClass::is_archive);
        if archived > 0 {
            told.push(format!(
                "{} of its {all} are archived (GLACIER, DEEP_ARCHIVE), and have to be restored \
                 first",
                Count(archived)
            ));
        }
        if has_unknown {
            not_told.push("are archived".to_owned());
        }
    }
    if has("not-archived") {
        // What is in INTELLIGENT_TIERING may be archived.
        let others = of(&|class| !class.is_archive() && class != StorageClass::IntelligentTiering);
        if others > 0 {
            told.push(format!(
                "{} of its {all} are not archived, so there is nothing to restore",
                Count(others)
            ));
        }
        if has_unknown {
            not_told.push("are not archived".to_owned());
        }
    }
    if has("too-large") && inputs.bytes_total().is_none_or(|bytes| bytes > SOURCE_BYTES_MAX) {
        not_told.push("are larger than 5 GiB, the most that a copy takes".to_owned());
    }
    if objects > 0 && !not_told.is_empty() {
        told.push(format!("it does not tell how many {}", not_told.join(", or ")));
    }
    (!told.is_empty()).then(|| {
        let name = kind.name();
        format!(
            "The plan was not made for {name}: {}. Its jobs fail on such objects, which are \
             priced all the same; `s3sieve filter --for {name}` excludes them.",
            told.join("; ")
        )
    })
}

/// Of storage classes that are not known.
pub(super) fn class_note(inputs: &CostInputs, estimates: &[Estimate]) -> Option<String> {
    let depends = |line: &EstimateLine| line.class.is_none() && line.price_min != line.price_max;
    let by_class = estimates.iter().any(|estimate| {
        estimate.once.iter().any(|line| line.charge != Charge::Kms && depends(line))
    });
    (by_class && inputs.classes.contains_key(&None)).then(|| {
        format!(
            "The storage classes of the objects are not known, so some lines give the least and \
             the greatest price of any. {}",
            inputs.untold.classes()
        )
    })
}

/// Of the prices.
pub(super) fn price_notes(args: &EstimateArgs, prices: &Prices) -> Vec<String> {
    let mut notes = Vec::new();
    if args.region().is_none() {
        notes.push(format!(
            "A plan does not tell its Region: the prices are those of {}. --region NAME takes \
             others.",
            prices.region
        ));
    }
    if args.prices.is_none() {
        notes.push(PUBLISHED_PRICES.to_owned());
    }
    notes
}
