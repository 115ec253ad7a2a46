//! `s3sieve filter`: the right rows in the right manifests.

use std::fs;

use serde_json::json;
use sha2::{Digest, Sha256};

use crate::fixture::{
    ReportFolder, SEED_COLUMNS, crc64nvme, hex, manifests, plan_document, row, s3sieve, seed, tree,
};
use crate::plans::{PlanFolder, seed_plan_with};
use crate::schema::fits_the_schema;

/// The statement of the AWS guide, to the letter.
const SEED_STATEMENT: &str = "select s._1, s._2, s._3 from s3object s where s._6 = 'DISABLED'";

fn seed_expected() -> String {
    fs::read_to_string(seed().join("expected.csv")).unwrap()
}

#[test]
fn the_seed_example_to_the_letter() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("plan");
    let report = seed();
    let run = s3sieve([
        "filter".as_ref(),
        report.as_os_str(),
        "--sql".as_ref(),
        SEED_STATEMENT.as_ref(),
        "--out".as_ref(),
        out.as_os_str(),
    ])
    .expect(0);
    assert_eq!(manifests(&out), seed_expected(), "{}", run.story());
    let excluded = fs::read_to_string(out.join("excluded/delete-marker.csv")).unwrap();
    assert_eq!(
        excluded,
        "batchoperationsdemo,0100075%7Ethumb-old.jpg,Dm4rKq8sYp2xWz6vTn0bLc3gHj5fUe1a\n"
    );
    let plan = plan_document(&out);
    assert_eq!(plan["totals"]["rows"], 14);
    assert_eq!(plan["totals"]["rows_matched"], 10);
    assert_eq!(plan["totals"]["rows_excluded"], 1);
    assert_eq!(plan["shards"][0]["first_key"], "0100059%7Ethumb.jpg");
    assert_eq!(plan["shards"][0]["last_key"], "201103190002HQ%7Ethumb.jpg");
    assert_eq!(plan["shards"][0]["bucket"], "batchoperationsdemo");
}

#[test]
fn the_same_by_name_and_by_every_path() {
    let folder = tempfile::tempdir().unwrap();
    for (number, flags) in [
        &["--inflate", "fast"][..],
        &["--inflate", "reference"],
        &["--threads", "1"],
        &["--threads", "7", "--memory", "0"],
        &["--verify", "crc"],
        &["--keep-going"],
    ]
    .into_iter()
    .enumerate()
    {
        let out = folder.path().join(number.to_string());
        let report = seed();
        let mut arguments = vec!["filter", report.to_str().unwrap()];
        arguments.extend(["--where", "BucketKeyStatus = 'DISABLED'", "--out"]);
        arguments.push(out.to_str().unwrap());
        arguments.extend(flags);
        let run = s3sieve(&arguments).expect(0);
        assert_eq!(manifests(&out), seed_expected(), "{}", run.story());
    }
}

/// A report with many rows in uneven files, some empty.
fn many_rows() -> ReportFolder {
    let line = |file: usize, number: usize| {
        let key = format!("photos/{file}/{number:05}+~.jpg").replace('~', "%7E");
        let version =
            if number.is_multiple_of(11) { String::new() } else { format!("v{file}.{number}") };
        let marker = if number.is_multiple_of(17) { "true" } else { "false" };
        let status = if number.is_multiple_of(3) { "DISABLED" } else { "ENABLED" };
        row(&["demo", &key, &version, "true", marker, status])
    };
    let files: Vec<String> = [3000, 0, 5, 20_000, 1, 7000]
        .into_iter()
        .enumerate()
        .map(|(file, rows)| (0..rows).map(|number| line(file, number)).collect())
        .collect();
    let files: Vec<&[u8]> = files.iter().map(|text| text.as_bytes()).collect();
    ReportFolder::new(SEED_COLUMNS, &files)
}

/// The obvious way to the same manifest lines.
fn many_rows_slowly() -> String {
    let mut lines = String::new();
    for (file, rows) in [3000, 0, 5, 20_000, 1, 7000].into_iter().enumerate() {
        for number in (0..rows).filter(|number| number % 3 == 0 && number % 17 != 0) {
            let version =
                if number % 11 == 0 { "null".into() } else { format!("v{file}.{number}") };
            lines += &format!("demo,photos/{file}/{number:05}+%7E.jpg,{version}\n");
        }
    }
    lines
}

