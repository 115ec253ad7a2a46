//! A pool of output files, more of them than may be open at a time.
//!
//! A plan that is split by many values writes to many files in unpredictable order. A file is
//! opened when it is written to. At the limit, the least recently written file is flushed and
//! closed first; it is opened again for its next write. Only open files have a write buffer. Blocks
//! may be left to workers, which write each to its place.
//!
//! Never knows what the files hold.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::mem;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use super::PlanError;
use super::written::WrittenBytes;
use crate::engine::Background;
use crate::source::{Crc64Nvme, descriptors_max, is_out_of_descriptors};

/// Maximum number of open files: one for each lane of a plan, so that no file is closed early
/// where the system allows that many.
const OPEN_MAX: usize = 512;

/// The pool takes one in this many of the descriptors that the system allows: workers, hashing and
/// connections need the others.
const SHARE: u64 = 4;

/// Files that must be allowed to be open for blocks to be written in the background, which keeps
/// their files open until then: with fewer, descriptors are short. 16: the system allows 64.
const BACKGROUND_OPEN_MIN: usize = 16;

/// Gathers small blocks (the leavings of many small data files) into fewer writes. 32 KiB: with 512
/// files open that is 16 MiB. Larger blocks pass it by.
pub(super) const WRITE_BUFFER_BYTES: usize = 32 << 10;

/// All files that grow in one run.
#[derive(Clone)]
pub(super) struct OpenFiles(Rc<RefCell<FileSlots>>);

struct FileSlots {
    /// Maximum number of open files; lowered when the system refuses one.
    open_max: usize,
    open: Vec<FileSlot>,
    /// Files made so far: their numbers.
    made: u64,
    /// Counts turns.
    now: u64,
}

/// An open file.
struct FileSlot {
    /// The number of the file that it is.
    number: u64,
    /// The turn in which it was written to last.
    used: u64,
    path: Rc<Path>,
    /// Shared with the workers that write its blocks: it stays open until then.
    file: Arc<File>,
    written: Arc<WrittenBytes>,
    /// Where `unwritten` belongs.
    end: u64,
    unwritten: Vec<u8>,
}

impl FileSlot {
    fn write(
        &mut self,
        bytes: Cow<'_, [u8]>,
        background: Option<&Background<'_>>,
    ) -> Result<(), PlanError> {
        if self.unwritten.len() + bytes.len() > WRITE_BUFFER_BYTES {
            self.flush(background)?;
        }
        if bytes.len() >= WRITE_BUFFER_BYTES {
            return self.put(bytes.into_owned(), background);
        }
        if self.unwritten.capacity() == 0 {
            self.unwritten.reserve_exact(WRITE_BUFFER_BYTES);
        }
        self.unwritten.extend_from_slice(&bytes);
        Ok(())
    }

    fn flush(&mut self, background: Option<&Background<'_>>) -> Result<(), PlanError> {
        if self.unwritten.is_empty() {
            return self.check();
        }
        let bytes = mem::take(&mut self.unwritten);
        self.put(bytes, background)
    }

    /// Writes bytes behind all that was, at once or in the background.
    fn put(
        &mut self,
        bytes: Vec<u8>,
        background: Option<&Background<'_>>,
    ) -> Result<(), PlanError> {
        let at = self.end;
        self.end += bytes.len() as u64;
        match background {
            Some(background) => {
                let (file, written) = (Arc::clone(&self.file), Arc::clone(&self.written));
                background.run(Box::new(move || {
                    written.write(&file, at, &bytes);
                    bytes
                }));
            }
            None => self.written.write(&self.file, at, &bytes),
        }
        self.check()
    }

    fn check(&self) -> Result<(), PlanError> {
        self.written.check().map_err(PlanError::at(&*self.path))
    }
}

impl FileSlots {
    /// The place of an open file; it is opened, by `open`, if it is not.
    fn turn(
        &mut self,
        growing: &GrowingFile,
        background: Option<&Background<'_>>,
        open: impl Fn() -> io::Result<File>,
    ) -> Result<usize, PlanError> {
        self.now += 1;
        let is_it = |slot: &FileSlot| slot.number == growing.number;
        let place = match self.open.get(growing.hint).is_some_and(is_it) {
            true => Some(growing.hint),
            // Another one was closed, and it was moved.
            false => self.open.iter().position(is_it),
        };
        if let Some(place) = place {
            self.open[place].used = self.now;
            return Ok(place);
        }
        if self.open.len() >= self.open_max {
            self.close_oldest(background)?;
        }
        let file = loop {
            match open() {
                Ok(file) => break file,
                Err(error) if is_out_of_descriptors(&error) && !self.open.is_empty() => {
                    // Others need some, too.
                    self.open_max = (self.open.len() - 1).max(1);
                    self.close_oldest(None)?;
                }
                Err(error) => return Err(PlanError::at(&*growing.path)(error)),
            }
        };
        self.open.push(FileSlot {
            number: growing.number,
            used: self.now,
            path: Rc::clone(&growing.path),
            file: Arc::new(file),
            written: Arc::clone(&growing.written),
            end: growing.bytes,
            unwritten: Vec::new(),
        });
        Ok(self.open.len() - 1)
    }

    /// Flushes and closes the least recently written file.
    fn close_oldest(&mut self, background: Option<&Background<'_>>) -> Result<(), PlanError> {
        let oldest = self.open.iter().enumerate().min_by_key(|(_, slot)| slot.used);
        match oldest.map(|(place, _)| place) {
            Some(place) => self.open.swap_remove(place).flush(background),
            None => Ok(()),
        }
    }
}

impl OpenFiles {
    /// For the files of one run.
    pub(super) fn new() -> Self {
        let share = descriptors_max().map_or(u64::MAX, |max| max / SHARE);
        Self::with(usize::try_from(share).unwrap_or(OPEN_MAX).clamp(1, OPEN_MAX))
    }

