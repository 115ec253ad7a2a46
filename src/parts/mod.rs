//! Work that is cut into parts, for workers that may die, run twice, or know nothing of each other.
//!
//! A folder holds the parts of one question:
//!
//! - `partitions.json` pins the question, the report and the number of parts. It is written by
//!   whoever comes first; all others compare.
//! - `part-00003/` is part 3, with `part.json` in it. It appears whole, by one rename, or in S3
//!   with `part.json` as its last object. It is never replaced.
//! - `.attempts/` holds what attempts have made so far, each in a folder of its own.
//!
//! No lock is needed: of several attempts at one part, the first to be done has made it, and the
//! others find that it is there.
//!
//! Never knows what is asked, and what a part holds.

mod attempt;
mod document;
mod error;
mod folder;
mod number;

pub(crate) use attempt::{Attempt, CommitOutcome, PART_DOCUMENT};
pub(crate) use document::{DocumentParts, PartContent, file_name};
pub(crate) use error::PartsError;
pub(crate) use folder::{PartsFolder, PinnedParts, place_new};
pub(crate) use number::{PARTS_MAX, PartNumber, spans};
