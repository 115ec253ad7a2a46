//! The end of a file: columns, stripes, and what is known of their values.
//!
//! What is known stays in the metadata's bytes, with the place of each stripe in them, and is read
//! when it is asked for: decoded, a damaged file of a megabyte could take any memory.
//!
//! Never knows which columns are wanted.

use std::mem;
use std::ops::Range;

use super::chunks::{Chunks, Compression};
use super::orc_type::OrcType;
use super::proto::{Message, ProtoFault, Value, numbers_of, once};
use super::statistics::{OrcStatistics, StatisticsSum};
use super::writer::TrustedBounds;
use crate::format::buffer_pool::BufferPool;
use crate::format::codec::Codec;
use crate::format::columnar::{ColumnarError, GroupSize};
use crate::format::ranges::{RangeStream, Ranges};

/// The postscript's length is a byte, and it stands before that byte.
const POSTSCRIPT_BYTES_MAX: u64 = 255;

/// What begins a file; the postscript holds it, too.
const MAGIC: &[u8] = b"ORC";

/// The longest footer and the longest metadata, decompressed. S3's files have a few stripes of 20
/// columns: some kilobytes.
const FOOTER_BYTES_MAX: usize = 16 << 20;

/// A footer, or metadata, of which the memory is asked for only when it turns out to be longer: how
/// long it is when decompressed nobody can say before. 1 MiB: 300 stripes of 20 columns.
const FOOTER_BYTES_UNASKED: usize = 1 << 20;

/// Memory that a file's tail takes at most while it is read, where it takes more than that: footer
/// and metadata, twice while they grow, a chunk each, and the lists of stripes and columns.
const TAIL_MEMORY_BYTES: u64 = 4 * FOOTER_BYTES_MAX as u64 + 2 * CHUNK_BYTES_MAX + (16 << 20);

/// Stripes of a file at most: 4 MB of memory. A stripe has some 64 MB.
const STRIPES_MAX: usize = 50_000;

/// Types of a file at most, those of nested columns included. A report has 1,024 columns at most
/// (`report::COLUMNS_MAX`); a file may have more, which are not read.
const TYPES_MAX: usize = 10_000;

/// The longest name of a column, in bytes. A report's own are no longer.
const NAME_BYTES_MAX: usize = 1 << 10;

/// The longest chunk of a file that does not tell.
const CHUNK_BYTES: u64 = 256 << 10;

/// The longest chunk that is read. Writers use 256 KiB (64 KiB for LZ4); a chunk's header could
/// tell 8 MiB.
const CHUNK_BYTES_MAX: u64 = 8 << 20;

/// A column of the file.
#[derive(Debug, Clone)]
pub(super) struct FileColumn {
    pub(super) name: String,
    /// Its number in streams and statistics.
    pub(super) id: usize,
    /// How it is read, or why it is not.
    pub(super) reading: Result<OrcType, &'static str>,
}

/// A stripe.
#[derive(Debug, Clone)]
pub(super) struct Stripe {
    pub(super) start: u64,
    pub(super) index_bytes: u64,
    pub(super) data_bytes: u64,
    pub(super) footer_bytes: u64,
    pub(super) rows: u64,
    /// Where in the metadata it is told of; nowhere, if that tells nothing.
    told: Range<u32>,
}

/// A file's postscript, footer and metadata.
#[derive(Debug, Clone)]
pub struct Tail {
    pub(super) columns: Vec<FileColumn>,
    pub(super) stripes: Vec<Stripe>,
    /// Rows and bytes of each stripe.
    pub(super) groups: Vec<GroupSize>,
    /// Types that the footer lists: one for the row, and one for each column.
    pub(super) types: usize,
    pub(super) metadata: Vec<u8>,
    /// For each column, whether what the metadata tells fits what the footer tells.
    pub(super) fits: Vec<bool>,
    pub(super) compression: Compression,
    /// Rows between entries of the row index; 0 without one.
    pub(super) stride: u64,
    /// Which bounds are used, for the writer that told them.
    pub(super) trusted: TrustedBounds,
}

/// The postscript.
struct Postscript {
    footer_bytes: u64,
    metadata_bytes: u64,
    compression: u64,
    chunk_bytes: u64,
    writer_version: Option<u64>,
}

impl Tail {
    /// Reads the end of a file.
    ///
    /// # Errors
    /// When the file is not ORC, is damaged or encrypted, or can't be read.
    pub fn read(file: &dyn Ranges) -> Result<Self, ColumnarError> {
        Self::read_within(file, &mut |_| ())
    }

