//! Making a plan: reports and a query in, a plan folder out.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::Ordering;
use std::time::Instant;

use jiff::Timestamp;

use super::destination::Destination;
use super::shard::Finished;
use super::sink::{Label, Outcome, PlanSink, SinkOptions};
use super::{Bounds, PLAN_VERSION, Plan, PlanError, Predicate, Report, SHARDS_MAX, Shard, Totals};
use crate::predicate;
use crate::report::Schema;
use crate::scan::{
    self, Compiled, Control, Holding, Lanes, Opened, Projection, Query, ScanError, Selection,
    Settings,
};
use crate::source::Location;
use crate::units::{Count, counted};

/// Objects in a shard unless told otherwise. One billion: what every statement of AWS allows for
/// every operation (S3 User Guide: 4 or 20 billion in "Performing object operations in bulk", but
/// one billion in "Troubleshooting Batch Operations").
pub const OBJECTS_MAX: u64 = 1_000_000_000;

/// Bytes of a shard unless told otherwise. 5 GiB: the largest object that one PUT uploads, about
/// 50 million rows; a job more costs $0.25, the requests for so many rows some $300.
pub const SHARD_BYTES_MAX: u64 = 5 << 30;

/// Memory for output that waits for its turn, whatever the number of threads. 16 MiB.
pub const MEMORY_BYTES_BASE: usize = 16 << 20;

/// Such memory for each thread. 8 MiB: files of a report are much alike, so workers that began
/// together end together, and what waits is about a file's output for each worker. The whole
/// program stays below 64 MiB and 16 MiB a thread.
pub const MEMORY_BYTES_PER_THREAD: usize = 8 << 20;

/// The reason for delete markers: a version that is no object can't be operated on.
const DELETE_MARKER: &str = "delete-marker";

/// What to filter, and how.
#[derive(Debug, Clone)]
pub struct FilterOptions {
    /// Which rows.
    pub query: Query,
    /// The folder for the plan.
    pub out: Location,
    /// Whether a plan in that folder may be replaced.
    pub force: bool,
    /// Whether manifests hold version ids where the report has them.
    pub version_ids: bool,
    /// How shards are bounded.
    pub bounds: Bounds,
    /// A column, each of whose values gets shards of its own.
    pub split_by: Option<String>,
    /// Bytes of output that may wait in memory.
    pub memory_bytes: usize,
    /// Whether bad data files are set aside instead of ending the run.
    pub keep_going: bool,
    /// What `now()` means in the query.
    pub now: Timestamp,
    /// How data files are read.
    pub settings: Settings,
}

/// The memory for waiting output unless told otherwise, in bytes.
#[must_use]
pub fn memory_bytes_default(threads: NonZeroUsize) -> usize {
    MEMORY_BYTES_BASE + MEMORY_BYTES_PER_THREAD * threads.get()
}

/// Filters reports into a plan folder, and gives what `plan.json` says.
///
/// # Errors
/// When the options don't fit the reports, a report or data file is bad, files can't be written, or
/// the run is interrupted. There is no new plan then.
pub fn filter(
    opened: &Opened,
    options: &FilterOptions,
    control: Control<'_>,
) -> Result<Plan, PlanError> {
    let begun = Instant::now();
    refuse_bad_bounds(options.bounds)?;
    let wanted = Wanted::new(opened, options)?;
    let destination = Destination::create(&options.out, options.force)?;
    let outcome = run(opened, &wanted, options, control, &destination)?;
    if control.stop.load(Ordering::Relaxed) {
        return Err(ScanError::Interrupted.into());
    }
    let seconds = begun.elapsed().as_secs_f64();
    let plan = describe(opened, &wanted, options, outcome, seconds);
    destination.commit(&plan)?;
    Ok(plan)
}

/// What [`filter`] would ask of each report's rows; for measuring the stages of a scan.
///
/// # Errors
/// When the query doesn't fit a report.
pub fn selections(opened: &Opened, options: &FilterOptions) -> Result<Vec<Selection>, PlanError> {
    Ok(Wanted::new(opened, options)?.selections)
}

fn refuse_bad_bounds(bounds: Bounds) -> Result<(), PlanError> {
    if let Some(jobs) = bounds.jobs.filter(|jobs| *jobs > SHARDS_MAX as u64) {
        return Err(PlanError::TooManyJobs { jobs });
    }
    let zero = [
        ("--max-objects", bounds.objects_max == 0),
        ("--max-bytes", bounds.bytes_max == 0),
        ("--jobs", bounds.jobs == Some(0)),
    ];
    match zero.into_iter().find(|(_, is_zero)| *is_zero) {
        Some((flag, _)) => Err(PlanError::ZeroBound { flag }),
        None => Ok(()),
    }
}

