//! The loop in which nearly all of the time is spent: codes to bytes, with room at both ends.
//!
//! Never knows blocks or members, nor how data arrives: it goes on while [`INPUT_SLACK_BYTES`] of
//! input and [`OUTPUT_SLACK_BYTES`] of room are left, and then leaves the rest to the careful loop.
//!
//! # Why it may read and write without looking
//! Each round begins with a check that the slack is there, and a round needs no more than that:
//! - *Input.* Two refills read 8 bytes each, and each moves on by 7 at most: 7 + 8 bytes.
//! - *Output.* Three entries of at most 7 literals make 21 bytes. A copy makes [`LENGTH_MASK`]
//!   bytes at most, and it is written in steps, of which the last may begin one byte before that
//!   and write [`STEP_BYTES_MAX`]. A store of literals writes 2 bytes, which is less.
//! - *What is copied.* It begins `distance` bytes before the place it goes to, and that a distance
//!   does not reach before the start of the output is checked. It ends before it is written.
//!
//! All of this follows from this file, and from [`TableEntry::literals`] giving 7 at most whatever
//! the entry is: not from what a table holds.
//!
//! # The order of things
//! A round takes as long as the chain from one lookup to the next: an entry says which bits come
//! next, and only then can the next one be looked up. So the next index is cut out of the buffer
//! before that is shifted, the next lookup comes first, and copying, which nothing waits for, last.
//! The refill is not on the chain: after it the lowest bits are as before.
//!
//! The bits of a round: at least 56 after a refill. Two entries of literals take 20 and a length 20
//! more, which leaves the 8 bits of the distance root. After the second refill a distance takes 28,
//! which leaves more than the next lookup needs. The third entry of literals takes 30 in all.

use super::cursor::Cursor;
use super::table::{
    DISTANCE_ROOT_BITS, DistanceTable, LITERAL_ROOT_BITS, LiteralTable, TableEntry,
};
use crate::format::gzip::DeflateFault;

/// Input that a round may read.
pub(super) const INPUT_SLACK_BYTES: usize = 16;
/// Room that a round may write to.
pub(super) const OUTPUT_SLACK_BYTES: usize = 576;

/// Keeps a length in bounds, whatever the table says. Sound lengths are 258 at most.
const LENGTH_MASK: usize = 511;
/// The largest piece that is copied at once.
const STEP_BYTES_MAX: usize = 32;
/// Bits that are there after a refill.
const REFILLED_BITS: u64 = 56;

const _: () = assert!(INPUT_SLACK_BYTES >= 7 + 8);
const _: () = assert!(OUTPUT_SLACK_BYTES >= 3 * 7 + LENGTH_MASK + STEP_BYTES_MAX);
const _: () = assert!(REFILLED_BITS as usize >= 2 * LITERAL_ROOT_BITS + 20 + DISTANCE_ROOT_BITS);

/// Why the loop stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LoopExit {
    /// The slack or `enough` was reached.
    Slack,
    /// The block ended.
    End,
    /// The data are damaged.
    Fault(DeflateFault),
}

/// How bytes are reached.
pub(super) trait Memory {
    /// `N` bytes from `at` on.
    ///
    /// # Safety
    /// `at + N <= bytes.len()`.
    #[expect(unsafe_code, reason = "the caller vouches for the place")]
    unsafe fn load<const N: usize>(bytes: &[u8], at: usize) -> [u8; N];

    /// Writes `N` bytes from `at` on.
    ///
    /// # Safety
    /// `at + N <= bytes.len()`.
    #[expect(unsafe_code, reason = "the caller vouches for the place")]
    unsafe fn store<const N: usize>(bytes: &mut [u8], at: usize, value: [u8; N]);

    /// The `ROOT_BITS` bits of `buffer` that follow those of `entry`, which are the bits that the
    /// entry says come next.
    #[inline(always)]
    fn after<const ROOT_BITS: usize>(buffer: u64, entry: TableEntry) -> u64 {
        buffer >> entry.bits() & ((1 << ROOT_BITS) - 1)
    }
}

