//! `filter --partition`, `--partitions` and `merge`: N workers, of whom some die and some do the
//! same twice, make the plan that one machine makes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fixture::{ReportFolder, Run, manifests, plan_document, program, row, s3sieve, tree};
use crate::plans::PLACE;
use crate::schema::fits_the_schema;

const WHERE: [&str; 2] = ["--where", "BucketKeyStatus = 'DISABLED'"];

/// A report of many files, and a folder for plans.
struct Ground {
    folder: TempDir,
    manifest: String,
}

impl Ground {
    fn of(format: &str, rows: u32, files: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let report = folder.path().join("report");
        let (rows, files) = (rows.to_string(), files.to_string());
        s3sieve(
            ["synth", "--rows", &rows, "--files", &files, "--format", format, "--out"]
                .iter()
                .map(|word| (*word).to_owned())
                .chain([report.to_str().unwrap().to_owned()]),
        )
        .expect(0);
        let manifest = report.join("example-bucket/s3sieve-synth/2026-01-01T00-00Z/manifest.json");
        Self { manifest: manifest.to_str().unwrap().to_owned(), folder }
    }

    fn out(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `filter` into this folder.
    fn filter(&self, out: &str, flags: &[&str]) -> Run {
        let out = self.out(out);
        let usual = ["filter", &self.manifest, "--out", out.to_str().unwrap()];
        s3sieve([&usual[..], &WHERE, flags].concat())
    }

    fn part(&self, out: &str, part: &str) -> Run {
        self.filter(out, &["--partition", part])
    }

    fn all(&self, out: &str, parts: u32) -> PathBuf {
        self.filter(out, &["--partitions", &parts.to_string()]).expect(0);
        self.out(out)
    }
}

fn merge(out: &Path) -> Run {
    s3sieve(["merge", out.to_str().unwrap()])
}

/// All files of a merged plan but what runs themselves say of their time.
fn same(out: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = tree(out);
    for (path, bytes) in &mut files {
        if path.ends_with("part.json") {
            let mut document: Value = serde_json::from_slice(bytes).unwrap();
            document["plan"]["totals"]["seconds"] = json!(0);
            *bytes = document.to_string().into_bytes();
        }
    }
    files
}

fn edit(path: &Path, change: impl FnOnce(&mut Value)) {
    let mut document: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    change(&mut document);
    fs::write(path, document.to_string()).unwrap();
}

#[test]
fn parts_have_the_rows_of_the_whole_in_order() {
    let formats: &[&str] = if cfg!(all(feature = "parquet", feature = "orc")) {
        &["csv", "parquet", "orc"]
    } else {
        &["csv"]
    };
    for format in formats {
        let ground = Ground::of(format, 3_000, 9);
        ground.filter("whole", &[]).expect(0);
        let (whole, whole_plan) =
            (manifests(&ground.out("whole")), plan_document(&ground.out("whole")));
        for parts in [1, 2, 7, 64] {
            let out = ground.all(&format!("parts-{parts}"), parts);
            assert_eq!(manifests(&out), whole, "{format}: {parts}");
            let mut plan = plan_document(&out);
            assert_eq!(plan["partitions"], parts);
            for total in ["files", "rows", "rows_matched", "rows_excluded", "bytes_raw"] {
                assert_eq!(plan["totals"][total], whole_plan["totals"][total], "{format}: {total}");
            }
            assert_eq!(plan["reports"].take(), whole_plan["reports"]);
            assert_eq!(plan["columns"].take(), whole_plan["columns"]);
            assert_eq!(plan["warnings"].take(), whole_plan["warnings"]);
        }
    }
}

/// Large files take turns within a part: the same rows, in the same order where files follow each
/// other.
#[test]
fn parts_of_large_files_have_the_same_rows() {
    let ground = Ground::of("csv", 60_000, 6);
    let file = ground.out("report/example-bucket/s3sieve-synth/data");
    let sizes = fs::read_dir(file).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len());
    assert!(sizes.min().unwrap() > 512 << 10, "files that take turns");
    ground.filter("whole", &[]).expect(0);
    ground.filter("ordered", &["--keep-going"]).expect(0);
    let sorted = |plan: &Path| {
        let text = manifests(plan);
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort_unstable();
        lines
    };
    let out = ground.all("parts", 4);
    assert_eq!(sorted(&out), sorted(&ground.out("whole")));
    ground.filter("parts-ordered", &["--keep-going", "--partitions", "4"]).expect(0);
    assert!(manifests(&ground.out("parts-ordered")) == manifests(&ground.out("ordered")));
}

