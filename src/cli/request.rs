//! From a plan and flags to requests: what `submit` and `policy` have in common.

use std::fs;
use std::io;
use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;

use super::operation_args::{OperationArgs, PlaceArgs, STORAGE_CLASS};
use super::{CliError, print};
use crate::diagnostic::parameter;
#[cfg(feature = "aws")]
use crate::diagnostic::parameter::ParameterName;
use crate::operation::job::{
    self, JobOptions, ManifestInventory, ManifestPlace, PlanSummary, ReportScope, Request, S3Prefix,
};
use crate::operation::update_encryption::NOT_SSE_KMS;
use crate::operation::{
    JobContext, Operation, OperationKind, PlannedManifest, StorageClass, partition,
};
use crate::plan::{self, ClassObjects, ForOperation, Plan, PlanHandle, Shard};
use crate::source::{FolderError, Location, NewFolder};

/// Tasks of a job that have to be done before S3 stops it for its failures (UG, "Tracking job
/// status and completion reports").
const TASKS_BEFORE_STOP: u64 = 1_000;

/// Variables that name a region, in the order in which they count.
const REGION_VARIABLES: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];

/// The operation that was asked for, and of which kind it is, if it is the one that the plan's rows
/// were checked for.
pub(super) fn operation(
    args: &OperationArgs,
    handle: &PlanHandle,
) -> Result<(OperationKind, Box<dyn Operation>), CliError> {
    let planned = handle.plan.operation.as_ref();
    let (kind, operation) = args.operation(planned)?;
    match planned {
        Some(planned) if planned.name != kind.name() => {
            Err(other_operation(handle, &planned.name, kind))
        }
        Some(planned) => {
            if let Some(note) = args.overrides(planned) {
                print::note(&format!("{}: {note}", handle.folder().display()));
            }
            Ok((kind, operation))
        }
        None if kind == OperationKind::Copy && has_versions(&handle.plan) => {
            Err(CliError::usage(format!(
                "{}: the plan was not made for copies, and its manifests may mix noncurrent \
                 versions with current ones: a copy makes each the newest version of its key, so \
                 old content could be what is read. Make the plan with `s3sieve filter ... --for \
                 copy`, which copies noncurrent versions first",
                handle.folder().display(),
            )))
        }
        None => {
            if kind.sets_more_aside() && may_hold_others(kind, &handle.plan) {
                let is_large = |shard: &Shard| shard.objects >= TASKS_BEFORE_STOP;
                let stops = match handle.plan.shards.iter().any(is_large) {
                    true => {
                        ", and once more than half of at least 1,000 tasks have failed, S3 stops \
                         the job"
                    }
                    false => "",
                };
                print::warning(&format!(
                    "{}: the rows of this plan were not checked for {name}: rows that it can't \
                     do will fail{stops}; `s3sieve filter --for {name}` excludes them",
                    handle.folder().display(),
                    name = kind.name(),
                ));
            }
            Ok((kind, operation))
        }
    }
}

/// The requests of a plan. Where the plan's own words are refused, the message says whose they are.
pub(super) fn requests(
    args: &OperationArgs,
    handle: &PlanHandle,
    operation: &dyn Operation,
    (setting, options, source): (&JobContext, &JobOptions, &PlanSummary),
) -> Result<Vec<Request>, CliError> {
    job::requests(operation, setting, options, source).map_err(|mut refusal| {
        let planned = handle.plan.operation.as_ref();
        if let Some(class) = planned.and_then(|planned| args.class_of_plan(planned))
            && refusal.parameter == parameter::STORAGE_CLASS
            && refusal.value.is_none()
        {
            refusal.value = Some(class.name().to_owned());
            refusal.remedy = format!(
                "the plan was made with {STORAGE_CLASS} {}; give {STORAGE_CLASS} keep",
                class.name()
            );
        }
        refusal.into()
    })
}

/// Whether any manifest names versions.
fn has_versions(plan: &Plan) -> bool {
    let own = plan.shards.iter().filter_map(|shard| shard.columns.as_ref());
    own.chain([&plan.columns]).any(|columns| columns.iter().any(|name| name == "VersionId"))
}

/// What to know before jobs of this kind are sent: what they change beyond what was asked for, and
/// what is lost.
pub(super) fn advice(plan: &Plan, kind: OperationKind, scope: Option<ReportScope>) -> Vec<String> {
    match kind {
        OperationKind::UpdateEncryption => {
            let key = "every object gets the key of --kms-key-arn, whatever key it has now: no \
                       report tells which";
            [Some(key.to_owned()), becomes_kms(plan)].into_iter().flatten().collect()
        }
        OperationKind::Lambda
            if scope.unwrap_or(ReportScope::usual(kind.spec())) != ReportScope::AllTasks =>
        {
            let lost = "what the function answers stands in the report's rows of tasks that \
                        succeeded, and is lost with FailedTasksOnly: give --report-scope AllTasks \
                        to keep it";
            vec![lost.to_owned()]
        }
        _ => Vec::new(),
    }
}

