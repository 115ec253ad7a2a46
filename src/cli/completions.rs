//! `s3sieve completions`: what a shell needs to complete this program's commands and options.

use clap::CommandFactory;
use clap_complete::{Shell, generate};

use super::args::Args;
use super::install_args::CompletionsArgs;
use super::{CliError, Exit, print};

pub(super) fn run(args: &CompletionsArgs) -> Result<Exit, CliError> {
    print::script(&script(args.shell))?;
    Ok(Exit::Done)
}

/// The script for a shell, made from the definitions of the commands.
fn script(shell: Shell) -> String {
    let mut text = Vec::new();
    generate(shell, &mut Args::command(), env!("CARGO_PKG_NAME"), &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn every_command_and_option_is_completed_in_every_shell() {
        for shell in Shell::value_variants() {
            let script = script(*shell);
            for command in Args::command().get_subcommands() {
                assert!(script.contains(command.get_name()), "{shell}: {}", command.get_name());
                for option in command.get_arguments().filter(|option| !option.is_hide_set()) {
                    let Some(long) = option.get_long() else { continue };
                    assert!(script.contains(long), "{shell}: {} --{long}", command.get_name());
                }
            }
        }
    }

    /// What is printed is escaped on its way; a script has nothing to be escaped.
    #[test]
    fn scripts_are_printed_as_they_are() {
        for shell in Shell::value_variants() {
            let script = script(*shell).replace(['\n', '\t'], " ");
            assert_eq!(print::visible(&script), script, "{shell}");
        }
    }
}
