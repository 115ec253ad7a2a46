//! The footer: columns, row groups, and where in the file the columns of each lie.
//!
//! Never knows which columns are wanted.

use std::ops::Range;

use parquet::basic::Type as Physical;
use parquet::basic::{Compression, ConvertedType, LogicalType, Repetition, TimeUnit as Unit};
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnDescriptor;

use super::column::ParquetColumn;
use super::thrift;
use crate::format::codec::Codec;
use crate::format::columnar::{
    BoundsHeld, ColumnCursor, ColumnWanted, ColumnarError, ColumnarFile, Cursors, Filter,
    GroupSize, KnownHeld, PageKnown, nulls_of,
};
use crate::format::ranges::Ranges;
use crate::format::spare::Spare;
use crate::predicate::{Known, TimeUnit};

/// What begins and ends a file.
const MAGIC: &[u8; 4] = b"PAR1";
/// What ends one whose footer is encrypted.
const MAGIC_ENCRYPTED: &[u8; 4] = b"PARE";

/// The length of the footer, and the magic.
const TAIL_BYTES: usize = 8;

/// The longest footer. A column of a row group takes some 150 bytes, so this is enough for 5,000
/// row groups of 20 columns; S3's files have a few.
const FOOTER_BYTES_MAX: usize = 16 << 20;

/// How the values of a column are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// Booleans.
    Flags,
    /// Whole numbers of 32 bits.
    Integers32,
    /// Whole numbers of 64 bits.
    Integers64,
    /// Instants of 32 bits.
    Instants32(TimeUnit),
    /// Instants of 64 bits.
    Instants64(TimeUnit),
    /// Instants of 96 bits, to the microsecond.
    Instants96,
    /// Texts.
    Texts,
    /// Texts of one length.
    FixedTexts(usize),
}

/// A column of a file.
#[derive(Debug, Clone)]
pub(super) struct FileColumn {
    /// Its name, as the file spells it.
    pub(super) name: String,
    /// How it is read, or why it is not.
    pub(super) reading: Result<Reading, String>,
    /// Whether values may be NULL.
    pub(super) optional: bool,
}

/// A file's footer.
#[derive(Debug, Clone)]
pub struct Footer {
    /// Columns, in the order of the file.
    pub(super) columns: Vec<FileColumn>,
    /// Row groups, in the order of the file.
    pub(super) groups: Vec<RowGroup>,
}

/// A row group.
#[derive(Debug, Clone)]
pub(super) struct RowGroup {
    /// How many rows it has.
    pub(super) rows: u64,
    /// Bytes of its columns in the file.
    pub(super) bytes: u64,
    pub(super) chunks: Vec<Chunk>,
}

/// One column of a row group.
#[derive(Debug, Clone)]
pub(super) struct Chunk {
    pub(super) start: u64,
    pub(super) bytes: u64,
    pub(super) codec: Result<Codec, String>,
    pub(super) known: KnownHeld,
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
        let length = file.length();
        if length < (MAGIC.len() + TAIL_BYTES) as u64 {
            let fault = format!("the file has {length} bytes: too few for a Parquet file");
            return Err(ColumnarError::of_file(fault));
        }
        let mut tail = [0; TAIL_BYTES];
        file.read_at(length - TAIL_BYTES as u64, &mut tail)?;
        let [a, b, c, d, magic @ ..] = tail;
        if &magic == MAGIC_ENCRYPTED {
            return Err(ColumnarError::of_file("the file is encrypted, which is not read"));
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
        let start = length - (bytes + TAIL_BYTES) as u64;
        let mut footer = vec![0; bytes];
        file.read_at(start, &mut footer)?;
        Self::decode(&footer, start)
    }

    fn decode(footer: &[u8], start: u64) -> Result<Self, ColumnarError> {
        let damaged = |fault: String| {
            ColumnarError::at(start, format!("the footer is damaged ({fault}); fetch it again"))
        };
        // Counts of more than there are bytes would make the decoder below ask for that much
        // memory.
        thrift::Reader::new(footer).skip_struct().map_err(|fault| damaged(format!("{fault:?}")))?;
        let metadata = ParquetMetaDataReader::decode_metadata(footer)
            .map_err(|error| damaged(error.to_string()))?;
        Self::of(&metadata, start).map_err(damaged)
    }

    fn of(metadata: &ParquetMetaData, end: u64) -> Result<Self, String> {
        let descriptor = metadata.file_metadata().schema_descr();
        let columns: Vec<FileColumn> = descriptor.columns().iter().map(|c| column(c)).collect();
        let groups = metadata.row_groups().iter().map(|group| row_group(group, &columns, end));
        let groups: Vec<RowGroup> = groups.collect::<Result<_, _>>()?;
        check_groups(&groups, metadata.file_metadata().num_rows())?;
        Ok(Self { groups, columns })
    }
}

