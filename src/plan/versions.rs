//! Copies of noncurrent versions: only those whose key's current version is copied after them.
//!
//! A copy of a noncurrent version makes it the newest version of its key (S3 User Guide, "Copy
//! objects": noncurrent versions first, then the current ones). Where the current version is not
//! copied after it, because the predicate doesn't select it, it is a delete marker, or a rule
//! excludes it, the old content would be what everybody reads from then on.
//!
//! Rows of one key may stand anywhere in a report, so this is known only when all rows are written:
//! noncurrent rows are collected first, and those that stay are cut into shards at the end.
//!
//! Never knows where rows come from.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use super::objects::{self, LineForm};
use super::open_files::OpenFiles;
use super::shard::LineBlock;
use super::spread::LaneSpool;
use super::{PlanError, line};
use crate::query::{HashPartition, OBJECT_BYTES, ObjectSet};

/// Memory for the keys of current versions. 256 MiB: 11 million keys at a time; rows are read once
/// for each time.
const KEYS_MEMORY_BYTES: u64 = 256 << 20;

/// Read of a manifest at a time: few calls, and still in the second-level cache.
const READ_BUFFER_BYTES: usize = 256 << 10;

/// Rows of current versions, as lines of these files.
pub(super) struct CurrentVersions {
    pub(super) files: Vec<PathBuf>,
    pub(super) rows: u64,
}

impl CurrentVersions {
    /// Takes the rows out of `spool`, one of the `open` files, whose keys have no current version
    /// among these, and gives each to `exclude`: a line with its line feed.
    ///
    /// # Errors
    /// When a file can't be read or written, `exclude` fails, or `stop` is raised.
    pub(super) fn retain_followed(
        &self,
        open: &OpenFiles,
        spool: LaneSpool,
        stop: &AtomicBool,
        exclude: &mut dyn FnMut(&[u8]) -> Result<(), PlanError>,
    ) -> Result<LaneSpool, PlanError> {
        self.retain_in_parts(open, spool, KEYS_MEMORY_BYTES, stop, exclude)
    }

    fn retain_in_parts(
        &self,
        open: &OpenFiles,
        mut spool: LaneSpool,
        memory_bytes: u64,
        stop: &AtomicBool,
        exclude: &mut dyn FnMut(&[u8]) -> Result<(), PlanError>,
    ) -> Result<LaneSpool, PlanError> {
        let of = self.rows.saturating_mul(OBJECT_BYTES).div_ceil(memory_bytes).max(1);
        for number in 0..of {
            let keys = self.keys(HashPartition { number, of }, stop)?;
            spool = spool.rewrite(open, stop, |row, kept| {
                if keys.lacks(line::object(row)) {
                    exclude(row)
                } else {
                    kept.write(LineBlock::at_once(row, 1))
                }
            })?;
        }
        Ok(spool)
    }

    fn keys(&self, part: HashPartition, stop: &AtomicBool) -> Result<ObjectSet, PlanError> {
        let mut keys = ObjectSet::new(part, objects::room(part, self.rows));
        let form = LineForm { is_quoted: false, drop_version: true, marks: 0 };
        for path in &self.files {
            let file = File::open(path).map_err(PlanError::at(path))?;
            let mut lines = BufReader::with_capacity(READ_BUFFER_BYTES, file);
            objects::add(&mut keys, &mut lines, form, stop).map_err(PlanError::at(path))?;
        }
        Ok(keys)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::fs;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_row_stays_where_its_key_has_a_current_version(
            current in prop::collection::vec("[a-c,]{1,2}", 0..40),
            noncurrent in prop::collection::vec(("[a-c,]{1,2}", 0u8..9), 1..60),
            memory_bytes in 23u64..2_000,
        ) {
            let folder = tempfile::tempdir().unwrap();
            let quoted = |key: &str| {
                if key.contains(',') { format!("\"{key}\"") } else { key.to_owned() }
            };
            let files = ["one", "two"].map(|name| folder.path().join(name));
            for (place, file) in files.iter().enumerate() {
                let rows = current.iter().skip(place).step_by(2);
                let text: String = rows.map(|key| format!("b,{},null\n", quoted(key))).collect();
                fs::write(file, text).unwrap();
            }
            let keys: HashSet<&String> = current.iter().collect();
            let rows = current.len() as u64;
            let current = CurrentVersions { files: files.to_vec(), rows };
            let open = OpenFiles::new();
            let mut spool = LaneSpool::create(&open, folder.path(), 0).unwrap();
            let (mut kept, mut excluded) = (String::new(), Vec::new());
            for (key, version) in &noncurrent {
                let row = format!("b,{},v{version}\n", quoted(key));
                spool.write(LineBlock::at_once(row.as_bytes(), 1)).unwrap();
                if keys.contains(key) { kept += &row } else { excluded.push(row) }
            }
            let stop = AtomicBool::new(false);
            let mut found = Vec::new();
            let mut spool = current
                .retain_in_parts(&open, spool, memory_bytes, &stop, &mut |row| {
                    found.push(String::from_utf8_lossy(row).into_owned());
                    Ok(())
                })
                .unwrap();
            prop_assert_eq!(spool.rows(), kept.lines().count() as u64);
            let path = spool.flush().unwrap();
            prop_assert_eq!(fs::read_to_string(path).unwrap(), kept);
            found.sort_unstable();
            excluded.sort_unstable();
            prop_assert_eq!(found, excluded);
        }
    }
}
