//! The flags and commands by which messages of the other layers name parameters.

use std::borrow::Cow;

use crate::diagnostic::parameter::{self as parameters, CommandName, FrontEndNames, ParameterName};

/// Flags that are named otherwise than their parameters.
const OTHERWISE: &[(ParameterName, &str)] = &[
    (parameters::BY, "--by"),
    (parameters::MAX_BYTES, "--max-bytes"),
    (parameters::MAX_OBJECTS, "--max-objects"),
    (parameters::MEMORY, "--memory"),
    (parameters::PLAN_FOR, "--for"),
    (parameters::PREDICATE, "--where"),
    (parameters::SELECT_STATEMENT, "--sql"),
    // They stand somewhere else than in a flag.
    (parameters::PLACE_IN_PLAN, "inventory.place of plan.json"),
    (parameters::PLAN_ADDRESS, "the plan's address"),
];

/// From now on, messages of all layers name flags and commands.
pub(super) fn name_in_messages() {
    parameters::name_by(FrontEndNames { parameter: flag, command });
}

/// The flag of a parameter.
pub(super) fn flag(parameter: ParameterName) -> Cow<'static, str> {
    match OTHERWISE.iter().find(|(other, _)| *other == parameter) {
        Some((_, flag)) => Cow::Borrowed(flag),
        None => Cow::Owned(format!("--{}", parameter.name().replace('_', "-"))),
    }
}

/// The words of a command.
fn command(command: CommandName) -> Cow<'static, str> {
    Cow::Owned(format!("s3sieve {}", command.name().replace('_', "-")))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::CommandFactory;

    use super::*;
    use crate::cli::args::Args;

    fn gather(command: &clap::Command, path: &str, flags: &mut BTreeSet<String>) {
        flags.extend(
            command
                .get_arguments()
                .filter_map(|argument| argument.get_long().map(|long| format!("--{long}"))),
        );
        for sub in command.get_subcommands() {
            let path = format!("{path} {}", sub.get_name());
            flags.insert(path.clone());
            gather(sub, &path, flags);
        }
    }

    #[test]
    #[cfg(feature = "aws")]
    fn every_name_in_a_message_is_a_flag_or_a_command() {
        let mut known = BTreeSet::new();
        gather(&Args::command(), "s3sieve", &mut known);
        let elsewhere = [parameters::PLACE_IN_PLAN, parameters::PLAN_ADDRESS];
        for parameter in parameters::PARAMETERS.iter().filter(|name| !elsewhere.contains(name)) {
            let flag = flag(*parameter);
            assert!(known.contains(&*flag), "{flag} is not a flag of any command");
        }
        for name in parameters::COMMANDS {
            let words = command(*name);
            assert!(known.contains(&*words), "{words} is not a command");
        }
    }
}
