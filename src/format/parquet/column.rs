//! One column of a row group: its pages, found, decompressed and decoded as they are needed.
//!
//! Never knows which rows are wanted.

use super::footer::Footer;
use super::page::{Encoding, PageHeader, PageKind};
use super::schema::LeafType;
use super::thrift;
use super::values::{self, ValueFault};
use super::{PAGE_BYTES_MAX, PAGE_ROWS_MAX};
use crate::format::buffer_pool::BufferPool;
use crate::format::codec::{Codec, Decompressor, SPARE_BYTES};
use crate::format::columnar::{ColumnCursor, ColumnWanted, ColumnarError, are_utf8, spread};
use crate::format::ranges::{RangeStream, Ranges};
use crate::values::{ColumnValues, Dictionary, FLAG_NULL, Span, TimeUnit};

/// Bytes looked at for a page's header at first; most take less than 100.
const HEADER_BYTES: usize = 1 << 10;

/// The longest header. Statistics in it may hold two whole texts.
const HEADER_BYTES_MAX: usize = 1 << 20;

/// A column of a row group, read from front to back.
pub(super) struct ParquetColumn<R> {
    group: usize,
    name: String,
    reading: LeafType,
    optional: bool,
    codec: Codec,
    /// The pages; the place is behind the header of the page at hand.
    stream: RangeStream<R>,
    /// Rows behind the page at hand.
    rows_later: u64,
    /// Rows to pass over before anything is looked at.
    rows_to_skip: usize,
    /// No page was seen yet: only the first can be the dictionary.
    is_first_page: bool,
    /// The page at hand, not decoded.
    header: Option<PageHeader>,
    /// Rows of the page at hand, and how many of them are behind the cursor.
    rows: usize,
    at: usize,
    decoder: Decoder,
}

/// What a page is decoded with and to.
struct Decoder {
    reading: LeafType,
    /// Texts must be UTF-8.
    unverified: bool,
    decompressor: Decompressor,
    /// The page, decompressed; texts are places in it.
    page: Vec<u8>,
    /// Texts that did not stand in the page as they are.
    texts: Vec<u8>,
    form: Form,
    dictionary: Dictionary,
    /// The dictionary, where it is of numbers.
    numbers_of_codes: Vec<i64>,
    spans: Vec<Span>,
    codes: Vec<u32>,
    numbers: Vec<i64>,
    flags: Vec<u8>,
    levels: Vec<u32>,
    /// Which rows are not NULL; empty where all are not.
    valid: Vec<bool>,
    bytes_raw: u64,
}

/// Where the values of the decoded page are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// In `spans`, of `page`.
    Texts,
    /// In `spans`, of `texts`.
    TextsApart,
    Codes,
    Numbers,
    Flags,
}

impl<R: Ranges> ParquetColumn<R> {
    /// A column of a row group; nothing of it is read yet.
    pub(super) fn new(
        footer: &Footer,
        group: usize,
        wanted: ColumnWanted,
        file: R,
        spare: &mut BufferPool,
    ) -> Result<Self, ColumnarError> {
        let ColumnWanted { column, serial, instants, unverified } = wanted;
        let described = &footer.columns[column];
        let chunk = footer.chunk(group, column)?;
        let within = |fault: &str| ColumnarError::in_file(fault).within(group, &described.name);
        let reading = match described.reading.map_err(within)? {
            LeafType::Integers64 if instants => LeafType::Instants64(TimeUnit::Millis),
            reading => reading,
        };
        let codec = chunk.codec.map_err(within)?;
        let stream = RangeStream::new(file, chunk.start, chunk.bytes, spare.bytes())
            .ok_or_else(|| within("it lies outside of the file"))?;
        Ok(Self {
            group,
            name: described.name.clone(),
            reading,
            optional: described.optional,
            codec,
            stream,
            rows_later: footer.rows(group),
            rows_to_skip: 0,
            is_first_page: true,
            header: None,
            rows: 0,
            at: 0,
            decoder: Decoder::new(reading, serial, unverified, spare),
        })
    }

    fn fault(&self, fault: impl Into<String>) -> ColumnarError {
        ColumnarError::at(self.stream.position(), fault).within(self.group, &self.name)
    }

