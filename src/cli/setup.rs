//! `s3sieve setup`: settings at AWS, shown as differences, and put in place when asked.

use std::cell::Cell;
use std::io::{self, Write};
use std::slice;

use serde_json::Value;

use super::diff::diff;
use super::operation_args::PolicyArgs;
use super::output_format::Format;
use super::policy;
use super::print;
use super::request::place;
use super::service_args::OnUnknownCaller;
use super::setup_args::{Frequency, InventoryArgs, ReportFormat, SetupAction, SetupArgs};
use super::{CliError, Exit, plan_args};
use crate::aws::{AwsErrorKind, Session};
use crate::diagnostic::parameter::DESTINATION;
use crate::jobs::setup::bucket_key::BucketKey;
use crate::jobs::setup::inventory::{InventoryChange, ReportEncryption};
use crate::jobs::setup::lifecycle::Lifecycle;
use crate::jobs::setup::role::Role;
use crate::jobs::setup::{Change, SetupError, default_key};
use crate::operation::copy_key::TargetEncryption;
use crate::operation::job;

pub(super) fn run(args: &SetupArgs) -> Result<Exit, CliError> {
    match &args.action {
        SetupAction::Inventory(own) => inventory(args, own),
        SetupAction::BucketKey(own) => {
            check_bucket(&own.bucket)?;
            if let Some(key) = &own.kms_key_arn
                && !key.starts_with("arn:")
            {
                return Err(CliError::usage(format!(
                    "--kms-key-arn `{key}`: it must be the full ARN of a key, \
                     arn:aws:kms:REGION:ACCOUNT:key/ID; `aws kms describe-key --key-id {key}` \
                     shows it as Arn"
                )));
            }
            let session = session(args, own.region.as_deref(), own.account.account_id.as_deref())?;
            let bucket_key =
                BucketKey { bucket: own.bucket.clone(), key_arn: own.kms_key_arn.clone() };
            let planned = bucket_key.look(&session)?;
            decide(args, slice::from_ref(&planned.change), || {
                Ok(bucket_key.apply(&session, &planned)?)
            })
        }
        SetupAction::Lifecycle(own) => {
            check_bucket(&own.bucket)?;
            let session = session(args, own.region.as_deref(), own.account.account_id.as_deref())?;
            let lifecycle = Lifecycle {
                bucket: own.bucket.clone(),
                id: own.id.clone(),
                prefix: own.prefix.clone(),
                days: own.days,
            };
            let planned = lifecycle.look(&session)?;
            decide(args, slice::from_ref(&planned.change), || {
                Ok(lifecycle.apply(&session, &planned)?)
            })
        }
        SetupAction::Role(own) => role(args, own),
    }
}

fn inventory(args: &SetupArgs, own: &InventoryArgs) -> Result<Exit, CliError> {
    check_bucket(&own.bucket)?;
    let destination = own.destination.as_deref().map(|address| place(DESTINATION, address));
    let encryption = own.report_encryption.as_deref().map(|text| match text {
        "sse-s3" => Ok(ReportEncryption::SseS3),
        key if key.starts_with("arn:") => Ok(ReportEncryption::Key(key.to_owned())),
        other => Err(CliError::usage(format!(
            "--report-encryption `{other}`: it must be sse-s3 or the ARN of a key"
        ))),
    });
    let versions = match (own.current_versions_only, own.all_versions) {
        (true, _) => Some("Current"),
        (false, true) => Some("All"),
        (false, false) => None,
    };
    let inventory = InventoryChange {
        bucket: own.bucket.clone(),
        id: own.id.clone(),
        destination: destination.transpose()?,
        replace_destination: own.replace_destination,
        frequency: own.frequency.map(Frequency::name),
        versions,
        format: own.report_format.map(ReportFormat::name),
        encryption: encryption.transpose()?,
        leave_bucket_policy: own.leave_bucket_policy,
    };
    let session = session(args, own.region.as_deref(), own.account.account_id.as_deref())?;
    let planned = inventory.look(&session)?;
    decide(args, &planned.changes, || Ok(inventory.apply(&session, &planned)?))
}