#[test]
fn plans_are_byte_identical_for_any_number_of_threads_and_any_memory() {
    let report = many_rows();
    let mut trees = Vec::new();
    for (threads, memory) in [("1", "1GiB"), ("2", "0"), ("3", "64KiB"), ("8", "1GiB")] {
        for keep_going in [false, true] {
            let out = report.out();
            let mut arguments = vec!["filter", report.manifest.to_str().unwrap()];
            arguments.extend(["--where", "BucketKeyStatus = 'DISABLED'"]);
            arguments.extend(["--threads", threads, "--memory", memory]);
            arguments.extend(["--max-objects", "999", "--out", out.to_str().unwrap()]);
            if keep_going {
                arguments.push("--keep-going");
            }
            s3sieve(&arguments).expect(0);
            assert_eq!(manifests(&out), many_rows_slowly());
            trees.push(tree(&out));
            fs::remove_dir_all(&out).unwrap();
        }
    }
    assert!(trees.iter().all(|other| *other == trees[0]));
}

#[test]
fn shards_are_cut_exactly_and_described_truly() {
    let report = many_rows();
    let out = report.out();
    let matching = many_rows_slowly();
    let lines: Vec<&str> = matching.lines().collect();
    s3sieve([
        "filter",
        report.manifest.to_str().unwrap(),
        "--where",
        "BucketKeyStatus = 'DISABLED'",
        "--max-objects",
        "1,000",
        "--max-bytes",
        "20KiB",
        "--out",
        out.to_str().unwrap(),
    ])
    .expect(0);
    let plan = plan_document(&out);
    let shards = plan["shards"].as_array().unwrap();
    let mut next = 0;
    for (number, shard) in shards.iter().enumerate() {
        assert_eq!(shard["path"], format!("manifests/{number:05}.csv"));
        let text = fs::read_to_string(out.join(shard["path"].as_str().unwrap())).unwrap();
        let count = text.lines().count();
        assert_eq!(shard["objects"], count);
        assert_eq!(shard["bytes"], text.len());
        assert_eq!(shard["crc64nvme"], crc64nvme(text.as_bytes()));
        assert_eq!(shard.get("sha256"), None);
        let key = |line: &str| line.split(',').nth(1).unwrap().to_owned();
        assert_eq!(shard["first_key"], key(lines[next]));
        assert_eq!(shard["last_key"], key(lines[next + count - 1]));
        next += count;
        assert!(count <= 1000 && text.len() <= 20 << 10);
        if let Some(line) = lines.get(next) {
            let is_full = count == 1000 || text.len() + line.len() + 1 > 20 << 10;
            assert!(is_full, "shard {number} is cut too early");
        }
    }
    assert_eq!(next, lines.len());
}

#[test]
fn jobs_spreads_the_rows_evenly() {
    let report = many_rows();
    for (jobs, shards) in [("1", 1), ("4", 4), ("7", 7)] {
        let out = report.out();
        s3sieve([
            "filter",
            report.manifest.to_str().unwrap(),
            "--where",
            "BucketKeyStatus = 'DISABLED'",
            "--jobs",
            jobs,
            "--out",
            out.to_str().unwrap(),
        ])
        .expect(0);
        let plan = plan_document(&out);
        let sizes: Vec<u64> = plan["shards"]
            .as_array()
            .unwrap()
            .iter()
            .map(|shard| shard["objects"].as_u64().unwrap())
            .collect();
        assert_eq!(sizes.len(), shards);
        assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1, "{sizes:?}");
        assert_eq!(manifests(&out), many_rows_slowly());
        fs::remove_dir_all(&out).unwrap();
    }
}

#[test]
fn more_shards_than_jobs_are_explained() {
    let report = many_rows();
    let out = report.out();
    s3sieve([
        "filter",
        report.manifest.to_str().unwrap(),
        "--where",
        "BucketKeyStatus = 'DISABLED'",
        "--jobs",
        "2",
        "--max-objects",
        "3000",
        "--out",
        out.to_str().unwrap(),
    ])
    .expect(0);
    let plan = plan_document(&out);
    assert_eq!(plan["shards"].as_array().unwrap().len(), 4);
    let warning = plan["warnings"][0].as_str().unwrap();
    assert!(warning.contains("4 shards were needed where --jobs asks for 2"), "{warning}");
}

#[test]
fn split_by_gives_each_value_shards_of_its_own() {
    let text: String = ["STANDARD", "GLACIER", "", "STANDARD"]
        .into_iter()
        .enumerate()
        .map(|(number, class)| row(&["demo", &number.to_string(), class]))
        .collect();
    let report = ReportFolder::new("Bucket, Key, StorageClass", &[text.as_bytes()]);
    let out = report.out();
    s3sieve([
        "filter",
        report.manifest.to_str().unwrap(),
        "--where",
        "TRUE",
        "--split-by",
        "storage_class",
        "--out",
        out.to_str().unwrap(),
    ])
    .expect(0);
    let plan = plan_document(&out);
    let split: Vec<_> =
        plan["shards"].as_array().unwrap().iter().map(|shard| shard["split"].clone()).collect();
    assert_eq!(
        split,
        [
            json!({"StorageClass": "STANDARD"}),
            json!({"StorageClass": "GLACIER"}),
            json!({"StorageClass": null})
        ]
    );
    assert_eq!(manifests(&out), "demo,0\ndemo,3\ndemo,1\ndemo,2\n");
}

