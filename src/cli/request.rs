//! From a plan and flags to requests: what `submit` and `policy` have in common.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;

use super::operation_args::{OperationArgs, PlaceArgs};
use super::{CliError, print};
use crate::operation::job::{
    Inventory, Manifest, Options, Place, Setting, Source, partition_of_arn,
};
use crate::operation::{Kind, Operation};
use crate::plan::{self, Plan, Shard};

/// The operation that was asked for, if it is the one that the plan's rows were checked for.
pub(super) fn operation(
    args: &OperationArgs,
    folder: &Path,
    plan: &Plan,
) -> Result<Box<dyn Operation>, CliError> {
    let planned = plan.operation.as_ref();
    let class = planned.and_then(|planned| planned.storage_class);
    let operation = args.operation(class)?;
    let kind = operation.kind();
    match planned {
        Some(planned) if planned.name != kind.name() => {
            Err(other_operation(folder, &planned.name, kind))
        }
        Some(_) => Ok(operation),
        None if kind == Kind::Copy && has_versions(plan) => Err(CliError::Usage(format!(
            "{}: the plan was not made for copies, and its manifests may mix noncurrent versions \
             with current ones: a copy makes each the newest version of its key, so old content \
             could be what is read. Make the plan with `s3sieve filter ... --for copy`, which copies \
             noncurrent versions first",
            folder.display(),
        ))),
        None => {
            print::tell(&format!(
                "s3sieve: {}: the rows of this plan were not checked for {}: rows that it can't do \
                 will fail, and half of them stop a job; `s3sieve filter --for {}` sets them aside",
                folder.display(),
                kind.name(),
                kind.name(),
            ));
            Ok(operation)
        }
    }
}

/// Whether any manifest names versions.
fn has_versions(plan: &Plan) -> bool {
    let own = plan.shards.iter().filter_map(|shard| shard.columns.as_ref());
    own.chain([&plan.columns]).any(|columns| columns.iter().any(|name| name == "VersionId"))
}

fn other_operation(folder: &Path, planned: &str, kind: Kind) -> CliError {
    CliError::Usage(format!(
        "{}: the plan was made for {planned}, so its rows were not checked for {}: make one with \
         `s3sieve filter ... --for {}`, or submit it with --operation {planned}",
        folder.display(),
        kind.name(),
        kind.name(),
    ))
}

/// What the jobs depend on besides the plan, from the flags that both commands have.
pub(super) fn setting(place: &PlaceArgs, role_arn: &str) -> Setting {
    Setting {
        account_id: place.account_id.clone(),
        partition: partition_of_arn(role_arn).to_owned(),
        region: place.region.clone(),
        now: Timestamp::now(),
    }
}

/// The usual options of jobs: failed tasks only, and confirmation.
pub(super) fn options(place: &PlaceArgs, role_arn: &str) -> Result<Options, CliError> {
    Ok(Options {
        role_arn: role_arn.to_owned(),
        manifests: Place::parse("--manifest-bucket", &place.manifest_bucket)?,
        reports: Place::parse("--report", &place.report)?,
        all_tasks: false,
        priority: 0,
        description: None,
        tags: place.tags.clone(),
        confirmation: true,
    })
}

/// A plan, as far as its jobs depend on it.
pub(super) fn source(plan: &Plan) -> Result<Source, CliError> {
    let inventory = match &plan.inventory {
        None => None,
        Some(plan::Inventory { place, folder }) => {
            let place = Place::parse("inventory.place of plan.json", place)?;
            Some(Inventory { place, folder: folder.clone() })
        }
    };
    let manifest = |shard: &Shard| Manifest {
        path: shard.path.clone(),
        bucket: shard.bucket.clone(),
        columns: shard.columns.clone().unwrap_or_else(|| plan.columns.clone()),
        split: shard.split.clone(),
        sha256: shard.sha256.clone(),
    };
    Ok(Source {
        report_md5s: plan.reports.iter().map(|report| report.manifest_md5.clone()).collect(),
        predicate: predicate(plan),
        inventory,
        manifests: plan.shards.iter().map(manifest).collect(),
    })
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
pub(super) fn place(flag: &'static str, text: &str) -> Result<Place, CliError> {
    Ok(Place::parse(flag, text)?)
}

/// Writes named documents to a folder, which must be new or empty.
pub(super) fn write_documents<'a, T: Serialize + 'a>(
    folder: &Path,
    documents: impl Iterator<Item = (String, &'a T)>,
) -> Result<(), CliError> {
    let at = |path: &Path, error: io::Error| CliError::File { path: path.to_owned(), error };
    fs::create_dir_all(folder).map_err(|error| at(folder, error))?;
    let mut entries = fs::read_dir(folder).map_err(|error| at(folder, error))?;
    if entries.next().is_some() {
        let folder = folder.display();
        return Err(CliError::Usage(format!(
            "{folder} is not empty: choose a new folder for --out"
        )));
    }
    for (name, document) in documents {
        let path = folder.join(name);
        let text =
            serde_json::to_string_pretty(document).map_err(|error| at(&path, error.into()))?;
        let write = || writeln!(fs::File::create_new(&path)?, "{text}");
        write().map_err(|error| at(&path, error))?;
    }
    Ok(())
}
