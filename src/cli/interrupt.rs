//! Signals: the first Ctrl-C or signal to end asks the run to stop, the second ends the program.
//! Those that whoever started the program had ignored (`nohup`, a shell's background job) stay
//! ignored.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, LazyLock};

use super::{Exit, print};

static STOP: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// Set once the user wants the program to end.
pub(super) fn flag() -> &'static AtomicBool {
    &STOP
}

/// Begins to listen for signals.
pub(super) fn listen() {
    if let Err(error) = handlers::register(&STOP, EXIT_CODE) {
        // The run can go on: the system's own way of ending it leaves no finished plan either.
        print::warning(&format!("cannot listen for signals: {error}"));
    }
}

/// The code with which the second signal ends the program.
const EXIT_CODE: i32 = Exit::Interrupted.code() as i32;

#[cfg(unix)]
mod handlers {
    use std::ffi::c_int;
    use std::io;
    use std::mem::MaybeUninit;
    use std::ptr;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
    use signal_hook::flag;

    pub(super) fn register(stop: &Arc<AtomicBool>, exit_code: i32) -> io::Result<()> {
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            if is_ignored(signal)? {
                continue;
            }
            // Handlers run in this order: the first signal finds the flag down, and raises it.
            flag::register_conditional_shutdown(signal, exit_code, Arc::clone(stop))?;
            flag::register(signal, Arc::clone(stop))?;
        }
        // Sent where a file would grow beyond `ulimit -f`. With a handler, which needs to do
        // nothing, the write fails, and that is told and cleared up like any other.
        flag::register(SIGXFSZ, Arc::default())?;
        Ok(())
    }

    /// Whether a signal was ignored when the program began.
    #[expect(unsafe_code, reason = "no safe call asks for a signal's action without setting one")]
    fn is_ignored(signal: c_int) -> io::Result<bool> {
        let mut action = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: Without a new action, `sigaction` only writes the present one to the place that
        // it is given, which is as large as it must be.
        if unsafe { libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) } != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: All its fields are numbers, an address that may be null among them: zeroes are
        // valid, and so is what the system wrote.
        Ok(unsafe { action.assume_init() }.sa_sigaction == libc::SIG_IGN)
    }
}

#[cfg(not(unix))]
mod handlers {
    use std::process;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    pub(super) fn register(stop: &Arc<AtomicBool>, exit_code: i32) -> Result<(), ctrlc::Error> {
        let stop = Arc::clone(stop);
        ctrlc::set_handler(move || {
            if stop.swap(true, Ordering::Relaxed) {
                process::exit(exit_code);
            }
        })
    }
}
