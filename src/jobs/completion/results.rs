//! What tasks gave back becomes a file in the plan's folder: checksums, and what Lambda functions
//! returned. It stands only in the rows of tasks that succeeded, so in reports of all tasks.
//!
//! | file | of | columns behind Bucket, Key, VersionId |
//! |---|---|---|
//! | `checksums.csv` | checksum jobs | `ChecksumAlgorithm`, `ChecksumType`, `Checksum` |
//! | `results.csv` | Lambda jobs; checksums in an unknown form | `Result` |
//!
//! Bucket, key and version id are the manifest's own, byte for byte. Checksums are in base64, as S3
//! has them everywhere else. Rows go out as they come in; nothing is held.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use serde_json::{Map, Value};

use super::file::CompletionError;
use super::row::{TaskResult, push_field};
use crate::source::{partial_name, sync_folder};

const CHECKSUMS: &str = "checksums.csv";
const CHECKSUMS_HEADER: &[u8] = b"Bucket,Key,VersionId,ChecksumAlgorithm,ChecksumType,Checksum\n";

const RESULTS: &str = "results.csv";
const RESULTS_HEADER: &[u8] = b"Bucket,Key,VersionId,Result\n";

/// Columns of a manifest with version ids.
const VERSIONED_COLUMNS: usize = 3;

/// What tasks of an operation give back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResultKind {
    /// The checksum of the object.
    Checksum,
    /// What a function returned.
    Text,
}

impl ResultKind {
    /// By the name of the operation in a request; `None` where tasks give back nothing.
    #[must_use]
    pub fn of_operation(name: &str) -> Option<Self> {
        match name {
            "S3ComputeObjectChecksum" => Some(Self::Checksum),
            "LambdaInvoke" => Some(Self::Text),
            _ => None,
        }
    }
}

/// A file of results that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultFile {
    /// Where it is.
    pub path: PathBuf,
    /// Rows below its header.
    pub rows: u64,
}

/// The files of results, as they are written.
pub struct ResultFiles {
    folder: PathBuf,
    checksums: Option<PartialFile>,
    texts: Option<PartialFile>,
    unknown: u64,
    line: Vec<u8>,
}

impl ResultFiles {
    /// Will write to this folder, once there is something to write.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, checksums: None, texts: None, unknown: 0, line: Vec::new() }
    }

    /// Writes what a task gave back, of a job whose manifest has `columns` columns.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn add(
        &mut self,
        kind: ResultKind,
        row: &TaskResult,
        columns: usize,
    ) -> Result<(), CompletionError> {
        self.line.clear();
        if columns == VERSIONED_COLUMNS {
            row.write_manifest_fields(columns, &mut self.line);
        } else {
            row.write_manifest_fields(2, &mut self.line);
            self.line.push(b',');
            push_field(&mut self.line, &row.version);
        }
        let checksum = match kind {
            ResultKind::Checksum => Checksum::parse(&row.message),
            ResultKind::Text => None,
        };
        let (file, name, header) = match &checksum {
            Some(_) => (&mut self.checksums, CHECKSUMS, CHECKSUMS_HEADER),
            None => (&mut self.texts, RESULTS, RESULTS_HEADER),
        };
        match &checksum {
            Some(Checksum { algorithm, kind, base64 }) => {
                for field in [algorithm, kind, base64] {
                    self.line.push(b',');
                    push_field(&mut self.line, field.as_bytes());
                }
            }
            None => {
                self.unknown += u64::from(kind == ResultKind::Checksum);
                self.line.push(b',');
                push_field(&mut self.line, row.message.as_bytes());
            }
        }
        self.line.push(b'\n');
        let file = match file {
            Some(file) => file,
            none => none.insert(PartialFile::create(self.folder.join(name), header)?),
        };
        file.add(&self.line)
    }

    /// Shows the files, and says how many checksums had a form that is not known.
    ///
    /// # Errors
    /// When a file can't be written.
    pub fn finish(self) -> Result<(Vec<ResultFile>, u64), CompletionError> {
        let files = [self.checksums, self.texts].into_iter().flatten();
        Ok((files.map(PartialFile::finish).collect::<Result<_, _>>()?, self.unknown))
    }
}

/// A file under a temporary name, until it is whole.
struct PartialFile {
    path: PathBuf,
    partial: PathBuf,
    out: BufWriter<File>,
    rows: u64,
}

impl PartialFile {
    fn create(path: PathBuf, header: &[u8]) -> Result<Self, CompletionError> {
        let (partial, folder) = (partial_name(&path), path.parent().unwrap_or(&path));
        fs::create_dir_all(folder).map_err(CompletionError::at(folder))?;
        // A link of that name goes, and what it leads to stays.
        let _ = fs::remove_file(&partial);
        let file = File::create_new(&partial).map_err(CompletionError::at(&partial))?;
        let mut out = BufWriter::new(file);
        out.write_all(header).map_err(CompletionError::at(&partial))?;
        Ok(Self { path, partial, out, rows: 0 })
    }

