//! Where a plan goes: a folder on this machine, or one in S3.
//!
//! A plan for S3 is made in a folder for temporary files, from which each file goes up while it is
//! written; `plan.json` goes up last, and only if no other run was faster. So there, too, a folder
//! with a `plan.json` holds a finished plan.
//!
//! Never knows what the files hold.

use std::sync::Arc;

use super::folder::{self, PartialFolder};
use super::sink::Folders;
use super::{Plan, PlanError};
use crate::source::{Location, Uploads};

/// A plan being written. Dropped before [`Destination::commit`], it leaves nothing behind.
pub(super) struct Destination {
    /// Dropped first: it takes back what was sent.
    remote: Option<Arc<Uploads>>,
    out: Location,
    pub(super) folder: PartialFolder,
}

impl Destination {
    /// Takes possession of `out`, as [`PartialFolder::create`] does.
    pub(super) fn create(out: &Location, force: bool) -> Result<Self, PlanError> {
        match out {
            Location::Path(path) => {
                let folder = PartialFolder::create(path, force)?;
                Ok(Self { remote: None, out: out.clone(), folder })
            }
            #[cfg(feature = "aws")]
            Location::Object(object) => {
                remote::clear(object, force)?;
                let name = format!("s3sieve-{}", std::process::id());
                let folder = PartialFolder::create(&std::env::temp_dir().join(name), false)?;
                let remote = Some(Arc::new(Uploads::new(object)));
                Ok(Self { remote, out: out.clone(), folder })
            }
        }
    }

    pub(super) fn folders(&self) -> Folders {
        Folders {
            manifests: self.folder.manifests(),
            excluded: self.folder.excluded(),
            spool: self.folder.spool(),
            uploads: self.remote.clone(),
        }
    }

    /// Makes the plan a finished one.
    pub(super) fn commit(self, plan: &Plan) -> Result<(), PlanError> {
        let Some(remote) = &self.remote else { return self.folder.commit(plan) };
        let text = folder::document(plan).map_err(PlanError::at(self.out.clone()))?;
        publish(remote, text, &self.out)
    }
}

#[cfg(feature = "aws")]
fn publish(uploads: &Uploads, text: Vec<u8>, out: &Location) -> Result<(), PlanError> {
    let target = out.join(folder::PLAN);
    if !uploads.put_new(folder::PLAN, text).map_err(PlanError::at(target))? {
        return Err(PlanError::Overtaken { path: out.clone() });
    }
    uploads.keep();
    Ok(())
}

#[cfg(not(feature = "aws"))]
fn publish(uploads: &Uploads, _text: Vec<u8>, _out: &Location) -> Result<(), PlanError> {
    match *uploads {}
}

#[cfg(feature = "aws")]
mod remote {
    use super::super::PlanError;
    use super::super::folder::{EXCLUDED, JOURNAL, MANIFESTS, PLAN};
    use crate::source::{Location, Object};

    /// Files of a plan that is replaced, at most: its shards and some reasons.
    const ENTRIES_MAX: u64 = 200_000;

    /// Makes sure that a folder in S3 holds no plan; with `force`, deletes the one that it holds.
    pub(super) fn clear(out: &Object, force: bool) -> Result<(), PlanError> {
        let folder = Location::Object(out.as_folder());
        let named = |name: &str| out.with_key(out.as_folder().key().to_owned() + name);
        let at = |object: &Object| PlanError::at(Location::Object(object.clone()));
        let journal = named(JOURNAL);
        if journal.exists().map_err(at(&journal))? {
            return Err(PlanError::Submitted { path: folder });
        }
        let plan = named(PLAN);
        let mut found = if plan.exists().map_err(at(&plan))? { vec![plan] } else { Vec::new() };
        for part in [MANIFESTS, EXCLUDED] {
            let part = folder.join(part);
            let entries = part.entries(ENTRIES_MAX).map_err(PlanError::at(part))?;
            let objects = entries.unwrap_or_default().into_iter().map(|entry| entry.location);
            found.extend(objects.filter_map(|location| match location {
                Location::Object(object) => Some(object),
                Location::Path(_) => None,
            }));
        }
        if !found.is_empty() && !force {
            return Err(PlanError::NotEmpty { path: folder });
        }
        // The plan first: from then on there is none, and what follows belongs to nothing.
        for object in found {
            object.delete().map_err(at(&object))?;
        }
        Ok(())
    }
}