    /// Goes to the next data page; `false` behind the last row, and then nothing may be left.
    fn next_page(&mut self) -> Result<bool, ColumnarError> {
        if let Some(header) = self.header.take() {
            self.stream.skip(header.bytes as u64);
        }
        (self.rows, self.at) = (0, 0);
        while self.rows_later > 0 || self.stream.left() > 0 {
            let header = self.read_header()?;
            let is_first = std::mem::replace(&mut self.is_first_page, false);
            match header.kind {
                PageKind::Data { .. } | PageKind::DataV2 { .. } => {
                    if header.values as u64 > self.rows_later {
                        return Err(self.fault("a page has more rows than its row group"));
                    }
                    if header.values > PAGE_ROWS_MAX {
                        return Err(self.fault(format!(
                            "a page of {} rows, where {PAGE_ROWS_MAX} may be: the file is damaged",
                            header.values,
                        )));
                    }
                    self.rows = header.values;
                    self.rows_later -= header.values as u64;
                    self.header = Some(header);
                    if self.rows > 0 {
                        return Ok(true);
                    }
                    self.header = None;
                }
                PageKind::Dictionary if is_first => self.read_dictionary(header)?,
                PageKind::Dictionary => {
                    return Err(self.fault("a dictionary behind other pages: the file is damaged"));
                }
                PageKind::Other => {}
            }
            self.stream.skip(header.bytes as u64);
        }
        Ok(false)
    }

    fn read_header(&mut self) -> Result<PageHeader, ColumnarError> {
        let mut wanted = HEADER_BYTES;
        loop {
            let left = self.stream.left();
            if left == 0 {
                return Err(self.fault("the column ends before all of its rows"));
            }
            let bytes = self.stream.peek(wanted)?;
            match PageHeader::read(bytes) {
                Ok((header, taken)) => {
                    self.stream.skip(taken as u64);
                    let fits = header.bytes as u64 <= self.stream.left();
                    if !fits || header.bytes.max(header.bytes_raw) > PAGE_BYTES_MAX {
                        return Err(self.fault(format!(
                            "a page of {} bytes, {} decompressed, where {} are left and \
                             {PAGE_BYTES_MAX} may be: the file is damaged",
                            header.bytes,
                            header.bytes_raw,
                            self.stream.left(),
                        )));
                    }
                    return Ok(header);
                }
                Err(thrift::ThriftFault::Truncated)
                    if (bytes.len() as u64) < left && wanted < HEADER_BYTES_MAX =>
                {
                    wanted = (bytes.len() * 4).min(HEADER_BYTES_MAX);
                }
                Err(_) => return Err(self.fault("the header of a page is damaged")),
            }
        }
    }

    /// Looks at the bytes of a page behind its header.
    fn with_page(
        &mut self,
        header: PageHeader,
        decode: impl FnOnce(&mut Decoder, Codec, &[u8]) -> Result<(), String>,
    ) -> Result<(), ColumnarError> {
        self.stream.peek(header.bytes)?;
        let block = &self.stream.peeked()[..header.bytes];
        let decoded = match header.crc {
            Some(crc) if crc != crc32fast::hash(block) => Err("its CRC-32 is wrong".to_owned()),
            _ => decode(&mut self.decoder, self.codec, block),
        };
        decoded.map_err(|fault| self.fault(format!("a page is damaged: {fault}; fetch it again")))
    }

    fn read_dictionary(&mut self, header: PageHeader) -> Result<(), ColumnarError> {
        self.with_page(header, |decoder, codec, block| decoder.dictionary(header, codec, block))
    }
}

impl<R: Ranges> ColumnCursor for ParquetColumn<R> {
    fn run(&mut self) -> Result<usize, ColumnarError> {
        loop {
            let skipped = self.rows_to_skip.min(self.rows - self.at);
            self.at += skipped;
            self.rows_to_skip -= skipped;
            if self.at < self.rows {
                return Ok(self.rows - self.at);
            }
            if !self.next_page()? {
                return Ok(0);
            }
        }
    }

    fn ready(&mut self) -> Result<(), ColumnarError> {
        if self.run()? == 0 {
            return Ok(());
        }
        let Some(header) = self.header.take() else { return Ok(()) };
        let optional = self.optional;
        self.with_page(header, |decoder, codec, block| {
            decoder.page(header, optional, codec, block)
        })?;
        self.stream.skip(header.bytes as u64);
        Ok(())
    }

    fn values(&self, from: usize, rows: usize) -> ColumnValues<'_> {
        let start = self.at + from;
        self.decoder.values(start..start + rows, self.reading)
    }

    fn skip(&mut self, rows: usize) {
        self.rows_to_skip += rows;
    }

    fn bytes_raw(&self) -> u64 {
        self.decoder.bytes_raw
    }

    fn give_back(self: Box<Self>, spare: &mut BufferPool) {
        spare.put_bytes(self.stream.into_buffer());
        let decoder = self.decoder;
        spare.put_decompressor(decoder.decompressor);
        spare.put_bytes(decoder.page);
        spare.put_bytes(decoder.dictionary.data);
        spare.put_spans(decoder.spans);
        spare.put_spans(decoder.dictionary.spans);
        spare.put_codes(decoder.codes);
        spare.put_codes(decoder.levels);
        spare.put_numbers(decoder.numbers);
    }
}

