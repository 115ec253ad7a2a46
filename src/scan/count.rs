//! Counting: how many rows match, and how they are spread over the values of some columns.
//!
//! Never writes a row anywhere.

use std::collections::HashMap;
use std::ops::ControlFlow;

use jiff::Timestamp;

use super::batch::Batches;
use super::csv::{behind, stopped};
use super::scanner::{Scanner, Shared, Visitor};
use super::tally::tally;
use super::unreadable::{OnUnreadable, UnreadableNotes, add_unreadable, unsettled_values};
use super::wanted::Wanted;
use super::{
    Compiled, Control, DataError, DataErrorKind, Input, Opened, Query, ScanError, Scanned,
    Settings, UnreadableColumn, column, packed, size,
};
use crate::engine::{self, Outlet, Sink, TaskError, Worker};
use crate::predicate::{Matcher, Row, is_readable};
use crate::report::{Report, Schema};
use crate::source::Location;

/// Different combinations of values at most. 100,000: a table nobody reads to its end, yet small
/// enough (about 20 MiB) for the memory bound of a run.
pub const GROUPS_MAX: usize = 100_000;

/// What to count in the rows of one report.
#[derive(Debug, Clone)]
struct CountSelection {
    /// What is looked at of a row.
    wanted: Wanted,
    /// Which rows count.
    matcher: Matcher,
    /// The columns to group by.
    by: Vec<usize>,
    /// The Size column, to be summed up.
    size: Option<usize>,
}

/// What to count.
#[derive(Debug, Clone)]
pub struct CountOptions {
    /// Which rows.
    pub query: Query,
    /// Names of the columns to group by.
    pub by: Vec<String>,
    /// What `now()` means in the query.
    pub now: Timestamp,
    /// Whether bad data files are set aside instead of ending the run.
    pub keep_going: bool,
    /// How data files are read.
    pub settings: Settings,
}

/// Rows with the same values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Group {
    /// How many.
    pub rows: u64,
    /// The sum of their sizes in bytes; an empty size adds nothing.
    pub bytes: u128,
}

impl Group {
    fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.bytes += other.bytes;
    }
}

/// The result of a count.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// What was read.
    pub scanned: Scanned,
    /// The rows that match.
    pub matched: Group,
    /// By the values of the columns asked for, as they stand in the report; empty without such.
    pub groups: HashMap<Vec<Vec<u8>>, Group>,
    /// Files set aside because they are bad.
    pub set_aside: Vec<(Location, String)>,
    /// Values that can't be read, of columns that were looked at.
    pub unreadable: Vec<UnreadableColumn>,
    /// Rows about which such values decided.
    pub undecided: u64,
    /// What a user should know about the query.
    pub warnings: Vec<String>,
}

/// Counts the matching rows of reports.
///
/// # Errors
/// When the query doesn't fit a report, a file is bad (unless it may be set aside), there are too
/// many groups, or the run is interrupted.
pub fn count(
    opened: &Opened,
    options: &CountOptions,
    control: Control<'_>,
) -> Result<Counts, ScanError> {
    let (mut warnings, mut hints) = (Vec::new(), Vec::new());
    let mut selections = Vec::new();
    for report in &opened.reports {
        let compiled = options.query.compile_for(report, options.now)?;
        selections.push(selection(report, &compiled, options)?);
        hints.extend(compiled.hints());
        warnings.extend(compiled.warnings);
    }
    warnings.dedup();
    let inputs = opened.inputs.as_slice();
    let shared = Shared::new(inputs, options.settings);
    let keep_going = options.keep_going;
    let batches = if keep_going { Batches::of_one(inputs) } else { Batches::new(inputs) };
    let batches = &batches;
    let make_worker = || Counter {
        scanner: Scanner::new(options.settings, control, &shared),
        inputs,
        batches,
        selections: selections.clone(),
        on_unreadable: OnUnreadable::new(keep_going),
    };
    let counts = Counts { warnings, ..Counts::default() };
    let mut total = Total { counts, inputs, batches, keep_going };
    tally(batches, options.settings, control, keep_going, make_worker, &mut total)?;
    if total.counts.matched.rows == 0 {
        hints.retain(|hint| !total.counts.warnings.contains(hint));
        hints.dedup();
        total.counts.warnings.extend(hints);
    }
    Ok(total.counts)
}

fn selection(
    report: &Report,
    compiled: &Compiled,
    options: &CountOptions,
) -> Result<CountSelection, ScanError> {
    let by: Vec<usize> =
        options.by.iter().map(|name| column(report, name)).collect::<Result<_, _>>()?;
    let size = report.schema.position("Size");
    let matcher = compiled.predicate.compile();
    let wanted = Wanted::new(&report.schema, &matcher, by.iter().copied().chain(size));
    Ok(CountSelection { wanted, matcher, by, size })
}

/// Adds up what the files hold.
struct Total<'a> {
    counts: Counts,
    inputs: &'a [Input],
    batches: &'a Batches,
    keep_going: bool,
}

