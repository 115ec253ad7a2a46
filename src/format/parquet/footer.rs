//! The footer: columns, row groups, and where in the file the columns of each lie.
//!
//! Its bytes are kept as they are. Once, when it is read, all of it is looked through: so damage is
//! found at once, and the place of each column of each row group is known. A column is then
//! described from the bytes when it is asked for. Decoded, a footer could take twenty times its
//! bytes; so it takes less than three times.
//!
//! Never knows which columns are wanted.

use std::ops::Range;

use super::schema::{self, LeafColumn, LeafType};
use super::thrift::{Kind, Reader, ThriftFault};
use super::writer::NullCounts;
use crate::format::codec::Codec;
use crate::format::columnar::{ColumnarError, GroupSize};
use crate::format::ranges::Ranges;
use crate::values::{Bounds, ColumnStatistics, NullCount};

/// What begins and ends a file.
const MAGIC: &[u8; 4] = b"PAR1";
/// What ends one whose footer is encrypted.
const MAGIC_ENCRYPTED: &[u8; 4] = b"PARE";

/// The length of the footer, and the magic.
const TAIL_BYTES: usize = 8;

/// The longest footer. A column of a row group takes some 150 bytes, so this is enough for 5,000
/// row groups of 20 columns; S3's files have a few.
const FOOTER_BYTES_MAX: usize = 16 << 20;

/// Memory that a footer takes at most while it is read, as a multiple of its bytes. A row group of
/// one column takes 26 bytes at least, and 36 bytes of memory for its places, twice that where a
/// list grows.
const FOOTER_MEMORY_FACTOR: u64 = 4;

/// A file's footer.
#[derive(Debug, Clone)]
pub struct Footer {
    pub(super) bytes: Vec<u8>,
    /// Columns, in the order of the file.
    pub(super) columns: Vec<LeafColumn>,
    /// Row groups, in the order of the file.
    pub(super) groups: Vec<GroupSize>,
    /// Where in `bytes` the columns of the row groups are described: those of the first group, then
    /// those of the next.
    pub(super) places: Vec<u32>,
    /// Where in the file the footer begins.
    start: u64,
    /// Whether what its writer counted as NULL is used.
    pub(super) null_counts: NullCounts,
}

/// One column of a row group.
#[derive(Debug, Clone)]
pub(super) struct ColumnChunk<'a> {
    pub(super) start: u64,
    pub(super) bytes: u64,
    values: i64,
    pub(super) codec: Result<Codec, &'static str>,
    pub(super) known: ColumnStatistics<&'a [u8]>,
    pub(super) column_index: Option<Range<u64>>,
    pub(super) offset_index: Option<Range<u64>>,
    pub(super) bloom_filter: Option<u64>,
}

impl Footer {
    /// Reads the footer of a file.
    ///
    /// # Errors
    /// When the file is not Parquet, is damaged or encrypted, or can't be read.
    pub fn read(file: &dyn Ranges) -> Result<Self, ColumnarError> {
        Self::read_within(file, &mut |_| ())
    }

    /// As [`Footer::read`]; tells `admit` before how much memory that may take, in bytes.
    ///
    /// # Errors
    /// As there.
    pub fn read_within(
        file: &dyn Ranges,
        admit: &mut dyn FnMut(u64),
    ) -> Result<Self, ColumnarError> {
        let length = file.length();
        if length < (MAGIC.len() + TAIL_BYTES) as u64 {
            let fault = format!("the file has {length} bytes: too few for a Parquet file");
            return Err(ColumnarError::in_file(fault));
        }
        let mut tail = [0; TAIL_BYTES];
        file.read_at(length - TAIL_BYTES as u64, &mut tail)?;
        let [a, b, c, d, magic @ ..] = tail;
        if &magic == MAGIC_ENCRYPTED {
            return Err(ColumnarError::in_file("the file is encrypted, which is not read"));
        }
        if &magic != MAGIC {
            return Err(ColumnarError::at(
                length - 4,
                "a Parquet file ends with PAR1, this one does not: it was cut, or is no Parquet \
                 file; check the format that the report declares, and fetch the file again",
            ));
        }
        let bytes = u32::from_le_bytes([a, b, c, d]) as usize;
        if bytes > FOOTER_BYTES_MAX || (bytes + MAGIC.len() + TAIL_BYTES) as u64 > length {
            let fault = format!("a footer of {bytes} bytes, which can't be: the file is damaged");
            return Err(ColumnarError::at(length - TAIL_BYTES as u64, fault));
        }
        admit(bytes as u64 * FOOTER_MEMORY_FACTOR);
        let start = length - (bytes + TAIL_BYTES) as u64;
        let mut footer = vec![0; bytes];
        file.read_at(start, &mut footer)?;
        Self::decode(footer, start).map_err(|fault| {
            ColumnarError::at(start, format!("the footer is damaged ({fault}); fetch it again"))
        })
    }

