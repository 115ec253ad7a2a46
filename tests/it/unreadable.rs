//! Values that can't be read: no row is decided by one without a word, and the word is the same in
//! every format and on any number of threads.

use std::fs;

use serde_json::{Value, json};

use crate::fixture::{ReportFolder, Run, manifests, plan_document, row, s3sieve};

const COLUMNS: &str = "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, LastModifiedDate";

/// A good row, but for what stands in one column.
fn with(key: &str, column: &str, value: &str) -> [String; 7] {
    let usual = ["demo", key, "v1", "true", "false", "100", "2024-01-31T12:30:59.000Z"];
    let mut fields = usual.map(str::to_owned);
    if let Some(place) = COLUMNS.split(", ").position(|name| name == column) {
        value.clone_into(&mut fields[place]);
    }
    fields
}

fn text(rows: &[[String; 7]]) -> String {
    rows.iter().map(|fields| row(&fields.each_ref().map(String::as_str))).collect()
}

/// Two good rows around one with this value.
fn report(column: &str, value: &str) -> ReportFolder {
    let rows = [with("a", "", ""), with("b", column, value), with("c", "", "")];
    ReportFolder::new(COLUMNS, &[text(&rows).as_bytes()])
}

fn count(report: &ReportFolder, flags: &[&str]) -> Run {
    let usual = ["count", report.manifest.to_str().unwrap(), "--format", "json"];
    s3sieve(usual.iter().chain(flags))
}

fn filter(report: &ReportFolder, flags: &[&str]) -> Run {
    let out = report.out();
    let usual = ["filter", report.manifest.to_str().unwrap(), "--out", out.to_str().unwrap()];
    s3sieve(usual.iter().chain(flags))
}

/// The only column that is told, without the file's folder.
#[track_caller]
fn told(document: &Value) -> Value {
    let found = document["unreadable"].as_array().unwrap();
    assert_eq!(found.len(), 1, "{document}");
    let mut found = found[0].clone();
    let file = found["file"].as_str().unwrap();
    let name = file.rsplit('/').next().unwrap();
    found["file"] = json!(name);
    found
}

/// A question that this value decides: `count` and `filter` refuse, and go on where asked to.
#[track_caller]
fn decides(column: &str, value: &str, question: &str, is_not: &str) {
    let report = report(column, value);
    let says = ["0.csv.gz", "record 2", column, &format!("{value:?}"), is_not, "--keep-going"];
    count(&report, &["--where", question]).expect(3).says(&says);
    filter(&report, &["--where", question]).expect(3).says(&says);
    assert!(!report.out().exists());
    let expected =
        json!({"column": column, "rows": 1, "example": value, "file": "0.csv.gz", "record": 2});
    let run = count(&report, &["--where", question, "--keep-going"]).expect(5);
    assert_eq!(told(&run.json()), expected, "{}", run.story());
    let warnings = run.json()["warnings"].to_string();
    assert!(warnings.contains("can't be read") && warnings.contains("record 2"), "{warnings}");
    filter(&report, &["--where", question, "--keep-going"]).expect(5);
    assert_eq!(told(&plan_document(&report.out())), expected);
    // The row counts as NULL.
    assert_eq!(manifests(&report.out()), "demo,a,v1\ndemo,c,v1\n");
}

#[test]
fn a_size_that_is_not_a_whole_number() {
    for value in
        ["1.0E3", "1000.0", " 1000", "1 000", "1_000", "0x3e8", "-", "18446744073709551616"]
    {
        decides("Size", value, "Size > 10", "is not a whole number");
    }
}

#[test]
fn a_date_in_another_form() {
    for value in [
        "1704110400000",
        "1704110400",
        "2024-01-31 12:30:59 UTC",
        "Wed, 31 Jan 2024 12:30:59 GMT",
        "31/01/2024",
    ] {
        decides("LastModifiedDate", value, "LastModifiedDate < '2025-01-01'", "is not a date");
    }
}

#[test]
fn a_flag_in_another_form() {
    for value in ["1", "0", "t", "yes", " true", "null"] {
        decides("IsLatest", value, "IsLatest", "is not true or false");
    }
}

