//! Parquet files: the footer, and columns page by page.
//!
//! Both are decoded here: what is asked of a report's columns is little (flat columns of a few
//! types), and read so, a page costs what its decompression costs. A dictionary stays one, a text
//! is a place in its page, and a page that is not looked at is neither decompressed nor, where it
//! is long, read. A footer is kept as bytes, for a damaged one may describe a million columns.
//!
//! # Memory
//! A column holds 256 KiB read ahead, or a page if that is longer, and one page decompressed, with
//! its dictionary. Pages of [`PAGE_BYTES_MAX`] bytes or [`PAGE_ROWS_MAX`] rows and more are
//! refused; writers make pages of about 1 MiB, some (DuckDB) one for each column of a row group.
//!
//! Never knows files, paths, or which rows are wanted.

mod column;
mod file;
mod footer;
mod index;
mod page;
mod schema;
#[cfg(test)]
mod tests;
mod thrift;
mod values;
mod writer;

pub use footer::Footer;

/// The longest page, both in the file and decompressed, and the longest dictionary. 256 MiB:
/// DuckDB, which makes the longest, stops at 100 MB.
pub(crate) const PAGE_BYTES_MAX: usize = 256 << 20;

/// The most rows of a page. A run of equal values may tell of any number in a few bytes, and each
/// takes up to 17 bytes once it is decoded. 16 Mi: data files have some 3 million rows, writers end
/// row groups after a million.
pub(crate) const PAGE_ROWS_MAX: usize = 16 << 20;
