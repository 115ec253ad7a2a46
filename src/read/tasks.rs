//! Tasks: which data files a task of the engine covers, or which split of one.
//!
//! A file of the usual size is a task of its own. Small files are taken many at a time: passing a
//! file's few rows and its summary on to another thread costs more than scanning it. Large files in
//! a column format are cut into splits by their length alone; a row group or stripe belongs to the
//! split in which its middle lies, and a split may have none.
//!
//! Where tasks end depends on the report alone, as what is written depends on it a little: a
//! block of rows ends with its task.
//!
//! # Files that take turns
//! A gzip file can be read from its front only. If each were one task, then all output of the files
//! that other threads scan meanwhile would wait until the first one is done, and most of it on
//! disk. So where output may be in any order that depends on the report alone
//! ([`TaskOrder::Turns`]), large gzip files are cut into splits as well, and up to
//! [`TURN_FILES_MAX`] neighbours take turns: the first split of each, then the second of each.
//! Files whose splits are used up make room for the files behind them. What waits for its turn is
//! then some splits' output, whatever the lengths of the files.
//!
//! Never knows what is done with a file.

use std::collections::VecDeque;
use std::ops::Range;

use super::Input;
use crate::report::FileFormat;

/// Bytes of a task's files together at most, unless one file has more. 512 KiB: about a
/// millisecond of one core, and the rows fill a block or two.
const TASK_BYTES_MAX: u64 = 512 << 10;

/// Files in a task at most, however small they are: a stop is noticed after each.
const TASK_FILES_MAX: usize = 1_024;

/// Bytes of a file's split. 4 MiB: smaller than most row groups, so that each is a split of its
/// own, and a few milliseconds of work beside which an empty split costs nothing.
const SPLIT_BYTES: u64 = 4 << 20;

/// Parts of a file at most.
const SPLITS_MAX: u64 = 1_024;

/// Compressed bytes of a gzip file's split. 512 KiB: some 5 ms of one core, beside which taking a
/// scan up again costs nothing (it copies 32 KiB of history), and some MiB of output.
const TURN_BYTES: u64 = 512 << 10;

/// The bits of the places where such splits begin: at a page of 4 KiB, because elsewhere some
/// processors copy from the page cache at a third of the speed (`src/source/read_buffer.rs`). Tests
/// cut at any byte.
const TURN_PLACES: u64 = if cfg!(test) { u64::MAX } else { !4095 };

/// Splits of all gzip files together, about: those of a report of more than 512 GiB are larger.
/// 2^20: the list of tasks then takes some 40 MiB, whatever the report.
const TURNS_MAX: u64 = 1 << 20;

/// Gzip files that take turns. 128: a thread waits only where it comes to a file whose last turn
/// is not over, so as many threads as that find work, and a suspended scan takes some 64 KiB.
const TURN_FILES_MAX: usize = 128;

/// A split of a file: its number, and how many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileSplit {
    /// From 0.
    pub(super) number: u32,
    pub(super) of: u32,
}

impl FileSplit {
    /// A whole file.
    pub(super) const WHOLE: Self = Self { number: 0, of: 1 };

    pub(super) fn is_last(self) -> bool {
        self.number + 1 == self.of
    }

    /// Where this split of this many bytes ends.
    pub(super) fn end_of(self, bytes: u64) -> u64 {
        (u128::from(bytes) * u128::from(self.number + 1) / u128::from(self.of)) as u64
    }

    /// What it covers of a gzip file of this many bytes that takes turns.
    pub(super) fn turn(self, bytes: u64) -> Range<u64> {
        let Range { start, end } = self.bytes(bytes);
        let end = if self.is_last() { end } else { end & TURN_PLACES };
        start & TURN_PLACES..end
    }

    /// What it covers of this many bytes.
    pub(crate) fn bytes(self, bytes: u64) -> Range<u64> {
        let start = u128::from(bytes) * u128::from(self.number) / u128::from(self.of);
        start as u64..self.end_of(bytes)
    }

