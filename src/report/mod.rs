//! An inventory report: `manifest.json`, its schema and checksum, and finding the newest one.
//!
//! Never knows about threads, or about what is inside a data file.

mod error;
mod find;
mod locate;
#[cfg(feature = "aws")]
mod locate_object;
mod manifest;
mod schema;
mod schema_text;
mod write;

pub use error::{KeyFault, ReportError};
pub use find::{AsOf, AsOfError, Found, find};
pub use locate::{KEY_BYTES_MAX, Survey, key_components, locate_files, locate_some, survey};
pub use manifest::{ChecksumState, DataFile, FileFormat, MANIFEST_BYTES_MAX, Manifest, Report};
pub use schema::{Column, ColumnKind, Schema, is_same_column, names_listed};
pub use schema_text::{COLUMN_NAME_BYTES_MAX, COLUMNS_MAX};
pub use write::{
    DataFileWriter, MANIFEST_VERSION, ManifestDocument, ManifestEntry, SummedFile, WrittenFile,
};
