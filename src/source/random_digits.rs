//! Digits for names that no other run has.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

/// Sixteen hexadecimal digits that can't be guessed: the keys of a hasher come from the system.
#[must_use]
pub(crate) fn random_digits() -> String {
    format!("{:016x}", RandomState::new().build_hasher().finish())
}
