//! Filtering: matching rows as manifest lines, by lane. Large gzip files take turns
//! ([`TaskOrder::Turns`]), so that output need not wait for the end of a file; where a scan may end
//! after any file, or files are shown once they are known to be good, they follow each other.
//!
//! Never knows what becomes of a lane.

use std::collections::HashMap;
use std::ops::ControlFlow;

use super::equal::same;
use super::run::{OutputBuffering, RowQuery, Scan, run};
use super::unreadable::{OnUnreadable, UnreadableNotes, add_unreadable, unsettled_values};
use super::{LANES_MAX, LaneKey, Lanes, Selection, SizeTotals, UnreadableColumn, packed};
use crate::engine::{
    BLOCK_BYTES, Background, Emitter, OutputBlock, OutputLane, Sink, Stopped, TaskError,
};
use crate::predicate::flag;
use crate::read::{
    DataError, DataErrorKind, Input, NameFault, ReadColumns, RowVisitor, RunControl, ScanError,
    ScanOptions, Scanned, TaskOrder, TaskPlan, VisitResult, check_bucket, check_key, failed,
    is_usual_key, stopped,
};
use crate::values::Row;

/// Output that a worker may hold in all its lanes together. 2 MiB: eight full blocks; with more
/// lanes than that, blocks get smaller instead.
const WORKER_OUTPUT_BYTES: usize = 2 << 20;

/// The smallest block, however many lanes there are: below this, passing blocks on costs more
/// than filling them.
const BLOCK_BYTES_MIN: usize = 4 << 10;

/// Room beyond [`BLOCK_BYTES`] in a new buffer, so that the row that fills a block rarely makes it
/// grow: twice a bucket name and the longest key, fully encoded (63 + 3 * 1,024 bytes).
const BLOCK_SLACK_BYTES: usize = 8 << 10;

/// What a filter found in one data file, or in several.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct FileSummary {
    /// What was read.
    pub scanned: Scanned,
    /// Rows for which the predicate is true.
    pub matched: u64,
    /// Of those, rows without a version id.
    pub null_versions: u64,
    /// Of those, rows excluded, by the place of the rule in [`Selection::excluding`]; last, those
    /// whose flags can't be read.
    pub excluded: Vec<u64>,
    /// Of the others, rows for which each question of [`Selection::observing`] is true.
    pub observed: Vec<u64>,
    /// Those others by storage class, and their sizes, as [`Selection::sizes`] says.
    pub sizes: SizeTotals,
    /// Values that can't be read, of columns that were looked at.
    pub unreadable: Vec<UnreadableColumn>,
    /// Rows about which such values decided.
    pub undecided: u64,
}

impl FileSummary {
    /// Adds what was found in later files.
    pub(crate) fn add(&mut self, later: Self) {
        self.scanned.add(&later.scanned);
        self.matched += later.matched;
        self.null_versions += later.null_versions;
        self.sizes.add(&later.sizes);
        add_all(&mut self.excluded, &later.excluded);
        add_all(&mut self.observed, &later.observed);
        add_unreadable(&mut self.unreadable, later.unreadable);
        self.undecided += later.undecided;
    }
}

fn add_all(totals: &mut Vec<u64>, counts: &[u64]) {
    totals.resize(totals.len().max(counts.len()), 0);
    for (total, count) in totals.iter_mut().zip(counts) {
        *total += count;
    }
}

/// What takes a filter's output, in the order of tasks.
pub(crate) trait FilterSink {
    /// What can go wrong here; it ends the scan.
    type Error: From<ScanError>;

    /// Takes the next rows, as [`Sink::block`] does.
    ///
    /// # Errors
    /// The sink's own.
    fn block(
        &mut self,
        block: &mut OutputBlock,
        background: &Background<'_>,
    ) -> Result<(), Self::Error>;

    /// Takes what was found in a file, in a split of one, or in several files of one report that
    /// follow each other, after all their rows; `input` is the first. `Break` ends the scan.
    ///
    /// # Errors
    /// The sink's own.
    fn done(&mut self, input: &Input, summary: FileSummary)
    -> Result<ControlFlow<()>, Self::Error>;

