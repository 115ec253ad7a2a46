//! Two inflate libraries and a kernel of our own behind one small type: `fdeflate`, fast, and
//! `zlib-rs`, the reference.
//!
//! Never knows gzip: no header, no checksum of the data, no second member. What it must find is
//! the exact end of the deflate data, because the trailer begins there.
//!
//! # The end of the data, as `fdeflate` sees it
//! `fdeflate` reads zlib streams. It is given the two bytes of a zlib header first, and after the
//! deflate data it takes four bytes for the zlib checksum, which it is told to ignore: these four
//! are the gzip trailer's CRC-32. It also reads ahead: up to 7 bytes wait in its bit buffer. Call
//! the length of the deflate data `D` and the bytes given so far `T`. It reports its end as soon as
//! `T >= D + 4`, unless it waits for room in the output. Then there are two cases.
//! - It left some of the piece it was given. Then its buffer was full, and it took exactly `D + 7`.
//! - It took the whole piece. Then `D` is one of `T-7 ..= T-4`, and nothing tells which.
//!
//! The second case must not decide anything. So the pieces are cut such that it can't:
//! - *Byte by byte.* When the decoder has used up all that it was given and wants more, then
//!   `T < D + 4`. If one more byte brings the end, it was the fourth of the trailer: `D = T - 4`.
//! - *Whole pieces* end at a [`safe_cut`]. There the four bytes that would follow each possible
//!   trailer (`D + 8` is one of `T+1 ..= T+4`) can't follow a trailer: they are neither zero, which
//!   would be padding, nor the first magic byte. In a sound file the data does not end there. In an
//!   unsound file it may, and whichever `D` is then taken, the file is refused.
//!
//! A whole piece that stopped because the output was full is resumed to the same cut. In ordinary
//! compressed data one cut in 32 is unsafe, so five or six bytes per call go one by one.
//!
//! Comparing the possible trailers with the computed CRC-32 and length was the simpler idea. It is
//! not enough: it accepts one stray byte before the trailer in some chunkings and not in others,
//! and the trailer of an empty member, eight zero bytes, fits in several places of zero padding.
//!
//! The kernel and the reference take exactly the bytes of the deflate data.
//!
//! # Differences between the libraries
//! - A literal/length code of a single code word (which can encode empty blocks only) is accepted
//!   by `zlib-rs` and the kernel, and refused by `fdeflate` with [`DeflateFault::CodeLengths`]. No
//!   known compressor writes one.
//! - Bytes given out before an error, and the place where it is noticed, may differ.

use fdeflate::DecompressionError;
use flate2::{Decompress, FlushDecompress, Status};

use super::header::MAGIC;
use super::kernel::Kernel;
use super::{DeflateFault, Inflate};

/// Length of a gzip trailer: CRC-32, then length modulo 2^32.
pub(super) const TRAILER_BYTES: usize = 8;
/// Bytes of the trailer that `fdeflate` takes for a zlib checksum.
const SWALLOWED_BYTES: usize = 4;
/// Bytes after those that `fdeflate` may have in its bit buffer at the end.
const AHEAD_BYTES_MAX: usize = 3;
const _: () = assert!(SWALLOWED_BYTES + AHEAD_BYTES_MAX < TRAILER_BYTES);

/// A zlib header: deflate, 32 KiB window, no dictionary.
const ZLIB_HEADER: [u8; 2] = [0x78, 0x01];
const _: () = assert!(u16::from_be_bytes(ZLIB_HEADER).is_multiple_of(31));

/// What one call did.
#[derive(Debug)]
pub(super) struct Step {
    /// Bytes of `input` that were taken.
    pub(super) consumed: usize,
    /// Bytes that were written from `at` on.
    pub(super) produced: usize,
    /// When the deflate data ended: the trailer's first bytes, as far as they were taken.
    pub(super) end: Option<Trailer>,
}

/// The first bytes of a trailer.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Trailer {
    /// The bytes; those from `have` on are meaningless.
    pub(super) bytes: [u8; TRAILER_BYTES],
    /// How many are known.
    pub(super) have: usize,
}

