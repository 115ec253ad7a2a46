//! Memory that files are read into.
//!
//! # Why not any memory
//! Linux copies from its page cache with one instruction, `rep movsb`. On AMD's Zen 3 it runs at a
//! third of its speed where the destination lies a few bytes further into its page than the source
//! does into its own (2.0 against 6.2 GB/s where it is 16 bytes; measured with `preadv` on an EPYC,
//! November 2026). And that is the rule: large allocations begin 16 bytes behind the start of a
//! page, where the C library keeps their length, and files are read in pieces that begin with one.
//!
//! Never knows what is read.

use std::ops::{Deref, DerefMut, Range};

/// The buffer begins at a multiple of this. 64, a line of the cache: far enough from 16, and little
/// memory.
const ALIGNED_BYTES: usize = 64;

/// Bytes to read into, at a place where copying is fast.
#[derive(Debug, Default)]
pub(crate) struct ReadBuffer {
    /// Never made longer, so that it stays where it is.
    memory: Vec<u8>,
    start: usize,
}

impl ReadBuffer {
    /// So many bytes; what is in them means nothing.
    #[must_use]
    pub(crate) fn new(bytes: usize) -> Self {
        let memory = vec![0; bytes + ALIGNED_BYTES];
        let start = memory.as_ptr().align_offset(ALIGNED_BYTES);
        // The distance may be unknown; any place is right, only slower.
        let start = if start < ALIGNED_BYTES { start } else { 0 };
        Self { memory, start }
    }

    /// So many bytes: those at hand where they are as many, new ones else.
    pub(crate) fn of(&mut self, bytes: usize) -> &mut [u8] {
        if self.len() != bytes {
            *self = Self::new(bytes);
        }
        self
    }

    fn place(&self) -> Range<usize> {
        let bytes = self.memory.len().saturating_sub(ALIGNED_BYTES);
        self.start..self.start + bytes
    }
}

impl Deref for ReadBuffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.memory[self.place()]
    }
}

impl DerefMut for ReadBuffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        let place = self.place();
        &mut self.memory[place]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_begins_with_a_line_of_the_cache_and_has_its_length() {
        assert!(ReadBuffer::default().is_empty());
        for bytes in [0, 1, 63, 64, 65, 4_096, 128 << 10, 1 << 20] {
            let mut buffer = ReadBuffer::new(bytes);
            assert_eq!(buffer.len(), bytes);
            assert_eq!(buffer.as_ptr().addr() % ALIGNED_BYTES, 0);
            buffer.fill(7);
            let place = buffer.as_ptr();
            assert_eq!(buffer.of(bytes).as_ptr(), place, "it is used again");
            assert_eq!(buffer[..], vec![7; bytes]);
            assert_eq!(buffer.of(bytes + 1).len(), bytes + 1);
        }
    }
}
