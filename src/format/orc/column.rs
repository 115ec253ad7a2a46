//! One column of a stripe, decoded a batch of rows at a time.
//!
//! Never knows which rows are wanted.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::chunks::Chunks;
use super::orc_type::OrcType;
use super::rle::{BitRle, ByteRle, NumberEncoding, NumberRle};
use super::stripe::{ColumnEncoding, StreamKind, StripeFooter};
use super::tail::Tail;
use super::zone::zone;
use crate::format::buffer_pool::BufferPool;
use crate::format::columnar::{ColumnCursor, ColumnWanted, ColumnarError, are_utf8, spread};
use crate::format::ranges::Ranges;
use crate::values::{ColumnValues, Dictionary, FLAG_NULL, Span, TimeUnit};

/// Rows of a batch. 4,096: their texts are some 500 KiB and still in the L2 cache when they are
/// looked at.
const BATCH_ROWS: usize = 4 << 10;

/// The longest texts of a batch together. 256 MiB: 64 KiB for each row, and a key has 1 KiB.
const BATCH_BYTES_MAX: u64 = 256 << 20;

/// Values of a dictionary at most. Each takes 16 bytes, and the lengths of many may stand in a few
/// bytes. 16 Mi: data files have some 3 million rows, and a dictionary is written where values come
/// again.
const DICTIONARY_MAX: u64 = 16 << 20;

/// The last nanosecond of a second.
const NANOS_MAX: u64 = 999_999_999;

/// Instants are counted from 2015-01-01T00:00:00, in seconds since 1970.
const EPOCH_SECONDS: i64 = 1_420_070_400;

/// A column of a stripe, read from front to back.
pub(super) struct OrcColumn<R> {
    group: usize,
    name: String,
    /// Rows behind the batch at hand.
    rows_later: u64,
    rows_to_skip: usize,
    /// Rows of the batch at hand, and how many of them are behind the cursor.
    rows: usize,
    at: usize,
    present: Option<BitRle<R>>,
    /// Values seen, and how many the stripe's statistics tell of.
    values: u64,
    values_told: Option<u64>,
    streams: Streams<R>,
    batch: Batch,
}

/// What a column is decoded from.
enum Streams<R> {
    Flags(BitRle<R>),
    Bytes(ByteRle<R>),
    Integers(NumberRle<R>, Option<TimeUnit>),
    Instants { seconds: NumberRle<R>, nanos: NumberRle<R>, clock: Clock },
    Texts { lengths: NumberRle<R>, data: Texts<R> },
    Codes { codes: NumberRle<R>, lengths: NumberRle<R>, data: Texts<R>, values: Option<usize> },
}

/// Texts, one behind the other.
struct Texts<R> {
    chunks: Chunks<R>,
    /// They must be UTF-8.
    unverified: bool,
}

/// Decoded values of a batch.
#[derive(Default)]
struct Batch {
    valid: Vec<bool>,
    all_valid: bool,
    numbers: Vec<i64>,
    nanos: Vec<i64>,
    flags: Vec<u8>,
    lengths: Vec<u64>,
    spans: Vec<Span>,
    /// Bytes of the texts, to be taken from their stream before the next batch.
    text_bytes: usize,
    codes: Vec<u32>,
    dictionary: Dictionary,
}

/// How the seconds of a file become those of UTC.
enum Clock {
    /// Without a zone, or of a writer in UTC: as they stand.
    Utc,
    /// Without a zone, but counted by a clock of this zone from its own 2015: what that clock
    /// showed is meant.
    Local(Box<TimeZone>, i64),
}

impl Clock {
    fn of(name: &str, zoned: bool) -> Result<Self, String> {
        if zoned {
            return Ok(Self::Utc);
        }
        let Some(zone) = zone(name)? else { return Ok(Self::Utc) };
        let offset = |seconds| offset_of(&zone, seconds);
        // The instant at which its clock showed the beginning of 2015.
        let epoch = EPOCH_SECONDS - offset(EPOCH_SECONDS - offset(EPOCH_SECONDS));
        Ok(Self::Local(Box::new(zone), epoch))
    }