    /// Takes the failure of a file. Where rows are held back until their file is known to be good
    /// ([`OutputBuffering::hold_until_verified`]), `Ok` lets the scan go on without it.
    ///
    /// # Errors
    /// The sink's own.
    fn failed(&mut self, input: &Input, error: DataError) -> Result<(), Self::Error>;
}

/// Shows the matching rows of all inputs to `sink`, in order. `selections` has one entry for each
/// report that an input names.
///
/// # Errors
/// When the sink refuses, the run is interrupted, or output can't be buffered.
pub(crate) fn filter<K: FilterSink>(
    request: &FilterRequest<'_>,
    control: RunControl<'_>,
    sink: &mut K,
) -> Result<(), K::Error> {
    let FilterRequest { inputs, selections, options, buffering, one_by_one, lanes } = *request;
    let one_by_one = one_by_one || buffering.hold_until_verified;
    let tasks = if one_by_one {
        TaskPlan::one_a_file(inputs)
    } else {
        TaskPlan::new(inputs, TaskOrder::Turns)
    };
    let tasks = &tasks;
    let is_of_proof = selections.iter().any(|selection| selection.among.is_some());
    let on_unreadable = OnUnreadable::new(buffering.hold_until_verified);
    let on_unreadable = if is_of_proof { on_unreadable.for_verify() } else { on_unreadable };
    let make_query = || FilterQuery {
        selections: selections.to_vec(),
        on_unreadable,
        lanes,
        open: OpenLanes::default(),
    };
    let scan = Scan { inputs, tasks, options, control };
    run(scan, buffering, make_query, &mut InputSink { inputs, tasks, sink })
}

/// What is filtered, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FilterRequest<'a> {
    /// The data files.
    pub inputs: &'a [Input],
    /// Which rows of each report that an input names.
    pub selections: &'a [Selection],
    /// How data files are read.
    pub options: ScanOptions,
    /// How output is buffered.
    pub buffering: &'a OutputBuffering,
    /// Whether [`FilterSink::done`] is told of each file by itself, so that a scan can end after
    /// any of them. So it is where output is held until it is verified, too.
    pub one_by_one: bool,
    /// The streams of output.
    pub lanes: &'a Lanes,
}

/// Names the input where the engine has only the number of its task.
struct InputSink<'a, K> {
    inputs: &'a [Input],
    tasks: &'a TaskPlan,
    sink: &'a mut K,
}

impl<K: FilterSink> Sink<FileSummary, DataError> for InputSink<'_, K> {
    type Error = K::Error;

    fn block(
        &mut self,
        _: usize,
        block: &mut OutputBlock,
        background: &Background<'_>,
    ) -> Result<(), K::Error> {
        self.sink.block(block, background)
    }

    fn done(&mut self, task: usize, summary: FileSummary) -> Result<ControlFlow<()>, K::Error> {
        self.sink.done(&self.inputs[self.tasks.first(task)], summary)
    }

    fn failed(&mut self, task: usize, error: DataError) -> Result<(), K::Error> {
        self.sink.failed(&self.inputs[self.tasks.first(task)], error)
    }
}

struct FilterQuery<'a> {
    /// For each report. This worker's own: a matcher has scratch space.
    selections: Vec<Selection>,
    on_unreadable: OnUnreadable,
    lanes: &'a Lanes,
    open: OpenLanes,
}

