//! Gzip files decoded in pieces: slices in, slices out, resumable at any byte.
//!
//! Never knows where the bytes come from or what they mean. No I/O; memory is allocated once, when
//! a decoder is made, and does not grow with the file.
//!
//! # How it is built
//! A gzip file (RFC 1952) is one member or several in a row. A member is a header, deflate data and
//! a trailer: CRC-32 and length. The framing is ours and is the same for both ways to inflate:
//! `header.rs` reads the header, `inflate.rs` the data, and this file the rest. The fast way to
//! inflate is `kernel/`, the reference is `zlib-rs`. The whole of a file must be sound: every
//! checksum is compared, and after the last member only zero bytes may follow, with which some
//! tools pad to a block. Padding between members is refused.
//!
//! Output goes straight into the caller's window, behind the 32 KiB that copies reach back to, so
//! nothing is copied twice:
//!
//! ```text
//!     window   | history, 32 KiB or more | fresh output        | free  |
//!              0                         at      at + produced   len
//! ```
//!
//! When the window is full, the caller moves the last 32 KiB and what it still needs to the front.
//! The kernel reads its history from the window; a copy must never reach into an earlier member, so
//! it is shown the window from the current member's first byte on. The reference keeps a history of
//! its own.
//!
//! The checksum is computed block by block (`CRC_BLOCK_BYTES`), while the bytes are still in cache.
//!
//! # If you change
//! - the kernel: read the top of `kernel/fast.rs` first, and run the fuzz target;
//! - what is accepted: the fuzz target compares the kernel, the reference and `flate2`'s own gzip
//!   reader;
//! - `CRC_BLOCK_BYTES`: measure with the bench `inflate`.

mod error;
mod header;
mod inflate;
mod kernel;
mod raw;
#[cfg(test)]
mod shared_tests;
#[cfg(test)]
mod tests;

pub(crate) use error::{DeflateFault, MemberPart};
pub use error::{GzipError, GzipErrorKind};
pub use inflate::Inflate;
pub(crate) use raw::Inflated;
pub use raw::RawInflate;

use header::Header;
use inflate::Engine;
use kernel::{InflateStep, StreamPiece};

/// How far back deflate data can reach (RFC 1951, section 2: distances up to 32,768).
pub const HISTORY_BYTES: usize = 32 << 10;

/// Length of a trailer: CRC-32, then length modulo 2^32.
const TRAILER_BYTES: usize = 8;

/// Output between two updates of the checksum: small enough for the second-level cache, where the
/// bytes then still are. With 32 KiB, with this and with a window of 256 KiB at once, the kernel is
/// equally fast (within 5 %, less than the noise); the reference, which saves 32 KiB of history at
/// the end of each call, loses about 10 % with 32 KiB.
const CRC_BLOCK_BYTES: usize = 128 << 10;
const _: () = assert!(CRC_BLOCK_BYTES >= HISTORY_BYTES);

/// Why [`GzipDecoder::decode`] stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// All of `input` was consumed. Call again with the bytes that follow it.
    NeedInput,
    /// The window is full. Make room and call again, with the bytes that were not consumed first.
    OutputFull,
    /// The file is complete, and every checksum was right.
    End,
}

/// What one call of [`GzipDecoder::decode`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeProgress {
    /// Bytes of `input` that were consumed.
    pub consumed: usize,
    /// Bytes of `window` that were written, from `at` on.
    pub produced: usize,
    /// Why it stopped.
    pub status: Status,
}

/// A piece of a file that shares a loop with another one: as the parameters of
/// [`GzipDecoder::decode`].
pub struct SharedPiece<'a> {
    /// Bytes that were not consumed before.
    pub input: &'a [u8],
    /// Where decoded bytes go.
    pub window: &'a mut [u8],
    /// Where the next one goes.
    pub at: usize,
}

/// What one call of [`GzipDecoder::decode_two`] did with one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SharedStep {
    /// Bytes of `input` that were consumed.
    pub consumed: usize,
    /// Bytes of `window` that were written, from `at` on.
    pub produced: usize,
}

/// A trailer, as far as it was read.
#[derive(Debug, Clone, Copy, Default)]
struct Trailer {
    /// Those from `have` on are meaningless.
    bytes: [u8; TRAILER_BYTES],
    /// How many are known.
    have: usize,
}

