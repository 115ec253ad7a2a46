//! Page indexes and bloom filters: what is known of parts of a column without reading them.
//!
//! Never knows what is asked of a column.

use std::io;

use parquet::bloom_filter::Sbbf;

use super::footer::{ColumnChunk, Footer, bounds};
use super::schema::LeafType;
use super::thrift::{Kind, Reader, ThriftFault};
use crate::format::columnar::{ColumnarError, Filter, PageStatistics};
use crate::format::foreign;
use crate::format::ranges::Ranges;
use crate::values::{Bounds, ColumnStatistics, NullCount};

/// The longest index of a column, each of its two parts. A page takes some 50 to 200 bytes in it,
/// so this is enough for 10,000 pages; a longer one is not read, and nothing skipped by it.
const INDEX_BYTES_MAX: u64 = 2 << 20;

/// Pages of a column of a row group at most for which their index is read. Writers end pages after
/// 20,000 rows, so these are 400 million. What is held of a page takes 72 bytes and its bounds.
const PAGES_MAX: usize = 20_000;

/// The largest bloom filter; a larger one is not read. Enough for 3 million values at 1 %.
const FILTER_BYTES_MAX: usize = 4 << 20;

/// A bloom filter's header is some 15 bytes.
const FILTER_HEADER_BYTES: usize = 64;

/// A bloom filter of one column of a row group.
struct BloomFilter {
    filter: Sbbf,
    /// Whether it holds hashes of texts; else of whole numbers of 64 bits. It can't be asked for
    /// the text of a number.
    of_texts: bool,
}

impl Filter for BloomFilter {
    fn may_hold(&self, text: &[u8]) -> bool {
        // A filter that can't be asked says nothing.
        !self.of_texts || foreign::guarded(|| self.filter.check(text)).unwrap_or(true)
    }

    fn may_hold_integer(&self, number: i64) -> bool {
        self.of_texts || foreign::guarded(|| self.filter.check(&number)).unwrap_or(true)
    }
}

impl Footer {
    /// The pages of a column of a row group, as its page index tells; `None` where there is none.
    pub(super) fn page_index(
        &self,
        file: &dyn Ranges,
        group: usize,
        column: usize,
    ) -> Result<Option<Vec<PageStatistics>>, ColumnarError> {
        let (rows, chunk) = (self.rows(group), self.chunk(group, column)?);
        let described = &self.columns[column];
        if described.reading.is_err() {
            return Ok(None);
        }
        let Some((offsets, index)) = read_index(file, &chunk)? else { return Ok(None) };
        let damaged = |_: ThriftFault| {
            let fault = "the page index is damaged: fetch the file again";
            ColumnarError::in_file(fault).within(group, &described.name)
        };
        let Some(first_rows) = first_rows(&offsets).map_err(damaged)? else { return Ok(None) };
        let index = Index::read(&index, first_rows.len()).map_err(damaged)?;
        let mut pages: Vec<PageStatistics> = Vec::with_capacity(first_rows.len());
        for (place, first_row) in first_rows.iter().enumerate() {
            let next = first_rows.get(place + 1).copied().unwrap_or(rows);
            let ascends = pages.last().is_none_or(|page| page.first_row < *first_row);
            if !ascends || *first_row > next || next > rows || (place == 0 && *first_row != 0) {
                return Err(damaged(ThriftFault::Bad("rows")));
            }
            let rows = next - first_row;
            let nulls = index.null_counts.get(place).and_then(|count| u64::try_from(*count).ok());
            let nulls_all = nulls.is_none_or(|nulls| nulls == rows);
            let known = match index.all_null[place] {
                true if nulls_all => {
                    ColumnStatistics { nulls: NullCount::All, bounds: Bounds::Unknown }
                }
                // They contradict themselves.
                true => ColumnStatistics::default(),
                false if nulls == Some(rows) => ColumnStatistics::default(),
                false => ColumnStatistics {
                    nulls: self.null_counts.trusted(NullCount::of(nulls, rows)),
                    bounds: bounds(described, index.least[place], index.most[place]),
                },
            };
            pages.push(PageStatistics { first_row: *first_row, values: known.to_owned() });
        }
        // What the index tells must fit what the footer tells, or nothing is skipped by it.
        Ok(fits(&pages, &chunk.known).then_some(pages))
    }

    /// The bloom filter of a column of a row group; `None` where there is none that is read.
    pub(super) fn bloom_filter(
        &self,
        file: &dyn Ranges,
        group: usize,
        column: usize,
    ) -> Result<Option<Box<dyn Filter>>, ColumnarError> {
        // A filter knows values by a hash of the bytes that the file holds: a number of 32 bits has
        // another than the same number of 64.
        let described = &self.columns[column];
        if !described.holds_texts() && described.reading != Ok(LeafType::Integers64) {
            return Ok(None);
        }
        let Some(at) = self.chunk(group, column)?.bloom_filter else { return Ok(None) };
        let damaged = || {
            let fault = "the bloom filter is damaged: fetch the file again";
            ColumnarError::at(at, fault).within(group, &described.name)
        };
        let mut header = [0; FILTER_HEADER_BYTES];
        let length = file.length().saturating_sub(at).min(FILTER_HEADER_BYTES as u64) as usize;
        file.read_at(at, &mut header[..length])?;
        let mut reader = Reader::new(&header[..length]);
        let Some(bytes) = filter_bytes(&mut reader).map_err(|_| damaged())? else {
            return Ok(None);
        };
        if bytes == 0 || bytes % 32 != 0 {
            return Err(damaged());
        }
        if bytes > FILTER_BYTES_MAX {
            return Ok(None);
        }
        let start = at + reader.taken() as u64;
        if start + bytes as u64 > file.length() {
            return Err(damaged());
        }
        let mut bits = vec![0; bytes];
        file.read_at(start, &mut bits)?;
        let filter = foreign::guarded(|| Sbbf::new(&bits)).map_err(|_| damaged())?;
        Ok(Some(Box::new(BloomFilter { filter, of_texts: described.holds_texts() })))
    }
}

