//! Where a plan goes: a folder on this machine, or one in S3.
//!
//! A plan for S3 is made in a folder for temporary files, from which each file goes up while it is
//! written, or at the end, if its name or its content is only known then; `plan.json` goes up last.
//! So there, too, a folder with a `plan.json` holds a finished plan.
//!
//! In S3 nothing is overwritten, and nothing is deleted but, with `force`, the files that the old
//! `plan.json` lists. A file that is there already is taken over if it is the same, whoever sent
//! it. So runs need not know of each other: one that is killed is finished by the same command, and
//! of two that do the same at a time both succeed. A run that fails leaves the files that it
//! finished, for another may have taken them over.
//!
//! Never knows what the files hold.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

#[cfg(feature = "aws")]
use self::remote::publish;
use super::folder::{self, PartialFolder};
#[cfg(feature = "aws")]
use super::scratch::ScratchFolder;
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

/// A plan being written. Dropped before [`Destination::commit`], it leaves no plan, and nothing on
/// this machine.
pub(super) struct Destination {
    remote: Option<Arc<Uploads>>,
    sending: Sending,
    out: Location,
    /// Dropped before the folder that it is in.
    pub(super) folder: PartialFolder,
    #[cfg(feature = "aws")]
    _scratch: Option<ScratchFolder>,
}