    /// As [`Tail::read`]; tells `admit` before how much memory that may take, in bytes, if it is
    /// more than a few megabytes.
    ///
    /// # Errors
    /// As there.
    pub fn read_within(
        file: &dyn Ranges,
        admit: &mut dyn FnMut(u64),
    ) -> Result<Self, ColumnarError> {
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
        let Postscript { footer_bytes, metadata_bytes, writer_version, .. } = postscript;
        let end = length - 1 - bytes;
        let mut is_admitted = false;
        let mut ask = || {
            if !mem::replace(&mut is_admitted, true) {
                admit(TAIL_MEMORY_BYTES);
            }
        };
        let mut part = |end: u64, bytes: u64, name: &str| {
            let start = end.checked_sub(bytes).filter(|start| *start >= MAGIC.len() as u64);
            let start = start.ok_or_else(|| {
                let fault = format!("{name} of {bytes} bytes, which can't be: the file is damaged");
                ColumnarError::at(end, fault)
            })?;
            let mut whole = CompressedSection::new(file, start, bytes, compression)?;
            if whole.is_longer_than(FOOTER_BYTES_UNASKED)? {
                ask();
            }
            whole.read(FOOTER_BYTES_MAX).map(|found| (start, found))
        };
        let (start, footer) = part(end, footer_bytes, "a footer")?;
        let (data_end, metadata) = part(start, metadata_bytes, "metadata")?;
        let (mut tail, statistics) =
            Self::from_footer(&footer, data_end, compression, writer_version)
                .map_err(|fault| ColumnarError::at(start, fault))?;
        tail.add_known(metadata, &statistics).map_err(|ProtoFault| {
            ColumnarError::at(data_end, "the file's metadata is damaged; fetch it again")
        })?;
        Ok(tail)
    }

    /// What the footer tells; apart from it, its statistics of each type.
    fn from_footer(
        footer: &[u8],
        end: u64,
        compression: Compression,
        writer_version: Option<u64>,
    ) -> Result<(Self, Vec<Value<'_>>), String> {
        let damaged = |ProtoFault| "the footer is damaged; fetch the file again".to_owned();
        let (mut types, mut stripes, mut statistics) =
            (FileTypes::default(), Vec::new(), Vec::new());
        let (mut rows, mut stride, mut writer, mut release) = (None, None, None, None);
        let mut message = Message(footer);
        while let Some((field, value)) = message.field().map_err(damaged)? {
            match field {
                3 if stripes.len() == STRIPES_MAX => {
                    return Err(format!("more than {STRIPES_MAX} stripes: the file is damaged"));
                }
                3 => stripes.push(Stripe::read(value).map_err(damaged)?),
                4 if types.kinds.len() == TYPES_MAX => {
                    return Err(format!("more than {TYPES_MAX} columns: the file is damaged"));
                }
                4 => types.add(value).map_err(damaged)?,
                6 => value.number().and_then(|found| once(&mut rows, found)).map_err(damaged)?,
                // One too many is enough to be found out.
                7 if statistics.len() <= TYPES_MAX => statistics.push(value),
                8 => value.number().and_then(|found| once(&mut stride, found)).map_err(damaged)?,
                9 => writer = Some(value.number().map_err(damaged)?),
                10 => return Err("the file is encrypted, which is not read".to_owned()),
                12 => release = Some(value.bytes().map_err(damaged)?),
                _ => {}
            }
        }
        check_stripes(&stripes, rows, end)?;
        stripes.shrink_to_fit();
        let size = |stripe: &Stripe| GroupSize { rows: stripe.rows, bytes: stripe.data_bytes };
        let (groups, columns) = (stripes.iter().map(size).collect(), types.columns()?);
        let (types, stride) = (types.kinds.len(), stride.unwrap_or(0));
        let (metadata, fits) = (Vec::new(), Vec::new());
        let trusted = TrustedBounds::of(writer_version, writer, release);
        let tail =
            Self { columns, stripes, groups, types, metadata, fits, compression, stride, trusted };
        Ok((tail, statistics))
    }

