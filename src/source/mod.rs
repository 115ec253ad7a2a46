//! Where the bytes of a file come from, and where they go: this machine, or S3.
//!
//! Never knows what the bytes mean.

mod local;
mod location;
#[cfg(feature = "aws")]
mod object;
mod write_behind;

pub use local::{LocalFile, READ_AHEAD_BYTES, advise_soon};
pub use location::{Entry, Kind, Location, SourceFile, is_refusal, lengths};
#[cfg(feature = "aws")]
pub use object::{AddressError, Object, ObjectFile, PART_BYTES, PARTS_AHEAD};
pub use write_behind::{WRITE_BEHIND_BYTES, WriteBehind};
