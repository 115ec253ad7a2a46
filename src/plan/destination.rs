//! Where a plan goes: a folder on this machine, or one in S3.
//!
//! A plan for S3 is made in a folder for temporary files, from which each file goes up while it is
//! written, or at the end, if its name or its content is only known then; `plan.json` goes up last.
//! So there, too, a folder with a `plan.json` holds a finished plan.
//!
//! In S3 nothing is overwritten, and nothing is deleted but, with `force`, the files that the old
//! `plan.json` lists. They go when the new plan is whole on this machine, so that a run that fails
//! leaves the old one; and `plan.json` goes after them, so that what it lists is known until then:
//! a run that ends in between is finished by the same command. A file that is there already is
//! taken over if it is the same, whoever sent it. So runs need not know of each other: one that is
//! killed is finished by the same command, and of two that do the same at a time both succeed. A
//! run that fails leaves the files that it finished, for another may have taken them over.
//!
//! Never knows what the files hold.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

#[cfg(feature = "aws")]
pub(super) use self::remote::{checksum, publish};
use super::folder::{self, PartialFolder};
use super::names::PLAN;
#[cfg(feature = "aws")]
use super::scratch::ScratchFolder;
use super::writer::Folders;
use super::{Plan, PlanError};
use crate::source::{Location, Uploads};

/// When manifests go to S3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UploadTiming {
    /// While they are written.
    AtOnce,
    /// When all are written: only then their names or their contents are known.
    AtTheEnd,
}

/// A plan being written. Dropped before [`Destination::commit`], it leaves no plan, and nothing on
/// this machine.
pub(super) struct Destination {
    remote: Option<Arc<Uploads>>,
    sending: UploadTiming,
    /// The `ETag` of the `plan.json` in S3 that gives way to this plan.
    replaced: Option<String>,
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
        sending: UploadTiming,
        is_same_question: &dyn Fn(&Plan) -> bool,
    ) -> Result<Self, PlanError> {
        match out {
            Location::Path(path) => {
                let _ = is_same_question;
                Ok(Self {
                    remote: None,
                    sending,
                    replaced: None,
                    out: out.clone(),
                    folder: PartialFolder::create(path, force)?,
                    #[cfg(feature = "aws")]
                    _scratch: None,
                })
            }
            #[cfg(feature = "aws")]
            Location::Object(object) => {
                let found = remote::prepare(object, force, is_same_question)?;
                let scratch = ScratchFolder::create(&std::env::temp_dir())?;
                let is_there = found != remote::FolderContent::Nothing;
                let (sending, replaced) = match found {
                    remote::FolderContent::ToReplace { etag } => {
                        (UploadTiming::AtTheEnd, Some(etag))
                    }
                    _ => (sending, None),
                };
                Ok(Self {
                    remote: Some(Arc::new(Uploads::new(object, is_there))),
                    sending,
                    replaced,
                    out: out.clone(),
                    folder: PartialFolder::create(&scratch.path().join("plan"), false)?,
                    _scratch: Some(scratch),
                })
            }
        }
    }

    pub(super) fn folders(&self) -> Folders {
        Folders {
            manifests: self.folder.places.manifests(),
            excluded: self.folder.places.excluded(),
            spool: self.folder.places.spool(),
            // Nothing is sent while the old plan is there.
            uploads: self.remote.clone().filter(|_| self.replaced.is_none()),
            manifest_uploads: self.remote.clone().filter(|_| self.sending == UploadTiming::AtOnce),
        }
    }

    /// Makes the plan a finished one; `stop` interrupts what is still to be sent. True where the
    /// same plan was there already.
    pub(super) fn commit(self, plan: &Plan, stop: &AtomicBool) -> Result<bool, PlanError> {
        let Some(remote) = &self.remote else { return self.folder.commit(plan).map(|()| false) };
        let text = folder::document(plan).map_err(PlanError::at(self.out.clone()))?;
        // What was sent while it was written is not there any more.
        let unsent = [self.folder.places.manifests(), self.folder.places.excluded()];
        let is_same =
            |there: &[u8]| folder::parsed(there).is_ok_and(|there| there.is_same_as(plan));
        let document = LastDocument { name: PLAN, text, is_same: &is_same };
        publish(remote, self.replaced.as_deref(), &unsent, plan, document, &self.out, stop)
    }
}

