//! The three spellings of fileSchema: a list of names (CSV), `struct<...>` (ORC) and
//! `message ... { ... }` (Parquet).
//!
//! Only the names are kept, as they are spelled. Types and annotations are passed over, whatever
//! they are: S3 has changed them before (`UTF8` became `STRING`), and the data files carry their
//! own. Never knows about the rest of the manifest.

use super::error::excerpt;
use super::file_format::FileFormat;
use super::schema::Schema;

/// The most columns a report may have.
///
/// S3 defines 22 and adds a few a year. The bound keeps a damaged manifest from costing memory
/// for every row of a scan.
pub(super) const COLUMNS_MAX: usize = 1_024;

/// The longest name of a column, in bytes. S3's have 35 at most; what lists the columns must stay
/// readable, and laying out a table takes time by the product of its lengths.
pub(super) const COLUMN_NAME_BYTES_MAX: usize = 1 << 10;

/// Why a fileSchema can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum SchemaFault {
    #[error("no columns")]
    Empty,
    #[error("column {0} has no name")]
    Nameless(usize),
    #[error("more than {COLUMNS_MAX} columns")]
    TooMany,
    #[error("the name of column {0} has {1} bytes, where {COLUMN_NAME_BYTES_MAX} may be")]
    TooLong(usize, usize),
    #[error("column {0:?} is listed twice")]
    Twice(String),
    #[error("no column {0}: a report always has one, so this is not an inventory's schema")]
    Missing(&'static str),
    #[error("byte {at}: expected {expected}, found {found:?}")]
    Syntax { at: usize, expected: &'static str, found: String },
}

/// The columns that a fileSchema names.
pub(super) fn parse(format: FileFormat, text: &str) -> Result<Schema, SchemaFault> {
    let names = match format {
        FileFormat::Csv => csv_names(text)?,
        FileFormat::Orc => SchemaCursor::new(text).orc_names()?,
        FileFormat::Parquet => SchemaCursor::new(text).parquet_names()?,
    };
    if names.is_empty() {
        return Err(SchemaFault::Empty);
    }
    let schema = Schema::from_names(names);
    if let Some(name) = schema.repeated() {
        return Err(SchemaFault::Twice(excerpt(name)));
    }
    for required in ["Bucket", "Key"] {
        if schema.position(required).is_none() {
            return Err(SchemaFault::Missing(required));
        }
    }
    Ok(schema)
}

/// Adds a name to those found so far, within the bound.
fn push_name<'a>(names: &mut Vec<&'a str>, name: &'a str) -> Result<(), SchemaFault> {
    if name.is_empty() {
        return Err(SchemaFault::Nameless(names.len() + 1));
    }
    if names.len() == COLUMNS_MAX {
        return Err(SchemaFault::TooMany);
    }
    if name.len() > COLUMN_NAME_BYTES_MAX {
        return Err(SchemaFault::TooLong(names.len() + 1, name.len()));
    }
    names.push(name);
    Ok(())
}

/// `Bucket, Key, Size`: names separated by commas, white space around them ignored.
fn csv_names(text: &str) -> Result<Vec<&str>, SchemaFault> {
    let mut names = Vec::new();
    if text.trim().is_empty() {
        return Ok(names);
    }
    for name in text.split(',') {
        push_name(&mut names, name.trim())?;
    }
    Ok(names)
}

/// A place in a schema text.
struct SchemaCursor<'a> {
    text: &'a str,
    /// Always on a character boundary, at most `text.len()`.
    at: usize,
}

