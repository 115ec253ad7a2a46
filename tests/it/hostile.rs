//! Files made to do harm: much memory or time for a few bytes. Each is refused or read, in bounds.

#![cfg(target_os = "linux")]

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fixture::{listed, manifest_json, program};
use crate::memory::peak_mib_of;

/// Thrift's compact protocol, as far as these files take it.
#[derive(Default)]
struct Compact {
    bytes: Vec<u8>,
    /// The last field of each structure that is open.
    last: Vec<u8>,
}

impl Compact {
    fn new() -> Self {
        Self { bytes: Vec::new(), last: vec![0] }
    }

    fn field(mut self, field: u8, kind: u8) -> Self {
        let last = self.last.last_mut().unwrap();
        self.bytes.push((field - *last) << 4 | kind);
        *last = field;
        self
    }

    fn number(self, field: u8, number: i64) -> Self {
        let mut found = self.field(field, 6);
        varint((number << 1 ^ number >> 63) as u64, &mut found.bytes);
        found
    }

    fn text(self, field: u8, text: &str) -> Self {
        let mut found = self.field(field, 8);
        varint(text.len() as u64, &mut found.bytes);
        found.bytes.extend(text.as_bytes());
        found
    }

    /// A list of so many, of structures or of numbers, which follow.
    fn list(self, field: u8, kind: u8, count: usize) -> Self {
        let mut found = self.field(field, 9);
        found.bytes.push(0xF0 | kind);
        varint(count as u64, &mut found.bytes);
        found
    }

    fn begin(mut self, field: u8) -> Self {
        self = self.field(field, 12);
        self.last.push(0);
        self
    }

    fn end(mut self) -> Self {
        self.bytes.push(0);
        self.last.pop();
        self
    }

    /// So many whole structures of a list.
    fn items(mut self, bytes: &[u8], count: usize) -> Self {
        self.bytes.extend(bytes.repeat(count));
        self
    }
}

pub(crate) fn varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// A Parquet file of texts: bucket, key and `columns` more. Each row group has `rows` rows, and
/// each of its columns has all of `data`; several row groups have no data.
fn parquet(data: &[u8], rows: i64, groups: usize, columns: usize) -> Vec<u8> {
    let leaf = |name: &str| Compact::new().number(1, 6).number(3, 0).text(4, name).end().bytes;
    let others: Vec<u8> = (0..columns).flat_map(|place| leaf(&format!("other{place}"))).collect();
    let all = columns + 2;
    let root = Compact::new().text(4, "m").number(5, all as i64).end().bytes;
    let chunk = |place: usize| {
        let start = (4 + place * data.len()) as i64;
        let chunk = Compact::new().number(2, 0).begin(3).number(1, 6).list(2, 5, 0).list(3, 8, 0);
        let chunk = chunk.number(4, 0).number(5, rows).number(6, 0);
        chunk.number(7, data.len() as i64).number(9, start).end().end().bytes
    };
    let chunks: Vec<u8> = (0..all).flat_map(chunk).collect();
    let group = Compact::new().list(1, 12, all).items(&chunks, 1).number(2, 0).number(3, rows);
    let group = group.end().bytes;
    let footer = Compact::new().number(1, 1).list(2, 12, 1 + all).items(&root, 1);
    let footer = footer.items(&leaf("bucket"), 1).items(&leaf("key"), 1);
    let footer = footer.items(&others, 1).number(3, rows * groups as i64);
    let footer = footer.list(4, 12, groups).items(&group, groups).end().bytes;
    let length = (footer.len() as u32).to_le_bytes();
    [&b"PAR1"[..], &data.repeat(all), &footer, &length, b"PAR1"].concat()
}

/// A report of so many data files of the same bytes.
fn report(format: &str, schema: &str, file: &[u8], times: usize) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let first = folder.path().join("0");
    fs::write(&first, file).unwrap();
    let others = (1..times).map(|number| number.to_string());
    others.for_each(|name| fs::hard_link(&first, folder.path().join(name)).unwrap());
    let files: Vec<Value> = (0..times).map(|number| listed(&number.to_string(), file)).collect();
    let mut document: Value = manifest_json(schema, &files);
    document["fileFormat"] = json!(format);
    fs::write(folder.path().join("manifest.json"), document.to_string()).unwrap();
    folder
}

const PARQUET_SCHEMA: &str =
    "message m { required binary bucket (STRING); required binary key (STRING); }";

/// Peak memory of `count` in MiB, and what it said.
fn count(report: &TempDir, threads: &str, code: i32) -> (u64, String) {
    let manifest = report.path().join("manifest.json");
    let mut command = program();
    command.arg("count").arg(manifest).args(["--threads", threads]);
    peak_mib_of(&mut command, code)
}

#[test]
fn many_large_footers_take_no_more_memory_than_their_share() {
    let file = parquet(b"", 0, 30_000, 20);
    assert!(file.len() > 14 << 20, "{}", file.len());
    let (alone, _) = count(&report("Parquet", PARQUET_SCHEMA, &file, 2), "1", 0);
    assert!(alone <= 112, "{alone} MiB for one footer");
    // What footers have together, as much again that the allocator keeps of those that went, and
    // what workers have anyway. Without a bound these take some 60 MiB each.
    let (together, _) = count(&report("Parquet", PARQUET_SCHEMA, &file, 24), "32", 0);
    assert!(together <= 2 * 256 + 128, "{together} MiB for all footers");
}

