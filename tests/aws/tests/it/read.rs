//! Reports read from S3: what comes out is what comes of the same report on disk, whatever the
//! network does.

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use ground::{BareServer, FaultProxy, Faults};
use serde_json::json;

use crate::buckets::{Buckets, data_file, s3sieve_at, sorted_rows, tree_anywhere};
use crate::fixture::md5;

const WHERE: &str = "BucketKeyStatus = 'DISABLED'";

/// Large ones of several parts, small ones, and an empty one.
fn files() -> Vec<Vec<u8>> {
    let sizes = [150_000, 10, 3_000, 0, 40, 120_000, 7, 9_000];
    sizes.iter().enumerate().map(|(number, rows)| data_file(number, *rows)).collect()
}

/// Filters one report into a plan; more arguments may come behind.
fn filter(buckets: &Buckets, endpoint: &str, report: &str, out: &Path, more: &[&str]) {
    let out = out.to_str().unwrap();
    fs::create_dir_all(buckets.out("")).unwrap();
    let arguments = ["filter", report, "--where", WHERE, "--out", out, "--max-objects", "10000"];
    s3sieve_at(endpoint, arguments.iter().chain(more)).expect(0);
}

#[test]
fn a_report_in_s3_gives_the_same_rows_as_on_disk() {
    let buckets = Buckets::new();
    let manifest = buckets.report("inventory/", "2026-01-02T00-00Z", &files());
    let local = buckets.out("local");
    let endpoint = buckets.server.endpoint();
    filter(&buckets, &endpoint, buckets.file(&manifest).to_str().unwrap(), &local, &[]);
    let expected = tree_anywhere(&local);
    assert!(expected.len() > 4, "several manifests are compared");
    let rows = sorted_rows(&expected);
    let mut first = None;
    let addresses = ["s3://reports/inventory", "s3://reports", &format!("s3://reports/{manifest}")];
    for (number, address) in addresses.into_iter().enumerate() {
        for threads in ["1", "4"] {
            let out = buckets.out(&format!("remote-{number}-{threads}"));
            filter(&buckets, &endpoint, address, &out, &["--threads", threads]);
            let found = tree_anywhere(&out);
            assert_eq!(found.len(), expected.len());
            assert!(sorted_rows(&found) == rows, "{address} with {threads} threads");
            let first = first.get_or_insert_with(|| found.clone());
            assert!(found == *first, "the same bytes: {address} with {threads} threads");
        }
    }
}

/// A data file of several megabytes whose length is not told by what is in it.
fn stored(version: char) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::none());
    for number in 0..40_000 {
        let row = format!("\"demo\",\"{version}/{number:06}\",\"\",\"true\",\"false\",\"1\",");
        writeln!(gzip, "{row}\"DISABLED\"").unwrap();
    }
    gzip.finish().unwrap()
}

#[test]
fn an_etag_is_taken_for_the_md5_where_it_is_the_same() {
    let buckets = Buckets::new();
    let manifest = buckets.report("", "2026-01-02T00-00Z", &[stored('a')]);
    let address = format!("s3://reports/{manifest}");
    let count = |server: &BareServer, check: &[&str], code| {
        s3sieve_at(&server.endpoint(), ["count", &address].iter().chain(check)).expect(code)
    };
    let [auto, etag, md5] = ["auto", "etag", "md5"].map(|check| ["--verify", check]);
    let server = BareServer::start(buckets.root.path()).unwrap();
    // Of an object that was sent in parts, the ETag is of another form.
    let in_parts = BareServer::start_in_parts(buckets.root.path()).unwrap();
    count(&server, &[], 0);
    count(&in_parts, &[], 0);
    let text = fs::read(buckets.file(&manifest)).unwrap();
    let report: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let data = buckets.file(report["files"][0]["key"].as_str().unwrap());
    assert_eq!(fs::read(&data).unwrap().len(), stored('b').len());
    fs::write(&data, stored('b')).unwrap();
    // The server states the MD5 of what was there before: nothing is hashed here.
    for check in [&[][..], &auto, &etag] {
        count(&server, check, 0);
        count(&in_parts, check, 3).says(&["the file's MD5 is "]);
    }
    count(&server, &md5, 3).says(&["the file's MD5 is "]);
    // A server that has seen nothing else states another MD5, so that of the bytes is taken.
    let other = BareServer::start(buckets.root.path()).unwrap();
    count(&other, &[], 3).says(&["the file's MD5 is "]);
    // Damage on the way shows all the same.
    let mut bytes = stored('a');
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&data, bytes).unwrap();
    count(&server, &[], 3).says(&["CRC-32"]);
}

