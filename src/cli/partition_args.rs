//! `--partition` and `--partitions`: which part of the work this run does.

use std::env;
use std::str::FromStr;

use clap::Args as ClapArgs;
use jiff::Timestamp;

use super::CliError;
use super::arg_values::moment;
use crate::parts::PartNumber;
use crate::read::ReportSet;

/// Where schedulers say which task of an array runs: Slurm, AWS Batch, Kubernetes' Indexed Jobs.
const INDEXES: [&str; 3] =
    ["SLURM_ARRAY_TASK_ID", "AWS_BATCH_JOB_ARRAY_INDEX", "JOB_COMPLETION_INDEX"];

/// Which part of how many, and what `now()` means in all of them.
#[derive(Debug, ClapArgs)]
pub(super) struct PartitionArgs {
    /// Do part K of N alone, counted from 0; N workers do all, and `merge` makes one of them.
    /// `env/N` takes K from the scheduler (`SLURM_ARRAY_TASK_ID`, `AWS_BATCH_JOB_ARRAY_INDEX` or
    /// `JOB_COMPLETION_INDEX`), `env:NAME/N` from another variable. REPORT is a manifest.json then,
    /// and DIR may be shared by all workers, or in S3 (docs/scale-out.md)
    #[arg(long, value_name = "K/N", conflicts_with = "partitions", allow_hyphen_values = true)]
    partition: Option<PartitionArg>,
    /// Do all N parts on this machine, one after another, and merge them
    #[arg(long, value_name = "N")]
    partitions: Option<u32>,
    /// What `now()` means [default: when the command begins; for parts, when the report was begun]
    #[arg(long, value_name = "TIME", value_parser = moment)]
    now: Option<Timestamp>,
}

/// Where the number of a part is from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum PartIndex {
    Number(u32),
    /// The variable that the scheduler has set.
    Scheduler,
    Variable(String),
}

/// `K/N`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct PartitionArg {
    index: PartIndex,
    parts: u32,
}

impl FromStr for PartitionArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fault = || format!("`{text}` is not K/N, such as 3/12, env/12 or env:TASK/12");
        let (index, parts) = text.rsplit_once('/').ok_or_else(fault)?;
        let parts = number(parts).ok_or_else(fault)?;
        let index = match (index, index.strip_prefix("env:")) {
            ("env", _) => PartIndex::Scheduler,
            (_, Some("")) => return Err(fault()),
            (_, Some(name)) => PartIndex::Variable(name.to_owned()),
            (digits, None) => PartIndex::Number(number(digits).ok_or_else(fault)?),
        };
        // What is wrong with a number that stands here is told at once.
        let known = if let PartIndex::Number(number) = index { number } else { 0 };
        PartNumber::new(known, parts).map_err(|error| error.to_string())?;
        Ok(Self { index, parts })
    }
}

/// A number in decimal digits alone.
fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// What a run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PartWork {
    /// All in one.
    Whole,
    /// One part.
    One(PartNumber),
    /// All of this many parts, and what comes after.
    All(u32),
}

impl PartitionArgs {
    /// Whether nothing is said of parts.
    pub(super) fn is_whole(&self) -> bool {
        self.partition.is_none() && self.partitions.is_none()
    }

    /// What this run does.
    pub(super) fn work(&self) -> Result<PartWork, CliError> {
        let usage = |text: String| CliError::usage(text);
        if let Some(parts) = self.partitions {
            let all = PartNumber::new(0, parts).map_err(|e| usage(format!("--partitions {e}")))?;
            return Ok(PartWork::All(all.parts()));
        }
        let Some(PartitionArg { index, parts }) = &self.partition else {
            return Ok(PartWork::Whole);
        };
        let number = match index {
            PartIndex::Number(number) => *number,
            PartIndex::Scheduler => number_of_task(&variable)?,
            PartIndex::Variable(name) => number_in(name, &variable)?,
        };
        let part = PartNumber::new(number, *parts);
        part.map(PartWork::One).map_err(|error| usage(format!("--partition {error}")))
    }