impl Destination {
    /// Takes possession of `out`, as [`PartialFolder::create`] does. In S3, a plan that is there
    /// may stay if it answers the same question, as `is_same_question` tells: the run then shows
    /// whether it is the same plan.
    pub(super) fn create(
        out: &Location,
        force: bool,
        sending: Sending,
        is_same_question: &dyn Fn(&Plan) -> bool,
    ) -> Result<Self, PlanError> {
        match out {
            Location::Path(path) => {
                let _ = is_same_question;
                Ok(Self {
                    remote: None,
                    sending,
                    out: out.clone(),
                    folder: PartialFolder::create(path, force)?,
                    #[cfg(feature = "aws")]
                    _scratch: None,
                })
            }
            #[cfg(feature = "aws")]
            Location::Object(object) => {
                let is_there = remote::prepare(object, force, is_same_question)?;
                let scratch = ScratchFolder::create(&std::env::temp_dir())?;
                Ok(Self {
                    remote: Some(Arc::new(Uploads::new(object, is_there))),
                    sending,
                    out: out.clone(),
                    folder: PartialFolder::create(&scratch.path().join("plan"), false)?,
                    _scratch: Some(scratch),
                })
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

    /// Makes the plan a finished one; `stop` interrupts what is still to be sent. True where the
    /// same plan was there already.
    pub(super) fn commit(self, plan: &Plan, stop: &AtomicBool) -> Result<bool, PlanError> {
        let Some(remote) = &self.remote else { return self.folder.commit(plan).map(|()| false) };
        let text = folder::document(plan).map_err(PlanError::at(self.out.clone()))?;
        let unsent = (self.sending == Sending::AtTheEnd).then(|| self.folder.manifests());
        publish(remote, unsent.as_deref(), plan, text, &self.out, stop)
    }
}

#[cfg(not(feature = "aws"))]
fn publish(
    uploads: &Uploads,
    _unsent: Option<&std::path::Path>,
    _plan: &Plan,
    _text: Vec<u8>,
    _out: &Location,
    _stop: &AtomicBool,
) -> Result<bool, PlanError> {
    match *uploads {}
}

#[cfg(feature = "aws")]
mod remote {
    use std::fs::{self, File};
    use std::io::{self, Read};
    use std::path::Path;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::super::folder::{JOURNAL, MANIFESTS, PLAN};
    use super::super::read::PLAN_BYTES_MAX;
    use super::super::{PLAN_VERSION, Plan, PlanError};
    use crate::scan::ScanError;
    use crate::source::{Crc64Nvme, Location, Object, StoreError, Uploads};

    /// Read at once of a file whose checksum is computed: large enough that calls don't count.
    const READ_BUFFER_BYTES: usize = 256 << 10;

    /// Looks what a folder in S3 holds. True where it holds a plan that may stay, for it answers
    /// the same question. With `force`, deletes the plan that it holds.
    pub(super) fn prepare(
        out: &Object,
        force: bool,
        is_same_question: &dyn Fn(&Plan) -> bool,
    ) -> Result<bool, PlanError> {
        let folder = Location::Object(out.as_folder());
        let named = |name: &str| out.with_key(out.as_folder().key().to_owned() + name);
        let at = |object: &Object| PlanError::at(Location::Object(object.clone()));
        let journal = named(JOURNAL);
        if journal.exists().map_err(at(&journal))? {
            return Err(PlanError::Submitted { path: folder });
        }
        let document = named(PLAN);
        let Some((text, etag)) = document.read_whole(PLAN_BYTES_MAX).map_err(at(&document))? else {
            // What else is there was left by a run that was killed, or is being sent by another: it
            // is taken over file by file, or in the way.
            return Ok(false);
        };
        let plan = parse(&text);
        if !force {
            let is_same = plan.is_ok_and(|plan| is_same_question(&plan));
            return if is_same { Ok(true) } else { Err(PlanError::NotEmpty { path: folder }) };
        }
        let plan = plan.map_err(|what| {
            let path = Location::Object(document.clone());
            PlanError::Unreadable { path, what }
        })?;
        // The plan first: from then on there is none, and what follows belongs to nothing. Of two
        // runs, the one that deletes it deletes its files.
        if !document.delete_if_match(&etag).map_err(at(&document))? {
            return Err(PlanError::Replaced { path: folder });
        }
        for name in plan.files() {
            let file = named(&name);
            file.delete().map_err(at(&file))?;
        }
        Ok(false)
    }

    fn parse(text: &[u8]) -> Result<Plan, String> {
        let plan: Plan = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        if plan.version > PLAN_VERSION {
            return Err(format!("it has version {}, and {PLAN_VERSION} is known", plan.version));
        }
        Ok(plan)
    }

    /// Sends what is still in the folder `unsent`, and the text of `plan.json` last. True where the
    /// same plan was there already.
    pub(super) fn publish(
        uploads: &Uploads,
        unsent: Option<&Path>,
        plan: &Plan,
        text: Vec<u8>,
        out: &Location,
        stop: &AtomicBool,
    ) -> Result<bool, PlanError> {
        if let Some(folder) = unsent {
            send_files(uploads, folder, MANIFESTS, stop)?;
        }
        // Files that were found may have been deleted since, by a run with --force.
        let missing = uploads.first_missing(&plan.files()).map_err(PlanError::at(out.clone()))?;
        if let Some(path) = missing {
            return Err(PlanError::Deleted { path });
        }
        let is_same = |there: &[u8]| parse(there).is_ok_and(|there| there.is_same_as(plan));
        match uploads.put_new(PLAN, text, PLAN_BYTES_MAX, is_same) {
            Ok(outcome) => Ok(outcome.found),
            Err(StoreError::Differs { .. }) => Err(PlanError::Overtaken { path: out.clone() }),
            Err(error) => Err(PlanError::not_stored(out.join(PLAN))(error)),
        }
    }

    /// Sends the files below a folder into the one of this name, and removes them here.
    fn send_files(
        uploads: &Uploads,
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
            let mut file = File::open(&path).map_err(PlanError::at(&path))?;
            let (bytes, crc64nvme) = checksum(&mut file).map_err(PlanError::at(&path))?;
            let upload = uploads.begin(&name);
            let target = upload.target();
            let stored = upload.finish(&file, bytes, &crc64nvme, &mut |_| Ok(()));
            stored.map_err(PlanError::not_stored(target))?;
            fs::remove_file(&path).map_err(PlanError::at(&path))?;
        }
        Ok(())
    }

    /// A file's length and checksum.
    fn checksum(file: &mut File) -> io::Result<(u64, String)> {
        let (mut bytes, mut checksum) = (0, Crc64Nvme::new());
        let mut buffer = vec![0; READ_BUFFER_BYTES];
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok((bytes, checksum.to_string())),
                count => {
                    checksum.update(&buffer[..count]);
                    bytes += count as u64;
                }
            }
        }
    }
}