    /// Adds what the metadata tells of each stripe, and looks all of it through. `whole`: what the
    /// footer tells of the whole file, of each type.
    fn add_known(&mut self, metadata: Vec<u8>, whole: &[Value<'_>]) -> Result<(), ProtoFault> {
        let (mut places, mut message) = (Vec::new(), Message(&metadata));
        while let Some((field, value)) = message.field()? {
            // One too many is enough to be found out.
            if field == 1 && places.len() <= self.stripes.len() {
                let end = metadata.len() - message.0.len();
                let place = |at: usize| u32::try_from(at).map_err(|_| ProtoFault);
                places.push(place(end - value.bytes()?.len())?..place(end)?);
            }
        }
        // A writer need not tell anything. Where one is missing, nobody knows of which stripe the
        // others tell.
        if places.len() == self.stripes.len() {
            self.stripes.iter_mut().zip(places).for_each(|(stripe, place)| stripe.told = place);
        }
        let mut sums = vec![StatisticsSum::default(); self.columns.len()];
        let mut untold = false;
        for stripe in &self.stripes {
            let told = self.told_of(&metadata, stripe)?;
            if told.is_empty() {
                untold = true;
                continue;
            }
            for (column, sum) in self.columns.iter().zip(&mut sums) {
                sum.add(column_statistics(column, &told, self.trusted)?);
            }
        }
        if untold {
            sums.iter_mut().for_each(|sum| sum.add(OrcStatistics::default()));
        }
        let whole = if whole.len() == self.types { whole } else { &[] };
        let fit = |(column, sum): (&FileColumn, &StatisticsSum<'_>)| {
            column_statistics(column, whole, self.trusted).map(|whole| sum.fits(&whole))
        };
        self.fits = self.columns.iter().zip(&sums).map(fit).collect::<Result<_, _>>()?;
        self.metadata = metadata;
        Ok(())
    }

    /// What the metadata tells of each type in a stripe; nothing where there are not as many as
    /// types.
    fn told_of<'m>(
        &self,
        metadata: &'m [u8],
        stripe: &Stripe,
    ) -> Result<Vec<Value<'m>>, ProtoFault> {
        let place = stripe.told.start as usize..stripe.told.end as usize;
        let (mut told, mut message) = (Vec::new(), Message(metadata.get(place).ok_or(ProtoFault)?));
        while let Some((field, value)) = message.field()? {
            if field == 1 && told.len() <= self.types {
                told.push(value);
            }
        }
        told.truncate(if told.len() == self.types { self.types } else { 0 });
        Ok(told)
    }

    /// What the metadata tells of a column of a stripe.
    pub(super) fn statistics_of(&self, stripe: &Stripe, column: &FileColumn) -> OrcStatistics<'_> {
        let told = self.told_of(&self.metadata, stripe);
        told.and_then(|told| column_statistics(column, &told, self.trusted)).unwrap_or_default()
    }
}

/// What statistics of all types tell of a column.
fn column_statistics<'m>(
    column: &FileColumn,
    told: &[Value<'m>],
    trusted: TrustedBounds,
) -> Result<OrcStatistics<'m>, ProtoFault> {
    match (column.reading, told.get(column.id)) {
        (Ok(reading), Some(value)) => OrcStatistics::read(*value, reading, trusted),
        _ => Ok(OrcStatistics::default()),
    }
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

impl Postscript {
    /// `None` where it is not a postscript of ORC's.
    fn read(bytes: &[u8]) -> Result<Option<Self>, ProtoFault> {
        let known = numbers_of(Value::Bytes(bytes), [1, 2, 3, 5, 6])?;
        let [Some(footer_bytes), Some(compression), chunk_bytes, metadata_bytes, writer_version] =
            known
        else {
            return Ok(None);
        };
        let mut is_orc = false;
        let mut message = Message(bytes);
        while let Some((field, value)) = message.field()? {
            is_orc |= field == 8000 && value.bytes()? == MAGIC;
        }
        let chunk_bytes = chunk_bytes.unwrap_or(CHUNK_BYTES);
        let metadata_bytes = metadata_bytes.unwrap_or(0);
        Ok(is_orc.then_some(Self {
            footer_bytes,
            metadata_bytes,
            compression,
            chunk_bytes,
            writer_version,
        }))
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
                return Err(ColumnarError::in_file(fault));
            }
        };
        if self.chunk_bytes > CHUNK_BYTES_MAX {
            let fault = format!("chunks of {} bytes: the file is damaged", self.chunk_bytes);
            return Err(ColumnarError::in_file(fault));
        }
        Ok(Compression { codec, chunk_bytes: self.chunk_bytes as usize })
    }
}

/// A part of the file that is decompressed as a whole.
pub(super) struct CompressedSection<'f> {
    start: u64,
    chunks: Chunks<&'f dyn Ranges>,
}

impl<'f> CompressedSection<'f> {
    pub(super) fn new(
        file: &'f dyn Ranges,
        start: u64,
        bytes: u64,
        compression: Compression,
    ) -> Result<Self, ColumnarError> {
        let stream = RangeStream::new(file, start, bytes, Vec::new())
            .ok_or_else(|| ColumnarError::at(start, TOO_LONG))?;
        Ok(Self { start, chunks: Chunks::new(stream, compression, &mut BufferPool::default()) })
    }