/// Without a check. On reports 11 % faster than the best that was found with checks.
pub(super) struct WithoutChecks;

#[expect(unsafe_code, reason = "bounds checks in this loop cost a tenth of its speed")]
impl Memory for WithoutChecks {
    #[inline(always)]
    unsafe fn load<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
        debug_assert!(at + N <= bytes.len());
        // SAFETY: the caller vouches that the `N` bytes are within `bytes`; an array of bytes needs
        // no alignment.
        unsafe { bytes.as_ptr().add(at).cast::<[u8; N]>().read() }
    }

    #[inline(always)]
    unsafe fn store<const N: usize>(bytes: &mut [u8], at: usize, value: [u8; N]) {
        debug_assert!(at + N <= bytes.len());
        // SAFETY: the caller vouches that the `N` bytes are within `bytes`, which is borrowed
        // mutably; an array of bytes needs no alignment.
        unsafe { bytes.as_mut_ptr().add(at).cast::<[u8; N]>().write(value) }
    }
}

/// As [`WithoutChecks`], with an instruction of x86-64 machines with BMI.
#[cfg(target_arch = "x86_64")]
pub(super) struct WithBmi;

#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "as `WithoutChecks`, and calls an instruction known to be there")]
impl Memory for WithBmi {
    #[inline(always)]
    unsafe fn load<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
        // SAFETY: the caller's.
        unsafe { WithoutChecks::load(bytes, at) }
    }

    #[inline(always)]
    unsafe fn store<const N: usize>(bytes: &mut [u8], at: usize, value: [u8; N]) {
        // SAFETY: the caller's.
        unsafe { WithoutChecks::store(bytes, at, value) }
    }

    #[inline(always)]
    fn after<const ROOT_BITS: usize>(buffer: u64, entry: TableEntry) -> u64 {
        // SAFETY: only `run_bmi2` and `run_two_bmi2` use this type; both are compiled for machines
        // with BMI.
        unsafe { std::arch::x86_64::_bextr2_u64(buffer, entry.bits_mod_64()) }
    }
}

/// The safe twin: a wrong place stops the test.
#[cfg(test)]
pub(super) struct WithChecks;

#[cfg(test)]
#[expect(unsafe_code, reason = "the trait's functions are unsafe; these are not")]
impl Memory for WithChecks {
    unsafe fn load<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
        *bytes[at..].first_chunk().unwrap()
    }

    unsafe fn store<const N: usize>(bytes: &mut [u8], at: usize, value: [u8; N]) {
        *bytes[at..].first_chunk_mut().unwrap() = value;
    }
}

/// The next bits of the data. Bits from `count` on are either zero or what the input has there.
struct Bits<'a> {
    input: &'a [u8],
    from: usize,
    buffer: u64,
    /// How many bits of `buffer` count, modulo 64.
    count: u64,
}

impl Bits<'_> {
    /// Makes at least [`REFILLED_BITS`] count.
    ///
    /// # Safety
    /// `from + 8 <= input.len()`. `from` grows by 7 at most.
    #[expect(unsafe_code, reason = "reads without a check")]
    #[inline(always)]
    unsafe fn refill<M: Memory>(&mut self) {
        // SAFETY: the caller's.
        let next = unsafe { M::load(self.input, self.from) };
        self.buffer |= u64::from_le_bytes(next) << (self.count & 63);
        self.from += 7 - (self.count >> 3 & 7) as usize;
        self.count |= REFILLED_BITS;
    }

    #[inline(always)]
    fn skip(&mut self, entry: TableEntry) {
        self.buffer >>= entry.bits();
        self.count = self.count.wrapping_sub(entry.bits_mod_64());
    }

    #[inline(always)]
    fn cursor(&self, at: usize) -> Cursor {
        let count = (self.count & 63) as u32;
        let buffer = self.buffer & !(u64::MAX << count);
        Cursor { buffer, count, from: self.from, at }
    }
}

