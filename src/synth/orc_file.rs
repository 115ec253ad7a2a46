//! Columns to an ORC file, as S3 writes them: zlib, dictionaries, statistics of stripes.
//!
//! No more of the format is written than these columns take: no row index, and of the run-length
//! encodings only runs of equal numbers and packed ones.
//!
//! Never knows what is in a column.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use flate2::Compression;
use flate2::write::DeflateEncoder;

use super::columns::{ColumnBuffer, RowGroupBuffer, Values};

/// The longest chunk before compression, the default of all writers.
const CHUNK_BYTES: usize = 256 << 10;

/// Texts of which no more than this many differ get a dictionary.
const DICTIONARY_MAX: usize = 1_000;

/// Instants are counted from 2015-01-01T00:00:00Z, in seconds since 1970.
const EPOCH_SECONDS: i64 = 1_420_070_400;

/// Numbers of a packed run at most.
const RUN_MAX: usize = 512;

/// Kinds of streams, types and encodings, by their numbers in the format.
const PRESENT: u64 = 0;
const DATA: u64 = 1;
const LENGTH: u64 = 2;
const DICTIONARY_DATA: u64 = 3;
const SECONDARY: u64 = 5;
const STRUCT: u64 = 12;
const DIRECT: u64 = 0;
const DIRECT_V2: u64 = 2;
const DICTIONARY_V2: u64 = 3;

/// A file that is being written.
pub(super) struct OrcFile<W> {
    inner: W,
    level: u32,
    /// Bytes written.
    at: u64,
    rows: u64,
    /// Messages for the footer and the metadata, one for each stripe.
    stripes: Vec<Vec<u8>>,
    statistics: Vec<Vec<u8>>,
}

/// The schema, as a report's manifest tells it.
pub(super) fn schema(columns: &[ColumnBuffer]) -> String {
    let mut text = "struct<".to_owned();
    for (place, column) in columns.iter().enumerate() {
        let comma = if place > 0 { "," } else { "" };
        let kind = match column.values {
            Values::Texts { .. } => "string",
            Values::Flags(_) => "boolean",
            Values::Integers(_) => "bigint",
            Values::Instants(_) => "timestamp",
        };
        // Writing to a String can't fail.
        let _ = write!(text, "{comma}{}:{kind}", column.name);
    }
    text.push('>');
    text
}

/// The streams of a column, how it is written, and what is told of its values.
struct ColumnStreams {
    streams: Vec<(u64, Vec<u8>)>,
    encoding: Vec<u8>,
    statistics: Vec<u8>,
}

impl<W: Write> OrcFile<W> {
    pub(super) fn new(mut inner: W, level: u32) -> io::Result<Self> {
        inner.write_all(b"ORC")?;
        Ok(Self { inner, level, at: 3, rows: 0, stripes: Vec::new(), statistics: Vec::new() })
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.at += bytes.len() as u64;
        self.inner.write_all(bytes)
    }

    /// Writes a stripe; gives its length before compression.
    pub(super) fn write(&mut self, group: &RowGroupBuffer) -> io::Result<u64> {
        let start = self.at;
        let (mut footer, mut statistics, mut bytes_raw) = (Vec::new(), Vec::new(), 0);
        // The row itself is column 0.
        let mut encodings = vec![message(&[(1, DIRECT)])];
        field_bytes(1, &message(&[(1, group.rows as u64)]), &mut statistics);
        for (place, column) in group.columns.iter().enumerate() {
            let written = written(column);
            for (kind, stream) in written.streams {
                bytes_raw += stream.len() as u64;
                let stream = compressed(&stream, self.level)?;
                self.put(&stream)?;
                let described =
                    message(&[(1, kind), (2, place as u64 + 1), (3, stream.len() as u64)]);
                field_bytes(1, &described, &mut footer);
            }
            encodings.push(written.encoding);
            field_bytes(1, &written.statistics, &mut statistics);
        }
        for encoding in encodings {
            field_bytes(2, &encoding, &mut footer);
        }
        field_bytes(3, b"UTC", &mut footer);
        let data = self.at - start;
        let footer = compressed(&footer, self.level)?;
        self.put(&footer)?;
        self.stripes.push(message(&[
            (1, start),
            (2, 0),
            (3, data),
            (4, footer.len() as u64),
            (5, group.rows as u64),
        ]));
        self.statistics.push(statistics);
        self.rows += group.rows as u64;
        Ok(bytes_raw)
    }

