//! The end of a file: columns, stripes, and what is known of their values.
//!
//! Never knows which columns are wanted.

use super::chunks::{Chunks, Compression};
use super::column::OrcColumn;
use super::proto::{Fault, Message, Value};
use super::stripe::StripeFooter;
use crate::format::codec::Codec;
use crate::format::columnar::{
    BoundsHeld, ColumnCursor, ColumnWanted, ColumnarError, ColumnarFile, Cursors, Filter,
    GroupSize, KnownHeld, PageKnown, nulls_of,
};
use crate::format::ranges::{RangeStream, Ranges};
use crate::format::spare::Spare;
use crate::predicate::{Known, Nulls, TimeUnit};

/// The postscript's length is a byte, and it stands before that byte.
const POSTSCRIPT_BYTES_MAX: u64 = 255;

/// What begins a file; the postscript holds it, too.
const MAGIC: &[u8] = b"ORC";

/// The longest footer and the longest metadata, decompressed. S3's files have a few stripes of 20
/// columns: some kilobytes.
const FOOTER_BYTES_MAX: u64 = 16 << 20;

/// The longest chunk. Writers use 256 KiB (64 KiB for LZ4); a chunk's header could tell 8 MiB.
const CHUNK_BYTES_MAX: u64 = 8 << 20;

/// How the values of a column are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    Flags,
    Bytes,
    Integers,
    Days,
    /// Instants; with a zone, and so in UTC, or without one.
    Instants {
        zoned: bool,
    },
    Texts,
}

/// A column of the file.
#[derive(Debug, Clone)]
pub(super) struct FileColumn {
    pub(super) name: String,
    /// Its number in streams and statistics.
    pub(super) id: usize,
    /// How it is read, or why it is not.
    pub(super) reading: Result<Reading, String>,
}

/// A stripe.
#[derive(Debug, Clone)]
pub(super) struct Stripe {
    pub(super) start: u64,
    pub(super) index_bytes: u64,
    pub(super) data_bytes: u64,
    pub(super) footer_bytes: u64,
    pub(super) rows: u64,
    /// For each column of the file.
    known: Vec<KnownHeld>,
}

/// A file's postscript, footer and metadata.
#[derive(Debug, Clone)]
pub struct Tail {
    pub(super) columns: Vec<FileColumn>,
    pub(super) stripes: Vec<Stripe>,
    pub(super) compression: Compression,
    /// Rows between entries of the row index; 0 without one.
    pub(super) stride: u64,
}

/// The postscript.
#[derive(Default)]
struct Postscript {
    footer_bytes: u64,
    metadata_bytes: u64,
    compression: u64,
    chunk_bytes: u64,
}

impl Tail {
    /// Reads the end of a file.
    ///
    /// # Errors
    /// When the file is not ORC, is damaged or encrypted, or can't be read.
    pub fn read(file: &dyn Ranges) -> Result<Self, ColumnarError> {
        let length = file.length();
        let postscript_length = POSTSCRIPT_BYTES_MAX.min(length.saturating_sub(1));
        let start = length - postscript_length - length.min(1);
        let mut tail = vec![0; (length - start) as usize];
        file.read_at(start, &mut tail)?;
        let no_orc = || {
            ColumnarError::at(
                start,
                "the file does not end as an ORC file does: it was cut, or is no ORC file; check \
                 the format that the report declares, and fetch the file again",
            )
        };
        let (bytes, tail) = tail.split_last().ok_or_else(no_orc)?;
        let bytes = u64::from(*bytes);
        let at = tail.len().checked_sub(bytes as usize).ok_or_else(no_orc)?;
        let postscript = Postscript::read(&tail[at..]).ok().flatten().ok_or_else(no_orc)?;
        let compression = postscript.compression()?;
        let Postscript { footer_bytes, metadata_bytes, .. } = postscript;
        let end = length - 1 - bytes;
        let part = |end: u64, bytes: u64, name: &str| {
            let start = end.checked_sub(bytes).filter(|start| *start >= MAGIC.len() as u64);
            let start = start.ok_or_else(|| {
                let fault = format!("{name} of {bytes} bytes, which can't be: the file is damaged");
                ColumnarError::at(end, fault)
            })?;
            read_whole(file, start, bytes, compression).map(|found| (start, found))
        };
        let (start, footer) = part(end, footer_bytes, "a footer")?;
        let (data_end, metadata) = part(start, metadata_bytes, "metadata")?;
        let mut tail = Self::of_footer(&footer, data_end, compression)
            .map_err(|fault| ColumnarError::at(start, fault))?;
        tail.add_known(&metadata).map_err(|Fault| {
            ColumnarError::at(data_end, "the file's metadata is damaged; fetch it again")
        })?;
        Ok(tail)
    }

