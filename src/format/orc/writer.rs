//! Which of a file's statistics are known to be wrong, by what wrote it.
//!
//! The numbers in a postscript and a footer exist for this: a writer's bug that is mended raises
//! the version, and readers leave the statistics of older files alone.
//!
//! - HIVE-8732, mended in version 1: the greatest text of parts was merged wrongly, and texts were
//!   compared as UTF-16. No bounds of older files are used.
//! - ORC-135, version 6: bounds of timestamps stood in the writer's own time. Only the newer fields
//!   are read, which are in UTC.
//! - ORC-1151, C++ 1.7.5: bounds of timestamps in other zones than UTC were moved. Those of older
//!   releases are not used.
//! - ORC-101, version 5: bloom filters of texts in the writer's own character set. None is read.
//! - ORC-517, version 7: bounds of short decimals. Decimals are not read.
//! - Hive's compaction: a count of 0 where nothing was counted. See `OrcStatistics::read`.

/// Writers, as the format numbers them.
const JAVA: u64 = 0;
const CPP: u64 = 1;
const PRESTO: u64 = 2;
const TRINO: u64 = 4;

/// The first version of the C++ library with right bounds of timestamps.
const CPP_TIMESTAMPS: [u32; 3] = [1, 7, 5];

/// Which bounds of a file are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TrustedBounds {
    /// Those of all types but timestamps.
    pub(super) values: bool,
    /// Those of timestamps.
    pub(super) timestamps: bool,
}

impl TrustedBounds {
    /// By the writer's version in the postscript, and its number and release in the footer.
    pub(super) fn of(version: Option<u64>, writer: Option<u64>, release: Option<&[u8]>) -> Self {
        // Without a version, a file is older than versions are.
        let values = version.unwrap_or(0) >= 1;
        let timestamps = match writer.unwrap_or(JAVA) {
            JAVA | PRESTO | TRINO => true,
            CPP => release.and_then(numbers).is_some_and(|release| release >= CPP_TIMESTAMPS),
            // Whether they mean the writer's zone or UTC differs.
            _ => false,
        };
        Self { values, timestamps: values && timestamps }
    }
}

/// The three numbers that a release such as `1.7.5-SNAPSHOT` begins with.
fn numbers(release: &[u8]) -> Option<[u32; 3]> {
    let mut parts = str::from_utf8(release).ok()?.split(['.', '-', ' ']);
    let mut next = || parts.next()?.parse().ok();
    Some([next()?, next()?, next()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_of_writers_before_hive_8732_are_not_used() {
        for version in [None, Some(0)] {
            for writer in [None, Some(JAVA), Some(CPP), Some(99)] {
                let trusted = TrustedBounds::of(version, writer, Some(b"2.0.0"));
                assert_eq!(trusted, TrustedBounds { values: false, timestamps: false });
            }
        }
        for version in [1, 2, 6, 9, u64::from(u32::MAX)] {
            assert!(TrustedBounds::of(Some(version), None, None).values, "{version}");
        }
    }

    #[test]
    fn bounds_of_timestamps_before_orc_1151_are_not_used() {
        let of = |writer, release: Option<&str>| {
            let release = release.map(str::as_bytes);
            let trusted = TrustedBounds::of(Some(6), writer, release);
            assert!(trusted.values);
            trusted.timestamps
        };
        for release in ["1.7.4", "1.6.14", "0.9.9", "", "1.7", "one"] {
            assert!(!of(Some(CPP), Some(release)), "{release}");
        }
        for release in ["1.7.5", "1.8.0", "2.0.1", "1.7.5-SNAPSHOT"] {
            assert!(of(Some(CPP), Some(release)), "{release}");
        }
        assert!(!of(Some(CPP), None));
        for writer in [None, Some(JAVA), Some(PRESTO), Some(TRINO)] {
            assert!(of(writer, None), "{writer:?}");
        }
        for writer in [3, 5, 17] {
            assert!(!of(Some(writer), Some("9.9.9")), "{writer}");
        }
    }
}
