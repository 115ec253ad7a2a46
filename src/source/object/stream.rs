//! An object that is open: read from front to back, or by ranges, its end first.
//!
//! Parts are fetched at the same time, ahead of the reader.
//!
//! Each part is one task on the network's threads, which hands over its bytes as they come. The
//! reader takes those of the first part, then of the next, and for each part that is read to its
//! end a new one is begun, of the object that comes next when all of its own are. How many are on
//! their way at a time, `pace.rs` knows. A part holds at most its own bytes, so that a reader that
//! stands still stops its parts, too: nothing grows.
//!
//! Never knows what the bytes mean.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::mem;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::oneshot::{self, error::TryRecvError};

use super::ahead::ObjectsAhead;
use super::fetch::PinnedObject;
use super::held::HeldObject;
use super::pace::{CountGuard, PART_BYTES, ReadingPace};
use super::part::RangePart;
use super::request::RequestTarget;
use crate::aws::Session;

/// Bytes at the end of an object that come when it is opened for its ranges. 256 KiB: some 3 ms
/// more than one byte, and the footer of most files in column formats.
const END_BYTES: u64 = 256 << 10;

/// Bytes of a part of a range that is one of several read side by side, and how many parts of it
/// are on their way: 2 MiB at most. With the five columns that a filter reads as a rule, 10 MiB a
/// worker, and some 40 MB/s of each.
const BESIDE_PART_BYTES: u64 = 1 << 20;
const BESIDE_PARTS: usize = 2;

/// How a range is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FetchPace {
    /// It is all of an object, in as many parts at a time as its bucket's pace asks for.
    Front,
    /// It is read alone, in as many parts.
    Alone,
    /// It is one of several that are read side by side.
    Beside,
}

impl FetchPace {
    fn part_bytes(self) -> u64 {
        match self {
            Self::Front | Self::Alone => PART_BYTES,
            Self::Beside => BESIDE_PART_BYTES,
        }
    }

    fn parts(self, measured: &ReadingPace) -> usize {
        match self {
            Self::Front | Self::Alone => measured.parts(),
            Self::Beside => BESIDE_PARTS,
        }
    }
}

/// An object of which a first part is on its way, and of which nothing may be known yet.
pub(super) struct PendingObject {
    target: RequestTarget,
    /// The range of the first part.
    first: Range<u64>,
    /// Whether it is opened for its ranges, rather than to be read from its front.
    for_ranges: bool,
    told: FirstAnswer,
    /// The first part, and those that were begun since it was answered.
    parts: VecDeque<RangePart>,
    /// Where the next part begins.
    next: u64,
}

/// What the first answer says of an object.
enum FirstAnswer {
    Awaited(oneshot::Receiver<io::Result<PinnedObject>>),
    Came(io::Result<PinnedObject>),
}

impl FirstAnswer {
    fn ended_early() -> io::Error {
        io::Error::other("the network's threads ended early")
    }

    /// If it came already, and is not a refusal.
    fn pinned(&mut self) -> Option<&PinnedObject> {
        if let Self::Awaited(receiver) = self {
            match receiver.try_recv() {
                Ok(answer) => *self = Self::Came(answer),
                Err(TryRecvError::Closed) => *self = Self::Came(Err(Self::ended_early())),
                Err(TryRecvError::Empty) => {}
            }
        }
        match self {
            Self::Came(Ok(pinned)) => Some(pinned),
            Self::Came(Err(_)) | Self::Awaited(_) => None,
        }
    }

    fn wait(self) -> io::Result<PinnedObject> {
        match self {
            Self::Awaited(receiver) => {
                receiver.blocking_recv().unwrap_or_else(|_| Err(Self::ended_early()))
            }
            Self::Came(answer) => answer,
        }
    }
}

impl PendingObject {
    /// Begins at the front.
    pub(super) fn begin(target: RequestTarget) -> Self {
        Self::with(target, 0..PART_BYTES, false)
    }

    /// Begins with the end, if the object has this many bytes.
    pub(super) fn begin_at_end(target: RequestTarget, bytes: u64) -> Self {
        Self::with(target, bytes.saturating_sub(END_BYTES)..bytes.max(1), true)
    }

    fn with(target: RequestTarget, first: Range<u64>, for_ranges: bool) -> Self {
        let (told, pinned) = oneshot::channel();
        let part = RangePart::begin_first(&target, first.clone(), told);
        let (told, next) = (FirstAnswer::Awaited(pinned), first.end);
        Self { target, first, for_ranges, told, parts: VecDeque::from([part]), next }
    }