    fn decode(bytes: Vec<u8>, start: u64) -> Result<Self, String> {
        let mut reader = Reader::new(&bytes);
        let (mut columns, mut rows, mut row_groups, mut last) = (Vec::new(), None, None, 0);
        let (mut orders, mut null_counts) = (None, NullCounts::of(b""));
        while let Some(kind) = reader.field(&mut last)? {
            match (last, kind) {
                (2, Kind::List) => columns = schema::columns(&mut reader)?,
                (3, Kind::Integer) => rows = Some(reader.integer()?),
                (4, Kind::List) => {
                    // They are told by their columns, wherever those stand.
                    row_groups = Some(reader.clone());
                    reader.skip(kind)?;
                }
                (6, Kind::Binary) => null_counts = NullCounts::of(reader.binary()?),
                (7, Kind::List) => {
                    orders = Some(reader.clone());
                    reader.skip(kind)?;
                }
                (8, _) => return Err("the file is encrypted, which is not read".to_owned()),
                (_, other) => reader.skip(other)?,
            }
        }
        if columns.is_empty() {
            return Err("it has no schema".to_owned());
        }
        match orders {
            Some(mut orders) => schema::read_orders(&mut orders, &mut columns)?,
            None => columns.iter_mut().for_each(|column| column.ordered = false),
        }
        let mut reader = row_groups.ok_or("it has no list of row groups")?;
        let (kind, count) = reader.list()?;
        if kind != Kind::Struct && count > 0 {
            return Err("a list of something else than row groups".to_owned());
        }
        let (mut groups, mut places, mut ranges) = (Vec::new(), Vec::new(), Vec::new());
        let mut extents = Vec::new();
        for _ in 0..count {
            groups.push(row_group(&mut reader, &columns, start, &mut places, &mut ranges)?);
            extents.push(extent(&mut ranges)?);
            ranges.clear();
        }
        // Writers end one row group before they begin the next.
        extent(&mut extents)?;
        check_rows(&groups, rows.ok_or("it does not tell its rows")?)?;
        groups.shrink_to_fit();
        places.shrink_to_fit();
        Ok(Self { bytes, columns, groups, places, start, null_counts })
    }

    /// Rows of a row group.
    pub(super) fn rows(&self, group: usize) -> u64 {
        self.groups[group].rows
    }

    /// One column of a row group.
    pub(super) fn chunk(
        &self,
        group: usize,
        column: usize,
    ) -> Result<ColumnChunk<'_>, ColumnarError> {
        let described = &self.columns[column];
        let at = self.places[group * self.columns.len() + column] as usize;
        let mut reader = Reader::new(&self.bytes[at..]);
        let (rows, trusted) = (self.rows(group), (self.start, self.null_counts));
        ColumnChunk::read(&mut reader, described, rows, trusted)
            .map_err(|fault| ColumnarError::at(self.start, fault).within(group, &described.name))
    }
}

