//! Plans that somebody changed: nothing is done by a document that can't be true, or that is not
//! true of its files.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::fixture::{Run, crc64nvme, forged, plan_document, s3sieve, seed};
use crate::plans::{
    OPERATIONS, PLACE, PlanFolder, inventory_plan_for, seed_plan, seed_plan_with, submit,
};

/// Deletes tags: any plan will do.
const ANY: &[&str] = OPERATIONS[5];

fn rewrite(plan: &Path, change: impl FnOnce(&mut Value)) {
    let mut document = plan_document(plan);
    change(&mut document);
    fs::write(plan.join("plan.json"), document.to_string()).unwrap();
}

fn policy(plan: &Path) -> Run {
    s3sieve(["policy", plan.to_str().unwrap()].iter().chain(ANY).chain(&PLACE))
}

fn verify(plan: &Path) -> Run {
    let (plan, report) = (plan.to_str().unwrap(), seed());
    s3sieve(["verify", plan, report.to_str().unwrap()])
}

/// Whoever reads the plan refuses it: it can't be true.
#[track_caller]
fn cannot_be(change: impl FnOnce(&mut Value), says: &[&str]) {
    let plan = seed_plan();
    rewrite(&plan.path, change);
    let says = [&["plan.json", "make it again"], says].concat();
    submit(&plan.path, ANY).expect(3).says(&says);
    policy(&plan.path).expect(3).says(&says);
    s3sieve(["estimate", plan.path.to_str().unwrap()]).expect(3).says(&says);
    verify(&plan.path).expect(3).says(&says);
}

/// Whoever hashes the manifests refuses it: it is not true of them.
#[track_caller]
fn is_not_so(plan: &PlanFolder, change: impl FnOnce(&mut Value), says: &[&str]) {
    rewrite(&plan.path, change);
    let says = [&["manifests/00000", "plan.json is not true of this file"], says].concat();
    submit(&plan.path, ANY).expect(3).says(&says);
    verify(&plan.path).expect(3).says(&says);
}

#[test]
fn digests_that_no_plan_has() {
    let crc = |crc: &'static str| {
        move |document: &mut Value| document["shards"][0]["crc64nvme"] = json!(crc)
    };
    for odd in ["", "short", "rosUhgp5mIg=-2"] {
        cannot_be(crc(odd), &["shards[0]", "crc64nvme", "Base64"]);
    }
    let plan = seed_plan_with(&["--max-objects", "4"]);
    rewrite(&plan.path, |document| document["shards"][1]["sha256"] = json!("00".repeat(32)));
    submit(&plan.path, ANY).expect(3).says(&["shards[0]", "no sha256, where other shards"]);
}

#[test]
fn columns_that_no_manifest_has() {
    for columns in [
        json!([]),
        json!(["Bucket"]),
        json!(["Key", "Bucket"]),
        json!(["Bucket", "VersionId", "Key"]),
        json!(["Bucket", "Key", "Key"]),
        json!(["bucket", "key"]),
    ] {
        cannot_be(|document| document["columns"] = columns.clone(), &["columns is [", "order"]);
        cannot_be(|document| document["shards"][0]["columns"] = columns, &["shards[0]: columns"]);
    }
}

#[test]
fn a_file_that_is_listed_twice() {
    let twice = |document: &mut Value| {
        let shard = document["shards"][0].clone();
        document["totals"]["rows_matched"] =
            json!(9 + document["totals"]["rows_matched"].as_u64().unwrap());
        document["shards"].as_array_mut().unwrap().push(shard);
    };
    cannot_be(twice, &["\"manifests/00000.csv\" is listed twice"]);
}

#[test]
fn a_path_that_leads_elsewhere() {
    for path in [
        "/etc/passwd",
        "../other/manifests/00000.csv",
        "manifests/../../x.csv",
        "manifests/./00000.csv",
        "manifests//00000.csv",
        "manifests",
        "excluded/x.csv",
        "00000.csv",
        "",
    ] {
        let says = ["does not lead to a file in manifests"];
        cannot_be(|document| document["shards"][0]["path"] = json!(path), &says);
    }
    for path in ["manifests/00000.csv", "../x.csv"] {
        let excluded = json!([{"reason": "delete-marker", "rows": 0, "paths": [path]}]);
        let change = |document: &mut Value| {
            document["totals"]["rows_matched"] = json!(9);
            document["totals"]["rows_excluded"] = json!(0);
            document["excluded"] = excluded;
        };
        cannot_be(change, &[path, "does not lead to a file in excluded"]);
    }
    for path in ["manifests/00000", "manifests/a/00000.csv"] {
        cannot_be(|document| document["shards"][0]["path"] = json!(path), &["shards[0]", "named"]);
    }
}

