//! One request for each manifest: what `CreateJob` is sent, as JSON.
//!
//! The document is the input JSON of the AWS CLI's `s3control create-job`. Members of an operation
//! stand in the order of the API's model, and those of the request in alphabetical order: the AWS
//! CLI sends members as they come, and the AWS SDK for Rust in exactly that order, so that both
//! send the same bytes.
//!
//! Never knows what a plan folder looks like, nor how a request is sent.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::arn::Arn;
use super::check::{self, CheckResult, Refusal, Tag, length, refusal};
use super::manifest::{MANIFESTS, PlannedManifest};
use super::setting::JobContext;
use super::spec::{DirectoryBuckets, Operation, OperationSpec};
use super::{bucket, partition};
use crate::diagnostic::parameter::ParameterName;
use crate::diagnostic::parameter::{
    ACCOUNT_ID, DESCRIPTION, EMIT, FILTER, MANIFEST_BUCKET, OPERATION, PLAN_ADDRESS, PLAN_FOR,
    PRIORITY, REGION, REPORT, REPORT_SCOPE, ROLE_ARN, ROLE_NAME, TAG,
};
use crate::hex;

/// Stands where the `ETag` of an uploaded manifest belongs. It is not known before the upload: a
/// multipart upload's is no MD5.
pub(crate) const ETAG_MARKER: &str = "ETAG-OF-THE-UPLOADED-MANIFEST";

/// API, `JobManifestFormat`: a list that somebody made.
const CSV_FORMAT: &str = "S3BatchOperations_CSV_20180820";

/// API, `JobManifestFormat`: the manifest of an inventory report.
const INVENTORY_FORMAT: &str = "S3InventoryReport_CSV_20161130";

/// Jobs of an account that run at a time; others wait (UG, "Performing object operations in bulk
/// with Batch Operations": a limit of 6 active jobs per account).
pub(crate) const ACTIVE_JOBS_MAX: usize = 6;

/// Tags of a job at most (UG, "Controlling access and labeling jobs using tags").
pub(crate) const JOB_TAGS_MAX: usize = 50;

/// The highest priority (API, `JobPriority`).
pub(crate) const PRIORITY_MAX: i64 = i32::MAX as i64;

/// API, `NonEmptyMaxLength256String` of CreateJob.
pub(crate) const DESCRIPTION_CHARS_MAX: usize = 256;

/// API, `ReportPrefixString`.
pub(crate) const REPORT_PREFIX_CHARS_MAX: usize = 512;

/// API, `IAMRoleArn`.
const ROLE_ARN_CHARS_MAX: usize = 2048;

/// IAM API, `roleNameType`.
const ROLE_NAME_CHARS_MAX: usize = 64;

/// API, `S3KeyArnString`.
const OBJECT_ARN_CHARS_MAX: usize = 2000;

/// Of a plan's SHA-256, this many digits name its folder in the manifest bucket: 64 bits, which two
/// plans won't share.
const FOLDER_DIGITS: usize = 16;

/// What all jobs of a plan have in common, besides the operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JobOptions {
    /// The role that the jobs take.
    pub role_arn: String,
    /// Where the manifests will lie; as [`PlanSummary::place`] has it, the plan's own folder.
    pub manifests: S3Prefix,
    /// Where completion reports are to go.
    pub reports: S3Prefix,
    /// What reports list; where nothing is said, what costs the user nothing
    /// ([`ReportScope::usual`]).
    pub report_scope: Option<ReportScope>,
    /// From 0 to [`PRIORITY_MAX`]; jobs with a higher one go first.
    pub priority: i64,
    /// A text for people, in place of one that names operation and manifest.
    pub description: Option<String>,
    /// Tags of the jobs.
    pub tags: Vec<Tag>,
    /// Whether a job waits, suspended, until somebody lets it run.
    pub confirmation: bool,
}

/// What completion reports list (API, `JobReportScope`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReportScope {
    /// All tasks.
    AllTasks,
    /// Tasks that failed.
    FailedTasksOnly,
}

impl ReportScope {
    /// Its name in the API.
    #[must_use]
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::AllTasks => "AllTasks",
            Self::FailedTasksOnly => "FailedTasksOnly",
        }
    }

    /// The scope for an operation where none is asked for.
    #[must_use]
    pub(crate) const fn usual(operation: &OperationSpec) -> Self {
        if operation.results_in_report { Self::AllTasks } else { Self::FailedTasksOnly }
    }
}

/// A bucket and a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Prefix {
    /// The bucket's name.
    pub bucket: String,
    /// Without the slash at its end; empty where there is none.
    pub prefix: String,
}