    pub(super) fn is_longer_than(&mut self, bytes: usize) -> Result<bool, ColumnarError> {
        Ok(self.chunks.peek(bytes + 1)?.len() > bytes)
    }

    /// Its bytes, if they are not more.
    pub(super) fn read(mut self, bytes_max: usize) -> Result<Vec<u8>, ColumnarError> {
        if self.is_longer_than(bytes_max)? {
            return Err(ColumnarError::at(self.start, TOO_LONG));
        }
        // What is left of the buffer was room for a chunk.
        Ok(self.chunks.peeked().to_vec())
    }
}

const TOO_LONG: &str = "more bytes than can be: the file is damaged";

impl Stripe {
    pub(super) fn read(value: Value<'_>) -> Result<Self, ProtoFault> {
        // All writers write all of them; one that is missing was taken for another.
        let [Some(start), Some(index_bytes), Some(data_bytes), Some(footer_bytes), Some(rows)] =
            numbers_of(value, [1, 2, 3, 4, 5])?
        else {
            return Err(ProtoFault);
        };
        Ok(Self { start, index_bytes, data_bytes, footer_bytes, rows, told: 0..0 })
    }
}

/// The types of a file. The first is that of a row; what other ones nest is not looked at.
#[derive(Default)]
struct FileTypes<'a> {
    kinds: Vec<u64>,
    /// The columns of a row: the numbers of their types, and their names.
    children: Vec<u64>,
    names: Vec<&'a str>,
}

impl<'a> FileTypes<'a> {
    fn add(&mut self, value: Value<'a>) -> Result<(), ProtoFault> {
        let (mut kind, is_row) = (None, self.kinds.is_empty());
        let mut message = Message(value.bytes()?);
        while let Some((field, value)) = message.field()? {
            match field {
                1 => once(&mut kind, value.number()?)?,
                2 => value.numbers(|number| {
                    // One too many is enough to be found out.
                    if is_row && self.children.len() <= TYPES_MAX {
                        self.children.push(number);
                    }
                })?,
                3 => {
                    let name = str::from_utf8(value.bytes()?).map_err(|_| ProtoFault)?;
                    if is_row && self.names.len() <= TYPES_MAX {
                        self.names.push(name);
                    }
                }
                _ => {}
            }
        }
        self.kinds.push(kind.ok_or(ProtoFault)?);
        Ok(())
    }

    fn columns(&self) -> Result<Vec<FileColumn>, String> {
        const STRUCT: u64 = 12;
        if self.kinds.first() != Some(&STRUCT) {
            return Err("rows are no struct".to_owned());
        }
        if self.children.len() > TYPES_MAX || self.names.len() > TYPES_MAX {
            return Err(format!("more than {TYPES_MAX} columns: the file is damaged"));
        }
        if self.names.len() != self.children.len() {
            return Err("not every column has a name: the file is damaged".to_owned());
        }
        if !self.children.is_sorted_by(|one, next| one < next) {
            return Err("its columns are numbered out of order: the file is damaged".to_owned());
        }
        let column = |(name, id): (&&str, &u64)| {
            if name.len() > NAME_BYTES_MAX {
                return Err(format!("a column's name of {} bytes", name.len()));
            }
            let id = usize::try_from(*id).ok().filter(|id| *id > 0);
            let (id, kind) = id
                .and_then(|id| Some((id, *self.kinds.get(id)?)))
                .ok_or_else(|| format!("column {name} has no type: the file is damaged"))?;
            Ok(FileColumn { name: (*name).to_owned(), id, reading: reading(kind) })
        };
        self.names.iter().zip(&self.children).map(column).collect()
    }
}

fn reading(kind: u64) -> Result<OrcType, &'static str> {
    Ok(match kind {
        0 => OrcType::Flags,
        1 => OrcType::Bytes,
        2..=4 => OrcType::Integers,
        7 | 8 | 16 => OrcType::Texts,
        9 => OrcType::Instants { zoned: false },
        15 => OrcType::Days,
        18 => OrcType::Instants { zoned: true },
        17 => return Err("its values are CHAR, filled up with spaces: write them as STRING"),
        5 | 6 | 14 => return Err("its values are fractions"),
        _ => return Err("its values are nested, which no inventory's are"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stripe of this many bytes, from one on.
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
        Tail::from_footer(&parts.concat(), 100, compression, None).err()
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
