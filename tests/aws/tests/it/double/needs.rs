//! The actions that a job's role must be allowed, by what the job does: S3's own rules for the
//! calls that the service makes.
//!
//! Never knows policies.

use roxmltree::Node;

use super::wire::{child, text};

/// Actions, each on its resource.
#[derive(Debug, Clone, Default)]
pub struct Needs {
    /// On the object of a task.
    pub object: Vec<&'static str>,
    /// On what a copy writes.
    pub target: Vec<&'static str>,
    /// On keys.
    pub keys: Vec<(&'static str, String)>,
    /// On a function.
    pub function: Option<String>,
    /// Whether what is written is encrypted as its bucket says.
    pub by_bucket_default: bool,
}

impl Needs {
    /// What an operation needs; `versions` where its manifest has version ids.
    pub fn of(operation: Node<'_, '_>, versions: bool) -> Self {
        let either = |plain, versioned| vec![if versions { versioned } else { plain }];
        let get = either("s3:GetObject", "s3:GetObjectVersion");
        let object = match operation.tag_name().name() {
            "S3PutObjectCopy" => return Self::of_copy(operation, versions),
            "S3UpdateObjectEncryption" => {
                let path = ["ObjectEncryption", "SSE-KMS", "KMSKeyArn"];
                let key = text(operation, &path).unwrap_or_default();
                let keys = ["kms:GenerateDataKey", "kms:Decrypt"].map(|act| (act, key.clone()));
                let object = [get, vec!["s3:UpdateObjectEncryption"]].concat();
                return Self { object, keys: keys.to_vec(), ..Self::default() };
            }
            "LambdaInvoke" => {
                let function = text(operation, &["FunctionArn"]);
                return Self { function, ..Self::default() };
            }
            "S3PutObjectAcl" => either("s3:PutObjectAcl", "s3:PutObjectVersionAcl"),
            "S3PutObjectTagging" => either("s3:PutObjectTagging", "s3:PutObjectVersionTagging"),
            "S3DeleteObjectTagging" => {
                either("s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging")
            }
            "S3InitiateRestoreObject" => vec!["s3:RestoreObject"],
            "S3PutObjectLegalHold" => vec!["s3:PutObjectLegalHold"],
            "S3PutObjectRetention" => {
                let bypass = text(operation, &["BypassGovernanceRetention"]);
                let bypass = bypass.as_deref() == Some("true");
                let more = bypass.then_some("s3:BypassGovernanceRetention");
                ["s3:PutObjectRetention"].into_iter().chain(more).collect()
            }
            "S3ReplicateObject" => vec!["s3:InitiateReplication"],
            "S3ComputeObjectChecksum" => get,
            other => panic!("the double knows no operation {other}"),
        };
        Self { object, ..Self::default() }
    }

    /// API, `CopyObject`, "Permissions".
    fn of_copy(operation: Node<'_, '_>, versions: bool) -> Self {
        let has = |name: &str| child(operation, name).is_some();
        let copies_tags = !has("NewObjectTagging");
        let mut object = vec![if versions { "s3:GetObjectVersion" } else { "s3:GetObject" }];
        if copies_tags {
            let tagging = ["s3:GetObjectTagging", "s3:GetObjectVersionTagging"];
            object.push(tagging[usize::from(versions)]);
        }
        let tags = child(operation, "NewObjectTagging");
        let writes_tags = tags.is_none_or(|tags| tags.children().any(|tag| tag.is_element()));
        let acl = has("CannedAccessControlList") || has("AccessControlGrants");
        let target = [
            (true, "s3:PutObject"),
            (writes_tags, "s3:PutObjectTagging"),
            (acl, "s3:PutObjectAcl"),
            (has("ObjectLockMode"), "s3:PutObjectRetention"),
            (has("ObjectLockLegalHoldStatus"), "s3:PutObjectLegalHold"),
        ];
        let target = target.into_iter().filter(|(needed, _)| *needed);
        let key = text(operation, &["SSEAwsKmsKeyId"]);
        let sse = text(operation, &["NewObjectMetadata", "SSEAlgorithm"]);
        let by_bucket_default = key.is_none() && sse.is_none();
        let keys = key.map(|key| ("kms:GenerateDataKey", key)).into_iter().collect();
        let target = target.map(|(_, action)| action).collect();
        Self { object, target, keys, function: None, by_bucket_default }
    }
}
