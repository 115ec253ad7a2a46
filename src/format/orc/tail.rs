//! The end of a file: columns, stripes, and what is known of their values.
//!
//! Never knows which columns are wanted.

use super::chunks::{Chunks, Compression};
use super::column::OrcColumn;
use super::proto::{Fault, Message, Value, numbers_of, once};
use super::statistics::Statistics;
use super::stripe::StripeFooter;
use crate::format::codec::Codec;
use crate::format::columnar::{
    ColumnCursor, ColumnWanted, ColumnarError, ColumnarFile, Cursors, Filter, GroupSize, KnownHeld,
    PageKnown,
};
use crate::format::ranges::{RangeStream, Ranges};
use crate::format::spare::Spare;
use crate::predicate::Known;

/// The postscript's length is a byte, and it stands before that byte.
const POSTSCRIPT_BYTES_MAX: u64 = 255;

/// What begins a file; the postscript holds it, too.
const MAGIC: &[u8] = b"ORC";

/// The longest footer and the longest metadata, decompressed. S3's files have a few stripes of 20
/// columns: some kilobytes.
const FOOTER_BYTES_MAX: u64 = 16 << 20;

/// The longest chunk of a file that does not tell.
const CHUNK_BYTES: u64 = 256 << 10;

/// The longest chunk that is read. Writers use 256 KiB (64 KiB for LZ4); a chunk's header could
/// tell 8 MiB.
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
    /// The same, as it was read.
    pub(super) statistics: Vec<Statistics>,
}

/// A file's postscript, footer and metadata.
#[derive(Debug, Clone)]
pub struct Tail {
    pub(super) columns: Vec<FileColumn>,
    pub(super) stripes: Vec<Stripe>,
    /// Types that the footer lists: one for the row, and one for each column.
    pub(super) types: usize,
    /// What the footer tells of the values of each column in the whole file.
    statistics: Vec<Statistics>,
    pub(super) compression: Compression,
    /// Rows between entries of the row index; 0 without one.
    pub(super) stride: u64,
}

/// The postscript.
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
        let (mut types, mut stripes, mut statistics) = (Vec::new(), Vec::new(), Vec::new());
        let (mut rows, mut stride) = (None, None);
        let mut message = Message(footer);
        while let Some((field, value)) = message.field().map_err(damaged)? {
            match field {
                3 => stripes.push(Stripe::read(value).map_err(damaged)?),
                4 => types.push(Type::read(value).map_err(damaged)?),
                6 => value.number().and_then(|found| once(&mut rows, found)).map_err(damaged)?,
                7 => statistics.push(value),
                8 => value.number().and_then(|found| once(&mut stride, found)).map_err(damaged)?,
                10 => return Err("the file is encrypted, which is not read".to_owned()),
                _ => {}
            }
        }
        check_stripes(&stripes, rows, end)?;
        let columns = columns(&types)?;
        let statistics = of_columns(&columns, types.len(), &statistics).map_err(damaged)?;
        let (types, stride) = (types.len(), stride.unwrap_or(0));
        Ok(Self { columns, stripes, types, statistics, compression, stride })
    }

    /// Adds what the metadata tells of each stripe.
    fn add_known(&mut self, metadata: &[u8]) -> Result<(), Fault> {
        let mut told = Vec::new();
        let mut message = Message(metadata);
        while let Some((field, value)) = message.field()? {
            if field != 1 {
                continue;
            }
            let mut values = Vec::new();
            let mut statistics = Message(value.bytes()?);
            while let Some((field, value)) = statistics.field()? {
                if field == 1 {
                    values.push(value);
                }
            }
            told.push(of_columns(&self.columns, self.types, &values)?);
        }
        // A writer need not tell anything. Where one is missing, nobody knows of which stripe the
        // others tell.
        if told.len() != self.stripes.len() {
            told = vec![of_columns(&self.columns, self.types, &[])?; self.stripes.len()];
        }
        for (column, whole) in self.statistics.iter().enumerate() {
            let fit = whole.are_of(told.iter().map(|stripe| &stripe[column]));
            for (stripe, statistics) in self.stripes.iter_mut().zip(&told) {
                let known = fit.then(|| statistics[column].of_rows(stripe.rows)).flatten();
                stripe.known.push(known.unwrap_or_default());
            }
        }
        for (stripe, statistics) in self.stripes.iter_mut().zip(told) {
            stripe.statistics = statistics;
        }
        Ok(())
    }
}

