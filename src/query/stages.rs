//! Where the time of a filter goes: the same files, taken one step further each time.
//!
//! Each stage is measured with all before it and none behind it, so that the differences add up to
//! the whole. The first two are done here; from the third on the stages are queries as any other.
//! What becomes of rows behind the last stage here (writing them) is the plan's.

use std::ops::{ControlFlow, Range};
use std::time::{Duration, Instant};

use super::run::{OutputBuffering, RowQuery, Scan, ScannedSink, run, run_workers};
use super::{FileSummary, FilterRequest, FilterSink, Lanes, Selection, filter};
use crate::engine::{Background, Emitter, OutputBlock, Sink, TaskError, Worker};
use crate::format::gzip::{GzipDecoder, HISTORY_BYTES, Status};
use crate::predicate::{Matcher, Predicate};
use crate::read::{
    DataError, DataErrorKind, FileSplit, Input, READ_BYTES, ReadColumns, ReportSet, RowVisitor,
    RunCheck, RunControl, ScanError, ScanOptions, Scanned, TaskOrder, TaskPlan, Verify,
    VisitResult, failed, open_input, read_full, stopped,
};
use crate::report::FileFormat;
use crate::source::ReadBuffer;
use crate::values::Row;

/// Decompressed bytes held: as many as a scan holds at first.
const WINDOW_BYTES: usize = 256 << 10;

/// A stage of a filter, in the order of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Data files are read.
    Read,
    /// CSV files are decompressed, and their CRC-32 checked.
    Inflate,
    /// Rows and fields are found or, in a column format, decoded.
    Split,
    /// The MD5 of data files is computed.
    Md5,
    /// Rows are put to the predicate.
    Match,
    /// Rows that match become manifest lines.
    Project,
}

impl Stage {
    /// All, in the order of the work.
    pub(crate) const ALL: [Self; 6] =
        [Self::Read, Self::Inflate, Self::Split, Self::Md5, Self::Match, Self::Project];
}

/// Takes the reports as far as `stage`, and says how long that took. With `keep_going`, bad files
/// are left out, and values that can't be read are NULL.
///
/// # Errors
/// When a file is bad, or the run is interrupted.
pub(crate) fn run_to(
    stage: Stage,
    opened: &ReportSet,
    selections: &[Selection],
    options: ScanOptions,
    keep_going: bool,
    control: RunControl<'_>,
) -> Result<(Scanned, Duration), ScanError> {
    let inputs = opened.inputs.as_slice();
    let tasks = if keep_going {
        TaskPlan::one_a_file(inputs)
    } else {
        TaskPlan::new(inputs, TaskOrder::Report)
    };
    let tasks = &tasks;
    let verify = if stage == Stage::Split { Verify::Crc } else { options.verify };
    let scan = Scan { inputs, tasks, options: ScanOptions { verify, ..options }, control };
    let begun = Instant::now();
    let mut total = ScannedSink { keep_going, ..ScannedSink::default() };
    let unbuffered =
        OutputBuffering { hold_until_verified: keep_going, ..OutputBuffering::default() };
    match stage {
        Stage::Read | Stage::Inflate => {
            let make_worker = || BytesWorker::new(scan, stage == Stage::Inflate);
            run_workers(scan, &unbuffered, make_worker, &mut total)?;
        }
        Stage::Split | Stage::Md5 | Stage::Match => {
            let make_query = || StageQuery::new(selections, stage == Stage::Match);
            run(scan, &unbuffered, make_query, &mut total)?;
        }
        Stage::Project => {
            total.scanned = project(inputs, selections, options, keep_going, control)?;
        }
    }
    Ok((total.scanned, begun.elapsed()))
}

/// A worker that reads files, and decompresses them where that is asked for.
struct BytesWorker<'a> {
    scan: Scan<'a>,
    decoder: Option<GzipDecoder>,
    input: ReadBuffer,
    window: Vec<u8>,
}

impl<'a> BytesWorker<'a> {
    fn new(scan: Scan<'a>, inflates: bool) -> Self {
        Self {
            scan,
            decoder: inflates.then(|| GzipDecoder::new(scan.options.inflate)),
            input: ReadBuffer::new(READ_BYTES),
            window: vec![0; WINDOW_BYTES],
        }
    }

    /// Reads a CSV file to its end.
    fn stream(&mut self, input: &Input, check: RunCheck<'_>) -> Result<(), StageError> {
        let mut file = open_input(input).map_err(failed)?;
        if let Some(decoder) = &mut self.decoder {
            decoder.reset();
        }
        let mut end = 0;
        loop {
            check().map_err(stopped)?;
            let count = read_full(&mut file, &mut self.input).map_err(failed)?;
            self.inflate(count, &mut end)?;
            if count == 0 {
                return Ok(());
            }
        }
    }

    /// Decompresses what was read, nothing at the file's end; the window is filled up to `end`.
    fn inflate(&mut self, count: usize, end: &mut usize) -> Result<(), StageError> {
        let Some(decoder) = &mut self.decoder else { return Ok(()) };
        let mut at = 0;
        loop {
            if *end > WINDOW_BYTES / 2 {
                self.window.copy_within(*end - HISTORY_BYTES..*end, 0);
                *end = HISTORY_BYTES;
            }
            let input = &self.input[at..count];
            let progress =
                decoder.decode(input, count == 0, &mut self.window, *end).map_err(failed)?;
            at += progress.consumed;
            *end += progress.produced;
            let is_used_up = at == count && *end < WINDOW_BYTES;
            if progress.status == Status::End || (count > 0 && is_used_up) {
                return Ok(());
            }
        }
    }

