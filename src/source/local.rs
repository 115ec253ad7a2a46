//! One local file, read once from front to back, with the disk kept ahead of the reader.
//!
//! The kernel's own read-ahead is small (128 KiB on most disks) and starts again for every file.
//! So the reader tells the kernel early which bytes come next; the kernel fetches them while the
//! CPU works on what is there already. This is advice only: it never changes what is read, and
//! where it is not to be had, nothing is missing but speed.
//!
//! Advice about bytes that are in memory already is not free: it took 3 to 4 % of a `filter` whose
//! report was. So bytes are first asked for on the condition that nothing waits for the disk,
//! and advice begins where that is refused.
//!
//! Never knows what the bytes mean.

#[cfg(unix)]
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::ops::Range;
#[cfg(unix)]
use std::os::fd::BorrowedFd;
#[cfg(unix)]
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::SystemTime;

#[cfg(unix)]
use super::descriptors::is_out_of_descriptors;
use crate::diagnostic::parameter::THREADS;

/// How far the kernel is asked to read ahead of the reader, in bytes.
///
/// One core inflates about 400 MB of compressed data a second, so 8 MiB is about 20 ms of work:
/// longer than a seek of a turning disk (10 ms) and much longer than a request to a network disk
/// (1 ms). It is page cache, not memory of this process; 64 readers hold 512 MiB of it at most.
pub(super) const READ_AHEAD_BYTES: u64 = 8 << 20;

/// How much is advised at a time: half the window, so that the next half is asked for while at
/// least one half is still unread, and a call is made for every 4 MiB only.
const ADVICE_STEP_BYTES: u64 = READ_AHEAD_BYTES / 2;

/// What the kernel reads ahead unless told otherwise, on most disks.
const KERNEL_AHEAD_BYTES: u64 = 128 << 10;

const _: () = assert!(ADVICE_STEP_BYTES > 0 && READ_AHEAD_BYTES.is_multiple_of(ADVICE_STEP_BYTES));

/// What the system says of a file besides its bytes: with another stamp, it is another file, or its
/// bytes may be others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileStamp {
    bytes: u64,
    modified: Option<SystemTime>,
    /// Its device, and its number there. (Not the time of its last change: that is another after
    /// its mode, or a link to it, was changed.)
    #[cfg(unix)]
    identity: (u64, u64),
}

impl FileStamp {
    fn of(metadata: &fs::Metadata) -> Self {
        Self {
            bytes: metadata.len(),
            modified: metadata.modified().ok(),
            #[cfg(unix)]
            identity: (metadata.dev(), metadata.ino()),
        }
    }
}

/// One data file opened for reading once, front to back.
#[derive(Debug)]
pub struct LocalFile {
    file: File,
    /// The file's length when it was opened.
    bytes: u64,
    /// How many bytes have been read.
    position: u64,
    /// End of what the kernel was asked to fetch: at most `position + READ_AHEAD_BYTES`, and never
    /// more than `bytes`. Once `from_disk`, at least `position + ADVICE_STEP_BYTES` at each read.
    advised: u64,
    /// Whether some bytes were not in memory, so that the disk must be kept ahead of the reader.
    from_disk: bool,
    /// Nothing is asked for beyond: the file's end, or that of the range it was opened for.
    ahead_end: u64,
}

impl LocalFile {
    /// Opens a regular file.
    ///
    /// # Errors
    /// When the file can't be opened, or is not a regular file: a folder has no bytes, and a pipe
    /// has neither a length nor a beginning to come back to.
    pub fn open(path: &Path) -> io::Result<Self> {
        Self::open_range(path, 0..u64::MAX)
    }

    /// Opens a regular file to be read from the start of a range on, and mostly to its end.
    ///
    /// # Errors
    /// As for [`LocalFile::open`].
    pub(super) fn open_range(path: &Path, range: Range<u64>) -> io::Result<Self> {
        Self::of(open_at_once(File::options().read(true), path)?, range)
    }

