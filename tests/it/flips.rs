//! One changed byte of a small data file, a thousand times in each format: it is told, or the rows
//! are the right ones.
//!
//! The files stand in `testdata/flips`, each in another encoding. `tests/pyarrow/flips.py` wrote
//! them, and noted for each change what pyarrow reads: a changed value in a file without checksums
//! is nothing that anybody can tell. It also makes the same comparison with any number of changes.

use std::fs;
use std::path::{Path, PathBuf};

use s3sieve::format::buffer_pool::BufferPool;
use s3sieve::format::columnar::{ColumnWanted, ColumnarError, ColumnarFile};
use s3sieve::format::gzip::{GzipDecoder, Inflate, Status};
use s3sieve::format::orc::Tail;
use s3sieve::format::parquet::Footer;
use s3sieve::format::ranges::Ranges;
use serde_json::json;

use crate::fixture::{listed, manifest_json, manifests, md5, plan_document, s3sieve};

const COLUMNS: [&str; 9] = [
    "bucket",
    "key",
    "version_id",
    "is_latest",
    "is_delete_marker",
    "size",
    "last_modified_date",
    "storage_class",
    "bucket_key_status",
];

/// A changed file can tell of more rows than these; its columns then end too early.
const ROWS_MAX: u64 = 10_000;

fn folder() -> PathBuf {
    Path::new(crate::REPOSITORY).join("testdata/flips")
}

fn sound(name: &str, ending: &str) -> Vec<u8> {
    fs::read(folder().join(format!("{name}.{ending}"))).unwrap()
}

/// A change, and the digest of what pyarrow reads where that is something else.
struct Flip {
    name: String,
    place: usize,
    xor: u8,
    other: Option<String>,
}

impl Flip {
    fn apply(&self, ending: &str) -> Vec<u8> {
        let mut bytes = sound(&self.name, ending);
        bytes[self.place] ^= self.xor;
        bytes
    }

    fn story(&self) -> String {
        format!("{}: byte {} ^ {:#04x}", self.name, self.place, self.xor)
    }
}

/// The fewest changes that are recorded of a format.
const FLIPS_MIN: usize = 1_000;

/// The recorded changes of files of this ending, and the digest of each sound file.
fn recorded(ending: &str) -> (Vec<Flip>, Vec<(String, String)>) {
    let text = fs::read_to_string(folder().join(format!("{ending}.txt"))).unwrap();
    let (mut flips, mut digests) = (Vec::new(), Vec::new());
    for line in text.lines() {
        match line.split(' ').collect::<Vec<_>>()[..] {
            [name, "sound", digest] => digests.push((name.to_owned(), digest.to_owned())),
            [name, place, xor, other] => flips.push(Flip {
                name: name.to_owned(),
                place: place.parse().unwrap(),
                xor: xor.parse().unwrap(),
                other: (other != "-").then(|| other.to_owned()),
            }),
            _ => panic!("{line}"),
        }
    }
    assert!(flips.len() >= FLIPS_MIN, "{} in {ending}.txt", flips.len());
    (flips, digests)
}

