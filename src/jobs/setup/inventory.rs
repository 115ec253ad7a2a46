//! An inventory configuration: a report with every field that this program can use.
//!
//! One that is there keeps all that somebody chose: how often, which versions, form, prefix,
//! encryption, the destination's account, elements that this program doesn't know. It gets the
//! fields that it lacks, and what a parameter names.

use aws_sdk_s3::error::ProvideErrorMetadata;
use roxmltree::Node;

use super::body::{ReceivedBody, SentBody};
use super::bucket_policy::{self, InventoryWriter, PolicyPlan};
use super::default_key::default_key_id;
use super::xml::{self, Edit, FindEdit, NAMESPACE, children, element, find, set_child, text};
use super::{Change, SetupError};
use crate::aws::{AwsError, Session};
use crate::diagnostic::parameter::{
    DESTINATION, ID, LEAVE_BUCKET_POLICY, REPLACE_DESTINATION, REPORT_ENCRYPTION,
};
use crate::jobs::caller;
use crate::operation::job::S3Prefix;
use crate::operation::partition;
use crate::report::known_columns;

/// Columns that are not asked for: those that are always there or come with versions, and
/// `ObjectAccessControlList`, which makes a report several times as large and holds nothing that
/// can be asked for.
const NOT_ASKED: [&str; 6] =
    ["Bucket", "Key", "VersionId", "IsLatest", "IsDeleteMarker", "ObjectAccessControlList"];

/// The fields that predicates and operations look at (API, `InventoryOptionalField`).
fn fields() -> impl Iterator<Item = &'static str> {
    known_columns().filter(|name| !NOT_ASKED.contains(name))
}

const ROOT: &str = "InventoryConfiguration";

/// Where the element is that holds the destination's bucket and form.
const TARGET: [&str; 2] = ["Destination", "S3BucketDestination"];

/// How reports are encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ReportEncryption {
    /// With S3's own keys.
    SseS3,
    /// With this key, by its ARN.
    Key(String),
}

impl ReportEncryption {
    fn xml(&self) -> String {
        match self {
            Self::SseS3 => "<SSE-S3></SSE-S3>".to_owned(),
            Self::Key(key) => format!("<SSE-KMS>{}</SSE-KMS>", element("KeyId", key)),
        }
    }
}

/// What is asked for. What is none stays as it is; a new configuration gets the default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InventoryChange {
    /// The bucket that reports list.
    pub bucket: String,
    /// The configuration's name.
    pub id: String,
    /// Where reports go. A new configuration needs it.
    pub destination: Option<S3Prefix>,
    /// Whether reports may go elsewhere than they do.
    pub replace_destination: bool,
    /// `Daily` (the default) or `Weekly`.
    pub frequency: Option<&'static str>,
    /// `All` (the default) or `Current`.
    pub versions: Option<&'static str>,
    /// `CSV` (the default), `Parquet` or `ORC`.
    pub format: Option<&'static str>,
    /// How reports are encrypted; by default, as the destination does it.
    pub encryption: Option<ReportEncryption>,
    /// Whether the destination's policy is left alone.
    pub leave_bucket_policy: bool,
}

/// The changes, and what is to be put.
#[derive(Debug, Clone)]
pub(crate) struct InventoryPlan {
    /// For people: the destination's policy, where it can be looked at, then the configuration.
    pub changes: Vec<Change>,
    document: String,
    policy: Option<PolicyPlan>,
}

/// A configuration as it is to be, and where its reports go.
struct EditedInventory {
    document: String,
    before: Vec<String>,
    after: Vec<String>,
    destination: S3Prefix,
    /// What another destination makes of what was chosen for the old one.
    warnings: Vec<String>,
}

