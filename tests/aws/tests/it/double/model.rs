//! AWS's own model of the calls, as a judge of both sides: every request that comes and every
//! answer that goes is held against it. Unknown and missing members, values of another type, of a
//! wrong length, outside a range, that miss a pattern or an enumeration: all are refused.
//!
//! `model.json` holds the facts; `tests/aws/model.py` takes them from botocore.
//!
//! Never knows what a job does. What AWS asks for beyond its model is in `rules`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use hyper::http::request::Parts;
use jiff::Timestamp;
use regex::Regex;
use roxmltree::{Document, Node};
use serde_json::Value;

use super::front::decode;

/// What is wrong with a request or an answer.
pub type Wrong = String;

/// Headers that any request to AWS may have, besides those of the model.
const COMMON_HEADERS: [&str; 4] =
    ["x-amz-content-sha256", "x-amz-date", "x-amz-security-token", "x-amz-user-agent"];

/// Codes of refusals that the model doesn't list for a call, and that AWS answers all the same:
/// those of access, of load, and what stands for the model's `NotFoundException` and
/// `BadRequestException` (UG, "Troubleshooting Batch Operations").
const COMMON_CODES: [&str; 7] = [
    "AccessDenied",
    "AuthorizationHeaderMalformed",
    "InvalidRequest",
    "MethodNotAllowed",
    "NoSuchJob",
    "ServiceUnavailable",
    "SlowDown",
];

/// The model.
pub struct Model {
    document: Value,
    patterns: BTreeMap<String, Regex>,
}

/// The model of the five calls.
pub static MODEL: LazyLock<Model> = LazyLock::new(|| {
    let document: Value = serde_json::from_str(include_str!("model.json")).unwrap();
    let shapes = document["shapes"].as_object().unwrap().values();
    let patterns = shapes.filter_map(|shape| shape["pattern"].as_str());
    // The service compares the whole of a value.
    let whole = |pattern: &str| Regex::new(&format!("^(?:{pattern})$")).unwrap();
    let patterns = patterns.map(|pattern| (pattern.to_owned(), whole(pattern))).collect();
    Model { document, patterns }
});

/// A call, and the part of its path that names a job.
pub struct Call {
    pub name: &'static str,
    pub job_id: Option<String>,
}

/// What a request asks for; `None` where no call has this method and path.
pub fn call(method: &str, path: &str) -> Option<Call> {
    let path: Vec<&str> = path.split('/').collect();
    let (name, job_id) = match (method, path.as_slice()) {
        ("POST", ["", "v20180820", "jobs"]) => ("CreateJob", None),
        ("GET", ["", "v20180820", "jobs"]) => ("ListJobs", None),
        ("GET", ["", "v20180820", "jobs", id]) => ("DescribeJob", Some(id)),
        ("POST", ["", "v20180820", "jobs", id, "status"]) => ("UpdateJobStatus", Some(id)),
        ("POST", ["", "v20180820", "jobs", id, "priority"]) => ("UpdateJobPriority", Some(id)),
        _ => return None,
    };
    let job_id = job_id.map(|id| String::from_utf8_lossy(&decode(id).unwrap()).into_owned());
    Some(Call { name, job_id })
}

impl Model {
    fn operation(&self, name: &str) -> &Value {
        &self.document["operations"][name]
    }

    fn shape(&self, name: &str) -> &Value {
        &self.document["shapes"][name]
    }

    /// Checks a request, with all that it says in its path, its headers, its query and its body.
    pub fn check_request(&self, call: &Call, parts: &Parts, body: &str) -> Result<(), Wrong> {
        let operation = self.operation(call.name);
        let members = self.shape(operation["input"].as_str().unwrap())["members"].as_object();
        let placed = Placed::read(call, parts)?;
        let mut wanted: BTreeSet<(&str, &str)> = BTreeSet::new();
        for (name, member) in members.unwrap() {
            let Some(location) = member["location"].as_str() else { continue };
            let place = (location, member["locationName"].as_str().unwrap());
            wanted.insert(place);
            let values = placed.values.get(&(place.0.to_owned(), place.1.to_owned()));
            match values.map(Vec::as_slice) {
                Some(values) => self.check_placed(member, name, values)?,
                None if self.is_required(operation["input"].as_str().unwrap(), name) => {
                    return Err(format!("{name} ({location} {}) is missing", place.1));
                }
                None => {}
            }
        }
        for (location, name) in placed.values.keys() {
            if !wanted.contains(&(location, name)) {
                return Err(format!("{} knows no {location} {name}", call.name));
            }
        }
        self.check_body(operation, body)
    }

