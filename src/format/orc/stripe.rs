//! The footer of a stripe: where its streams lie, how columns are written, and its row index.
//!
//! Never knows how a stream is decoded.

use super::chunks::Chunks;
use super::proto::{Message, ProtoFault, Value, numbers_of};
use super::statistics::OrcStatistics;
use super::tail::{CompressedSection, Stripe, Tail};
use crate::format::buffer_pool::BufferPool;
use crate::format::columnar::{ColumnarError, PageStatistics};
use crate::format::ranges::{RangeStream, Ranges};

/// The longest footer of a stripe, decompressed. A stream takes some 10 bytes in it, and a column
/// has up to five; so this is enough for thousands of columns.
const FOOTER_BYTES_MAX: usize = 1 << 20;

/// Streams of a stripe at most: 4 MB of memory. As many as 10,000 columns have.
const STREAMS_MAX: usize = 100_000;

/// The longest row index of a column, decompressed. An entry takes some 50 to 200 bytes, so this is
/// enough for 10,000 of them; a longer one is not read, and nothing skipped by it.
const INDEX_BYTES_MAX: usize = 2 << 20;

/// Entries of a row index at most for which it is read. What is held of one takes 72 bytes and its
/// bounds.
const INDEX_ENTRIES_MAX: u64 = 20_000;

/// What a stream holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StreamKind {
    Present,
    Data,
    Length,
    DictionaryData,
    /// Of old files; says what the encoding says, too.
    DictionaryCount,
    Secondary,
    RowIndex,
    /// A bloom filter, or what came to be later.
    OtherIndex,
}

impl StreamKind {
    fn of(kind: u64) -> Self {
        match kind {
            0 => Self::Present,
            1 => Self::Data,
            2 => Self::Length,
            3 => Self::DictionaryData,
            4 => Self::DictionaryCount,
            5 => Self::Secondary,
            6 => Self::RowIndex,
            _ => Self::OtherIndex,
        }
    }

    /// Whether it stands in the index of a stripe, before all values.
    fn is_index(self) -> bool {
        matches!(self, Self::RowIndex | Self::OtherIndex)
    }
}

/// A stream of a stripe.
#[derive(Debug, Clone, Copy)]
struct StripeStream {
    kind: StreamKind,
    /// The kind's number.
    code: u64,
    column: u64,
    start: u64,
    bytes: u64,
}

/// How a column is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ColumnEncoding {
    pub(super) dictionary: bool,
    pub(super) second_version: bool,
    /// Values in the dictionary.
    pub(super) values: u64,
}

/// A stripe's footer.
pub(super) struct StripeFooter {
    streams: Vec<StripeStream>,
    encodings: Vec<ColumnEncoding>,
    /// The zone in which the writer's clock stood.
    pub(super) zone: String,
}

impl StripeFooter {
    pub(super) fn read(
        tail: &Tail,
        file: &dyn Ranges,
        group: usize,
    ) -> Result<Self, ColumnarError> {
        let stripe = &tail.stripes[group];
        let at = stripe.start + stripe.index_bytes + stripe.data_bytes;
        let whole = CompressedSection::new(file, at, stripe.footer_bytes, tail.compression)?;
        let bytes = whole.read(FOOTER_BYTES_MAX)?;
        let damaged = |ProtoFault| {
            ColumnarError::at(at, "the footer of a stripe is damaged; fetch the file again")
        };
        let footer = Self::decode(&bytes, stripe.start).map_err(damaged)?;
        footer.check(stripe, tail.types).map_err(|fault| {
            ColumnarError::at(at, format!("{fault}: the file is damaged; fetch it again"))
        })?;
        Ok(footer)
    }