#[test]
fn version_ids_can_be_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("plan");
    let report = seed();
    s3sieve([
        "filter",
        report.to_str().unwrap(),
        "--where",
        "Key = '0100059~thumb.jpg'",
        "--no-version-ids",
        "--out",
        out.to_str().unwrap(),
    ])
    .expect(0);
    assert_eq!(manifests(&out), "batchoperationsdemo,0100059%7Ethumb.jpg\n");
    assert_eq!(plan_document(&out)["columns"], json!(["Bucket", "Key"]));
}

#[test]
fn a_limit_takes_the_first_rows_of_the_report() {
    let report = many_rows();
    let expected: String =
        many_rows_slowly().lines().take(1500).map(|line| format!("{line}\n")).collect();
    let mut trees = Vec::new();
    for threads in ["1", "4"] {
        let out = report.out();
        s3sieve([
            "filter",
            report.manifest.to_str().unwrap(),
            "--sql",
            "SELECT * FROM S3Object WHERE BucketKeyStatus = 'DISABLED' LIMIT 1500",
            "--threads",
            threads,
            "--out",
            out.to_str().unwrap(),
        ])
        .expect(0);
        assert_eq!(manifests(&out), expected);
        trees.push(tree(&out));
        fs::remove_dir_all(&out).unwrap();
    }
    assert_eq!(trees[0], trees[1], "the totals don't depend on the threads either");
}

#[test]
fn reports_of_several_buckets_give_shards_for_each() {
    let make = |bucket: &str| {
        let text = row(&[bucket, "a"]) + &row(&[bucket, "b"]);
        ReportFolder::of_compressed(bucket, "Bucket, Key", &[crate::fixture::gzip(text.as_bytes())])
    };
    let (first, second) = (make("one"), make("two"));
    let out = first.out();
    s3sieve([
        "filter",
        first.manifest.to_str().unwrap(),
        second.manifest.to_str().unwrap(),
        "--where",
        "TRUE",
        "--out",
        out.to_str().unwrap(),
    ])
    .expect(0);
    let plan = plan_document(&out);
    let buckets: Vec<_> =
        plan["shards"].as_array().unwrap().iter().map(|shard| shard["bucket"].clone()).collect();
    assert_eq!(buckets, ["one", "two"]);
}

#[test]
fn two_reports_of_one_bucket_are_refused_unless_allowed() {
    let make = |key| ReportFolder::new("Bucket, Key", &[row(&["demo", key]).as_bytes()]);
    let (first, second) = (make("a"), make("b"));
    let out = first.out();
    let arguments = [
        "filter",
        first.manifest.to_str().unwrap(),
        second.manifest.to_str().unwrap(),
        "--where",
        "TRUE",
        "--out",
        out.to_str().unwrap(),
    ];
    s3sieve(arguments).expect(2).says(&["demo", "--allow-overlap"]);
    assert!(!out.exists());
    s3sieve(arguments.into_iter().chain(["--allow-overlap"])).expect(0);
    assert_eq!(manifests(&out), "demo,a\ndemo,b\n");
}

#[test]
fn a_bucket_with_several_names_in_one_report_gives_shards_for_each() {
    let text = row(&["one", "a"]) + &row(&["two", "b"]) + &row(&["one", "c"]);
    let report = ReportFolder::new("Bucket, Key", &[text.as_bytes()]);
    let out = report.out();
    let manifest = report.manifest.to_str().unwrap();
    s3sieve(["filter", manifest, "--where", "TRUE", "--out", out.to_str().unwrap()]).expect(0);
    assert_eq!(manifests(&out), "one,a\none,c\ntwo,b\n");
}

#[test]
fn a_report_without_objects_gives_an_empty_plan() {
    let report = ReportFolder::new(SEED_COLUMNS, &[]);
    let out = report.out();
    let manifest = report.manifest.to_str().unwrap();
    let run = s3sieve(["filter", manifest, "--where", "IsLatest", "--out", out.to_str().unwrap()])
        .expect(0);
    assert!(run.stdout().contains("0 of 0 rows match"), "{}", run.story());
    assert_eq!(plan_document(&out)["shards"], json!([]));
}

