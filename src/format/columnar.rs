//! What column formats have in common: columns that are read from front to back, run by run.
//!
//! Never knows files, paths, or which rows are wanted.

use std::fmt;
use std::io;

use super::buffer_pool::BufferPool;
use super::ranges::Ranges;
use crate::values::{ColumnStatistics, ColumnValues, Span};

/// A data file in a column format that can't be read, or not as its report says.
#[derive(Debug, thiserror::Error)]
pub enum ColumnarError {
    /// The file could not be read.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// The file is damaged, or in a form that is not read.
    #[error("{place}{fault}")]
    Fault {
        /// Where.
        place: FilePosition,
        /// What is wrong, and what to do.
        fault: String,
    },
}

/// Where in a file something is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FilePosition {
    /// The row group or stripe, from 0.
    pub group: Option<usize>,
    /// The column.
    pub column: Option<String>,
    /// The byte of the file, from 0; the fault is there or a little after it.
    pub byte: Option<u64>,
}

impl fmt::Display for FilePosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut between = "";
        if let Some(group) = self.group {
            write!(f, "group {group}")?;
            between = ", ";
        }
        if let Some(column) = &self.column {
            write!(f, "{between}column {column}")?;
            between = ", ";
        }
        if let Some(byte) = self.byte {
            write!(f, "{between}byte {byte}")?;
            between = ", ";
        }
        if between.is_empty() { Ok(()) } else { f.write_str(": ") }
    }
}

impl ColumnarError {
    /// A fault of the file as a whole.
    pub fn in_file(fault: impl Into<String>) -> Self {
        Self::Fault { place: FilePosition::default(), fault: fault.into() }
    }

    /// A fault at a byte.
    pub fn at(byte: u64, fault: impl Into<String>) -> Self {
        Self::Fault {
            place: FilePosition { byte: Some(byte), ..FilePosition::default() },
            fault: fault.into(),
        }
    }

    /// The same, in this row group or stripe and column.
    #[must_use]
    pub fn within(mut self, in_group: usize, in_column: &str) -> Self {
        if let Self::Fault { place, .. } = &mut self {
            place.group = Some(in_group);
            place.column = Some(in_column.to_owned());
        }
        self
    }
}

/// One column of a row group or stripe, from its first row to its last.
///
/// Rows come in *runs*, in which they lie decoded in memory. A run that is not looked at is passed
/// over as cheaply as the format allows.
pub trait ColumnCursor {
    /// How many rows the run at hand has left; 0 only behind the last row.
    ///
    /// # Errors
    /// When the column is damaged or can't be read.
    fn run(&mut self) -> Result<usize, ColumnarError>;

    /// Decodes the run at hand, unless that is done.
    ///
    /// # Errors
    /// As above.
    fn ready(&mut self) -> Result<(), ColumnarError>;

    /// Values of the run at hand, which is ready: this many rows, from the one on that lies `from`
    /// behind the place of the cursor.
    fn values(&self, from: usize, rows: usize) -> ColumnValues<'_>;

    /// Passes over rows; no further than behind the last.
    fn skip(&mut self, rows: usize);

    /// Bytes decompressed so far.
    fn bytes_raw(&self) -> u64;

    /// Gives the buffers away.
    fn give_back(self: Box<Self>, pool: &mut BufferPool);
}

/// A column that is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColumnWanted {
    /// Its place in the file.
    pub column: usize,
    /// A number that no other column has which meets the same matcher.
    pub serial: u64,
    /// Whether it should hold instants: plain numbers are then milliseconds since 1970.
    pub instants: bool,
    /// Whether no MD5 says that the file is as it was written. Texts are then looked through: one
    /// that is not UTF-8 is damage.
    pub unverified: bool,
}

/// Statistics of a page, or of another part of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageStatistics {
    /// Its first row in the row group or stripe.
    pub first_row: u64,
    /// Those of its values.
    pub values: ColumnStatistics<Vec<u8>>,
}

/// Tells of values whether a column holds them: no, or perhaps.
pub trait Filter {
    /// Whether there may be exactly this text.
    fn may_hold(&self, text: &[u8]) -> bool;

