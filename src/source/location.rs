//! Where a file or folder is: a path on this machine, or an address in S3.
//!
//! This is all that readers of reports need of both: a file's bytes from front to back or from any
//! place, the names in a folder, the folder above. What is not common (links, permissions, uploads)
//! stands with each source.
//!
//! Never knows what the bytes mean.

use std::fmt;
use std::fs;
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
#[cfg(feature = "aws")]
use std::sync::Arc;

use super::local::{self, FileStamp, LocalFile};
#[cfg(feature = "aws")]
use super::object::{HeldObject, Object, ObjectFile};
use crate::diagnostic::ErrorClass;

/// Where a file or folder is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Location {
    /// On this machine.
    Path(PathBuf),
    /// In S3: an object, or, if its key is empty or ends in a slash, a folder.
    #[cfg(feature = "aws")]
    Object(Object),
}

/// What there is at a location.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A file.
    File,
    /// A folder, which may be empty in S3.
    Folder,
    /// Nothing.
    Nothing,
    /// Something else, such as a pipe.
    Other,
}

/// A name in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderEntry {
    /// The name; what is no UTF-8 in it is replaced.
    pub name: String,
    /// What has that name; a folder as such.
    pub location: Location,
    /// Whether it is a folder's; a link is none.
    pub is_folder: bool,
}

impl Location {
    /// The path, if it is on this machine.
    #[must_use]
    pub fn as_path(&self) -> Option<&Path> {
        match self {
            Self::Path(path) => Some(path),
            #[cfg(feature = "aws")]
            Self::Object(_) => None,
        }
    }

    /// For a person to read.
    pub fn display(&self) -> impl fmt::Display + '_ {
        DisplayedLocation(self)
    }

    /// What is here. Of S3 nothing is asked: an address that ends in `.json` is a file.
    ///
    /// # Errors
    /// When it can't be looked up.
    pub fn kind(&self) -> io::Result<EntryKind> {
        match self {
            Self::Path(path) => match fs::metadata(path) {
                Ok(metadata) if metadata.is_file() => Ok(EntryKind::File),
                Ok(metadata) if metadata.is_dir() => Ok(EntryKind::Folder),
                Ok(_) => Ok(EntryKind::Other),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(EntryKind::Nothing),
                Err(error) => Err(error),
            },
            #[cfg(feature = "aws")]
            Self::Object(object) if object.key().ends_with(".json") => Ok(EntryKind::File),
            #[cfg(feature = "aws")]
            Self::Object(_) => Ok(EntryKind::Folder),
        }
    }

    /// What a folder holds, in no order; `None` if that is more than `entries_max`.
    ///
    /// # Errors
    /// When it can't be listed.
    pub fn entries(&self, entries_max: u64) -> io::Result<Option<Vec<FolderEntry>>> {
        match self {
            Self::Path(path) => {
                let mut entries = Vec::new();
                for entry in fs::read_dir(path)? {
                    let entry = entry?;
                    if entries.len() as u64 == entries_max {
                        return Ok(None);
                    }
                    entries.push(FolderEntry {
                        name: entry.file_name().to_string_lossy().into_owned(),
                        location: Self::Path(entry.path()),
                        is_folder: entry.file_type()?.is_dir(),
                    });
                }
                Ok(Some(entries))
            }
            #[cfg(feature = "aws")]
            Self::Object(object) => object.entries(entries_max),
        }
    }

    /// What has this name in this folder.
    #[must_use]
    pub fn join(&self, name: &str) -> Self {
        match self {
            Self::Path(path) => Self::Path(path.join(name)),
            #[cfg(feature = "aws")]
            Self::Object(object) => Self::Object(object.join(name)),
        }
    }

    /// The folder that this is in.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        match self {
            Self::Path(path) => path.parent().map(|parent| Self::Path(parent.to_owned())),
            #[cfg(feature = "aws")]
            Self::Object(object) => object.parent().map(Self::Object),
        }
    }

    /// The same as a folder: in S3, with a slash at its end.
    #[must_use]
    pub fn as_folder(&self) -> Self {
        match self {
            Self::Path(path) => Self::Path(path.clone()),
            #[cfg(feature = "aws")]
            Self::Object(object) => Self::Object(object.as_folder()),
        }
    }

    /// The same with another extension.
    #[must_use]
    pub fn with_extension(&self, extension: &str) -> Self {
        match self {
            Self::Path(path) => Self::Path(path.with_extension(extension)),
            #[cfg(feature = "aws")]
            Self::Object(object) => Self::Object(object.with_extension(extension)),
        }
    }

    /// Opens a file to be read once from front to back.
    ///
    /// # Errors
    /// When it can't be opened, or is no file. Of kind `NotFound` if there is none.
    pub fn open(&self) -> io::Result<SourceFile> {
        match self {
            Self::Path(path) => LocalFile::open(path).map(SourceFile::Local),
            #[cfg(feature = "aws")]
            Self::Object(object) => object.open().map(|file| SourceFile::Object(Box::new(file))),
        }
    }

    /// Opens a file on this machine to be read once from the start of a range to its end, or on.
    ///
    /// # Errors
    /// As [`Location::open`]; of kind `Unsupported` in S3.
    pub(crate) fn open_range(&self, bytes: Range<u64>) -> io::Result<SourceFile> {
        match self {
            Self::Path(path) => LocalFile::open_range(path, bytes).map(SourceFile::Local),
            #[cfg(feature = "aws")]
            Self::Object(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Opens a file to be read by ranges, its end first. `bytes` is its length as far as is known:
    /// with a wrong one it is opened as well, but slower.
    ///
    /// # Errors
    /// As [`Location::open`].
    pub fn open_ranges(&self, bytes: u64) -> io::Result<SourceFile> {
        match self {
            Self::Path(path) => {
                let _ = bytes;
                LocalFile::open(path).map(SourceFile::Local)
            }
            #[cfg(feature = "aws")]
            Self::Object(object) => {
                object.open_ranges(bytes).map(|file| SourceFile::Object(Box::new(file)))
            }
        }
    }

    /// Begins to fetch the end of what will be opened soon by [`Location::open_ranges`], where
    /// waiting for it takes long.
    pub fn advise_ranges_soon(&self, bytes: u64) {
        match self {
            Self::Path(_) => {
                let _ = bytes;
            }
            #[cfg(feature = "aws")]
            Self::Object(object) => object.advise_ranges_soon(bytes),
        }
    }

    /// Begins to fetch what will be opened soon. What goes wrong here goes wrong again when it is
    /// opened, and is told then.
    pub fn advise_soon(&self) {
        match self {
            Self::Path(path) => local::advise_soon(path),
            #[cfg(feature = "aws")]
            Self::Object(object) => object.advise_soon(),
        }
    }

    /// Whether reading it twice costs twice.
    #[must_use]
    pub fn is_remote(&self) -> bool {
        self.as_path().is_none()
    }
}

impl From<&Location> for Location {
    fn from(location: &Location) -> Self {
        location.clone()
    }
}

impl From<PathBuf> for Location {
    fn from(path: PathBuf) -> Self {
        Self::Path(path)
    }
}

impl From<&Path> for Location {
    fn from(path: &Path) -> Self {
        Self::Path(path.to_owned())
    }
}

impl From<&PathBuf> for Location {
    fn from(path: &PathBuf) -> Self {
        Self::Path(path.clone())
    }
}

impl From<&str> for Location {
    /// A path, whatever it looks like: an address takes a way to AWS.
    fn from(path: &str) -> Self {
        Self::Path(path.into())
    }
}

struct DisplayedLocation<'a>(&'a Location);

impl fmt::Display for DisplayedLocation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Location::Path(path) => path.display().fmt(f),
            #[cfg(feature = "aws")]
            Location::Object(object) => object.fmt(f),
        }
    }
}

