//! `s3sieve estimate`: what the jobs of a plan cost, and what the alternatives would cost.
//!
//! Tells the layer of operations the few numbers of a plan that count, and shows what it answers.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use comfy_table::{Cell, CellAlignment, Table};
use serde::Serialize;

use super::args::EstimateArgs;
use super::print::{self, CommandResult, visible};
use super::request::becomes_kms;
use super::{CliError, Exit, estimate_notes, parameter_file, plan_args, terminal};
use crate::operation::estimate::{
    self, Charge, ClassFacts, CostInputs, Estimate, EstimateLine, SizeFacts, UnknownSizes,
};
use crate::operation::price::{Price, PriceUnit, Prices, REGION_DEFAULT, Usd};
use crate::operation::{CopyClass, OperationKind, StorageClass, class};
use crate::plan::{self, Plan, PlanHandle, Shard};
use crate::source::Location;
use crate::units::{Bytes, Count, counted};

/// What people see where JSON has null.
const NOT_KNOWN: &str = "not known";

pub(super) fn run(args: &EstimateArgs) -> Result<Exit, CliError> {
    let PlanHandle { plan, .. } = plan_args::open(&args.plan, None, &mut args.aws.way())?;
    let prices = prices(args.prices.as_deref(), args.region())?;
    let inputs = inputs(&plan);
    check_source_objects(args.source_objects, inputs.objects_total())?;
    let chosen = match args.operation {
        Some(kind) => Some(kind),
        None => operation_of(&plan)?,
    };
    let (class, class_note) = match args.storage_class {
        Some(class) => (class, None),
        None => class_of(&plan),
    };
    // Where no class was named, copies are only counted in one.
    let changed = class_note.is_none().then(|| changed_class(&inputs, class)).flatten();
    let mut kinds = kinds(chosen);
    let compared = kinds.len();
    if changed.is_some() {
        kinds.retain(|kind| *kind != OperationKind::UpdateEncryption || chosen == Some(*kind));
    }
    let charges_omitted = changed.filter(|_| kinds.len() < compared);
    let estimates: Vec<Estimate> =
        kinds.iter().flat_map(|kind| kind.estimate(&inputs, class, &prices)).collect();
    let mut notes = estimate_notes::operation_notes(&plan, &inputs, &kinds);
    notes.extend(estimate_notes::class_note(&inputs, &estimates));
    notes.extend(estimate_notes::price_notes(args, &prices));
    if kinds.contains(&OperationKind::Copy) {
        notes.extend(class_note);
    }
    notes.extend(charges_omitted.map(|class| {
        format!(
            "The copies change the storage class to {}; update-encryption can't do that, so it is \
             not compared.",
            class.name()
        )
    }));
    if kinds.contains(&OperationKind::UpdateEncryption) {
        notes.extend(becomes_kms(&plan).map(|text| format!("For update-encryption: {text}.")));
    }
    let result = EstimateResult {
        plan: args.plan.to_string_lossy().into_owned(),
        prices: PriceList::new(&prices, args.prices.as_deref()),
        jobs: inputs.jobs,
        objects: inputs.objects_total(),
        bytes_objects: inputs.bytes_total(),
        is_versioned: inputs.is_versioned,
        estimates: estimates.iter().map(|estimate| EstimateView::new(estimate, chosen)).collect(),
        job_count: JobCount::new(inputs.jobs, &prices),
        listing: ListingCost::new(&plan, args.source_objects, &prices),
        warnings: notes,
    };
    print::print(&result, args.format)?;
    Ok(Exit::Done)
}

/// Refuses a bucket that would hold fewer objects than the plan, which is of its objects.
fn check_source_objects(given: Option<u64>, planned: u64) -> Result<(), CliError> {
    let Some(given) = given.filter(|given| *given < planned) else { return Ok(()) };
    Err(CliError::usage(format!(
        "--source-objects {given}: the plan alone has {}. What is meant are all objects of the \
         source bucket, selected or not: AWS bills a manifest that it makes by them",
        counted(planned, "object"),
    )))
}

