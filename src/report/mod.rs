//! An inventory report: `manifest.json`, its schema and checksum, and finding the newest one.
//!
//! Never knows about threads, or about what is inside a data file.

mod error;
mod file_format;
mod find;
mod folder_names;
mod key_path;
mod locate;
#[cfg(feature = "aws")]
mod locate_object;
mod manifest;
mod schema;
mod schema_text;
mod write;

pub(crate) use error::ReportError;
pub use file_format::FileFormat;
pub use find::{AsOf, AsOfError};
pub(crate) use folder_names::FolderNames;
pub(crate) use key_path::KEY_BYTES_MAX;
pub use key_path::key_components;
pub(crate) use locate::{FilesOnDisk, locate_files, survey};
pub use manifest::{ChecksumState, DataFile, Report};
pub(crate) use manifest::{MANIFEST_BYTES_MAX, ManifestBytes};
pub use schema::{Column, ColumnKind, Schema};
pub(crate) use schema::{is_same_column, known_column, known_columns, names_listed};
pub(crate) use write::{
    DataFileWriter, DigestedFile, MANIFEST_VERSION, ManifestDocument, ManifestEntry, WrittenFile,
};

#[cfg(test)]
pub(crate) use find::find;