#[test]
fn workers_make_what_one_machine_makes() {
    let ground = Ground::of("csv", 2_000, 10);
    let reference = ground.all("reference", 4);
    let out = ground.out("parts");
    let nowhere = merge(&out).expect(2);
    assert!(nowhere.stderr().contains("not a folder of parts"), "{}", nowhere.story());
    for part in ["2/4", "0/4"] {
        ground.part("parts", part).expect(0);
    }
    let missing = merge(&out).expect(5);
    assert!(
        missing.stdout().contains("2 of 4 parts are made.\nMissing: 1,3\n"),
        "{}",
        missing.story()
    );
    assert!(!out.join("plan.json").exists());
    // Once more: it is there, and nothing is scanned.
    let again = ground.part("parts", "2/4").expect(0);
    assert!(again.stdout().contains("was there already"), "{}", again.story());
    ground.part("parts", "1/4").expect(0);
    ground.part("parts", "3/4").expect(0);
    let status = s3sieve(["merge", out.to_str().unwrap(), "--status", "--format", "json"]);
    assert_eq!(status.expect(0).json()["missing"], "");
    merge(&out).expect(0);
    fits_the_schema(&plan_document(&out));
    assert_eq!(same(&out), same(&reference));
    let again = merge(&out).expect(0);
    assert!(again.stdout().contains("the same plan was there already"), "{}", again.story());
    s3sieve(["merge", out.to_str().unwrap(), "--verify", "full"]).expect(0);
    // It is a plan as any other.
    s3sieve(["estimate", out.to_str().unwrap()]).expect(0);
}

#[test]
fn the_number_of_a_part_is_from_the_scheduler() {
    let ground = Ground::of("csv", 100, 3);
    let run = |variables: &[(&str, &str)], part: &str| {
        let mut command = program();
        let out = ground.out("parts");
        command.args(["filter", &ground.manifest, "--out", out.to_str().unwrap()]).args(WHERE);
        for name in ["SLURM_ARRAY_TASK_ID", "AWS_BATCH_JOB_ARRAY_INDEX", "JOB_COMPLETION_INDEX"] {
            command.env_remove(name);
        }
        Run::of({
            command.args(["--partition", part]).envs(variables.iter().copied());
            command
        })
    };
    let task = ("AWS_BATCH_JOB_ARRAY_INDEX", "1");
    run(&[task], "env/3").expect(0);
    run(&[("TASK", "2")], "env:TASK/3").expect(0);
    run(&[("SLURM_ARRAY_TASK_ID", "0"), ("SLURM_ARRAY_TASK_COUNT", "1")], "env/3").expect(0);
    merge(&ground.out("parts")).expect(0);
    run(&[], "env/3").expect(2).says(&["none of SLURM_ARRAY_TASK_ID"]);
    run(&[task, ("JOB_COMPLETION_INDEX", "1")], "env/3").expect(2).says(&["only one of them"]);
    // An array that begins with 1.
    run(&[("SLURM_ARRAY_TASK_ID", "3")], "env/3").expect(2).says(&["the last of 3 is 2"]);
    for bad in ["3/3", "x/3", "1", "0/0", "env:NOT_THERE/3"] {
        run(&[], bad).expect(2);
    }
}

