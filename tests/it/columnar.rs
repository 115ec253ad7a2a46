//! Reports in Parquet and ORC: the same answers as from CSV, and damage told.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fixture::{Run, listed, manifest_json, manifests, md5, plan_document, s3sieve, tree};

const FORMATS: [&str; 3] = ["csv", "parquet", "orc"];

const COLUMNS: &str = "Bucket,Key,VersionId,IsLatest,IsDeleteMarker,Size,LastModifiedDate,ETag,\
                       StorageClass,EncryptionStatus,BucketKeyStatus";

/// A synthetic report of these rows.
struct Synthetic {
    folder: TempDir,
}

impl Synthetic {
    fn new(format: &str, rows: &str, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("report");
        let mut arguments = vec!["synth", "--rows", rows, "--format", format, "--columns", COLUMNS];
        arguments.extend([
            "--odd-keys",
            "0.2",
            "--null-versions",
            "0.2",
            "--delete-markers",
            "0.1",
        ]);
        arguments.extend(["--level", "1", "--out", out.to_str().unwrap()]);
        arguments.extend(more);
        s3sieve(arguments).expect(0);
        Self { folder }
    }

    fn report(&self) -> PathBuf {
        self.folder.path().join("report")
    }

    fn out(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn filter(&self, question: &str, out: &Path, more: &[&str]) -> Run {
        let report = self.report();
        let mut arguments = vec!["filter", report.to_str().unwrap(), "--where", question];
        arguments.extend(["--out", out.to_str().unwrap()]);
        arguments.extend(more);
        s3sieve(arguments)
    }

    /// A file below the report whose name ends so.
    fn file(&self, ending: &str) -> PathBuf {
        fn find(folder: &Path, ending: &str) -> Option<PathBuf> {
            let mut paths: Vec<PathBuf> =
                fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
            paths.sort();
            paths.into_iter().find_map(|path| match path.is_dir() {
                true => find(&path, ending),
                false => path.to_str().unwrap().ends_with(ending).then_some(path),
            })
        }
        find(&self.report(), ending).unwrap()
    }

    fn change_manifest(&self, change: impl FnOnce(&mut Value)) {
        let path = self.file("manifest.json");
        let mut document: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        change(&mut document);
        let bytes = document.to_string().into_bytes();
        fs::write(path.with_extension("checksum"), md5(&bytes)).unwrap();
        fs::write(&path, bytes).unwrap();
    }

    /// Puts other bytes in place of the only data file; the manifest then fits them.
    fn replace(&self, ending: &str, bytes: &[u8]) {
        fs::write(self.file(ending), bytes).unwrap();
        self.change_manifest(|document| {
            document["files"][0]["size"] = json!(bytes.len());
            document["files"][0]["MD5checksum"] = json!(md5(bytes));
        });
    }
}

/// A Parquet file with rows of these buckets, keys and, perhaps, a second column `KEY`.
fn parquet_of(rows: &[(&str, &str)], second: bool) -> Vec<u8> {
    use parquet::data_type::{ByteArray, ByteArrayType};
    use parquet::file::properties::WriterProperties;
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;

    let more = if second { "required binary KEY (STRING);" } else { "" };
    let text = format!(
        "message s3.inventory {{ required binary bucket (STRING); required binary key (STRING); \
         {more} }}"
    );
    let (schema, properties) = (parse_message_type(&text).unwrap(), WriterProperties::default());
    let mut writer =
        SerializedFileWriter::new(Vec::new(), schema.into(), properties.into()).unwrap();
    for rows in rows.chunks(10_000) {
        let mut group = writer.next_row_group().unwrap();
        let mut place = 0;
        while let Some(mut column) = group.next_column().unwrap() {
            let value = |row: &(&str, &str)| if place == 0 { row.0 } else { row.1 }.into();
            let values: Vec<ByteArray> = rows.iter().map(value).collect();
            column.typed::<ByteArrayType>().write_batch(&values, None, None).unwrap();
            column.close().unwrap();
            place += 1;
        }
        group.close().unwrap();
    }
    writer.into_inner().unwrap()
}

/// The folder of a report with one such file.
fn parquet_report(file: &[u8]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let schema = "message s3.inventory { required binary bucket (STRING); required binary key \
                  (STRING); }";
    let mut document = manifest_json(schema, &[listed("a.parquet", file)]);
    document["fileFormat"] = json!("Parquet");
    fs::write(folder.path().join("a.parquet"), file).unwrap();
    fs::write(folder.path().join("manifest.json"), document.to_string()).unwrap();
    folder
}

#[test]
fn rows_that_no_job_could_have_are_named_by_their_number() {
    let long = "é".repeat(513);
    let mut rows = vec![("demo", "key"); 25_000];
    rows[24_000] = ("demo", "other");
    for (place, row, says) in [
        (0, ("demo", ""), "record 1: the key is empty"),
        (9_500, ("", "k"), "record 9,501: the bucket is empty"),
        (23_456, ("../x", "k"), "record 23,457: \"../x\" is not the name of a bucket"),
        (24_999, ("demo", &long), "record 25,000: the key has 1,026 bytes"),
    ] {
        let mut rows = rows.clone();
        rows[place] = row;
        let folder = parquet_report(&parquet_of(&rows, false));
        let (report, out) = (folder.path().join("manifest.json"), folder.path().join("plan"));
        for question in ["TRUE", "Key <> 'key'"] {
            let usual = ["filter", report.to_str().unwrap(), "--where", question, "--out"];
            let run = s3sieve([&usual[..], &[out.to_str().unwrap()]].concat());
            // An empty text is NULL, which is not selected by a comparison.
            if row.1.is_empty() && question != "TRUE" {
                run.expect(0);
                continue;
            }
            run.expect(3).says(&["a.parquet", says]);
            assert!(!out.exists());
        }
    }
}

#[test]
fn a_file_with_two_columns_of_one_name_is_refused() {
    let folder = parquet_report(&parquet_of(&[("demo", "a")], true));
    let report = folder.path().join("manifest.json");
    let run = s3sieve(["count", report.to_str().unwrap(), "--where", "TRUE"]);
    run.expect(3).says(&["a.parquet", "two columns KEY"]);
}

#[test]
fn the_same_bucket_gives_the_same_rows_in_every_format() {
    let reports = FORMATS.map(|format| Synthetic::new(format, "30000", &["--files", "3"]));
    let questions = [
        "BucketKeyStatus = 'DISABLED' AND EncryptionStatus = 'SSE-KMS'",
        "size > '1MiB' and last_modified_date < '2024-01-01' or version_id is null",
        "Key LIKE '%é%' OR NOT IsLatest AND StorageClass IN ('GLACIER', 'DEEP_ARCHIVE')",
        "ETag LIKE '%-2' AND Size BETWEEN 16777216 AND 99999999",
        "BucketKeyStatus = 'SOMETHING'",
    ];
    for (number, question) in questions.into_iter().enumerate() {
        let mut found = Vec::new();
        for report in &reports {
            let out = report.out(&number.to_string());
            report.filter(question, &out, &["--max-objects", "4000"]).expect(0);
            let mut sizes = Vec::new();
            let plan = plan_document(&out);
            for shard in plan["shards"].as_array().unwrap() {
                sizes.push(shard["objects"].clone());
            }
            // Large gzip files take turns, so the order of rows is another.
            found.push((sizes, sorted_lines(&out)));
        }
        assert!(found[0] == found[1] && found[0] == found[2], "{question}");
    }
    let counts = reports.map(|report| {
        let report = report.report();
        let report = report.to_str().unwrap();
        let by = ["count", report, "--by", "StorageClass,IsLatest", "--format", "json"];
        let mut counts = s3sieve(by).expect(0).json();
        for name in ["scanned", "seconds", "columns", "by"] {
            counts.as_object_mut().unwrap().remove(name);
        }
        (counts["rows_matched"].clone(), counts["groups"].as_array().unwrap().len())
    });
    assert_eq!(counts[0], counts[1]);
    assert_eq!(counts[0], counts[2]);
}

#[test]
fn a_plan_has_the_same_bytes_on_any_number_of_threads() {
    for format in ["parquet", "orc"] {
        // Large enough for several row groups and parts.
        let report = Synthetic::new(format, "300000", &["--files", "2"]);
        let plans = ["1", "2", "5"].map(|threads| {
            let out = report.out(threads);
            let more = ["--threads", threads, "--split-by", "StorageClass"];
            report.filter("Size > 1000", &out, &more).expect(0);
            tree(&out)
        });
        assert!(plans[0] == plans[1] && plans[0] == plans[2], "{format}");
    }
}

#[test]
fn gzip_files_that_take_turns_give_the_same_plan_and_lose_no_row() {
    // Of several splits each, and more of them than some runs have threads.
    let report = Synthetic::new("csv", "200000", &["--files", "5"]);
    let question = "Size > 1000 AND BucketKeyStatus = 'DISABLED'";
    for (place, more) in [
        &["--max-objects", "7000"][..],
        &["--jobs", "3", "--verify", "crc"],
        &["--split-by", "StorageClass", "--memory", "2MiB"],
    ]
    .into_iter()
    .enumerate()
    {
        let plans = ["1", "2", "5", "16"].map(|threads| {
            let out = report.out(&format!("{place}-{threads}"));
            report.filter(question, &out, &[more, &["--threads", threads]].concat()).expect(0);
            tree(&out)
        });
        assert!(plans.iter().all(|plan| *plan == plans[0]), "{more:?}");
        // Bad files would be skipped: each file is shown once it is known to be good.
        let out = report.out(&format!("{place}-in-order"));
        report.filter(question, &out, &[more, &["--keep-going"]].concat()).expect(0);
        assert_eq!(sorted_lines(&out), sorted_lines(&report.out(&format!("{place}-2"))));
    }
}

/// A split that waits for its turn is stopped by a bad one before it: that ended the turns of those
/// before the bad one, too, and the run was "interrupted", in one of ten.
#[test]
fn a_bad_split_is_told_whatever_waits_behind_it() {
    let report = Synthetic::new("csv", "240000", &["--files", "3"]);
    let file = report.file(".csv.gz");
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 400].fill(0);
    fs::write(&file, bytes).unwrap();
    let name = file.file_name().unwrap().to_str().unwrap().to_owned();
    for attempt in 0..30 {
        let out = report.out(&attempt.to_string());
        let run = report.filter("TRUE", &out, &["--threads", "8", "--verify", "crc"]);
        run.expect(3).says(&[&name]);
        assert!(!out.join("plan.json").exists());
    }
}

