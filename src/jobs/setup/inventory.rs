//! An inventory configuration: a report with every field that this program can use.

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::types::{
    InventoryConfiguration, InventoryDestination, InventoryFormat, InventoryFrequency,
    InventoryIncludedObjectVersions, InventoryOptionalField, InventoryS3BucketDestination,
    InventorySchedule,
};

use super::{Change, SetupError};
use crate::aws::{AwsError, Session};
use crate::operation::job::Place;

/// The fields that predicates and operations look at (API, `InventoryOptionalField`). Left out:
/// `ObjectAccessControlList`, which makes a report several times as large, and holds nothing that
/// can be asked for.
const FIELDS: [&str; 18] = [
    "Size",
    "LastModifiedDate",
    "ETag",
    "StorageClass",
    "IsMultipartUploaded",
    "ReplicationStatus",
    "EncryptionStatus",
    "ObjectLockRetainUntilDate",
    "ObjectLockMode",
    "ObjectLockLegalHoldStatus",
    "ObjectLockEventHoldStatus",
    "ObjectLockEventHoldDuration",
    "IntelligentTieringAccessTier",
    "IntelligentTieringReferenceDate",
    "BucketKeyStatus",
    "ChecksumAlgorithm",
    "ObjectOwner",
    "LifecycleExpirationDate",
];

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inventory {
    /// The bucket that reports list.
    pub bucket: String,
    /// The configuration's name.
    pub id: String,
    /// Where reports go.
    pub destination: Place,
    /// The partition of both buckets, `aws` as a rule.
    pub partition: String,
    /// Whether there is a report every day, or every week.
    pub daily: bool,
    /// Whether reports list noncurrent versions too.
    pub all_versions: bool,
}

/// The change, and what is to be put.
#[derive(Debug, Clone)]
pub struct Planned {
    /// For people.
    pub change: Change,
    configuration: InventoryConfiguration,
}

impl Inventory {
    /// Reads the configuration of this name, and adds what it lacks.
    ///
    /// # Errors
    /// When AWS refuses.
    pub fn look(&self, session: &Session) -> Result<Planned, SetupError> {
        let call = session.s3().get_bucket_inventory_configuration();
        let answer = session.wait(call.bucket(&self.bucket).id(&self.id).send());
        let there = match answer {
            Ok(answer) => answer.inventory_configuration,
            Err(error) if error.code() == Some("NoSuchConfiguration") => None,
            Err(error) => {
                let action = format!("look at the inventory of bucket {}", self.bucket);
                return Err(AwsError::new(action, &error).into());
            }
        };
        let configuration = self.configuration(there.as_ref())?;
        let change = Change {
            what: format!("inventory configuration `{}` of bucket {}", self.id, self.bucket),
            before: there.as_ref().map(lines).unwrap_or_default(),
            after: lines(&configuration),
            warnings: vec![format!(
                "the policy of bucket {} must let s3.amazonaws.com put objects for this bucket; \
                 without it no report comes. The first one comes within 48 hours",
                self.destination.bucket
            )],
        };
        Ok(Planned { change, configuration })
    }

    fn configuration(
        &self,
        there: Option<&InventoryConfiguration>,
    ) -> Result<InventoryConfiguration, SetupError> {
        let Place { bucket, prefix } = &self.destination;
        let bucket = InventoryS3BucketDestination::builder()
            .bucket(format!("arn:{}:s3:::{bucket}", self.partition))
            .format(InventoryFormat::Csv)
            .set_prefix((!prefix.is_empty()).then(|| prefix.clone()))
            // An encryption that somebody chose stays.
            .set_encryption(there.and_then(|there| {
                there.destination.as_ref()?.s3_bucket_destination.as_ref()?.encryption.clone()
            }))
            .build()
            .map_err(|error| SetupError::Senseless(error.to_string()))?;
        let frequency =
            if self.daily { InventoryFrequency::Daily } else { InventoryFrequency::Weekly };
        let schedule = InventorySchedule::builder().frequency(frequency).build();
        let versions = if self.all_versions {
            InventoryIncludedObjectVersions::All
        } else {
            InventoryIncludedObjectVersions::Current
        };
        let mut fields: Vec<InventoryOptionalField> =
            FIELDS.map(InventoryOptionalField::from).into();
        let own = there.and_then(|there| there.optional_fields.clone()).unwrap_or_default();
        fields.extend(own.into_iter().filter(|field| !FIELDS.contains(&field.as_str())));
        let destination = InventoryDestination::builder().s3_bucket_destination(bucket).build();
        InventoryConfiguration::builder()
            .id(&self.id)
            .is_enabled(true)
            .destination(destination)
            .schedule(schedule.map_err(|error| SetupError::Senseless(error.to_string()))?)
            .included_object_versions(versions)
            .set_filter(there.and_then(|there| there.filter.clone()))
            .set_optional_fields(Some(fields))
            .build()
            .map_err(|error| SetupError::Senseless(error.to_string()))
    }

    /// Puts the configuration in place.
    ///
    /// # Errors
    /// When AWS refuses.
    pub fn apply(&self, session: &Session, planned: Planned) -> Result<(), SetupError> {
        let call = session.s3().put_bucket_inventory_configuration();
        let call = call.bucket(&self.bucket).id(&self.id);
        let answer = session.wait(call.inventory_configuration(planned.configuration).send());
        let action = || format!("put the inventory configuration of bucket {}", self.bucket);
        answer.map(|_| ()).map_err(|error| AwsError::new(action(), &error).into())
    }
}

fn lines(configuration: &InventoryConfiguration) -> Vec<String> {
    let destination = configuration.destination.as_ref();
    let bucket = destination.and_then(|destination| destination.s3_bucket_destination.as_ref());
    let mut lines = vec![format!("enabled: {}", configuration.is_enabled)];
    if let Some(bucket) = bucket {
        let prefix = bucket.prefix.as_deref().unwrap_or_default();
        lines.push(format!("destination: {} {prefix}", bucket.bucket).trim_end().to_owned());
        lines.push(format!("format: {}", bucket.format.as_str()));
        if bucket.encryption.is_some() {
            lines.push("encryption: as chosen".to_owned());
        }
    }
    if let Some(schedule) = &configuration.schedule {
        lines.push(format!("frequency: {}", schedule.frequency.as_str()));
    }
    lines.push(format!("versions: {}", configuration.included_object_versions.as_str()));
    if let Some(filter) = &configuration.filter {
        lines.push(format!("only below: {}", filter.prefix));
    }
    let fields = configuration.optional_fields.iter().flatten();
    let mut fields: Vec<String> =
        fields.map(|field| format!("field: {}", field.as_str())).collect();
    fields.sort_unstable();
    lines.extend(fields);
    lines
}
