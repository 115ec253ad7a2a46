//! The role of the jobs: made where there is none, and allowed what a plan's jobs need.
//!
//! A role that is there keeps its trust policy, with the service added if it lacks, and all its
//! permissions. What the jobs need and no inline policy grants yet goes into one of its own, named
//! by what it covers, so that plans of the same buckets and places share it. IAM bounds the
//! characters of all inline policies of a role together, which is looked at before anything is
//! sent. Policies that the new one makes superfluous are named, and removed by the user only.

use std::collections::BTreeMap;

use aws_sdk_iam::Client;
use aws_sdk_iam::config::http::HttpResponse;
use aws_sdk_iam::error::{ProvideErrorMetadata, SdkError};
use serde_json::Value;

use super::grants::{added, cover, denials, merged, statements};
use super::{Change, SetupError, lines};
use crate::aws::{AwsError, AwsErrorKind, Session};
use crate::diagnostic::parameter::ROLE_ARN;
use crate::jobs::role::{RoleTrust, parse, trust};
use crate::operation::policy::INLINE_PREFIX;

/// Characters of all inline policies of a role together, white space aside (IAM User Guide, "IAM
/// and AWS STS quotas").
const INLINE_CHARS_MAX: usize = 10_240;

/// What is asked for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Role {
    /// Its name, without a path.
    pub name: String,
    /// Its path, as `/team/`; `/` as a rule.
    pub path: String,
    /// Its ARN, as the jobs will name it.
    pub arn: String,
    /// Its trust policy, where it is yet to be made.
    pub trust_policy: Value,
    /// The name of the inline policy.
    pub policy_name: String,
    /// What the jobs need.
    pub policy: Value,
}

/// The changes, and what is to be put.
#[derive(Debug, Clone)]
pub(crate) struct RolePlan {
    /// For people: trust, then permissions.
    pub changes: [Change; 2],
    trust: Value,
    policy: Value,
    exists: bool,
}

/// The inline policies of a role by name.
struct Inline {
    policies: BTreeMap<String, Value>,
    /// Why these may not be all.
    gap: Option<AwsError>,
}

impl Role {
    /// A role by its ARN: name and path are read from it.
    #[must_use]
    pub(crate) fn from_arn(arn: &str) -> (String, String) {
        let resource = arn.split_once(":role/").map_or(arn, |(_, resource)| resource);
        match resource.rsplit_once('/') {
            Some((path, name)) => (name.to_owned(), format!("/{path}/")),
            None => (resource.to_owned(), "/".to_owned()),
        }
    }

    /// Reads the role, and adds what it lacks.
    ///
    /// # Errors
    /// When AWS refuses, a role of this name has another path, or the policies would be too long.
    pub(crate) fn look(&self, session: &Session) -> Result<RolePlan, SetupError> {
        let client = Client::new(session.config());
        let there = trust(session, &client, &self.name)?;
        if let Some(RoleTrust { arn, .. }) = there.as_ref().filter(|there| there.arn != self.arn) {
            return Err(SetupError::Senseless(format!(
                "role {} is there already as {arn}, where {} is asked for: a name is used once in \
                 an account, whatever its path; give {ROLE_ARN} {arn}, or another name",
                self.name, self.arn
            )));
        }
        let wanted = match &there {
            None => self.trust_policy.clone(),
            Some(trust) if trust.lets_jobs_in() => trust.policy.clone(),
            Some(trust) => added(&trust.policy, &statements(&self.trust_policy)),
        };
        let exists = there.is_some();
        let warnings = there.as_ref().map(|there| self.trust_warnings(there)).unwrap_or_default();
        let trust = Change {
            what: format!("trust policy of role {}", self.name),
            before: there.map(|RoleTrust { policy, .. }| lines(&policy)).unwrap_or_default(),
            after: lines(&wanted),
            warnings,
        };
        let inline = if exists {
            self.inline(session, &client)?
        } else {
            Inline { policies: BTreeMap::new(), gap: None }
        };
        let (permissions, policy) = self.permissions(&inline)?;
        Ok(RolePlan { changes: [trust, permissions], trust: wanted, policy, exists })
    }

