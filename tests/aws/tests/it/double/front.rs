//! The one port: who a request is for, whether its credentials are let in, and what the S3 server
//! lacks of regions.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use ground::ACCESS_KEY;
use http_body_util::BodyExt;
use hyper::body::{Bytes, Incoming};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response};
use s3s::service::S3Service;
use s3s::{Body, HttpError};
use tokio::sync::RwLock;

use super::access::{self, Asked};
use super::model::{self, MODEL};
use super::state::{Options, State};
use super::wire::{bare_error, refusal, wrapped_error, xml};
use super::{ACCOUNT, OWN_NAME, REGION, account, batch};

/// What all requests and the runner share.
pub struct Shared {
    pub s3: S3Service,
    pub client: aws_sdk_s3::Client,
    pub state: Mutex<State>,
    /// Held by whoever changes objects: the S3 server writes an object and its metadata one after
    /// the other, and S3 shows both at once.
    pub objects: RwLock<()>,
    pub options: Options,
}

/// Who signed a request, and for what.
struct Signer {
    access_key: String,
    region: String,
    service: String,
}

/// The parts of a query, decoded.
pub type Query = BTreeMap<String, String>;

pub async fn answer(
    shared: &Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<Body>, HttpError> {
    let (parts, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        // The client was killed while it sent.
        return Ok(bare_error(400, "IncompleteBody", "the connection broke off"));
    };
    let body = body.to_bytes();
    let path = parts.uri.path().to_owned();
    let Some(signer) = parts.headers.get("authorization").and_then(|value| signer(value.to_str()))
    else {
        return Ok(bare_error(403, "AccessDenied", "the request is not signed"));
    };
    let is_control = path.starts_with("/v20180820/");
    let is_account = matches!(signer.service.as_str(), "sts" | "iam");
    let refuse = if is_control || is_account { wrapped_error } else { bare_error };
    if let Some((status, code, message)) = refused(&signer) {
        return Ok(refuse(status, code, message));
    }
    if is_control {
        return control(shared, &signer, &parts, &body);
    }
    if let Some(asked) = denied(shared, is_account, &parts, &body) {
        let mut response = refuse(403, "AccessDenied", &format!("not authorized: {asked}"));
        if parts.method == Method::HEAD {
            *response.body_mut() = Body::empty();
        }
        return Ok(response);
    }
    if is_account {
        return Ok(account::call(shared, &body));
    }
    storage(shared, &signer, parts, body).await
}

/// What the caller's policy does not allow of a request to S3 or IAM: an action and its resource.
/// The double's own requests are let in.
fn denied(shared: &Shared, is_account: bool, parts: &Parts, body: &Payload) -> Option<String> {
    let state = shared.state.lock().unwrap();
    let policy = state.submitter.as_ref()?;
    if is_own(parts) {
        return None;
    }
    let (action, resource) = if is_account {
        let form = query(&String::from_utf8_lossy(body));
        let action = form.get("Action").cloned().unwrap_or_default();
        if action == "GetCallerIdentity" {
            return None;
        }
        let role = form.get("RoleName").cloned().unwrap_or_default();
        (format!("iam:{action}"), format!("arn:aws:iam::{ACCOUNT}:role/{role}"))
    } else {
        let query = query(parts.uri.query().unwrap_or_default());
        let place = String::from_utf8(decode_path(parts.uri.path())).unwrap();
        let place = place.trim_matches('/').to_owned();
        let action = storage_action(&parts.method, place.contains('/'), &query);
        (action.to_owned(), format!("arn:aws:s3:::{place}"))
    };
    let allowed = access::allows([policy], Asked::new(&action, &resource));
    (!allowed).then(|| format!("{action} on {resource}"))
}

/// Whether a request is the double's own.
fn is_own(parts: &Parts) -> bool {
    let agent = parts.headers.get("user-agent").and_then(|agent| agent.to_str().ok());
    agent.is_some_and(|agent| agent.contains(&format!("app/{OWN_NAME}")))
}

/// The action of a request to S3 (UG, "Actions, resources, and condition keys for Amazon S3").
fn storage_action(method: &Method, has_key: bool, query: &Query) -> &'static str {
    let has = |name: &str| query.contains_key(name);
    match (method.as_str(), has_key) {
        ("GET", true) if has("uploadId") => "s3:ListMultipartUploadParts",
        ("GET" | "HEAD", true) if has("versionId") => "s3:GetObjectVersion",
        ("GET" | "HEAD", true) => "s3:GetObject",
        ("PUT" | "POST", true) => "s3:PutObject",
        ("DELETE", true) if has("uploadId") => "s3:AbortMultipartUpload",
        ("DELETE", true) => "s3:DeleteObject",
        ("GET", false) if has("encryption") => "s3:GetEncryptionConfiguration",
        ("GET", false) if has("versioning") => "s3:GetBucketVersioning",
        ("GET", false) if has("lifecycle") => "s3:GetLifecycleConfiguration",
        ("GET", false) if has("inventory") => "s3:GetInventoryConfiguration",
        ("GET", false) if has("policy") => "s3:GetBucketPolicy",
        ("GET", false) if has("uploads") => "s3:ListBucketMultipartUploads",
        ("GET", false) if has("versions") => "s3:ListBucketVersions",
        ("GET" | "HEAD", false) => "s3:ListBucket",
        ("PUT", false) if has("encryption") => "s3:PutEncryptionConfiguration",
        ("PUT", false) if has("lifecycle") => "s3:PutLifecycleConfiguration",
        ("PUT", false) if has("inventory") => "s3:PutInventoryConfiguration",
        ("PUT", false) if has("policy") => "s3:PutBucketPolicy",
        // Allowed by nothing but `*`.
        _ => "s3:Unknown",
    }
}

