//! A row of a completion report.
//!
//! Its columns are bucket, key, version id, status, then code and HTTP status, then a message. The
//! schema in the report's manifest says that the code stands before the HTTP status; delivered
//! reports and the guide's examples have it the other way round. So the two are told apart by what
//! they hold: an HTTP status is three digits, and no code is.
//!
//! Bucket, key and version id are given as the bytes that stand there: the key is the manifest's
//! own, still encoded. Messages may hold line breaks, within quotes.

use std::io::{self, BufRead};

/// The longest row that is read: a key has 1,024 bytes, three times as many when encoded, and a
/// message a few thousand.
const ROW_BYTES_MAX: usize = 256 << 10;

/// Columns of a report.
const COLUMNS: usize = 7;

/// Why a report can't be read on.
#[derive(Debug, thiserror::Error)]
pub enum RowError {
    /// The file can't be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A row is none of a completion report's.
    #[error("row {row}: {what}")]
    Row {
        /// From 1.
        row: u64,
        /// What is wrong.
        what: String,
    },
}

/// What became of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The object's bucket.
    pub bucket: Vec<u8>,
    /// Its key, encoded as in the manifest.
    pub key: Vec<u8>,
    /// Its version; empty where the manifest has none.
    pub version: Vec<u8>,
    /// Whether the task succeeded.
    pub succeeded: bool,
    /// The error's code.
    pub code: String,
    /// The HTTP status, if there is one.
    pub http: Option<u16>,
    /// What the service said.
    pub message: String,
}

/// The rows of a file of a report.
pub struct Rows<R> {
    input: R,
    reader: csv_core::Reader,
    fields: Vec<u8>,
    ends: Vec<usize>,
    row: u64,
}

impl<R: BufRead> Rows<R> {
    /// Reads rows from here on.
    pub fn new(input: R) -> Self {
        let (fields, ends) = (vec![0; 4096], vec![0; COLUMNS + 2]);
        Self { input, reader: csv_core::Reader::new(), fields, ends, row: 0 }
    }

    /// The next row, or `None` at the end.
    ///
    /// # Errors
    /// When the file can't be read, or the row is none of a completion report's.
    pub fn next_row(&mut self) -> Result<Option<Row>, RowError> {
        let (mut written, mut found) = (0, 0);
        loop {
            let input = self.input.fill_buf()?;
            let at_end = input.is_empty();
            let (result, read, bytes, ends) = self.reader.read_record(
                input,
                &mut self.fields[written..],
                &mut self.ends[found..],
            );
            self.input.consume(read);
            (written, found) = (written + bytes, found + ends);
            match result {
                csv_core::ReadRecordResult::InputEmpty if at_end => return Ok(None),
                csv_core::ReadRecordResult::InputEmpty => {}
                csv_core::ReadRecordResult::OutputFull => {
                    if self.fields.len() >= ROW_BYTES_MAX {
                        return Err(self.wrong(format!("longer than {ROW_BYTES_MAX} bytes")));
                    }
                    self.fields.resize(self.fields.len() * 2, 0);
                }
                csv_core::ReadRecordResult::OutputEndsFull => {
                    return Err(self.wrong(format!("more than {COLUMNS} columns")));
                }
                csv_core::ReadRecordResult::Record => {
                    self.row += 1;
                    return self.parse(found).map(Some);
                }
                csv_core::ReadRecordResult::End => return Ok(None),
            }
        }
    }

    fn wrong(&self, what: String) -> RowError {
        RowError::Row { row: self.row + 1, what }
    }

    fn parse(&self, found: usize) -> Result<Row, RowError> {
        let wrong = |what: String| RowError::Row { row: self.row, what };
        if found != COLUMNS {
            return Err(wrong(format!("{found} columns, where a completion report has {COLUMNS}")));
        }
        let field = |place: usize| {
            let begin = if place == 0 { 0 } else { self.ends[place - 1] };
            &self.fields[begin..self.ends[place]]
        };
        let text = |place: usize| String::from_utf8_lossy(field(place)).into_owned();
        let succeeded = match field(3) {
            b"succeeded" => true,
            b"failed" => false,
            other => {
                let other = String::from_utf8_lossy(other);
                return Err(wrong(format!("the task's status is `{other}`")));
            }
        };
        let (http, code) = match (http(field(4)), http(field(5))) {
            (Some(status), _) => (Some(status), text(5)),
            (None, Some(status)) => (Some(status), text(4)),
            (None, None) if field(4).is_empty() => (None, text(5)),
            (None, None) => (None, text(4)),
        };
        Ok(Row {
            bucket: field(0).to_vec(),
            key: field(1).to_vec(),
            version: field(2).to_vec(),
            succeeded,
            code,
            http,
            message: text(6),
        })
    }
}