impl RowQuery for FilterQuery<'_> {
    type Summary = FileSummary;
    type Visitor<'v>
        = FilterVisitor<'v>
    where
        Self: 'v;

    fn columns(&self) -> Vec<ReadColumns> {
        self.selections.iter().map(Selection::columns).collect()
    }

    fn visitor<'v>(
        &'v mut self,
        report: usize,
        emitter: &'v Emitter<'v, FileSummary, DataError>,
    ) -> FilterVisitor<'v> {
        let selection = &mut self.selections[report];
        let summary = FileSummary {
            excluded: vec![0; selection.reasons + 1],
            observed: vec![0; selection.questions],
            sizes: SizeTotals::new(&selection.sizes),
            ..FileSummary::default()
        };
        // Lanes are opened anew in each task, so that where blocks end depends on the task alone.
        self.open.clear();
        FilterVisitor {
            unreadable: UnreadableNotes::new(self.on_unreadable, &selection.schema),
            selection,
            lanes: self.lanes,
            open: &mut self.open,
            emitter,
            summary,
        }
    }

    fn finish(
        mut visitor: FilterVisitor<'_>,
        scanned: Scanned,
        inputs: &[Input],
    ) -> Result<FileSummary, TaskError<DataError>> {
        visitor.flush().map_err(stopped)?;
        let (unreadable, undecided) = visitor.unreadable.finish(inputs);
        Ok(FileSummary { scanned, unreadable, undecided, ..visitor.summary })
    }
}

/// A lane with rows that were not handed over yet.
struct OpenLane {
    lane: OutputLane,
    rows: u64,
    bytes: Vec<u8>,
}

/// What the rows of a lane for manifests have in common.
struct KnownLane {
    bucket: Vec<u8>,
    /// The values of the columns to split by that the report has.
    split: Vec<Vec<u8>>,
    /// Whether the rows are those of [`Selection::apart`].
    apart: bool,
    /// Of the open lane.
    place: usize,
}

/// The lanes of the task at hand.
#[derive(Default)]
struct OpenLanes {
    lanes: Vec<OpenLane>,
    /// The lanes for manifests.
    known: Vec<KnownLane>,
    /// Places in `known`, by bucket and the values to split by.
    by_key: HashMap<Vec<u8>, usize>,
    /// Space to make such a key in.
    key: Vec<u8>,
    /// Space to write a line in that is looked up.
    line: Vec<u8>,
    /// The place in `known` of the lane used last: mostly the next one, too.
    current: usize,
    /// Places of the lanes of rows excluded, by reason.
    excluded: Vec<Option<usize>>,
    /// The bucket of the row excluded last, which was checked.
    excluded_bucket: Vec<u8>,
    /// Bytes at which a lane's rows are handed over.
    block_bytes: usize,
}

impl OpenLanes {
    fn clear(&mut self) {
        self.lanes.clear();
        self.known.clear();
        self.by_key.clear();
        self.current = 0;
        self.excluded.clear();
        self.excluded_bucket.clear();
        self.block_bytes = BLOCK_BYTES;
    }

    fn add(&mut self, lane: OutputLane) -> usize {
        self.lanes.push(OpenLane { lane, rows: 0, bytes: Vec::new() });
        let share = WORKER_OUTPUT_BYTES / self.lanes.len();
        self.block_bytes = share.clamp(BLOCK_BYTES_MIN, BLOCK_BYTES);
        self.lanes.len() - 1
    }
}

/// Looks at the rows of one task.
struct FilterVisitor<'a> {
    selection: &'a mut Selection,
    lanes: &'a Lanes,
    open: &'a mut OpenLanes,
    emitter: &'a Emitter<'a, FileSummary, DataError>,
    summary: FileSummary,
    unreadable: UnreadableNotes,
}

impl RowVisitor for FilterVisitor<'_> {
    fn begin(&mut self, file: usize) {
        self.unreadable.begin(file);
    }

    #[inline]
    fn row<R: Row>(&mut self, row: &R) -> VisitResult {
        let matcher = &mut self.selection.matcher;
        let matches = matcher.matches(row);
        if matcher.met_unreadable() {
            let values = unsettled_values(matcher, row);
            return self.unsettled(row, &values, matches);
        }
        if !matches {
            return Ok(ControlFlow::Continue(()));
        }
        self.matched(row)
    }

    #[inline]
    fn matched<R: Row>(&mut self, row: &R) -> VisitResult {
        if !self.is_among(row) {
            return Ok(ControlFlow::Continue(()));
        }
        self.keep(row)?;
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
        if !self.is_among(row) {
            return Ok(ControlFlow::Continue(()));
        }
        for (column, value) in values {
            self.unreadable.decides(*column, value)?;
        }
        if matches { self.matched(row) } else { Ok(self.unreadable.end_row()) }
    }

    fn at_record(&mut self, record: u64) {
        self.unreadable.at_record(record);
    }
}

