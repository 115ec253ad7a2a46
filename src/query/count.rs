//! Counting: how many rows match, and how they are spread over the values of some columns. Large
//! gzip files take turns ([`TaskOrder::Turns`]), for two of them are inflated in less time at once.
//!
//! Never writes a row anywhere.

use std::collections::HashMap;
use std::ops::ControlFlow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::run::{OutputBuffering, RowQuery, Scan, run};
use super::unreadable::{OnUnreadable, UnreadableNotes, add_unreadable, unsettled_values};
use super::{CompiledQuery, Query, UnreadableColumn, column, packed, size};
use crate::diagnostic::{Diagnostic, ErrorClass, chain};
use crate::engine::{Background, Emitter, OutputBlock, Sink, TaskError};
use crate::predicate::{Matcher, is_readable};
use crate::read::{
    DataError, DataErrorKind, Input, ReadColumns, ReportSet, RowVisitor, RunControl, ScanError,
    ScanOptions, Scanned, TaskOrder, TaskPlan, VisitResult, failed,
};
use crate::report::{Report, Schema};
use crate::source::Location;
use crate::values::Row;

/// Different combinations of values at most. 100,000: a table too long to be read, yet small
/// enough (about 20 MiB) for the memory bound of a run.
pub(super) const GROUPS_MAX: usize = 100_000;

/// What to count in the rows of one report.
#[derive(Debug, Clone)]
struct CountSelection {
    /// What is read of a row.
    columns: ReadColumns,
    /// Which rows count.
    matcher: Matcher,
    /// The columns to group by.
    by: Vec<usize>,
    /// The Size column, to be summed up.
    size: Option<usize>,
}

/// What to count.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CountOptions {
    /// Which rows.
    pub query: Query,
    /// Names of the columns to group by.
    pub by: Vec<String>,
    /// What `now()` means in the query.
    pub now: Timestamp,
    /// Whether bad data files are skipped instead of ending the run.
    pub keep_going: bool,
    /// How data files are read.
    pub scan: ScanOptions,
}

impl CountOptions {
    /// Counts the rows that a query selects.
    #[must_use]
    pub fn new(query: Query) -> Self {
        let (by, now, scan) = (Vec::new(), Timestamp::now(), ScanOptions::default());
        Self { query, by, now, keep_going: false, scan }
    }

    /// Counts by the values of these columns.
    #[must_use]
    pub fn by<S: Into<String>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.by = columns.into_iter().map(Into::into).collect();
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

impl Default for CountOptions {
    /// All rows.
    fn default() -> Self {
        Self::new(Query::All)
    }
}

/// Rows with the same values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CountGroup {
    /// How many.
    pub rows: u64,
    /// The sum of their sizes in bytes; an empty size adds nothing.
    pub bytes: u128,
}

impl CountGroup {
    fn add(&mut self, other: Self) {
        self.rows = self.rows.saturating_add(other.rows);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }
}

/// The result of a count.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Counts {
    /// What was read.
    pub scanned: Scanned,
    /// The rows that match.
    pub matched: CountGroup,
    /// By the values of the columns asked for, as they stand in the report; empty without such.
    pub groups: HashMap<Vec<Vec<u8>>, CountGroup>,
    /// Files skipped because they are bad.
    pub files_skipped: Vec<(Location, String)>,
    /// Values that can't be read, of columns that were looked at.
    pub unreadable: Vec<UnreadableColumn>,
    /// Rows about which such values decided.
    pub undecided: u64,
    /// What a user should know about the query.
    pub warnings: Vec<String>,
}

impl Counts {
    /// Adds those of later files; `false` where there are too many groups then.
    #[must_use]
    pub(crate) fn add(&mut self, later: Self) -> bool {
        self.scanned.add(&later.scanned);
        self.matched.add(later.matched);
        for (values, group) in later.groups {
            self.groups.entry(values).or_default().add(group);
        }
        self.files_skipped.extend(later.files_skipped);
        add_unreadable(&mut self.unreadable, later.unreadable);
        self.undecided = self.undecided.saturating_add(later.undecided);
        self.groups.len() <= GROUPS_MAX
    }

    /// Adds what there is to know about the query, when all files are counted.
    pub(crate) fn conclude(&mut self, notes: CountNotes) {
        self.warnings = notes.warnings;
        if self.matched.rows == 0 {
            self.warnings.extend(notes.hints);
        }
    }

    /// Why groups are refused.
    pub(crate) fn too_many_groups(path: Location) -> ScanError {
        DataError { path, kind: TOO_MANY_GROUPS }.into()
    }
}