    /// Asks for one part more; `false` if it has this many already, all of it is asked for, or
    /// what it is is not known yet.
    pub(super) fn extend(&mut self, parts_max: usize) -> bool {
        if self.for_ranges || self.parts.len() >= parts_max {
            return false;
        }
        let Some(pinned) = self.told.pinned().filter(|pinned| self.next < pinned.bytes) else {
            return false;
        };
        let range = self.next..pinned.bytes.min(self.next + PART_BYTES);
        self.next = range.end;
        self.parts.push_back(RangePart::begin(&self.target, range, pinned));
        true
    }

    /// Waits for the first answer.
    pub(super) fn open(
        self,
        session: &Session,
        ahead: &Arc<ObjectsAhead<PendingObject>>,
    ) -> io::Result<ObjectFile> {
        let Self { target, first, for_ranges, told, mut parts, next } = self;
        let pinned = told.wait()?;
        if let Some(part) = parts.front_mut() {
            part.left = pinned.bytes.min(first.end).saturating_sub(first.start);
        }
        let next = next.min(pinned.bytes);
        let is_end = first.end >= pinned.bytes;
        let mut opened = OpenedObject {
            session: session.clone(),
            ahead: Arc::clone(ahead),
            target,
            pinned,
            end: Bytes::new(),
        };
        if for_ranges {
            if is_end && let Some(part) = parts.pop_front() {
                opened.end = part.whole()?;
            }
            return Ok(opened.file());
        }
        let mut file = opened.file();
        (file.front.parts, file.front.next) = (parts, next);
        Ok(file)
    }
}

/// An object as it was when it was opened.
#[derive(Clone)]
struct OpenedObject {
    /// Keeps the threads that parts come on.
    session: Session,
    /// The objects of its bucket that are opened soon.
    ahead: Arc<ObjectsAhead<PendingObject>>,
    target: RequestTarget,
    pinned: PinnedObject,
    /// Its last bytes, as far as they came when it was opened.
    end: Bytes,
}

impl OpenedObject {
    fn file(self) -> ObjectFile {
        let mut front = ObjectStream::new(0..self.pinned.bytes, FetchPace::Front);
        if self.is_whole() {
            (front.chunk, front.next) = (self.end.clone(), front.end);
        }
        ObjectFile { _counted: self.target.pace.reader(), opened: self, front }
    }

    fn is_whole(&self) -> bool {
        self.end.len() as u64 == self.pinned.bytes
    }

    fn begin(&self, range: Range<u64>) -> RangePart {
        RangePart::begin(&self.target, range, &self.pinned)
    }

    /// Bytes from `offset` on that came when it was opened.
    fn held(&self, offset: u64, bytes: u64) -> Option<Bytes> {
        let before = offset.checked_sub(self.pinned.bytes - self.end.len() as u64)? as usize;
        let bytes = usize::try_from(bytes).ok()?;
        (self.end.len().checked_sub(before)? >= bytes)
            .then(|| self.end.slice(before..before + bytes))
    }
}

/// An object that is open for reading.
pub struct ObjectFile {
    opened: OpenedObject,
    front: ObjectStream,
    _counted: CountGuard,
}

/// A range of an object, read from front to back.
struct ObjectStream {
    pace: FetchPace,
    parts: VecDeque<RangePart>,
    /// Where the next part begins.
    next: u64,
    end: u64,
    /// Handed over by the first part, and not read yet.
    chunk: Bytes,
    taken: TakenBytes,
}

/// What a reader took since a part ended.
struct TakenBytes {
    bytes: u64,
    since: Instant,
    /// How much of that time it waited.
    waited: Duration,
}

impl TakenBytes {
    fn none() -> Self {
        Self { bytes: 0, since: Instant::now(), waited: Duration::ZERO }
    }

    /// Tells how fast the reader was, and begins anew.
    fn tell(&mut self, measured: &ReadingPace) {
        measured.read(self.bytes, self.since.elapsed().saturating_sub(self.waited));
        *self = Self::none();
    }
}

impl ObjectStream {
    fn new(range: Range<u64>, pace: FetchPace) -> Self {
        let Range { start: next, end } = range;
        let (parts, chunk, taken) = (VecDeque::new(), Bytes::new(), TakenBytes::none());
        Self { pace, parts, next, end, chunk, taken }
    }