impl InventoryChange {
    /// Reads the configuration of this name and the destination's policy, and adds what they lack.
    ///
    /// # Errors
    /// When AWS refuses, or the configuration that is there has another destination.
    pub(crate) fn look(&self, session: &Session) -> Result<InventoryPlan, SetupError> {
        // The account is the bucket's, too: only its owner may set its inventory.
        let caller = caller(session)?;
        let partition = partition::from_arn(&caller.arn).to_owned();
        let action = format!("look at the inventory of bucket {}", self.bucket);
        let body = ReceivedBody::default();
        let call = session.s3().get_bucket_inventory_configuration();
        let call = call.bucket(&self.bucket).id(&self.id).customize().interceptor(body.clone());
        let there = match session.wait(call.send()) {
            Ok(_) => Some(body.text(&action)?),
            // S3 calls it NoSuchConfiguration, other servers otherwise.
            Err(error)
                if error.code() != Some("NoSuchBucket")
                    && error.raw_response().is_some_and(|raw| raw.status().as_u16() == 404) =>
            {
                None
            }
            Err(error) => return Err(AwsError::new(action, &error).into()),
        };
        let edited = match &there {
            Some(there) => self.edited(&action, there, &partition)?,
            None => self.made(&action, &partition)?,
        };
        let EditedInventory { document, before, after, destination, warnings: moved } = edited;
        let writer = InventoryWriter {
            source: format!("arn:{partition}:s3:::{}", self.bucket),
            account: caller.account_id,
            partition,
            destination,
        };
        let mut warnings = vec!["the first report comes within 48 hours".to_owned()];
        warnings.extend(moved);
        warnings.extend(key_warning(session, &action, &document, &writer)?);
        let what = format!("inventory configuration `{}` of bucket {}", self.id, self.bucket);
        let mut change = Change { what, before, after, warnings };
        let policy = if self.leave_bucket_policy {
            Err(writer.missing(&format!("{LEAVE_BUCKET_POLICY} is given")))
        } else {
            bucket_policy::look(session, &writer)?
        };
        let mut changes = Vec::new();
        let policy = match policy {
            Ok(plan) => {
                changes.push(plan.change.clone());
                Some(plan)
            }
            Err(warning) => {
                change.warnings.push(warning);
                None
            }
        };
        changes.push(change);
        Ok(InventoryPlan { changes, document, policy })
    }

    /// A new configuration.
    fn made(&self, action: &str, partition: &str) -> Result<EditedInventory, SetupError> {
        let Some(place) = &self.destination else {
            return Err(SetupError::Senseless(format!(
                "bucket {} has no inventory configuration `{}`: give {DESTINATION} \
                 s3://BUCKET/PREFIX to make one, or the {ID} of one that is there",
                self.bucket, self.id
            )));
        };
        let fields: String = fields().map(|field| element("Field", field)).collect();
        let prefix = &place.prefix;
        let prefix = if prefix.is_empty() { String::new() } else { element("Prefix", prefix) };
        let encryption = self.encryption.as_ref().map(ReportEncryption::xml);
        let encryption = encryption.map(|xml| format!("<Encryption>{xml}</Encryption>"));
        let document = format!(
            "<{ROOT} xmlns=\"{NAMESPACE}\"><Destination><S3BucketDestination>{}{}{prefix}{}\
             </S3BucketDestination></Destination><IsEnabled>true</IsEnabled>{}{}<OptionalFields>\
             {fields}</OptionalFields><Schedule>{}</Schedule></{ROOT}>",
            element("Format", self.format.unwrap_or("CSV")),
            element("Bucket", &format!("arn:{partition}:s3:::{}", place.bucket)),
            encryption.unwrap_or_default(),
            element("Id", &self.id),
            element("IncludedObjectVersions", self.versions.unwrap_or("All")),
            element("Frequency", self.frequency.unwrap_or("Daily")),
        );
        let after = lines(&document, xml::parse(action, &document, ROOT)?.root_element());
        let (before, destination) = (Vec::new(), place.clone());
        Ok(EditedInventory { document, before, after, destination, warnings: Vec::new() })
    }