    /// Microseconds since 1970, of seconds since 2015 and nanoseconds.
    fn micros(&self, seconds: i64, nanos: i64) -> i64 {
        let (zone, epoch) = match self {
            Self::Utc => (None, EPOCH_SECONDS),
            Self::Local(zone, epoch) => (Some(zone), *epoch),
        };
        let mut instant = seconds.saturating_add(epoch);
        // Writers round seconds towards 1970, but nanoseconds count forwards. (Those of Arrow,
        // which count backwards before 1970, are negative.)
        if instant < 0 && nanos > 999_999 {
            instant -= 1;
        }
        let offset = zone.map_or(0, |zone| offset_of(zone, instant));
        let seconds = instant.saturating_add(offset);
        seconds.saturating_mul(1_000_000).saturating_add(nanos.div_euclid(1_000))
    }
}

fn offset_of(zone: &TimeZone, seconds: i64) -> i64 {
    let instant = Timestamp::from_second(seconds).unwrap_or_default();
    i64::from(zone.to_offset(instant).seconds())
}

impl<R: Ranges + Copy> OrcColumn<R> {
    pub(super) fn new(
        tail: &Tail,
        footer: &StripeFooter,
        group: usize,
        wanted: ColumnWanted,
        file: R,
        pool: &mut BufferPool,
    ) -> Result<Self, ColumnarError> {
        let (described, unverified) = (&tail.columns[wanted.column], wanted.unverified);
        let fault = |fault: &str| ColumnarError::in_file(fault).within(group, &described.name);
        let reading = described.reading.map_err(fault)?;
        let encoding = footer.encoding(described.id);
        let encoding = encoding.ok_or_else(|| fault("its encoding is not told: damaged"))?;
        let mut stream = |kind| footer.stream(tail, file, described.id, kind, pool);
        let present = stream(StreamKind::Present).map(BitRle::new);
        let mut needed = |kind| stream(kind).ok_or_else(|| fault("a stream of it is missing"));
        let numbers = |kind, signed, needed: &mut dyn FnMut(_) -> Result<Chunks<R>, _>| {
            let second_version = encoding.second_version;
            needed(kind)
                .map(|chunks| NumberRle::new(chunks, NumberEncoding { second_version, signed }))
        };
        let streams = match reading {
            OrcType::Flags => Streams::Flags(BitRle::new(needed(StreamKind::Data)?)),
            OrcType::Bytes => Streams::Bytes(ByteRle::new(needed(StreamKind::Data)?)),
            OrcType::Integers => {
                let unit = wanted.instants.then_some(TimeUnit::Millis);
                Streams::Integers(numbers(StreamKind::Data, true, &mut needed)?, unit)
            }
            OrcType::Days => Streams::Integers(
                numbers(StreamKind::Data, true, &mut needed)?,
                Some(TimeUnit::Days),
            ),
            OrcType::Instants { zoned } => Streams::Instants {
                seconds: numbers(StreamKind::Data, true, &mut needed)?,
                nanos: numbers(StreamKind::Secondary, false, &mut needed)?,
                clock: Clock::of(&footer.zone, zoned).map_err(|told| fault(&told))?,
            },
            OrcType::Texts if encoding.dictionary => Streams::Codes {
                codes: numbers(StreamKind::Data, false, &mut needed)?,
                lengths: numbers(StreamKind::Length, false, &mut needed)?,
                data: Texts { chunks: needed(StreamKind::DictionaryData)?, unverified },
                values: Some(entries(encoding, tail.stripes[group].rows).ok_or_else(|| {
                    fault(
                        "its dictionary has more values than the stripe has rows, or than are read",
                    )
                })?),
            },
            OrcType::Texts => Streams::Texts {
                lengths: numbers(StreamKind::Length, false, &mut needed)?,
                data: Texts { chunks: needed(StreamKind::Data)?, unverified },
            },
        };
        // One more says that it is read in another way than it was written.
        if footer.value_streams(described.id) != streams.count() + usize::from(present.is_some()) {
            return Err(fault("it has a stream of a kind that its type does not have: damaged"));
        }
        let dictionary = Dictionary { serial: wanted.serial, ..Dictionary::default() };
        Ok(Self {
            group,
            name: described.name.clone(),
            rows_later: tail.stripes[group].rows,
            rows_to_skip: 0,
            rows: 0,
            at: 0,
            present,
            values: 0,
            values_told: tail.statistics_of(&tail.stripes[group], described).count,
            streams,
            batch: Batch { dictionary, ..Batch::default() },
        })
    }

