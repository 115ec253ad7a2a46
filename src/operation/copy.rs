//! `copy`: `S3PutObjectCopy`.

use serde_json::{Map, Value, json};

use super::acl::CANNED;
use super::arn::Arn;
use super::check::{
    self, CheckResult, Refusal, Tag, account, bucket_name, key_arn, length, missing, one_of,
    one_of_if_given, partition, refusal,
};
use super::checksum::ALGORITHMS;
use super::copy_key::CopyKey;
use super::estimate::{CostBasis, Estimate, EstimateBuilder, KMS_CALLS_COPY};
use super::job::tag_set;
use super::legal_hold::STATUSES;
use super::manifest::PlannedManifest;
use super::policy::{Access, Statement, USE_KEYS};
use super::retention::check_lock;
use super::rule::{ARCHIVED, Rule, RuleCondition, SSE_C};
use super::setting::JobContext;
use super::spec::{DirectoryBuckets, Operation, OperationSpec};
use super::tag::{OBJECT_TAGS_MAX, RULES as TAG_RULES};
use super::{CopyClass, StorageClass, bucket};
use crate::diagnostic::parameter::{
    ACL, BUCKET_KEY, CACHE_CONTROL, CHECKSUM_ALGORITHM, CONTENT_DISPOSITION, CONTENT_ENCODING,
    CONTENT_LANGUAGE, CONTENT_TYPE, EXPIRES, KMS_KEY_ARN, LEGAL_HOLD, METADATA, MODIFIED_SINCE,
    OBJECT_TAG, OBJECT_TAGS, ParameterName, REDIRECT_LOCATION, REGION, REQUESTER_PAYS,
    RETAIN_UNTIL, RETENTION_MODE, SPLIT_BY, SSE, STORAGE_CLASS, TARGET_BUCKET, TARGET_PREFIX,
    UNMODIFIED_SINCE, USER_METADATA,
};

/// The largest object that one `CopyObject` takes, in bytes: 5 GiB (UG, "Copy objects"; the
/// service's error names the number).
pub(crate) const SOURCE_BYTES_MAX: u64 = 5 << 30;

const TOO_LARGE: Rule = Rule {
    reason: "too-large",
    meaning: "larger than 5,368,709,120 bytes, the most that a copy takes",
    parts: &[RuleCondition { condition: "Size > 5368709120", columns: &["Size"] }],
};

const _: () = assert!(SOURCE_BYTES_MAX == 5_368_709_120);

/// A noncurrent version that no copy of its key's current version follows (UG, "Copy objects": copy
/// noncurrent versions first, then the current ones). It depends on the other rows of a plan, so it
/// has no condition: whoever writes the plan looks for it.
pub(crate) const NO_CURRENT_VERSION: Rule = Rule {
    reason: "no-current-version",
    meaning: "a noncurrent version whose copy would become what is read, as the current version is \
              not in this plan",
    parts: &[],
};

/// A noncurrent version in manifests without version ids: the row of its key's current version
/// stands for the key.
pub(crate) const NONCURRENT: Rule = Rule {
    reason: "noncurrent",
    meaning: "a noncurrent version, which manifests without version ids can't name",
    parts: &[RuleCondition { condition: "NOT IsLatest", columns: &["IsLatest"] }],
};

const RULES: &str = "UG, Copy objects";

/// What becomes of tags unless something else is asked for.
const KEEP_TAGS: &str = "keep";

/// The copies get no tags.
const DROP_TAGS: &str = "none";

/// API, `NonEmptyMaxLength1024String`: the target prefix and each value of the metadata.
const TEXT_CHARS_MAX: usize = 1024;

/// API, `NonEmptyMaxLength2048String`.
const REDIRECT_CHARS_MAX: usize = 2048;

/// The operation.
pub(super) const SPEC: OperationSpec = OperationSpec {
    name: "copy",
    api_name: "S3PutObjectCopy",
    rules: &[TOO_LARGE, ARCHIVED, SSE_C, NO_CURRENT_VERSION, NONCURRENT],
    acts_on_delete_markers: false,
    needs_version_ids: false,
    results_in_report: false,
    directory_buckets: DirectoryBuckets::Supported,
    permissions,
    estimate,
};

