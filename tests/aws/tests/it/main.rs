//! Tests against servers on this machine, in one binary.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that meets something unexpected has failed"
)]

mod fixture;
mod memory;
mod read;
mod refusals;
mod write;