    fn of_footer(footer: &[u8], end: u64, compression: Compression) -> Result<Self, String> {
        let damaged = |Fault| "the footer is damaged; fetch the file again".to_owned();
        let (mut types, mut stripes, mut stride) = (Vec::new(), Vec::new(), 0);
        let mut message = Message(footer);
        while let Some((field, value)) = message.field().map_err(damaged)? {
            match field {
                3 => stripes.push(Stripe::read(value).map_err(damaged)?),
                4 => types.push(Type::read(value).map_err(damaged)?),
                8 => stride = value.number().map_err(damaged)?,
                10 => return Err("the file is encrypted, which is not read".to_owned()),
                _ => {}
            }
        }
        for stripe in &stripes {
            let last = [stripe.index_bytes, stripe.data_bytes, stripe.footer_bytes]
                .iter()
                .try_fold(stripe.start, |sum, bytes| sum.checked_add(*bytes));
            if last.is_none_or(|last| last > end) {
                return Err("a stripe lies outside of the file: the file is damaged".to_owned());
            }
        }
        Ok(Self { columns: columns(&types)?, stripes, compression, stride })
    }

    /// Adds what the metadata tells of each stripe.
    fn add_known(&mut self, metadata: &[u8]) -> Result<(), Fault> {
        let mut stripes = self.stripes.iter_mut();
        let mut message = Message(metadata);
        while let Some((field, value)) = message.field()? {
            if field != 1 {
                continue;
            }
            let Some(stripe) = stripes.next() else { return Err(Fault) };
            let mut of_columns = Vec::new();
            let mut statistics = Message(value.bytes()?);
            while let Some((field, value)) = statistics.field()? {
                if field == 1 {
                    of_columns.push(value.bytes()?);
                }
            }
            for column in &self.columns {
                let known = match (of_columns.get(column.id), &column.reading) {
                    (Some(bytes), Ok(reading)) => statistics_of(bytes, *reading, stripe.rows)?,
                    _ => KnownHeld::default(),
                };
                stripe.known.push(known);
            }
        }
        // A writer need not tell anything.
        for stripe in stripes {
            stripe.known.resize(self.columns.len(), KnownHeld::default());
        }
        Ok(())
    }
}

impl ColumnarFile for Tail {
    fn columns(&self) -> Vec<String> {
        self.columns.iter().map(|column| column.name.clone()).collect()
    }

    fn groups(&self) -> Vec<GroupSize> {
        let size = |stripe: &Stripe| GroupSize { rows: stripe.rows, bytes: stripe.data_bytes };
        self.stripes.iter().map(size).collect()
    }

