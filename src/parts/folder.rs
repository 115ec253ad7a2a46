//! The folder where the parts of one question lie.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value};

use super::attempt::{Attempt, PART_DOCUMENT};
use super::{PARTS_MAX, PartNumber, PartsError};
use crate::source::{Location, lengths, random_digits, sync_folder};
#[cfg(feature = "aws")]
use crate::source::{StoreError, Uploads};

/// What pins the parts.
const PARTITIONS: &str = "partitions.json";

/// The folder of attempts.
const ATTEMPTS: &str = ".attempts";

/// What is merged, while it is written.
const MERGED: &str = "plan.json";

/// How long a merge takes at most. An hour: a million shards take seconds.
const MERGE_MAX: Duration = Duration::from_secs(3600);

/// How often a merge finds the folder of attempts gone again. 1,000 merges in a row are not a
/// coincidence.
const LOST_RACES_MAX: u32 = 1000;

/// What the name of a part's folder begins with.
const PART_PREFIX: &str = "part-";

/// Bytes of `partitions.json` at most. 16 MiB: it has the query, which may list many values.
const PARTITIONS_BYTES_MAX: u64 = 16 << 20;

/// Bytes of a `part.json` at most: as many as a `plan.json` may have.
pub(super) const PART_BYTES_MAX: u64 = 1 << 30;

/// Names in the folder that are looked at: all parts, and as many again.
const ENTRIES_MAX: u64 = 2 * PARTS_MAX as u64;

/// What `partitions.json` says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PinnedParts {
    /// The command that makes the parts.
    pub(crate) command: String,
    /// How many there are to be.
    pub(crate) parts: u32,
    /// All of it.
    pub(crate) pins: Value,
}

/// Such a folder.
#[derive(Debug, Clone)]
pub(crate) struct PartsFolder {
    out: Location,
}

impl PartsFolder {
    #[must_use]
    pub(crate) fn new(out: &Location) -> Self {
        Self { out: out.as_folder() }
    }

    /// The folder.
    #[must_use]
    pub(crate) fn location(&self) -> &Location {
        &self.out
    }

    /// The folder of a part.
    #[must_use]
    pub(crate) fn part(&self, number: u32) -> Location {
        self.out.join(&part_name(number)).as_folder()
    }

    /// `partitions.json`.
    #[must_use]
    pub(crate) fn partitions(&self) -> Location {
        self.out.join(PARTITIONS)
    }

    /// Pins the parts to this, or makes sure that whoever was here first pinned them to the same.
    ///
    /// # Errors
    /// When they are pinned to something else, the folder holds something else, or it can't be read
    /// or written.
    pub(crate) fn pin(&self, pins: &Value) -> Result<(), PartsError> {
        if self.pins()?.is_none() {
            let mut text = format!("{pins:#}");
            text.push('\n');
            match &self.out {
                Location::Path(out) => self.pin_here(out, text.as_bytes())?,
                #[cfg(feature = "aws")]
                Location::Object(out) => {
                    let plan = lengths(&[self.out.join(MERGED)]);
                    if plan.map_err(PartsError::at(self.out.clone()))? != [None] {
                        let found = MERGED.to_owned();
                        return Err(PartsError::NotEmpty { path: self.out.clone(), found });
                    }
                    let uploads = Uploads::new(out, false);
                    let (text, bytes_max) = (text.into_bytes(), PARTITIONS_BYTES_MAX);
                    // Whatever is there is compared below.
                    let put = uploads.put_new(PARTITIONS, text, bytes_max, |_| true);
                    put.map_err(|error| self.not_stored(PARTITIONS, error))?;
                }
            }
        }
        let found = self.pins()?.ok_or_else(|| PartsError::Missing { path: self.out.clone() })?;
        match difference("", &found, pins) {
            None => Ok(()),
            Some(what) => Err(PartsError::OtherRun { path: self.partitions(), what }),
        }
    }