/// Whether bounds of pages fit those of their row group, as far as both are of numbers. Texts may
/// be cut, and then no longer say what they were.
fn fits(pages: &[PageStatistics], of_group: &ColumnStatistics<&[u8]>) -> bool {
    let numbers = |known: &ColumnStatistics<&[u8]>| match known.bounds {
        Bounds::Integers(least, most) | Bounds::Instants(least, most, _) => Some((least, most)),
        _ => None,
    };
    let Some(whole) = numbers(of_group) else { return true };
    let pages = pages.iter().filter(|page| page.values.nulls != NullCount::All);
    let Some(parts) =
        pages.map(|page| numbers(&page.values.as_slices())).collect::<Option<Vec<_>>>()
    else {
        return true;
    };
    let hull = |one: (i64, i64), other: (i64, i64)| (one.0.min(other.0), one.1.max(other.1));
    parts.into_iter().reduce(hull).is_none_or(|sum| sum == whole)
}

/// How long a filter is; `None` if it is of another kind than the one that is known: blocks, of
/// xxHash, not compressed. Each of the three is the first of its kind in the format.
fn filter_bytes(reader: &mut Reader<'_>) -> Result<Option<usize>, ThriftFault> {
    let (mut bytes, mut last, mut kinds_known) = (0, 0, 0);
    while let Some(kind) = reader.field(&mut last)? {
        match (last, kind) {
            (1, Kind::Integer) => bytes = reader.integer32()?,
            (2..=4, Kind::Struct) => {
                let mut choice = 0;
                while let Some(kind) = reader.field(&mut choice)? {
                    kinds_known += usize::from(choice == 1);
                    reader.skip(kind)?;
                }
            }
            (_, other) => reader.skip(other)?,
        }
    }
    let bytes = usize::try_from(bytes).map_err(|_| ThriftFault::Bad("a filter's length"))?;
    Ok((kinds_known == 3).then_some(bytes))
}

type Indexes = (Vec<u8>, Vec<u8>);

fn read_index(file: &dyn Ranges, chunk: &ColumnChunk<'_>) -> io::Result<Option<Indexes>> {
    let Some((offsets, index)) = chunk.offset_index.clone().zip(chunk.column_index.clone()) else {
        return Ok(None);
    };
    let length = |range: &std::ops::Range<u64>| range.end - range.start;
    if length(&offsets) > INDEX_BYTES_MAX || length(&index) > INDEX_BYTES_MAX {
        return Ok(None);
    }
    let read = |range: std::ops::Range<u64>| {
        let mut bytes = vec![0; (range.end - range.start) as usize];
        file.read_at(range.start, &mut bytes).map(|()| bytes)
    };
    Ok(Some((read(offsets)?, read(index)?)))
}

/// The first row of each page; `None` where there are more than are looked at.
fn first_rows(offsets: &[u8]) -> Result<Option<Vec<u64>>, ThriftFault> {
    let mut reader = Reader::new(offsets);
    let (mut rows, mut last) = (Vec::new(), 0);
    while let Some(kind) = reader.field(&mut last)? {
        if (last, kind) != (1, Kind::List) {
            reader.skip(kind)?;
            continue;
        }
        let (kind, count) = reader.list()?;
        if kind != Kind::Struct {
            return Err(ThriftFault::Bad("what a list holds"));
        }
        if rows.len() + count > PAGES_MAX {
            return Ok(None);
        }
        for _ in 0..count {
            let (mut first, mut field) = (-1, 0);
            while let Some(kind) = reader.field(&mut field)? {
                match (field, kind) {
                    (3, Kind::Integer) => first = reader.integer()?,
                    (_, other) => reader.skip(other)?,
                }
            }
            rows.push(u64::try_from(first).map_err(|_| ThriftFault::Bad("a page's first row"))?);
        }
    }
    Ok(Some(rows))
}

/// A column index: one entry for each page.
#[derive(Default)]
struct Index<'a> {
    all_null: Vec<bool>,
    least: Vec<&'a [u8]>,
    most: Vec<&'a [u8]>,
    /// May be missing.
    null_counts: Vec<i64>,
}

impl<'a> Index<'a> {
    fn read(bytes: &'a [u8], pages: usize) -> Result<Self, ThriftFault> {
        let mut reader = Reader::new(bytes);
        let mut index = Self::default();
        let mut last = 0;
        while let Some(kind) = reader.field(&mut last)? {
            if kind != Kind::List || !matches!(last, 1..=3 | 5) {
                reader.skip(kind)?;
                continue;
            }
            let (kind, count) = reader.list()?;
            let fits = match last {
                1 => matches!(kind, Kind::True | Kind::False),
                2 | 3 => kind == Kind::Binary,
                _ => kind == Kind::Integer,
            };
            if !fits || count > pages {
                return Err(ThriftFault::Bad("what a list holds"));
            }
            for _ in 0..count {
                match last {
                    1 => index.all_null.push(reader.flag()?),
                    2 => index.least.push(reader.binary()?),
                    3 => index.most.push(reader.binary()?),
                    _ => index.null_counts.push(reader.integer()?),
                }
            }
        }
        let lengths = [index.all_null.len(), index.least.len(), index.most.len()];
        let counts = index.null_counts.len();
        let fits = lengths == [pages; 3] && (counts == 0 || counts == pages);
        if fits { Ok(index) } else { Err(ThriftFault::Bad("a list's length")) }
    }
}