#[test]
fn faults_on_the_way_change_nothing() {
    let buckets = Buckets::new();
    let manifest = buckets.report("", "2026-01-02T00-00Z", &files());
    let address = format!("s3://reports/{manifest}");
    let plain = buckets.out("plain");
    filter(&buckets, &buckets.server.endpoint(), &address, &plain, &[]);
    let expected = tree_anywhere(&plain);
    let mut harmed = 0;
    for seed in 0..6 {
        let faults = Faults { seed, percent: 40, only_errors: false };
        let proxy = FaultProxy::start(buckets.server.address(), faults).unwrap();
        let out = buckets.out(&format!("harmed-{seed}"));
        filter(&buckets, &proxy.endpoint(), &address, &out, &[]);
        assert!(tree_anywhere(&out) == expected, "seed {seed}");
        assert!(proxy.requests() > proxy.harmed());
        harmed += proxy.harmed();
    }
    assert!(harmed > 20, "{harmed} requests met with harm");
}

#[test]
fn every_command_reads_from_s3() {
    let buckets = Buckets::new();
    let endpoint = buckets.server.endpoint();
    let files = files();
    buckets.report("p/", "2026-01-01T00-00Z", &files[1..3]);
    buckets.report("p/", "2026-01-02T00-00Z", &files);
    let count = s3sieve_at(&endpoint, ["count", "s3://reports/p", "--format", "json"]).expect(0);
    assert_eq!(count.json()["rows"], 282_057);
    let json_format = ["--format", "json"];
    let inspect =
        s3sieve_at(&endpoint, ["inspect", "s3://reports/p/"].iter().chain(&json_format)).expect(0);
    assert_eq!(inspect.json()["reports"][0]["files_present"], 8);
    assert_eq!(inspect.json()["reports"][0]["checksum"], "matched");
    let earlier = ["count", "s3://reports/p", "--as-of", "2026-01-01"];
    let earlier = s3sieve_at(&endpoint, earlier.iter().chain(&json_format)).expect(0);
    assert_eq!(earlier.json()["rows"], 3_010);
    let out = buckets.out("bench");
    let bench = ["bench", "s3://reports/p", "--runs", "1", "--out", out.to_str().unwrap()];
    s3sieve_at(&endpoint, bench.iter().chain(&json_format)).expect(0);
    let plan = buckets.out("plan");
    filter(&buckets, &endpoint, "s3://reports/p", &plan, &["--as-of", "2026-01-01"]);
    let verify = ["verify", plan.to_str().unwrap(), "s3://reports/p"];
    let verify = s3sieve_at(&endpoint, verify.iter().chain(&json_format)).expect(5).json();
    assert!(verify["objects_remaining"].as_u64().unwrap() > 100, "{verify}");
    assert_eq!(
        (&verify["objects_remaining"], &verify["rows"]),
        (&verify["objects"], &json!(282_057))
    );
}

