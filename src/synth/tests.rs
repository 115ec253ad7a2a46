//! Tests of whole synthetic reports.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::sync::atomic::AtomicU64;

use md5::{Digest, Md5};

use super::rows::MULTIPART_BYTES;
use super::*;
use crate::report::{ChecksumState, FolderNames, Report, find, locate_files};
use crate::source::FolderError;

fn small() -> Synth {
    Synth { rows: 10_007, files: 3, threads: 2, level: 1, ..Synth::default() }
}

fn wide() -> Synth {
    Synth { columns: columns().map(str::to_owned).collect(), ..small() }
}

fn written(synth: &Synth, out: &Path) -> SynthSummary {
    write(synth, out, &AtomicBool::new(false), |_| {}).unwrap()
}

fn refused(synth: &Synth) -> String {
    let out = tempfile::tempdir().unwrap();
    let result = write(synth, out.path(), &AtomicBool::new(false), |_| {});
    assert_eq!(fs::read_dir(out.path()).unwrap().count(), 0);
    result.unwrap_err().to_string()
}

/// The data files inflated, one after another.
fn inflated(manifest: &Path) -> Vec<u8> {
    let report = Report::read(manifest).unwrap();
    let mut all = Vec::new();
    let names = FolderNames::new(0);
    for path in locate_files(&report, &report.files, None, &names, None).unwrap() {
        let file = fs::File::open(path.as_path().unwrap()).unwrap();
        flate2::read::MultiGzDecoder::new(file).read_to_end(&mut all).unwrap();
    }
    all
}

/// Rows as fields without their quotes. Nothing here has quotes, commas or line ends inside.
fn rows(manifest: &Path) -> Vec<Vec<String>> {
    let text = String::from_utf8(inflated(manifest)).unwrap();
    assert!(text.is_empty() || text.ends_with("\"\n"));
    let fields = |line: &str| {
        let inner = line.strip_prefix('"').and_then(|line| line.strip_suffix('"')).unwrap();
        inner.split("\",\"").map(str::to_owned).collect()
    };
    text.lines().map(fields).collect()
}

/// Paths below a folder, and what the files hold.
fn tree(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_path_buf();
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}

#[test]
fn a_report_is_the_same_with_any_number_of_threads() {
    let mut trees = Vec::new();
    for threads in [1, 2, 5] {
        let out = tempfile::tempdir().unwrap();
        written(&Synth { threads, ..wide() }, out.path());
        trees.push(tree(out.path()));
    }
    assert!(trees[0] == trees[1] && trees[0] == trees[2]);
    let out = tempfile::tempdir().unwrap();
    written(&Synth { seed: 2, ..wide() }, out.path());
    assert!(tree(out.path()) != trees[0]);
}

#[test]
fn a_report_is_read_as_one_from_s3() {
    let out = tempfile::tempdir().unwrap();
    let total = AtomicU64::new(0);
    let synth = small();
    let summary = write(&synth, &out.path().join("new"), &AtomicBool::new(false), |rows| {
        total.fetch_add(rows, Ordering::Relaxed);
    })
    .unwrap();
    assert_eq!(total.into_inner(), synth.rows);
    assert_eq!(
        find(&out.path().into(), None, None).unwrap().manifest.path,
        (&summary.manifest).into()
    );
    assert!(summary.manifest.ends_with("2026-01-01T00-00Z/manifest.json"));
    let report = Report::read(&summary.manifest).unwrap();
    assert_eq!(report.checksum, ChecksumState::Matched);
    assert_eq!(report.created, Some(synth.created));
    assert_eq!(report.source_bucket, synth.bucket);
    assert_eq!(report.bytes_compressed(), summary.bytes_compressed);
    assert_eq!((report.files.len(), report.schema.len()), (3, 6));
    let names = FolderNames::new(0);
    for (file, path) in
        report.files.iter().zip(locate_files(&report, &report.files, None, &names, None).unwrap())
    {
        let bytes = fs::read(path.as_path().unwrap()).unwrap();
        assert_eq!(bytes.len() as u64, file.bytes);
        assert_eq!(file.md5, Some(Md5::digest(&bytes).into()));
    }
    assert_eq!(inflated(&summary.manifest).len() as u64, summary.bytes_raw);
    let shown = tree(&out.path().join("new"));
    assert!(shown.keys().all(|path| path.starts_with(&synth.bucket)));
}

