//! Statistics of a column over many rows: how many values are NULL, and bounds of the others.

use super::TimeUnit;

/// How many of the rows are NULL in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NullCount {
    /// Perhaps some.
    #[default]
    Unknown,
    /// None of them.
    None,
    /// All of them.
    All,
}

impl NullCount {
    /// By a count that may be missing, of this many rows.
    #[must_use]
    pub fn of(count: Option<u64>, rows: u64) -> Self {
        match count {
            Some(0) => Self::None,
            Some(count) if count == rows => Self::All,
            _ => Self::Unknown,
        }
    }
}

/// Bounds of the values that are not NULL; both may lie outside of what is there. `T` holds the
/// bytes of a text: `&[u8]` or `Vec<u8>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Bounds<T> {
    /// There may be any value.
    #[default]
    Unknown,
    /// Texts, by their bytes.
    Bytes(T, T),
    /// Whole numbers.
    Integers(i64, i64),
    /// Instants.
    Instants(i64, i64, TimeUnit),
}

/// Statistics of a column over the rows at hand. `T` holds the bytes of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ColumnStatistics<T> {
    /// How many are NULL.
    pub nulls: NullCount,
    /// Bounds of the others.
    pub bounds: Bounds<T>,
}

impl<T: Ord> Bounds<T> {
    /// Whether the least is not above the greatest, as it must be.
    #[must_use]
    pub fn is_ordered(&self) -> bool {
        match self {
            Self::Unknown => true,
            Self::Bytes(least, most) => least <= most,
            Self::Integers(least, most) | Self::Instants(least, most, _) => least <= most,
        }
    }
}

impl<T> ColumnStatistics<T> {
    fn map<'t, U>(&'t self, text: impl Fn(&'t T) -> U) -> ColumnStatistics<U> {
        let bounds = match &self.bounds {
            Bounds::Unknown => Bounds::Unknown,
            Bounds::Bytes(least, most) => Bounds::Bytes(text(least), text(most)),
            Bounds::Integers(least, most) => Bounds::Integers(*least, *most),
            Bounds::Instants(least, most, unit) => Bounds::Instants(*least, *most, *unit),
        };
        ColumnStatistics { nulls: self.nulls, bounds }
    }
}

impl ColumnStatistics<&[u8]> {
    /// The same, with texts of their own.
    #[must_use]
    pub fn to_owned(self) -> ColumnStatistics<Vec<u8>> {
        self.map(|text| text.to_vec())
    }
}

impl ColumnStatistics<Vec<u8>> {
    /// The same, with texts borrowed.
    #[must_use]
    pub fn as_slices(&self) -> ColumnStatistics<&[u8]> {
        self.map(Vec::as_slice)
    }
}
