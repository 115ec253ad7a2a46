//! The arguments of this process, read; what is wrong with them is told.

use std::env;
use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches, Parser};

use super::args::{Args, left_out, not_built};
use super::invocation::Invocation;
use super::{Exit, failure, print, usage};

/// The arguments of this process, and what they ask for. Help, the version or what is wrong is told
/// here, and the way to end is given.
pub(super) fn read() -> Result<(Args, Invocation), Exit> {
    let given = usage::in_order(env::args_os().collect());
    let mended = |error| usage::mended(error, &given);
    parse(&given).map_err(mended).map_err(|error| {
        let exit = if error.use_stderr() { Exit::Usage } else { Exit::Done };
        let asked = given.get(1).and_then(|word| word.to_str()).unwrap_or_default();
        if let Some(text) = not_built(asked, left_out()) {
            failure::write_json(&Invocation::from_words(&given), Exit::Usage, &text, None);
            print::error(&text);
            return Exit::Usage;
        }
        if exit == Exit::Usage {
            let text = error.render().to_string();
            let text = text.strip_prefix("error: ").unwrap_or(&text).trim_end();
            let (message, hint) = text.split_once("\n\n").unzip();
            let invocation = Invocation::from_words(&given);
            failure::write_json(&invocation, exit, message.unwrap_or(text), hint);
        }
        tell(&error, &given);
        exit
    })
}

fn parse(given: &[OsString]) -> Result<(Args, Invocation), clap::Error> {
    let mut command = Args::command();
    let matches = command.try_get_matches_from_mut(given)?;
    let args = Args::from_arg_matches(&matches).map_err(|error| error.format(&mut command))?;
    Ok((args, Invocation::from_matches(&matches)))
}

/// Tells what is wrong with these arguments, or what was asked for.
///
/// The text repeats arguments between colours of its own, so it can't be cleaned. The arguments
/// can: what is wrong with those is told.
fn tell(error: &clap::Error, given: &[OsString]) {
    let clean = |argument: &OsString| print::visible(&argument.to_string_lossy()).into_owned();
    let again = Args::try_parse_from(given.iter().map(clean)).err();
    let again = again.map(|error| usage::mended(error, given));
    match again.filter(|again| again.kind() == error.kind()) {
        Some(again) => print::usage(&again),
        None => print::tell(error.render().to_string().trim_end()),
    }
}