/// The document that goes up last: with it, all that it lists is there.
pub(super) struct LastDocument<'a> {
    pub(super) name: &'static str,
    pub(super) text: Vec<u8>,
    /// Whether a document that is there already is the same.
    pub(super) is_same: &'a dyn Fn(&[u8]) -> bool,
}

#[cfg(not(feature = "aws"))]
pub(super) fn publish(
    uploads: &Uploads,
    _replaced: Option<&str>,
    _unsent: &[std::path::PathBuf; 2],
    _plan: &Plan,
    _document: LastDocument<'_>,
    _out: &Location,
    _stop: &AtomicBool,
) -> Result<bool, PlanError> {
    match *uploads {}
}

#[cfg(feature = "aws")]
mod remote {
    use std::collections::HashSet;
    use std::fs::{self, File};
    use std::io::{self, Read};
    use std::path::{Path, PathBuf};
    use std::slice;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::super::folder;
    use super::super::names::{EXCLUDED, JOURNAL, MANIFESTS, PLAN, PLAN_BYTES_MAX};
    use super::super::{Plan, PlanError};
    use super::LastDocument;
    use crate::parts::PartsFolder;
    use crate::read::ScanError;
    use crate::source::{
        Crc64Nvme, Crc64NvmeHasher, InPlace, Location, Object, StoreError, Uploads, lengths,
    };

    /// Read at once of a file whose checksum is computed: large enough that calls don't count.
    const READ_BUFFER_BYTES: usize = 256 << 10;

    /// What a folder in S3 holds.
    #[derive(Debug, PartialEq, Eq)]
    pub(super) enum FolderContent {
        /// No plan.
        Nothing,
        /// A plan that may stay, for it answers the same question.
        SameQuestion,
        /// A plan that gives way to the new one once that is whole.
        ToReplace {
            /// Of its `plan.json`.
            etag: String,
        },
    }

    /// Looks what a folder in S3 holds; with `force`, a plan in it is to be replaced.
    pub(super) fn prepare(
        out: &Object,
        force: bool,
        is_same_question: &dyn Fn(&Plan) -> bool,
    ) -> Result<FolderContent, PlanError> {
        let folder = Location::Object(out.as_folder());
        let named = |name: &str| out.with_key(out.as_folder().key().to_owned() + name);
        let at = |object: &Object| PlanError::at(Location::Object(object.clone()));
        let partitions = PartsFolder::new(&folder).partitions();
        if lengths(slice::from_ref(&partitions)).map_err(PlanError::at(&partitions))? != [None] {
            return Err(PlanError::Merged { path: folder });
        }
        let journal = named(JOURNAL);
        if journal.exists().map_err(at(&journal))? {
            return Err(PlanError::Submitted { path: folder });
        }
        let document = named(PLAN);
        let Some((text, etag)) = document.read_whole(PLAN_BYTES_MAX).map_err(at(&document))? else {
            // What else is there was left by a run that was killed, or is being sent by another: it
            // is taken over file by file, or in the way.
            return Ok(FolderContent::Nothing);
        };
        let plan = folder::parsed(&text);
        if !force {
            let is_same = plan.is_ok_and(|plan| is_same_question(&plan));
            return match is_same {
                true => Ok(FolderContent::SameQuestion),
                false => Err(PlanError::NotEmpty { path: folder, found: PLAN.to_owned() }),
            };
        }
        match plan {
            Ok(_) => Ok(FolderContent::ToReplace { etag }),
            Err(what) => Err(PlanError::Unreadable { path: Location::Object(document), what }),
        }
    }

