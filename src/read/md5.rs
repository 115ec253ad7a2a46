//! The MD5 of data files: of several files at once, a little ahead of their scan.
//!
//! Never knows what is in a file.
//!
//! # Why in groups
//! A core hashes one stream at about 0.65 GB/s, whatever it is made of, and inflates, splits and
//! matches about half of that: hashing each file in passing would take a third of a run. Several
//! streams at once go many times faster (see [`crate::format::md5`]), so files are hashed in groups
//! of as many as there are lanes.
//!
//! # How
//! Groups are made of neighbours in the report before the run begins. The worker that first comes
//! to a file of a group hashes the group's files, all in step, and goes on to scan its own. Whoever
//! scans another of them starts at once and asks for the digest at the file's end. Each file is
//! read twice, the second time from the page cache: copying compressed bytes costs little beside
//! inflating them. When a group is hashed, the system is told to fetch the starts of the next.
//!
//! With two threads each hashes a half: the first does so before it scans its file, and the other
//! one the rest after its first file. While one hashed all of it, what the other had scanned had
//! to wait in memory, and in a short run one of them had a file more to scan than the other. With
//! more threads several would wait for who does the rest, so the first does all of it at once.
//!
//! Files that take turns ([`super::TaskOrder`]) are hashed in step with their scan: before a split
//! is scanned, its group is hashed up to where the split ends.
//!
//! What is not worth a group is hashed by its scanner in passing: small files, very large files, a
//! file without neighbours, files in S3 (reading one twice costs twice), everything on a machine
//! without wide enough vectors. Where there are two threads for each file, such a file on disk is
//! hashed [`beside`] its scan, on a thread that would have nothing to do.
//!
//! # What must hold
//! - *No deadlock*: a worker that hashes does not wait. Who waits is woken when hashing is over,
//!   however it ends: [`WorkClaim`](super::group_work::WorkClaim) sees to that.
//! - *No digest is missing*: a worker may end early because its own file is of no use any more (an
//!   earlier one is bad), while others before it still need theirs. It then gives the group back,
//!   and one of those who wait begins anew. When all the run is over, each finds that out in turn.
//! - *A file's fault is its own*: what goes wrong with one file while its group is hashed is kept,
//!   and told when that file is asked for.
//! - *Output is the same* as if each file were hashed by itself.
//!
//! - *What is hashed is what is scanned*, though it is read twice: a file whose stamp (its number,
//!   length and time of modification) differs between any two readings ends the run.

use std::io::{self, Read, Take};
use std::mem;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;

use md5::{Digest, Md5};

use super::error::stopped;
use super::group_work::GroupWork;
use super::input::{READ_BYTES, open, open_split, read};
use super::visitor::RunCheck;
use super::{DataErrorKind, Input, ScanOptions, Verify};
use crate::engine::TaskError;
use crate::format::md5::{BLOCK_BYTES, LANES_MAX, Md5Path, Md5Streams};
use crate::source::{FileStamp, ReadBuffer, SourceFile};

/// Bytes of a group's files together at most: they must still be in the page cache when they are
/// scanned. Files of 20 MB, the usual size, then go in full groups, and the largest (3 million
/// rows, about 150 MB) seven at a time. More would be read from disk twice on small machines.
const HASH_GROUP_BYTES_MAX: u64 = 1 << 30;

/// Files up to this size are hashed in passing: opening one again costs as much as is gained.
const HASH_FILE_BYTES_MIN: u64 = READ_BYTES as u64;

/// Bytes read of each file at a time. 64 KiB: few calls, and what is read of all files together
/// (1 MiB) is still near the core when it is hashed. Half of it gained nothing, twice was slower.
pub(super) const CHUNK_BYTES: usize = 64 << 10;

/// What one hashing worker holds of all files.
pub(super) const BUFFER_BYTES: usize = CHUNK_BYTES * LANES_MAX;

const _: () = assert!(CHUNK_BYTES.is_multiple_of(BLOCK_BYTES));
const _: () = assert!(BUFFER_BYTES <= 1 << 20);