    fn pin_here(&self, out: &Path, text: &[u8]) -> Result<(), PartsError> {
        let attempts = self.attempts(out)?;
        let others = self.names()?.into_iter().find(|name| name != ATTEMPTS && name != PARTITIONS);
        // Whoever was here first may have written it, and the first parts, meanwhile.
        if let Some(found) = others
            && self.pins()?.is_none()
        {
            let _ = fs::remove_dir(&attempts);
            return Err(PartsError::NotEmpty { path: self.out.clone(), found });
        }
        let written = attempts.join(format!("{PARTITIONS}.{}", random_digits()));
        fs::write(&written, text).map_err(PartsError::at(&*written))?;
        let placed = place_new(&written, &out.join(PARTITIONS));
        let _ = fs::remove_file(&written);
        placed.map(|_| ()).map_err(PartsError::at(out))
    }

    /// What `partitions.json` says, if it is there.
    ///
    /// # Errors
    /// When it can't be read.
    pub(crate) fn pins(&self) -> Result<Option<Value>, PartsError> {
        let path = self.partitions();
        let Some(text) = read(&path, PARTITIONS_BYTES_MAX)? else { return Ok(None) };
        let parsed = serde_json::from_slice(&text);
        parsed.map(Some).map_err(|error| PartsError::Unreadable { path, error })
    }

    /// What pins the parts, as far as all commands say it, for this program (its name and version).
    ///
    /// # Errors
    /// When there is nothing, or it is not of this program.
    pub(crate) fn pinned(&self, tool: &str) -> Result<PinnedParts, PartsError> {
        let Some(pins) = self.pins()? else {
            return Err(PartsError::Missing { path: self.out.clone() });
        };
        let misfit = |what: String| PartsError::Misfit { path: self.partitions(), what };
        let maker = pins["tool"].as_str().unwrap_or_default();
        if maker != tool {
            return Err(misfit(format!("its parts were made by {maker:?}, and this is {tool}")));
        }
        let command = pins["command"].as_str().unwrap_or_default().to_owned();
        let parts = pins["partitions"].as_u64().and_then(|parts| u32::try_from(parts).ok());
        let parts = PartNumber::new(0, parts.unwrap_or(0)).map_err(|e| misfit(e.to_string()))?;
        Ok(PinnedParts { command, parts: parts.parts(), pins })
    }

    /// The numbers of the parts that are missing, of this many, in order.
    ///
    /// # Errors
    /// When that can't be looked up.
    pub(crate) fn missing(&self, parts: u32) -> Result<Vec<u32>, PartsError> {
        let there = self.there(parts)?;
        let mut there = there.iter().peekable();
        Ok((0..parts).filter(|number| there.next_if_eq(&number).is_none()).collect())
    }

    /// The text of a part's document, if the part is there.
    ///
    /// # Errors
    /// When it can't be read.
    pub(crate) fn document(&self, number: u32) -> Result<Option<Vec<u8>>, PartsError> {
        read(&self.part(number).join(PART_DOCUMENT), PART_BYTES_MAX)
    }

    /// Begins an attempt at a part on this machine. Where other attempts at it were killed, what
    /// they left stays until the part is there.
    ///
    /// # Errors
    /// When its folder can't be made.
    pub(crate) fn attempt(&self, out: &Path, part: PartNumber) -> Result<Attempt, PartsError> {
        Attempt::begin(&self.attempts(out)?, out.join(part_name(part.number())))
    }

    /// The numbers of the parts that are there, of this many, in order.
    ///
    /// # Errors
    /// When that can't be looked up.
    fn there(&self, parts: u32) -> Result<Vec<u32>, PartsError> {
        let documents: Vec<_> =
            (0..parts).map(|number| self.part(number).join(PART_DOCUMENT)).collect();
        let found = lengths(&documents).map_err(PartsError::at(self.out.clone()))?;
        Ok((0..).zip(found).filter_map(|(number, found)| found.map(|_| number)).collect())
    }

