//! Command lines that are not understood: read as they are meant where that is certain, else told
//! in words that help.
//!
//! Never knows what the arguments do.

use std::ffi::OsString;

use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::args::Args;
use super::print::visible;
use super::shell::quoted;

/// What can be done with the jobs of a plan.
const ACTIONS: [&str; 6] = ["list", "watch", "run", "cancel", "priority", "report"];

/// Options of other programs, or of another command than the one that was given; the option that
/// is meant, without which a command is not told of it; what to do.
const MEANT: [(&[&str], &str, &str); 12] = [
    (&["--operation"], "for", "what the rows are for is said with --for OPERATION"),
    (&["--for"], "operation", "the operation is named with --operation NAME"),
    (
        &["--sql", "--query"],
        "where",
        "`filter` takes a statement with --sql; an expression is --where",
    ),
    (
        &["--filter", "--condition", "--expression", "-w"],
        "where",
        "an expression is given to --where",
    ),
    (&OUTPUT, "out", "the folder that is written is given to --out"),
    (
        &["--group-by", "--group"],
        "by",
        "rows are counted by the values of columns with --by COLUMN",
    ),
    (
        &["--limit", "-n"],
        "where",
        "a number of rows is given in a statement: filter --sql '… LIMIT 100'",
    ),
    (
        &["--jobs", "--parallel", "--workers"],
        "threads",
        "the number of threads is given to --threads",
    ),
    (
        &["--prefix", "--starts-with"],
        "where",
        "keys are told apart by an expression: --where \"Key LIKE 'logs/%'\"",
    ),
    (
        &["--file-format", "--output-format", "--type"],
        "rows",
        "how data files are written is said with --format: csv, parquet or orc",
    ),
    (
        &["--report", "--manifest", "--inventory", "--input"],
        "as-of",
        "REPORT is given without a flag: s3sieve COMMAND REPORT",
    ),
    (
        &["--account", "--role", "--key"],
        "account-id",
        "the names are --account-id, --role-arn, --kms-key-arn",
    ),
];

/// What other programs call a folder that is written, or the form of a result.
const OUTPUT: [&str; 4] = ["--output", "--output-dir", "--dest", "-o"];

/// Forms of results, as values of such an option.
const FORMS: [&str; 4] = ["json", "text", "table", "human"];

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

/// What does what no operation does.
const DELETION: &str = "no operation deletes objects: a lifecycle rule expires them, or a function \
    of yours deletes those of a manifest (lambda)";

/// The flags that name an operation, as an error begins with them.
const OPERATION_FLAGS: [&str; 2] = ["--operation ", "--for "];

/// Whether the operation that is not one would delete.
fn asks_to_delete(error: &clap::Error) -> bool {
    let value = error.get(ContextKind::InvalidValue);
    matches!(value, Some(ContextValue::String(word))
        if ["delete", "expire", "remove", "delete-objects"].contains(&word.as_str()))
}

