//! Where input and output stand, and the bits between them.
//!
//! Never knows what the bits mean.

/// Where input and output stand.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cursor {
    /// The next bits, the first one lowest; those from `count` on are zero.
    pub(super) buffer: u64,
    /// Below 64.
    pub(super) count: u32,
    /// `input[..from]` was taken.
    pub(super) from: usize,
    /// `output[..at]` is there.
    pub(super) at: usize,
}

impl Cursor {
    /// Fills the buffer, to more than 56 bits if the input has them.
    #[inline(always)]
    pub(super) fn fill(&mut self, input: &[u8]) {
        if let Some(next) = input[self.from..].first_chunk::<8>() {
            let bytes = (63 - self.count) / 8;
            let next = u64::from_le_bytes(*next) & !(u64::MAX << (8 * bytes));
            self.buffer |= next << self.count;
            self.from += bytes as usize;
            self.count += 8 * bytes;
            return;
        }
        while let (0..=55, Some(next)) = (self.count, input.get(self.from)) {
            self.buffer |= u64::from(*next) << self.count;
            self.from += 1;
            self.count += 8;
        }
    }

    /// The next bits, if they are there.
    #[inline(always)]
    pub(super) fn take(&mut self, count: u32, input: &[u8]) -> Option<u64> {
        self.fill(input);
        (self.count >= count).then(|| {
            let bits = self.buffer & !(u64::MAX << count);
            self.skip(count);
            bits
        })
    }

    /// Drops bits that are there.
    #[inline(always)]
    pub(super) fn skip(&mut self, count: u32) {
        self.buffer >>= count;
        self.count -= count;
    }

    /// Gives whole bytes back to the input, as far as they came from it.
    pub(super) fn give_back(&mut self) {
        let bytes = (self.count / 8).min(self.from.try_into().unwrap_or(u32::MAX));
        self.from -= bytes as usize;
        self.count -= 8 * bytes;
        self.buffer &= !(u64::MAX << self.count);
    }
}
