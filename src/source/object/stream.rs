//! An object that is open: read from front to back, or by ranges, its end first.
//!
//! Parts are fetched at the same time, ahead of the reader.
//!
//! Each part is one task on the network's threads, which hands over its bytes as they come. The
//! reader takes those of the first part, then of the next, and for each part that is read to its
//! end a new one is begun. A part holds at most its own bytes, so that a reader that stands still
//! stops its parts, too: nothing grows.
//!
//! Never knows what the bytes mean.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::ops::Range;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::fetch::PinnedObject;
use super::held::HeldObject;
use super::part::{PART_BYTES, RangePart};
use super::request::RequestTarget;
use crate::aws::Session;

/// Parts of an open object that are fetched or wait to be read. Four: together some 180 MB/s of
/// one object from S3, most of what a core scans, in 16 MiB.
pub(super) const PARTS_AHEAD: usize = 4;

/// Bytes at the end of an object that come when it is opened for its ranges. 256 KiB: some 3 ms
/// more than one byte, and the footer of most files in column formats.
const END_BYTES: u64 = 256 << 10;

/// How a range is fetched that is one of several read side by side. It holds 2 MiB at most: with
/// the five columns that a filter reads as a rule, 10 MiB a worker, and some 40 MB/s of each.
const BESIDE: FetchPace = FetchPace { part_bytes: 1 << 20, parts: 2 };

/// How a range is fetched that is read alone.
const ALONE: FetchPace = FetchPace { part_bytes: PART_BYTES, parts: PARTS_AHEAD };

/// How much of a range is on its way at a time.
#[derive(Debug, Clone, Copy)]
struct FetchPace {
    part_bytes: u64,
    parts: usize,
}

/// An object of which a first part is on its way, and of which nothing is known yet.
pub(super) struct PendingObject {
    part: RangePart,
    range: Range<u64>,
    /// Whether it is opened for its ranges, rather than to be read from its front.
    for_ranges: bool,
    pinned: oneshot::Receiver<io::Result<PinnedObject>>,
    target: RequestTarget,
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

    fn with(target: RequestTarget, range: Range<u64>, for_ranges: bool) -> Self {
        let (told, pinned) = oneshot::channel();
        let part = RangePart::begin_first(&target, range.clone(), told);
        Self { part, range, for_ranges, pinned, target }
    }

    /// Waits for the first answer.
    pub(super) fn open(self, session: &Session) -> io::Result<ObjectFile> {
        let Self { mut part, range, for_ranges, pinned, target } = self;
        let pinned = pinned
            .blocking_recv()
            .unwrap_or_else(|_| Err(io::Error::other("the network's threads ended early")))?;
        part.left = pinned.bytes.min(range.end).saturating_sub(range.start);
        let next = part.left;
        let is_end = range.end >= pinned.bytes;
        let mut opened =
            OpenedObject { session: session.clone(), target, pinned, end: Bytes::new() };
        if for_ranges {
            if is_end {
                opened.end = part.whole()?;
            }
            return Ok(opened.file());
        }
        let mut file = opened.file();
        file.front.next = next;
        file.front.parts.push_back(part);
        Ok(file)
    }
}

/// An object as it was when it was opened.
#[derive(Clone)]
struct OpenedObject {
    /// Keeps the threads that parts come on.
    session: Session,
    target: RequestTarget,
    pinned: PinnedObject,
    /// Its last bytes, as far as they came when it was opened.
    end: Bytes,
}

impl OpenedObject {
    fn file(self) -> ObjectFile {
        let mut front = ObjectStream::new(0..self.pinned.bytes, ALONE);
        if self.is_whole() {
            (front.chunk, front.next) = (self.end.clone(), front.end);
        }
        ObjectFile { opened: self, front }
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
}

impl ObjectStream {
    fn new(range: Range<u64>, pace: FetchPace) -> Self {
        let Range { start: next, end } = range;
        Self { pace, parts: VecDeque::new(), next, end, chunk: Bytes::new() }
    }

    /// Begins as many parts as may be on their way.
    fn begin_parts(&mut self, opened: &OpenedObject) {
        while self.parts.len() < self.pace.parts && self.next < self.end {
            let range = self.next..self.end.min(self.next + self.pace.part_bytes);
            self.next = range.end;
            self.parts.push_back(opened.begin(range));
        }
    }

    fn read(&mut self, opened: &OpenedObject, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.chunk.is_empty() {
                let count = buffer.len().min(self.chunk.len());
                buffer[..count].copy_from_slice(&self.chunk.split_to(count));
                return Ok(count);
            }
            self.begin_parts(opened);
            let Some(part) = self.parts.front_mut() else { return Ok(0) };
            match part.next()? {
                Some(bytes) => self.chunk = bytes,
                None => drop(self.parts.pop_front()),
            }
        }
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
        let mut stream =
            ObjectStream::new(offset..offset.saturating_add(bytes).min(self.len()), BESIDE);
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
        let mut stream = ObjectStream::new(offset..end, ALONE);
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