#[test]
fn the_newest_complete_report_is_taken() {
    let buckets = Buckets::new();
    let endpoint = buckets.server.endpoint();
    let file = [data_file(0, 20)];
    buckets.report("", "2026-01-01T00-00Z", &file);
    let newer = buckets.report("", "2026-01-02T00-00Z", &file);
    let checksum = newer.replace("manifest.json", "manifest.checksum");
    fs::remove_file(buckets.file(&checksum)).unwrap();
    let count = || s3sieve_at(&endpoint, ["count", "s3://reports"]);
    count().expect(0).says(&["passed over s3://reports/demo/daily/2026-01-02T00-00Z", "checksum"]);
    buckets.put(&checksum, "0".repeat(32).as_bytes());
    count().expect(0).says(&["the MD5 of manifest.json is"]);
    fs::remove_file(buckets.file(&newer)).unwrap();
    count().expect(0).says(&["no manifest.json"]);
    s3sieve_at(&endpoint, ["count", "s3://reports", "--as-of", "2025-01-01"])
        .expect(3)
        .says(&["begun by 2025-01-01", "the oldest is 2026-01-01T00-00Z"]);
}

#[test]
fn damage_is_told_as_of_files_on_disk() {
    let buckets = Buckets::new();
    let endpoint = buckets.server.endpoint();
    let files = files();
    let manifest = buckets.report("", "2026-01-02T00-00Z", &files);
    let key = "demo/daily/data/2026-01-02T00-00Z-5.csv.gz";
    let address = format!("s3://reports/{manifest}");
    let count = || s3sieve_at(&endpoint, ["count", &address]);
    let mut other = data_file(99, 120_000);
    other.truncate(files[5].len());
    other.resize(files[5].len(), 0);
    buckets.put(key, &other);
    count().expect(3).says(&[&format!("s3://reports/{key}: ")]);
    buckets.put(key, &files[5][..files[5].len() - 1]);
    count().expect(3).says(&["bytes where the manifest says"]);
    fs::remove_file(buckets.file(key)).unwrap();
    count().expect(4).says(&[&format!("s3://reports/{key}: cannot read it: there is no such obj")]);
    let partly = s3sieve_at(&endpoint, ["count", &address, "--keep-going", "--format", "json"]);
    assert_eq!(partly.expect(5).json()["files_skipped"][0]["file"], format!("s3://reports/{key}"));
    let inspect = s3sieve_at(&endpoint, ["inspect", &address, "--format", "json"]).expect(3);
    assert_eq!(inspect.json()["reports"][0]["files_missing"][0], key);
}

#[test]
fn other_bytes_with_the_right_length_and_crc_are_found_by_their_md5() {
    let buckets = Buckets::new();
    let manifest = buckets.report("", "2026-01-02T00-00Z", &[data_file(1, 50_000)]);
    let text = fs::read_to_string(buckets.file(&manifest)).unwrap();
    let right = md5(&data_file(1, 50_000));
    let wrong = text.replace(&right, &"0".repeat(32));
    buckets.put(&manifest, wrong.as_bytes());
    let checksum = manifest.replace("manifest.json", "manifest.checksum");
    buckets.put(&checksum, md5(wrong.as_bytes()).as_bytes());
    let count = |more: &[&str]| {
        let arguments = ["count", "s3://reports"];
        s3sieve_at(&buckets.server.endpoint(), arguments.iter().chain(more))
    };
    count(&[]).expect(3).says(&["the file's MD5 is", &right]);
    count(&["--verify", "crc"]).expect(0);
}

#[test]
fn only_the_bucket_that_was_named_is_read() {
    let buckets = Buckets::new();
    let manifest = buckets.report("", "2026-01-02T00-00Z", &[data_file(1, 10)]);
    let endpoint = buckets.server.endpoint();
    let copy = buckets.root.path().join("copies");
    fs::create_dir_all(copy.join("demo/daily")).unwrap();
    fs::copy(buckets.file(&manifest), copy.join("manifest.json")).unwrap();
    s3sieve_at(&endpoint, ["count", "s3://copies/manifest.json"])
        .expect(3)
        .says(&["bucket \"reports\"", "--root s3://copies/"]);
    let rooted = ["count", "s3://copies/manifest.json", "--root", "s3://reports"];
    s3sieve_at(&endpoint, rooted).expect(0);
}
