//! Batch Operations jobs at AWS: so far, a request as the AWS SDK sends it.
//!
//! Never knows how rows were found, nor what an operation means.

mod create_job;
mod members;

pub use create_job::create_job_input;
pub use members::RequestError;