/// The digests of a run's files, as far as they are made in groups. Files on this machine are read
/// once to be hashed and once to be scanned: [`Digests::unchanged`] sees to it that both saw the
/// same bytes.
pub(super) struct Digests<'a> {
    inputs: &'a [Input],
    groups: Vec<DigestGroup<'a>>,
    /// Which group each input is in, and its place there.
    places: Vec<Option<(usize, usize)>>,
    verify: Verify,
    threads: usize,
}

/// How a file's digest is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Md5Mode {
    /// Not at all: nobody asks for it, or S3 has done it.
    Unchecked,
    /// With others, by [`Digests`].
    Group,
    /// [`beside`] the scan.
    Beside,
    /// By the scanner, as it reads.
    InPassing,
}

impl Md5Mode {
    /// Whether it is hashed by itself.
    pub(super) fn is_of_one(self) -> bool {
        matches!(self, Self::Beside | Self::InPassing)
    }
}

/// Files that are hashed together.
struct DigestGroup<'a> {
    /// Their numbers: at least two, at most as many as there are lanes.
    files: Vec<usize>,
    /// Each file's stamp when it was opened first.
    stamps: Vec<Arc<OnceLock<FileStamp>>>,
    /// Hashing them; a result is a file's digest, or its own fault.
    work: GroupWork<Box<Hashing<'a>>, DigestOutcome>,
}

pub(super) type DigestOutcome = Result<[u8; 16], DataErrorKind>;

impl<'a> Digests<'a> {
    /// Makes the groups; hashes nothing yet.
    pub(super) fn new(inputs: &'a [Input], options: ScanOptions) -> Self {
        let lanes = match options.verify {
            Verify::Auto | Verify::Md5 => Md5Path::Auto.lanes(),
            Verify::Crc => 0,
        };
        let (verify, threads) = (options.verify, options.threads.get());
        Self { verify, threads, ..Self::with_lanes(inputs, lanes) }
    }

    fn with_lanes(inputs: &'a [Input], lanes: usize) -> Self {
        let mut places = vec![None; inputs.len()];
        let mut groups = Vec::new();
        for files in grouped(inputs, lanes) {
            for (place, file) in files.iter().enumerate() {
                places[*file] = Some((groups.len(), place));
            }
            let stamps = files.iter().map(|_| Arc::default()).collect();
            groups.push(DigestGroup { files, stamps, work: GroupWork::new() });
        }
        Self { inputs, groups, places, verify: Verify::Md5, threads: 1 }
    }

    fn place(&self, number: usize) -> Option<(usize, usize)> {
        self.places.get(number).copied().flatten()
    }

    /// Whether the file with this number is hashed here.
    pub(super) fn cover(&self, number: usize) -> bool {
        self.place(number).is_some()
    }

    /// Fails if a file that is hashed here is not the one that was opened first: asked after it was
    /// opened, and after it was read, by whoever hashes or scans it.
    ///
    /// # Errors
    /// When it changed, or the system doesn't say.
    pub(super) fn unchanged(&self, number: usize, file: &SourceFile) -> Result<(), DataErrorKind> {
        let Some((group, place)) = self.place(number) else { return Ok(()) };
        unchanged(&self.groups[group].stamps[place], file)
    }

    /// Whether a file's MD5 is checked where the manifest gives one.
    pub(super) fn verifies_md5(&self) -> bool {
        self.verify != Verify::Crc
    }

    /// How the file with this number is hashed, opened as `file`.
    pub(super) fn mode_of(&self, number: usize, file: &SourceFile) -> Md5Mode {
        let stated = self.inputs[number].md5.filter(|md5| file.states_md5(md5));
        match stated {
            Some(_) if self.verify == Verify::Auto => Md5Mode::Unchecked,
            _ => self.mode(number),
        }
    }

    /// How the file with this number is hashed, if S3 does not state its MD5.
    pub(super) fn mode(&self, number: usize) -> Md5Mode {
        let input = &self.inputs[number];
        if self.verify == Verify::Crc || input.md5.is_none() {
            Md5Mode::Unchecked
        } else if self.cover(number) {
            Md5Mode::Group
        } else if self.threads / 2 >= self.inputs.len()
            && input.bytes > HASH_FILE_BYTES_MIN
            && !input.path.is_remote()
        {
            Md5Mode::Beside
        } else {
            Md5Mode::InPassing
        }
    }