/// What the jobs of a plan cost, in a sentence, at the prices that come with the program.
pub(super) fn one_line(plan: &Plan, out: &Location) -> Result<String, CliError> {
    let prices = prices(None, None)?;
    let inputs = inputs(plan);
    let head = format!(
        "Estimate: {} in {}",
        counted(inputs.objects_total(), "object"),
        counted(inputs.jobs, "job")
    );
    let fewer = match JobCount::new(inputs.jobs, &prices) {
        JobCount { cost_usd: Some(cost), one_job_cost_usd: Some(one), .. } if inputs.jobs > 1 => {
            format!(", {:.2} less in one job", cost.above(one))
        }
        _ => String::new(),
    };
    let rest = format!("`s3sieve estimate {}`", out.display());
    let Some(kind) = operation_of(plan)? else {
        // Of all operations, this one adds nothing to what Batch Operations asks.
        let fees = OperationKind::Lambda.estimate(&inputs, CopyClass::Keep, &prices);
        let cost = cost(least_and_most(&fees), true);
        return Ok(format!(
            "{head}: {cost}{fewer}; requests of the operation not included ({rest} has them)."
        ));
    };
    let estimates = kind.estimate(&inputs, class_of(plan).0, &prices);
    let is_all = |estimate: &Estimate| {
        estimate.charges_omitted.iter().all(|charge| *charge == Charge::Storage)
    };
    let at_least = if estimates.iter().all(is_all) { "" } else { "at least " };
    let cost = cost(least_and_most(&estimates), true);
    Ok(format!("{head}: {at_least}{cost}{fewer} ({}; {rest} has the rest).", kind.name()))
}

/// Over all ways of doing an operation.
fn least_and_most(estimates: &[Estimate]) -> (Usd, Usd) {
    let totals = || estimates.iter().map(|estimate| estimate::total(&estimate.once));
    let min = totals().map(|total| total.0).min().unwrap_or_default();
    (min, totals().map(|total| total.1).max().unwrap_or_default())
}

/// The prices of a Region: from a file, or those that come with the program.
fn prices(file: Option<&Path>, region: Option<&str>) -> Result<Prices, CliError> {
    let Some(path) = file else {
        return Prices::published(region.unwrap_or(REGION_DEFAULT)).map_err(|error| {
            CliError::usage(format!("--region: {error}; --prices FILE takes a list of your own"))
        });
    };
    let text = parameter_file::text(path)?;
    Prices::parse(&text, region).map_err(|error| CliError::prices(path, error))
}

/// What of a plan bears on its cost.
fn inputs(plan: &Plan) -> CostInputs {
    let lists_versions =
        |report: &plan::ReportSource| report.schema.iter().any(|c| c == "VersionId");
    CostInputs {
        jobs: plan.shards.len() as u64,
        classes: classes(plan),
        is_versioned: plan.reports.iter().any(lists_versions),
        untold: match (plan.limit, &plan.retry) {
            (Some(_), _) => UnknownSizes::Limit,
            (None, Some(_)) => UnknownSizes::Retry,
            (None, None) => UnknownSizes::Columns,
        },
    }
}

/// The objects by storage class: as they were counted, or else as their shards tell.
fn classes(plan: &Plan) -> BTreeMap<Option<StorageClass>, ClassFacts> {
    let mut classes: BTreeMap<Option<StorageClass>, ClassFacts> = BTreeMap::new();
    for counted in plan.totals.storage_classes.iter().flatten() {
        let class = counted.storage_class.as_deref().and_then(StorageClass::from_name);
        let sizes = counted.sizes.map(|sizes| SizeFacts {
            bytes: sizes.bytes_objects,
            objects_small: sizes.objects_below_128_kib,
            bytes_small: sizes.bytes_below_128_kib,
        });
        classes.insert(class, ClassFacts { objects: counted.objects, sizes });
    }
    if !classes.is_empty() {
        return classes;
    }
    for shard in &plan.shards {
        let of_class = classes.entry(class_of_shard(shard)).or_default();
        of_class.objects = of_class.objects.saturating_add(shard.objects);
    }
    classes
}

