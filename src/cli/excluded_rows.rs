//! Rows that a plan excludes: how they are shown, and what to do where no others are left.

use std::io::{self, Write};

use super::print::visible;
use crate::operation::{DELETE_MARKER, OperationKind, UNREADABLE};
use crate::plan::{ExcludedRows, Plan};
use crate::units::counted;

/// A line for each reason with rows.
pub(super) fn write_lines(plan: &Plan, out: &mut dyn Write) -> io::Result<()> {
    let rules = kind(plan).map(OperationKind::rules).unwrap_or_default();
    for excluded in with_rows(plan) {
        let mut rules = rules.iter().chain([&UNREADABLE]);
        let rule = rules.find(|rule| rule.reason == excluded.reason);
        writeln!(
            out,
            "{} excluded: {}{}{}.",
            counted(excluded.rows, "row"),
            visible(&excluded.reason),
            files(excluded),
            rule.map(|rule| format!(", {}", rule.meaning)).unwrap_or_default(),
        )?;
    }
    Ok(())
}

/// Where they are listed: the first file, and how many there are besides.
fn files(excluded: &ExcludedRows) -> String {
    match &excluded.paths[..] {
        [] => String::new(),
        [path] => format!(" ({})", visible(path)),
        [first, rest @ ..] => {
            format!(" ({} and {})", visible(first), counted(rest.len() as u64, "more file"))
        }
    }
}

/// What to do where `filter` excluded all matching rows: a sentence for each of their reasons.
pub(super) fn remedies(plan: &Plan) -> Vec<String> {
    let kind = kind(plan);
    let remedy = |excluded: &ExcludedRows| remedy(&excluded.reason, kind);
    let mut remedies: Vec<String> = Vec::new();
    for remedy in with_rows(plan).map(remedy) {
        if !remedies.contains(&remedy) {
            remedies.push(remedy);
        }
    }
    remedies
}

fn remedy(reason: &str, kind: Option<OperationKind>) -> String {
    let acts_on_markers = kind.is_some_and(OperationKind::acts_on_delete_markers);
    match reason {
        _ if reason == DELETE_MARKER.reason && !acts_on_markers => {
            "No such job acts on delete markers: ask for objects with `AND IsDeleteMarker IS NOT \
             TRUE`, to see whether any match"
                .to_owned()
        }
        _ if reason == UNREADABLE.reason => {
            "Values that can't be read are mended in the report: correct the program that wrote it"
                .to_owned()
        }
        "archived" => format!(
            "What is archived is restored first, with a plan of `s3sieve filter --for restore`; \
             where that is done, {}",
            takes_in(reason)
        ),
        "no-current-version" => format!(
            "Noncurrent versions are copied with the current version of their key: widen the \
             expression so that it matches, too. To make old content the current one, {}",
            takes_in(reason)
        ),
        "noncurrent" => {
            "Noncurrent versions need their ids in manifests: leave out --no-version-ids".to_owned()
        }
        _ => format!("Where you know that the job can do them, {}", takes_in(reason)),
    }
}

fn takes_in(reason: &str) -> String {
    format!("--include-ineligible {reason} takes them in")
}

fn with_rows(plan: &Plan) -> impl Iterator<Item = &ExcludedRows> {
    plan.excluded.iter().filter(|excluded| excluded.rows > 0)
}

fn kind(plan: &Plan) -> Option<OperationKind> {
    plan.operation.as_ref().and_then(|operation| OperationKind::from_name(&operation.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::Rule;

    /// No advice names a reason that `--include-ineligible` refuses.
    #[test]
    fn what_is_advised_is_taken() {
        for kind in OperationKind::ALL {
            let rules = kind.rules();
            let takes = |rule: &&Rule| **rule != DELETE_MARKER || kind.acts_on_delete_markers();
            for reason in rules.iter().chain([&UNREADABLE]).map(|rule| rule.reason) {
                let advice = remedy(reason, Some(kind));
                let named = advice.contains(&format!("--include-ineligible {reason}"));
                let is_taken = rules.iter().filter(takes).any(|rule| rule.reason == reason);
                assert!(!named || is_taken, "{kind:?} {reason}: {advice}");
            }
        }
        assert!(!remedy(DELETE_MARKER.reason, None).contains("--include-ineligible"));
    }
}
