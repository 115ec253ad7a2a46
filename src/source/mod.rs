//! Where the bytes of a file come from.
//!
//! Never knows what the bytes mean.
//!
//! There is one source, the local disk, and so no trait over sources yet: what reads a file takes
//! any [`std::io::Read`].

mod local;
mod write_behind;

pub use local::{LocalFile, READ_AHEAD_BYTES, advise_soon};
pub use write_behind::{WRITE_BEHIND_BYTES, WriteBehind};
