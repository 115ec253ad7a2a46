//! Our own inflate: raw deflate data (RFC 1951) to bytes, resumable at any byte.
//!
//! Never knows gzip. No I/O and no allocation: the tables are part of the type.
//!
//! # How it is built
//! - `cursor.rs` says where input and output stand, and holds the bits between them.
//! - `table.rs` turns code lengths into tables. An entry says all there is to know of a word.
//! - `fast.rs` is the loop for a block's codes, while there is slack at the ends of input and
//!   output. Nearly all bytes come from it, and all `unsafe` code is there. Two streams can share
//!   it, a round of each in turn (`step_two`).
//! - This file does the rest: block headers, stored blocks, and a careful loop for the codes that
//!   are near an end. It handles one *item* after the other: a few header bits, one code length, a
//!   literal entry, or a length with its distance. An item is at most 48 bits and is taken as a
//!   whole or not at all.
//!
//! # Where the data ends
//! After a call that wants input, all input was taken, and the bits in the buffer are less than an
//! item. After any other call less than 8 bits are left: whole bytes go back to the input. They can
//! always go back: of the bits kept from an earlier call, which were less than an item or less than
//! 8, none that makes a whole byte is left once an item was taken. So when the data ends, exactly
//! its last byte was taken, in pieces of any size.
//!
//! # What is refused
//! What zlib refuses: see `Table::fill` and the headers below. The tests hold it to `zlib-rs`.

mod cursor;
mod fast;
mod table;

use super::DeflateFault;
use cursor::Cursor;
use fast::{INPUT_SLACK_BYTES, LoopExit, OUTPUT_SLACK_BYTES, Path, StreamLane};
use table::{
    DISTANCE_SYMBOLS, DistanceTable, LITERAL_SYMBOLS, LiteralTable, PRECODE_SYMBOLS, PrecodeTable,
};

/// Literal/length codes that a block may have: 286 mean something.
const LITERAL_LENGTHS_MAX: usize = 286;
/// Distance codes that a block may have: 30 mean something.
const DISTANCE_LENGTHS_MAX: usize = 30;
/// The literal/length symbol that ends a block.
const END_SYMBOL: usize = 256;

/// The order in which the lengths of the code for code lengths are written (section 3.2.7).
const PRECODE_ORDER: [u8; PRECODE_SYMBOLS] =
    [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// What one call did.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct InflateStep {
    /// Bytes of `input` that were taken.
    pub(super) consumed: usize,
    /// Bytes that were written from `at` on.
    pub(super) produced: usize,
    /// The deflate data ended: the last byte that was taken is its last.
    pub(super) end: bool,
}

/// What a stream gives a call: see [`InflateKernel::step`].
pub(super) struct StreamPiece<'a> {
    pub(super) input: &'a [u8],
    pub(super) output: &'a mut [u8],
    pub(super) at: usize,
    pub(super) enough: usize,
}

impl<'a> StreamPiece<'a> {
    /// From the start of a stream.
    pub(super) fn whole(input: &'a [u8], output: &'a mut [u8]) -> Self {
        Self { input, at: 0, enough: output.len(), output }
    }
}

/// What comes next in the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum InflateState {
    BlockHeader,
    StoredLength,
    /// Bytes of a stored block.
    Stored {
        left: usize,
    },
    /// How many code lengths a block with its own codes has.
    Counts,
    /// The code for code lengths; `have` are there.
    PrecodeLengths {
        have: usize,
    },
    /// Code lengths; `have` are there.
    Lengths {
        have: usize,
    },
    Codes,
    End,
}

/// Whether to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LoopControl {
    GoOn,
    /// The next item is not all there.
    WantInput,
    WantRoom,
}

/// How many lengths of which code a block has.
#[derive(Debug, Clone, Copy, Default)]
struct CodeCounts {
    literals: usize,
    distances: usize,
    precodes: usize,
}

/// What was taken from the input and is not all in the output.
#[derive(Debug, Clone, Copy, Default)]
struct Pending {
    /// The first `literals_left` of them.
    literals: [u8; 2],
    literals_left: usize,
    distance: usize,
    copy_left: usize,
}

