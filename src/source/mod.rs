//! Where the bytes of a file come from, and where they go: this machine, or S3.
//!
//! Never knows what the bytes mean.

mod checksum;
mod local;
mod location;
#[cfg(not(feature = "aws"))]
mod no_uploads;
#[cfg(feature = "aws")]
mod object;
mod read_buffer;
mod store_error;
mod write_behind;

pub use checksum::Crc64Nvme;
pub use local::{LocalFile, READ_AHEAD_BYTES, advise_soon};
pub use location::{Entry, Kind, Location, SourceFile, is_refusal, lengths};
#[cfg(not(feature = "aws"))]
pub use no_uploads::{OnBegin, Upload, UploadOutcome, Uploads};
#[cfg(feature = "aws")]
pub use object::{
    AddressError, HeadChecksums, HeldObject, InPlace, Object, ObjectFile, ObjectHead, OnBegin,
    PART_BYTES, PARTS_AHEAD, RANGE_BYTES_AHEAD, StoreOptions, Upload, UploadOutcome, Uploads,
    visit_heads,
};
pub use read_buffer::ReadBuffer;
pub use store_error::StoreError;
pub use write_behind::{WRITE_BEHIND_BYTES, WriteBehind};