/// Counts the matching rows of reports.
///
/// # Errors
/// When the query doesn't fit a report, a file is bad (unless it may be skipped), there are too
/// many groups, or the run is interrupted.
pub(crate) fn count(
    opened: &ReportSet,
    options: &CountOptions,
    control: RunControl<'_>,
) -> Result<Counts, ScanError> {
    let (mut counts, notes) = count_files(opened, options, control)?;
    counts.conclude(notes);
    Ok(counts)
}

/// What a user should know about a query before a row is read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct CountNotes {
    /// The query as it was understood.
    understood: String,
    warnings: Vec<String>,
    /// What to tell where no row matches.
    hints: Vec<String>,
}

impl CountNotes {
    /// Those of a query of these reports.
    ///
    /// # Errors
    /// When the query doesn't fit a report.
    pub(crate) fn new(opened: &ReportSet, options: &CountOptions) -> Result<Self, ScanError> {
        let mut notes = Self::default();
        for report in &opened.reports {
            let compiled = options.query.compile_for(report, options.now)?;
            if notes.understood.is_empty() {
                notes.understood = compiled.predicate.to_string();
            }
            notes.hints.extend(compiled.hints());
            notes.warnings.extend(compiled.warnings);
        }
        notes.warnings.dedup();
        notes.hints.retain(|hint| !notes.warnings.contains(hint));
        notes.hints.dedup();
        Ok(notes)
    }
}

/// Counts the matching rows of some files, perhaps not of all; what there is to know about the
/// query stands by itself.
///
/// # Errors
/// As [`count`].
pub(crate) fn count_files(
    opened: &ReportSet,
    options: &CountOptions,
    control: RunControl<'_>,
) -> Result<(Counts, CountNotes), ScanError> {
    let notes = CountNotes::new(opened, options)?;
    let mut selections = Vec::new();
    for report in &opened.reports {
        let compiled = options.query.compile_for(report, options.now)?;
        selections.push(selection(report, &compiled, options)?);
    }
    let inputs = opened.inputs.as_slice();
    let keep_going = options.keep_going;
    let tasks = if keep_going {
        TaskPlan::one_a_file(inputs)
    } else {
        TaskPlan::new(inputs, TaskOrder::Turns)
    };
    let tasks = &tasks;
    let make_query = || CountQuery {
        selections: selections.clone(),
        on_unreadable: OnUnreadable::new(keep_going),
    };
    let counts = Counts::default();
    let mut total = CountSink { counts, inputs, tasks, keep_going };
    let scan = Scan { inputs, tasks, options: options.scan, control };
    let buffering =
        OutputBuffering { hold_until_verified: keep_going, ..OutputBuffering::default() };
    run(scan, &buffering, make_query, &mut total)?;
    Ok((total.counts, notes))
}

fn selection(
    report: &Report,
    compiled: &CompiledQuery,
    options: &CountOptions,
) -> Result<CountSelection, ScanError> {
    let by: Vec<usize> =
        options.by.iter().map(|name| column(report, name)).collect::<Result<_, _>>()?;
    let size = report.schema.position("Size");
    let matcher = compiled.predicate.compile();
    let columns = ReadColumns::new(&report.schema, &matcher, by.iter().copied().chain(size));
    Ok(CountSelection { columns, matcher, by, size })
}

/// Adds up what the files hold.
struct CountSink<'a> {
    counts: Counts,
    inputs: &'a [Input],
    tasks: &'a TaskPlan,
    keep_going: bool,
}

impl Sink<Counts, DataError> for CountSink<'_> {
    type Error = ScanError;

    fn block(
        &mut self,
        _: usize,
        _: &mut OutputBlock,
        _: &Background<'_>,
    ) -> Result<(), ScanError> {
        Ok(())
    }

    fn done(&mut self, task: usize, counts: Counts) -> Result<ControlFlow<()>, ScanError> {
        if !self.counts.add(counts) {
            let path = self.inputs[self.tasks.first(task)].path.clone();
            return Err(Counts::too_many_groups(path));
        }
        Ok(ControlFlow::Continue(()))
    }

    fn failed(&mut self, _: usize, error: DataError) -> Result<(), ScanError> {
        if !self.keep_going || error.class() == ErrorClass::Usage {
            return Err(error.into());
        }
        self.counts.files_skipped.push((error.path, chain(&error.kind)));
        Ok(())
    }
}

