//! Any bytes as a predicate and a row: parsing never panics, and what parses is matched as the
//! oracle says and reads back from its canonical text.
//!
//! The first line is the row, its fields parted by commas; the rest is the expression.

#![no_main]

use libfuzzer_sys::fuzz_target;
use s3sieve::Schema;
use s3sieve::internal::{Row, Select, check_agreement};

/// A column of every kind, and two that need care: hyphens, and a name that is a keyword.
const NAMES: [&str; 8] = [
    "Key",
    "Size",
    "LastModifiedDate",
    "IsLatest",
    "StorageClass",
    "ChecksumAlgorithm",
    "ETag",
    "Select",
];

struct Fields<'d>(Vec<&'d [u8]>);

impl Row for Fields<'_> {
    fn field(&self, column: usize) -> &[u8] {
        self.0.get(column).copied().unwrap_or_default()
    }
}

fuzz_target!(|data: &[u8]| {
    let line = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (row, text) = data.split_at(line);
    let row = Fields(row.split(|byte| *byte == b',').collect());
    let text = String::from_utf8_lossy(text);
    let schema = Schema::from_names(NAMES);
    if let Err(disagreement) = check_agreement(&text, &schema, &row) {
        panic!("{disagreement}");
    }
    let now = "2024-03-31T12:00:00Z".parse().unwrap_or_default();
    let _ = Select::parse(&text, &schema, now).map_err(|error| error.to_string());
});
