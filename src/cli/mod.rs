//! The command line: arguments, progress, tables, exit codes.
//!
//! Never knows bytes or formats: it asks the layers below, and prints what they answer.

mod arg_values;
mod args;
#[cfg_attr(not(feature = "aws"), path = "no_aws.rs")]
mod aws;
mod bench;
mod command_line;
#[cfg(feature = "aws")]
mod completion;
mod completions;
mod count;
mod count_parts;
mod count_result;
#[cfg(feature = "aws")]
mod diff;
mod error;
mod estimate;
mod estimate_notes;
mod excluded_rows;
mod exit;
mod failure;
mod filter;
mod filter_args;
mod flags;
mod given;
mod inspect;
mod install_args;
mod interrupt;
mod invocation;
#[cfg(feature = "aws")]
mod job_events;
#[cfg(feature = "aws")]
mod job_table;
#[cfg(feature = "aws")]
mod jobs;
#[cfg(feature = "aws")]
mod jobs_args;
#[cfg(feature = "aws")]
mod list;
#[cfg(feature = "aws")]
mod list_args;
mod made_part;
mod man;
mod merge;
mod merge_args;
#[cfg(feature = "aws")]
mod older;
mod operation_args;
mod output_format;
mod panics;
mod parameter_file;
mod partition_args;
mod parts;
mod plan_args;
#[cfg(feature = "aws")]
mod plan_jobs;
mod policy;
mod print;
mod progress;
mod report_args;
mod request;
#[cfg(feature = "aws")]
mod retry;
mod scan_summary;
#[cfg(feature = "aws")]
mod send;
#[cfg(feature = "aws")]
mod service_args;
#[cfg(feature = "aws")]
mod setup;
#[cfg(feature = "aws")]
mod setup_args;
mod shell;
mod submit;
mod synth;
mod synth_args;
mod terminal;
mod usage;
mod verify;
#[cfg(feature = "aws")]
mod verify_jobs;
mod verify_parts;
mod verify_result;
#[cfg(feature = "aws")]
mod watch;

use std::process::ExitCode;

pub(crate) use error::CliError;
pub(crate) use exit::Exit;

use crate::source;
use args::{Args, CliCommand};

/// Runs the program with the arguments of the process.
#[must_use]
pub fn main() -> ExitCode {
    panics::listen();
    flags::name_in_messages();
    // Wrong arguments, --help and --version end here, with code 2 or 0.
    let (args, invocation) = match command_line::read() {
        Ok(read) => read,
        Err(exit) => return exit.into(),
    };
    interrupt::listen();
    source::raise_descriptors();
    match panics::guarded(|| run(&args)) {
        Ok(exit) => exit.into(),
        Err(error) if error.is_closed_pipe() => Exit::Done.into(),
        Err(error) => {
            failure::tell(&error, &invocation);
            error.exit().into()
        }
    }
}

fn run(args: &Args) -> Result<Exit, CliError> {
    match &args.command {
        CliCommand::Inspect(args) => inspect::run(args),
        CliCommand::Count(args) => count::run(args),
        CliCommand::Filter(args) => filter::run(args),
        CliCommand::Merge(args) => merge::run(args),
        CliCommand::Estimate(args) => estimate::run(args),
        CliCommand::Policy(args) => policy::run(args),
        CliCommand::Submit(args) => submit::run(args),
        #[cfg(feature = "aws")]
        CliCommand::Jobs(args) => jobs::run(args),
        #[cfg(feature = "aws")]
        CliCommand::Retry(args) => retry::run(args),
        #[cfg(feature = "aws")]
        CliCommand::Setup(args) => setup::run(args),
        CliCommand::Verify(args) => verify::run(args),
        CliCommand::Bench(args) => bench::run(args),
        #[cfg(feature = "aws")]
        CliCommand::List(args) => list::run(args),
        CliCommand::Synth(args) => synth::run(args),
        CliCommand::Completions(args) => completions::run(args),
        CliCommand::Man(args) => man::run(args),
    }
}
