//! Bad input of every kind: the right exit code, a message that says where and what, and nothing
//! left that looks finished.

use std::fs;
use std::path::Path;

use crate::fixture::{
    ReportFolder, Run, SEED_COLUMNS, gzip, gzip_stored, listed, manifests, md5, plan_document, row,
    s3sieve,
};

fn good_row(key: &str) -> String {
    row(&["demo", key, "v1", "true", "false", "DISABLED"])
}

/// Rows that don't compress away, so that damage hits data.
fn good_rows(count: usize) -> String {
    (0..count).map(|number| good_row(&md5(&number.to_le_bytes()))).collect()
}

fn filter(report: &ReportFolder, flags: &[&str]) -> Run {
    let out = report.out();
    let mut arguments = vec!["filter", report.manifest.to_str().unwrap()];
    arguments.extend(["--where", "BucketKeyStatus = 'DISABLED'", "--out", out.to_str().unwrap()]);
    arguments.extend(flags);
    s3sieve(&arguments)
}

#[track_caller]
fn nothing_is_left(out: &Path) {
    assert!(!out.exists(), "{} is left", out.display());
}

/// Damages the second of three files, and expects the run to end with code 3, naming that file and
/// saying what is wrong; with `--keep-going` the other files come through.
#[track_caller]
fn damaged(bytes: &[u8], says: &[&str]) {
    let files =
        [good_rows(50), good_rows(3000), good_row("last")].map(|text| gzip(text.as_bytes()));
    let report = ReportFolder::of_compressed("demo", SEED_COLUMNS, &files);
    report.replace(1, bytes);
    for inflate in ["fast", "reference"] {
        for verify in ["auto", "md5", "crc"] {
            filter(&report, &["--inflate", inflate, "--verify", verify])
                .expect(3)
                .says(&["1.csv.gz"])
                .says(says);
            nothing_is_left(&report.out());
        }
        let run = filter(&report, &["--inflate", inflate, "--keep-going", "--threads", "2"]);
        let run = run.expect(5);
        let plan = plan_document(&report.out());
        let skipped = plan["files_skipped"][0]["file"].as_str().unwrap();
        assert!(skipped.ends_with("1.csv.gz"), "{}", run.story());
        assert_eq!(plan["totals"]["files"], 2);
        assert_eq!(manifests(&report.out()).lines().count(), 51, "{}", run.story());
        fs::remove_dir_all(report.out()).unwrap();
    }
}

#[test]
fn a_flipped_bit() {
    let mut bytes = gzip(good_rows(3000).as_bytes());
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    damaged(&bytes, &[]);
}

/// A report of this many files; the first bad byte is in the middle one, whose data is stored as it
/// is, so that it inflates all the same.
fn flipped(files: usize, rows: usize, from: &[u8], to: &[u8]) -> ReportFolder {
    let row = |number: usize| {
        let key = if number == 17 { "eighteenth".to_owned() } else { format!("k{number}") };
        row(&["demo", &key, "v1", "true", "false", "1000"])
    };
    let bytes = gzip_stored((0..rows).map(row).collect::<String>().as_bytes());
    let columns = "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size";
    let report = ReportFolder::of_compressed("demo", columns, &vec![bytes.clone(); files]);
    let place = bytes.windows(10).position(|window| window == b"eighteenth").unwrap();
    let place = place + bytes[place..].windows(from.len()).position(|w| w == from).unwrap();
    let mut bytes = bytes;
    bytes[place..place + to.len()].copy_from_slice(to);
    fs::write(report.file(files / 2), bytes).unwrap();
    report
}

