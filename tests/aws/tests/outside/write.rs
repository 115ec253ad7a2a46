//! Plans written to real servers: whole, or not at all.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Once, OnceLock};

use ground::BeforeProxy;

use crate::buckets::{data_file, program_with_keys, tree_anywhere};
use crate::outside::Outside;

#[test]
#[ignore = "needs a server: see CONTRIBUTING.md"]
fn a_plan_is_the_plan_on_disk() {
    let outside = Outside::new("plans");
    let files = [data_file(0, 150_000), data_file(1, 10), data_file(2, 130_000)];
    let manifest = outside.report("", "2026-01-02T00-00Z", &files);
    let (report, plan) = (outside.at(&manifest), outside.at("plans/today"));
    let (local, fetched) = (outside.path("local"), outside.path("fetched"));
    let filter = |out: &str, more: &[&str]| {
        let arguments = ["filter", &report, "--where", "Size >= 0", "--out", out];
        outside.run(&[&arguments, more].concat())
    };
    filter(local.to_str().unwrap(), &[]).expect(0);
    filter(&plan, &[]).expect(0);
    for key in outside.keys("plans/today/") {
        let path = fetched.join(key.strip_prefix("plans/today/").unwrap());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, outside.get(&key)).unwrap();
    }
    let wanted: BTreeMap<PathBuf, Vec<u8>> = tree_anywhere(&local);
    assert!(wanted.values().any(|bytes| bytes.len() > 16 << 20), "sent in parts");
    assert!(tree_anywhere(&fetched) == wanted, "{:?}", outside.keys(""));
    assert_eq!(outside.uploads(), 0);
    filter(&plan, &[]).expect(0).says(&["is there already"]);
    filter(&plan, &["--max-objects", "100000"]).expect(2).says(&["is not empty", "--force"]);
    filter(&plan, &["--force", "--max-objects", "100000"]).expect(0);
    assert_eq!(outside.keys("plans/today/manifests/").len(), 3);
    let nowhere = "s3://s3sieve-no-such-bucket/p";
    filter(nowhere, &[]).expect(4).says(&[nowhere]);
}

/// The signal comes before the first part is served, and four parts are on their way at most: the
/// rest of the ten is still to be written then.
#[test]
#[ignore = "needs a server: see CONTRIBUTING.md"]
fn an_interrupted_upload_leaves_no_plan_and_no_parts() {
    let outside = Outside::new("interrupted");
    let manifest = outside.report("", "2026-01-02T00-00Z", &vec![data_file(0, 150_000); 8]);
    let child: Arc<OnceLock<u32>> = Arc::default();
    let (interrupt, told) = (Once::new(), Arc::clone(&child));
    let proxy = BeforeProxy::start(outside.address(), move |line| {
        if line.starts_with("PUT ") && line.contains("partNumber=") {
            interrupt.call_once(|| {
                let id = told.wait().to_string();
                assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
            });
        }
    });
    let running = program_with_keys()
        .args(["filter", &outside.at(&manifest), "--where", "Size >= 0", "--out"])
        .args([&outside.at("plans/today"), "--endpoint-url", &proxy.unwrap().endpoint()])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.set(running.id()).unwrap();
    let output = running.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{told}");
    assert!(told.contains("interrupted"), "{told}");
    assert_eq!(outside.uploads(), 0, "{told}");
    assert!(outside.keys("plans/").is_empty(), "{:?}", outside.keys("plans/"));
}