    fn check_body(&self, operation: &Value, body: &str) -> Result<(), Wrong> {
        let Some(root) = operation["root"].as_str() else {
            return if body.is_empty() { Ok(()) } else { Err("a body, with no member".to_owned()) };
        };
        let document = Document::parse(body).map_err(|error| error.to_string())?;
        let namespace = operation["namespace"].as_str();
        let element = document.root_element();
        if element.tag_name().name() != root {
            return Err(format!("the body is not a {root}"));
        }
        if let Some(other) =
            element.descendants().find(|n| n.is_element() && n.tag_name().namespace() != namespace)
        {
            return Err(format!("{} is of another namespace", other.tag_name().name()));
        }
        self.check(operation["input"].as_str().unwrap(), element, root)
    }

    /// Checks an answer: its members where it tells of success, its code and message where not.
    pub fn check_answer(&self, call: &Call, status: u16, body: &str) -> Result<(), Wrong> {
        let operation = self.operation(call.name);
        let document = Document::parse(body).map_err(|error| error.to_string())?;
        let root = document.root_element();
        if (200..300).contains(&status) {
            let output = operation["output"].as_str().unwrap();
            if root.tag_name().name() != output {
                return Err(format!("the answer is not a {output}"));
            }
            return self.check(output, root, output);
        }
        let find = |name: &str| root.descendants().find(|node| node.tag_name().name() == name);
        let text = |name| find(name).and_then(|node| node.text()).unwrap_or_default();
        let code = text("Code");
        let errors = operation["errors"].as_array().unwrap();
        if !errors.iter().any(|error| error == code) && !COMMON_CODES.contains(&code) {
            return Err(format!("{} never fails with {code}", call.name));
        }
        self.check_scalar("ExceptionMessage", text("Message"), "Message")
    }

    fn is_required(&self, shape: &str, member: &str) -> bool {
        let required = self.shape(shape)["required"].as_array();
        required.is_some_and(|required| required.iter().any(|name| name == member))
    }

    /// Checks the values of a header, a part of the path, or a parameter of the query.
    fn check_placed(&self, member: &Value, name: &str, values: &[String]) -> Result<(), Wrong> {
        let shape = member["shape"].as_str().unwrap();
        let facts = self.shape(shape);
        if facts["type"] == "list" {
            let item = facts["member"]["shape"].as_str().unwrap();
            check_count(facts, values.len(), name)?;
            return values.iter().try_for_each(|value| self.check_scalar(item, value, name));
        }
        match values {
            [value] => self.check_scalar(shape, value, name),
            _ => Err(format!("{name} is given {} times", values.len())),
        }
    }

    /// Checks an element and all within it.
    fn check(&self, name: &str, node: Node<'_, '_>, path: &str) -> Result<(), Wrong> {
        let facts = self.shape(name);
        if let Some(attribute) = node.attributes().next() {
            return Err(format!("{path}: an attribute {}", attribute.name()));
        }
        match facts["type"].as_str().unwrap() {
            "structure" => self.check_structure(name, node, path),
            "list" => {
                let member = &facts["member"];
                let tag = member["locationName"].as_str().unwrap_or("member");
                let items = elements(node, path)?;
                check_count(facts, items.len(), path)?;
                for (place, item) in items.into_iter().enumerate() {
                    let path = format!("{path}[{place}]");
                    if item.tag_name().name() != tag {
                        return Err(format!("{path}: {} in a list", item.tag_name().name()));
                    }
                    self.check(member["shape"].as_str().unwrap(), item, &path)?;
                }
                Ok(())
            }
            "map" => self.check_map(facts, node, path),
            _ if node.children().any(|child| child.is_element()) => {
                Err(format!("{path}: members in a value"))
            }
            _ => self.check_scalar(name, node.text().unwrap_or_default(), path),
        }
    }