/// Inflates one stream after the other.
pub(super) struct InflateKernel {
    path: Path,
    /// Bits between calls.
    buffer: u64,
    count: u32,
    stage: InflateState,
    /// The block at hand is the last one.
    last: bool,
    pending: Pending,
    counts: CodeCounts,
    lengths: [u8; LITERAL_SYMBOLS + DISTANCE_SYMBOLS],
    /// The tables are those of the fixed codes.
    fixed: bool,
    /// How often they were made.
    #[cfg(test)]
    fixed_codes_made: u64,
    literals: LiteralTable,
    distances: DistanceTable,
    precodes: PrecodeTable,
}

impl InflateKernel {
    /// At the start of a stream.
    pub(super) fn new() -> Self {
        Self::with_path(Path::detect())
    }

    fn with_path(path: Path) -> Self {
        Self {
            path,
            buffer: 0,
            count: 0,
            stage: InflateState::BlockHeader,
            last: false,
            pending: Pending::default(),
            counts: CodeCounts::default(),
            lengths: [0; LITERAL_SYMBOLS + DISTANCE_SYMBOLS],
            fixed: false,
            #[cfg(test)]
            fixed_codes_made: 0,
            literals: LiteralTable::new(),
            distances: DistanceTable::new(),
            precodes: PrecodeTable::new(),
        }
    }

    /// How often the tables of the fixed codes were made.
    #[cfg(test)]
    pub(super) fn fixed_codes_made(&self) -> u64 {
        self.fixed_codes_made
    }

    /// Each form of the kernel that this machine can run.
    #[cfg(test)]
    pub(super) fn every_path() -> [Self; 3] {
        [Path::detect(), Path::Plain, Path::Checked].map(Self::with_path)
    }

    /// Makes ready for another stream, after any state, errors included. The tables stay: a file
    /// may have millions of members of a few bytes, nearly all in the fixed codes.
    pub(super) fn start(&mut self) {
        self.buffer = 0;
        self.count = 0;
        self.stage = InflateState::BlockHeader;
        self.pending = Pending::default();
    }

    /// Inflates `input` into `output[at..]` until the data ends, or `output` is full, or the input
    /// is used up, or at least `output[..enough]` is there. `output[..at]` is what came before: all
    /// of it, or at least 32 KiB. Bytes behind what is produced may be overwritten.
    pub(super) fn step(
        &mut self,
        input: &[u8],
        output: &mut [u8],
        at: usize,
        enough: usize,
    ) -> Result<InflateStep, DeflateFault> {
        let mut cursor = Cursor { buffer: self.buffer, count: self.count, from: 0, at };
        let next = loop {
            match self.go_on(&mut cursor, input, output, enough)? {
                LoopControl::GoOn if self.stage == InflateState::End => {
                    break LoopControl::WantRoom;
                }
                LoopControl::GoOn => {}
                next => break next,
            }
        };
        if next == LoopControl::WantRoom {
            cursor.give_back();
        }
        self.buffer = cursor.buffer;
        self.count = cursor.count;
        let end = self.stage == InflateState::End;
        debug_assert!(!end || cursor.count < 8, "the end is known to the byte");
        Ok(InflateStep { consumed: cursor.from, produced: cursor.at - at, end })
    }

    /// Whether this is enough for [`step_two`](Self::step_two): it then makes progress.
    pub(super) fn can_share(input_bytes: usize, room_bytes: usize) -> bool {
        // Before the first round the buffer is filled.
        let filled = size_of::<u64>();
        input_bytes >= INPUT_SLACK_BYTES + filled && room_bytes >= OUTPUT_SLACK_BYTES
    }