/// What statistics of all types tell of the columns; nothing where there are not as many as types.
fn of_columns(
    columns: &[FileColumn],
    types: usize,
    statistics: &[Value<'_>],
) -> Result<Vec<Statistics>, Fault> {
    let of_column = |column: &FileColumn| match (&column.reading, statistics.get(column.id)) {
        (Ok(reading), Some(value)) if statistics.len() == types => {
            Statistics::read(*value, *reading)
        }
        _ => Ok(Statistics::default()),
    };
    columns.iter().map(of_column).collect()
}

/// Holds the stripes against the file: each behind the one before, and as many rows as the footer
/// says.
fn check_stripes(stripes: &[Stripe], rows: Option<u64>, end: u64) -> Result<(), String> {
    let mut last = MAGIC.len() as u64;
    for stripe in stripes {
        let parts = [stripe.index_bytes, stripe.data_bytes, stripe.footer_bytes];
        let stripe_end = parts.iter().try_fold(stripe.start, |sum, bytes| sum.checked_add(*bytes));
        match stripe_end {
            Some(stripe_end) if stripe_end <= end && stripe.start >= last => last = stripe_end,
            _ => {
                return Err(
                    "a stripe lies outside of the file, or inside of another: the file is \
                            damaged; fetch it again"
                        .to_owned(),
                );
            }
        }
    }
    let sum = stripes.iter().try_fold(0_u64, |sum, stripe| sum.checked_add(stripe.rows));
    if rows.is_none() || rows != sum {
        let told = rows.map_or("no number of rows".to_owned(), |rows| format!("{rows} rows"));
        let sum = sum.map_or("more than can be".to_owned(), |sum| sum.to_string());
        return Err(format!(
            "the footer tells {told}, and its stripes have {sum}: the file is damaged; fetch it \
             again"
        ));
    }
    Ok(())
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
        let known = numbers_of(Value::Bytes(bytes), [1, 2, 3, 5])?;
        let [Some(footer_bytes), Some(compression), chunk_bytes, metadata_bytes] = known else {
            return Ok(None);
        };
        let mut is_orc = false;
        let mut message = Message(bytes);
        while let Some((field, value)) = message.field()? {
            is_orc |= field == 8000 && value.bytes()? == MAGIC;
        }
        let chunk_bytes = chunk_bytes.unwrap_or(CHUNK_BYTES);
        let metadata_bytes = metadata_bytes.unwrap_or(0);
        Ok(is_orc.then_some(Self { footer_bytes, metadata_bytes, compression, chunk_bytes }))
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
    pub(super) fn read(value: Value<'_>) -> Result<Self, Fault> {
        // All writers write all of them; one that is missing was taken for another.
        let [Some(start), Some(index_bytes), Some(data_bytes), Some(footer_bytes), Some(rows)] =
            numbers_of(value, [1, 2, 3, 4, 5])?
        else {
            return Err(Fault);
        };
        let (known, statistics) = (Vec::new(), Vec::new());
        Ok(Self { start, index_bytes, data_bytes, footer_bytes, rows, known, statistics })
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
        let (mut kind, mut children, mut names) = (None, Vec::new(), Vec::new());
        let mut message = Message(value.bytes()?);
        while let Some((field, value)) = message.field()? {
            match field {
                1 => once(&mut kind, value.number()?)?,
                2 => value.numbers(|number| children.push(number))?,
                3 => {
                    let name = str::from_utf8(value.bytes()?).map_err(|_| Fault)?;
                    names.push(name.to_owned());
                }
                _ => {}
            }
        }
        Ok(Self { kind: kind.ok_or(Fault)?, children, names })
    }
}

fn columns(types: &[Type]) -> Result<Vec<FileColumn>, String> {
    const STRUCT: u64 = 12;
    let root = types.first().filter(|root| root.kind == STRUCT).ok_or("rows are no struct")?;
    if root.names.len() != root.children.len() {
        return Err("not every column has a name: the file is damaged".to_owned());
    }
    if !root.children.is_sorted_by(|one, next| one < next) {
        return Err("its columns are numbered out of order: the file is damaged".to_owned());
    }
    let column = |(name, id): (&String, &u64)| {
        let id = usize::try_from(*id).ok();
        let (id, kind) = id
            .filter(|id| *id > 0)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A stripe of so many bytes, from one on.
    fn stripe(start: u8, bytes: u8, rows: u8) -> Vec<u8> {
        vec![26, 10, 8, start, 16, 0, 24, bytes, 32, 0, 40, rows]
    }

    /// The type of a row of two columns, and theirs.
    fn types(children: [u8; 2], name: &[u8; 1]) -> Vec<u8> {
        let row = [8, 12, 18, 2, children[0], children[1], 26, 1, name[0], 26, 1, b'b'];
        [&[34, row.len() as u8][..], &row, &[34, 2, 8, 4], &[34, 2, 8, 7]].concat()
    }

    fn fault(parts: &[Vec<u8>]) -> Option<String> {
        let compression = Compression { codec: Codec::None, chunk_bytes: 1 << 10 };
        Tail::of_footer(&parts.concat(), 100, compression).err()
    }

    #[test]
    fn a_footer_agrees_with_its_stripes() {
        let types = types([1, 2], b"a");
        let stripes = [stripe(3, 40, 7), stripe(43, 57, 2)].concat();
        assert_eq!(fault(&[stripes.clone(), types.clone(), vec![48, 9]]), None);
        let is = |parts: &[Vec<u8>], says: &str| {
            let found = fault(parts).unwrap();
            assert!(found.contains(says), "{found}");
        };
        is(&[stripes.clone(), types.clone(), vec![48, 10]], "10 rows, and its stripes have 9");
        is(&[stripes.clone(), types.clone()], "no number of rows");
        is(&[stripes.clone(), types.clone(), vec![48, 9, 48, 9]], "the footer is damaged");
        for second in [stripe(42, 57, 2), stripe(43, 58, 2), stripe(2, 1, 2)] {
            is(&[stripe(3, 40, 7), second, types.clone(), vec![48, 9]], "inside of another");
        }
        let short = vec![26, 8, 8, 43, 16, 0, 24, 57, 40, 2];
        is(&[stripe(3, 40, 7), short, types, vec![48, 9]], "the footer is damaged");
    }

    #[test]
    fn columns_are_numbered_in_order_and_have_names() {
        let stripe = stripe(3, 40, 7);
        let rows = vec![48, 7];
        for children in [[2, 1], [1, 1], [0, 1], [1, 3]] {
            assert!(fault(&[stripe.clone(), types(children, b"a"), rows.clone()]).is_some());
        }
        assert!(fault(&[stripe.clone(), types([1, 2], &[0xff]), rows.clone()]).is_some());
        assert!(fault(&[stripe, types([1, 2], b"a"), rows]).is_none());
    }
}
