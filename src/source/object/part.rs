//! A range of an object on its way: one task on the network's threads, which hands over its bytes
//! as they come.

use std::io;
use std::ops::Range;

use bytes::Bytes;
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::fetch::{PinnedObject, fetch};
use super::pace::CountGuard;
use super::request::RequestTarget;

/// A range on its way. Its queue needs no bound of its own: it holds the range at most.
pub(super) struct RangePart {
    chunks: UnboundedReceiver<io::Result<Bytes>>,
    task: JoinHandle<()>,
    /// Bytes that were not handed over yet.
    pub(super) left: u64,
    _counted: CountGuard,
}

impl RangePart {
    pub(super) fn begin(target: &RequestTarget, range: Range<u64>, pinned: &PinnedObject) -> Self {
        let bytes = range.end - range.start;
        Self::spawn(target, range, Some(pinned.clone()), None, bytes)
    }

    /// Begins with an object of which nothing is known; what it is will be told.
    pub(super) fn begin_first(
        target: &RequestTarget,
        range: Range<u64>,
        told: oneshot::Sender<io::Result<PinnedObject>>,
    ) -> Self {
        Self::spawn(target, range, None, Some(told), 0)
    }

    fn spawn(
        target: &RequestTarget,
        range: Range<u64>,
        pinned: Option<PinnedObject>,
        told: Option<oneshot::Sender<io::Result<PinnedObject>>>,
        left: u64,
    ) -> Self {
        let (sender, chunks) = mpsc::unbounded_channel();
        let counted = target.pace.part();
        let fetching = fetch(target.clone(), range, pinned, told, sender);
        Self { chunks, task: target.threads.spawn(fetching), left, _counted: counted }
    }

    /// All of it.
    pub(super) fn whole(mut self) -> io::Result<Bytes> {
        let mut whole = Vec::with_capacity(usize::try_from(self.left).map_err(io::Error::other)?);
        while let Some(bytes) = self.next()? {
            whole.extend_from_slice(&bytes);
        }
        Ok(whole.into())
    }

    /// The next bytes; none at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Bytes>> {
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

impl Drop for RangePart {
    fn drop(&mut self) {
        self.task.abort();
    }
}