    fn with(open_max: usize) -> Self {
        Self(Rc::new(RefCell::new(FileSlots { open_max, open: Vec::new(), made: 0, now: 0 })))
    }

    fn has_many(&self) -> bool {
        self.0.borrow().open_max >= BACKGROUND_OPEN_MIN
    }

    /// Makes a new file.
    pub(super) fn create(&self, path: &Path) -> Result<GrowingFile, PlanError> {
        self.0.borrow_mut().made += 1;
        let mut growing = GrowingFile {
            files: self.clone(),
            path: path.into(),
            number: self.0.borrow().made,
            hint: usize::MAX,
            bytes: 0,
            written: Arc::default(),
        };
        let create = || File::options().read(true).write(true).create_new(true).open(path);
        let place = self.0.borrow_mut().turn(&growing, None, create)?;
        growing.hint = place;
        Ok(growing)
    }
}

/// A file that only grows. Dropped before [`GrowingFile::close`], it may lack its end.
pub(super) struct GrowingFile {
    files: OpenFiles,
    path: Rc<Path>,
    number: u64,
    /// Where it is among the open ones, if it has not been closed or moved since.
    hint: usize,
    /// Its length, with what is not written yet.
    bytes: u64,
    written: Arc<WrittenBytes>,
}

impl GrowingFile {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Appends bytes. In the background, they are written when the run of the engine has ended.
    pub(super) fn write(
        &mut self,
        bytes: Cow<'_, [u8]>,
        background: Option<&Background<'_>>,
    ) -> Result<(), PlanError> {
        let count = bytes.len() as u64;
        let background = background.filter(|_| self.files.has_many());
        self.turn(background, |slot| slot.write(bytes, background))?;
        self.bytes += count;
        Ok(())
    }

    /// Writes what is left, and shows the file, which can be read from any place: all of it, but
    /// for what is written in the background still.
    pub(super) fn flushed<T>(&mut self, show: impl FnOnce(&File) -> T) -> Result<T, PlanError> {
        self.turn(None, |slot| {
            slot.flush(None)?;
            Ok(show(&slot.file))
        })
    }

    /// The checksum of what is written, if that is all of it.
    pub(super) fn checksum(&self) -> Result<Crc64Nvme, PlanError> {
        self.written.checksum(self.bytes).map_err(PlanError::at(&*self.path))
    }

    /// Hands over what is left, and gives where the file is, and what is known of its bytes.
    pub(super) fn close(
        self,
        background: Option<&Background<'_>>,
    ) -> Result<ClosedFile, PlanError> {
        // One that is closed already has nothing left.
        if let Some(mut slot) = self.take() {
            slot.flush(background.filter(|_| self.files.has_many()))?;
        }
        let (path, written) = (self.path.to_path_buf(), Arc::clone(&self.written));
        Ok(ClosedFile { path, bytes: self.bytes, written })
    }

    fn turn<T>(
        &mut self,
        background: Option<&Background<'_>>,
        act: impl FnOnce(&mut FileSlot) -> Result<T, PlanError>,
    ) -> Result<T, PlanError> {
        let files = self.files.clone();
        let mut slots = files.0.borrow_mut();
        let open = || File::options().read(true).write(true).open(&self.path);
        let place = slots.turn(self, background, open)?;
        self.hint = place;
        act(&mut slots.open[place])
    }

    fn take(&self) -> Option<FileSlot> {
        let mut slots = self.files.0.borrow_mut();
        let place = slots.open.iter().position(|slot| slot.number == self.number)?;
        Some(slots.open.swap_remove(place))
    }
}

/// A file that does not grow any more. Its last blocks may be written in the background still.
pub(super) struct ClosedFile {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    written: Arc<WrittenBytes>,
}

impl ClosedFile {
    /// Its checksum, once nothing is written in the background any more.
    pub(super) fn checksum(&self) -> Result<Crc64Nvme, PlanError> {
        self.written.checksum(self.bytes).map_err(PlanError::at(&self.path))
    }
}

impl Drop for GrowingFile {
    fn drop(&mut self) {
        self.take();
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn files_hold_what_was_written_however_few_are_open(
            turns in prop::collection::vec((0usize..6, 0usize..3 * WRITE_BUFFER_BYTES / 2), 0..60),
            open_max in 1usize..7,
        ) {
            let folder = tempfile::tempdir().unwrap();
            let files = OpenFiles::with(open_max);
            let create = |number: usize| files.create(&folder.path().join(number.to_string()));
            let mut growing: Vec<_> = (0..6).map(|number| create(number).unwrap()).collect();
            let mut expected = vec![Vec::new(); 6];
            for (turn, (number, length)) in turns.into_iter().enumerate() {
                let bytes = vec![turn as u8; length];
                growing[number].write(bytes.as_slice().into(), None).unwrap();
                expected[number].extend_from_slice(&bytes);
                prop_assert!(files.0.borrow().open.len() <= open_max);
                if turn % 7 == 0 {
                    let bytes = growing[number].flushed(|file| file.metadata().unwrap().len());
                    prop_assert_eq!(bytes.unwrap(), expected[number].len() as u64);
                }
            }
            for (file, expected) in growing.into_iter().zip(expected) {
                prop_assert!(fs::read(file.close(None).unwrap().path).unwrap() == expected);
            }
            prop_assert!(files.0.borrow().open.is_empty());
        }
    }

    #[test]
    fn a_dropped_file_is_closed_and_one_that_is_there_is_not_written_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let files = OpenFiles::with(2);
        drop(files.create(&path).unwrap());
        assert!(files.0.borrow().open.is_empty());
        assert!(files.create(&path).is_err());
    }
}
