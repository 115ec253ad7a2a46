//! A part of a plan: the rows of some data files, made by whoever comes first.
//!
//! It has manifests and excluded rows as a plan has them, and a `part.json`, which no command takes
//! for a plan: `merge` makes the plan of all parts. What all parts must have in common stands in
//! `partitions.json`.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use serde_json::Value;

use super::filter::{self, FilterOutput};
use super::options::{Emit, FilterOptions};
use super::part_document::{COMMAND, PlanPart, PlanPins};
use super::part_place::PartPlace;
use super::resolve::ResolvedFilter;
use super::{Plan, PlanError};
use crate::diagnostic::parameter::{EMIT, FORCE, JOBS};
use crate::parts::{CommitOutcome, PartNumber, PartsError, PartsFolder};
use crate::read::{ReportSet, RunControl, ScanError};
use crate::threads::{self, LoopTurn};

/// Parts that are made at the same time on one machine. Two: when one begins or ends, the other one
/// is in its middle, as a rule; more would take more memory.
const PARTS_AT_ONCE: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1);

/// What an attempt at a part came to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PartOutcome {
    /// What the part says of its rows.
    pub(crate) plan: Plan,
    /// Whether the part was there already.
    pub(crate) found: bool,
}

/// Makes one part of a plan: filters the data files that were opened for it. A part that is there
/// already stays, without a scan.
///
/// # Errors
/// As [`filter`](super::filter); when the options are not for parts, or the folder holds parts of
/// something else, or another part.
pub(crate) fn filter_part(
    opened: &ReportSet,
    options: &FilterOptions,
    part: PartNumber,
    control: RunControl<'_>,
) -> Result<PartOutcome, PlanError> {
    match scan_part(opened, options, part, control)? {
        PartScan::Found(outcome) => Ok(*outcome),
        PartScan::Scanned(scanned) => scanned.commit(control),
    }
}

/// Makes all parts of a plan on this machine, as workers elsewhere would. `opened` has the data
/// files of the whole report.
///
/// While one part begins, ends, or waits for the disk, another one is read: two are made at a time,
/// each by half of the threads.
///
/// # Errors
/// As [`filter_part`].
pub(crate) fn filter_parts(
    opened: &ReportSet,
    options: &FilterOptions,
    parts: u32,
    control: RunControl<'_>,
) -> Result<(), PlanError> {
    let threads = options.scan.threads;
    let at_once =
        threads.min(PARTS_AT_ONCE).min(NonZeroUsize::new(parts as usize).unwrap_or(threads));
    let next = AtomicU32::new(0);
    let make = |place: &usize, turn: &LoopTurn<'_>| {
        let (mut own, mut options) = (opened.clone(), options.clone());
        let share = (threads.get() + place) / at_once.get();
        options.scan.threads = NonZeroUsize::new(share).unwrap_or(NonZeroUsize::MIN);
        options.memory_bytes = options.memory_bytes.map(|bytes| bytes / at_once);
        let scan = || {
            while !turn.is_void() {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Ok(part) = PartNumber::new(number, parts) else { break };
                own.take_part(part, &opened.inputs);
                if let PartScan::Scanned(scanned) = scan_part(&own, &options, part, control)? {
                    return Ok(Some(scanned));
                }
            }
            Ok(None)
        };
        let commit = |scanned: Box<ScannedPart>| scanned.commit(control).map(|_| ());
        threads::one_behind("commit", scan, commit)
    };
    let places: Vec<usize> = (0..at_once.get()).collect();
    let made = threads::in_order(at_once, "part", &places, make);
    made.map_err(ScanError::Thread)?.map(|_| ())
}

/// What is in the way of a part in S3 is of another run, which other options don't mend.
fn in_the_way(error: PlanError) -> PlanError {
    match error {
        PlanError::Overtaken { path } => {
            let what = "another attempt has made it, with other rows".to_owned();
            PartsError::Misfit { path, what }.into()
        }
        PlanError::OtherContent { path, what } => PartsError::Misfit { path, what }.into(),
        error => error,
    }
}

fn as_value(pins: &PlanPins, folder: &PartsFolder) -> Result<Value, PlanError> {
    let at = PlanError::at(folder.partitions());
    serde_json::to_value(pins).map_err(|error| at(error.into()))
}

/// What only a plan as a whole can have.
fn refuse_unfit(resolved: &ResolvedFilter, options: &FilterOptions) -> Result<(), PlanError> {
    let refused = |what: &str, why, remedy: &str| {
        let (what, remedy) = (what.to_owned(), remedy.to_owned());
        Err(PlanError::NotForParts { what, why, remedy })
    };
    if resolved.limit.is_some() {
        return refused(
            "LIMIT",
            "which rows come first is known only when all are found",
            "leave it out, or make the plan as a whole",
        );
    }
    if options.bounds.jobs.is_some() {
        return refused(
            &JOBS.to_string(),
            "how many rows there are is known only when all parts are made",
            "give bounds instead, which hold for each part",
        );
    }
    if options.emit != Emit::Csv {
        return refused(
            &EMIT.to_string(),
            "inventory reports of parts can't be merged yet",
            "leave it out, or make the plan as a whole",
        );
    }
    if options.force {
        return refused(
            &FORCE.to_string(),
            "a part is never replaced, for other workers may rely on it",
            "leave it out, and choose another folder for another question",
        );
    }
    Ok(())
}