/// One inflate library at work on one member.
pub(super) enum Engine {
    /// `fdeflate`.
    Fast(Box<Fast>),
    /// Our own.
    Kernel(Box<Kernel>),
    /// `zlib-rs` through `flate2`.
    Reference(Box<Decompress>),
}

impl Engine {
    pub(super) fn new(inflate: Inflate) -> Self {
        match inflate {
            Inflate::Fast => Self::Fast(Box::new(Fast::new())),
            Inflate::Kernel => Self::Kernel(Box::new(Kernel::new())),
            Inflate::Reference => Self::Reference(Box::new(Decompress::new(false))),
        }
    }

    /// Makes ready for the first byte of another member.
    pub(super) fn start(&mut self) -> Result<(), DeflateFault> {
        match self {
            Self::Fast(fast) => fast.start(),
            Self::Kernel(kernel) => {
                kernel.start();
                Ok(())
            }
            Self::Reference(decompress) => {
                decompress.reset(false);
                Ok(())
            }
        }
    }

    /// Inflates `input` into `output[at..]` until the data ends, `output` is full, the input is
    /// used up, or `output[..enough]` is there, perhaps a little more. `output[..at]` is what came
    /// before: the whole member, or at least 32 KiB. `at` is below `enough`, and that is not above
    /// the length of `output`. Input is left only if `output[..enough]` is there, or at the end.
    pub(super) fn step(
        &mut self,
        input: &[u8],
        end_of_input: bool,
        output: &mut [u8],
        at: usize,
        enough: usize,
    ) -> Result<Step, DeflateFault> {
        match self {
            Self::Fast(fast) => fast.step(input, end_of_input, &mut output[..enough], at),
            Self::Kernel(kernel) => kernel.step(input, output, at, enough),
            Self::Reference(decompress) => {
                reference_step(decompress, input, &mut output[at..enough])
            }
        }
    }
}

fn reference_step(
    decompress: &mut Decompress,
    input: &[u8],
    output: &mut [u8],
) -> Result<Step, DeflateFault> {
    let before = (decompress.total_in(), decompress.total_out());
    let status = decompress
        .decompress(input, output, FlushDecompress::None)
        .map_err(|_| DeflateFault::Unspecified)?;
    Ok(Step {
        consumed: (decompress.total_in() - before.0) as usize,
        produced: (decompress.total_out() - before.1) as usize,
        end: (status == Status::StreamEnd).then(Trailer::default),
    })
}

/// How the next bytes are given to `fdeflate`. See the top of this file.
#[derive(Debug, Clone, Copy)]
enum Pace {
    /// In one piece; `left` bytes are missing to a safe cut.
    Whole { left: usize },
    /// Byte by byte; `left` bytes without a safe cut among them.
    Single { left: usize },
}

/// `fdeflate`, and what is needed to know where the deflate data ended.
pub(super) struct Fast {
    inner: fdeflate::Decompressor,
    pace: Pace,
    /// The decoder wants input: nothing that it was given can bring more output, or the end.
    starved: bool,
    /// The bytes taken last, the newest at the end.
    recent: [u8; SWALLOWED_BYTES + AHEAD_BYTES_MAX],
}

impl Fast {
    fn new() -> Self {
        Self {
            inner: fdeflate::Decompressor::new(),
            pace: Pace::Single { left: 0 },
            starved: true,
            recent: [0; SWALLOWED_BYTES + AHEAD_BYTES_MAX],
        }
    }

    /// `fdeflate` can't be reset. A new one costs two allocations and 20 KB of zeros.
    fn start(&mut self) -> Result<(), DeflateFault> {
        *self = Self::new();
        self.inner.ignore_adler32();
        self.inner.read(&ZLIB_HEADER, &mut [], 0, false).map_err(|error| fault(&error))?;
        Ok(())
    }

    fn step(
        &mut self,
        input: &[u8],
        end_of_input: bool,
        output: &mut [u8],
        mut at: usize,
    ) -> Result<Step, DeflateFault> {
        let (start, mut consumed) = (at, 0);
        loop {
            let rest = &input[consumed..];
            let piece = &rest[..self.piece_bytes(rest, end_of_input)];
            if piece.is_empty() && self.starved {
                return Ok(Step { consumed, produced: at - start, end: None });
            }
            // Truncation is the caller's to judge, so this is never the end of the input here.
            let (taken, made) =
                self.inner.read(piece, output, at, false).map_err(|error| fault(&error))?;
            self.remember(&piece[..taken]);
            consumed += taken;
            at += made;
            if self.inner.is_done() {
                let end = Some(self.trailer(taken < piece.len()));
                return Ok(Step { consumed, produced: at - start, end });
            }
            self.starved = at < output.len();
            if !self.starved {
                return Ok(Step { consumed, produced: at - start, end: None });
            }
        }
    }

