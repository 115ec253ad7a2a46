//! One worker for every query: it scans tasks, and shows the rows of each to a visitor.
//!
//! Never knows what is asked.

use std::ops::ControlFlow;
use std::path::PathBuf;

use crate::diagnostic::{Diagnostic, ErrorClass};
use crate::engine::{
    self, Background, Emitter, OutputBlock, RunError, Sink, TaskError, TaskOutcome, Worker,
};
use crate::read::{
    DataError, Input, ReadColumns, RowVisitor, RunControl, RunState, ScanError, ScanOptions,
    Scanned, Scanner, SplitScan, TaskPlan,
};

/// What is asked of rows; one for each worker, used again from task to task.
pub(super) trait RowQuery {
    /// What is known of the rows of a task.
    type Summary: Send;
    /// What looks at them.
    type Visitor<'v>: RowVisitor
    where
        Self: 'v;

    /// What is read of the rows of each report, in the order of the reports.
    fn columns(&self) -> Vec<ReadColumns>;

    /// Begins a task of rows of this report.
    fn visitor<'v>(
        &'v mut self,
        report: usize,
        emitter: &'v Emitter<'v, Self::Summary, DataError>,
    ) -> Self::Visitor<'v>;

    /// Ends a task: all its rows were seen.
    ///
    /// # Errors
    /// [`TaskError::Stopped`] when the run is over.
    fn finish(
        visitor: Self::Visitor<'_>,
        scanned: Scanned,
        inputs: &[Input],
    ) -> Result<Self::Summary, TaskError<DataError>>;
}

/// The data files to read, and how they are read.
#[derive(Clone, Copy)]
pub(super) struct Scan<'a> {
    pub(super) inputs: &'a [Input],
    pub(super) tasks: &'a TaskPlan,
    pub(super) options: ScanOptions,
    pub(super) control: RunControl<'a>,
}

/// How output is buffered until it is its turn.
#[derive(Debug, Clone, Default)]
pub(crate) struct OutputBuffering {
    /// Bytes of output that are buffered in memory at most.
    pub memory_bytes: usize,
    /// The folder for what waits beyond that.
    pub spill: PathBuf,
    /// Whether a file's rows wait until the file is known to be good.
    pub hold_until_verified: bool,
}

/// Asks all rows: runs tasks on threads, each of which makes queries for itself, and shows their
/// blocks and summaries to `sink` in the order of tasks.
///
/// # Errors
/// When the sink refuses, the run is interrupted, or output can't be buffered.
pub(super) fn run<Q, K>(
    scan: Scan<'_>,
    buffering: &OutputBuffering,
    make_query: impl Fn() -> Q + Sync,
    sink: &mut K,
) -> Result<(), K::Error>
where
    Q: RowQuery,
    K: Sink<Q::Summary, DataError>,
    K::Error: From<ScanError>,
{
    let Scan { inputs, tasks, options, control } = scan;
    let state = RunState::new(inputs, options);
    let threads = options.threads.get();
    let make_worker = || {
        let (query, second) = (make_query(), make_query());
        let columns = query.columns();
        let scanner = Scanner::new(options, control, &state);
        QueryWorker { scanner, inputs, tasks, threads, columns, query, second }
    };
    run_workers(scan, buffering, make_worker, sink)
}

/// As [`run`], with workers of another kind.
///
/// # Errors
/// As there.
pub(super) fn run_workers<W, K>(
    scan: Scan<'_>,
    buffering: &OutputBuffering,
    make_worker: impl Fn() -> W + Sync,
    sink: &mut K,
) -> Result<(), K::Error>
where
    W: Worker<Error = DataError>,
    K: Sink<W::Summary, DataError>,
    K::Error: From<ScanError>,
{
    let config = engine::Config {
        threads: scan.options.threads,
        memory_bytes: buffering.memory_bytes,
        spill: buffering.spill.clone(),
        hold_until_verified: buffering.hold_until_verified,
        stop: scan.control.stop,
    };
    engine::run(&config, scan.tasks.len(), make_worker, sink).map_err(|error| match error {
        RunError::Interrupted => ScanError::Interrupted.into(),
        RunError::Spill(error) => ScanError::Spill(error).into(),
        RunError::Thread(error) => ScanError::Thread(error).into(),
        RunError::Sink(error) => error,
    })
}

/// The worker.
struct QueryWorker<'a, Q> {
    scanner: Scanner<'a>,
    inputs: &'a [Input],
    tasks: &'a TaskPlan,
    /// How many workers there are.
    threads: usize,
    /// For each report. This worker's own: a matcher has scratch space.
    columns: Vec<ReadColumns>,
    query: Q,
    /// For a second task at the same time.
    second: Q,
}

impl<Q: RowQuery> Worker for QueryWorker<'_, Q> {
    type Summary = Q::Summary;
    type Error = DataError;

    fn run(
        &mut self,
        task: usize,
        emitter: &Emitter<'_, Q::Summary, DataError>,
    ) -> Result<Q::Summary, TaskError<DataError>> {
        let task = &self.tasks.get(task);
        let report = self.inputs[task.files.start].report;
        let mut visitor = self.query.visitor(report, emitter);
        let (columns, check) = (&mut self.columns[report], || emitter.check());
        let scanned = self.scanner.scan(self.inputs, task, columns, &mut visitor, &check)?;
        Q::finish(visitor, scanned, self.inputs)
    }

    fn are_for_two(&self, task: usize) -> bool {
        self.tasks.are_for_two(task, self.threads, self.inputs)
    }

    fn run_two(
        &mut self,
        tasks: [usize; 2],
        emitters: [&Emitter<'_, Q::Summary, DataError>; 2],
    ) -> [TaskOutcome<Q::Summary, DataError>; 2] {
        let tasks = tasks.map(|task| self.tasks.get(task));
        let reports = [&tasks[0], &tasks[1]].map(|task| self.inputs[task.files.start].report);
        let mut one = self.query.visitor(reports[0], emitters[0]);
        let mut two = self.second.visitor(reports[1], emitters[1]);
        let columns = reports.map(|report| self.columns[report].schema.len());
        let checks = (|| emitters[0].check(), || emitters[1].check());
        let [task_one, task_two] = &tasks;
        let scans = [
            SplitScan { task: task_one, columns: columns[0], visitor: &mut one, check: &checks.0 },
            SplitScan { task: task_two, columns: columns[1], visitor: &mut two, check: &checks.1 },
        ];
        let [first, second] = self.scanner.scan_two(self.inputs, scans);
        [
            first.and_then(|scanned| Q::finish(one, scanned, self.inputs)),
            second.and_then(|scanned| Q::finish(two, scanned, self.inputs)),
        ]
    }
}

/// Adds up what was read, for queries without output.
#[derive(Default)]
pub(super) struct ScannedSink {
    pub(super) scanned: Scanned,
    /// Whether bad files are left out; else the first one ends the run.
    pub(super) keep_going: bool,
}

impl Sink<Scanned, DataError> for ScannedSink {
    type Error = ScanError;

    fn block(
        &mut self,
        _: usize,
        _: &mut OutputBlock,
        _: &Background<'_>,
    ) -> Result<(), ScanError> {
        Ok(())
    }

    fn done(&mut self, _: usize, scanned: Scanned) -> Result<ControlFlow<()>, ScanError> {
        self.scanned.add(&scanned);
        Ok(ControlFlow::Continue(()))
    }

    fn failed(&mut self, _: usize, error: DataError) -> Result<(), ScanError> {
        if self.keep_going && error.class() != ErrorClass::Usage {
            Ok(())
        } else {
            Err(error.into())
        }
    }
}
