//! Looking objects up: which rows of reports are of a set of objects, and what is true of them.
//!
//! Never knows why: it is told what to ask of a row, and leaves marks in the set.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::batch::Batches;
use super::csv::stopped;
use super::objects::ObjectSet;
use super::scanner::{Scanner, Shared, Visitor};
use super::tally::{Total, tally};
use super::unreadable::{OnUnreadable, UnreadableNotes, unsettled_values};
use super::wanted::Wanted;
use super::{
    Control, DataError, DataErrorKind, Input, Opened, Projection, ScanError, Scanned, Settings,
};
use crate::engine::{Outlet, TaskError, Worker};
use crate::predicate::{Matcher, Row};
use crate::report::Schema;

/// What to ask of the rows of one report.
#[derive(Debug, Clone)]
pub struct Lookup {
    /// The columns of every row.
    pub schema: Schema,
    /// Which rows can be of the set at all.
    pub among: Matcher,
    /// How an object of the set is written.
    pub projection: Projection,
    /// What marks an object has where this is true of its row.
    pub marks: Vec<(Matcher, u8)>,
    /// The marks of every object that has a row.
    pub seen: u8,
}

impl Lookup {
    /// What is looked at of a row.
    fn wanted(&self) -> Wanted {
        let Projection { bucket, key, version } = self.projection;
        let mut fields = vec![bucket, key];
        fields.extend(version);
        for (matcher, _) in &self.marks {
            matcher.add_columns(&mut fields);
        }
        Wanted::new(&self.schema, &self.among, fields)
    }
}

/// Objects with certain marks, as a condition on rows.
#[derive(Debug, Clone)]
pub struct Among {
    /// All objects that were looked up.
    pub objects: Arc<ObjectSet>,
    /// Marks that one must have.
    pub all_of: u8,
    /// Marks that it must not have.
    pub none_of: u8,
    /// Whether an object was looked up by its version, too.
    pub is_versioned: bool,
}

impl Among {
    /// Whether the object of a row is one of them. `projection` writes as manifests are written;
    /// `line` is space to do it in.
    pub(super) fn holds<R: Row + ?Sized>(
        &self,
        row: &R,
        projection: Projection,
        line: &mut Vec<u8>,
    ) -> bool {
        let version = projection.version.filter(|_| self.is_versioned);
        self.objects.find(written(row, Projection { version, ..projection }, line)).is_some_and(
            |slot| {
                let marks = self.objects.marks(slot);
                marks & self.all_of == self.all_of && marks & self.none_of == 0
            },
        )
    }
}

/// A row's line in a manifest, without its line feed.
fn written<'a, R: Row + ?Sized>(
    row: &R,
    projection: Projection,
    line: &'a mut Vec<u8>,
) -> &'a [u8] {
    line.clear();
    projection.write(row, line);
    line.pop();
    line
}

/// Marks the objects of a set by what the rows of reports say of them.
///
/// # Errors
/// When a file is bad, or the run is interrupted.
pub fn look_up(
    opened: &Opened,
    objects: &ObjectSet,
    lookups: &[Lookup],
    settings: Settings,
    control: Control<'_>,
) -> Result<Scanned, ScanError> {
    let inputs = opened.inputs.as_slice();
    let shared = Shared::new(inputs, settings);
    let batches = &Batches::new(inputs);
    let make_worker = || Finder {
        scanner: Scanner::new(settings, control, &shared),
        inputs,
        batches,
        wanted: lookups.iter().map(Lookup::wanted).collect(),
        lookups: lookups.to_vec(),
        objects,
        line: Vec::new(),
    };
    let mut total = Total::default();
    tally(batches, settings, control, false, make_worker, &mut total)?;
    Ok(total.scanned)
}

/// The worker.
struct Finder<'a> {
    scanner: Scanner<'a>,
    inputs: &'a [Input],
    batches: &'a Batches,
    /// For each report. This worker's own: a matcher has scratch space.
    lookups: Vec<Lookup>,
    wanted: Vec<Wanted>,
    objects: &'a ObjectSet,
    line: Vec<u8>,
}

impl Worker for Finder<'_> {
    type Summary = Scanned;
    type Error = DataError;

    fn run(
        &mut self,
        task: usize,
        outlet: &Outlet<'_, Self>,
    ) -> Result<Scanned, TaskError<DataError>> {
        let batch = self.batches.get(task);
        let report = self.inputs[batch.files.start].report;
        let (lookup, wanted) = (&mut self.lookups[report], &mut self.wanted[report]);
        let schema = wanted.schema.clone();
        let mut rows = Rows {
            lookup,
            objects: self.objects,
            line: &mut self.line,
            outlet,
            unreadable: UnreadableNotes::new(OnUnreadable::FailForGood, &schema),
            failure: None,
        };
        self.scanner.scan(self.inputs, batch, wanted, &mut rows)
    }
}

/// Looks at the rows of one batch.
struct Rows<'a, 'b, 'c> {
    lookup: &'a mut Lookup,
    objects: &'a ObjectSet,
    line: &'a mut Vec<u8>,
    outlet: &'a Outlet<'b, Finder<'c>>,
    /// Nothing is proven by values that can't be read: the first that decides ends the run.
    unreadable: UnreadableNotes<'a>,
    failure: Option<TaskError<DataErrorKind>>,
}

impl Visitor for Rows<'_, '_, '_> {
    #[inline]
    fn row<R: Row>(&mut self, row: &R) -> ControlFlow<()> {
        let matches = self.lookup.among.matches(row);
        if self.lookup.among.met_unreadable() {
            let values = unsettled_values(&mut self.lookup.among, row);
            return self.unsettled(row, &values, matches);
        }
        if !matches {
            return ControlFlow::Continue(());
        }
        self.matched(row)
    }

    #[inline]
    fn matched<R: Row>(&mut self, row: &R) -> ControlFlow<()> {
        let line = written(row, self.lookup.projection, self.line);
        if let Some(slot) = self.objects.find(line) {
            let mut marks = self.lookup.seen;
            for (matcher, mark) in &mut self.lookup.marks {
                if matcher.matches(row) {
                    marks |= *mark;
                }
                if matcher.met_unreadable()
                    && let Err(failure) = self.unreadable.decide(matcher, row)
                {
                    self.failure = Some(failure);
                    return ControlFlow::Break(());
                }
            }
            self.objects.mark(slot, marks);
        }
        ControlFlow::Continue(())
    }

    #[cold]
    fn unsettled<R: Row>(
        &mut self,
        row: &R,
        values: &[(usize, Vec<u8>)],
        matches: bool,
    ) -> ControlFlow<()> {
        let line = written(row, self.lookup.projection, self.line);
        if self.objects.find(line).is_some() {
            let decides =
                |(column, value): &(usize, Vec<u8>)| self.unreadable.decides(*column, value).err();
            self.failure = values.iter().find_map(decides);
            if self.failure.is_some() {
                return ControlFlow::Break(());
            }
        }
        if matches { self.matched(row) } else { ControlFlow::Continue(()) }
    }

    fn verdict(&mut self) -> Result<(), TaskError<DataErrorKind>> {
        match self.failure.take() {
            Some(failure) => Err(failure),
            None => self.outlet.check().map_err(stopped),
        }
    }
}
