//! Rows: any columns of the rows that match, one after another, in report order.
//!
//! Data files are read on all threads; the caller sees rows on its own thread only. Never knows
//! what becomes of a row.

use std::env;
use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;

use super::run::{OutputBuffering, RowQuery, Scan, run};
use super::unreadable::{OnUnreadable, UnreadableNotes, add_unreadable, unsettled_values};
use super::{CompiledQuery, Query, UnreadableColumn, column, packed};
use crate::diagnostic::{Diagnostic, ErrorClass, chain};
use crate::engine::{
    BLOCK_BYTES, Background, Emitter, OutputBlock, OutputLane, Sink, Stopped, TaskError,
};
use crate::predicate::Matcher;
use crate::read::{
    DataError, Input, ReadColumns, ReportSet, RowVisitor, RunControl, ScanError, ScanOptions,
    Scanned, TaskOrder, TaskPlan, VisitResult, stopped,
};
use crate::report::Report;
use crate::source::{Location, create_private_folder};
use crate::values::Row;

/// Bytes of rows that wait in memory for their turn, unless told otherwise. 64 MiB: rows of some
/// files that were read early; what waits beyond that goes to a folder for temporary files.
const MEMORY_BYTES: usize = 64 << 20;

/// Names of folders that are tried. A hundred: more of one process at a time are not runs, but
/// folders that killed runs of other processes with this number left behind.
const SPILL_NAMES_MAX: u64 = 100;

/// All rows are of one stream: they are shown in report order.
const LANE: OutputLane = OutputLane(0);

/// Which rows to show, and what of them.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RowsOptions {
    /// Which rows.
    pub query: Query,
    /// Names of the columns to show, in this order. Empty: all columns of the first report.
    pub columns: Vec<String>,
    /// What `now()` means in the query.
    pub now: Timestamp,
    /// Whether bad data files are skipped instead of ending the run. The rows of a file are then
    /// shown only after all of it was read.
    pub keep_going: bool,
    /// Bytes of rows that wait in memory for their turn.
    pub memory_bytes: usize,
    /// The folder in which rows wait beyond that; `None`: the system's for temporary files.
    pub spill: Option<PathBuf>,
    /// How data files are read.
    pub scan: ScanOptions,
}

impl RowsOptions {
    /// All columns of the rows that this query selects.
    #[must_use]
    pub fn new(query: Query) -> Self {
        Self {
            query,
            columns: Vec::new(),
            now: Timestamp::now(),
            keep_going: false,
            memory_bytes: MEMORY_BYTES,
            spill: None,
            scan: ScanOptions::default(),
        }
    }

    /// Shows these columns, in this order.
    #[must_use]
    pub fn columns<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.columns = names.into_iter().map(Into::into).collect();
        self
    }

    /// Sets what `now()` means in the query.
    #[must_use]
    pub fn now(mut self, now: Timestamp) -> Self {
        self.now = now;
        self
    }

    /// Sets whether bad data files are skipped instead of ending the run.
    #[must_use]
    pub fn keep_going(mut self, keep_going: bool) -> Self {
        self.keep_going = keep_going;
        self
    }

    /// Sets how data files are read.
    #[must_use]
    pub fn scan(mut self, scan: ScanOptions) -> Self {
        self.scan = scan;
        self
    }
}

impl Default for RowsOptions {
    /// All columns of all rows.
    fn default() -> Self {
        Self::new(Query::All)
    }
}

/// A row that matches: the values of the columns asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MatchedRow<'a> {
    packed: &'a [u8],
}

impl<'a> MatchedRow<'a> {
    /// The values in the order of the columns asked for, as the report has them: without CSV
    /// quotes, keys still percent-encoded where the report encodes ([`crate::values::decode_key`]).
    /// Empty means NULL.
    pub fn values(self) -> impl Iterator<Item = &'a [u8]> {
        packed::values(self.packed)
    }

    /// The value of the column at this place of those asked for.
    #[must_use]
    pub fn value(self, place: usize) -> Option<&'a [u8]> {
        self.values().nth(place)
    }
}

/// What a run over matching rows came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RowsOutcome {
    /// What was read.
    pub scanned: Scanned,
    /// Rows that were shown.
    pub rows: u64,
    /// Files skipped because they are bad.
    pub files_skipped: Vec<(Location, String)>,
    /// Values that can't be read, of columns that were looked at.
    pub unreadable: Vec<UnreadableColumn>,
    /// What a user should know about the query.
    pub warnings: Vec<String>,
}