    /// Called before a file is scanned: hashes its group, or a half of it, if no worker does.
    ///
    /// # Errors
    /// When the run is over.
    pub(super) fn begin(
        &self,
        number: usize,
        buffer: &mut ReadBuffer,
        check: RunCheck<'_>,
    ) -> Result<(), TaskError<DataErrorKind>> {
        let Some((group, _)) = self.place(number) else { return Ok(()) };
        let rounds = self.rounds(group);
        self.hash(group, if self.threads == 2 { rounds.div_ceil(2) } else { rounds }, buffer, check)
    }

    /// Called before a split of a file is scanned, which ends at this byte: hashes its group so
    /// far, if no worker does.
    ///
    /// # Errors
    /// When the run is over.
    pub(super) fn begin_split(
        &self,
        number: usize,
        end: u64,
        buffer: &mut ReadBuffer,
        check: RunCheck<'_>,
    ) -> Result<(), TaskError<DataErrorKind>> {
        let Some((group, _)) = self.place(number) else { return Ok(()) };
        self.hash(group, end.div_ceil(CHUNK_BYTES as u64), buffer, check)
    }

    /// The digest of a file, once for each file, `None` if it is not hashed here. Waits for who
    /// hashes its group, and hashes what no worker does.
    ///
    /// # Errors
    /// When the run is over, and what went wrong when the file was hashed.
    pub(super) fn digest(
        &self,
        number: usize,
        buffer: &mut ReadBuffer,
        check: RunCheck<'_>,
    ) -> Result<Option<[u8; 16]>, TaskError<DataErrorKind>> {
        let Some((group, place)) = self.place(number) else { return Ok(None) };
        loop {
            if let Some(outcome) = self.groups[group].work.wait(place) {
                // Each file is scanned once.
                let twice = || Err(io::Error::other("the digest was asked for twice").into());
                return outcome.unwrap_or_else(twice).map(Some).map_err(TaskError::Failed);
            }
            self.hash(group, self.rounds(group), buffer, check)?;
        }
    }

    /// How many times a chunk of each file is hashed until the longest is at its end.
    fn rounds(&self, group: usize) -> u64 {
        let bytes = self.groups[group].files.iter().map(|file| self.inputs[*file].bytes);
        bytes.max().unwrap_or(0).div_ceil(CHUNK_BYTES as u64)
    }

    /// Hashes a group up to this round, unless somebody else does or it is done.
    fn hash(
        &self,
        group: usize,
        rounds: u64,
        buffer: &mut ReadBuffer,
        check: RunCheck<'_>,
    ) -> Result<(), TaskError<DataErrorKind>> {
        let Some((claim, hashing)) = self.groups[group].work.claim() else { return Ok(()) };
        let DigestGroup { files, stamps, .. } = &self.groups[group];
        let mut hashing = hashing.unwrap_or_else(|| {
            let inputs = files.iter().map(|file| &self.inputs[*file]).zip(stamps);
            Box::new(Hashing {
                readings: inputs
                    .map(|(input, stamp)| GroupFile::new(input, Arc::clone(stamp)))
                    .collect(),
                streams: Md5Streams::new(files.len(), Md5Path::Auto),
                rounds: 0,
            })
        });
        let buffer = buffer.of(BUFFER_BYTES);
        while hashing.rounds < rounds {
            check().map_err(stopped)?;
            hashing.round(buffer);
        }
        hashing.readings.iter_mut().for_each(|reading| reading.close(false));
        if hashing.readings.iter().any(GroupFile::is_closed) {
            claim.leave(hashing);
            return Ok(());
        }
        for file in self.groups.get(group + 1).iter().flat_map(|group| &group.files) {
            self.inputs[*file].path.advise_soon();
        }
        claim.done(hashing.finish());
        Ok(())
    }
}