    pub(super) fn finish(mut self, columns: &[ColumnBuffer]) -> io::Result<W> {
        let mut metadata = Vec::new();
        for stripe in &self.statistics {
            field_bytes(1, stripe, &mut metadata);
        }
        let metadata = compressed(&metadata, self.level)?;
        let content = self.at;
        self.put(&metadata)?;
        let mut footer = message(&[(1, 3), (2, content)]);
        for stripe in &self.stripes {
            field_bytes(3, stripe, &mut footer);
        }
        for kind in types(columns) {
            field_bytes(4, &kind, &mut footer);
        }
        footer.extend(message(&[(6, self.rows), (8, 0)]));
        let footer = compressed(&footer, self.level)?;
        self.put(&footer)?;
        let mut postscript = message(&[(1, footer.len() as u64), (2, 1), (3, CHUNK_BYTES as u64)]);
        field_bytes(4, &[0, 12], &mut postscript);
        postscript.extend(message(&[(5, metadata.len() as u64), (6, 6)]));
        field_bytes(8000, b"ORC", &mut postscript);
        postscript.push(postscript.len() as u8);
        self.put(&postscript)?;
        Ok(self.inner)
    }
}

fn types(columns: &[ColumnBuffer]) -> Vec<Vec<u8>> {
    let mut row = message(&[(1, STRUCT)]);
    let mut types = Vec::new();
    for (place, column) in columns.iter().enumerate() {
        row.extend(message(&[(2, place as u64 + 1)]));
        field_bytes(3, column.name.as_bytes(), &mut row);
        let kind = match column.values {
            Values::Flags(_) => 0,
            Values::Integers(_) => 4,
            Values::Texts { .. } => 7,
            Values::Instants(_) => 9,
        };
        types.push(message(&[(1, kind)]));
    }
    types.insert(0, row);
    types
}

fn written(column: &ColumnBuffer) -> ColumnStreams {
    match &column.values {
        Values::Texts { bytes, ends } => written_texts(bytes, ends),
        Values::Flags(flags) => {
            let values: Vec<bool> = flags.iter().flatten().copied().collect();
            let streams = with_present(flags, vec![(DATA, bits(&values))]);
            let statistics = counted(values.len(), flags.len());
            ColumnStreams { streams, encoding: message(&[(1, DIRECT)]), statistics }
        }
        Values::Integers(numbers) => {
            let values: Vec<i64> = numbers.iter().flatten().copied().collect();
            let zigzag: Vec<u64> = values.iter().map(|value| zigzag(*value)).collect();
            let streams = with_present(numbers, vec![(DATA, packed(&zigzag))]);
            let mut statistics = counted(values.len(), numbers.len());
            if let Some((least, most)) = values.iter().min().zip(values.iter().max()) {
                let bounds = message(&[(1, self::zigzag(*least)), (2, self::zigzag(*most))]);
                field_bytes(2, &bounds, &mut statistics);
            }
            ColumnStreams { streams, encoding: message(&[(1, DIRECT_V2)]), statistics }
        }
        Values::Instants(instants) => {
            let values = instants.iter().flatten();
            // Whole seconds are rounded towards 1970, and nanoseconds count forwards.
            let seconds = |millis: &i64| zigzag(millis / 1_000 - EPOCH_SECONDS);
            let seconds: Vec<u64> = values.clone().map(seconds).collect();
            let nanos: Vec<u64> = values.map(|millis| nanos(millis.rem_euclid(1_000))).collect();
            let streams = vec![(DATA, packed(&seconds)), (SECONDARY, packed(&nanos))];
            let statistics = counted(seconds.len(), instants.len());
            let streams = with_present(instants, streams);
            ColumnStreams { streams, encoding: message(&[(1, DIRECT_V2)]), statistics }
        }
    }
}

fn written_texts(bytes: &[u8], ends: &[usize]) -> ColumnStreams {
    let texts = Values::texts(bytes, ends);
    let present: Vec<Option<()>> = texts.clone().map(|t| (!t.is_empty()).then_some(())).collect();
    let mut places: HashMap<&[u8], u64> = HashMap::new();
    let (mut dictionary, mut codes) = (Vec::new(), Vec::new());
    for text in texts.clone().filter(|text| !text.is_empty()) {
        let code = *places.entry(text).or_insert_with(|| {
            dictionary.push(text);
            dictionary.len() as u64 - 1
        });
        if dictionary.len() > DICTIONARY_MAX {
            break;
        }
        codes.push(code);
    }
    let lengths =
        |texts: &[&[u8]]| packed(&texts.iter().map(|text| text.len() as u64).collect::<Vec<_>>());
    let count = present.iter().flatten().count();
    let (streams, encoding) = if dictionary.len() > DICTIONARY_MAX {
        let all: Vec<&[u8]> = texts.clone().filter(|text| !text.is_empty()).collect();
        let streams = vec![(DATA, bytes.to_vec()), (LENGTH, lengths(&all))];
        (streams, message(&[(1, DIRECT_V2)]))
    } else {
        let streams = vec![
            (DATA, packed(&codes)),
            (LENGTH, lengths(&dictionary)),
            (DICTIONARY_DATA, dictionary.concat()),
        ];
        (streams, message(&[(1, DICTIONARY_V2), (2, dictionary.len() as u64)]))
    };
    let mut statistics = counted(count, present.len());
    let some = || texts.clone().filter(|text| !text.is_empty());
    if let Some((least, most)) = some().min().zip(some().max()) {
        let mut bounds = Vec::new();
        field_bytes(1, least, &mut bounds);
        field_bytes(2, most, &mut bounds);
        field_bytes(4, &bounds, &mut statistics);
    }
    ColumnStreams { streams: with_present(&present, streams), encoding, statistics }
}