    /// Holds the streams against the stripe, which they fill from its first byte to its footer, and
    /// the encodings against the types.
    fn check(&self, stripe: &Stripe, types: usize) -> Result<(), &'static str> {
        let index_end = stripe.start + stripe.index_bytes;
        let data_end = index_end + stripe.data_bytes;
        let mut end = stripe.start;
        for stream in &self.streams {
            // No sum of them is too large: that was looked at when they were read.
            end = stream.start + stream.bytes;
            let is_apart =
                if stream.kind.is_index() { end <= index_end } else { stream.start >= index_end };
            if !is_apart {
                return Err("a stream of values lies in the index of its stripe, or an index \
                            among the values");
            }
        }
        if end != data_end {
            return Err("the streams of a stripe are not as long as the stripe");
        }
        let mut names: Vec<_> =
            self.streams.iter().map(|stream| (stream.column, stream.code)).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err("a stripe has a stream twice");
        }
        if self.encodings.len() != types {
            return Err("a stripe has not one encoding for each column");
        }
        Ok(())
    }

    fn decode(bytes: &[u8], start: u64) -> Result<Self, ProtoFault> {
        let mut footer = Self { streams: Vec::new(), encodings: Vec::new(), zone: String::new() };
        let mut next = start;
        let mut message = Message(bytes);
        while let Some((field, value)) = message.field()? {
            match field {
                1 => {
                    if footer.streams.len() == STREAMS_MAX {
                        return Err(ProtoFault);
                    }
                    let stream = StripeStream::read(value, next)?;
                    next = next.checked_add(stream.bytes).ok_or(ProtoFault)?;
                    footer.streams.push(stream);
                }
                2 => footer.encodings.push(ColumnEncoding::read(value)?),
                3 => {
                    let zone = str::from_utf8(value.bytes()?).map_err(|_| ProtoFault)?;
                    footer.zone = zone.to_owned();
                }
                _ => {}
            }
        }
        Ok(footer)
    }

    /// A stream of a column; `None` where there is none.
    pub(super) fn stream<R: Ranges>(
        &self,
        tail: &Tail,
        file: R,
        id: usize,
        kind: StreamKind,
        pool: &mut BufferPool,
    ) -> Option<Chunks<R>> {
        let is = |stream: &&StripeStream| stream.column == id as u64 && stream.kind == kind;
        let stream = self.streams.iter().find(is)?;
        let range = RangeStream::new(file, stream.start, stream.bytes, pool.bytes())?;
        Some(Chunks::new(range, tail.compression, pool))
    }

    /// How many streams hold values of a column.
    pub(super) fn value_streams(&self, id: usize) -> usize {
        let is = |stream: &&StripeStream| {
            let is_value = !stream.kind.is_index() && stream.kind != StreamKind::DictionaryCount;
            stream.column == id as u64 && is_value
        };
        self.streams.iter().filter(is).count()
    }

    pub(super) fn encoding(&self, id: usize) -> Option<ColumnEncoding> {
        self.encodings.get(id).copied()
    }

    /// What the row index tells of a column.
    pub(super) fn row_index(
        &self,
        tail: &Tail,
        file: &dyn Ranges,
        group: usize,
        column: usize,
    ) -> Result<Option<Vec<PageStatistics>>, ColumnarError> {
        let described = &tail.columns[column];
        let Ok(reading) = described.reading else { return Ok(None) };
        let is = |stream: &&StripeStream| {
            stream.column == described.id as u64 && stream.kind == StreamKind::RowIndex
        };
        let Some(stream) = self.streams.iter().find(is) else { return Ok(None) };
        let stripe = &tail.stripes[group];
        let count = stripe.rows.div_ceil(tail.stride);
        if count > INDEX_ENTRIES_MAX {
            return Ok(None);
        }
        let mut whole = CompressedSection::new(file, stream.start, stream.bytes, tail.compression)?;
        if whole.is_longer_than(INDEX_BYTES_MAX)? {
            return Ok(None);
        }
        let bytes = whole.read(INDEX_BYTES_MAX)?;
        let mut entries = Vec::new();
        let mut read = || {
            let mut message = Message(&bytes);
            while let Some((field, value)) = message.field()? {
                // One too many is enough to be found out.
                if field != 1 || entries.len() as u64 > count {
                    continue;
                }
                let mut statistics = OrcStatistics::default();
                let mut entry = Message(value.bytes()?);
                while let Some((field, value)) = entry.field()? {
                    if field == 2 {
                        statistics = OrcStatistics::read(value, reading, tail.trusted)?;
                    }
                }
                entries.push(statistics);
            }
            Ok(())
        };
        read().map_err(|ProtoFault| {
            let fault = "the row index is damaged; fetch the file again";
            ColumnarError::at(stream.start, fault).within(group, &described.name)
        })?;
        // Entries that are too few or too many tell of other rows than it seems.
        let fits = entries.len() as u64 == count
            && tail.statistics_of(stripe, described).are_of(entries.iter().copied());
        let page = |(number, statistics): (usize, &OrcStatistics<'_>)| {
            let first_row = number as u64 * tail.stride;
            let rows = (stripe.rows - first_row).min(tail.stride);
            Some(PageStatistics { first_row, values: statistics.of_rows(rows)?.to_owned() })
        };
        // One that can't be tells nothing, and neither do the others.
        Ok(if fits { entries.iter().enumerate().map(page).collect() } else { None })
    }
}

