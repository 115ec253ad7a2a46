//! The objects of a filter by storage class, and their sizes: what jobs cost depends on both.
//!
//! Classes that are told apart are named beforehand, so what is counted has a bound, and is the
//! same whatever the tasks, the threads and the format.
//!
//! Never knows what a class costs.

use super::equal::same;
use super::size;
use crate::values::Row;

/// Below this size, in bytes, some classes charge for more than an object has: 128 KiB (S3 User
/// Guide, "Understanding and managing Amazon S3 storage classes").
pub(super) const SMALL_BYTES: u64 = 128 << 10;

/// The columns that classes and sizes are read from, and the classes that are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct SizeColumns {
    /// Size, where sizes are to be added up.
    pub size: Option<usize>,
    /// `StorageClass`, where classes are to be told apart.
    pub class: Option<usize>,
    /// The classes. All others count as one.
    pub classes: &'static [&'static str],
}

/// Objects of one class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ClassTotals {
    /// How many.
    pub objects: u64,
    /// Their sizes added up, in bytes; 0 where they are not known.
    pub bytes: u64,
    /// Of those, objects smaller than [`SMALL_BYTES`]; all where sizes are not known.
    pub objects_small: u64,
    /// The sizes of these.
    pub bytes_small: u64,
}

impl ClassTotals {
    #[inline]
    fn add_object(&mut self, bytes: u64) {
        let small = u64::from(bytes < SMALL_BYTES);
        self.objects += 1;
        self.bytes = self.bytes.saturating_add(bytes);
        self.objects_small += small;
        self.bytes_small += bytes * small;
    }

    /// Adds others.
    pub(crate) fn add(&mut self, other: &Self) {
        self.objects += other.objects;
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.objects_small += other.objects_small;
        self.bytes_small += other.bytes_small;
    }
}

/// Objects by class.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct SizeTotals {
    /// By the place of the class in [`SizeColumns::classes`]; the last is all others.
    pub classes: Vec<ClassTotals>,
    /// The place of the class that came last: mostly the next one, too.
    current: usize,
}

impl SizeTotals {
    pub(super) fn new(columns: &SizeColumns) -> Self {
        let others = columns.classes.len();
        Self { classes: vec![ClassTotals::default(); others + 1], current: others }
    }

    /// Counts the object of a row; `false` where its size can't be read, and counts as 0.
    #[inline]
    pub(super) fn add_row(&mut self, row: &impl Row, columns: &SizeColumns) -> bool {
        if let Some(class) = columns.class {
            let class = row.field(class);
            let known = columns.classes.get(self.current);
            if !known.is_some_and(|known| same(known.as_bytes(), class)) {
                self.current = place(columns.classes, class);
            }
        }
        let bytes = columns.size.map_or(Some(0), |column| size::bytes(row.field(column)));
        if let Some(totals) = self.classes.get_mut(self.current) {
            totals.add_object(bytes.unwrap_or(0));
        }
        bytes.is_some()
    }

    /// Adds those of other files.
    pub(crate) fn add(&mut self, other: &Self) {
        let classes = self.classes.len().max(other.classes.len());
        self.classes.resize(classes, ClassTotals::default());
        self.classes.iter_mut().zip(&other.classes).for_each(|(all, more)| all.add(more));
    }

    /// The sizes of all.
    #[must_use]
    pub(crate) fn bytes(&self) -> u64 {
        self.classes.iter().fold(0, |sum, class| sum.saturating_add(class.bytes))
    }
}

/// The place of a class, or that of all others.
#[cold]
fn place(classes: &[&str], class: &[u8]) -> usize {
    let is_it = |known: &&str| known.as_bytes().eq_ignore_ascii_case(class);
    classes.iter().position(is_it).unwrap_or(classes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct SizedRow(Vec<&'static [u8]>);

    impl Row for SizedRow {
        fn is_plain(&self) -> bool {
            true
        }

        fn field(&self, column: usize) -> &[u8] {
            self.0[column]
        }
    }

    const COLUMNS: SizeColumns =
        SizeColumns { size: Some(0), class: Some(1), classes: &["STANDARD", "GLACIER"] };

    fn counted(columns: &SizeColumns, rows: &[(&'static str, &'static str)]) -> SizeTotals {
        let mut totals = SizeTotals::new(columns);
        for (size, class) in rows {
            assert!(totals.add_row(&SizedRow(vec![size.as_bytes(), class.as_bytes()]), columns));
        }
        totals
    }

    #[test]
    fn a_size_that_is_no_number_is_told() {
        let mut totals = SizeTotals::new(&COLUMNS);
        assert!(!totals.add_row(&SizedRow(vec![b"1e3", b"STANDARD"]), &COLUMNS));
        assert_eq!((totals.classes[0].objects, totals.bytes()), (1, 0));
    }

    #[test]
    fn classes_are_told_apart() {
        let totals = counted(
            &COLUMNS,
            &[
                ("7", "GLACIER"),
                ("131071", "glacier"),
                ("131072", "GLACIER"),
                ("5", "OUTPOSTS"),
                ("", ""),
                ("9", "STANDARD"),
            ],
        );
        let class = |objects, bytes, objects_small, bytes_small| ClassTotals {
            objects,
            bytes,
            objects_small,
            bytes_small,
        };
        assert_eq!(
            totals.classes,
            [class(1, 9, 1, 9), class(3, 262_150, 2, 131_078), class(2, 5, 2, 5),]
        );
        assert_eq!(totals.bytes(), 262_164);
    }

    #[test]
    fn what_a_report_lacks_is_not_told_apart() {
        let rows = [("7", "GLACIER"), ("8", "STANDARD")];
        let sizes_alone = counted(&SizeColumns { class: None, ..COLUMNS }, &rows);
        assert_eq!((sizes_alone.classes[2].objects, sizes_alone.classes[2].bytes), (2, 15));
        let classes_alone = counted(&SizeColumns { size: None, ..COLUMNS }, &rows);
        let objects: Vec<u64> = classes_alone.classes.iter().map(|class| class.objects).collect();
        assert_eq!((objects, classes_alone.bytes()), (vec![1, 1, 0], 0));
    }

    #[test]
    fn files_add_up() {
        let rows = [("7", "GLACIER"), ("200000", "STANDARD"), ("3", "?")];
        let mut parts = SizeTotals::default();
        rows.iter().for_each(|row| parts.add(&counted(&COLUMNS, &[*row])));
        assert_eq!(parts.classes, counted(&COLUMNS, &rows).classes);
        let most = [("9223372036854775807", "STANDARD"); 3];
        assert_eq!(counted(&COLUMNS, &most).bytes(), u64::MAX);
    }
}