    /// Rows of the batch that comes next.
    fn next_rows(&self) -> usize {
        self.rows_later.min(BATCH_ROWS as u64) as usize
    }

    /// Passes over rows of the batches that come next, and of the one at hand.
    fn catch_up(&mut self) -> Result<(), ColumnarError> {
        let held = self.rows_to_skip.min(self.rows - self.at);
        self.at += held;
        self.rows_to_skip -= held;
        while self.at == self.rows && self.rows_to_skip > 0 && self.rows_later > 0 {
            let rows = self.rows_to_skip.min(self.next_rows());
            self.finish_batch();
            let values = self.present_of(rows)?;
            self.streams.skip(values)?;
            self.rows_later -= rows as u64;
            self.rows_to_skip -= rows;
            self.check_end()?;
        }
        Ok(())
    }

    /// Reads which of the next rows are not NULL; gives how many.
    fn present_of(&mut self, rows: usize) -> Result<usize, ColumnarError> {
        let batch = &mut self.batch;
        batch.valid.clear();
        let Some(present) = &mut self.present else {
            batch.all_valid = true;
            self.values += rows as u64;
            return Ok(rows);
        };
        present.take(rows, |bit| bit, &mut batch.valid)?;
        let values = batch.valid.iter().filter(|valid| **valid).count();
        batch.all_valid = values == rows;
        self.values += values as u64;
        Ok(values)
    }

    /// Lets go of the texts of the batch at hand.
    fn finish_batch(&mut self) {
        if let Streams::Texts { data, .. } = &mut self.streams {
            data.chunks.take(std::mem::take(&mut self.batch.text_bytes));
        }
    }

    fn next_batch(&mut self) -> Result<(), ColumnarError> {
        let rows = self.next_rows();
        self.finish_batch();
        let values = self.present_of(rows)?;
        self.streams.decode(values, &mut self.batch)?;
        (self.rows, self.at) = (rows, 0);
        self.rows_later -= rows as u64;
        self.check_end()
    }

    /// Behind the last row, expects that no stream holds more.
    fn check_end(&mut self) -> Result<(), ColumnarError> {
        if self.rows_later > 0 {
            return Ok(());
        }
        if let Some(present) = &mut self.present {
            present.bytes.expect_end()?;
        }
        // The last byte of flags holds up to eight: its end does not say how many there are.
        if let (Streams::Flags(bits), Some(told)) = (&self.streams, self.values_told)
            && self.values != told
        {
            let fault = format!("{} values where its statistics tell of {told}", self.values);
            return Err(bits.bytes.chunks.fault(fault + ": the file is damaged"));
        }
        self.streams.expect_end(self.batch.text_bytes)
    }

    fn within(&self) -> impl FnOnce(ColumnarError) -> ColumnarError + use<'_, R> {
        |error| error.within(self.group, &self.name)
    }
}

/// The values of a dictionary: no more than there are rows.
fn entries(encoding: ColumnEncoding, rows: u64) -> Option<usize> {
    usize::try_from(encoding.values)
        .ok()
        .filter(|values| *values as u64 <= rows.min(DICTIONARY_MAX))
}

impl<R: Ranges + Copy> ColumnCursor for OrcColumn<R> {
    fn run(&mut self) -> Result<usize, ColumnarError> {
        if let Err(error) = self.catch_up() {
            return Err(self.within()(error));
        }
        Ok(if self.at < self.rows { self.rows - self.at } else { self.next_rows() })
    }

    fn ready(&mut self) -> Result<(), ColumnarError> {
        if self.run()? > 0
            && self.at == self.rows
            && let Err(error) = self.next_batch()
        {
            return Err(self.within()(error));
        }
        Ok(())
    }

