//! Manifests of a plan in S3, used where they lie: S3 is asked about each, and only what its answer
//! leaves open is read.
//!
//! An answer tells length, `ETag`, encryption and, as a rule, the CRC-64/NVME of the whole object.
//! Where length and checksum are the plan's, the object is the plan's file. Where there is no
//! checksum to compare (an object of another program), or the plan has a SHA-256, too, the object
//! is read and hashed: a job must never run on a manifest that was not looked at. The `ETag` of the
//! same answer goes into the job's request, so that S3 refuses an object that is replaced later.
//!
//! Never knows what is done with a manifest.

use std::iter;
use std::sync::atomic::{AtomicBool, Ordering};

use super::digest::FileDigest;
use super::document::name;
use super::plan_file::{PlanFile, changed};
use super::{Plan, ReadError, Shard};
use crate::source::{HeadChecksums, Location, Object, ObjectHead, visit_heads};

/// Makes sure that all files of a plan's shards are in its folder, and are what it says.
pub(super) fn verify(folder: &Object, plan: &Plan, stop: &AtomicBool) -> Result<(), ReadError> {
    let place = Location::Object(folder.clone());
    let mut wanted = Vec::new();
    for file in plan.shards.iter().flat_map(PlanFile::of) {
        wanted.push(ExpectedFile::new(file.below(&place)?, file, false));
    }
    check(wanted, Some(plan), stop, |_| ())
}

/// Makes sure that all files of a plan's shards are what the plan says, in a folder that stands for
/// the plan's `manifests`, and that S3 Batch Operations can read them there.
///
/// # Errors
/// When one is missing, another, or encrypted so that no job can read it; when S3 refuses, or
/// `stop` is raised.
pub(crate) fn verify_manifests(
    manifests: &Object,
    plan: &Plan,
    stop: &AtomicBool,
) -> Result<(), ReadError> {
    check(wanted(manifests, plan.shards.iter())?, Some(plan), stop, |_| ())
}

/// Finds the manifest of a shard, with the files that it lists, and makes sure of it as
/// [`verify_manifests`] does. Gives what S3 says of the manifest.
///
/// # Errors
/// As [`verify_manifests`].
pub(crate) fn find_manifest(
    manifest: &Object,
    shard: &Shard,
    stop: &AtomicBool,
) -> Result<ObjectHead, ReadError> {
    let path = Location::Object(manifest.clone());
    let Some(folder) = manifest.key().strip_suffix(shard.name()) else {
        return Err(changed(&path, format!("it is not {} of the plan", shard.path)));
    };
    let mut found = None;
    check(wanted(&manifest.with_key(folder), iter::once(shard))?, None, stop, |head| {
        // The manifest is the first of a shard's files.
        found.get_or_insert(head);
    })?;
    found.ok_or_else(|| changed(&path, "there is no such object"))
}

/// A file that must be there.
struct ExpectedFile<'a> {
    object: Location,
    file: PlanFile<'a>,
    /// Whether it must not be encrypted but by S3 itself.
    sse_s3: bool,
}

impl<'a> ExpectedFile<'a> {
    fn new(object: Location, file: PlanFile<'a>, sse_s3: bool) -> Self {
        Self { object, file, sse_s3 }
    }

    /// Makes sure that what S3 says of the object is true of the file.
    fn check(
        &self,
        head: std::io::Result<Option<ObjectHead>>,
        plan: Option<&Plan>,
        stop: &AtomicBool,
    ) -> Result<ObjectHead, ReadError> {
        let Self { object: path, file, sse_s3 } = self;
        let Some(head) = head.map_err(ReadError::at(path))? else {
            return Err(changed(path, "there is no such object"));
        };
        file.verify_length(path, head.bytes)?;
        if *sse_s3 && head.is_by_other_keys() {
            let how = head.encryption.unwrap_or_default();
            return Err(ReadError::Encrypted { path: path.clone(), how });
        }
        let is_told = match file.digest {
            FileDigest::Manifest { crc64nvme: expected, sha256 } => {
                let found = head.crc64nvme.map(|found| found.to_string());
                if let Some(found) = found.as_ref().filter(|found| *found != expected) {
                    let what = format!("its CRC-64/NVME is {found} where the plan says {expected}");
                    return Err(changed(path, what));
                }
                found.is_some() && sha256.is_none()
            }
            // An ETag that is the MD5 proves it; one that is not says nothing.
            FileDigest::Md5(md5) => head.etag == md5,
        };
        if !is_told {
            file.verify(path, plan, stop)?;
        }
        Ok(head)
    }
}

/// The files of shards, in a folder that stands for the plan's `manifests`.
fn wanted<'a>(
    manifests: &Object,
    shards: impl Iterator<Item = &'a Shard>,
) -> Result<Vec<ExpectedFile<'a>>, ReadError> {
    let place = Location::Object(manifests.clone());
    let mut wanted = Vec::new();
    for shard in shards {
        let is_csv = shard.files.is_empty();
        for file in PlanFile::of(shard) {
            file.below(&place)?;
            wanted.push(ExpectedFile::new(place.join(name(file.path)), file, is_csv));
        }
    }
    Ok(wanted)
}

/// Makes sure of objects; those that are read are looked into where the plan is given.
fn check(
    wanted: Vec<ExpectedFile<'_>>,
    plan: Option<&Plan>,
    stop: &AtomicBool,
    mut seen: impl FnMut(ObjectHead),
) -> Result<(), ReadError> {
    let objects = wanted.into_iter().filter_map(|wanted| match &wanted.object {
        Location::Object(object) => Some((object.clone(), wanted)),
        Location::Path(_) => None,
    });
    visit_heads(objects, HeadChecksums::Asked, |wanted, head| {
        if stop.load(Ordering::Relaxed) {
            return Err(ReadError::Interrupted);
        }
        seen(wanted.check(head, plan, stop)?);
        Ok(())
    })
}