    /// The files of the new plan that are still on this machine, by name, length and checksum; and
    /// where each is.
    #[derive(Default)]
    struct UnsentFiles {
        files: Vec<(String, u64, Crc64Nvme)>,
        paths: Vec<PathBuf>,
    }

    impl UnsentFiles {
        /// Adds the files below a folder, which is the one of this name in the plan.
        fn collect(
            &mut self,
            folder: &Path,
            name: &str,
            stop: &AtomicBool,
        ) -> Result<(), PlanError> {
            for entry in fs::read_dir(folder).map_err(PlanError::at(folder))? {
                go_on(stop)?;
                let path = entry.map_err(PlanError::at(folder))?.path();
                let own_name = path.file_name().unwrap_or_default().to_string_lossy();
                let name = format!("{name}/{own_name}");
                if path.is_dir() {
                    self.collect(&path, &name, stop)?;
                    continue;
                }
                let mut file = File::open(&path).map_err(PlanError::at(&path))?;
                let (bytes, crc64nvme) = checksum(&mut file).map_err(PlanError::at(&path))?;
                self.files.push((name, bytes, crc64nvme));
                self.paths.push(path);
            }
            Ok(())
        }

        /// Sends them, and removes them here.
        fn send(self, uploads: &Uploads, stop: &AtomicBool) -> Result<(), PlanError> {
            for ((name, bytes, crc64nvme), path) in self.files.into_iter().zip(self.paths) {
                go_on(stop)?;
                let file = File::open(&path).map_err(PlanError::at(&path))?;
                let upload = uploads.begin(&name);
                let target = upload.target();
                let stored = upload.finish(&file, bytes, crc64nvme, &mut |_| Ok(()));
                stored.map_err(PlanError::not_stored(target))?;
                fs::remove_file(&path).map_err(PlanError::at(&path))?;
            }
            Ok(())
        }
    }

    fn go_on(stop: &AtomicBool) -> Result<(), PlanError> {
        match stop.load(Ordering::Relaxed) {
            true => Err(ScanError::Interrupted.into()),
            false => Ok(()),
        }
    }

    /// Deletes what the old plan lists, but for files that the new one has, too, and the old
    /// `plan.json` last. Where the old plan is the same as the new one, only files that were
    /// damaged. Refuses before the first of that what would have to be undone.
    fn make_way(
        uploads: &Uploads,
        etag: &str,
        unsent: &UnsentFiles,
        plan: &Plan,
        out: &Location,
        stop: &AtomicBool,
    ) -> Result<(), PlanError> {
        let at = || PlanError::at(out.clone());
        let Some((text, there)) = uploads.read(PLAN, PLAN_BYTES_MAX).map_err(at())? else {
            return Err(PlanError::Replaced { path: out.clone() });
        };
        let old = folder::parsed(&text);
        let is_same = old.as_ref().is_ok_and(|old| old.is_same_as(plan));
        let old = match old {
            Ok(old) if is_same || there == etag => old,
            _ => return Err(PlanError::Overtaken { path: out.clone() }),
        };
        let mut listed: HashSet<String> = old.files().into_iter().collect();
        let mut doomed = Vec::new();
        let found = uploads.compare(&unsent.files).map_err(at())?;
        for ((name, ..), found) in unsent.files.iter().zip(found) {
            let is_listed = listed.remove(name);
            match found {
                InPlace::Other { etag, .. } if is_listed => doomed.push((name.clone(), etag)),
                InPlace::Other { what, .. } => {
                    return Err(PlanError::OtherContent { path: out.join(name), what });
                }
                InPlace::Nothing | InPlace::Same => {}
            }
        }
        let mut rest: Vec<String> = listed.into_iter().collect();
        rest.sort_unstable();
        let etags = uploads.etags(&rest).map_err(at())?;
        doomed.extend(rest.into_iter().zip(etags).filter_map(|(name, etag)| Some((name, etag?))));
        // Nobody deletes the old plan.json before its files, or sends others before that. So if it
        // is still there, what was seen are its files.
        let now = uploads.etags(&[PLAN.to_owned(), JOURNAL.to_owned()]).map_err(at())?;
        if now[1].is_some() {
            return Err(PlanError::Submitted { path: out.clone() });
        }
        if now[0].as_ref() != Some(&there) {
            return Err(PlanError::Replaced { path: out.clone() });
        }
        for (name, etag) in doomed {
            go_on(stop)?;
            let at = || PlanError::at(out.join(&name));
            let is_gone = uploads.delete(&name, &etag).map_err(at())?
                || uploads.etags(slice::from_ref(&name)).map_err(at())? == [None];
            if !is_gone {
                return Err(PlanError::Replaced { path: out.clone() });
            }
        }
        go_on(stop)?;
        // Of two runs, the one that deletes it goes on.
        if !is_same && !uploads.delete(PLAN, &there).map_err(PlanError::at(out.join(PLAN)))? {
            return Err(PlanError::Replaced { path: out.clone() });
        }
        Ok(())
    }

