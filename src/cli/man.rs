//! `s3sieve man`: pages for man(1), one for the program and one for each command.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use super::args::Args;
use super::install_args::ManArgs;
use super::output_format::Format;
use super::shell::word;
use super::{CliError, Exit, print};
use crate::source::write_whole;

/// What stands at the foot of each page.
const SOURCE: &str = concat!("s3sieve ", env!("CARGO_PKG_VERSION"));

pub(super) fn run(args: &ManArgs) -> Result<Exit, CliError> {
    let folder = &args.out;
    let at = |path: &Path, error| CliError::file(path, error);
    fs::create_dir_all(folder).map_err(|error| at(folder, error))?;
    let pages = pages()?;
    for (name, text) in &pages {
        let path = folder.join(name);
        write_whole(
            &path,
            |error| at(&path, error),
            |file| file.write_all(text).map_err(|error| at(&path, error)),
        )?;
    }
    let mut out = print::output(Format::Human);
    writeln!(out, "{} pages in {}.", pages.len(), word(folder))?;
    out.flush()?;
    Ok(Exit::Done)
}

/// The names of all pages, with their text, made from the definitions of the commands.
fn pages() -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut program = Args::command().disable_help_subcommand(true);
    program.build();
    let mut pages = Vec::new();
    collect(&program, &mut pages)?;
    Ok(pages)
}

/// Adds the page of a command and those of the commands below it.
fn collect(command: &Command, pages: &mut Vec<(String, Vec<u8>)>) -> io::Result<()> {
    let man = Man::new(command.clone()).source(SOURCE).manual("s3sieve");
    let mut text = Vec::new();
    man.render(&mut text)?;
    pages.push((man.get_filename(), with_examples(&text)));
    for command in command.get_subcommands().filter(|command| !command.is_hide_set()) {
        collect(command, pages)?;
    }
    Ok(())
}

/// The page with the indented lines of its last section as they stand: they are examples, and
/// man(1) would fill them like prose.
fn with_examples(page: &[u8]) -> Vec<u8> {
    let page = String::from_utf8_lossy(page);
    let Some((before, notes)) = page.split_once(".SH EXTRA\n") else {
        return page.as_bytes().to_vec();
    };
    let mut text = before.to_owned() + ".SH NOTES\n";
    let mut is_example = false;
    for line in notes.lines() {
        if line.starts_with(' ') != is_example {
            is_example = !is_example;
            text += if is_example { ".nf\n" } else { ".fi\n" };
        }
        text += line;
        text.push('\n');
    }
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_keep_their_lines() {
        let pages = pages().unwrap();
        let (_, page) = pages.iter().find(|(name, _)| name == "s3sieve-man.1").unwrap();
        let page = String::from_utf8(page.clone()).unwrap();
        assert!(page.contains("\nExamples:\n.nf\n  s3sieve man"), "{page}");
        let is_open = |(_, page): &(String, Vec<u8>)| {
            let page = String::from_utf8_lossy(page);
            page.matches("\n.nf\n").count() != page.matches("\n.fi\n").count()
                && !page.trim_end().lines().last().unwrap().starts_with(' ')
        };
        assert!(!pages.iter().any(is_open));
    }
}
