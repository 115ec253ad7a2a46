//! The footer of a stripe: where its streams lie, how columns are written, and its row index.
//!
//! Never knows how a stream is decoded.

use super::chunks::Chunks;
use super::proto::{Fault, Message, Value};
use super::tail::{Tail, read_whole, statistics_of};
use crate::format::columnar::{ColumnarError, PageKnown};
use crate::format::ranges::{RangeStream, Ranges};
use crate::format::spare::Spare;

/// What a stream holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StreamKind {
    Present,
    Data,
    Length,
    DictionaryData,
    Secondary,
    RowIndex,
    Other,
}

/// A stream of a stripe.
#[derive(Debug, Clone, Copy)]
struct Stream {
    kind: StreamKind,
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
    streams: Vec<Stream>,
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
        let bytes = read_whole(file, at, stripe.footer_bytes, tail.compression)?;
        let damaged = |Fault| {
            ColumnarError::at(at, "the footer of a stripe is damaged; fetch the file again")
        };
        let footer = Self::decode(&bytes, stripe.start).map_err(damaged)?;
        let outside =
            |stream: &Stream| stream.start.checked_add(stream.bytes).is_none_or(|end| end > at);
        if footer.streams.iter().any(outside) {
            return Err(ColumnarError::at(at, "a stream lies outside of its stripe"));
        }
        Ok(footer)
    }

    fn decode(bytes: &[u8], start: u64) -> Result<Self, Fault> {
        let mut footer = Self { streams: Vec::new(), encodings: Vec::new(), zone: String::new() };
        let mut next = start;
        let mut message = Message(bytes);
        while let Some((field, value)) = message.field()? {
            match field {
                1 => {
                    let stream = Stream::read(value, next)?;
                    next = next.checked_add(stream.bytes).ok_or(Fault)?;
                    footer.streams.push(stream);
                }
                2 => footer.encodings.push(ColumnEncoding::read(value)?),
                3 => footer.zone = String::from_utf8_lossy(value.bytes()?).into_owned(),
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
        spare: &mut Spare,
    ) -> Option<Chunks<R>> {
        let is = |stream: &&Stream| stream.column == id as u64 && stream.kind == kind;
        let stream = self.streams.iter().find(is)?;
        let range = RangeStream::new(file, stream.start, stream.bytes, spare.bytes())?;
        Some(Chunks::new(range, tail.compression, spare))
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
    ) -> Result<Option<Vec<PageKnown>>, ColumnarError> {
        let described = &tail.columns[column];
        let Ok(reading) = described.reading else { return Ok(None) };
        let is = |stream: &&Stream| {
            stream.column == described.id as u64 && stream.kind == StreamKind::RowIndex
        };
        let Some(stream) = self.streams.iter().find(is) else { return Ok(None) };
        let bytes = read_whole(file, stream.start, stream.bytes, tail.compression)?;
        let rows = tail.stripes[group].rows;
        let mut pages: Vec<PageKnown> = Vec::new();
        let mut read = || {
            let mut message = Message(&bytes);
            while let Some((field, value)) = message.field()? {
                let first_row = pages.len() as u64 * tail.stride;
                if field != 1 || first_row >= rows {
                    continue;
                }
                let own_rows = (rows - first_row).min(tail.stride);
                let mut known = Default::default();
                let mut entry = Message(value.bytes()?);
                while let Some((field, value)) = entry.field()? {
                    if field == 2 {
                        known = statistics_of(value.bytes()?, reading, own_rows)?;
                    }
                }
                pages.push(PageKnown { first_row, known });
            }
            Ok(())
        };
        read().map_err(|Fault| {
            let fault = "the row index is damaged; fetch the file again";
            ColumnarError::at(stream.start, fault).within(group, &described.name)
        })?;
        // One that does not cover all rows tells nothing of the last ones.
        let covered = pages.len() as u64 * tail.stride >= rows;
        Ok(covered.then_some(pages))
    }
}

impl Stream {
    fn read(value: Value<'_>, start: u64) -> Result<Self, Fault> {
        let (mut kind, mut column, mut bytes) = (0, 0, 0);
        let mut message = Message(value.bytes()?);
        while let Some((field, value)) = message.field()? {
            match field {
                1 => kind = value.number()?,
                2 => column = value.number()?,
                3 => bytes = value.number()?,
                _ => {}
            }
        }
        let kind = match kind {
            0 => StreamKind::Present,
            1 => StreamKind::Data,
            2 => StreamKind::Length,
            3 => StreamKind::DictionaryData,
            5 => StreamKind::Secondary,
            6 => StreamKind::RowIndex,
            _ => StreamKind::Other,
        };
        Ok(Self { kind, column, start, bytes })
    }
}

impl ColumnEncoding {
    fn read(value: Value<'_>) -> Result<Self, Fault> {
        let (mut kind, mut values) = (0, 0);
        let mut message = Message(value.bytes()?);
        while let Some((field, value)) = message.field()? {
            match field {
                1 => kind = value.number()?,
                2 => values = value.number()?,
                _ => {}
            }
        }
        if kind > 3 {
            return Err(Fault);
        }
        Ok(Self { dictionary: kind & 1 == 1, second_version: kind >= 2, values })
    }
}