    /// Whether the middle of `bytes` bytes behind `before` others, of `all`, lies in this split.
    pub(super) fn holds(self, before: u64, bytes: u64, all: u64) -> bool {
        let middle = u128::from(before) + u128::from(bytes / 2);
        let number = middle * u128::from(self.of) / u128::from(all.max(1));
        number.min(u128::from(self.of - 1)) == u128::from(self.number)
    }
}

/// What a task covers: files, by their places among the inputs, or a split of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ScanTask {
    pub(crate) files: Range<usize>,
    pub(crate) split: FileSplit,
}

/// In which order rows are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TaskOrder {
    /// Report order: file after file, from front to back.
    Report,
    /// Large gzip files take turns; all else is in report order.
    Turns,
}

/// All tasks of a run, in the order in which their rows are shown.
pub(crate) struct TaskPlan {
    tasks: Vec<ScanTask>,
}

impl TaskPlan {
    /// Tasks of files of one report each.
    pub(crate) fn new(inputs: &[Input], order: TaskOrder) -> Self {
        let tasks = Self::in_report_order(inputs);
        match order {
            TaskOrder::Report => tasks,
            TaskOrder::Turns => Self { tasks: taking_turns(tasks.tasks, inputs) },
        }
    }

    fn in_report_order(inputs: &[Input]) -> Self {
        let mut tasks: Vec<ScanTask> = Vec::new();
        let mut bytes = 0;
        for (number, input) in inputs.iter().enumerate() {
            let more = bytes + input.bytes.min(TASK_BYTES_MAX);
            if let Some(last) = tasks.last_mut()
                && inputs[last.files.start].report == input.report
                && last.split == FileSplit::WHOLE
                && more <= TASK_BYTES_MAX
                && last.files.len() < TASK_FILES_MAX
            {
                last.files.end = number + 1;
                bytes = more;
                continue;
            }
            let splits = match input.format {
                FileFormat::Csv => 1,
                FileFormat::Orc | FileFormat::Parquet => {
                    input.bytes.div_ceil(SPLIT_BYTES).clamp(1, SPLITS_MAX) as u32
                }
            };
            let split = |split| ScanTask {
                files: number..number + 1,
                split: FileSplit { number: split, of: splits },
            };
            tasks.extend((0..splits).map(split));
            bytes = input.bytes.min(TASK_BYTES_MAX);
        }
        Self { tasks }
    }

