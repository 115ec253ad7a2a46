//! Batches: which data files a task of the engine covers, or which part of one.
//!
//! A file of the usual size is a task of its own. Small files are taken many at a time: passing a
//! file's few rows and its summary on to another thread costs more than scanning it. Large files in
//! a column format are cut into parts by their length alone; a row group or stripe belongs to the
//! part in which its middle lies, and a part may have none.
//!
//! Where batches end depends on the report alone, as what is written depends on it a little: a
//! block of rows ends with its batch.
//!
//! Never knows what is done with a file.

use std::ops::Range;

use super::Input;
use crate::report::FileFormat;

/// Bytes of a batch's files together at most, unless one file has more. 512 KiB: about a
/// millisecond of one core, and the rows fill a block or two.
const BATCH_BYTES_MAX: u64 = 512 << 10;

/// Files in a batch at most, however small they are: a stop is noticed after each.
const BATCH_FILES_MAX: usize = 1_024;

/// Bytes of a file's part. 4 MiB: smaller than most row groups, so that each is a part of its own,
/// and a few milliseconds of work beside which an empty part costs nothing.
const PART_BYTES: u64 = 4 << 20;

/// Parts of a file at most.
const PARTS_MAX: u64 = 1_024;

/// A part of a file, of so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    /// From 0.
    pub(super) number: u32,
    pub(super) of: u32,
}

impl Part {
    /// A whole file.
    pub(super) const WHOLE: Self = Self { number: 0, of: 1 };
}

#[cfg_attr(
    not(any(feature = "parquet", feature = "orc")),
    expect(dead_code, reason = "only column formats have parts")
)]
impl Part {
    pub(super) fn is_last(self) -> bool {
        self.number + 1 == self.of
    }

    /// Where this part of so many bytes ends.
    pub(super) fn end_of(self, bytes: u64) -> u64 {
        (u128::from(bytes) * u128::from(self.number + 1) / u128::from(self.of)) as u64
    }

    /// Whether the middle of `bytes` bytes behind `before` others, of `all`, lies in this part.
    pub(super) fn holds(self, before: u64, bytes: u64, all: u64) -> bool {
        let middle = u128::from(before) + u128::from(bytes / 2);
        let number = middle * u128::from(self.of) / u128::from(all.max(1));
        number.min(u128::from(self.of - 1)) == u128::from(self.number)
    }
}

/// What a task covers: files, by their places among the inputs, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Batch {
    pub(super) files: Range<usize>,
    pub(super) part: Part,
}

/// All batches of a run, in report order.
pub(super) struct Batches {
    batches: Vec<Batch>,
}

impl Batches {
    /// Batches of files of one report each.
    pub(super) fn new(inputs: &[Input]) -> Self {
        let mut batches: Vec<Batch> = Vec::new();
        let mut bytes = 0;
        for (number, input) in inputs.iter().enumerate() {
            let more = bytes + input.bytes.min(BATCH_BYTES_MAX);
            if let Some(last) = batches.last_mut()
                && inputs[last.files.start].report == input.report
                && last.part == Part::WHOLE
                && more <= BATCH_BYTES_MAX
                && last.files.len() < BATCH_FILES_MAX
            {
                last.files.end = number + 1;
                bytes = more;
                continue;
            }
            let parts = match input.format {
                FileFormat::Csv => 1,
                FileFormat::Orc | FileFormat::Parquet => {
                    input.bytes.div_ceil(PART_BYTES).clamp(1, PARTS_MAX) as u32
                }
            };
            let part =
                |part| Batch { files: number..number + 1, part: Part { number: part, of: parts } };
            batches.extend((0..parts).map(part));
            bytes = input.bytes.min(BATCH_BYTES_MAX);
        }
        Self { batches }
    }

    /// Every file by itself, and whole.
    pub(super) fn of_one(inputs: &[Input]) -> Self {
        let batch = |number| Batch { files: number..number + 1, part: Part::WHOLE };
        Self { batches: (0..inputs.len()).map(batch).collect() }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.batches.len()
    }

    pub(super) fn get(&self, batch: usize) -> Batch {
        self.batches[batch].clone()
    }

    /// The first file of a batch.
    pub(super) fn first(&self, batch: usize) -> usize {
        self.batches[batch].files.start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batches(files: &[(u64, usize)]) -> Vec<Range<usize>> {
        let inputs: Vec<Input> = files.iter().map(|file| input(*file, FileFormat::Csv)).collect();
        let batches = Batches::new(&inputs);
        assert_eq!(Batches::of_one(&inputs).len(), inputs.len());
        assert!(batches.batches.iter().all(|batch| batch.part == Part::WHOLE));
        (0..batches.len()).map(|batch| batches.get(batch).files).collect()
    }

    fn input((bytes, report): (u64, usize), format: FileFormat) -> Input {
        Input { path: "".into(), bytes, md5: None, report, format }
    }

    #[test]
    fn large_files_in_a_column_format_are_cut_into_parts() {
        let parquet = |bytes| input((bytes, 0), FileFormat::Parquet);
        let inputs = [parquet(1), parquet(2), parquet(PART_BYTES * 2 + 1), parquet(3)];
        let batches = Batches::new(&inputs).batches;
        let files: Vec<_> = batches.iter().map(|batch| (batch.files.clone(), batch.part)).collect();
        let part = |number| Part { number, of: 3 };
        assert_eq!(
            files,
            [
                (0..2, Part::WHOLE),
                (2..3, part(0)),
                (2..3, part(1)),
                (2..3, part(2)),
                (3..4, Part::WHOLE)
            ]
        );
        assert_eq!(part(0).end_of(100), 33);
        assert_eq!(part(2).end_of(100), 100);
    }

    #[test]
    fn every_group_belongs_to_one_part_and_they_keep_their_order() {
        for sizes in [vec![100], vec![0, 0, 0], vec![10, 1, 50, 7, 0, 90], vec![u64::MAX / 2, 9]] {
            let all: u64 = sizes.iter().sum();
            let mut before = 0;
            let mut last = 0;
            for bytes in sizes {
                let parts = (0..7).filter(|n| Part { number: *n, of: 7 }.holds(before, bytes, all));
                let parts: Vec<u32> = parts.collect();
                assert_eq!(parts.len(), 1);
                assert!(last <= parts[0]);
                last = parts[0];
                before += bytes;
            }
        }
    }

    #[test]
    fn small_files_of_one_report_go_together_up_to_the_bound() {
        let (half, whole) = (BATCH_BYTES_MAX / 2, BATCH_BYTES_MAX);
        assert!(batches(&[]).is_empty());
        assert_eq!(batches(&[(half, 0), (half, 0), (1, 0)]), [0..2, 2..3]);
        assert_eq!(batches(&[(1, 0), (whole, 0), (1, 0), (u64::MAX, 0), (1, 0)]).len(), 5);
        assert_eq!(batches(&[(1, 0), (1, 1), (1, 1), (1, 2)]), [0..1, 1..3, 3..4]);
        let many = vec![(0, 0); BATCH_FILES_MAX + 1];
        assert_eq!(batches(&many), [0..BATCH_FILES_MAX, BATCH_FILES_MAX..BATCH_FILES_MAX + 1]);
    }
}
