//! Ctrl-C and signals to end: the first asks the run to stop, the second ends the program.

use std::process;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Exit, print};

static STOP: AtomicBool = AtomicBool::new(false);

/// Set once the user wants the program to end.
pub(super) fn flag() -> &'static AtomicBool {
    &STOP
}

/// Begins to listen for signals.
pub(super) fn listen() {
    let result = ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::Relaxed) {
            process::exit(i32::from(Exit::Interrupted.code()));
        }
    });
    if let Err(error) = result {
        // The run can go on: the system's own way of ending it leaves no finished plan either.
        print::tell(&format!("s3sieve: cannot listen for Ctrl-C: {error}"));
    }
}
