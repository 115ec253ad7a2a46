//! `s3sieve policy`: what the role of a plan's jobs may do, who may be that role, and what whoever
//! submits the plan may do.

use std::collections::BTreeSet;
use std::io::Write;

use serde::Serialize;
use serde_json::Value;

use super::operation_args::{PolicyArgs, PolicyCommandArgs};
use super::output_format::Format;
use super::print::{self, Document};
use super::request::{
    json_text, operation, options, own_place, region, requests, setting, source, unchecked_region,
    write_documents,
};
use super::{CliError, Exit, plan_args};
use crate::diagnostic::parameter::{
    MANIFEST_KMS_KEY_ARN, OBJECT_KMS_KEY_ARN, REPORT_KMS_KEY_ARN, TARGET_ENCRYPTION,
};
use crate::operation::copy_key::{TargetEncryption, target_key};
use crate::operation::job::{self, JobOptions, ManifestPlace, PlanSummary};
#[cfg(feature = "aws")]
use crate::operation::policy::inline_name;
use crate::operation::policy::{Access, Policy};
use crate::operation::{JobContext, OperationKind, PlannedManifest, Refusal, partition};
use crate::plan::PlanHandle;

/// The three policies, by the names of their files.
#[derive(Serialize)]
pub(super) struct Policies {
    pub(super) role_policy: Policy,
    pub(super) trust_policy: Policy,
    submitter_policy: Policy,
}

/// A plan's jobs, as far as policies depend on them.
pub(super) struct PolicyInputs {
    pub(super) setting: JobContext,
    options: JobOptions,
    source: PlanSummary,
    kind: OperationKind,
    /// The plan's folder, if it is in S3.
    plan: Option<String>,
    /// The operation of a request, as the API has it.
    operation: Value,
}

pub(super) fn run(args: &PolicyCommandArgs) -> Result<Exit, CliError> {
    let PolicyCommandArgs { policy: args, reach } = args;
    let mut way = reach.way(args.place.region.as_deref());
    let handle = plan_args::open(&args.plan, None, &mut way)?;
    let draft = draft(args, &handle)?;
    if let Some(note) = unchecked_region(&draft.setting) {
        print::note(&note);
    }
    let target = draft.target_key(args, |_| Err("`policy` asks AWS nothing".to_owned()))?;
    show(args, &draft.policies(&draft.access(args, target, args.report_key.clone())))?;
    Ok(Exit::Done)
}

/// Takes a plan, and checks what its jobs are to do.
pub(super) fn draft(args: &PolicyArgs, handle: &PlanHandle) -> Result<PolicyInputs, CliError> {
    let (kind, operation) = operation(&args.operation, handle)?;
    let role_arn = role_arn(args)?;
    let setting = setting(&args.place, &role_arn);
    let options = options(&args.place, &role_arn, handle)?;
    let source = source(&args.place, handle)?;
    job::check_keys(OBJECT_KMS_KEY_ARN, &args.object_keys, &setting)?;
    job::check_keys(REPORT_KMS_KEY_ARN, args.report_key.as_slice(), &setting)?;
    if let Some(key) = &args.manifest_key {
        job::check_manifest_key(MANIFEST_KMS_KEY_ARN, key, &setting, &source)?;
    }
    let all = (&setting, &options, &source);
    let requests = requests(&args.operation, handle, operation.as_ref(), all)?;
    let Some(request) = requests.first() else {
        return Err(CliError::usage(format!(
            "{}: the plan holds no manifest, so its jobs need no permissions",
            args.plan.display()
        )));
    };
    let operation = request.operation[kind.api_name()].clone();
    let plan = own_place(handle).map(|place| place.folder());
    Ok(PolicyInputs { setting, options, source, kind, plan, operation })
}

fn role_arn(args: &PolicyArgs) -> Result<String, CliError> {
    if let Some(arn) = &args.role.role_arn {
        return Ok(arn.clone());
    }
    let name = args.role.role_name.as_deref().unwrap_or_default();
    job::check_role_name(name)?;
    let partition = partition::from_region(region(&args.place).as_deref());
    Ok(partition::role_arn(partition, &args.place.account_id, name))
}