/// What a flipped byte makes of a record is a detail: the checksum says what is the matter.
#[test]
fn a_flipped_byte_is_told_by_the_checksum_first() {
    // Alone, among small files, and among files that are hashed together.
    for (files, rows) in [(1, 30), (3, 30), (1, 5_000), (3, 5_000)] {
        for (from, to, shows) in [
            (&b"\",\""[..], &b"\".\""[..], "record 18, byte"),
            (b"1000", b"1x00", "record 18, column Size"),
        ] {
            let report = flipped(files, rows, from, to);
            let file = format!("{}.csv.gz", files / 2);
            for (verify, says) in [
                ("auto", "the file's MD5 is "),
                ("md5", "the file's MD5 is "),
                ("crc", "stored CRC-32 "),
            ] {
                for threads in ["1", "4"] {
                    let run = s3sieve([
                        "count",
                        report.manifest.to_str().unwrap(),
                        "--where",
                        "Size > 5",
                        "--verify",
                        verify,
                        "--threads",
                        threads,
                    ]);
                    let run = run.expect(3).says(&[&file, "fetch it again", says]);
                    // A small file is inflated to its end before its records are looked at.
                    let shows = if rows > 30 { shows } else { "" };
                    let said = run.stderr();
                    let behind = said.find(says).and_then(|place| said[place..].find(shows));
                    assert!(behind.is_some(), "{}", run.story());
                }
            }
            let out = report.out();
            let run = s3sieve([
                "filter",
                report.manifest.to_str().unwrap(),
                "--where",
                "Size > 5",
                "--keep-going",
                "--out",
                out.to_str().unwrap(),
            ]);
            run.expect(5);
            let plan = plan_document(&out);
            let skipped = plan["files_skipped"][0]["error"].as_str().unwrap();
            assert!(skipped.starts_with("the file's MD5 is "), "{skipped}");
        }
    }
}

/// A file that is as it was made is not said to be damaged.
#[test]
fn a_bad_record_of_a_whole_file_is_told_as_it_is() {
    for files in [1, 3] {
        let report = flipped(files, 30, b"1000", b"1x00");
        let bytes = gzip(row(&["demo", "k", "v1", "true", "false", "1x00"]).as_bytes());
        report.replace(files / 2, &bytes);
        for verify in ["auto", "md5", "crc"] {
            let report = report.manifest.to_str().unwrap();
            let run = s3sieve(["count", report, "--where", "Size > 5", "--verify", verify]);
            let run = run.expect(3).says(&["record 1, column Size", "1x00"]);
            let said = run.stderr();
            assert!(!said.contains("MD5") && !said.contains("CRC"), "{said}");
        }
    }
}

#[test]
fn a_cut_file() {
    let bytes = gzip(good_rows(3000).as_bytes());
    damaged(&bytes[..bytes.len() / 2], &["byte"]);
}

#[test]
fn a_cut_trailer() {
    let bytes = gzip(good_rows(3000).as_bytes());
    damaged(&bytes[..bytes.len() - 3], &["byte"]);
}

#[test]
fn a_wrong_crc() {
    let mut bytes = gzip(good_rows(3000).as_bytes());
    let at = bytes.len() - 8;
    bytes[at] ^= 1;
    damaged(&bytes, &["CRC-32"]);
}

#[test]
fn a_wrong_length_in_the_trailer() {
    let mut bytes = gzip(good_rows(3000).as_bytes());
    let at = bytes.len() - 1;
    bytes[at] ^= 1;
    damaged(&bytes, &["length"]);
}

#[test]
fn garbage_behind_the_end() {
    let mut bytes = gzip(good_rows(3000).as_bytes());
    bytes.extend_from_slice(b"garbage");
    damaged(&bytes, &["byte"]);
}

#[test]
fn no_gzip_at_all() {
    damaged(good_rows(3).as_bytes(), &["gzip"]);
}

#[test]
fn an_empty_file() {
    damaged(b"", &["empty"]);
}

#[test]
fn too_few_columns() {
    let text = good_row("a") + &good_row("b") + "\"demo\",\"c\",\"v\"\n" + &good_row("d");
    let byte = (good_row("a") + &good_row("b")).len();
    damaged(gzip(text.as_bytes()).as_slice(), &["record 3", &byte.to_string(), "3", "6"]);
}

#[test]
fn too_many_columns() {
    let text = good_row("a") + "\"demo\",\"c\",\"v\",\"true\",\"false\",\"DISABLED\",\"\"\n";
    damaged(gzip(text.as_bytes()).as_slice(), &["record 2", "7", "6"]);
}