    /// Opens a regular file by its name in a folder that is open.
    ///
    /// # Errors
    /// As for [`LocalFile::open`].
    #[cfg(unix)]
    pub(super) fn open_at(folder: BorrowedFd<'_>, name: &OsStr) -> io::Result<Self> {
        use rustix::fs::{Mode, OFlags, openat};
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        Self::of(openat(folder, name, flags, Mode::empty())?.into(), 0..u64::MAX)
    }

    fn of(file: File, range: Range<u64>) -> io::Result<Self> {
        let metadata = file.metadata()?;
        require_regular(&metadata)?;
        let bytes = metadata.len();
        let ahead_end = range.end.min(bytes);
        Ok(Self { file, bytes, position: range.start, advised: 0, from_disk: false, ahead_end })
    }

    /// The file's stamp now.
    ///
    /// # Errors
    /// When the system doesn't say.
    pub(super) fn stamp(&self) -> io::Result<FileStamp> {
        Ok(FileStamp::of(&self.file.metadata()?))
    }

    /// Asks for this many bytes behind those that were read, unless they are in memory.
    pub(super) fn advise_behind(&self, bytes: u64) {
        let end = self.position.saturating_add(bytes).min(self.bytes);
        let is_in_memory = |at: u64| read_without_waiting(&self.file, &mut [0], at).is_some();
        if end > self.position && !is_in_memory(end - 1) {
            advise_will_need(&self.file, self.position, end - self.position);
        }
    }

    /// The file's length in bytes when it was opened.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.bytes
    }

    /// Whether the file had no bytes when it was opened.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Reads what is in memory already; `None`, now and from then on, if that is nothing.
    fn read_from_memory(&mut self, buffer: &mut [u8]) -> Option<usize> {
        if self.from_disk {
            return None;
        }
        let count = read_without_waiting(&self.file, buffer, self.position);
        if count.is_none() {
            self.from_disk = true;
            // What the kernel reads ahead by itself covers a small file.
            if self.bytes > KERNEL_AHEAD_BYTES {
                advise_sequential(&self.file);
            }
        }
        count
    }

    /// Fills the buffer with the bytes from `offset` on, wherever the file was read to.
    ///
    /// # Errors
    /// When they can't be read, or the file ends before.
    pub fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        read_exact_at(&self.file, offset, buffer)
    }

    /// Asks for the bytes from the end of the last advice up to a window past the reader.
    fn advise_next(&mut self) {
        let from = self.advised.max(self.position);
        let wanted = self.position.saturating_add(READ_AHEAD_BYTES).min(self.ahead_end);
        let due = wanted == self.ahead_end || wanted.saturating_sub(from) >= ADVICE_STEP_BYTES;
        if wanted > from && due {
            advise_will_need(&self.file, from, wanted - from);
            self.advised = wanted;
        }
    }
}

impl Read for LocalFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match self.read_from_memory(buffer) {
            Some(count) => count,
            None => {
                self.advise_next();
                read_at(&self.file, buffer, self.position)?
            }
        };
        self.position = self.position.saturating_add(count as u64);
        Ok(count)
    }
}

/// Asks the kernel to fetch the beginning of a file that will be opened soon, if it is not in
/// memory.
///
/// What goes wrong here goes wrong again when the file is opened, and is reported then.
pub(super) fn advise_soon(path: &Path) {
    let Ok(mut file) = LocalFile::open(path) else { return };
    if file.read_from_memory(&mut [0]).is_none() {
        file.advise_next();
    }
}

/// Opens a regular file to be read. Whatever else has its name is refused, and nothing is waited
/// for: opening a pipe without a writer would never return, and a device has no end.
///
/// # Errors
/// When the file can't be opened, or is not a regular file.
pub(crate) fn open_regular(path: &Path) -> io::Result<File> {
    open_regular_with(File::options().read(true), path)
}

/// As [`open_regular`], with other options.
///
/// # Errors
/// As there.
pub(crate) fn open_regular_with(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let file = open_at_once(options, path)?;
    require_regular(&file.metadata()?)?;
    Ok(file)
}

