//! Rows as CSV has them, turned into columns for a format that holds columns.
//!
//! Rows are made once, as CSV; so a report has the same rows in every format.
//!
//! Never knows how a format writes a column.

use std::io;

use jiff::Timestamp;

use crate::format::csv::{SplitPath, Splitter};
use crate::report::{ColumnKind, Schema};
use crate::values::Row;
use crate::values::decode_key;

/// Rows of a row group or stripe. 128 Ki: some 15 MB of a usual report, the size that writers aim
/// at.
pub(super) const GROUP_ROWS: usize = 128 << 10;

/// The values of a column in a row group; NULL where there is none.
#[derive(Debug, Clone)]
pub(super) enum Values {
    /// Texts one behind the other, and where each ends; an empty one is NULL.
    Texts {
        bytes: Vec<u8>,
        ends: Vec<usize>,
    },
    Flags(Vec<Option<bool>>),
    Integers(Vec<Option<i64>>),
    /// Milliseconds since 1970.
    Instants(Vec<Option<i64>>),
}

/// A column.
#[derive(Debug, Clone)]
pub(super) struct ColumnBuffer {
    /// As column formats spell it: `bucket_key_status`.
    pub(super) name: String,
    /// Never NULL. ORC has no word for that.
    #[cfg_attr(not(feature = "parquet"), expect(dead_code, reason = "Parquet's schema tells it"))]
    pub(super) required: bool,
    pub(super) values: Values,
    is_key: bool,
}

/// The columns of a row group that is being filled.
pub(super) struct RowGroupBuffer {
    pub(super) columns: Vec<ColumnBuffer>,
    pub(super) rows: usize,
    splitter: Splitter,
}

impl RowGroupBuffer {
    /// An empty group with these columns, in CSV's spelling.
    pub(super) fn new(names: &[String]) -> Self {
        let schema = Schema::from_names(names);
        let column = |column: &crate::report::Column| ColumnBuffer {
            name: snake_case(&column.name),
            required: matches!(column.kind, ColumnKind::Key)
                || column.name.eq_ignore_ascii_case("bucket"),
            is_key: column.kind == ColumnKind::Key,
            values: match column.kind {
                ColumnKind::Boolean => Values::Flags(Vec::new()),
                ColumnKind::Integer => Values::Integers(Vec::new()),
                ColumnKind::Timestamp => Values::Instants(Vec::new()),
                ColumnKind::Text | ColumnKind::Key | ColumnKind::Acl | ColumnKind::Token => {
                    Values::Texts { bytes: Vec::new(), ends: Vec::new() }
                }
            },
        };
        Self {
            columns: schema.columns().iter().map(column).collect(),
            rows: 0,
            splitter: Splitter::new(names.len(), SplitPath::default()),
        }
    }

    /// Adds whole rows of CSV.
    pub(super) fn push(&mut self, rows: &[u8]) -> io::Result<()> {
        let Self { columns, splitter, .. } = self;
        splitter.reset(columns.len());
        let used = splitter.split(rows, true, |row| {
            for (place, column) in columns.iter_mut().enumerate() {
                column.push(row.field(place));
            }
            std::ops::ControlFlow::Continue(())
        });
        used.map_err(io::Error::other)?;
        self.rows += usize::try_from(splitter.records()).unwrap_or(0);
        Ok(())
    }

    /// Makes the group empty again.
    pub(super) fn clear(&mut self) {
        self.rows = 0;
        for column in &mut self.columns {
            match &mut column.values {
                Values::Texts { bytes, ends } => {
                    bytes.clear();
                    ends.clear();
                }
                Values::Flags(values) => values.clear(),
                Values::Integers(values) | Values::Instants(values) => values.clear(),
            }
        }
    }
}

impl ColumnBuffer {
    fn push(&mut self, field: &[u8]) {
        let text = || std::str::from_utf8(field).ok();
        match &mut self.values {
            Values::Texts { bytes, ends } => {
                if self.is_key {
                    decode_key(field, bytes);
                } else {
                    bytes.extend_from_slice(field);
                }
                ends.push(bytes.len());
            }
            Values::Flags(values) => values.push(text().and_then(|text| text.parse().ok())),
            Values::Integers(values) => values.push(text().and_then(|text| text.parse().ok())),
            Values::Instants(values) => {
                let instant = text().and_then(|text| text.parse::<Timestamp>().ok());
                values.push(instant.map(Timestamp::as_millisecond));
            }
        }
    }
}

impl Values {
    /// The texts of a column of texts.
    pub(super) fn texts<'v>(
        bytes: &'v [u8],
        ends: &'v [usize],
    ) -> impl Iterator<Item = &'v [u8]> + Clone {
        let starts = std::iter::once(0).chain(ends.iter().copied());
        starts.zip(ends).map(|(start, end)| &bytes[start..*end])
    }
}

/// `BucketKeyStatus` as `bucket_key_status`, `ETag` as `e_tag`.
fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for (place, letter) in name.chars().enumerate() {
        if letter.is_ascii_uppercase() && place > 0 && !snake.ends_with('_') {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_spelled_as_s3_does() {
        for (name, snake) in [
            ("Bucket", "bucket"),
            ("ETag", "e_tag"),
            ("IsDeleteMarker", "is_delete_marker"),
            ("version_id", "version_id"),
        ] {
            assert_eq!(snake_case(name), snake);
        }
    }

    #[test]
    fn rows_become_columns() {
        let names = ["Bucket", "Key", "Size", "IsLatest", "LastModifiedDate"].map(str::to_owned);
        let mut group = RowGroupBuffer::new(&names);
        let rows = b"\"b\",\"a+b%2F\",\"5\",\"true\",\"2022-12-12T13:20:39.000Z\"\n\
                     \"b\",\"c\",\"\",\"\",\"\"\n";
        group.push(rows).unwrap();
        group.push(rows).unwrap();
        assert_eq!(group.rows, 4);
        let Values::Texts { bytes, ends } = &group.columns[1].values else { panic!() };
        assert_eq!(
            Values::texts(bytes, ends).collect::<Vec<_>>(),
            [&b"a b/"[..], b"c", b"a b/", b"c"]
        );
        let Values::Integers(sizes) = &group.columns[2].values else { panic!() };
        assert_eq!(sizes, &[Some(5), None, Some(5), None]);
        let Values::Instants(dates) = &group.columns[4].values else { panic!() };
        assert_eq!(dates[..2], [Some(1_670_851_239_000), None]);
        group.clear();
        assert_eq!(group.rows, 0);
    }
}