/// The storage class that all objects of a shard share, if the plan tells (`--split-by`).
fn class_of_shard(shard: &Shard) -> Option<StorageClass> {
    StorageClass::from_name(class::shared(&shard.split)?)
}

fn operation_of(plan: &Plan) -> Result<Option<OperationKind>, CliError> {
    let Some(operation) = &plan.operation else { return Ok(None) };
    let kind = OperationKind::from_name(&operation.name).ok_or_else(|| {
        CliError::usage(format!(
            "the plan is for the operation `{}`, which this program does not know: name another \
             with --operation",
            operation.name
        ))
    })?;
    Ok(Some(kind))
}

/// The class of copies, and what to know of it where it was not chosen.
fn class_of(plan: &Plan) -> (CopyClass, Option<String>) {
    if let Some(class) = plan.operation.as_ref().and_then(|operation| operation.storage_class) {
        return (class, None);
    }
    let note = "Copies are counted in STANDARD, the class of a copy that names none. \
                --storage-class names another, or `keep`.";
    (CopyClass::Of(StorageClass::Standard), Some(note.to_owned()))
}

/// The chosen operation, and what may do in its place.
fn kinds(chosen: Option<OperationKind>) -> Vec<OperationKind> {
    match chosen {
        None | Some(OperationKind::UpdateEncryption) => {
            vec![OperationKind::UpdateEncryption, OperationKind::Copy]
        }
        Some(OperationKind::Copy) => vec![OperationKind::Copy, OperationKind::UpdateEncryption],
        Some(kind) => vec![kind],
    }
}

/// The class of copies, where some object may be of another.
fn changed_class(inputs: &CostInputs, class: CopyClass) -> Option<StorageClass> {
    let CopyClass::Of(class) = class else { return None };
    inputs.classes.keys().any(|own| *own != Some(class)).then_some(class)
}

#[derive(Serialize)]
struct EstimateResult {
    plan: String,
    prices: PriceList,
    jobs: u64,
    objects: u64,
    bytes_objects: Option<u64>,
    is_versioned: bool,
    estimates: Vec<EstimateView>,
    job_count: JobCount,
    listing: ListingCost,
    warnings: Vec<String>,
}

/// Which prices were used.
#[derive(Serialize)]
struct PriceList {
    file: Option<PathBuf>,
    date: String,
    region: String,
    warnings: Vec<String>,
}

impl PriceList {
    fn new(prices: &Prices, file: Option<&Path>) -> Self {
        Self {
            file: file.map(Path::to_owned),
            date: prices.date.clone(),
            region: prices.region.clone(),
            warnings: prices.notes.clone(),
        }
    }
}

/// An estimate to be shown.
#[derive(Serialize)]
struct EstimateView {
    operation: &'static str,
    tier: Option<&'static str>,
    /// Whether it is what the plan or the command line asks for.
    is_chosen: bool,
    cost_min_usd: Usd,
    cost_max_usd: Usd,
    monthly_min_usd: Usd,
    monthly_max_usd: Usd,
    lines: Vec<ShownLine>,
    monthly_lines: Vec<ShownLine>,
    /// Charges that are not in the sums.
    charges_omitted: Vec<Charge>,
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct ShownLine {
    charge: Charge,
    storage_class: Option<StorageClass>,
    quantity: u64,
    quantity_unit: &'static str,
    price_min_usd: Price,
    price_max_usd: Price,
    price_for: &'static str,
    cost_min_usd: Usd,
    cost_max_usd: Usd,
    #[serde(skip)]
    is_bytes: bool,
}

impl EstimateView {
    fn new(estimate: &Estimate, chosen: Option<OperationKind>) -> Self {
        let (cost_min_usd, cost_max_usd) = estimate::total(&estimate.once);
        let (monthly_min_usd, monthly_max_usd) = estimate::total(&estimate.monthly);
        Self {
            operation: estimate.operation,
            tier: estimate.tier,
            is_chosen: chosen.is_some_and(|kind| kind.name() == estimate.operation),
            cost_min_usd,
            cost_max_usd,
            monthly_min_usd,
            monthly_max_usd,
            lines: estimate.once.iter().map(ShownLine::new).collect(),
            monthly_lines: estimate.monthly.iter().map(ShownLine::new).collect(),
            charges_omitted: estimate.charges_omitted.clone(),
            warnings: estimate.notes.clone(),
        }
    }