    fn add(&mut self, line: &[u8]) -> Result<(), CompletionError> {
        self.rows += 1;
        self.out.write_all(line).map_err(CompletionError::at(&self.partial))
    }

    fn finish(mut self) -> Result<ResultFile, CompletionError> {
        self.out.flush().map_err(CompletionError::at(&self.partial))?;
        self.out.get_ref().sync_all().map_err(CompletionError::at(&self.partial))?;
        fs::rename(&self.partial, &self.path).map_err(CompletionError::at(&self.path))?;
        let folder = self.path.parent().unwrap_or(&self.path);
        sync_folder(folder).map_err(CompletionError::at(folder))?;
        Ok(ResultFile { path: self.path.clone(), rows: self.rows })
    }
}

impl Drop for PartialFile {
    /// What was not finished goes. After `finish` there is nothing of that name.
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.partial);
    }
}

/// A checksum as a report has it (UG, "Examples: S3 Batch Operations completion reports"):
/// `{"checksum_base64":"bS9TOQ\u003d\u003d","etag":"…","checksumAlgorithm":"CRC32",
/// "checksumType":"FULL_OBJECT","checksum_hex":"6D2F5339"}`.
struct Checksum {
    algorithm: String,
    kind: String,
    base64: String,
}

impl Checksum {
    /// `None` where the form is not known.
    fn parse(message: &str) -> Option<Self> {
        let members: Map<String, Value> = serde_json::from_str(message).ok()?;
        Some(Self {
            algorithm: member(&members, "checksumalgorithm")?,
            kind: member(&members, "checksumtype").unwrap_or_default(),
            base64: member(&members, "checksumbase64")?,
        })
    }
}

/// A text by its name without regard to case and underscores: the guide's own example mixes both.
fn member(members: &Map<String, Value>, name: &str) -> Option<String> {
    let same = |found: &str| {
        let letters = found.chars().filter(|c| *c != '_').map(|c| c.to_ascii_lowercase());
        letters.eq(name.chars())
    };
    let (_, value) = members.iter().find(|(found, _)| same(found))?;
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(version: &str, message: &str) -> TaskResult {
        TaskResult {
            bucket: b"b".to_vec(),
            key: b"a%20b".to_vec(),
            version: version.as_bytes().to_vec(),
            succeeded: true,
            code: String::new(),
            http: Some(200),
            message: message.to_owned(),
        }
    }

    const CRC: &str = r#"{"checksum_base64":"bS9TOQ\u003d\u003d","etag":"3c3c",
        "checksumAlgorithm":"CRC32","checksumType":"FULL_OBJECT","checksum_hex":"6D2F5339"}"#;

    #[test]
    fn checksums_become_a_file_and_other_forms_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = ResultFiles::new(folder.path().join("reports"));
        files.add(ResultKind::Checksum, &row("", CRC), 3).unwrap();
        files.add(ResultKind::Checksum, &row("", CRC), 2).unwrap();
        files.add(ResultKind::Checksum, &row("v", "a new form, \"x\""), 3).unwrap();
        files.add(ResultKind::Checksum, &row("v", "{\"checksum_hex\":\"6D\"}"), 3).unwrap();
        let (written, unknown) = files.finish().unwrap();
        assert_eq!(unknown, 2);
        assert_eq!(written.iter().map(|file| file.rows).collect::<Vec<_>>(), [2, 2]);
        let text = fs::read_to_string(&written[0].path).unwrap();
        let wanted = "Bucket,Key,VersionId,ChecksumAlgorithm,ChecksumType,Checksum\n\
                      b,a%20b,null,CRC32,FULL_OBJECT,bS9TOQ==\n\
                      b,a%20b,,CRC32,FULL_OBJECT,bS9TOQ==\n";
        assert_eq!(text, wanted);
        let text = fs::read_to_string(&written[1].path).unwrap();
        let wanted = "Bucket,Key,VersionId,Result\n\
                      b,a%20b,v,\"a new form, \"\"x\"\"\"\n\
                      b,a%20b,v,\"{\"\"checksum_hex\"\":\"\"6D\"\"}\"\n";
        assert_eq!(text, wanted);
        assert_eq!(fs::read_dir(folder.path().join("reports")).unwrap().count(), 2);
    }

    #[test]
    fn what_is_not_finished_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = ResultFiles::new(folder.path().to_owned());
        files.add(ResultKind::Text, &row("", "done"), 3).unwrap();
        drop(files);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