impl<'a> SchemaCursor<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn expected(&self, expected: &'static str) -> SchemaFault {
        let found: String = self.rest().chars().take(20).collect();
        SchemaFault::Syntax { at: self.at, expected, found }
    }

    /// Takes one ASCII mark, after any white space, if it stands here.
    fn take(&mut self, mark: char) -> bool {
        self.skip_space();
        let found = self.rest().starts_with(mark);
        if found {
            self.at += mark.len_utf8();
        }
        found
    }

    fn require(&mut self, mark: char, expected: &'static str) -> Result<(), SchemaFault> {
        if self.take(mark) { Ok(()) } else { Err(self.expected(expected)) }
    }

    /// Takes what stands before the next white space or mark; empty if a mark stands here.
    fn word(&mut self) -> &'a str {
        self.skip_space();
        let rest = self.rest();
        let ends = |c: char| c.is_whitespace() || "(){}<>;:,=".contains(c);
        let word = rest.find(ends).map_or(rest, |end| &rest[..end]);
        self.at += word.len();
        word
    }

    /// Passes over text up to a mark of `ends` that stands outside all brackets, and stays there.
    fn skip_balanced(&mut self, ends: &[char]) -> Result<(), SchemaFault> {
        let mut open = Vec::new();
        for (place, c) in self.rest().char_indices() {
            if open.is_empty() && ends.contains(&c) {
                self.at += place;
                return Ok(());
            }
            match c {
                '(' => open.push(')'),
                '<' => open.push('>'),
                '{' => open.push('}'),
                ')' | '>' | '}' if open.pop() != Some(c) => {
                    self.at += place;
                    return Err(self.expected("matching brackets"));
                }
                _ => {}
            }
        }
        self.at = self.text.len();
        Err(self.expected("the end of a column or of the list"))
    }

    fn require_end(&mut self) -> Result<(), SchemaFault> {
        self.skip_space();
        if self.rest().is_empty() { Ok(()) } else { Err(self.expected("the end of the schema")) }
    }

    /// `struct<bucket:string,size:bigint,...>`; a type may hold brackets of its own.
    fn orc_names(mut self) -> Result<Vec<&'a str>, SchemaFault> {
        if !self.word().eq_ignore_ascii_case("struct") {
            self.at = 0;
            return Err(self.expected("`struct<`"));
        }
        self.require('<', "`<`")?;
        let mut names = Vec::new();
        if !self.take('>') {
            loop {
                push_name(&mut names, self.word())?;
                self.require(':', "`:` and a type")?;
                self.skip_balanced(&[',', '>'])?;
                if self.take('>') {
                    break;
                }
                self.require(',', "`,` or `>`")?;
            }
        }
        self.require_end()?;
        Ok(names)
    }

    /// `message s3.inventory { required binary bucket (STRING); ... }`.
    fn parquet_names(mut self) -> Result<Vec<&'a str>, SchemaFault> {
        if !self.word().eq_ignore_ascii_case("message") {
            self.at = 0;
            return Err(self.expected("`message`"));
        }
        // The message's name; it may be missing.
        self.word();
        self.require('{', "`{`")?;
        let mut names = Vec::new();
        while !self.take('}') {
            let name = self.parquet_column()?;
            push_name(&mut names, name)?;
        }
        self.require_end()?;
        Ok(names)
    }

    /// `optional int64 last_modified_date (TIMESTAMP(MILLIS,true)) = 7;`, or a group, which ends
    /// with its brace instead of a semicolon.
    fn parquet_column(&mut self) -> Result<&'a str, SchemaFault> {
        let repetition = self.word();
        if !["required", "optional", "repeated"]
            .iter()
            .any(|known| repetition.eq_ignore_ascii_case(known))
        {
            self.at -= repetition.len();
            return Err(self.expected("`required`, `optional`, `repeated` or `}`"));
        }
        if self.word().is_empty() {
            return Err(self.expected("a type"));
        }
        // The length of a fixed_len_byte_array.
        if self.take('(') {
            self.skip_balanced(&[')'])?;
            self.require(')', "`)`")?;
        }
        let name = self.word();
        self.skip_balanced(&[';', '{', '}'])?;
        if self.take('{') {
            self.skip_balanced(&['}'])?;
            self.require('}', "`}`")?;
            self.take(';');
        } else if !self.rest().starts_with('}') {
            self.require(';', "`;`")?;
        }
        Ok(name)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(format: FileFormat, text: &str) -> Result<Vec<String>, SchemaFault> {
        parse(format, text)
            .map(|schema| schema.columns().iter().map(|column| column.name.clone()).collect())
    }

    #[test]
    fn csv_names_stand_between_commas() {
        for text in ["Bucket, Key, Size", "Bucket,Key,Size", "  Bucket ,Key\t,\n Size  "] {
            assert_eq!(names(FileFormat::Csv, text).unwrap(), ["Bucket", "Key", "Size"], "{text}");
        }
    }

    #[test]
    fn orc_types_may_hold_brackets_and_commas() {
        for text in [
            "struct<bucket:string,key:string,size:bigint>",
            " STRUCT < bucket : string , key:string, size : decimal(38, 0) > ",
            "struct<bucket:string,key:struct<a:int,b:map<string,int>>,size:bigint>",
        ] {
            assert_eq!(names(FileFormat::Orc, text).unwrap(), ["bucket", "key", "size"], "{text}");
        }
    }

    #[test]
    fn parquet_annotations_old_and_new_are_passed_over() {
        for text in [
            "message s3.inventory { required binary bucket (UTF8); required binary key (UTF8); \
             optional int64 last_modified_date (TIMESTAMP_MILLIS);}",
            "message s3.inventory {  required binary bucket (STRING);  required binary key \
             (STRING);  optional int64 last_modified_date (TIMESTAMP(MILLIS,true));}",
            "message{required fixed_len_byte_array(16) bucket;Required binary key(STRING)=2;\n\
             optional int64 last_modified_date(TIMESTAMP(MILLIS,true))}",
            "message m {required binary bucket; required binary key; optional group \
             last_modified_date (LIST) { repeated group list { optional int32 element; } } }",
        ] {
            assert_eq!(
                names(FileFormat::Parquet, text).unwrap(),
                ["bucket", "key", "last_modified_date"],
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_schema_is_refused_with_its_place() {
        for (format, text, message) in [
            (FileFormat::Csv, "", "no columns"),
            (FileFormat::Csv, "  ", "no columns"),
            (FileFormat::Csv, "Bucket,,Key", "column 2 has no name"),
            (FileFormat::Csv, &format!("Bucket, {}", "K".repeat(1_025)), "column 2 has 1025 bytes"),
            (FileFormat::Csv, "Bucket, Key,", "column 3 has no name"),
            (FileFormat::Csv, "Bucket, Size", "no column Key"),
            (FileFormat::Csv, "Key, Size", "no column Bucket"),
            (FileFormat::Csv, "Bucket, Key, bucket", "column \"bucket\" is listed twice"),
            (FileFormat::Csv, "Bucket, Key, ETag, e_tag", "column \"e_tag\" is listed twice"),
            (FileFormat::Orc, "", "byte 0: expected `struct<`"),
            (FileFormat::Orc, "struct<>", "no columns"),
            (FileFormat::Orc, "struct<bucket:string", "expected the end of a column"),
            (FileFormat::Orc, "struct<bucket:string,key:string>x", "byte 32: expected the end of"),
            (FileFormat::Orc, "struct<bucket,key>", "expected `:`"),
            (FileFormat::Orc, "struct<bucket:decimal(3>,key:int>", "matching brackets"),
            (FileFormat::Parquet, "Bucket, Key", "byte 0: expected `message`"),
            (FileFormat::Parquet, "message m {}", "no columns"),
            (FileFormat::Parquet, "message m { binary bucket; }", "byte 12: expected `required`"),
            (FileFormat::Parquet, "message m { required binary; }", "column 1 has no name"),
            (FileFormat::Parquet, "message m { required binary bucket (UTF8);", "expected"),
            (FileFormat::Parquet, "message m { required binary bucket (UTF8; }", "matching"),
        ] {
            let error = names(format, text).unwrap_err().to_string();
            assert!(error.contains(message), "{text}: {error}");
        }
    }

    #[test]
    fn a_schema_has_a_bounded_number_of_columns() {
        let many = |count: usize| {
            let mut text = "Bucket,Key".to_owned();
            for place in 2..count {
                text.push_str(&format!(",c{place}"));
            }
            names(FileFormat::Csv, &text).map(|names| names.len())
        };
        assert_eq!(many(COLUMNS_MAX), Ok(COLUMNS_MAX));
        assert_eq!(many(COLUMNS_MAX + 1), Err(SchemaFault::TooMany));
    }

    /// Writes names as each format does, with white space and types as a seed chooses.
    fn written(format: FileFormat, names: &[String], spaces: &[&str], types: &[usize]) -> String {
        let space = |place: usize| spaces[place % spaces.len()];
        let kind = |place: usize| types[place % types.len()];
        let columns: Vec<String> = names
            .iter()
            .enumerate()
            .map(|(place, name)| {
                let (s, t) = (space(place), space(place + 1));
                match format {
                    FileFormat::Csv => format!("{s}{name}{t}"),
                    FileFormat::Orc => {
                        let orc = ["string", "decimal(10, 2)", "map<string,array<int>>"];
                        format!("{s}{name}{t}:{s}{}{t}", orc[kind(place) % 3])
                    }
                    FileFormat::Parquet => {
                        let note = ["", "(UTF8)", "(TIMESTAMP(MILLIS,true))"][kind(place) % 3];
                        format!("{s}optional {t}int64 {s}{name}{t}{note}{s};{t}")
                    }
                }
            })
            .collect();
        match format {
            FileFormat::Csv => columns.join(","),
            FileFormat::Orc => format!("struct{}<{}>", space(0), columns.join(",")),
            FileFormat::Parquet => format!("message a.b {{{}}}{}", columns.concat(), space(0)),
        }
    }

    proptest! {
        #[test]
        fn names_come_back_as_they_were_written(
            extra in proptest::collection::btree_set("[a-z][a-z0-9]{0,8}x", 0..20),
            spaces in proptest::collection::vec(
                prop_oneof![Just(""), Just(" "), Just("\n\t "), Just("  ")], 1..5),
            types in proptest::collection::vec(0..3_usize, 1..5),
        ) {
            let mut all = vec!["Bucket".to_owned(), "key".to_owned()];
            all.extend(extra);
            for format in [FileFormat::Csv, FileFormat::Orc, FileFormat::Parquet] {
                let text = written(format, &all, &spaces, &types);
                prop_assert_eq!(names(format, &text), Ok(all.clone()), "{}", text);
            }
        }

        #[test]
        fn no_text_panics(text in "[a-z (){}<>;:,=\u{e9}]{0,60}") {
            for format in [FileFormat::Csv, FileFormat::Orc, FileFormat::Parquet] {
                for text in [text.clone(), format!("struct<{text}"), format!("message {{{text}")] {
                    drop(parse(format, &text));
                }
            }
        }
    }
}
