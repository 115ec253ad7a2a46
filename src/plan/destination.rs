//! Where a plan goes: a folder on this machine, or one in S3.
//!
//! A plan for S3 is made in a folder for temporary files, from which each file goes up while it is
//! written, or at the end, if its name or its content is only known then; `plan.json` goes up last,
//! and only if no other run was faster. So there, too, a folder with a `plan.json` holds a finished
//! plan.
//!
//! Never knows what the files hold.

#[cfg(not(feature = "aws"))]
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

#[cfg(feature = "aws")]
use self::remote::publish;
use super::folder::{self, PartialFolder};
use super::writer::Folders;
use super::{Plan, PlanError};
use crate::source::{Location, Uploads};

/// When manifests go to S3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sending {
    /// While they are written.
    AtOnce,
    /// When all are written: only then their names or their contents are known.
    AtTheEnd,
}

/// A plan being written. Dropped before [`Destination::commit`], it leaves nothing behind.
pub(super) struct Destination {
    /// Dropped first: it takes back what was sent.
    remote: Option<Arc<Uploads>>,
    sending: Sending,
    out: Location,
    pub(super) folder: PartialFolder,
}

impl Destination {
    /// Takes possession of `out`, as [`PartialFolder::create`] does.
    pub(super) fn create(out: &Location, force: bool, sending: Sending) -> Result<Self, PlanError> {
        match out {
            Location::Path(path) => {
                let folder = PartialFolder::create(path, force)?;
                Ok(Self { remote: None, sending, out: out.clone(), folder })
            }
            #[cfg(feature = "aws")]
            Location::Object(object) => {
                remote::clear(object, force)?;
                let name = format!("s3sieve-{}", std::process::id());
                let folder = PartialFolder::create(&std::env::temp_dir().join(name), false)?;
                let remote = Some(Arc::new(Uploads::new(object)));
                Ok(Self { remote, sending, out: out.clone(), folder })
            }
        }
    }

    pub(super) fn folders(&self) -> Folders {
        Folders {
            manifests: self.folder.manifests(),
            excluded: self.folder.excluded(),
            spool: self.folder.spool(),
            uploads: self.remote.clone(),
            manifest_uploads: self.remote.clone().filter(|_| self.sending == Sending::AtOnce),
        }
    }

    /// Makes the plan a finished one; `stop` interrupts what is still to be sent.
    pub(super) fn commit(self, plan: &Plan, stop: &AtomicBool) -> Result<(), PlanError> {
        let Some(remote) = &self.remote else { return self.folder.commit(plan) };
        let text = folder::document(plan).map_err(PlanError::at(self.out.clone()))?;
        let unsent = (self.sending == Sending::AtTheEnd).then(|| self.folder.manifests());
        publish(remote, unsent, text, &self.out, stop)
    }
}

#[cfg(not(feature = "aws"))]
fn publish(
    uploads: &Uploads,
    _unsent: Option<PathBuf>,
    _text: Vec<u8>,
    _out: &Location,
    _stop: &AtomicBool,
) -> Result<(), PlanError> {
    match *uploads {}
}

#[cfg(feature = "aws")]
mod remote {
    use std::fs::{self, File};
    use std::path::{Path, PathBuf};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::super::PlanError;
    use super::super::folder::{EXCLUDED, JOURNAL, MANIFESTS, PLAN};
    use crate::scan::ScanError;
    use crate::source::{Location, Object, Uploads};

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
        let mut folders = vec![folder.join(MANIFESTS), folder.join(EXCLUDED)];
        while let Some(folder) = folders.pop() {
            let entries = folder.entries(ENTRIES_MAX).map_err(PlanError::at(folder))?;
            for entry in entries.unwrap_or_default() {
                match entry.location {
                    folder if entry.is_folder => folders.push(folder),
                    Location::Object(object) => found.push(object),
                    Location::Path(_) => {}
                }
            }
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

    /// Sends what is still in the folder `unsent`, and the text of `plan.json` last.
    pub(super) fn publish(
        uploads: &Arc<Uploads>,
        unsent: Option<PathBuf>,
        text: Vec<u8>,
        out: &Location,
        stop: &AtomicBool,
    ) -> Result<(), PlanError> {
        if let Some(folder) = unsent {
            send_files(uploads, &folder, MANIFESTS, stop)?;
        }
        let target = out.join(PLAN);
        if !uploads.put_new(PLAN, text).map_err(PlanError::at(target))? {
            return Err(PlanError::Overtaken { path: out.clone() });
        }
        uploads.keep();
        Ok(())
    }

    /// Sends the files below a folder into the one of this name, and removes them here.
    fn send_files(
        uploads: &Arc<Uploads>,
        folder: &Path,
        name: &str,
        stop: &AtomicBool,
    ) -> Result<(), PlanError> {
        for entry in fs::read_dir(folder).map_err(PlanError::at(folder))? {
            if stop.load(Ordering::Relaxed) {
                return Err(ScanError::Interrupted.into());
            }
            let path = entry.map_err(PlanError::at(folder))?.path();
            let own_name = path.file_name().unwrap_or_default().to_string_lossy();
            let name = format!("{name}/{own_name}");
            if path.is_dir() {
                send_files(uploads, &path, &name, stop)?;
                continue;
            }
            let file = File::open(&path).map_err(PlanError::at(&path))?;
            let bytes = file.metadata().map_err(PlanError::at(&path))?.len();
            let mut upload = uploads.begin(&name);
            let target = upload.target();
            let sent = upload.send(&file, bytes).and_then(|()| upload.finish(&file, bytes));
            sent.map_err(PlanError::at(target))?;
            fs::remove_file(&path).map_err(PlanError::at(&path))?;
        }
        Ok(())
    }
}