/// Not even NULL is said of a value without a word.
#[test]
fn a_value_that_is_not_there_is_null_and_no_other_is() {
    let report = report("Size", "1.0E3");
    count(&report, &["--where", "Size IS NULL"]).expect(3).says(&["record 2", "1.0E3"]);
    let report = self::report("Size", "");
    let run = count(&report, &["--where", "Size IS NULL"]).expect(0);
    assert_eq!((&run.json()["rows_matched"], &run.json()["unreadable"]), (&json!(1), &json!([])));
}

/// A value does not count where the row's other values decide, in whatever order they stand.
#[test]
fn what_other_values_decide_stands() {
    let report = report("Size", "1.0E3");
    for question in ["Size > 10 AND Key < 'b'", "Key < 'b' AND Size > 10", "NOT (Size > 1 OR TRUE)"]
    {
        let run = count(&report, &["--where", question]).expect(0);
        assert_eq!(run.json()["unreadable"], json!([]), "{}", run.story());
    }
    count(&report, &["--where", "Size > 10 OR Key = 'c'"]).expect(3);
}

#[test]
fn a_delete_marker_that_cannot_be_read_is_in_no_manifest() {
    for value in ["1", "t", "0", "yes"] {
        let report = report("IsDeleteMarker", value);
        for flags in [
            &[][..],
            &["--for", "tag"],
            &["--for", "copy", "--storage-class", "STANDARD"],
            &["--for", "replicate", "--include-ineligible", "delete-marker"],
        ] {
            let question = ["--where", "Size >= 0 OR Size IS NULL"];
            let flags = [&question, flags].concat();
            let says = ["record 2", "IsDeleteMarker", "is not true or false", "--keep-going"];
            let run = filter(&report, &flags);
            if run.stderr().contains("delete-marker") && run.output.status.code() == Some(2) {
                continue;
            }
            run.expect(3).says(&says);
            assert!(!report.out().exists());
            filter(&report, &[&flags[..], &["--keep-going"]].concat()).expect(5);
            let plan = plan_document(&report.out());
            assert!(!manifests(&report.out()).contains(",b,"), "{flags:?}");
            assert_eq!(told(&plan)["column"], "IsDeleteMarker");
            let excluded =
                json!({"reason": "unreadable", "rows": 1, "paths": ["excluded/unreadable.csv"]});
            assert!(plan["excluded"].as_array().unwrap().contains(&excluded), "{plan}");
            let lines = fs::read_to_string(report.out().join("excluded/unreadable.csv")).unwrap();
            assert_eq!(lines, "demo,b,v1\n");
            fs::remove_dir_all(report.out()).unwrap();
        }
    }
}

/// A copy of what may be a noncurrent version could make old content current.
#[test]
fn a_copy_needs_to_know_which_version_is_current() {
    let report = report("IsLatest", "0");
    let flags = ["--where", "TRUE", "--for", "copy", "--storage-class", "STANDARD"];
    filter(&report, &flags).expect(3).says(&["record 2", "IsLatest", "\"0\""]);
    filter(&report, &[&flags[..], &["--keep-going"]].concat()).expect(5);
    assert_eq!(manifests(&report.out()), "demo,a,v1\ndemo,c,v1\n");
    // Nothing else asks.
    fs::remove_dir_all(report.out()).unwrap();
    filter(&report, &["--where", "TRUE", "--for", "tag"]).expect(0);
    assert_eq!(plan_document(&report.out())["unreadable"], json!([]));
}

#[test]
fn a_rule_of_an_operation_is_not_decided_in_silence() {
    let report = report("Size", "6e9");
    let flags = ["--where", "TRUE", "--for", "copy", "--storage-class", "STANDARD"];
    filter(&report, &flags).expect(3).says(&["record 2", "Size", "6e9"]);
    filter(&report, &[&flags[..], &["--keep-going"]].concat()).expect(5);
    assert_eq!(told(&plan_document(&report.out()))["rows"], 1, "it is counted once");
}

/// One parser: what a predicate reads is what totals add up.
#[test]
fn a_size_with_a_sign_or_zeros_is_one_number_to_all() {
    for value in ["+1000", "1000", "0001000"] {
        let report = report("Size", value);
        let run = count(&report, &["--where", "Size = 1000"]).expect(0);
        assert_eq!(
            (&run.json()["rows_matched"], &run.json()["bytes_objects"]),
            (&json!(1), &json!(1000))
        );
        filter(&report, &["--where", "Size = 1000"]).expect(0);
        let plan = plan_document(&report.out());
        assert_eq!(plan["totals"]["bytes_objects"], 1000, "{value}");
        assert_eq!(plan["unreadable"], json!([]));
    }
}

