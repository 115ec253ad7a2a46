//! Reports in Parquet and ORC read from S3: the same plan as of the same report on disk, whether
//! files are held, fetched by ranges, or both, and whatever the network does.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use ground::{BareServer, FaultProxy, Faults};

use crate::buckets::{Buckets, program_with_keys, s3sieve_at, tree_anywhere};
use crate::fixture::Run;

const FORMATS: [&str; 2] = ["parquet", "orc"];

/// The bucket that synthetic reports say they were delivered to.
const BUCKET: &str = "synthetic-inventory";

pub const ADDRESS: &str = "s3://synthetic-inventory";

const CHECKS: [&[&str]; 3] = [&["--verify", "md5"], &["--verify", "auto"], &["--verify", "crc"]];

/// Hashed here, whatever the server states.
const HASHED: &[&str] = CHECKS[0];

const COLUMNS: &str = "Bucket,Key,VersionId,IsLatest,IsDeleteMarker,Size,LastModifiedDate,ETag,\
                       StorageClass,BucketKeyStatus";

type Files = BTreeMap<PathBuf, Vec<u8>>;

/// A server with a synthetic report.
pub fn report(format: &str, rows: &str, files: &str) -> Buckets {
    let buckets = Buckets::new();
    let out = buckets.root.path().join(BUCKET);
    let out = out.to_str().unwrap();
    let synth = ["synth", "--rows", rows, "--files", files, "--format", format, "--out", out];
    let mut command = program_with_keys();
    command.args(synth).args(["--columns", COLUMNS]);
    Run::of(command).expect(0);
    fs::create_dir_all(buckets.out("")).unwrap();
    buckets
}

/// The plan of a report, as files.
fn plan(endpoint: &str, report: &str, out: &Path, more: &[&str]) -> Files {
    let expression = "BucketKeyStatus = 'DISABLED' AND Size > 100000";
    let out_text = out.to_str().unwrap();
    let arguments = ["filter", report, "--where", expression, "--out", out_text];
    let split = ["--split-by", "StorageClass", "--max-objects", "20000"];
    s3sieve_at(endpoint, arguments.iter().chain(&split).chain(more)).expect(0);
    tree_anywhere(out)
}

fn plan_on_disk(buckets: &Buckets) -> Files {
    let report = buckets.root.path().join(BUCKET);
    let plan =
        plan(&buckets.server.endpoint(), report.to_str().unwrap(), &buckets.out("disk"), &[]);
    assert!(plan.len() > 4, "several manifests are compared");
    plan
}

/// The lengths of the data files in bytes.
fn lengths(buckets: &Buckets) -> Vec<usize> {
    let files = tree_anywhere(&buckets.root.path().join(BUCKET));
    let is_data = |path: &PathBuf| path.to_str().unwrap().contains("/data/");
    files.iter().filter(|(path, _)| is_data(path)).map(|(_, bytes)| bytes.len()).collect()
}

#[test]
fn a_report_in_s3_gives_the_same_bytes_as_on_disk() {
    for format in FORMATS {
        let buckets = report(format, "300000", "2");
        assert!(lengths(&buckets).iter().all(|bytes| *bytes > 4 << 20), "files have parts");
        let expected = plan_on_disk(&buckets);
        let endpoint = buckets.server.endpoint();
        for threads in ["1", "4"] {
            for check in CHECKS {
                let out = buckets.out(&format!("{threads}-{}", check[1]));
                let more = [check, &["--threads", threads]].concat();
                assert!(plan(&endpoint, ADDRESS, &out, &more) == expected, "{format} {more:?}");
            }
        }
    }
}

#[test]
fn small_files_give_the_same_bytes_too() {
    for format in FORMATS {
        let buckets = report(format, "30000", "40");
        assert!(lengths(&buckets).iter().all(|bytes| *bytes < 256 << 10), "their end is all");
        let expected = plan_on_disk(&buckets);
        let endpoint = buckets.server.endpoint();
        for check in CHECKS {
            let out = buckets.out(check[1]);
            assert!(plan(&endpoint, ADDRESS, &out, check) == expected, "{format} {check:?}");
        }
    }
}

#[test]
fn faults_on_the_way_change_nothing() {
    for format in FORMATS {
        let buckets = report(format, "120000", "3");
        let expected = plan_on_disk(&buckets);
        let mut harmed = 0;
        for seed in 0..4 {
            let faults = Faults { seed, percent: 40, only_errors: false };
            let proxy = FaultProxy::start(buckets.server.address(), faults).unwrap();
            let check = CHECKS[seed as usize % CHECKS.len()];
            let out = buckets.out(&format!("harmed-{seed}"));
            let found = plan(&proxy.endpoint(), ADDRESS, &out, check);
            assert!(found == expected, "{format}, seed {seed}");
            harmed += proxy.harmed();
        }
        assert!(harmed > 10, "{harmed} requests met with harm");
    }
}

