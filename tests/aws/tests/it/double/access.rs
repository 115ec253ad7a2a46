//! IAM, as far as the program's own policies go: whether documents allow a call.
//!
//! Denied unless a statement allows it; a statement that denies wins. A document with anything that
//! is not understood here fails the test, for what it would mean is not known.

use serde_json::Value;

use super::ACCOUNT;

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Such as `s3:GetObject`.
    pub action: &'a str,
    /// An ARN, or `*` for calls that know no resource.
    pub resource: &'a str,
    /// The service that a role is passed to.
    pub passed_to: Option<&'a str>,
}

impl<'a> Asked<'a> {
    pub fn new(action: &'a str, resource: &'a str) -> Self {
        Self { action, resource, passed_to: None }
    }

    /// What a condition key has for a value in this call.
    fn context(&self, key: &str) -> Option<&'a str> {
        match key.to_ascii_lowercase().as_str() {
            // Everything here belongs to one account, and so do keys by their ARNs.
            "s3:resourceaccount" | "aws:resourceaccount" => {
                let account = self.resource.split(':').nth(4).filter(|account| !account.is_empty());
                Some(account.unwrap_or(ACCOUNT))
            }
            "iam:passedtoservice" => self.passed_to,
            other => panic!("the tests know no condition on {other}"),
        }
    }
}

/// Whether these documents allow a call.
pub fn allows<'d>(documents: impl IntoIterator<Item = &'d Value>, asked: Asked<'_>) -> bool {
    let mut allowed = false;
    for document in documents {
        assert_eq!(document["Version"], "2012-10-17", "{document:#}");
        for statement in many(&document["Statement"]) {
            if fits(statement, asked) {
                match statement["Effect"].as_str() {
                    Some("Allow") => allowed = true,
                    Some("Deny") => return false,
                    _ => panic!("no effect: {statement:#}"),
                }
            }
        }
    }
    allowed
}

/// Whether a statement speaks of a call.
fn fits(statement: &Value, asked: Asked<'_>) -> bool {
    let known = ["Sid", "Effect", "Action", "Resource", "Condition"];
    let members = statement.as_object().unwrap();
    assert!(members.keys().all(|name| known.contains(&name.as_str())), "{statement:#}");
    let texts = |name: &str| {
        let values = many(&statement[name]);
        assert!(!values.is_empty(), "no {name}: {statement:#}");
        values.into_iter().map(|value| value.as_str().unwrap())
    };
    let action = asked.action.to_ascii_lowercase();
    // All of them are looked at, so that a wrong condition is found whatever is asked for.
    let conditions = many(&statement["Condition"]).into_iter().all(|all| holds(all, asked));
    texts("Action").any(|pattern| matches(&pattern.to_ascii_lowercase(), &action))
        && texts("Resource").any(|pattern| matches(pattern, asked.resource))
        && conditions
}

fn holds(condition: &Value, asked: Asked<'_>) -> bool {
    condition.as_object().unwrap().iter().all(|(operator, keys)| {
        keys.as_object().unwrap().iter().all(|(key, values)| {
            let value = asked.context(key);
            let mut wanted = many(values).into_iter().map(|wanted| wanted.as_str().unwrap());
            match operator.as_str() {
                "StringEquals" => value.is_some_and(|value| wanted.any(|wanted| wanted == value)),
                "StringLike" => value.is_some_and(|value| wanted.any(|w| matches(w, value))),
                other => panic!("the tests know no condition {other}"),
            }
        })
    })
}

/// A list, or the one value that stands for a list.
fn many(value: &Value) -> Vec<&Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(values) => values.iter().collect(),
        one => vec![one],
    }
}

/// A letter of a pattern.
#[derive(Clone, Copy, PartialEq)]
enum Letter {
    /// `*`
    Many,
    /// `?`
    One,
    /// Stands for itself; `${*}`, `${?}` and `${$}` do, too.
    Is(char),
}