fn run(
    opened: &Opened,
    wanted: &Wanted,
    options: &FilterOptions,
    control: Control<'_>,
    destination: &Destination,
) -> Result<Outcome, PlanError> {
    let lanes = Lanes::default();
    let mut sink = PlanSink::new(SinkOptions {
        lanes: &lanes,
        bounds: options.bounds,
        reasons: &[DELETE_MARKER],
        observations: 1,
        reports: opened.reports.len(),
        folders: destination.folders(),
        keep_going: options.keep_going,
        limit: wanted.limit,
    });
    let holding = Holding {
        memory_bytes: options.memory_bytes,
        spill: destination.folder.spill(),
        hold: options.keep_going,
        // The file in which a limit is reached is the last one.
        one_by_one: wanted.limit.is_some(),
    };
    let selections = &wanted.selections;
    scan::filter(
        &opened.inputs,
        selections,
        options.settings,
        control,
        &holding,
        &lanes,
        &mut sink,
    )?;
    sink.finish(control.stop)
}

/// What is wanted of all reports.
struct Wanted {
    /// For each report.
    selections: Vec<Selection>,
    understood: String,
    limit: Option<u64>,
    warnings: Vec<String>,
    /// The column to split by, as the (first) report spells it.
    split_by: Option<String>,
    /// Whether the query asks for `BucketKeyStatus` alone of a report that tells
    /// `EncryptionStatus`.
    asks_bucket_key_alone: bool,
}

impl Wanted {
    fn new(opened: &Opened, options: &FilterOptions) -> Result<Self, PlanError> {
        let mut wanted = Self {
            selections: Vec::new(),
            understood: String::new(),
            limit: None,
            warnings: Vec::new(),
            split_by: None,
            asks_bucket_key_alone: false,
        };
        for report in &opened.reports {
            let compiled = options.query.compile_for(report, options.now)?;
            let split_by = options.split_by.as_ref().map(|name| scan::column(report, name));
            let split_by = split_by.transpose()?;
            let selection = wanted.selection(&report.schema, &compiled, split_by, options)?;
            if wanted.selections.is_empty() {
                wanted.understood = compiled.predicate.to_string();
                wanted.split_by =
                    split_by.map(|column| report.schema.columns()[column].name.clone());
            }
            wanted.limit = compiled.limit;
            for warning in compiled.warnings {
                if !wanted.warnings.contains(&warning) {
                    wanted.warnings.push(warning);
                }
            }
            wanted.selections.push(selection);
        }
        Ok(wanted)
    }

    fn selection(
        &mut self,
        schema: &Schema,
        compiled: &Compiled,
        split_by: Option<usize>,
        options: &FilterOptions,
    ) -> Result<Selection, PlanError> {
        // A report without Bucket or Key was refused when it was read.
        let place = |name| schema.position(name).unwrap_or(0);
        let version = schema.position("VersionId").filter(|_| options.version_ids);
        let is = |text: &str| {
            predicate::Predicate::parse(text, schema, options.now).map(|rule| rule.compile())
        };
        let never = || is("FALSE");
        let has = |name| schema.position(name).is_some();
        let delete_marker = if has("IsDeleteMarker") { is("IsDeleteMarker") } else { never() };
        let bucket_key_alone = has("EncryptionStatus")
            && compiled.predicate.columns() == schema.position("BucketKeyStatus").as_slice();
        self.asks_bucket_key_alone |= bucket_key_alone;
        let not_sse_kms = if bucket_key_alone {
            is("EncryptionStatus <> 'SSE-KMS' OR EncryptionStatus IS NULL")
        } else {
            never()
        };
        let own = |error| ScanError::Query { path: options.out.clone(), error };
        Ok(Selection {
            columns: schema.len(),
            matcher: compiled.predicate.compile(),
            exclusions: vec![delete_marker.map_err(own)?],
            observations: vec![not_sse_kms.map_err(own)?],
            projection: Projection { bucket: place("Bucket"), key: place("Key"), version },
            split_by,
        })
    }
}

