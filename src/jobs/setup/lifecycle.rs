//! A lifecycle rule that expires noncurrent versions: what copies in place leave behind.
//!
//! S3 takes the rules of a bucket as a whole. They are put back as the text that came, with our
//! rule added, or the days of our rule changed. A rule that is there keeps its filter, whatever is
//! asked for: a wider one would expire versions that somebody meant to keep.

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::types::{BucketVersioningStatus, TransitionDefaultMinimumObjectSize};
use roxmltree::Node;

use super::body::{ReceivedBody, SentBody};
use super::xml::{self, NAMESPACE, children, element, find, text};
use super::{Change, SetupError};
use crate::aws::{AwsError, Session};
use crate::diagnostic::parameter::{ID, PREFIX};

/// Rules of a bucket at most (UG, "Setting a lifecycle configuration on a bucket").
const RULES_MAX: usize = 1000;

const ROOT: &str = "LifecycleConfiguration";

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lifecycle {
    /// The bucket.
    pub bucket: String,
    /// The rule's name. Of a rule of this name the days are changed; all others stay.
    pub id: String,
    /// Only objects whose keys begin with this; empty for all.
    pub prefix: String,
    /// Days from when a version stops being the current one.
    pub days: i32,
}

/// The change, and what is to be put.
#[derive(Debug, Clone)]
pub(crate) struct LifecyclePlan {
    /// For people.
    pub change: Change,
    document: String,
    minimum_size: Option<TransitionDefaultMinimumObjectSize>,
}

/// The rules with ours among them.
#[derive(Debug)]
struct EditedRules {
    document: String,
    before: Vec<String>,
    after: Vec<String>,
    warnings: Vec<String>,
}

impl Lifecycle {
    /// Reads the rules of the bucket, and adds ours.
    ///
    /// # Errors
    /// When AWS refuses, there is no room for a rule, or a rule of this name is for other objects.
    pub(crate) fn look(&self, session: &Session) -> Result<LifecyclePlan, SetupError> {
        let action = format!("look at the lifecycle rules of bucket {}", self.bucket);
        let body = ReceivedBody::default();
        let call = session.s3().get_bucket_lifecycle_configuration().bucket(&self.bucket);
        let call = call.customize().interceptor(body.clone());
        let (there, minimum_size) = match session.wait(call.send()) {
            Ok(answer) => (body.text(&action)?, answer.transition_default_minimum_object_size),
            Err(error) if error.code() == Some("NoSuchLifecycleConfiguration") => {
                (format!("<{ROOT} xmlns=\"{NAMESPACE}\"></{ROOT}>"), None)
            }
            Err(error) => return Err(AwsError::new(action, &error).into()),
        };
        let EditedRules { document, before, after, mut warnings } = self.edited(&action, &there)?;
        warnings.extend(self.versioning_warning(session));
        let what = format!("lifecycle rules of bucket {}", self.bucket);
        Ok(LifecyclePlan {
            change: Change { what, before, after, warnings },
            document,
            minimum_size,
        })
    }

    fn edited(&self, action: &str, there: &str) -> Result<EditedRules, SetupError> {
        let document = xml::parse(action, there, ROOT)?;
        let root = document.root_element();
        let rules: Vec<Node<'_, '_>> = children(root, "Rule").collect();
        let (own, others): (Vec<Node<'_, '_>>, Vec<Node<'_, '_>>) =
            rules.iter().copied().partition(|rule| text(*rule, &["ID"]) == Some(&self.id));
        let mut warnings = vec![format!(
            "every noncurrent version goes {} days after it was replaced, not only those that a \
             copy leaves: versions that somebody keeps to undo deletions go too",
            self.days
        )];
        for other in others {
            if find(other, &["NoncurrentVersionExpiration"]).is_some() {
                warnings.push(format!("rule {} expires noncurrent versions already", name(other)));
            }
        }
        let edit = match own.first() {
            Some(own) => {
                warnings.extend(self.own_warning(*own));
                self.change_days(there, *own)?
            }
            None if rules.len() >= RULES_MAX => {
                return Err(SetupError::Senseless(format!(
                    "bucket {} has {} lifecycle rules, of {RULES_MAX} that it may have: there is \
                     no room for another; expire noncurrent versions by one of them",
                    self.bucket,
                    rules.len()
                )));
            }
            None => Some(xml::append(there, root, &self.rule(&rules))),
        };
        let edited = xml::edited(action, there.to_owned(), ROOT, |_, _| edit)?;
        let after = xml::parse(action, &edited, ROOT)?;
        let lines = |root| children(root, "Rule").map(line).collect();
        let (before, after) = (lines(root), lines(after.root_element()));
        Ok(EditedRules { document: edited, before, after, warnings })
    }

