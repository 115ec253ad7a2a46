//! ORC files: the tail, and columns a batch of rows at a time.
//!
//! All of it is read here. What is asked of a report's columns is little (flat columns of a few
//! types), and read so, a column costs what its decompression costs: a dictionary stays one, and
//! texts are places in the decompressed stream. The readers there are make Arrow arrays, with a
//! copy of every text, and bring all of Arrow along.
//!
//! # Memory
//! A stream holds 256 KiB read ahead, a chunk (8 MiB at most; writers use 256 KiB) and what of a
//! batch of rows is decompressed, at most 256 MiB of texts. A column has up to four streams.
//!
//! # Dates
//! A timestamp without a zone is what a clock on the wall showed; it is read as if the clock showed
//! UTC. Files count its seconds from the writer's own 2015, so the writer's zone must be known.
//!
//! # Statistics
//! Those of writers that are known to have got them wrong are not used (`writer.rs`).
//!
//! Never knows files, paths, or which rows are wanted.

mod chunks;
mod column;
mod file;
mod orc_type;
mod proto;
mod rle;
mod statistics;
mod stripe;
mod tail;
mod writer;
mod zone;

pub use tail::Tail;