    fn values(&self, from: usize, rows: usize) -> ColumnValues<'_> {
        let start = self.at + from;
        let rows = start..start + rows;
        let batch = &self.batch;
        let valid = (!batch.all_valid).then(|| &batch.valid[rows.clone()]);
        match &self.streams {
            Streams::Flags(_) => ColumnValues::Flags(&batch.flags[rows]),
            Streams::Bytes(_) | Streams::Integers(_, None) => {
                ColumnValues::Integers { values: &batch.numbers[rows], valid }
            }
            Streams::Integers(_, Some(unit)) => {
                ColumnValues::Instants { values: &batch.numbers[rows], valid, unit: *unit }
            }
            Streams::Instants { .. } => ColumnValues::Instants {
                values: &batch.numbers[rows],
                valid,
                unit: TimeUnit::Micros,
            },
            Streams::Texts { data, .. } => {
                ColumnValues::Bytes { data: data.chunks.peeked(), spans: &batch.spans[rows] }
            }
            Streams::Codes { .. } => ColumnValues::Dictionary {
                dictionary: &batch.dictionary,
                codes: &batch.codes[rows],
            },
        }
    }

    fn skip(&mut self, rows: usize) {
        self.rows_to_skip += rows;
    }

    fn give_back(self: Box<Self>, pool: &mut BufferPool) {
        if let Some(present) = self.present {
            present.bytes.chunks.give_back(pool);
        }
        self.streams.give_back(pool);
    }

    fn bytes_raw(&self) -> u64 {
        let present = self.present.as_ref().map_or(0, |bits| bits.bytes.chunks.bytes_raw());
        present
            + match &self.streams {
                Streams::Flags(bits) => bits.bytes.chunks.bytes_raw(),
                Streams::Bytes(bytes) => bytes.chunks.bytes_raw(),
                Streams::Integers(numbers, _) => numbers.chunks.bytes_raw(),
                Streams::Instants { seconds, nanos, .. } => {
                    seconds.chunks.bytes_raw() + nanos.chunks.bytes_raw()
                }
                Streams::Texts { lengths, data } => {
                    lengths.chunks.bytes_raw() + data.chunks.bytes_raw()
                }
                Streams::Codes { codes, lengths, data, .. } => {
                    let dictionary = lengths.chunks.bytes_raw() + data.chunks.bytes_raw();
                    codes.chunks.bytes_raw() + dictionary
                }
            }
    }
}

impl<R: Ranges> Streams<R> {
    fn give_back(self, pool: &mut BufferPool) {
        match self {
            Self::Flags(bits) => bits.bytes.chunks.give_back(pool),
            Self::Bytes(bytes) => bytes.chunks.give_back(pool),
            Self::Integers(numbers, _) => numbers.chunks.give_back(pool),
            Self::Instants { seconds, nanos, .. } => {
                seconds.chunks.give_back(pool);
                nanos.chunks.give_back(pool);
            }
            Self::Texts { lengths, data } => {
                lengths.chunks.give_back(pool);
                data.chunks.give_back(pool);
            }
            Self::Codes { codes, lengths, data, .. } => {
                codes.chunks.give_back(pool);
                lengths.chunks.give_back(pool);
                data.chunks.give_back(pool);
            }
        }
    }

    /// How many there are.
    fn count(&self) -> usize {
        match self {
            Self::Flags(_) | Self::Bytes(_) | Self::Integers(..) => 1,
            Self::Instants { .. } | Self::Texts { .. } => 2,
            Self::Codes { .. } => 3,
        }
    }

    /// Fails if a stream has unread values, except the `text_bytes` bytes of texts that the current
    /// batch refers to. A dictionary is checked when it is read.
    fn expect_end(&mut self, text_bytes: usize) -> Result<(), ColumnarError> {
        match self {
            Self::Flags(bits) => bits.bytes.expect_end(),
            Self::Bytes(bytes) => bytes.expect_end(),
            Self::Integers(numbers, _) => numbers.expect_end(),
            Self::Instants { seconds, nanos, .. } => {
                seconds.expect_end()?;
                nanos.expect_end()
            }
            Self::Texts { lengths, data } => {
                lengths.expect_end()?;
                data.chunks.expect_end(text_bytes)
            }
            Self::Codes { codes, .. } => codes.expect_end(),
        }
    }