/// Runs `scan` of a file and hashes the file on another thread meanwhile; gives what both found.
/// The file that is hashed must be the one that was opened to be scanned, whose stamp is `noted`.
///
/// # Errors
/// Those of `scan`; the digest is not needed then.
pub(super) fn beside<T, E>(
    input: &Input,
    noted: &OnceLock<FileStamp>,
    scan: impl FnOnce() -> Result<T, E>,
) -> Result<(T, DigestOutcome), E> {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let hash = || hash_alone(input, noted, &over);
        let hashing = thread::Builder::new().name("md5".to_owned()).spawn_scoped(scope, hash);
        let end = EndOfHashing(&over);
        let scanned = scan()?;
        mem::forget(end);
        let outcome = match hashing {
            Ok(hashing) => hashing.join().unwrap_or_else(|panic| resume_unwind(panic)),
            // There is no thread for it: then afterwards.
            Err(_) => hash(),
        };
        Ok((scanned, outcome))
    })
}

/// Ends hashing when it is dropped: where the scan fails or panics, the digest is not needed.
struct EndOfHashing<'a>(&'a AtomicBool);

impl Drop for EndOfHashing<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The digest of one file, unless it is over before.
fn hash_alone(input: &Input, noted: &OnceLock<FileStamp>, over: &AtomicBool) -> DigestOutcome {
    let mut file = open(input)?;
    unchanged(noted, &file)?;
    let mut md5 = Md5::new();
    let mut buffer = ReadBuffer::new(READ_BYTES);
    while !over.load(Ordering::Relaxed) {
        match read(&mut file, &mut buffer)? {
            0 => break,
            count => md5.update(&buffer[..count]),
        }
    }
    unchanged(noted, &file)?;
    Ok(md5.finalize().into())
}

/// The numbers of files to hash together: neighbours, but for those that are hashed in passing.
fn grouped(inputs: &[Input], lanes: usize) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut bytes = 0;
    for (number, input) in inputs.iter().enumerate() {
        if input.md5.is_none() || input.bytes <= HASH_FILE_BYTES_MIN || input.path.is_remote() {
            continue;
        }
        bytes += input.bytes.min(HASH_GROUP_BYTES_MAX + 1);
        match groups.last_mut() {
            Some(group) if group.len() < lanes && bytes <= HASH_GROUP_BYTES_MAX => {
                group.push(number);
            }
            _ => {
                bytes = input.bytes.min(HASH_GROUP_BYTES_MAX + 1);
                groups.push(vec![number]);
            }
        }
    }
    groups.retain(|group| group.len() > 1);
    groups
}

/// A group that is hashed in part: every file up to the same place.
struct Hashing<'a> {
    readings: Vec<GroupFile<'a>>,
    streams: Md5Streams,
    /// How many chunks of each file are hashed.
    rounds: u64,
}

impl Hashing<'_> {
    /// Hashes the next chunk of each file; `buffer` has room for all.
    fn round(&mut self, buffer: &mut [u8]) {
        let mut pieces: [&[u8]; LANES_MAX] = [&[]; LANES_MAX];
        let chunks = buffer.chunks_exact_mut(CHUNK_BYTES);
        for ((piece, reading), chunk) in pieces.iter_mut().zip(&mut self.readings).zip(chunks) {
            *piece = reading.next(chunk);
        }
        self.streams.update(&pieces);
        self.rounds += 1;
    }

    fn finish(self) -> Vec<Option<DigestOutcome>> {
        let digests = self.streams.finish().into_iter();
        digests.zip(self.readings).map(|(digest, reading)| Some(reading.outcome(digest))).collect()
    }
}

/// Fails if the file is not the one whose stamp was noted first; a file in S3 has none.
pub(super) fn unchanged(
    noted: &OnceLock<FileStamp>,
    file: &SourceFile,
) -> Result<(), DataErrorKind> {
    let Some(stamp) = file.stamp()? else { return Ok(()) };
    if *noted.get_or_init(|| stamp) == stamp { Ok(()) } else { Err(DataErrorKind::Changed) }
}

/// A file of a group while it is hashed.
struct GroupFile<'a> {
    input: &'a Input,
    stamp: Arc<OnceLock<FileStamp>>,
    state: GroupFileState,
}