/// Statistics that every column has: how many values, and whether some are NULL.
fn counted(values: usize, rows: usize) -> Vec<u8> {
    message(&[(1, values as u64), (10, u64::from(values < rows))])
}

/// The streams with that of which rows are there, where some are not.
fn with_present<T>(values: &[Option<T>], streams: Vec<(u64, Vec<u8>)>) -> Vec<(u64, Vec<u8>)> {
    let present: Vec<bool> = values.iter().map(Option::is_some).collect();
    if present.iter().all(|present| *present) {
        return streams;
    }
    let mut all = vec![(PRESENT, bits(&present))];
    all.extend(streams);
    all
}

/// Nanoseconds of milliseconds, as the format writes them: without final zeros, whose number less
/// one stands in the last three bits.
fn nanos(millis: i64) -> u64 {
    if millis == 0 { 0 } else { (millis.unsigned_abs() << 3) | 5 }
}

fn zigzag(number: i64) -> u64 {
    (number << 1) as u64 ^ (number >> 63) as u64
}

/// Bits, the highest of a byte first, in runs of bytes.
fn bits(bits: &[bool]) -> Vec<u8> {
    let byte = |bits: &[bool]| {
        let byte = bits.iter().fold(0_u8, |byte, bit| byte << 1 | u8::from(*bit));
        // A last byte may have fewer bits; they are its upper ones.
        byte << (8 - bits.len())
    };
    let bytes: Vec<u8> = bits.chunks(8).map(byte).collect();
    let mut out = Vec::new();
    let mut rest = &bytes[..];
    while let Some(first) = rest.first() {
        let equal = rest.iter().take_while(|byte| *byte == first).take(130).count();
        if equal >= 3 {
            out.extend([equal as u8 - 3, *first]);
            rest = &rest[equal..];
        } else {
            let repeats =
                |at: &usize| rest[*at..].windows(3).next().is_some_and(|w| w == [w[0]; 3]);
            let length = (1..rest.len().min(128)).find(repeats).unwrap_or(rest.len().min(128));
            out.push((256 - length) as u8);
            out.extend_from_slice(&rest[..length]);
            rest = &rest[length..];
        }
    }
    out
}

/// Numbers in packed runs, the highest bit first.
fn packed(numbers: &[u64]) -> Vec<u8> {
    let mut out = Vec::new();
    for run in numbers.chunks(RUN_MAX) {
        let most = run.iter().copied().max().unwrap_or(0);
        let (width, code) = width_for(u64::BITS - most.leading_zeros());
        let length = run.len() - 1;
        out.push(1 << 6 | code << 1 | (length >> 8) as u8);
        out.push(length as u8);
        let (mut buffer, mut bits) = (0_u128, 0);
        for number in run {
            buffer = buffer << width | u128::from(*number);
            bits += width;
            while bits >= 8 {
                bits -= 8;
                out.push((buffer >> bits) as u8);
            }
        }
        if bits > 0 {
            out.push((buffer << (8 - bits)) as u8);
        }
    }
    out
}

/// The next width that there is a code for, and its code.
fn width_for(bits: u32) -> (u32, u8) {
    let widths = (1..=24).chain([26, 28, 30, 32, 40, 48, 56, 64]);
    let mut codes = widths.zip(0_u8..);
    codes.find(|(width, _)| *width >= bits).unwrap_or((64, 31))
}

/// In chunks, each compressed by itself, or as it is where that is shorter.
fn compressed(bytes: &[u8], level: u32) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    for chunk in bytes.chunks(CHUNK_BYTES) {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(level));
        encoder.write_all(chunk)?;
        let deflated = encoder.finish()?;
        let is_original = deflated.len() >= chunk.len();
        let block = if is_original { chunk } else { &deflated };
        let header = (block.len() as u32) << 1 | u32::from(is_original);
        out.extend_from_slice(&header.to_le_bytes()[..3]);
        out.extend_from_slice(block);
    }
    Ok(out)
}

/// A message of numbers, by their fields.
fn message(fields: &[(u64, u64)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (field, number) in fields {
        varint(field << 3, &mut out);
        varint(*number, &mut out);
    }
    out
}

fn field_bytes(field: u64, bytes: &[u8], out: &mut Vec<u8>) {
    varint(field << 3 | 2, out);
    varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

fn varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}
