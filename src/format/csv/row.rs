//! A row of CSV data, as the fast and the slow path give it.

use crate::values::Row;

/// A row of CSV data. Fields are found when they are asked for.
#[derive(Debug, Clone, Copy)]
pub struct CsvRow<'a> {
    /// What `start` and `ends` point into.
    pub(super) bytes: &'a [u8],
    /// Where the first field starts; not after its end.
    pub(super) start: usize,
    /// Where each field ends; never less than where it starts.
    pub(super) ends: &'a [u32],
    /// How many bytes stand between a field's end and the next field's start: 1 if `bytes` is the
    /// data itself, with quotes; 0 if it is fields already unquoted.
    pub(super) separator_bytes: usize,
    /// See [`Row::is_plain`].
    pub(super) plain: bool,
}

impl Row for CsvRow<'_> {
    /// See [`Row::field`]; a column that the row does not have is empty.
    #[inline]
    fn field(&self, column: usize) -> &[u8] {
        let Some(end) = self.ends.get(column) else { return &[] };
        let start = match column.checked_sub(1) {
            None => self.start,
            Some(before) => self.ends[before] as usize + self.separator_bytes,
        };
        let field = self.bytes.get(start..*end as usize).unwrap_or_default();
        match field {
            [b'"', inner @ .., b'"'] if self.separator_bytes == 1 => inner,
            _ => field,
        }
    }

    #[inline]
    fn is_plain(&self) -> bool {
        self.plain
    }
}
