//! Looking objects up: which rows of reports are of a set of objects, and what is true of them.
//!
//! Never knows why: it is told what to ask of a row, and leaves marks in the set.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::Projection;
use super::objects::ObjectSet;
use super::run::{OutputBuffering, RowQuery, Scan, ScannedSink, run};
use super::unreadable::{OnUnreadable, UnreadableNotes, unsettled_values};
use crate::engine::{Emitter, TaskError};
use crate::predicate::Matcher;
use crate::read::{
    DataError, Input, ReadColumns, ReportSet, RowVisitor, RunControl, ScanError, ScanOptions,
    Scanned, TaskOrder, TaskPlan, VisitResult,
};
use crate::report::Schema;
use crate::values::Row;

/// What to ask of the rows of one report about the objects of a set.
#[derive(Debug, Clone)]
pub(crate) struct Probe {
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

impl Probe {
    /// What is looked at of a row.
    fn columns(&self) -> ReadColumns {
        let Projection { bucket, key, version } = self.projection;
        let mut fields = vec![bucket, key];
        fields.extend(version);
        for (matcher, _) in &self.marks {
            matcher.add_columns(&mut fields);
        }
        ReadColumns::new(&self.schema, &self.among, fields)
    }
}

/// Objects with certain marks, as a condition on rows.
#[derive(Debug, Clone)]
pub(crate) struct ObjectFilter {
    /// All objects that were looked up.
    pub objects: Arc<ObjectSet>,
    /// Marks that one must have.
    pub all_of: u8,
    /// Marks that it must not have.
    pub none_of: u8,
    /// Whether an object was looked up by its version, too.
    pub is_versioned: bool,
}

impl ObjectFilter {
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
pub(crate) fn probe(
    opened: &ReportSet,
    objects: &ObjectSet,
    probes: &[Probe],
    options: ScanOptions,
    control: RunControl<'_>,
) -> Result<Scanned, ScanError> {
    let inputs = opened.inputs.as_slice();
    let scan = Scan { inputs, tasks: &TaskPlan::new(inputs, TaskOrder::Report), options, control };
    let make_query = || ProbeQuery { probes: probes.to_vec(), objects, line: Vec::new() };
    let mut total = ScannedSink::default();
    run(scan, &OutputBuffering::default(), make_query, &mut total)?;
    Ok(total.scanned)
}

struct ProbeQuery<'a> {
    /// For each report. This worker's own: a matcher has scratch space.
    probes: Vec<Probe>,
    objects: &'a ObjectSet,
    line: Vec<u8>,
}

impl RowQuery for ProbeQuery<'_> {
    type Summary = Scanned;
    type Visitor<'v>
        = ProbeVisitor<'v>
    where
        Self: 'v;

    fn columns(&self) -> Vec<ReadColumns> {
        self.probes.iter().map(Probe::columns).collect()
    }

    fn visitor<'v>(
        &'v mut self,
        report: usize,
        _: &'v Emitter<'v, Scanned, DataError>,
    ) -> ProbeVisitor<'v> {
        let probe = &mut self.probes[report];
        ProbeVisitor {
            unreadable: UnreadableNotes::new(OnUnreadable::FailForGood, &probe.schema),
            probe,
            objects: self.objects,
            line: &mut self.line,
        }
    }

    fn finish(
        _: ProbeVisitor<'_>,
        scanned: Scanned,
        _: &[Input],
    ) -> Result<Scanned, TaskError<DataError>> {
        Ok(scanned)
    }
}

struct ProbeVisitor<'a> {
    probe: &'a mut Probe,
    objects: &'a ObjectSet,
    line: &'a mut Vec<u8>,
    /// Nothing is verified by values that can't be read: the first that decides ends the run.
    unreadable: UnreadableNotes,
}

impl RowVisitor for ProbeVisitor<'_> {
    #[inline]
    fn row<R: Row>(&mut self, row: &R) -> VisitResult {
        let matches = self.probe.among.matches(row);
        if self.probe.among.met_unreadable() {
            let values = unsettled_values(&mut self.probe.among, row);
            return self.unsettled(row, &values, matches);
        }
        if !matches {
            return Ok(ControlFlow::Continue(()));
        }
        self.matched(row)
    }

    #[inline]
    fn matched<R: Row>(&mut self, row: &R) -> VisitResult {
        let line = written(row, self.probe.projection, self.line);
        if let Some(slot) = self.objects.find(line) {
            let mut marks = self.probe.seen;
            for (matcher, mark) in &mut self.probe.marks {
                if matcher.matches(row) {
                    marks |= *mark;
                }
                if matcher.met_unreadable() {
                    self.unreadable.decide(matcher, row)?;
                }
            }
            self.objects.mark(slot, marks);
        }
        Ok(ControlFlow::Continue(()))
    }

    #[cold]
    fn unsettled<R: Row>(
        &mut self,
        row: &R,
        values: &[(usize, Vec<u8>)],
        matches: bool,
    ) -> VisitResult {
        let line = written(row, self.probe.projection, self.line);
        if self.objects.find(line).is_some() {
            for (column, value) in values {
                self.unreadable.decides(*column, value)?;
            }
        }
        if matches { self.matched(row) } else { Ok(ControlFlow::Continue(())) }
    }
}