    /// The configuration that is there, with what it lacks and what a parameter names.
    fn edited(
        &self,
        action: &str,
        there: &str,
        partition: &str,
    ) -> Result<EditedInventory, SetupError> {
        let document = xml::parse(action, there, ROOT)?;
        let root = document.root_element();
        let Some(target) = find(root, &TARGET) else {
            return Err(SetupError::Senseless(format!(
                "inventory configuration `{}` of bucket {} has a destination that this program \
                 doesn't know; give another {ID}",
                self.id, self.bucket
            )));
        };
        let own = destination(target);
        let destination = self.destination_of(&own)?;
        let bucket = (destination.bucket != own.bucket)
            .then(|| format!("arn:{partition}:s3:::{}", destination.bucket));
        let prefix = (destination.prefix != own.prefix).then_some(destination.prefix.as_str());
        let set = |path: &'static [&'static str], name: &'static str, value: Option<&str>| {
            let value = value.map(str::to_owned);
            move |text: &str, root: Node<'_, '_>| {
                set_child(text, find(root, path)?, name, value.as_ref()?)
            }
        };
        let is_moved = bucket.is_some();
        let changes: [FindEdit<'_>; 9] = [
            &set(&TARGET, "Bucket", bucket.as_deref()),
            // It names the owner of the bucket that reports went to.
            &|_, root| {
                let account = is_moved.then(|| find(root, &TARGET))?;
                Some((find(account?, &["AccountId"])?.range(), String::new()))
            },
            &|text, root| change_prefix(text, find(root, &TARGET)?, prefix?),
            &set(&TARGET, "Format", self.format),
            &|text, root| self.change_encryption(text, find(root, &TARGET)?),
            &set(&[], "IsEnabled", Some("true")),
            &set(&[], "IncludedObjectVersions", self.versions),
            &|text, root| self.change_frequency(text, root),
            &missing_fields,
        ];
        let mut edited = there.to_owned();
        for change in changes {
            edited = xml::edited(action, edited, ROOT, change)?;
        }
        let after = lines(&edited, xml::parse(action, &edited, ROOT)?.root_element());
        let warnings = if is_moved { self.moved(target) } else { Vec::new() };
        let before = lines(there, root);
        Ok(EditedInventory { document: edited, before, after, destination, warnings })
    }

    /// What to look at where reports go to another bucket than the configuration's.
    fn moved(&self, target: Node<'_, '_>) -> Vec<String> {
        let account = text(target, &["AccountId"]).map(|account| {
            format!(
                "the destination's account {account} was the old bucket's, and goes: whose the new \
                 bucket is, S3 no longer checks"
            )
        });
        let key = text(target, &["Encryption", "SSE-KMS", "KeyId"]);
        let key = key.filter(|_| self.encryption.is_none()).map(|key| {
            format!(
                "reports stay encrypted with key {key}, which was chosen for the old bucket: it \
                 must be in the new one's region, and who reads them there needs it; \
                 {REPORT_ENCRYPTION} names another"
            )
        });
        account.into_iter().chain(key).collect()
    }

    /// Where reports are to go: where they do, unless the user asks for another place, twice.
    fn destination_of(&self, own: &S3Prefix) -> Result<S3Prefix, SetupError> {
        match &self.destination {
            Some(place) if place != own && !self.replace_destination => {
                Err(SetupError::Senseless(format!(
                    "inventory configuration `{}` of bucket {} sends its reports to {}, where {} \
                     is asked for: leave {DESTINATION} out to keep that, give \
                     {REPLACE_DESTINATION} to change it, or another {ID} to have both",
                    self.id,
                    self.bucket,
                    own.address(),
                    place.address()
                )))
            }
            Some(place) => Ok(place.clone()),
            None => Ok(own.clone()),
        }
    }

    fn change_frequency(&self, text: &str, root: Node<'_, '_>) -> Option<Edit> {
        let frequency = self.frequency?;
        match find(root, &["Schedule"]) {
            Some(schedule) => set_child(text, schedule, "Frequency", frequency),
            None => {
                let schedule = format!("<Schedule>{}</Schedule>", element("Frequency", frequency));
                Some(xml::append(text, root, &schedule))
            }
        }
    }

    fn change_encryption(&self, document: &str, target: Node<'_, '_>) -> Option<Edit> {
        let wanted = self.encryption.as_ref()?;
        let node = find(target, &["Encryption"]);
        let is_so = node.is_some_and(|node| match wanted {
            ReportEncryption::SseS3 => find(node, &["SSE-S3"]).is_some(),
            ReportEncryption::Key(key) => text(node, &["SSE-KMS", "KeyId"]) == Some(key),
        });
        let xml = format!("<Encryption>{}</Encryption>", wanted.xml());
        match node {
            _ if is_so => None,
            Some(node) => Some((node.range(), xml)),
            None => Some(xml::append(document, target, &xml)),
        }
    }

    /// Puts the destination's policy and the configuration in place, the policy first.
    ///
    /// # Errors
    /// When AWS refuses.
    pub(crate) fn apply(
        &self,
        session: &Session,
        planned: &InventoryPlan,
    ) -> Result<(), SetupError> {
        if let Some(policy) = &planned.policy {
            policy.apply(session)?;
        }
        // The last change is the configuration's.
        if planned.changes.last().is_none_or(Change::is_none) {
            return Ok(());
        }
        let call = session.s3().put_bucket_inventory_configuration();
        let call = call.bucket(&self.bucket).id(&self.id);
        let call = call.customize().interceptor(SentBody(planned.document.clone()));
        let action = || format!("put the inventory configuration of bucket {}", self.bucket);
        let answer = session.wait(call.send());
        answer.map(|_| ()).map_err(|error| AwsError::new(action(), &error).into())
    }
}