/// What is to be said of a plan of which `update-encryption` may make objects SSE-KMS that are not.
pub(super) fn becomes_kms(plan: &Plan) -> Option<String> {
    let then = "each of them becomes SSE-KMS with the named key, and costs KMS requests from then \
                on";
    let told = |report: &plan::ReportSource| {
        report.schema.iter().any(|name| name.replace('_', "").eq_ignore_ascii_case(STATUS))
    };
    let reason = NOT_SSE_KMS.reason;
    let own = |operation: &&ForOperation| operation.name == OperationKind::UpdateEncryption.name();
    match plan.operation.as_ref().filter(own) {
        Some(operation) if operation.includes(reason) => Some(format!(
            "the plan holds objects that are not encrypted with SSE-KMS (--include-ineligible \
             {reason}): {then}"
        )),
        Some(operation) if !operation.leaves_unchecked(reason) => None,
        _ if plan.reports.iter().all(told) => Some(format!(
            "the plan was not made for update-encryption, so objects with SSE-S3 may be in it: \
             {then}; `s3sieve filter --for update-encryption` excludes them"
        )),
        _ => Some(format!(
            "the report has no {STATUS}, so objects with SSE-S3 may be in the plan: {then}; add \
             the field to the inventory configuration to tell them apart"
        )),
    }
}

/// The column that tells how objects are encrypted.
const STATUS: &str = "EncryptionStatus";

fn other_operation(handle: &PlanHandle, planned: &str, kind: OperationKind) -> CliError {
    CliError::usage(format!(
        "{}: the plan was made for {planned}, so its rows were not checked for {}: make one with \
         `s3sieve filter ... --for {}`, or submit it with --operation {planned}",
        handle.folder().display(),
        kind.name(),
        kind.name(),
    ))
}

/// What the jobs depend on besides the plan, from the flags that both commands have.
pub(super) fn setting(place: &PlaceArgs, role_arn: &str) -> JobContext {
    JobContext {
        account_id: place.account_id.clone(),
        partition: partition::for_jobs(region(place).as_deref(), role_arn).to_owned(),
        region: region(place),
        now: Timestamp::now(),
    }
}

/// The region of the jobs: by the flag, or by the environment, as AWS's tools read it.
pub(super) fn region(place: &PlaceArgs) -> Option<String> {
    let variable = |name: &&str| std::env::var(name).ok().filter(|region| !region.is_empty());
    let of_environment = || REGION_VARIABLES.iter().find_map(variable);
    place.region.clone().or_else(of_environment)
}

/// What to know where the region of the jobs is not known: nobody is told then of a key or function
/// of another one before AWS tells it.
pub(super) fn unchecked_region(setting: &JobContext) -> Option<String> {
    setting.region.is_none().then(|| {
        format!(
            "no Region is given, so whether keys and functions are in the jobs' Region was not \
             checked: --region NAME has it checked, as {} has",
            REGION_VARIABLES.join(" or ")
        )
    })
}

/// The usual options of jobs: what reports usually list, and confirmation.
pub(super) fn options(
    place: &PlaceArgs,
    role_arn: &str,
    handle: &PlanHandle,
) -> Result<JobOptions, CliError> {
    Ok(JobOptions {
        role_arn: role_arn.to_owned(),
        manifests: manifest_place(place, handle)?.0,
        reports: S3Prefix::parse(parameter::REPORT, &place.report)?,
        report_scope: None,
        priority: 0,
        description: None,
        tags: place.tags.clone(),
        confirmation: true,
    })
}

/// A plan, as far as its jobs depend on it.
pub(super) fn source(place: &PlaceArgs, handle: &PlanHandle) -> Result<PlanSummary, CliError> {
    let plan = &handle.plan;
    let manifest = |shard: &Shard| PlannedManifest {
        path: shard.path.clone(),
        bucket: shard.bucket.clone(),
        columns: shard.columns.clone().unwrap_or_else(|| plan.columns.clone()),
        split: shard.split.clone(),
        bytes: shard.bytes,
        crc64nvme: shard.crc64nvme.clone(),
    };
    Ok(PlanSummary {
        report_md5s: plan.reports.iter().map(|report| report.manifest_md5.clone()).collect(),
        predicate: predicate(plan),
        place: manifest_place(place, handle)?.1,
        manifests: plan.shards.iter().map(manifest).collect(),
    })
}

