//! The formats of data files.

use std::fmt;

/// How the data files of a report are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFormat {
    /// CSV, gzip-compressed, without a header.
    Csv,
    /// Apache ORC.
    Orc,
    /// Apache Parquet.
    Parquet,
}

impl fmt::Display for FileFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Csv => "CSV",
            Self::Orc => "ORC",
            Self::Parquet => "Parquet",
        })
    }
}
