//! Projection: a matching row to a line of a Batch Operations manifest.
//!
//! Bucket, key and version id go out as they came in: unquoted, still percent-encoded, never
//! decoded and encoded again. Never knows which rows match.

use memchr::memchr3;

use crate::values::Row;

/// What is written of a row: the places of the columns in the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Projection {
    /// Bucket.
    pub bucket: usize,
    /// Key.
    pub key: usize,
    /// VersionId, where manifests are to hold it.
    pub version: Option<usize>,
}

/// What a manifest says for the version that has no id of its own (S3 User Guide, "Converting
/// empty version ID strings in Amazon S3 Inventory reports to null strings").
const NULL_VERSION: &[u8] = b"null";

impl Projection {
    /// Appends the row's line, `bucket,key[,versionId]` and a line feed, and tells whether the
    /// version was written as `null`.
    #[inline]
    pub fn write<R: Row + ?Sized>(&self, row: &R, out: &mut Vec<u8>) -> bool {
        if row.is_plain() {
            self.write_fields(row, out, |field, out| out.extend_from_slice(field))
        } else {
            self.write_fields(row, out, push_field)
        }
    }

    #[inline]
    fn write_fields<R: Row + ?Sized>(
        &self,
        row: &R,
        out: &mut Vec<u8>,
        push: impl Fn(&[u8], &mut Vec<u8>),
    ) -> bool {
        let mut is_null = false;
        push(row.field(self.bucket), out);
        out.push(b',');
        push(row.field(self.key), out);
        if let Some(version) = self.version {
            out.push(b',');
            match row.field(version) {
                b"" => {
                    is_null = true;
                    out.extend_from_slice(NULL_VERSION);
                }
                id => push(id, out),
            }
        }
        out.push(b'\n');
        is_null
    }
}

/// A field of which nothing is known.
fn push_field(field: &[u8], out: &mut Vec<u8>) {
    if memchr3(b',', b'"', b'\n', field).is_none() && memchr::memchr(b'\r', field).is_none() {
        out.extend_from_slice(field);
    } else {
        push_odd_field(field, out);
    }
}

/// A field that S3 would not write: its keys are encoded. Commas and quotes are kept, in quotes. A
/// line break is written as its percent-encoding, which names the same key: a manifest must not
/// hold a line break inside a field (S3 User Guide, "Troubleshooting Batch Operations").
#[cold]
fn push_odd_field(field: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in field {
        match byte {
            b'"' => out.extend_from_slice(b"\"\""),
            b'\n' => out.extend_from_slice(b"%0A"),
            b'\r' => out.extend_from_slice(b"%0D"),
            _ => out.push(*byte),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    struct TextRow(&'static [&'static str]);

    impl Row for TextRow {
        fn field(&self, column: usize) -> &[u8] {
            self.0[column].as_bytes()
        }
    }

    fn line(fields: &'static [&'static str], version: Option<usize>) -> String {
        let mut out = Vec::new();
        let is_null = Projection { bucket: 0, key: 1, version }.write(&TextRow(fields), &mut out);
        assert_eq!(is_null, version.is_some_and(|column| fields[column].is_empty()));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_row_goes_out_as_it_came_in() {
        let row = &["demo", "0100059%7Ethumb+1.jpg", "lsrtIxksLu0R0ZkYPL.LhgD5caTYn6vu"];
        assert_eq!(
            line(row, Some(2)),
            "demo,0100059%7Ethumb+1.jpg,lsrtIxksLu0R0ZkYPL.LhgD5caTYn6vu\n"
        );
        assert_eq!(line(row, None), "demo,0100059%7Ethumb+1.jpg\n");
    }

    #[test]
    fn the_null_version_is_named() {
        assert_eq!(line(&["demo", "a", ""], Some(2)), "demo,a,null\n");
    }

    #[test]
    fn odd_bytes_never_break_the_line() {
        assert_eq!(line(&["demo", "a,b\"c"], None), "demo,\"a,b\"\"c\"\n");
        assert_eq!(line(&["demo", "a\r\nb"], None), "demo,\"a%0D%0Ab\"\n");
    }
}
