//! The limit on open files of this process.
//!
//! The system has a soft limit, which applies and which a process may raise up to the hard limit.
//! The soft limit is often low for the sake of old programs (256 on macOS, 1,024 on Linux).
//!
//! Never knows which files are open.

/// Open files that are asked for. 4,096: one for each of 500 lanes, 17 for each of 128 threads (its
/// own, and 16 that it hashes together), and as much again for connections. macOS takes no number
/// beyond 10,240.
pub(super) const DESCRIPTORS_WANTED: u64 = 4_096;

/// Raises the limit towards [`DESCRIPTORS_WANTED`], as far as the system lets it be raised. What
/// can't be raised stays: who opens many files asks [`descriptors_max`].
pub(crate) fn raise_descriptors() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = getrlimit(Resource::Nofile);
        let wanted = limit.maximum.map_or(DESCRIPTORS_WANTED, |max| max.min(DESCRIPTORS_WANTED));
        if limit.current.is_some_and(|current| current < wanted) {
            let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), ..limit });
        }
    }
}

/// How many files may be open, where the system says.
#[must_use]
pub(crate) fn descriptors_max() -> Option<u64> {
    #[cfg(unix)]
    return rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    #[cfg(not(unix))]
    None
}

/// Whether an error says that no more files may be open.
#[must_use]
pub(crate) fn is_out_of_descriptors(error: &std::io::Error) -> bool {
    #[cfg(unix)]
    {
        let code = error.raw_os_error();
        [rustix::io::Errno::MFILE, rustix::io::Errno::NFILE]
            .iter()
            .any(|full| code == Some(full.raw_os_error()))
    }
    #[cfg(not(unix))]
    {
        let _ = error;
        false
    }
}