    /// Refuses parts whose numbers are too large for this many.
    ///
    /// # Errors
    /// When there is one, or the folder can't be listed.
    pub(crate) fn refuse_others(&self, parts: u32) -> Result<(), PartsError> {
        for name in self.names()? {
            let number = name.strip_prefix(PART_PREFIX).and_then(|digits| digits.parse().ok());
            if number.is_some_and(|number: u32| number >= parts) {
                let what = format!("there are {parts} parts, counted from 0");
                return Err(PartsError::Misfit { path: self.out.join(&name), what });
            }
        }
        Ok(())
    }

    /// Removes what attempts at a part left, or those at any part: it is there. Attempts that still
    /// go on find that out, too. Only what has a name that an attempt gives is removed.
    pub(crate) fn clear_attempts(&self, part: Option<PartNumber>) {
        let Some(out) = self.out.as_path() else { return };
        let attempts = out.join(ATTEMPTS);
        if !is_own_folder(&attempts) {
            return;
        }
        let part = part.map(|part| part_name(part.number()));
        // What can't be removed harms nothing.
        for entry in fs::read_dir(&attempts).into_iter().flatten().flatten() {
            let (name, path) = (entry.file_name(), entry.path());
            let Some(stem) = name.to_str().and_then(stem_of_attempt) else { continue };
            let is_done = match &part {
                Some(part) => stem == part,
                None => stem == PARTITIONS || stem.starts_with(PART_PREFIX) || is_old(&path),
            };
            if is_done {
                let _ = fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path));
            }
        }
        if part.is_none() {
            let _ = fs::remove_dir(&attempts);
        }
    }

    /// The folder of attempts, made if need be. A merge that ends may remove it right away.
    fn attempts(&self, out: &Path) -> Result<PathBuf, PartsError> {
        let attempts = out.join(ATTEMPTS);
        fs::create_dir_all(&attempts).map_err(PartsError::at(&*attempts))?;
        match fs::symlink_metadata(&attempts) {
            Ok(found) if !found.is_dir() => Err(PartsError::InTheWay { path: attempts.into() }),
            _ => Ok(attempts),
        }
    }

    /// A new file for what is merged, beside the attempts, to be placed by [`place_new`] once it is
    /// whole.
    ///
    /// # Errors
    /// When it can't be made.
    pub(crate) fn new_file(&self, out: &Path) -> Result<(File, PathBuf), PartsError> {
        let mut tries = 0;
        loop {
            let made = self.attempts(out).and_then(|attempts| {
                let path = attempts.join(format!("{MERGED}.{}", random_digits()));
                let file = File::options().read(true).write(true).create_new(true).open(&path);
                Ok((file.map_err(PartsError::at(&*path))?, path))
            });
            match made {
                Err(PartsError::Io { error, .. }) if is_lost(&error) && tries < LOST_RACES_MAX => {
                    tries += 1;
                }
                made => return made,
            }
        }
    }

    fn names(&self) -> Result<Vec<String>, PartsError> {
        let entries = match self.out.entries(ENTRIES_MAX) {
            Err(error) if is_nothing(&error) => return Ok(Vec::new()),
            entries => entries.map_err(PartsError::at(self.out.clone()))?,
        };
        let Some(entries) = entries else {
            let found = format!("more than {ENTRIES_MAX} files and folders");
            return Err(PartsError::NotEmpty { path: self.out.clone(), found });
        };
        let mut names: Vec<_> = entries.into_iter().map(|entry| entry.name).collect();
        names.sort_unstable();
        Ok(names)
    }

    #[cfg(feature = "aws")]
    pub(super) fn not_stored(&self, name: &str, error: StoreError) -> PartsError {
        let path = self.out.join(name);
        match error {
            StoreError::Io(error) => PartsError::Io { path, error },
            StoreError::Differs { what } => PartsError::OtherRun { path, what },
            error @ StoreError::Changed => PartsError::Io { path, error: io::Error::other(error) },
        }
    }
}

/// The first place where two documents differ, and how; `at` is where they stand.
fn difference(at: &str, found: &Value, wanted: &Value) -> Option<String> {
    let (Value::Object(there), Value::Object(here)) = (found, wanted) else {
        return (found != wanted).then(|| format!("{at} is {found} there, and {wanted} here"));
    };
    let names: BTreeSet<&String> = there.keys().chain(here.keys()).collect();
    names.into_iter().find_map(|name| {
        let at = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
        let of = |map: &Map<String, Value>| map.get(name).cloned().unwrap_or_default();
        difference(&at, &of(there), &of(here))
    })
}

