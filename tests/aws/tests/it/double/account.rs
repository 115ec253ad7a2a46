//! What the S3 server in process lacks, kept as it was put: settings of buckets (encryption,
//! versioning, lifecycle, inventory), `GetCallerIdentity` of STS, and four calls of IAM.

use std::fmt::Write as _;

use hyper::{Method, Response};
use s3s::Body;

use super::ACCOUNT;
use super::front::{Payload, Query, Shared, query};
use super::state::{Role, State};
use super::wire::{bare_error, wrapped_error, xml};

/// Subresources of a bucket, and what is answered where nothing was put.
const SETTINGS: [(&str, Result<&str, &str>); 4] = [
    (
        "encryption",
        Ok("<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>\
            <SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault>\
            <BucketKeyEnabled>false</BucketKeyEnabled></Rule></ServerSideEncryptionConfiguration>"),
    ),
    ("versioning", Ok("<VersioningConfiguration/>")),
    ("lifecycle", Err("NoSuchLifecycleConfiguration")),
    ("inventory", Err("NoSuchConfiguration")),
];

/// Answers a request for a setting of a bucket; `None` where it is for something else.
pub fn bucket_setting(
    shared: &Shared,
    method: &Method,
    bucket: &str,
    query: &Query,
    body: &Payload,
) -> Option<Response<Body>> {
    let (name, unset) = SETTINGS.iter().find(|(name, _)| query.contains_key(*name))?;
    let mut state = shared.state.lock().unwrap();
    if !state.regions.contains_key(bucket) {
        return Some(bare_error(404, "NoSuchBucket", "The specified bucket does not exist"));
    }
    let place = match query.get("id") {
        Some(id) => format!("{name}&id={id}"),
        None => (*name).to_owned(),
    };
    let place = (bucket.to_owned(), place);
    Some(match *method {
        Method::PUT => {
            state.settings.insert(place, String::from_utf8_lossy(body).into_owned());
            xml(200, String::new())
        }
        Method::GET => match (state.settings.get(&place), unset) {
            (Some(text), _) => xml(200, text.clone()),
            (None, Ok(text)) => xml(200, (*text).to_owned()),
            (None, Err(code)) => bare_error(404, code, "there is no such configuration"),
        },
        _ => bare_error(405, "MethodNotAllowed", "there is no such operation"),
    })
}

/// STS and IAM: a form in, XML out.
pub fn call(shared: &Shared, body: &Payload) -> Response<Body> {
    let form = query(&String::from_utf8_lossy(body));
    let field = |name: &str| form.get(name).cloned().unwrap_or_default();
    let action = field("Action");
    let denied = |name: &&'static str| name.split(':').nth(1) == Some(action.as_str());
    if shared.options.denied.iter().any(denied) {
        return wrapped_error(403, "AccessDenied", "not authorized");
    }
    let mut state = shared.state.lock().unwrap();
    let name = field("RoleName");
    let missing = || wrapped_error(404, "NoSuchEntity", "The role or policy cannot be found.");
    match action.as_str() {
        "GetCallerIdentity" => result(
            &action,
            &format!(
                "<Arn>arn:aws:iam::{ACCOUNT}:user/test</Arn><UserId>AIDA</UserId>\
                 <Account>{ACCOUNT}</Account>"
            ),
        ),
        "GetRole" => match state.roles.get(&name) {
            Some(role) => result(&action, &described(&name, role)),
            None => missing(),
        },
        "CreateRole" if state.roles.contains_key(&name) => {
            wrapped_error(409, "EntityAlreadyExists", "the role exists")
        }
        "CreateRole" => {
            let role = Role { trust: field("AssumeRolePolicyDocument"), ..Role::default() };
            let text = described(&name, &role);
            state.roles.insert(name, role);
            result(&action, &text)
        }
        "GetRolePolicy" => {
            policy(&state, &action, &name, &field("PolicyName")).unwrap_or_else(missing)
        }
        "PutRolePolicy" => match state.roles.get_mut(&name) {
            Some(role) => {
                role.policies.insert(field("PolicyName"), field("PolicyDocument"));
                result(&action, "")
            }
            None => missing(),
        },
        "UpdateAssumeRolePolicy" => match state.roles.get_mut(&name) {
            Some(role) => {
                role.trust = field("PolicyDocument");
                result(&action, "")
            }
            None => missing(),
        },
        _ => wrapped_error(400, "InvalidAction", "there is no such action"),
    }
}

fn policy(state: &State, action: &str, role: &str, name: &str) -> Option<Response<Body>> {
    let document = state.roles.get(role)?.policies.get(name)?;
    let document = encoded(document);
    Some(result(
        action,
        &format!(
            "<RoleName>{role}</RoleName><PolicyName>{name}</PolicyName>\
             <PolicyDocument>{document}</PolicyDocument>"
        ),
    ))
}

fn described(name: &str, role: &Role) -> String {
    format!(
        "<Role><Path>/</Path><RoleName>{name}</RoleName><RoleId>AROA</RoleId>\
         <Arn>arn:aws:iam::{ACCOUNT}:role/{name}</Arn><CreateDate>2026-01-01T00:00:00Z</CreateDate>\
         <AssumeRolePolicyDocument>{}</AssumeRolePolicyDocument></Role>",
        encoded(&role.trust)
    )
}

/// Documents come percent-encoded, as IAM sends them.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut all, byte| {
        if byte.is_ascii_alphanumeric() {
            all.push(char::from(byte));
        } else {
            write!(all, "%{byte:02X}").unwrap();
        }
        all
    })
}

fn result(action: &str, inner: &str) -> Response<Body> {
    xml(
        200,
        format!(
            "<{action}Response><{action}Result>{inner}</{action}Result>\
             <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></{action}Response>"
        ),
    )
}