    fn skip(&mut self, values: usize) -> Result<(), ColumnarError> {
        match self {
            Self::Flags(bits) => bits.take(values, |_| (), &mut Vec::new()),
            Self::Bytes(bytes) => bytes.take(values, &mut Vec::new()),
            Self::Integers(numbers, _) => numbers.skip(values).map(drop),
            Self::Instants { seconds, nanos, .. } => {
                seconds.skip(values)?;
                nanos.skip(values).map(drop)
            }
            Self::Texts { lengths, data } => {
                let bytes = lengths.skip(values)?;
                data.skip(bytes)
            }
            Self::Codes { codes, .. } => codes.skip(values).map(drop),
        }
    }

    /// Decodes this many values, and puts NULL where there are none.
    fn decode(&mut self, values: usize, batch: &mut Batch) -> Result<(), ColumnarError> {
        match self {
            Self::Flags(bits) => {
                batch.flags.clear();
                bits.take(values, u8::from, &mut batch.flags)?;
                batch.spread(FLAG_NULL, |batch| &mut batch.flags);
            }
            Self::Bytes(bytes) => {
                batch.flags.clear();
                bytes.take(values, &mut batch.flags)?;
                batch.numbers.clear();
                batch.numbers.extend(batch.flags.iter().map(|byte| i64::from(*byte as i8)));
                batch.spread(0, |batch| &mut batch.numbers);
            }
            Self::Integers(numbers, _) => {
                batch.numbers.clear();
                numbers.take(values, |number| number, &mut batch.numbers)?;
                batch.spread(0, |batch| &mut batch.numbers);
            }
            Self::Instants { seconds, nanos, clock } => {
                batch.numbers.clear();
                seconds.take(values, |seconds| seconds, &mut batch.numbers)?;
                batch.nanos.clear();
                nanos.take(values, nanos_of, &mut batch.nanos)?;
                if batch.nanos.iter().any(|nanos| nanos.unsigned_abs() > NANOS_MAX) {
                    return Err(nanos.chunks.fault("nanoseconds of more than a second: damaged"));
                }
                for (number, nanos) in batch.numbers.iter_mut().zip(&batch.nanos) {
                    *number = clock.micros(*number, *nanos);
                }
                batch.spread(0, |batch| &mut batch.numbers);
            }
            Self::Texts { lengths, data } => {
                batch.lengths.clear();
                lengths.take(values, |length| length as u64, &mut batch.lengths)?;
                batch.text_bytes = data.ready(&batch.lengths, &mut batch.spans)?;
                batch.spread(Span::default(), |batch| &mut batch.spans);
            }
            Self::Codes { codes, lengths, data, values: entries } => {
                if let Some(entries) = entries.take() {
                    batch.lengths.clear();
                    lengths.take(entries, |length| length as u64, &mut batch.lengths)?;
                    let dictionary = &mut batch.dictionary;
                    let bytes = data.ready(&batch.lengths, &mut dictionary.spans)?;
                    lengths.expect_end()?;
                    data.chunks.expect_end(bytes)?;
                    dictionary.data = data.chunks.peeked()[..bytes].to_vec();
                    batch.lengths = Vec::new();
                    dictionary.spans.push(Span::default());
                }
                let null = batch.dictionary.spans.len().saturating_sub(1) as u32;
                batch.codes.clear();
                let code = |code| u32::try_from(code).unwrap_or(u32::MAX);
                codes.take(values, code, &mut batch.codes)?;
                if batch.codes.iter().any(|code| *code >= null) {
                    let fault = "it names a value that its dictionary lacks: damaged";
                    return Err(codes.chunks.fault(fault));
                }
                batch.spread(null, |batch| &mut batch.codes);
            }
        }
        Ok(())
    }
}