impl StripeStream {
    fn read(value: Value<'_>, start: u64) -> Result<Self, ProtoFault> {
        // All writers write all of them; one that is missing was taken for another.
        let [Some(code), Some(column), Some(bytes)] = numbers_of(value, [1, 2, 3])? else {
            return Err(ProtoFault);
        };
        Ok(Self { kind: StreamKind::of(code), code, column, start, bytes })
    }
}

impl ColumnEncoding {
    fn read(value: Value<'_>) -> Result<Self, ProtoFault> {
        let [Some(kind @ 0..=3), values] = numbers_of(value, [1, 2])? else {
            return Err(ProtoFault);
        };
        let (dictionary, second_version) = (kind & 1 == 1, kind >= 2);
        Ok(Self { dictionary, second_version, values: values.unwrap_or(0) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRESENT: u8 = 0;
    const DATA: u8 = 1;
    const ROW_INDEX: u8 = 6;
    const BLOOM_FILTER: u8 = 8;

    fn stream(kind: u8, column: u8, bytes: u8) -> Vec<u8> {
        vec![10, 6, 8, kind, 16, column, 24, bytes]
    }

    fn encoding() -> Vec<u8> {
        vec![18, 2, 8, 2]
    }

    /// Holds a footer of these fields against a stripe of 4 bytes of index and 10 of data, and a
    /// row with one column.
    fn checked(fields: &[Vec<u8>]) -> Result<(), &'static str> {
        let stripe = Stripe::read(Value::Bytes(&[8, 3, 16, 4, 24, 10, 32, 9, 40, 5])).unwrap();
        let footer = StripeFooter::decode(&fields.concat(), stripe.start);
        footer.map_err(|ProtoFault| "no footer")?.check(&stripe, 2)
    }

    #[test]
    fn the_streams_of_a_stripe_are_its_own_and_fill_it() {
        let index = stream(ROW_INDEX, 1, 4);
        let (present, data) = (stream(PRESENT, 1, 3), stream(DATA, 1, 7));
        let sound = [index.clone(), present.clone(), data.clone(), encoding(), encoding()];
        assert_eq!(checked(&sound), Ok(()));
        let with = |place: usize, field: Vec<u8>| {
            let mut fields = sound.clone();
            fields[place] = field;
            checked(&fields)
        };
        let is = |found: Result<(), &str>, says: &str| found.unwrap_err().contains(says);
        assert!(is(with(2, stream(DATA, 1, 8)), "as long as the stripe"));
        assert!(is(with(2, stream(PRESENT, 1, 7)), "twice"));
        assert!(is(with(1, stream(BLOOM_FILTER, 1, 3)), "an index among the values"));
        assert!(is(with(0, stream(DATA, 1, 4)), "in the index"));
        assert!(is(with(3, vec![]), "encoding"));
        // The kind's field became field 0, which would have been taken for kind 0.
        assert!(is(with(2, vec![10, 6, 0, DATA, 16, 1, 24, 7]), "no footer"));
        // It became another field, or its length did.
        assert!(is(with(2, vec![10, 6, 40, DATA, 16, 1, 24, 7]), "no footer"));
        assert!(is(with(2, vec![10, 6, 8, DATA, 16, 1, 40, 7]), "no footer"));
        assert!(is(with(3, vec![18, 2, 40, 2]), "no footer"));
        assert!(is(with(4, vec![26, 1, 0xff]), "no footer"), "a zone that is no text");
    }
}