#[test]
fn counts_that_do_not_fit() {
    let huge = |document: &mut Value| {
        document["shards"][0]["objects"] = json!(1_000_000_000_000_000_000_u64);
    };
    cannot_be(huge, &["1000000000000000000, which its bytes can't hold"]);
    cannot_be(|document| document["shards"][0]["objects"] = json!(0), &["can't hold"]);
    cannot_be(|document| document["shards"][0]["objects"] = json!(8), &["8 objects in all"]);
    cannot_be(|document| document["totals"]["rows_matched"] = json!(0), &["does not fit totals"]);
    cannot_be(
        |document| document["totals"]["rows_excluded"] = json!(7),
        &["totals.rows_excluded is 7"],
    );
    let limited = |document: &mut Value| document["limit"] = json!(3);
    cannot_be(limited, &["9 objects in all"]);
    let overflow = |document: &mut Value| {
        let mut shard = document["shards"][0].clone();
        shard["path"] = json!("manifests/00001.csv");
        document["shards"].as_array_mut().unwrap().push(shard);
        for place in 0..2 {
            document["shards"][place]["bytes"] = json!(u64::MAX);
            document["shards"][place]["bucket"] = json!("");
            document["shards"][place]["objects"] = json!(u64::MAX / 2 - 1);
        }
        document["excluded"] = json!([{"reason": "a", "rows": u64::MAX, "paths": []},
            {"reason": "b", "rows": u64::MAX, "paths": []}]);
    };
    cannot_be(overflow, &["too large to be added up"]);
}

#[test]
fn an_order_that_leads_nowhere() {
    for (first, last) in [(0, 0), (1, 1), (0, u64::MAX), (1, 0)] {
        let after = json!([{"first": first, "last": last}]);
        let change = |document: &mut Value| document["shards"][0]["after"] = after;
        cannot_be(change, &["shards[0]: after has"]);
    }
}

#[test]
fn a_csv_manifest_with_data_files() {
    let file = json!([{"path": "manifests/00000/data/0.csv.gz", "bytes": 1, "md5": ""}]);
    cannot_be(|document| document["shards"][0]["files"] = file, &["shards[0]", "don't fit"]);
    let place = json!({"place": "s3://b/p", "folder": "plan-0123456789abcdef"});
    cannot_be(|document| document["inventory"] = place, &["shards[0]", "don't fit"]);
}

#[test]
fn what_is_not_true_of_the_rows() {
    let fewer = |document: &mut Value| {
        let matched = document["totals"]["rows_matched"].as_u64().unwrap();
        document["totals"]["rows_matched"] = json!(matched - 1);
        document["shards"][0]["objects"] = json!(8);
    };
    is_not_so(&seed_plan(), fewer, &["it has 9 rows where the plan says 8"]);
    let renamed = |document: &mut Value| document["shards"][0]["bucket"] = json!("someone-else");
    is_not_so(&seed_plan(), renamed, &["row 1 is not of bucket someone-else"]);
    let longer = |document: &mut Value| {
        let bucket = document["shards"][0]["bucket"].as_str().unwrap().to_owned();
        document["shards"][0]["bucket"] = json!(&bucket[..bucket.len() - 1]);
    };
    is_not_so(&seed_plan(), longer, &["row 1 is not of bucket"]);
    let narrower = |document: &mut Value| document["columns"] = json!(["Bucket", "Key"]);
    is_not_so(&seed_plan(), narrower, &["row 1 has 3 columns where the plan says 2"]);
    for key in ["first_key", "last_key"] {
        let change = |document: &mut Value| document["shards"][0][key] = json!("another");
        let which = key.split('_').next().unwrap();
        is_not_so(&seed_plan(), change, &[&format!("its {which} key is"), "\"another\""]);
    }
}

/// Manifests that others wrote, with a document that describes them down to the last digest.
#[test]
fn rows_that_no_manifest_has() {
    let good = fs::read_to_string(seed_plan().path.join("manifests/00000.csv")).unwrap();
    let bucket = good.split(',').next().unwrap();
    let lines: Vec<&str> = good.lines().collect();
    let replaced = |row: &str| {
        let mut lines = lines.clone();
        lines[4] = row;
        lines.join("\n") + "\n"
    };
    for (text, says) in [
        (replaced(""), "row 5 is not of bucket"),
        (replaced("other,key,v"), "row 5 is not of bucket"),
        (replaced(&format!("{bucket},key")), "row 5 has 2 columns where the plan says 3"),
        (replaced(&format!("{bucket},k,e,y")), "row 5 has 4 columns"),
        (replaced(&format!("{bucket},\"k,ey\"")), "row 5 has 2 columns"),
        (replaced(&format!("{bucket},,v")), "row 5 has an empty field"),
        (replaced(&format!("{bucket},key,")), "row 5 has an empty field"),
        (replaced(&format!("{bucket},\"\",v")), "row 5 has an empty field"),
        (replaced(&format!("{bucket},\"a\"b,v")), "row 5 has a quote where none may be"),
        (replaced(&format!("{bucket},{},v", "k".repeat(20_000))), "row 5 is longer"),
        (good.trim_end().to_owned(), "its last row has no line end"),
        (good.clone() + lines[8] + "\n", "it has 10 rows"),
    ] {
        let plan = seed_plan();
        fs::write(plan.path.join("manifests/00000.csv"), &text).unwrap();
        let describe = |document: &mut Value| {
            document["shards"][0]["bytes"] = json!(text.len());
            document["shards"][0]["crc64nvme"] = json!(crc64nvme(text.as_bytes()));
        };
        // Rows longer than a buffer come in pieces.
        is_not_so(&plan, describe, &[says]);
    }
    let odd = replaced(&format!("{bucket},\"k,\"\"ey\",v"));
    let plan = seed_plan();
    fs::write(plan.path.join("manifests/00000.csv"), &odd).unwrap();
    rewrite(&plan.path, |document| {
        document["shards"][0]["bytes"] = json!(odd.len());
        document["shards"][0]["crc64nvme"] = json!(crc64nvme(odd.as_bytes()));
    });
    submit(&plan.path, ANY).expect(0);
}

