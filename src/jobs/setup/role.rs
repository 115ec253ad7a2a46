//! The role of the jobs: made where there is none, and allowed what a plan's jobs need.
//!
//! A role that is there keeps its trust policy, with the service added if it lacks, and all its
//! permissions: the plan's are an inline policy of their own, named after the plan.

use aws_sdk_iam::Client;
use serde_json::{Value, json};

use super::{Change, SetupError};
use crate::aws::{AwsError, Session};
use crate::jobs::role::{Trust, parse, trust};

/// What is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// Its trust policy, where it is yet to be made.
    pub trust_policy: Value,
    /// The name of the inline policy.
    pub policy_name: String,
    /// The inline policy.
    pub policy: Value,
}

/// The changes, and what is to be put.
#[derive(Debug, Clone)]
pub struct Planned {
    /// For people: trust, then permissions.
    pub changes: [Change; 2],
    trust: Value,
    exists: bool,
}

impl Role {
    /// Reads the role, and adds what it lacks.
    ///
    /// # Errors
    /// When AWS refuses.
    pub fn look(&self, session: &Session) -> Result<Planned, SetupError> {
        let client = Client::new(session.config());
        let there = trust(session, &client, &self.name)?;
        let wanted = match &there {
            None => self.trust_policy.clone(),
            Some(trust) if trust.lets_jobs_in() => trust.policy.clone(),
            Some(trust) => added(&trust.policy, &self.trust_policy),
        };
        let exists = there.is_some();
        let policy = if exists { self.policy_there(session, &client)? } else { None };
        let trust = Change {
            what: format!("trust policy of role {}", self.name),
            before: there.map(|Trust { policy, .. }| lines(&policy)).unwrap_or_default(),
            after: lines(&wanted),
            warnings: Vec::new(),
        };
        let permissions = Change {
            what: format!("inline policy {} of role {}", self.policy_name, self.name),
            before: policy.as_ref().map(lines).unwrap_or_default(),
            after: lines(&self.policy),
            warnings: Vec::new(),
        };
        Ok(Planned { changes: [trust, permissions], trust: wanted, exists })
    }

    fn policy_there(
        &self,
        session: &Session,
        client: &Client,
    ) -> Result<Option<Value>, SetupError> {
        let action = || format!("look at inline policy {} of role {}", self.policy_name, self.name);
        let call = client.get_role_policy().role_name(&self.name).policy_name(&self.policy_name);
        match session.wait(call.send()) {
            Ok(answer) => match parse(&answer.policy_document) {
                Some(policy) => Ok(Some(policy)),
                None => Err(AwsError::other(action(), "it is no JSON").into()),
            },
            Err(error)
                if error.as_service_error().is_some_and(|e| e.is_no_such_entity_exception()) =>
            {
                Ok(None)
            }
            Err(error) => Err(AwsError::new(action(), &error).into()),
        }
    }

    /// Makes or changes the role.
    ///
    /// # Errors
    /// When AWS refuses.
    pub fn apply(&self, session: &Session, planned: &Planned) -> Result<(), SetupError> {
        let client = Client::new(session.config());
        let [trust, permissions] = &planned.changes;
        let document = planned.trust.to_string();
        if !planned.exists {
            let call = client.create_role().role_name(&self.name);
            let call = call.assume_role_policy_document(document).send();
            session.wait(call).map_err(|error| self.refused("create", &error))?;
        } else if !trust.is_none() {
            let call = client.update_assume_role_policy().role_name(&self.name);
            let call = call.policy_document(document).send();
            session.wait(call).map_err(|error| self.refused("change the trust of", &error))?;
        }
        if !permissions.is_none() {
            let call = client.put_role_policy().role_name(&self.name);
            let call = call.policy_name(&self.policy_name).policy_document(self.policy.to_string());
            session.wait(call.send()).map_err(|error| self.refused("give a policy to", &error))?;
        }
        Ok(())
    }

    fn refused<E>(
        &self,
        verb: &str,
        error: &aws_sdk_iam::error::SdkError<E, aws_sdk_iam::config::http::HttpResponse>,
    ) -> AwsError
    where
        E: aws_sdk_iam::error::ProvideErrorMetadata + std::error::Error + 'static,
    {
        AwsError::new(format!("{verb} role {}", self.name), error)
    }
}

/// A policy with the statements of another added.
fn added(policy: &Value, more: &Value) -> Value {
    let statements = |policy: &Value| match &policy["Statement"] {
        Value::Array(statements) => statements.clone(),
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    };
    let mut whole = policy.clone();
    whole["Statement"] = json!([statements(policy), statements(more)].concat());
    whole
}

fn lines(policy: &Value) -> Vec<String> {
    format!("{policy:#}").lines().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_added_to_one_or_many() {
        let more = json!({"Version": "2012-10-17", "Statement": [{"Sid": "b"}]});
        let one = json!({"Version": "2008-10-17", "Statement": {"Sid": "a"}});
        let many = json!({"Version": "2008-10-17", "Statement": [{"Sid": "a"}]});
        let wanted = json!({"Version": "2008-10-17", "Statement": [{"Sid": "a"}, {"Sid": "b"}]});
        assert_eq!(added(&one, &more), wanted);
        assert_eq!(added(&many, &more), wanted);
    }
}
