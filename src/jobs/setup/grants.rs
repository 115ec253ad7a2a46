//! What policies grant: whether one covers another, and one added to another.
//!
//! It is told from statements that allow, as far as their texts go. Where that says nothing (other
//! conditions, `NotAction`, variables), a statement covers nothing, and what is wanted is added.

use serde_json::{Map, Value, json};

use crate::jobs::role::one_or_many;

/// A `*` that stands for itself.
const LITERAL_STAR: &str = "${*}";

/// The statements of a policy.
pub(super) fn statements(policy: &Value) -> Vec<&Value> {
    one_or_many(&policy["Statement"])
}

/// A policy with statements added.
pub(super) fn added(policy: &Value, more: &[&Value]) -> Value {
    let mut whole = policy.clone();
    whole["Statement"] =
        statements(policy).into_iter().chain(more.iter().copied()).cloned().collect();
    whole
}

/// Whether statements allow all that another does.
pub(super) fn cover(granting: &[&Value], asked: &Value) -> bool {
    let pairs = one_or_many(&asked["Action"]).into_iter().flat_map(|action| {
        one_or_many(&asked["Resource"]).into_iter().map(move |resource| (action, resource))
    });
    let mut pairs = pairs.peekable();
    pairs.peek().is_some()
        && pairs.all(|(action, resource)| {
            granting.iter().any(|statement| allows(statement, action, resource, asked))
        })
}

fn allows(statement: &Value, action: &Value, resource: &Value, asked: &Value) -> bool {
    let any = |member: &str, wanted: &Value, without_case: bool| {
        one_or_many(&statement[member]).into_iter().any(|pattern| {
            let (Some(pattern), Some(wanted)) = (pattern.as_str(), wanted.as_str()) else {
                return false;
            };
            if without_case {
                matches(&pattern.to_ascii_lowercase(), &wanted.to_ascii_lowercase())
            } else {
                matches(pattern, wanted)
            }
        })
    };
    statement["Effect"] == "Allow"
        && one_or_many(&statement["Principal"]) == one_or_many(&asked["Principal"])
        && any("Action", action, true)
        && any("Resource", resource, false)
        && is_met(&statement["Condition"], &asked["Condition"])
}

/// The condition of a policy that denies what doesn't come by TLS, which all that S3 and jobs do
/// comes by.
fn is_plain_http(condition: &Value) -> bool {
    let values = one_or_many(&condition["Bool"]["aws:SecureTransport"]);
    *condition == json!({"Bool": {"aws:SecureTransport": condition["Bool"]["aws:SecureTransport"]}})
        && values.iter().all(|value| **value == "false" || **value == false)
}

/// The statements that deny some of what another asks for, each as a text for a warning. Where it
/// can't be told, it is told as if they did.
pub(super) fn denials(policy: &Value, asked: &Value) -> Vec<String> {
    let all = statements(policy).into_iter().enumerate();
    let denying = all.filter(|(_, statement)| {
        statement["Effect"] == "Deny"
            && !is_plain_http(&statement["Condition"])
            && speaks_to(statement, asked)
            && ["Action", "Resource"].into_iter().all(|member| meets(statement, asked, member))
    });
    denying
        .map(|(number, statement)| {
            let name = match statement["Sid"].as_str().filter(|sid| !sid.is_empty()) {
                Some(sid) => format!("statement {sid} denies it"),
                None => format!("statement {} denies it", number + 1),
            };
            match &statement["Condition"] {
                Value::Null => name,
                condition => format!("{name} where {condition}"),
            }
        })
        .collect()
}

/// Whether a statement that denies may be about who another is about.
fn speaks_to(statement: &Value, asked: &Value) -> bool {
    let principal = &statement["Principal"];
    let services = one_or_many(&principal["Service"]);
    !statement["NotPrincipal"].is_null()
        || principal == &asked["Principal"]
        || principal == "*"
        || one_or_many(&principal["AWS"]).iter().any(|name| **name == "*")
        || one_or_many(&asked["Principal"]["Service"]).iter().any(|name| services.contains(name))
}

/// Whether a statement's actions or resources may be some of another's.
fn meets(statement: &Value, asked: &Value, member: &str) -> bool {
    if statement[member].is_null() {
        return true;
    }
    let texts = |value: &Value| -> Vec<String> {
        let texts = one_or_many(value).into_iter().filter_map(Value::as_str);
        let texts = texts.map(|text| text.replace('?', "*"));
        texts.map(|text| if member == "Action" { text.to_lowercase() } else { text }).collect()
    };
    let wanted = texts(&asked[member]);
    wanted.is_empty()
        || texts(&statement[member]).iter().any(|denied| {
            wanted.iter().any(|wanted| matches(denied, wanted) || matches(wanted, denied))
        })
}