#[test]
fn an_open_quote() {
    let text = good_row("a") + "\"demo\",\"b\",\"v\",\"true\",\"false\",\"DISABLED\n";
    damaged(gzip(text.as_bytes()).as_slice(), &["record 2", "quote"]);
}

#[test]
fn a_record_without_end() {
    let text = good_row("a") + "\"demo\",\"" + &"x".repeat(3 << 20);
    damaged(gzip(text.as_bytes()).as_slice(), &["record 2"]);
}

/// A row that was selected, behind so many good ones, is refused with its number.
#[track_caller]
fn damaged_row(row: &str, says: &[&str]) {
    for good in [1, 5_000] {
        let text = good_rows(good) + row + &good_row("z");
        let record = if good == 1 { "record 2: " } else { "record 5,001: " };
        damaged(&gzip(text.as_bytes()), &[&[record], says].concat());
    }
}

#[test]
fn an_empty_key() {
    damaged_row(&good_row(""), &["the key is empty"]);
    // A delete marker, which is excluded.
    damaged_row(&row(&["demo", "", "v", "true", "true", "DISABLED"]), &["the key is empty"]);
}

#[test]
fn a_key_that_is_too_long() {
    let long = "%C3".repeat(1_024);
    damaged_row(&good_row(&(long.clone() + "a")), &["the key has 1,025 bytes", "1,024"]);
    let text = good_row(&long) + &good_row(&"k".repeat(1_024));
    let report = ReportFolder::new(SEED_COLUMNS, &[text.as_bytes()]);
    filter(&report, &[]).expect(0);
    assert_eq!(manifests(&report.out()).lines().count(), 2);
}

#[test]
fn a_bucket_that_is_none() {
    damaged_row(&row(&["", "k", "v", "true", "false", "DISABLED"]), &["the bucket is empty"]);
    for bucket in ["../x", "/etc/x", "a,b", "a\nb", "x", "a..b", "a\u{1b}[31mb"] {
        for marker in ["true", "false"] {
            let row = row(&[bucket, "k", "v", "true", marker, "DISABLED"]);
            damaged_row(&row, &["is not the name of a bucket"]);
        }
    }
}

#[test]
fn rows_that_are_not_selected_may_name_anything() {
    let text = row(&["", "", "v", "true", "false", "ENABLED"]) + &good_row("a");
    let report = ReportFolder::new(SEED_COLUMNS, &[text.as_bytes()]);
    filter(&report, &[]).expect(0);
    assert_eq!(manifests(&report.out()), "demo,a,v1\n");
}

#[test]
fn rows_of_another_bucket_have_manifests_of_their_own_and_are_counted() {
    let other = |key: &str| row(&["other", key, "v1", "true", "false", "DISABLED"]);
    let text = good_row("a") + &other("b") + &good_row("c") + &other("d");
    let report = ReportFolder::new(SEED_COLUMNS, &[text.as_bytes()]);
    filter(&report, &[]).expect(0);
    assert_eq!(manifests(&report.out()), "demo,a,v1\ndemo,c,v1\nother,b,v1\nother,d,v1\n");
    let plan = plan_document(&report.out());
    let told = "2 of the 4 selected rows name another bucket than their report is of: other. ";
    assert!(plan["warnings"].to_string().contains(told), "{plan:#}");
    let own = ReportFolder::new(SEED_COLUMNS, &[good_row("a").as_bytes()]);
    filter(&own, &[]).expect(0);
    assert!(!plan_document(&own.out())["warnings"].to_string().contains("another bucket"));
}

