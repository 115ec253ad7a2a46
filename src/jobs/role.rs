//! A role's trust policy: who may take the role.

use aws_sdk_iam::Client;
use serde_json::{Value, json};

use crate::aws::{AwsError, Session};
use crate::operation::partition::is_batch_operations;

/// A role as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleTrust {
    /// Its ARN.
    pub arn: String,
    /// Its trust policy.
    pub policy: Value,
}

impl RoleTrust {
    /// Whether jobs may take the role, as far as conditions allow to tell.
    #[must_use]
    pub fn lets_jobs_in(&self) -> bool {
        !self.letting_in().is_empty()
    }

    /// The conditions under which jobs may take the role, where there is no way in without one;
    /// that it is jobs of this account is none.
    #[must_use]
    pub fn conditions(&self, account_id: &str) -> Vec<&Value> {
        let own = json!({"StringEquals": {"aws:SourceAccount": account_id}});
        let conditions = self.letting_in().into_iter().map(|statement| &statement["Condition"]);
        let conditions: Vec<&Value> = conditions.collect();
        let is_open = |condition: &&Value| condition.is_null() || **condition == own;
        if conditions.iter().any(is_open) { Vec::new() } else { conditions }
    }

    /// The statements that let jobs in, under whatever condition.
    fn letting_in(&self) -> Vec<&Value> {
        let statements = one_or_many(&self.policy["Statement"]).into_iter();
        let letting = statements.filter(|statement| {
            let principal = &statement["Principal"];
            let service = principal == "*"
                || one_or_many(&principal["Service"])
                    .into_iter()
                    .any(|name| name.as_str().is_some_and(is_batch_operations));
            let acts = one_or_many(&statement["Action"]);
            let may = acts.into_iter().any(|act| {
                act.as_str().is_some_and(|act| {
                    ["sts:assumerole", "sts:*", "*"].contains(&&*act.to_ascii_lowercase())
                })
            });
            statement["Effect"] == "Allow" && service && may
        });
        letting.collect()
    }
}

/// The values of a member: a policy holds one value where another holds a list.
pub(super) fn one_or_many(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(values) => values.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

/// Reads a role's trust policy; `None` where there is no such role.
///
/// # Errors
/// When AWS refuses, or its answer can't be read.
pub fn trust(
    session: &Session,
    client: &Client,
    name: &str,
) -> Result<Option<RoleTrust>, AwsError> {
    let action = || format!("look at role {name}");
    let role = match session.wait(client.get_role().role_name(name).send()) {
        Ok(answer) => answer.role,
        Err(error) if error.as_service_error().is_some_and(|e| e.is_no_such_entity_exception()) => {
            return Ok(None);
        }
        Err(error) => return Err(AwsError::new(action(), &error)),
    };
    let Some(role) = role else { return Ok(None) };
    let document = role.assume_role_policy_document.unwrap_or_default();
    let policy =
        parse(&document).ok_or_else(|| AwsError::other(action(), "its trust policy is no JSON"))?;
    Ok(Some(RoleTrust { arn: role.arn, policy }))
}

/// Reads a policy document as IAM sends it, percent-encoded.
#[must_use]
pub fn parse(document: &str) -> Option<Value> {
    let mut bytes = document.bytes();
    let mut decoded = Vec::with_capacity(document.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let digits = [bytes.next()?, bytes.next()?];
        decoded.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
    }
    serde_json::from_slice(&decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::partition::BATCH_OPERATIONS as SERVICE;

    fn lets_in(statement: impl Into<Value>) -> bool {
        let policy = json!({"Statement": statement.into()});
        RoleTrust { arn: String::new(), policy }.lets_jobs_in()
    }

    #[test]
    fn a_trust_policy_is_understood_in_all_its_forms() {
        let allow = |principal: Value, action: Value| {
            let mut statement = json!({"Effect": "Allow", "Principal": principal});
            statement["Action"] = action;
            statement
        };
        assert!(lets_in(allow(json!({"Service": SERVICE}), json!("sts:AssumeRole"))));
        let several = json!({"Service": ["ec2.amazonaws.com", SERVICE]});
        assert!(lets_in(json!([allow(several, json!(["sts:TagSession", "sts:AssumeRole"]))])));
        let chinese = json!({"Service": "batchoperations.s3.amazonaws.com.cn"});
        assert!(lets_in(allow(chinese, json!("sts:AssumeRole"))));
        assert!(lets_in(allow(json!("*"), json!("sts:*"))));
        assert!(!lets_in(allow(json!({"Service": "s3.amazonaws.com"}), json!("sts:AssumeRole"))));
        assert!(!lets_in(allow(json!({"Service": SERVICE}), json!("sts:TagSession"))));
        let mut denied = allow(json!({"Service": SERVICE}), json!("sts:AssumeRole"));
        denied["Effect"] = json!("Deny");
        assert!(!lets_in(denied));
        assert!(!lets_in(json!(null)));
    }

    #[test]
    fn documents_come_percent_encoded() {
        assert_eq!(parse("%7B%22a%22%3A1%7D"), Some(json!({"a": 1})));
        assert_eq!(parse("{\"a\":1}"), Some(json!({"a": 1})));
        assert_eq!(parse("%7"), None);
    }
}