/// Whether a condition holds wherever another does: it is the same, or names more values where one
/// of them is enough.
fn is_met(granting: &Value, asked: &Value) -> bool {
    const ONE_IS_ENOUGH: [&str; 3] = ["StringEquals", "ArnLike", "ArnEquals"];
    let Some(operators) = granting.as_object() else { return granting.is_null() };
    operators.iter().all(|(operator, keys)| {
        keys.as_object().is_some_and(|keys| {
            keys.iter().all(|(key, values)| {
                let wanted = one_or_many(&asked[operator][key]);
                let given = one_or_many(values);
                let more = ONE_IS_ENOUGH.contains(&operator.as_str())
                    && !wanted.is_empty()
                    && wanted.iter().all(|value| given.contains(value));
                more || (!wanted.is_empty() && wanted == given)
            })
        })
    })
}

/// Whether a pattern of a policy covers a text, which may be a pattern too. Only `*` stands for
/// something else, unless it is written `${*}`; a `?` is taken for itself, which errs on the safe
/// side.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    /// Stands for `${*}`; no key in a policy of ours, and no action, holds it.
    const STAR: &str = "\u{1}";
    if pattern.contains(LITERAL_STAR) || text.contains(LITERAL_STAR) {
        let plain = |text: &str| text.replace(LITERAL_STAR, STAR);
        return matches(&plain(pattern), &plain(text));
    }
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(head) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let tail = parts.pop().unwrap_or_default();
    for part in parts {
        let Some((_, behind)) = text.split_once(part) else { return false };
        text = behind;
    }
    text.ends_with(tail)
}

/// A policy that grants what another does too. Statements of the same `Sid` are made one, where
/// they differ only in what they list.
///
/// # Errors
/// The `Sid` of a statement that somebody changed so that it can't be added to.
pub(super) fn merged(policy: &Value, wanted: &Value) -> Result<Value, String> {
    let mut whole: Vec<Value> = statements(policy).into_iter().cloned().collect();
    for statement in statements(wanted) {
        if cover(&whole.iter().collect::<Vec<_>>(), statement) {
            continue;
        }
        match whole.iter_mut().find(|own| own["Sid"] == statement["Sid"]) {
            None => whole.push(statement.clone()),
            Some(own) => add_to(own, statement)
                .ok_or_else(|| statement["Sid"].as_str().unwrap_or_default().to_owned())?,
        }
    }
    let mut merged = policy.clone();
    merged["Statement"] = whole.into();
    Ok(merged)
}

fn add_to(own: &mut Value, more: &Value) -> Option<()> {
    let known = ["Sid", "Effect", "Action", "Resource", "Condition"];
    let is_known = own.as_object()?.keys().all(|member| known.contains(&member.as_str()));
    if !is_known || own["Effect"] != "Allow" {
        return None;
    }
    if !own["Condition"].is_null() {
        own["Condition"] = either_condition(&own["Condition"], &more["Condition"])?;
    }
    for member in ["Action", "Resource"] {
        own[member] = either(&own[member], &more[member]);
    }
    Some(())
}

/// A condition that holds wherever one of two does; both must be of `StringEquals` on one key.
fn either_condition(one: &Value, other: &Value) -> Option<Value> {
    if one == other {
        return Some(one.clone());
    }
    let keys = |condition: &Value| -> Option<Map<String, Value>> {
        let operators = condition.as_object()?;
        (operators.len() == 1).then(|| operators.get("StringEquals")?.as_object().cloned())?
    };
    let (one, other) = (keys(one)?, keys(other)?);
    if one.len() != 1 || !one.keys().eq(other.keys()) {
        return None;
    }
    let values: Map<String, Value> =
        one.iter().map(|(key, values)| (key.clone(), either(values, &other[key]))).collect();
    Some(json!({"StringEquals": values}))
}