#[test]
fn quotes_where_none_may_stand() {
    // In rows that are not selected, too.
    for status in ["DISABLED", "ENABLED"] {
        let end = format!("\"v\",\"true\",\"false\",\"{status}\"\n");
        let text = format!("\"demo\",\"a\"b,{end}");
        damaged(
            &gzip((good_row("a") + &text).as_bytes()),
            &["record 2", "column 2", "text follows"],
        );
        let inside = format!("\"demo\",a\"b,{end}");
        damaged(&gzip(inside.as_bytes()), &["record 1", "column 2", "a quote inside a field"]);
        let space = format!("\"demo\", \"a\", {end}");
        damaged(&gzip(space.as_bytes()), &["record 1", "column 2", "begins with a space"]);
    }
    let lost =
        "\"demo\",\"a,\"v\",\"true\",\"false\",\"DISABLED\"\n".to_owned() + &good_rows(2_000);
    damaged(&gzip(lost.as_bytes()), &["record 1", "column 2", "text follows"]);
    let doubled = "\"demo\",\"a\"\"b\",\"v\",\"true\",\"false\",\"DISABLED\"\n";
    let report = ReportFolder::new(SEED_COLUMNS, &[doubled.as_bytes()]);
    filter(&report, &[]).expect(0);
    assert_eq!(manifests(&report.out()), "demo,\"a\"\"b\",v\n");
}

#[test]
fn a_file_of_another_length() {
    let report = ReportFolder::new(SEED_COLUMNS, &[good_rows(5).as_bytes()]);
    let mut bytes = fs::read(report.file(0)).unwrap();
    bytes.push(0);
    fs::write(report.file(0), &bytes).unwrap();
    let length = bytes.len().to_string();
    filter(&report, &[]).expect(3).says(&["0.csv.gz", "manifest", &length]);
    nothing_is_left(&report.out());
}

#[test]
fn a_file_with_another_md5() {
    let report = ReportFolder::new(SEED_COLUMNS, &[good_rows(5).as_bytes()]);
    let mut bytes = fs::read(report.file(0)).unwrap();
    // The time in the gzip header: nothing but the MD5 knows of it.
    bytes[4] ^= 1;
    fs::write(report.file(0), &bytes).unwrap();
    filter(&report, &[]).expect(3).says(&["0.csv.gz", "MD5", &md5(&bytes)]);
    nothing_is_left(&report.out());
    filter(&report, &["--verify", "crc"]).expect(0);
}

#[test]
fn files_with_another_md5_among_large_ones_that_are_hashed_together() {
    let files = [20_000; 6].map(|count| gzip(good_rows(count).as_bytes()));
    assert!(files[0].len() > 256 << 10, "large enough to be hashed with others");
    let report = ReportFolder::of_compressed("demo", SEED_COLUMNS, &files);
    for number in [2, 4] {
        let mut bytes = files[number].clone();
        bytes[4] ^= 1;
        fs::write(report.file(number), &bytes).unwrap();
    }
    let expected = md5(&files[2]);
    for threads in ["1", "2", "4"] {
        filter(&report, &["--threads", threads]).expect(3).says(&["2.csv.gz", "MD5", &expected]);
        nothing_is_left(&report.out());
        filter(&report, &["--threads", threads, "--keep-going"]).expect(5);
        let plan = plan_document(&report.out());
        assert_eq!(plan["files_skipped"].as_array().unwrap().len(), 2);
        assert_eq!(plan["totals"]["files"], 4);
        fs::remove_dir_all(report.out()).unwrap();
    }
}

#[test]
fn a_missing_file() {
    let report = ReportFolder::new(SEED_COLUMNS, &[good_rows(5).as_bytes()]);
    fs::remove_file(report.file(0)).unwrap();
    filter(&report, &[]).expect(3).says(&["data/0.csv.gz", "--root"]);
    nothing_is_left(&report.out());
}

#[test]
fn a_key_that_leads_outside() {
    let report = ReportFolder::new(SEED_COLUMNS, &[good_rows(5).as_bytes()]);
    for key in ["../data/0.csv.gz", "/../data/0.csv.gz", "data/../data/0.csv.gz"] {
        let text = fs::read_to_string(&report.manifest).unwrap();
        fs::write(&report.manifest, text.replace("data/0.csv.gz", key)).unwrap();
        filter(&report, &[]).expect(3).says(&[key]);
        nothing_is_left(&report.out());
        fs::write(&report.manifest, text).unwrap();
    }
}

