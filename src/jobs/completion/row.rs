//! A row of a completion report.
//!
//! Its columns are bucket, key, version id, status, then code and HTTP status, then a message. The
//! schema in the report's manifest says that the code stands before the HTTP status; delivered
//! reports and the guide's examples have it the other way round. So the two are told apart by what
//! they hold: an HTTP status is three digits, and no code is.
//!
//! Bucket, key and version id are given as the bytes that stand there: the key is the manifest's
//! own, still encoded.
//!
//! Where a row ends:
//!
//! - The first six columns stand in one line. Keys are encoded, so none holds a line break.
//! - A message in quotes ends at the quote that closes it, if that stands at the end of a line and
//!   all quotes before it are doubled. Line breaks in it are part of it, whatever they divide.
//! - Any other message is the rest of its line. The guide prints messages of failed checksum jobs
//!   with quotes that are doubled in part (UG, "Examples: S3 Batch Operations completion reports"),
//!   and a report can be cut off. Lines that were read to look for the closing quote are read again
//!   as rows.
//! - After a row that can't be read, the next one is where a line begins with the manifest's
//!   bucket: what is between may be left of its message.

use std::collections::VecDeque;
use std::io::{self, BufRead, Read};

/// The longest row that is read: a key has 1,024 bytes, three times as many when encoded, and a
/// message a few thousand. Also how far a closing quote is looked for.
const ROW_BYTES_MAX: usize = 256 << 10;

/// Columns of a report.
const COLUMNS: usize = 7;

/// Columns before the message.
const SHORT_COLUMNS: usize = COLUMNS - 1;

/// The version id of an object without one, as manifests have it (UG, "Specifying a manifest").
const NULL_VERSION: &[u8] = b"null";

/// A row that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("row {row}: {what}")]
pub struct BadRow {
    /// Its number in the file, from 1.
    pub row: u64,
    /// What is wrong with it.
    pub what: String,
}

/// What became of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskResult {
    /// The object's bucket.
    pub bucket: Vec<u8>,
    /// Its key, encoded as in the manifest.
    pub key: Vec<u8>,
    /// Its version as the report has it: empty also where the manifest says `null`.
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

impl TaskResult {
    /// Bucket, key and version id as the manifest has them. A report leaves the version id empty
    /// where the manifest of a versioned bucket has `null`; manifests without version ids have the
    /// first two alone.
    #[must_use]
    pub fn manifest_fields(&self) -> [&[u8]; 3] {
        let version = if self.version.is_empty() { NULL_VERSION } else { &self.version };
        [&self.bucket, &self.key, version]
    }

    /// Appends the object's line of a manifest with `columns` columns, without its line feed.
    pub fn write_manifest_fields(&self, columns: usize, line: &mut Vec<u8>) {
        for (number, field) in self.manifest_fields().into_iter().take(columns).enumerate() {
            if number > 0 {
                line.push(b',');
            }
            push_field(line, field);
        }
    }
}

/// Appends a field of a CSV line, in quotes where it holds what a bare one can't. Encoded keys
/// never do.
pub(super) fn push_field(line: &mut Vec<u8>, field: &[u8]) {
    if !field.iter().any(|byte| b",\"\r\n".contains(byte)) {
        line.extend_from_slice(field);
        return;
    }
    line.push(b'"');
    for byte in field {
        if *byte == b'"' {
            line.push(b'"');
        }
        line.push(*byte);
    }
    line.push(b'"');
}

/// The rows of a file of a report.
pub struct TaskResults<R> {
    input: R,
    /// The manifest's bucket, with which each row begins.
    bucket: Vec<u8>,
    /// Lines that were read in search of a closing quote, and are rows of their own.
    ahead: VecDeque<Vec<u8>>,
    row: u64,
}

