//! Rows as S3 writes them into a CSV inventory: every field quoted, keys encoded, bounded files.
//!
//! Never knows where rows come from.

use std::path::{Path, PathBuf};

use super::error::ListingError;
use crate::report::{DataFileWriter, WrittenFile};
use crate::values::encode_key;

/// The effort of compression, of 0 to 9. zlib's usual one: requests take far longer.
const LEVEL: u32 = 6;

/// What is known of an object. What is not known, or does not apply, is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ListingRow {
    /// As it is, not encoded.
    pub(super) key: String,
    /// The fields of the columns behind `Bucket` and `Key`, in their order.
    pub(super) fields: Vec<String>,
}

/// A data file that is complete.
pub(super) struct ListedFile {
    pub(super) name: String,
    pub(super) written: WrittenFile,
    pub(super) rows: u64,
}

/// A file that rows are written to.
struct OpenListingFile {
    path: PathBuf,
    file: DataFileWriter,
    rows: u64,
}

/// Writes rows into as many data files as they need.
pub(super) struct ListingWriter {
    bucket: String,
    fields: usize,
    folder: PathBuf,
    rows_max: u64,
    open: Option<OpenListingFile>,
    finished: Vec<ListedFile>,
    line: Vec<u8>,
}

impl ListingWriter {
    /// Files in `folder`, of at most `rows_max` rows of these columns.
    pub(super) fn new(bucket: &str, columns: &[&str], folder: &Path, rows_max: u64) -> Self {
        Self {
            bucket: bucket.to_owned(),
            fields: columns.len(),
            folder: folder.to_owned(),
            rows_max,
            open: None,
            finished: Vec::new(),
            line: Vec::new(),
        }
    }

    pub(super) fn write(&mut self, row: &ListingRow) -> Result<(), ListingError> {
        debug_assert_eq!(row.fields.len() + 2, self.fields);
        self.line.clear();
        push_row(&self.bucket, row, &mut self.line);
        let open = match &mut self.open {
            Some(open) => open,
            none => {
                let name = format!("{:05}.csv.gz", self.finished.len());
                let path = self.folder.join(name);
                let file = DataFileWriter::create(&path, LEVEL).map_err(ListingError::at(&path))?;
                none.insert(OpenListingFile { path, file, rows: 0 })
            }
        };
        open.file.write_all(&self.line).map_err(ListingError::at(&open.path))?;
        open.rows += 1;
        if open.rows == self.rows_max { self.end_file() } else { Ok(()) }
    }

    fn end_file(&mut self) -> Result<(), ListingError> {
        let Some(OpenListingFile { path, file, rows }) = self.open.take() else { return Ok(()) };
        let written = file.finish().map_err(ListingError::at(&path))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.finished.push(ListedFile { name, written, rows });
        Ok(())
    }

    /// The files, in order.
    pub(super) fn finish(mut self) -> Result<Vec<ListedFile>, ListingError> {
        self.end_file()?;
        Ok(self.finished)
    }
}

fn push_row(bucket: &str, row: &ListingRow, line: &mut Vec<u8>) {
    line.push(b'"');
    line.extend_from_slice(bucket.as_bytes());
    line.extend_from_slice(b"\",\"");
    encode_key(row.key.as_bytes(), line);
    for field in &row.fields {
        line.extend_from_slice(b"\",\"");
        // None of these fields holds a quote by its nature; what comes from outside may.
        field.bytes().for_each(|byte| match byte {
            b'"' => line.extend_from_slice(b"\"\""),
            byte => line.push(byte),
        });
    }
    line.extend_from_slice(b"\"\n");
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::MultiGzDecoder;
    use md5::{Digest, Md5};

    use super::*;

    #[test]
    fn rows_look_like_those_of_s3() {
        let mut line = Vec::new();
        let fields = ["", "5", "say \"x\""].map(str::to_owned).to_vec();
        push_row("b", &ListingRow { key: "a b/ü+~".to_owned(), fields }, &mut line);
        let text = String::from_utf8(line).unwrap();
        assert_eq!(text, "\"b\",\"a+b/%C3%BC%2B%7E\",\"\",\"5\",\"say \"\"x\"\"\"\n");
    }

    #[test]
    fn files_are_bounded_and_described() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = ListingWriter::new("b", &["Bucket", "Key"], folder.path(), 3);
        for number in 0..7 {
            let row = ListingRow { key: number.to_string(), fields: Vec::new() };
            writer.write(&row).unwrap();
        }
        let files = writer.finish().unwrap();
        let rows: Vec<u64> = files.iter().map(|file| file.rows).collect();
        assert_eq!(rows, [3, 3, 1]);
        let mut text = String::new();
        for file in &files {
            let bytes = std::fs::read(folder.path().join(&file.name)).unwrap();
            assert_eq!(bytes.len() as u64, file.written.bytes);
            assert_eq!(<[u8; 16]>::from(Md5::digest(&bytes)), file.written.md5);
            MultiGzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
        }
        assert_eq!(text.lines().count(), 7);
        assert!(text.ends_with("\"b\",\"6\"\n"));
    }
}