/// How far it is.
enum GroupFileState {
    /// Not open: none of it was hashed, or a group is left half done. The first byte that is not
    /// hashed.
    Closed(u64),
    /// No further than the manifest says: what follows has a fault that the scan tells.
    Open(Take<SourceFile>),
    Ended,
    Failed(DataErrorKind),
}

impl<'a> GroupFile<'a> {
    fn new(input: &'a Input, stamp: Arc<OnceLock<FileStamp>>) -> Self {
        Self { input, stamp, state: GroupFileState::Closed(0) }
    }

    /// Opens it where it was left.
    fn open(&mut self) {
        let GroupFileState::Closed(at) = self.state else { return };
        let opened = open_split(self.input, at..self.input.bytes).and_then(|file| {
            unchanged(&self.stamp, &file)?;
            Ok(file.take(self.input.bytes - at))
        });
        self.state = opened.map_or_else(GroupFileState::Failed, GroupFileState::Open);
    }

    /// Closes it where it is, at its end or for a while.
    fn close(&mut self, is_over: bool) {
        let GroupFileState::Open(file) = &self.state else { return };
        self.state = match unchanged(&self.stamp, file.get_ref()) {
            Ok(()) if is_over => GroupFileState::Ended,
            Ok(()) => GroupFileState::Closed(self.input.bytes - file.limit()),
            Err(error) => GroupFileState::Failed(error),
        };
    }

    fn is_closed(&self) -> bool {
        matches!(self.state, GroupFileState::Closed(_))
    }

