//! What rows and columns are: values as reports hold them.
//!
//! Formats make them, predicates test them, queries write them out.

mod column;
mod encode_key;
mod key;
mod statistics;
pub(crate) mod time;

pub(crate) use column::in_units;
pub(crate) use column::{ColumnValues, Dictionary, FLAG_NULL, Span, TimeUnit, flag_text};
pub use encode_key::encode_key;
pub use key::decode_key;
pub(crate) use key::{decoded_equals, decoded_starts_with, is_plain};
pub(crate) use statistics::{Bounds, ColumnStatistics, NullCount};

/// A row of a report.
pub trait Row {
    /// The raw bytes of a column (numbered from 0 in fileSchema order), without CSV quotes, still
    /// percent-encoded where the report encodes. Empty means NULL.
    fn field(&self, column: usize) -> &[u8];

    /// Whether no field holds a comma, a quote or a line end. `false` where that is not known.
    fn is_plain(&self) -> bool {
        false
    }
}