impl<R: BufRead> TaskResults<R> {
    /// Reads rows from here on, of a job whose manifest is of this bucket.
    pub fn new(input: R, bucket: &str) -> Self {
        Self { input, bucket: bucket.as_bytes().to_vec(), ahead: VecDeque::new(), row: 0 }
    }

    /// The next row, or what is wrong with it; `None` at the end. After a row that can't be read,
    /// the next call gives the row behind it.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn next_row(&mut self) -> io::Result<Option<Result<TaskResult, BadRow>>> {
        let line = loop {
            let Some(line) = self.next_line()? else { return Ok(None) };
            if !without_line_end(&line).is_empty() {
                break line;
            }
        };
        self.row += 1;
        let row = self.row;
        Ok(Some(match self.parse(&line)? {
            Ok(row) => Ok(row),
            Err(what) => {
                self.skip_to_row()?;
                Err(BadRow { row, what })
            }
        }))
    }

    /// The next line with its end. Of one that is too long it has a byte more than it may.
    fn next_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        if let Some(line) = self.ahead.pop_front() {
            return Ok(Some(line));
        }
        let mut line = Vec::new();
        let most = ROW_BYTES_MAX as u64 + 1;
        (&mut self.input).take(most).read_until(b'\n', &mut line)?;
        if is_too_long(&line) && !line.ends_with(b"\n") {
            self.input.skip_until(b'\n')?;
        }
        Ok((!line.is_empty()).then_some(line))
    }

    /// Passes over what can't be the begin of a row.
    fn skip_to_row(&mut self) -> io::Result<()> {
        while let Some(line) = self.next_line()? {
            if begins_row(&line, &self.bucket) {
                self.ahead.push_front(line);
                break;
            }
        }
        Ok(())
    }

    /// The row that begins with this line, or what is wrong with it.
    fn parse(&mut self, line: &[u8]) -> io::Result<Result<TaskResult, String>> {
        if is_too_long(line) {
            return Ok(Err(format!("longer than {ROW_BYTES_MAX} bytes")));
        }
        let (fields, message) = match short_columns(line) {
            Ok(split) => split,
            Err(what) => return Ok(Err(what)),
        };
        let message = self.message(message)?;
        Ok(row(fields, &message))
    }

    /// The message that begins so.
    fn message(&mut self, first: &[u8]) -> io::Result<Vec<u8>> {
        let Some(quoted) = first.strip_prefix(b"\"") else {
            return Ok(without_line_end(first).to_vec());
        };
        let mut text = Vec::new();
        let mut quote = unquote(quoted, &mut text);
        let mut bytes = first.len();
        let mut lines = VecDeque::new();
        while quote == Quote::Open {
            let Some(line) = self.next_line()? else { break };
            bytes += line.len();
            if bytes > ROW_BYTES_MAX {
                quote = Quote::Broken;
            } else {
                quote = unquote(&line, &mut text);
            }
            lines.push_back(line);
        }
        if quote == Quote::Closed {
            return Ok(text);
        }
        lines.append(&mut self.ahead);
        self.ahead = lines;
        Ok(rest_of_line(first))
    }
}

fn is_too_long(line: &[u8]) -> bool {
    line.len() > ROW_BYTES_MAX
}

/// Whether a line begins with the manifest's bucket, bare or in quotes.
fn begins_row(line: &[u8], bucket: &[u8]) -> bool {
    let bare = line.strip_prefix(bucket).is_some_and(|rest| rest.starts_with(b","));
    let quoted = line.strip_prefix(b"\"").and_then(|rest| rest.strip_prefix(bucket));
    bare || quoted.is_some_and(|rest| rest.starts_with(b"\","))
}

fn without_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// How a text in quotes ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quote {
    /// With its closing quote, at the end of the line.
    Closed,
    /// Not in this line.
    Open,
    /// A quote that is not doubled stands elsewhere.
    Broken,
}