#[test]
fn what_only_a_whole_plan_can_have_is_refused() {
    let ground = Ground::of("csv", 100, 3);
    let refused = |flags: &[&str], says: &str| {
        ground.filter("parts", &[&["--partition", "0/3"], flags].concat()).expect(2).says(&[says]);
    };
    refused(&["--jobs", "2"], "--jobs: how many rows there are");
    refused(&["--force"], "--force: a part is never replaced");
    let inventory = ["--emit", "inventory", "--manifest-bucket", "s3://demo/plans"];
    refused(&inventory, "--emit: inventory reports");
    let out = ground.out("parts");
    let limited = ["filter", &ground.manifest, "--sql", "select * from s3object limit 5"];
    let parts = ["--partition", "0/3", "--out", out.to_str().unwrap()];
    s3sieve([&limited[..], &parts].concat()).expect(2).says(&["LIMIT: which rows come first"]);
    // A worker that begins later could find a newer report there.
    let folder = ground.out("report");
    let in_folder = ["filter", folder.to_str().unwrap(), "--out", out.to_str().unwrap()];
    let run = s3sieve([&in_folder[..], &WHERE, &["--partition", "0/3"]].concat()).expect(2);
    run.says(&["named by its manifest.json", "2026-01-01T00-00Z/manifest.json"]);
    assert!(!out.exists());
}

#[test]
fn parts_of_another_question_are_not_mixed() {
    let ground = Ground::of("csv", 200, 6);
    ground.part("parts", "0/3").expect(0);
    let before = tree(&ground.out("parts"));
    let other = |flags: &[&str], says: &str| {
        ground.filter("parts", flags).expect(3).says(&["of another run", says]);
    };
    other(&["--partition", "0/4"], "partitions is 3 there, and 4 here");
    other(&["--partition", "1/3", "--max-objects", "9"], "question.bounds.objects_max");
    other(&["--partition", "1/3", "--now", "2026-05-05"], "now is");
    other(&["--partition", "1/3", "--for", "restore"], "question.operation");
    let out = ground.out("parts");
    let usual = ["filter", &ground.manifest, "--out", out.to_str().unwrap(), "--partition", "1/3"];
    s3sieve([&usual[..], &["--where", "TRUE"]].concat()).expect(3).says(&["question.predicate"]);
    // The same report with other bytes.
    let manifest = fs::read(&ground.manifest).unwrap();
    fs::remove_file(Path::new(&ground.manifest).with_file_name("manifest.checksum")).unwrap();
    edit(Path::new(&ground.manifest), |report| report["creationTimestamp"] = json!("1"));
    other(&["--partition", "1/3", "--now", "2026-01-01"], "report.manifest_md5");
    fs::write(&ground.manifest, manifest).unwrap();
    // A whole plan is not made among parts, and parts not among other files.
    ground.filter("parts", &["--force"]).expect(2).says(&["holds the parts of a plan"]);
    assert_eq!(tree(&ground.out("parts")), before);
    fs::create_dir(ground.out("mine")).unwrap();
    fs::write(ground.out("mine/file"), "").unwrap();
    ground.part("mine", "0/3").expect(2).says(&["holds file and no partitions.json"]);
    assert_eq!(fs::read_dir(ground.out("mine")).unwrap().count(), 1);
}

