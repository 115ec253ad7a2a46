//! An operation given as JSON, in the form that AWS documents, and passed on unchanged.
//!
//! It covers what the parameters here don't: grants of an ACL, event holds, or what AWS adds next.
//! Its kind is checked; its members are not: AWS checks them.

use serde_json::{Map, Value};

use super::OperationKind;
use super::check::{CheckResult, Refusal, missing, refusal};
use super::manifest::PlannedManifest;
use super::setting::JobContext;
use super::spec::{Operation, OperationSpec};
use crate::diagnostic::parameter::{OPERATION_JSON, ParameterName};

const PARAMETER: ParameterName = OPERATION_JSON;

const RULES: &str = "API, JobOperation";

/// An operation as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GivenParameters {
    kind: OperationKind,
    member: Value,
}

impl GivenParameters {
    /// Reads a `JobOperation`: an object with one member, whose name is an operation's.
    ///
    /// # Errors
    /// When it is not that.
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        let remedy = "write {\"S3PutObjectTagging\": {...}}, with the members that AWS documents";
        let wrong = |rule: String| missing(PARAMETER, rule, RULES, remedy);
        let members: Map<String, Value> = serde_json::from_str(text)
            .map_err(|error| wrong(format!("no JSON object: {error}")))?;
        let count = members.len();
        let mut members = members.into_iter();
        let (Some((name, member)), None) = (members.next(), members.next()) else {
            return Err(wrong(format!("there is one operation in a job, here are {count}")));
        };
        let Some(kind) = OperationKind::ALL.into_iter().find(|kind| kind.api_name() == name) else {
            let known = OperationKind::ALL.map(OperationKind::api_name).join(", ");
            let remedy = format!("the operations are {known}");
            return Err(refusal(PARAMETER, &name, "there is no such operation", RULES, remedy));
        };
        if !member.is_object() {
            return Err(wrong(format!("the value of {name} is no object")));
        }
        Ok(Self { kind, member })
    }

    /// Which operation it is.
    pub(crate) const fn kind(&self) -> OperationKind {
        self.kind
    }
}

impl Operation for GivenParameters {
    fn spec(&self) -> &'static OperationSpec {
        self.kind.spec()
    }

    fn check(&self, _: &JobContext) -> CheckResult {
        Ok(())
    }

    fn request(&self, _: &JobContext, _: &PlannedManifest) -> Result<Value, Refusal> {
        Ok(self.member.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_known_operation_is_taken_as_it_is() {
        let text = r#"{"S3PutObjectAcl": {"B": 1, "A": [true]}}"#;
        let operation = GivenParameters::parse(text).unwrap();
        assert_eq!(operation.kind(), OperationKind::Acl);
        assert_eq!(operation.member.to_string(), r#"{"B":1,"A":[true]}"#);
        for (wrong, why) in [
            ("[]", "no JSON object"),
            ("{", "no JSON object"),
            ("{}", "here are 0"),
            (r#"{"S3ReplicateObject": {}, "LambdaInvoke": {}}"#, "here are 2"),
            (r#"{"S3DeleteObject": {}}"#, "no such operation"),
            (r#"{"S3ReplicateObject": 1}"#, "no object"),
        ] {
            let told = GivenParameters::parse(wrong).unwrap_err().to_string();
            assert!(told.contains(why) && told.contains(PARAMETER.name()), "{told}");
        }
    }
}