#[test]
fn what_is_not_true_of_an_inventory_report() {
    let plan = || inventory_plan_for(ANY);
    submit(&plan().path, ANY).expect(0);
    let fewer = |document: &mut Value| {
        let matched = document["totals"]["rows_matched"].as_u64().unwrap();
        document["totals"]["rows_matched"] = json!(matched - 1);
        document["shards"][0]["objects"] = json!(8);
    };
    is_not_so(&plan(), fewer, &["it has 9 rows where the plan says 8"]);
    let narrower = |document: &mut Value| document["columns"] = json!(["Bucket", "Key"]);
    is_not_so(&plan(), narrower, &["fileSchema has other columns"]);
    let renamed = |document: &mut Value| document["shards"][0]["bucket"] = json!("someone-else");
    is_not_so(&plan(), renamed, &["sourceBucket"]);
    let key = |document: &mut Value| document["shards"][0]["last_key"] = json!("another");
    is_not_so(&plan(), key, &["its last key is"]);
    let shorter = |document: &mut Value| document["shards"][0]["files"][0]["bytes"] = json!(9);
    is_not_so(&plan(), shorter, &["lists other data files"]);
    let changed = plan();
    let data = changed.path.join("manifests/00000/data/00000.csv.gz");
    let mut bytes = fs::read(&data).unwrap();
    bytes[30] ^= 1;
    fs::write(&data, bytes).unwrap();
    submit(&changed.path, ANY).expect(3).says(&["00000.csv.gz", "MD5"]);
}

/// Pipes are never waited for, and devices have no end.
#[cfg(target_os = "linux")]
#[test]
fn what_is_no_file_is_refused_at_once() {
    use std::os::unix::fs::symlink;
    use std::process::Command;

    let replace = |path: &Path, is_pipe: bool| {
        fs::remove_file(path).unwrap();
        if is_pipe {
            assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
        } else {
            symlink("/dev/zero", path).unwrap();
        }
    };
    for is_pipe in [true, false] {
        for name in ["plan.json", "manifests/00000.csv"] {
            let plan = seed_plan();
            replace(&plan.path.join(name), is_pipe);
            for run in [submit(&plan.path, ANY), verify(&plan.path)] {
                let run = run.says(&[name, "not a regular file"]);
                let code = run.output.status.code();
                assert!(matches!(code, Some(1 | 3)), "{}", run.story());
            }
        }
        let plan = inventory_plan_for(ANY);
        replace(&plan.path.join("manifests/00000/data/00000.csv.gz"), is_pipe);
        submit(&plan.path, ANY).expect(3).says(&["00000.csv.gz", "not a regular file"]);
        #[cfg(feature = "aws")]
        {
            let plan = seed_plan();
            let journal = plan.path.join("jobs.jsonl");
            fs::write(&journal, "").unwrap();
            replace(&journal, is_pipe);
            let name = plan.path.to_str().unwrap();
            let run = s3sieve(["jobs", name, "list"]).expect(1);
            run.says(&["jobs.jsonl", "not a regular file"]);
        }
    }
    let plan = seed_plan();
    for flag in ["--operation-json", "--prices"] {
        let run = match flag {
            "--prices" => s3sieve(["estimate", plan.path.to_str().unwrap(), flag, "/dev/zero"]),
            _ => submit(&plan.path, &[flag, "/dev/zero"]),
        };
        run.expect(3).says(&["/dev/zero", "longer than"]);
    }
}

/// A CRC finds damage; whoever means harm makes other bytes of the same one.
#[test]
fn other_bytes_of_the_same_checksum() {
    let forge = |flags: &[&str]| {
        let plan = seed_plan_with(flags);
        let manifest = plan.path.join("manifests/00000.csv");
        let bytes = fs::read(&manifest).unwrap();
        fs::write(&manifest, forged(&bytes)).unwrap();
        plan
    };
    submit(&forge(&[]).path, ANY).expect(3).says(&["is not true of this file", "row 1"]);
    let strong = forge(&["--digest", "sha256"]);
    for run in [submit(&strong.path, ANY), verify(&strong.path)] {
        run.expect(3).says(&["00000.csv", "its SHA-256 is", "make the plan again"]);
    }
}
