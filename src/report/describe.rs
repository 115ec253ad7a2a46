//! `manifest.json` as S3 writes it, for reports that are made here.
//!
//! Never knows what is in a data file.

use std::io;

use jiff::Timestamp;
use serde::Serialize;

use super::FileFormat;

/// A report to be described.
#[derive(Debug)]
pub struct Described<'a> {
    /// The bucket that it lists.
    pub source_bucket: &'a str,
    /// The bucket that it is delivered to.
    pub destination_bucket: &'a str,
    /// When it was begun.
    pub created: Timestamp,
    /// How its data files are written.
    pub format: FileFormat,
    /// Its columns, as a report in that format spells them.
    pub schema: String,
    /// Its data files.
    pub files: Vec<Entry>,
}

/// A data file.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// Its key.
    pub key: String,
    /// Its length in bytes.
    pub size: u64,
    /// Its MD5 in hexadecimal.
    #[serde(rename = "MD5checksum")]
    pub md5: String,
}

/// The fields in S3's order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    source_bucket: &'a str,
    destination_bucket: String,
    version: &'a str,
    creation_timestamp: String,
    file_format: String,
    file_schema: &'a str,
    files: &'a [Entry],
}

/// The bytes of the manifest.
///
/// # Errors
/// When they can't be written as JSON, which does not happen with text and numbers.
pub fn describe(report: &Described<'_>) -> io::Result<Vec<u8>> {
    let document = Document {
        source_bucket: report.source_bucket,
        destination_bucket: format!("arn:aws:s3:::{}", report.destination_bucket),
        version: "2016-11-30",
        creation_timestamp: report.created.as_millisecond().to_string(),
        file_format: report.format.to_string(),
        file_schema: &report.schema,
        files: &report.files,
    };
    Ok(serde_json::to_vec_pretty(&document)?)
}
