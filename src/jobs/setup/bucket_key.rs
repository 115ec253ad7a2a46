//! Default encryption with a bucket key: new objects ask KMS once a bucket, not once an object.

use roxmltree::Node;

use super::body::{ReceivedBody, SentBody};
use super::xml::{self, FindEdit, append, children, element, find, set_child, text};
use super::{Change, SetupError};
use crate::aws::{AwsError, Session};
use crate::operation::job::check_default_key;

const ROOT: &str = "ServerSideEncryptionConfiguration";

const DEFAULT: &str = "ApplyServerSideEncryptionByDefault";

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketKey {
    /// The bucket.
    pub bucket: String,
    /// The key to encrypt with; none keeps the bucket's.
    pub key_arn: Option<String>,
}

/// The change, and what is to be put.
#[derive(Debug, Clone)]
pub struct BucketKeyPlan {
    /// For people.
    pub change: Change,
    document: String,
}

impl BucketKey {
    /// Reads the default encryption of the bucket, and turns its bucket key on.
    ///
    /// # Errors
    /// When AWS refuses, the bucket encrypts with no KMS key and none is named, or the one that is
    /// named can't be the bucket's.
    pub fn look(&self, session: &Session) -> Result<BucketKeyPlan, SetupError> {
        let action = format!("look at the default encryption of bucket {}", self.bucket);
        let body = ReceivedBody::default();
        let call = session.s3().get_bucket_encryption().bucket(&self.bucket);
        let call = call.customize().interceptor(body.clone());
        session.wait(call.send()).map_err(|error| AwsError::new(&action, &error))?;
        let there = body.text(&action)?;
        let document = self.edited(&action, &there)?;
        if let Some(key) = &self.key_arn {
            let region = self.region(session);
            let checked = check_default_key("--kms-key-arn", key, region.as_deref());
            checked.map_err(|refusal| SetupError::Senseless(refusal.to_string()))?;
        }
        let lines = |text: &str| -> Result<Vec<String>, AwsError> {
            let parsed = xml::parse(&action, text, ROOT)?;
            Ok(children(parsed.root_element(), "Rule").flat_map(lines).collect())
        };
        let change = Change {
            what: format!("default encryption of bucket {}", self.bucket),
            before: lines(&there)?,
            after: lines(&document)?,
            warnings: vec![
                "policies and grants that name an object's ARN as encryption context \
                 (kms:EncryptionContext:aws:s3:arn) stop fitting: with a bucket key the context is \
                 the bucket's ARN. Look at the key's policy first"
                    .to_owned(),
                "only objects that are written from now on get it; a copy or update-encryption job \
                 changes those that are there"
                    .to_owned(),
            ],
        };
        Ok(BucketKeyPlan { change, document })
    }

    /// The bucket's region, where its answer tells it, to a refusal too, or else the one that
    /// requests reach it in.
    fn region(&self, session: &Session) -> Option<String> {
        match session.wait(session.s3().head_bucket().bucket(&self.bucket).send()) {
            Ok(answer) => answer.bucket_region().or(session.region()).map(str::to_owned),
            Err(error) => {
                let answer = error.raw_response()?;
                answer.headers().get("x-amz-bucket-region").map(str::to_owned)
            }
        }
    }

    /// The configuration with the bucket key on. S3 keeps one rule for a bucket; another one would
    /// stay as it is.
    fn edited(&self, action: &str, there: &str) -> Result<String, SetupError> {
        let mut edited = xml::edited(action, there.to_owned(), ROOT, |text, root| {
            rule(root).is_none().then(|| append(text, root, "<Rule></Rule>"))
        })?;
        self.check(rule(xml::parse(action, &edited, ROOT)?.root_element()))?;
        let changes: [FindEdit<'_>; 4] = [
            &|text, rule| {
                let has_default = find(rule, &[DEFAULT]).is_some();
                (!has_default).then(|| append(text, rule, &element(DEFAULT, "")))
            },
            &|text, rule| {
                let algorithm = self.key_arn.as_ref().map(|_| "aws:kms")?;
                set_child(text, find(rule, &[DEFAULT])?, "SSEAlgorithm", algorithm)
            },
            &|text, rule| {
                let key = self.key_arn.as_ref()?;
                set_child(text, find(rule, &[DEFAULT])?, "KMSMasterKeyID", key)
            },
            &|text, rule| set_child(text, rule, "BucketKeyEnabled", "true"),
        ];
        for change in changes {
            edited = xml::edited(action, edited, ROOT, |text, root| change(text, rule(root)?))?;
        }
        Ok(edited)
    }