/// What `plan.json` says.
fn describe(
    opened: &Opened,
    wanted: &Wanted,
    options: &FilterOptions,
    outcome: Outcome,
    seconds: f64,
) -> Plan {
    let columns = columns(outcome.shards.iter().any(|(_, label, _)| label.versions));
    let warnings = warnings(wanted, options, &outcome);
    let reports =
        opened.reports.iter().zip(&outcome.files_by_report).map(|(report, files)| Report {
            manifest: report.manifest_path.display().to_string(),
            manifest_md5: report.manifest_md5.iter().map(|byte| format!("{byte:02x}")).collect(),
            source_bucket: report.source_bucket.clone(),
            created: report.created.map(|created| created.to_string()),
            format: report.format.to_string(),
            schema: report.schema.columns().iter().map(|column| column.name.clone()).collect(),
            first_file: 0,
            files: *files,
        });
    Plan {
        version: PLAN_VERSION,
        tool: format!("s3sieve {}", env!("CARGO_PKG_VERSION")),
        reports: reports.collect(),
        predicate: Predicate {
            given: options.query.text().to_owned(),
            understood: wanted.understood.clone(),
        },
        limit: wanted.limit,
        bounds: options.bounds,
        totals: Totals {
            files: outcome.scanned.files,
            rows: outcome.scanned.rows,
            matched: outcome.totals.matched,
            excluded: outcome.totals.excluded.iter().sum(),
            bytes_compressed: outcome.scanned.bytes_compressed,
            bytes_raw: outcome.scanned.bytes_raw,
            seconds,
        },
        excluded: outcome.excluded,
        set_aside: outcome.set_aside,
        warnings,
        shards: outcome
            .shards
            .into_iter()
            .map(|(name, label, file)| shard(&name, &label, file, &columns, wanted))
            .collect(),
        columns,
    }
}

fn shard(
    name: &str,
    label: &Label,
    file: Finished,
    plan_columns: &[String],
    wanted: &Wanted,
) -> Shard {
    let own_columns = columns(label.versions);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let value = label.split.as_deref().map(|value| (!value.is_empty()).then(|| text(value)));
    let split = wanted.split_by.clone().zip(value);
    Shard {
        path: format!("manifests/{name}"),
        bucket: text(&label.bucket),
        columns: (own_columns != plan_columns).then_some(own_columns),
        split: split.into_iter().collect::<BTreeMap<_, _>>(),
        objects: file.rows,
        bytes: file.bytes,
        sha256: file.sha256,
        first_key: file.first_key,
        last_key: file.last_key,
    }
}

fn columns(versions: bool) -> Vec<String> {
    let columns: &[&str] =
        if versions { &["Bucket", "Key", "VersionId"] } else { &["Bucket", "Key"] };
    columns.iter().map(|name| (*name).to_owned()).collect()
}

/// What a person should know before acting on the plan.
fn warnings(wanted: &Wanted, options: &FilterOptions, outcome: &Outcome) -> Vec<String> {
    let mut warnings = wanted.warnings.clone();
    let objects: u64 = outcome.shards.iter().map(|(_, _, file)| file.rows).sum();
    let not_sse_kms = outcome.totals.observed[0];
    if wanted.asks_bucket_key_alone && not_sse_kms > 0 {
        warnings.push(format!(
            "{} of the {} selected rows are not encrypted with SSE-KMS, so a bucket key does \
             nothing for them: S3 reports DISABLED for them, too. Add AND EncryptionStatus = \
             'SSE-KMS' to leave them out.",
            Count(not_sse_kms),
            Count(objects),
        ));
    }
    if objects > 0 && outcome.totals.null_versions == objects && wanted.limit.is_none() {
        warnings.push(
            "No selected row has a version id, so every row names the version `null`. If the \
             bucket was never versioned, --no-version-ids leaves the column out."
                .to_owned(),
        );
    }
    let shards = outcome.shards.len() as u64;
    if let Some(jobs) = options.bounds.jobs.filter(|jobs| shards > *jobs) {
        warnings.push(format!(
            "{} were needed where --jobs asks for {jobs}: a shard holds one bucket (and one value \
             of --split-by), and no more than --max-objects and --max-bytes allow.",
            counted(shards, "shard"),
        ));
    }
    if !outcome.set_aside.is_empty() {
        warnings.push(format!(
            "{} could not be read and {} not in this plan.",
            counted(outcome.set_aside.len() as u64, "data file"),
            if outcome.set_aside.len() == 1 { "is" } else { "are" },
        ));
    }
    warnings
}