/// Appends what stands in quotes up to the closing one, doubled ones as one.
fn unquote(mut text: &[u8], out: &mut Vec<u8>) -> Quote {
    loop {
        let Some(at) = text.iter().position(|byte| *byte == b'"') else {
            out.extend_from_slice(text);
            return Quote::Open;
        };
        out.extend_from_slice(&text[..at]);
        match &text[at + 1..] {
            [b'"', rest @ ..] => {
                out.push(b'"');
                text = rest;
            }
            rest if without_line_end(rest).is_empty() => return Quote::Closed,
            _ => return Quote::Broken,
        }
    }
}

/// A message whose quotes are broken, as far as its line goes: without the outer quotes, and with
/// doubled ones as one.
fn rest_of_line(raw: &[u8]) -> Vec<u8> {
    let line = without_line_end(raw);
    let text = line.strip_prefix(b"\"").unwrap_or(line);
    let text = text.strip_suffix(b"\"").unwrap_or(text);
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter().peekable();
    while let Some(byte) = bytes.next() {
        out.push(*byte);
        if *byte == b'"' {
            bytes.next_if(|next| **next == b'"');
        }
    }
    out
}

/// The columns before the message, and the message as it stands in the line.
fn short_columns(line: &[u8]) -> Result<([Vec<u8>; SHORT_COLUMNS], &[u8]), String> {
    let mut fields = [const { Vec::new() }; SHORT_COLUMNS];
    let mut rest = line;
    for (number, field) in fields.iter_mut().enumerate() {
        let end = match rest.strip_prefix(b"\"") {
            Some(quoted) => quoted_field(quoted, field).ok_or_else(|| {
                format!("a quote is missing or too many in column {}", number + 1)
            })?,
            None => {
                let text = without_line_end(rest);
                let end = text.iter().position(|byte| *byte == b',').unwrap_or(text.len());
                field.extend_from_slice(&text[..end]);
                &rest[end..]
            }
        };
        rest = end.strip_prefix(b",").ok_or_else(|| {
            let found = number + 1;
            let noun = if found == 1 { "column" } else { "columns" };
            format!("{found} {noun}, where a completion report has {COLUMNS}")
        })?;
    }
    Ok((fields, rest))
}

/// Reads a field from behind its opening quote, and gives what is behind the closing one; `None`
/// where that is neither a comma nor the line's end, or there is none.
fn quoted_field<'a>(mut text: &'a [u8], field: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        let at = text.iter().position(|byte| *byte == b'"')?;
        field.extend_from_slice(&text[..at]);
        let rest = &text[at + 1..];
        let Some(more) = rest.strip_prefix(b"\"") else {
            let ends = rest.starts_with(b",") || without_line_end(rest).is_empty();
            return ends.then_some(rest);
        };
        field.push(b'"');
        text = more;
    }
}