/// The stem of a name that an attempt gives: of a part, of `partitions.json`, or of a document that
/// is being merged.
fn stem_of_attempt(name: &str) -> Option<&str> {
    let (stem, digits) = name.rsplit_once('.')?;
    let is_random = digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_known = stem == PARTITIONS || stem == MERGED || stem.starts_with(PART_PREFIX);
    (is_random && is_known).then_some(stem)
}

/// Whether a file was written so long ago that whoever wrote it was killed.
fn is_old(path: &Path) -> bool {
    let written = fs::symlink_metadata(path).and_then(|found| found.modified());
    written.is_ok_and(|written| written.elapsed().is_ok_and(|age| age > MERGE_MAX))
}

/// Whether this is a folder, and not a link to one of somebody else.
fn is_own_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_dir())
}

fn part_name(number: u32) -> String {
    format!("{PART_PREFIX}{number:05}")
}

/// Whether there is no such file: its folder may be a file, too.
fn is_nothing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Whether the folder of attempts was removed while it was made, or used.
fn is_lost(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::AlreadyExists)
}

/// All bytes of a file, if it is there.
fn read(path: &Location, bytes_max: u64) -> Result<Option<Vec<u8>>, PartsError> {
    let file = match path.open() {
        Ok(file) => file,
        Err(error) if is_nothing(&error) => return Ok(None),
        Err(error) => return Err(PartsError::at(path.clone())(error)),
    };
    if file.len() > bytes_max {
        let what = format!("it has {} bytes, more than any", file.len());
        return Err(PartsError::Misfit { path: path.clone(), what });
    }
    let mut text = Vec::new();
    file.take(bytes_max).read_to_end(&mut text).map_err(PartsError::at(path.clone()))?;
    Ok(Some(text))
}

