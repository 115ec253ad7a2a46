//! Parts that are a document and nothing else: counts, and what became of objects.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[cfg(feature = "aws")]
use super::attempt::PART_DOCUMENT;
use super::{CommitOutcome, PartNumber, PartsError, PartsFolder};
use crate::source::Location;
#[cfg(feature = "aws")]
use crate::source::Uploads;

/// Such a part, as its `part.json` says it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct DocumentPart<T> {
    /// The command that made it.
    command: String,
    /// Which part it is, and of how many.
    partition: u32,
    partitions: u32,
    /// How long it took. The one value that differs from attempt to attempt.
    pub(crate) seconds: f64,
    /// What it found.
    pub(crate) found: T,
}

/// Where such parts are made and merged: a folder whose `partitions.json` says this.
#[derive(Debug)]
pub(crate) struct DocumentParts {
    folder: PartsFolder,
    command: &'static str,
    parts: u32,
}

impl DocumentParts {
    /// Pins the parts of a folder to this.
    ///
    /// # Errors
    /// As [`PartsFolder::pin`].
    pub(crate) fn pin(
        out: &Location,
        command: &'static str,
        parts: u32,
        pins: &Value,
    ) -> Result<Self, PartsError> {
        let folder = PartsFolder::new(out);
        folder.pin(pins)?;
        Ok(Self { folder, command, parts })
    }

    /// Parts that were pinned by this command.
    #[must_use]
    pub(crate) fn of(folder: PartsFolder, command: &'static str, parts: u32) -> Self {
        Self { folder, command, parts }
    }

    /// The part with this number, and whether it was there: made by `make`, which tells how long
    /// it took, unless it is there.
    ///
    /// # Errors
    /// When the part that is there is another one, or nothing can be read or written; those of
    /// `make`.
    pub(crate) fn make<T, E>(
        &self,
        part: PartNumber,
        make: impl FnOnce() -> Result<(f64, T), E>,
    ) -> Result<(DocumentPart<T>, bool), E>
    where
        T: Serialize + DeserializeOwned + PartialEq,
        E: From<PartsError>,
    {
        if let Some(there) = self.read(part.number())? {
            self.folder.clear_attempts(Some(part));
            return Ok((there, true));
        }
        let (seconds, found) = make()?;
        let (partition, partitions) = (part.number(), part.parts());
        let command = self.command.to_owned();
        let made = DocumentPart { command, partition, partitions, seconds, found };
        let was_there = match self.commit(part, &made)? {
            CommitOutcome::Made => false,
            CommitOutcome::Found => {
                let there = self.read::<T>(part.number())?;
                if there.is_none_or(|there| there.found != made.found) {
                    let what = "another attempt at it has found something else".to_owned();
                    return Err(self.misfit(part.number(), what).into());
                }
                true
            }
        };
        self.folder.clear_attempts(Some(part));
        Ok((made, was_there))
    }

    /// Shows each part in order, one at a time; all must be there.
    ///
    /// # Errors
    /// When one is not, or is another; those of `visit`.
    pub(crate) fn each<T: DeserializeOwned, E: From<PartsError>>(
        &self,
        mut visit: impl FnMut(DocumentPart<T>) -> Result<(), E>,
    ) -> Result<(), E> {
        for number in 0..self.parts {
            let gone = || self.misfit(number, "it is gone".to_owned());
            visit(self.read(number)?.ok_or_else(gone)?)?;
        }
        self.folder.clear_attempts(None);
        Ok(())
    }

    fn read<T: DeserializeOwned>(
        &self,
        number: u32,
    ) -> Result<Option<DocumentPart<T>>, PartsError> {
        let Some(text) = self.folder.document(number)? else { return Ok(None) };
        let part: DocumentPart<T> = serde_json::from_slice(&text)
            .map_err(|error| self.misfit(number, error.to_string()))?;
        let DocumentPart { command, partition, partitions, .. } = &part;
        if (&**command, *partition, *partitions) != (self.command, number, self.parts) {
            let what = format!("it is part {partition} of {partitions} of {command}");
            return Err(self.misfit(number, what));
        }
        Ok(Some(part))
    }

    fn misfit(&self, number: u32, what: String) -> PartsError {
        PartsError::Misfit { path: self.folder.part(number), what }
    }

    fn commit<T: Serialize>(
        &self,
        part: PartNumber,
        made: &DocumentPart<T>,
    ) -> Result<CommitOutcome, PartsError> {
        let path = self.folder.part(part.number());
        let text = serde_json::to_vec_pretty(made);
        let text = text.map_err(|error| PartsError::at(path.clone())(error.into()))?;
        match (self.folder.location(), path) {
            (Location::Path(out), _) => self.folder.attempt(out, part)?.commit(&text),
            #[cfg(feature = "aws")]
            (Location::Object(_), Location::Object(place)) => {
                // Whatever is there is compared by the caller.
                let put =
                    Uploads::new(&place, false).put_new(PART_DOCUMENT, text, u64::MAX, |_| true);
                let put = put.map_err(|error| self.folder.not_stored(PART_DOCUMENT, error))?;
                Ok(if put.found { CommitOutcome::Found } else { CommitOutcome::Made })
            }
            #[cfg(feature = "aws")]
            (Location::Object(_), Location::Path(_)) => {
                unreachable!("a folder in S3 holds folders in S3")
            }
        }
    }
}
