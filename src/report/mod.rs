//! An inventory report: `manifest.json`, its schema and checksum, and finding the newest one.
//!
//! Never knows about threads, or about what is inside a data file.

mod error;
mod file_format;
mod find;
mod key_path;
mod locate;
#[cfg(feature = "aws")]
mod locate_object;
mod manifest;
mod schema;
mod schema_text;
mod write;

pub use error::{KeyFault, ReportError};
pub use file_format::FileFormat;
pub use find::{AsOf, AsOfError, ReportSearch, find};
pub use key_path::{KEY_BYTES_MAX, key_components};
pub use locate::{FilesOnDisk, locate_files, locate_some, survey};
pub use manifest::{ChecksumState, DataFile, MANIFEST_BYTES_MAX, ManifestBytes, Report};
pub use schema::{Column, ColumnKind, Schema, is_same_column, names_listed};
pub use schema_text::{COLUMN_NAME_BYTES_MAX, COLUMNS_MAX};
pub use write::{
    DataFileWriter, DigestedFile, MANIFEST_VERSION, ManifestDocument, ManifestEntry, WrittenFile,
};