#[test]
fn a_file_that_is_held_is_fetched_once() {
    for format in FORMATS {
        let buckets = report(format, "300000", "2");
        let faults = Faults { seed: 0, percent: 0, only_errors: false };
        let proxy = FaultProxy::start(buckets.server.address(), faults).unwrap();
        let more = [HASHED, &["--threads", "2"]].concat();
        plan(&proxy.endpoint(), ADDRESS, &buckets.out("held"), &more);
        // The end of a file comes first, then all of it; the report is looked up with ten at most.
        let pieces = lengths(&buckets).into_iter().map(|bytes| 1 + bytes.div_ceil(4 << 20) as u64);
        let most = 10 + pieces.sum::<u64>();
        assert!(
            proxy.requests() <= most,
            "{format}: {} requests, {most} at most",
            proxy.requests()
        );
    }
}

#[test]
fn a_file_without_room_is_read_twice_and_gives_the_same_bytes() {
    let buckets = report("parquet", "1100000", "1");
    let length = lengths(&buckets)[0];
    assert!(length > 32 << 20, "{length} bytes are more than one worker may hold");
    let expected = plan_on_disk(&buckets);
    let server = BareServer::start(buckets.root.path()).unwrap();
    let manifest = format!("{ADDRESS}/{}", manifest(&buckets).to_str().unwrap());
    for (threads, name) in [("1", "twice"), ("2", "held")] {
        let out = buckets.out(name);
        let more = [HASHED, &["--threads", threads]].concat();
        let found = plan(&server.endpoint(), &manifest, &out, &more);
        assert!(found == expected, "{threads} threads");
    }
}

/// Of a file whose MD5 the server states, what is wanted is fetched, and no more.
#[test]
fn a_file_whose_md5_is_stated_is_read_by_ranges() {
    for format in FORMATS {
        let buckets = report(format, "300000", "2");
        let all: usize = lengths(&buckets).iter().sum();
        let fetched = |server: &BareServer, more: &[&str]| {
            let before = server.bytes_served();
            let manifest = format!("{ADDRESS}/{}", manifest(&buckets).to_str().unwrap());
            let count = ["count", &manifest, "--where", "Size > 100000"];
            s3sieve_at(&server.endpoint(), count.iter().chain(more)).expect(0);
            server.bytes_served() - before
        };
        let server = BareServer::start(buckets.root.path()).unwrap();
        let stated = fetched(&server, &[]);
        assert!(stated < all as u64 / 2, "{format}: {stated} of {all} bytes");
        for more in [&[][..], HASHED] {
            let other = BareServer::start_in_parts(buckets.root.path()).unwrap();
            let hashed = fetched(&other, more);
            assert!(hashed >= all as u64, "{format} {more:?}: {hashed} of {all} bytes");
        }
        assert!(fetched(&server, HASHED) >= all as u64, "{format}");
    }
}

/// The key of the report's manifest.
fn manifest(buckets: &Buckets) -> PathBuf {
    let files = tree_anywhere(&buckets.root.path().join(BUCKET));
    files.into_keys().find(|path| path.ends_with("manifest.json")).unwrap()
}

#[test]
fn damage_is_told_as_of_files_on_disk() {
    for format in FORMATS {
        let buckets = report(format, "120000", "2");
        let endpoint = buckets.server.endpoint();
        let folder = buckets.root.path().join(BUCKET);
        let files = tree_anywhere(&folder);
        let is_data = |path: &&PathBuf| path.to_str().unwrap().contains("/data/");
        let path = files.keys().find(is_data).unwrap();
        let key = format!("{ADDRESS}/{}", path.to_str().unwrap());
        let whole = &files[path];
        let put = |bytes: &[u8]| fs::write(folder.join(path), bytes).unwrap();
        let count = |more: &[&str]| {
            let arguments = ["count", ADDRESS, "--where", "BucketKeyStatus = 'DISABLED'"];
            s3sieve_at(&endpoint, arguments.iter().chain(more))
        };
        for wrong in [&whole[..whole.len() - 1], &[whole, &b"x"[..]].concat(), &whole[..9]] {
            put(wrong);
            for check in CHECKS {
                count(check).expect(3).says(&[&key, "bytes where the manifest says"]);
            }
        }
        let mut other = whole.clone();
        let middle = other.len() / 2;
        other[middle] ^= 1;
        put(&other);
        count(&[]).expect(3).says(&[&format!("{key}: ")]);
        other.truncate(whole.len() - 20);
        other.resize(whole.len(), 0);
        put(&other);
        count(CHECKS[1]).expect(3).says(&[&key, "fetch the file again"]);
        fs::remove_file(folder.join(path)).unwrap();
        for check in CHECKS {
            count(check).expect(4).says(&[&format!("{key}: cannot read it: there is no such obj")]);
        }
    }
}

#[test]
fn every_command_reads_them() {
    for format in FORMATS {
        let buckets = report(format, "3000", "2");
        let endpoint = buckets.server.endpoint();
        let count = s3sieve_at(&endpoint, ["count", ADDRESS, "--format", "json"]).expect(0);
        assert_eq!(count.json()["rows"], 3_000);
        let inspect = s3sieve_at(&endpoint, ["inspect", ADDRESS, "--format", "json"]).expect(0);
        assert_eq!(inspect.json()["reports"][0]["files_present"], 2);
        let out = buckets.out("bench");
        let bench = ["bench", ADDRESS, "--runs", "1", "--out", out.to_str().unwrap()];
        s3sieve_at(&endpoint, bench).expect(0);
    }
}
