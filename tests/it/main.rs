//! All integration tests, in one binary: it links once, and its fixtures are shared.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that meets something unexpected has failed"
)]

#[cfg(all(feature = "parquet", feature = "orc"))]
mod columnar;
mod damage;
mod filter;
mod fixture;
mod interrupted;
mod layers;
mod memory;
mod other_commands;
mod plan_document;
mod real_reports;
mod tidy;
