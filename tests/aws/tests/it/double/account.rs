//! What the S3 server in process lacks, kept as it was put: settings of buckets (encryption,
//! versioning, lifecycle, inventory, policy), `GetCallerIdentity` of STS, and six calls of IAM.

use std::fmt::Write as _;

use hyper::{Method, Response};
use roxmltree::{Document, Node};
use s3s::Body;

use super::ACCOUNT;
use super::front::{Payload, Query, Shared, query};
use super::state::{Role, State};
use super::wire::{bare_error, wrapped_error, xml};

/// Characters of a role's inline policies together, white space aside.
const INLINE_CHARS_MAX: usize = 10_240;

/// Names of inline policies in an answer.
const NAMES_PER_PAGE: usize = 2;

/// Subresources of a bucket, how actions on them are called, and what is answered where nothing was
/// put.
const SETTINGS: [(&str, &str, Result<&str, &str>); 5] = [
    (
        "encryption",
        "EncryptionConfiguration",
        Ok("<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>\
            <SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault>\
            <BucketKeyEnabled>false</BucketKeyEnabled></Rule></ServerSideEncryptionConfiguration>"),
    ),
    ("versioning", "BucketVersioning", Ok("<VersioningConfiguration/>")),
    ("lifecycle", "LifecycleConfiguration", Err("NoSuchLifecycleConfiguration")),
    ("inventory", "InventoryConfiguration", Err("NoSuchConfiguration")),
    ("policy", "BucketPolicy", Err("NoSuchBucketPolicy")),
];

/// Answers a request for a setting of a bucket; `None` where it is for something else.
pub fn bucket_setting(
    shared: &Shared,
    method: &Method,
    bucket: &str,
    query: &Query,
    body: &Payload,
) -> Option<Response<Body>> {
    let (name, called, unset) = SETTINGS.iter().find(|(name, ..)| query.contains_key(*name))?;
    let verb = if *method == Method::PUT { "Put" } else { "Get" };
    let action = format!("s3:{verb}{called}");
    if shared.options.denied.iter().any(|denied| *denied == action) {
        return Some(bare_error(403, "AccessDenied", "Access Denied"));
    }
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
            let text = String::from_utf8_lossy(body).into_owned();
            if let Some((code, message)) = wrong_setting(name, query, &text) {
                return Some(bare_error(400, code, message));
            }
            state.settings.insert(place, text);
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

/// What S3 would refuse of a setting.
fn wrong_setting(name: &str, query: &Query, text: &str) -> Option<(&'static str, &'static str)> {
    if name == "policy" {
        let known = serde_json::from_str::<serde_json::Value>(text);
        return known.is_err().then_some(("MalformedPolicy", "the policy is not JSON"));
    }
    let Ok(document) = Document::parse(text) else {
        return Some(("MalformedXML", "The XML you provided was not well-formed"));
    };
    let root = document.root_element();
    let has = |node: Node<'_, '_>, name: &str| {
        node.children().any(|child| child.tag_name().name() == name)
    };
    match name {
        "inventory" => {
            let id = root.children().find(|child| child.tag_name().name() == "Id");
            let id = id.and_then(|id| id.text());
            (id != query.get("id").map(String::as_str))
                .then_some(("InvalidArgument", "the id is another than the request's"))
        }
        "lifecycle" => {
            let rules = || root.children().filter(|child| child.tag_name().name() == "Rule");
            let mixed =
                rules().any(|rule| has(rule, "Filter")) && rules().any(|rule| has(rule, "Prefix"));
            mixed.then_some((
                "InvalidRequest",
                "Base level prefix cannot be used in Lifecycle V2, prefixes are only supported in \
                 the Filter.",
            ))
        }
        _ => None,
    }
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
            let trust = field("AssumeRolePolicyDocument");
            let role = Role { trust, path: field("Path"), ..Role::default() };
            let text = described(&name, &role);
            state.roles.insert(name, role);
            result(&action, &text)
        }
        "GetRolePolicy" => {
            policy(&state, &action, &name, &field("PolicyName")).unwrap_or_else(missing)
        }
        "ListRolePolicies" => match state.roles.get(&name) {
            Some(role) => result(&action, &listed(role, &field("Marker"))),
            None => missing(),
        },
        "PutRolePolicy" => match state.roles.get_mut(&name) {
            Some(role) => put_policy(role, field("PolicyName"), field("PolicyDocument"))
                .unwrap_or_else(|| result(&action, "")),
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

/// Names of inline policies, a few at a time.
fn listed(role: &Role, marker: &str) -> String {
    let done: usize = marker.parse().unwrap_or_default();
    let names = role.policies.keys().skip(done).take(NAMES_PER_PAGE);
    let names: String = names.map(|name| format!("<member>{name}</member>")).collect();
    let next = done + NAMES_PER_PAGE;
    let more = next < role.policies.len();
    let marker = if more { format!("<Marker>{next}</Marker>") } else { String::new() };
    format!("<PolicyNames>{names}</PolicyNames><IsTruncated>{more}</IsTruncated>{marker}")
}

/// Puts an inline policy, if the role has room for it; else, the refusal.
fn put_policy(role: &mut Role, name: String, document: String) -> Option<Response<Body>> {
    let chars = |text: &String| text.chars().filter(|c| !c.is_whitespace()).count();
    let others = role.policies.iter().filter(|(other, _)| **other != name);
    let all = others.map(|(_, other)| chars(other)).sum::<usize>() + chars(&document);
    if all > INLINE_CHARS_MAX {
        let message = "Maximum policy size of 10240 bytes exceeded for the role";
        return Some(wrapped_error(409, "LimitExceeded", message));
    }
    role.policies.insert(name, document);
    None
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
    let path = if role.path.is_empty() { "/" } else { &role.path };
    format!(
        "<Role><Path>{path}</Path><RoleName>{name}</RoleName><RoleId>AROA</RoleId>\
         <Arn>arn:aws:iam::{ACCOUNT}:role{path}{name}</Arn>\
         <CreateDate>2026-01-01T00:00:00Z</CreateDate>\
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
