//! `submit --dry-run` and `policy`: requests and policies of plans on disk.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::fixture::{ReportFolder, Run, plan_document, row, s3sieve};
use crate::plans::{
    KEY, OPERATIONS, PLACE, PlanFolder, SPLIT_OPERATIONS, archived_plan, requests, seed_plan,
    seed_plan_for, submit,
};

#[test]
fn every_operation_has_a_request() {
    for arguments in OPERATIONS {
        let plan = seed_plan_for(arguments);
        let requests = requests(&plan.path, arguments);
        assert_eq!(requests.len(), 1);
        let request = &requests[0];
        assert_eq!(request["Operation"].as_object().unwrap().len(), 1);
        let fields = &request["Manifest"]["Spec"]["Fields"];
        assert_eq!(*fields, json!(["Bucket", "Key", "VersionId"]));
        let token = request["ClientRequestToken"].as_str().unwrap();
        assert!(token.len() == 64 && token.bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
}

#[test]
fn jobs_of_one_plan_differ_by_storage_class() {
    let plan = archived_plan();
    let restores = requests(&plan.path, SPLIT_OPERATIONS[0]);
    let copies = requests(&plan.path, SPLIT_OPERATIONS[1]);
    let shards = plan_document(&plan.path);
    let shards = shards["shards"].as_array().unwrap();
    assert_eq!((restores.len(), copies.len()), (3, 3));
    for (shard, (restore, copy)) in shards.iter().zip(restores.iter().zip(&copies)) {
        let class = &shard["split"]["StorageClass"];
        assert_eq!(copy["Operation"]["S3PutObjectCopy"]["StorageClass"], *class);
        let days = &restore["Operation"]["S3InitiateRestoreObject"]["ExpirationInDays"];
        assert_eq!(days.is_null(), class == "INTELLIGENT_TIERING", "{class}");
    }
}

/// Copies of noncurrent versions come first: whoever sends the requests by hand is told so.
#[test]
fn the_order_of_copies_is_said_with_the_requests() {
    let columns = "Bucket, Key, VersionId, IsLatest";
    let text = row(&["demo", "a", "a2", "true"])
        + &row(&["demo", "a", "a1", "false"])
        + &row(&["demo", "b", "b2", "true"])
        + &row(&["demo", "b", "b1", "false"]);
    let report = ReportFolder::new(columns, &[text.as_bytes()]);
    let (manifest, out) = (report.manifest.to_str().unwrap().to_owned(), report.out());
    let filter = |flags: &[&str]| {
        let usual = ["filter", &manifest, "--where", "TRUE", "--max-objects", "1"];
        s3sieve(usual.iter().chain(&["--out", out.to_str().unwrap()]).chain(flags)).expect(0);
    };
    let copy = ["--operation", "copy", "--target-bucket", "demo", "--storage-class", "STANDARD"];
    filter(&[]);
    submit(&out, &copy).expect(2).says(&["not made for copies", "--for copy"]);
    fs::remove_dir_all(&out).unwrap();
    filter(&["--for", "copy", "--storage-class", "STANDARD"]);
    let folder = out.join("requests");
    let told = submit(&out, &[&copy[..], &["--out", folder.to_str().unwrap()]].concat()).expect(0);
    let order = "create the jobs of 00000.json to 00001.json first";
    assert!(told.stdout().contains(order), "{}", told.story());
    assert!(told.stdout().contains("some wait for others, so they go in 2 waves"));
    let written = fs::read_to_string(folder.join("order.txt")).unwrap();
    assert!(written.contains(order) && written.contains("00002.json to 00003.json"), "{written}");
    // Without these files, the manifests are named.
    let order = "create the jobs of manifests/00000.csv to manifests/00001.csv first";
    let document = submit(&out, &[&copy[..], &["--format", "json"]].concat()).expect(0).json();
    assert!(document["order"].as_str().unwrap().contains(order), "{document:#}");
    assert!(submit(&out, &copy).expect(0).stdout().contains(order));
}

/// The old version passes the condition, the current one was changed later: old content would win.
#[test]
fn a_condition_that_lets_old_versions_alone_pass_is_refused() {
    let columns = "Bucket, Key, VersionId, IsLatest";
    let text = row(&["demo", "a", "a2", "true"]) + &row(&["demo", "a", "a1", "false"]);
    let report = ReportFolder::new(columns, &[text.as_bytes()]);
    let (manifest, out) = (report.manifest.to_str().unwrap().to_owned(), report.out());
    let copy = ["--operation", "copy", "--target-bucket", "demo", "--storage-class", "STANDARD"];
    let condition = ["--unmodified-since", "2026-01-01T00:00:00Z"];
    let copy = [&copy[..], &condition].concat();
    for (expression, status) in [("TRUE", 2), ("IsLatest", 0)] {
        let flags = ["--for", "copy", "--storage-class", "STANDARD", "--force"];
        let usual = ["filter", &manifest, "--where", expression, "--out", out.to_str().unwrap()];
        s3sieve([&usual[..], &flags].concat()).expect(0);
        let run = submit(&out, &copy).expect(status);
        assert_eq!(run.stderr().contains("--unmodified-since"), status == 2, "{}", run.story());
    }
}

#[test]
fn requests_are_the_same_again_and_in_files() {
    let plan = seed_plan();
    let out = plan.path.join("requests");
    let arguments = [OPERATIONS[5], &["--out", out.to_str().unwrap()]].concat();
    let told = submit(&plan.path, &arguments).expect(0).stdout();
    for part in ["manifests/00000.csv", "1 job on 9 objects", "1 wave", "Nothing was sent"] {
        assert!(told.contains(part), "`{part}` is missing in\n{told}");
    }
    let text = fs::read_to_string(out.join("00000.json")).unwrap();
    let request: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(vec![request], requests(&plan.path, OPERATIONS[5]));
    // What is there is what would be written.
    assert_eq!(submit(&plan.path, &arguments).expect(0).stdout(), told);
    let other = [OPERATIONS[6], &["--out", out.to_str().unwrap()]].concat();
    submit(&plan.path, &other).expect(2).says(&["not empty, 00000.json is there", "--out"]);
    fs::write(out.join("mine"), "").unwrap();
    submit(&plan.path, &arguments).expect(2).says(&["not empty", "--out"]);
}

/// A hundred bytes of a manifest, changed: the jobs would do something else than the plan says.
#[test]
fn a_changed_manifest_is_refused() {
    let plan = seed_plan();
    let manifest = plan.path.join("manifests/00000.csv");
    let bytes = fs::read(&manifest).unwrap();
    let mut changed = bytes.clone();
    changed[25] ^= 1;
    fs::write(&manifest, &changed).unwrap();
    submit(&plan.path, OPERATIONS[5]).expect(3).says(&["00000.csv", "CRC-64/NVME", "again"]);
    fs::write(&manifest, &bytes[1..]).unwrap();
    submit(&plan.path, OPERATIONS[5]).expect(3).says(&["00000.csv", "bytes"]);
    fs::remove_file(&manifest).unwrap();
    submit(&plan.path, OPERATIONS[5]).expect(3).says(&["00000.csv", "no such file"]);
}

/// What a checksum job computes stands in rows of tasks that succeeded.
#[test]
fn checksum_jobs_report_all_tasks() {
    let plan = seed_plan();
    let file = plan.path.join("operation.json");
    let operation = json!({"S3ComputeObjectChecksum": {"ChecksumAlgorithm": "SHA256"}});
    fs::write(&file, operation.to_string()).unwrap();
    let flags = ["--operation", "checksum", "--checksum-algorithm", "SHA256"];
    for arguments in [&flags[..], &["--operation-json", file.to_str().unwrap()]] {
        let scope = |more: &[&str]| {
            let request = requests(&plan.path, &[arguments, more].concat()).remove(0);
            request["Report"]["ReportScope"].clone()
        };
        assert_eq!(scope(&[]), "AllTasks");
        assert_eq!(scope(&["--report-scope", "AllTasks"]), "AllTasks");
        let failed = [arguments, &["--report-scope", "FailedTasksOnly"]].concat();
        submit(&plan.path, &failed).expect(2).says(&[
            "--report-scope `FailedTasksOnly`",
            "tasks that succeeded",
            "--report-scope AllTasks",
        ]);
        policy(&plan.path, arguments).expect(0);
    }
    let tags = requests(&plan.path, OPERATIONS[5]).remove(0);
    assert_eq!(tags["Report"]["ReportScope"], "FailedTasksOnly");
}

#[test]
fn what_a_function_answers_is_lost_unless_all_tasks_are_reported() {
    let plan = seed_plan();
    let file = plan.path.join("operation.json");
    let arn = "arn:aws:lambda:us-east-1:111122223333:function:f";
    fs::write(&file, json!({"LambdaInvoke": {"FunctionArn": arn}}).to_string()).unwrap();
    let flags = ["--operation", "lambda", "--function-arn", arn];
    for arguments in [&flags[..], &["--operation-json", file.to_str().unwrap()]] {
        let lost = ["note: what the function answers", "--report-scope AllTasks"];
        submit(&plan.path, arguments).expect(0).says(&lost);
        let failed = [arguments, &["--report-scope", "FailedTasksOnly"]].concat();
        submit(&plan.path, &failed).expect(0).says(&lost);
        let all = [arguments, &["--report-scope", "AllTasks"]].concat();
        let told = submit(&plan.path, &all).expect(0).stderr();
        assert!(!told.contains("what the function answers"), "{told}");
    }
}

/// A plan of rows with these columns; every row but its bucket and key is of one object.
fn plan_of(bucket: &str, columns: &str, rows: &[&[&str]], flags: &[&str]) -> ReportFolder {
    let text: String = rows.iter().map(|fields| row(&[&[bucket], *fields].concat())).collect();
    let file = crate::fixture::gzip(text.as_bytes());
    let report = ReportFolder::of_compressed(bucket, &format!("Bucket, Key{columns}"), &[file]);
    let (manifest, out) = (report.manifest.to_str().unwrap(), report.out());
    let usual = ["filter", manifest, "--where", "TRUE", "--out", out.to_str().unwrap()];
    s3sieve([&usual[..], flags].concat()).expect(0);
    report
}

#[test]
fn submit_says_which_objects_update_encryption_may_make_sse_kms() {
    const UPDATE: [&str; 4] = ["--operation", "update-encryption", "--kms-key-arn", KEY];
    let on = [&UPDATE[..], &["--bucket-key", "on"]].concat();
    let rows: [&[&str]; 2] = [&["a", "SSE-KMS"], &["b", "SSE-S3"]];
    let of = |flags: &[&str]| plan_of("demo", ", EncryptionStatus", &rows, flags);
    let any = ["every object gets the key of --kms-key-arn", "whatever key it has now"];
    let kms = "becomes SSE-KMS with the named key, and costs KMS requests from then on";
    let safe = of(&["--for", "update-encryption", "--bucket-key", "on"]);
    // The plan knows about the bucket key.
    let told = submit(&safe.out(), &UPDATE).expect(0).says(&any).stderr();
    assert!(!told.contains(kms), "{told}");
    let request = requests(&safe.out(), &UPDATE).remove(0);
    let sse = &request["Operation"]["S3UpdateObjectEncryption"]["ObjectEncryption"]["SSEKMS"];
    assert_eq!(sse["BucketKeyEnabled"], true);
    let off = [&UPDATE[..], &["--bucket-key", "off"]].concat();
    assert!(requests(&safe.out(), &off)[0].to_string().contains("\"BucketKeyEnabled\":false"));
    let include = ["--for", "update-encryption", "--include-ineligible", "not-sse-kms"];
    let taken = of(&include);
    submit(&taken.out(), &on).expect(0).says(&any).says(&["--include-ineligible", kms]);
    let unplanned = of(&[]);
    submit(&unplanned.out(), &on).expect(0).says(&any).says(&["was not made for", kms]);
    let bare: [&[&str]; 1] = [&["a"]];
    for flags in [&["--for", "update-encryption"][..], &[]] {
        let silent = plan_of("demo", "", &bare, flags);
        let run = submit(&silent.out(), &on).expect(0);
        run.says(&any).says(&["the report has no EncryptionStatus", kms]);
    }
}

/// What the plan was made with is not overridden in silence.
#[test]
fn what_overrides_the_plan_is_told() {
    let rows: [&[&str]; 1] = [&["a", "SSE-KMS"]];
    let update = ["--operation", "update-encryption", "--kms-key-arn", KEY];
    let planned = ["--for", "update-encryption", "--bucket-key", "on"];
    let plan = plan_of("demo", ", EncryptionStatus", &rows, &planned);
    let with = |switch: &'static str| [&update[..], &["--bucket-key", switch]].concat();
    let note = "the plan was made with --bucket-key on, and its jobs get off";
    submit(&plan.out(), &with("off")).expect(0).says(&[note]);
    assert!(!submit(&plan.out(), &with("on")).expect(0).stderr().contains("was made with"));
    let planned = ["--for", "copy", "--storage-class", "STANDARD"];
    let plan = plan_of("demo", ", EncryptionStatus", &rows, &planned);
    let to = |bucket: &'static str| ["--operation", "copy", "--target-bucket", bucket];
    let glacier = [&to("demo")[..], &["--storage-class", "GLACIER"]].concat();
    let note = "the plan was made with --storage-class STANDARD, and its jobs get GLACIER";
    submit(&plan.out(), &glacier).expect(0).says(&[note]);
    let directory = to("fast--use1-az4--x-s3");
    let why = "the plan was made with --storage-class STANDARD; give --storage-class keep";
    submit(&plan.out(), &directory).expect(2).says(&["a directory bucket", why]);
    policy(&plan.out(), &with_encryption(&directory)).expect(2).says(&[why]);
    let keep = [&directory[..], &["--storage-class", "keep"]].concat();
    submit(&plan.out(), &keep).expect(0);
}

/// The place of [`PLACE`], with another region and role.
fn submit_in(plan: &Path, region: &str, role: &str, arguments: &[&str]) -> Run {
    let command = ["submit", plan.to_str().unwrap(), "--dry-run", "--format", "json"];
    let place = PLACE.map(|value| match value {
        "us-east-1" => region,
        value if value.starts_with("arn:") => role,
        value => value,
    });
    s3sieve(command.iter().chain(arguments).chain(&place))
}

#[test]
fn a_role_of_another_partition_is_refused() {
    let plan = seed_plan();
    let role = |partition: &str| format!("arn:{partition}:iam::111122223333:role/batch");
    for (region, partition) in [
        ("us-east-1", "aws"),
        ("cn-north-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
        ("eusc-de-east-1", "aws-eusc"),
        ("us-iso-east-1", "aws-iso"),
        ("us-isob-east-1", "aws-iso-b"),
        ("eu-isoe-west-1", "aws-iso-e"),
        ("us-isof-south-1", "aws-iso-f"),
    ] {
        let told = submit_in(&plan.path, region, &role(partition), OPERATIONS[5]).expect(0);
        let request = told.json()["requests"][0]["request"].clone();
        assert_eq!(request["Report"]["Bucket"], format!("arn:{partition}:s3:::reports"));
        let object = request["Manifest"]["Location"]["ObjectArn"].as_str().unwrap();
        assert!(object.starts_with(&format!("arn:{partition}:s3:::manifests/")), "{object}");
        let other = if partition == "aws" { "aws-cn" } else { "aws" };
        submit_in(&plan.path, region, &role(other), OPERATIONS[5]).expect(2).says(&[
            "--role-arn",
            &format!("its partition is {other}"),
            &format!("that of the jobs is {partition} (--region {region})"),
        ]);
    }
}

#[test]
fn a_plan_without_version_ids_is_not_replicated() {
    let bare: [&[&str]; 1] = [&["a"]];
    let plan = plan_of("demo", "", &bare, &[]);
    let refused = submit(&plan.out(), &["--operation", "replicate"]).expect(2);
    refused.says(&["manifests/00000.csv has no version ids", "--for replicate"]);
}

#[test]
fn jobs_on_directory_buckets_are_copies_and_functions() {
    const NAME: &str = "data--use1-az4--x-s3";
    let bare: [&[&str]; 1] = [&["a"]];
    let report = plan_of(NAME, "", &bare, &[]);
    let plan = report.out();
    for arguments in [OPERATIONS[4], OPERATIONS[5], OPERATIONS[6]] {
        let parts = [NAME, "directory bucket", "copy and lambda"];
        submit(&plan, arguments).expect(2).says(&parts);
        policy(&plan, arguments).expect(2).says(&parts);
    }
    // Version 1.0 of the schema, and 2.0.
    submit(&plan, OPERATIONS[11]).expect(2).says(&["--schema-version 2.0", NAME]);
    submit(&plan, OPERATIONS[12]).expect(0);
    let arn = format!("arn:aws:s3express:us-east-1:111122223333:bucket/{NAME}");
    let policies = policy(&plan, &with_encryption(OPERATIONS[1])).expect(0).json();
    let session = json!([arn]);
    let statements = policies["role_policy"]["Statement"].as_array().unwrap();
    let open = statements.iter().find(|statement| statement["Sid"] == "UseSessions").unwrap();
    assert_eq!(open["Action"], json!(["s3express:CreateSession"]));
    assert_eq!(open["Resource"], session);
    assert!(!policies.to_string().contains(&format!("s3:::{NAME}")), "{policies:#}");
    // From there to another one.
    let copy = ["--operation", "copy", "--target-bucket", NAME];
    let request = requests(&plan, &copy).remove(0);
    let expected = json!({"TargetResource": arn, "NewObjectTagging": []});
    assert_eq!(request["Operation"]["S3PutObjectCopy"], expected);
    let command = ["submit", plan.to_str().unwrap(), "--dry-run"];
    for flag in ["s3://manifests/s3sieve", "s3://reports/s3sieve"] {
        let address = format!("s3://{NAME}/x");
        let place = PLACE.map(|value| if value == flag { address.as_str() } else { value });
        let run = s3sieve(command.iter().chain(OPERATIONS[1]).chain(&place));
        run.expect(2).says(&["directory buckets hold neither", "general purpose"]);
    }
}

/// Changes the plan's document.
fn edit(plan: &PlanFolder, change: impl FnOnce(&mut Value)) {
    let mut document = plan_document(&plan.path);
    change(&mut document);
    fs::write(plan.path.join("plan.json"), document.to_string()).unwrap();
}

#[test]
fn what_is_no_plan_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    submit(folder.path(), OPERATIONS[5])
        .expect(3)
        .says(&["this folder is empty", "s3sieve filter"]);
    fs::create_dir(folder.path().join(".s3sieve-partial")).unwrap();
    submit(folder.path(), OPERATIONS[5]).expect(3).says(&["not finished"]);
    fs::write(folder.path().join("plan.json"), "{}").unwrap();
    submit(folder.path(), OPERATIONS[5]).expect(3).says(&["not a plan", "version"]);
    let plan = seed_plan();
    edit(&plan, |document| document["version"] = json!(99));
    submit(&plan.path, OPERATIONS[5]).expect(3).says(&["version 99", "newer"]);
    let plan = seed_plan();
    edit(&plan, |document| document["shards"][0]["path"] = json!("../secret"));
    submit(&plan.path, OPERATIONS[5]).expect(3).says(&["\"../secret\" does not lead"]);
}

#[test]
fn a_plan_for_one_operation_is_not_submitted_with_another() {
    let plan = seed_plan();
    let checksum = ["--operation", "checksum", "--checksum-algorithm", "SHA256"];
    submit(&plan.path, &checksum).expect(0).says(&["not checked", "--for checksum"]);
    // There is nothing besides delete markers that these can't do.
    assert_eq!(submit(&plan.path, OPERATIONS[5]).expect(0).stderr(), "");
    let copies = |document: &mut Value| {
        document["operation"] = json!({
            "name": "copy",
            "storage_class": "STANDARD_IA",
            "not_checked": [],
            "included": [],
        });
    };
    edit(&plan, copies);
    let other = submit(&plan.path, OPERATIONS[5]).expect(2);
    other.says(&["made for copy", "--for delete-tags", "--operation copy"]);
    let copy = ["--operation", "copy", "--target-bucket", "batchoperationsdemo"];
    let told = submit(&plan.path, &copy).expect(0).says(&["note: ", "--no-version-ids"]).stderr();
    assert_eq!(told.lines().count(), 1, "{told}");
    let elsewhere = [&copy[..], &["--target-prefix", "copied/"]].concat();
    assert_eq!(submit(&plan.path, &elsewhere).expect(0).stderr(), "", "nothing is written over");
    let request = &requests(&plan.path, &copy)[0];
    assert_eq!(request["Operation"]["S3PutObjectCopy"]["StorageClass"], "STANDARD_IA");
}

#[cfg(not(feature = "aws"))]
#[test]
fn submit_without_dry_run_says_what_there_is() {
    let plan = seed_plan();
    let command = ["submit", plan.path.to_str().unwrap()];
    let run = s3sieve(command.iter().chain(OPERATIONS[5]).chain(&PLACE));
    run.expect(2).says(&["--dry-run", "docs/jobs.md"]);
}

#[test]
fn a_flag_of_another_operation_is_refused() {
    let plan = seed_plan();
    let arguments = ["--operation", "tag", "--object-tag", "a=1", "--restore-days", "1"];
    let run = submit(&plan.path, &arguments).expect(2);
    run.says(&["--restore-days", "--operation tag", "restore"]);
    let wrong = ["--operation", "tag", "--object-tag", "a"];
    submit(&plan.path, &wrong).expect(2).says(&["KEY=VALUE"]);
    submit(&plan.path, &["--operation", "delete"]).expect(2).says(&["delete-tags"]);
    submit(&plan.path, &[]).expect(2).says(&["--operation"]);
}

#[test]
fn what_aws_would_refuse_is_refused_before_anything_is_written() {
    let plan = seed_plan();
    let out = plan.path.join("requests");
    let out = ["--out", out.to_str().unwrap()];
    let operation = ["--operation", "update-encryption", "--bucket-key", "on"];
    let elsewhere = KEY.replace("us-east-1", "eu-west-1");
    for (key, part) in [("alias/mine", "full ARN"), (&elsewhere, "--region")] {
        let arguments = [&operation[..], &["--kms-key-arn", key], &out].concat();
        submit(&plan.path, &arguments).expect(2).says(&["--kms-key-arn", key, part, "UG"]);
    }
    let priority = [OPERATIONS[5], &["--priority", "-1"]].concat();
    submit(&plan.path, &priority).expect(2).says(&["--priority", "2147483647"]);
    assert!(!plan.path.join("requests").exists());
}

#[test]
fn an_operation_in_a_file_is_passed_on() {
    let plan = seed_plan();
    let file = plan.path.join("operation.json");
    let operation = json!({"S3PutObjectAcl": {"AccessControlPolicy": {"AccessControlList":
        {"Owner": {"ID": "abc"}, "Grants": []}}}});
    fs::write(&file, operation.to_string()).unwrap();
    let arguments = ["--operation-json", file.to_str().unwrap()];
    assert_eq!(requests(&plan.path, &arguments)[0]["Operation"], operation);
    let too_much = [&arguments[..], &["--acl", "private"]].concat();
    submit(&plan.path, &too_much).expect(2).says(&["--acl", "--operation-json"]);
    fs::write(&file, "{\"S3DeleteObject\": {}}").unwrap();
    submit(&plan.path, &arguments).expect(2).says(&["S3DeleteObject", "S3PutObjectTagging"]);
    submit(&plan.path, &["--operation-json", "no-such-file"]).expect(3).says(&["no-such-file"]);
}

#[test]
fn a_plan_without_manifests_has_no_jobs() {
    let report = ReportFolder::new("Bucket, Key", &[]);
    let out = report.out();
    let (manifest, plan) = (report.manifest.to_str().unwrap(), out.to_str().unwrap());
    s3sieve(["filter", manifest, "--where", "TRUE", "--out", plan]).expect(0);
    let told = submit(&out, OPERATIONS[5]).expect(0).stdout();
    assert!(told.contains("no manifest"), "{told}");
    assert_eq!(requests(&out, OPERATIONS[5]).len(), 0);
}

fn policy(plan: &Path, arguments: &[&str]) -> Run {
    s3sieve(["policy", plan.to_str().unwrap()].iter().chain(arguments).chain(&PLACE))
}

/// What a copy that says nothing of encryption needs besides.
fn with_encryption<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    let leaves_it = arguments.contains(&"copy") && !arguments.contains(&"--sse");
    let stated: &[&str] = if leaves_it { &["--target-encryption", "sse-s3"] } else { &[] };
    [arguments, stated].concat()
}

/// A report does not tell how the target bucket encrypts, and a role without rights on its key
/// fails every copy.
#[test]
fn a_copy_with_the_target_s_encryption_needs_to_know_it() {
    let plan = seed_plan_for(OPERATIONS[1]);
    let copy = OPERATIONS[1];
    let run = policy(&plan.path, copy).expect(2);
    run.says(&["--target-encryption", "sse-s3", "bucket demo", "get-bucket-encryption"]);
    let role = |more: &[&str]| {
        let policies = policy(&plan.path, &[copy, more].concat()).expect(0).json();
        policies["role_policy"]["Statement"].as_array().unwrap().clone()
    };
    for free in ["sse-s3", "aws/s3"] {
        let statements = Value::from(role(&["--target-encryption", free]));
        assert!(!statements.to_string().contains("kms:"), "{statements}");
    }
    let old = KEY.replace("01234567", "76543210");
    let statements = role(&["--target-encryption", KEY, "--object-kms-key-arn", &old]);
    let of = |sid: &str| statements.iter().find(|statement| statement["Sid"] == sid).unwrap();
    assert_eq!(of("UseKeys")["Action"], json!(["kms:Decrypt", "kms:GenerateDataKey"]));
    assert_eq!(of("UseKeys")["Resource"], json!([KEY]));
    assert_eq!(of("DecryptObjects")["Action"], json!(["kms:Decrypt"]));
    assert_eq!(of("DecryptObjects")["Resource"], json!([old]));
    let elsewhere = KEY.replace("us-east-1", "eu-west-1");
    let refused = |more: &[&str], parts: &[&str]| {
        policy(&plan.path, more).expect(2).says(parts);
    };
    let stated = ["--target-encryption", &elsewhere];
    refused(&[copy, &stated].concat(), &["--target-encryption", "--region"]);
    refused(&[copy, &["--target-encryption", "alias/x"]].concat(), &["sse-s3", "ARN"]);
    let own = [copy, &["--sse", "AES256", "--target-encryption", "sse-s3"]].concat();
    refused(&own, &["says itself", "leave it out"]);
    let none = [OPERATIONS[5], &["--target-encryption", "sse-s3"]].concat();
    policy(&seed_plan().path, &none).expect(2).says(&["makes no copies"]);
}

/// An operation in a file may name its key by an alias, which no policy can hold.
#[test]
fn a_key_by_its_alias_is_asked_for() {
    let plan = seed_plan_for(OPERATIONS[1]);
    let file = plan.path.join("operation.json");
    let operation = json!({"S3PutObjectCopy": {"TargetResource": "arn:aws:s3:::demo",
        "NewObjectMetadata": {"SSEAlgorithm": "KMS"}, "SSEAwsKmsKeyId": "alias/mine"}});
    fs::write(&file, operation.to_string()).unwrap();
    let arguments = ["--operation-json", file.to_str().unwrap()];
    policy(&plan.path, &arguments).expect(2).says(&["--target-encryption", "alias/mine"]);
    let stated = [&arguments[..], &["--target-encryption", KEY]].concat();
    assert!(policy(&plan.path, &stated).expect(0).json()["role_policy"].to_string().contains(KEY));
}

#[test]
fn completion_reports_are_encrypted_with_a_key_that_is_named() {
    let plan = seed_plan();
    let arguments = [OPERATIONS[5], &["--report-kms-key-arn", KEY]].concat();
    let policies = policy(&plan.path, &arguments).expect(0).json();
    for (policy, sid) in [("role_policy", "EncryptReports"), ("submitter_policy", "DecryptReports")]
    {
        let statements = policies[policy]["Statement"].as_array().unwrap();
        let statement = statements.iter().find(|statement| statement["Sid"] == sid).unwrap();
        assert_eq!(statement["Resource"], json!([KEY]));
    }
}

#[test]
fn policies_name_what_the_requests_name() {
    for arguments in OPERATIONS {
        let plan = seed_plan_for(arguments);
        let policies = policy(&plan.path, &with_encryption(arguments)).expect(0).json();
        for name in ["role_policy", "trust_policy", "submitter_policy"] {
            assert_eq!(policies[name]["Version"], "2012-10-17");
        }
        let request = &requests(&plan.path, arguments)[0];
        let object = request["Manifest"]["Location"]["ObjectArn"].as_str().unwrap();
        // Not the plan's own folder: what `retry` makes of its failures lies beside it.
        let place = "arn:aws:s3:::manifests/s3sieve/";
        assert!(object.starts_with(place), "{object}");
        let role = policies["role_policy"].to_string();
        for resource in [&format!("\"{place}*"), "arn:aws:s3:::reports/s3sieve/*"] {
            assert!(role.contains(resource), "{resource} is missing in {role}");
        }
        let submitter = policies["submitter_policy"].to_string();
        assert!(submitter.contains(&format!("\"{place}*")), "{submitter}");
        let trust = &policies["trust_policy"]["Statement"][0]["Principal"]["Service"];
        assert_eq!(*trust, "batchoperations.s3.amazonaws.com");
    }
}

#[test]
fn policies_go_to_files_and_name_the_role() {
    let plan = seed_plan();
    let out = plan.path.join("policies");
    let arguments = ["--account-id", "111122223333", "--region", "cn-north-1", "--role-name", "b"];
    let place = ["--manifest-bucket", "s3://manifests", "--report", "s3://reports"];
    let command = ["policy", plan.path.to_str().unwrap(), "--out", out.to_str().unwrap()];
    s3sieve(command.iter().chain(OPERATIONS[5]).chain(&arguments).chain(&place)).expect(0);
    let read = |name: &str| -> Value {
        serde_json::from_slice(&fs::read(out.join(name)).unwrap()).unwrap()
    };
    let submitter = read("submitter-policy.json").to_string();
    assert!(submitter.contains("arn:aws-cn:iam::111122223333:role/b"), "{submitter}");
    assert!(submitter.contains("arn:aws-cn:s3:cn-north-1:111122223333:job/*"), "{submitter}");
    assert!(!submitter.contains("PutJobTagging"), "{submitter}");
    let role = read("role-policy.json").to_string();
    assert!(role.contains("arn:aws-cn:s3:::batchoperationsdemo/*"), "{role}");
    assert_eq!(read("trust-policy.json")["Statement"][0]["Action"], json!(["sts:AssumeRole"]));
}

/// A key or function of another region is only found where the region of the jobs is known.
#[test]
fn without_a_region_it_is_said_that_none_was_checked() {
    let plan = seed_plan();
    let account = ["--account-id", "111122223333"];
    let place = ["--manifest-bucket", "s3://manifests", "--report", "s3://reports"];
    let role = ["--role-arn", "arn:aws:iam::111122223333:role/b"];
    let more = [&account[..], &place, &role].concat();
    let key = "arn:aws:kms:eu-west-1:111122223333:key/11111111-2222-3333-4444-555555555555";
    let operation =
        ["--operation", "update-encryption", "--kms-key-arn", key, "--bucket-key", "on"];
    let told = "whether keys and functions are in the jobs' Region was not checked: --region NAME";
    for command in [&["policy"][..], &["submit", "--dry-run"]] {
        let arguments = [command, &[plan.path.to_str().unwrap()], &operation, &more].concat();
        let run = s3sieve(arguments.clone()).expect(0);
        assert_eq!(run.stderr().matches(told).count(), 1, "{}", run.story());
        let placed = [&arguments[..], &["--region", "eu-west-1"]].concat();
        let run = s3sieve(placed).expect(0);
        assert!(!run.stderr().contains("was not checked"), "{}", run.story());
        let misplaced = [&arguments[..], &["--region", "us-east-1"]].concat();
        s3sieve(misplaced).expect(2).says(&["the key is in eu-west-1"]);
    }
}

/// An ARN in place of a name, or a text that is neither, made policies for a role that can't be.
#[test]
fn a_role_s_name_is_checked() {
    let plan = seed_plan();
    let place = ["--account-id", "111122223333", "--region", "us-east-1"];
    let place = [&place[..], &["--manifest-bucket", "s3://manifests", "--report", "s3://reports"]];
    let named = |name: &str| {
        let command = ["policy", plan.path.to_str().unwrap(), "--role-name", name];
        s3sieve(command.iter().chain(OPERATIONS[5]).chain(place.concat().iter()))
    };
    let arn = "arn:aws:iam::111122223333:role/batch";
    named(arn).expect(2).says(&["--role-name", "not a name", &format!("give --role-arn {arn}")]);
    for wrong in ["my role", "a/b", "", &"r".repeat(65)] {
        named(wrong).expect(2).says(&["--role-name"]);
    }
    let policies = named("batch_+=,.@-1").expect(0).stdout();
    assert!(policies.contains("role/batch_+=,.@-1\""), "{policies}");
}

#[test]
fn regions_that_can_t_be_are_refused() {
    let plan = seed_plan();
    let role = "arn:aws:iam::111122223333:role/batch";
    for region in ["us-est-1", "us-east-1a", "usa-east-1"] {
        let run = submit_in(&plan.path, region, role, OPERATIONS[5]).expect(2);
        run.says(&[&format!("--region `{region}`"), "looks like us-east-1"]);
    }
    let function = "arn:aws:lambda:eu-west-1:111122223333:function:f";
    let lambda = ["--operation", "lambda", "--function-arn", function];
    let run = submit(&plan.path, &lambda).expect(2);
    run.says(&["--function-arn", "the function is in eu-west-1, the job in us-east-1"]);
}

#[test]
fn a_policy_takes_the_keys_of_the_objects() {
    let plan = seed_plan_for(OPERATIONS[1]);
    let copy = with_encryption(OPERATIONS[1]);
    let arguments = [&copy[..], &["--object-kms-key-arn", KEY]].concat();
    let policies = policy(&plan.path, &arguments).expect(0).json();
    assert!(policies["role_policy"].to_string().contains(KEY));
    let wrong = [&copy[..], &["--object-kms-key-arn", "alias/x"]].concat();
    policy(&plan.path, &wrong).expect(2).says(&["--object-kms-key-arn", "alias/x"]);
}

/// What was not checked is told only where it may make tasks fail, and what S3 does then only where
/// there are so many tasks.
#[test]
fn failures_are_foretold_only_where_they_can_happen() {
    let warned = |class: &str, rows: usize| {
        let lines = (0..rows).map(|number| row(&["demo", &format!("key-{number}"), class]));
        let text: String = lines.collect();
        let report = ReportFolder::new("Bucket, Key, StorageClass", &[text.as_bytes()]);
        let out = report.out();
        let manifest = report.manifest.to_str().unwrap();
        let usual = ["filter", manifest, "--where", "TRUE", "--out", out.to_str().unwrap()];
        s3sieve(usual.iter().chain(&["--split-by", "StorageClass"])).expect(0);
        submit(&out, SPLIT_OPERATIONS[0]).stderr()
    };
    let told = warned("GLACIER", 5);
    assert!(!told.contains("were not checked"), "all can be restored: {told}");
    let told = warned("STANDARD", 5);
    assert!(told.contains("were not checked for restore"), "{told}");
    assert!(told.contains("rows that it can't do will fail; `s3sieve filter"), "{told}");
    let told = warned("STANDARD", 1_000);
    assert!(told.contains("will fail, and once more than half of at least 1,000 tasks"), "{told}");
}