impl Decoder {
    fn new(reading: LeafType, serial: u64, unverified: bool, spare: &mut BufferPool) -> Self {
        Self {
            reading,
            unverified,
            decompressor: spare.decompressor(),
            page: spare.bytes(),
            texts: Vec::new(),
            form: Form::Codes,
            dictionary: Dictionary { serial, data: spare.bytes(), spans: Vec::new() },
            numbers_of_codes: Vec::new(),
            spans: spare.spans(),
            codes: spare.codes(),
            numbers: spare.numbers(),
            flags: Vec::new(),
            levels: spare.codes(),
            valid: Vec::new(),
            bytes_raw: 0,
        }
    }

    /// Decompresses a block to `page[at..]`.
    fn decompress(
        &mut self,
        codec: Codec,
        block: &[u8],
        at: usize,
        bytes: usize,
    ) -> Result<(), String> {
        // A column's next page is about as long: the buffer stays as it is.
        if self.page.len() < at + bytes + SPARE_BYTES {
            self.page.resize(at + bytes + SPARE_BYTES, 0);
        }
        let room = &mut self.page[at..at + bytes + SPARE_BYTES];
        let found = self.decompressor.decompress(codec, block, room);
        let found = found.map_err(|error| error.to_string())?;
        self.bytes_raw += found as u64;
        if found != bytes {
            return Err(format!("it has {found} bytes where its header says {bytes}"));
        }
        Ok(())
    }

    fn dictionary(&mut self, header: PageHeader, codec: Codec, block: &[u8]) -> Result<(), String> {
        self.decompress(codec, block, 0, header.bytes_raw)?;
        // What a dictionary holds is written as plain values always.
        let count = header.values;
        let page = &self.page[..header.bytes_raw];
        match self.reading {
            LeafType::Texts | LeafType::FixedTexts(_) => {
                self.dictionary.spans.clear();
                plain_texts(page, self.reading, count, &mut self.dictionary.spans)?;
                if self.unverified {
                    expect_utf8(page, &self.dictionary.spans)?;
                }
                self.dictionary.data.clear();
                self.dictionary.data.extend_from_slice(page);
                self.dictionary.spans.push(Span::default());
            }
            reading => {
                self.numbers_of_codes.clear();
                plain_numbers(page, reading, count, &mut self.numbers_of_codes)?;
                without_sign(reading, &mut self.numbers_of_codes)?;
            }
        }
        Ok(())
    }

    fn page(
        &mut self,
        header: PageHeader,
        optional: bool,
        codec: Codec,
        block: &[u8],
    ) -> Result<(), String> {
        let rows = header.values;
        self.valid.clear();
        let start = match header.kind {
            PageKind::DataV2 { level_bytes, is_compressed, nulls } => {
                let (levels, values) =
                    block.split_at_checked(level_bytes).ok_or("its levels are too long")?;
                if optional {
                    self.levels(levels, Encoding::Rle, rows)?;
                } else if level_bytes > 0 {
                    return Err("levels where no value can be NULL".to_owned());
                }
                let found = self.valid.iter().filter(|valid| !**valid).count();
                if found != nulls {
                    return Err(format!("{found} values are NULL where its header says {nulls}"));
                }
                let bytes = header.bytes_raw.checked_sub(level_bytes).ok_or("its lengths")?;
                let codec = if is_compressed { codec } else { Codec::None };
                // A writer may leave a page out whose values are all NULL.
                if !values.is_empty() || bytes > 0 {
                    self.decompress(codec, values, 0, bytes)?;
                }
                0..bytes
            }
            PageKind::Data { levels } => {
                self.decompress(codec, block, 0, header.bytes_raw)?;
                let taken = if optional { self.levels_before(levels, header)? } else { 0 };
                taken..header.bytes_raw
            }
            PageKind::Dictionary | PageKind::Other => return Err("its kind".to_owned()),
        };
        self.values_of(start, header.encoding, rows)?;
        Ok(())
    }