    /// What becomes of the inline policies, and the one that is to be put.
    fn permissions(&self, inline: &Inline) -> Result<(Change, Value), SetupError> {
        let Self { name, policy_name, .. } = self;
        let there = inline.policies.get(policy_name);
        let granted: Vec<&Value> = inline.policies.values().flat_map(statements).collect();
        let is_granted = statements(&self.policy).into_iter().all(|asked| cover(&granted, asked));
        if is_granted && there.is_none() {
            let ours = inline.policies.keys().map(|name| format!("granted by: {name}"));
            let lines: Vec<String> = ours.collect();
            let what = format!("inline policies of role {name}");
            let warnings = self.denied(inline);
            let change = Change { what, before: lines.clone(), after: lines, warnings };
            return Ok((change, self.policy.clone()));
        }
        let policy = match there {
            None => self.policy.clone(),
            Some(there) if is_granted => there.clone(),
            Some(there) => merged(there, &self.policy).map_err(|sid| {
                SetupError::Senseless(format!(
                    "inline policy {policy_name} of role {name}: statement {sid} was changed by \
                     hand, so nothing can be added to it; put it back, or remove the policy: {}",
                    self.removal(policy_name)
                ))
            })?,
        };
        self.check_size(inline, &policy)?;
        let change = Change {
            what: format!("inline policy {policy_name} of role {name}"),
            before: there.map(lines).unwrap_or_default(),
            after: lines(&policy),
            warnings: self.warnings(inline, &policy),
        };
        Ok((change, policy))
    }

    fn warnings(&self, inline: &Inline, policy: &Value) -> Vec<String> {
        let Self { name, policy_name, .. } = self;
        let covered = self.covered(inline, policy).into_iter().map(|old| {
            format!(
                "inline policy {old} of role {name} allows nothing that {policy_name} doesn't: \
                 once this one is in place, remove it with `{}`",
                self.removal(old)
            )
        });
        let gap = inline.gap.as_ref().map(|gap| {
            format!(
                "the other inline policies of role {name} were not looked at: {gap}. IAM takes \
                 {INLINE_CHARS_MAX} characters of all together"
            )
        });
        covered.chain(gap).chain(self.denied(inline)).collect()
    }

    /// What no policy of ours can allow.
    fn denied(&self, inline: &Inline) -> Vec<String> {
        let mut told = Vec::new();
        for (name, policy) in &inline.policies {
            let wanted = statements(&self.policy).into_iter();
            let mut denials: Vec<String> =
                wanted.flat_map(|asked| denials(policy, asked)).collect();
            denials.sort_unstable();
            denials.dedup();
            told.extend(denials.into_iter().map(|denial| {
                format!(
                    "role {}: jobs need what its inline policy {name} denies, whatever else \
                     allows it: {denial}",
                    self.name
                )
            }));
        }
        told
    }

    /// What may keep jobs from the role, though its trust policy names their service.
    fn trust_warnings(&self, there: &RoleTrust) -> Vec<String> {
        let account = self.arn.split(':').nth(4).unwrap_or_default();
        let conditions = there.conditions(account).into_iter().map(|condition| {
            format!(
                "role {}: its trust policy lets jobs in only where {condition}; look whether that \
                 holds for jobs of account {account}",
                self.name
            )
        });
        let wanted = statements(&self.trust_policy).into_iter();
        let denials = wanted.flat_map(|asked| denials(&there.policy, asked)).map(|denial| {
            format!(
                "role {}: jobs may not take it, whatever else allows it: in its trust policy, \
                 {denial}",
                self.name
            )
        });
        conditions.chain(denials).collect()
    }

