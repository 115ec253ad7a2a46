//! `s3sieve policy`: what the role of a plan's jobs may do, who may be that role, and what whoever
//! submits the plan may do.

use std::collections::BTreeSet;
use std::io::{self, Write};

use serde::Serialize;

use super::operation_args::PolicyArgs;
use super::request::{operation, options, region, setting, source, write_documents};
use super::{CliError, Exit};
use crate::operation::job::{self, Options, Setting, Source, partition_of_region};
use crate::operation::policy::{Access, Policy};
use crate::plan;

/// The three policies, by the names of their files.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Policies {
    pub(super) role_policy: Policy,
    pub(super) trust_policy: Policy,
    submitter_policy: Policy,
}

/// The policies of a plan's jobs, and what they are for.
#[cfg_attr(
    not(feature = "aws"),
    expect(dead_code, reason = "only `setup role` asks for more than the policies")
)]
pub(super) struct Made {
    pub(super) policies: Policies,
    pub(super) role_arn: String,
    /// The plan's folder in the manifest bucket.
    pub(super) folder: String,
}

pub(super) fn run(args: &PolicyArgs) -> Result<Exit, CliError> {
    show(args, &make(args)?.policies)?;
    Ok(Exit::Done)
}

/// Makes the policies that a plan's jobs need.
pub(super) fn make(args: &PolicyArgs) -> Result<Made, CliError> {
    let plan = plan::read(&args.plan)?;
    let operation = operation(&args.operation, &args.plan, &plan)?;
    let role_arn = role_arn(args);
    let setting = setting(&args.place, &role_arn);
    let options = options(&args.place, &role_arn)?;
    let source = source(&plan)?;
    job::check_keys("--object-kms-key-arn", &args.object_keys, &setting)?;
    if let Some(key) = &args.manifest_key {
        job::check_manifest_key("--manifest-kms-key-arn", key, &setting, &source)?;
    }
    let requests = job::requests(operation.as_ref(), &setting, &options, &source)?;
    let Some(request) = requests.first() else {
        return Err(CliError::Usage(format!(
            "{}: the plan holds no manifest, so its jobs need no permissions",
            args.plan.display()
        )));
    };
    let access = access(args, &setting, &options, &source);
    let kind = operation.kind();
    let needed = kind.permissions(&request.operation[kind.api_name()], &access);
    let policies = Policies {
        role_policy: access.role_policy(needed),
        trust_policy: Access::trust_policy(),
        submitter_policy: access.submitter_policy(),
    };
    Ok(Made { policies, role_arn, folder: source.folder() })
}

fn role_arn(args: &PolicyArgs) -> String {
    let by_name = || {
        let partition = partition_of_region(region(&args.place).as_deref());
        let name = args.role.role_name.as_deref().unwrap_or_default();
        format!("arn:{partition}:iam::{}:role/{name}", args.place.account_id)
    };
    args.role.role_arn.clone().unwrap_or_else(by_name)
}

fn access(args: &PolicyArgs, setting: &Setting, options: &Options, source: &Source) -> Access {
    let buckets: BTreeSet<&String> = source.manifests.iter().map(|shard| &shard.bucket).collect();
    let with_versions = |columns: &[String]| columns.iter().any(|name| name == "VersionId");
    Access {
        partition: setting.partition.clone(),
        account_id: setting.account_id.clone(),
        region: setting.region.clone(),
        role_arn: options.role_arn.clone(),
        buckets: buckets.into_iter().cloned().collect(),
        versions: source.manifests.iter().any(|shard| with_versions(&shard.columns)),
        object_keys: args.object_keys.clone(),
        manifest_keys: args.manifest_key.iter().cloned().collect(),
        manifests: format!("{}{}/", options.manifests.folder(), source.folder()),
        reports: options.reports.folder(),
        tags: !options.tags.is_empty(),
    }
}

fn show(args: &PolicyArgs, policies: &Policies) -> Result<(), CliError> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    match &args.out {
        None => {
            serde_json::to_writer_pretty(&mut out, policies).map_err(io::Error::from)?;
            writeln!(out)?;
        }
        Some(folder) => {
            let files = [
                ("role-policy.json", &policies.role_policy),
                ("trust-policy.json", &policies.trust_policy),
                ("submitter-policy.json", &policies.submitter_policy),
            ];
            write_documents(folder, files.map(|(name, file)| (name.to_owned(), file)).into_iter())?;
            for (name, _) in files {
                writeln!(out, "{}", folder.join(name).display())?;
            }
        }
    }
    Ok(out.flush()?)
}