/// Gives a whole file another name, unless another one has it; `false` then. Its old name, where it
/// still has it, is for the caller to remove.
///
/// # Errors
/// When the disk fails.
pub(crate) fn place_new(written: &Path, path: &Path) -> io::Result<bool> {
    File::options().append(true).open(written)?.sync_all()?;
    let placed = match fs::hard_link(written, path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        // A file system without links: what was there when both looked is lost, and told by its
        // content.
        Err(_) if path.try_exists()? => Ok(false),
        Err(_) => fs::rename(written, path).map(|()| true),
    };
    sync_folder(path.parent().unwrap_or(path))?;
    placed
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::parts::CommitOutcome;

    fn names(folder: &Path) -> Vec<String> {
        PartsFolder::new(&folder.into()).names().unwrap()
    }

    fn part(number: u32) -> PartNumber {
        PartNumber::new(number, 12).unwrap()
    }

    #[test]
    fn whoever_comes_first_pins_the_parts() {
        let top = tempfile::tempdir().unwrap();
        let out = top.path().join("deep/out");
        let folder = PartsFolder::new(&out.as_path().into());
        let first = json!({"partitions": 12, "question": {"where": "a", "now": null}});
        assert!(folder.pins().unwrap().is_none());
        folder.pin(&first).unwrap();
        folder.pin(&first).unwrap();
        for (other, says) in [
            (json!({"partitions": 7, "question": {}}), "partitions is 12 there, and 7 here"),
            (
                json!({"partitions": 12, "question": {"where": "b"}}),
                "question.where is \"a\" there, and \"b\" here",
            ),
        ] {
            let error = folder.pin(&other).unwrap_err();
            assert!(error.to_string().contains(says), "{error}");
        }
        assert_eq!(folder.pins().unwrap(), Some(first));
        folder.clear_attempts(None);
        assert_eq!(names(&out), [PARTITIONS]);
    }

    #[test]
    fn a_folder_of_something_else_is_left_alone() {
        let out = tempfile::tempdir().unwrap();
        fs::write(out.path().join("mine"), "").unwrap();
        let folder = PartsFolder::new(&out.path().into());
        let error = folder.pin(&json!({})).unwrap_err().to_string();
        assert!(error.contains("holds mine and no partitions.json"), "{error}");
        assert_eq!(names(out.path()), ["mine"]);
    }

    #[test]
    fn of_two_attempts_one_makes_the_part() {
        let out = tempfile::tempdir().unwrap();
        let folder = PartsFolder::new(&out.path().into());
        let attempts = [(); 3].map(|()| folder.attempt(out.path(), part(3)).unwrap());
        let [one, two, killed] = attempts;
        for attempt in [&one, &two] {
            fs::write(attempt.part().join("rows"), "rows").unwrap();
            fs::write(attempt.scratch().join("spill"), "").unwrap();
        }
        std::mem::forget(killed);
        assert_eq!(folder.there(12).unwrap(), [0_u32; 0]);
        assert_eq!(two.commit(b"two").unwrap(), CommitOutcome::Made);
        assert_eq!(one.commit(b"one").unwrap(), CommitOutcome::Found);
        assert_eq!(folder.there(12).unwrap(), [3]);
        assert_eq!(folder.document(3).unwrap().unwrap(), b"two");
        assert_eq!(names(&out.path().join(ATTEMPTS)).len(), 1);
        folder.clear_attempts(Some(part(4)));
        assert_eq!(names(&out.path().join(ATTEMPTS)).len(), 1);
        folder.clear_attempts(Some(part(3)));
        assert!(names(&out.path().join(ATTEMPTS)).is_empty());
        assert_eq!(names(&out.path().join("part-00003")), [PART_DOCUMENT, "rows"]);
        folder.refuse_others(4).unwrap();
        assert!(matches!(folder.refuse_others(3), Err(PartsError::Misfit { .. })));
    }

    /// What others keep in a folder of that name, and where a link of that name leads.
    #[test]
    fn only_what_attempts_made_is_cleared() {
        let [out, precious] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let folder = PartsFolder::new(&out.path().into());
        let attempts = out.path().join(ATTEMPTS);
        fs::create_dir(&attempts).unwrap();
        let kept = ["mine", "part-00000.mine", "part-00000", "plan.json.0123456789abcdef"];
        let gone = ["part-00001.0123456789abcdef", "partitions.json.0123456789abcdef"];
        for name in kept.iter().chain(&gone) {
            fs::write(attempts.join(name), "").unwrap();
        }
        folder.clear_attempts(None);
        let mut kept = kept.to_vec();
        kept.sort_unstable();
        assert_eq!(names(&attempts), kept);
        fs::remove_dir_all(&attempts).unwrap();
        #[cfg(unix)]
        {
            let path = precious.path().join("part-00001.0123456789abcdef");
            fs::write(&path, "precious").unwrap();
            std::os::unix::fs::symlink(precious.path(), &attempts).unwrap();
            folder.clear_attempts(None);
            assert!(matches!(folder.pin(&json!({})), Err(PartsError::InTheWay { .. })));
            assert!(matches!(
                folder.attempt(out.path(), part(1)),
                Err(PartsError::InTheWay { .. })
            ));
            assert_eq!(fs::read(path).unwrap(), b"precious");
        }
        let _ = precious;
    }

    #[test]
    fn what_is_not_a_part_is_not_replaced() {
        let out = tempfile::tempdir().unwrap();
        let folder = PartsFolder::new(&out.path().into());
        let target = out.path().join("part-00003");
        for is_file in [true, false] {
            let attempt = folder.attempt(out.path(), part(3)).unwrap();
            if is_file {
                fs::write(&target, "mine").unwrap();
            } else {
                fs::create_dir(&target).unwrap();
                fs::write(target.join("mine"), "").unwrap();
            }
            assert!(matches!(attempt.commit(b"x"), Err(PartsError::InTheWay { .. })));
            let _ = fs::remove_file(&target);
        }
        assert_eq!(names(&target), ["mine"]);
    }
}