/// The parameters. What is not given is left to S3, but for the storage class.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CopyParameters {
    /// The target bucket's name or ARN.
    pub target_bucket: Option<String>,
    /// The prefix of the copies' keys.
    pub target_prefix: Option<String>,
    /// The storage class of the copies.
    pub storage_class: Option<CopyClass>,
    /// The encryption of the copies: `none` (the bucket's default), `AES256` or `KMS`.
    pub sse: Option<String>,
    /// The ARN of the KMS key.
    pub key_arn: Option<String>,
    /// Whether the copies use an S3 Bucket Key.
    pub bucket_key: Option<bool>,
    /// The tags of the copies: `keep`, `replace` or `none`.
    pub tags_directive: Option<String>,
    /// The new tags.
    pub tags: Vec<Tag>,
    /// The metadata directive: `COPY` or `REPLACE`.
    pub metadata_directive: Option<String>,
    /// The new metadata.
    pub metadata: Metadata,
    /// A canned ACL.
    pub acl: Option<String>,
    /// The checksum algorithm.
    pub checksum_algorithm: Option<String>,
    /// The legal hold's status: `ON` or `OFF`.
    pub legal_hold: Option<String>,
    /// The retention mode.
    pub lock_mode: Option<String>,
    /// The end of the retention, to the second, in UTC.
    pub lock_until: Option<String>,
    /// Copy only objects that have changed since this time.
    pub modified_since: Option<String>,
    /// Copy only objects that have not changed since this time.
    pub unmodified_since: Option<String>,
    /// Where a website redirects requests for the copies.
    pub redirect_location: Option<String>,
    /// Whether the requester pays for reading the source bucket.
    pub requester_pays: bool,
}