    /// What is paid once, for people.
    fn once(&self) -> String {
        if self.lines.is_empty() {
            return NOT_KNOWN.to_owned();
        }
        let known = cost((self.cost_min_usd, self.cost_max_usd), false);
        let charges_omitted =
            self.charges_omitted.iter().filter(|charge| **charge != Charge::Storage);
        charges_omitted.fold(known, |text, charge| format!("{text} + {}", charge.text()))
    }

    /// What is paid every month, for people.
    fn monthly(&self) -> String {
        if self.charges_omitted.contains(&Charge::Storage) {
            return NOT_KNOWN.to_owned();
        }
        cost((self.monthly_min_usd, self.monthly_max_usd), false)
    }

    fn name(&self) -> String {
        match self.tier {
            Some(tier) => format!("{}, {tier}", self.operation),
            None => self.operation.to_owned(),
        }
    }
}

impl ShownLine {
    fn new(line: &EstimateLine) -> Self {
        Self {
            charge: line.charge,
            storage_class: line.class,
            quantity: line.quantity,
            quantity_unit: line.per.piece(),
            price_min_usd: line.price_min,
            price_max_usd: line.price_max,
            price_for: line.per.text(),
            cost_min_usd: line.min(),
            cost_max_usd: line.max(),
            is_bytes: matches!(line.per, PriceUnit::Gb | PriceUnit::GbMonth),
        }
    }

    fn row(&self) -> Vec<Cell> {
        let what = match self.storage_class {
            Some(class) => format!("{}, {}", self.charge.text(), class.name()),
            None => self.charge.text().to_owned(),
        };
        let quantity = if self.is_bytes {
            Bytes(self.quantity).to_string()
        } else {
            Count(self.quantity).to_string()
        };
        let (min, max) = (self.price_min_usd, self.price_max_usd);
        let price = range(&min, &max, min == Price::ZERO && max > min);
        vec![
            Cell::new(format!("  {what}")),
            right(quantity),
            Cell::new(format!("{price} {}", self.price_for)),
            right(cost((self.cost_min_usd, self.cost_max_usd), false)),
        ]
    }
}

/// What the number of jobs costs.
#[derive(Serialize)]
struct JobCount {
    jobs: u64,
    cost_usd: Option<Usd>,
    one_job_cost_usd: Option<Usd>,
}

impl JobCount {
    fn new(jobs: u64, prices: &Prices) -> Self {
        Self {
            jobs,
            cost_usd: estimate::job_fees(jobs, prices),
            one_job_cost_usd: estimate::job_fees(1, prices),
        }
    }
}

/// What it costs to know the objects: by this plan's report, and by a manifest that AWS makes.
#[derive(Serialize)]
struct ListingCost {
    report_rows: u64,
    report_cost_usd: Option<Usd>,
    /// Whether the report may have more rows: those of the plan were not to be all (LIMIT), or
    /// data files were skipped.
    is_report_at_least: bool,
    source_objects: u64,
    /// Whether the bucket may hold more objects than that.
    is_at_least: bool,
    generated_manifest_cost_usd: Option<Usd>,
}

impl ListingCost {
    fn new(plan: &Plan, source_objects: Option<u64>, prices: &Prices) -> Self {
        let rows = plan.totals.rows;
        let objects = source_objects.unwrap_or(rows);
        Self {
            report_rows: rows,
            report_cost_usd: estimate::inventory(rows, prices),
            is_report_at_least: plan.limit.is_some() || !plan.files_skipped.is_empty(),
            source_objects: objects,
            is_at_least: source_objects.is_none(),
            generated_manifest_cost_usd: estimate::generated_manifest(objects, prices),
        }
    }
}

impl CommandResult for EstimateResult {
    const COMMAND: &'static str = "estimate";

    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let size = self.bytes_objects.map(|bytes| format!(" of {}", Bytes(bytes)));
        writeln!(
            out,
            "{}{} in {}, at prices of {} for {}.",
            counted(self.objects, "object"),
            size.unwrap_or_default(),
            counted(self.jobs, "job"),
            visible(&self.prices.date),
            visible(&self.prices.region),
        )?;
        writeln!(out, "\n{}", self.totals())?;
        for estimate in &self.estimates {
            writeln!(out, "\n{}", estimate.name())?;
            writeln!(out, "{}", table(estimate))?;
        }
        writeln!(out)?;
        self.alternatives(out)?;
        let mut told: Vec<&String> = Vec::new();
        let of_estimates = self.estimates.iter().flat_map(|estimate| &estimate.warnings);
        for note in self.warnings.iter().chain(of_estimates) {
            if !told.contains(&note) {
                writeln!(out, "note: {}", visible(note))?;
                told.push(note);
            }
        }
        Ok(())
    }
}

