//! All integration tests, in one binary: it links once, and its fixtures are shared.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that meets something unexpected has failed"
)]

mod circles;
#[cfg(all(feature = "parquet", feature = "orc"))]
mod columnar;
mod damage;
#[cfg(all(feature = "parquet", feature = "orc"))]
mod dates;
mod eligibility;
mod estimate;
mod estimate_notes;
mod field_cases;
mod filter;
mod fixture;
mod flag_names;
#[cfg(all(feature = "parquet", feature = "orc"))]
mod flips;
mod for_operation;
#[cfg(all(feature = "parquet", feature = "orc"))]
mod hostile;
mod interrupted;
mod inventory;
mod json_documents;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod killed;
mod layers;
mod layouts;
#[cfg(unix)]
mod long_run;
mod memory;
#[cfg(all(feature = "aws", feature = "parquet", feature = "orc"))]
mod mistakes;
#[cfg(feature = "orc")]
mod orc_writers;
mod other_commands;
mod parts;
mod plan_document;
mod plan_folder;
mod plans;
mod public_surface;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod races;
mod readme;
mod real_reports;
mod rows;
mod schema;
#[cfg(unix)]
mod screen;
mod shell;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod steps;
mod submit;
mod system;
mod tampered;
mod terminal;
#[cfg(target_os = "linux")]
mod threads;
mod tidy;
mod unreadable;
mod verify;

/// The program under test.
const PROGRAM: &str = env!("CARGO_BIN_EXE_s3sieve");

/// The folder of the repository.
const REPOSITORY: &str = env!("CARGO_MANIFEST_DIR");