/// Bytes that lie where the network put them.
pub(crate) type ArrivedBytes = Box<dyn AsRef<[u8]> + Send>;

/// What is read from front to back, and may be in memory before it is read.
pub(crate) trait ReadArrived: Read {
    /// At most `bytes_max` bytes, where the network put them, and none at the end; `None` where
    /// they have to be copied by reading.
    ///
    /// # Errors
    /// As for reading.
    fn arrived(&mut self, bytes_max: usize) -> io::Result<Option<ArrivedBytes>> {
        let _ = bytes_max;
        Ok(None)
    }
}

impl ReadArrived for &[u8] {}

impl ReadArrived for SourceFile {
    fn arrived(&mut self, bytes_max: usize) -> io::Result<Option<ArrivedBytes>> {
        match self {
            #[cfg(feature = "aws")]
            Self::Object(file) => Ok(Some(Box::new(file.next_bytes(bytes_max)?))),
            _ => {
                let _ = bytes_max;
                Ok(None)
            }
        }
    }
}

/// A file that is open.
#[derive(Debug)]
pub enum SourceFile {
    /// On this machine.
    Local(LocalFile),
    /// In S3.
    #[cfg(feature = "aws")]
    Object(Box<ObjectFile>),
    /// In S3, and in memory, or on its way there.
    #[cfg(feature = "aws")]
    Held {
        /// All of it.
        object: Arc<HeldObject>,
        /// How many bytes have been read.
        position: u64,
    },
}

impl SourceFile {
    /// The file's length in bytes when it was opened.
    #[must_use]
    pub fn len(&self) -> u64 {
        match self {
            Self::Local(file) => file.len(),
            #[cfg(feature = "aws")]
            Self::Object(file) => file.len(),
            #[cfg(feature = "aws")]
            Self::Held { object, .. } => object.len(),
        }
    }

    /// The stamp of a file on this machine now; `None` of one in S3, which is read as it was when
    /// it was opened first, or not at all.
    ///
    /// # Errors
    /// When the system doesn't say.
    pub(crate) fn stamp(&self) -> io::Result<Option<FileStamp>> {
        match self {
            Self::Local(file) => file.stamp().map(Some),
            #[cfg(feature = "aws")]
            Self::Object(_) | Self::Held { .. } => Ok(None),
        }
    }