    /// Begins as many parts as may be on their way.
    fn begin_parts(&mut self, opened: &OpenedObject) {
        let parts = self.pace.parts(&opened.target.pace);
        while self.parts.len() < parts && self.next < self.end {
            let range = self.next..self.end.min(self.next + self.pace.part_bytes());
            self.next = range.end;
            self.parts.push_back(opened.begin(range));
        }
    }

    /// Takes what the network has put somewhere next; no bytes at the end.
    fn next_chunk(&mut self, opened: &OpenedObject) -> io::Result<Bytes> {
        while self.chunk.is_empty() {
            self.begin_parts(opened);
            let Some(part) = self.parts.front_mut() else { break };
            let before = Instant::now();
            let bytes = part.next()?;
            self.taken.waited += before.elapsed();
            if let Some(bytes) = bytes {
                self.taken.bytes += bytes.len() as u64;
                self.chunk = bytes;
                continue;
            }
            self.parts.pop_front();
            self.taken.tell(&opened.target.pace);
            let measured = &opened.target.pace;
            if self.next >= self.end && self.pace == FetchPace::Front && measured.has_room() {
                let parts = measured.parts();
                opened.ahead.extend(|object| object.extend(parts));
            }
        }
        Ok(mem::take(&mut self.chunk))
    }

    fn read(&mut self, opened: &OpenedObject, buffer: &mut [u8]) -> io::Result<usize> {
        self.chunk = self.next_chunk(opened)?;
        let count = buffer.len().min(self.chunk.len());
        buffer[..count].copy_from_slice(&self.chunk.split_to(count));
        Ok(count)
    }
}

impl ObjectFile {
    pub(in crate::source) fn len(&self) -> u64 {
        self.opened.pinned.bytes
    }

    /// As S3 has it, in quotes.
    pub(super) fn etag(&self) -> Option<&str> {
        self.opened.pinned.etag.as_deref()
    }

    /// Its MD5, if S3 states it.
    pub(in crate::source) fn stated_md5(&self) -> Option<&[u8; 16]> {
        self.opened.pinned.md5.as_ref()
    }

    /// Takes at most `bytes_max` bytes, where the network put them; none at the end.
    pub(in crate::source) fn next_bytes(&mut self, bytes_max: usize) -> io::Result<Bytes> {
        self.front.chunk = self.front.next_chunk(&self.opened)?;
        Ok(self.front.chunk.split_to(bytes_max.min(self.front.chunk.len())))
    }

    /// The same object, as it was when this one was opened, to be read by someone else.
    pub(in crate::source) fn share(&self) -> Self {
        self.opened.clone().file()
    }

    /// Begins to fetch all of the object, to be held; `None` if all of it came when it was opened.
    pub(in crate::source) fn hold(&self) -> Option<HeldObject> {
        let OpenedObject { session, target, pinned, .. } = &self.opened;
        (!self.opened.is_whole()).then(|| HeldObject::begin(session, target, pinned))
    }

    /// Begins to fetch a range, one of several that are read side by side, or one after the other.
    pub(in crate::source) fn fetch(&self, offset: u64, bytes: u64) -> ObjectRange {
        let mut stream = ObjectStream::new(
            offset..offset.saturating_add(bytes).min(self.len()),
            FetchPace::Beside,
        );
        match self.opened.held(offset, bytes) {
            Some(chunk) => (stream.chunk, stream.next) = (chunk, stream.end),
            None => stream.begin_parts(&self.opened),
        }
        ObjectRange { opened: self.opened.clone(), stream }
    }

    /// Fills a buffer from any place of the object, in parts at the same time where it is large.
    pub(in crate::source) fn read_exact_at(
        &self,
        offset: u64,
        buffer: &mut [u8],
    ) -> io::Result<()> {
        let end = offset.saturating_add(buffer.len() as u64);
        if end > self.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(held) = self.opened.held(offset, buffer.len() as u64) {
            buffer.copy_from_slice(&held);
            return Ok(());
        }
        let mut stream = ObjectStream::new(offset..end, FetchPace::Alone);
        let mut filled = 0;
        while filled < buffer.len() {
            filled += stream.read(&self.opened, &mut buffer[filled..])?;
        }
        Ok(())
    }
}

impl Read for ObjectFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.front.read(&self.opened, buffer)
    }
}

/// A range that is on its way.
pub(in crate::source) struct ObjectRange {
    opened: OpenedObject,
    stream: ObjectStream,
}

impl Read for ObjectRange {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(&self.opened, buffer)
    }
}

impl std::fmt::Debug for ObjectFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ObjectFile").field("target", &self.opened.target).finish_non_exhaustive()
    }
}