impl EstimateResult {
    fn totals(&self) -> Table {
        let mut table = print::table();
        table.set_header([Cell::new("operation"), right("once"), right("every month")]);
        for estimate in &self.estimates {
            table.add_row([
                Cell::new(estimate.name()),
                right(estimate.once()),
                right(estimate.monthly()),
            ]);
        }
        terminal::keep_words(&mut table);
        table
    }

    fn alternatives(&self, out: &mut dyn Write) -> io::Result<()> {
        let count = &self.job_count;
        let jobs = counted(count.jobs, "job");
        match count.jobs {
            0 => writeln!(out, "The plan holds no objects: there is no job to pay for.")?,
            1 => writeln!(
                out,
                "Jobs: 1 job, {}; each more would add {}.",
                amount(count.cost_usd),
                amount(count.one_job_cost_usd)
            )?,
            _ => writeln!(
                out,
                "Jobs: {jobs}, {}; one job would cost {}. `filter --jobs` and --max-objects set \
                 the number.",
                amount(count.cost_usd),
                amount(count.one_job_cost_usd),
            )?,
        }
        let list = &self.listing;
        let more = if list.is_at_least { ", more if it holds more (--source-objects)" } else { "" };
        let rows = counted(list.report_rows, "row");
        let (at_least, rows) = if list.is_report_at_least {
            ("at least ", format!("the {rows} that were read"))
        } else {
            ("", rows)
        };
        writeln!(
            out,
            "List: this report, {at_least}{} for {rows}; a manifest made by AWS, {} for {} in the \
             bucket{more}.",
            amount(list.report_cost_usd),
            amount(list.generated_manifest_cost_usd),
            counted(list.source_objects, "object"),
        )
    }
}

fn table(estimate: &EstimateView) -> Table {
    let mut table = print::table();
    for line in estimate.lines.iter().chain(&estimate.monthly_lines) {
        table.add_row(line.row());
    }
    terminal::keep_words(&mut table);
    table
}

fn right(text: impl ToString) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

/// An amount, or that it is not known.
fn amount(usd: Option<Usd>) -> String {
    usd.map_or_else(|| NOT_KNOWN.to_owned(), |usd| usd.to_string())
}

/// An amount that lies between two; to the cent, if asked.
fn cost((min, max): (Usd, Usd), to_the_cent: bool) -> String {
    let shown = |usd: Usd| if to_the_cent { format!("{usd:.2}") } else { usd.to_string() };
    range(&shown(min), &shown(max), min == Usd::default() && max > min)
}

/// `A`, `A to B`, or `up to B` where A is nothing.
fn range<T: ToString>(min: &T, max: &T, is_from_nothing: bool) -> String {
    let (min, max) = (min.to_string(), max.to_string());
    if is_from_nothing {
        return format!("up to {max}");
    }
    if min == max { min } else { format!("{min} to {max}") }
}
