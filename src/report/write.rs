//! Writing a report as S3 does: gzip data files, the manifest that lists them, its checksum.
//!
//! Never knows which rows there are, or where a report will lie.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::hex;
use flate2::Compression;
use flate2::write::GzEncoder;
use md5::{Digest, Md5};
use serde::Serialize;

/// The version that S3 gives its manifests.
pub const MANIFEST_VERSION: &str = "2016-11-30";

/// Compressed bytes collected before they are written to the disk.
const WRITE_BYTES: usize = 256 << 10;

/// `manifest.json` with its fields in S3's order.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ManifestDocument<'a> {
    /// The bucket that the report lists.
    pub source_bucket: &'a str,
    /// The ARN of the bucket that holds the data files.
    pub destination_bucket: &'a str,
    /// [`MANIFEST_VERSION`].
    pub version: &'a str,
    /// When the report was begun, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub creation_timestamp: Option<String>,
    /// `CSV`.
    pub file_format: &'a str,
    /// The columns, separated by comma and space.
    pub file_schema: String,
    /// The data files.
    pub files: Vec<ManifestEntry<'a>>,
}

/// One of its data files.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct ManifestEntry<'a> {
    /// The key in the destination bucket.
    pub key: &'a str,
    /// The file's length in bytes.
    pub size: u64,
    /// The file's MD5, in hexadecimal.
    #[serde(rename = "MD5checksum")]
    pub md5: &'a str,
}

impl ManifestDocument<'_> {
    /// The document, and the text of its checksum file.
    ///
    /// # Errors
    /// Never, for what there is to write is text and numbers.
    pub fn render(&self) -> io::Result<(Vec<u8>, String)> {
        let bytes = serde_json::to_vec_pretty(self)?;
        let checksum = hex::encode(Md5::digest(&bytes));
        Ok((bytes, checksum))
    }
}

/// A data file being written: compressed, counted and summed on its way to the disk.
pub struct DataFileWriter {
    gzip: GzEncoder<DigestedFile>,
}

/// What is known of a data file when it is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrittenFile {
    /// Its length, compressed.
    pub bytes: u64,
    /// Its MD5.
    pub md5: [u8; 16],
}

impl DataFileWriter {
    /// Makes an empty file; `level` is the effort of compression, from 0 to 9. Its header holds
    /// neither name nor time, so that the bytes follow from the rows alone.
    ///
    /// # Errors
    /// When it can't be made.
    pub fn create(path: &Path, level: u32) -> io::Result<Self> {
        Ok(Self { gzip: GzEncoder::new(DigestedFile::create(path)?, Compression::new(level)) })
    }

    /// Appends rows.
    ///
    /// # Errors
    /// When they can't be written.
    pub fn write_all(&mut self, rows: &[u8]) -> io::Result<()> {
        self.gzip.write_all(rows)
    }

    /// Ends the file.
    ///
    /// # Errors
    /// When the rest can't be written.
    pub fn finish(self) -> io::Result<WrittenFile> {
        self.gzip.finish()?.finish()
    }
}

/// A file being written: what goes to the disk is counted and summed.
pub struct DigestedFile {
    inner: BufWriter<File>,
    md5: Md5,
    bytes: u64,
}

impl DigestedFile {
    /// Makes an empty file.
    ///
    /// # Errors
    /// When it can't be made.
    pub fn create(path: &Path) -> io::Result<Self> {
        let inner = BufWriter::with_capacity(WRITE_BYTES, File::create(path)?);
        Ok(Self { inner, md5: Md5::new(), bytes: 0 })
    }

    /// Ends the file.
    ///
    /// # Errors
    /// When the rest can't be written.
    pub fn finish(mut self) -> io::Result<WrittenFile> {
        self.inner.flush()?;
        Ok(WrittenFile { bytes: self.bytes, md5: self.md5.finalize().into() })
    }
}

impl Write for DigestedFile {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(buffer)?;
        self.md5.update(&buffer[..count]);
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