    /// The levels that stand before the values; gives the bytes that they take.
    fn levels_before(&mut self, encoding: Encoding, header: PageHeader) -> Result<usize, String> {
        let page = std::mem::take(&mut self.page);
        let found = self.levels_in(&page[..header.bytes_raw], encoding, header.values);
        self.page = page;
        found
    }

    fn levels_in(&mut self, page: &[u8], encoding: Encoding, rows: usize) -> Result<usize, String> {
        if encoding == Encoding::BitPacked {
            self.levels(page, encoding, rows)?;
            return Ok(rows.div_ceil(8));
        }
        let (length, rest) = page.split_first_chunk::<4>().ok_or("its levels are cut")?;
        let length = u32::from_le_bytes(*length) as usize;
        self.levels(rest.get(..length).ok_or("its levels are cut")?, encoding, rows)?;
        Ok(4 + length)
    }

    /// Which rows are not NULL.
    fn levels(&mut self, data: &[u8], encoding: Encoding, rows: usize) -> Result<(), String> {
        self.levels.clear();
        match encoding {
            Encoding::Rle => values::hybrid(data, 1, rows, &mut self.levels)?,
            Encoding::BitPacked => values::bits_from_the_top(data, rows, &mut self.levels)?,
            other => return Err(format!("levels in {other:?}, which is not read")),
        }
        if self.levels.contains(&0) {
            self.valid.extend(self.levels.iter().map(|level| *level != 0));
        }
        Ok(())
    }

    /// Decodes the values, which stand in `page[place]`.
    fn values_of(
        &mut self,
        place: std::ops::Range<usize>,
        encoding: Encoding,
        rows: usize,
    ) -> Result<(), String> {
        let count = match self.valid.len() {
            0 => rows,
            _ => self.valid.iter().filter(|valid| **valid).count(),
        };
        let page = self.page.get(..place.end).ok_or("its levels are cut")?;
        let data = page.get(place.start..).ok_or("its levels are cut")?;
        if encoding == Encoding::Dictionary {
            return self.codes_of(place, count);
        }
        // Where all values are NULL, a writer may leave out what their encoding begins with.
        let encoding = if count == 0 && data.is_empty() { Encoding::Plain } else { encoding };
        match self.reading {
            LeafType::Texts | LeafType::FixedTexts(_) => {
                self.spans.clear();
                self.form = Form::Texts;
                let spans = &mut self.spans;
                match encoding {
                    Encoding::Plain => plain_texts(data, self.reading, count, spans)?,
                    Encoding::DeltaLengthByteArray => {
                        self.numbers.clear();
                        values::delta_length_texts(data, count, &mut self.numbers, spans)?;
                    }
                    Encoding::DeltaByteArray => {
                        self.form = Form::TextsApart;
                        let texts = &mut self.texts;
                        values::delta_texts(data, count, PAGE_BYTES_MAX, texts, spans)?;
                    }
                    other => return Err(not_read(other)),
                }
                if self.unverified {
                    expect_utf8(if self.form == Form::Texts { data } else { &self.texts }, spans)?;
                }
                if self.form == Form::Texts {
                    move_by(place.start as u32, spans);
                }
                spread(&mut self.spans, &self.valid, Span::default());
            }
            LeafType::Flags => {
                self.flags.clear();
                self.form = Form::Flags;
                match encoding {
                    Encoding::Plain => values::bits(data, count, &mut self.flags)?,
                    Encoding::Rle => {
                        let (length, data) = data.split_first_chunk::<4>().ok_or("it is cut")?;
                        if u32::from_le_bytes(*length) as usize != data.len() {
                            return Err("its flags are not as long as it says".to_owned());
                        }
                        self.codes.clear();
                        values::hybrid(data, 1, count, &mut self.codes)?;
                        self.flags.extend(self.codes.iter().map(|code| *code as u8));
                    }
                    other => return Err(not_read(other)),
                }
                spread(&mut self.flags, &self.valid, FLAG_NULL);
            }
            reading => {
                self.numbers.clear();
                self.form = Form::Numbers;
                match encoding {
                    Encoding::Plain => plain_numbers(data, reading, count, &mut self.numbers)?,
                    Encoding::DeltaBinaryPacked => {
                        values::all_deltas(data, count, &mut self.numbers)?;
                    }
                    other => return Err(not_read(other)),
                }
                without_sign(reading, &mut self.numbers)?;
                spread(&mut self.numbers, &self.valid, 0);
            }
        }
        Ok(())
    }