/// Holds the row groups against the file: as many rows as the footer says.
fn check_rows(groups: &[GroupSize], rows: i64) -> Result<(), String> {
    let sum = groups.iter().try_fold(0_u64, |sum, group| sum.checked_add(group.rows));
    if sum.is_none() || sum != u64::try_from(rows).ok() {
        let sum = sum.map_or("more than can be".to_owned(), |sum| sum.to_string());
        return Err(format!("it tells {rows} rows, and its row groups have {sum}"));
    }
    Ok(())
}

/// From where to where ranges of bytes lie, none of which may lie in another.
fn extent(ranges: &mut [(u64, u64)]) -> Result<(u64, u64), String> {
    ranges.sort_unstable();
    if ranges.windows(2).any(|pair| pair[1].0 < pair[0].1) {
        return Err("a column lies inside of another".to_owned());
    }
    let ends = ranges.first().zip(ranges.last());
    Ok(ends.map_or((0, 0), |(first, last)| (first.0, last.1)))
}

/// Reads a row group; adds where its columns are described, and where in the file they lie.
fn row_group(
    reader: &mut Reader<'_>,
    columns: &[LeafColumn],
    end: u64,
    places: &mut Vec<u32>,
    ranges: &mut Vec<(u64, u64)>,
) -> Result<GroupSize, String> {
    let (mut rows, mut bytes, mut bytes_raw, mut last) = (None, None, None, 0);
    // The fewest and the most values of a column.
    let mut values: Option<(i64, i64)> = None;
    while let Some(kind) = reader.field(&mut last)? {
        match (last, kind) {
            (1, Kind::List) if bytes.is_none() => {
                let (kind, count) = reader.list()?;
                if kind != Kind::Struct || count != columns.len() {
                    return Err("a row group has not as many columns as the file".to_owned());
                }
                let mut sum = 0_u64;
                for column in columns {
                    places.push(u32::try_from(reader.taken()).map_err(|_| "it is too long")?);
                    // What is known of values is not looked at yet, nor is the number of rows.
                    let chunk = ColumnChunk::read(reader, column, 0, (end, NullCounts::of(b"")))?;
                    sum = sum.saturating_add(chunk.bytes);
                    // Of no values nothing is read, and writers give such a column any place.
                    if chunk.values > 0 {
                        ranges.push((chunk.start, chunk.start + chunk.bytes));
                    }
                    if column.reading.is_ok() {
                        let (least, most) = values.unwrap_or((chunk.values, chunk.values));
                        values = Some((least.min(chunk.values), most.max(chunk.values)));
                    }
                }
                bytes = Some(sum);
            }
            (2, Kind::Integer) => bytes_raw = Some(reader.integer()?),
            (3, Kind::Integer) => rows = Some(reader.integer()?),
            (_, other) => reader.skip(other)?,
        }
    }
    let (Some(rows), Some(bytes), Some(_)) = (rows, bytes, bytes_raw) else {
        return Err("a row group without its columns, length or rows".to_owned());
    };
    // In a column without lists, each row has one value, be it NULL.
    if let Some((least, most)) = values.filter(|values| *values != (rows, rows)) {
        return Err(format!("its columns have {least} to {most} values of {rows} rows"));
    }
    let rows = u64::try_from(rows).map_err(|_| "a row group of less than no rows")?;
    Ok(GroupSize { rows, bytes })
}

