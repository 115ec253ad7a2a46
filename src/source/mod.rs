//! Where the bytes of a file come from, and where they go: this machine, or S3.
//!
//! Never knows what the bytes mean.

mod checksum;
mod descriptors;
mod folder_opener;
mod local;
mod location;
mod lock_file;
mod new_folder;
#[cfg(not(feature = "aws"))]
mod no_uploads;
#[cfg(feature = "aws")]
mod object;
mod private_folder;
mod random_digits;
mod read_buffer;
mod removal;
mod store_error;
mod whole_file;
mod work_folder;
mod write_behind;

pub(crate) use checksum::{Crc64Nvme, Crc64NvmeHasher};
pub(crate) use descriptors::{descriptors_max, is_out_of_descriptors, raise_descriptors};
pub(crate) use folder_opener::FolderOpener;
pub(crate) use local::{
    FileStamp, LocalFile, open_regular, open_regular_with, read_parameter, read_regular,
    write_all_at,
};
pub use location::Location;
pub(crate) use location::{
    ArrivedBytes, EntryKind, FolderEntry, ReadArrived, SourceFile, io_class, lengths,
};
pub(crate) use lock_file::{LockAttempt, LockFile};
pub(crate) use new_folder::NewFolder;
#[cfg(not(feature = "aws"))]
pub use no_uploads::{ObjectUpload, OnBegin, UploadOutcome, Uploads};
#[cfg(feature = "aws")]
pub(crate) use object::{
    AddressError, HeadChecksums, InPlace, Object, ObjectHead, ObjectUpload, StoreOptions,
    UploadOutcome, Uploads, visit_heads,
};
pub(crate) use private_folder::create_private_folder;
pub(crate) use random_digits::random_digits;
pub(crate) use read_buffer::ReadBuffer;
pub(crate) use removal::{FileList, NotRemoved};
pub(crate) use store_error::StoreError;
pub(crate) use whole_file::{partial_name, sync_folder, write_whole};
pub(crate) use work_folder::{FolderError, WORK_FOLDER, WorkFolder, sync_files};
pub(crate) use write_behind::WriteBehind;
