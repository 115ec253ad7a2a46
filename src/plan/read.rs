//! Reading a finished plan back, from this machine or from S3, and making sure that its manifests
//! are still what it says.
//!
//! On this machine every manifest is hashed, and its rows are looked at. In S3, S3 is asked about
//! each, and only what its answer leaves open is read.

use std::io::{self, Read};
use std::sync::atomic::AtomicBool;

use serde::Deserialize;

use super::error::ReadError;
#[cfg(feature = "aws")]
use super::in_place;
use super::manifest_rows::RowCheck;
use super::names::{MANIFESTS, PLAN, PLAN_BYTES_MAX};
use super::plan_file::{PlanFile, refuse_untrue, untrue};
use super::{ManifestDataFile, PLAN_VERSION, Plan, Shard, consistency};
use crate::diagnostic::{self};
use crate::hex;
use crate::parts::{PART_DOCUMENT, PartsFolder};
use crate::report::{self, Report};
use crate::source::{EntryKind, Location, WORK_FOLDER};

/// Of a document, what must be known before the rest is read.
#[derive(Deserialize)]
struct Version {
    version: u32,
}

/// Reads the plan in a folder.
///
/// # Errors
/// When there is none, it is not finished, or this program doesn't know its version.
pub(crate) fn read(folder: impl Into<Location>) -> Result<Plan, ReadError> {
    document(&folder.into()).map(|(plan, _)| plan)
}

/// The plan in a folder, and the SHA-256 of its `plan.json`, in hexadecimal.
pub(super) fn document(folder: &Location) -> Result<(Plan, String), ReadError> {
    let path = folder.join(PLAN);
    let text = match text(&path) {
        Err(ReadError::Io { error, .. })
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            let folder = folder.clone();
            if PartsFolder::new(&folder).partitions().open().is_ok() {
                return Err(ReadError::Unmerged { folder });
            }
            if folder.join(PART_DOCUMENT).open().is_ok() {
                return Err(ReadError::IsPart { folder });
            }
            return Err(if is_unfinished(&folder) {
                ReadError::Unfinished { folder }
            } else {
                ReadError::Missing { folder }
            });
        }
        text => text?,
    };
    let malformed = |error| ReadError::Malformed { path: path.clone(), error };
    let Version { version } = serde_json::from_slice(&text).map_err(malformed)?;
    if version > PLAN_VERSION {
        return Err(ReadError::Newer { path, version });
    }
    if version < PLAN_VERSION {
        return Err(ReadError::Older { path, version });
    }
    let plan = serde_json::from_slice(&text).map_err(malformed)?;
    if let Some(what) = consistency::fault(&plan) {
        return Err(ReadError::Inconsistent { path, what });
    }
    Ok((plan, hex::sha256(&text)))
}

fn text(path: &Location) -> Result<Vec<u8>, ReadError> {
    let file = path.open().map_err(ReadError::at(path))?;
    if file.len() > PLAN_BYTES_MAX {
        return Err(ReadError::TooLong { path: path.clone(), bytes: file.len() });
    }
    let mut text = Vec::new();
    file.take(PLAN_BYTES_MAX).read_to_end(&mut text).map_err(ReadError::at(path))?;
    Ok(text)
}

/// Whether a folder without `plan.json` shows signs of a run: in S3, manifests, which are sent
/// first. What can't be looked at shows none.
fn is_unfinished(folder: &Location) -> bool {
    if folder.as_path().is_some() {
        return matches!(folder.join(WORK_FOLDER).kind(), Ok(EntryKind::Folder));
    }
    matches!(folder.join(MANIFESTS).entries(0), Ok(None))
}

/// Makes sure that every manifest of a plan, and every data file of one, is there with the length
/// and digest that the plan names, and that its rows are those that the plan says.
///
/// # Errors
/// When one is not, can't be read, or `stop` is raised.
pub(crate) fn check_digests(
    folder: impl Into<Location>,
    plan: &Plan,
    stop: &AtomicBool,
) -> Result<(), ReadError> {
    let folder = match folder.into() {
        #[cfg(feature = "aws")]
        Location::Object(folder) => return in_place::verify(&folder, plan, stop),
        folder @ Location::Path(_) => folder,
    };
    plan.shards.iter().try_for_each(|shard| verify_shard(&folder, plan, shard, stop))
}

/// Makes sure of all files of a shard on this machine.
fn verify_shard(
    folder: &Location,
    plan: &Plan,
    shard: &Shard,
    stop: &AtomicBool,
) -> Result<(), ReadError> {
    let manifest = PlanFile::manifest(shard);
    let path = manifest.below(folder)?;
    manifest.verify(&path, Some(plan), stop)?;
    if shard.files.is_empty() {
        return Ok(());
    }
    verify_report(&path, plan, shard)?;
    let mut rows = RowCheck::new(shard, plan);
    for file in PlanFile::of(shard).skip(1) {
        file.verify_inflated(&file.below(folder)?, &mut rows, stop)?;
    }
    refuse_untrue(&path, rows)
}

/// Makes sure that a manifest which is an inventory report is of the shard's bucket, has its
/// columns, and lists its data files.
fn verify_report(path: &Location, plan: &Plan, shard: &Shard) -> Result<(), ReadError> {
    let untrue = |what: &str| Err(untrue(path, what));
    let report = Report::read(path).map_err(|error| {
        self::untrue(path, format!("it is no inventory report ({})", diagnostic::chain(&error)))
    })?;
    let names = report.schema.columns().iter().map(|column| &column.name);
    if !names.eq(shard.columns.as_ref().unwrap_or(&plan.columns)) {
        return untrue("its fileSchema has other columns than the plan says");
    }
    if report.source_bucket != shard.bucket {
        return untrue("its sourceBucket is not the bucket that the plan says");
    }
    let is_same = |(file, own): (&report::DataFile, &ManifestDataFile)| {
        let name = own.path.strip_prefix(MANIFESTS).unwrap_or(&own.path);
        let md5 = file.md5.as_ref().map(hex::encode);
        file.key.ends_with(name) && file.bytes == own.bytes && md5.as_ref() == Some(&own.md5)
    };
    let is_as_long = report.files.len() == shard.files.len();
    if !is_as_long || !report.files.iter().zip(&shard.files).all(is_same) {
        return untrue("it lists other data files than the plan says");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::diagnostic::explain;

    fn error(prepare: impl FnOnce(&Path)) -> String {
        let folder = tempfile::tempdir().unwrap();
        prepare(folder.path());
        explain(&read(folder.path()).unwrap_err())
    }

    #[test]
    fn what_is_no_finished_plan_is_refused() {
        assert!(error(|_| ()).contains("no plan.json"));
        assert!(
            error(|dir| fs::create_dir(dir.join(WORK_FOLDER)).unwrap()).contains("not finished")
        );
        let write = |text: &'static str| move |dir: &Path| fs::write(dir.join(PLAN), text).unwrap();
        assert!(error(write("{}")).contains("missing field `version`"));
        assert!(error(write("{\"version\": 1}")).contains("version 1, made by s3sieve 0.1"));
        assert!(error(write("{\"version\": 2}")).contains("missing field `command`"));
        assert!(error(write("{\"version\": 3}")).contains("version 3, newer"));
    }
}