/// What comes next in the file.
#[derive(Debug, Clone, Copy)]
enum MemberState {
    Header,
    Body,
    Trailer(Trailer),
    /// After a member: another one, padding, or the end.
    Between,
    /// After a zero byte that followed a member.
    Padding,
    /// An error was returned; it is returned again until `reset`.
    Failed(GzipError),
}

/// Decodes one gzip file after the other. One per worker: [`reset`](Self::reset) makes it ready for
/// the next file.
pub struct GzipDecoder {
    engine: Engine,
    header: Header,
    state: MemberState,
    /// Over the current member's output.
    crc: crc32fast::Hasher,
    /// The current member's output so far; never more than `bytes_out`.
    member_bytes_out: u64,
    /// Members begun, the current one among them.
    members: u64,
    bytes_in: u64,
    bytes_out: u64,
}

impl GzipDecoder {
    /// A decoder at the start of a file.
    #[must_use]
    pub fn new(inflate: Inflate) -> Self {
        Self {
            engine: Engine::new(inflate),
            header: Header::new(),
            state: MemberState::Header,
            crc: crc32fast::Hasher::new(),
            member_bytes_out: 0,
            members: 1,
            bytes_in: 0,
            bytes_out: 0,
        }
    }

    /// Makes ready for the first byte of another file, after any state, errors included.
    pub fn reset(&mut self) {
        self.header = Header::new();
        self.state = MemberState::Header;
        self.member_bytes_out = 0;
        self.members = 1;
        self.bytes_in = 0;
        self.bytes_out = 0;
    }

    /// Compressed bytes consumed since the start of the file.
    #[must_use]
    pub fn bytes_in(&self) -> u64 {
        self.bytes_in
    }

    /// Bytes produced since the start of the file.
    #[must_use]
    pub fn bytes_out(&self) -> u64 {
        self.bytes_out
    }

    /// Decodes `input` into `window[at..]`.
    ///
    /// - `input` begins with all bytes that the last call was given and did not consume.
    ///   `end_of_input`: no bytes follow `input`; once true, it stays true for the file.
    /// - `window[..at]` is what was decoded before: never less than the last [`HISTORY_BYTES`] of
    ///   it, or all of it if less was decoded since the file's start.
    /// - `window[at + produced..]` may be overwritten with meaningless bytes.
    ///
    /// If `window` has room and `input` is not empty, or `end_of_input` is true, then the call
    /// makes progress.
    ///
    /// # Errors
    /// When the file is not sound gzip, or ends too early. `produced` bytes of earlier calls were
    /// not covered by a checksum yet if their member is not complete. The same error is returned
    /// until [`reset`](Self::reset).
    ///
    /// # Panics
    /// When `window[..at]` is shorter than stated above, or `at` is beyond the window. Both are
    /// errors of the caller; no input leads to them.
    pub fn decode(
        &mut self,
        input: &[u8],
        end_of_input: bool,
        window: &mut [u8],
        at: usize,
    ) -> Result<DecodeProgress, GzipError> {
        assert!(at <= window.len(), "the window has {} bytes, not {at}", window.len());
        self.assert_history(at);
        let before = (self.bytes_in, self.bytes_out);
        let status = self.run(input, end_of_input, window, at);
        let status = status.inspect_err(|error| self.state = MemberState::Failed(*error))?;
        Ok(DecodeProgress {
            consumed: (self.bytes_in - before.0) as usize,
            produced: (self.bytes_out - before.1) as usize,
            status,
        })
    }

    /// Whether [`decode_two`](Self::decode_two) can take this file further. Where not,
    /// [`decode`](Self::decode) does.
    #[must_use]
    pub fn can_share(&self, piece: &SharedPiece<'_>) -> bool {
        let room = piece.window.len().saturating_sub(piece.at);
        matches!(self.state, MemberState::Body) && self.engine.can_share(piece.input.len(), room)
    }