#[test]
fn rows_are_counted_unique_and_shaped_like_the_schema() {
    let out = tempfile::tempdir().unwrap();
    let rows = rows(&written(&small(), out.path()).manifest);
    assert_eq!(rows.len(), 10_007);
    assert!(rows.iter().all(|row| row.len() == 6));
    let keys: BTreeSet<&str> = rows.iter().map(|row| row[1].as_str()).collect();
    assert_eq!(keys.len(), rows.len());
    let versions: BTreeSet<&str> = rows.iter().map(|row| row[2].as_str()).collect();
    assert!(versions.iter().all(|version| matches!(version.len(), 0 | 32)));
    for encoded in ["%3D", "+", "%7E", "%25", "%0A", "%E6%97%A5"] {
        assert!(keys.iter().any(|key| key.contains(encoded)), "{encoded}");
    }
}

/// Share of the rows of which something is true.
fn share<T>(rows: &[T], holds: impl Fn(&T) -> bool) -> f64 {
    rows.iter().filter(|row| holds(row)).count() as f64 / rows.len() as f64
}

fn near(found: f64, wanted: f64) {
    assert!((found - wanted).abs() < 0.02, "{found} is not about {wanted}");
}

#[test]
fn shares_are_about_what_they_should_be() {
    let out = tempfile::tempdir().unwrap();
    let synth =
        Synth { delete_marker_share: 0.1, null_version_share: 0.2, odd_key_share: 0.3, ..small() };
    let rows = rows(&written(&synth, out.path()).manifest);
    near(share(&rows, |row| row[4] == "true"), 0.1);
    near(share(&rows, |row| row[2].is_empty()), 0.2);
    near(share(&rows, |row| row[1].matches('/').count() == 5), 0.3);
    let objects: Vec<_> = rows.iter().filter(|row| row[4] == "false").collect();
    near(share(&objects, |row| row[5] == "DISABLED"), 0.3);
    near(share(&objects, |row| row[5] == "ENABLED"), 0.7);
}

#[test]
fn columns_fit_each_other() {
    let out = tempfile::tempdir().unwrap();
    let rows = rows(&written(&Synth { delete_marker_share: 0.1, ..wide() }, out.path()).manifest);
    let place = |name: &str| columns().position(|column| column == name).unwrap();
    for row in &rows {
        assert_eq!(row.len(), columns().count());
        let get = |name: &str| row[place(name)].as_str();
        assert!(get("LastModifiedDate") < "2026-01-01" && get("LastModifiedDate").len() == 24);
        if get("IsDeleteMarker") == "true" {
            assert_eq!(get("BucketKeyStatus"), "DISABLED");
            for (name, value) in columns().zip(row).skip(5) {
                let kept = ["LastModifiedDate", "BucketKeyStatus"].contains(&name);
                assert_eq!(value.is_empty(), !kept, "{name}");
            }
            continue;
        }
        let large = get("Size").parse::<u64>().unwrap() >= MULTIPART_BYTES;
        assert_eq!(get("ETag").contains('-'), large);
        assert_eq!(get("IsMultipartUploaded"), large.to_string());
        assert!(get("BucketKeyStatus") == "DISABLED" || get("EncryptionStatus") == "SSE-KMS");
        let tiered = get("StorageClass") == "INTELLIGENT_TIERING";
        assert_eq!(!get("IntelligentTieringAccessTier").is_empty(), tiered);
        assert_eq!(get("ObjectLockMode").is_empty(), get("ObjectLockRetainUntilDate").is_empty());
    }
}

#[test]
fn the_user_chooses_values_and_their_weights() {
    let out = tempfile::tempdir().unwrap();
    let weighted = |column: &str, values: &[(&str, f64)]| {
        (column.to_owned(), values.iter().map(|(value, w)| ((*value).to_owned(), *w)).collect())
    };
    let mut synth = Synth {
        shares: vec![
            weighted("bucket_key_status", &[("DISABLED", 1.0)]),
            weighted("New", &[("x", 1.0), ("y", 3.0)]),
            weighted("bucket", &[("one", 1.0), ("two", 1.0)]),
        ],
        ..small()
    };
    synth.columns.push("New".to_owned());
    let rows = rows(&written(&synth, out.path()).manifest);
    assert!(rows.iter().all(|row| row[5] == "DISABLED"));
    near(share(&rows, |row| row[6] == "y"), 0.75 * 0.99);
    near(share(&rows, |row| row[0] == "one"), 0.5);
    assert!(rows.iter().all(|row| row[0] == "one" || row[0] == "two"));
}

