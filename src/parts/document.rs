//! Parts that are a document and nothing else: counts, and what became of objects.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[cfg(feature = "aws")]
use super::attempt::PART_DOCUMENT;
#[cfg(feature = "aws")]
use super::folder::PART_BYTES_MAX;
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

/// The last part of a file's path or address: where files lie differs from machine to machine.
#[must_use]
pub(crate) fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// What such a part holds.
pub(crate) trait PartContent: Serialize + DeserializeOwned {
    /// Whether it is the same, but for what differs from machine to machine.
    fn is_same_as(&self, other: &Self) -> bool;
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
        T: PartContent,
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
        let committed = self.commit(part, &made);
        if let Ok(CommitOutcome::Made) = committed {
            return Ok((made, false));
        }
        // Whoever made the part first may have cleared this attempt away.
        match (self.read::<T>(part.number())?, committed) {
            (Some(there), _) if there.found.is_same_as(&made.found) => Ok((there, true)),
            (None, Err(error)) => Err(error.into()),
            _ => {
                let what = "another attempt at it has found something else".to_owned();
                Err(self.misfit(part.number(), what).into())
            }
        }
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
                let put = Uploads::new(&place, false).put_new(
                    PART_DOCUMENT,
                    text,
                    PART_BYTES_MAX,
                    |_| true,
                );
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

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Text(String);

    impl PartContent for Text {
        fn is_same_as(&self, other: &Self) -> bool {
            self.0.eq_ignore_ascii_case(&other.0)
        }
    }

    fn parts(out: &std::path::Path) -> DocumentParts {
        DocumentParts::pin(&out.into(), "count", 2, &json!({"partitions": 2})).unwrap()
    }

    fn text(text: &str) -> Result<(f64, Text), PartsError> {
        Ok((0.0, Text(text.to_owned())))
    }

    /// Another attempt makes the part meanwhile, and clears up, or merges, before this one ends.
    #[test]
    fn an_attempt_that_is_overtaken_compares() {
        for (other, is_same) in [("A", true), ("b", false)] {
            for clears in [false, true] {
                let out = tempfile::tempdir().unwrap();
                let (parts, part) = (parts(out.path()), PartNumber::new(1, 2).unwrap());
                let made = parts.make(part, || {
                    let overtaken = self::parts(out.path()).make(part, || text(other))?;
                    assert!(!overtaken.1);
                    if clears {
                        self::parts(out.path()).folder.clear_attempts(None);
                    }
                    text("a")
                });
                let there = parts.read::<Text>(1).unwrap().unwrap();
                assert_eq!(there.found.0, other);
                match made {
                    Ok((_, was_there)) => assert!(is_same && was_there),
                    Err(error) => assert!(!is_same && error.to_string().contains("something else")),
                }
            }
        }
    }

    #[test]
    fn parts_of_another_command_are_refused() {
        let out = tempfile::tempdir().unwrap();
        let (parts, part) = (parts(out.path()), PartNumber::new(0, 2).unwrap());
        parts.make(part, || text("a")).unwrap();
        let other = DocumentParts::of(PartsFolder::new(&out.path().into()), "verify", 2);
        let error = other.make(part, || text("a")).unwrap_err().to_string();
        assert!(error.contains("it is part 0 of 2 of count"), "{error}");
        fs::write(out.path().join("part-00000/part.json"), "{}").unwrap();
        assert!(parts.make(part, || text("a")).unwrap_err().to_string().contains("missing field"));
    }
}