    /// What `now()` means: in parts never the worker's clock.
    pub(super) fn now(&self, work: PartWork, opened: &ReportSet) -> Result<Timestamp, CliError> {
        let created = || opened.reports.first().and_then(|report| report.created);
        let now = match (self.now, work) {
            (Some(now), _) => Some(now),
            (None, PartWork::Whole) => Some(Timestamp::now()),
            (None, PartWork::One(_) | PartWork::All(_)) => created(),
        };
        now.ok_or_else(|| {
            CliError::usage(
                "the report does not say when it was begun, so now() has no meaning that all \
                 parts share: give --now TIME"
                    .to_owned(),
            )
        })
    }
}

impl PartWork {
    /// The part whose files are opened; all of them where all parts are done, of one report, too.
    pub(super) fn opened(self) -> Option<PartNumber> {
        match self {
            Self::Whole => None,
            Self::One(part) => Some(part),
            Self::All(_) => PartNumber::new(0, 1).ok(),
        }
    }
}

fn variable(name: &str) -> Option<String> {
    env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// The number of the task that a scheduler has started.
fn number_of_task(variable: &dyn Fn(&str) -> Option<String>) -> Result<u32, CliError> {
    let is_set = |name: &&str| variable(name).is_some_and(|value| !value.is_empty());
    let set: Vec<&str> = INDEXES.into_iter().filter(is_set).collect();
    match set[..] {
        [name] => number_in(name, variable),
        [] => Err(CliError::usage(format!(
            "--partition env/N: none of {} is set; is this a task of an array? Another variable \
             is named as env:NAME/N",
            INDEXES.join(", ")
        ))),
        _ => Err(CliError::usage(format!(
            "--partition env/N: {} are set, and only one of them can say which part this is; name \
             it as env:NAME/N",
            set.join(" and ")
        ))),
    }
}

fn number_in(name: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<u32, CliError> {
    let value = variable(name);
    value.as_deref().and_then(number).ok_or_else(|| {
        let found = value.map_or_else(|| "not set".to_owned(), |value| format!("`{value}`"));
        CliError::usage(format!("--partition: {name} is {found}, where a whole number is needed"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_given_as_k_of_n() {
        let parsed = |text: &str| text.parse::<PartitionArg>();
        let arg = |index, parts| Ok(PartitionArg { index, parts });
        assert_eq!(parsed("3/12"), arg(PartIndex::Number(3), 12));
        assert_eq!(parsed("env/12"), arg(PartIndex::Scheduler, 12));
        assert_eq!(parsed("env:A/B/12"), arg(PartIndex::Variable("A/B".to_owned()), 12));
        for text in ["", "3", "3/", "/3", "a/3", "-1/3", "+1/3", "env:/3", "12/12", "0/0", "1/x"] {
            assert!(parsed(text).is_err(), "{text}");
        }
        assert!(parsed("12/12").unwrap_err().contains("the last of 12 is 11"));
    }

    #[test]
    fn exactly_one_scheduler_says_which_part_it_is() {
        let of = |set: &[(&str, &str)]| {
            let value = |name: &str| {
                set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            };
            number_of_task(&value).map_err(|error| error.to_string())
        };
        for name in INDEXES {
            assert_eq!(of(&[(name, "7")]), Ok(7));
            assert!(of(&[(name, "x")]).unwrap_err().contains(name));
            assert!(of(&[(name, "")]).unwrap_err().contains("none of"));
        }
        assert!(of(&[]).unwrap_err().contains("none of SLURM_ARRAY_TASK_ID"));
        let two = of(&[(INDEXES[0], "1"), (INDEXES[2], "1")]).unwrap_err();
        assert!(two.contains("SLURM_ARRAY_TASK_ID and JOB_COMPLETION_INDEX are set"), "{two}");
    }
}