impl Sink<Counts, DataError> for Total<'_> {
    type Error = DataError;

    fn block(&mut self, _: usize, _: &engine::Block) -> Result<(), DataError> {
        Ok(())
    }

    fn done(&mut self, task: usize, counts: Counts) -> Result<ControlFlow<()>, DataError> {
        self.counts.scanned.add(&counts.scanned);
        self.counts.matched.add(counts.matched);
        for (values, group) in counts.groups {
            self.counts.groups.entry(values).or_default().add(group);
        }
        add_unreadable(&mut self.counts.unreadable, counts.unreadable);
        self.counts.undecided += counts.undecided;
        if self.counts.groups.len() > GROUPS_MAX {
            let path = self.inputs[self.batches.first(task)].path.clone();
            return Err(DataError { path, kind: DataErrorKind::TooManyGroups });
        }
        Ok(ControlFlow::Continue(()))
    }

    fn failed(&mut self, _: usize, error: DataError) -> Result<(), DataError> {
        if !self.keep_going || error.kind.is_usage() {
            return Err(error);
        }
        self.counts.set_aside.push((error.path, error.kind.to_string()));
        Ok(())
    }
}

/// The worker.
struct Counter<'a> {
    scanner: Scanner<'a>,
    inputs: &'a [Input],
    batches: &'a Batches,
    selections: Vec<CountSelection>,
    on_unreadable: OnUnreadable,
}

impl Worker for Counter<'_> {
    type Summary = Counts;
    type Error = DataError;

    fn run(
        &mut self,
        task: usize,
        outlet: &Outlet<'_, Self>,
    ) -> Result<Counts, TaskError<DataError>> {
        let batch = self.batches.get(task);
        let CountSelection { wanted, matcher, by, size } =
            &mut self.selections[self.inputs[batch.files.start].report];
        let schema = wanted.schema.clone();
        let mut rows = Rows {
            schema: &schema,
            matcher,
            by,
            size: *size,
            outlet,
            matched: Group::default(),
            groups: HashMap::new(),
            key: Vec::new(),
            unreadable: UnreadableNotes::new(self.on_unreadable, &schema),
            failure: None,
        };
        let scanned = self.scanner.scan(self.inputs, batch, wanted, &mut rows)?;
        let groups =
            rows.groups.into_iter().map(|(key, known)| (packed::unpack(&key), known.group));
        let (unreadable, undecided) = rows.unreadable.finish(self.inputs);
        Ok(Counts {
            scanned,
            matched: rows.matched,
            groups: groups.collect(),
            unreadable,
            undecided,
            ..Counts::default()
        })
    }
}

/// Looks at the rows of one batch.
struct Rows<'a, 'b, 'c> {
    schema: &'a Schema,
    matcher: &'a mut Matcher,
    by: &'a [usize],
    size: Option<usize>,
    outlet: &'a Outlet<'b, Counter<'c>>,
    matched: Group,
    /// By the values, packed into one key.
    groups: HashMap<Vec<u8>, KnownGroup>,
    /// Space to make a key in.
    key: Vec<u8>,
    unreadable: UnreadableNotes<'a>,
    failure: Option<TaskError<DataErrorKind>>,
}

/// A group of rows, and whether one of the values that they share can't be read.
struct KnownGroup {
    group: Group,
    is_unreadable: bool,
}

impl Visitor for Rows<'_, '_, '_> {
    fn begin(&mut self, file: usize) {
        self.unreadable.begin(file);
    }

    #[inline]
    fn row<R: Row>(&mut self, row: &R) -> ControlFlow<()> {
        let matches = self.matcher.matches(row);
        if self.matcher.met_unreadable() {
            let values = unsettled_values(self.matcher, row);
            return self.unsettled(row, &values, matches);
        }
        if !matches {
            return ControlFlow::Continue(());
        }
        self.matched(row)
    }

    #[inline]
    fn matched<R: Row>(&mut self, row: &R) -> ControlFlow<()> {
        let bytes = self.size.map_or(0, |size| self.size_of(row, size).into());
        let group = Group { rows: 1, bytes };
        self.matched.add(group);
        if !self.by.is_empty() {
            self.add_to_group(row, group);
        }
        if self.failure.is_some() {
            return ControlFlow::Break(());
        }
        if self.unreadable.is_silent() {
            ControlFlow::Continue(())
        } else {
            self.unreadable.end_row()
        }
    }

    #[cold]
    fn unsettled<R: Row>(
        &mut self,
        row: &R,
        values: &[(usize, Vec<u8>)],
        matches: bool,
    ) -> ControlFlow<()> {
        for (column, value) in values {
            if let Err(failure) = self.unreadable.decides(*column, value) {
                self.failure = Some(failure);
                return ControlFlow::Break(());
            }
        }
        if matches { self.matched(row) } else { self.unreadable.end_row() }
    }

    fn stopped(&mut self, record: u64) -> Result<(), TaskError<DataErrorKind>> {
        self.unreadable.at_record(record);
        self.verdict().map_err(|error| behind(error, record))
    }

    fn verdict(&mut self) -> Result<(), TaskError<DataErrorKind>> {
        match self.failure.take() {
            Some(failure) => Err(failure),
            None => self.outlet.check().map_err(stopped),
        }
    }
}

impl Rows<'_, '_, '_> {
    #[inline]
    fn size_of(&mut self, row: &impl Row, column: usize) -> u64 {
        let value = row.field(column);
        size::bytes(value).unwrap_or_else(|| {
            self.unreadable.counts(column, value);
            0
        })
    }

    fn add_to_group(&mut self, row: &impl Row, group: Group) {
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
            self.failure = Some(TaskError::Failed(DataErrorKind::TooManyGroups));
        }
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