/// The digest of all cells, row by row.
fn digest(file: &dyn ColumnarFile, bytes: &[u8]) -> Result<String, ColumnarError> {
    let ranges: &dyn Ranges = &bytes;
    let names = file.columns();
    let fault = |name: &str| ColumnarError::of_file(format!("no column {name}"));
    let mut text = Vec::new();
    for (group, size) in file.groups().iter().enumerate() {
        if size.rows > ROWS_MAX {
            return Err(ColumnarError::of_file("more rows than there are"));
        }
        let mut columns = Vec::new();
        for (serial, name) in COLUMNS.iter().enumerate() {
            let column = names.iter().position(|own| own == name).ok_or_else(|| fault(name))?;
            let instants = *name == "last_modified_date";
            let serial = serial as u64;
            let wanted = [ColumnWanted { column, serial, instants, unverified: true }];
            let mut cells = Vec::new();
            for mut cursor in file.cursors(ranges, group, &wanted, &mut BufferPool::default())? {
                while let rows @ 1.. = cursor.run()? {
                    cursor.ready()?;
                    let values = cursor.values(0, rows);
                    let mut scratch = Vec::new();
                    // The record has nothing where a date has not a year of four digits.
                    let has_no_year = |text: &[u8]| {
                        instants && (text.starts_with(b"-") || text.ends_with(b" since 1970"))
                    };
                    cells.extend((0..rows).map(|row| match values.text(row, &mut scratch) {
                        text if has_no_year(text) => Vec::new(),
                        text => text.to_vec(),
                    }));
                    cursor.skip(rows);
                }
            }
            columns.push(cells);
        }
        for row in 0..size.rows as usize {
            for column in &columns {
                text.extend_from_slice(&column[row]);
                text.push(b'\n');
            }
        }
    }
    Ok(md5(&text)[..12].to_owned())
}

fn read(ending: &str, bytes: &[u8]) -> Result<String, ColumnarError> {
    let ranges: &dyn Ranges = &bytes;
    match ending {
        "orc" => digest(&Tail::read(ranges)?, bytes),
        _ => digest(&Footer::read(ranges)?, bytes),
    }
}

#[track_caller]
fn told_or_right(ending: &str) {
    let (flips, digests) = recorded(ending);
    for (name, digest) in &digests {
        assert_eq!(&read(ending, &sound(name, ending)).unwrap(), digest, "{name}");
    }
    let is_wrong = |flip: &&Flip| {
        let found = read(ending, &flip.apply(ending)).ok();
        let right = digests.iter().find(|(name, _)| *name == flip.name).map(|(_, digest)| digest);
        found.is_some() && found.as_ref() != right && found != flip.other
    };
    let wrong: Vec<String> = flips.iter().filter(is_wrong).map(Flip::story).collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), flips.len(), wrong.join("\n"));
}

#[test]
fn a_changed_byte_of_orc_is_told_or_gives_what_pyarrow_reads() {
    told_or_right("orc");
}

#[test]
fn a_changed_byte_of_parquet_is_told_or_gives_what_pyarrow_reads() {
    told_or_right("parquet");
}

#[test]
fn a_changed_byte_of_gzip_is_told_or_changes_nothing() {
    let inflated = |bytes: &[u8], inflate| {
        let mut decoder = GzipDecoder::new(inflate);
        let mut window = vec![0; 1 << 20];
        let (mut from, mut at) = (0, 0);
        loop {
            let progress = decoder.decode(&bytes[from..], true, &mut window, at).ok()?;
            from += progress.consumed;
            at += progress.produced;
            if progress.status == Status::End {
                return Some(window[..at].to_vec());
            }
            assert!(at < window.len(), "a few kilobytes became a megabyte");
        }
    };
    for flip in recorded("csv.gz").0 {
        for inflate in [Inflate::Fast, Inflate::Reference] {
            let right = inflated(&sound(&flip.name, "csv.gz"), inflate).unwrap();
            let found = inflated(&flip.apply("csv.gz"), inflate);
            assert!(found.is_none_or(|found| found == right), "{}", flip.story());
        }
    }
}

/// A report of data files of this format, whose MD5 nobody checks.
fn report(folder: &Path, ending: &str, files: &[Vec<u8>]) -> PathBuf {
    let listed: Vec<_> = files
        .iter()
        .enumerate()
        .map(|(number, bytes)| {
            let key = format!("{number}.{ending}");
            fs::write(folder.join(&key), bytes).unwrap();
            listed(&key, bytes)
        })
        .collect();
    let kind = |name: &&str| match *name {
        "is_latest" | "is_delete_marker" => "boolean",
        "size" => "bigint",
        "last_modified_date" => "timestamp",
        _ => "string",
    };
    let columns: Vec<String> =
        COLUMNS.iter().map(|name| format!("{name}:{}", kind(name))).collect();
    let schema = match ending {
        "orc" => format!("struct<{}>", columns.join(",")),
        _ => {
            let column = |name: &&str| match kind(name) {
                "boolean" => format!("optional boolean {name};"),
                "string" => format!("optional binary {name} (STRING);"),
                _ => format!("optional int64 {name};"),
            };
            let columns: String = COLUMNS.iter().map(column).collect();
            format!("message s3.inventory {{ {columns} }}")
        }
    };
    let mut document = manifest_json(&schema, &listed);
    document["fileFormat"] = json!(if ending == "orc" { "ORC" } else { "Parquet" });
    let manifest = folder.join("manifest.json");
    fs::write(&manifest, document.to_string()).unwrap();
    manifest
}