/// Writes the literals of `entry` and looks up what follows.
///
/// # Safety
/// `at + 2 <= output.len()`. `at` grows by 7 at most.
#[expect(unsafe_code, reason = "writes without a check")]
#[inline(always)]
unsafe fn put<M: Memory>(
    entry: TableEntry,
    bits: &mut Bits<'_>,
    literals: &LiteralTable,
    output: &mut [u8],
    at: &mut usize,
) -> TableEntry {
    // SAFETY: the caller's.
    unsafe { M::store(output, *at, entry.bytes()) };
    *at += entry.literals();
    let next = literals.at(M::after::<LITERAL_ROOT_BITS>(bits.buffer, entry));
    bits.skip(entry);
    next
}

/// What one stream gives the loop: where it stands, its data, its room and its tables.
pub(super) struct StreamLane<'a> {
    pub(super) cursor: Cursor,
    pub(super) input: &'a [u8],
    pub(super) output: &'a mut [u8],
    /// Stops when at least this many bytes of `output` are there.
    pub(super) enough: usize,
    pub(super) literals: &'a LiteralTable,
    pub(super) distances: &'a DistanceTable,
}

/// A stream in the loop.
struct RunningStream<'a> {
    bits: Bits<'a>,
    /// What comes next, and is not taken from `bits`.
    entry: TableEntry,
    at: usize,
    output: &'a mut [u8],
    literals: &'a LiteralTable,
    distances: &'a DistanceTable,
    from_max: usize,
    at_max: usize,
}

impl<'a> RunningStream<'a> {
    /// `None` where there is no slack.
    #[expect(unsafe_code, reason = "reads without a check")]
    #[inline(always)]
    fn start<M: Memory>(lane: StreamLane<'a>) -> Option<Self> {
        let StreamLane { cursor, input, output, enough, literals, distances } = lane;
        let from_max = input.len().checked_sub(INPUT_SLACK_BYTES)?;
        let at_max = output.len().checked_sub(OUTPUT_SLACK_BYTES)?.min(enough);
        let Cursor { buffer, count, from, at } = cursor;
        if from > from_max {
            return None;
        }
        let mut bits = Bits { input, from, buffer, count: u64::from(count) };
        // SAFETY: `from` was just compared with `from_max`.
        unsafe { bits.refill::<M>() };
        let entry = literals.root(bits.buffer);
        Some(Self { bits, entry, at, output, literals, distances, from_max, at_max })
    }

    /// Whether there is what a round needs.
    #[inline(always)]
    fn has_slack(&self) -> bool {
        self.bits.from <= self.from_max && self.at <= self.at_max
    }

    #[inline(always)]
    fn cursor(&self) -> Cursor {
        self.bits.cursor(self.at)
    }

    /// Decodes up to three entries of literals, or some and a copy. True: the block ended.
    ///
    /// # Safety
    /// [`has_slack`](Self::has_slack) has just been seen to hold.
    #[expect(unsafe_code, reason = "reads and writes without checks: see the top of this file")]
    #[inline(always)]
    unsafe fn round<M: Memory>(&mut self) -> Result<bool, DeflateFault> {
        let Self { bits, entry: held, at, output, literals, distances, .. } = self;
        let mut entry = *held;
        // SAFETY: the caller vouches for the slack, and this is the first refill of the round.
        unsafe { bits.refill::<M>() };
        if entry.is_literal() {
            // SAFETY: the slack is there; these are the first, second and third entry of the round.
            entry = unsafe { put::<M>(entry, bits, literals, output, at) };
            if entry.is_literal() {
                // SAFETY: as above.
                entry = unsafe { put::<M>(entry, bits, literals, output, at) };
                if entry.is_literal() {
                    // SAFETY: as above.
                    *held = unsafe { put::<M>(entry, bits, literals, output, at) };
                    return Ok(false);
                }
            }
        }
        if entry.is_other() {
            if entry.is_subtable() {
                entry = literals.below(entry, bits.buffer);
            }
            if entry.is_literal() {
                // SAFETY: the slack is there; this is the third entry of the round at most.
                *held = unsafe { put::<M>(entry, bits, literals, output, at) };
                return Ok(false);
            }
            if entry.is_other() {
                bits.skip(entry);
                return if entry.is_end() { Ok(true) } else { Err(DeflateFault::Code) };
            }
        }
        let length = entry.value_of(bits.buffer) & LENGTH_MASK;
        let mut far = distances.at(M::after::<DISTANCE_ROOT_BITS>(bits.buffer, entry));
        bits.skip(entry);
        // SAFETY: the second refill of the round.
        unsafe { bits.refill::<M>() };
        if far.is_other() {
            if far.is_subtable() {
                far = distances.below(far, bits.buffer);
            }
            if far.is_other() {
                return Err(DeflateFault::Code);
            }
        }
        let distance = far.value_of(bits.buffer);
        *held = literals.at(M::after::<LITERAL_ROOT_BITS>(bits.buffer, far));
        bits.skip(far);
        if distance > *at {
            return Err(DeflateFault::Distance);
        }
        // SAFETY: `distance` was just compared with `at`, `length` is masked, and the slack covers
        // the rest, as the top of this file says.
        unsafe { copy::<M>(output, *at, distance, length) };
        *at += length;
        Ok(false)
    }
}

