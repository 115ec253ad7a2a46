//! Command lines that are not understood: read as they are meant where that is certain, else told
//! in words that help.
//!
//! Never knows what the arguments do.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// What can be done with the jobs of a plan.
const ACTIONS: [&str; 6] = ["list", "watch", "run", "cancel", "priority", "report"];

/// Options of other programs, or of another command than the one that was given, and what to do.
const MEANT: [(&[&str], &str); 10] = [
    (&["--operation"], "what the rows are for is said with --for OPERATION"),
    (&["--sql", "--query"], "`filter` takes a statement with --sql; an expression is --where"),
    (&["--filter", "--condition", "--expression", "-w"], "an expression is given to --where"),
    (&["--output", "--output-dir", "--dest", "-o"], "the folder that is written is given to --out"),
    (&["--json", "-j"], "results for programs: --format json"),
    (&["--group-by", "--group"], "rows are counted by the values of columns with --by COLUMN"),
    (&["--limit", "-n"], "a number of rows is given in a statement: filter --sql '… LIMIT 100'"),
    (
        &["--dry-run", "--dryrun"],
        "only `submit` has --dry-run; `setup` changes nothing without --apply",
    ),
    (&["--jobs", "--parallel", "--workers"], "the number of threads is given to --threads"),
    (&["--account", "--role", "--key"], "the names are --account-id, --role-arn, --kms-key-arn"),
];

/// The arguments with `jobs list PLAN` as `jobs PLAN list`: who knows other programs writes the
/// action first.
pub(super) fn in_order(mut given: Vec<OsString>) -> Vec<OsString> {
    let is_action = |argument: &OsString| ACTIONS.iter().any(|action| argument == action);
    if let [_, command, action, plan, ..] = given.as_slice()
        && command == "jobs"
        && is_action(action)
        && !is_action(plan)
        && !plan.to_string_lossy().starts_with('-')
    {
        given.swap(2, 3);
    }
    given
}

/// The error with a tip that fits, in place of one that does not.
pub(super) fn mended(mut error: clap::Error) -> clap::Error {
    if error.kind() != ErrorKind::UnknownArgument {
        return error;
    }
    let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg) else {
        return error;
    };
    let usage = error.get(ContextKind::Usage).map(ToString::to_string).unwrap_or_default();
    let tip = match MEANT.iter().find(|(names, _)| names.contains(&argument.as_str())) {
        Some((_, tip)) => Some((*tip).to_owned()),
        None if usage.contains(" jobs ") && !argument.starts_with('-') => {
            Some(format!("what can be done with jobs is {}", ACTIONS.join(", ")))
        }
        None => None,
    };
    if let Some(tip) = tip {
        error.remove(ContextKind::SuggestedArg);
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    } else if argument.starts_with('-') {
        // "to pass it as a value, use '-- …'": nobody wants a report of that name.
        error.remove(ContextKind::Suggested);
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_may_stand_before_the_plan() {
        let read = |words: &[&str]| {
            let given = words.iter().map(OsString::from).collect();
            let read = in_order(given);
            read.iter()
                .map(|word| word.to_string_lossy().into_owned())
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(read(&["s3sieve", "jobs", "list", "plan"]), "s3sieve jobs plan list");
        assert_eq!(
            read(&["s3sieve", "jobs", "cancel", "plan", "--all"]),
            "s3sieve jobs plan cancel --all"
        );
        for same in ["s3sieve jobs plan list", "s3sieve jobs list watch", "s3sieve jobs run --help"]
        {
            let words: Vec<&str> = same.split(' ').collect();
            assert_eq!(read(&words), same);
        }
    }
}