/// A request for S3 Control.
fn control(
    shared: &Shared,
    signer: &Signer,
    parts: &Parts,
    body: &Payload,
) -> Result<Response<Body>, HttpError> {
    let cut = || Err(HttpError::new("the connection is cut".into()));
    let (cut_before, cut_after) = match weather(shared, parts) {
        Weather::Storm((status, code)) => {
            return Ok(wrapped_error(status, code, "Please reduce your request rate."));
        }
        Weather::Cut { before } => (before, !before),
        Weather::Fair => (false, false),
    };
    if cut_before {
        return cut();
    }
    if signer.region != REGION {
        let message = "the authorization header is malformed; the region is wrong";
        return Ok(wrapped_error(400, "AuthorizationHeaderMalformed", message));
    }
    let Some(call) = model::call(parts.method.as_str(), parts.uri.path()) else {
        return Ok(wrapped_error(405, "MethodNotAllowed", "there is no such operation"));
    };
    let text = String::from_utf8_lossy(body);
    let checked = MODEL.check_request(&call, parts, &text);
    let (status, answer) = match checked {
        Err(wrong) => refusal(400, "InvalidRequest", &wrong),
        Ok(()) if parts.headers["x-amz-account-id"] != ACCOUNT => {
            refusal(403, "AccessDenied", "the jobs are another account's")
        }
        Ok(()) => {
            let query = query(parts.uri.query().unwrap_or_default());
            batch::call(shared, &call, &query, &text)
        }
    };
    if let Err(wrong) = MODEL.check_answer(&call, status, &answer) {
        let fault = format!("{}: {wrong}: {answer}", call.name);
        shared.state.lock().unwrap().faults.push(fault);
    }
    if cut_after { cut() } else { Ok(xml(status, answer)) }
}