    fn known(&self, group: usize, column: usize) -> Known<'_> {
        self.stripes[group].known[column].known()
    }

    fn cursors<'f>(
        &self,
        file: &'f dyn Ranges,
        group: usize,
        wanted: &[ColumnWanted],
        spare: &mut Spare,
    ) -> Result<Cursors<'f>, ColumnarError> {
        let footer = StripeFooter::read(self, file, group)?;
        let cursor = |wanted: &ColumnWanted| -> Result<Box<dyn ColumnCursor + 'f>, _> {
            Ok(Box::new(OrcColumn::new(self, &footer, group, *wanted, file, spare)?))
        };
        wanted.iter().map(cursor).collect()
    }

    fn pages(
        &self,
        file: &dyn Ranges,
        group: usize,
        column: usize,
    ) -> Result<Option<Vec<PageKnown>>, ColumnarError> {
        if self.stride == 0 || self.stripes[group].rows <= self.stride {
            return Ok(None);
        }
        StripeFooter::read(self, file, group)?.row_index(self, file, group, column)
    }

    fn filter(
        &self,
        _: &dyn Ranges,
        _: usize,
        _: usize,
    ) -> Result<Option<Box<dyn Filter>>, ColumnarError> {
        Ok(None)
    }
}

impl Postscript {
    /// `None` where it is no postscript of ORC's.
    fn read(bytes: &[u8]) -> Result<Option<Self>, Fault> {
        let mut found = Self { chunk_bytes: 256 << 10, ..Self::default() };
        let mut is_orc = false;
        let mut message = Message(bytes);
        while let Some((field, value)) = message.field()? {
            match field {
                1 => found.footer_bytes = value.number()?,
                2 => found.compression = value.number()?,
                3 => found.chunk_bytes = value.number()?,
                5 => found.metadata_bytes = value.number()?,
                8000 => is_orc = value.bytes()? == MAGIC,
                _ => {}
            }
        }
        Ok(is_orc.then_some(found))
    }

    fn compression(&self) -> Result<Compression, ColumnarError> {
        let codec = match self.compression {
            0 => Codec::None,
            1 => Codec::Deflate,
            2 => Codec::Snappy,
            4 => Codec::Lz4,
            5 => Codec::Zstd,
            other => {
                let name = if other == 3 { "LZO".to_owned() } else { format!("codec {other}") };
                let fault = format!("the file is compressed with {name}, which is not read");
                return Err(ColumnarError::of_file(fault));
            }
        };
        if self.chunk_bytes > CHUNK_BYTES_MAX {
            let fault = format!("chunks of {} bytes: the file is damaged", self.chunk_bytes);
            return Err(ColumnarError::of_file(fault));
        }
        Ok(Compression { codec, chunk_bytes: self.chunk_bytes as usize })
    }
}

/// A part of the file, decompressed.
pub(super) fn read_whole(
    file: &dyn Ranges,
    start: u64,
    bytes: u64,
    compression: Compression,
) -> Result<Vec<u8>, ColumnarError> {
    let too_long = || ColumnarError::at(start, "more bytes than can be: the file is damaged");
    let stream = RangeStream::new(file, start, bytes, Vec::new()).ok_or_else(too_long)?;
    let mut chunks = Chunks::new(stream, compression, &mut Spare::default());
    let found = chunks.peek(FOOTER_BYTES_MAX as usize)?;
    if found.len() as u64 >= FOOTER_BYTES_MAX {
        return Err(too_long());
    }
    Ok(found.to_vec())
}

impl Stripe {
    fn read(value: Value<'_>) -> Result<Self, Fault> {
        let mut numbers = [0; 6];
        let mut message = Message(value.bytes()?);
        while let Some((field, value)) = message.field()? {
            if let 1..=5 = field {
                numbers[field as usize] = value.number()?;
            }
        }
        let [_, start, index_bytes, data_bytes, footer_bytes, rows] = numbers;
        Ok(Self { start, index_bytes, data_bytes, footer_bytes, rows, known: Vec::new() })
    }
}

/// A type, as the footer lists them: the first is that of a row.
struct Type {
    kind: u64,
    children: Vec<u64>,
    names: Vec<String>,
}

