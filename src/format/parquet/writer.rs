//! Which of a file's statistics are known to be wrong, by the name that its writer left.
//!
//! - PARQUET-251 and PARQUET-686: bounds of texts in the older fields. Not used (`footer.rs`).
//! - Bounds of texts without an entry in `column_orders`, or of a type without an order. Not used
//!   (`schema.rs`).
//! - Bounds of INT96, of booleans, and of fractions, which may be NaN. Not used, or not read.
//! - polars counts the NULLs of a column once for each of its pages, and parquet-mr before 1.10 is
//!   reported to count too few: counts of both are not used.

use crate::values::NullCount;

/// The first release of parquet-mr without known reports of wrong counts.
const PARQUET_MR_COUNTS: [u32; 2] = [1, 10];

/// Whether a writer's counts of NULLs are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NullCounts {
    are_right: bool,
}

impl NullCounts {
    /// By what the footer says of the writer, such as `parquet-mr version 1.12.2 (build 77e30c8)`.
    pub(super) fn of(created_by: &[u8]) -> Self {
        let name = String::from_utf8_lossy(created_by);
        let is = |writer: &str| {
            name.get(..writer.len()).is_some_and(|start| start.eq_ignore_ascii_case(writer))
        };
        let are_right = if is("parquet-mr") {
            release(&name).is_some_and(|release| release >= PARQUET_MR_COUNTS)
        } else {
            !is("polars")
        };
        Self { are_right }
    }

    /// What is known of NULLs by such a count.
    pub(super) fn trusted(self, nulls: NullCount) -> NullCount {
        if self.are_right { nulls } else { NullCount::Unknown }
    }
}

/// The first two numbers of the release.
fn release(name: &str) -> Option<[u32; 2]> {
    let mut parts = name.split_once("version ")?.1.split(['.', ' ', '-', 'r']);
    let mut next = || parts.next()?.parse().ok();
    Some([next()?, next()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_nulls_that_are_known_to_be_wrong_are_not_used() {
        for (created_by, are_right) in [
            ("Polars", false),
            ("polars 1.34", false),
            ("parquet-mr", false),
            ("parquet-mr version 1.8.1 (build 4aba4dae7bb0d4edbcf7923ae1339f28fd3f7fcf)", false),
            ("parquet-mr version 1.6.0rc3", false),
            ("parquet-mr version 1.10.0 (build 031a6654009e3b82020012a18434c582bd74c73a)", true),
            ("parquet-mr version 1.12.2", true),
            ("parquet-mr version 2.0.0-SNAPSHOT", true),
            ("parquet-cpp-arrow version 18.0.0", true),
            ("DuckDB version v1.4.0 (build b8a06e4a22)", true),
            ("", true),
        ] {
            let expected = if are_right { NullCount::All } else { NullCount::Unknown };
            let counts = NullCounts::of(created_by.as_bytes());
            assert_eq!(counts.trusted(NullCount::All), expected, "{created_by}");
        }
    }
}