    /// Reads what a split covers of a file in a column format.
    fn read_split(
        &mut self,
        input: &Input,
        split: FileSplit,
        check: RunCheck<'_>,
    ) -> Result<(), StageError> {
        let file = open_input(input).map_err(failed)?;
        let Range { mut start, end } = split.bytes(input.bytes);
        while start < end {
            check().map_err(stopped)?;
            let count = (end - start).min(READ_BYTES as u64);
            let buffer = &mut self.input[..count as usize];
            file.read_exact_at(start, buffer).map_err(failed)?;
            start += count;
        }
        Ok(())
    }
}

type StageError = TaskError<DataErrorKind>;

impl Worker for BytesWorker<'_> {
    type Summary = Scanned;
    type Error = DataError;

    fn run(
        &mut self,
        task: usize,
        emitter: &Emitter<'_, Scanned, DataError>,
    ) -> Result<Scanned, TaskError<DataError>> {
        let Scan { inputs, tasks, .. } = self.scan;
        let task = tasks.get(task);
        let check = || emitter.check();
        for input in &inputs[task.files.clone()] {
            let done = match input.format {
                FileFormat::Csv => self.stream(input, &check),
                FileFormat::Orc | FileFormat::Parquet => self.read_split(input, task.split, &check),
            };
            done.map_err(|error| input.named(error))?;
        }
        Ok(Scanned { files: task.files.len() as u64, ..Scanned::default() })
    }
}

/// A query that only looks at rows.
struct StageQuery<'a> {
    selections: &'a [Selection],
    /// Of each report, where rows are put to the predicate.
    matchers: Option<Vec<Matcher>>,
}

impl<'a> StageQuery<'a> {
    fn new(selections: &'a [Selection], matches: bool) -> Self {
        let matchers = || selections.iter().map(|selection| selection.matcher.clone()).collect();
        Self { selections, matchers: matches.then(matchers) }
    }
}

impl RowQuery for StageQuery<'_> {
    type Summary = Scanned;
    type Visitor<'v>
        = StageVisitor<'v>
    where
        Self: 'v;

    /// To be matched, what the predicate looks at; to be split, all that a filter reads, of all
    /// rows.
    fn columns(&self) -> Vec<ReadColumns> {
        let columns = |selection: &Selection| {
            let Selection { schema, matcher, projection, .. } = selection;
            if self.matchers.is_some() {
                return ReadColumns::new(schema, matcher, []);
            }
            let mut fields = vec![projection.bucket, projection.key];
            fields.extend(projection.version);
            matcher.add_columns(&mut fields);
            ReadColumns::new(schema, &Predicate::always().compile(), fields)
        };
        self.selections.iter().map(columns).collect()
    }

    fn visitor<'v>(
        &'v mut self,
        report: usize,
        _: &'v Emitter<'v, Scanned, DataError>,
    ) -> StageVisitor<'v> {
        let matcher = self.matchers.as_mut().map(|matchers| &mut matchers[report]);
        StageVisitor { matcher, matched: 0 }
    }

    fn finish(
        _: StageVisitor<'_>,
        scanned: Scanned,
        _: &[Input],
    ) -> Result<Scanned, TaskError<DataError>> {
        Ok(scanned)
    }
}

struct StageVisitor<'a> {
    matcher: Option<&'a mut Matcher>,
    matched: u64,
}

impl RowVisitor for StageVisitor<'_> {
    #[inline]
    fn row<R: Row>(&mut self, row: &R) -> VisitResult {
        if let Some(matcher) = &mut self.matcher {
            self.matched += u64::from(matcher.matches(row));
        }
        Ok(ControlFlow::Continue(()))
    }

    #[inline]
    fn matched<R: Row>(&mut self, _: &R) -> VisitResult {
        self.matched += 1;
        Ok(ControlFlow::Continue(()))
    }
}

/// A whole filter, whose rows go nowhere.
fn project(
    inputs: &[Input],
    selections: &[Selection],
    options: ScanOptions,
    keep_going: bool,
    control: RunControl<'_>,
) -> Result<Scanned, ScanError> {
    // As much memory as there is: nothing may be spilled, or writing would be measured.
    let buffering = &OutputBuffering {
        memory_bytes: usize::MAX,
        hold_until_verified: keep_going,
        ..OutputBuffering::default()
    };
    let lanes = &Lanes::default();
    let request =
        FilterRequest { inputs, selections, options, buffering, one_by_one: false, lanes };
    let mut nowhere = DiscardSink(ScannedSink { keep_going, ..ScannedSink::default() });
    filter(&request, control, &mut nowhere)?;
    Ok(nowhere.0.scanned)
}

struct DiscardSink(ScannedSink);

impl FilterSink for DiscardSink {
    type Error = ScanError;

    fn block(&mut self, _: &mut OutputBlock, _: &Background<'_>) -> Result<(), ScanError> {
        Ok(())
    }

    fn done(&mut self, _: &Input, summary: FileSummary) -> Result<ControlFlow<()>, ScanError> {
        self.0.done(0, summary.scanned)
    }

    fn failed(&mut self, _: &Input, error: DataError) -> Result<(), ScanError> {
        self.0.failed(0, error)
    }
}
