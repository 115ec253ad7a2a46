//! An object held whole in memory, which all who scan parts of it share.
//!
//! All of its pieces are asked for at once, and whoever needs one first waits for it. So an object
//! of which a digest is taken while its ranges are read is fetched once, not twice; that it fits is
//! for the caller to see to.
//!
//! Never knows what the bytes mean.

use std::io;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

use super::fetch::PinnedObject;
use super::pace::PART_BYTES;
use super::part::RangePart;
use super::request::RequestTarget;
use crate::aws::Session;

/// An object whose pieces came, or are on their way.
pub struct HeldObject {
    /// Keeps the threads that pieces come on.
    _session: Session,
    target: RequestTarget,
    pinned: PinnedObject,
    /// Each of [`PART_BYTES`], but for the last.
    pieces: Vec<Mutex<HeldPiece>>,
}

enum HeldPiece {
    /// It has not been waited for yet.
    Coming(RangePart),
    Here(Bytes),
    /// It could not be fetched; who needs it tries again.
    Failed,
}

impl HeldObject {
    pub(super) fn begin(session: &Session, target: &RequestTarget, pinned: &PinnedObject) -> Self {
        let (_session, target, pinned) = (session.clone(), target.clone(), pinned.clone());
        let mut held = Self { _session, target, pinned, pieces: Vec::new() };
        let pieces = 0..held.pinned.bytes.div_ceil(PART_BYTES);
        held.pieces = pieces.map(|place| Mutex::new(HeldPiece::Coming(held.part(place)))).collect();
        held
    }

    pub(in crate::source) fn len(&self) -> u64 {
        self.pinned.bytes
    }

    /// Its MD5, if S3 states it.
    pub(in crate::source) fn stated_md5(&self) -> Option<&[u8; 16]> {
        self.pinned.md5.as_ref()
    }

    fn part(&self, place: u64) -> RangePart {
        let start = place * PART_BYTES;
        let range: Range<u64> = start..(start + PART_BYTES).min(self.pinned.bytes);
        RangePart::begin(&self.target, range, &self.pinned)
    }

    /// A piece; waits until it is here.
    fn piece(&self, place: usize) -> io::Result<Bytes> {
        let mut piece = self.pieces[place].lock().unwrap_or_else(PoisonError::into_inner);
        let part = match std::mem::replace(&mut *piece, HeldPiece::Failed) {
            HeldPiece::Here(bytes) => {
                *piece = HeldPiece::Here(bytes.clone());
                return Ok(bytes);
            }
            HeldPiece::Coming(part) => part,
            HeldPiece::Failed => self.part(place as u64),
        };
        let bytes = part.whole()?;
        *piece = HeldPiece::Here(bytes.clone());
        Ok(bytes)
    }

    /// Copies bytes from `offset` on; fewer where the object ends.
    pub(in crate::source) fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() && offset + (filled as u64) < self.len() {
            let at = offset + filled as u64;
            let piece = self.piece((at / PART_BYTES) as usize)?;
            let rest = &piece[(at % PART_BYTES) as usize..];
            let count = rest.len().min(buffer.len() - filled);
            buffer[filled..filled + count].copy_from_slice(&rest[..count]);
            filled += count;
        }
        Ok(filled)
    }
}

impl std::fmt::Debug for HeldObject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HeldObject").field("target", &self.target).finish_non_exhaustive()
    }
}
