//! Listings of real buckets, held against the SDK's own.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::path::Path;

use aws_sdk_s3::types::BucketVersioningStatus;
use flate2::read::MultiGzDecoder;

use crate::outside::{ODD_KEYS, Outside, server};

/// Rows of a listing by `list`, keys decoded.
fn rows(out: &Path, bucket: &str) -> BTreeSet<Vec<String>> {
    let mut rows = BTreeSet::new();
    for entry in fs::read_dir(out.join(bucket).join("s3sieve-list/data")).unwrap() {
        let mut text = String::new();
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        MultiGzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
        for line in text.lines() {
            let line = line.strip_prefix('"').unwrap().strip_suffix('"').unwrap();
            let fields = line.split("\",\"").map(str::to_owned);
            let mut fields: Vec<String> = fields.skip(1).collect();
            fields[0] = decoded(&fields[0]);
            assert!(rows.insert(fields), "a row comes twice: {line}");
        }
    }
    rows
}

fn decoded(key: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = key.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                u8::from_str_radix(str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            other => other,
        });
    }
    String::from_utf8(bytes).unwrap()
}

/// What the SDK lists, a few at a time: key, version, latest, delete marker, size.
fn versions(outside: &Outside) -> BTreeSet<Vec<String>> {
    let (mut found, mut key, mut version) = (BTreeSet::new(), None, None);
    loop {
        let request = outside.session.s3().list_object_versions().bucket(&outside.bucket);
        let request = request.max_keys(77).set_key_marker(key).set_version_id_marker(version);
        let page = outside.session.wait(request.send()).unwrap();
        let id = |id: Option<&str>| id.filter(|id| *id != "null").unwrap_or_default().to_owned();
        for each in page.versions() {
            let (key, latest) = (each.key().unwrap().to_owned(), each.is_latest().unwrap());
            let size = each.size().unwrap().to_string();
            let row = [key, id(each.version_id()), latest.to_string(), "false".to_owned(), size];
            assert!(found.insert(row.to_vec()), "{row:?}");
        }
        for each in page.delete_markers() {
            let (key, latest) = (each.key().unwrap().to_owned(), each.is_latest().unwrap());
            let fields = [latest.to_string(), "true".to_owned(), String::new()];
            let row = [vec![key, id(each.version_id())], fields.to_vec()].concat();
            assert!(found.insert(row.clone()), "{row:?}");
        }
        if !page.is_truncated().unwrap_or_default() {
            return found;
        }
        key = page.next_key_marker().map(str::to_owned);
        version = page.next_version_id_marker().map(str::to_owned);
    }
}

#[test]
#[ignore = "needs a server: see CONTRIBUTING.md"]
fn every_version_is_listed() {
    let outside = Outside::new("versions");
    for key in ["null/kept", "null/replaced", "null/deleted", "plain"] {
        outside.put(key, b"before versions");
    }
    outside.versioning(BucketVersioningStatus::Enabled);
    for key in ["null/kept", "null/deleted", "with/versions", "with/marker"] {
        outside.put(key, b"a version");
        outside.put(key, b"another version");
    }
    outside.delete("null/deleted");
    outside.delete("with/marker");
    outside.put("with/marker", b"back again");
    outside.delete("never/there");
    // More than a page has, of one key: the listing goes on within it.
    for number in 0..1_050 {
        outside.put("many/a", number.to_string().as_bytes());
    }
    outside.versioning(BucketVersioningStatus::Suspended);
    outside.put("null/replaced", b"a second null version");
    outside.delete("with/versions");
    let out = outside.path("list");
    let address = outside.at("");
    let list = ["list", &address, "--versions", "--columns", "Size", "--out"];
    outside.run(&[&list[..], &[out.to_str().unwrap()]].concat()).expect(0);
    let (found, wanted) = (rows(&out, &outside.bucket), versions(&outside));
    assert!(wanted.len() > 1_060 && wanted.iter().any(|row| row[3] == "true"));
    let differ: Vec<_> = found.symmetric_difference(&wanted).take(5).collect();
    assert!(differ.is_empty(), "{} and {} rows: {differ:?}", found.len(), wanted.len());
}

#[test]
#[ignore = "needs a server: see CONTRIBUTING.md"]
fn odd_keys_are_listed_as_they_are() {
    let outside = Outside::new("odd");
    // moto cuts a key at its line break.
    let keys = ODD_KEYS.iter().filter(|key| server() != "moto" || !key.contains('\n'));
    keys.clone().for_each(|key| outside.put(key, b"12345"));
    for (name, columns) in [("listed", "Size"), ("asked", "Size,EncryptionStatus")] {
        let out = outside.path(name);
        let address = outside.at("");
        let list = ["list", &address, "--columns", columns, "--out", out.to_str().unwrap()];
        outside.run(&list).expect(0);
        let found = rows(&out, &outside.bucket).into_iter().map(|row| row[0].clone());
        assert_eq!(found.collect::<BTreeSet<_>>(), keys.clone().map(|k| (*k).to_owned()).collect());
    }
}

#[test]
#[ignore = "needs a server: see CONTRIBUTING.md"]
fn encryption_is_what_head_object_tells() {
    let outside = Outside::new("encrypted");
    // radosgw has a key in its configuration, and knows no bucket keys.
    let radosgw = server() == "radosgw";
    let kms_key = radosgw.then_some("test-key");
    // LocalStack alone encrypts by itself, as S3 does since 2023.
    let by_itself = if server() == "localstack" { "SSE-S3" } else { "NOT-SSE" };
    let bucket_key = if radosgw { "DISABLED" } else { "ENABLED" };
    outside.put("plain", b"x");
    outside.put_encrypted("kms", kms_key, false);
    outside.put_encrypted("kms-bucket-key", kms_key, true);
    let out = outside.path("list");
    let address = outside.at("");
    let columns = "EncryptionStatus,BucketKeyStatus";
    outside
        .run(&["list", &address, "--columns", columns, "--out", out.to_str().unwrap()])
        .expect(0);
    let wanted = [
        ["kms", "SSE-KMS", "DISABLED"],
        ["kms-bucket-key", "SSE-KMS", bucket_key],
        ["plain", by_itself, "DISABLED"],
    ];
    let wanted = wanted.map(|row| row.map(str::to_owned).to_vec());
    assert_eq!(rows(&out, &outside.bucket), wanted.into_iter().collect());
}