impl<'a> ColumnChunk<'a> {
    fn read(
        reader: &mut Reader<'a>,
        column: &LeafColumn,
        rows: u64,
        (end, null_counts): (u64, NullCounts),
    ) -> Result<Self, String> {
        let (mut column_index, mut offset_index) = ((0, 0), (0, 0));
        let (mut metadata, mut last) = (None, 0);
        while let Some(kind) = reader.field(&mut last)? {
            match (last, kind) {
                (1, Kind::Binary) => {
                    if !reader.binary()?.is_empty() {
                        return Err(format!("column {} lies in another file", column.name));
                    }
                }
                (3, Kind::Struct) => metadata = Some(ChunkMetadata::read(reader)?),
                (4, Kind::Integer) => offset_index.0 = reader.integer()?,
                (5, Kind::Integer) => offset_index.1 = reader.integer()?,
                (6, Kind::Integer) => column_index.0 = reader.integer()?,
                (7, Kind::Integer) => column_index.1 = reader.integer()?,
                (8, _) => return Err(format!("column {} is encrypted", column.name)),
                (_, other) => reader.skip(other)?,
            }
        }
        let untold = || format!("column {} is not described", column.name);
        let metadata = metadata.ok_or_else(untold)?;
        let (Some(codec), Some(values), Some(bytes), Some(data)) =
            (metadata.codec, metadata.values, metadata.bytes, metadata.data)
        else {
            return Err(untold());
        };
        // Offsets that a writer left at 0 mean nothing: there stands the magic.
        let dictionary = metadata.dictionary.filter(|at| *at > 0 && *at < data);
        let outside = || format!("column {} lies outside of the file", column.name);
        let start = u64::try_from(dictionary.unwrap_or(data)).map_err(|_| outside())?;
        let bytes = u64::try_from(bytes).map_err(|_| outside())?;
        if start.checked_add(bytes).is_none_or(|last| last > end) {
            return Err(outside());
        }
        let index = |(start, length): (i64, i64)| {
            let start = u64::try_from(start).ok()?;
            let last = start.checked_add(u64::try_from(length).ok()?)?;
            (start > 0 && last <= end).then_some(start..last)
        };
        Ok(Self {
            start,
            bytes,
            values,
            codec: codec_of(codec),
            known: match column.reading {
                Ok(_) => metadata.statistics.known(column, rows, null_counts),
                Err(_) => ColumnStatistics::default(),
            },
            column_index: index(column_index),
            offset_index: index(offset_index),
            bloom_filter: metadata
                .bloom_filter
                .and_then(|at| u64::try_from(at).ok())
                .filter(|at| *at > 0 && *at < end),
        })
    }
}

/// The inner description of a column of a row group.
#[derive(Default)]
struct ChunkMetadata<'a> {
    codec: Option<i32>,
    values: Option<i64>,
    bytes: Option<i64>,
    data: Option<i64>,
    dictionary: Option<i64>,
    bloom_filter: Option<i64>,
    statistics: ChunkStatistics<'a>,
}

impl<'a> ChunkMetadata<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, ThriftFault> {
        // Type, encodings, path, codec, values, two lengths and the first page must be there.
        const NEEDED: [i16; 8] = [1, 2, 3, 4, 5, 6, 7, 9];
        let (mut found, mut seen, mut last) = (Self::default(), 0_u32, 0);
        while let Some(kind) = reader.field(&mut last)? {
            if let 1..32 = last {
                seen |= 1 << last;
            }
            match (last, kind) {
                (4, Kind::Integer) => found.codec = Some(reader.integer32()?),
                (5, Kind::Integer) => found.values = Some(reader.integer()?),
                (7, Kind::Integer) => found.bytes = Some(reader.integer()?),
                (9, Kind::Integer) => found.data = Some(reader.integer()?),
                (11, Kind::Integer) => found.dictionary = Some(reader.integer()?),
                (12, Kind::Struct) => found.statistics = ChunkStatistics::read(reader)?,
                (14, Kind::Integer) => found.bloom_filter = Some(reader.integer()?),
                (_, other) => reader.skip(other)?,
            }
        }
        if NEEDED.iter().any(|field| seen & 1 << field == 0) {
            return Err(ThriftFault::Bad("a column's description lacks a field"));
        }
        Ok(found)
    }
}

fn codec_of(codec: i32) -> Result<Codec, &'static str> {
    Ok(match codec {
        0 => Codec::None,
        1 => Codec::Snappy,
        2 => Codec::Gzip,
        3 => return Err("it is compressed with LZO, which is not read"),
        4 => return Err("it is compressed with Brotli, which is not read"),
        5 => Codec::Lz4Hadoop,
        6 => Codec::Zstd,
        7 => Codec::Lz4,
        _ => return Err("it is compressed with an unknown codec"),
    })
}