    fn check_structure(&self, name: &str, node: Node<'_, '_>, path: &str) -> Result<(), Wrong> {
        let facts = self.shape(name);
        let mut seen = BTreeSet::new();
        for child in elements(node, path)? {
            let tag = child.tag_name().name();
            let members = facts["members"].as_object().unwrap();
            let found = members.iter().find(|(name, member)| {
                member["location"].is_null()
                    && member["locationName"].as_str().unwrap_or(name.as_str()) == tag
            });
            let Some((name, member)) = found else {
                return Err(format!("{path}: an unknown member {tag}"));
            };
            if !seen.insert(name.as_str()) {
                return Err(format!("{path}: {tag} twice"));
            }
            self.check(member["shape"].as_str().unwrap(), child, &format!("{path}.{tag}"))?;
        }
        if facts["union"] == true && seen.len() != 1 {
            return Err(format!("{path}: {} members, of which one must be", seen.len()));
        }
        let empty = Vec::new();
        let mut required = facts["required"].as_array().unwrap_or(&empty).iter();
        let missing = required.find(|member| {
            let member = member.as_str().unwrap();
            facts["members"][member]["location"].is_null() && !seen.contains(member)
        });
        let name = missing.and_then(Value::as_str);
        name.map_or(Ok(()), |name| Err(format!("{path}: {name} is missing")))
    }

    fn check_map(&self, facts: &Value, node: Node<'_, '_>, path: &str) -> Result<(), Wrong> {
        let entries = elements(node, path)?;
        check_count(facts, entries.len(), path)?;
        for entry in entries {
            let parts = elements(entry, path)?;
            let tags: Vec<&str> = parts.iter().map(|part| part.tag_name().name()).collect();
            let tag = |part: &str| facts[part]["locationName"].as_str().unwrap_or(part).to_owned();
            if entry.tag_name().name() != "entry" || tags != [tag("key"), tag("value")] {
                return Err(format!("{path}: not an entry of a map"));
            }
            for (part, node) in ["key", "value"].into_iter().zip(parts) {
                self.check(facts[part]["shape"].as_str().unwrap(), node, path)?;
            }
        }
        Ok(())
    }

    fn check_scalar(&self, name: &str, value: &str, path: &str) -> Result<(), Wrong> {
        let facts = self.shape(name);
        let range = |number: i64| {
            let (min, max) = (facts["min"].as_i64(), facts["max"].as_i64());
            if min.is_some_and(|min| number < min) || max.is_some_and(|max| number > max) {
                return Err(format!("{path}: {number} is out of range"));
            }
            Ok(())
        };
        let no = |what: &str| format!("{path}: `{value}` is not {what}");
        match facts["type"].as_str().unwrap() {
            "integer" => range(value.parse::<i32>().map_err(|_| no("an integer"))?.into()),
            "long" => range(value.parse::<i64>().map_err(|_| no("a long"))?),
            "boolean" if ["true", "false"].contains(&value) => Ok(()),
            "boolean" => Err(no("a boolean")),
            "timestamp" => value.parse::<Timestamp>().map(|_| ()).map_err(|_| no("a timestamp")),
            "string" => {
                check_count(facts, value.chars().count(), path)?;
                let values = facts["enum"].as_array();
                if values.is_some_and(|values| !values.iter().any(|known| known == value)) {
                    return Err(no("one of the values"));
                }
                let pattern = facts["pattern"].as_str().map(|pattern| &self.patterns[pattern]);
                if pattern.is_some_and(|pattern| !pattern.is_match(value)) {
                    return Err(no("what the pattern asks for"));
                }
                Ok(())
            }
            other => Err(format!("{path}: a {other} where a value belongs")),
        }
    }
}