/// The lines of all manifests, whatever their order.
fn sorted_lines(plan: &Path) -> Vec<String> {
    let mut lines: Vec<String> = manifests(plan).lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn a_limit_counts_rows_in_report_order() {
    let firsts = FORMATS.map(|format| {
        let report = Synthetic::new(format, "5000", &["--files", "2"]);
        let out = report.out("plan");
        let path = report.report();
        let statement = "select s._1, s._2 from s3object s where s._11 = 'DISABLED' limit 700";
        let arguments = ["filter", path.to_str().unwrap(), "--sql", statement, "--out"];
        s3sieve(arguments.into_iter().chain([out.to_str().unwrap()])).expect(0);
        manifests(&out)
    });
    assert_eq!(firsts[0], firsts[1]);
    assert_eq!(firsts[0], firsts[2]);
}

#[test]
fn every_command_takes_every_format() {
    for format in ["parquet", "orc"] {
        let report = Synthetic::new(format, "2000", &["--files", "1"]);
        let path = report.report();
        let path = path.to_str().unwrap();
        let inspected = s3sieve(["inspect", path, "--format", "json"]).expect(0).json();
        assert_eq!(inspected["reports"][0]["columns"][10]["name"], "bucket_key_status");
        s3sieve(["bench", path, "--where", "Size > 5", "--runs", "1"]).expect(0);
    }
}

#[test]
fn a_damaged_file_is_told_with_its_name() {
    for (ending, magic) in [(".parquet", "ends with PAR1"), (".orc", "does not end as an ORC")] {
        let report = Synthetic::new(&ending[1..], "3000", &["--files", "1"]);
        let good = fs::read(report.file(ending)).unwrap();
        let filter = |name: &str| report.filter("Size > 5", &report.out(name), &[]);
        report.replace(ending, &good[..good.len() - 100]);
        filter("cut").expect(3).says(&[ending, magic]);
        report.replace(ending, b"something else altogether, longer than a tail");
        filter("other").expect(3).says(&[ending, magic]);
        report.replace(ending, b"");
        filter("empty").expect(3).says(&[ending]);
        // In the middle of the file are pages and chunks.
        let mut changed = good.clone();
        let middle = changed.len() / 2;
        changed[middle..middle + 64].fill(0xff);
        report.replace(ending, &changed);
        filter("changed").expect(3).says(&[ending, "damaged"]);
        let mut footer = good.clone();
        let place = footer.len() - 60;
        footer[place..place + 30].fill(0xff);
        report.replace(ending, &footer);
        filter("footer").expect(3).says(&[ending]);
        // The manifest still tells the MD5 of the good file.
        fs::write(report.file(ending), &good).unwrap();
        report.change_manifest(|document| {
            document["files"][0]["size"] = json!(good.len());
            document["files"][0]["MD5checksum"] = json!("0123456789abcdef0123456789abcdef");
        });
        filter("md5").expect(3).says(&[ending, "MD5"]);
        assert!(!report.out("md5").exists());
        let kept = report.out("kept");
        report.filter("Size > 5", &kept, &["--keep-going"]).expect(5);
        assert_eq!(plan_document(&kept)["files_skipped"].as_array().unwrap().len(), 1);
    }
}

/// Where the MD5 is another one, that is told first, and the place second.
#[test]
fn a_damaged_file_is_told_by_its_md5_first() {
    for (ending, shows) in [(".parquet", "group 0"), (".orc", "group 0")] {
        let report = Synthetic::new(&ending[1..], "3000", &["--files", "1"]);
        let mut bytes = fs::read(report.file(ending)).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle..middle + 64].fill(0xff);
        fs::write(report.file(ending), &bytes).unwrap();
        for threads in ["1", "4"] {
            let out = report.out("plan");
            let flags = ["--threads", threads];
            let run = report.filter("Size > 5", &out, &flags).expect(3);
            let run = run.says(&[ending, "the file's MD5 is ", "fetch it again", shows]);
            let said = run.stderr();
            assert!(said.find("MD5") < said.find(shows), "{}", run.story());
            let run = report.filter("Size > 5", &out, &["--verify", "crc"]).expect(3);
            assert!(!run.stderr().contains("MD5"), "{}", run.story());
        }
    }
}

#[test]
fn a_column_that_the_file_lacks_is_told() {
    let lists = [
        (".parquet", "}", "  optional binary e_tag2 (STRING);}"),
        (".orc", ">", ",e_tag2:string>"),
    ];
    for (ending, end, more) in lists {
        let report = Synthetic::new(&ending[1..], "10", &["--files", "1"]);
        report.change_manifest(|document| {
            let schema = document["fileSchema"].as_str().unwrap().replace(end, more);
            document["fileSchema"] = json!(schema);
        });
        let run = report.filter("Size > 5", &report.out("plan"), &[]).expect(3);
        run.says(&[ending, "no column e_tag2", "bucket_key_status"]);
    }
}
