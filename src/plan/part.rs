//! A part of a plan: the rows of some data files, made by whoever comes first.
//!
//! It has manifests and excluded rows as a plan has them, and a `part.json`, which no command takes
//! for a plan: `merge` makes the plan of all parts. What all parts must have in common stands in
//! `partitions.json`.

use std::sync::atomic::Ordering;
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
use crate::read::{ReportSet, RunControl};

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
    let resolved = filter::resolve(opened, options)?;
    refuse_unfit(&resolved, options)?;
    let folder = PartsFolder::new(&options.out);
    let pins = PlanPins::new(opened, &resolved, options, part);
    folder.pin(&as_value(&pins, &folder)?)?;
    let making = Making { opened, options, resolved, folder, pins, part };
    if let Some(found) = making.found()? {
        return Ok(found);
    }
    let made = making.make(control).map_err(in_the_way);
    match made {
        // Whoever made the part first may have cleared this attempt away.
        Err(error) if !control.stop.load(Ordering::Relaxed) => making.found()?.ok_or(error),
        made => made,
    }
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

/// A part that is to be made.
struct Making<'a> {
    opened: &'a ReportSet,
    options: &'a FilterOptions,
    resolved: ResolvedFilter,
    folder: PartsFolder,
    pins: PlanPins,
    part: PartNumber,
}

impl Making<'_> {
    /// The part, if it is there; what other attempts at it left goes then.
    fn found(&self) -> Result<Option<PartOutcome>, PlanError> {
        let Some(part) = self.there()? else { return Ok(None) };
        self.folder.clear_attempts(Some(self.part));
        Ok(Some(PartOutcome { plan: part.plan, found: true }))
    }

    /// The part that is there.
    fn there(&self) -> Result<Option<PlanPart>, PlanError> {
        let number = self.part.number();
        let Some(text) = self.folder.document(number)? else { return Ok(None) };
        let first_file = self.opened.range.start as u64;
        let part = PlanPart::parsed(&text)
            .and_then(|part| part.misfit(&self.pins, number, first_file).map_or(Ok(part), Err));
        part.map(Some).map_err(|what| self.misfit(what))
    }

    fn misfit(&self, what: String) -> PlanError {
        PartsError::Misfit { path: self.folder.part(self.part.number()), what }.into()
    }

    fn make(&self, control: RunControl<'_>) -> Result<PartOutcome, PlanError> {
        let begun = Instant::now();
        let Self { opened, options, resolved, .. } = self;
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
        let found = match place.commit(&part, control.stop)? {
            CommitOutcome::Made => false,
            CommitOutcome::Found => {
                let there = self.there()?;
                if !there.is_some_and(|there| there.is_same_as(&part)) {
                    let what = "another attempt at it has found other rows, or counted otherwise";
                    return Err(self.misfit(what.to_owned()));
                }
                true
            }
        };
        self.folder.clear_attempts(Some(self.part));
        Ok(PartOutcome { plan: part.plan, found })
    }
}
