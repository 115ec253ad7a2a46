//! Panics: bugs of the program itself. Wherever one happens, the run ends, the terminal is
//! restored, and the user is asked to report it.
//!
//! The panic hook only stores the message: a progress bar may be on the screen, and the message may
//! contain control characters. It also ends the run as Ctrl-C does, so that no thread waits for the
//! one that is gone. The message is printed after the screen is cleared. Panics of other people's
//! code, which are caught where it is called (`format/foreign.rs`), are none of its business.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::{CliError, Exit, interrupt};
#[cfg(any(feature = "parquet", feature = "orc"))]
use crate::format::foreign;

/// The first one; others follow from it.
static FIRST: Mutex<Option<String>> = Mutex::new(None);

/// Takes note of panics from now on.
pub(super) fn listen() {
    panic::set_hook(Box::new(|info| {
        if is_caught() {
            return;
        }
        let text = describe(info);
        FIRST.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(text);
        interrupt::flag().store(true, Ordering::Relaxed);
    }));
}

/// Whether the panic of this thread is caught, and becomes an error of the data.
fn is_caught() -> bool {
    #[cfg(any(feature = "parquet", feature = "orc"))]
    let is_caught = foreign::is_guarded();
    #[cfg(not(any(feature = "parquet", feature = "orc")))]
    let is_caught = false;
    is_caught
}

/// Runs a command; a panic, in whatever thread, is its error.
pub(super) fn guarded(run: impl FnOnce() -> Result<Exit, CliError>) -> Result<Exit, CliError> {
    // Nothing of the command is used after a panic.
    let result = panic::catch_unwind(AssertUnwindSafe(run));
    let first = FIRST.lock().unwrap_or_else(PoisonError::into_inner).take();
    match (first, result) {
        (None, Ok(result)) => result,
        (Some(first), _) => Err(CliError::fault(first)),
        (None, Err(payload)) => Err(CliError::fault(message(payload.as_ref()).to_owned())),
    }
}

/// What happened, and where; with `RUST_BACKTRACE` set, also on which way.
fn describe(info: &PanicHookInfo<'_>) -> String {
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let thread = thread::current();
    let name = thread.name().unwrap_or("unnamed");
    let mut text = format!("{} ({place}, thread {name})", message(info.payload()));
    let trace = Backtrace::capture();
    if trace.status() == BacktraceStatus::Captured {
        text += &format!("\n{trace}");
    }
    text
}

fn message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_that_asks_for_a_report() {
        let error = guarded(|| panic!("as {}", "told")).unwrap_err();
        assert_eq!(error.exit(), Exit::Fault);
        let (text, hint) = (error.to_string(), error.hint().unwrap_or_default());
        assert!(text.contains("as told") && hint.contains("Please report it"), "{text} {hint}");
        assert_eq!(guarded(|| Ok(Exit::Partly)).unwrap(), Exit::Partly);
    }
}