/// The letters of a pattern; a variable in it fails the test.
fn letters(pattern: &str) -> Vec<Letter> {
    let mut letters = Vec::new();
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        let escaped = ["${*}", "${?}", "${$}"].into_iter().find(|name| rest.starts_with(name));
        assert!(escaped.is_some() || !rest.starts_with("${"), "a variable: {pattern}");
        letters.push(match (escaped, first) {
            (Some(name), _) => Letter::Is(name.chars().nth(2).unwrap()),
            (None, '*') => Letter::Many,
            (None, '?') => Letter::One,
            (None, other) => Letter::Is(other),
        });
        rest = &rest[escaped.map_or(first.len_utf8(), str::len)..];
    }
    letters
}

/// Whether a text is what a pattern with `*` and `?` asks for.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<Letter>, Vec<char>) = (letters(pattern), text.chars().collect());
    let (mut at, mut from) = (0, 0);
    // Where the last `*` is, and how much of the text it has taken.
    let mut star: Option<(usize, usize)> = None;
    while from < text.len() {
        match pattern.get(at) {
            Some(Letter::Many) => {
                star = Some((at, from));
                at += 1;
            }
            Some(&one) if one == Letter::One || one == Letter::Is(text[from]) => {
                at += 1;
                from += 1;
            }
            _ => match &mut star {
                Some((place, taken)) => {
                    *taken += 1;
                    (at, from) = (*place + 1, *taken);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|letter| *letter == Letter::Many)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document(statement: &Value) -> Value {
        json!({"Version": "2012-10-17", "Statement": statement})
    }

    #[test]
    fn wildcards_take_any_length_and_one_letter() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("s3:Get*", "s3:GetObject", true),
            ("s3:Get*n", "s3:GetObjectVersion", true),
            ("s3:Get*n", "s3:GetObject", false),
            ("arn:aws:s3:::b/*", "arn:aws:s3:::b/a/b", true),
            ("arn:aws:s3:::b/*", "arn:aws:s3:::b", false),
            ("a?c*", "abc", true),
            ("a?c", "ac", false),
            ("*a*b", "xaxab", true),
            ("a${*}/*", "a*/b", true),
            ("a${*}/*", "ab/b", false),
            ("a${?}${$}", "a?$", true),
            ("a${?}", "ab", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn calls_are_denied_unless_allowed_and_not_denied() {
        let reads = document(&json!({
            "Effect": "Allow", "Action": ["s3:get*"], "Resource": "arn:aws:s3:::demo/*",
            "Condition": {"StringEquals": {"s3:ResourceAccount": ACCOUNT}},
        }));
        let asked = Asked::new("s3:GetObject", "arn:aws:s3:::demo/a");
        assert!(allows([&reads], asked));
        assert!(!allows([], asked));
        assert!(!allows([&reads], Asked { action: "s3:PutObject", ..asked }));
        assert!(!allows([&reads], Asked { resource: "arn:aws:s3:::other/a", ..asked }));
        let never = document(&json!([
            {"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::demo/secret/*"}
        ]));
        assert!(allows([&reads, &never], asked));
        assert!(!allows(
            [&reads, &never],
            Asked { resource: "arn:aws:s3:::demo/secret/a", ..asked }
        ));
    }

    #[test]
    fn conditions_narrow_a_statement() {
        let key = "arn:aws:kms:us-east-1:444455556666:key/k";
        let keys = document(&json!([{
            "Effect": "Allow", "Action": "kms:Decrypt", "Resource": key,
            "Condition": {"StringEquals": {"aws:ResourceAccount": ["444455556666"]}},
        }]));
        assert!(allows([&keys], Asked::new("kms:Decrypt", key)));
        let service = "batchoperations.s3.amazonaws.com";
        let pass = document(&json!([{
            "Effect": "Allow", "Action": "iam:PassRole", "Resource": "arn:aws:iam::1:role/r",
            "Condition": {"StringEquals": {"iam:PassedToService": service}},
        }]));
        let asked = Asked::new("iam:PassRole", "arn:aws:iam::1:role/r");
        assert!(!allows([&pass], asked));
        let to = |service| allows([&pass], Asked { passed_to: Some(service), ..asked });
        assert!(to(service));
        assert!(!to("lambda.amazonaws.com"));
    }
}