/// Decodes a lane until its block ends, or a round could need more than the slack at either end, or
/// enough is there.
#[expect(unsafe_code, reason = "reads and writes without checks: see the top of this file")]
#[inline(always)]
fn run<M: Memory>(lane: StreamLane<'_>) -> (Cursor, LoopExit) {
    let before = lane.cursor;
    let Some(mut lane) = RunningStream::start::<M>(lane) else {
        return (before, LoopExit::Slack);
    };
    while lane.has_slack() {
        // SAFETY: the condition above.
        if let Some(exit) = exit_of(unsafe { lane.round::<M>() }) {
            return (lane.cursor(), exit);
        }
    }
    (lane.cursor(), LoopExit::Slack)
}

/// Whether a round ended the loop, and why.
#[inline(always)]
fn exit_of(round: Result<bool, DeflateFault>) -> Option<LoopExit> {
    match round {
        Ok(false) => None,
        Ok(true) => Some(LoopExit::End),
        Err(fault) => Some(LoopExit::Fault(fault)),
    }
}

/// Decodes two lanes in turn, a round of each, until either stops: while one waits for its next
/// lookup, the other goes on. The other's exit is then `Slack`, whatever slack it has. Where a lane
/// is damaged, its cursor means nothing.
#[expect(unsafe_code, reason = "reads and writes without checks: see the top of this file")]
#[inline(always)]
fn run_two<M: Memory>(lanes: [StreamLane<'_>; 2]) -> [(Cursor, LoopExit); 2] {
    let before = [lanes[0].cursor, lanes[1].cursor];
    let [one, two] = lanes.map(RunningStream::start::<M>);
    let (Some(mut one), Some(mut two)) = (one, two) else {
        return before.map(|cursor| (cursor, LoopExit::Slack));
    };
    let mut exits = [LoopExit::Slack; 2];
    while one.has_slack() && two.has_slack() {
        // SAFETY: the condition above; each lane has its own slack.
        if let Some(exit) = exit_of(unsafe { one.round::<M>() }) {
            exits[0] = exit;
            break;
        }
        // SAFETY: as above.
        if let Some(exit) = exit_of(unsafe { two.round::<M>() }) {
            exits[1] = exit;
            break;
        }
    }
    [(one.cursor(), exits[0]), (two.cursor(), exits[1])]
}

/// Writes `length` bytes from `at` on, each equal to the one `distance` bytes before it, and then
/// some bytes without meaning.
///
/// # Safety
/// `distance <= at`, and `at + length + STEP_BYTES_MAX <= output.len()`.
#[expect(unsafe_code, reason = "reads and writes without checks")]
#[inline(always)]
unsafe fn copy<M: Memory>(output: &mut [u8], at: usize, distance: usize, length: usize) {
    // SAFETY: the caller's; no piece is larger than `STEP_BYTES_MAX`.
    unsafe {
        match distance {
            // A step never reads what it writes itself.
            32.. => steps::<M, 32>(output, at, at - distance, length),
            16.. => steps::<M, 16>(output, at, at - distance, length),
            8.. => steps::<M, 8>(output, at, at - distance, length),
            1.. => repeat::<M>(output, at, distance, length),
            // No table has such a distance.
            0 => {}
        }
    }
}

/// Copies in pieces of `N` bytes.
///
/// # Safety
/// `from <= at`, and `at + length + N <= output.len()`.
#[expect(unsafe_code, reason = "reads and writes without checks")]
#[inline(always)]
unsafe fn steps<M: Memory, const N: usize>(
    output: &mut [u8],
    at: usize,
    from: usize,
    length: usize,
) {
    let mut done = 0;
    loop {
        // SAFETY: `done` is 0 or below `length`, so the caller's conditions hold for both.
        unsafe {
            let piece: [u8; N] = M::load(output, from + done);
            M::store(output, at + done, piece);
        }
        done += N;
        if done >= length {
            return;
        }
    }
}

/// Repeats the last `distance` bytes, 1 to 7. The pattern is made once: reading what was written
/// just before, and only in part, would stall each step.
///
/// # Safety
/// `distance <= at`, and `at + length + 8 <= output.len()`.
#[expect(unsafe_code, reason = "reads and writes without checks")]
#[inline(always)]
unsafe fn repeat<M: Memory>(output: &mut [u8], at: usize, distance: usize, length: usize) {
    // SAFETY: the caller's.
    let piece = u64::from_le_bytes(unsafe { M::load(output, at - distance) });
    let mut width = 8 * distance;
    let mut pattern = piece & !(u64::MAX << width);
    while width < 64 {
        pattern |= pattern << width;
        width *= 2;
    }
    let mut done = 0;
    while done < length {
        // SAFETY: `done` is below `length`.
        unsafe { M::store(output, at + done, pattern.to_le_bytes()) };
        // As many bytes as make whole patterns.
        done += 8 - 8 % distance;
    }
}

/// Which form of the loop runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Path {
    /// For any machine.
    Plain,
    /// For x86-64 with BMI2: shifts and masks in one instruction each. Only ever made by
    /// [`Path::detect`].
    #[cfg(target_arch = "x86_64")]
    Bmi2(Bmi2),
    /// The safe twin.
    #[cfg(test)]
    Checked,
}

