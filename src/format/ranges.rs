//! Bytes in ranges: what column formats read from, and a stream over one range of it.
//!
//! Column formats jump: to the footer first, then to the columns that are wanted. A stream holds a
//! window of its range, large enough for what is asked of it at once, and reads ahead. Where bytes
//! take long to come, the range is asked for before its first byte is needed, and stays on its way.
//!
//! Never knows files, paths, or what the bytes mean.

use std::io::{self, Read};
use std::ops::Range;

/// Something of known length that gives bytes from any place.
pub trait Ranges {
    /// Its length in bytes.
    fn length(&self) -> u64;

    /// Fills `buffer` with the bytes from `offset` on.
    ///
    /// # Errors
    /// When they can't be read, or there are not so many.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;

    /// Begins to fetch bytes that are read soon, from front to back, where they take long to come;
    /// `None` where they are read as well by [`Ranges::read_at`].
    fn fetch(&self, _offset: u64, _bytes: u64) -> Option<RangeReader> {
        None
    }
}

/// Bytes of a range on their way, from front to back.
pub type RangeReader = Box<dyn Read + Send>;

impl Ranges for [u8] {
    fn length(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let from = usize::try_from(offset).ok();
        let to = from.and_then(|from| from.checked_add(buffer.len()));
        let bytes = from.zip(to).and_then(|(from, to)| self.get(from..to));
        buffer.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

impl<R: Ranges + ?Sized> Ranges for &R {
    fn length(&self) -> u64 {
        (**self).length()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        (**self).read_at(offset, buffer)
    }

    fn fetch(&self, offset: u64, bytes: u64) -> Option<RangeReader> {
        (**self).fetch(offset, bytes)
    }
}

/// Bytes read at a time. 256 KiB: a call to the system costs little beside them, and a few streams
/// side by side stay in the L2 cache.
const READ_BYTES: usize = 256 << 10;

/// Bytes on their way that are read and dropped rather than begun anew behind them. 1 MiB: they
/// come in the time that S3 takes to answer.
const PASSED_BYTES_MAX: u64 = 1 << 20;

/// One range, from its first byte to its last.
pub struct RangeStream<R> {
    source: R,
    /// Where `buffer[have..]` goes on in the source; never above `end`.
    next: u64,
    end: u64,
    /// What is on its way, and where that goes on: never above `next`.
    arriving: Option<(RangeReader, u64)>,
    buffer: Vec<u8>,
    /// `buffer[at..have]` is read and not taken.
    at: usize,
    have: usize,
}

impl<R: Ranges> RangeStream<R> {
    /// A stream over `length` bytes from `start` on; it waits for nothing yet. `None` where the
    /// source is shorter. `buffer` is used for its memory alone.
    pub fn new(source: R, start: u64, length: u64, buffer: Vec<u8>) -> Option<Self> {
        let end = start.checked_add(length).filter(|end| *end <= source.length())?;
        let arriving = source.fetch(start, length).map(|arriving| (arriving, start));
        Some(Self { source, next: start, end, arriving, buffer, at: 0, have: 0 })
    }

    /// The stream's buffer, for another one.
    pub fn into_buffer(self) -> Vec<u8> {
        self.buffer
    }

    /// Bytes that are left.
    pub fn left(&self) -> u64 {
        self.end - self.next + (self.have - self.at) as u64
    }

    /// Where the next byte lies in the source.
    pub fn position(&self) -> u64 {
        self.next - (self.have - self.at) as u64
    }

    /// The next bytes: `count`, or as many as are left; more may be given.
    ///
    /// # Errors
    /// When they can't be read.
    pub fn peek(&mut self, count: usize) -> io::Result<&[u8]> {
        if self.have - self.at < count && self.next < self.end {
            self.fill(count)?;
        }
        Ok(&self.buffer[self.at..self.have])
    }

    fn fill(&mut self, count: usize) -> io::Result<()> {
        self.buffer.copy_within(self.at..self.have, 0);
        self.have -= self.at;
        self.at = 0;
        let wanted = (self.end - self.next).min(READ_BYTES.max(count - self.have) as u64) as usize;
        if self.buffer.len() < self.have + wanted {
            self.buffer.resize(self.have + wanted, 0);
        }
        self.read(self.have..self.have + wanted)?;
        self.next += wanted as u64;
        self.have += wanted;
        Ok(())
    }

    /// Reads the bytes from `next` on into a part of the buffer.
    fn read(&mut self, into: Range<usize>) -> io::Result<()> {
        let buffer = &mut self.buffer[into];
        let Some((mut arriving, at)) = self.arriving.take() else {
            return self.source.read_at(self.next, buffer);
        };
        let passed = self.next - at;
        if passed > PASSED_BYTES_MAX {
            match self.source.fetch(self.next, self.end - self.next) {
                Some(anew) => arriving = anew,
                None => return self.source.read_at(self.next, buffer),
            }
        } else {
            io::copy(&mut arriving.by_ref().take(passed), &mut io::sink())?;
        }
        arriving.read_exact(buffer)?;
        self.arriving = Some((arriving, self.next + buffer.len() as u64));
        Ok(())
    }

    /// What the last [`peek`](Self::peek) gave, once more.
    pub fn peeked(&self) -> &[u8] {
        &self.buffer[self.at..self.have]
    }

    /// Passes over bytes, also over some that were not read yet; no further than the end.
    pub fn skip(&mut self, count: u64) {
        let held = (self.have - self.at) as u64;
        if count <= held {
            self.at += count as usize;
        } else {
            self.at = self.have;
            self.next = self.next.saturating_add(count - held).min(self.end);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_range_beyond_the_end_is_refused() {
        let bytes: &[u8] = b"abc";
        assert!(RangeStream::new(bytes, 1, 3, Vec::new()).is_none());
        assert!(RangeStream::new(bytes, u64::MAX, 3, Vec::new()).is_none());
        assert!(bytes.read_at(2, &mut [0; 2]).is_err());
        assert!(bytes.read_at(u64::MAX, &mut [0; 2]).is_err());
    }

    proptest! {
        #[test]
        fn a_stream_gives_the_bytes_of_its_range(
            length in 0..700_000usize,
            steps in proptest::collection::vec((1..300_000usize, 0..300_000u64), 1..8),
        ) {
            let bytes: Vec<u8> = (0..length + 20).map(|place| (place * 7 / 3) as u8).collect();
            let mut stream = RangeStream::new(&bytes[..], 10, length as u64, vec![7; 9]).unwrap();
            let mut at = 10;
            for (count, skip) in steps {
                prop_assert_eq!(stream.position(), at as u64);
                prop_assert_eq!(stream.left(), (10 + length - at) as u64);
                let seen = stream.peek(count).unwrap();
                prop_assert!(seen.len() >= count.min(10 + length - at));
                prop_assert_eq!(seen, &bytes[at..at + seen.len()]);
                stream.skip(skip);
                at = (at + skip as usize).min(10 + length);
            }
        }
    }
}
