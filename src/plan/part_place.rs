//! Where a part of a plan is made: in a folder beside the parts, or for S3 in a folder for
//! temporary files, from which each file goes up.
//!
//! In S3 nothing is overwritten and nothing is deleted; `part.json` goes up last. Attempts at the
//! same part write the same bytes under the same names, so they need not know of each other.

use std::sync::atomic::AtomicBool;

use super::PlanError;
#[cfg(feature = "aws")]
use super::destination::LastDocument;
use super::part_document::PlanPart;
use super::places::WorkPlaces;
use super::writer::Folders;
use crate::parts::{Attempt, CommitOutcome, PartNumber, PartsFolder};
use crate::source::Location;

/// Such a place.
pub(super) struct PartPlace {
    pub(super) places: WorkPlaces,
    target: PartTarget,
}

enum PartTarget {
    Here(Attempt),
    #[cfg(feature = "aws")]
    There(remote::RemotePart),
}

impl PartPlace {
    /// A place for an attempt. `named_late` says that manifests get their names at the end.
    pub(super) fn create(
        folder: &PartsFolder,
        part: PartNumber,
        named_late: bool,
    ) -> Result<Self, PlanError> {
        match folder.location() {
            Location::Path(out) => {
                let _ = named_late;
                let attempt = folder.attempt(out, part)?;
                let places = WorkPlaces::create(attempt.part(), attempt.scratch())?;
                Ok(Self { places, target: PartTarget::Here(attempt) })
            }
            #[cfg(feature = "aws")]
            Location::Object(_) => {
                let (places, target) =
                    remote::RemotePart::create(folder.part(part.number()), named_late)?;
                Ok(Self { places, target: PartTarget::There(target) })
            }
        }
    }

    pub(super) fn folders(&self) -> Folders {
        let (uploads, manifest_uploads) = match &self.target {
            PartTarget::Here(_) => (None, None),
            #[cfg(feature = "aws")]
            PartTarget::There(remote) => remote.uploads(),
        };
        Folders {
            manifests: self.places.manifests(),
            excluded: self.places.excluded(),
            spool: self.places.spool(),
            uploads,
            manifest_uploads,
        }
    }

    /// Makes it the part, unless that is there.
    pub(super) fn commit(
        self,
        part: &PlanPart,
        stop: &AtomicBool,
    ) -> Result<CommitOutcome, PlanError> {
        let text = part.text().map_err(|error| {
            let at = PlanError::at(self.places.manifests());
            at(error.into())
        })?;
        match self.target {
            PartTarget::Here(attempt) => {
                let _ = stop;
                Ok(attempt.commit(&text)?)
            }
            #[cfg(feature = "aws")]
            PartTarget::There(remote) => remote.commit(&self.places, part, text, stop),
        }
    }
}

#[cfg(feature = "aws")]
mod remote {
    use std::env;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use super::super::destination::publish;
    use super::super::scratch::ScratchFolder;
    use super::{LastDocument, PlanError, PlanPart, WorkPlaces};
    use crate::parts::{CommitOutcome, PART_DOCUMENT};
    use crate::source::{Location, Uploads};

    /// A part on its way to S3.
    pub(super) struct RemotePart {
        uploads: Arc<Uploads>,
        folder: Location,
        named_late: bool,
        _scratch: ScratchFolder,
    }

    impl RemotePart {
        pub(super) fn create(
            folder: Location,
            named_late: bool,
        ) -> Result<(WorkPlaces, Self), PlanError> {
            let scratch = ScratchFolder::create(&env::temp_dir())?;
            let places = WorkPlaces::create(scratch.path().to_owned(), scratch.path())?;
            let uploads = match &folder {
                Location::Object(object) => Arc::new(Uploads::new(object, false)),
                Location::Path(_) => unreachable!("a folder in S3 holds folders in S3"),
            };
            Ok((places, Self { uploads, folder, named_late, _scratch: scratch }))
        }

        /// Where files of excluded rows go, and where manifests go while they are written.
        pub(super) fn uploads(&self) -> (Option<Arc<Uploads>>, Option<Arc<Uploads>>) {
            let uploads = Some(Arc::clone(&self.uploads));
            (uploads.clone(), uploads.filter(|_| !self.named_late))
        }

        pub(super) fn commit(
            &self,
            places: &WorkPlaces,
            part: &PlanPart,
            text: Vec<u8>,
            stop: &AtomicBool,
        ) -> Result<CommitOutcome, PlanError> {
            let is_same =
                |there: &[u8]| PlanPart::parsed(there).is_ok_and(|there| there.is_same_as(part));
            let document = LastDocument { name: PART_DOCUMENT, text, is_same: &is_same };
            let unsent = [places.manifests(), places.excluded()];
            let plan = &part.plan;
            let was_there =
                publish(&self.uploads, None, &unsent, plan, document, &self.folder, stop)?;
            Ok(if was_there { CommitOutcome::Found } else { CommitOutcome::Made })
        }
    }
}