impl FilterVisitor<'_> {
    /// The first reason to exclude the row, by its place.
    #[inline]
    fn exclusion(&mut self, row: &impl Row) -> Result<Option<usize>, TaskError<DataErrorKind>> {
        let Selection { exclusions, flags, flags_unseen, reasons, .. } = &mut *self.selection;
        for (place, rule) in exclusions {
            let excludes = rule.matches(row);
            let mut has_unreadable_flag = false;
            if rule.met_unreadable() {
                let columns = self.unreadable.decide(rule, row)?;
                has_unreadable_flag = columns.iter().any(|c| flags.contains(c));
            }
            if excludes {
                return Ok(Some(*place));
            }
            if has_unreadable_flag {
                return Ok(Some(*reasons));
            }
        }
        for column in flags_unseen {
            let value = row.field(*column);
            if flag(value).is_none() && !value.is_empty() {
                self.unreadable.decides(*column, value)?;
                return Ok(Some(*reasons));
            }
        }
        Ok(None)
    }

    /// Whether the row's object is one of those that are wanted.
    #[inline]
    fn is_among(&mut self, row: &impl Row) -> bool {
        let Selection { among, projection, .. } = &*self.selection;
        let line = &mut self.open.line;
        among.as_ref().is_none_or(|among| among.holds(row, *projection, line))
    }

    /// Writes a matching row to its lane.
    #[inline]
    fn keep(&mut self, row: &impl Row) -> Result<(), TaskError<DataErrorKind>> {
        let key = row.field(self.selection.projection.key);
        if !is_usual_key(key) {
            check_key(key).map_err(unnameable)?;
        }
        self.summary.matched += 1;
        let reason = self.exclusion(row)?;
        let place = match reason {
            Some(reason) => self.excluded_lane(reason, row)?,
            None => self.manifest_lane(row)?,
        };
        let lane = &mut self.open.lanes[place];
        if lane.bytes.is_empty() {
            lane.bytes = self.emitter.buffer();
            lane.bytes.reserve(self.open.block_bytes + BLOCK_SLACK_BYTES);
        }
        let is_null = self.selection.projection.write(row, &mut lane.bytes);
        lane.rows += 1;
        if lane.bytes.len() >= self.open.block_bytes {
            self.emit(place).map_err(stopped)?;
        }
        match reason {
            Some(reason) => self.summary.excluded[reason] += 1,
            None => self.observe(row, is_null),
        }
        Ok(())
    }

    #[inline]
    fn observe(&mut self, row: &impl Row, is_null: bool) {
        self.summary.null_versions += u64::from(is_null);
        let sizes = &self.selection.sizes;
        if !self.summary.sizes.add_row(row, sizes)
            && let Some(column) = sizes.size
        {
            self.unreadable.counts(column, row.field(column));
        }
        for (place, rule) in &mut self.selection.observations {
            self.summary.observed[*place] += u64::from(rule.matches(row));
        }
    }

    /// The place of the lane for rows like this one.
    #[inline]
    fn manifest_lane(&mut self, row: &impl Row) -> Result<usize, TaskError<DataErrorKind>> {
        let mut apart = false;
        if let Some(rule) = &mut self.selection.apart {
            apart = rule.matches(row);
            if rule.met_unreadable() {
                self.unreadable.decide(rule, row)?;
            }
        }
        let bucket = row.field(self.selection.projection.bucket);
        let is_of = |lane: &KnownLane| {
            let mut split = self.selection.split_by_known.iter().zip(&lane.split);
            lane.apart == apart
                && same(&lane.bucket, bucket)
                && split.all(|(column, value)| same(value, row.field(*column)))
        };
        match self.open.known.get(self.open.current) {
            Some(current) if is_of(current) => Ok(current.place),
            _ => self.find_manifest_lane(row, apart),
        }
    }

    /// As above, where the row before this one was of another lane.
    #[cold]
    fn find_manifest_lane(
        &mut self,
        row: &impl Row,
        apart: bool,
    ) -> Result<usize, TaskError<DataErrorKind>> {
        let bucket = row.field(self.selection.projection.bucket);
        self.open.key.clear();
        self.open.key.push(u8::from(apart));
        packed::push(bucket, &mut self.open.key);
        for column in &self.selection.split_by_known {
            packed::push(row.field(*column), &mut self.open.key);
        }
        self.open.current = match self.open.by_key.get(&self.open.key) {
            Some(known) => *known,
            None => self.add_manifest_lane(row, apart)?,
        };
        Ok(self.open.known[self.open.current].place)
    }

    /// Opens the lane of rows like this one, whose key was made, and gives its place in `known`.
    fn add_manifest_lane(
        &mut self,
        row: &impl Row,
        apart: bool,
    ) -> Result<usize, TaskError<DataErrorKind>> {
        let selection = &*self.selection;
        let bucket = row.field(selection.projection.bucket).to_vec();
        check_bucket(&bucket).map_err(unnameable)?;
        let value = |column: &usize| row.field(*column).to_vec();
        let lane = self.lanes.lane(&LaneKey::Manifest {
            bucket: bucket.clone(),
            versions: selection.projection.version.is_some(),
            split: selection.split_by.iter().map(|column| column.as_ref().map(value)).collect(),
            apart,
        });
        let place = self.open.add(lane.ok_or(too_many_lanes())?);
        let split = selection.split_by_known.iter().map(value).collect();
        self.open.known.push(KnownLane { bucket, split, apart, place });
        let known = self.open.known.len() - 1;
        self.open.by_key.insert(self.open.key.clone(), known);
        Ok(known)
    }

    /// The place of the lane for rows excluded for a reason.
    fn excluded_lane(
        &mut self,
        reason: usize,
        row: &impl Row,
    ) -> Result<usize, TaskError<DataErrorKind>> {
        let bucket = row.field(self.selection.projection.bucket);
        if bucket.is_empty() || !same(&self.open.excluded_bucket, bucket) {
            check_bucket(bucket).map_err(unnameable)?;
            self.open.excluded_bucket.clear();
            self.open.excluded_bucket.extend_from_slice(bucket);
        }
        self.open.excluded.resize(self.selection.reasons + 1, None);
        if let Some(place) = self.open.excluded[reason] {
            return Ok(place);
        }
        let lane = self.lanes.lane(&LaneKey::Excluded(reason)).ok_or(too_many_lanes())?;
        let place = self.open.add(lane);
        self.open.excluded[reason] = Some(place);
        Ok(place)
    }

    fn emit(&mut self, place: usize) -> Result<(), Stopped> {
        let lane = &mut self.open.lanes[place];
        let bytes = std::mem::take(&mut lane.bytes);
        let rows = std::mem::take(&mut lane.rows);
        self.emitter.emit(OutputBlock { lane: lane.lane, rows, bytes })
    }

    /// Hands over what is left at the task's end.
    fn flush(&mut self) -> Result<(), Stopped> {
        for place in 0..self.open.lanes.len() {
            if self.open.lanes[place].rows > 0 {
                self.emit(place)?;
            }
        }
        Ok(())
    }
}

/// The record is counted from where the row was found (`DataErrorKind::behind`).
fn unnameable(fault: NameFault) -> TaskError<DataErrorKind> {
    failed(DataErrorKind::Name { record: 0, fault })
}

fn too_many_lanes() -> TaskError<DataErrorKind> {
    failed(DataErrorKind::TooManyLanes { lanes_max: LANES_MAX })
}
