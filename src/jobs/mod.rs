//! Batch Operations jobs at AWS: submitted, followed, steered, read back.
//!
//! | module | what |
//! |---|---|
//! | `create_job`, `members` | a request, as the SDK sends it |
//! | `caller` | whose credentials these are |
//! | `control`, `endpoint` | calls of S3 Control, and where they may go |
//! | `upload` | a manifest goes up, once |
//! | `in_place` | a manifest of a plan in S3 is used where it is |
//! | `journal` | every step, before and after it is taken; what is next |
//! | `preflight` | what would stop the jobs, or surprise, found before anything is sent |
//! | `submit` | the steps are taken |
//! | `outage` | how long it is waited for AWS to answer again |
//! | `setup`, `role` | settings at AWS, shown before they are changed |
//! | `completion`, `retry` | what jobs say they did, and a new plan of what failed |
//!
//! Never knows how rows were found, nor what an operation means.

mod caller;
pub mod completion;
mod control;
mod create_job;
mod endpoint;
mod in_place;
pub mod journal;
mod members;
mod outage;
mod preflight;
mod requests;
mod retry;
mod role;
pub mod setup;
mod submit;
mod submit_error;
mod upload;

pub use caller::{Caller, CallerCheck, CallerError, caller, check_caller};
pub use control::{CreateError, JobControl, JobDetail, JobFilter, JobView};
pub use create_job::create_job_input;
pub use endpoint::{ControlEndpoint, NotAws, check_update_encryption};
pub use members::RequestError;
pub use outage::{OUTAGE_MAX, Outage, OutageVerdict};
pub use preflight::{Preflight, PreflightFinding, Severity};
pub use requests::{Requests, RequestsError};
pub use retry::{RetryError, RetryOptions, ShardOutcome, retry};
pub use submit::{Pause, StepOutcome, Submission, describe, list, replay, should_be_known};
pub use submit_error::SubmitError;
pub use upload::{FileUpload, UploadError, abort_multipart};