    /// Every file by itself, and whole.
    pub(crate) fn one_a_file(inputs: &[Input]) -> Self {
        let task = |number| ScanTask { files: number..number + 1, split: FileSplit::WHOLE };
        Self { tasks: (0..inputs.len()).map(task).collect() }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Whether one worker of these many scans this task and the next at the same time: both are
    /// splits of gzip files that take turns, and there are as many for each other worker before
    /// one of their files has its next turn.
    pub(crate) fn are_for_two(&self, task: usize, threads: usize, inputs: &[Input]) -> bool {
        let end = task.saturating_add(threads.saturating_mul(2));
        let Some(tasks) = self.tasks.get(task..end) else { return false };
        let takes_turns = |task: &ScanTask| {
            task.split != FileSplit::WHOLE && inputs[task.files.start].format == FileFormat::Csv
        };
        let is_alone =
            |task: &ScanTask| tasks.iter().filter(|other| other.files == task.files).count() == 1;
        tasks.iter().take(2).all(|task| takes_turns(task) && is_alone(task))
    }

    pub(crate) fn get(&self, task: usize) -> ScanTask {
        self.tasks[task].clone()
    }

    /// The first file of a task.
    pub(crate) fn first(&self, task: usize) -> usize {
        self.tasks[task].files.start
    }
}

/// How many splits a task's file is cut into, if it takes turns with others.
fn turns(task: &ScanTask, inputs: &[Input], turn_bytes: u64) -> u32 {
    let input = &inputs[task.files.start];
    // Of an object in S3 each split would be a request that is waited for.
    if input.format != FileFormat::Csv || task.files.len() != 1 || input.path.is_remote() {
        return 1;
    }
    u32::try_from(input.bytes.div_ceil(turn_bytes)).unwrap_or(u32::MAX).max(1)
}

/// Cuts the gzip files among `tasks` into splits, and lets neighbours take turns.
fn taking_turns(tasks: Vec<ScanTask>, inputs: &[Input]) -> Vec<ScanTask> {
    if let [_] = tasks.as_slice() {
        return tasks;
    }
    let bytes = inputs.iter().fold(0_u64, |sum, input| sum.saturating_add(input.bytes));
    let turn_bytes = TURN_BYTES.max(bytes / TURNS_MAX);
    let mut ordered = Vec::with_capacity(tasks.len());
    // What takes turns now: the next task of each, and how many follow it.
    let mut active: VecDeque<(ScanTask, u32)> = VecDeque::new();
    let mut tasks = tasks.into_iter();
    loop {
        let room = TURN_FILES_MAX - active.len();
        active.extend(tasks.by_ref().take(room).map(|task| {
            match turns(&task, inputs, turn_bytes) {
                1 => (task, 0),
                of => (ScanTask { split: FileSplit { number: 0, of }, ..task }, of - 1),
            }
        }));
        let Some((task, left)) = active.pop_front() else { return ordered };
        ordered.push(task.clone());
        if left > 0 {
            let split = FileSplit { number: task.split.number + 1, ..task.split };
            active.push_back((ScanTask { split, ..task }, left - 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tasks(files: &[(u64, usize)]) -> Vec<Range<usize>> {
        let inputs: Vec<Input> = files.iter().map(|file| input(*file, FileFormat::Csv)).collect();
        let tasks = TaskPlan::new(&inputs, TaskOrder::Report);
        assert_eq!(TaskPlan::one_a_file(&inputs).len(), inputs.len());
        assert!(tasks.tasks.iter().all(|task| task.split == FileSplit::WHOLE));
        (0..tasks.len()).map(|task| tasks.get(task).files).collect()
    }

    fn input((bytes, report): (u64, usize), format: FileFormat) -> Input {
        Input { path: "".into(), bytes, md5: None, report, format }
    }

    #[test]
    fn large_files_in_a_column_format_are_cut_into_splits() {
        let parquet = |bytes| input((bytes, 0), FileFormat::Parquet);
        let inputs = [parquet(1), parquet(2), parquet(SPLIT_BYTES * 2 + 1), parquet(3)];
        let tasks = TaskPlan::new(&inputs, TaskOrder::Report).tasks;
        let files: Vec<_> = tasks.iter().map(|task| (task.files.clone(), task.split)).collect();
        let split = |number| FileSplit { number, of: 3 };
        assert_eq!(
            files,
            [
                (0..2, FileSplit::WHOLE),
                (2..3, split(0)),
                (2..3, split(1)),
                (2..3, split(2)),
                (3..4, FileSplit::WHOLE)
            ]
        );
        assert_eq!(split(0).end_of(100), 33);
        assert_eq!(split(2).end_of(100), 100);
    }

    #[test]
    fn large_gzip_files_take_turns_and_make_room_for_those_behind_them() {
        let csv = |turns: u64| input((turns * TURN_BYTES, 0), FileFormat::Csv);
        let small = || input((1, 0), FileFormat::Csv);
        let order = |inputs: &[Input]| {
            let tasks = TaskPlan::new(inputs, TaskOrder::Turns).tasks;
            tasks.iter().map(|t| (t.files.start, t.split.number)).collect::<Vec<_>>()
        };
        assert_eq!(order(&[csv(3)]), [(0, 0)], "alone, it is whole");
        assert_eq!(order(&[csv(2), csv(3)]), [(0, 0), (1, 0), (0, 1), (1, 1), (1, 2)]);
        assert_eq!(
            order(&[csv(2), small(), small(), csv(2)]),
            [(0, 0), (1, 0), (3, 0), (0, 1), (3, 1)],
            "small files go together, in their place"
        );
        let many: Vec<Input> = (0..TURN_FILES_MAX + 1).map(|_| csv(2)).collect();
        let found = order(&many);
        assert_eq!(found.len(), 2 * many.len());
        assert_eq!(found[TURN_FILES_MAX], (0, 1));
        assert_eq!(found[TURN_FILES_MAX + 1], (1, 1), "one has come in, behind the others");
        assert_eq!(found[2 * TURN_FILES_MAX], (TURN_FILES_MAX, 0));
    }

    #[test]
    fn splits_are_for_two_where_no_worker_has_to_wait_for_it() {
        let csv = |turns: u64| input((turns * TURN_BYTES, 0), FileFormat::Csv);
        let for_two = |inputs: &[Input], order, threads| {
            let tasks = TaskPlan::new(inputs, order);
            (0..tasks.len())
                .map(|task| tasks.are_for_two(task, threads, inputs))
                .collect::<Vec<_>>()
        };
        let four = [csv(2), csv(2), csv(2), csv(2)];
        let two = [true, true, true, true, true, false, false, false];
        assert_eq!(for_two(&four, TaskOrder::Turns, 2), two);
        assert_eq!(for_two(&four, TaskOrder::Turns, 3), [false; 8], "a third would wait");
        assert_eq!(for_two(&four, TaskOrder::Report, 1), [false; 4]);
        let parquet = (0..2).map(|_| input((SPLIT_BYTES * 2, 0), FileFormat::Parquet));
        assert_eq!(for_two(&parquet.collect::<Vec<_>>(), TaskOrder::Turns, 1), [false; 4]);
    }

    #[test]
    fn the_list_of_tasks_is_bounded_however_large_files_are() {
        let csv = |bytes| input((bytes, 0), FileFormat::Csv);
        let inputs = [csv(1 << 50), csv(1 << 50), csv(u64::MAX / 2)];
        let tasks = TaskPlan::new(&inputs, TaskOrder::Turns).tasks;
        assert!(tasks.len() as u64 <= TURNS_MAX + inputs.len() as u64, "{}", tasks.len());
        assert_eq!(tasks.last().map(|task| task.split.is_last()), Some(true));
    }

    #[test]
    fn every_group_belongs_to_one_split_and_they_keep_their_order() {
        for sizes in [vec![100], vec![0, 0, 0], vec![10, 1, 50, 7, 0, 90], vec![u64::MAX / 2, 9]] {
            let all: u64 = sizes.iter().sum();
            let mut before = 0;
            let mut last = 0;
            for bytes in sizes {
                let splits =
                    (0..7).filter(|n| FileSplit { number: *n, of: 7 }.holds(before, bytes, all));
                let splits: Vec<u32> = splits.collect();
                assert_eq!(splits.len(), 1);
                assert!(last <= splits[0]);
                last = splits[0];
                before += bytes;
            }
        }
    }

    #[test]
    fn small_files_of_one_report_go_together_up_to_the_bound() {
        let (half, whole) = (TASK_BYTES_MAX / 2, TASK_BYTES_MAX);
        assert!(tasks(&[]).is_empty());
        assert_eq!(tasks(&[(half, 0), (half, 0), (1, 0)]), [0..2, 2..3]);
        assert_eq!(tasks(&[(1, 0), (whole, 0), (1, 0), (u64::MAX, 0), (1, 0)]).len(), 5);
        assert_eq!(tasks(&[(1, 0), (1, 1), (1, 1), (1, 2)]), [0..1, 1..3, 3..4]);
        let many = vec![(0, 0); TASK_FILES_MAX + 1];
        assert_eq!(tasks(&many), [0..TASK_FILES_MAX, TASK_FILES_MAX..TASK_FILES_MAX + 1]);
    }
}
