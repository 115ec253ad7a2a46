//! Any bytes as a manifest: reading them never panics, and what is accepted can be relied on.
#![no_main]

use std::path::{Component, Path};

use libfuzzer_sys::fuzz_target;
use s3sieve::Report;
use s3sieve::internal::key_components;

fuzz_target!(|bytes: &[u8]| {
    let Ok(report) = Report::parse(bytes, Path::new("manifest.json")) else { return };
    assert!(report.schema.position("Bucket").is_some() && report.schema.position("Key").is_some());
    let root = Path::new("/root");
    for file in &report.files {
        let Ok(names) = key_components(&file.key) else { continue };
        assert!(!names.is_empty());
        // Every suffix of a key stays below the folder it is looked for in.
        for start in 0..names.len() {
            let path: std::path::PathBuf =
                std::iter::once(root).chain(names[start..].iter().map(Path::new)).collect();
            let below = path.strip_prefix(root).expect("a key stays below its root");
            assert_eq!(below.components().count(), names.len() - start);
            assert!(below.components().all(|part| matches!(part, Component::Normal(_))));
        }
    }
});
