//! Requests of every operation, and what is refused.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::job::{
    self, JobOptions, ManifestInventory, ManifestPlace, PlanSummary, ReportScope, Request, S3Prefix,
};
use super::policy::Access;
use super::*;
use crate::diagnostic::parameter::{KMS_KEY_ARN, MANIFEST_BUCKET, REPORT};

const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/01234567-89ab";

fn setting() -> JobContext {
    JobContext {
        account_id: "111122223333".to_owned(),
        partition: "aws".to_owned(),
        region: Some("us-east-1".to_owned()),
        now: "2026-01-01T00:00:00Z".parse().unwrap(),
    }
}

fn options() -> JobOptions {
    JobOptions {
        role_arn: "arn:aws:iam::111122223333:role/batch".to_owned(),
        manifests: S3Prefix::parse(MANIFEST_BUCKET, "s3://manifests/a/b/").unwrap(),
        reports: S3Prefix::parse(REPORT, "s3://reports").unwrap(),
        report_scope: None,
        priority: 10,
        description: None,
        tags: Vec::new(),
        confirmation: true,
    }
}

fn manifest(class: Option<&str>) -> PlannedManifest {
    let split = class.map(|class| ("StorageClass".to_owned(), Some(class.to_owned())));
    PlannedManifest {
        path: "manifests/00000.csv".to_owned(),
        bucket: "demo".to_owned(),
        columns: vec!["Bucket".to_owned(), "Key".to_owned()],
        split: split.into_iter().collect::<BTreeMap<_, _>>(),
        bytes: 100,
        crc64nvme: "rosUhgp5mIg=".to_owned(),
    }
}

fn source(class: Option<&str>) -> PlanSummary {
    PlanSummary {
        report_md5s: vec!["d41d8cd98f00b204e9800998ecf8427e".to_owned()],
        predicate: "IsLatest".to_owned(),
        place: ManifestPlace::Uploaded,
        manifests: vec![manifest(class)],
    }
}

fn build(operation: &dyn Operation, class: Option<&str>) -> Result<Request, Refusal> {
    let requests = job::requests(operation, &setting(), &options(), &source(class))?;
    Ok(requests.into_iter().next().unwrap())
}

/// The value of the operation's member, as text: the order of the members counts.
#[track_caller]
fn member(operation: &dyn Operation, class: Option<&str>) -> String {
    let request = build(operation, class).unwrap();
    request.operation[operation.spec().api_name].to_string()
}