    /// Decodes values that are places in the dictionary.
    fn codes_of(&mut self, place: std::ops::Range<usize>, count: usize) -> Result<(), String> {
        self.codes.clear();
        let data = &self.page[place];
        if count > 0 {
            let (width, data) = data.split_first().ok_or("it is cut")?;
            values::hybrid(data, u32::from(*width), count, &mut self.codes)?;
        } else if data.len() > 1 {
            // The width of the codes may stand there, and nothing more.
            return Err("it has values where all are NULL".to_owned());
        }
        let most = self.codes.iter().copied().max().map_or(0, |most| most as usize + 1);
        let outside = || "it names a value that its dictionary lacks".to_owned();
        match self.reading {
            LeafType::Texts | LeafType::FixedTexts(_) => {
                self.form = Form::Codes;
                let null = self.dictionary.spans.len().checked_sub(1);
                if count > 0 && null.is_none_or(|null| most > null) {
                    return Err(outside());
                }
                if null.is_none() {
                    self.dictionary.spans.push(Span::default());
                }
                spread(&mut self.codes, &self.valid, null.unwrap_or(0) as u32);
            }
            LeafType::Flags => return Err(not_read(Encoding::Dictionary)),
            _ => {
                self.form = Form::Numbers;
                self.numbers.clear();
                if most > self.numbers_of_codes.len() {
                    return Err(outside());
                }
                let numbers = &self.numbers_of_codes;
                self.numbers.extend(self.codes.iter().map(|code| numbers[*code as usize]));
                spread(&mut self.numbers, &self.valid, 0);
            }
        }
        Ok(())
    }

    fn values(&self, rows: std::ops::Range<usize>, reading: LeafType) -> ColumnValues<'_> {
        let valid = (!self.valid.is_empty()).then(|| &self.valid[rows.clone()]);
        let unit = match reading {
            LeafType::Instants32(unit) | LeafType::Instants64(unit) => Some(unit),
            LeafType::Instants96 => Some(TimeUnit::Micros),
            _ => None,
        };
        match (self.form, unit) {
            (Form::Texts, _) => ColumnValues::Bytes { data: &self.page, spans: &self.spans[rows] },
            (Form::TextsApart, _) => {
                ColumnValues::Bytes { data: &self.texts, spans: &self.spans[rows] }
            }
            (Form::Codes, _) => {
                ColumnValues::Dictionary { dictionary: &self.dictionary, codes: &self.codes[rows] }
            }
            (Form::Flags, _) => ColumnValues::Flags(&self.flags[rows]),
            (Form::Numbers, Some(unit)) => {
                ColumnValues::Instants { values: &self.numbers[rows], valid, unit }
            }
            (Form::Numbers, None) => ColumnValues::Integers { values: &self.numbers[rows], valid },
        }
    }
}

fn expect_utf8(data: &[u8], spans: &[Span]) -> Result<(), ValueFault> {
    if are_utf8(data, spans) { Ok(()) } else { Err("a text that is not UTF-8") }
}

/// Makes places in a part of a page places in the page, in which the part begins at `start`.
fn move_by(start: u32, spans: &mut [Span]) {
    if start > 0 {
        spans.iter_mut().for_each(|span| {
            span.from += start;
            span.to += start;
        });
    }
}

fn not_read(encoding: Encoding) -> String {
    format!("values in {encoding:?}, which is not read")
}

fn plain_texts(
    data: &[u8],
    reading: LeafType,
    count: usize,
    spans: &mut Vec<Span>,
) -> Result<(), ValueFault> {
    match reading {
        LeafType::FixedTexts(length) => values::fixed_texts(data, length, count, spans),
        _ => values::texts(data, count, spans),
    }
}

fn plain_numbers(
    data: &[u8],
    reading: LeafType,
    count: usize,
    numbers: &mut Vec<i64>,
) -> Result<(), ValueFault> {
    match reading {
        LeafType::Instants96 => values::int96(data, count, numbers),
        LeafType::Integers32 | LeafType::Unsigned32 | LeafType::Instants32(_) => {
            values::fixed(data, count, |bytes| i32::from_le_bytes(*bytes).into(), numbers)
        }
        _ => values::fixed(data, count, |bytes| i64::from_le_bytes(*bytes), numbers),
    }
}

/// Takes numbers that have no sign for what they are.
fn without_sign(reading: LeafType, numbers: &mut [i64]) -> Result<(), ValueFault> {
    match reading {
        LeafType::Unsigned32 => {
            numbers.iter_mut().for_each(|number| *number &= i64::from(u32::MAX));
        }
        LeafType::Unsigned64 if numbers.iter().any(|number| *number < 0) => {
            return Err("a whole number of 2^63 or more, which is not read");
        }
        _ => {}
    }
    Ok(())
}