/// Where the jobs read the manifests: what `--manifest-bucket` names, or, for a plan in S3, where
/// they are, unless they are inventory reports, which say it themselves.
fn manifest_place(
    args: &PlaceArgs,
    handle: &PlanHandle,
) -> Result<(S3Prefix, ManifestPlace), CliError> {
    let given = args
        .manifest_bucket
        .as_deref()
        .map(|text| S3Prefix::parse(parameter::MANIFEST_BUCKET, text))
        .transpose()?;
    if let Some(plan::PlanInventory { place, folder }) = &handle.plan.inventory {
        let place = S3Prefix::parse(parameter::PLACE_IN_PLAN, place)?;
        let inventory = ManifestInventory { place: place.clone(), folder: folder.clone() };
        return Ok((given.unwrap_or(place), ManifestPlace::Inventory(inventory)));
    }
    match (own_place(handle), given) {
        (None, Some(given)) => Ok((given, ManifestPlace::Uploaded)),
        (Some(own), given) if given.as_ref().is_none_or(|g| g.folder() == own.folder()) => {
            Ok((own, ManifestPlace::InPlace))
        }
        (Some(own), _) => Err(CliError::usage(format!(
            "--manifest-bucket {}: the plan is in S3, and its jobs read the manifests where they \
             are, in {}; leave the flag out",
            args.manifest_bucket.as_deref().unwrap_or_default(),
            own.address(),
        ))),
        (None, None) => Err(CliError::usage(
            "--manifest-bucket is missing: the manifests of a plan on this machine are uploaded \
             for the jobs to read; give s3://BUCKET/PREFIX",
        )),
    }
}

/// The folder of a plan in S3.
pub(super) fn own_place(handle: &PlanHandle) -> Option<S3Prefix> {
    match handle.folder() {
        Location::Path(_) => None,
        #[cfg(feature = "aws")]
        Location::Object(folder) => {
            let key = folder.key();
            let prefix = key.strip_suffix('/').unwrap_or(key).to_owned();
            Some(S3Prefix { bucket: folder.bucket().to_owned(), prefix })
        }
    }
}

/// Which rows, and which try: a plan that tries again must not get the jobs of the plan before.
fn predicate(plan: &Plan) -> String {
    let understood = plan.predicate.understood.clone();
    match &plan.retry {
        None => understood,
        Some(retry) => format!("{understood} -- again after {}", retry.jobs.join(", ")),
    }
}

/// An address of S3 that a flag names.
#[cfg(feature = "aws")]
pub(super) fn place(name: ParameterName, text: &str) -> Result<S3Prefix, CliError> {
    Ok(S3Prefix::parse(name, text)?)
}

/// Writes named documents to a folder, which must be new or empty, or hold just these.
pub(super) fn write_documents(
    folder: &Path,
    documents: impl Iterator<Item = (String, io::Result<String>)> + Clone,
) -> Result<(), CliError> {
    let at = |path: &Path, error: io::Error| CliError::file(path, error);
    let made = match NewFolder::create(folder) {
        // The same command has written them, and may have been killed on the way.
        Err(FolderError::NotEmpty { .. }) if holds_just(folder, documents.clone()) => return Ok(()),
        made => made?,
    };
    for (name, text) in documents {
        let path = made.path().join(name);
        text.and_then(|text| fs::write(&path, text)).map_err(|error| at(&path, error))?;
    }
    Ok(made.show()?)
}

/// A document in JSON, as it is written to a file.
pub(super) fn json_text(document: &impl Serialize) -> io::Result<String> {
    Ok(serde_json::to_string_pretty(document)? + "\n")
}

/// Whether a folder holds these documents and nothing else.
fn holds_just(
    folder: &Path,
    documents: impl Iterator<Item = (String, io::Result<String>)>,
) -> bool {
    let mut count = 0;
    for (name, text) in documents {
        count += 1;
        let found = fs::read(folder.join(name)).ok();
        if found.is_none() || found != text.ok().map(String::into_bytes) {
            return false;
        }
    }
    fs::read_dir(folder).is_ok_and(|entries| entries.count() == count)
}

/// Whether a plan may hold objects that an operation can't do, as far as the classes of its objects
/// tell.
fn may_hold_others(kind: OperationKind, plan: &Plan) -> bool {
    let known =
        |counted: &ClassObjects| counted.storage_class.as_deref().and_then(StorageClass::from_name);
    let fits = |class: Option<StorageClass>| match kind {
        OperationKind::Restore => class.is_some_and(StorageClass::is_archive),
        OperationKind::Replicate => class
            .is_some_and(|class| !class.is_archive() && class != StorageClass::IntelligentTiering),
        _ => false,
    };
    let classes = plan.totals.storage_classes.as_ref();
    let all_fit = classes.is_some_and(|classes| classes.iter().map(known).all(fits));
    !plan.shards.is_empty() && !all_fit
}