    /// Takes two streams further in one loop, until either comes near the end of its input or room,
    /// or its deflate data ends; [`step`](Self::step) does the rest. What is wrong with one stream
    /// does not touch the other.
    pub(super) fn step_two(
        mut pair: [&mut Self; 2],
        mut pieces: [StreamPiece<'_>; 2],
    ) -> [Result<InflateStep, DeflateFault>; 2] {
        let mut cursors = [0, 1].map(|lane| {
            let Self { buffer, count, .. } = *pair[lane];
            Cursor { buffer, count, from: 0, at: pieces[lane].at }
        });
        let mut faults = [None; 2];
        loop {
            let mut ready = true;
            for lane in 0..2 {
                match pair[lane].reach_codes(&mut cursors[lane], &mut pieces[lane]) {
                    Ok(is_ready) => ready &= is_ready,
                    Err(fault) => faults[lane] = Some(fault),
                }
            }
            if !ready || faults != [None; 2] {
                break;
            }
            let [one, two] = &pair;
            let [piece_one, piece_two] = &mut pieces;
            let lanes = [one.lane(cursors[0], piece_one), two.lane(cursors[1], piece_two)];
            for (lane, (next, exit)) in one.path.run_two(lanes).into_iter().enumerate() {
                cursors[lane] = next;
                match exit {
                    LoopExit::Slack => {}
                    LoopExit::End => pair[lane].stage = pair[lane].after_block(),
                    LoopExit::Fault(fault) => faults[lane] = Some(fault),
                }
            }
        }
        [0, 1].map(|lane| match faults[lane] {
            Some(fault) => Err(fault),
            None => Ok(pair[lane].leave(cursors[lane], pieces[lane].at)),
        })
    }

    /// Keeps what the next call needs.
    fn leave(&mut self, mut cursor: Cursor, at: usize) -> InflateStep {
        cursor.give_back();
        (self.buffer, self.count) = (cursor.buffer, cursor.count);
        let end = self.stage == InflateState::End;
        InflateStep { consumed: cursor.from, produced: cursor.at - at, end }
    }

    /// Goes on to the next codes; whether the fast loop can do a round.
    fn reach_codes(
        &mut self,
        cursor: &mut Cursor,
        piece: &mut StreamPiece<'_>,
    ) -> Result<bool, DeflateFault> {
        let StreamPiece { input, ref mut output, enough, .. } = *piece;
        while self.stage != InflateState::Codes {
            let next = self.go_on(cursor, input, output, enough)?;
            if next != LoopControl::GoOn || self.stage == InflateState::End {
                return Ok(false);
            }
        }
        self.pending.put(cursor, output);
        Ok(cursor.at <= enough && has_slack(cursor, input, output))
    }

    fn go_on(
        &mut self,
        cursor: &mut Cursor,
        input: &[u8],
        output: &mut [u8],
        enough: usize,
    ) -> Result<LoopControl, DeflateFault> {
        match self.stage {
            InflateState::BlockHeader => self.read_block_header(cursor, input),
            InflateState::StoredLength => self.read_stored_length(cursor, input),
            InflateState::Stored { left } => Ok(self.read_stored(left, cursor, input, output)),
            InflateState::Counts => self.read_counts(cursor, input),
            InflateState::PrecodeLengths { have } => self.read_precode_lengths(have, cursor, input),
            InflateState::Lengths { have } => self.read_lengths(have, cursor, input),
            InflateState::Codes => self.read_codes(cursor, input, output, enough),
            InflateState::End => Ok(LoopControl::GoOn),
        }
    }

    fn after_block(&self) -> InflateState {
        if self.last { InflateState::End } else { InflateState::BlockHeader }
    }

    fn read_block_header(
        &mut self,
        cursor: &mut Cursor,
        input: &[u8],
    ) -> Result<LoopControl, DeflateFault> {
        let Some(bits) = cursor.take(3, input) else { return Ok(LoopControl::WantInput) };
        self.last = bits & 1 != 0;
        self.stage = match bits >> 1 {
            0 => {
                // The rest of the byte is not used.
                cursor.skip(cursor.count % 8);
                InflateState::StoredLength
            }
            1 => {
                self.set_fixed_codes()?;
                InflateState::Codes
            }
            2 => InflateState::Counts,
            _ => return Err(DeflateFault::BlockType),
        };
        Ok(LoopControl::GoOn)
    }

    fn read_stored_length(
        &mut self,
        cursor: &mut Cursor,
        input: &[u8],
    ) -> Result<LoopControl, DeflateFault> {
        let Some(bits) = cursor.take(32, input) else { return Ok(LoopControl::WantInput) };
        let [a, b, not_a, not_b, ..] = bits.to_le_bytes();
        if [a, b] != [!not_a, !not_b] {
            return Err(DeflateFault::StoredLength);
        }
        self.stage = InflateState::Stored { left: usize::from(u16::from_le_bytes([a, b])) };
        Ok(LoopControl::GoOn)
    }

    fn read_stored(
        &mut self,
        mut left: usize,
        cursor: &mut Cursor,
        input: &[u8],
        output: &mut [u8],
    ) -> LoopControl {
        // The buffer has whole bytes only, and all of them came from this call's input.
        cursor.give_back();
        debug_assert_eq!(cursor.count, 0, "a stored block starts at a byte");
        let count = left.min(input.len() - cursor.from).min(output.len() - cursor.at);
        output[cursor.at..][..count].copy_from_slice(&input[cursor.from..][..count]);
        cursor.at += count;
        cursor.from += count;
        left -= count;
        self.stage = if left == 0 { self.after_block() } else { InflateState::Stored { left } };
        match left {
            0 => LoopControl::GoOn,
            _ if cursor.at == output.len() => LoopControl::WantRoom,
            _ => LoopControl::WantInput,
        }
    }

    /// The codes that every decoder knows (section 3.2.6). Data without end may have a block of
    /// them every ten bits, so they are not made again for the next one.
    fn set_fixed_codes(&mut self) -> Result<(), DeflateFault> {
        if self.fixed {
            return Ok(());
        }
        #[cfg(test)]
        {
            self.fixed_codes_made += 1;
        }
        let mut lengths = [8; LITERAL_SYMBOLS];
        lengths[144..256].fill(9);
        lengths[256..280].fill(7);
        self.literals.set(&lengths)?;
        self.distances.set(&[5; DISTANCE_SYMBOLS])?;
        self.fixed = true;
        Ok(())
    }

    fn read_counts(
        &mut self,
        cursor: &mut Cursor,
        input: &[u8],
    ) -> Result<LoopControl, DeflateFault> {
        let Some(bits) = cursor.take(5 + 5 + 4, input) else { return Ok(LoopControl::WantInput) };
        let bits = bits as usize;
        self.counts = CodeCounts {
            literals: 257 + (bits & 31),
            distances: 1 + (bits >> 5 & 31),
            precodes: 4 + (bits >> 10),
        };
        if self.counts.literals > LITERAL_LENGTHS_MAX
            || self.counts.distances > DISTANCE_LENGTHS_MAX
        {
            return Err(DeflateFault::CodeLengths);
        }
        self.lengths[..PRECODE_SYMBOLS].fill(0);
        self.stage = InflateState::PrecodeLengths { have: 0 };
        Ok(LoopControl::GoOn)
    }

    fn read_precode_lengths(
        &mut self,
        have: usize,
        cursor: &mut Cursor,
        input: &[u8],
    ) -> Result<LoopControl, DeflateFault> {
        for (have, symbol) in PRECODE_ORDER.iter().enumerate().take(self.counts.precodes).skip(have)
        {
            let Some(bits) = cursor.take(3, input) else {
                self.stage = InflateState::PrecodeLengths { have };
                return Ok(LoopControl::WantInput);
            };
            self.lengths[usize::from(*symbol)] = bits as u8;
        }
        self.precodes.set(&self.lengths[..PRECODE_SYMBOLS])?;
        self.stage = InflateState::Lengths { have: 0 };
        Ok(LoopControl::GoOn)
    }

    fn read_lengths(
        &mut self,
        mut have: usize,
        cursor: &mut Cursor,
        input: &[u8],
    ) -> Result<LoopControl, DeflateFault> {
        let all = self.counts.literals + self.counts.distances;
        while have < all {
            cursor.fill(input);
            let entry = self.precodes.root(cursor.buffer);
            let (times, extra_bits) = match entry.base() {
                0..16 => (1, 0),
                16 => (3, 2),
                17 => (3, 3),
                _ => (11, 7),
            };
            if entry.bits() + extra_bits > cursor.count {
                self.stage = InflateState::Lengths { have };
                return Ok(LoopControl::WantInput);
            }
            cursor.skip(entry.bits());
            let times = times + (cursor.buffer & !(u64::MAX << extra_bits)) as usize;
            cursor.skip(extra_bits);
            let length = match entry.base() {
                length @ 0..16 => length as u8,
                16 if have == 0 => return Err(DeflateFault::CodeLengths),
                16 => self.lengths[have - 1],
                _ => 0,
            };
            if times > all - have {
                return Err(DeflateFault::CodeLengths);
            }
            self.lengths[have..][..times].fill(length);
            have += times;
        }
        if self.lengths[END_SYMBOL] == 0 {
            return Err(DeflateFault::CodeLengths);
        }
        let (literals, distances) = self.lengths[..all].split_at(self.counts.literals);
        self.fixed = false;
        self.literals.set(literals)?;
        self.distances.set(distances)?;
        self.stage = InflateState::Codes;
        Ok(LoopControl::GoOn)
    }

    fn read_codes(
        &mut self,
        cursor: &mut Cursor,
        input: &[u8],
        output: &mut [u8],
        enough: usize,
    ) -> Result<LoopControl, DeflateFault> {
        loop {
            self.pending.put(cursor, output);
            if cursor.at >= output.len().min(enough) {
                return Ok(LoopControl::WantRoom);
            }
            if has_slack(cursor, input, output) {
                let mut piece = StreamPiece { input, output: &mut *output, at: cursor.at, enough };
                let (next, exit) = self.path.run(self.lane(*cursor, &mut piece));
                *cursor = next;
                match exit {
                    LoopExit::Slack => {}
                    LoopExit::End => {
                        self.stage = self.after_block();
                        return Ok(LoopControl::GoOn);
                    }
                    LoopExit::Fault(fault) => return Err(fault),
                }
            }
            match self.read_item(cursor, input)? {
                LoopControl::GoOn if self.stage == InflateState::Codes => {}
                next => return Ok(next),
            }
        }
    }

    fn lane<'a>(&'a self, cursor: Cursor, piece: &'a mut StreamPiece<'_>) -> StreamLane<'a> {
        let StreamPiece { input, ref mut output, enough, .. } = *piece;
        let (literals, distances) = (&self.literals, &self.distances);
        StreamLane { cursor, input, output, enough, literals, distances }
    }

    /// Reads one item with care. What it means is put out later.
    fn read_item(
        &mut self,
        cursor: &mut Cursor,
        input: &[u8],
    ) -> Result<LoopControl, DeflateFault> {
        cursor.fill(input);
        // Past `count` there are zeros. A word that is cut short is never taken for another: words
        // that are shorter would have to be its start.
        let entry = self.literals.find(cursor.buffer);
        if entry.bits() > cursor.count {
            return Ok(LoopControl::WantInput);
        }
        if entry.is_literal() {
            self.pending.literals = entry.bytes();
            self.pending.literals_left = entry.literals();
            cursor.skip(entry.bits());
            return Ok(LoopControl::GoOn);
        }
        if entry.is_end() {
            cursor.skip(entry.bits());
            self.stage = self.after_block();
            return Ok(LoopControl::GoOn);
        }
        if entry.is_other() {
            return Err(DeflateFault::Code);
        }
        let rest = cursor.buffer >> entry.bits();
        let far = self.distances.find(rest);
        if entry.bits() + far.bits() > cursor.count {
            return Ok(LoopControl::WantInput);
        }
        if far.is_other() {
            return Err(DeflateFault::Code);
        }
        self.pending.copy_left = entry.value_of(cursor.buffer);
        self.pending.distance = far.value_of(rest);
        cursor.skip(entry.bits() + far.bits());
        if self.pending.distance > cursor.at {
            return Err(DeflateFault::Distance);
        }
        Ok(LoopControl::GoOn)
    }
}

/// Whether the fast loop can do a round.
fn has_slack(cursor: &Cursor, input: &[u8], output: &[u8]) -> bool {
    input.len() - cursor.from >= INPUT_SLACK_BYTES && output.len() - cursor.at >= OUTPUT_SLACK_BYTES
}

impl Pending {
    /// Puts out as much as there is room for.
    fn put(&mut self, cursor: &mut Cursor, output: &mut [u8]) {
        while self.literals_left > 0 && cursor.at < output.len() {
            let [next, after] = self.literals;
            output[cursor.at] = next;
            self.literals = [after, 0];
            self.literals_left -= 1;
            cursor.at += 1;
        }
        while self.copy_left > 0 && cursor.at < output.len() {
            output[cursor.at] = output[cursor.at - self.distance];
            self.copy_left -= 1;
            cursor.at += 1;
        }
    }
}