/// Refuses an address where a bucket's name belongs.
fn check_bucket(bucket: &str) -> Result<(), CliError> {
    let Some(rest) = bucket.strip_prefix("s3://") else { return Ok(()) };
    let name = rest.split('/').next().unwrap_or_default();
    Err(CliError::usage(format!(
        "--bucket `{bucket}`: it is a bucket's name, without s3://; write {name}"
    )))
}

fn role(args: &SetupArgs, own: &PolicyArgs) -> Result<Exit, CliError> {
    let mut way = args.service.way(own.place.region.as_deref());
    let draft = policy::draft(own, &plan_args::open(&own.plan, None, &mut way)?)?;
    let session = session(args, own.place.region.as_deref(), Some(&own.place.account_id))?;
    let unanswered = Cell::new(None);
    let look = |bucket: &str| {
        default_key(&session, bucket, &draft.setting).map_err(|error| {
            let text = error.to_string();
            // Who may not ask can name the key; who gets no answer can't go on.
            if matches!(&error, SetupError::Aws(aws) if aws.kind != AwsErrorKind::Denied) {
                unanswered.set(Some(error));
            }
            text
        })
    };
    let target = draft
        .target_key(own, look)
        .map_err(|error| unanswered.take().map_or(error, CliError::from))?;
    let access = draft.access(own, target, report_key(own, look, draft.report_bucket()));
    let policies = draft.policies(&access);
    let (name, path) = Role::from_arn(draft.role_arn());
    let role = Role {
        name,
        path,
        arn: draft.role_arn().to_owned(),
        trust_policy: json(&policies.trust_policy)?,
        policy_name: draft.inline_name(&access, &policies.role_policy),
        policy: json(&policies.role_policy)?,
    };
    let planned = role.look(&session)?;
    decide(args, &planned.changes, || Ok(role.apply(&session, &planned)?))
}

/// The key of the completion reports. Who may not ask is told, and stops nothing: a report that
/// can't be written costs no object.
fn report_key(
    args: &PolicyArgs,
    look: impl FnOnce(&str) -> Result<TargetEncryption, String>,
    bucket: &str,
) -> Option<String> {
    if args.report_key.is_some() {
        return args.report_key.clone();
    }
    match look(bucket) {
        Ok(TargetEncryption::Key(key)) => Some(key),
        Ok(TargetEncryption::Free) => None,
        Err(why) => {
            print::warning(&format!(
                "{why}. If bucket {bucket} encrypts with a KMS key, no \
                 completion report comes until --report-kms-key-arn names it"
            ));
            None
        }
    }
}

/// A way to AWS, in the account that is meant.
fn session(
    args: &SetupArgs,
    region: Option<&str>,
    account_id: Option<&str>,
) -> Result<Session, CliError> {
    account_id.map_or(Ok(()), job::check_account)?;
    let session = args.service.session(region)?;
    let unchecked = if args.apply { OnUnknownCaller::Refuse } else { OnUnknownCaller::Warn };
    args.service.check_account(&session, account_id, unchecked)?;
    Ok(session)
}

fn json(document: &impl serde::Serialize) -> Result<Value, CliError> {
    Ok(serde_json::to_value(document).map_err(io::Error::from)?)
}

/// Shows the changes, and makes them if asked.
fn decide(
    args: &SetupArgs,
    changes: &[Change],
    apply: impl FnOnce() -> Result<(), CliError>,
) -> Result<Exit, CliError> {
    let mut out = print::output(Format::Human);
    for change in changes {
        show(&mut out, change)?;
    }
    if changes.iter().all(Change::is_none) {
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
        print::warning(warning);
    }
    writeln!(out, "{}:", print::visible(&change.what))?;
    for (sign, line) in diff(&change.before, &change.after) {
        writeln!(out, "{sign} {line}")?;
    }
    Ok(())
}
