//! How the files in a plan's folder are named, and how many and how long they are at most.

/// What the plan says of itself, shown last.
pub(super) const PLAN: &str = "plan.json";
pub(super) const MANIFESTS: &str = "manifests";
pub(super) const EXCLUDED: &str = "excluded";

/// In the folder of a manifest that is an inventory report: the report's own files, by their usual
/// names.
pub(super) const MANIFEST: &str = "manifest.json";
pub(super) const CHECKSUM: &str = "manifest.checksum";
pub(super) const DATA: &str = "data";

/// The journal of a submitted plan.
pub(super) const JOURNAL: &str = "jobs.jsonl";

/// Bytes of a `plan.json` at most. 1 GiB: 100,000 shards take some 60 MB, and ten times that where
/// every key has S3's 1,024 bytes, each written as `%XX`.
pub(super) const PLAN_BYTES_MAX: u64 = 1 << 30;

/// Shards in a plan, or in a part of one, at most. 100,000: at $0.25 a job more is not useful, and
/// their names keep five digits.
pub(super) const SHARDS_MAX: usize = 100_000;

/// Shards in a plan that was merged of parts. One million: ten a part where there are 100,000
/// parts, and some 600 MB of `plan.json`.
pub(super) const SHARDS_MERGED_MAX: usize = 1_000_000;
