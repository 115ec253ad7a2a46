//! Bytes to rows: how data files are compressed, and how they are cut into rows and fields.
//!
//! CSV, gzip and MD5 take slices and give slices. Column formats need bytes here and there: they
//! ask for ranges of them ([`ranges`]), and whoever calls reads these. Never knows paths or the
//! network.

#[cfg(any(feature = "parquet", feature = "orc"))]
pub(crate) mod buffer_pool;
#[cfg(any(feature = "parquet", feature = "orc"))]
pub(crate) mod codec;
#[cfg(any(feature = "parquet", feature = "orc"))]
pub(crate) mod columnar;
#[cfg(test)]
#[cfg(feature = "parquet")]
mod columnar_tests;
pub(crate) mod csv;
#[cfg(any(feature = "parquet", feature = "orc"))]
pub(crate) mod foreign;
pub(crate) mod gzip;
pub(crate) mod md5;
#[cfg(feature = "orc")]
pub(crate) mod orc;
#[cfg(feature = "parquet")]
pub(crate) mod parquet;
#[cfg(any(feature = "parquet", feature = "orc"))]
pub(crate) mod ranges;