impl S3Prefix {
    /// Reads `s3://bucket/prefix`; `flag` is named in the refusal.
    ///
    /// # Errors
    /// When it is not such an address, the bucket's name can't be one, or it is a directory
    /// bucket's: those hold neither manifests nor reports (API, `JobManifestLocation` and
    /// `JobReport`).
    pub fn parse(parameter: ParameterName, text: &str) -> Result<Self, Refusal> {
        let Some(rest) = text.strip_prefix("s3://") else {
            let rule = "it must be an address in S3";
            return Err(refusal(parameter, text, rule, "", "write s3://BUCKET/PREFIX"));
        };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        check::bucket_name(parameter, bucket)?;
        if bucket::is_directory(bucket) {
            let rule = "directory buckets hold neither manifests nor reports";
            let source = "API, JobManifestLocation and JobReport";
            return Err(refusal(parameter, text, rule, source, "name a general purpose bucket"));
        }
        Ok(Self { bucket: bucket.to_owned(), prefix: prefix.trim_matches('/').to_owned() })
    }

    /// The address that [`S3Prefix::parse`] reads.
    #[must_use]
    pub fn address(&self) -> String {
        format!("s3://{}", self.folder().trim_end_matches('/'))
    }

    /// `bucket/prefix/`, or `bucket/` where there is no prefix.
    #[must_use]
    pub fn folder(&self) -> String {
        let Self { bucket, prefix } = self;
        if prefix.is_empty() { format!("{bucket}/") } else { format!("{bucket}/{prefix}/") }
    }
}

/// A plan, as far as its jobs depend on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlanSummary {
    /// The MD5s of the reports' manifests.
    pub report_md5s: Vec<String>,
    /// The predicate, as it was understood.
    pub predicate: String,
    /// Where the jobs read the manifests.
    pub place: ManifestPlace,
    /// A job for each.
    pub manifests: Vec<PlannedManifest>,
}

/// Where the jobs of a plan read its manifests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ManifestPlace {
    /// In a folder of the plan's own below [`JobOptions::manifests`], to which they are uploaded.
    Uploaded,
    /// In the plan's folder, which is in S3: [`JobOptions::manifests`] is that folder.
    InPlace,
    /// Where they say themselves, for they are inventory reports of our own.
    Inventory(ManifestInventory),
}

/// Where inventory reports of our own must lie, for they name their data files by key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ManifestInventory {
    /// What the plan was told.
    pub place: S3Prefix,
    /// The plan's folder there.
    pub folder: String,
}

impl PlanSummary {
    /// The name of the plan's folder in the manifest bucket: two plans share one only where their
    /// manifests are the same.
    #[must_use]
    pub(crate) fn folder(&self) -> String {
        if let ManifestPlace::Inventory(inventory) = &self.place {
            return inventory.folder.clone();
        }
        let files = self.manifests.iter().map(PlannedManifest::identity);
        plan_folder(&self.report_md5s, &self.predicate, &files.collect::<Vec<_>>())
    }

    /// The folder that stands for the plan's `manifests` where its jobs read them:
    /// `bucket/prefix/.../`. Of a plan that was merged of parts that is its folder itself.
    #[must_use]
    pub(crate) fn manifest_folder(&self, manifests: &S3Prefix) -> String {
        match &self.place {
            ManifestPlace::Uploaded => format!("{}{}/", manifests.folder(), self.folder()),
            ManifestPlace::InPlace if self.manifests.iter().any(PlannedManifest::is_of_part) => {
                manifests.folder()
            }
            ManifestPlace::InPlace => format!("{}{MANIFESTS}/", manifests.folder()),
            ManifestPlace::Inventory(ManifestInventory { place, folder }) => {
                format!("{}{folder}/", place.folder())
            }
        }
    }
}

/// The name of a plan's folder in the manifest bucket, from its files: their paths and digests.
#[must_use]
pub(crate) fn plan_folder(
    report_md5s: &[String],
    predicate: &str,
    files: &[impl Serialize],
) -> String {
    let digest = hex::sha256(json!([report_md5s, predicate, files]).to_string());
    format!("plan-{}", &digest[..FOLDER_DIGITS])
}

/// What `CreateJob` is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Request {
    account_id: String,
    /// The same for the same plan, manifest and request, so that a request that is sent twice makes
    /// one job: 64 hexadecimal digits, the most that the API takes.
    pub client_request_token: String,
    confirmation_required: bool,
    description: String,
    /// Which objects, as `Spec` and `Location`.
    pub manifest: Value,
    /// One member: the operation's name in the API, and its value.
    pub operation: Value,
    priority: i64,
    report: Value,
    role_arn: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<Value>,
}

