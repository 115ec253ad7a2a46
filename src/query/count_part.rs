//! Counts as a document that loses nothing: sums of 128 bits, values as they stand in the report.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{CountGroup, Counts, UnreadableColumn};
use crate::parts::{PartContent, file_name};
use crate::read::Scanned;
use crate::source::Location;

/// The counts of some data files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct CountPart {
    scanned: Scanned,
    matched: ExactGroup,
    /// In the order of their values.
    groups: Vec<ValuesGroup>,
    files_skipped: Vec<(String, String)>,
    unreadable: Vec<UnreadablePart>,
    undecided: u64,
}

/// A group whose sum is written in decimal digits: JSON's readers take numbers of 64 bits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct ExactGroup {
    rows: u64,
    bytes: String,
}

/// A group, and the values that its rows share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct ValuesGroup {
    values: Vec<RawValue>,
    #[serde(flatten)]
    group: ExactGroup,
}

/// A value, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
enum RawValue {
    Text(String),
    /// What is not UTF-8.
    Bytes(Vec<u8>),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct UnreadablePart {
    column: String,
    rows: u64,
    example: String,
    file: String,
    record: u64,
}

impl From<CountGroup> for ExactGroup {
    fn from(group: CountGroup) -> Self {
        Self { rows: group.rows, bytes: group.bytes.to_string() }
    }
}

impl ExactGroup {
    fn group(&self) -> Option<CountGroup> {
        Some(CountGroup { rows: self.rows, bytes: self.bytes.parse().ok()? })
    }
}

impl From<Vec<u8>> for RawValue {
    fn from(bytes: Vec<u8>) -> Self {
        String::from_utf8(bytes).map_or_else(|error| Self::Bytes(error.into_bytes()), Self::Text)
    }
}

impl RawValue {
    fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.into_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }
}

impl From<Counts> for CountPart {
    fn from(counts: Counts) -> Self {
        let groups: BTreeMap<Vec<Vec<u8>>, CountGroup> = counts.groups.into_iter().collect();
        let group = |(values, group): (Vec<Vec<u8>>, CountGroup)| ValuesGroup {
            values: values.into_iter().map(RawValue::from).collect(),
            group: group.into(),
        };
        let skipped = |(path, error): (Location, String)| (path.display().to_string(), error);
        let unreadable = |found: UnreadableColumn| UnreadablePart {
            column: found.column,
            rows: found.rows,
            example: found.example,
            file: found.file.display().to_string(),
            record: found.record,
        };
        Self {
            scanned: counts.scanned,
            matched: counts.matched.into(),
            groups: groups.into_iter().map(group).collect(),
            files_skipped: counts.files_skipped.into_iter().map(skipped).collect(),
            unreadable: counts.unreadable.into_iter().map(unreadable).collect(),
            undecided: counts.undecided,
        }
    }
}

impl PartContent for CountPart {
    fn is_same_as(&self, other: &Self) -> bool {
        let bare = |part: &Self| {
            let mut part = part.clone();
            for (path, _) in &mut part.files_skipped {
                *path = file_name(path).to_owned();
            }
            for unreadable in &mut part.unreadable {
                unreadable.file = file_name(&unreadable.file).to_owned();
            }
            part
        };
        bare(self) == bare(other)
    }
}

impl CountPart {
    /// Whether its groups are by this many columns, and have all rows, if they are by any.
    pub(crate) fn is_by(&self, columns: usize) -> bool {
        let mut rows = self.groups.iter().map(|found| found.group.rows);
        let all = rows.try_fold(0_u64, u64::checked_add);
        self.groups.iter().all(|found| found.values.len() == columns)
            && (columns == 0 || all == Some(self.matched.rows))
            && self.matched.rows <= self.scanned.rows
    }

    /// The counts; none where a sum is not a number.
    pub(crate) fn counts(self) -> Option<Counts> {
        let group = |found: ValuesGroup| {
            let values = found.values.into_iter().map(RawValue::into_bytes).collect();
            Some((values, found.group.group()?))
        };
        let unreadable = |found: UnreadablePart| UnreadableColumn {
            column: found.column,
            rows: found.rows,
            example: found.example,
            file: Location::from(&*found.file),
            record: found.record,
        };
        let skipped = |(path, error): (String, String)| (Location::from(&*path), error);
        Some(Counts {
            scanned: self.scanned,
            matched: self.matched.group()?,
            groups: self.groups.into_iter().map(group).collect::<Option<_>>()?,
            files_skipped: self.files_skipped.into_iter().map(skipped).collect(),
            unreadable: self.unreadable.into_iter().map(unreadable).collect(),
            undecided: self.undecided,
            ..Counts::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn counts_survive_their_document(
            rows in any::<u64>(),
            bytes in any::<u128>(),
            groups in prop::collection::hash_map(
                prop::collection::vec(prop::collection::vec(any::<u8>(), 0..4), 2),
                (any::<u64>(), any::<u128>()),
                0..8,
            ),
        ) {
            let group = |(values, (rows, bytes))| (values, CountGroup { rows, bytes });
            let counts = Counts {
                matched: CountGroup { rows, bytes },
                groups: groups.into_iter().map(group).collect(),
                files_skipped: vec![(Location::from("a"), "b".to_owned())],
                undecided: 7,
                ..Counts::default()
            };
            let text = serde_json::to_string(&CountPart::from(counts.clone())).unwrap();
            let part: CountPart = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(part.counts().unwrap(), counts);
        }
    }
}