#[test]
fn a_folder_that_is_not_empty_is_refused_unless_forced() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("plan");
    let report = seed();
    let arguments = [
        "filter",
        report.to_str().unwrap(),
        "--sql",
        SEED_STATEMENT,
        "--out",
        out.to_str().unwrap(),
    ];
    s3sieve(arguments).expect(0);
    let before = tree(&out);
    s3sieve(arguments).expect(2).says(&["not empty", "--force"]);
    assert_eq!(tree(&out), before, "the plan is as it was");
    s3sieve(arguments.into_iter().chain(["--force"])).expect(0);
    assert_eq!(tree(&out), before);
    fs::write(out.join("jobs.jsonl"), "").unwrap();
    s3sieve(arguments.into_iter().chain(["--force"])).expect(2).says(&["submitted"]);
}

#[test]
fn rows_that_a_bucket_key_does_nothing_for_are_pointed_out() {
    let text = row(&["demo", "a", "SSE-S3", "DISABLED"])
        + &row(&["demo", "b", "SSE-KMS", "DISABLED"])
        + &row(&["demo", "c", "", "DISABLED"])
        + &row(&["demo", "d", "SSE-S3", "ENABLED"]);
    let columns = "Bucket, Key, EncryptionStatus, BucketKeyStatus";
    let report = ReportFolder::new(columns, &[text.as_bytes()]);
    let manifest = report.manifest.to_str().unwrap();
    let run = |out: &str, expression: &str| {
        let out = report.folder.path().join(out);
        s3sieve(["filter", manifest, "--where", expression, "--out", out.to_str().unwrap()])
            .expect(0)
            .stdout()
    };
    let told = run("alone", "BucketKeyStatus = 'DISABLED'");
    assert!(told.contains("2 of the 3 selected rows are not encrypted with SSE-KMS"), "{told}");
    let safe = run("safe", "BucketKeyStatus = 'DISABLED' AND EncryptionStatus = 'SSE-KMS'");
    assert!(!safe.contains("selected rows are not encrypted"), "{safe}");
}

#[test]
fn nothing_is_said_of_bucket_keys_where_nobody_asks_for_them() {
    // A query of no column looked like one of BucketKeyStatus where the report has no such column.
    let text = row(&["demo", "a", "SSE-S3"]);
    let report = ReportFolder::new("Bucket, Key, EncryptionStatus", &[text.as_bytes()]);
    let out = report.out();
    let manifest = report.manifest.to_str().unwrap();
    s3sieve(["filter", manifest, "--where", "TRUE", "--out", out.to_str().unwrap()]).expect(0);
    assert_eq!(plan_document(&out)["warnings"], json!([]));
}

#[test]
fn odd_keys_go_out_as_they_came_in() {
    let keys = ["a%2Cb", "a+b%20c", "%FF%fe", "caf%C3%A9", "a%252Fb", "x%0Ay", "%22"];
    let text: String = keys.iter().map(|key| row(&["demo", key])).collect();
    let report = ReportFolder::new("Bucket, Key", &[text.as_bytes()]);
    let out = report.out();
    let manifest = report.manifest.to_str().unwrap();
    s3sieve(["filter", manifest, "--where", "TRUE", "--out", out.to_str().unwrap()]).expect(0);
    let expected: String = keys.iter().map(|key| format!("demo,{key}\n")).collect();
    assert_eq!(manifests(&out), expected);
}

#[test]
fn a_wrong_column_is_explained_with_its_place_and_its_neighbour() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("plan");
    let report = seed();
    s3sieve([
        "filter",
        report.to_str().unwrap(),
        "--where",
        "BucketKeyStatis = 'DISABLED'",
        "--out",
        out.to_str().unwrap(),
    ])
    .expect(3)
    .says(&["BucketKeyStatis = 'DISABLED'", "^^^^^^^^^^^^^^^", "BucketKeyStatus"]);
    assert!(!out.exists());
}

#[test]
fn a_sha256_is_stored_where_it_is_asked_for() {
    for emit in [&[][..], &["--emit", "inventory", "--manifest-bucket", "s3://later/plans"]] {
        let usual = seed_plan_with(emit);
        let strong = seed_plan_with(&[emit, &["--digest", "sha256"]].concat());
        let shard = |plan: &PlanFolder| plan_document(&plan.path)["shards"][0].clone();
        let (usual_shard, strong_shard) = (shard(&usual), shard(&strong));
        let bytes = fs::read(strong.path.join(strong_shard["path"].as_str().unwrap())).unwrap();
        assert_eq!(strong_shard["sha256"], hex(&Sha256::digest(&bytes)));
        let mut without = strong_shard.clone();
        without.as_object_mut().unwrap().remove("sha256");
        assert_eq!(without, usual_shard, "all else is the same");
        fits_the_schema(&plan_document(&strong.path));
    }
    s3sieve(["filter", "m", "--where", "a", "--out", "d", "--digest", "md5"])
        .expect(2)
        .says(&["--digest", "crc64nvme, sha256"]);
}