    /// Whether S3 states this as the MD5 of the file's bytes; never of a file on this machine.
    #[must_use]
    pub fn states_md5(&self, md5: &[u8; 16]) -> bool {
        let stated = match self {
            Self::Local(_) => None,
            #[cfg(feature = "aws")]
            Self::Object(file) => file.stated_md5(),
            #[cfg(feature = "aws")]
            Self::Held { object, .. } => object.stated_md5(),
        };
        stated == Some(md5)
    }

    /// The same file in S3, as it was when this one was opened, to be read by someone else from
    /// its front on; `None` of a file on this machine.
    #[must_use]
    pub fn share(&self) -> Option<Self> {
        match self {
            Self::Local(_) => None,
            #[cfg(feature = "aws")]
            Self::Object(file) => Some(Self::Object(Box::new(file.share()))),
            #[cfg(feature = "aws")]
            Self::Held { object, .. } => {
                Some(Self::Held { object: Arc::clone(object), position: 0 })
            }
        }
    }

    /// The file with all of its bytes in memory, or on their way there, if it is in S3; a file on
    /// this machine stays as it is.
    #[must_use]
    pub fn hold(self) -> Self {
        match self {
            #[cfg(feature = "aws")]
            Self::Object(file) => match file.hold() {
                Some(object) => Self::Held { object: Arc::new(object), position: 0 },
                None => Self::Object(file),
            },
            file => file,
        }
    }

    /// Begins to fetch bytes that are read soon, from front to back; `None` where they can be
    /// waited for. What is on its way at a time is bounded.
    #[must_use]
    pub fn fetch(&self, offset: u64, bytes: u64) -> Option<Box<dyn Read + Send>> {
        match self {
            #[cfg(feature = "aws")]
            Self::Object(file) => Some(Box::new(file.fetch(offset, bytes))),
            _ => {
                let _ = (offset, bytes);
                None
            }
        }
    }

    /// Whether the file had no bytes when it was opened.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Asks for the bytes behind those that were read, which are read after the file was closed.
    pub(crate) fn advise_next(&self, bytes: u64) {
        match self {
            Self::Local(file) => file.advise_behind(bytes),
            #[cfg(feature = "aws")]
            Self::Object(_) | Self::Held { .. } => {}
        }
    }

    /// Fills a buffer from any place of the file.
    ///
    /// # Errors
    /// When it can't be read, of kind `UnexpectedEof` where the file is shorter.
    pub fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        match self {
            Self::Local(file) => file.read_exact_at(offset, buffer),
            #[cfg(feature = "aws")]
            Self::Object(file) => file.read_exact_at(offset, buffer),
            #[cfg(feature = "aws")]
            Self::Held { object, .. } => match object.read_at(offset, buffer)? {
                count if count == buffer.len() => Ok(()),
                _ => Err(io::ErrorKind::UnexpectedEof.into()),
            },
        }
    }
}

impl Read for SourceFile {
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Local(file) => file.read(buffer),
            #[cfg(feature = "aws")]
            Self::Object(file) => file.read(buffer),
            #[cfg(feature = "aws")]
            Self::Held { object, position } => {
                let count = object.read_at(*position, buffer)?;
                *position += count as u64;
                Ok(count)
            }
        }
    }
}

/// Whether AWS refused, or could not be reached, rather than this machine.
#[must_use]
fn is_refusal(error: &io::Error) -> bool {
    #[cfg(feature = "aws")]
    return error.get_ref().is_some_and(|inner| inner.is::<crate::aws::AwsError>());
    #[cfg(not(feature = "aws"))]
    {
        let _ = error;
        false
    }
}

/// The class of an error of a file: AWS where S3 refused it, or could not be reached.
#[must_use]
pub(crate) fn io_class(error: &io::Error) -> ErrorClass {
    if is_refusal(error) { ErrorClass::Aws } else { ErrorClass::Environment }
}

/// Lengths of files, `None` for what is not there; many are looked up at a time where that takes
/// time.
///
/// # Errors
/// When one can't be looked up.
pub(crate) fn lengths(locations: &[Location]) -> io::Result<Vec<Option<u64>>> {
    #[cfg(feature = "aws")]
    if let Some(Location::Object(_)) = locations.first() {
        let objects = locations.iter().map(|location| match location {
            Location::Object(object) => Ok(object.clone()),
            Location::Path(_) => Err(io::Error::other("paths among addresses")),
        });
        return Object::lengths(objects.collect::<io::Result<_>>()?);
    }
    use io::ErrorKind::{NotADirectory, NotFound};
    let length = |location: &Location| match location.as_path().map(fs::metadata) {
        Some(Ok(metadata)) => Ok(Some(metadata.len())),
        Some(Err(error)) if !matches!(error.kind(), NotFound | NotADirectory) => Err(error),
        _ => Ok(None),
    };
    locations.iter().map(length).collect()
}
