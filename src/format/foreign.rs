//! Code of others that is given hostile bytes: its panics are faults of the data.
//!
//! Only calls into other crates go through here. A panic of this program is a bug of its own, and
//! must end the run, not be taken for a damaged file.
//!
//! The library sets no panic hook. Whoever sets one can ask [`is_guarded`], and be silent.

use std::any::Any;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};

thread_local! {
    /// Whether a panic of this thread is caught here.
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic at this place of this thread comes back as an error. For panic hooks.
#[must_use]
pub(crate) fn is_guarded() -> bool {
    GUARDED.get()
}

/// Calls code of others; a panic in it comes back as its message. What the call has changed is then
/// of no use any more.
pub(super) fn guarded<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    let outer = GUARDED.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(call));
    GUARDED.set(outer);
    result.map_err(|payload| message(payload.as_ref()))
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_its_message() {
        assert_eq!(guarded(|| 5), Ok(5));
        assert_eq!(guarded(|| -> u8 { panic!("as {}", "told") }), Err("as told".to_owned()));
    }

    #[test]
    fn a_hook_can_tell_what_is_caught() {
        assert!(!is_guarded());
        assert_eq!(guarded(|| (is_guarded(), guarded(is_guarded), is_guarded())), {
            Ok((true, Ok(true), true))
        });
        assert!(guarded(|| -> u8 { panic!("caught") }).is_err());
        assert!(!is_guarded());
    }
}
