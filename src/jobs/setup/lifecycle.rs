//! A lifecycle rule that expires noncurrent versions: what copies in place leave behind.

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::types::{
    BucketLifecycleConfiguration, BucketVersioningStatus, ExpirationStatus, LifecycleRule,
    LifecycleRuleFilter, NoncurrentVersionExpiration, TransitionDefaultMinimumObjectSize,
};

use super::{Change, SetupError};
use crate::aws::{AwsError, Session};

/// Rules of a bucket at most (UG, "Setting a lifecycle configuration on a bucket").
const RULES_MAX: usize = 1000;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifecycle {
    /// The bucket.
    pub bucket: String,
    /// The rule's name. A rule of this name is ours, and is changed; all others stay.
    pub id: String,
    /// Only objects whose keys begin with this; empty for all.
    pub prefix: String,
    /// Days from when a version stops being the current one.
    pub days: i32,
}

/// The change, and what is to be put.
#[derive(Debug, Clone)]
pub struct Planned {
    /// For people.
    pub change: Change,
    rules: Vec<LifecycleRule>,
    minimum_size: Option<TransitionDefaultMinimumObjectSize>,
}

impl Lifecycle {
    /// Reads the rules of the bucket, and adds ours.
    ///
    /// # Errors
    /// When AWS refuses, or there is no room for a rule.
    pub fn look(&self, session: &Session) -> Result<Planned, SetupError> {
        let call = session.s3().get_bucket_lifecycle_configuration().bucket(&self.bucket);
        let (there, minimum_size) = match session.wait(call.send()) {
            Ok(answer) => {
                (answer.rules.unwrap_or_default(), answer.transition_default_minimum_object_size)
            }
            Err(error) if error.code() == Some("NoSuchLifecycleConfiguration") => {
                (Vec::new(), None)
            }
            Err(error) => {
                let action = format!("look at the lifecycle rules of bucket {}", self.bucket);
                return Err(AwsError::new(action, &error).into());
            }
        };
        let mut rules = there.clone();
        match rules.iter_mut().find(|rule| rule.id.as_deref() == Some(&self.id)) {
            Some(own) => *own = self.rule()?,
            None => rules.push(self.rule()?),
        }
        if rules.len() > RULES_MAX {
            return Err(SetupError::Senseless(format!(
                "bucket {} has {} lifecycle rules, of {RULES_MAX} that it may have: there is no \
                 room for another; expire noncurrent versions by one of them",
                self.bucket,
                there.len()
            )));
        }
        let change = Change {
            what: format!("lifecycle rules of bucket {}", self.bucket),
            before: there.iter().map(line).collect(),
            after: rules.iter().map(line).collect(),
            warnings: self.warnings(session, &there),
        };
        Ok(Planned { change, rules, minimum_size })
    }

    fn rule(&self) -> Result<LifecycleRule, SetupError> {
        let expiration = NoncurrentVersionExpiration::builder().noncurrent_days(self.days).build();
        LifecycleRule::builder()
            .id(&self.id)
            .status(ExpirationStatus::Enabled)
            .filter(LifecycleRuleFilter::builder().prefix(&self.prefix).build())
            .noncurrent_version_expiration(expiration)
            .build()
            .map_err(|error| SetupError::Senseless(error.to_string()))
    }

    fn warnings(&self, session: &Session, there: &[LifecycleRule]) -> Vec<String> {
        let mut warnings = vec![format!(
            "every noncurrent version goes {} days after it was replaced, not only those that a \
             copy leaves: versions that somebody keeps to undo deletions go too",
            self.days
        )];
        let call = session.s3().get_bucket_versioning().bucket(&self.bucket);
        if let Ok(answer) = session.wait(call.send())
            && answer.status != Some(BucketVersioningStatus::Enabled)
        {
            warnings.push(format!("bucket {} does not keep versions now", self.bucket));
        }
        let others = there.iter().filter(|rule| {
            rule.noncurrent_version_expiration.is_some() && rule.id.as_deref() != Some(&self.id)
        });
        for other in others {
            let id = other.id.as_deref().unwrap_or("without a name");
            warnings.push(format!("rule {id} expires noncurrent versions already"));
        }
        warnings
    }

    /// Puts all rules in place: those that were there, and ours.
    ///
    /// # Errors
    /// When AWS refuses.
    pub fn apply(&self, session: &Session, planned: Planned) -> Result<(), SetupError> {
        let action = || format!("put the lifecycle rules of bucket {}", self.bucket);
        let configuration = BucketLifecycleConfiguration::builder()
            .set_rules(Some(planned.rules))
            .build()
            .map_err(|error| SetupError::Senseless(error.to_string()))?;
        let call = session.s3().put_bucket_lifecycle_configuration().bucket(&self.bucket);
        let call = call.set_transition_default_minimum_object_size(planned.minimum_size);
        let answer = session.wait(call.lifecycle_configuration(configuration).send());
        answer.map(|_| ()).map_err(|error| AwsError::new(action(), &error).into())
    }
}

/// A rule on a line: the whole of it decides whether it is the same, its parts are named.
fn line(rule: &LifecycleRule) -> String {
    let id = rule.id.as_deref().unwrap_or("without a name");
    let mut parts = vec![rule.status.as_str().to_owned()];
    let prefix = rule.filter.as_ref().and_then(|filter| filter.prefix.clone());
    if let Some(prefix) = prefix.filter(|prefix| !prefix.is_empty()) {
        parts.push(format!("keys from `{prefix}`"));
    }
    if let Some(days) = rule.expiration.as_ref().and_then(|expiration| expiration.days) {
        parts.push(format!("expires after {days} days"));
    }
    if let Some(transitions) = &rule.transitions {
        parts.push(format!("{} transitions", transitions.len()));
    }
    let expiration = rule.noncurrent_version_expiration.as_ref();
    if let Some(days) = expiration.and_then(|expiration| expiration.noncurrent_days) {
        parts.push(format!("noncurrent versions expire after {days} days"));
    }
    if rule.abort_incomplete_multipart_upload.is_some() {
        parts.push("gives up uploads in parts".to_owned());
    }
    format!("{id}: {}", parts.join(", "))
}
