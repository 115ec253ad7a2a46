//! What happens to jobs while a command steers or follows them: a sentence on standard error, or,
//! with `--format json`, a line on standard output for each event.

use std::io::Write;

use serde::Serialize;

use super::args::Format;
use super::jobs::JobLine;
use super::print::{self, Document};
use crate::jobs::StepOutcome;
use crate::jobs::journal::JobCommand;
use crate::units::counted;

/// Where events go.
#[derive(Debug, Clone, Copy)]
pub(super) struct EventOutput {
    /// The command that they are of.
    pub(super) command: &'static str,
    pub(super) format: Format,
}

/// Something that happened.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub(super) enum JobEvent<'a> {
    /// A manifest is where its job reads it.
    Uploaded { manifest: &'a str, found: bool },
    /// A job is there.
    Created { manifest: &'a str, job_id: &'a str, found: bool },
    /// A job was told to run.
    Confirmed { job_id: &'a str },
    /// A job was told to end.
    CancelRequested { job_id: &'a str },
    /// A job had ended before it could be told so.
    AlreadyOver { job_id: &'a str },
    /// Jobs that were not created yet won't be.
    Withdrawn { jobs: usize },
    /// A job has another priority.
    Prioritised { job_id: &'a str, priority: i32 },
    /// Jobs that were not created yet get a priority as soon as they are.
    PriorityPlanned { jobs: usize, priority: i32 },
    /// A job is in another state, or has done more.
    Job {
        #[serde(flatten)]
        job: &'a JobLine,
    },
    /// AWS does not answer.
    Outage { error: String, seconds_max: u64 },
    /// AWS answers again.
    OutageEnded,
}

impl<'a> From<StepOutcome<'a>> for JobEvent<'a> {
    fn from(outcome: StepOutcome<'a>) -> Self {
        match outcome {
            StepOutcome::Uploaded { manifest, found } => Self::Uploaded { manifest, found },
            StepOutcome::Created { manifest, job_id, found } => {
                Self::Created { manifest, job_id, found }
            }
            StepOutcome::Prioritised { job_id, priority } => Self::Prioritised { job_id, priority },
        }
    }
}

impl<'a> JobEvent<'a> {
    /// A job has taken a command.
    pub(super) fn of_command(job_id: &'a str, command: JobCommand) -> Self {
        match command {
            JobCommand::Run => Self::Confirmed { job_id },
            JobCommand::Cancel => Self::CancelRequested { job_id },
            JobCommand::Priority(priority) => Self::Prioritised { job_id, priority },
        }
    }

    /// Tells of it, in the format asked for. A closed standard output ends nothing: jobs matter
    /// more than who reads of them.
    pub(super) fn tell(&self, to: EventOutput) {
        match to.format {
            Format::Human => print::tell(&self.sentence()),
            Format::Json => {
                let document = Document::new(Some(to.command), self);
                if let Ok(line) = serde_json::to_string(&document) {
                    let mut out = print::output(to.format);
                    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
                }
            }
        }
    }

    fn sentence(&self) -> String {
        let was = |found: bool| if found { " (was there already)" } else { "" };
        match self {
            Self::Uploaded { manifest, found } => format!("{manifest}: uploaded{}", was(*found)),
            Self::Created { manifest, job_id, found } => {
                format!("{manifest}: job {job_id}{}", was(*found))
            }
            Self::Confirmed { job_id } => format!("job {job_id}: asked to run"),
            Self::CancelRequested { job_id } => format!("job {job_id}: asked to end"),
            Self::AlreadyOver { job_id } => format!("job {job_id}: had ended already"),
            Self::Withdrawn { jobs } => {
                let jobs = counted(*jobs as u64, "job");
                format!("{jobs} not created yet: withdrawn, never to be created")
            }
            Self::Prioritised { job_id, priority } => {
                format!("job {job_id}: has priority {priority}")
            }
            Self::PriorityPlanned { jobs, priority } => {
                let jobs = counted(*jobs as u64, "job");
                format!("{jobs} not created yet: priority {priority} once created")
            }
            Self::Job { job } => format!("{}: {}", job.manifest, job.in_words()),
            Self::Outage { error, seconds_max } => format!(
                "warning: AWS does not answer: {error}. Waiting for it, {seconds_max} seconds at \
                 most (--outage-max); submitted jobs keep running"
            ),
            Self::OutageEnded => "note: AWS answers again".to_owned(),
        }
    }
}