    /// Our rule, in the form that the others have: S3 refuses a `Filter` beside rules that have the
    /// older `Prefix` (API, `LifecycleRule`: "Prefix is no longer used"), and the other way round.
    fn rule(&self, others: &[Node<'_, '_>]) -> String {
        let old_form = others.iter().any(|rule| find(*rule, &["Prefix"]).is_some());
        let prefix = element("Prefix", &self.prefix);
        let filter = if old_form { prefix } else { format!("<Filter>{prefix}</Filter>") };
        format!(
            "<Rule>{}{filter}<Status>Enabled</Status><NoncurrentVersionExpiration>{}\
             </NoncurrentVersionExpiration></Rule>",
            element("ID", &self.id),
            element("NoncurrentDays", &self.days.to_string()),
        )
    }

    /// Changes the days of our rule, and nothing else of it.
    fn change_days(&self, there: &str, own: Node<'_, '_>) -> Result<Option<xml::Edit>, SetupError> {
        let (bucket, id) = (&self.bucket, &self.id);
        let wanted = Scope::Prefix(self.prefix.clone());
        let scope = Scope::of(there, own);
        if scope != wanted {
            return Err(SetupError::Senseless(format!(
                "bucket {bucket}: lifecycle rule {id} is there already, for {}; asked for is {}. \
                 What a rule covers is never changed: {}name a new rule with {ID}, or change this \
                 one by hand",
                scope.shown(),
                wanted.shown(),
                scope.flag(),
            )));
        }
        match find(own, &["NoncurrentVersionExpiration"]) {
            Some(expiration) => {
                Ok(xml::set_child(there, expiration, "NoncurrentDays", &self.days.to_string()))
            }
            None => Err(SetupError::Senseless(format!(
                "bucket {bucket}: lifecycle rule {id} is there already, and expires no noncurrent \
                 versions ({}): name a new rule with {ID}, or change this one by hand",
                line(own)
            ))),
        }
    }

    fn own_warning(&self, own: Node<'_, '_>) -> Option<String> {
        (text(own, &["Status"]) != Some("Enabled")).then(|| {
            format!(
                "rule {} is disabled, and stays so: it expires nothing until somebody enables it",
                self.id
            )
        })
    }

    fn versioning_warning(&self, session: &Session) -> Option<String> {
        let call = session.s3().get_bucket_versioning().bucket(&self.bucket);
        let status = session.wait(call.send()).ok()?.status;
        (status != Some(BucketVersioningStatus::Enabled))
            .then(|| format!("bucket {} does not keep versions now", self.bucket))
    }

    /// Puts all rules in place: those that were there, and ours.
    ///
    /// # Errors
    /// When AWS refuses.
    pub(crate) fn apply(
        &self,
        session: &Session,
        planned: &LifecyclePlan,
    ) -> Result<(), SetupError> {
        let action = || format!("put the lifecycle rules of bucket {}", self.bucket);
        let call = session.s3().put_bucket_lifecycle_configuration().bucket(&self.bucket);
        let call = call.set_transition_default_minimum_object_size(planned.minimum_size.clone());
        let call = call.customize().interceptor(SentBody(planned.document.clone()));
        let answer = session.wait(call.send());
        answer.map(|_| ()).map_err(|error| AwsError::new(action(), &error).into())
    }
}

/// Which objects a rule is for.
#[derive(Debug, PartialEq, Eq)]
enum Scope {
    /// Those whose keys begin with this: all, where it is empty.
    Prefix(String),
    /// As this XML says: tags, sizes, or what this program doesn't know.
    Other(String),
}

impl Scope {
    fn of(document: &str, rule: Node<'_, '_>) -> Self {
        let Some(filter) = find(rule, &["Filter"]) else {
            let prefix = find(rule, &["Prefix"]).and_then(|prefix| prefix.text());
            return Self::Prefix(prefix.unwrap_or_default().to_owned());
        };
        let mut parts = filter.children().filter(Node::is_element);
        match (parts.next(), parts.next()) {
            (None, _) => Self::Prefix(String::new()),
            (Some(part), None) if part.tag_name().name() == "Prefix" => {
                Self::Prefix(part.text().unwrap_or_default().to_owned())
            }
            _ => Self::Other(xml::source(document, filter)),
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Prefix(prefix) if prefix.is_empty() => "all objects".to_owned(),
            Self::Prefix(prefix) => format!("keys that begin with `{prefix}`"),
            Self::Other(filter) => format!("what {filter} selects"),
        }
    }

    /// How to give the prefix parameter to ask for just this.
    fn flag(&self) -> String {
        match self {
            Self::Prefix(prefix) if prefix.is_empty() => format!("leave out {PREFIX}, "),
            Self::Prefix(prefix) => format!("give {PREFIX} '{prefix}', "),
            Self::Other(_) => String::new(),
        }
    }
}

fn name<'a>(rule: Node<'a, '_>) -> &'a str {
    text(rule, &["ID"]).unwrap_or("without a name")
}