const TOO_MANY_GROUPS: DataErrorKind = DataErrorKind::TooManyGroups { groups_max: GROUPS_MAX };

struct CountQuery {
    /// For each report. This worker's own: a matcher has scratch space.
    selections: Vec<CountSelection>,
    on_unreadable: OnUnreadable,
}

impl RowQuery for CountQuery {
    type Summary = Counts;
    type Visitor<'v> = CountVisitor<'v>;

    fn columns(&self) -> Vec<ReadColumns> {
        self.selections.iter().map(|selection| selection.columns.clone()).collect()
    }

    fn visitor<'v>(
        &'v mut self,
        report: usize,
        _: &'v Emitter<'v, Counts, DataError>,
    ) -> CountVisitor<'v> {
        let CountSelection { columns, matcher, by, size } = &mut self.selections[report];
        CountVisitor {
            schema: &columns.schema,
            matcher,
            by,
            size: *size,
            matched: CountGroup::default(),
            groups: HashMap::new(),
            key: Vec::new(),
            unreadable: UnreadableNotes::new(self.on_unreadable, &columns.schema),
        }
    }

    fn finish(
        visitor: CountVisitor<'_>,
        scanned: Scanned,
        inputs: &[Input],
    ) -> Result<Counts, TaskError<DataError>> {
        let groups =
            visitor.groups.into_iter().map(|(key, known)| (packed::unpack(&key), known.group));
        let (unreadable, undecided) = visitor.unreadable.finish(inputs);
        Ok(Counts {
            scanned,
            matched: visitor.matched,
            groups: groups.collect(),
            unreadable,
            undecided,
            ..Counts::default()
        })
    }
}

/// Looks at the rows of one task.
struct CountVisitor<'a> {
    schema: &'a Schema,
    matcher: &'a mut Matcher,
    by: &'a [usize],
    size: Option<usize>,
    matched: CountGroup,
    /// By the values, packed into one key.
    groups: HashMap<Vec<u8>, KnownGroup>,
    /// Space to make a key in.
    key: Vec<u8>,
    unreadable: UnreadableNotes,
}

/// A group of rows, and whether one of the values that they share can't be read.
struct KnownGroup {
    group: CountGroup,
    is_unreadable: bool,
}

impl RowVisitor for CountVisitor<'_> {
    fn begin(&mut self, file: usize) {
        self.unreadable.begin(file);
    }

    #[inline]
    fn row<R: Row>(&mut self, row: &R) -> VisitResult {
        let matches = self.matcher.matches(row);
        if self.matcher.met_unreadable() {
            let values = unsettled_values(self.matcher, row);
            return self.unsettled(row, &values, matches);
        }
        if !matches {
            return Ok(ControlFlow::Continue(()));
        }
        self.matched(row)
    }

    #[inline]
    fn matched<R: Row>(&mut self, row: &R) -> VisitResult {
        let bytes = self.size.map_or(0, |size| self.size_of(row, size).into());
        let group = CountGroup { rows: 1, bytes };
        self.matched.add(group);
        if !self.by.is_empty() {
            self.add_to_group(row, group)?;
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

impl CountVisitor<'_> {
    #[inline]
    fn size_of(&mut self, row: &impl Row, column: usize) -> u64 {
        let value = row.field(column);
        size::bytes(value).unwrap_or_else(|| {
            self.unreadable.counts(column, value);
            0
        })
    }

    fn add_to_group(
        &mut self,
        row: &impl Row,
        group: CountGroup,
    ) -> Result<(), TaskError<DataErrorKind>> {
        self.key.clear();
        for column in self.by {
            packed::push(row.field(*column), &mut self.key);
        }
        if let Some(known) = self.groups.get_mut(&self.key) {
            known.group.add(group);
            if known.is_unreadable {
                self.note_group(row);
            }
        } else if self.groups.len() < GROUPS_MAX {
            let is_unreadable = self.note_group(row);
            self.groups.insert(self.key.clone(), KnownGroup { group, is_unreadable });
        } else {
            return Err(failed(TOO_MANY_GROUPS));
        }
        Ok(())
    }

    /// Notes the values of a group that can't be read; tells whether there are any.
    #[cold]
    fn note_group(&mut self, row: &impl Row) -> bool {
        let mut is_unreadable = false;
        for column in self.by {
            let value = row.field(*column);
            if !is_readable(self.schema.columns()[*column].kind, value) {
                self.unreadable.counts(*column, value);
                is_unreadable = true;
            }
        }
        is_unreadable
    }
}