/// Shows the matching rows of reports to `visit`, in report order, until it breaks off. The data
/// file at hand is then still read to its end.
///
/// # Errors
/// When the query or a column doesn't fit a report, a file is bad (unless it may be skipped; the
/// rows before its damage may have been shown), rows can't be kept on disk, or the run is
/// interrupted.
pub(crate) fn rows(
    reports: &ReportSet,
    options: &RowsOptions,
    control: RunControl<'_>,
    visit: impl FnMut(MatchedRow<'_>) -> ControlFlow<()>,
) -> Result<RowsOutcome, ScanError> {
    let mut outcome = RowsOutcome::default();
    let (mut selections, mut limit, mut hints) = (Vec::new(), None, Vec::new());
    let names = names(reports, options);
    for report in &reports.reports {
        let compiled = options.query.compile_for(report, options.now)?;
        selections.push(selection(report, &compiled, &names)?);
        limit = compiled.limit;
        hints.extend(compiled.hints());
        outcome.warnings.extend(compiled.warnings);
    }
    outcome.warnings.dedup();
    let inputs = reports.inputs.as_slice();
    let on_unreadable = OnUnreadable::new(options.keep_going);
    let tasks = if options.keep_going {
        TaskPlan::one_a_file(inputs)
    } else {
        TaskPlan::new(inputs, TaskOrder::Report)
    };
    let make_query = || RowsQuery { selections: selections.clone(), on_unreadable };
    let spill = SpillPlace::create(&options.spill.clone().unwrap_or_else(env::temp_dir))?;
    let buffering = OutputBuffering {
        memory_bytes: options.memory_bytes,
        spill: spill.path.join("rows"),
        hold_until_verified: options.keep_going,
    };
    let left = limit.unwrap_or(u64::MAX);
    let mut sink = RowsSink { visit, outcome, left, keep_going: options.keep_going };
    let scan = Scan { inputs, tasks: &tasks, options: options.scan, control };
    if left > 0 {
        run(scan, &buffering, make_query, &mut sink)?;
    }
    let mut outcome = sink.outcome;
    if outcome.rows == 0 && left > 0 {
        hints.retain(|hint| !outcome.warnings.contains(hint));
        hints.dedup();
        outcome.warnings.extend(hints);
    }
    Ok(outcome)
}

fn names(reports: &ReportSet, options: &RowsOptions) -> Vec<String> {
    if !options.columns.is_empty() {
        return options.columns.clone();
    }
    let first = reports.reports.first().map(|report| report.schema.columns());
    first.unwrap_or_default().iter().map(|column| column.name.clone()).collect()
}

fn selection(
    report: &Report,
    compiled: &CompiledQuery,
    names: &[String],
) -> Result<RowsSelection, ScanError> {
    let shown: Vec<usize> =
        names.iter().map(|name| column(report, name)).collect::<Result<_, _>>()?;
    let matcher = compiled.predicate.compile();
    let columns = ReadColumns::new(&report.schema, &matcher, shown.iter().copied());
    Ok(RowsSelection { columns, matcher, shown })
}

/// A folder of this run for what waits on disk; it goes with the run.
struct SpillPlace {
    path: PathBuf,
}

impl SpillPlace {
    fn create(folder: &Path) -> Result<Self, ScanError> {
        static NAMES: AtomicU64 = AtomicU64::new(0);
        for _ in 0..SPILL_NAMES_MAX {
            let name = NAMES.fetch_add(1, Ordering::Relaxed);
            let path = folder.join(format!("s3sieve-rows-{}-{name}", process::id()));
            match create_private_folder(&path) {
                Ok(()) => return Ok(Self { path }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(ScanError::Spill(at(&path, &error))),
            }
        }
        let text = format!("{}: folders of killed runs fill it; remove them", folder.display());
        Err(ScanError::Spill(io::Error::other(text)))
    }
}

impl Drop for SpillPlace {
    fn drop(&mut self) {
        // What waited in it was removed; an empty folder that stays is only untidy.
        let _ = fs::remove_dir(&self.path);
    }
}

fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// What is shown of the rows of one report.
#[derive(Debug, Clone)]
struct RowsSelection {
    columns: ReadColumns,
    matcher: Matcher,
    /// The columns to show, by their place in the report.
    shown: Vec<usize>,
}

/// What a task came to.
#[derive(Debug, Default)]
struct RowsSummary {
    scanned: Scanned,
    unreadable: Vec<UnreadableColumn>,
}

/// Shows rows to the caller.
struct RowsSink<V> {
    visit: V,
    outcome: RowsOutcome,
    /// Rows that may still be shown; 0 after the caller broke off.
    left: u64,
    keep_going: bool,
}

impl<V: FnMut(MatchedRow<'_>) -> ControlFlow<()>> Sink<RowsSummary, DataError> for RowsSink<V> {
    type Error = ScanError;

    fn block(
        &mut self,
        _: usize,
        block: &mut OutputBlock,
        _: &Background<'_>,
    ) -> Result<(), ScanError> {
        for packed in packed::values(&block.bytes) {
            if self.left == 0 {
                break;
            }
            self.outcome.rows += 1;
            self.left = match (self.visit)(MatchedRow { packed }) {
                ControlFlow::Continue(()) => self.left - 1,
                ControlFlow::Break(()) => 0,
            };
        }
        Ok(())
    }

    fn done(&mut self, _: usize, summary: RowsSummary) -> Result<ControlFlow<()>, ScanError> {
        self.outcome.scanned.add(&summary.scanned);
        add_unreadable(&mut self.outcome.unreadable, summary.unreadable);
        Ok(if self.left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    }

    fn failed(&mut self, _: usize, error: DataError) -> Result<(), ScanError> {
        if !self.keep_going || error.class() == ErrorClass::Usage {
            return Err(error.into());
        }
        self.outcome.files_skipped.push((error.path, chain(&error.kind)));
        Ok(())
    }
}

struct RowsQuery {
    /// For each report. This worker's own: a matcher has scratch space.
    selections: Vec<RowsSelection>,
    on_unreadable: OnUnreadable,
}

impl RowQuery for RowsQuery {
    type Summary = RowsSummary;
    type Visitor<'v> = RowsVisitor<'v>;

    fn columns(&self) -> Vec<ReadColumns> {
        self.selections.iter().map(|selection| selection.columns.clone()).collect()
    }

    fn visitor<'v>(
        &'v mut self,
        report: usize,
        emitter: &'v Emitter<'v, RowsSummary, DataError>,
    ) -> RowsVisitor<'v> {
        let RowsSelection { columns, matcher, shown } = &mut self.selections[report];
        let unreadable = UnreadableNotes::new(self.on_unreadable, &columns.schema);
        let (row, block) = (Vec::new(), OutputBlock { lane: LANE, rows: 0, bytes: Vec::new() });
        RowsVisitor { matcher, shown, row, block, emitter, unreadable }
    }

    fn finish(
        mut visitor: RowsVisitor<'_>,
        scanned: Scanned,
        inputs: &[Input],
    ) -> Result<RowsSummary, TaskError<DataError>> {
        visitor.emit().map_err(|_| TaskError::Stopped)?;
        let (unreadable, _) = visitor.unreadable.finish(inputs);
        Ok(RowsSummary { scanned, unreadable })
    }
}

/// Looks at the rows of one task.
struct RowsVisitor<'a> {
    matcher: &'a mut Matcher,
    shown: &'a [usize],
    /// Space to pack a row in.
    row: Vec<u8>,
    /// Rows that were not handed over yet, each packed.
    block: OutputBlock,
    emitter: &'a Emitter<'a, RowsSummary, DataError>,
    unreadable: UnreadableNotes,
}