    /// Decodes two files in one loop, in less time than one after the other: while a lookup of one
    /// is waited for, the other goes on. It stops where either can't go on so
    /// ([`can_share`](Self::can_share)), or for a checksum. If both could at first, at least one of
    /// them goes on, if only by bits of a byte that was taken before. A fault in one file does not
    /// touch the other.
    ///
    /// # Errors
    /// For each file as [`decode`](Self::decode).
    ///
    /// # Panics
    /// As [`decode`](Self::decode).
    pub fn decode_two(
        pair: [&mut Self; 2],
        pieces: [SharedPiece<'_>; 2],
    ) -> [Result<SharedStep, GzipError>; 2] {
        let ([one, two], [piece_one, piece_two]) = (pair, pieces);
        if !one.can_share(&piece_one) || !two.can_share(&piece_two) {
            return [Ok(SharedStep::default()); 2];
        }
        let (start_one, at_one) = one.placed(&piece_one);
        let (start_two, at_two) = two.placed(&piece_two);
        let (output_one, output_two) =
            (&mut piece_one.window[start_one..], &mut piece_two.window[start_two..]);
        let [step_one, step_two] = inflate::step_two(
            (&mut one.engine, &mut two.engine),
            [
                body_piece(piece_one.input, output_one, at_one),
                body_piece(piece_two.input, output_two, at_two),
            ],
        );
        [
            one.took_shared(step_one, &output_one[at_one..]),
            two.took_shared(step_two, &output_two[at_two..]),
        ]
    }

    /// Where the member at hand begins in the window, and where its next byte goes from there.
    fn placed(&self, piece: &SharedPiece<'_>) -> (usize, usize) {
        self.assert_history(piece.at);
        let start = self.member_start(piece.at);
        (start, piece.at - start)
    }

    fn took_shared(
        &mut self,
        step: Result<InflateStep, DeflateFault>,
        output: &[u8],
    ) -> Result<SharedStep, GzipError> {
        let step = self.took(step, output);
        let step = step.inspect_err(|error| self.state = MemberState::Failed(*error))?;
        Ok(SharedStep { consumed: step.consumed, produced: step.produced })
    }

    fn assert_history(&self, at: usize) {
        let history = self.bytes_out.min(HISTORY_BYTES as u64);
        assert!(at as u64 >= history, "the window keeps {at} bytes of history, not {history}");
    }

    /// Where the member begins, if the window still has that: nothing may be copied from before.
    fn member_start(&self, at: usize) -> usize {
        at - self.member_bytes_out.min(at as u64) as usize
    }

    /// Notes what a step did, which wrote to the front of `output`.
    fn took(
        &mut self,
        step: Result<InflateStep, DeflateFault>,
        output: &[u8],
    ) -> Result<InflateStep, GzipError> {
        let step = step.map_err(|fault| self.error(GzipErrorKind::Deflate(fault)))?;
        self.crc.update(&output[..step.produced]);
        self.bytes_in += step.consumed as u64;
        self.bytes_out += step.produced as u64;
        self.member_bytes_out += step.produced as u64;
        if step.end {
            self.state = MemberState::Trailer(Trailer::default());
        }
        Ok(step)
    }

    /// Goes on until it has to stop.
    fn run(
        &mut self,
        mut input: &[u8],
        end_of_input: bool,
        window: &mut [u8],
        mut at: usize,
    ) -> Result<Status, GzipError> {
        loop {
            let (bytes_in, bytes_out) = (self.bytes_in, self.bytes_out);
            let stop = match self.state {
                MemberState::Header => self.read_header(input)?,
                MemberState::Body => self.read_body(input, window, at)?,
                MemberState::Trailer(trailer) => self.read_trailer(trailer, input)?,
                MemberState::Between => self.read_between(input),
                MemberState::Padding => self.read_padding(input)?,
                MemberState::Failed(error) => return Err(error),
            };
            input = &input[(self.bytes_in - bytes_in) as usize..];
            at += (self.bytes_out - bytes_out) as usize;
            match stop {
                None => {}
                Some(Status::NeedInput) if end_of_input => return self.finish(),
                Some(status) => return Ok(status),
            }
        }
    }

    fn read_header(&mut self, input: &[u8]) -> Result<Option<Status>, GzipError> {
        let taken = self.header.read(input).map_err(|(taken, kind)| {
            self.bytes_in += taken as u64;
            match kind {
                // A member's first byte was seen before this header was begun.
                GzipErrorKind::NotGzip { found, .. } if self.members > 1 => {
                    self.error(GzipErrorKind::TrailingGarbage { found })
                }
                kind => self.error(kind),
            }
        })?;
        self.bytes_in += taken as u64;
        if !self.header.is_done() {
            return Ok(Some(Status::NeedInput));
        }
        self.engine.start();
        self.crc.reset();
        self.member_bytes_out = 0;
        self.state = MemberState::Body;
        Ok(None)
    }

    fn read_body(
        &mut self,
        input: &[u8],
        window: &mut [u8],
        at: usize,
    ) -> Result<Option<Status>, GzipError> {
        if at == window.len() {
            return Ok(Some(Status::OutputFull));
        }
        let start = self.member_start(at);
        let (output, at) = (&mut window[start..], at - start);
        let enough = output.len().min(at + CRC_BLOCK_BYTES);
        let step = self.engine.step(input, output, at, enough);
        let step = self.took(step, &output[at..])?;
        if step.end {
            return Ok(None);
        }
        // With less than enough, it stopped for want of input.
        Ok((at + step.produced < enough).then_some(Status::NeedInput))
    }

    fn read_trailer(
        &mut self,
        mut trailer: Trailer,
        input: &[u8],
    ) -> Result<Option<Status>, GzipError> {
        let taken = input.len().min(TRAILER_BYTES - trailer.have);
        trailer.bytes[trailer.have..][..taken].copy_from_slice(&input[..taken]);
        trailer.have += taken;
        self.bytes_in += taken as u64;
        self.state = MemberState::Trailer(trailer);
        if trailer.have < TRAILER_BYTES {
            return Ok(Some(Status::NeedInput));
        }
        let [c0, c1, c2, c3, l0, l1, l2, l3] = trailer.bytes;
        let stored = u32::from_le_bytes([c0, c1, c2, c3]);
        let computed = self.crc.clone().finalize();
        if stored != computed {
            return Err(self.error_back(8, GzipErrorKind::Crc { stored, computed }));
        }
        let stored = u32::from_le_bytes([l0, l1, l2, l3]);
        let computed = (self.member_bytes_out & u64::from(u32::MAX)) as u32;
        if stored != computed {
            return Err(self.error_back(4, GzipErrorKind::Length { stored, computed }));
        }
        self.state = MemberState::Between;
        Ok(None)
    }

    fn read_between(&mut self, input: &[u8]) -> Option<Status> {
        match input.first() {
            None => return Some(Status::NeedInput),
            Some(0) => self.state = MemberState::Padding,
            // Any other byte may open a header; whether it does, the header's reader says.
            Some(_) => {
                self.members += 1;
                self.header = Header::new();
                self.state = MemberState::Header;
            }
        }
        None
    }

    fn read_padding(&mut self, input: &[u8]) -> Result<Option<Status>, GzipError> {
        let zeros = input.iter().position(|byte| *byte != 0).unwrap_or(input.len());
        self.bytes_in += zeros as u64;
        match input.get(zeros) {
            Some(&found) => Err(self.error(GzipErrorKind::TrailingGarbage { found })),
            None => Ok(Some(Status::NeedInput)),
        }
    }

    /// The input ended; so must the file.
    fn finish(&self) -> Result<Status, GzipError> {
        let part = match self.state {
            MemberState::Between | MemberState::Padding => return Ok(Status::End),
            MemberState::Failed(error) => return Err(error),
            MemberState::Header if self.bytes_in == 0 => {
                return Err(self.error(GzipErrorKind::Empty));
            }
            MemberState::Header => MemberPart::Header,
            MemberState::Body => MemberPart::Body,
            MemberState::Trailer(_) => MemberPart::Trailer,
        };
        Err(self.error(GzipErrorKind::Truncated { part }))
    }

    /// An error at the next byte.
    fn error(&self, kind: GzipErrorKind) -> GzipError {
        self.error_back(0, kind)
    }

    /// An error that many bytes before the next byte.
    fn error_back(&self, bytes: u64, kind: GzipErrorKind) -> GzipError {
        GzipError { kind, byte: self.bytes_in - bytes, member: self.members }
    }
}

/// What a member's body gives a step that it shares.
fn body_piece<'a>(input: &'a [u8], output: &'a mut [u8], at: usize) -> StreamPiece<'a> {
    let enough = output.len().min(at + CRC_BLOCK_BYTES);
    StreamPiece { input, output, at, enough }
}
