//! What AWS asks of a `CreateJob` request beyond its model, as the guide and the API reference say.
//!
//! Never knows the state of anything: these rules hold for a request by itself.

use std::collections::BTreeSet;

use roxmltree::Node;

use super::model::Wrong;
use super::wire::{child, text};

/// Tags of a job (UG, "Controlling access and labeling jobs using tags").
const JOB_TAGS_MAX: usize = 50;

/// Tags of an object (UG, "Categorizing your objects using tags").
const OBJECT_TAGS_MAX: usize = 10;

/// Checks a request that fits the model.
pub fn check(root: Node<'_, '_>) -> Result<(), Wrong> {
    let operation = one_child(root, "Operation")?;
    manifest(root, operation.tag_name().name())?;
    report(root)?;
    tags(child(root, "Tags"), "Tags", JOB_TAGS_MAX)?;
    match operation.tag_name().name() {
        "S3PutObjectCopy" => copy(operation),
        "S3PutObjectTagging" => tags(child(operation, "TagSet"), "TagSet", OBJECT_TAGS_MAX),
        // UG, "Restore objects": at least 1 for what is in Glacier, none for Intelligent-Tiering.
        "S3InitiateRestoreObject"
            if text(operation, &["ExpirationInDays"]).as_deref() == Some("0") =>
        {
            Err("ExpirationInDays must be at least 1, or left out".to_owned())
        }
        "LambdaInvoke" if text(operation, &["FunctionArn"]).is_none() => {
            Err("FunctionArn is missing".to_owned())
        }
        "S3UpdateObjectEncryption"
            if text(operation, &["ObjectEncryption", "SSE-KMS", "KMSKeyArn"]).is_none() =>
        {
            Err("the new encryption is missing".to_owned())
        }
        _ => Ok(()),
    }
}

/// The only element within one.
fn one_child<'a>(root: Node<'a, 'a>, name: &str) -> Result<Node<'a, 'a>, Wrong> {
    let mut all = child(root, name).ok_or("a member is missing")?.children();
    let first = all.find(Node::is_element).ok_or(format!("{name} is empty"))?;
    match all.find(Node::is_element) {
        None => Ok(first),
        Some(second) => {
            let (one, two) = (first.tag_name().name(), second.tag_name().name());
            Err(format!("{name} is both {one} and {two}"))
        }
    }
}

/// API, `CreateJob`: a manifest or a generator of one, not both; `Fields` for CSV manifests only.
fn manifest(root: Node<'_, '_>, operation: &str) -> Result<(), Wrong> {
    let manifest = match (child(root, "Manifest"), child(root, "ManifestGenerator")) {
        (Some(manifest), None) => manifest,
        (None, Some(_)) => return Ok(()),
        _ => return Err("either Manifest or ManifestGenerator is asked for".to_owned()),
    };
    let spec = child(manifest, "Spec").ok_or("Spec is missing")?;
    let is_csv = text(spec, &["Format"]).as_deref() == Some("S3BatchOperations_CSV_20180820");
    let Some(fields) = child(spec, "Fields") else {
        return if is_csv { Err("a CSV manifest needs Fields".to_owned()) } else { Ok(()) };
    };
    if !is_csv {
        return Err("Fields go with CSV manifests, and with no others".to_owned());
    }
    let fields: Vec<&str> = fields.children().filter_map(|field| field.text()).collect();
    let count = |name: &str| fields.iter().filter(|field| **field == name).count();
    if count("Bucket") != 1 || count("Key") != 1 || count("VersionId") > 1 {
        return Err(format!("Fields are {fields:?}"));
    }
    // UG, "Replicating existing objects with Batch Replication".
    if operation == "S3ReplicateObject" && count("VersionId") == 0 {
        return Err("replication needs version ids".to_owned());
    }
    Ok(())
}

fn report(root: Node<'_, '_>) -> Result<(), Wrong> {
    let report = child(root, "Report").ok_or("Report is missing")?;
    if text(report, &["Enabled"]).as_deref() != Some("true") {
        return Ok(());
    }
    let mut needed = ["Bucket", "Format", "ReportScope"].iter();
    let missing = needed.find(|name| child(report, name).is_none());
    missing.map_or(Ok(()), |name| Err(format!("a report that is enabled needs {name}")))
}

