//! What a line of the journal says.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The version of the journal. Raised when a reader of the one before would go wrong.
pub const JOURNAL_VERSION: u32 = 2;

/// A line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// When it was written.
    pub time: Timestamp,
    /// What happened, or is about to.
    #[serde(flatten)]
    pub event: JournalEvent,
}

/// A step of a submission. One that changes something at AWS stands there twice: what is about to
/// be done, and what came of it. Manifests go by their path in the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum JournalEvent {
    /// The submission begins. Always the first line, and the only one of its kind.
    Started {
        /// [`JOURNAL_VERSION`] of the program that wrote it.
        version: u32,
        /// Name and version of that program.
        tool: String,
        /// The account of the jobs.
        account_id: String,
        /// The region of the jobs.
        region: String,
        /// How many jobs there will be.
        jobs: usize,
        /// The SHA-256 of `requests.jsonl`, in hexadecimal.
        requests_sha256: String,
    },
    /// A manifest is about to be uploaded.
    Uploading {
        /// Which.
        manifest: String,
        /// Where to: `bucket/key`.
        object: String,
    },
    /// An upload in parts has been begun; it is ended or given up before another one begins.
    MultipartStarted {
        /// Of which manifest.
        manifest: String,
        /// Where to: `bucket/key`.
        object: String,
        /// The upload's id.
        upload_id: String,
    },
    /// A manifest is there.
    Uploaded {
        /// Which.
        manifest: String,
        /// Its `ETag`, without quotes.
        etag: String,
        /// Whether it was there already.
        found: bool,
    },
    /// A job is about to be created.
    Creating {
        /// For which manifest.
        manifest: String,
        /// Which job it is of this manifest, from 1: the jobs before it ended without running a
        /// task.
        attempt: u32,
        /// The request's token.
        token: String,
    },
    /// A job is there.
    Created {
        /// For which manifest.
        manifest: String,
        /// The job.
        job_id: String,
        /// Whether it was there already.
        found: bool,
    },
    /// A command is about to be sent to a job.
    CommandSent {
        /// The job.
        job_id: String,
        /// Which.
        command: JobCommand,
    },
    /// A job has taken a command.
    CommandAcked {
        /// The job.
        job_id: String,
        /// Which.
        command: JobCommand,
    },
    /// A job was seen in a state that it never leaves.
    Ended {
        /// The job.
        job_id: String,
        /// That state, and what it did.
        #[serde(flatten)]
        end: JobEnd,
    },
    /// The job of a manifest, not created yet, gets this priority as soon as it is.
    PriorityPlanned {
        /// Which manifest.
        manifest: String,
        /// The priority.
        priority: i32,
    },
    /// The job of a manifest, not created yet, won't be.
    Withdrawn {
        /// Which manifest.
        manifest: String,
    },
    /// The job of a manifest will be created after all: it was withdrawn, or ended before it ran a
    /// task.
    Reinstated {
        /// Which manifest.
        manifest: String,
    },
    /// Another plan has what this one left undone. No job is created any more.
    Continued {
        /// Where that plan is.
        plan: String,
    },
}

/// The state of a job that it never leaves, and what it did until then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct JobEnd {
    /// As the API's `JobStatus` names it, or [`JobEnd::FORGOTTEN`].
    pub status: String,
    /// Its tasks: one for each row of its manifest; 0 where it never read that.
    pub tasks: u64,
    /// Of those, how many succeeded.
    pub succeeded: u64,
    /// Of those, how many failed.
    pub failed: u64,
}

impl JobEnd {
    /// Stands for the state of a job that AWS no longer knows: it ended at some time.
    pub const FORGOTTEN: &str = "Forgotten";

    /// Whether every task of a manifest with `objects` rows was done.
    #[must_use]
    pub fn is_clean(&self, objects: u64) -> bool {
        self.is_complete() && self.failed == 0 && self.succeeded >= objects
    }

    /// Whether every task that the job knew was run, done or failed.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.status == "Complete"
    }

    /// Whether every task of a manifest with `objects` rows was run, done or failed.
    #[must_use]
    pub fn ran_all(&self, objects: u64) -> bool {
        self.is_complete() && self.succeeded.saturating_add(self.failed) >= objects
    }

    /// Whether it is sure that no task was run.
    #[must_use]
    pub fn ran_nothing(&self) -> bool {
        matches!(&*self.status, "Failed" | "Cancelled") && self.succeeded + self.failed == 0
    }
}

/// What a job can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobCommand {
    /// To run, where it waits for confirmation.
    Run,
    /// To end before it is done.
    Cancel,
    /// To go before or after others.
    Priority(i32),
}