/// What came of reading the files of a part.
enum PartScan {
    /// The part was there.
    Found(Box<PartOutcome>),
    /// It is whole, and has to be committed.
    Scanned(Box<ScannedPart>),
}

/// Filters the data files of a part, unless it is there.
fn scan_part(
    opened: &ReportSet,
    options: &FilterOptions,
    part: PartNumber,
    control: RunControl<'_>,
) -> Result<PartScan, PlanError> {
    let resolved = filter::resolve(opened, options)?;
    refuse_unfit(&resolved, options)?;
    let folder = PartsFolder::new(&options.out);
    let pins = PlanPins::new(opened, &resolved, options, part);
    folder.pin(&as_value(&pins, &folder)?)?;
    let slot = PartSlot { folder, pins, part, first_file: opened.range.start as u64 };
    if let Some(found) = slot.found()? {
        return Ok(PartScan::Found(Box::new(found)));
    }
    match slot.scan(opened, options, &resolved, control) {
        Ok((place, part)) => Ok(PartScan::Scanned(Box::new(ScannedPart { slot, place, part }))),
        Err(error) => {
            slot.found_after(error, control).map(|found| PartScan::Found(Box::new(found)))
        }
    }
}

/// The place of a part among the others.
struct PartSlot {
    folder: PartsFolder,
    pins: PlanPins,
    part: PartNumber,
    /// The place of the first data file of the part in the report.
    first_file: u64,
}

impl PartSlot {
    /// The part, if it is there; what other attempts at it left goes then.
    fn found(&self) -> Result<Option<PartOutcome>, PlanError> {
        let Some(part) = self.there()? else { return Ok(None) };
        self.folder.clear_attempts(Some(self.part));
        Ok(Some(PartOutcome { plan: part.plan, found: true }))
    }

    /// The part, where an attempt failed: whoever made it first may have cleared this attempt away.
    fn found_after(
        &self,
        error: PlanError,
        control: RunControl<'_>,
    ) -> Result<PartOutcome, PlanError> {
        let is_cleared = matches!(
            &error,
            PlanError::Io { .. } | PlanError::Parts(PartsError::Io { .. }) | PlanError::Scan(_)
        );
        if !is_cleared || control.stop.load(Ordering::Relaxed) {
            return Err(in_the_way(error));
        }
        self.found()?.ok_or(error)
    }

    /// The part that is there.
    fn there(&self) -> Result<Option<PlanPart>, PlanError> {
        let number = self.part.number();
        let Some(text) = self.folder.document(number)? else { return Ok(None) };
        let part = PlanPart::parsed(&text).and_then(|part| {
            part.misfit(&self.pins, number, self.first_file).map_or(Ok(part), Err)
        });
        part.map(Some).map_err(|what| self.misfit(what))
    }

    fn misfit(&self, what: String) -> PlanError {
        PartsError::Misfit { path: self.folder.part(self.part.number()), what }.into()
    }

    fn scan(
        &self,
        opened: &ReportSet,
        options: &FilterOptions,
        resolved: &ResolvedFilter,
        control: RunControl<'_>,
    ) -> Result<(PartPlace, PlanPart), PlanError> {
        let begun = Instant::now();
        let place = PartPlace::create(&self.folder, self.part, resolved.is_latest.is_some())?;
        let output =
            FilterOutput { folders: place.folders(), places: &place.places, is_part: true };
        let outcome = filter::run(opened, resolved, options, control, output)?;
        let undecided = outcome.totals.undecided;
        let ground = &self.pins.question.warnings;
        let (mut plan, counts) = filter::describe(opened, resolved, options, ground, outcome);
        plan.totals.seconds = begun.elapsed().as_secs_f64();
        let PlanPins { version, partitions, .. } = self.pins;
        let (partition, command) = (self.part.number(), COMMAND.to_owned());
        let part = PlanPart { version, command, partition, partitions, counts, undecided, plan };
        Ok((place, part))
    }

    /// Makes it the part, unless another attempt did.
    fn commit(
        &self,
        place: PartPlace,
        part: &PlanPart,
        control: RunControl<'_>,
    ) -> Result<bool, PlanError> {
        let found = match place.commit(part, control.stop)? {
            CommitOutcome::Made => false,
            CommitOutcome::Found => {
                let there = self.there()?;
                if !there.is_some_and(|there| there.is_same_as(part)) {
                    let what = "another attempt at it has found other rows, or counted otherwise";
                    return Err(self.misfit(what.to_owned()));
                }
                true
            }
        };
        Ok(found)
    }
}

/// A part whose files are whole, but not committed yet.
struct ScannedPart {
    slot: PartSlot,
    place: PartPlace,
    part: PlanPart,
}

impl ScannedPart {
    /// Makes it the part, unless that is there by now.
    fn commit(self, control: RunControl<'_>) -> Result<PartOutcome, PlanError> {
        let Self { slot, place, part } = self;
        match slot.commit(place, &part, control) {
            Ok(found) => Ok(PartOutcome { plan: part.plan, found }),
            Err(error) => slot.found_after(error, control),
        }
    }
}