#[test]
fn a_data_file_that_is_listed_twice() {
    let file = good_rows(5);
    let report = ReportFolder::new(SEED_COLUMNS, &[file.as_bytes(), good_rows(2).as_bytes()]);
    let text = fs::read_to_string(&report.manifest).unwrap();
    let bytes = fs::read(report.file(0)).unwrap();
    for key in ["data/0.csv.gz", "data//0.csv.gz"] {
        let mut document: serde_json::Value = serde_json::from_str(&text).unwrap();
        document["files"].as_array_mut().unwrap().push(listed(key, &bytes));
        fs::write(&report.manifest, document.to_string()).unwrap();
        filter(&report, &[]).expect(3).says(&["manifest.json", "files[2].key", key, "files[0]"]);
        nothing_is_left(&report.out());
    }
}

#[test]
fn a_report_that_is_named_twice() {
    let report = ReportFolder::new(SEED_COLUMNS, &[good_rows(5).as_bytes()]);
    let manifest = report.manifest.to_str().unwrap();
    let other = report.folder.path().join("copy.json");
    fs::copy(manifest, &other).unwrap();
    for second in [manifest, other.to_str().unwrap()] {
        for flags in [&[][..], &["--allow-overlap"]] {
            filter(&report, &[&[second], flags].concat()).expect(2).says(&["the same report"]);
            nothing_is_left(&report.out());
            s3sieve([&["count", manifest, second], flags].concat()).expect(2);
        }
    }
    // Another report, of another bucket even, with the same file.
    let text = fs::read_to_string(manifest).unwrap();
    fs::write(&other, text.replace("\"demo\"", "\"another\"")).unwrap();
    let told = ["data/0.csv.gz", "both list this data file", "copy.json"];
    filter(&report, &[other.to_str().unwrap(), "--allow-overlap"]).expect(2).says(&told);
    nothing_is_left(&report.out());
}

#[test]
fn a_cut_manifest() {
    let report = ReportFolder::new(SEED_COLUMNS, &[good_rows(5).as_bytes()]);
    let text = fs::read(&report.manifest).unwrap();
    fs::write(&report.manifest, &text[..text.len() - 10]).unwrap();
    filter(&report, &[]).expect(3).says(&["manifest.json"]);
    nothing_is_left(&report.out());
}

#[test]
fn a_wrong_checksum_of_the_manifest() {
    let report = ReportFolder::new(SEED_COLUMNS, &[good_rows(5).as_bytes()]);
    let checksum = report.folder.path().join("manifest.checksum");
    fs::write(&checksum, "00000000000000000000000000000000\n").unwrap();
    let right = md5(&fs::read(&report.manifest).unwrap());
    filter(&report, &[]).expect(3).says(&[&right]);
    nothing_is_left(&report.out());
    fs::write(&checksum, right + "\n").unwrap();
    filter(&report, &[]).expect(0);
}

#[test]
fn the_first_damage_in_report_order_is_told_whatever_the_threads() {
    let files = [good_rows(20_000), good_rows(20_000), good_rows(10), good_rows(10)]
        .map(|text| gzip(text.as_bytes()));
    let report = ReportFolder::of_compressed("demo", SEED_COLUMNS, &files);
    // The second file goes wrong at its end, the third at once.
    let mut bytes = files[1].clone();
    let at = bytes.len() - 8;
    bytes[at] ^= 1;
    report.replace(1, &bytes);
    report.replace(2, b"no gzip");
    for threads in ["1", "2", "4"] {
        filter(&report, &["--threads", threads]).expect(3).says(&["1.csv.gz", "CRC-32"]);
        nothing_is_left(&report.out());
    }
}

#[test]
fn a_full_disk_or_a_forbidden_folder_is_the_environments_fault() {
    let report = ReportFolder::new(SEED_COLUMNS, &[good_rows(5).as_bytes()]);
    let in_the_way = report.folder.path().join("file");
    fs::write(&in_the_way, "no folder").unwrap();
    let out = in_the_way.join("plan");
    let manifest = report.manifest.to_str().unwrap();
    s3sieve(["filter", manifest, "--where", "TRUE", "--out", out.to_str().unwrap()])
        .expect(1)
        .says(&["file"]);
}
