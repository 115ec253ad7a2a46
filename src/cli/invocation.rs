//! What a command line asked for, as far as an error must know: which command, and for whom its
//! results are.

use std::ffi::OsString;

use clap::{ArgMatches, CommandFactory};

use super::args::Args;
use super::output_format::Format;

/// The flags that ask for JSON, and their names in the definition of commands. `synth` has the
/// second one, for its `--format` is that of the data.
const FLAGS: [&str; 2] = ["--format", "--result"];
const IDS: [&str; 2] = ["format", "result"];

/// Which command, and for whom its results are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Invocation {
    /// As the member `command` of its JSON has it; `None` where it can't be told.
    pub(super) command: Option<String>,
    pub(super) format: Format,
}

impl Invocation {
    /// Of arguments that were parsed: the names of the command and of what it does, as clap knows
    /// them. A dry run is a command of its own. Commands without such a flag are for people.
    pub(super) fn from_matches(matches: &ArgMatches) -> Self {
        let (mut names, mut format) = (Vec::new(), Format::Human);
        let mut next = matches.subcommand();
        while let Some((name, matches)) = next {
            names.push(name);
            if let Ok(Some(true)) = matches.try_get_one::<bool>("dry_run") {
                names.push("--dry-run");
            }
            let given = IDS.iter().find_map(|id| matches.try_get_one::<Format>(id).ok().flatten());
            format = given.copied().unwrap_or(format);
            next = matches.subcommand();
        }
        Self { command: Some(names.join(" ")), format }
    }

    /// Of arguments that could not be parsed: as far as can be seen.
    pub(super) fn from_words(words: &[OsString]) -> Self {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_named_as_it_is_defined() {
        let of = |line: &str| {
            let matches = Args::command().try_get_matches_from(line.split(' ')).unwrap();
            let Invocation { command, format } = Invocation::from_matches(&matches);
            (command.unwrap_or_default(), format)
        };
        assert_eq!(of("s3sieve count m.json"), ("count".to_owned(), Format::Human));
        assert_eq!(of("s3sieve count m.json --format json"), ("count".to_owned(), Format::Json));
        let synth = "s3sieve synth --out d --rows 1 --format orc";
        assert_eq!(of(synth), ("synth".to_owned(), Format::Human));
        assert_eq!(of(&format!("{synth} --result json")), ("synth".to_owned(), Format::Json));
        let submit =
            "s3sieve submit d --operation replicate --account-id 1 --role-arn r --report p";
        assert_eq!(of(submit), ("submit".to_owned(), Format::Human));
        let dry = format!("{submit} --dry-run --format json");
        assert_eq!(of(&dry), ("submit --dry-run".to_owned(), Format::Json));
        #[cfg(feature = "aws")]
        for line in ["s3sieve jobs d list --format json", "s3sieve jobs d --format json list"] {
            assert_eq!(of(line), ("jobs list".to_owned(), Format::Json), "{line}");
        }
    }

    #[test]
    fn what_can_be_seen_of_arguments_that_do_not_parse() {
        let of = |line: &str| {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            let Invocation { command, format } = Invocation::from_words(&words);
            (command.unwrap_or_default(), format)
        };
        assert_eq!(of("s3sieve count --nope"), ("count".to_owned(), Format::Human));
        assert_eq!(of("s3sieve count --format json --no"), ("count".to_owned(), Format::Json));
        assert_eq!(of("s3sieve synth --result=json"), ("synth".to_owned(), Format::Json));
        assert_eq!(of("s3sieve nope --format json"), (String::new(), Format::Json));
        assert_eq!(of("s3sieve count json --format human"), ("count".to_owned(), Format::Human));
    }
}
