//! Batches: which data files a task of the engine covers.
//!
//! A file of the usual size is a task of its own. Small files are taken many at a time: passing a
//! file's few rows and its summary on to another thread costs more than scanning it.
//!
//! Where batches end depends on the report alone, as what is written depends on it a little: a
//! block of rows ends with its batch.
//!
//! Never knows what is done with a file.

use std::ops::Range;

use super::Input;

/// Bytes of a batch's files together at most, unless one file has more. 512 KiB: about a
/// millisecond of one core, and the rows fill a block or two.
const BATCH_BYTES_MAX: u64 = 512 << 10;

/// Files in a batch at most, however small they are: a stop is noticed after each.
const BATCH_FILES_MAX: usize = 1_024;

/// All batches of a run, in report order.
pub(super) struct Batches {
    /// The first file of each batch, and behind them the number of files.
    bounds: Vec<usize>,
}

impl Batches {
    /// Batches of files of one report each.
    pub(super) fn new(inputs: &[Input]) -> Self {
        let mut bounds = Vec::new();
        let (mut report, mut bytes) = (usize::MAX, 0);
        for (number, input) in inputs.iter().enumerate() {
            let files = number - bounds.last().copied().unwrap_or(0);
            let more: u64 = bytes + input.bytes.min(BATCH_BYTES_MAX);
            if input.report != report || more > BATCH_BYTES_MAX || files == BATCH_FILES_MAX {
                bounds.push(number);
                (report, bytes) = (input.report, 0);
            }
            bytes += input.bytes.min(BATCH_BYTES_MAX);
        }
        bounds.push(inputs.len());
        Self { bounds }
    }

    /// Every file by itself.
    pub(super) fn of_one(inputs: &[Input]) -> Self {
        Self { bounds: (0..=inputs.len()).collect() }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.bounds.len() - 1
    }

    /// The files of a batch, by their places among the inputs.
    pub(super) fn files(&self, batch: usize) -> Range<usize> {
        self.bounds[batch]..self.bounds[batch + 1]
    }

    /// The first file of a batch.
    pub(super) fn first(&self, batch: usize) -> usize {
        self.bounds[batch]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batches(files: &[(u64, usize)]) -> Vec<Range<usize>> {
        let input = |&(bytes, report)| Input { path: "".into(), bytes, md5: None, report };
        let inputs: Vec<Input> = files.iter().map(input).collect();
        let batches = Batches::new(&inputs);
        assert_eq!(Batches::of_one(&inputs).len(), inputs.len());
        (0..batches.len()).map(|batch| batches.files(batch)).collect()
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