    /// Our other inline policies that allow no more than this one.
    fn covered<'a>(&self, inline: &'a Inline, policy: &Value) -> Vec<&'a str> {
        let granted = statements(policy);
        let others = self.others(inline).filter(|(name, other)| {
            let statements = statements(other);
            name.starts_with(INLINE_PREFIX)
                && !statements.is_empty()
                && statements.into_iter().all(|asked| cover(&granted, asked))
        });
        others.map(|(name, _)| name).collect()
    }

    fn others<'a>(&self, inline: &'a Inline) -> impl Iterator<Item = (&'a str, &'a Value)> {
        let others = inline.policies.iter().filter(|(name, _)| **name != self.policy_name);
        others.map(|(name, policy)| (name.as_str(), policy))
    }

    fn check_size(&self, inline: &Inline, policy: &Value) -> Result<(), SetupError> {
        let others: usize = self.others(inline).map(|(_, other)| chars(other)).sum();
        let all = others + chars(policy);
        if all <= INLINE_CHARS_MAX {
            return Ok(());
        }
        let covered = self.covered(inline, policy);
        let ours = self.others(inline).filter(|(name, _)| name.starts_with(INLINE_PREFIX));
        let mut ours: Vec<(&str, usize)> = ours.map(|(name, other)| (name, chars(other))).collect();
        ours.sort_by_key(|(name, chars)| (!covered.contains(name), std::cmp::Reverse(*chars)));
        let list: Vec<String> =
            ours.iter().map(|(name, chars)| format!("{name} ({chars})")).collect();
        let remedy = match ours.first() {
            Some((first, _)) => format!(
                "remove those whose jobs have ended, of {}: {}",
                list.join(", "),
                self.removal(first)
            ),
            None => "none of them is from `setup role`: name another role".to_owned(),
        };
        Err(SetupError::Senseless(format!(
            "role {}: with {} its inline policies would have {all} characters, of \
             {INLINE_CHARS_MAX} that IAM takes of all together; {remedy}",
            self.name, self.policy_name
        )))
    }

    /// The command that removes an inline policy.
    fn removal(&self, policy: &str) -> String {
        let name = &self.name;
        format!("aws iam delete-role-policy --role-name {name} --policy-name {policy}")
    }

    /// The inline policies that are there; where they can't be listed, ours alone.
    fn inline(&self, session: &Session, client: &Client) -> Result<Inline, SetupError> {
        let mut inline = Inline { policies: BTreeMap::new(), gap: None };
        let mut pages = client.list_role_policies().role_name(&self.name).into_paginator().send();
        let mut names = vec![self.policy_name.clone()];
        while let Some(page) = session.wait(pages.next()) {
            match page {
                Ok(page) => names.extend(page.policy_names),
                Err(error) => {
                    let error = self.refused("list the inline policies of", &error);
                    if error.kind != AwsErrorKind::Denied {
                        return Err(error.into());
                    }
                    inline.gap = Some(error);
                    break;
                }
            }
        }
        names.sort_unstable();
        names.dedup();
        for name in names {
            if let Some(policy) = self.policy_there(session, client, &name)? {
                inline.policies.insert(name, policy);
            }
        }
        Ok(inline)
    }

    fn policy_there(
        &self,
        session: &Session,
        client: &Client,
        policy_name: &str,
    ) -> Result<Option<Value>, SetupError> {
        let action = || format!("look at inline policy {policy_name} of role {}", self.name);
        let call = client.get_role_policy().role_name(&self.name).policy_name(policy_name);
        match session.wait(call.send()) {
            Ok(answer) => match parse(&answer.policy_document) {
                Some(policy) => Ok(Some(policy)),
                None => Err(AwsError::other(action(), "it is not JSON").into()),
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
    pub(crate) fn apply(&self, session: &Session, planned: &RolePlan) -> Result<(), SetupError> {
        let client = Client::new(session.config());
        let [trust, permissions] = &planned.changes;
        let document = planned.trust.to_string();
        if !planned.exists {
            let call = client.create_role().role_name(&self.name).path(&self.path);
            let call = call.assume_role_policy_document(document).send();
            session.wait(call).map_err(|error| self.refused("create", &error))?;
        } else if !trust.is_none() {
            let call = client.update_assume_role_policy().role_name(&self.name);
            let call = call.policy_document(document).send();
            session.wait(call).map_err(|error| self.refused("change the trust of", &error))?;
        }
        if !permissions.is_none() {
            let call = client.put_role_policy().role_name(&self.name);
            let call = call.policy_name(&self.policy_name);
            let call = call.policy_document(planned.policy.to_string()).send();
            session.wait(call).map_err(|error| self.refused("give a policy to", &error))?;
        }
        Ok(())
    }

    fn refused<E>(&self, verb: &str, error: &SdkError<E, HttpResponse>) -> AwsError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        AwsError::new(format!("{verb} role {}", self.name), error)
    }
}

/// The size of a policy as IAM counts it, or a little more: it leaves white space out, and this
/// leaves that within texts in.
fn chars(policy: &Value) -> usize {
    policy.to_string().chars().count()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_is_told_from_a_name() {
        let parts = |arn: &str| Role::from_arn(arn);
        let of = |name: &str, path: &str| (name.to_owned(), path.to_owned());
        assert_eq!(parts("arn:aws:iam::111122223333:role/batch"), of("batch", "/"));
        assert_eq!(parts("arn:aws:iam::111122223333:role/a/b/batch"), of("batch", "/a/b/"));
    }

    fn policy(resources: &[String]) -> Value {
        let statement = json!({"Sid": "S", "Effect": "Allow", "Action": ["s3:GetObject"],
            "Resource": resources});
        json!({"Version": "2012-10-17", "Statement": [statement]})
    }

    fn role(resources: &[String]) -> Role {
        Role {
            name: "batch".to_owned(),
            path: "/".to_owned(),
            arn: "arn:aws:iam::111122223333:role/batch".to_owned(),
            trust_policy: json!({}),
            policy_name: "s3sieve-copy-b-1".to_owned(),
            policy: policy(resources),
        }
    }

    fn inline(policies: &[(&str, Value)]) -> Inline {
        let policies = policies.iter().map(|(name, policy)| ((*name).to_owned(), policy.clone()));
        Inline { policies: policies.collect(), gap: None }
    }

    #[test]
    fn policies_that_the_new_one_covers_are_named() {
        let old = policy(&["arn:aws:s3:::b/plan-1/*".to_owned()]);
        let other = policy(&["arn:aws:s3:::c/*".to_owned()]);
        let there = inline(&[
            ("s3sieve-plan-1", old.clone()),
            ("s3sieve-plan-2", other),
            ("somebody's", old),
        ]);
        let (change, put) = role(&["arn:aws:s3:::b/*".to_owned()]).permissions(&there).unwrap();
        assert_eq!(put, policy(&["arn:aws:s3:::b/*".to_owned()]));
        assert_eq!(change.warnings.len(), 1, "{:?}", change.warnings);
        assert!(change.warnings[0].contains("--policy-name s3sieve-plan-1`"));
    }

    #[test]
    fn what_another_inline_policy_grants_is_not_put_again() {
        let there = inline(&[("own", policy(&["arn:aws:s3:::*".to_owned()]))]);
        let (change, _) = role(&["arn:aws:s3:::b/*".to_owned()]).permissions(&there).unwrap();
        assert!(change.is_none());
        assert_eq!(change.after, ["granted by: own"]);
    }

    #[test]
    fn what_keeps_jobs_out_is_told() {
        let deny = json!({"Effect": "Deny", "Action": "s3:Get*", "Resource": "*"});
        let own = policy(&["arn:aws:s3:::b/*".to_owned()]);
        let there = inline(&[("own", own), ("no", json!({"Statement": deny}))]);
        let (change, _) = role(&["arn:aws:s3:::b/*".to_owned()]).permissions(&there).unwrap();
        assert!(change.is_none());
        assert_eq!(change.warnings.len(), 1, "{:?}", change.warnings);
        assert!(change.warnings[0].contains("inline policy no denies"), "{:?}", change.warnings);
        let trusting = |condition: Value| {
            let mut statement = json!({"Effect": "Allow", "Action": "sts:AssumeRole",
                "Principal": {"Service": "batchoperations.s3.amazonaws.com"}});
            if !condition.is_null() {
                statement["Condition"] = condition;
            }
            let policy = json!({"Statement": [statement]});
            role(&[]).trust_warnings(&RoleTrust { arn: String::new(), policy })
        };
        let of_account = |id: &str| json!({"StringEquals": {"aws:SourceAccount": id}});
        assert!(trusting(Value::Null).is_empty());
        assert!(trusting(of_account("111122223333")).is_empty());
        let told = trusting(of_account("999999999999"));
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains("only where {\"StringEquals\":{\"aws:SourceAccount\":\"9999"));
    }

    #[test]
    fn policies_that_are_too_long_together_are_refused() {
        let long =
            |letter: char| policy(&[format!("arn:aws:s3:::{}", letter.to_string().repeat(5000))]);
        let there = inline(&[("s3sieve-copy-a", long('a')), ("own", long('b'))]);
        let asked = role(&[format!("arn:aws:s3:::{}", "c".repeat(300))]);
        let error = asked.permissions(&there).unwrap_err().to_string();
        for part in ["of 10240 that IAM takes", "s3sieve-copy-a (5", "delete-role-policy"] {
            assert!(error.contains(part), "{error}");
        }
        assert!(!error.contains("own ("), "{error}");
        assert!(role(&["arn:aws:s3:::c".to_owned()]).permissions(&there).is_err());
        let room = inline(&[("s3sieve-copy-a", long('a'))]);
        assert!(asked.permissions(&room).is_ok());
    }
}