/// The row of these columns, or what is wrong with them.
fn row(fields: [Vec<u8>; SHORT_COLUMNS], message: &[u8]) -> Result<TaskResult, String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let [bucket, key, version, status, third, fourth] = fields;
    let succeeded = match status.as_slice() {
        b"succeeded" => true,
        b"failed" => false,
        other => return Err(format!("the task's status is `{}`", text(other))),
    };
    let (http, code) = match (http(&third), http(&fourth)) {
        (Some(status), _) => (Some(status), text(&fourth)),
        (None, Some(status)) => (Some(status), text(&third)),
        (None, None) if third.is_empty() => (None, text(&fourth)),
        (None, None) => (None, text(&third)),
    };
    Ok(TaskResult { bucket, key, version, succeeded, code, http, message: text(message) })
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

    /// All rows of a report of bucket `b`.
    fn rows(text: &[u8], buffer_bytes: usize) -> Vec<Result<TaskResult, BadRow>> {
        let mut rows = TaskResults::new(io::BufReader::with_capacity(buffer_bytes, text), "b");
        let mut found = Vec::new();
        while let Some(row) = rows.next_row().unwrap() {
            found.push(row);
        }
        found
    }

    fn good(text: &str) -> Vec<TaskResult> {
        rows(text.as_bytes(), 16).into_iter().map(Result::unwrap).collect()
    }

    #[test]
    fn both_orders_of_columns_are_told_apart() {
        let delivered = "b,a%20b,v1,failed,404,NoSuchKey,\"said \"\"no\"\"\nand more\"\n";
        let as_schema = "b,a%20b,v1,failed,NoSuchKey,404,\"said \"\"no\"\"\nand more\"\n";
        let wanted = TaskResult {
            bucket: b"b".to_vec(),
            key: b"a%20b".to_vec(),
            version: b"v1".to_vec(),
            succeeded: false,
            code: "NoSuchKey".to_owned(),
            http: Some(404),
            message: "said \"no\"\nand more".to_owned(),
        };
        for text in [delivered, as_schema] {
            assert_eq!(good(text), std::slice::from_ref(&wanted));
        }
        let example = good("b,k,,failed,200,PermanentFailure,\"x\"\n");
        assert_eq!((example[0].http, example[0].code.as_str()), (Some(200), "PermanentFailure"));
        let bare = good("b,k,,succeeded,,,Successful\nb,k,,failed,,Odd,\n");
        assert_eq!((bare[0].succeeded, bare[0].http, bare[0].code.as_str()), (true, None, ""));
        assert_eq!((bare[1].http, bare[1].code.as_str()), (None, "Odd"));
    }

    #[test]
    fn a_row_that_cannot_be_read_is_told_by_number_and_the_rest_goes_on() {
        for (bad, part) in [
            ("b,k\n", "row 2: 2 columns"),
            ("b\n", "row 2: 1 column,"),
            ("b,k,v,perhaps,404,x,m\n", "row 2: the task's status is `perhaps`"),
            ("b,k,v,perhaps,404,x,\"two\nlines\"\n", "row 2: the task's status is `perhaps`"),
            ("b,\"k\"x,v,failed,404,x,m\n", "row 2: a quote is missing or too many in column 2"),
            ("b,\"k,v,failed,404,x,m\n", "row 2: a quote is missing or too many in column 2"),
            ("b,k\nleft of\na message\n", "row 2: 2 columns"),
            ("\0\u{1b}[2J no row\n", "row 2: 1 column"),
        ] {
            let text = format!("b,one,,failed,404,x,m\n{bad}b,two,,failed,404,x,\"m\"\r\n");
            let found = rows(text.as_bytes(), 16);
            assert_eq!(found.len(), 3, "{bad}: {found:?}");
            assert_eq!(found[0].as_ref().unwrap().key, b"one");
            let error = found[1].as_ref().unwrap_err().to_string();
            assert!(error.starts_with(part), "{error}");
            let last = found[2].as_ref().unwrap();
            assert_eq!((last.key.as_slice(), last.message.as_str()), (&b"two"[..], "m"));
        }
    }

    #[test]
    fn a_row_that_is_too_long_is_passed_over() {
        for bad in [
            format!("b,{},,failed,404,x,m\n", "k".repeat(ROW_BYTES_MAX)),
            format!("b,k,,failed,404,x,{}", "m".repeat(3 * ROW_BYTES_MAX)),
        ] {
            let text = format!("{}\nb,two,,failed,404,x,m\n", bad.trim_end());
            let found = rows(text.as_bytes(), 4096);
            assert!(found[0].as_ref().unwrap_err().to_string().contains("row 1: longer than"));
            assert_eq!(found[1].as_ref().unwrap().key, b"two");
            assert_eq!(found.len(), 2);
        }
    }

    #[test]
    fn a_message_is_the_rest_of_the_line_where_its_quotes_are_broken() {
        for (raw, wanted) in [
            // As the guide prints it.
            (
                "\"error details: {\"\"m\"\":\"Task 1 no such key\", \"\"errorCode\"\": \"404\"}\"",
                "error details: {\"m\":\"Task 1 no such key\", \"errorCode\": \"404\"}",
            ),
            ("one, two, three", "one, two, three"),
            ("said \"no\", twice", "said \"no\", twice"),
            ("\"never closed, ", "never closed, "),
            ("\"closed\", and more", "closed\", and more"),
            ("\"\"", ""),
            ("", ""),
        ] {
            let text = format!("b,k1,,failed,200,X,{raw}\nb,k2,,failed,200,X,\"m\nn\"\n");
            let found = good(&text);
            assert_eq!(found.len(), 2, "{raw}");
            assert_eq!(found[0].message, wanted);
            assert_eq!(found[1].message, "m\nn");
        }
    }

    #[test]
    fn a_message_that_is_never_closed_swallows_no_row() {
        let bare: String = (0..5).map(|key| format!("b,{key},,failed,404,X,bare\n")).collect();
        let text = format!("b,first,,failed,404,X,\"cut off\n{bare}");
        let found = good(&text);
        assert_eq!(found.len(), 6);
        assert_eq!(found[0].message, "cut off");
        assert_eq!(found[5].key, b"4");
        // Nor one that is larger than a row may be.
        let long = format!("b,k,,failed,404,X,{}\n", "m".repeat(1000)).repeat(500);
        assert_eq!(good(&format!("b,first,,failed,404,X,\"cut off\n{long}")).len(), 501);
    }

    #[test]
    fn a_message_in_quotes_may_hold_what_looks_like_a_row() {
        let inner = "see\nb,other,,failed,404,NoSuchKey,gone\nand so on";
        let found = good(&format!("b,k,,failed,200,X,\"{inner}\"\nb,l,,failed,404,X,m\n"));
        assert_eq!((found.len(), found[0].message.as_str()), (2, inner));
    }

    #[test]
    fn an_empty_version_is_the_null_version_of_the_manifest() {
        for (version, columns, wanted) in [
            ("", 3, "b,a%2520b+c,null"),
            ("null", 3, "b,a%2520b+c,null"),
            ("v1", 3, "b,a%2520b+c,v1"),
            ("", 2, "b,a%2520b+c"),
        ] {
            let row = &good(&format!("b,a%2520b+c,{version},failed,404,X,m\n"))[0];
            let mut line = Vec::new();
            row.write_manifest_fields(columns, &mut line);
            assert_eq!(line, wanted.as_bytes());
        }
    }

    #[test]
    fn keys_keep_their_bytes() {
        for (key, wanted) in
            [("a,\"\"b", "b,\"a,\"\"b\",v"), ("\u{e9}", "b,\u{e9},v"), ("a%2C", "b,a%2C,v")]
        {
            let row = &good(&format!("b,\"{key}\",v,failed,404,X,m\n"))[0];
            let mut line = Vec::new();
            row.write_manifest_fields(3, &mut line);
            assert_eq!(line, wanted.as_bytes());
        }
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
            let found = rows(text.as_bytes(), buffer_bytes);
            prop_assert_eq!(found.len(), written.len());
            for (row, (bucket, key, code, http, _, message)) in found.iter().zip(&written) {
                let row = row.as_ref().unwrap();
                prop_assert_eq!(&row.bucket, bucket.as_bytes());
                prop_assert_eq!(&row.key, key.as_bytes());
                prop_assert_eq!(&row.code, code);
                prop_assert_eq!(row.http, Some(*http));
                prop_assert_eq!(&row.message, message);
            }
        }

        #[test]
        fn any_bytes_are_read_to_their_end(
            text in prop::collection::vec(prop::sample::select(b"b,\"\n\r4x".to_vec()), 0..400),
            buffer_bytes in 1usize..99,
        ) {
            let lines = text.split(|byte| *byte == b'\n').count();
            prop_assert!(rows(&text, buffer_bytes).len() <= lines);
        }
    }
}