/// Reads a regular file whole, if it has no more bytes than that.
///
/// # Errors
/// When it can't be read, is not a regular file, or is longer.
pub(crate) fn read_regular(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    read_at_most(open_regular(path)?, bytes_max)
}

/// Reads a file that somebody named as a parameter, if it has no more bytes than that. It may be a
/// pipe (`<(jq ... file)`), which is waited for.
///
/// # Errors
/// When it can't be read, or is longer.
pub(crate) fn read_parameter(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    read_at_most(File::open(path)?, bytes_max)
}

/// A file that has no length, or grows, must not be read for ever.
fn read_at_most(file: File, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > bytes_max {
        let message = format!("is longer than {bytes_max} bytes, more than any such file has");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    Ok(bytes)
}

#[cfg(unix)]
fn open_at_once(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    // It means nothing for regular files.
    let flags = rustix::fs::OFlags::NONBLOCK.bits() as i32;
    options.custom_flags(flags).open(path).map_err(with_remedy)
}

/// Says what to do where too many files are open.
#[cfg(unix)]
fn with_remedy(error: io::Error) -> io::Error {
    if is_out_of_descriptors(&error) {
        let remedy = format!("raise the limit (`ulimit -n`), or give fewer {THREADS}");
        return io::Error::other(format!("{error}: {remedy}"));
    }
    error
}

#[cfg(not(unix))]
fn open_at_once(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    match fs::metadata(path) {
        Ok(metadata) => require_regular(&metadata)?,
        // There may be none yet.
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Err(_) => {}
    }
    options.open(path)
}

/// Refuses what is not a regular file, saying what it is.
fn require_regular(metadata: &fs::Metadata) -> io::Result<()> {
    if metadata.is_file() {
        return Ok(());
    }
    let message = if metadata.is_dir() {
        "is a folder, not a file"
    } else {
        "is not a regular file (a pipe, socket or device has no fixed length)"
    };
    Err(io::Error::new(io::ErrorKind::InvalidInput, message))
}

/// Reads bytes that are in memory; `None` if they are not, or nobody can say.
#[cfg(target_os = "linux")]
fn read_without_waiting(file: &File, buffer: &mut [u8], offset: u64) -> Option<usize> {
    let buffers = &mut [io::IoSliceMut::new(buffer)];
    // What goes wrong here is tried again, and told, by who reads in the common way.
    rustix::io::preadv2(file, buffers, offset, rustix::io::ReadWriteFlags::NOWAIT).ok()
}

#[cfg(not(target_os = "linux"))]
fn read_without_waiting(_file: &File, _buffer: &mut [u8], _offset: u64) -> Option<usize> {
    None
}

/// Fills a buffer from any place of a file.
pub(super) fn read_exact_at(file: &File, mut offset: u64, mut buffer: &mut [u8]) -> io::Result<()> {
    while !buffer.is_empty() {
        match read_at(file, buffer, offset) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                buffer = &mut buffer[count..];
                offset += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

#[cfg(not(unix))]
fn read_at(mut file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    io::Seek::seek(&mut file, io::SeekFrom::Start(offset))?;
    file.read(buffer)
}

/// Writes all bytes to a place of a file, whatever other threads write elsewhere in it.
#[cfg(unix)]
pub(crate) fn write_all_at(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

/// Writes all bytes to a place of a file, whatever other threads write elsewhere in it.
#[cfg(not(unix))]
pub(crate) fn write_all_at(mut file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
    // A file has one position for all threads.
    static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    io::Seek::seek(&mut file, io::SeekFrom::Start(offset))?;
    io::Write::write_all(&mut file, bytes)
}

#[cfg(target_os = "linux")]
fn advise_sequential(file: &File) {
    // A failure to advise is not a failure to read.
    let _ = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::Sequential);
}

#[cfg(target_os = "linux")]
fn advise_will_need(file: &File, offset: u64, bytes: u64) {
    // Zero would mean "to the end of the file".
    let Some(bytes) = std::num::NonZeroU64::new(bytes) else { return };
    let _ = rustix::fs::fadvise(file, offset, Some(bytes), rustix::fs::Advice::WillNeed);
}

#[cfg(not(target_os = "linux"))]
fn advise_sequential(_file: &File) {}

#[cfg(not(target_os = "linux"))]
fn advise_will_need(_file: &File, _offset: u64, _bytes: u64) {}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of three windows and a bit.
    fn long_file(folder: &Path) -> (std::path::PathBuf, Vec<u8>) {
        let path = folder.join("file");
        let length = usize::try_from(READ_AHEAD_BYTES * 3 + 12_345).unwrap();
        let bytes: Vec<u8> = (0..length).map(|place| (place / 7) as u8).collect();
        fs::write(&path, &bytes).unwrap();
        (path, bytes)
    }

    #[test]
    fn a_file_is_read_whole_and_the_advice_stays_ahead_of_the_reader() {
        let folder = tempfile::tempdir().unwrap();
        let (path, bytes) = long_file(folder.path());
        let mut file = LocalFile::open(&path).unwrap();
        assert_eq!(file.len(), bytes.len() as u64);
        assert!(!file.is_empty());
        let mut buffer = vec![0; 1 << 16];
        // The first part as it comes, the rest as if the disk were needed.
        let mut read = Vec::new();
        while read.len() < bytes.len() / 7 {
            let count = file.read(&mut buffer).unwrap();
            read.extend_from_slice(&buffer[..count]);
        }
        file.from_disk = true;
        loop {
            let before = file.position;
            let count = file.read(&mut buffer).unwrap();
            read.extend_from_slice(&buffer[..count]);
            assert!(file.advised <= file.bytes);
            assert!(file.advised <= before + READ_AHEAD_BYTES);
            let ahead = (before + ADVICE_STEP_BYTES).min(file.bytes);
            assert!(file.advised >= ahead, "{} < {ahead}", file.advised);
            if count == 0 {
                break;
            }
        }
        assert!(read == bytes);
        let mut piece = [0; 1000];
        file.read_exact_at(77, &mut piece).unwrap();
        assert_eq!(piece, bytes[77..1077]);
        assert!(file.read_exact_at(file.len() - 1, &mut piece).is_err());
    }

    #[test]
    fn what_is_in_memory_needs_no_advice_and_reads_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let (path, bytes) = long_file(folder.path());
        advise_soon(&path);
        let mut file = LocalFile::open(&path).unwrap();
        let mut read = Vec::new();
        file.read_to_end(&mut read).unwrap();
        assert!(read == bytes);
        assert!(file.from_disk || file.advised == 0);
    }

    #[test]
    fn an_empty_file_has_no_bytes() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut opened = LocalFile::open(file.path()).unwrap();
        assert!(opened.is_empty());
        assert_eq!(opened.read(&mut [0; 4]).unwrap(), 0);
    }

    #[test]
    fn a_folder_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let error = LocalFile::open(folder.path()).unwrap_err();
        assert!(error.to_string().contains("is a folder"), "{error}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_device_is_refused_and_a_pipe_does_not_hang() {
        let error = LocalFile::open(Path::new("/dev/null")).unwrap_err();
        assert!(error.to_string().contains("not a regular file"), "{error}");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        if made.is_ok_and(|status| status.success()) {
            let mut append = File::options();
            append.read(true).append(true).create(true);
            for error in [
                LocalFile::open(&path).unwrap_err(),
                open_regular_with(&mut append, &path).unwrap_err(),
                read_regular(&path, 1).unwrap_err(),
            ] {
                assert!(error.to_string().contains("not a regular file"), "{error}");
            }
        }
    }

    #[test]
    fn a_file_is_read_whole_up_to_a_bound() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "12345").unwrap();
        for read in [read_regular, read_parameter] {
            assert_eq!(read(file.path(), 5).unwrap(), b"12345");
            let error = read(file.path(), 4).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        }
        #[cfg(target_os = "linux")]
        assert!(read_parameter(Path::new("/dev/zero"), 4).is_err());
    }
}
