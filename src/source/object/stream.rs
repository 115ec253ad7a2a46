//! An object read from front to back: parts of it fetched at the same time, ahead of the reader.
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
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::fetch::{Pinned, fetch};
use super::{Object, Target};

/// Bytes of a part. 4 MiB: S3 answers after some 40 ms and then sends about 90 MB/s on one
/// connection, so half of the time goes by with bytes flowing; larger parts take more memory.
pub const PART_BYTES: u64 = 4 << 20;

/// Parts of an open object that are fetched or wait to be read. Four: together some 180 MB/s of
/// one object from S3, most of what a core scans, in 16 MiB.
pub const PARTS_AHEAD: usize = 4;

/// A range on its way. Its queue needs no bound of its own: it holds the range at most.
struct Part {
    chunks: UnboundedReceiver<io::Result<Bytes>>,
    task: JoinHandle<()>,
    /// Bytes that were not handed over yet.
    left: u64,
}

impl Part {
    fn begin(object: &Object, target: &Target, range: Range<u64>, pinned: &Pinned) -> Self {
        let (sender, chunks) = mpsc::unbounded_channel();
        let left = range.end - range.start;
        let fetching = fetch(target.clone(), range, Some(pinned.clone()), None, sender);
        Self { chunks, task: object.handle().spawn(fetching), left }
    }

    /// The next bytes; none at the end.
    fn next(&mut self) -> io::Result<Option<Bytes>> {
        match self.chunks.blocking_recv() {
            Some(Ok(bytes)) => {
                self.left = self.left.saturating_sub(bytes.len() as u64);
                Ok(Some(bytes))
            }
            Some(Err(error)) => Err(error),
            None if self.left == 0 => Ok(None),
            None => Err(io::Error::other("the network's threads ended early")),
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An object whose first part is on its way, and of which nothing is known yet.
pub(super) struct Opening {
    part: Part,
    pinned: oneshot::Receiver<io::Result<Pinned>>,
    target: Target,
}

impl Opening {
    pub(super) fn begin(object: &Object) -> Self {
        let target = object.target();
        let (sender, chunks) = mpsc::unbounded_channel();
        let (told, pinned) = oneshot::channel();
        let fetching = fetch(target.clone(), 0..PART_BYTES, None, Some(told), sender);
        let part = Part { chunks, task: object.handle().spawn(fetching), left: 0 };
        Self { part, pinned, target }
    }

    /// Waits for the first answer.
    pub(super) fn open(self, object: &Object) -> io::Result<ObjectFile> {
        let Self { mut part, pinned, target } = self;
        let pinned = pinned
            .blocking_recv()
            .unwrap_or_else(|_| Err(io::Error::other("the network's threads ended early")))?;
        part.left = pinned.bytes.min(PART_BYTES);
        Ok(ObjectFile(Stream {
            object: object.clone(),
            target,
            next: part.left,
            end: pinned.bytes,
            pinned,
            parts: VecDeque::from([part]),
            chunk: Bytes::new(),
        }))
    }
}

/// An object that is open for reading; as it was when it was opened.
pub struct ObjectFile(Stream);

/// A range of an object, read from front to back.
struct Stream {
    object: Object,
    target: Target,
    pinned: Pinned,
    parts: VecDeque<Part>,
    /// Where the next part begins.
    next: u64,
    end: u64,
    /// Handed over by the first part, and not read yet.
    chunk: Bytes,
}

impl Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.chunk.is_empty() {
                let count = buffer.len().min(self.chunk.len());
                buffer[..count].copy_from_slice(&self.chunk.split_to(count));
                return Ok(count);
            }
            while self.parts.len() < PARTS_AHEAD && self.next < self.end {
                let range = self.next..self.end.min(self.next + PART_BYTES);
                self.next = range.end;
                let part = Part::begin(&self.object, &self.target, range, &self.pinned);
                self.parts.push_back(part);
            }
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
        self.0.pinned.bytes
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
        let mut stream = Stream {
            object: self.0.object.clone(),
            target: self.0.target.clone(),
            pinned: self.0.pinned.clone(),
            parts: VecDeque::new(),
            next: offset,
            end,
            chunk: Bytes::new(),
        };
        let mut filled = 0;
        while filled < buffer.len() {
            filled += stream.read(&mut buffer[filled..])?;
        }
        Ok(())
    }
}

impl Read for ObjectFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl std::fmt::Debug for ObjectFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ObjectFile").field("object", &self.0.object).finish_non_exhaustive()
    }
}
