//! Reports in buckets of real servers: the rows of the same report on disk, and errors where an
//! object changes under the reader.

use std::fs;
use std::path::Path;
use std::sync::Once;

use ground::BeforeProxy;

use crate::buckets::{data_file, s3sieve_at, sorted_rows, tree_anywhere};
use crate::fixture::{gzip, row};
use crate::outside::{ODD_KEYS, Outside};

const WHERE: &str = "BucketKeyStatus = 'DISABLED'";

/// A data file of odd keys, encoded as inventories encode them.
fn odd_file() -> Vec<u8> {
    let mut rows = String::new();
    for key in ODD_KEYS {
        let mut encoded = String::new();
        for byte in key.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                    encoded.push(char::from(byte));
                }
                b' ' => encoded.push('+'),
                other => encoded.push_str(&format!("%{other:02X}")),
            }
        }
        rows += &row(&["demo", &encoded, "", "true", "false", "5", "DISABLED"]);
    }
    gzip(rows.as_bytes())
}

fn filter(outside: &Outside, report: &str, out: &Path) {
    let out = out.to_str().unwrap();
    outside.run(&["filter", report, "--where", WHERE, "--out", out]).expect(0);
}

#[test]
#[ignore = "needs a server: see CONTRIBUTING.md"]
fn a_report_gives_the_same_rows_as_on_disk() {
    let outside = Outside::new("same");
    let files = [odd_file(), data_file(0, 150_000), data_file(1, 0), data_file(2, 3_000)];
    let prefix = "inv/umlaut ü/100%/a+b/%41/";
    let manifest = outside.report(prefix, "2026-01-02T00-00Z", &files);
    let local = outside.path("local");
    filter(&outside, outside.disk(&manifest).to_str().unwrap(), &local);
    let expected = sorted_rows(&tree_anywhere(&local));
    let rows = fs::read_to_string(local.join("manifests/00000.csv")).unwrap();
    assert!(rows.contains("demo,line%0Abreak,null\n"), "{}", &rows[..600]);
    for (number, key) in [&manifest, prefix, prefix.trim_end_matches('/')].into_iter().enumerate() {
        let out = outside.path(&format!("remote-{number}"));
        filter(&outside, &outside.at(key), &out);
        assert!(sorted_rows(&tree_anywhere(&out)) == expected, "{key}");
    }
}

#[test]
#[ignore = "needs a server: see CONTRIBUTING.md"]
fn the_report_that_was_asked_for_is_found() {
    let outside = Outside::new("dated");
    outside.report("p/", "2026-01-01T00-00Z", &[data_file(0, 10)]);
    outside.report("p/", "2026-01-02T00-00Z", &[data_file(1, 300)]);
    outside.report("p/", "2026-01-03T00-00Z", &[data_file(2, 7_000)]);
    let count = |more: &[&str]| {
        let address = outside.at("p/demo/daily/");
        let run = outside.run(&[&["count", &address, "--format", "json"], more].concat()).expect(0);
        run.json()["rows"].as_u64().unwrap()
    };
    assert_eq!(count(&[]), 7_000);
    assert_eq!(count(&["--as-of", "2026-01-02"]), 300);
    assert_eq!(count(&["--as-of", "2026-01-01T12:00Z"]), 10);
}

#[test]
#[ignore = "needs a server: see CONTRIBUTING.md"]
fn a_destination_that_ends_in_a_slash_is_read() {
    let outside = Outside::new("slashes");
    let manifest = outside.report("inv//", "2026-01-02T00-00Z", &[data_file(0, 20)]);
    for address in [outside.at("inv/"), outside.at("inv//"), outside.at(&manifest)] {
        let run = outside.run(&["count", &address, "--format", "json"]).expect(0);
        assert_eq!(run.json()["rows"], 20, "{address}");
    }
}

/// The first range pins the object's ETag; before the second is served, the object is another.
#[test]
#[ignore = "needs a server: see CONTRIBUTING.md"]
fn a_file_that_is_replaced_while_it_is_read_is_an_error() {
    let outside = Outside::new("replaced");
    let files = [data_file(0, 300_000)];
    assert!(files[0].len() > 4 << 20, "it takes several ranges");
    let manifest = outside.report("", "2026-01-02T00-00Z", &files);
    let key = "demo/daily/data/2026-01-02T00-00Z-0.csv.gz";
    let (first, second) = (Once::new(), Once::new());
    let mut other = files[0].clone();
    other.reverse();
    let (session, bucket) = (outside.session.clone(), outside.bucket.clone());
    let replace = move || {
        let request = session.s3().put_object().bucket(&bucket).key(key);
        session.wait(request.body(other.clone().into()).send()).unwrap();
    };
    let proxy = BeforeProxy::start(outside.address(), move |line| {
        if line.starts_with("GET ") && line.contains(key) {
            let mut is_first = false;
            first.call_once(|| is_first = true);
            if !is_first {
                second.call_once(&replace);
            }
        }
    });
    let address = outside.at(&manifest);
    let arguments = ["count", &address, "--threads", "1"];
    s3sieve_at(&proxy.unwrap().endpoint(), arguments)
        .expect(4)
        .says(&[&outside.at(key), "it was replaced while it was read; run this again"]);
}
