//! Filters Amazon S3 Inventory reports into S3 Batch Operations manifests.
//!
//! The layers, from the top; each imports only what stands below it (a test holds them to it):
//!
//! | layer | knows | never knows |
//! |---|---|---|
//! | [`engine`] | workers, queues, memory budget, order | formats, operations |
//! | [`mod@format`] | bytes to rows | files, paths, network |
//! | [`predicate`] | expression to compiled matcher | formats beyond "give me column n" |
//! | [`report`] | `manifest.json`, schema, checksums, the newest report | threads |
//! | [`source`] | bytes from a local file | what the bytes mean |
//! | [`units`] | sizes and counts as people write them | everything else |


pub mod engine;
pub mod format;
pub mod predicate;
pub mod report;
pub mod source;
pub mod units;