#[test]
fn a_page_of_more_rows_than_can_be_is_refused_before_it_is_decoded() {
    // A dictionary of one text, and a page whose one run says that all rows have it.
    let rows = i64::from(i32::MAX);
    let dictionary = Compact::new().number(1, 2).number(2, 5).number(3, 5);
    let dictionary = dictionary.begin(7).number(1, 1).number(2, 0).end().end().bytes;
    let mut run = vec![1];
    varint((rows as u64) << 1, &mut run);
    run.push(0);
    let length = run.len() as i64;
    let page = Compact::new().number(1, 0).number(2, length).number(3, length);
    let page = page.begin(5).number(1, rows).number(2, 8).number(3, 3).number(4, 3).end().end();
    let data = [&dictionary[..], b"\x01\0\0\0b", &page.bytes, &run].concat();
    let file = parquet(&data, rows, 1, 0);
    let (peak, said) = count(&report("Parquet", PARQUET_SCHEMA, &file, 1), "1", 3);
    assert!(said.contains("a page of 2147483647 rows, where 16777216 may be"), "{said}");
    assert!(peak <= 64, "{peak} MiB");
}

/// Fields of protocol buffers: numbers, and texts or messages.
pub(crate) fn number(field: u64, number: u64) -> Vec<u8> {
    let mut out = Vec::new();
    varint(field << 3, &mut out);
    varint(number, &mut out);
    out
}

pub(crate) fn bytes(field: u64, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    varint(field << 3 | 2, &mut out);
    varint(bytes.len() as u64, &mut out);
    out.extend(bytes);
    out
}

/// An ORC file of texts: bucket, key and `columns` more. It has so many stripes, each of which is
/// but its footer and tells `rows` rows; several have none.
fn orc(stripe_footer: &[u8], rows: u64, stripes: usize, columns: usize) -> Vec<u8> {
    let names = ["bucket".to_owned(), "key".to_owned()];
    let names: Vec<String> =
        names.into_iter().chain((0..columns).map(|place| format!("c{place}"))).collect();
    let mut row = number(1, 12);
    (1..=names.len()).for_each(|id| row.extend(number(2, id as u64)));
    names.iter().for_each(|name| row.extend(bytes(3, name.as_bytes())));
    let length = stripe_footer.len() as u64;
    let stripe = [number(1, 3), number(2, 0), number(3, 0), number(4, length), number(5, rows)];
    let mut footer = bytes(3, &stripe.concat()).repeat(stripes);
    footer.extend(number(6, rows * stripes as u64));
    footer.extend(bytes(4, &row));
    footer.extend(bytes(4, &number(1, 7)).repeat(names.len()));
    let mut postscript = [number(1, footer.len() as u64), number(2, 0)].concat();
    postscript.extend(bytes(8000, b"ORC"));
    let end = [postscript.len() as u8];
    [&b"ORC"[..], stripe_footer, &footer, &postscript, &end].concat()
}

const ORC_SCHEMA: &str = "struct<bucket:string,key:string>";

#[test]
fn stripes_times_columns_take_no_memory() {
    let file = orc(b"", 0, 20_000, 1_000);
    assert!(file.len() < 300_000, "{}", file.len());
    let (peak, _) = count(&report("ORC", ORC_SCHEMA, &file, 1), "1", 0);
    assert!(peak <= 64, "{peak} MiB");
    let file = orc(b"", 0, 200_000, 10);
    let (_, said) = count(&report("ORC", ORC_SCHEMA, &file, 1), "1", 3);
    assert!(said.contains("more than 50000 stripes"), "{said}");
    let file = orc(b"", 0, 0, 20_000);
    let (_, said) = count(&report("ORC", ORC_SCHEMA, &file, 1), "1", 3);
    assert!(said.contains("more than 10000 columns"), "{said}");
}

#[test]
fn a_dictionary_of_more_texts_than_can_be_is_refused_before_it_is_decoded() {
    // Streams of both columns: codes, lengths, texts; all of no bytes.
    let stream = |kind: u64, column: u64| {
        bytes(1, &[number(1, kind), number(2, column), number(3, 0)].concat())
    };
    let streams = [1, 2].map(|column| [1, 2, 3].map(|kind| stream(kind, column)).concat()).concat();
    let entries = 1_u64 << 33;
    let dictionary = bytes(2, &[number(1, 3), number(2, entries)].concat());
    let footer = [&streams[..], &bytes(2, &number(1, 0)), &dictionary, &dictionary].concat();
    let file = orc(&footer, entries, 1, 0);
    let (peak, said) = count(&report("ORC", ORC_SCHEMA, &file, 1), "1", 3);
    assert!(said.contains("its dictionary has more values than"), "{said}");
    assert!(peak <= 64, "{peak} MiB");
}
