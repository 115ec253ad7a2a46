//! Arguments of what goes beside the program: completions for shells, and pages for man(1).

use std::path::PathBuf;

use clap::Args as ClapArgs;
use clap_complete::Shell;

use super::arg_values::local_folder;

const COMPLETIONS_HELP: &str = "\
Where shells look for them:
  s3sieve completions bash > ~/.local/share/bash-completion/completions/s3sieve
  s3sieve completions zsh > ~/.zfunc/_s3sieve      (with ~/.zfunc in fpath, before compinit)
  s3sieve completions fish > ~/.config/fish/completions/s3sieve.fish
For this shell only, in bash:
  source <(s3sieve completions bash)";

#[derive(Debug, ClapArgs)]
#[command(after_help = COMPLETIONS_HELP)]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    pub(super) shell: Shell,
}

const MAN_HELP: &str = "\
Examples:
  s3sieve man ~/.local/share/man/man1
  man s3sieve-filter";

#[derive(Debug, ClapArgs)]
#[command(after_help = MAN_HELP)]
pub(super) struct ManArgs {
    /// The folder of the pages, such as ~/.local/share/man/man1, made if it is missing; older pages
    /// of this program there are replaced
    #[arg(value_name = "DIR", value_parser = local_folder())]
    pub(super) out: PathBuf,
}