/// A request for each manifest of a plan, in order.
///
/// # Errors
/// When AWS would refuse any of them.
pub(crate) fn requests(
    operation: &dyn Operation,
    setting: &JobContext,
    options: &JobOptions,
    source: &PlanSummary,
) -> Result<Vec<Request>, Refusal> {
    check_setting(setting)?;
    check_options(setting, options)?;
    check_place(options, source)?;
    operation.check(setting)?;
    let spec = operation.spec();
    let scope = check_scope(spec, options)?;
    let (folder, manifests) = (source.folder(), source.manifest_folder(&options.manifests));
    let common = RequestCommon { spec, scope, setting, options, source, folder, manifests };
    let build = |manifest| {
        let value = operation.request(setting, manifest)?;
        check_manifest(spec, manifest, &value)?;
        common.request(manifest, value)
    };
    source.manifests.iter().map(build).collect()
}

/// What the requests of a plan have in common.
struct RequestCommon<'a> {
    spec: &'static OperationSpec,
    scope: ReportScope,
    setting: &'a JobContext,
    options: &'a JobOptions,
    source: &'a PlanSummary,
    /// The name of the plan's folder in a manifest bucket.
    folder: String,
    /// The folder that the jobs read the manifests in.
    manifests: String,
}

impl RequestCommon<'_> {
    fn request(&self, manifest: &PlannedManifest, operation: Value) -> Result<Request, Refusal> {
        let Self { spec, options, folder, .. } = self;
        let usual = || format!("s3sieve {}: {} of {folder}", spec.name, manifest.name());
        let mut request = Request {
            account_id: self.setting.account_id.clone(),
            client_request_token: String::new(),
            confirmation_required: options.confirmation,
            description: options.description.clone().unwrap_or_else(usual),
            manifest: self.manifest(manifest)?,
            operation: [(spec.api_name, operation)].into_iter().collect(),
            priority: options.priority,
            report: self.report(),
            role_arn: options.role_arn.clone(),
            tags: tag_set(&options.tags),
        };
        let PlanSummary { report_md5s, predicate, .. } = self.source;
        let plan = (report_md5s, predicate, manifest.identity());
        request.client_request_token = hex::sha256(json!([plan, request]).to_string());
        Ok(request)
    }

    fn manifest(&self, manifest: &PlannedManifest) -> Result<Value, Refusal> {
        let parameter = match &self.source.place {
            ManifestPlace::InPlace => PLAN_ADDRESS,
            ManifestPlace::Uploaded | ManifestPlace::Inventory(_) => MANIFEST_BUCKET,
        };
        let path = format!("{}{}", self.manifests, manifest.name());
        let object = bucket::general_arn(&self.setting.partition, &path);
        length(parameter, &object, OBJECT_ARN_CHARS_MAX, "API, S3KeyArnString")?;
        let spec = match &self.source.place {
            ManifestPlace::Uploaded | ManifestPlace::InPlace => {
                json!({"Format": CSV_FORMAT, "Fields": manifest.columns})
            }
            // Its columns are in the manifest.
            ManifestPlace::Inventory(_) => json!({"Format": INVENTORY_FORMAT}),
        };
        Ok(json!({
            "Spec": spec,
            "Location": {"ObjectArn": object, "ETag": ETAG_MARKER},
        }))
    }

    fn report(&self) -> Value {
        let mut report = Map::new();
        let mut put = |name: &str, value: Value| report.insert(name.to_owned(), value);
        let S3Prefix { bucket, prefix } = &self.options.reports;
        put("Bucket", bucket::general_arn(&self.setting.partition, bucket).into());
        put("Format", "Report_CSV_20180820".into());
        put("Enabled", true.into());
        if !prefix.is_empty() {
            put("Prefix", prefix.as_str().into());
        }
        put("ReportScope", self.scope.name().into());
        // UG, "Compute checksums": the bucket owner condition must be used.
        if self.spec.results_in_report {
            put("ExpectedBucketOwner", self.setting.account_id.as_str().into());
        }
        report.into()
    }
}

/// Tags as the API's `S3TagSet`.
pub(super) fn tag_set(tags: &[Tag]) -> Vec<Value> {
    tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect()
}

