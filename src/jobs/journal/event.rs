//! What a line of the journal says.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The version of the journal. Raised when a reader of the one before would go wrong.
pub const JOURNAL_VERSION: u32 = 1;

/// A line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When it was written.
    pub time: Timestamp,
    /// What happened, or is about to.
    #[serde(flatten)]
    pub event: Event,
}

/// A step of a submission. One that changes something at AWS stands there twice: what is about to
/// be done, and what came of it. Manifests go by their path in the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Event {
    /// The submission begins. Always the first line, and the only one of its kind.
    Begun {
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
    InParts {
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
    /// A job is about to be told something.
    Telling {
        /// The job.
        job_id: String,
        /// What.
        what: Told,
    },
    /// A job was told.
    Told {
        /// The job.
        job_id: String,
        /// What.
        what: Told,
    },
    /// A job was seen in a state that it never leaves.
    Ended {
        /// The job.
        job_id: String,
        /// That state.
        status: String,
    },
}

/// What a job can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Told {
    /// To run, where it waits for confirmation.
    Run,
    /// To end before it is done.
    Cancel,
    /// To go before or after others.
    Priority(i32),
}