/// Holds the row groups against the file: as many rows as the footer says, and no column lies in
/// another.
fn check_groups(groups: &[RowGroup], rows: i64) -> Result<(), String> {
    let sum = groups.iter().try_fold(0_u64, |sum, group| sum.checked_add(group.rows));
    if sum.is_none() || sum != u64::try_from(rows).ok() {
        let sum = sum.map_or("more than can be".to_owned(), |sum| sum.to_string());
        return Err(format!("it tells {rows} rows, and its row groups have {sum}"));
    }
    let chunks = groups.iter().flat_map(|group| &group.chunks);
    let mut places: Vec<(u64, u64)> =
        chunks.map(|chunk| (chunk.start, chunk.start + chunk.bytes)).collect();
    places.sort_unstable();
    if places.windows(2).any(|pair| pair[1].0 < pair[0].1) {
        return Err("a column lies inside of another".to_owned());
    }
    Ok(())
}

impl ColumnarFile for Footer {
    fn columns(&self) -> Vec<String> {
        self.columns.iter().map(|column| column.name.clone()).collect()
    }

    fn groups(&self) -> Vec<GroupSize> {
        let size = |group: &RowGroup| GroupSize { rows: group.rows, bytes: group.bytes };
        self.groups.iter().map(size).collect()
    }

    fn known(&self, group: usize, column: usize) -> Known<'_> {
        self.groups[group].chunks[column].known.known()
    }

    fn cursors<'f>(
        &self,
        file: &'f dyn Ranges,
        group: usize,
        wanted: &[ColumnWanted],
        spare: &mut Spare,
    ) -> Result<Cursors<'f>, ColumnarError> {
        let cursor = |wanted: &ColumnWanted| -> Result<Box<dyn ColumnCursor + 'f>, _> {
            Ok(Box::new(ParquetColumn::new(self, group, *wanted, file, spare)?))
        };
        wanted.iter().map(cursor).collect()
    }

    fn pages(
        &self,
        file: &dyn Ranges,
        group: usize,
        column: usize,
    ) -> Result<Option<Vec<PageKnown>>, ColumnarError> {
        self.page_index(file, group, column)
    }

    fn filter(
        &self,
        file: &dyn Ranges,
        group: usize,
        column: usize,
    ) -> Result<Option<Box<dyn Filter>>, ColumnarError> {
        self.bloom_filter(file, group, column)
    }
}

fn column(descriptor: &ColumnDescriptor) -> FileColumn {
    let path = descriptor.path().parts();
    let reading = match reading(descriptor) {
        _ if path.len() != 1
            || descriptor.max_rep_level() > 0
            || descriptor.max_def_level() > 1 =>
        {
            Err("its values are nested, which no inventory's are".to_owned())
        }
        reading => reading,
    };
    // Only the first name of a nested column is one that a report could list.
    let name = path.first().cloned().unwrap_or_default();
    let info = descriptor.self_type().get_basic_info();
    let optional = info.has_repetition() && info.repetition() == Repetition::OPTIONAL;
    FileColumn { name, reading, optional }
}

fn reading(descriptor: &ColumnDescriptor) -> Result<Reading, String> {
    let (logical, converted) = (descriptor.logical_type_ref(), descriptor.converted_type());
    let unit = match (logical, converted) {
        (Some(LogicalType::Timestamp(timestamp)), _) => Some(match timestamp.unit {
            Unit::MILLIS => TimeUnit::Millis,
            Unit::MICROS => TimeUnit::Micros,
            Unit::NANOS => TimeUnit::Nanos,
        }),
        (_, ConvertedType::TIMESTAMP_MILLIS) => Some(TimeUnit::Millis),
        (_, ConvertedType::TIMESTAMP_MICROS) => Some(TimeUnit::Micros),
        (Some(LogicalType::Date), _) | (_, ConvertedType::DATE) => Some(TimeUnit::Days),
        _ => None,
    };
    let is_decimal =
        matches!(logical, Some(LogicalType::Decimal(_))) || converted == ConvertedType::DECIMAL;
    Ok(match (descriptor.physical_type(), unit) {
        _ if is_decimal => return Err("its values are decimal fractions".to_owned()),
        (Physical::BOOLEAN, _) => Reading::Flags,
        (Physical::INT32, None) => Reading::Integers32,
        (Physical::INT64, None) => Reading::Integers64,
        (Physical::INT32, Some(unit)) => Reading::Instants32(unit),
        (Physical::INT64, Some(unit)) => Reading::Instants64(unit),
        (Physical::INT96, _) => Reading::Instants96,
        (Physical::BYTE_ARRAY, _) => Reading::Texts,
        (Physical::FIXED_LEN_BYTE_ARRAY, _) => {
            let length = usize::try_from(descriptor.type_length()).unwrap_or(0);
            Reading::FixedTexts(length)
        }
        (other, _) => return Err(format!("its values are {other}")),
    })
}