#[test]
fn a_merge_refuses_what_does_not_fit() {
    let ground = Ground::of("csv", 400, 8);
    let reference = ground.all("reference", 4);
    let part = |number: u32| reference.join(format!("part-{number:05}"));
    let refused = |change: &dyn Fn(), says: &str| {
        fs::remove_file(reference.join("plan.json")).unwrap();
        let before = ground.out("before");
        copy(&reference, &before);
        change();
        let run = merge(&reference).expect(3);
        assert!(run.stderr().contains(says), "`{says}`{}", run.story());
        assert!(!reference.join("plan.json").exists());
        fs::remove_dir_all(&reference).unwrap();
        fs::rename(&before, &reference).unwrap();
        merge(&reference).expect(0);
    };
    let document = |number: u32| part(number).join("part.json");
    refused(&|| copy(&part(2), &reference.join("part-00004")), "there are 4 parts");
    refused(
        &|| {
            fs::remove_dir_all(part(1)).unwrap();
            copy(&part(2), &part(1));
        },
        "it is part 2 of 4",
    );
    refused(
        &|| edit(&document(1), |part| part["plan"]["reports"][0]["files"] = json!(1)),
        "the data files differs",
    );
    refused(
        &|| edit(&document(3), |part| part["plan"]["reports"][0]["files"] = json!(1)),
        "where the report has 8",
    );
    for (member, value) in [
        ("tool", json!("s3sieve 9.9.9")),
        ("bounds", json!({"objects_max": 1, "bytes_max": 1, "jobs": null})),
        ("limit", json!(1_000_000)),
    ] {
        refused(
            &|| edit(&document(0), |part| part["plan"][member] = value.clone()),
            "differs from",
        );
    }
    refused(
        &|| {
            edit(&document(0), |part| {
                part["plan"]["reports"][0]["manifest_md5"] = json!("0".repeat(32));
            });
        },
        "the report differs",
    );
    refused(
        &|| edit(&document(0), |part| part["plan"]["predicate"]["understood"] = json!("TRUE")),
        "the query differs",
    );
    refused(&|| fs::write(document(0), "{").unwrap(), "does not fit");
    let manifest = part(0).join("manifests/00000.csv");
    refused(&|| fs::remove_file(&manifest).unwrap(), "manifests/00000.csv is missing");
    refused(&|| fs::write(&manifest, "x").unwrap(), "it has 1 bytes where the plan says");
    // A byte that is changed is found where it is asked for.
    let mut bytes = fs::read(&manifest).unwrap();
    bytes[0] ^= 1;
    fs::write(&manifest, bytes).unwrap();
    merge(&reference).expect(0);
    let full = s3sieve(["merge", reference.to_str().unwrap(), "--verify", "full"]).expect(3);
    full.says(&["CRC-64/NVME"]);
}

#[test]
fn a_merge_never_takes_the_place_of_another_plan() {
    let ground = Ground::of("csv", 200, 4);
    let reference = ground.all("reference", 2);
    let document = reference.join("plan.json");
    let before = fs::read(&document).unwrap();
    edit(&document, |plan| plan["totals"]["files"] = json!(77));
    let other = fs::read(&document).unwrap();
    merge(&reference).expect(3).says(&["another plan is here"]);
    assert_eq!(fs::read(&document).unwrap(), other);
    // A plan that was submitted, and whose plan.json is gone.
    fs::remove_file(&document).unwrap();
    fs::write(reference.join("jobs.jsonl"), "").unwrap();
    merge(&reference).expect(2).says(&["was submitted"]);
    assert!(!document.exists());
    fs::write(&document, before).unwrap();
    merge(&reference).expect(0);
}

