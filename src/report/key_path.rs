//! Keys of data files as paths.

use std::path::{Component, Path};

use super::error::KeyFault;

/// The longest key of an S3 object, in bytes (S3 User Guide, "Naming Amazon S3 objects").
pub(crate) const KEY_BYTES_MAX: usize = 1_024;

/// The names a key leads through, the file's own last.
///
/// Empty components (`a//b`, `/a`) are passed over: S3 manifests and real keys differ in them when
/// the destination prefix ends in a slash, and a prefix that begins with one is not a path from the
/// root of this disk.
///
/// # Errors
/// When the key is not a path that stays below the folder it starts from: with a component `.` or
/// `..`, with a NUL byte, or with a component that is not one file name on this system.
pub fn key_components(key: &str) -> Result<Vec<&str>, KeyFault> {
    if key.len() > KEY_BYTES_MAX {
        return Err(KeyFault::TooLong);
    }
    if key.contains('\0') {
        return Err(KeyFault::Nul);
    }
    let components: Vec<&str> = key.split('/').filter(|name| !name.is_empty()).collect();
    for name in &components {
        if matches!(*name, "." | "..") {
            return Err(KeyFault::Dots);
        }
        if !is_plain_name(name) {
            return Err(KeyFault::NotAName);
        }
    }
    if components.is_empty() { Err(KeyFault::Empty) } else { Ok(components) }
}

/// Whether this system reads a component as one file name: on Windows `C:`, `a\b` and `a:b` are
/// more than that. Elsewhere a slash alone parts names, and asking the library takes longer than
/// all else here.
fn is_plain_name(name: &str) -> bool {
    if !cfg!(windows) {
        return true;
    }
    let mut parts = Path::new(name).components();
    let is_one_part = |part| matches!(part, Some(Component::Normal(part)) if part == name);
    !name.contains(['\\', ':']) && is_one_part(parts.next()) && parts.next().is_none()
}