/// Statistics of a column: bounds in their new form and in the old one, and how many are NULL.
#[derive(Default)]
pub(super) struct ChunkStatistics<'a> {
    pub(super) least: Option<&'a [u8]>,
    pub(super) most: Option<&'a [u8]>,
    pub(super) least_old: Option<&'a [u8]>,
    pub(super) most_old: Option<&'a [u8]>,
    pub(super) nulls: Option<i64>,
}

impl<'a> ChunkStatistics<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, ThriftFault> {
        let (mut found, mut last) = (Self::default(), 0);
        while let Some(kind) = reader.field(&mut last)? {
            match (last, kind) {
                (1, Kind::Binary) => found.most_old = Some(reader.binary()?),
                (2, Kind::Binary) => found.least_old = Some(reader.binary()?),
                (3, Kind::Integer) => found.nulls = Some(reader.integer()?),
                (5, Kind::Binary) => found.most = Some(reader.binary()?),
                (6, Kind::Binary) => found.least = Some(reader.binary()?),
                (_, other) => reader.skip(other)?,
            }
        }
        Ok(found)
    }

    pub(super) fn known(
        &self,
        column: &LeafColumn,
        rows: u64,
        null_counts: NullCounts,
    ) -> ColumnStatistics<&'a [u8]> {
        let nulls = NullCount::of(self.nulls.and_then(|count| u64::try_from(count).ok()), rows);
        let is_old = self.least.is_none() && self.most.is_none();
        // The old fields compared texts byte by byte as signed numbers (PARQUET-686), and older
        // writers than those kept bytes that they had overwritten (PARQUET-251).
        let pair = match (is_old, column.holds_texts()) {
            (true, true) => None,
            (true, false) => self.least_old.zip(self.most_old),
            (false, _) => self.least.zip(self.most),
        };
        // Values and none of them: one of both is wrong.
        if nulls == NullCount::All && (!is_old || self.least_old.is_some()) {
            return ColumnStatistics::default();
        }
        let bounds = pair.map(|(least, most)| bounds(column, least, most)).unwrap_or_default();
        ColumnStatistics { nulls: null_counts.trusted(nulls), bounds }
    }
}

/// Bounds as statistics and indexes write them; none where the least is above the greatest, or
/// where the order of texts is not known.
pub(super) fn bounds<'a>(column: &LeafColumn, least: &'a [u8], most: &'a [u8]) -> Bounds<&'a [u8]> {
    let Ok(reading) = column.reading else { return Bounds::Unknown };
    if column.holds_texts() && !column.ordered {
        return Bounds::Unknown;
    }
    let bounds = bounds_told(reading, least, most);
    if bounds.is_ordered() { bounds } else { Bounds::Unknown }
}

fn bounds_told<'a>(reading: LeafType, least: &'a [u8], most: &'a [u8]) -> Bounds<&'a [u8]> {
    let number32 = |bytes: &[u8]| bytes.try_into().ok().map(i32::from_le_bytes).map(i64::from);
    let number64 = |bytes: &[u8]| bytes.try_into().ok().map(i64::from_le_bytes);
    let pair = match reading {
        LeafType::Texts | LeafType::FixedTexts(_) => return Bounds::Bytes(least, most),
        LeafType::Integers32 | LeafType::Instants32(_) => number32(least).zip(number32(most)),
        LeafType::Integers64 | LeafType::Instants64(_) => number64(least).zip(number64(most)),
        // The order of INT96 was never settled; two flags are not worth bounds.
        LeafType::Instants96
        | LeafType::Flags
        // Which order writers take for these differs.
        | LeafType::Unsigned32
        | LeafType::Unsigned64 => None,
    };
    match (pair, reading) {
        (Some((least, most)), LeafType::Integers32 | LeafType::Integers64) => {
            Bounds::Integers(least, most)
        }
        (Some((least, most)), LeafType::Instants32(unit) | LeafType::Instants64(unit)) => {
            Bounds::Instants(least, most, unit)
        }
        _ => Bounds::Unknown,
    }
}
