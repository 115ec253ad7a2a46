//! Making a plan: reports and a query in, a plan folder out.

use std::sync::atomic::Ordering;
use std::time::Instant;

use super::destination::{Destination, UploadTiming};
use super::document::columns;
use super::names::SHARDS_MAX;
use super::options::{Emit, FilterOptions};
use super::places::WorkPlaces;
use super::resolve::ResolvedFilter;
use super::sink::{PlanSink, SinkOptions, SinkOutcome};
use super::warnings::{ShardNotes, WarningCounts, WarningGround};
use super::writer::{Folders, described};
use super::{
    ClassObjects, ClassSizes, PLAN_VERSION, Plan, PlanError, ReportSource, ShardBounds, Totals,
    UnreadableValues, inventory, question,
};
use crate::diagnostic::parameter::{JOBS, MAX_BYTES, MAX_OBJECTS};
use crate::hex;
use crate::operation::StorageClass;
use crate::query::{self, FilterRequest, Lanes, OutputBuffering, Selection, SizeTotals};
use crate::read::{ReportSet, RunControl, ScanError};

/// What a filter run came to.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct FilterOutcome {
    /// What `plan.json` says.
    pub plan: Plan,
    /// Whether the same plan was there already.
    pub found: bool,
    /// Rows about which values decided that can't be read.
    pub undecided: u64,
}

/// Filters reports into a plan folder.
///
/// # Errors
/// When the options don't fit the reports, a report or data file is bad, files can't be written, or
/// the run is interrupted. There is no new plan then.
pub(crate) fn filter(
    opened: &ReportSet,
    options: &FilterOptions,
    control: RunControl<'_>,
) -> Result<FilterOutcome, PlanError> {
    let begun = Instant::now();
    let resolved = resolve(opened, options)?;
    let named_late = resolved.is_latest.is_some() || options.emit != Emit::Csv;
    let sending = if named_late { UploadTiming::AtTheEnd } else { UploadTiming::AtOnce };
    let is_same = |plan: &Plan| question::is_answered_by(plan, opened, &resolved, options);
    let destination = Destination::create(&options.out, options.force, sending, &is_same)?;
    let places = &destination.folder.places;
    let output = FilterOutput { folders: destination.folders(), places, is_part: false };
    let outcome = run(opened, &resolved, options, control, output)?;
    let undecided = outcome.totals.undecided;
    let ground = WarningGround::new(&opened.reports, &resolved, options);
    let (mut plan, _) = describe(opened, &resolved, options, &ground, outcome);
    if let Emit::Inventory(place) = &options.emit {
        let (manifests, threads) = (places.manifests(), options.scan.threads);
        inventory::emit(&mut plan, &manifests, place, opened, threads, control.stop)?;
    }
    plan.totals.seconds = begun.elapsed().as_secs_f64();
    let found = destination.commit(&plan, control.stop)?;
    Ok(FilterOutcome { plan, found, undecided })
}

/// What a request asks of its reports.
pub(super) fn resolve(
    opened: &ReportSet,
    options: &FilterOptions,
) -> Result<ResolvedFilter, PlanError> {
    refuse_bad_bounds(options.bounds)?;
    if let Emit::Inventory(place) = &options.emit {
        inventory::check_place(place)?;
    }
    ResolvedFilter::new(opened, options)
}

/// What [`filter`] would ask of each report's rows; for measuring the stages of a scan.
///
/// # Errors
/// When the query doesn't fit a report.
pub(crate) fn selections(
    opened: &ReportSet,
    options: &FilterOptions,
) -> Result<Vec<Selection>, PlanError> {
    Ok(ResolvedFilter::new(opened, options)?.selections)
}

fn refuse_bad_bounds(bounds: ShardBounds) -> Result<(), PlanError> {
    if let Some(jobs) = bounds.jobs.filter(|jobs| *jobs > SHARDS_MAX as u64) {
        return Err(PlanError::TooManyJobs { jobs });
    }
    let zero = [
        (MAX_OBJECTS, bounds.objects_max == 0),
        (MAX_BYTES, bounds.bytes_max == 0),
        (JOBS, bounds.jobs == Some(0)),
    ];
    match zero.into_iter().find(|(_, is_zero)| *is_zero) {
        Some((parameter, _)) => Err(PlanError::ZeroBound { parameter }),
        None => Ok(()),
    }
}

/// Where a run writes.
pub(super) struct FilterOutput<'a> {
    pub(super) folders: Folders,
    pub(super) places: &'a WorkPlaces,
    /// Whether it is a part of a plan: other parts have the rest of the rows.
    pub(super) is_part: bool,
}

