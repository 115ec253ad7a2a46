//! All integration tests, in one binary: it links once, and its fixtures are shared.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that meets something unexpected has failed"
)]

#[cfg(feature = "aws")]
mod aws_cli;
#[cfg(all(feature = "parquet", feature = "orc"))]
mod columnar;
mod damage;
#[cfg(feature = "aws")]
mod double;
mod eligibility;
mod estimate;
mod filter;
mod fixture;
mod for_operation;
mod interrupted;
mod inventory;
#[cfg(feature = "aws")]
mod jobs;
#[cfg(feature = "aws")]
mod killed;
mod layers;
mod memory;
mod other_commands;
mod plan_document;
mod readme;
mod real_reports;
#[cfg(feature = "aws")]
mod setup;
mod submit;
mod tidy;
mod verify;
#[cfg(feature = "aws")]
mod walk;
