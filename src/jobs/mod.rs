//! Batch Operations jobs at AWS: submitted, followed, steered, read back.
//!
//! | module | what |
//! |---|---|
//! | `create_job`, `members` | a request, as the SDK sends it |
//! | `caller` | whose credentials these are |
//! | `control`, `endpoint` | calls of S3 Control, and where they may go |
//! | `upload` | a manifest goes up, once |
//! | `journal` | every step, before and after it is taken; what is next |
//! | `preflight` | what would stop the jobs, or surprise, found before anything is sent |
//! | `submit` | the steps are taken |
//! | `setup`, `role` | settings at AWS, shown before they are changed |
//! | `completion`, `retry` | what jobs say they did, and a new plan of what failed |
//!
//! Never knows how rows were found, nor what an operation means.

mod caller;
pub mod completion;
mod control;
mod create_job;
mod endpoint;
pub mod journal;
mod members;
mod preflight;
mod requests;
mod retry;
mod role;
pub mod setup;
mod submit;
mod upload;

pub use caller::{Caller, CallerError, Checked, caller, check_caller};
pub use control::{Control, CreateError, JobDetail, JobView, Wanted};
pub use create_job::create_job_input;
pub use endpoint::{ControlEndpoint, NotAws, check_update_encryption};
pub use members::RequestError;
pub use preflight::{Finding, Preflight, Weight};
pub use requests::{Requests, RequestsError};
pub use retry::{Ended, RetryError, retry, rows};
pub use submit::{Pause, Submission, SubmitError, Taken, describe, list, replay};
pub use upload::{Digest, Lies, Upload, UploadError, abandon};