/// Where a configuration sends its reports.
fn destination(target: Node<'_, '_>) -> S3Prefix {
    let bucket = text(target, &["Bucket"]).unwrap_or_default();
    let bucket = bucket.rsplit(':').next().unwrap_or_default().to_owned();
    let prefix = text(target, &["Prefix"]).unwrap_or_default();
    S3Prefix { bucket, prefix: prefix.trim_matches('/').to_owned() }
}

/// Another prefix; with an empty one, the element goes.
fn change_prefix(document: &str, target: Node<'_, '_>, prefix: &str) -> Option<Edit> {
    if !prefix.is_empty() {
        return set_child(document, target, "Prefix", prefix);
    }
    Some((find(target, &["Prefix"])?.range(), String::new()))
}

/// The fields that a configuration lacks, added behind its own.
fn missing_fields(there: &str, root: Node<'_, '_>) -> Option<Edit> {
    let own = find(root, &["OptionalFields"]);
    let known: Vec<&str> = own
        .into_iter()
        .flat_map(|fields| children(fields, "Field"))
        .filter_map(|field| field.text().map(str::trim))
        .collect();
    let missing = fields().filter(|field| !known.contains(field));
    let missing: String = missing.map(|field| element("Field", field)).collect();
    match own {
        _ if missing.is_empty() => None,
        Some(fields) => Some(xml::append(there, fields, &missing)),
        None => {
            let fields = format!("<OptionalFields>{missing}</OptionalFields>");
            Some(xml::append(there, root, &fields))
        }
    }
}

/// What the policy of a customer's key must say, where reports are encrypted with one.
fn key_warning(
    session: &Session,
    action: &str,
    document: &str,
    writer: &InventoryWriter,
) -> Result<Option<String>, SetupError> {
    let parsed = xml::parse(action, document, ROOT)?;
    let target = find(parsed.root_element(), &TARGET);
    let key = match target.and_then(|target| find(target, &["Encryption"])) {
        Some(encryption) => text(encryption, &["SSE-KMS", "KeyId"]).map(str::to_owned),
        None => default_key_id(session, &writer.destination.bucket).unwrap_or_default(),
    };
    Ok(key.map(|key| {
        format!(
            "reports are encrypted with key {key}: its policy must hold this statement, or no \
             report comes: {}",
            writer.key_statement()
        )
    }))
}