/// Several at a time place the same plan.
#[test]
fn merges_at_the_same_time_all_succeed() {
    let ground = Ground::of("csv", 2_000, 16);
    let out = ground.all("parts", 16);
    for _ in 0..24 {
        fs::remove_file(out.join("plan.json")).unwrap();
        let begin = |_| {
            let mut command = program();
            command.args(["merge", out.to_str().unwrap()]).stdout(Stdio::null());
            command.stderr(Stdio::piped()).spawn().unwrap()
        };
        let merges: Vec<Child> = (0..6).map(begin).collect();
        for merge in merges {
            let output = merge.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        assert!(!out.join(".attempts").exists());
    }
}

/// Sums beyond what numbers hold, and times that none are.
#[test]
fn parts_that_claim_too_much_are_refused() {
    let ground = Ground::of("csv", 400, 8);
    let out = ground.all("parts", 2);
    fs::remove_file(out.join("plan.json")).unwrap();
    let document = out.join("part-00001/part.json");
    let before = fs::read(&document).unwrap();
    for total in ["rows", "files", "bytes_raw", "seconds"] {
        edit(&document, |part| {
            part["plan"]["totals"][total] = match total {
                "seconds" => json!(1e308),
                _ => json!(u64::MAX),
            };
        });
        let code = merge(&out).output.status.code();
        // Bytes are only told.
        assert_eq!(
            code,
            Some(if total == "bytes_raw" || total == "files" { 0 } else { 3 }),
            "{total}"
        );
        let _ = fs::remove_file(out.join("plan.json"));
        fs::write(&document, &before).unwrap();
    }
    merge(&out).expect(0);
}

#[test]
fn parts_are_not_taken_for_plans() {
    let ground = Ground::of("csv", 200, 4);
    ground.part("parts", "0/2").expect(0);
    for (folder, says) in
        [("parts", "parts of a plan are here"), ("parts/part-00000", "this is a part, not a plan")]
    {
        let folder = ground.out(folder);
        let run = s3sieve(["estimate", folder.to_str().unwrap()]).expect(3);
        run.says(&[says, "s3sieve merge"]);
    }
}

const VERSIONS: &str = "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, StorageClass";

/// A file with both versions of some keys, another with one version of another key.
fn versions() -> ReportFolder {
    let version =
        |key: &str, id: &str, latest: &str| row(&["demo", key, id, latest, "false", "STANDARD"]);
    let both = |key: &str| version(key, "2", "true") + &version(key, "1", "false");
    let files = [both("a") + &both("b"), version("c", "2", "true"), both("d"), String::new()];
    let files: Vec<&[u8]> = files.iter().map(String::as_bytes).collect();
    ReportFolder::new(VERSIONS, &files)
}

fn copies(report: &ReportFolder, out: &Path, flags: &[&str]) -> Run {
    let manifest = report.manifest.to_str().unwrap();
    let usual = ["filter", manifest, "--out", out.to_str().unwrap(), "--for", "copy"];
    s3sieve([&usual[..], flags].concat())
}

/// Whether the current version of a key is copied after an older one is known of a whole report.
#[test]
fn copies_of_noncurrent_versions_come_first_or_are_refused() {
    let report = versions();
    let [whole, parts, refused] =
        ["whole", "parts", "refused"].map(|name| report.folder.path().join(name));
    let all: &[&str] = &["--where", "TRUE"];
    let in_parts: &[&str] = &["--partitions", "3"];
    let run = copies(&report, &refused, &[all, in_parts].concat()).expect(2);
    run.says(&["the current version of its key", "no-current-version"]);
    copies(&report, &refused, &[&["--where", "IsLatest"], in_parts].concat()).expect(3);
    let included: &[&str] = &["--include-ineligible", "no-current-version"];
    copies(&report, &whole, &[all, included].concat()).expect(0);
    copies(&report, &parts, &[all, included, in_parts].concat()).expect(0);
    assert_eq!(manifests(&parts), manifests(&whole));
    let plan = plan_document(&parts);
    let shards = plan["shards"].as_array().unwrap();
    let places: Vec<_> = shards.iter().map(|shard| shard["path"].as_str().unwrap()).collect();
    let path = |part: u32, shard: u32| format!("part-{part:05}/manifests/{shard:05}.csv");
    assert_eq!(places, [path(0, 0), path(2, 0), path(0, 1), path(1, 0), path(2, 1)]);
    let after: Vec<_> = shards.iter().map(|shard| &shard["after"]).collect();
    let (none, first) = (Value::Null, json!([{"first": 0, "last": 1}]));
    assert_eq!(after, [&none, &none, &first, &first, &first]);
    let submit = ["submit", parts.to_str().unwrap(), "--dry-run"];
    let job = ["--operation", "copy", "--target-bucket", "demo", "--storage-class", "keep"];
    let run = s3sieve([&submit[..], &job, &PLACE].concat()).expect(0);
    let order = format!("create the jobs of {}, {} first", path(0, 0), path(2, 0));
    assert!(run.stdout().contains(&order), "{}", run.story());
    let warnings = plan["warnings"].to_string();
    assert!(warnings.contains("3 of the 7 selected rows are noncurrent"), "{warnings}");
    assert!(warnings.contains("in the first 2 manifests of the plan"), "{warnings}");
}

#[test]
fn what_was_skipped_is_told_at_the_end() {
    let report = ReportFolder::new("Bucket, Key", &[b"demo,a\n", b"demo,b\n", b"demo,c\n"]);
    fs::write(report.file(1), "not gzip").unwrap();
    let out = report.out();
    let run = |flags: &[&str]| {
        let manifest = report.manifest.to_str().unwrap();
        let usual = ["filter", manifest, "--where", "TRUE", "--out", out.to_str().unwrap()];
        s3sieve([&usual[..], flags].concat())
    };
    let going: &[&str] = &["--keep-going", "--partition"];
    for part in ["0/3", "1/3", "2/3"] {
        // Or schedulers would try it for ever.
        run(&[going, &[part]].concat()).expect(0);
    }
    let merged = merge(&out).expect(5);
    assert!(merged.stdout().contains("Not read: "), "{}", merged.story());
    assert_eq!(manifests(&out), "demo,a\ndemo,c\n");
    let plan = plan_document(&out);
    assert_eq!(plan["reports"][0]["files"], 3);
    assert_eq!(plan["columns"], json!(["Bucket", "Key"]));
}

/// Of counts, sums and groups are exact; seconds are those of all parts.
#[test]
fn counts_of_parts_are_those_of_the_whole() {
    let ground = Ground::of("csv", 3_000, 9);
    let out = ground.out("counts");
    let by = ["--by", "StorageClass,IsLatest", "--where", "Size > 1000"];
    let usual = [&["count", &ground.manifest, "--format", "json"], &by[..]].concat();
    let same = |run: &Run| {
        let mut document = run.json();
        document["seconds"] = json!(0);
        document
    };
    let whole = same(&s3sieve(&usual).expect(0));
    assert!(whole["groups"].as_array().unwrap().len() > 4, "{whole:#}");
    let folder = ["--out", out.to_str().unwrap()];
    let part = |part: &str| s3sieve([&usual[..], &folder, &["--partition", part]].concat());
    for number in ["3/5", "0/5", "1/5", "4/5"] {
        assert_eq!(part(number).expect(0).json()["found"], false);
    }
    assert_eq!(part("3/5").expect(0).json()["found"], true);
    let missing = merge(&out).expect(5);
    assert!(missing.stdout().contains("Missing: 2"), "{}", missing.story());
    part("2/5").expect(0);
    let merged = s3sieve(["merge", out.to_str().unwrap(), "--format", "json"]).expect(0);
    assert_eq!(same(&merged), whole);
    let all = ground.out("all");
    let all = [&usual[..], &["--out", all.to_str().unwrap(), "--partitions", "64"]].concat();
    assert_eq!(same(&s3sieve(all).expect(0)), whole);
    // Another question, and a folder that is not named.
    let other = ["count", &ground.manifest, "--out", out.to_str().unwrap(), "--partition", "0/5"];
    s3sieve(other).expect(3).says(&["question.by"]);
    s3sieve(["count", &ground.manifest, "--partition", "0/5"]).expect(2).says(&["--out names"]);
    let alone = ["count", &ground.manifest, "--out", out.to_str().unwrap()];
    s3sieve(alone).expect(2).says(&["give --partition"]);
    ground.part("counts", "0/5").expect(3).says(&["command is \"count\" there"]);
}

#[test]
fn what_remains_is_verified_in_parts() {
    let ground = Ground::of("csv", 2_000, 4);
    ground.filter("plan", &[]).expect(0);
    let newer = ground.out("newer");
    let flags = ["--rows", "2000", "--files", "4", "--created", "2026-01-02"];
    let half =
        ["--share", "BucketKeyStatus=DISABLED:1,ENABLED:5", "--out", newer.to_str().unwrap()];
    s3sieve([&["synth"], &flags[..], &half].concat()).expect(0);
    let manifest = newer.join("example-bucket/s3sieve-synth/2026-01-02T00-00Z/manifest.json");
    let (plan, out) = (ground.out("plan"), ground.out("verified"));
    let usual = ["verify", plan.to_str().unwrap(), manifest.to_str().unwrap(), "--format", "json"];
    let whole = s3sieve(usual).expect(5).json();
    assert_ne!(whole["objects_remaining"], 0);
    assert_ne!(whole["objects_done"], 0);
    let folder = ["--out", out.to_str().unwrap()];
    let part = |part: &str| s3sieve([&usual[..], &folder, &["--partition", part]].concat());
    for number in ["1/3", "2/3"] {
        part(number).expect(0);
    }
    merge(&out).expect(5);
    part("0/3").expect(0);
    let mut merged = s3sieve(["merge", out.to_str().unwrap(), "--format", "json"]).expect(5).json();
    assert_eq!(merged["passes"], 3);
    merged["passes"] = json!(1);
    assert_eq!(merged, whole);
    // A report that is not newer is refused before anything is pinned.
    let older = ["verify", plan.to_str().unwrap(), &ground.manifest];
    let nowhere = ground.out("nowhere");
    let parts = ["--out", nowhere.to_str().unwrap(), "--partition", "0/3"];
    s3sieve([&older[..], &parts].concat()).expect(2);
    assert!(!nowhere.exists());
    let in_folder = ["verify", plan.to_str().unwrap(), newer.to_str().unwrap()];
    let run = s3sieve([&in_folder[..], &folder, &["--partition", "0/3"]].concat()).expect(2);
    run.says(&["named by its manifest.json"]);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, target) = {
            let entry = entry.unwrap();
            (entry.path(), to.join(entry.file_name()))
        };
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(path, target).unwrap();
        }
    }
}