/// A rule on a line. Elements that this program doesn't know are named, and stay as they are.
fn line(rule: Node<'_, '_>) -> String {
    const SHOWN: [&str; 6] = [
        "ID",
        "Status",
        "Prefix",
        "Expiration",
        "NoncurrentVersionExpiration",
        "AbortIncompleteMultipartUpload",
    ];
    let mut parts = vec![text(rule, &["Status"]).unwrap_or("without a status").to_owned()];
    let document = rule.document().input_text();
    if Scope::of(document, rule) != Scope::Prefix(String::new()) {
        parts.push(format!("for {}", Scope::of(document, rule).shown()));
    }
    if let Some(days) = text(rule, &["Expiration", "Days"]) {
        parts.push(format!("expires after {days} days"));
    } else if let Some(expiration) = find(rule, &["Expiration"]) {
        parts.push(xml::source(document, expiration));
    }
    let transitions = children(rule, "Transition").count();
    if transitions > 0 {
        parts.push(format!("{transitions} transitions"));
    }
    if let Some(days) = text(rule, &["NoncurrentVersionExpiration", "NoncurrentDays"]) {
        parts.push(format!("noncurrent versions expire after {days} days"));
    }
    if let Some(kept) = text(rule, &["NoncurrentVersionExpiration", "NewerNoncurrentVersions"]) {
        parts.push(format!("but for the {kept} newest"));
    }
    if find(rule, &["AbortIncompleteMultipartUpload"]).is_some() {
        parts.push("gives up uploads in parts".to_owned());
    }
    let others = rule.children().filter(Node::is_element).map(|child| child.tag_name().name());
    parts.extend(
        others
            .filter(|name| !SHOWN.contains(name) && !["Filter", "Transition"].contains(name))
            .map(|name| format!("with {name}")),
    );
    format!("{}: {}", name(rule), parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(days: i32) -> Lifecycle {
        Lifecycle { bucket: "demo".to_owned(), id: "ours".to_owned(), prefix: String::new(), days }
    }

    fn configuration(rules: &str) -> String {
        format!("<?xml version=\"1.0\"?>\n<{ROOT} xmlns=\"{NAMESPACE}\">\n{rules}</{ROOT}>\n")
    }

    /// A day count of 60 changes these bytes and no others, in any form that means all objects.
    #[test]
    fn the_days_of_our_rule_change_and_nothing_else() {
        for filter in ["", "<Filter/>", "<Filter><Prefix/></Filter>", "<Prefix></Prefix>"] {
            let there = configuration(&format!(
                "<Rule><ID>ours</ID>{filter}<Status>Disabled</Status>\n<New a='1'/>\
                 <NoncurrentVersionExpiration><NewerNoncurrentVersions>3</NewerNoncurrentVersions>\
                 <NoncurrentDays>30</NoncurrentDays></NoncurrentVersionExpiration></Rule>"
            ));
            let edited = asked(60).edited("look", &there).unwrap();
            assert_eq!(edited.document, there.replace(">30<", ">60<"), "{filter}");
            assert!(edited.warnings.iter().any(|warning| warning.contains("is disabled")));
            assert!(edited.after[0].contains("after 60 days, but for the 3 newest, with New"));
            assert_eq!(asked(30).edited("look", &there).unwrap().document, there);
        }
    }

    #[test]
    fn a_rule_of_ours_for_other_objects_is_refused() {
        for (filter, shown) in [
            ("<Filter><Prefix>logs/</Prefix></Filter>", "`prefix` 'logs/'"),
            ("<Prefix>logs/</Prefix>", "keys that begin with `logs/`"),
            ("<Filter><Tag><Key>a</Key><Value>b</Value></Tag></Filter>", "<Key>a</Key>"),
            ("<Filter><Prefix/><Newer>1</Newer></Filter>", "<Newer>1</Newer>"),
        ] {
            let there = configuration(&format!(
                "<Rule><ID>ours</ID>{filter}<Status>Enabled</Status><NoncurrentVersionExpiration>\
                 <NoncurrentDays>30</NoncurrentDays></NoncurrentVersionExpiration></Rule>"
            ));
            let error = asked(60).edited("look", &there).unwrap_err().to_string();
            assert!(error.contains(shown) && error.contains("all objects"), "{error}");
        }
    }

    #[test]
    fn a_rule_of_our_name_that_does_something_else_is_refused() {
        let there = configuration(
            "<Rule><ID>ours</ID><Status>Enabled</Status><Expiration><Days>1</Days></Expiration>\
             </Rule>",
        );
        let error = asked(60).edited("look", &there).unwrap_err().to_string();
        assert!(error.contains("expires after 1 days"), "{error}");
    }

    #[test]
    fn rules_have_a_limit() {
        let rule = "<Rule><Status>Enabled</Status></Rule>";
        assert!(asked(1).edited("look", &configuration(&rule.repeat(RULES_MAX - 1))).is_ok());
        let full = configuration(&rule.repeat(RULES_MAX));
        let error = asked(1).edited("look", &full).unwrap_err().to_string();
        assert!(error.contains("1000 lifecycle rules"), "{error}");
    }
}