    /// Sends what is still in the folders `unsent`, of manifests and of excluded rows, after the
    /// plan whose `plan.json` has the `ETag` `replaced` gave way; and the plan's document last.
    /// True where the same one was there already.
    pub(in crate::plan) fn publish(
        uploads: &Uploads,
        replaced: Option<&str>,
        unsent: &[PathBuf; 2],
        plan: &Plan,
        document: LastDocument<'_>,
        out: &Location,
        stop: &AtomicBool,
    ) -> Result<bool, PlanError> {
        let LastDocument { name, text, is_same } = document;
        let [manifests, excluded] = unsent;
        let mut unsent = UnsentFiles::default();
        unsent.collect(manifests, MANIFESTS, stop)?;
        unsent.collect(excluded, EXCLUDED, stop)?;
        if let Some(etag) = replaced {
            make_way(uploads, etag, &unsent, plan, out, stop)?;
        }
        unsent.send(uploads, stop)?;
        // A run that replaces a plan may have deleted or replaced files that were sent or found.
        let files = plan.files();
        refuse_lost(uploads, &files, out)?;
        let outcome = match uploads.put_new(name, text, PLAN_BYTES_MAX, is_same) {
            Ok(outcome) => outcome,
            Err(StoreError::Differs { .. }) => {
                return Err(PlanError::Overtaken { path: out.clone() });
            }
            Err(error) => return Err(PlanError::not_stored(out.join(name))(error)),
        };
        // It may have done so between the look and plan.json. From here on none does: it begins
        // with this plan.json.
        let lost = refuse_lost(uploads, &files, out);
        if lost.is_err() && !outcome.found && name == PLAN {
            // The error to tell is the other one; without its files, every reader refuses it.
            let _ = uploads.delete(name, &outcome.etag);
        }
        lost.map(|()| outcome.found)
    }

    /// Refuses a plan one of whose files is not there any more, or is another by now.
    fn refuse_lost(uploads: &Uploads, files: &[String], out: &Location) -> Result<(), PlanError> {
        match uploads.first_lost(files).map_err(PlanError::at(out.clone()))? {
            None => Ok(()),
            Some((path, InPlace::Other { what, .. })) => Err(PlanError::Rewritten { path, what }),
            Some((path, _)) => Err(PlanError::Deleted { path }),
        }
    }

    /// A file's length and checksum.
    pub(in crate::plan) fn checksum(file: &mut File) -> io::Result<(u64, Crc64Nvme)> {
        let (mut bytes, mut checksum) = (0, Crc64NvmeHasher::new());
        let mut buffer = vec![0; READ_BUFFER_BYTES];
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok((bytes, checksum.finish())),
                count => {
                    checksum.update(&buffer[..count]);
                    bytes += count as u64;
                }
            }
        }
    }
}