impl Batch {
    /// Moves values apart, so that there is one for each row; `null` is put where none was.
    fn spread<T: Copy>(&mut self, null: T, values: impl Fn(&mut Self) -> &mut Vec<T>) {
        if self.all_valid {
            return;
        }
        let valid = std::mem::take(&mut self.valid);
        spread(values(self), &valid, null);
        self.valid = valid;
    }
}

const TEXTS_TOO_LONG: &str = "texts longer than they can be: the file is damaged";
const TEXTS_CUT: &str = "a stream of texts ends before the last of them: the file is damaged";
const NOT_UTF8: &str = "a text that is not UTF-8: the file is damaged; fetch it again";

impl<R: Ranges> Texts<R> {
    /// Makes texts of these lengths ready; gives how long they are together.
    fn ready(&mut self, lengths: &[u64], spans: &mut Vec<Span>) -> Result<usize, ColumnarError> {
        spans.clear();
        let mut at = 0_u64;
        for length in lengths {
            let to = at.saturating_add(*length);
            if to > BATCH_BYTES_MAX {
                return Err(self.chunks.fault(TEXTS_TOO_LONG));
            }
            spans.push(Span { from: at as u32, to: to as u32 });
            at = to;
        }
        let Some(texts) = self.chunks.peek(at as usize)?.get(..at as usize) else {
            return Err(self.chunks.fault(TEXTS_CUT));
        };
        if self.unverified && !are_utf8(texts, spans) {
            return Err(self.chunks.fault(NOT_UTF8));
        }
        Ok(at as usize)
    }

    /// Skips `bytes` bytes of texts. Unverified texts are checked even so: one changed byte of
    /// compressed data can change several texts, and the ones that are used may look valid.
    fn skip(&mut self, bytes: u64) -> Result<(), ColumnarError> {
        if !self.unverified {
            return self.chunks.skip(bytes);
        }
        if bytes > BATCH_BYTES_MAX {
            return Err(self.chunks.fault(TEXTS_TOO_LONG));
        }
        let bytes = bytes as usize;
        let Some(texts) = self.chunks.peek(bytes)?.get(..bytes) else {
            return Err(self.chunks.fault(TEXTS_CUT));
        };
        if !texts.is_ascii() && str::from_utf8(texts).is_err() {
            return Err(self.chunks.fault(NOT_UTF8));
        }
        self.chunks.take(bytes);
        Ok(())
    }
}

/// Nanoseconds as ORC writes them: without their final zeros, whose number is in the last bits.
fn nanos_of(number: i64) -> i64 {
    let zeros = (number & 7) as u32;
    let digits = number >> 3;
    if zeros == 0 { digits } else { digits.saturating_mul(10_i64.pow(zeros + 1)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_before_1970_are_rounded_where_the_writer_rounded_them() {
        // 1969-12-31T19:11:59.094502Z, where the clock shows 1970-01-01T00:41:59.094502.
        let clock = Clock::of("Asia/Kolkata", false).unwrap();
        let Clock::Local(_, epoch) = &clock else { unreachable!("it is not UTC") };
        assert_eq!(clock.micros(-17_280 - epoch, 94_502_000), 2_519_094_502);
        // 1970-01-01T02:00:00.094502Z, where it shows 1969-12-31T21:00:00.094502.
        let clock = Clock::of("America/New_York", false).unwrap();
        let Clock::Local(_, epoch) = &clock else { unreachable!("it is not UTC") };
        assert_eq!(clock.micros(7_200 - epoch, 94_502_000), -10_799_905_498);
        assert_eq!(Clock::Utc.micros(-EPOCH_SECONDS, -1), -1, "as Arrow writes it");
        assert_eq!(Clock::Utc.micros(-1 - EPOCH_SECONDS, 999_999), -999_001);
    }

    #[test]
    fn nanoseconds_come_without_their_final_zeros() {
        assert_eq!(nanos_of(0), 0);
        assert_eq!(nanos_of(5 << 3), 5);
        assert_eq!(nanos_of((5 << 3) | 7), 500_000_000);
        assert_eq!(nanos_of(-1 << 3), -1);
    }
}