/// Refuses an account or region that can't be one.
///
/// # Errors
/// When AWS would refuse it.
pub(crate) fn check_setting(setting: &JobContext) -> CheckResult {
    check::account(ACCOUNT_ID, &setting.account_id)?;
    let Some(region) = setting.region.as_deref() else { return Ok(()) };
    if partition::is_region(region) {
        return Ok(());
    }
    let rule = "AWS has no region of this form: one looks like us-east-1 or ap-southeast-2";
    let source = "AWS General Reference, Regional endpoints";
    Err(refusal(REGION, region, rule, source, "name the region of the objects"))
}

/// Refuses an account's id that can't be one.
///
/// # Errors
/// When it has not 12 digits.
pub(crate) fn check_account(account_id: &str) -> CheckResult {
    check::account(ACCOUNT_ID, account_id)
}

/// Refuses a key for a bucket's default encryption that is not given by its full ARN (an alias
/// means another key in another account), or not of the bucket's region, where that is known.
///
/// # Errors
/// As above.
pub(crate) fn check_default_key(
    parameter: ParameterName,
    key: &str,
    region: Option<&str>,
) -> CheckResult {
    let source = "UG, Setting default server-side encryption behavior for Amazon S3 buckets";
    let arn = check::whole_key_arn(parameter, key, source)?;
    let remedy = "name a key of the bucket's region";
    let partition = partition::from_region(Some(arn.region));
    if let Some(region) = region.filter(|region| *region != arn.region) {
        let rule = format!("the key is in {}, the bucket in {region}", arn.region);
        return Err(refusal(parameter, key, rule, source, remedy));
    }
    if partition == arn.partition {
        return Ok(());
    }
    let rule = format!("region {} is in partition {partition}, not {}", arn.region, arn.partition);
    Err(refusal(parameter, key, rule, source, remedy))
}

/// Refuses a role's name that can't be one, an ARN for example.
///
/// # Errors
/// When IAM would refuse it.
pub(crate) fn check_role_name(name: &str) -> CheckResult {
    const PARAMETER: ParameterName = ROLE_NAME;
    const SOURCE: &str = "IAM API, roleNameType";
    if name.starts_with("arn:") {
        let remedy = format!("give {ROLE_ARN} {name}");
        return Err(refusal(PARAMETER, name, "this is an ARN, not a name", SOURCE, remedy));
    }
    length(PARAMETER, name, ROLE_NAME_CHARS_MAX, SOURCE)?;
    if name.chars().all(is_role_letter) {
        return Ok(());
    }
    let rule = "a role's name has letters, digits and _+=,.@- only";
    let remedy = format!("correct it; a role with a path is named with {ROLE_ARN}");
    Err(refusal(PARAMETER, name, rule, SOURCE, remedy))
}

/// The pattern of IAM's `roleNameType`.
fn is_role_letter(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_+=,.@-".contains(c)
}

/// Refuses a role's ARN that is none, or another account's.
///
/// # Errors
/// When AWS would refuse it.
pub(crate) fn check_role(role_arn: &str, account_id: &str) -> CheckResult {
    const PARAMETER: ParameterName = ROLE_ARN;
    let remedy = "`aws iam get-role --role-name NAME` shows it as Arn";
    length(PARAMETER, role_arn, ROLE_ARN_CHARS_MAX, "API, IAMRoleArn")?;
    let role = Arn::parse(role_arn).filter(|arn| {
        let name = arn.resource.strip_prefix("role/").unwrap_or_default();
        let (path, name) = name.rsplit_once('/').map_or((None, name), |(p, n)| (Some(p), n));
        let is_name = (1..=ROLE_NAME_CHARS_MAX).contains(&name.len());
        // IAM API, pathType.
        let is_path = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_graphic());
        arn.service == "iam"
            && arn.region.is_empty()
            && is_name
            && name.chars().all(is_role_letter)
            && path.is_none_or(|path| path.split('/').all(is_path))
    });
    let Some(role) = role.filter(|role| check::account(PARAMETER, role.account).is_ok()) else {
        let rule = "it must be arn:aws:iam::ACCOUNT:role/NAME, with a NAME of up to 64 letters, \
                    digits and _+=,.@-";
        return Err(refusal(PARAMETER, role_arn, rule, "API, IAMRoleArn", remedy));
    };
    if role.account == account_id {
        return Ok(());
    }
    let rule = format!("the role is of another account than {ACCOUNT_ID} {account_id}");
    let source = "IAM User Guide, Grant a user permissions to pass a role";
    Err(refusal(PARAMETER, role_arn, rule, source, "name a role of the account of the jobs"))
}

/// Refuses keys that are not given by their full ARNs, in the region of the jobs.
///
/// # Errors
/// When one is not.
pub(crate) fn check_keys(
    parameter: ParameterName,
    keys: &[String],
    setting: &JobContext,
) -> CheckResult {
    let source = "IAM User Guide, Resource: keys go by their ARNs";
    keys.iter().try_for_each(|key| check::key_arn(parameter, key, setting, source))
}