/// An HTTP status: three digits, from 100 on.
fn http(field: &[u8]) -> Option<u16> {
    let digits = field.len() == 3 && field.iter().all(u8::is_ascii_digit);
    let status = std::str::from_utf8(field).ok()?.parse().ok()?;
    (digits && status >= 100).then_some(status)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows(text: &[u8], buffer_bytes: usize) -> Result<Vec<Row>, RowError> {
        let mut rows = Rows::new(io::BufReader::with_capacity(buffer_bytes, text));
        let mut found = Vec::new();
        while let Some(row) = rows.next_row()? {
            found.push(row);
        }
        Ok(found)
    }

    #[test]
    fn both_orders_of_columns_are_told_apart() {
        let delivered = b"b,a%20b,v1,failed,404,NoSuchKey,\"said \"\"no\"\"\nand more\"\n";
        let as_schema = b"b,a%20b,v1,failed,NoSuchKey,404,\"said \"\"no\"\"\nand more\"\n";
        let wanted = Row {
            bucket: b"b".to_vec(),
            key: b"a%20b".to_vec(),
            version: b"v1".to_vec(),
            succeeded: false,
            code: "NoSuchKey".to_owned(),
            http: Some(404),
            message: "said \"no\"\nand more".to_owned(),
        };
        for text in [&delivered[..], as_schema] {
            assert_eq!(rows(text, 64).unwrap(), std::slice::from_ref(&wanted));
        }
        let example = rows(b"b,k,,failed,200,PermanentFailure,\"x\"\n", 64).unwrap();
        assert_eq!((example[0].http, example[0].code.as_str()), (Some(200), "PermanentFailure"));
        let bare = rows(b"b,k,,succeeded,,,Successful\nb,k,,failed,,Odd,\n", 64).unwrap();
        assert_eq!((bare[0].succeeded, bare[0].http, bare[0].code.as_str()), (true, None, ""));
        assert_eq!((bare[1].http, bare[1].code.as_str()), (None, "Odd"));
    }

    #[test]
    fn what_is_no_row_is_refused_with_its_number() {
        for (text, part) in [
            ("b,k,v,failed,404,x,m\nb,k\n", "row 2: 2 columns"),
            ("b,k,v,perhaps,404,x,m\n", "row 1: the task's status is `perhaps`"),
            ("b,k,v,failed,404,x,m,n\n", "row 1: 8 columns"),
        ] {
            let error = rows(text.as_bytes(), 16).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
        let long = format!("b,{},,failed,404,x,m\n", "k".repeat(300 << 10));
        assert!(rows(long.as_bytes(), 4096).unwrap_err().to_string().contains("longer than"));
    }

    proptest! {
        #[test]
        fn rows_come_back_whatever_is_in_them(
            written in prop::collection::vec(
                ("[a-z]{1,9}", "[!-~&&[^,\"]]{1,40}", "[A-Za-z]{1,20}", 100u16..600, any::<bool>(),
                    "[ -~\n]{0,60}"),
                0..20,
            ),
            buffer_bytes in 1usize..99,
        ) {
            let text: String = written.iter().map(|(bucket, key, code, http, code_first, message)| {
                let quoted = message.replace('"', "\"\"");
                let http = http.to_string();
                let (third, fourth) = if *code_first { (code, &http) } else { (&http, code) };
                format!("{bucket},{key},,failed,{third},{fourth},\"{quoted}\"\n")
            }).collect();
            let found = rows(text.as_bytes(), buffer_bytes).unwrap();
            prop_assert_eq!(found.len(), written.len());
            for (row, (bucket, key, code, http, _, message)) in found.iter().zip(&written) {
                prop_assert_eq!(&row.bucket, bucket.as_bytes());
                prop_assert_eq!(&row.key, key.as_bytes());
                prop_assert_eq!(&row.code, code);
                prop_assert_eq!(row.http, Some(*http));
                prop_assert_eq!(&row.message, message);
            }
        }
    }
}