#[test]
fn files_may_be_there_many_times_be_empty_or_none() {
    let out = tempfile::tempdir().unwrap();
    let synth = Synth { rows: 2, files: 3, repeat: 4, ..small() };
    let summary = written(&synth, &out.path().join("a"));
    assert_eq!(summary.files, 3);
    let report = Report::read(&summary.manifest).unwrap();
    assert_eq!(report.files.len(), 12);
    let shapes: Vec<_> = report.files.iter().map(|file| (file.bytes, file.md5)).collect();
    assert_eq!(shapes[..3], shapes[9..]);
    assert_eq!(rows(&summary.manifest).len(), 8);
    let none = written(&Synth { rows: 0, files: 0, ..small() }, &out.path().join("b"));
    assert!(Report::read(&none.manifest).unwrap().files.is_empty());
}

#[test]
fn what_can_not_be_is_refused_and_names_the_option() {
    let columns = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let shares = |column: &str, weight| vec![(column.to_owned(), vec![("x".to_owned(), weight)])];
    for (synth, message) in [
        (Synth { files: 0, ..small() }, "files: rows need"),
        (Synth { repeat: 0, ..small() }, "repeat: "),
        (Synth { files: 1_000, repeat: 501, ..small() }, "files: files times repeat"),
        (Synth { repeat: u64::MAX, ..small() }, "files: files times repeat"),
        (Synth { threads: 0, ..small() }, "threads: "),
        (Synth { level: 10, ..small() }, "level: "),
        (Synth { bucket: "../up".into(), ..small() }, "bucket: "),
        (Synth { bucket: "..".into(), ..small() }, "bucket: "),
        (Synth { row_bytes: Some(1_025), ..small() }, "row_bytes: at most 1,024"),
        (Synth { odd_key_share: 1.5, ..small() }, "odd_key_share: 1.5 is not from 0 to 1"),
        (Synth { columns: columns(&["Key"]), ..small() }, "columns: Bucket is missing"),
        (Synth { columns: columns(&["Bucket"]), ..small() }, "columns: Key is missing"),
        (Synth { columns: columns(&["Bucket", "Key", "key"]), ..small() }, "key is listed twice"),
        (Synth { columns: columns(&["Bucket", "Key", "New"]), ..small() }, "known of New"),
        (Synth { columns: columns(&["Bucket", "Key", "a,b"]), ..small() }, "name of a column"),
        (Synth { shares: shares("Size", 1.0), ..small() }, "shares: no column \"Size\""),
        (Synth { shares: shares("Key", 1.0), ..small() }, "odd_key_share"),
        (Synth { shares: shares("BucketKeyStatus", 0.0), ..small() }, "weights of 0 and more"),
    ] {
        let error = refused(&synth);
        assert!(error.contains(message), "{message}: {error}");
    }
}

#[test]
fn a_folder_that_holds_something_is_left_alone() {
    let out = tempfile::tempdir().unwrap();
    fs::write(out.path().join("mine"), "x").unwrap();
    let error = write(&small(), out.path(), &AtomicBool::new(false), |_| {}).unwrap_err();
    assert!(matches!(error, SynthError::Folder(FolderError::NotEmpty { .. })));
    assert_eq!(tree(out.path()).len(), 1);
}

#[test]
fn an_interruption_leaves_nothing_behind() {
    let out = tempfile::tempdir().unwrap();
    let stop = AtomicBool::new(false);
    let result = write(&small(), out.path(), &stop, |_| stop.store(true, Ordering::Relaxed));
    assert!(matches!(result.unwrap_err(), SynthError::Stopped));
    assert_eq!(fs::read_dir(out.path()).unwrap().count(), 0);
}

#[test]
fn the_default_report_has_the_shape_of_the_benchmarks() {
    let out = tempfile::tempdir().unwrap();
    let synth = Synth { rows: 50_000, files: 2, ..Synth::default() };
    let summary = written(&synth, out.path());
    let row = summary.bytes_raw as f64 / summary.rows as f64;
    let ratio = summary.bytes_raw as f64 / summary.bytes_compressed as f64;

    let shape = format!("{row} bytes a row, {ratio} to 1");
    assert!((170.0..180.0).contains(&row) && (3.3..3.7).contains(&ratio), "{shape}");
}