/// How many items or characters there may be.
fn check_count(facts: &Value, count: usize, path: &str) -> Result<(), Wrong> {
    let (min, max) = (facts["min"].as_u64().unwrap_or(0), facts["max"].as_u64());
    let count = count as u64;
    if count < min || max.is_some_and(|max| count > max) {
        return Err(format!("{path}: a length of {count}, not of {min} to {max:?}"));
    }
    Ok(())
}

/// The elements in one that holds nothing else.
fn elements<'a, 'i>(node: Node<'a, 'i>, path: &str) -> Result<Vec<Node<'a, 'i>>, Wrong> {
    let mut children = node.children();
    if children.any(|child| child.is_text() && !child.text().unwrap_or_default().trim().is_empty())
    {
        return Err(format!("{path}: text between members"));
    }
    Ok(node.children().filter(Node::is_element).collect())
}

/// What a request says outside its body: values by location and name.
struct Placed {
    values: BTreeMap<(String, String), Vec<String>>,
}

impl Placed {
    fn read(call: &Call, parts: &Parts) -> Result<Self, Wrong> {
        let mut values: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
        let mut add = |location: &str, name: &str, value: String| {
            values.entry((location.to_owned(), name.to_owned())).or_default().push(value);
        };
        for (name, value) in &parts.headers {
            let name = name.as_str();
            if name.starts_with("x-amz-") && !COMMON_HEADERS.contains(&name) {
                add("header", name, value.to_str().map_err(|error| error.to_string())?.to_owned());
            }
        }
        let text = |text: &str| {
            let bytes = decode(text).ok_or(format!("{text} can't be decoded"))?;
            String::from_utf8(bytes).map_err(|error| error.to_string())
        };
        for part in parts.uri.query().unwrap_or_default().split('&').filter(|part| !part.is_empty())
        {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            // Which call this is, in words: the SDKs for some languages add it.
            if name != "x-id" {
                add("querystring", &text(name)?, text(value)?);
            }
        }
        if let Some(id) = &call.job_id {
            add("uri", "id", id.clone());
        }
        Ok(Self { values })
    }
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;
    use crate::double::ACCOUNT;

    const XMLNS: &str = "http://awss3control.amazonaws.com/doc/2018-08-20/";

    /// A request as the program sends it, but for what is in a test's mind to change.
    const GOOD: &str = "<Operation><S3PutObjectCopy><TargetResource>arn:aws:s3:::demo\
        </TargetResource></S3PutObjectCopy></Operation><Report>\
        <Bucket>arn:aws:s3:::reports</Bucket><Enabled>true</Enabled><Format>Report_CSV_20180820\
</Format><ReportScope>AllTasks\
        </ReportScope></Report><ClientRequestToken>token</ClientRequestToken><Manifest><Spec>\
        <Format>S3BatchOperations_CSV_20180820</Format><Fields><member>Bucket</member><member>Key\
        </member></Fields></Spec><Location><ObjectArn>arn:aws:s3:::manifests/a.csv</ObjectArn>\
        <ETag>\"e\"</ETag></Location></Manifest><Priority>10</Priority>\
        <RoleArn>arn:aws:iam::111122223333:role/batch</RoleArn>";

    fn checked(method: &str, target: &str, account: &str, body: &str) -> Result<(), Wrong> {
        let request = Request::builder()
            .method(method)
            .uri(format!("http://localhost{target}"))
            .header("x-amz-account-id", account)
            .body(())
            .unwrap();
        let (parts, ()) = request.into_parts();
        let call = call(method, parts.uri.path()).unwrap();
        MODEL.check_request(&call, &parts, body)
    }

    fn create(body: &str) -> Result<(), Wrong> {
        let body = format!("<CreateJobRequest xmlns=\"{XMLNS}\">{body}</CreateJobRequest>");
        checked("POST", "/v20180820/jobs", ACCOUNT, &body)
    }

    #[track_caller]
    fn refused(result: Result<(), Wrong>, because: &str) {
        let wrong = result.expect_err(because);
        assert!(wrong.contains(because), "{wrong}");
    }

