//! A stream of a stripe: chunks, each compressed by itself, as one run of bytes.
//!
//! Never knows what the bytes mean.

use crate::format::buffer_pool::BufferPool;
use crate::format::codec::{Codec, CodecError, Decompressor, SPARE_BYTES};
use crate::format::columnar::ColumnarError;
use crate::format::ranges::{RangeStream, Ranges};

/// A chunk's header: its length, and whether it is not compressed.
const HEADER_BYTES: usize = 3;

/// Bytes taken at a time where nothing is compressed.
const PLAIN_BYTES: usize = 64 << 10;

/// The longest chunks that are decompressed two at a time. Writers make chunks of 64 to 256 KiB;
/// a pair of the longest that a file may have would take twice the memory.
const PAIRED_BYTES_MAX: usize = 1 << 20;

/// How a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Compression {
    pub(super) codec: Codec,
    /// The longest chunk, decompressed.
    pub(super) chunk_bytes: usize,
}

/// A chunk that comes: its data begins `start` bytes ahead.
#[derive(Debug, Clone, Copy)]
struct Chunk {
    start: usize,
    codec: Codec,
    length: usize,
}

impl Chunk {
    fn end(self) -> usize {
        self.start + self.length
    }
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
    pub(super) fn new(
        stream: RangeStream<R>,
        compression: Compression,
        pool: &mut BufferPool,
    ) -> Self {
        Self {
            stream,
            compression,
            decompressor: pool.decompressor(),
            buffer: pool.bytes(),
            at: 0,
            have: 0,
            bytes_raw: 0,
        }
    }