/// The error with a tip that fits, in place of one that does not.
pub(super) fn mended(mut error: clap::Error, given: &[OsString]) -> clap::Error {
    let command = AskedCommand::of(given);
    let (tip, argument) = match (error.kind(), error.get(ContextKind::InvalidArg)) {
        (ErrorKind::UnknownArgument, Some(ContextValue::String(argument))) => {
            (command.tip(argument), argument.clone())
        }
        (ErrorKind::InvalidSubcommand, _) => {
            if command.words.get(1).is_none_or(|word| word != "version") {
                return error;
            }
            error.remove(ContextKind::SuggestedSubcommand);
            (Some("the version is shown by s3sieve --version".to_owned()), String::new())
        }
        (ErrorKind::InvalidValue, Some(ContextValue::String(argument)))
            if OPERATION_FLAGS.iter().any(|flag| argument.starts_with(flag))
                && asks_to_delete(&error) =>
        {
            error.remove(ContextKind::SuggestedValue);
            (Some(DELETION.to_owned()), String::new())
        }
        (ErrorKind::MissingRequiredArgument, _) => match command.missing() {
            Some(tip) => (Some(tip.to_owned()), String::new()),
            None => return error,
        },
        _ => return error,
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

/// The command that was asked for, with those below it.
struct AskedCommand {
    /// Their names, from the first.
    names: Vec<String>,
    /// Their long options.
    options: Vec<String>,
    /// All words.
    words: Vec<String>,
    /// The place of the command among them; their number where there is none.
    place: usize,
}

impl AskedCommand {
    fn of(given: &[OsString]) -> Self {
        let words: Vec<String> =
            given.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        let mut command = Args::command();
        let (mut names, mut options) = (Vec::new(), Vec::new());
        let mut first = words.len();
        for (place, word) in words.iter().enumerate().skip(1) {
            let Some(below) = command.find_subcommand(word) else { continue };
            first = first.min(place);
            command = below.clone();
            names.push(word.clone());
            options.extend(command.get_arguments().filter_map(|a| a.get_long()).map(str::to_owned));
        }
        Self { names, options, words, place: first }
    }

    /// What to do where an argument is missing whose name alone does not say it.
    fn missing(&self) -> Option<&'static str> {
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        match names.as_slice() {
            ["jobs", "cancel"] => Some(
                "jobs are named by the ids that `jobs PLAN list` shows; --all means all of them",
            ),
            ["jobs", "priority"] => Some(
                "N is the priority, from 0 to 2147483647; jobs with a higher one run first: \
                 s3sieve jobs PLAN priority 20",
            ),
            _ => None,
        }
    }

    fn has(&self, option: &str) -> bool {
        self.options.iter().any(|own| own == option)
    }

    /// What to do in place of an option or word that it does not know.
    fn tip(&self, argument: &str) -> Option<String> {
        if let Some(tip) = self.early(argument) {
            return Some(tip);
        }
        let first = self.names.first().map(String::as_str);
        let asks_form = ["--format", "--result", "--json", "-j"].contains(&argument)
            || (OUTPUT.contains(&argument) && self.is_followed_by_form(argument));
        let meant = |(names, option, _): &&(&[&str], &str, &str)| {
            names.contains(&argument) && self.has(option)
        };
        let tip = match (first, argument) {
            (Some("policy"), _) if asks_form => {
                "the policies are JSON in any case; --out DIR writes each to a file"
            }
            (Some("setup"), _) if asks_form => {
                "`setup` shows its changes to people alone: it has no JSON"
            }
            (_, _) if asks_form && self.has("result") => "results for programs: --result json",
            (_, _) if asks_form && self.has("format") => "results for programs: --format json",
            (Some("verify"), "--for") => {
                "what remains becomes a plan for the same operation as the plan that is verified"
            }
            (Some("submit"), "--dryrun" | "--dry") => "write --dry-run",
            (_, "--dry-run" | "--dryrun") => {
                "only `submit` has --dry-run; `setup` changes nothing without --apply"
            }
            (_, "--tag" | "--tags" | "--tagging" | "--object-tag" | "--object-tags") => {
                "tags are given to `submit` and `policy`: --object-tag KEY=VALUE is of each \
                 object, --tag KEY=VALUE of the jobs"
            }
            (Some("jobs"), word) if !word.starts_with('-') => {
                return Some(format!("what can be done with jobs is {}", ACTIONS.join(", ")));
            }
            _ => MEANT.iter().find(meant)?.2,
        };
        Some(tip.to_owned())
    }

    /// What to do with an option of a command that stands before it.
    fn early(&self, argument: &str) -> Option<String> {
        let name = argument.strip_prefix("--")?;
        let is_it = |word: &String| word.split('=').next() == Some(argument);
        let before = self.words.get(1..self.place)?;
        let commands = Args::command();
        let has = |command: &clap::Command| {
            command.get_arguments().any(|own| own.get_long() == Some(name))
        };
        if !before.iter().any(is_it) || !commands.get_subcommands().any(has) {
            return None;
        }
        let behind = self.words.get(self.place..).unwrap_or_default();
        let placeholder = "COMMAND".to_owned();
        let command = if behind.is_empty() { vec![&placeholder] } else { behind.iter().collect() };
        let words = command.into_iter().chain(before).map(|word| quoted(&visible(word)));
        Some(format!(
            "options stand behind the command: s3sieve {}",
            words.collect::<Vec<_>>().join(" ")
        ))
    }

    /// Whether an option's value is the form of a result.
    fn is_followed_by_form(&self, option: &str) -> bool {
        let joined = |word: &String| {
            word.strip_prefix(option)
                .and_then(|rest| rest.strip_prefix('='))
                .is_some_and(|value| FORMS.contains(&value))
        };
        self.words.iter().any(joined)
            || self.words.windows(2).any(|pair| {
                matches!(pair, [name, value] if name == option && FORMS.contains(&value.as_str()))
            })
    }
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
