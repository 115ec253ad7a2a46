//! Completion reports in the layout in which they are delivered:
//! `PREFIX/job-ID/manifest.json`, `manifest.json.md5`, `results/HASH.csv`.

use aws_sdk_s3::primitives::ByteStream;
use serde_json::json;

use super::front::Shared;
use super::state::{Job, Request, Task};
use crate::fixture::{base64, hex, md5};
use sha2::{Digest, Sha256};

/// How a task ended: `None` where it succeeded.
pub type Fault = Option<(String, u16, String)>;

/// A row of a report.
pub fn row(request: &Request, task: &Task, fault: &Fault, code_first: bool) -> String {
    let quote = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let Task { bucket, key, version } = task;
    let (status, code, http, message) = match fault {
        None => ("succeeded", String::new(), 200, result(request, task)),
        Some((code, http, message)) => ("failed", code.clone(), *http, message.clone()),
    };
    let (third, fourth) =
        if code_first { (code, http.to_string()) } else { (http.to_string(), code) };
    format!("{bucket},{key},{version},{status},{third},{fourth},{}\n", quote(&message))
}

/// What a task that succeeded gives back, in the form of the guide's examples (UG, "Examples: S3
/// Batch Operations completion reports"). The checksum is one of the key, whatever the algorithm.
fn result(request: &Request, task: &Task) -> String {
    match request.operation.as_str() {
        "S3ComputeObjectChecksum" => {
            let algorithm = between(&request.echoed, "ChecksumAlgorithm").unwrap_or_default();
            let kind = between(&request.echoed, "ChecksumType").unwrap_or("FULL_OBJECT");
            let digest = Sha256::digest(&task.key);
            // As a writer of JSON that thinks of HTML has it.
            let base64 = base64(&digest).replace('=', "\\u003d");
            format!(
                "{{\"checksum_base64\":\"{base64}\",\"etag\":\"{}\",\"checksumAlgorithm\":\
                 \"{algorithm}\",\"checksumType\":\"{kind}\",\"checksum_hex\":\"{}\"}}",
                md5(task.key.as_bytes()),
                hex(&digest).to_uppercase()
            )
        }
        "LambdaInvoke" => format!("done with {}, \"as said\"", task.key),
        _ => "Successful".to_owned(),
    }
}

/// The text of the first element of that name.
fn between<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(text, _)| text)
}

/// Writes the report of a job, if any task was run.
pub async fn write(shared: &Shared, job: &Job) {
    if job.done == 0 {
        return;
    }
    let request = &job.request;
    let folder = format!("job-{}", job.id);
    let prefixed = match request.report_prefix.trim_matches('/') {
        "" => folder,
        prefix => format!("{prefix}/{folder}"),
    };
    let mut results = Vec::new();
    for (succeeded, name) in [(true, "succeeded"), (false, "failed")] {
        let mut rows: Vec<(&usize, &str)> = job
            .order
            .iter()
            .zip(&job.rows)
            .filter(|(_, (status, _))| *status == succeeded && (!succeeded || request.all_tasks))
            .map(|(place, (_, row))| (place, row.as_str()))
            .collect();
        if !shared.options.shuffled_reports {
            rows.sort_unstable();
        }
        let rows: Vec<&str> = rows.into_iter().map(|(_, row)| row).collect();
        for part in rows.chunks(shared.options.report_rows_max) {
            let text = part.concat().into_bytes();
            let hash = &hex(&Sha256::digest(&text))[..40];
            let key = format!("{prefixed}/results/{hash}.csv");
            results.push(json!({
                "TaskExecutionStatus": name,
                "Bucket": request.report_bucket,
                "MD5Checksum": md5(&text),
                "Key": key,
            }));
            put(shared, &request.report_bucket, &key, text).await;
        }
    }
    let manifest = json!({
        "Format": "Report_CSV_20180820",
        "ReportCreationDate": jiff::Timestamp::now().to_string(),
        "Results": results,
        "ReportSchema":
            "Bucket, Key, VersionId, TaskStatus, ErrorCode, HTTPStatusCode, ResultMessage",
    });
    let text = manifest.to_string().into_bytes();
    let sum = md5(&text).into_bytes();
    let key = format!("{prefixed}/manifest.json");
    put(shared, &request.report_bucket, &key, text).await;
    put(shared, &request.report_bucket, &format!("{key}.md5"), sum).await;
}

async fn put(shared: &Shared, bucket: &str, key: &str, body: Vec<u8>) {
    let put = shared.client.put_object().bucket(bucket).key(key).body(ByteStream::from(body));
    put.send().await.unwrap();
}

#[test]
fn base64_is_that_of_the_rfc() {
    for (text, wanted) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v")] {
        assert_eq!(base64(text.as_bytes()), wanted);
    }
}