/// Scans the inputs, and writes the files of a plan.
pub(super) fn run(
    opened: &ReportSet,
    resolved: &ResolvedFilter,
    options: &FilterOptions,
    control: RunControl<'_>,
    output: FilterOutput<'_>,
) -> Result<SinkOutcome, PlanError> {
    let FilterOutput { folders, places, is_part } = output;
    let lanes = Lanes::default();
    let reasons = resolved.eligibility.reasons();
    let mut sink = PlanSink::new(SinkOptions {
        lanes: &lanes,
        bounds: options.bounds,
        digest: options.digest,
        reasons: &reasons,
        observations: 1,
        reports: opened.reports.len(),
        folders,
        keep_going: options.keep_going,
        is_latest: resolved.is_latest,
        keeps_unfollowed: resolved.eligibility.keeps_unfollowed(),
        is_part,
        limit: resolved.limit,
    });
    let buffering = OutputBuffering {
        memory_bytes: options.memory_bytes(),
        spill: places.spill(),
        hold_until_verified: options.keep_going,
    };
    let request = FilterRequest {
        inputs: &opened.inputs,
        selections: &resolved.selections,
        options: options.scan,
        buffering: &buffering,
        // The file in which a limit is reached is the last one.
        one_by_one: resolved.limit.is_some(),
        lanes: &lanes,
    };
    query::filter(&request, control, &mut sink)?;
    let outcome = sink.finish(control.stop)?;
    if control.stop.load(Ordering::Relaxed) {
        return Err(ScanError::Interrupted.into());
    }
    Ok(outcome)
}

/// Name and version of this program.
#[must_use]
pub(crate) fn tool() -> String {
    format!("s3sieve {}", env!("CARGO_PKG_VERSION"))
}

/// What `plan.json` says, and what its warnings count besides.
pub(super) fn describe(
    opened: &ReportSet,
    resolved: &ResolvedFilter,
    options: &FilterOptions,
    ground: &WarningGround,
    outcome: SinkOutcome,
) -> (Plan, WarningCounts) {
    let columns = columns(outcome.written.shards.iter().any(|(_, label, _)| label.versions));
    let reports =
        opened.reports.iter().zip(&outcome.files_by_report).map(|(report, files)| ReportSource {
            manifest: report.manifest_path.display().to_string(),
            manifest_md5: hex::encode(report.manifest_md5),
            source_bucket: report.source_bucket.clone(),
            created: report.created.map(|created| created.to_string()),
            format: report.format.to_string(),
            schema: report.schema.columns().iter().map(|column| column.name.clone()).collect(),
            first_file: opened.range.start as u64,
            files: *files,
        });
    let sizes = outcome.sizes();
    let counts = WarningCounts::of(&outcome);
    let mut plan = Plan {
        version: PLAN_VERSION,
        command: if options.among.is_some() { "verify" } else { "filter" }.to_owned(),
        tool: tool(),
        reports: reports.collect(),
        partitions: None,
        predicate: resolved.predicate(options),
        operation: resolved.eligibility.document().cloned(),
        retry: None,
        inventory: None,
        limit: resolved.limit,
        bounds: options.bounds,
        totals: Totals {
            files: outcome.scanned.files,
            rows: outcome.scanned.rows,
            rows_matched: outcome.totals.matched,
            rows_excluded: outcome.excluded_rows(),
            bytes_compressed: outcome.scanned.bytes_compressed,
            bytes_raw: outcome.scanned.bytes_raw,
            bytes_objects: sizes.filter(|_| resolved.tells_sizes()).map(SizeTotals::bytes),
            storage_classes: sizes.and_then(|sizes| by_class(sizes, resolved)),
            // Known when all is done.
            seconds: 0.0,
        },
        excluded: outcome.written.excluded,
        files_skipped: outcome.files_skipped,
        unreadable: outcome.totals.unreadable.iter().map(UnreadableValues::from).collect(),
        warnings: Vec::new(),
        shards: described(outcome.written.shards, &columns, &resolved.split_by),
        columns,
    };
    plan.warnings = ground.warnings(&plan, &ShardNotes::of(ground, &plan), counts);
    (plan, counts)
}

/// The objects by class, where their classes or sizes are known.
fn by_class(sizes: &SizeTotals, resolved: &ResolvedFilter) -> Option<Vec<ClassObjects>> {
    let (tells_classes, tells_sizes) = (resolved.tells_classes(), resolved.tells_sizes());
    if resolved.limit.is_some() || !(tells_classes || tells_sizes) {
        return None;
    }
    let names = StorageClass::NAMES.into_iter().map(Some).chain([None]);
    let classes = names.zip(&sizes.classes).filter(|(_, totals)| totals.objects > 0);
    let described = classes.map(|(name, totals)| ClassObjects {
        storage_class: name.map(str::to_owned),
        objects: totals.objects,
        sizes: tells_sizes.then_some(ClassSizes {
            bytes_objects: totals.bytes,
            objects_below_128_kib: totals.objects_small,
            bytes_below_128_kib: totals.bytes_small,
        }),
    });
    Some(described.collect())
}