    /// The length of the next piece from the start of `rest`. It is 0 if there is nothing to give,
    /// or if bytes that were given already must be used up first.
    fn piece_bytes(&mut self, rest: &[u8], end_of_input: bool) -> usize {
        if let Pace::Whole { left: 0 } | Pace::Single { left: 0 } = self.pace {
            self.pace = match safe_cut(rest, end_of_input) {
                0 => Pace::Single { left: rest.len() },
                left => Pace::Whole { left },
            };
        }
        match self.pace {
            Pace::Whole { left } => left.min(rest.len()),
            Pace::Single { .. } if self.starved => rest.len().min(1),
            Pace::Single { .. } => 0,
        }
    }

    /// Notes bytes that the decoder took.
    fn remember(&mut self, taken: &[u8]) {
        let (Pace::Whole { left } | Pace::Single { left }) = &mut self.pace;
        *left = left.saturating_sub(taken.len());
        let new = taken.len().min(self.recent.len());
        self.recent.rotate_left(new);
        let kept = self.recent.len() - new;
        self.recent[kept..].copy_from_slice(&taken[taken.len() - new..]);
    }

    /// The part of the trailer that was taken, at the end of the data. `piece_left`: the decoder
    /// did not take all of the last piece.
    fn trailer(&self, piece_left: bool) -> Trailer {
        // Without a rest either the last byte came alone, and 0 is right, or the piece ended at a
        // safe cut, and the file will be refused.
        let ahead = if piece_left { AHEAD_BYTES_MAX } else { 0 };
        let have = SWALLOWED_BYTES + ahead;
        let mut bytes = [0; TRAILER_BYTES];
        bytes[..have].copy_from_slice(&self.recent[self.recent.len() - have..]);
        Trailer { bytes, have }
    }
}

/// The longest prefix of `input` after which a sound file's data can't have ended in a way that
/// leaves its exact end open; 0 if there is none. See the top of this file.
fn safe_cut(input: &[u8], end_of_input: bool) -> usize {
    if end_of_input {
        // A trailer of which at most 7 bytes are there is cut short, wherever it begins.
        return input.len();
    }
    let may_follow_trailer = |byte: &u8| *byte == 0 || *byte == MAGIC[0];
    // From `cut + 1`: the bytes after trailers that begin 7, 6, 5 and 4 bytes before the cut.
    let last = input.len().saturating_sub(AHEAD_BYTES_MAX + 2);
    (1..=last)
        .rev()
        .find(|cut| !input[cut + 1..][..=AHEAD_BYTES_MAX].iter().any(may_follow_trailer))
        .unwrap_or(0)
}

fn fault(error: &DecompressionError) -> DeflateFault {
    match error {
        DecompressionError::InvalidBlockType => DeflateFault::BlockType,
        DecompressionError::InvalidUncompressedBlockLength => DeflateFault::StoredLength,
        DecompressionError::InvalidHlit
        | DecompressionError::InvalidHdist
        | DecompressionError::InvalidCodeLengthRepeat
        | DecompressionError::BadCodeLengthHuffmanTree
        | DecompressionError::BadLiteralLengthHuffmanTree
        | DecompressionError::BadDistanceHuffmanTree => DeflateFault::CodeLengths,
        DecompressionError::InvalidLiteralLengthCode | DecompressionError::InvalidDistanceCode => {
            DeflateFault::Code
        }
        DecompressionError::InputStartsWithRun | DecompressionError::DistanceTooFarBack => {
            DeflateFault::Distance
        }
        DecompressionError::BadZlibHeader
        | DecompressionError::InsufficientInput
        | DecompressionError::WrongChecksum
        | DecompressionError::ExtraInput => DeflateFault::Unspecified,
    }
}