fn row_group(
    group: &RowGroupMetaData,
    columns: &[FileColumn],
    end: u64,
) -> Result<RowGroup, String> {
    let rows = u64::try_from(group.num_rows()).map_err(|_| "a row group of less than no rows")?;
    if group.columns().len() != columns.len() {
        return Err("a row group has not as many columns as the file".to_owned());
    }
    let chunks = group.columns().iter().zip(columns);
    let chunks: Vec<Chunk> = chunks
        .map(|(chunk_meta, column)| chunk(chunk_meta, column, rows, end))
        .collect::<Result<_, _>>()?;
    Ok(RowGroup { rows, bytes: chunks.iter().map(|chunk| chunk.bytes).sum(), chunks })
}

fn chunk(
    metadata: &ColumnChunkMetaData,
    column: &FileColumn,
    rows: u64,
    end: u64,
) -> Result<Chunk, String> {
    if metadata.file_path().is_some_and(|path| !path.is_empty()) {
        return Err(format!("column {} lies in another file", column.name));
    }
    // In a column without lists, each row has one value, be it NULL.
    if column.reading.is_ok() && u64::try_from(metadata.num_values()).ok() != Some(rows) {
        let values = metadata.num_values();
        return Err(format!("column {} has {values} values of {rows} rows", column.name));
    }
    // Offsets that a writer left at 0 mean nothing: there stands the magic.
    let data = metadata.data_page_offset();
    let dictionary = metadata.dictionary_page_offset().filter(|at| *at > 0 && *at < data);
    let outside = || format!("column {} lies outside of the file", column.name);
    let start = u64::try_from(dictionary.unwrap_or(data)).map_err(|_| outside())?;
    let bytes = u64::try_from(metadata.compressed_size()).map_err(|_| outside())?;
    if start.checked_add(bytes).is_none_or(|last| last > end) {
        return Err(outside());
    }
    let index = |offset: Option<i64>, length: Option<i32>| {
        let start = u64::try_from(offset?).ok()?;
        let last = start.checked_add(u64::try_from(length?).ok()?)?;
        (start > 0 && last <= end).then_some(start..last)
    };
    let codec = codec(metadata.compression());
    let known = match &column.reading {
        Ok(reading) => known(metadata.statistics(), *reading, rows),
        Err(_) => KnownHeld::default(),
    };
    Ok(Chunk {
        start,
        bytes,
        codec,
        known,
        column_index: index(metadata.column_index_offset(), metadata.column_index_length()),
        offset_index: index(metadata.offset_index_offset(), metadata.offset_index_length()),
        bloom_filter: metadata
            .bloom_filter_offset()
            .and_then(|at| u64::try_from(at).ok())
            .filter(|at| *at > 0 && *at < end),
    })
}

fn codec(compression: Compression) -> Result<Codec, String> {
    Ok(match compression {
        Compression::UNCOMPRESSED => Codec::None,
        Compression::SNAPPY => Codec::Snappy,
        Compression::GZIP(_) => Codec::Gzip,
        Compression::ZSTD(_) => Codec::Zstd,
        Compression::LZ4_RAW => Codec::Lz4,
        Compression::LZ4 => Codec::Lz4Hadoop,
        other => return Err(format!("it is compressed with {other}, which is not read")),
    })
}

fn known(statistics: Option<&Statistics>, reading: Reading, rows: u64) -> KnownHeld {
    let Some(statistics) = statistics else { return KnownHeld::default() };
    let nulls = nulls_of(statistics.null_count_opt(), rows);
    // The old fields compared texts byte by byte as signed numbers.
    let is_text = matches!(reading, Reading::Texts | Reading::FixedTexts(_));
    let bounds = match (statistics.min_bytes_opt(), statistics.max_bytes_opt()) {
        (Some(least), Some(most)) if !(is_text && statistics.is_min_max_deprecated()) => {
            bounds(reading, least, most)
        }
        _ => BoundsHeld::Unknown,
    };
    KnownHeld { nulls, bounds }
}

/// Bounds as statistics and indexes write them; none where the least is above the greatest.
pub(super) fn bounds(reading: Reading, least: &[u8], most: &[u8]) -> BoundsHeld {
    let number32 = |bytes: &[u8]| bytes.try_into().ok().map(i32::from_le_bytes).map(i64::from);
    let number64 = |bytes: &[u8]| bytes.try_into().ok().map(i64::from_le_bytes);
    let pair = match reading {
        Reading::Texts | Reading::FixedTexts(_) => {
            return BoundsHeld::Bytes(least.to_vec(), most.to_vec()).if_ordered();
        }
        Reading::Integers32 | Reading::Instants32(_) => number32(least).zip(number32(most)),
        Reading::Integers64 | Reading::Instants64(_) => number64(least).zip(number64(most)),
        // The order of INT96 was never settled; two flags are not worth bounds.
        Reading::Instants96 | Reading::Flags => None,
    };
    let bounds = match (pair, reading) {
        (Some((least, most)), Reading::Integers32 | Reading::Integers64) => {
            BoundsHeld::Integers(least, most)
        }
        (Some((least, most)), Reading::Instants32(unit) | Reading::Instants64(unit)) => {
            BoundsHeld::Instants(least, most, unit)
        }
        _ => BoundsHeld::Unknown,
    };
    bounds.if_ordered()
}