/// What would only be added up or shown decides nothing: it is told, and the run ends well.
#[test]
fn totals_tell_what_they_could_not_add() {
    let report = report("Size", "1.0E3");
    let expected =
        json!({"column": "Size", "rows": 1, "example": "1.0E3", "file": "0.csv.gz", "record": 2});
    for flags in [&[][..], &["--by", "Size"], &["--by", "IsLatest,Size", "--keep-going"]] {
        let run = count(&report, &[&["--where", "TRUE"], flags].concat()).expect(0);
        assert_eq!(told(&run.json()), expected, "{}", run.story());
        assert_eq!(run.json()["bytes_objects"], 200);
    }
    filter(&report, &["--where", "TRUE"]).expect(0);
    let plan = plan_document(&report.out());
    assert_eq!((told(&plan), &plan["totals"]["bytes_objects"]), (expected, &json!(200)));
    let below = self::report("Size", "-5");
    let run = count(&below, &["--where", "Size < 10"]).expect(0);
    assert_eq!(told(&run.json())["example"], "-5", "nothing is smaller than nothing");
    let human = s3sieve(["count", report.manifest.to_str().unwrap(), "--where", "TRUE"]).expect(0);
    let said = human.stdout() + &human.stderr();
    assert!(said.contains("1 value of Size can't be read"), "{said}");
}

