//! Values that can't be read: one that decides about a row ends the run, or is counted where the
//! run is to go on; one that would only be added up is counted.
//!
//! Counts are by column, each row once, with the first such value in report order: a task keeps its
//! own, and tasks are added up in order. A task's first value is known when it is met, but not the
//! number of its record: the visitor breaks off there, and the scanner tells it
//! ([`crate::read::RowVisitor::at_record`]). So rows that can be read pay nothing.

use std::ops::ControlFlow;

use crate::engine::TaskError;
use crate::predicate::Matcher;
use crate::read::{DataErrorKind, Input};
use crate::report::{Schema, is_same_column};
use crate::source::Location;
use crate::values::Row;

/// Characters of a value that are repeated: a date in any form, and some more.
const EXAMPLE_CHARS_MAX: usize = 60;

/// Rows whose value in a column can't be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableColumn {
    /// The column, as the report spells it.
    pub column: String,
    /// How many rows.
    pub rows: u64,
    /// The first of these values in report order; its beginning, where it is long.
    pub example: String,
    /// The data file that it is in.
    pub file: Location,
    /// The number of its record there, from 1.
    pub record: u64,
}

/// Adds the columns of later files to those of earlier ones. Reports may spell a column in several
/// ways: it stands under the first.
pub(super) fn add_unreadable(columns: &mut Vec<UnreadableColumn>, later: Vec<UnreadableColumn>) {
    for new in later {
        match columns.iter_mut().find(|known| is_same_column(&known.column, &new.column)) {
            Some(known) => known.rows += new.rows,
            None => columns.push(new),
        }
    }
}

/// What becomes of a value that can't be read and decides about a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnUnreadable {
    /// It ends the run, unless bad files are skipped.
    Fail,
    /// It ends the run, and there is no way on.
    FailForGood,
    /// It counts as NULL.
    GoOn,
}

impl OnUnreadable {
    pub(super) fn new(keep_going: bool) -> Self {
        if keep_going { Self::GoOn } else { Self::Fail }
    }

    /// For rows of certain objects alone: verifying a plan reads them, and it can't skip bad files.
    pub(super) fn for_verify(self) -> Self {
        if self == Self::Fail { Self::FailForGood } else { self }
    }
}

/// What was met in the task at hand.
pub(super) struct UnreadableNotes {
    on_unreadable: OnUnreadable,
    schema: Schema,
    notes: Vec<UnreadableNote>,
    /// The columns that were noted of the row at hand.
    row: Vec<usize>,
    /// Whether such a value decided about the row at hand.
    row_decided: bool,
    /// Rows about which such values decided.
    decided: u64,
    /// The input at hand.
    file: usize,
}

struct UnreadableNote {
    column: usize,
    rows: u64,
    example: String,
    file: usize,
    /// 0 until it is known.
    record: u64,
}

impl UnreadableNotes {
    pub(super) fn new(on_unreadable: OnUnreadable, schema: &Schema) -> Self {
        let (notes, row, schema) = (Vec::new(), Vec::new(), schema.clone());
        Self { on_unreadable, schema, notes, row, row_decided: false, decided: 0, file: 0 }
    }

    /// Says which input the rows to come are of.
    pub(super) fn begin(&mut self, file: usize) {
        self.file = file;
    }

    /// A value that can't be read, and decides about the row.
    ///
    /// # Errors
    /// When that ends the run. Its record is counted from where the row was found.
    #[cold]
    pub(super) fn decides(
        &mut self,
        column: usize,
        value: &[u8],
    ) -> Result<(), TaskError<DataErrorKind>> {
        if self.on_unreadable != OnUnreadable::GoOn {
            let column = &self.schema.columns()[column];
            return Err(TaskError::Failed(DataErrorKind::Unreadable {
                record: 0,
                column: column.name.clone(),
                kind: column.kind,
                value: beginning(value),
                can_go_on: self.on_unreadable == OnUnreadable::Fail,
            }));
        }
        self.row_decided = true;
        self.counts(column, value);
        Ok(())
    }

    /// The values of a row that leave open what a test, of a rule say, is true of; gives their
    /// columns. To be asked where the test met a value that can't be read.
    ///
    /// # Errors
    /// As for [`UnreadableNotes::decides`].
    #[cold]
    pub(super) fn decide(
        &mut self,
        test: &mut Matcher,
        row: &impl Row,
    ) -> Result<Vec<usize>, TaskError<DataErrorKind>> {
        let columns = test.unsettled(row);
        for column in &columns {
            self.decides(*column, row.field(*column))?;
        }
        Ok(columns)
    }

    /// A value that can't be read, and would only have been added up or shown.
    #[cold]
    pub(super) fn counts(&mut self, column: usize, value: &[u8]) {
        if self.row.contains(&column) {
            return;
        }
        self.row.push(column);
        match self.notes.iter_mut().find(|note| note.column == column) {
            Some(note) => note.rows += 1,
            None => self.notes.push(UnreadableNote {
                column,
                rows: 1,
                example: beginning(value),
                file: self.file,
                record: 0,
            }),
        }
    }

    /// Whether nothing was noted of the row at hand.
    #[inline]
    pub(super) fn is_silent(&self) -> bool {
        self.row.is_empty()
    }

    /// Ends a row of which something was noted; `Break` where its record's number is wanted.
    #[cold]
    pub(super) fn end_row(&mut self) -> ControlFlow<()> {
        self.row.clear();
        self.decided += u64::from(std::mem::take(&mut self.row_decided));
        match self.notes.iter().any(|note| note.record == 0) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    /// Takes the number of the record of the row that ended last.
    pub(super) fn at_record(&mut self, record: u64) {
        for note in self.notes.iter_mut().filter(|note| note.record == 0) {
            note.record = record;
        }
    }

    /// What was noted, and of how many rows it decided.
    pub(super) fn finish(self, inputs: &[Input]) -> (Vec<UnreadableColumn>, u64) {
        let column = |note: UnreadableNote| UnreadableColumn {
            column: self.schema.columns()[note.column].name.clone(),
            rows: note.rows,
            example: note.example,
            file: inputs[note.file].path.clone(),
            record: note.record,
        };
        (self.notes.into_iter().map(column).collect(), self.decided)
    }
}

/// The values by which it is open whether a row matches, with their columns.
#[cold]
pub(super) fn unsettled_values(matcher: &mut Matcher, row: &impl Row) -> Vec<(usize, Vec<u8>)> {
    let columns = matcher.unsettled(row);
    columns.into_iter().map(|column| (column, row.field(column).to_vec())).collect()
}

fn beginning(value: &[u8]) -> String {
    String::from_utf8_lossy(value).chars().take(EXAMPLE_CHARS_MAX).collect()
}