/// Proof that the machine has BMI2 and what else comes with it.
#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bmi2(());

impl Path {
    /// The fastest form for this machine.
    pub(super) fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("avx2")
        {
            return Self::Bmi2(Bmi2(()));
        }
        Self::Plain
    }

    /// Runs the loop: see [`run`].
    #[cfg_attr(
        target_arch = "x86_64",
        expect(
            unsafe_code,
            reason = "calls a function compiled for instructions known to be there"
        )
    )]
    pub(super) fn run(self, lane: StreamLane<'_>) -> (Cursor, LoopExit) {
        match self {
            Self::Plain => run::<WithoutChecks>(lane),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a `Bmi2` is only ever made by `detect`, which saw every feature enabled here.
            Self::Bmi2(_) => unsafe { run_bmi2(lane) },
            #[cfg(test)]
            Self::Checked => run::<WithChecks>(lane),
        }
    }

    /// Runs the loop for two streams: see [`run_two`].
    #[cfg_attr(
        target_arch = "x86_64",
        expect(
            unsafe_code,
            reason = "calls a function compiled for instructions known to be there"
        )
    )]
    pub(super) fn run_two(self, lanes: [StreamLane<'_>; 2]) -> [(Cursor, LoopExit); 2] {
        match self {
            Self::Plain => run_two::<WithoutChecks>(lanes),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Self::Bmi2(_) => unsafe { run_two_bmi2(lanes) },
            #[cfg(test)]
            Self::Checked => run_two::<WithChecks>(lanes),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "bmi1,bmi2,avx2")]
fn run_bmi2(lane: StreamLane<'_>) -> (Cursor, LoopExit) {
    run::<WithBmi>(lane)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "bmi1,bmi2,avx2")]
fn run_two_bmi2(lanes: [StreamLane<'_>; 2]) -> [(Cursor, LoopExit); 2] {
    run_two::<WithBmi>(lanes)
}
