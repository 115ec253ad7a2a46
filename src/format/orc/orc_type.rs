//! The types that columns are read as.

/// How the values of a column are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OrcType {
    Flags,
    Bytes,
    Integers,
    Days,
    /// Instants; with a zone, and so in UTC, or without one.
    Instants {
        zoned: bool,
    },
    Texts,
}