impl PolicyInputs {
    /// The key of the target bucket that copies get, if they get it and rights on it are needed.
    /// `look` reads a bucket's default encryption, or says why it can't.
    pub(super) fn target_key(
        &self,
        args: &PolicyArgs,
        look: impl FnOnce(&str) -> Result<TargetEncryption, String>,
    ) -> Result<Option<String>, CliError> {
        let stated = args.target_encryption.as_deref();
        if self.kind == OperationKind::Copy {
            let stated = stated.map(|text| TargetEncryption::parse(text, &self.setting));
            return Ok(target_key(&self.operation, stated.transpose()?, look)?);
        }
        stated.map_or(Ok(None), |stated| {
            Err(CliError::from(Refusal {
                parameter: TARGET_ENCRYPTION,
                value: Some(stated.to_owned()),
                rule: format!("{} makes no copies", self.kind.name()),
                authority: "",
                remedy: "leave it out".to_owned(),
            }))
        })
    }

    /// What the policies depend on.
    pub(super) fn access(
        &self,
        args: &PolicyArgs,
        target_key: Option<String>,
        report_key: Option<String>,
    ) -> Access {
        let Self { setting, options, source, .. } = self;
        let shards = &source.manifests;
        let buckets: BTreeSet<&String> = shards.iter().map(|shard| &shard.bucket).collect();
        Access {
            partition: setting.partition.clone(),
            account_id: setting.account_id.clone(),
            region: setting.region.clone(),
            role_arn: options.role_arn.clone(),
            buckets: buckets.into_iter().cloned().collect(),
            versions: shards.iter().any(PlannedManifest::has_version_ids),
            object_keys: args.object_keys.clone(),
            target_keys: target_key.into_iter().collect(),
            manifest_keys: args.manifest_key.iter().cloned().collect(),
            report_keys: report_key.into_iter().collect(),
            manifests: match source.place {
                // Not the plan's own folder: what `retry` and `verify --out` make later lies
                // beside it.
                ManifestPlace::Uploaded => options.manifests.folder(),
                _ => source.manifest_folder(&options.manifests),
            },
            plan: self.plan.clone(),
            reports: options.reports.folder(),
            tags: !options.tags.is_empty(),
        }
    }

    /// The policies that the plan's jobs need.
    pub(super) fn policies(&self, access: &Access) -> Policies {
        Policies {
            role_policy: access.role_policy(self.kind.permissions(&self.operation, access)),
            trust_policy: Access::trust_policy(),
            submitter_policy: access.submitter_policy(),
        }
    }
}

/// What `setup role` asks for besides the policies.
#[cfg(feature = "aws")]
impl PolicyInputs {
    pub(super) fn role_arn(&self) -> &str {
        &self.options.role_arn
    }

    pub(super) fn report_bucket(&self) -> &str {
        &self.options.reports.bucket
    }

    /// The name of the role's inline policy.
    pub(super) fn inline_name(&self, access: &Access, role_policy: &Policy) -> String {
        let bucket = access.buckets.first().map(String::as_str).unwrap_or_default();
        inline_name(self.kind.name(), bucket, role_policy)
    }
}

fn show(args: &PolicyArgs, policies: &Policies) -> Result<(), CliError> {
    let Some(folder) = &args.out else {
        return Ok(print::document(&Document::new(Some("policy"), policies))?);
    };
    let files = [
        ("role-policy.json", &policies.role_policy),
        ("trust-policy.json", &policies.trust_policy),
        ("submitter-policy.json", &policies.submitter_policy),
    ];
    let document = |(name, file): &(&str, _)| ((*name).to_owned(), json_text(file));
    write_documents(folder, files.iter().map(document))?;
    let mut out = print::output(Format::Human);
    for (name, _) in files {
        writeln!(out, "{}", folder.join(name).display())?;
    }
    Ok(out.flush()?)
}