fn lines(document: &str, root: Node<'_, '_>) -> Vec<String> {
    const KNOWN: [&str; 12] = [
        "Destination",
        "IsEnabled",
        "Filter",
        "Id",
        "IncludedObjectVersions",
        "OptionalFields",
        "Schedule",
        "AccountId",
        "Bucket",
        "Format",
        "Prefix",
        "Encryption",
    ];
    let path = |path: &[&str]| text(root, path).unwrap_or_default().to_owned();
    let mut lines = vec![format!("enabled: {}", path(&["IsEnabled"]))];
    let target = find(root, &TARGET);
    if let Some(target) = target {
        let of = |name: &str| text(target, &[name]);
        let prefix = of("Prefix").unwrap_or_default();
        let bucket = of("Bucket").unwrap_or_default();
        lines.push(format!("destination: {bucket} {prefix}").trim_end().to_owned());
        lines.extend(of("AccountId").map(|account| format!("destination's account: {account}")));
        lines.push(format!("format: {}", of("Format").unwrap_or_default()));
        if let Some(encryption) = find(target, &["Encryption"]) {
            lines.push(match text(encryption, &["SSE-KMS", "KeyId"]) {
                Some(key) => format!("encryption: SSE-KMS, {key}"),
                None => match encryption.first_element_child() {
                    Some(child) => format!("encryption: {}", child.tag_name().name()),
                    None => "encryption: none".to_owned(),
                },
            });
        }
    }
    lines.push(format!("frequency: {}", path(&["Schedule", "Frequency"])));
    lines.push(format!("versions: {}", path(&["IncludedObjectVersions"])));
    if let Some(filter) = find(root, &["Filter"]) {
        lines.push(match text(filter, &["Prefix"]) {
            Some(prefix) => format!("only below: {prefix}"),
            None => format!("only: {}", xml::source(document, filter)),
        });
    }
    let others = root.children().chain(target.into_iter().flat_map(|target| target.children()));
    let others =
        others.filter(|child| child.is_element() && !KNOWN.contains(&child.tag_name().name()));
    lines.extend(others.map(|other| format!("also: {}", xml::source(document, other))));
    let fields = find(root, &["OptionalFields"]);
    let fields = fields.into_iter().flat_map(|fields| children(fields, "Field"));
    let mut fields: Vec<String> =
        fields.filter_map(|field| Some(format!("field: {}", field.text()?.trim()))).collect();
    fields.sort_unstable();
    lines.extend(fields);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> InventoryChange {
        InventoryChange {
            bucket: "demo".to_owned(),
            id: "mine".to_owned(),
            destination: None,
            replace_destination: false,
            frequency: None,
            versions: None,
            format: None,
            encryption: None,
            leave_bucket_policy: false,
        }
    }

    const THERE: &str = "<?xml version=\"1.0\"?>\n<InventoryConfiguration xmlns=\"n\"><Destination>\
        <S3BucketDestination><AccountId>444455556666</AccountId><Bucket>arn:aws-cn:s3:::reports\
        </Bucket><Format>Parquet</Format><Newer a=\"1\"/></S3BucketDestination></Destination>\
        <IsEnabled>true</IsEnabled><Id>mine</Id><IncludedObjectVersions>Current\
        </IncludedObjectVersions><OptionalFields><Field>Size</Field></OptionalFields>\n\
        <Schedule><Frequency>Weekly</Frequency><At>noon</At></Schedule><New/>\
        </InventoryConfiguration>\n";

    fn edited(asked: &InventoryChange) -> String {
        asked.edited("look", THERE, "aws-cn").map(|edited| edited.document).unwrap()
    }

    /// Without the fields that are added, the document is what it was.
    #[test]
    fn what_no_flag_names_stays_byte_for_byte() {
        let missing: String = fields().skip(1).map(|field| element("Field", field)).collect();
        let with_fields = THERE.replace("</OptionalFields>", &(missing + "</OptionalFields>"));
        assert_eq!(edited(&asked()), with_fields);
        let told = InventoryChange {
            frequency: Some("Daily"),
            versions: Some("All"),
            format: Some("CSV"),
            encryption: Some(ReportEncryption::SseS3),
            ..asked()
        };
        let wanted = with_fields
            .replace("Weekly", "Daily")
            .replace("Current", "All")
            .replace("Parquet", "CSV")
            .replace(
                "</S3BucketDestination>",
                "<Encryption><SSE-S3></SSE-S3></Encryption></S3BucketDestination>",
            );
        assert_eq!(edited(&told), wanted);
    }

    #[test]
    fn a_destination_is_replaced_only_when_told() {
        let place = |bucket: &str, prefix: &str| {
            Some(S3Prefix { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
        };
        let same = InventoryChange { destination: place("reports", ""), ..asked() };
        assert_eq!(edited(&same), edited(&asked()));
        let other = InventoryChange { destination: place("other", "a"), ..asked() };
        let error = other.edited("look", THERE, "aws-cn").err().unwrap().to_string();
        for part in ["s3://reports", "s3://other/a", "`replace_destination`"] {
            assert!(error.contains(part), "{error}");
        }
        let told = InventoryChange { replace_destination: true, ..other };
        let text = edited(&told);
        for part in [
            "<S3BucketDestination><Bucket>arn:aws-cn:s3:::other</Bucket>",
            "<Newer a=\"1\"/><Prefix>a</Prefix></S3BucketDestination>",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn a_new_configuration_needs_a_destination() {
        let error = asked().made("look", "aws").err().unwrap().to_string();
        assert!(error.contains("`destination`"), "{error}");
        let place = S3Prefix { bucket: "reports".to_owned(), prefix: "a&b".to_owned() };
        let made =
            InventoryChange { destination: Some(place), ..asked() }.made("look", "aws-us-gov");
        let made = made.map(|made| made.document).unwrap();
        for part in ["arn:aws-us-gov:s3:::reports<", ">a&amp;b<", ">Daily<", ">All<", ">CSV<"] {
            assert!(made.contains(part), "{part} in {made}");
        }
    }
}
