//! Rows as S3 writes them into a CSV inventory: every field quoted, keys encoded, bounded files.
//!
//! Never knows where rows come from.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use md5::{Digest, Md5};

use super::ListingError;
use crate::format::key::encode_key;

/// Compressed bytes collected before they go to the disk.
const WRITE_BYTES: usize = 256 << 10;

/// What is known of an object. What is not known, or does not apply, is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Row {
    /// As it is, not encoded.
    pub(super) key: String,
    /// The fields of the columns behind `Bucket` and `Key`, in their order.
    pub(super) fields: Vec<String>,
}

/// A data file that is complete.
pub(super) struct Finished {
    pub(super) name: String,
    pub(super) bytes: u64,
    pub(super) md5: [u8; 16],
}

/// Passes bytes on, counting them and taking their MD5.
struct Summed {
    file: BufWriter<File>,
    md5: Md5,
    bytes: u64,
}

impl Write for Summed {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        let count = self.file.write(buffer)?;
        self.md5.update(&buffer[..count]);
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

/// A file that rows are written to.
struct Open {
    path: PathBuf,
    gzip: GzEncoder<Summed>,
    rows: u64,
}

/// Writes rows into as many data files as they need.
pub(super) struct Writer {
    bucket: String,
    fields: usize,
    folder: PathBuf,
    rows_max: u64,
    open: Option<Open>,
    finished: Vec<(Finished, u64)>,
    line: Vec<u8>,
}

impl Writer {
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

    pub(super) fn write(&mut self, row: &Row) -> Result<(), ListingError> {
        debug_assert_eq!(row.fields.len() + 2, self.fields);
        self.line.clear();
        push_row(&self.bucket, row, &mut self.line);
        let open = match &mut self.open {
            Some(open) => open,
            none => {
                let name = format!("{:05}.csv.gz", self.finished.len());
                let path = self.folder.join(name);
                let file = File::create_new(&path).map_err(ListingError::at(&path))?;
                let file = BufWriter::with_capacity(WRITE_BYTES, file);
                let summed = Summed { file, md5: Md5::new(), bytes: 0 };
                let gzip = GzEncoder::new(summed, Compression::default());
                none.insert(Open { path, gzip, rows: 0 })
            }
        };
        open.gzip.write_all(&self.line).map_err(ListingError::at(&open.path))?;
        open.rows += 1;
        if open.rows == self.rows_max { self.end_file() } else { Ok(()) }
    }

    fn end_file(&mut self) -> Result<(), ListingError> {
        let Some(Open { path, gzip, rows }) = self.open.take() else { return Ok(()) };
        let ended = gzip.finish().and_then(|mut summed| summed.flush().map(|()| summed));
        let summed = ended.map_err(ListingError::at(&path))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let md5 = summed.md5.finalize().into();
        self.finished.push((Finished { name, bytes: summed.bytes, md5 }, rows));
        Ok(())
    }

    /// The files, in order, and how many rows each has.
    pub(super) fn finish(mut self) -> Result<Vec<(Finished, u64)>, ListingError> {
        self.end_file()?;
        Ok(self.finished)
    }
}

fn push_row(bucket: &str, row: &Row, line: &mut Vec<u8>) {
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

    use super::*;

    #[test]
    fn rows_look_like_those_of_s3() {
        let mut line = Vec::new();
        let fields = ["", "5", "say \"x\""].map(str::to_owned).to_vec();
        push_row("b", &Row { key: "a b/ü+~".to_owned(), fields }, &mut line);
        let text = String::from_utf8(line).unwrap();
        assert_eq!(text, "\"b\",\"a+b/%C3%BC%2B%7E\",\"\",\"5\",\"say \"\"x\"\"\"\n");
    }

    #[test]
    fn files_are_bounded_and_described() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = Writer::new("b", &["Bucket", "Key"], folder.path(), 3);
        for number in 0..7 {
            let row = Row { key: number.to_string(), fields: Vec::new() };
            writer.write(&row).unwrap();
        }
        let files = writer.finish().unwrap();
        let rows: Vec<u64> = files.iter().map(|(_, rows)| *rows).collect();
        assert_eq!(rows, [3, 3, 1]);
        let mut text = String::new();
        for (file, _) in &files {
            let bytes = std::fs::read(folder.path().join(&file.name)).unwrap();
            assert_eq!(bytes.len() as u64, file.bytes);
            assert_eq!(<[u8; 16]>::from(Md5::digest(&bytes)), file.md5);
            MultiGzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
        }
        assert_eq!(text.lines().count(), 7);
        assert!(text.ends_with("\"b\",\"6\"\n"));
    }
}
