//! Tests against servers on this machine, in one binary.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that meets something unexpected has failed"
)]

mod aws_cli;
mod bucket_keys;
mod buckets;
mod columnar;
mod completion;
mod double;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod each_step;
#[path = "../../../it/fixture.rs"]
#[expect(dead_code, reason = "the rest of it is for the tests of what runs offline")]
mod fixture;
mod iam;
mod jobs;
mod killed;
mod listing;
mod memory;
mod parts;
#[path = "../../../it/plans.rs"]
mod plans;
mod plans_in_s3;
mod preflight;
mod races;
mod reach;
mod read;
mod refusals;
#[path = "../../../it/schema.rs"]
mod schema;
mod setup;
mod silence;
mod steering;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[path = "../../../it/steps/mod.rs"]
#[expect(dead_code, reason = "the rest of it is for the tests of what runs offline")]
mod steps;
mod system;
mod terminal;
mod tls;
mod walk;
mod walks;
mod world;
mod write;

/// The program under test.
const PROGRAM: &str = env!("CARGO_BIN_EXE_s3sieve-under-test");

/// The folder of the repository.
const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