/// A hundred attempts at eight parts, many at a time, thirty of them killed.
#[test]
fn each_part_is_there_once_and_whole_whoever_dies() {
    const PARTS: usize = 8;
    let ground = Ground::of("csv", 40_000, 24);
    let reference = ground.all("reference", PARTS as u32);
    let out = ground.out("parts");
    let attempt = |number: usize| -> Child {
        let part = format!("{}/{PARTS}", number * 5 % PARTS);
        let mut command = program();
        command.args(["filter", &ground.manifest, "--out", out.to_str().unwrap()]).args(WHERE);
        command.args(["--threads", "1", "--partition", &part]);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let numbers: Vec<usize> = (0..100).collect();
    for together in numbers.chunks(10) {
        let mut attempts: Vec<Child> = together.iter().map(|number| attempt(*number)).collect();
        for place in [1, 4, 8] {
            // Each at another moment of its life: some are over by then.
            thread::sleep(Duration::from_micros(
                (together[0] as u64 * 37 + place as u64 * 911) % 9_000,
            ));
            attempts[place].kill().unwrap();
        }
        for (place, mut attempt) in attempts.into_iter().enumerate() {
            let code = attempt.wait().unwrap().code();
            let was_killed = [1, 4, 8].contains(&place) && code.is_none();
            assert!(code == Some(0) || was_killed, "{place}: {code:?}");
        }
    }
    // Parts whose every attempt was killed.
    for part in 0..PARTS {
        ground.part("parts", &format!("{part}/{PARTS}")).expect(0);
    }
    s3sieve(["merge", out.to_str().unwrap(), "--verify", "full"]).expect(0);
    assert!(!out.join(".attempts").exists());
    assert_eq!(same(&out), same(&reference));
}