    /// Whether there may be this number, in a column of whole numbers of 64 bits.
    fn may_hold_integer(&self, number: i64) -> bool;
}

/// A row group or stripe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupSize {
    /// How many rows it has.
    pub rows: u64,
    /// Bytes of its columns in the file.
    pub bytes: u64,
}

/// The columns of a row group or stripe, in the order in which they were asked for.
pub(crate) type Cursors<'f> = Vec<Box<dyn ColumnCursor + 'f>>;

/// A file of which the footer was read.
pub trait ColumnarFile: Send + Sync {
    /// The names of its columns.
    fn columns(&self) -> Vec<String>;

    /// Its row groups or stripes, in the order of the file.
    fn groups(&self) -> &[GroupSize];

    /// Memory that what was read of the file takes, in bytes.
    fn bytes_held(&self) -> u64;

    /// Statistics of a column of a group. Read from the footer each time, which takes as long as
    /// what it tells of the group.
    fn statistics(&self, group: usize, column: usize) -> ColumnStatistics<&[u8]>;

    /// Columns of a group, each before its first row.
    ///
    /// # Errors
    /// When one can't be read, for its type or its compression.
    fn cursors<'f>(
        &self,
        file: &'f dyn Ranges,
        group: usize,
        wanted: &[ColumnWanted],
        pool: &mut BufferPool,
    ) -> Result<Cursors<'f>, ColumnarError>;

    /// Statistics of the parts of a column of a group, in order, the first at row 0; `None` where
    /// there are none.
    ///
    /// # Errors
    /// When that is damaged or can't be read.
    fn pages(
        &self,
        file: &dyn Ranges,
        group: usize,
        column: usize,
    ) -> Result<Option<Vec<PageStatistics>>, ColumnarError>;

    /// A filter over the values of a column of a group; `None` where there is none that is read.
    ///
    /// # Errors
    /// When it is damaged or can't be read.
    fn filter(
        &self,
        file: &dyn Ranges,
        group: usize,
        column: usize,
    ) -> Result<Option<Box<dyn Filter>>, ColumnarError>;
}

/// Whether texts that lie in `data` are UTF-8, each by itself.
#[must_use]
pub(crate) fn are_utf8(data: &[u8], spans: &[Span]) -> bool {
    if data.is_ascii() {
        return true;
    }
    match str::from_utf8(data) {
        // All at once is faster than one by one; then only none may end within a character.
        Ok(all) => spans.iter().all(|span| {
            all.is_char_boundary(span.from as usize) && all.is_char_boundary(span.to as usize)
        }),
        // Lengths may stand between texts.
        Err(_) => spans.iter().all(|span| {
            let text = span.of(data);
            text.is_ascii() || str::from_utf8(text).is_ok()
        }),
    }
}

/// Moves values apart, so that there is one for each row; `null` is put where none was. `valid` is
/// empty where every row has a value.
pub(super) fn spread<T: Copy>(values: &mut Vec<T>, valid: &[bool], null: T) {
    if valid.is_empty() {
        return;
    }
    let mut from = values.len();
    values.resize(valid.len(), null);
    // From the back, where no value is written over before it was moved.
    for (row, valid) in valid.iter().enumerate().rev() {
        values[row] = if *valid {
            from -= 1;
            values[from]
        } else {
            null
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_moved_to_their_rows() {
        let mut values = vec![1, 2, 3];
        spread(&mut values, &[false, true, true, false, true, false], 0);
        assert_eq!(values, [0, 1, 2, 0, 3, 0]);
        spread(&mut values, &[], 7);
        assert_eq!(values, [0, 1, 2, 0, 3, 0]);
    }

    #[test]
    fn texts_are_utf8_each_by_itself() {
        let data = "aé".as_bytes();
        let spans = |ends: &[u32]| -> Vec<Span> {
            ends.windows(2).map(|pair| Span { from: pair[0], to: pair[1] }).collect()
        };
        assert!(are_utf8(data, &spans(&[0, 1, 3])));
        assert!(!are_utf8(data, &spans(&[0, 2, 3])), "a character in two texts");
        assert!(!are_utf8(b"a\xff", &spans(&[0, 2])));
        assert!(are_utf8(b"a\xff", &spans(&[0, 1])), "no part of a text");
    }
}
