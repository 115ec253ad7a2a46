//! What can be wrong with CSV data, and where.
//!
//! Never knows which file the data came from: whoever reads the file adds its name.

use crate::units::{Bytes, Count, counted};

/// Data that is not a table of the expected shape. Rows before it have been handed out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("record {}, byte {} of the decompressed data: {kind}", Count(*record), Count(*byte))]
pub struct CsvError {
    /// What is wrong.
    pub kind: CsvErrorKind,
    /// The number of the record, from 1; blank lines are not records.
    pub record: u64,
    /// Where the record's first byte stands in the decompressed data, from 0.
    pub byte: u64,
}

/// What is wrong with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CsvErrorKind {
    /// A record has more or fewer columns than the schema.
    #[error(
        "{} where fileSchema names {}",
        counted(*found as u64, "column"),
        Count(*expected as u64)
    )]
    WrongColumns {
        /// How many columns a row must have.
        expected: usize,
        /// How many this record has.
        found: usize,
    },
    /// A record is longer than records may be.
    #[error(
        "the record is longer than {}: a quote may be unclosed, or the data is no CSV report",
        Bytes(*bytes_max as u64)
    )]
    RecordTooLong {
        /// The longest record allowed, in bytes, without its line end.
        bytes_max: usize,
    },
    /// A quote stands where none may.
    #[error(
        "column {column}: {fault}; S3 writes no such field: the file is damaged, or another \
         program wrote it"
    )]
    StrayQuote {
        /// Which column, from 1.
        column: usize,
        /// How.
        fault: QuoteFault,
    },
    /// The data ends inside a quoted field.
    #[error("a quoted field is still open at the end of the data: the file may be cut short")]
    OpenQuote,
}

/// How a quote stands where none may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QuoteFault {
    /// `"a"b`.
    #[error("text follows the quote that ends the field")]
    TextBehind,
    /// `a"b`.
    #[error("there is a quote inside a field that does not begin with one")]
    Inside,
    /// ` "a"`.
    #[error("the field begins with a space, and then a quote")]
    BehindSpace,
}