fn tags(set: Option<Node<'_, '_>>, name: &str, max: usize) -> Result<(), Wrong> {
    let Some(set) = set else { return Ok(()) };
    let tags: Vec<Node<'_, '_>> = set.children().filter(Node::is_element).collect();
    let keys: BTreeSet<Option<String>> = tags.iter().map(|tag| text(*tag, &["Key"])).collect();
    if tags.len() > max || keys.len() != tags.len() {
        return Err(format!("{name}: {} tags with {} keys, of {max}", tags.len(), keys.len()));
    }
    Ok(())
}

/// API, `S3CopyObjectOperation` and `CopyObject`.
fn copy(operation: Node<'_, '_>) -> Result<(), Wrong> {
    let has = |name: &str| child(operation, name).is_some();
    if !has("TargetResource") {
        return Err("TargetResource is missing".to_owned());
    }
    if has("ObjectLockMode") != has("ObjectLockRetainUntilDate") {
        return Err("ObjectLockMode and ObjectLockRetainUntilDate go together".to_owned());
    }
    if has("CannedAccessControlList") && has("AccessControlGrants") {
        return Err("both CannedAccessControlList and AccessControlGrants".to_owned());
    }
    let sse = text(operation, &["NewObjectMetadata", "SSEAlgorithm"]);
    if has("SSEAwsKmsKeyId") && sse.as_deref() == Some("AES256") {
        return Err("a KMS key with SSE-S3".to_owned());
    }
    tags(child(operation, "NewObjectTagging"), "NewObjectTagging", OBJECT_TAGS_MAX)
}

#[cfg(test)]
mod tests {
    use roxmltree::Document;

    use super::*;

    const FIELDS: &str = "<Fields><member>Bucket</member><member>Key</member></Fields>";

    fn checked(operation: &str, format: &str, fields: &str, more: &str) -> Result<(), Wrong> {
        let text = format!(
            "<CreateJobRequest><Operation>{operation}</Operation><Manifest><Spec><Format>{format}\
             </Format>{fields}</Spec></Manifest>{more}</CreateJobRequest>"
        );
        check(Document::parse(&text).unwrap().root_element())
    }

    #[test]
    fn rules_beyond_the_model_hold() {
        const CSV: &str = "S3BatchOperations_CSV_20180820";
        const REPORT: &str = "<Report><Enabled>false</Enabled></Report>";
        let operation = |operation: &str| checked(operation, CSV, FIELDS, REPORT);
        let copy = |inner: &str| {
            let target = "<TargetResource>arn:aws:s3:::t</TargetResource>";
            operation(&format!("<S3PutObjectCopy>{target}{inner}</S3PutObjectCopy>"))
        };
        copy("").unwrap();
        let tag = "<member><Key>a</Key><Value>b</Value></member>";
        for (result, because) in [
            (operation(""), "Operation is empty"),
            (operation("<S3PutObjectCopy/><LambdaInvoke/>"), "both S3PutObjectCopy and"),
            (operation("<S3PutObjectCopy/>"), "TargetResource is missing"),
            (operation("<S3ReplicateObject/>"), "needs version ids"),
            (operation("<LambdaInvoke/>"), "FunctionArn is missing"),
            (operation("<S3UpdateObjectEncryption/>"), "the new encryption is missing"),
            (copy("<ObjectLockMode>GOVERNANCE</ObjectLockMode>"), "go together"),
            (copy(&format!("<NewObjectTagging>{tag}{tag}</NewObjectTagging>")), "2 tags with 1"),
            (
                operation(
                    "<S3InitiateRestoreObject><ExpirationInDays>0</ExpirationInDays>\
                     </S3InitiateRestoreObject>",
                ),
                "at least 1",
            ),
            (checked("<S3DeleteObjectTagging/>", CSV, "", REPORT), "needs Fields"),
            (checked("<S3DeleteObjectTagging/>", "other", FIELDS, REPORT), "with no others"),
            (
                checked(
                    "<S3DeleteObjectTagging/>",
                    CSV,
                    FIELDS,
                    "<Report><Enabled>true</Enabled></Report>",
                ),
                "needs Bucket",
            ),
            (
                checked("<S3DeleteObjectTagging/>", CSV, FIELDS, "<ManifestGenerator/>"),
                "either Manifest or",
            ),
        ] {
            let wrong = result.expect_err(because);
            assert!(wrong.contains(because), "{wrong}");
        }
    }
}
