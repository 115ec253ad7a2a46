//! Where the time of a scan goes: the same files, taken one step further each time.
//!
//! Each stage is measured with all before it and none behind it, so that the differences add up to
//! the whole. What becomes of rows behind the last stage here (writing them) is the plan's.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::batch::Batches;
use super::csv::stopped;
use super::scanner::{Depth, Scanner, Shared, Visitor};
use super::tally::{Total, tally};
use super::wanted::Wanted;
use super::{
    Control, DataError, DataErrorKind, FileSummary, FilterSink, Holding, Input, Lanes, Opened,
    ScanError, Scanned, Selection, Settings, Verify, filter,
};
use crate::engine::{Block, Outlet, TaskError, Worker};
use crate::predicate::{Matcher, Row};

/// A stage of a scan, in the order of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Data files are read.
    Read,
    /// Their MD5 is computed.
    Md5,
    /// They are decompressed, and their CRC-32 checked.
    Inflate,
    /// Rows and fields are found.
    Split,
    /// Rows are put to the predicate.
    Match,
    /// Rows that match become manifest lines.
    Project,
}

impl Stage {
    /// All, in the order of the work.
    pub const ALL: [Self; 6] =
        [Self::Read, Self::Md5, Self::Inflate, Self::Split, Self::Match, Self::Project];
}

/// Scans the reports as far as `stage`, and says how long that took. With `keep_going`, bad files
/// are left out, and values that can't be read are NULL.
///
/// # Errors
/// When a file is bad, or the run is interrupted.
pub fn run_to(
    stage: Stage,
    opened: &Opened,
    selections: &[Selection],
    settings: Settings,
    keep_going: bool,
    control: Control<'_>,
) -> Result<(Scanned, Duration), ScanError> {
    let verify = if stage == Stage::Read { Verify::Crc } else { settings.verify };
    let settings = Settings { verify, ..settings };
    let begun = Instant::now();
    let scanned = match stage {
        Stage::Project => project(opened, selections, settings, keep_going, control)?,
        _ => partly(stage, opened, selections, settings, keep_going, control)?,
    };
    Ok((scanned, begun.elapsed()))
}

fn partly(
    stage: Stage,
    opened: &Opened,
    selections: &[Selection],
    settings: Settings,
    keep_going: bool,
    control: Control<'_>,
) -> Result<Scanned, ScanError> {
    let shared = Shared::new(&opened.inputs, settings);
    let inputs = opened.inputs.as_slice();
    let batches = if keep_going { Batches::of_one(inputs) } else { Batches::new(inputs) };
    let batches = &batches;
    let make_worker = || Partial {
        stage,
        scanner: Scanner::new(settings, control, &shared),
        inputs: &opened.inputs,
        batches,
        wanted: selections.iter().map(|selection| wanted(stage, selection)).collect(),
        selections: selections.to_vec(),
    };
    let mut total = Total { keep_going, ..Total::default() };
    tally(batches, settings, control, keep_going, make_worker, &mut total)?;
    Ok(total.scanned)
}

/// What a stage takes of a file in a column format: to be decoded, all that a filter wants; to be
/// matched, what the predicate looks at.
fn wanted(stage: Stage, selection: &Selection) -> Wanted {
    let projection = selection.projection;
    let fields = [projection.bucket, projection.key].into_iter().chain(projection.version);
    match stage {
        Stage::Match => Wanted::new(&selection.schema, &selection.matcher, []),
        _ => Wanted::new(&selection.schema, &selection.matcher, fields),
    }
}

/// A worker that leaves out what comes behind a stage.
struct Partial<'a> {
    stage: Stage,
    scanner: Scanner<'a>,
    inputs: &'a [Input],
    batches: &'a Batches,
    selections: Vec<Selection>,
    wanted: Vec<Wanted>,
}

impl Worker for Partial<'_> {
    type Summary = Scanned;
    type Error = DataError;

    fn run(
        &mut self,
        task: usize,
        outlet: &Outlet<'_, Self>,
    ) -> Result<Scanned, TaskError<DataError>> {
        let batch = self.batches.get(task);
        let report = self.inputs[batch.files.start].report;
        let selection = &mut self.selections[report];
        let depth = match self.stage {
            Stage::Read | Stage::Md5 => Depth::Read,
            Stage::Inflate => Depth::Inflate,
            Stage::Split => Depth::Split,
            Stage::Match | Stage::Project => Depth::Rows,
        };
        let matcher = (self.stage == Stage::Match).then_some(&mut selection.matcher);
        let mut rows = Rows { matcher, outlet, matched: 0 };
        let wanted = &mut self.wanted[report];
        self.scanner.scan_to(depth, self.inputs, batch, wanted, &mut rows)
    }
}

struct Rows<'a, 'b, 'c> {
    matcher: Option<&'a mut Matcher>,
    outlet: &'a Outlet<'b, Partial<'c>>,
    matched: u64,
}

impl Visitor for Rows<'_, '_, '_> {
    #[inline]
    fn row<R: Row>(&mut self, row: &R) -> ControlFlow<()> {
        if let Some(matcher) = &mut self.matcher {
            self.matched += u64::from(matcher.matches(row));
        }
        ControlFlow::Continue(())
    }

    #[inline]
    fn matched<R: Row>(&mut self, _: &R) -> ControlFlow<()> {
        self.matched += 1;
        ControlFlow::Continue(())
    }

    fn verdict(&mut self) -> Result<(), TaskError<DataErrorKind>> {
        self.outlet.check().map_err(stopped)
    }
}

/// A whole filter, whose rows go nowhere.
fn project(
    opened: &Opened,
    selections: &[Selection],
    settings: Settings,
    keep_going: bool,
    control: Control<'_>,
) -> Result<Scanned, ScanError> {
    let holding = Holding {
        // As much as there is: nothing may be spilled, or writing would be measured.
        memory_bytes: usize::MAX,
        spill: PathBuf::new(),
        hold: keep_going,
        one_by_one: false,
    };
    let mut nowhere = Nowhere { scanned: Scanned::default(), keep_going };
    let lanes = Lanes::default();
    filter(&opened.inputs, selections, settings, control, &holding, &lanes, &mut nowhere)?;
    Ok(nowhere.scanned)
}

struct Nowhere {
    scanned: Scanned,
    keep_going: bool,
}

impl FilterSink for Nowhere {
    type Error = ScanError;

    fn block(&mut self, _: &Block) -> Result<(), ScanError> {
        Ok(())
    }

    fn done(&mut self, _: &Input, summary: FileSummary) -> Result<ControlFlow<()>, ScanError> {
        self.scanned.add(&summary.scanned);
        Ok(ControlFlow::Continue(()))
    }

    fn failed(&mut self, _: &Input, error: DataError) -> Result<(), ScanError> {
        if self.keep_going && !error.kind.is_usage() { Ok(()) } else { Err(error.into()) }
    }
}
