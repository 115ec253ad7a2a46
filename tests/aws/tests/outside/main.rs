//! Tests against S3 servers from elsewhere. `tests/servers/run.py` installs and starts one, names
//! it in the environment, and runs these.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that meets something unexpected has failed"
)]

#[path = "../it/buckets.rs"]
#[expect(dead_code, reason = "the rest of it is for the server in process")]
mod buckets;
#[path = "../../../it/fixture.rs"]
#[expect(dead_code, reason = "the rest of it is for the tests of what runs offline")]
mod fixture;
mod list;
mod outside;
mod read;
mod refusals;
#[path = "../../../it/schema.rs"]
#[expect(dead_code, reason = "the rest of it is for plans")]
mod schema;
mod strict;
mod write;

/// The program under test.
const PROGRAM: &str = env!("CARGO_BIN_EXE_s3sieve-under-test");

/// The folder of the repository.
const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