/// What a request to S3 Control meets on its way.
enum Weather {
    Fair,
    /// Refused for the load: status and code.
    Storm((u16, &'static str)),
    /// The connection is cut, before the request has an effect or after it.
    Cut {
        before: bool,
    },
}

fn weather(shared: &Shared, parts: &Parts) -> Weather {
    let options = &shared.options;
    let mut state = shared.state.lock().unwrap();
    state.control_requests.push(format!("{} {}", parts.method, parts.uri.path()));
    let count = state.control_requests.len() as u64;
    if let Some((from, lasts)) = options.storm
        && from == count
    {
        state.storm_until = Some(Instant::now() + lasts);
    }
    if state.storm_until.is_some_and(|until| Instant::now() < until) {
        return Weather::Storm((503, "ServiceUnavailable"));
    }
    let each = |every: u64| every > 0 && count.is_multiple_of(every);
    if each(options.throttle_every) {
        return Weather::Storm((503, "SlowDown"));
    }
    if each(options.cut_every) {
        return Weather::Cut { before: (count / options.cut_every).is_multiple_of(2) };
    }
    Weather::Fair
}

/// A request for S3.
async fn storage(
    shared: &Arc<Shared>,
    signer: &Signer,
    parts: Parts,
    body: Payload,
) -> Result<Response<Body>, HttpError> {
    let path = parts.uri.path().trim_start_matches('/').to_owned();
    let query = query(parts.uri.query().unwrap_or_default());
    let (bucket, key) = path.split_once('/').unwrap_or((&path, ""));
    let region = shared.state.lock().unwrap().regions.get(bucket).cloned();
    if let Some(region) = region.filter(|region| *region != signer.region) {
        let mut response = bare_error(301, "PermanentRedirect", "the bucket is in another region");
        if parts.method == Method::HEAD {
            *response.body_mut() = Body::empty();
        }
        response.headers_mut().insert("x-amz-bucket-region", region.parse().unwrap());
        return Ok(response);
    }
    let owner = parts.headers.get("x-amz-expected-bucket-owner");
    if owner.is_some_and(|owner| owner != ACCOUNT) {
        let mut response = bare_error(403, "AccessDenied", "the bucket is of another account");
        if parts.method == Method::HEAD {
            *response.body_mut() = Body::empty();
        }
        return Ok(response);
    }
    if key.is_empty()
        && let Some(response) =
            account::bucket_setting(shared, &parts.method, bucket, &query, &body)
    {
        return Ok(response);
    }
    note_upload(shared, &parts, bucket, key, &query);
    if parts.method == Method::GET && !key.is_empty() && !is_own(&parts) {
        shared.state.lock().unwrap().downloads.push(path.clone());
    }
    let encryption = match parts.method {
        Method::GET | Method::HEAD => encryption(shared, bucket, key),
        _ => None,
    };
    let is_head_bucket = parts.method == Method::HEAD && key.is_empty();
    // On a task of its own: S3 finishes a request whose sender goes away, once it is complete.
    let request = Request::from_parts(parts, Body::from(body));
    let own = Arc::clone(shared);
    let call = tokio::spawn(async move {
        if matches!(*request.method(), Method::GET | Method::HEAD) {
            let _held = own.objects.read().await;
            own.s3.call(request).await
        } else {
            let _held = own.objects.write().await;
            own.s3.call(request).await
        }
    });
    let mut response = call.await.unwrap()?;
    if is_head_bucket && response.status().is_success() {
        response.headers_mut().insert("x-amz-bucket-region", signer.region.parse().unwrap());
    }
    if let Some(how) = encryption.filter(|_| response.status().is_success()) {
        response.headers_mut().insert("x-amz-server-side-encryption", how.parse().unwrap());
    }
    Ok(response)
}

/// How an object is encrypted, as far as its upload said.
fn encryption(shared: &Shared, bucket: &str, key: &str) -> Option<String> {
    let state = shared.state.lock().unwrap();
    state.encryption.get(&format!("{bucket}/{key}")).filter(|how| !how.is_empty()).cloned()
}

fn note_upload(shared: &Shared, parts: &Parts, bucket: &str, key: &str, query: &Query) {
    let Parts { method, uri, headers, .. } = parts;
    let begins = *method == Method::POST && query.contains_key("uploads");
    if key.is_empty() || !(*method == Method::PUT || begins) {
        return;
    }
    let mut state = shared.state.lock().unwrap();
    state.uploads.push(format!("{method} {}", uri.path()));
    let key_id = headers.get("x-amz-server-side-encryption-aws-kms-key-id");
    if let Some(key_id) = key_id.and_then(|key_id| key_id.to_str().ok()) {
        state.object_keys.insert(format!("{bucket}/{key}"), key_id.to_owned());
    }
    // A part says nothing of encryption. Where nothing is said, the bucket's default holds, which
    // is SSE-S3 unless somebody chose another (UG, "Setting default server-side encryption").
    if !query.contains_key("partNumber") {
        let how = headers.get("x-amz-server-side-encryption").and_then(|how| how.to_str().ok());
        let default = state.settings.get(&(bucket.to_owned(), "encryption".to_owned()));
        let is_kms = default.is_some_and(|setting| setting.contains("aws:kms"));
        let how = how.unwrap_or(if is_kms { "aws:kms" } else { "AES256" }).to_owned();
        state.encryption.entry(format!("{bucket}/{key}")).or_insert(how);
    }
}

/// `AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, ...`
fn signer<E>(header: Result<&str, E>) -> Option<Signer> {
    let credential = header.ok()?.split("Credential=").nth(1)?.split(',').next()?;
    let mut parts = credential.split('/');
    let access_key = parts.next()?.to_owned();
    let region = parts.nth(1)?.to_owned();
    Some(Signer { access_key, region, service: parts.next()?.to_owned() })
}

/// The server knows one key. Others are refused by what they are called.
fn refused(signer: &Signer) -> Option<(u16, &'static str, &'static str)> {
    let sts = signer.service == "sts";
    Some(match signer.access_key.as_str() {
        ACCESS_KEY => return None,
        "EXPIRED" => (400, "ExpiredToken", "The provided token has expired."),
        "SKEWED" => (
            403,
            if sts { "SignatureDoesNotMatch" } else { "RequestTimeTooSkewed" },
            if sts {
                "Signature expired: 20300101T000000Z is now earlier than 20300101T010000Z"
            } else {
                "The difference between the request time and the current time is too large."
            },
        ),
        "DENIED" => (403, "AccessDenied", "Access Denied"),
        _ => (
            403,
            if sts { "InvalidClientTokenId" } else { "InvalidAccessKeyId" },
            "The AWS Access Key Id you provided does not exist in our records.",
        ),
    })
}

/// Decodes percent signs and plus signs, as forms have them.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [bytes.next()?, bytes.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            plain => plain,
        });
    }
    Some(decoded)
}

/// Decodes percent signs, as paths have them.
fn decode_path(path: &str) -> Vec<u8> {
    decode(&path.replace('+', "%2B")).unwrap_or_default()
}

pub fn query(text: &str) -> Query {
    let decoded =
        |text: &str| String::from_utf8(decode(text).unwrap_or_default()).unwrap_or_default();
    let pair = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (decoded(name), decoded(value))
    };
    text.split('&').filter(|part| !part.is_empty()).map(pair).collect()
}

/// The body of a request, for those that take bytes.
pub type Payload = Bytes;
