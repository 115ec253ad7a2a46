//! `s3sieve setup`: settings at AWS, shown as differences, and put in place when asked.

use std::io::{self, Write};

use serde_json::Value;

use super::diff::diff;
use super::policy;
use super::print;
use super::request::place;
use super::service_args::Unchecked;
use super::setup_args::{Frequency, SetupAction, SetupArgs};
use super::{CliError, Exit};
use crate::aws::Session;
use crate::jobs::setup::{
    Change, bucket_key::BucketKey, inventory::Inventory, lifecycle::Lifecycle, role::Role,
};
use crate::operation::job::partition_of_region;

pub(super) fn run(args: &SetupArgs) -> Result<Exit, CliError> {
    match &args.action {
        SetupAction::Inventory(own) => {
            let session = session(args, own.region.as_deref(), own.account.account_id.as_deref())?;
            let inventory = Inventory {
                bucket: own.bucket.clone(),
                id: own.id.clone(),
                destination: place("--destination", &own.destination)?,
                partition: partition_of_region(own.region.as_deref()).to_owned(),
                daily: own.frequency == Frequency::Daily,
                all_versions: !own.current_versions_only,
            };
            let planned = inventory.look(&session)?;
            decide(args, &[&planned.change.clone()], || Ok(inventory.apply(&session, planned)?))
        }
        SetupAction::BucketKey(own) => {
            let session = session(args, own.region.as_deref(), own.account.account_id.as_deref())?;
            let bucket_key =
                BucketKey { bucket: own.bucket.clone(), key_arn: own.kms_key_arn.clone() };
            let planned = bucket_key.look(&session)?;
            decide(args, &[&planned.change.clone()], || Ok(bucket_key.apply(&session, planned)?))
        }
        SetupAction::Lifecycle(own) => {
            let session = session(args, own.region.as_deref(), own.account.account_id.as_deref())?;
            let lifecycle = Lifecycle {
                bucket: own.bucket.clone(),
                id: own.id.clone(),
                prefix: own.prefix.clone(),
                days: own.days,
            };
            let planned = lifecycle.look(&session)?;
            decide(args, &[&planned.change.clone()], || Ok(lifecycle.apply(&session, planned)?))
        }
        SetupAction::Role(own) => {
            let region = own.place.region.as_deref();
            let session = session(args, region, Some(&own.place.account_id))?;
            let made = policy::make(own)?;
            let role = Role {
                name: made.role_arn.rsplit('/').next().unwrap_or_default().to_owned(),
                trust_policy: json(&made.policies.trust_policy)?,
                policy_name: format!("s3sieve-{}", made.folder),
                policy: json(&made.policies.role_policy)?,
            };
            let planned = role.look(&session)?;
            let [trust, permissions] = &planned.changes;
            decide(args, &[trust, permissions], || Ok(role.apply(&session, &planned)?))
        }
    }
}

/// A way to AWS, in the account that is meant.
fn session(
    args: &SetupArgs,
    region: Option<&str>,
    account_id: Option<&str>,
) -> Result<Session, CliError> {
    let session = args.service.session(region)?;
    let unchecked = if args.apply { Unchecked::Refused } else { Unchecked::Told };
    args.service.check_account(&session, account_id, unchecked)?;
    Ok(session)
}

fn json(document: &impl serde::Serialize) -> Result<Value, CliError> {
    Ok(serde_json::to_value(document).map_err(io::Error::from)?)
}

/// Shows the changes, and makes them if asked.
fn decide(
    args: &SetupArgs,
    changes: &[&Change],
    apply: impl FnOnce() -> Result<(), CliError>,
) -> Result<Exit, CliError> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    for change in changes {
        show(&mut out, change)?;
    }
    if changes.iter().all(|change| change.is_none()) {
        writeln!(out, "Nothing to change.")?;
        out.flush()?;
        return Ok(Exit::Done);
    }
    if args.apply {
        out.flush()?;
        apply()?;
        writeln!(out, "Done.")?;
    } else {
        writeln!(out, "Nothing was changed. To change it: the same command with --apply.")?;
    }
    out.flush()?;
    Ok(Exit::Done)
}

fn show(out: &mut dyn Write, change: &Change) -> io::Result<()> {
    for warning in &change.warnings {
        print::tell(&format!("s3sieve: warning: {warning}"));
    }
    writeln!(out, "{}:", change.what)?;
    for (sign, line) in diff(&change.before, &change.after) {
        writeln!(out, "{sign} {line}")?;
    }
    Ok(())
}
