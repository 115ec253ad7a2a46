//! The one port: who a request is for, whether its credentials are let in, and what the S3 server
//! lacks of regions.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use ground::ACCESS_KEY;
use http_body_util::BodyExt;
use hyper::body::{Bytes, Incoming};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response};
use s3s::service::S3Service;
use s3s::{Body, HttpError};
use tokio::sync::RwLock;

use super::state::{Options, State};
use super::wire::{bare_error, wrapped_error};
use super::{REGION, account, batch};

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
    if let Some((status, code, message)) = refused(&signer) {
        let refuse = if is_control || is_account { wrapped_error } else { bare_error };
        return Ok(refuse(status, code, message));
    }
    if is_account {
        return Ok(account::call(shared, &body));
    }
    if is_control {
        return Ok(control(shared, &signer, &parts, &body));
    }
    storage(shared, &signer, parts, body).await
}

/// A request for S3 Control.
fn control(shared: &Shared, signer: &Signer, parts: &Parts, body: &Payload) -> Response<Body> {
    if signer.region != REGION {
        let message = "the authorization header is malformed; the region is wrong";
        return wrapped_error(400, "AuthorizationHeaderMalformed", message);
    }
    if parts.headers.get("x-amz-account-id").is_none_or(|id| id != super::ACCOUNT) {
        return wrapped_error(400, "InvalidRequest", "x-amz-account-id is missing or wrong");
    }
    let query = query(parts.uri.query().unwrap_or_default());
    let text = String::from_utf8_lossy(body);
    batch::call(shared, &parts.method, parts.uri.path(), &query, &text)
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
    if owner.is_some_and(|owner| owner != super::ACCOUNT) {
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
    Ok(response)
}

fn note_upload(shared: &Shared, parts: &Parts, bucket: &str, key: &str, query: &Query) {
    let Parts { method, uri, headers, .. } = parts;
    let begins = *method == Method::POST && query.contains_key("uploads");
    if key.is_empty() || !(*method == Method::PUT || begins) {
        return;
    }
    let mut state = shared.state.lock().unwrap();
    state.uploads.push(format!("{method} {}", uri.path()));
    // A part says nothing of encryption.
    if !query.contains_key("partNumber") {
        let how = headers.get("x-amz-server-side-encryption").and_then(|how| how.to_str().ok());
        let how = how.unwrap_or_default().to_owned();
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
