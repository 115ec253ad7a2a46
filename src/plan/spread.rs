//! Spreading over a given number of jobs: rows must be counted before they can be cut evenly.
//!
//! They are collected in one file a lane first, then cut. That writes them twice, which costs less
//! than reading the report twice.
//!
//! Never knows where rows come from.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use memchr::memrchr;

use super::open_files::{GrowingFile, OpenFiles};
use super::series::{Series, ShardCut, Shards};
use super::shard::LineBlock;
use super::{PlanError, line};
use crate::engine::BLOCK_BYTES;
use crate::read::ScanError;

/// The rows of one lane, waiting to be cut.
pub(super) struct LaneSpool {
    file: GrowingFile,
    rows: u64,
}

impl LaneSpool {
    /// An empty file in `folder`, which is made if need be.
    pub(super) fn create(
        files: &OpenFiles,
        folder: &Path,
        number: usize,
    ) -> Result<Self, PlanError> {
        fs::create_dir_all(folder).map_err(PlanError::at(folder))?;
        Ok(Self { file: files.create(&folder.join(format!("{number}.csv")))?, rows: 0 })
    }

    /// Appends lines.
    pub(super) fn write(&mut self, block: LineBlock<'_>) -> Result<(), PlanError> {
        self.rows += block.rows;
        self.file.write(block.lines, block.background)
    }

    /// How many lines there are.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Writes what is left, and gives the file.
    pub(super) fn flush(&mut self) -> Result<&Path, PlanError> {
        self.file.flushed(|_| ())?;
        Ok(self.file.path())
    }

    /// Cuts the rows into shards, and removes the file.
    pub(super) fn cut<L: Clone>(
        self,
        label: L,
        cut: ShardCut,
        shards: &mut Shards<L>,
        stop: &AtomicBool,
    ) -> Result<(), PlanError> {
        let mut series = Series::new(label, cut);
        self.drain(stop, &mut |lines| {
            series.write(shards, LineBlock::at_once(lines, line::count(lines)))
        })?;
        series.finish(shards, None)
    }

    /// Hands each row, a line with its line feed, to `take` together with the spool that takes this
    /// one's place: one of `files`.
    pub(super) fn rewrite(
        self,
        files: &OpenFiles,
        stop: &AtomicBool,
        mut take: impl FnMut(&[u8], &mut Self) -> Result<(), PlanError>,
    ) -> Result<Self, PlanError> {
        let path = self.file.path();
        // By turns: each spool is rewritten several times, and its other name is free by then.
        let other = if path.extension().is_some_and(|end| end == "kept") { "csv" } else { "kept" };
        let mut kept = Self { file: files.create(&path.with_extension(other))?, rows: 0 };
        self.drain(stop, &mut |lines| {
            lines.split_inclusive(|byte| *byte == b'\n').try_for_each(|row| take(row, &mut kept))
        })?;
        Ok(kept)
    }

    /// Hands all rows to `take`, whole lines at a time, and removes the file.
    fn drain(
        self,
        stop: &AtomicBool,
        take: &mut dyn FnMut(&[u8]) -> Result<(), PlanError>,
    ) -> Result<(), PlanError> {
        let path = self.file.close(None)?.path;
        let mut file = File::open(&path).map_err(PlanError::at(&path))?;
        let mut buffer = vec![0; BLOCK_BYTES];
        let mut filled = 0;
        loop {
            if stop.load(Ordering::Relaxed) {
                return Err(ScanError::Interrupted.into());
            }
            let read = file.read(&mut buffer[filled..]).map_err(PlanError::at(&path))?;
            if read == 0 {
                break;
            }
            filled += read;
            match memrchr(b'\n', &buffer[..filled]) {
                Some(at) => {
                    take(&buffer[..=at])?;
                    buffer.copy_within(at + 1..filled, 0);
                    filled -= at + 1;
                }
                // A line is bounded by the record it came from, so this ends.
                None if filled == buffer.len() => buffer.resize(2 * filled, 0),
                None => {}
            }
        }
        fs::remove_file(&path).map_err(PlanError::at(&path))
    }
}

/// Deals `jobs` shards out to lanes with this many rows: one to each, the rest in proportion to the
/// rows, so that the largest shard is as small as can be.
pub(super) fn deal(rows: &[u64], jobs: u64) -> Vec<u64> {
    let mut shards = vec![1; rows.len()];
    for _ in rows.len() as u64..jobs {
        // The lane whose shards are the largest, the first of those.
        let size = |place: usize| rows[place] as f64 / shards[place] as f64;
        let largest = (0..rows.len()).reduce(|a, b| if size(b) > size(a) { b } else { a });
        match largest {
            Some(place) if shards[place] < rows[place] => shards[place] += 1,
            _ => break,
        }
    }
    shards
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_dealt_in_proportion() {
        assert_eq!(deal(&[100], 4), [4]);
        assert_eq!(deal(&[300, 100], 4), [3, 1]);
        assert_eq!(deal(&[10, 10, 10], 2), [1, 1, 1]);
        assert_eq!(deal(&[2, 1], 50), [2, 1]);
        assert_eq!(deal(&[], 5), Vec::<u64>::new());
    }
}