impl RowsVisitor<'_> {
    fn emit(&mut self) -> Result<(), Stopped> {
        if self.block.rows == 0 {
            return Ok(());
        }
        let empty = OutputBlock { lane: LANE, rows: 0, bytes: self.emitter.buffer() };
        self.emitter.emit(std::mem::replace(&mut self.block, empty))
    }
}

impl RowVisitor for RowsVisitor<'_> {
    fn begin(&mut self, file: usize) {
        self.unreadable.begin(file);
    }

    fn row<R: Row>(&mut self, row: &R) -> VisitResult {
        let matches = self.matcher.matches(row);
        if self.matcher.met_unreadable() {
            let values = unsettled_values(self.matcher, row);
            return self.unsettled(row, &values, matches);
        }
        if matches { self.matched(row) } else { Ok(ControlFlow::Continue(())) }
    }

    fn matched<R: Row>(&mut self, row: &R) -> VisitResult {
        self.row.clear();
        for column in self.shown {
            packed::push(row.field(*column), &mut self.row);
        }
        packed::push(&self.row, &mut self.block.bytes);
        self.block.rows += 1;
        if self.block.bytes.len() >= BLOCK_BYTES {
            self.emit().map_err(stopped)?;
        }
        if self.unreadable.is_silent() {
            Ok(ControlFlow::Continue(()))
        } else {
            Ok(self.unreadable.end_row())
        }
    }

    #[cold]
    fn unsettled<R: Row>(
        &mut self,
        row: &R,
        values: &[(usize, Vec<u8>)],
        matches: bool,
    ) -> VisitResult {
        for (column, value) in values {
            self.unreadable.decides(*column, value)?;
        }
        if matches { self.matched(row) } else { Ok(self.unreadable.end_row()) }
    }

    fn at_record(&mut self, record: u64) {
        self.unreadable.at_record(record);
    }
}