impl Type {
    fn read(value: Value<'_>) -> Result<Self, Fault> {
        let mut found = Self { kind: 0, children: Vec::new(), names: Vec::new() };
        let mut message = Message(value.bytes()?);
        while let Some((field, value)) = message.field()? {
            match field {
                1 => found.kind = value.number()?,
                2 => value.numbers(|number| found.children.push(number))?,
                3 => found.names.push(String::from_utf8_lossy(value.bytes()?).into_owned()),
                _ => {}
            }
        }
        Ok(found)
    }
}

fn columns(types: &[Type]) -> Result<Vec<FileColumn>, String> {
    const STRUCT: u64 = 12;
    let root = types.first().filter(|root| root.kind == STRUCT).ok_or("rows are no struct")?;
    if root.names.len() != root.children.len() {
        return Err("not every column has a name: the file is damaged".to_owned());
    }
    let column = |(name, id): (&String, &u64)| {
        let id = usize::try_from(*id).ok();
        let (id, kind) = id
            .and_then(|id| Some((id, types.get(id)?.kind)))
            .ok_or_else(|| format!("column {name} has no type: the file is damaged"))?;
        Ok(FileColumn { name: name.clone(), id, reading: reading(kind) })
    };
    root.names.iter().zip(&root.children).map(column).collect()
}

fn reading(kind: u64) -> Result<Reading, String> {
    Ok(match kind {
        0 => Reading::Flags,
        1 => Reading::Bytes,
        2..=4 => Reading::Integers,
        7 | 8 | 16 | 17 => Reading::Texts,
        9 => Reading::Instants { zoned: false },
        15 => Reading::Days,
        18 => Reading::Instants { zoned: true },
        5 | 6 | 14 => return Err("its values are fractions".to_owned()),
        _ => return Err("its values are nested, which no inventory's are".to_owned()),
    })
}

/// What statistics tell of so many rows of a column.
pub(super) fn statistics_of(
    statistics: &[u8],
    reading: Reading,
    rows: u64,
) -> Result<KnownHeld, Fault> {
    let (mut count, mut bounds) = (None, BoundsHeld::Unknown);
    let mut message = Message(statistics);
    while let Some((field, value)) = message.field()? {
        match (field, reading) {
            (1, _) => count = Some(value.number()?),
            (2, Reading::Integers | Reading::Bytes) => {
                let (least, most) = pair(value.bytes()?, (1, 2), |value| value.signed())?;
                if let Some((least, most)) = least.zip(most) {
                    bounds = BoundsHeld::Integers(least, most);
                }
            }
            (4, Reading::Texts) => {
                let texts = value.bytes()?;
                let bytes = |value: Value<'_>| value.bytes().map(<[u8]>::to_vec);
                let (least, most) = pair(texts, (1, 2), bytes)?;
                let (lower, upper) = pair(texts, (4, 5), bytes)?;
                if let Some((least, most)) = least.or(lower).zip(most.or(upper)) {
                    bounds = BoundsHeld::Bytes(least, most);
                }
            }
            (9, Reading::Instants { .. }) => {
                let (least, most) = pair(value.bytes()?, (3, 4), |value| value.signed())?;
                if let Some((least, most)) = least.zip(most) {
                    // They are cut to milliseconds.
                    bounds = BoundsHeld::Instants(least, most.saturating_add(1), TimeUnit::Millis);
                }
            }
            _ => {}
        }
    }
    let nulls = match count {
        Some(count) => nulls_of(rows.checked_sub(count), rows),
        None => Nulls::Unknown,
    };
    Ok(KnownHeld { nulls, bounds })
}

type Pair<T> = (Option<T>, Option<T>);

/// Two fields of a message.
fn pair<'a, T>(
    bytes: &'a [u8],
    fields: (u64, u64),
    read: impl Fn(Value<'a>) -> Result<T, Fault>,
) -> Result<Pair<T>, Fault> {
    let mut found = (None, None);
    let mut message = Message(bytes);
    while let Some((field, value)) = message.field()? {
        if field == fields.0 {
            found.0 = Some(read(value)?);
        } else if field == fields.1 {
            found.1 = Some(read(value)?);
        }
    }
    Ok(found)
}