    /// The next bytes; none at the end or after a failure.
    fn next<'b>(&mut self, chunk: &'b mut [u8]) -> &'b [u8] {
        self.open();
        let GroupFileState::Open(file) = &mut self.state else { return &[] };
        match read(file, chunk) {
            Ok(count) => {
                // Closed at once: there may be many.
                if count < chunk.len() || file.limit() == 0 {
                    self.close(true);
                }
                &chunk[..count]
            }
            Err(error) => {
                self.state = GroupFileState::Failed(error.into());
                &[]
            }
        }
    }

    fn outcome(self, digest: [u8; 16]) -> DigestOutcome {
        match self.state {
            GroupFileState::Failed(error) => Err(error),
            GroupFileState::Closed(_) | GroupFileState::Open(_) | GroupFileState::Ended => {
                Ok(digest)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::num::NonZeroUsize;
    use std::path::{Path, PathBuf};
    use std::sync::atomic::AtomicUsize;

    use super::*;
    use crate::engine::Stopped;
    use crate::read::group_work::WorkState;
    use crate::report::FileFormat;

    type Verdict = Result<(), Stopped>;

    fn input(path: PathBuf, bytes: u64, md5: Option<[u8; 16]>) -> Input {
        Input { path: path.into(), bytes, md5, report: 0, format: FileFormat::Csv }
    }

    /// Files of unequal lengths, all worth a group, with their right digests.
    fn files(folder: &Path, count: usize) -> Vec<Input> {
        let file = |number: usize| {
            let length = READ_BYTES + 1 + number * 70_001;
            let bytes: Vec<u8> = (0..length).map(|at| (at * at / 7 + number) as u8).collect();
            let path = folder.join(number.to_string());
            fs::write(&path, &bytes).unwrap();
            input(path, length as u64, Some(Md5::digest(&bytes).into()))
        };
        (0..count).map(file).collect()
    }

    fn go_on() -> Verdict {
        Ok(())
    }

    #[test]
    fn groups_are_bounded_and_leave_out_what_is_hashed_in_passing() {
        let file = |bytes| input(PathBuf::new(), bytes, Some([0; 16]));
        let (small, usual) = (HASH_FILE_BYTES_MIN, HASH_FILE_BYTES_MIN + 1);
        let groups = |bytes: &[u64], lanes| {
            grouped(&bytes.iter().copied().map(file).collect::<Vec<_>>(), lanes)
        };
        assert!(groups(&[usual; 9], 1).is_empty(), "no lanes");
        assert_eq!(groups(&[usual; 5], 4), [[0, 1, 2, 3]], "the last is alone");
        assert_eq!(groups(&[usual, small, usual], 4), [[0, 2]]);
        let half = HASH_GROUP_BYTES_MAX / 2;
        assert_eq!(groups(&[half, half, half, half + 1, half], 4), [[0, 1], [2, 3]][..1]);
        assert_eq!(groups(&[usual, u64::MAX, usual, usual], 4), [[2, 3]]);
        let mut inputs = vec![file(usual); 3];
        inputs[1].md5 = None;
        assert_eq!(grouped(&inputs, 4), [[0, 2]], "nothing to compare with");
        let crc = ScanOptions { verify: Verify::Crc, ..ScanOptions::default() };
        assert_eq!(Digests::new(&inputs, crc).mode(0), Md5Mode::Unchecked);
    }

    #[test]
    fn a_file_is_hashed_beside_its_scan_where_threads_have_nothing_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let inputs = files(folder.path(), 1);
        let mode = |inputs: &[Input], threads: usize| {
            let threads = NonZeroUsize::new(threads).unwrap();
            Digests::new(inputs, ScanOptions { threads, ..ScanOptions::default() }).mode(0)
        };
        assert_eq!(mode(&inputs, 1), Md5Mode::InPassing);
        assert_eq!(mode(&inputs, 2), Md5Mode::Beside);
        // Two scanners and two beside them would be more than three.
        let two = [inputs[0].clone(), Input { md5: None, ..inputs[0].clone() }];
        assert_eq!(mode(&two, 3), Md5Mode::InPassing);
        assert_eq!(mode(&two, 4), Md5Mode::Beside);
        let small = [Input { bytes: HASH_FILE_BYTES_MIN, ..inputs[0].clone() }];
        assert_eq!(mode(&small, 2), Md5Mode::InPassing);
        let nothing_to_compare = [Input { md5: None, ..inputs[0].clone() }];
        assert_eq!(mode(&nothing_to_compare, 2), Md5Mode::Unchecked);

        let noted = OnceLock::new();
        let (scanned, outcome) = beside(&inputs[0], &noted, || Ok::<_, ()>("rows")).unwrap();
        assert_eq!((scanned, outcome.ok()), ("rows", inputs[0].md5));
        assert_eq!(beside(&inputs[0], &noted, || Err::<(), _>("bad")).err(), Some("bad"));
        replace(&inputs[0]);
        let (_, outcome) = beside(&inputs[0], &noted, || Ok::<_, ()>(())).unwrap();
        assert!(matches!(outcome, Err(DataErrorKind::Changed)));
        fs::remove_file(inputs[0].path.as_path().unwrap()).unwrap();
        let (_, outcome) = beside(&inputs[0], &noted, || Ok::<_, ()>(())).unwrap();
        assert!(matches!(outcome, Err(DataErrorKind::Read(_))));
    }

    #[test]
    fn every_file_gets_its_digest_or_its_own_fault() {
        let folder = tempfile::tempdir().unwrap();
        let mut inputs = files(folder.path(), 7);
        fs::remove_file(inputs[2].path.as_path().unwrap()).unwrap();
        inputs[4].bytes += 1;
        let hashes = Digests::with_lanes(&inputs, 4);
        assert!((0..7).all(|number| hashes.cover(number)) && !hashes.cover(7));
        let mut buffer = ReadBuffer::default();
        for (number, input) in inputs.iter().enumerate().rev() {
            let found = hashes.digest(number, &mut buffer, &go_on);
            match number {
                2 => assert!(matches!(found, Err(TaskError::Failed(DataErrorKind::Read(_))))),
                4 => assert!(matches!(found, Err(TaskError::Failed(DataErrorKind::Size { .. })))),
                _ => assert_eq!(found.unwrap(), input.md5),
            }
        }
        assert!(hashes.digest(7, &mut buffer, &go_on).unwrap().is_none());
    }

    /// Puts a file of the same bytes in a file's place.
    fn replace(input: &Input) {
        let path = input.path.as_path().unwrap();
        let other = path.with_extension("other");
        fs::copy(path, &other).unwrap();
        fs::rename(&other, path).unwrap();
    }

    #[test]
    fn what_is_scanned_is_what_is_hashed() {
        let folder = tempfile::tempdir().unwrap();
        let inputs = files(folder.path(), 3);
        let hashes = Digests::with_lanes(&inputs, 4);
        let mut buffer = ReadBuffer::default();
        let is_changed = |number: usize| {
            matches!(
                hashes.unchanged(number, &open(&inputs[number]).unwrap()),
                Err(DataErrorKind::Changed)
            )
        };
        // Half of each, and then one is replaced before the rest of it is hashed.
        assert!(!is_changed(0) && !is_changed(1));
        hashes.begin_split(0, CHUNK_BYTES as u64, &mut buffer, &go_on).unwrap();
        replace(&inputs[1]);
        assert!(is_changed(1) && !is_changed(0));
        let found = hashes.digest(1, &mut buffer, &go_on);
        assert!(matches!(found, Err(TaskError::Failed(DataErrorKind::Changed))));
        assert_eq!(hashes.digest(0, &mut buffer, &go_on).unwrap(), inputs[0].md5);
        // One is hashed, and then written to before it is scanned.
        assert_eq!(hashes.digest(2, &mut buffer, &go_on).unwrap(), inputs[2].md5);
        assert!(!is_changed(2));
        let file = fs::File::options().write(true).open(inputs[2].path.as_path().unwrap()).unwrap();
        file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
        assert!(is_changed(2));
    }

    #[test]
    fn two_threads_hash_a_half_each() {
        let folder = tempfile::tempdir().unwrap();
        let inputs = files(folder.path(), 5);
        let hashes = Digests { threads: 2, ..Digests::with_lanes(&inputs, 8) };
        let is_left = |wanted: bool| {
            let state = hashes.groups[0].work.state();
            matches!(&*state, WorkState::Free(hashing) if hashing.is_some() == wanted)
        };
        let mut buffer = ReadBuffer::default();
        assert!(is_left(false), "nothing is hashed before the run");
        hashes.begin(0, &mut buffer, &go_on).unwrap();
        assert!(is_left(true), "the other half is left");
        for (number, input) in inputs.iter().enumerate() {
            let found = hashes.digest(number, &mut buffer, &go_on);
            assert_eq!(found.unwrap(), input.md5, "{number}");
        }
        hashes.begin(4, &mut buffer, &go_on).unwrap();
        assert!(matches!(&*hashes.groups[0].work.state(), WorkState::Done(_)), "it is done once");
    }

    #[test]
    fn a_group_that_was_given_up_is_hashed_by_one_who_waits() {
        let folder = tempfile::tempdir().unwrap();
        let inputs = files(folder.path(), 8);
        let hashes = Digests::with_lanes(&inputs, 8);
        let others = AtomicUsize::new(0);
        thread::scope(|scope| {
            // The first gives up in the midst of it, once all the others have come.
            let (claim, _) = hashes.groups[0].work.claim().unwrap();
            for (number, input) in inputs.iter().enumerate() {
                let (hashes, others) = (&hashes, &others);
                scope.spawn(move || {
                    let mut buffer = ReadBuffer::default();
                    hashes.begin(number, &mut buffer, &go_on).unwrap();
                    others.fetch_add(1, Ordering::Relaxed);
                    let found = hashes.digest(number, &mut buffer, &go_on);
                    assert_eq!(found.unwrap(), input.md5);
                });
            }
            while others.load(Ordering::Relaxed) < inputs.len() {
                thread::yield_now();
            }
            drop(claim);
        });
    }

    #[test]
    fn nobody_waits_when_the_run_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let inputs = files(folder.path(), 8);
        let hashes = Digests::with_lanes(&inputs, 8);
        let rounds = AtomicUsize::new(0);
        // All are stopped while the first of them hashes.
        let check = || match rounds.fetch_add(1, Ordering::Relaxed) {
            0 => Ok(()),
            _ => Err(Stopped),
        };
        thread::scope(|scope| {
            for number in 0..inputs.len() {
                let (hashes, check) = (&hashes, &check);
                scope.spawn(move || {
                    let found = hashes.digest(number, &mut ReadBuffer::default(), check);
                    assert!(matches!(found, Err(TaskError::Stopped)));
                });
            }
        });
    }
}
