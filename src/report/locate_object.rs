//! From the key of a data file, as a manifest in S3 gives it, to the object.
//!
//! Data files are read from the bucket that the user named, never from one that only the manifest
//! names. Keys are taken as they stand, but for one fault of S3's: where the destination prefix
//! ends in a slash, S3 writes to keys with two slashes in a row and lists them with one. The key
//! of the manifest itself shows which it was.
//!
//! Never knows what a data file holds.

use super::error::{KeyFault, excerpt};
use super::key_path::key_components;
use super::{DataFile, Report, ReportError};
use crate::source::{Location, Object};

/// Where data files lie: below `root`, or in the bucket that the manifest was read from.
pub(super) fn locate(
    report: &Report,
    files: &[DataFile],
    base: &Object,
    is_root: bool,
) -> Result<Vec<Location>, ReportError> {
    if !is_root && report.destination_bucket != base.bucket() {
        return Err(ReportError::OtherBucket {
            manifest: report.manifest_path.clone(),
            destination: report.destination_bucket.clone(),
            named: base.bucket().to_owned(),
        });
    }
    let root = base.as_folder();
    let written = if is_root { "" } else { inventory_folder(base.key()) };
    let listed = single_slashes(written);
    let object = |file: &DataFile| {
        refuse_odd(&file.key).map_err(|fault| ReportError::Key {
            manifest: report.manifest_path.clone(),
            key: excerpt(&file.key),
            fault,
        })?;
        let key = match file.key.strip_prefix(&listed) {
            _ if is_root => root.key().to_owned() + &file.key,
            Some(rest) if listed != written => written.to_owned() + rest,
            _ => file.key.clone(),
        };
        Ok(Location::Object(base.with_key(key)))
    };
    files.iter().map(object).collect()
}

/// Refuses keys that S3 did not write; slashes are no fault here.
fn refuse_odd(key: &str) -> Result<(), KeyFault> {
    match key_components(key) {
        Err(KeyFault::NotAName) | Ok(_) => Ok(()),
        Err(fault) => Err(fault),
    }
}

/// The folder of the inventory whose manifest has this key: two above it, up to its slash.
fn inventory_folder(manifest_key: &str) -> &str {
    let above = |key: &str| key.trim_end_matches('/').rfind('/').map_or(0, |at| at + 1);
    let dated = &manifest_key[..above(manifest_key)];
    &dated[..above(dated)]
}

/// The key with no slash at its begin and none that follows another.
fn single_slashes(key: &str) -> String {
    key.split('/').filter(|name| !name.is_empty()).map(|name| format!("{name}/")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::{AwsOptions, Session};

    const DATED: &str = "photos/daily/2026-01-01T00-00Z/manifest.json";

    fn keys(manifest: &str, root: Option<&str>, key: &str) -> Result<String, ReportError> {
        let session = Session::new(&AwsOptions::default()).unwrap();
        let object = |address: &str| Object::parse(address, &session).unwrap();
        let document = format!(
            r#"{{"sourceBucket": "photos", "destinationBucket": "arn:aws:s3:::reports",
                "fileFormat": "CSV", "fileSchema": "Bucket, Key",
                "files": [{{"key": "{key}", "size": 1}}]}}"#
        );
        let at = object(manifest);
        let report = Report::parse(document.as_bytes(), Location::Object(at.clone())).unwrap();
        let base = root.map_or(at, object);
        let found = locate(&report, &report.files, &base, root.is_some())?;
        Ok(found[0].display().to_string())
    }

    #[test]
    fn keys_are_taken_as_they_stand() {
        let found = keys(&format!("s3://reports/p/{DATED}"), None, "p/photos/daily/data/1.gz");
        assert_eq!(found.unwrap(), "s3://reports/p/photos/daily/data/1.gz");
        // The destination prefix was `/p`.
        let found = keys(&format!("s3://reports//p/{DATED}"), None, "/p/photos/daily/data/1.gz");
        assert_eq!(found.unwrap(), "s3://reports//p/photos/daily/data/1.gz");
        let found = keys(&format!("s3://reports/{DATED}"), None, "else/a//b/1.gz").unwrap();
        assert_eq!(found, "s3://reports/else/a//b/1.gz");
    }

    #[test]
    fn a_prefix_that_ends_in_a_slash_has_two_where_the_manifest_has_one() {
        let found = keys(&format!("s3://reports/p//{DATED}"), None, "p/photos/daily/data/1.gz");
        assert_eq!(found.unwrap(), "s3://reports/p//photos/daily/data/1.gz");
        let found = keys(&format!("s3://reports//{DATED}"), None, "photos/daily/data/1.gz");
        assert_eq!(found.unwrap(), "s3://reports//photos/daily/data/1.gz");
        // Listed rightly after all.
        let found = keys(&format!("s3://reports/p//{DATED}"), None, "p//photos/daily/data/1.gz");
        assert_eq!(found.unwrap(), "s3://reports/p//photos/daily/data/1.gz");
    }

    #[test]
    fn only_buckets_that_the_user_named_are_read() {
        let error = keys(&format!("s3://copies/{DATED}"), None, "photos/daily/data/1.gz");
        let error = error.unwrap_err().to_string();
        assert!(error.contains("bucket \"reports\""), "{error}");
        assert!(error.contains("--root s3://copies/"), "{error}");
        let manifest = format!("s3://copies/{DATED}");
        let found = keys(&manifest, Some("s3://other/x"), "photos/daily/data/1.gz").unwrap();
        assert_eq!(found, "s3://other/x/photos/daily/data/1.gz");
        let error = keys(&format!("s3://reports/{DATED}"), None, "a/../b").unwrap_err();
        assert!(matches!(error, ReportError::Key { fault: KeyFault::Dots, .. }));
    }
}
