//! Where the bytes of a file come from, and where they go: this machine, or S3.
//!
//! Never knows what the bytes mean.

mod checksum;
mod descriptors;
mod local;
mod location;
mod lock_file;
mod new_folder;
#[cfg(not(feature = "aws"))]
mod no_uploads;
#[cfg(feature = "aws")]
mod object;
mod private_folder;
mod read_buffer;
mod removal;
mod store_error;
mod whole_file;
mod work_folder;
mod write_behind;

pub use checksum::Crc64Nvme;
pub use descriptors::{
    DESCRIPTORS_WANTED, descriptors_max, is_out_of_descriptors, raise_descriptors,
};
pub use local::{
    LocalFile, READ_AHEAD_BYTES, advise_soon, open_regular, open_regular_with, read_parameter,
    read_regular,
};
pub use location::{EntryKind, FolderEntry, Location, SourceFile, is_refusal, lengths};
pub use lock_file::{LockAttempt, LockFile};
pub use new_folder::NewFolder;
#[cfg(not(feature = "aws"))]
pub use no_uploads::{ObjectUpload, OnBegin, UploadOutcome, Uploads};
#[cfg(feature = "aws")]
pub use object::{
    AddressError, HeadChecksums, HeldObject, InPlace, Object, ObjectFile, ObjectHead, ObjectUpload,
    OnBegin, PART_BYTES, PARTS_AHEAD, RANGE_BYTES_AHEAD, StoreOptions, UploadOutcome, Uploads,
    visit_heads,
};
pub use private_folder::create_private_folder;
pub use read_buffer::ReadBuffer;
pub use removal::{FileList, NotRemoved};
pub use store_error::StoreError;
pub use whole_file::{partial_name, sync_folder, write_whole};
pub use work_folder::{FolderError, WORK_FOLDER, WorkFolder, sync_files};
pub use write_behind::{WRITE_BEHIND_BYTES, WriteBehind};
