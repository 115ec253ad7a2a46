//! All integration tests, in one binary: it links once, and its fixtures are shared.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that meets something unexpected has failed"
)]

#[cfg(feature = "aws")]
mod aws_cli;
mod damage;
mod eligibility;
mod estimate;
mod filter;
mod fixture;
mod for_operation;
mod interrupted;
mod inventory;
mod layers;
mod memory;
mod other_commands;
mod plan_document;
mod readme;
mod real_reports;
mod submit;
mod tidy;
mod verify;
