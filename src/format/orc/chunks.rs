//! A stream of a stripe: chunks, each compressed by itself, as one run of bytes.
//!
//! Never knows what the bytes mean.

use crate::format::codec::{Codec, Decompressor, SPARE_BYTES};
use crate::format::columnar::ColumnarError;
use crate::format::ranges::{RangeStream, Ranges};
use crate::format::spare::Spare;

/// A chunk's header: its length, and whether it is not compressed.
const HEADER_BYTES: usize = 3;

/// Bytes taken at a time where nothing is compressed.
const PLAIN_BYTES: usize = 64 << 10;

/// How a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Compression {
    pub(super) codec: Codec,
    /// The longest chunk, decompressed.
    pub(super) chunk_bytes: usize,
}

/// A stream, decompressed as it is needed.
pub(super) struct Chunks<R> {
    stream: RangeStream<R>,
    compression: Compression,
    decompressor: Decompressor,
    /// `buffer[at..have]` is decompressed and not taken.
    buffer: Vec<u8>,
    at: usize,
    have: usize,
    bytes_raw: u64,
}

impl<R: Ranges> Chunks<R> {
    pub(super) fn new(stream: RangeStream<R>, compression: Compression, spare: &mut Spare) -> Self {
        Self {
            stream,
            compression,
            decompressor: spare.decompressor(),
            buffer: spare.bytes(),
            at: 0,
            have: 0,
            bytes_raw: 0,
        }
    }

    pub(super) fn give_back(self, spare: &mut Spare) {
        spare.put_bytes(self.stream.into_buffer());
        spare.put_bytes(self.buffer);
        spare.put_decompressor(self.decompressor);
    }

    /// Bytes decompressed so far.
    pub(super) fn bytes_raw(&self) -> u64 {
        self.bytes_raw
    }

    /// The next bytes: `count`, or as many as are left; more may be given.
    pub(super) fn peek(&mut self, count: usize) -> Result<&[u8], ColumnarError> {
        while self.have - self.at < count && self.stream.left() > 0 {
            self.next_chunk()?;
        }
        Ok(self.peeked())
    }

    /// What the last [`peek`](Self::peek) gave, once more.
    #[inline]
    pub(super) fn peeked(&self) -> &[u8] {
        &self.buffer[self.at..self.have]
    }

    /// Takes bytes that were given.
    #[inline]
    pub(super) fn take(&mut self, count: usize) {
        self.at = (self.at + count).min(self.have);
    }

    /// Takes bytes, whether they were given or not.
    pub(super) fn skip(&mut self, mut count: u64) -> Result<(), ColumnarError> {
        loop {
            let held = (self.have - self.at) as u64;
            if count <= held {
                self.at += count as usize;
                return Ok(());
            }
            (self.at, count) = (self.have, count - held);
            if self.stream.left() == 0 {
                return Err(self.fault("a stream ends before its values"));
            }
            self.next_chunk()?;
        }
    }

    pub(super) fn fault(&self, fault: impl Into<String>) -> ColumnarError {
        ColumnarError::at(self.stream.position(), fault)
    }

    /// Appends the next chunk to what is held.
    fn next_chunk(&mut self) -> Result<(), ColumnarError> {
        self.buffer.copy_within(self.at..self.have, 0);
        (self.at, self.have) = (0, self.have - self.at);
        let Compression { codec, chunk_bytes } = self.compression;
        let bytes = match codec {
            Codec::None => self.stream.left().min(PLAIN_BYTES as u64) as usize,
            _ => chunk_bytes,
        };
        let room = self.have + bytes + SPARE_BYTES;
        if self.buffer.len() < room {
            self.buffer.resize(room, 0);
        }
        let room = &mut self.buffer[self.have..room];
        let (codec, length) = if codec == Codec::None {
            (codec, bytes)
        } else {
            let header = self.stream.peek(HEADER_BYTES)?.first_chunk::<HEADER_BYTES>();
            let Some(&[a, b, c]) = header else {
                return Err(self.fault("a chunk of a stream is cut"));
            };
            let header = u32::from_le_bytes([a, b, c, 0]);
            self.stream.skip(HEADER_BYTES as u64);
            let codec = if header & 1 == 1 { Codec::None } else { codec };
            (codec, (header >> 1) as usize)
        };
        if length as u64 > self.stream.left() {
            return Err(self.fault("a chunk is longer than its stream: the file is damaged"));
        }
        let block = &self.stream.peek(length)?[..length];
        let found = self.decompressor.decompress(codec, block, room).map_err(|error| {
            let fault = format!("a chunk is damaged: {error}; fetch the file again");
            ColumnarError::at(self.stream.position(), fault)
        })?;
        self.stream.skip(length as u64);
        self.have += found;
        self.bytes_raw += found as u64;
        Ok(())
    }
}