    pub(super) fn give_back(self, pool: &mut BufferPool) {
        pool.put_bytes(self.stream.into_buffer());
        pool.put_bytes(self.buffer);
        pool.put_decompressor(self.decompressor);
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

    /// Fails if more than `count` bytes are left.
    pub(super) fn expect_end(&mut self, count: usize) -> Result<(), ColumnarError> {
        if self.peek(count + 1)?.len() > count {
            return Err(self.fault("a stream is longer than its values: the file is damaged"));
        }
        Ok(())
    }

    pub(super) fn fault(&self, fault: impl Into<String>) -> ColumnarError {
        ColumnarError::at(self.stream.position(), fault)
    }

    /// Appends the next chunk to what is held, or the next two where that is faster.
    fn next_chunk(&mut self) -> Result<(), ColumnarError> {
        self.buffer.copy_within(self.at..self.have, 0);
        (self.at, self.have) = (0, self.have - self.at);
        let Compression { codec, chunk_bytes } = self.compression;
        if codec == Codec::None {
            let length = self.stream.left().min(PLAIN_BYTES as u64) as usize;
            return self.append(Chunk { start: 0, codec, length }, length);
        }
        let Some(chunk) = self.chunk(0)? else {
            return Err(self.fault("a chunk of a stream is cut"));
        };
        if chunk.end() as u64 > self.stream.left() {
            return Err(self.fault("a chunk is longer than its stream: the file is damaged"));
        }
        if chunk.codec == Codec::Deflate
            && chunk_bytes <= PAIRED_BYTES_MAX
            && let Some(next) = self.chunk(chunk.end())?
            && next.codec == Codec::Deflate
            // What does not shrink is not compressed. So no damaged length is read ahead.
            && next.length <= chunk_bytes
            && next.end() as u64 <= self.stream.left()
        {
            return self.append_two([chunk, next], chunk_bytes);
        }
        self.append(chunk, chunk_bytes)
    }

    /// The chunk whose header is `at` bytes ahead; `None` where no whole header is left.
    fn chunk(&mut self, at: usize) -> Result<Option<Chunk>, ColumnarError> {
        let start = at + HEADER_BYTES;
        let header = self.stream.peek(start)?.get(at..).and_then(<[u8]>::first_chunk);
        Ok(header.map(|&[a, b, c]: &[u8; HEADER_BYTES]| {
            let header = u32::from_le_bytes([a, b, c, 0]);
            let codec = if header & 1 == 1 { Codec::None } else { self.compression.codec };
            Chunk { start, codec, length: (header >> 1) as usize }
        }))
    }

    /// Room for `count` chunks of this many bytes each, behind what is held.
    fn make_room(&mut self, count: usize, bytes: usize) {
        let room = self.have + count * (bytes + SPARE_BYTES);
        if self.buffer.len() < room {
            self.buffer.resize(room, 0);
        }
    }

    fn append(&mut self, chunk: Chunk, bytes: usize) -> Result<(), ColumnarError> {
        self.make_room(1, bytes);
        let block = &self.stream.peek(chunk.end())?[chunk.start..chunk.end()];
        let room = &mut self.buffer[self.have..][..bytes + SPARE_BYTES];
        let found = self.decompressor.decompress(chunk.codec, block, room);
        self.took(chunk.end(), found)
    }

    /// Appends two chunks, decompressed together. What is wrong with the second is told when its
    /// turn comes.
    fn append_two(&mut self, chunks: [Chunk; 2], bytes: usize) -> Result<(), ColumnarError> {
        self.make_room(2, bytes);
        let [one, two] = chunks;
        let seen = self.stream.peek(two.end())?;
        let blocks = chunks.map(|chunk| &seen[chunk.start..chunk.end()]);
        let room = &mut self.buffer[self.have..][..2 * (bytes + SPARE_BYTES)];
        let (to_one, to_two) = room.split_at_mut(bytes + SPARE_BYTES);
        let second = self.have + to_one.len();
        let [found_one, found_two] =
            self.decompressor.decompress_two(one.codec, blocks, [to_one, to_two]);
        self.took(one.end(), found_one)?;
        if let Ok(found) = found_two {
            self.buffer.copy_within(second..second + found, self.have);
            self.took(two.end() - one.end(), Ok(found))?;
        }
        Ok(())
    }

    /// Passes over a chunk that was appended.
    fn took(
        &mut self,
        bytes: usize,
        found: Result<usize, CodecError>,
    ) -> Result<(), ColumnarError> {
        let found = found.map_err(|error| {
            self.fault(format!("a chunk is damaged: {error}; fetch the file again"))
        })?;
        self.stream.skip(bytes as u64);
        self.have += found;
        self.bytes_raw += found as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::write::DeflateEncoder;
    use proptest::prelude::*;

    use super::*;

    const CHUNK_BYTES: usize = 2_000;

    /// A chunk with its header.
    fn chunk(bytes: &[u8], plain: bool) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        let data = if plain { bytes.to_vec() } else { encoder.finish().unwrap() };
        let header = (data.len() as u32) << 1 | u32::from(plain);
        [&header.to_le_bytes()[..HEADER_BYTES], &data].concat()
    }

    fn chunks_of(bytes: &[u8]) -> Chunks<&[u8]> {
        let stream = RangeStream::new(bytes, 0, bytes.len() as u64, Vec::new()).unwrap();
        let compression = Compression { codec: Codec::Deflate, chunk_bytes: CHUNK_BYTES };
        Chunks::new(stream, compression, &mut BufferPool::default())
    }

    proptest! {
        #[test]
        fn chunks_of_any_length_are_one_run_of_bytes(
            lengths in proptest::collection::vec((0..=CHUNK_BYTES, 0..4), 1..9),
            counts in proptest::collection::vec((0..3_000_usize, any::<bool>()), 1..40),
            damaged in proptest::option::of((any::<proptest::sample::Index>(), any::<u8>())),
        ) {
            let byte = |place: usize| (place % 7 + place / 300 % 31) as u8;
            let (mut bytes, mut file) = (Vec::new(), Vec::new());
            for (length, kind) in lengths {
                let data: Vec<u8> = (bytes.len()..bytes.len() + length).map(byte).collect();
                file.extend(chunk(&data, kind == 0));
                bytes.extend(data);
            }
            if let Some((at, byte)) = damaged {
                let at = at.index(file.len());
                file[at] = byte;
            }
            let mut chunks = chunks_of(&file);
            let mut at = 0;
            for (count, skipped) in counts {
                let found = if skipped {
                    chunks.skip(count as u64).map(|()| &[][..])
                } else {
                    chunks.peek(count)
                };
                let wanted = &bytes[at..bytes.len().min(at + count)];
                if damaged.is_some() {
                    // Errors, or other bytes, but no panic.
                    if found.is_err() {
                        break;
                    }
                } else if skipped {
                    prop_assert_eq!(found.is_ok(), wanted.len() == count);
                } else {
                    prop_assert!(found.unwrap().starts_with(wanted));
                    chunks.take(count);
                }
                at += wanted.len();
            }
            if damaged.is_none() {
                prop_assert!(chunks.peek(usize::MAX).unwrap() == &bytes[at..]);
                prop_assert!(chunks.expect_end(bytes.len() - at).is_ok());
                prop_assert!(at == bytes.len() || chunks.expect_end(bytes.len() - at - 1).is_err());
                prop_assert_eq!(chunks.bytes_raw(), bytes.len() as u64);
            }
        }
    }

    #[test]
    fn what_comes_before_a_damaged_chunk_is_read() {
        let sound: Vec<u8> = (0..CHUNK_BYTES).map(|place| (place % 50) as u8).collect();
        let mut file = [chunk(&sound, false), chunk(&sound, false)].concat();
        let second = file.len() / 2 + HEADER_BYTES;
        // A block of a type that there is not.
        file[second] = 0b111;
        let mut chunks = chunks_of(&file);
        assert_eq!(chunks.peek(1).unwrap(), sound);
        let error = chunks.peek(CHUNK_BYTES + 1).unwrap_err().to_string();
        assert!(error.contains("a chunk is damaged"), "{error}");
    }
}