    fn check(&self, rule: Option<Node<'_, '_>>) -> Result<(), SetupError> {
        let algorithm = rule.and_then(|rule| text(rule, &[DEFAULT, "SSEAlgorithm"]));
        match (algorithm, &self.key_arn) {
            (Some("aws:kms:dsse"), _) => Err(SetupError::Senseless(format!(
                "bucket {}: its default is DSSE-KMS, which has no bucket keys",
                self.bucket
            ))),
            (Some("aws:kms"), _) | (_, Some(_)) => Ok(()),
            (_, None) => Err(SetupError::Senseless(format!(
                "bucket {}: its default is not SSE-KMS, so a bucket key changes nothing; give \
                 --kms-key-arn to make it so",
                self.bucket
            ))),
        }
    }

    /// Puts the default encryption in place.
    ///
    /// # Errors
    /// When AWS refuses.
    pub fn apply(&self, session: &Session, planned: &BucketKeyPlan) -> Result<(), SetupError> {
        let call = session.s3().put_bucket_encryption().bucket(&self.bucket);
        let call = call.customize().interceptor(SentBody(planned.document.clone()));
        let action = || format!("put the default encryption of bucket {}", self.bucket);
        let answer = session.wait(call.send());
        answer.map(|_| ()).map_err(|error| AwsError::new(action(), &error).into())
    }
}

/// The rule of a bucket.
fn rule<'a, 'i>(root: Node<'a, 'i>) -> Option<Node<'a, 'i>> {
    children(root, "Rule").next()
}

fn lines(rule: Node<'_, '_>) -> Vec<String> {
    let algorithm = text(rule, &[DEFAULT, "SSEAlgorithm"]).unwrap_or("none");
    let mut lines = vec![format!("encryption: {algorithm}")];
    lines.extend(text(rule, &[DEFAULT, "KMSMasterKeyID"]).map(|key| format!("key: {key}")));
    let on = text(rule, &["BucketKeyEnabled"]) == Some("true");
    lines.push(format!("bucket key: {}", if on { "on" } else { "off" }));
    if let Some(blocked) = find(rule, &["BlockedEncryptionTypes"]) {
        let types = children(blocked, "EncryptionType").filter_map(|blocked| blocked.text());
        lines.push(format!("blocked: {}", types.collect::<Vec<_>>().join(", ")));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(key: Option<&str>, rule: &str) -> Result<String, String> {
        let asked = BucketKey { bucket: "b".to_owned(), key_arn: key.map(str::to_owned) };
        let text = asked.edited("look", &format!("<{ROOT}>{rule}</{ROOT}>"));
        let text = text.map_err(|error| error.to_string())?;
        Ok(text.replace(&format!("<{ROOT}>"), "").replace(&format!("</{ROOT}>"), ""))
    }

    #[test]
    fn only_the_bucket_key_and_a_named_key_change() {
        let kms = "<Rule>\n<ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms\
            </SSEAlgorithm><KMSMasterKeyID>k</KMSMasterKeyID><New/>\
            </ApplyServerSideEncryptionByDefault><BucketKeyEnabled>false</BucketKeyEnabled>\
            <Newer a='1'/></Rule>";
        assert_eq!(edited(None, kms), Ok(kms.replace("false", "true")));
        let other = kms.replace("false", "true").replace(">k<", ">arn:other<");
        assert_eq!(edited(Some("arn:other"), kms), Ok(other));
        assert!(edited(None, &kms.replace("aws:kms", "AES256")).is_err());
        assert!(edited(Some("k"), &kms.replace("aws:kms", "aws:kms:dsse")).is_err());
        let made = "<Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm>\
            <KMSMasterKeyID>k</KMSMasterKeyID></ApplyServerSideEncryptionByDefault>\
            <BucketKeyEnabled>true</BucketKeyEnabled></Rule>";
        assert_eq!(edited(Some("k"), ""), Ok(made.to_owned()));
        assert_eq!(edited(Some("k"), "<Rule/>"), Ok(made.to_owned()));
    }
}