/// The values of both, each once.
fn either(one: &Value, other: &Value) -> Value {
    let mut values = one_or_many(one);
    let known = values.clone();
    values.extend(one_or_many(other).into_iter().filter(|value| !known.contains(value)));
    values.into_iter().cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_cover_texts_and_narrower_patterns() {
        for (pattern, text, covers) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
            ("arn:aws:s3:::b/*", "arn:aws:s3:::b/plan-1/*", true),
            ("arn:aws:s3:::b/plan-1/*", "arn:aws:s3:::b/*", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c", false),
            ("ab*ba", "aba", false),
            ("?", "a", false),
            ("b/a${*}/*", "b/a${*}/*", true),
            ("b/a${*}/*", "b/a${?}/*", false),
            ("b/*", "b/a${*}/*", true),
        ] {
            assert_eq!(matches(pattern, text), covers, "{pattern} {text}");
        }
    }

    fn statement(action: &[&str], resource: &[&str], account: &[&str]) -> Value {
        json!({"Sid": "S", "Effect": "Allow", "Action": action, "Resource": resource,
               "Condition": {"StringEquals": {"s3:ResourceAccount": account}}})
    }

    #[test]
    fn statements_cover_what_they_allow_under_the_same_conditions() {
        let asked = statement(&["s3:GetObject"], &["arn:aws:s3:::b/p/*"], &["1"]);
        let covers = |granting: Value| cover(&[&granting], &asked);
        assert!(covers(asked.clone()));
        assert!(covers(statement(&["S3:Get*"], &["arn:aws:s3:::c", "arn:aws:s3:::b/*"], &["1"])));
        assert!(covers(statement(&["s3:*"], &["*"], &["2", "1"])));
        assert!(covers(json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*"})));
        assert!(!covers(statement(&["s3:PutObject"], &["*"], &["1"])));
        assert!(!covers(statement(&["s3:*"], &["arn:aws:s3:::b/p/q/*"], &["1"])));
        assert!(!covers(statement(&["s3:*"], &["*"], &["2"])));
        let mut denied = asked.clone();
        denied["Effect"] = json!("Deny");
        assert!(!covers(denied));
        let mut narrower = asked.clone();
        narrower["Condition"]["IpAddress"] = json!({"aws:SourceIp": "10.0.0.0/8"});
        assert!(!covers(narrower));
        assert!(!covers(json!({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"})));
    }

    #[test]
    fn statements_that_deny_are_named() {
        let asked = statement(&["s3:GetObject", "s3:PutObject"], &["arn:aws:s3:::b/p/*"], &["1"]);
        let of = |denying: Value| denials(&json!({"Statement": [{}, denying]}), &asked);
        let deny = |act: &str, on: &str| json!({"Effect": "Deny", "Action": act, "Resource": on});
        assert_eq!(of(deny("S3:Put*", "*")), ["statement 2 denies it"]);
        assert_eq!(of(deny("*", "arn:aws:s3:::b/p/q/*")), ["statement 2 denies it"]);
        assert_eq!(of(deny("s3:?etObject", "*")), ["statement 2 denies it"]);
        let mut named = deny("s3:*", "*");
        named["Sid"] = json!("No");
        named["Condition"] = json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}});
        let text = "statement No denies it where {\"IpAddress\":{\"aws:SourceIp\":\"10.0.0.0/8\"}}";
        assert_eq!(of(named.clone()), [text]);
        named["Condition"] = json!({"Bool": {"aws:SecureTransport": "false"}});
        assert!(of(named.clone()).is_empty());
        assert!(of(deny("s3:DeleteObject", "*")).is_empty());
        assert!(of(deny("s3:*", "arn:aws:s3:::c/*")).is_empty());
        assert_eq!(of(json!({"Effect": "Deny", "NotAction": "iam:*", "Resource": "*"})).len(), 1);
        named["Effect"] = json!("Allow");
        assert!(of(named).is_empty());
    }

    #[test]
    fn a_policy_grows_by_what_it_lacks() {
        let policy = |statement: &Value| json!({"Version": "2012-10-17", "Statement": [statement]});
        let one = policy(&statement(&["s3:GetObject"], &["arn:aws:s3:::b/*"], &["1"]));
        assert_eq!(merged(&one, &one).unwrap(), one);
        let more = policy(&statement(&["s3:PutObject"], &["arn:aws:s3:::b/*"], &["1", "2"]));
        let both = policy(&statement(
            &["s3:GetObject", "s3:PutObject"],
            &["arn:aws:s3:::b/*"],
            &["1", "2"],
        ));
        assert_eq!(merged(&one, &more).unwrap(), both);
        let mut edited = one.clone();
        edited["Statement"][0]["NotResource"] = json!("x");
        assert_eq!(merged(&edited, &more).unwrap_err(), "S");
    }

    #[test]
    fn statements_are_added_to_one_or_many() {
        let more = json!({"Sid": "b"});
        let one = json!({"Version": "2008-10-17", "Statement": {"Sid": "a"}});
        let many = json!({"Version": "2008-10-17", "Statement": [{"Sid": "a"}]});
        let wanted = json!({"Version": "2008-10-17", "Statement": [{"Sid": "a"}, {"Sid": "b"}]});
        assert_eq!(added(&one, &[&more]), wanted);
        assert_eq!(added(&many, &[&more]), wanted);
    }
}
