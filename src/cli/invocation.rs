//! What a command line asked for, as far as an error must know: which command, and for whom its
//! results are.

use std::ffi::OsString;

use clap::CommandFactory;

use super::args::{Args, CliCommand, Format};
#[cfg(feature = "aws")]
use super::jobs_args::JobsAction;

/// The flags that ask for JSON.
const FLAGS: [&str; 2] = ["--format", "--result"];

/// Which command, and for whom its results are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Invocation {
    /// As the member `command` of its JSON has it; `None` where it can't be told.
    pub(super) command: Option<String>,
    pub(super) format: Format,
}

impl Invocation {
    /// Of arguments that could not be parsed: as far as can be seen.
    pub(super) fn of_words(words: &[OsString]) -> Self {
        let words: Vec<&str> = words.iter().filter_map(|word| word.to_str()).collect();
        let names = Args::command();
        let names: Vec<&str> = names.get_subcommands().map(clap::Command::get_name).collect();
        let command = words.iter().skip(1).find(|word| names.contains(word));
        let asks = |pair: &[&str]| FLAGS.contains(&pair[0]) && pair[1] == "json";
        let joined =
            |word: &&str| word.split_once('=').is_some_and(|(flag, value)| asks(&[flag, value]));
        let is_json = words.windows(2).any(asks) || words.iter().any(joined);
        Self {
            command: command.map(|name| (*name).to_owned()),
            format: if is_json { Format::Json } else { Format::Human },
        }
    }
}

impl Args {
    /// Which command this is, and for whom its results are.
    pub(super) fn invocation(&self) -> Invocation {
        let (command, format) = match &self.command {
            CliCommand::Inspect(args) => ("inspect", args.format),
            CliCommand::Count(args) => ("count", args.format),
            CliCommand::Filter(args) => ("filter", args.format),
            CliCommand::Estimate(args) => ("estimate", args.format),
            // Its policies are for AWS, whoever looks at them first.
            CliCommand::Policy(_) => ("policy", Format::Human),
            CliCommand::Submit(args) if args.dry_run => ("submit --dry-run", args.format),
            CliCommand::Submit(args) => ("submit", args.format),
            #[cfg(feature = "aws")]
            CliCommand::Jobs(args) => (args.action.name(), args.format),
            #[cfg(feature = "aws")]
            CliCommand::Retry(args) => ("retry", args.format),
            #[cfg(feature = "aws")]
            CliCommand::Setup(_) => ("setup", Format::Human),
            CliCommand::Verify(args) => ("verify", args.format),
            CliCommand::Bench(args) => ("bench", args.format),
            #[cfg(feature = "aws")]
            CliCommand::List(args) => ("list", args.format),
            CliCommand::Synth(args) => ("synth", args.result),
        };
        Invocation { command: Some(command.to_owned()), format }
    }
}

#[cfg(feature = "aws")]
impl JobsAction {
    /// The command, as its JSON names it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::List => "jobs list",
            Self::Watch(_) => "jobs watch",
            Self::Run(_) => "jobs run",
            Self::Cancel(_) => "jobs cancel",
            Self::Priority(_) => "jobs priority",
            Self::Report => "jobs report",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_seen_of_arguments_that_do_not_parse() {
        let of = |line: &str| {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            let Invocation { command, format } = Invocation::of_words(&words);
            (command.unwrap_or_default(), format)
        };
        assert_eq!(of("s3sieve count --nope"), ("count".to_owned(), Format::Human));
        assert_eq!(of("s3sieve count --format json --no"), ("count".to_owned(), Format::Json));
        assert_eq!(of("s3sieve synth --result=json"), ("synth".to_owned(), Format::Json));
        assert_eq!(of("s3sieve nope --format json"), (String::new(), Format::Json));
        assert_eq!(of("s3sieve count json --format human"), ("count".to_owned(), Format::Human));
    }
}
