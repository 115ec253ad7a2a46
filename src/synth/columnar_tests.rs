//! The same rows in all formats: what is written is read back, and gives the same manifests.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use jiff::Timestamp;
use md5::Digest;
use proptest::prelude::*;

use super::columns::RowGroupBuffer;
use super::file::{Encoder, SynthRun};
use super::rows::RowRecipe;
use super::*;
use crate::format::buffer_pool::BufferPool;
use crate::format::columnar::{ColumnWanted, ColumnarFile};
use crate::format::orc::Tail;
use crate::format::ranges::Ranges;
use crate::hex;
use crate::plan::{self, FilterOptions};
use crate::query::Query;
use crate::read::{self, ReportOptions, RunControl, ScanOptions, ScanProgress};
use crate::values::encode_key;

const COLUMNS: [&str; 6] =
    ["Bucket", "Key", "VersionId", "IsDeleteMarker", "Size", "LastModifiedDate"];

/// Key, version, delete marker, size, date in seconds.
type SynthCells = (Vec<u8>, String, Option<bool>, Option<u64>, Option<u32>);

fn csv(rows: &[SynthCells]) -> Vec<u8> {
    let mut out = Vec::new();
    for (key, version, marker, size, date) in rows {
        out.extend_from_slice(b"\"demo\",\"");
        encode_key(key, &mut out);
        let marker = marker.map_or(String::new(), |marker| marker.to_string());
        let size = size.map_or(String::new(), |size| size.to_string());
        let date = date.map_or(String::new(), |date| {
            let at = Timestamp::from_second(date.into()).unwrap();
            at.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string()
        });
        let rest = format!("\",\"{version}\",\"{marker}\",\"{size}\",\"{date}\"\n");
        out.extend_from_slice(rest.as_bytes());
    }
    out
}

fn columns() -> Vec<String> {
    COLUMNS.map(str::to_owned).to_vec()
}

/// A data file in this format.
fn data_file(format: FileFormat, csv: &[u8]) -> Vec<u8> {
    let synth = Synth { columns: columns(), ..Synth::default() };
    let recipe = RowRecipe::new(&synth, 0).unwrap();
    let making = SynthRun { recipe: &recipe, columns: &synth.columns, format };
    let mut encoder = Encoder::new(&making, 6, Vec::new()).unwrap();
    encoder.push(csv).unwrap();
    encoder.finish().unwrap().0
}

/// The manifest lines of a report of one such file, and the rows excluded.
fn filtered(folder: &Path, format: FileFormat, csv: &[u8], predicate: &str) -> String {
    let folder = folder.join(format.to_string());
    fs::create_dir(&folder).unwrap();
    let bytes = data_file(format, csv);
    fs::write(folder.join("data"), &bytes).unwrap();
    let synth = Synth { columns: columns(), format, ..Synth::default() };
    let document = format!(
        r#"{{"sourceBucket": "demo", "destinationBucket": "arn:aws:s3:::d", "version": "1",
        "creationTimestamp": "0", "fileFormat": "{format}", "fileSchema": "{}",
        "files": [{{"key": "data", "size": {}, "MD5checksum": "{}"}}]}}"#,
        file_schema(&synth),
        bytes.len(),
        hex::encode(md5::Md5::digest(&bytes)),
    );
    let manifest = folder.join("manifest.json");
    fs::write(&manifest, document).unwrap();
    let opened = read::open(&[manifest.into()], &ReportOptions::default()).unwrap();
    let out = folder.join("plan");
    let scan = ScanOptions { threads: NonZeroUsize::MIN, ..ScanOptions::default() };
    let options = FilterOptions::new(Query::Where(predicate.to_owned()), out.as_path())
        .now(Timestamp::UNIX_EPOCH)
        .scan(scan);
    let stop = AtomicBool::new(false);
    plan::filter(&opened, &options, RunControl { stop: &stop, progress: &ScanProgress::default() })
        .unwrap();
    let read = |name: &str| fs::read_to_string(out.join(name)).unwrap_or_default();
    read("manifests/00000.csv") + "\n" + &read("excluded/delete-marker.csv")
}

const PREDICATES: [&str; 6] = [
    "TRUE",
    "Key LIKE '%a%' OR Key < 'M'",
    "Size BETWEEN 2 AND 100 OR VersionId IS NULL",
    "NOT IsDeleteMarker AND LastModifiedDate >= '1990-01-01'",
    "Key = 'a b' OR Size IS NULL OR LastModifiedDate IS NULL",
    "CAST(LastModifiedDate AS VARCHAR) LIKE '%7%' OR CAST(Size AS VARCHAR) LIKE '1%'",
];

fn rows() -> impl Strategy<Value = Vec<SynthCells>> {
    let key = prop_oneof![
        proptest::collection::vec(any::<u8>(), 1..20),
        "[a-z /=+%~*,\"é\n]{1,8}".prop_map(String::into_bytes),
        Just(b"a b".to_vec()),
    ];
    let size = proptest::option::of(prop_oneof![0..200u64, 0..1u64 << 40]);
    let row = (key, "(v[0-9]{0,2})?", any::<Option<bool>>(), size, any::<Option<u32>>());
    proptest::collection::vec(row, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_bucket_gives_the_same_manifests_in_every_format(
        rows in rows(), predicate in 0..PREDICATES.len(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let csv = csv(&rows);
        let filtered = |format| filtered(folder.path(), format, &csv, PREDICATES[predicate]);
        let expected = filtered(FileFormat::Csv);
        prop_assert_eq!(&filtered(FileFormat::Parquet), &expected);
        prop_assert_eq!(&filtered(FileFormat::Orc), &expected);
    }

    #[test]
    fn damaged_orc_does_no_harm(
        rows in rows(),
        changes in proptest::collection::vec((any::<usize>(), any::<u8>()), 0..4),
        cut in prop_oneof![3 => Just(0usize), 1 => any::<usize>()],
    ) {
        let mut bytes = data_file(FileFormat::Orc, &csv(&rows));
        bytes.truncate(bytes.len() - cut % bytes.len());
        for (place, byte) in &changes {
            let place = place % bytes.len();
            bytes[place] = *byte;
        }
        let file: &dyn Ranges = &&bytes[..];
        if let Ok(tail) = Tail::read(file)
            && tail.groups().iter().all(|group| group.rows < 100_000)
        {
            read_through(&tail, file);
        }
    }
}

/// Reads all that can be read.
fn read_through(tail: &Tail, file: &dyn Ranges) {
    for group in 0..tail.groups().len() {
        for column in 0..tail.columns().len() {
            let wanted = [ColumnWanted { column, serial: 0, instants: true, unverified: true }];
            let Ok(cursors) = tail.cursors(file, group, &wanted, &mut BufferPool::default()) else {
                continue;
            };
            for mut cursor in cursors {
                while let Ok(rows @ 1..) = cursor.run() {
                    if cursor.ready().is_err() {
                        break;
                    }
                    let _ = cursor.values(0, rows).text(rows - 1, &mut Vec::new());
                    cursor.skip(rows);
                }
            }
            let _ = tail.pages(file, group, column);
        }
    }
}

#[test]
fn the_columns_of_a_group_are_those_of_the_report() {
    let group = RowGroupBuffer::new(&columns());
    let names: Vec<&str> = group.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names[2..4], ["version_id", "is_delete_marker"]);
}