#[track_caller]
fn refused(operation: &dyn Operation, class: Option<&str>, parts: &[&str]) {
    let told = build(operation, class).unwrap_err().to_string();
    for part in parts {
        assert!(told.contains(part), "`{part}` is missing in: {told}");
    }
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn pair(key: &str, value: &str) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

#[test]
fn update_encryption_names_its_key_and_says_whether_bucket_keys_are_on() {
    let good = update_encryption::UpdateEncryptionParameters {
        key_arn: some(KEY),
        bucket_key: Some(true),
    };
    let expected = format!(
        r#"{{"ObjectEncryption":{{"SSEKMS":{{"KMSKeyArn":"{KEY}","BucketKeyEnabled":true}}}}}}"#
    );
    assert_eq!(member(&good, None), expected);
    let of = |key: Option<&str>, bucket_key| update_encryption::UpdateEncryptionParameters {
        key_arn: key.map(str::to_owned),
        bucket_key,
    };
    refused(&of(None, Some(true)), None, &["`kms_key_arn`", "UG"]);
    refused(&of(Some(KEY), None), None, &["`bucket_key`", "off unless", "API"]);
    for wrong in ["alias/x", "01234567-89ab", "arn:aws:kms:us-east-1:111122223333:alias/x"] {
        refused(&of(Some(wrong), Some(true)), None, &["`kms_key_arn`", wrong, "full ARN"]);
    }
    let elsewhere = KEY.replace("us-east-1", "eu-west-1");
    refused(&of(Some(&elsewhere), Some(true)), None, &["eu-west-1", "us-east-1", "`region`"]);
}

fn full_copy() -> copy::CopyParameters {
    copy::CopyParameters {
        target_bucket: some("target"),
        target_prefix: some("new/"),
        storage_class: Some(CopyClass::Keep),
        sse: some("KMS"),
        key_arn: some(KEY),
        bucket_key: Some(true),
        tags_directive: some("replace"),
        tags: vec![pair("a", "1")],
        metadata_directive: some("REPLACE"),
        metadata: copy::Metadata {
            cache_control: some("no-cache"),
            content_disposition: some("inline"),
            content_encoding: some("gzip"),
            content_language: some("en"),
            user: vec![pair("by", "me")],
            content_type: some("text/plain"),
            expires: some("2030-01-31T00:00:00Z"),
        },
        acl: some("bucket-owner-full-control"),
        checksum_algorithm: some("CRC64NVME"),
        legal_hold: some("ON"),
        lock_mode: some("GOVERNANCE"),
        lock_until: some("2030-01-31T00:00:00Z"),
        modified_since: some("2020-01-31T00:00:00Z"),
        unmodified_since: some("2026-01-31T00:00:00Z"),
        redirect_location: some("/there"),
        requester_pays: true,
    }
}

/// A copy in place with bucket keys, as in the guide.
fn copy_in_place() -> copy::CopyParameters {
    copy::CopyParameters {
        target_bucket: some("demo"),
        storage_class: Some(CopyClass::Of(StorageClass::Standard)),
        sse: some("KMS"),
        bucket_key: Some(true),
        ..copy::CopyParameters::default()
    }
}

#[test]
fn a_copy_has_its_members_in_the_order_of_the_model() {
    let expected = json!({
        "TargetResource": "arn:aws:s3:::target",
        "CannedAccessControlList": "bucket-owner-full-control",
        "MetadataDirective": "REPLACE",
        "ModifiedSinceConstraint": "2020-01-31T00:00:00Z",
        "NewObjectMetadata": {
            "CacheControl": "no-cache",
            "ContentDisposition": "inline",
            "ContentEncoding": "gzip",
            "ContentLanguage": "en",
            "UserMetadata": {"by": "me"},
            "ContentType": "text/plain",
            "HttpExpiresDate": "2030-01-31T00:00:00Z",
            "SSEAlgorithm": "KMS",
        },
        "NewObjectTagging": [{"Key": "a", "Value": "1"}],
        "RedirectLocation": "/there",
        "RequesterPays": true,
        "StorageClass": "GLACIER_IR",
        "UnModifiedSinceConstraint": "2026-01-31T00:00:00Z",
        "SSEAwsKmsKeyId": KEY,
        "TargetKeyPrefix": "new/",
        "ObjectLockLegalHoldStatus": "ON",
        "ObjectLockMode": "GOVERNANCE",
        "ObjectLockRetainUntilDate": "2030-01-31T00:00:00Z",
        "BucketKeyEnabled": true,
        "ChecksumAlgorithm": "CRC64NVME",
    });
    assert_eq!(member(&full_copy(), Some("GLACIER_IR")), expected.to_string());
    assert_eq!(
        member(&copy_in_place(), None),
        json!({
            "TargetResource": "arn:aws:s3:::demo",
            "MetadataDirective": "COPY",
            "NewObjectMetadata": {"SSEAlgorithm": "KMS"},
            "StorageClass": "STANDARD",
            "BucketKeyEnabled": true,
        })
        .to_string()
    );
}

#[test]
fn a_copy_drops_tags_only_when_told_to() {
    let of = |directive: &str| copy::CopyParameters {
        tags_directive: some(directive),
        ..copy_in_place()
    };
    let value = |operation: &copy::CopyParameters| -> Value {
        build(operation, None).unwrap().operation["S3PutObjectCopy"]["NewObjectTagging"].clone()
    };
    assert_eq!(value(&of("keep")), Value::Null);
    assert_eq!(value(&of("none")), json!([]));
    refused(&of("replace"), None, &["`object_tags`", "`object_tag` KEY=VALUE"]);
    refused(&of("drop"), None, &["`object_tags`", "keep, replace, none"]);
    let tagged = copy::CopyParameters { tags: vec![pair("a", "1")], ..copy_in_place() };
    refused(&tagged, None, &["`object_tags` replace"]);
}

#[test]
fn a_copy_that_keeps_classes_needs_a_plan_that_is_split_by_them() {
    let keep = copy::CopyParameters { storage_class: Some(CopyClass::Keep), ..copy_in_place() };
    assert!(member(&keep, Some("STANDARD_IA")).contains(r#""StorageClass":"STANDARD_IA""#));
    refused(&keep, None, &["`storage_class`", "`split_by` StorageClass"]);
    refused(&keep, Some("REDUCED_REDUNDANCY"), &["REDUCED_REDUNDANCY", "00000.csv"]);
    let unsaid = copy::CopyParameters { storage_class: None, ..copy_in_place() };
    refused(&unsaid, None, &["`storage_class`", "STANDARD unless told", "keep"]);
}

/// Each of these alone makes AWS refuse the job.
#[test]
fn what_is_wrong_with_a_copy_is_named() {
    type Change = fn(&mut copy::CopyParameters);
    let cases: [(Change, &[&str]); 16] = [
        (|p| p.target_bucket = None, &["`target_bucket`"]),
        (|p| p.target_bucket = some("No_Bucket"), &["`target_bucket`", "No_Bucket"]),
        (
            |p| p.target_bucket = some("arn:aws:s3express:us-east-1:111122223333:bucket/x"),
            &["`target_bucket`", "BASE--ZONE--x-s3"],
        ),
        (|p| p.target_prefix = Some("x".repeat(1025)), &["`target_prefix`", "1024"]),
        (|p| p.sse = some("SSE-C"), &["`sse`", "none, AES256, KMS"]),
        (|p| p.sse = None, &["`kms_key_arn`", "`sse` KMS"]),
        (|p| p.key_arn = some("alias/x"), &["`kms_key_arn`", "full ARN"]),
        (|p| p.metadata_directive = None, &["`cache_control`", "`metadata` REPLACE"]),
        (|p| p.metadata_directive = some("copy"), &["`metadata`", "COPY, REPLACE"]),
        (|p| p.metadata.expires = some("soon"), &["`expires`", "2030-01-31T00:00:00Z"]),
        (|p| p.acl = some("open"), &["`acl`", "bucket-owner-read"]),
        (|p| p.checksum_algorithm = some("CRC"), &["`checksum_algorithm`", "CRC32C"]),
        (|p| p.legal_hold = some("on"), &["`legal_hold`", "ON, OFF"]),
        (|p| p.lock_mode = None, &["`retain_until`", "`retention_mode`"]),
        (|p| p.lock_until = some("2025-01-01T00:00:00Z"), &["`retain_until`", "future"]),
        (|p| p.modified_since = some("2020-01-31"), &["`modified_since`", "UTC"]),
    ];
    for (change, parts) in cases {
        let mut parameters = full_copy();
        change(&mut parameters);
        refused(&parameters, Some("STANDARD"), parts);
    }
    let aes = copy::CopyParameters { sse: some("AES256"), ..copy_in_place() };
    refused(&aes, None, &["`bucket_key`", "AES256"]);
}

#[test]
fn tags_replace_all_tags() {
    let good = tag::TagParameters { tags: vec![pair("b", "2"), pair("a", "")] };
    let expected = r#"{"TagSet":[{"Key":"b","Value":"2"},{"Key":"a","Value":""}]}"#;
    assert_eq!(member(&good, None), expected);
    refused(&tag::TagParameters::default(), None, &["`object_tag`", "delete-tags"]);
    let many = (0..11).map(|number| pair(&number.to_string(), "")).collect();
    refused(&tag::TagParameters { tags: many }, None, &["`object_tag`", "11", "10", "UG"]);
}

#[test]
fn operations_without_parameters_are_empty() {
    assert_eq!(member(&delete_tags::DeleteTagsParameters, None), "{}");
    let value = replicate::ReplicateParameters.request(&setting(), &manifest(None)).unwrap();
    assert_eq!(value, json!({}));
}

fn try_on(operation: &dyn Operation, bucket: &str, versions: bool) -> Result<Value, Refusal> {
    let mut source = source(None);
    bucket.clone_into(&mut source.manifests[0].bucket);
    if versions {
        source.manifests[0].columns.push("VersionId".to_owned());
    }
    let requests = job::requests(operation, &setting(), &options(), &source)?;
    Ok(requests[0].operation[operation.spec().api_name].clone())
}

#[test]
fn a_replication_needs_version_ids() {
    assert_eq!(try_on(&replicate::ReplicateParameters, "demo", true), Ok(json!({})));
    let given = given::GivenParameters::parse(r#"{"S3ReplicateObject": {}}"#).unwrap();
    for operation in [&replicate::ReplicateParameters as &dyn Operation, &given] {
        let told = try_on(operation, "demo", false).unwrap_err().to_string();
        assert!(told.contains("00000.csv has no version ids"), "{told}");
        assert!(told.contains("plan_for replicate"), "{told}");
    }
}

const DIRECTORY: &str = "data--use1-az4--x-s3";

#[test]
fn directory_buckets_are_for_copies_and_functions_alone() {
    let tags = tag::TagParameters { tags: vec![pair("a", "1")] };
    let told = try_on(&tags, DIRECTORY, false).unwrap_err().to_string();
    assert!(told.contains("directory bucket") && told.contains("copy and lambda"), "{told}");
    assert!(try_on(&copy_in_place(), DIRECTORY, false).is_ok());
    let arn = "arn:aws:lambda:us-east-1:111122223333:function:f";
    let of = |version: Option<&str>| lambda::LambdaParameters {
        function_arn: some(arn),
        schema_version: version.map(str::to_owned),
        arguments: Vec::new(),
    };
    assert!(try_on(&of(Some("2.0")), DIRECTORY, false).is_ok());
    for version in [None, Some("1.0")] {
        let told = try_on(&of(version), DIRECTORY, false).unwrap_err().to_string();
        assert!(told.contains("`schema_version` 2.0"), "{told}");
        assert!(try_on(&of(version), "demo", false).is_ok());
    }
    for parameter in [MANIFEST_BUCKET, REPORT] {
        let address = format!("s3://{DIRECTORY}/x");
        let told = S3Prefix::parse(parameter, &address).unwrap_err().to_string();
        assert!(
            told.contains(parameter.name()) && told.contains("general purpose bucket"),
            "{told}"
        );
    }
}

#[test]
fn a_copy_to_a_directory_bucket_names_it_in_full_and_leaves_out_what_it_lacks() {
    let target = format!("arn:aws:s3express:us-east-1:111122223333:bucket/{DIRECTORY}");
    for given in [DIRECTORY, &target] {
        for class in [None, Some(CopyClass::Keep)] {
            let copy = copy::CopyParameters {
                target_bucket: some(given),
                storage_class: class,
                ..copy::CopyParameters::default()
            };
            let expected = json!({"TargetResource": target, "NewObjectTagging": []}).to_string();
            assert_eq!(member(&copy, None), expected);
        }
    }
    let plain =
        copy::CopyParameters { target_bucket: some(DIRECTORY), ..copy::CopyParameters::default() };
    let class = Some(CopyClass::Of(StorageClass::Standard));
    refused(
        &copy::CopyParameters { storage_class: class, ..plain.clone() },
        None,
        &["`storage_class`"],
    );
    refused(
        &copy::CopyParameters { bucket_key: Some(true), ..plain.clone() },
        None,
        &["`bucket_key`"],
    );
    let keep = copy::CopyParameters { tags_directive: some("keep"), ..plain.clone() };
    refused(&keep, None, &["`object_tags`", "directory bucket"]);
    let setting = JobContext { region: None, ..setting() };
    let told = job::requests(&plain, &setting, &options(), &source(None)).unwrap_err().to_string();
    assert!(told.contains("`region`"), "{told}");
    for wrong in [
        format!("arn:aws:s3:::{DIRECTORY}"),
        format!("arn:aws:s3express:eu-west-1:111122223333:bucket/{DIRECTORY}"),
        format!("arn:aws:s3express:us-east-1:111122223333:{DIRECTORY}"),
        "arn:aws:s3express:us-east-1:111122223333:bucket/demo".to_owned(),
    ] {
        let copy = copy::CopyParameters { target_bucket: some(&wrong), ..plain.clone() };
        refused(&copy, None, &["`target_bucket`", &wrong]);
    }
}

#[test]
fn a_restore_has_days_just_where_the_class_wants_them() {
    let good = restore::RestoreParameters { days: Some(7), tier: some("BULK") };
    for class in ["GLACIER", "DEEP_ARCHIVE"] {
        let expected = r#"{"ExpirationInDays":7,"GlacierJobTier":"BULK"}"#;
        assert_eq!(member(&good, Some(class)), expected);
    }
    assert_eq!(member(&good, Some("INTELLIGENT_TIERING")), r#"{"GlacierJobTier":"BULK"}"#);
    assert_eq!(member(&restore::RestoreParameters::default(), Some("INTELLIGENT_TIERING")), "{}");
    let without = restore::RestoreParameters { days: None, tier: None };
    refused(&without, Some("GLACIER"), &["`restore_days`", "at least 1", "UG"]);
    refused(&good, None, &["restore", "`split_by` StorageClass"]);
    refused(&good, Some("STANDARD"), &["STANDARD", "plan_for restore"]);
    let zero = restore::RestoreParameters { days: Some(0), tier: None };
    refused(&zero, Some("GLACIER"), &["`restore_days` `0`", "at least 1"]);
    let fast = restore::RestoreParameters { days: Some(1), tier: some("EXPEDITED") };
    refused(&fast, Some("GLACIER"), &["`restore_tier`", "EXPEDITED", "BULK, STANDARD", "API"]);
}

#[test]
fn acls_are_canned() {
    let of = |acl: Option<&str>| acl::AclParameters { acl: acl.map(str::to_owned) };
    let expected = r#"{"AccessControlPolicy":{"CannedAccessControlList":"private"}}"#;
    assert_eq!(member(&of(Some("private")), None), expected);
    refused(&of(None), None, &["`acl`", "private"]);
    refused(&of(Some("mine")), None, &["`acl`", "mine", "API"]);
}

#[test]
fn holds_and_retentions_are_put() {
    let hold = legal_hold::LegalHoldParameters { status: some("OFF") };
    assert_eq!(member(&hold, None), r#"{"LegalHold":{"Status":"OFF"}}"#);
    refused(&legal_hold::LegalHoldParameters::default(), None, &["`legal_hold`", "ON, OFF"]);
    let of = |mode: Option<&str>, until: Option<&str>| retention::RetentionParameters {
        mode: mode.map(str::to_owned),
        until: until.map(str::to_owned),
        bypass_governance: true,
    };
    let until = "2030-01-31T00:00:00Z";
    let expected = json!({
        "BypassGovernanceRetention": true,
        "Retention": {"RetainUntilDate": until, "Mode": "COMPLIANCE"},
    });
    let expected = expected.to_string();
    assert_eq!(member(&of(Some("COMPLIANCE"), Some(until)), None), expected);
    refused(&of(None, None), None, &["would remove", "`operation_json`"]);
    refused(&of(Some("COMPLIANCE"), None), None, &["`retention_mode`", "`retain_until`"]);
    refused(&of(None, Some(until)), None, &["`retain_until`", "`retention_mode`"]);
    refused(&of(Some("STRICT"), Some(until)), None, &["STRICT", "COMPLIANCE, GOVERNANCE"]);
    refused(&of(Some("COMPLIANCE"), Some("2026-01-01T00:00:00Z")), None, &["future"]);
}

#[test]
fn a_checksum_job_names_its_algorithm_and_the_owner_of_its_report() {
    let good = checksum::ChecksumParameters {
        algorithm: some("SHA256"),
        checksum_type: some("COMPOSITE"),
    };
    let expected = r#"{"ChecksumAlgorithm":"SHA256","ChecksumType":"COMPOSITE"}"#;
    assert_eq!(member(&good, None), expected);
    let request = serde_json::to_value(build(&good, None).unwrap()).unwrap();
    assert_eq!(request["Report"]["ExpectedBucketOwner"], "111122223333");
    assert_eq!(request["Report"]["ReportScope"], "AllTasks");
    let given =
        given::GivenParameters::parse(&format!(r#"{{"S3ComputeObjectChecksum": {expected}}}"#));
    for operation in [&good as &dyn Operation, &given.unwrap()] {
        let scope = Some(ReportScope::FailedTasksOnly);
        let options = JobOptions { report_scope: scope, ..options() };
        let told = job::requests(operation, &setting(), &options, &source(None)).unwrap_err();
        for part in ["`report_scope`", "succeeded", "AllTasks"] {
            assert!(told.to_string().contains(part), "{told}");
        }
    }
    refused(&checksum::ChecksumParameters::default(), None, &["`checksum_algorithm`", "CRC64NVME"]);
    let wrong = checksum::ChecksumParameters { checksum_type: some("PARTS"), ..good };
    refused(&wrong, None, &["`checksum_type`", "FULL_OBJECT, COMPOSITE"]);
}

#[test]
fn a_lambda_function_is_named_by_its_arn_and_told_little() {
    let arn = "arn:aws:lambda:us-east-1:111122223333:function:f:7";
    let good = lambda::LambdaParameters {
        function_arn: some(arn),
        schema_version: some("2.0"),
        arguments: vec![pair("b", "2"), pair("a", "")],
    };
    let expected = json!({
        "FunctionArn": arn,
        "InvocationSchemaVersion": "2.0",
        "UserArguments": {"b": "2", "a": ""},
    });
    let expected = expected.to_string();
    assert_eq!(member(&good, None), expected);
    let bare = lambda::LambdaParameters { function_arn: some("f"), ..good.clone() };
    refused(&bare, None, &["`function_arn`", "function:NAME"]);
    let absent = lambda::LambdaParameters { function_arn: None, ..good.clone() };
    refused(&absent, None, &["`function_arn`", "get-function"]);
    let old = lambda::LambdaParameters { schema_version: None, ..good.clone() };
    refused(&old, None, &["`user_argument`", "`schema_version` 2.0"]);
    let unknown = lambda::LambdaParameters { schema_version: some("3.0"), ..good.clone() };
    refused(&unknown, None, &["`schema_version`", "1.0, 2.0"]);
    let many = (0..11).map(|number| pair(&number.to_string(), "")).collect();
    refused(&lambda::LambdaParameters { arguments: many, ..good.clone() }, None, &["11", "10"]);
    let twice = vec![pair("a", "1"), pair("a", "2")];
    refused(&lambda::LambdaParameters { arguments: twice, ..good }, None, &["twice"]);
}

#[test]
fn a_request_is_whole_and_in_order() {
    let operation = delete_tags::DeleteTagsParameters;
    let options = JobOptions {
        reports: S3Prefix::parse(REPORT, "s3://reports/r/").unwrap(),
        tags: vec![pair("team", "storage")],
        ..options()
    };
    let source = source(None);
    let requests = job::requests(&operation, &setting(), &options, &source).unwrap();
    let folder = source.folder();
    let token = &requests[0].client_request_token;
    assert_eq!(token.len(), 64);
    let expected = json!({
        "AccountId": "111122223333",
        "ClientRequestToken": token,
        "ConfirmationRequired": true,
        "Description": format!("s3sieve delete-tags: 00000.csv of {folder}"),
        "Manifest": {
            "Spec": {"Format": "S3BatchOperations_CSV_20180820", "Fields": ["Bucket", "Key"]},
            "Location": {
                "ObjectArn": format!("arn:aws:s3:::manifests/a/b/{folder}/00000.csv"),
                "ETag": "ETAG-OF-THE-UPLOADED-MANIFEST",
            },
        },
        "Operation": {"S3DeleteObjectTagging": {}},
        "Priority": 10,
        "Report": {
            "Bucket": "arn:aws:s3:::reports",
            "Format": "Report_CSV_20180820",
            "Enabled": true,
            "Prefix": "r",
            "ReportScope": "FailedTasksOnly",
        },
        "RoleArn": "arn:aws:iam::111122223333:role/batch",
        "Tags": [{"Key": "team", "Value": "storage"}],
    });
    assert_eq!(serde_json::to_string(&requests[0]).unwrap(), expected.to_string());
}

/// The same request has the same token; any other has another.
#[test]
fn a_token_changes_with_all_that_a_request_depends_on() {
    let operation = delete_tags::DeleteTagsParameters;
    let token = |options: &JobOptions, source: &PlanSummary| {
        let requests = job::requests(&operation, &setting(), options, source).unwrap();
        requests[0].client_request_token.clone()
    };
    let usual = token(&options(), &source(None));
    assert_eq!(token(&options(), &source(None)), usual);
    let mut seen = vec![usual];
    for change in [
        (|_, s| s.predicate = "Size > 1".to_owned()) as fn(&mut JobOptions, &mut PlanSummary),
        |_, s| s.report_md5s.push(String::new()),
        |_, s| s.manifests[0].crc64nvme = "AAAAAAAAAAA=".to_owned(),
        |_, s| s.manifests[0].path = "manifests/00001.csv".to_owned(),
        |o, _| o.priority = 11,
        |o, _| o.confirmation = false,
        |o, _| o.manifests.prefix = "c".to_owned(),
    ] {
        let (mut options, mut source) = (options(), source(None));
        change(&mut options, &mut source);
        let token = token(&options, &source);
        assert!(!seen.contains(&token), "{options:?} {source:?}");
        seen.push(token);
    }
    let retag = tag::TagParameters { tags: vec![pair("a", "1")] };
    let other = build(&retag, None).unwrap().client_request_token;
    assert!(!seen.contains(&other));
}

#[test]
fn reports_of_our_own_lie_where_the_plan_says() {
    let operation = delete_tags::DeleteTagsParameters;
    let mut source = source(None);
    let inventory = |place| ManifestInventory { place, folder: "plan-0123456789abcdef".to_owned() };
    source.place = ManifestPlace::Inventory(inventory(options().manifests));
    source.manifests[0].path = "manifests/00007/manifest.json".to_owned();
    let requests = job::requests(&operation, &setting(), &options(), &source).unwrap();
    let expected = json!({
        "Spec": {"Format": "S3InventoryReport_CSV_20161130"},
        "Location": {
            "ObjectArn":
                "arn:aws:s3:::manifests/a/b/plan-0123456789abcdef/00007/manifest.json",
            "ETag": "ETAG-OF-THE-UPLOADED-MANIFEST",
        },
    });
    assert_eq!(requests[0].manifest, expected);
    let elsewhere = S3Prefix { prefix: "c".to_owned(), ..options().manifests };
    source.place = ManifestPlace::Inventory(inventory(elsewhere));
    let told = job::requests(&operation, &setting(), &options(), &source).unwrap_err();
    assert!(told.to_string().contains("s3://manifests/c"), "{told}");
}

#[test]
fn manifests_in_place_go_by_the_plans_own_folder() {
    let operation = delete_tags::DeleteTagsParameters;
    let uploaded = build(&operation, None).unwrap();
    let mut source = source(None);
    source.place = ManifestPlace::InPlace;
    let build = |options: &JobOptions| {
        job::requests(&operation, &setting(), options, &source).unwrap().remove(0)
    };
    let request = build(&options());
    let arn = |options: &JobOptions| {
        build(options).manifest["Location"]["ObjectArn"].as_str().unwrap().to_owned()
    };
    assert_eq!(arn(&options()), "arn:aws:s3:::manifests/a/b/manifests/00000.csv");
    assert_eq!(source.manifest_folder(&options().manifests), "manifests/a/b/manifests/");
    // The same request each time, and another than that of an uploaded manifest.
    assert_eq!(build(&options()), request);
    assert_ne!(uploaded.client_request_token, request.client_request_token);
    // Keys of a bucket's own kind, and of none.
    let at = |prefix: &str| JobOptions {
        manifests: S3Prefix { bucket: "m".to_owned(), prefix: prefix.to_owned() },
        ..options()
    };
    assert_eq!(arn(&at("a/")), "arn:aws:s3:::m/a//manifests/00000.csv");
    assert_eq!(arn(&at("")), "arn:aws:s3:::m/manifests/00000.csv");
    let told = job::requests(&operation, &setting(), &at(&"p".repeat(2000)), &source).unwrap_err();
    assert!(told.to_string().starts_with("`plan_address`"), "{told}");
}

#[test]
fn two_plans_have_two_folders() {
    let mut other = source(None);
    assert_eq!(source(None).folder(), other.folder());
    other.manifests[0].bytes += 1;
    assert_ne!(source(None).folder(), other.folder());
}

#[test]
fn roles_have_names_and_paths_that_iam_takes() {
    let check = |role: &str| {
        job::check_role(&format!("arn:aws:iam::111122223333:role/{role}"), "111122223333")
    };
    let long = "n".repeat(64);
    for role in ["batch", "a/b/batch", "A_b+=,.@-", &long, "a!b/c"] {
        assert!(check(role).is_ok(), "{role}");
    }
    let longer = "n".repeat(65);
    for role in ["", "/x", "x y", "x/", "a//x", "a b/x", "x:y", "r\u{f6}le", &longer] {
        let told = check(role).unwrap_err().to_string();
        assert!(told.contains("role/NAME, with a NAME of up to 64 letters"), "{told}");
    }
}

#[test]
fn a_bucket_s_default_key_is_a_key_of_its_region() {
    let check = |key: &str, region| {
        job::check_default_key(KMS_KEY_ARN, key, region).map_err(|error| error.to_string())
    };
    let key = "arn:aws:kms:eu-west-1:111122223333:key/01-ab";
    assert_eq!(check(key, Some("eu-west-1")), Ok(()));
    assert_eq!(check(key, None), Ok(()));
    let told = check(key, Some("us-east-1")).unwrap_err();
    assert!(told.contains("the key is in eu-west-1, the bucket in us-east-1"), "{told}");
    let alias = "arn:aws:kms:eu-west-1:111122223333:alias/x";
    for wrong in ["alias/x", alias, "01-ab", "x y", ""] {
        let told = check(wrong, Some("eu-west-1")).unwrap_err();
        assert!(told.contains("an alias will not do"), "{told}");
    }
    let told = check(&key.replace("arn:aws:", "arn:aws-cn:"), None).unwrap_err();
    assert!(told.contains("is in partition aws, not aws-cn"), "{told}");
}

#[test]
fn what_is_wrong_with_a_job_is_named() {
    type Change = fn(&mut JobContext, &mut JobOptions);
    let cases: [(Change, &[&str]); 14] = [
        (
            |_, o| o.role_arn = "arn:aws-cn:iam::111122223333:role/x".to_owned(),
            &["`role_arn`", "aws-cn", "aws (`region` us-east-1)"],
        ),
        (|s, _| s.account_id = "1".to_owned(), &["`account_id`", "12 digits"]),
        (|s, _| s.region = some("Virginia"), &["`region`", "us-east-1"]),
        (|_, o| o.role_arn = "batch".to_owned(), &["`role_arn`", "role/NAME"]),
        (|_, o| o.role_arn = "arn:aws:iam::111122223333:user/x".to_owned(), &["`role_arn`"]),
        (|_, o| o.role_arn = "arn:aws:iam::999999999999:role/x".to_owned(), &["another account"]),
        (|_, o| o.reports.prefix = "p".repeat(513), &["`report`", "512"]),
        (|_, o| o.manifests.prefix = "p".repeat(2000), &["`manifest_bucket`", "2000"]),
        (|_, o| o.priority = -1, &["`priority` `-1`", "2147483647"]),
        (|_, o| o.priority = 2_147_483_648, &["`priority`", "2147483647"]),
        (|_, o| o.description = some(""), &["`description`", "256"]),
        (|_, o| o.description = Some("d".repeat(257)), &["`description`", "256"]),
        (|_, o| o.tags = vec![pair("", "")], &["`tag`", "128"]),
        (|_, o| o.tags = (0..51).map(|n| pair(&n.to_string(), "")).collect(), &["`tag`", "50"]),
    ];
    for (change, parts) in cases {
        let (mut setting, mut options) = (setting(), options());
        change(&mut setting, &mut options);
        let operation = delete_tags::DeleteTagsParameters;
        let told = job::requests(&operation, &setting, &options, &source(None)).unwrap_err();
        for part in parts {
            assert!(told.to_string().contains(part), "`{part}` is missing in: {told}");
        }
    }
    for wrong in ["manifests", "s3://", "s3://No_Bucket/x", "https://manifests"] {
        assert!(S3Prefix::parse(MANIFEST_BUCKET, wrong).is_err(), "{wrong}");
    }
}

fn access(versions: bool) -> Access {
    Access {
        partition: "aws".to_owned(),
        account_id: "111122223333".to_owned(),
        region: Some("us-east-1".to_owned()),
        role_arn: "arn:aws:iam::111122223333:role/batch".to_owned(),
        buckets: vec!["demo".to_owned()],
        versions,
        object_keys: Vec::new(),
        target_keys: Vec::new(),
        manifest_keys: Vec::new(),
        report_keys: Vec::new(),
        manifests: "manifests/a/".to_owned(),
        plan: None,
        reports: "reports/r/".to_owned(),
        tags: false,
    }
}

/// Actions on resources of the jobs' role, `action resource` each.
fn grants(operation: &dyn Operation, class: Option<&str>, access: &Access) -> Vec<String> {
    let spec = operation.spec();
    let mut source = source(class);
    if access.versions {
        source.manifests[0].columns.push("VersionId".to_owned());
    }
    let requests = job::requests(operation, &setting(), &options(), &source).unwrap();
    let request = &requests[0];
    let needed = (spec.permissions)(&request.operation[spec.api_name], access);
    let policy = access.role_policy(needed);
    let mut grants = Vec::new();
    for statement in policy.statement {
        let has_account = statement.condition.is_some();
        let in_arn = ["lambda:InvokeFunction", "s3express:CreateSession"];
        assert!(has_account || in_arn.contains(&statement.action[0]), "{statement:?}");
        for action in &statement.action {
            grants.extend(statement.resource.iter().map(|resource| format!("{action} {resource}")));
        }
    }
    grants
}

/// Step 3 of the guide on bucket keys, but for ACLs, which its copies don't set.
#[test]
fn a_copy_role_may_do_what_the_guide_lists_but_for_acls_that_are_not_set() {
    let listed = [
        "s3:PutObject",
        "s3:PutObjectTagging",
        "s3:PutObjectAcl",
        "s3:PutObjectVersionTagging",
        "s3:PutObjectVersionAcl",
        "s3:GetObject",
        "s3:GetObjectAcl",
        "s3:GetObjectTagging",
        "s3:GetObjectVersion",
        "s3:GetObjectVersionAcl",
        "s3:GetObjectVersionTagging",
    ];
    let has =
        |grants: &[String], action: &str| grants.contains(&format!("{action} arn:aws:s3:::demo/*"));
    let usual = grants(&copy_in_place(), None, &access(true));
    let with_acl = copy::CopyParameters { acl: some("private"), ..copy_in_place() };
    let with_acl = grants(&with_acl, None, &access(true));
    for action in listed {
        assert!(has(&with_acl, action), "{action} is missing in {with_acl:#?}");
        assert_eq!(has(&usual, action), !action.ends_with("Acl"), "{action} in {usual:#?}");
    }
    for grants in [&usual, &with_acl] {
        for needed in [
            "s3:GetObject arn:aws:s3:::manifests/a/*",
            "s3:GetObjectVersion arn:aws:s3:::manifests/a/*",
            "s3:PutObject arn:aws:s3:::reports/r/*",
        ] {
            assert!(grants.iter().any(|grant| grant == needed), "{needed} in {grants:#?}");
        }
    }
}

#[test]
fn versions_are_named_only_where_manifests_have_them() {
    let without = grants(&copy_in_place(), None, &access(false));
    let on_objects = without.iter().filter(|grant| grant.ends_with(":demo/*"));
    assert!(!on_objects.clone().any(|grant| grant.contains("Version")), "{without:#?}");
    let tags = tag::TagParameters { tags: vec![pair("a", "1")] };
    let count = |versions| grants(&tags, None, &access(versions)).len();
    assert_eq!((count(false), count(true)), (4, 5));
}

#[test]
fn a_copy_without_tags_or_with_locks_has_other_permissions() {
    let bare = copy::CopyParameters { tags_directive: some("none"), ..copy_in_place() };
    let bare = grants(&bare, None, &access(true));
    assert!(!bare.iter().any(|grant| grant.contains("Tagging")), "{bare:#?}");
    let full = grants(&full_copy(), Some("STANDARD"), &access(true));
    for needed in [
        "s3:PutObjectRetention arn:aws:s3:::target/*".to_owned(),
        "s3:PutObjectLegalHold arn:aws:s3:::target/*".to_owned(),
        format!("kms:GenerateDataKey {KEY}"),
    ] {
        assert!(full.contains(&needed), "{needed} in {full:#?}");
    }
}

#[test]
fn a_copy_with_directory_buckets_uses_sessions() {
    let directory = format!("arn:aws:s3express:us-east-1:111122223333:bucket/{DIRECTORY}");
    let session = format!("s3express:CreateSession {directory}");
    let from = Access { buckets: vec![DIRECTORY.to_owned()], ..access(false) };
    let from = grants(&copy_in_place(), None, &from);
    assert!(from.contains(&session), "{from:#?}");
    assert!(from.iter().any(|grant| grant == "s3:PutObject arn:aws:s3:::demo/*"), "{from:#?}");
    assert!(!from.iter().any(|grant| grant.contains("s3:GetObject arn:aws:s3:::demo")));
    let to =
        copy::CopyParameters { target_bucket: some(DIRECTORY), ..copy::CopyParameters::default() };
    let to = grants(&to, None, &access(false));
    assert!(to.contains(&session), "{to:#?}");
    assert!(to.iter().any(|grant| grant == "s3:GetObject arn:aws:s3:::demo/*"), "{to:#?}");
    assert!(!to.iter().any(|grant| grant.starts_with("s3:PutObject arn:aws:s3express")));
}

/// The partition of a function or a target is that of the jobs, as that of a role.
#[test]
fn nothing_of_another_partition_is_named() {
    let function = "arn:aws-us-gov:lambda:us-gov-west-1:111122223333:function:f";
    let lambda = lambda::LambdaParameters { function_arn: some(function), ..Default::default() };
    refused(&lambda, None, &["`function_arn`", "aws-us-gov", "aws (`region` us-east-1)"]);
    let copy =
        copy::CopyParameters { target_bucket: some("arn:aws-cn:s3:::demo"), ..copy_in_place() };
    refused(&copy, None, &["`target_bucket`", "aws-cn"]);
    let key = some("arn:aws-iso:kms:us-iso-east-1:111122223333:key/1");
    let update =
        update_encryption::UpdateEncryptionParameters { key_arn: key, bucket_key: Some(true) };
    refused(&update, None, &["`kms_key_arn`", "aws-iso"]);
}

#[test]
fn every_operation_has_the_permissions_that_the_guide_lists() {
    let key = KEY.replace("01234567", "76543210");
    let access = Access { object_keys: vec![key.clone()], ..access(true) };
    let encryption = update_encryption::UpdateEncryptionParameters {
        key_arn: some(KEY),
        bucket_key: Some(true),
    };
    let function = "arn:aws:lambda:us-east-1:111122223333:function:f";
    let function_of =
        lambda::LambdaParameters { function_arn: some(function), ..Default::default() };
    let restored = restore::RestoreParameters { days: Some(1), tier: None };
    let retained = retention::RetentionParameters {
        mode: some("GOVERNANCE"),
        until: some("2030-01-31T00:00:00Z"),
        bypass_governance: true,
    };
    let summed = checksum::ChecksumParameters { algorithm: some("MD5"), checksum_type: None };
    let cases: [(&dyn Operation, &[String]); 8] = [
        (
            &encryption,
            &[
                "s3:UpdateObjectEncryption arn:aws:s3:::demo/*".to_owned(),
                "s3:GetObjectVersion arn:aws:s3:::demo/*".to_owned(),
                format!("kms:ReEncrypt* {KEY}"),
                format!("kms:Decrypt {key}"),
            ],
        ),
        (&function_of, &[format!("lambda:InvokeFunction {function}")]),
        (&restored, &["s3:RestoreObject arn:aws:s3:::demo/*".to_owned()]),
        (
            &retained,
            &[
                "s3:GetBucketObjectLockConfiguration arn:aws:s3:::demo".to_owned(),
                "s3:PutObjectRetention arn:aws:s3:::demo/*".to_owned(),
                "s3:BypassGovernanceRetention arn:aws:s3:::demo/*".to_owned(),
            ],
        ),
        (
            &legal_hold::LegalHoldParameters { status: some("ON") },
            &["s3:PutObjectLegalHold arn:aws:s3:::demo/*".to_owned()],
        ),
        (
            &replicate::ReplicateParameters,
            &["s3:InitiateReplication arn:aws:s3:::demo/*".to_owned()],
        ),
        (
            &summed,
            &["s3:RestoreObject arn:aws:s3:::demo/*".to_owned(), format!("kms:Decrypt {key}")],
        ),
        (
            &acl::AclParameters { acl: some("private") },
            &[
                "s3:PutObjectAcl arn:aws:s3:::demo/*".to_owned(),
                "s3:PutObjectVersionAcl arn:aws:s3:::demo/*".to_owned(),
            ],
        ),
    ];
    for (operation, needed) in cases {
        let grants = grants(operation, Some("GLACIER"), &access);
        for grant in needed {
            assert!(grants.contains(grant), "{grant} in {grants:#?}");
        }
    }
}

#[test]
fn an_operation_from_elsewhere_has_the_permissions_of_its_kind() {
    let text = r#"{"LambdaInvoke": {"FunctionArn": "arn:aws:lambda:us-east-1:1:function:f"}}"#;
    let given = given::GivenParameters::parse(text).unwrap();
    let grants = grants(&given, None, &access(false));
    let invoke = "lambda:InvokeFunction arn:aws:lambda:us-east-1:1:function:f";
    assert!(grants.iter().any(|grant| grant == invoke), "{grants:#?}");
    assert_eq!(member(&given, None), r#"{"FunctionArn":"arn:aws:lambda:us-east-1:1:function:f"}"#);
}

#[test]
fn the_submitter_may_tag_jobs_only_if_they_have_tags() {
    let has_tagging = |access: &Access| {
        let policy = serde_json::to_string(&access.submitter_policy()).unwrap();
        for needed in ["s3:CreateJob", "iam:PassRole", "iam:GetRole", "s3:UpdateJobPriority"] {
            assert!(policy.contains(needed), "{policy}");
        }
        policy.contains("s3:PutJobTagging")
    };
    assert!(!has_tagging(&access(true)));
    assert!(has_tagging(&Access { tags: true, ..access(true) }));
}

#[test]
fn the_submitter_of_a_plan_in_s3_reads_it_and_uploads_nothing() {
    let access = |manifests: &str| Access {
        plan: Some("plans/today/".to_owned()),
        manifests: manifests.to_owned(),
        ..access(true)
    };
    let policy = |manifests| serde_json::to_string(&access(manifests).submitter_policy()).unwrap();
    let inside = policy("plans/today/manifests/");
    assert!(!inside.contains("UploadManifests"), "{inside}");
    assert!(inside.contains(r#""Resource":["arn:aws:s3:::plans/today/*"]"#), "{inside}");
    assert!(inside.contains(r#""arn:aws:s3:::plans""#), "{inside}");
    let elsewhere = policy("manifests/plan-1/");
    let both = r#"["arn:aws:s3:::plans/today/*","arn:aws:s3:::manifests/plan-1/*"]"#;
    assert!(elsewhere.contains(both), "{elsewhere}");
}
