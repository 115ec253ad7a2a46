//! Bytes to rows: how data files are compressed, and how they are cut into rows and fields.
//!
//! Free of I/O: slices go in, slices come out. Never knows files, paths or the network.

#[cfg(any(feature = "parquet", feature = "orc"))]
pub mod buffer_pool;
#[cfg(any(feature = "parquet", feature = "orc"))]
pub mod codec;
#[cfg(any(feature = "parquet", feature = "orc"))]
pub mod columnar;
#[cfg(test)]
#[cfg(feature = "parquet")]
mod columnar_tests;
pub mod csv;
#[cfg(any(feature = "parquet", feature = "orc"))]
pub mod foreign;
pub mod gzip;
pub mod md5;
#[cfg(feature = "orc")]
pub mod orc;
#[cfg(feature = "parquet")]
pub mod parquet;
#[cfg(any(feature = "parquet", feature = "orc"))]
pub mod ranges;