/// Which rows have a flag does not show in how many bytes the flags take: 36 and 40 take five.
#[test]
fn flags_of_fewer_rows_are_told_where_no_other_column_shows_it() {
    // The streams that tell of the dates' NULLs become those of a flag that has none.
    let flip = Flip { name: "snappy".to_owned(), place: 1_783, xor: 2, other: None };
    let folder = tempfile::tempdir().unwrap();
    let manifest = report(folder.path(), "orc", &[flip.apply("orc")]);
    let out = folder.path().join("plan");
    let arguments = ["filter", manifest.to_str().unwrap(), "--where", "TRUE", "--verify", "crc"];
    s3sieve(arguments.into_iter().chain(["--out", out.to_str().unwrap()]))
        .expect(3)
        .says(&["column is_delete_marker", "its statistics tell of 40"]);
}

/// One byte of compressed data changes two keys, of which only the other one is no text any more.
#[test]
fn a_key_does_not_go_out_where_one_that_was_passed_over_is_no_text() {
    let flip = Flip { name: "zstd".to_owned(), place: 511, xor: 0x62, other: None };
    let folder = tempfile::tempdir().unwrap();
    let manifest = report(folder.path(), "orc", &[flip.apply("orc")]);
    let out = folder.path().join("plan");
    let question = "BucketKeyStatus = 'DISABLED' AND Size >= 100000";
    let arguments = ["filter", manifest.to_str().unwrap(), "--where", question, "--verify", "crc"];
    s3sieve(arguments.into_iter().chain(["--out", out.to_str().unwrap()]))
        .expect(3)
        .says(&["column key", "not UTF-8"]);
}

/// A question that only the first row answers reads no column to its end by itself.
#[test]
fn the_first_row_does_not_go_out_before_the_last_one_is_known() {
    for (ending, name) in [("orc", "plain"), ("orc", "old"), ("parquet", "indexed")] {
        let bytes = sound(name, ending);
        // Each bit of a byte in turn; only what is told where all rows are read.
        let flip = |place: usize| {
            let mut bytes = bytes.clone();
            bytes[place] ^= 1 << (place % 8);
            read(ending, &bytes).is_err().then_some(bytes)
        };
        let files: Vec<Vec<u8>> = (0..bytes.len()).filter_map(flip).collect();
        assert!(files.len() > 500, "{}", files.len());
        let folder = tempfile::tempdir().unwrap();
        let manifest = report(folder.path(), ending, &files);
        let out = folder.path().join("plan");
        let question = "Key = 'y/100%/00000'";
        let arguments = ["filter", manifest.to_str().unwrap(), "--where", question, "--out"];
        let more = [out.to_str().unwrap(), "--verify", "crc", "--keep-going"];
        s3sieve(arguments.into_iter().chain(more)).expect(5);
        let plan = plan_document(&out);
        assert!(!plan["files_skipped"].as_array().unwrap().is_empty());
        let lines = manifests(&out);
        let right = "demo,y/100%25/00000,vecdb5b5fab";
        let wrong: Vec<&str> = lines.lines().filter(|line| *line != right).collect();
        assert!(wrong.is_empty() && !lines.is_empty(), "{ending} {name}: {wrong:?}");
    }
}
