//! Bytes to rows: how data files are compressed, and how they are cut into rows and fields.
//!
//! Free of I/O: slices go in, slices come out. Never knows files, paths or the network.

pub mod csv;
pub mod gzip;
pub mod key;
pub mod md5;