/// Metadata of the copies (API, `S3ObjectMetadata`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Metadata {
    /// `Cache-Control`.
    pub cache_control: Option<String>,
    /// `Content-Disposition`.
    pub content_disposition: Option<String>,
    /// `Content-Encoding`.
    pub content_encoding: Option<String>,
    /// `Content-Language`.
    pub content_language: Option<String>,
    /// User-defined metadata: keys and values.
    pub user: Vec<(String, String)>,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Expires`: a time to the second, in UTC.
    pub expires: Option<String>,
}

impl Metadata {
    /// Texts before and behind the user's own, by parameter and by their names in the API.
    fn texts(&self) -> [(ParameterName, &'static str, Option<&str>); 5] {
        [
            (CACHE_CONTROL, "CacheControl", self.cache_control.as_deref()),
            (CONTENT_DISPOSITION, "ContentDisposition", self.content_disposition.as_deref()),
            (CONTENT_ENCODING, "ContentEncoding", self.content_encoding.as_deref()),
            (CONTENT_LANGUAGE, "ContentLanguage", self.content_language.as_deref()),
            (CONTENT_TYPE, "ContentType", self.content_type.as_deref()),
        ]
    }

    /// The first parameter of those that are given.
    fn first_given(&self) -> Option<ParameterName> {
        let text = self.texts().into_iter().find(|(_, _, value)| value.is_some());
        let user = (!self.user.is_empty()).then_some(USER_METADATA);
        text.map(|(parameter, ..)| parameter).or(user).or(self.expires.as_ref().map(|_| EXPIRES))
    }

    fn check(&self) -> CheckResult {
        const SOURCE: &str = "API, S3ObjectMetadata";
        for (parameter, _, value) in self.texts() {
            value.map_or(Ok(()), |value| length(parameter, value, TEXT_CHARS_MAX, SOURCE))?;
        }
        for (number, (key, value)) in self.user.iter().enumerate() {
            length(USER_METADATA, key, TEXT_CHARS_MAX, SOURCE)?;
            if !value.is_empty() {
                length(USER_METADATA, value, TEXT_CHARS_MAX, SOURCE)?;
            }
            if self.user[..number].iter().any(|(earlier, _)| earlier == key) {
                let rule = "a key is given twice";
                return Err(refusal(USER_METADATA, key, rule, SOURCE, "leave one out"));
            }
        }
        self.expires.as_deref().map_or(Ok(()), |time| check::time(EXPIRES, time))
    }

    /// The member `NewObjectMetadata`, with the encryption, which stands in there too.
    fn member(&self, sse: Option<&str>) -> Option<Value> {
        let mut member = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            value.map(|value| member.insert(name.to_owned(), value));
        };
        let [.., content_type] = self.texts();
        for (_, name, value) in &self.texts()[..4] {
            put(name, value.map(Value::from));
        }
        let user = self.user.iter().map(|(key, value)| (key.clone(), value.clone()));
        put("UserMetadata", (!self.user.is_empty()).then(|| user.collect()));
        put(content_type.1, content_type.2.map(Value::from));
        put("HttpExpiresDate", self.expires.as_deref().map(Value::from));
        put("SSEAlgorithm", sse.map(Value::from));
        (!member.is_empty()).then(|| member.into())
    }
}

/// The bucket that is copied to.
struct CopyTarget {
    arn: String,
    /// Whether it is a directory bucket, which lacks much of what copies can have.
    is_directory: bool,
}

impl CopyParameters {
    fn target(&self, setting: &JobContext) -> Result<CopyTarget, Refusal> {
        const PARAMETER: ParameterName = TARGET_BUCKET;
        let Some(target) = self.target_bucket.as_deref() else {
            let rule = "a copy needs a bucket to go to";
            let remedy = "name one; the objects' own copies them in place";
            return Err(missing(PARAMETER, rule, RULES, remedy));
        };
        let Some(arn) = Arn::parse(target) else {
            bucket_name(PARAMETER, target)?;
            let is_directory = bucket::is_directory(target);
            let arn = match &setting.region {
                _ if !is_directory => bucket::general_arn(&setting.partition, target),
                Some(region) => {
                    let JobContext { partition, account_id, .. } = setting;
                    bucket::directory_arn(partition, region, account_id, target)
                }
                None => {
                    let rule = "the ARN of a directory bucket names its region";
                    return Err(missing(REGION, rule, RULES, "give the target's region"));
                }
            };
            return Ok(CopyTarget { arn, is_directory });
        };
        partition(PARAMETER, target, arn, setting)?;
        let name = bucket::name_in_arn(target);
        let is_directory = bucket::is_directory(name);
        let fits = if is_directory {
            arn.service == "s3express"
                && setting.region.as_deref().is_none_or(|region| region == arn.region)
                && account(PARAMETER, arn.account).is_ok()
                && arn.resource != name
        } else {
            arn.service == "s3" && arn.account.is_empty() && arn.resource == name
        };
        if !fits {
            let rule = "it must be arn:aws:s3:::BUCKET, or of a directory bucket in the region of \
                        the jobs arn:aws:s3express:REGION:ACCOUNT:bucket/BASE--ZONE--x-s3";
            let source = "API, S3RegionalOrS3ExpressBucketArnString";
            return Err(refusal(PARAMETER, target, rule, source, "give the bucket's name"));
        }
        bucket_name(PARAMETER, name)?;
        Ok(CopyTarget { arn: target.to_owned(), is_directory })
    }

    /// Refuses what directory buckets lack (API, `S3CopyObjectOperation`, member by member).
    fn check_for_directory_bucket(&self) -> CheckResult {
        let keeps_tags = self.tags_directive.as_deref().is_some_and(|what| what != DROP_TAGS);
        let lacking = [
            (STORAGE_CLASS, matches!(self.storage_class, Some(CopyClass::Of(_)))),
            (OBJECT_TAGS, keeps_tags),
            (OBJECT_TAG, !self.tags.is_empty()),
            (BUCKET_KEY, self.bucket_key.is_some()),
            (ACL, self.acl.is_some()),
            (LEGAL_HOLD, self.legal_hold.is_some()),
            (RETENTION_MODE, self.lock_mode.is_some()),
            (RETAIN_UNTIL, self.lock_until.is_some()),
            (REDIRECT_LOCATION, self.redirect_location.is_some()),
            (REQUESTER_PAYS, self.requester_pays),
        ];
        match lacking.into_iter().find(|(_, is_given)| *is_given) {
            Some((parameter, _)) => {
                let rule = "copies in a directory bucket can't have it";
                Err(missing(parameter, rule, "API, S3CopyObjectOperation", "leave it out"))
            }
            None => Ok(()),
        }
    }

    /// The class of a manifest's copies.
    fn class(&self, manifest: &PlannedManifest) -> Result<&'static str, Refusal> {
        const PARAMETER: ParameterName = STORAGE_CLASS;
        let class = self.storage_class()?;
        if let CopyClass::Of(class) = class {
            return Ok(class.name());
        }
        let kept = manifest.storage_class(PARAMETER, class.name(), RULES)?;
        let possible = StorageClass::from_name(kept).filter(|class| class.is_for_copies());
        possible.map(StorageClass::name).ok_or_else(|| {
            let rule = format!("{} holds objects of {kept}, which copies can't be", manifest.path);
            let remedy = "name a class, or leave those objects out";
            refusal(PARAMETER, class.name(), rule, RULES, remedy)
        })
    }

    fn storage_class(&self) -> Result<CopyClass, Refusal> {
        self.storage_class.ok_or_else(|| {
            let rule = "S3 makes copies STANDARD unless told otherwise, whatever the objects are";
            let remedy = format!(
                "give {STORAGE_CLASS} keep (with a plan that was made with {SPLIT_BY} \
                          StorageClass), or the class you want"
            );
            missing(STORAGE_CLASS, rule, "API, CopyObject", remedy)
        })
    }

    fn check_encryption(&self, setting: &JobContext) -> CheckResult {
        const SOURCE: &str = "API, S3CopyObjectOperation";
        let sse = self.sse.as_deref();
        one_of_if_given(SSE, sse, &["none", "AES256", "KMS"], "API, S3SSEAlgorithm")?;
        if let Some(key) = self.key_arn.as_deref() {
            key_arn(KMS_KEY_ARN, key, setting, SOURCE)?;
            if sse != Some("KMS") {
                let rule = "a key is used with SSE-KMS only";
                return Err(refusal(KMS_KEY_ARN, key, rule, SOURCE, format!("give {SSE} KMS")));
            }
        }
        if self.bucket_key.is_some() && sse == Some("AES256") {
            let rule = "a bucket key goes with SSE-KMS, not with AES256";
            let remedy =
                format!("give {SSE} KMS, or leave {SSE} out where the bucket's default is SSE-KMS");
            return Err(missing(BUCKET_KEY, rule, SOURCE, remedy));
        }
        Ok(())
    }

    fn check_tags(&self) -> CheckResult {
        const PARAMETER: ParameterName = OBJECT_TAGS;
        let directive = self.tags_directive.as_deref().unwrap_or(KEEP_TAGS);
        let source = "API, S3CopyObjectOperation";
        if directive.contains('=') {
            let rule = "it says what becomes of the tags, and holds none";
            let remedy = format!("give {PARAMETER} replace {OBJECT_TAG} {directive}");
            return Err(refusal(PARAMETER, directive, rule, source, remedy));
        }
        one_of(PARAMETER, directive, &[KEEP_TAGS, "replace", DROP_TAGS], source)?;
        match (directive, self.tags.is_empty()) {
            ("replace", true) => {
                let remedy = format!("give {OBJECT_TAG} KEY=VALUE, or {OBJECT_TAGS} none");
                Err(refusal(PARAMETER, directive, "it needs tags", TAG_RULES, remedy))
            }
            (KEEP_TAGS | DROP_TAGS, false) => {
                let rule = "tags are given, which only replace takes";
                Err(refusal(
                    PARAMETER,
                    directive,
                    rule,
                    source,
                    format!("give {OBJECT_TAGS} replace"),
                ))
            }
            _ => check::tags(OBJECT_TAG, &self.tags, OBJECT_TAGS_MAX, TAG_RULES),
        }
    }

    fn check_metadata(&self) -> CheckResult {
        let directive = self.metadata_directive.as_deref();
        one_of_if_given(METADATA, directive, &["COPY", "REPLACE"], "API, S3MetadataDirective")?;
        match self.metadata.first_given() {
            Some(parameter) if directive != Some("REPLACE") => {
                let rule = "new metadata takes the place of all metadata, and is ignored otherwise";
                Err(missing(parameter, rule, "API, CopyObject", format!("give {METADATA} REPLACE")))
            }
            _ => self.metadata.check(),
        }
    }

    fn check_texts_and_times(&self) -> CheckResult {
        if let Some(prefix) = self.target_prefix.as_deref() {
            let source = "API, NonEmptyMaxLength1024String";
            length(TARGET_PREFIX, prefix, TEXT_CHARS_MAX, source)?;
        }
        if let Some(location) = self.redirect_location.as_deref() {
            let source = "API, NonEmptyMaxLength2048String";
            length(REDIRECT_LOCATION, location, REDIRECT_CHARS_MAX, source)?;
        }
        let times = [
            (MODIFIED_SINCE, self.modified_since.as_deref()),
            (UNMODIFIED_SINCE, self.unmodified_since.as_deref()),
        ];
        times.into_iter().try_for_each(|(parameter, time)| {
            time.map_or(Ok(()), |time| check::time(parameter, time))
        })
    }

    /// What is to become of the metadata. Where the encryption alone stands in `NewObjectMetadata`,
    /// it is said that the rest is kept.
    fn directive(&self) -> Option<&str> {
        let sse_alone = self.sse_algorithm().is_some().then_some("COPY");
        self.metadata_directive.as_deref().or(sse_alone)
    }

    fn sse_algorithm(&self) -> Option<&str> {
        self.sse.as_deref().filter(|sse| *sse != "none")
    }

    /// Without this member the tags of the source are copied, which fails in a directory bucket:
    /// there, copies get none.
    fn new_tags(&self, target: &CopyTarget) -> Option<Value> {
        let keeps = matches!(self.tags_directive.as_deref(), None | Some(KEEP_TAGS));
        (!keeps || target.is_directory).then(|| tag_set(&self.tags).into())
    }
}

impl Operation for CopyParameters {
    fn spec(&self) -> &'static OperationSpec {
        &SPEC
    }

    fn check(&self, setting: &JobContext) -> CheckResult {
        if self.target(setting)?.is_directory {
            self.check_for_directory_bucket()?;
        } else {
            self.storage_class()?;
        }
        self.check_encryption(setting)?;
        self.check_tags()?;
        self.check_metadata()?;
        self.check_texts_and_times()?;
        one_of_if_given(ACL, self.acl.as_deref(), &CANNED, "API, S3CannedAccessControlList")?;
        let checksum = self.checksum_algorithm.as_deref();
        one_of_if_given(CHECKSUM_ALGORITHM, checksum, &ALGORITHMS, "API, S3ChecksumAlgorithm")?;
        let hold = self.legal_hold.as_deref();
        one_of_if_given(LEGAL_HOLD, hold, &STATUSES, "API, S3ObjectLockLegalHoldStatus")?;
        check_lock(self.lock_mode.as_deref(), self.lock_until.as_deref(), setting)
    }

    fn request(&self, setting: &JobContext, manifest: &PlannedManifest) -> Result<Value, Refusal> {
        let text = |value: &Option<String>| value.as_deref().map(Value::from);
        let target = self.target(setting)?;
        let class = if target.is_directory { None } else { Some(self.class(manifest)?) };
        let tags = self.new_tags(&target);
        let members = [
            ("TargetResource", Some(target.arn.into())),
            ("CannedAccessControlList", text(&self.acl)),
            ("MetadataDirective", self.directive().map(Value::from)),
            ("ModifiedSinceConstraint", text(&self.modified_since)),
            ("NewObjectMetadata", self.metadata.member(self.sse_algorithm())),
            ("NewObjectTagging", tags),
            ("RedirectLocation", text(&self.redirect_location)),
            ("RequesterPays", self.requester_pays.then_some(Value::Bool(true))),
            ("StorageClass", class.map(Value::from)),
            ("UnModifiedSinceConstraint", text(&self.unmodified_since)),
            ("SSEAwsKmsKeyId", text(&self.key_arn)),
            ("TargetKeyPrefix", text(&self.target_prefix)),
            ("ObjectLockLegalHoldStatus", text(&self.legal_hold)),
            ("ObjectLockMode", text(&self.lock_mode)),
            ("ObjectLockRetainUntilDate", text(&self.lock_until)),
            ("BucketKeyEnabled", self.bucket_key.map(Value::Bool)),
            ("ChecksumAlgorithm", text(&self.checksum_algorithm)),
        ];
        let given = members.into_iter().filter_map(|(name, value)| Some((name, value?)));
        Ok(given.collect())
    }
}

/// What the role needs (UG, "Copy objects: `PutObject`", and "Using S3 Batch Operations to encrypt
/// objects with S3 Bucket Keys"), but for ACLs, tags and locks only where the copies get them.
fn permissions(request: &Value, access: &Access) -> Vec<Statement> {
    let is_set = |name: &str| !request[name].is_null();
    let reads_tags = !is_set("NewObjectTagging");
    let tags = reads_tags || request["NewObjectTagging"] != json!([]);
    let acl = is_set("CannedAccessControlList") || is_set("AccessControlGrants");
    let annotations = request["AnnotationDirective"] != "EXCLUDE";
    let retention = is_set("ObjectLockMode");
    let hold = is_set("ObjectLockLegalHoldStatus");
    let versions = access.versions;
    let needed = |wanted: &[(bool, &'static str)]| -> Vec<&'static str> {
        wanted.iter().filter(|(needed, _)| *needed).map(|(_, action)| *action).collect()
    };
    let read = needed(&[
        (true, "s3:GetObject"),
        (versions, "s3:GetObjectVersion"),
        (acl, "s3:GetObjectAcl"),
        (acl && versions, "s3:GetObjectVersionAcl"),
        (reads_tags, "s3:GetObjectTagging"),
        (reads_tags && versions, "s3:GetObjectVersionTagging"),
        (annotations, "s3:GetObjectAnnotation"),
        (annotations && versions, "s3:GetObjectVersionAnnotation"),
    ]);
    let write = needed(&[
        (true, "s3:PutObject"),
        (acl, "s3:PutObjectAcl"),
        (acl && versions, "s3:PutObjectVersionAcl"),
        (tags, "s3:PutObjectTagging"),
        (tags && versions, "s3:PutObjectVersionTagging"),
        (annotations, "s3:PutObjectAnnotation"),
        (retention, "s3:PutObjectRetention"),
        (hold, "s3:PutObjectLegalHold"),
    ]);
    let target = request["TargetResource"].as_str().unwrap_or_default();
    let mut statements = Vec::new();
    let (directories, buckets): (Vec<String>, _) =
        access.buckets.iter().cloned().partition(|name| bucket::is_directory(name));
    let mut sessions: Vec<String> = directories.iter().map(|name| access.bucket(name)).collect();
    if !buckets.is_empty() {
        let sources = Access { buckets, ..access.clone() };
        statements.push(access.allow("ReadObjects", &read, sources.object_arns()));
        let look = access.allow("TellWhatIsMissing", &["s3:ListBucket"], sources.bucket_arns());
        statements.push(look);
    }
    if bucket::is_directory(bucket::name_in_arn(target)) {
        sessions.push(target.to_owned());
    } else {
        statements.push(access.allow("WriteCopies", &write, vec![format!("{target}/*")]));
    }
    // Directory buckets know no actions on objects (UG, "Actions, resources and condition keys for
    // S3 Express One Zone"). Their ARNs name the account, so no condition needs to.
    if !sessions.is_empty() {
        sessions.dedup();
        statements.push(Statement::new("UseSessions", &["s3express:CreateSession"], sessions));
    }
    let keys = match CopyKey::of(request) {
        CopyKey::Named(key) => vec![key],
        _ => access.target_keys.clone(),
    };
    statements.extend(Access::allow_keys("UseKeys", &USE_KEYS, keys));
    let old_keys = access.object_keys.clone();
    statements.extend(Access::allow_keys("DecryptObjects", &USE_KEYS[..1], old_keys));
    statements
}

/// A request for each copy at the price of its class, reads of the sources, and the storage of the
/// copies.
fn estimate(basis: CostBasis<'_>) -> Vec<Estimate> {
    let mut builder = EstimateBuilder::new(basis);
    builder.copies();
    builder.reads();
    builder.kms(KMS_CALLS_COPY);
    builder.storage();
    builder.minimum_durations();
    vec![builder.finish()]
}
