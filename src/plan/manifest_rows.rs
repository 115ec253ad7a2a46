//! The rows of a manifest, looked at while it is hashed: that they are as many as `plan.json` says,
//! have its columns, are of its bucket, and begin and end with its keys.
//!
//! A digest proves that a file is the one that `plan.json` describes. It doesn't prove that the
//! description is true: where columns or counts were changed, a job would take keys for version
//! ids, or be held to the wrong number of tasks. This costs a few nanoseconds a row.
//!
//! Never opens a file.

use std::borrow::Cow;
use std::mem;

use memchr::{memchr, memchr_iter, memchr2_iter};

use super::{Plan, Shard, line};

/// The longest row, in bytes: twice a key of 1,024 bytes with each byte as `%XX`, and room for
/// bucket and version id. Longer rows are invalid and not buffered.
const ROW_BYTES_MAX: usize = 16 << 10;

/// What is said of such a row.
const TOO_LONG: &str = "is longer than any row of a manifest";

/// Looks at the rows of one shard, in pieces of any length.
pub(super) struct RowCheck<'a> {
    shard: &'a Shard,
    columns: usize,
    /// What every row begins with.
    bucket: Vec<u8>,
    /// The start of a row that goes on in the next piece.
    partial: Vec<u8>,
    /// Space for a row without its quotes.
    unquoted: Vec<u8>,
    rows: u64,
    first: Vec<u8>,
    last: Vec<u8>,
    /// The first fault found; reported at the end.
    fault: Option<String>,
}

impl<'a> RowCheck<'a> {
    /// For the rows of a shard of `plan`.
    pub(super) fn new(shard: &'a Shard, plan: &Plan) -> Self {
        Self {
            shard,
            columns: shard.columns.as_ref().unwrap_or(&plan.columns).len(),
            bucket: [shard.bucket.as_bytes(), b","].concat(),
            partial: Vec::new(),
            unquoted: Vec::new(),
            rows: 0,
            first: Vec::new(),
            last: Vec::new(),
            fault: None,
        }
    }

    /// Looks at the next bytes.
    pub(super) fn look(&mut self, mut bytes: &[u8]) {
        if !self.partial.is_empty() {
            let Some(end) = memchr(b'\n', bytes) else { return self.gather(bytes) };
            self.gather(&bytes[..end]);
            let row = mem::take(&mut self.partial);
            self.row(&row);
            self.last.clone_from(&row);
            self.partial = row;
            self.partial.clear();
            bytes = &bytes[end + 1..];
        }
        let mut start = 0;
        for end in memchr_iter(b'\n', bytes) {
            self.row(&bytes[start..end]);
            start = end + 1;
        }
        if start > 0 {
            self.last.clear();
            self.last.extend_from_slice(line::last(&bytes[..start]));
        }
        self.gather(&bytes[start..]);
    }

    /// Keeps the start of a row.
    fn gather(&mut self, bytes: &[u8]) {
        if self.partial.len() + bytes.len() <= ROW_BYTES_MAX {
            self.partial.extend_from_slice(bytes);
        } else {
            let number = self.rows + 1;
            self.fault.get_or_insert(format!("row {number} {TOO_LONG}"));
        }
    }

    #[inline]
    fn row(&mut self, row: &[u8]) {
        self.rows += 1;
        if self.rows == 1 {
            self.first.extend_from_slice(row);
        }
        let row = if self.shard.files.is_empty() {
            Cow::Borrowed(row)
        } else {
            self.unquoted.clear();
            line::push_unquoted(row, &mut self.unquoted);
            Cow::Owned(mem::take(&mut self.unquoted))
        };
        let checked =
            if row.len() > ROW_BYTES_MAX { Err(TOO_LONG.to_owned()) } else { self.check(&row) };
        if let Err(what) = checked {
            let number = self.rows;
            self.fault.get_or_insert_with(|| format!("row {number} {what}"));
        }
        if let Cow::Owned(row) = row {
            self.unquoted = row;
        }
    }

    #[inline]
    fn check(&self, row: &[u8]) -> Result<(), String> {
        let Some(rest) = row.strip_prefix(&self.bucket[..]) else {
            return Err(format!("is not of bucket {}", self.shard.bucket));
        };
        let (mut columns, mut begin, mut has_empty) = (2, 0, false);
        for at in memchr2_iter(b',', b'"', rest) {
            if rest[at] == b'"' {
                return self.check_quoted(rest);
            }
            has_empty |= at == begin;
            begin = at + 1;
            columns += 1;
        }
        self.judge(columns, has_empty || begin == rest.len())
    }

    /// The same, where a field behind the bucket is in quotes.
    #[cold]
    fn check_quoted(&self, rest: &[u8]) -> Result<(), String> {
        let fields = line::fields(rest).ok_or("has a quote where none may be")?;
        let has_empty = fields.iter().any(|field| field.is_empty() || *field == b"\"\"");
        self.judge(fields.len() + 1, has_empty)
    }

    #[inline]
    fn judge(&self, columns: usize, has_empty: bool) -> Result<(), String> {
        if columns != self.columns {
            let expected = self.columns;
            return Err(format!("has {columns} columns where the plan says {expected}"));
        }
        if has_empty {
            return Err("has an empty field".to_owned());
        }
        Ok(())
    }

    /// The first fault of the rows, after all were checked.
    pub(super) fn finish(self) -> Option<String> {
        let Self { shard, rows, fault, .. } = &self;
        if fault.is_some() {
            return self.fault;
        }
        if !self.partial.is_empty() {
            return Some("its last row has no line end".to_owned());
        }
        if *rows != shard.objects {
            return Some(format!("it has {rows} rows where the plan says {}", shard.objects));
        }
        let keys =
            [("first", &self.first, &shard.first_key), ("last", &self.last, &shard.last_key)];
        keys.into_iter().find_map(|(which, row, expected)| {
            let found = line::key(row);
            let differs = found != *expected;
            differs
                .then(|| format!("its {which} key is {found:?} where the plan says {expected:?}"))
        })
    }
}