    #[test]
    fn requests_are_held_against_the_model() {
        create(GOOD).unwrap();
        for (from, to, because) in [
            ("<Priority>", "<Colour>red</Colour><Priority>", "an unknown member Colour"),
            ("<Priority>10</Priority>", "", "Priority is missing"),
            ("<Priority>10<", "<Priority>-1<", "-1 is out of range"),
            ("<Priority>10<", "<Priority>ten<", "`ten` is not an integer"),
            ("<Priority>", "<Priority>3</Priority><Priority>", "Priority twice"),
            ("<Enabled>true", "<Enabled>yes", "not a boolean"),
            ("<ETag>\"e\"</ETag>", "", "ETag is missing"),
            ("Report_CSV_20180820", "Report_CSV_20260101", "not one of the values"),
            (">token<", "><", "a length of 0"),
            ("arn:aws:iam::111122223333:role", "arn:aws:iam::1:role", "the pattern"),
            ("arn:aws:s3:::reports", "reports", "the pattern"),
            ("<member>Key", "<field>Key</field><member>Key", "field in a list"),
            ("<Priority>", "words<Priority>", "text between members"),
            ("<Priority>", "<Priority xmlns=\"other\">", "another namespace"),
            ("<Enabled>", "<Enabled a=\"b\">", "an attribute a"),
        ] {
            assert!(GOOD.contains(from), "{from}");
            refused(create(&GOOD.replacen(from, to, 1)), because);
        }
        let token = "t".repeat(65);
        refused(create(&GOOD.replace(">token<", &format!(">{token}<"))), "a length of 65");
        // The order of members is free.
        let (operation, rest) = GOOD.split_once("<Report>").unwrap();
        create(&format!("<Report>{rest}{operation}")).unwrap();
    }

    #[test]
    fn what_stands_outside_the_body_is_checked_too() {
        let get = |target: &str| checked("GET", target, ACCOUNT, "");
        get("/v20180820/jobs?jobStatuses=Active&jobStatuses=New&maxResults=1000").unwrap();
        refused(get("/v20180820/jobs?jobStatuses=Idle"), "not one of the values");
        refused(get("/v20180820/jobs?maxResults=1001"), "out of range");
        refused(get("/v20180820/jobs?MaxResults=10"), "knows no querystring MaxResults");
        refused(get("/v20180820/jobs/x"), "a length of 1");
        refused(checked("GET", "/v20180820/jobs", "42", ""), "the pattern");
        refused(checked("GET", "/v20180820/jobs", ACCOUNT, "<a/>"), "a body");
        let post = |target: &str| checked("POST", target, ACCOUNT, "");
        post("/v20180820/jobs/12345/status?requestedJobStatus=Ready").unwrap();
        refused(post("/v20180820/jobs/12345/status"), "RequestedJobStatus");
        refused(post("/v20180820/jobs/12345/status?requestedJobStatus=Active"), "values");
        refused(post("/v20180820/jobs/12345/priority?priority=1&priority=2"), "2 times");
    }

    #[test]
    fn answers_are_held_against_the_model() {
        let describe = call("GET", "/v20180820/jobs/12345").unwrap();
        let answer = |status, inner: &str| MODEL.check_answer(&describe, status, inner);
        let job = |inner: &str| {
            let root = "DescribeJobResult";
            answer(200, &format!("<{root} xmlns=\"{XMLNS}\"><Job>{inner}</Job></{root}>"))
        };
        job("<JobId>12345</JobId><Status>Active</Status>").unwrap();
        refused(job("<JobId>1</JobId>"), "a length of 1");
        refused(job("<Status>Done</Status>"), "not one of the values");
        refused(job("<CreationTime>yesterday</CreationTime>"), "not a timestamp");
        let error = |code: &str, message: &str| {
            let text = format!("<Code>{code}</Code><Message>{message}</Message>");
            answer(404, &format!("<ErrorResponse><Error>{text}</Error></ErrorResponse>"))
        };
        error("NotFoundException", "no such job").unwrap();
        refused(error("IdempotencyException", "no"), "never fails with");
        refused(error("NotFoundException", ""), "a length of 0");
    }
}