/// Refuses a key for manifests that is not given by its full ARN, or that S3 would not use.
///
/// # Errors
/// When it is.
pub(crate) fn check_manifest_key(
    parameter: ParameterName,
    key: &str,
    setting: &JobContext,
    source: &PlanSummary,
) -> CheckResult {
    if !matches!(source.place, ManifestPlace::Inventory(_)) {
        let rule = "S3 takes no CSV manifests that are encrypted with SSE-KMS";
        let authority = "UG, Creating an S3 Batch Operations job";
        let remedy = format!("upload them with SSE-S3, or make the plan with {EMIT} inventory");
        return Err(refusal(parameter, key, rule, authority, remedy));
    }
    check_keys(parameter, &[key.to_owned()], setting)
}

/// What reports list. A scope that would throw the results away is refused.
fn check_scope(spec: &OperationSpec, options: &JobOptions) -> Result<ReportScope, Refusal> {
    let scope = options.report_scope.unwrap_or(ReportScope::usual(spec));
    if !spec.results_in_report || scope == ReportScope::AllTasks {
        return Ok(scope);
    }
    let rule = "the checksums stand in the report's rows of tasks that succeeded and nowhere else, \
                so the job would be paid for nothing";
    let remedy = format!("give {REPORT_SCOPE} AllTasks, or leave it out");
    Err(refusal(REPORT_SCOPE, scope.name(), rule, "UG, Compute checksums", remedy))
}

/// Refuses an operation, as the request has it, on objects that AWS would refuse it for.
fn check_manifest(spec: &OperationSpec, manifest: &PlannedManifest, value: &Value) -> CheckResult {
    let (PlannedManifest { path, bucket, .. }, name) = (manifest, spec.name);
    if spec.needs_version_ids && !manifest.has_version_ids() {
        let rule = format!("{path} has no version ids, and jobs of this kind act on versions");
        let source = "UG, Replicating existing objects with Batch Replication";
        let remedy = format!(
            "make the plan with `{FILTER} {PLAN_FOR:#} {name}`, from a report of all versions"
        );
        return Err(refusal(OPERATION, name, rule, source, remedy));
    }
    if !bucket::is_directory(bucket) {
        return Ok(());
    }
    match spec.directory_buckets {
        DirectoryBuckets::Supported => Ok(()),
        DirectoryBuckets::Checked(check) => check(value, bucket),
        DirectoryBuckets::Refused => {
            let rule =
                format!("{bucket} is a directory bucket, which only copy and lambda jobs act on");
            let source = "UG, Using Batch Operations with directory buckets";
            let remedy = "copy the objects, or let a function do it";
            Err(refusal(OPERATION, name, rule, source, remedy))
        }
    }
}

/// Refuses another place for manifests than the one whose keys they hold.
fn check_place(options: &JobOptions, source: &PlanSummary) -> CheckResult {
    let given = &options.manifests;
    match &source.place {
        ManifestPlace::Inventory(ManifestInventory { place, .. }) if place != given => {
            let rule =
                format!("the plan's inventory reports name data files at {}", place.address());
            let remedy = "give that address, or make the plan again with this one";
            Err(refusal(MANIFEST_BUCKET, &given.address(), rule, "", remedy))
        }
        _ => Ok(()),
    }
}

fn check_options(setting: &JobContext, options: &JobOptions) -> CheckResult {
    check_role(&options.role_arn, &setting.account_id)?;
    if let Some(role) = Arn::parse(&options.role_arn) {
        check::partition(ROLE_ARN, &options.role_arn, role, setting)?;
    }
    if !options.reports.prefix.is_empty() {
        let prefix = &options.reports.prefix;
        length(REPORT, prefix, REPORT_PREFIX_CHARS_MAX, "API, ReportPrefixString")?;
    }
    if !(0..=PRIORITY_MAX).contains(&options.priority) {
        let rule = format!("it must be from 0 to {PRIORITY_MAX}");
        let given = options.priority.to_string();
        return Err(refusal(PRIORITY, &given, rule, "API, JobPriority", "change it"));
    }
    if let Some(description) = &options.description {
        let source = "API, NonEmptyMaxLength256String";
        length(DESCRIPTION, description, DESCRIPTION_CHARS_MAX, source)?;
    }
    let source = "UG, Controlling access and labeling jobs using tags";
    check::tags(TAG, &options.tags, JOB_TAGS_MAX, source)
}