/// A group is told as it stands in the report: only conditions and sums take its value for NULL.
#[test]
fn a_group_of_what_cannot_be_read_is_not_said_to_be_null() {
    let report = report("Size", "1.0E3");
    let run = count(&report, &["--where", "TRUE", "--by", "size"]).expect(0);
    let groups = run.json()["groups"].to_string();
    assert!(groups.contains(r#"{"Size":"1.0E3"}"#), "{groups}");
    let said = run.json()["warnings"].to_string();
    assert!(said.contains("--by shows it as it stands, conditions and sums"), "{said}");
    let run = count(&report, &["--where", "TRUE", "--by", "IsLatest"]).expect(0);
    let said = run.json()["warnings"].to_string();
    assert!(said.contains("1 value of Size can't be read and is taken for NULL"), "{said}");
}

/// A column is one in whichever way reports spell it, and stands under the first spelling.
#[test]
fn a_column_of_two_spellings_is_told_once() {
    let rows = [with("a", "Size", "1e3"), with("b", "IsLatest", "1")];
    let make = |columns: &str| ReportFolder::new(columns, &[text(&rows).as_bytes()]);
    let snake = COLUMNS.replace("Size", "size").replace("IsLatest", "is_latest");
    let (first, second) = (make(COLUMNS), make(&snake));
    for (reports, names) in
        [([&first, &second], ["Size", "IsLatest"]), ([&second, &first], ["size", "is_latest"])]
    {
        let manifests = reports.map(|report| report.manifest.to_str().unwrap());
        let expected = |told: &Value| {
            for (told, name) in told.as_array().unwrap().iter().zip(names) {
                assert_eq!((&told["column"], &told["rows"]), (&json!(name), &json!(2)));
            }
            assert_eq!(told.as_array().unwrap().len(), 2, "{told}");
        };
        let question = ["--where", "Size > 1 AND IsLatest"];
        let flags = [&question[..], &["--keep-going", "--allow-overlap"]].concat();
        for threads in ["1", "2", "8"] {
            let usual = ["--format", "json", "--threads", threads];
            let count = [&["count"], &manifests[..], &flags, &usual].concat();
            expected(&s3sieve(count).expect(5).json()["unreadable"]);
            let out = first.out();
            let usual = ["--out", out.to_str().unwrap(), "--threads", threads];
            s3sieve([&["filter"], &manifests[..], &flags, &usual].concat()).expect(5);
            expected(&plan_document(&out)["unreadable"]);
            fs::remove_dir_all(out).unwrap();
        }
    }
}

/// The first in report order is told, and all are counted.
#[test]
fn threads_change_nothing() {
    let file = |number: usize| {
        let row = |place: usize| {
            let key = format!("{number}-{place}");
            match (number * 31 + place) % 50 {
                7 if number > 2 => with(&key, "Size", &format!("{number}.{place}")),
                9 if number > 4 => with(&key, "IsLatest", &format!("{number}")),
                _ => with(&key, "", ""),
            }
        };
        text(&(0..300).map(row).collect::<Vec<_>>()).into_bytes()
    };
    let files: Vec<Vec<u8>> = (0..40).map(file).collect();
    let files: Vec<&[u8]> = files.iter().map(Vec::as_slice).collect();
    let report = ReportFolder::new(COLUMNS, &files);
    let ends = |flags: &[&str]| {
        let run = |threads: &str| {
            let run = count(&report, &[flags, &["--threads", threads]].concat());
            let mut document = if run.output.stdout.is_empty() { json!(0) } else { run.json() };
            if document.is_object() {
                document["seconds"] = json!(0);
            }
            (run.output.status.code(), document, run.stderr())
        };
        let first = run("1");
        for threads in ["2", "3", "8"] {
            assert_eq!(run(threads), first, "{threads}");
        }
        first
    };
    let (code, document, _) = ends(&["--where", "Size > 1 AND IsLatest", "--keep-going"]);
    assert_eq!(code, Some(5));
    let found = document["unreadable"].as_array().unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(found[0]["column"], "Size");
    assert_eq!(found[0]["example"], "3.14");
    assert_eq!(found[0]["record"], 15);
    assert_eq!(found[0]["rows"], 37 * 6);
    assert_eq!((&found[1]["example"], &found[1]["rows"]), (&json!("5"), &json!(35 * 6)));
    let (code, document, _) = ends(&["--where", "TRUE"]);
    assert_eq!((code, &document["unreadable"][0]["rows"]), (Some(0), &json!(37 * 6)));
    let (code, _, said) = ends(&["--where", "Size > 1"]);
    assert_eq!(code, Some(3));
    assert!(said.contains("3.csv.gz") && said.contains("record 15"), "{said}");
}

/// `verify` has no way on: nothing is proven by a value that can't be read.
#[test]
fn a_newer_report_that_cannot_be_read_proves_nothing() {
    let first = report("", "");
    filter(&first, &["--where", "Size > 10"]).expect(0);
    for (column, value) in [("Size", "1e3"), ("IsLatest", "1"), ("LastModifiedDate", "1704110400")]
    {
        proves_nothing(&first, column, value, &[]);
    }
}

/// Whether a row is of an object at all hangs on its `IsDeleteMarker`, with `--out` or without.
#[test]
fn a_newer_report_does_not_prove_what_an_unreadable_delete_marker_says() {
    let first = report("", "");
    filter(&first, &["--where", "Size > 10"]).expect(0);
    let rest = first.out().with_file_name("rest");
    for flags in [&[][..], &["--out", rest.to_str().unwrap()]] {
        proves_nothing(&first, "IsDeleteMarker", "FALSE?", flags);
        assert!(!rest.exists());
    }
    // By key alone, too.
    filter(&first, &["--where", "Size > 10", "--no-version-ids", "--force"]).expect(0);
    proves_nothing(&first, "IsDeleteMarker", "FALSE?", &[]);
    // A row of another object decides nothing.
    filter(&first, &["--where", "Size > 10 AND Key <> 'b'", "--force"]).expect(0);
    verify(&first, &newer("IsDeleteMarker", "FALSE?"), &[]).expect(5);
    // Nor does it in a plan of delete markers, too: such a row counts, whatever it is.
    let markers = ["--for", "lambda", "--include-ineligible", "delete-marker"];
    filter(&first, &[&["--where", "Size > 10", "--force"], &markers[..]].concat()).expect(0);
    verify(&first, &newer("IsDeleteMarker", "FALSE?"), &[]).expect(5);
}

/// Such a value where the plan of the rest is made is told without the flag that `verify` refuses:
/// here it decides about a rule of the operation.
#[test]
fn a_plan_of_the_rest_is_not_made_of_what_cannot_be_read() {
    let first = report("", "");
    filter(&first, &["--where", "Key >= 'a'", "--for", "copy", "--no-version-ids"]).expect(0);
    let rest = first.out().with_file_name("rest");
    proves_nothing(&first, "Size", "1e3", &["--out", rest.to_str().unwrap()]);
    assert!(!rest.exists());
}

/// The same report, written a month later, with one bad value.
fn newer(column: &str, value: &str) -> ReportFolder {
    let newer = report(column, value);
    let mut document: Value = serde_json::from_slice(&fs::read(&newer.manifest).unwrap()).unwrap();
    document["creationTimestamp"] = json!("1769821200000");
    fs::write(&newer.manifest, document.to_string()).unwrap();
    newer
}

fn verify(first: &ReportFolder, newer: &ReportFolder, flags: &[&str]) -> Run {
    let plan = first.out();
    let usual = ["verify", plan.to_str().unwrap(), newer.manifest.to_str().unwrap()];
    s3sieve(usual.iter().chain(flags))
}

#[track_caller]
fn proves_nothing(first: &ReportFolder, column: &str, value: &str, flags: &[&str]) {
    let run = verify(first, &newer(column, value), flags).expect(3);
    assert!(!run.stderr().contains("--keep-going"), "{}", run.story());
    run.says(&["0.csv.gz", "record 2", column, value, "correct the program that wrote"]);
}

#[cfg(all(feature = "parquet", feature = "orc"))]
mod formats {
    use std::path::PathBuf;

    use parquet::data_type::{ByteArray, ByteArrayType};
    use parquet::file::properties::WriterProperties;
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;
    use serde_json::{Value, json};
    use tempfile::TempDir;

    use super::{COLUMNS, text, with};
    use crate::fixture::{ReportFolder, listed, manifest_json, s3sieve};
    use crate::hostile::{bytes, number, varint};

    /// Rows of a group or stripe: the number of a record counts those of groups before.
    const GROUP_ROWS: usize = 100;

    type Rows = [[String; 7]];

    fn parquet_schema() -> String {
        let column = |name: &str| format!("required binary {name} (STRING);");
        let columns: String = COLUMNS.split(", ").map(column).collect();
        format!("message s3.inventory {{ {columns} }}")
    }

    /// A Parquet file of texts.
    fn parquet(rows: &Rows) -> Vec<u8> {
        let schema = parse_message_type(&parquet_schema()).unwrap();
        let properties = WriterProperties::default();
        let mut writer =
            SerializedFileWriter::new(Vec::new(), schema.into(), properties.into()).unwrap();
        for rows in rows.chunks(GROUP_ROWS) {
            let mut group = writer.next_row_group().unwrap();
            for place in 0..7 {
                let mut column = group.next_column().unwrap().unwrap();
                let values: Vec<ByteArray> =
                    rows.iter().map(|row| row[place].as_str().into()).collect();
                column.typed::<ByteArrayType>().write_batch(&values, None, None).unwrap();
                column.close().unwrap();
            }
            group.close().unwrap();
        }
        writer.into_inner().unwrap()
    }

    fn orc_schema() -> String {
        let columns: Vec<String> = COLUMNS.split(", ").map(|c| format!("{c}:string")).collect();
        format!("struct<{}>", columns.join(","))
    }

    /// A run of the first version of ORC's lengths, one literal after the other.
    fn lengths(rows: &Rows, place: usize) -> Vec<u8> {
        let mut out = vec![(rows.len() as u8).wrapping_neg()];
        rows.iter().for_each(|row| varint(row[place].len() as u64, &mut out));
        out
    }

    /// An ORC file of texts, not compressed, without statistics.
    fn orc(rows: &Rows) -> Vec<u8> {
        let mut out = b"ORC".to_vec();
        let mut stripes = Vec::new();
        for rows in rows.chunks(GROUP_ROWS) {
            let (start, mut footer) = (out.len(), Vec::new());
            for place in 0..7 {
                let texts: Vec<u8> = rows.iter().flat_map(|r| r[place].bytes()).collect();
                for (kind, stream) in [(1, texts), (2, lengths(rows, place))] {
                    let fields = [
                        number(1, kind),
                        number(2, place as u64 + 1),
                        number(3, stream.len() as u64),
                    ];
                    footer.extend(bytes(1, &fields.concat()));
                    out.extend(stream);
                }
            }
            footer.extend(bytes(2, &number(1, 0)).repeat(8));
            let data = out.len() - start;
            out.extend(&footer);
            let stripe = [
                number(1, start as u64),
                number(2, 0),
                number(3, data as u64),
                number(4, footer.len() as u64),
                number(5, rows.len() as u64),
            ];
            stripes.extend(bytes(3, &stripe.concat()));
        }
        let mut row = number(1, 12);
        (1..=7).for_each(|id| row.extend(number(2, id)));
        COLUMNS.split(", ").for_each(|name| row.extend(bytes(3, name.as_bytes())));
        let mut footer = [number(1, 3), number(2, out.len() as u64), stripes].concat();
        footer.extend(bytes(4, &row));
        footer.extend(bytes(4, &number(1, 7)).repeat(7));
        footer.extend(number(6, rows.len() as u64));
        let mut postscript = [number(1, footer.len() as u64), number(2, 0)].concat();
        postscript.extend(bytes(8000, b"ORC"));
        out.extend(footer);
        let end = [postscript.len() as u8];
        [out, postscript, end.to_vec()].concat()
    }

    struct Columnar {
        manifest: PathBuf,
        _folder: TempDir,
    }

    impl Columnar {
        fn new(format: &str, schema: &str, file: &[u8]) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let mut document = manifest_json(schema, &[listed("a", file)]);
            document["fileFormat"] = json!(format);
            std::fs::write(folder.path().join("a"), file).unwrap();
            let manifest = folder.path().join("manifest.json");
            std::fs::write(&manifest, document.to_string()).unwrap();
            Self { manifest, _folder: folder }
        }
    }

    /// What a question comes to, without the name of the file.
    fn answer(manifest: &std::path::Path, question: &str, more: &[&str]) -> (Option<i32>, Value) {
        let usual = ["count", manifest.to_str().unwrap(), "--where", question, "--format", "json"];
        let run = s3sieve([&usual[..], more].concat());
        let code = run.output.status.code();
        if code == Some(3) {
            let said = run.stderr();
            let place = said.find("record ").unwrap_or_else(|| panic!("{}", run.story()));
            return (code, json!(&said[place..]));
        }
        let document = run.json();
        let mut unreadable = document["unreadable"].clone();
        for column in unreadable.as_array_mut().unwrap() {
            column["file"] = json!("");
        }
        // Columns of one row are told in the order of its tests.
        unreadable.as_array_mut().unwrap().sort_by_key(|column| column["column"].to_string());
        (code, json!([document["rows_matched"], document["bytes_objects"], unreadable]))
    }

    /// Every format says the same, whatever it could skip.
    #[test]
    fn a_value_is_told_alike_in_every_format() {
        let row = |number: usize| {
            let key = format!("{:04}", number * 7 % 450);
            let mut row = match number % 37 {
                5 => with(&key, "Size", "1.0E3"),
                11 if number > 200 => with(&key, "IsLatest", "1"),
                17 => with(&key, "LastModifiedDate", "1704110400000"),
                23 => with(&key, "Size", ""),
                29 => with(&key, "IsLatest", "FALSE"),
                _ => with(&key, "", ""),
            };
            if number % 74 == 5 {
                "false".clone_into(&mut row[3]);
            }
            row
        };
        let rows: Vec<_> = (0..450).map(row).collect();
        let csv = ReportFolder::new(COLUMNS, &[text(&rows).as_bytes()]);
        let parquet = Columnar::new("Parquet", &parquet_schema(), &parquet(&rows));
        let orc = Columnar::new("ORC", &orc_schema(), &orc(&rows));
        let mut codes = Vec::new();
        for question in [
            "TRUE",
            "Size > 10",
            "Size IS NULL",
            "Size > 10 AND IsLatest",
            "IsLatest AND Size > 10",
            "NOT (IsLatest AND Size > 10)",
            "LastModifiedDate < '2025-01-01' AND Key < '0100'",
            "Key = '0035' AND Size > 10",
            "Key = '0036' AND Size > 10",
            "Key LIKE '02%' AND NOT IsLatest",
            "(Size > 10) IS UNKNOWN OR IsLatest IS NULL",
        ] {
            for more in [&[][..], &["--keep-going"], &["--keep-going", "--by", "IsLatest,Size"]] {
                let expected = answer(&csv.manifest, question, more);
                for columnar in [&parquet, &orc] {
                    let found = answer(&columnar.manifest, question, more);
                    assert_eq!(found, expected, "{question} {more:?}");
                }
                codes.push(expected.0);
            }
        }
        assert!([0, 3, 5].iter().all(|code| codes.contains(&Some(*code))), "{codes:?}");
    }
}
