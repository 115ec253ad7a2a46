//! Files of the `parquet` crate's own writer, read back.

use std::sync::Arc;

use parquet::basic::{Compression, Encoding};
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, Int32Type, Int64Type, Int96, Int96Type,
};
use parquet::file::metadata::ParquetMetaDataReader;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use proptest::prelude::*;

use super::super::columnar_tests::{agree, read_all, read_damaged};
use super::writer::NullCounts;
use super::*;
use crate::format::buffer_pool::BufferPool;
use crate::format::columnar::{ColumnWanted, ColumnarError, ColumnarFile};
use crate::format::ranges::Ranges;
use crate::values::{Bounds, ColumnStatistics, ColumnValues, NullCount};

const SCHEMA: &str = "message m {
    required binary name (UTF8); optional binary note (UTF8); optional boolean flag;
    optional int64 size; required int32 small; optional int64 at (TIMESTAMP(MILLIS,true));
    optional int96 old; }";

type Cells = (String, Option<String>, Option<bool>, Option<i64>, i32, Option<i64>);

fn properties(kind: usize) -> WriterProperties {
    let codecs = [Compression::UNCOMPRESSED, Compression::SNAPPY];
    let versions = [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0];
    let mut builder = WriterProperties::builder()
        .set_compression(codecs[kind % 2])
        .set_writer_version(versions[kind / 2 % 2])
        .set_dictionary_enabled(kind / 4 % 2 == 1)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_bloom_filter_enabled(true)
        .set_data_page_row_count_limit(7)
        .set_write_batch_size(3);
    if kind & 12 == 8 {
        builder = builder
            .set_column_encoding("note".into(), Encoding::DELTA_BYTE_ARRAY)
            .set_column_encoding("name".into(), Encoding::DELTA_LENGTH_BYTE_ARRAY)
            .set_column_encoding("size".into(), Encoding::DELTA_BINARY_PACKED);
    }
    builder.build()
}

fn levels<T>(values: &[Option<T>]) -> Vec<i16> {
    values.iter().map(|value| i16::from(value.is_some())).collect()
}

/// A file with as many row groups as there are pieces.
fn written(rows: &[Cells], kind: usize, piece: usize) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(SCHEMA).unwrap());
    let mut writer =
        SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties(kind))).unwrap();
    for rows in rows.chunks(piece) {
        let mut group = writer.next_row_group().unwrap();
        let mut place = 0;
        while let Some(mut column) = group.next_column().unwrap() {
            match place {
                0 => {
                    let values: Vec<ByteArray> =
                        rows.iter().map(|row| row.0.as_str().into()).collect();
                    column.typed::<ByteArrayType>().write_batch(&values, None, None).unwrap();
                }
                1 => {
                    let notes: Vec<_> = rows.iter().map(|row| row.1.clone()).collect();
                    let values: Vec<ByteArray> =
                        notes.iter().flatten().map(|note| note.as_str().into()).collect();
                    let levels = levels(&notes);
                    column
                        .typed::<ByteArrayType>()
                        .write_batch(&values, Some(&levels), None)
                        .unwrap();
                }
                2 => {
                    let flags: Vec<_> = rows.iter().map(|row| row.2).collect();
                    let values: Vec<bool> = flags.iter().flatten().copied().collect();
                    let levels = levels(&flags);
                    column.typed::<BoolType>().write_batch(&values, Some(&levels), None).unwrap();
                }
                4 => {
                    let values: Vec<i32> = rows.iter().map(|row| row.4).collect();
                    column.typed::<Int32Type>().write_batch(&values, None, None).unwrap();
                }
                6 => {
                    let dates: Vec<_> = rows.iter().map(|row| row.5).collect();
                    let values: Vec<Int96> = dates.iter().flatten().map(|ms| int96(*ms)).collect();
                    let levels = levels(&dates);
                    column.typed::<Int96Type>().write_batch(&values, Some(&levels), None).unwrap();
                }
                _ => {
                    let pick = |row: &Cells| if place == 3 { row.3 } else { row.5 };
                    let numbers: Vec<_> = rows.iter().map(pick).collect();
                    let values: Vec<i64> = numbers.iter().flatten().copied().collect();
                    let levels = levels(&numbers);
                    column.typed::<Int64Type>().write_batch(&values, Some(&levels), None).unwrap();
                }
            }
            column.close().unwrap();
            place += 1;
        }
        group.close().unwrap();
    }
    writer.into_inner().unwrap()
}

fn int96(millis: i64) -> Int96 {
    let (day, of_day) = (millis.div_euclid(86_400_000), millis.rem_euclid(86_400_000));
    let nanos = of_day as u64 * 1_000_000;
    let mut value = Int96::new();
    value.set_data(nanos as u32, (nanos >> 32) as u32, (day + 2_440_588) as u32);
    value
}

fn texts(rows: &[Cells]) -> Vec<Vec<Vec<u8>>> {
    let date = |millis: &Option<i64>| {
        millis.map_or(String::new(), |millis| {
            let at = jiff::Timestamp::from_millisecond(millis).unwrap();
            at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
        })
    };
    let row = |row: &Cells| {
        [
            row.0.clone(),
            row.1.clone().unwrap_or_default(),
            row.2.map_or(String::new(), |flag| flag.to_string()),
            row.3.map_or(String::new(), |size| size.to_string()),
            row.4.to_string(),
            date(&row.5),
            date(&row.5),
        ]
        .map(String::into_bytes)
    };
    let rows: Vec<_> = rows.iter().map(row).collect();
    (0..7).map(|column| rows.iter().map(|row| row[column].clone()).collect()).collect()
}

fn rows() -> impl Strategy<Value = Vec<Cells>> {
    let note = proptest::option::of("(aa|b|é){0,3}");
    let date = proptest::option::of(-10_000_000_000i64..10_000_000_000_000);
    let size = prop_oneof![0..5i64, any::<i64>()];
    let row =
        ("[a-c]{0,3}", note, any::<Option<bool>>(), proptest::option::of(size), -3..3i32, date);
    proptest::collection::vec(row, 1..60)
}

proptest! {
    #[test]
    fn what_was_written_is_read(
        rows in rows(), kind in 0..16usize, group in 1..50usize, piece in 1..30usize,
    ) {
        let bytes = written(&rows, kind, group);
        let footer = Footer::read(&&bytes[..]).unwrap();
        let read = read_all(&footer, &bytes, piece).unwrap();
        prop_assert!(agree(&read, &texts(&rows)), "{:?}\n{:?}", read, texts(&rows));
    }

    #[test]
    fn a_footer_tells_what_the_crate_reads_in_it(
        rows in rows(), kind in 0..16usize, group in 1..50usize,
    ) {
        let bytes = written(&rows, kind, group);
        let footer = Footer::read(&&bytes[..]).unwrap();
        let tail = bytes.len() - 8;
        let length = u32::from_le_bytes(bytes[tail..tail + 4].try_into().unwrap()) as usize;
        let all = ParquetMetaDataReader::decode_metadata(&bytes[tail - length..tail]).unwrap();
        prop_assert_eq!(footer.groups().len(), all.num_row_groups());
        for (group, theirs) in all.row_groups().iter().enumerate() {
            prop_assert_eq!(footer.rows(group), theirs.num_rows() as u64);
            for (column, theirs) in theirs.columns().iter().enumerate() {
                let chunk = footer.chunk(group, column).unwrap();
                let data = theirs.data_page_offset();
                let start = theirs.dictionary_page_offset().unwrap_or(data);
                prop_assert_eq!(chunk.start, start as u64);
                prop_assert_eq!(chunk.bytes, theirs.compressed_size() as u64);
                let bloom_filter = theirs.bloom_filter_offset().map(|at| at as u64);
                prop_assert_eq!(chunk.bloom_filter, bloom_filter);
                let index = chunk.column_index.map(|index| index.start as i64);
                prop_assert_eq!(index, theirs.column_index_offset());
                let index = chunk.offset_index.map(|index| index.start as i64);
                prop_assert_eq!(index, theirs.offset_index_offset());
                let statistics = theirs.statistics().unwrap();
                let bounds = statistics.min_bytes_opt().zip(statistics.max_bytes_opt());
                let expected = match (chunk.known.bounds, bounds) {
                    (Bounds::Unknown, _) => Bounds::Unknown,
                    (_, Some((least, most))) => {
                        footer::bounds(&footer.columns[column], least, most)
                    }
                    (other, None) => panic!("{other:?}"),
                };
                prop_assert_eq!(chunk.known.bounds, expected);
                prop_assert!(bounds.is_none() || !matches!(column, 0 | 1 | 3 | 4 | 5)
                    || chunk.known.bounds != Bounds::Unknown);
                prop_assert_eq!(
                    chunk.known.nulls,
                    NullCount::of(statistics.null_count_opt(), footer.rows(group))
                );
            }
        }
    }

    #[test]
    fn damage_does_no_harm(
        rows in rows(),
        kind in 0..16usize,
        changes in proptest::collection::vec((any::<usize>(), any::<u8>()), 0..4),
        cut in prop_oneof![3 => Just(0usize), 1 => any::<usize>()],
    ) {
        read_damaged(&written(&rows, kind, 20), &changes, cut, |file| Footer::read(file));
    }
}

#[test]
fn pages_and_filters_tell_what_is_there() {
    let row = |n: i64| (n.to_string(), None, None, Some(n), 0, None);
    let rows: Vec<Cells> = (0..40).map(row).collect();
    let bytes = written(&rows, 0, 40);
    let file: &dyn Ranges = &&bytes[..];
    let footer = Footer::read(file).unwrap();
    let pages = footer.pages(file, 0, 3).unwrap().unwrap();
    assert!(pages.len() >= 4, "{}", pages.len());
    assert_eq!((pages[0].first_row, pages[1].first_row > 0), (0, true));
    let filter = footer.filter(file, 0, 3).unwrap().unwrap();
    assert!(filter.may_hold_integer(39) && !filter.may_hold_integer(1_000_000));
    let filter = footer.filter(file, 0, 0).unwrap().unwrap();
    assert!(filter.may_hold(b"39") && !filter.may_hold(b"forty"));
}

/// A number of 32 bits has another hash than the same number of 64, by which it would be missed.
#[test]
fn filters_of_numbers_of_32_bits_are_not_asked() {
    let row = |n: i32| (n.to_string(), None, None, None, n, None);
    let bytes = written(&(0..40).map(row).collect::<Vec<_>>(), 0, 40);
    let file: &dyn Ranges = &&bytes[..];
    let footer = Footer::read(file).unwrap();
    assert!(footer.chunk(0, 4).unwrap().bloom_filter.is_some());
    assert!(footer.filter(file, 0, 4).unwrap().is_none());
}

/// A filter whose header names another hash than the one that is known.
#[test]
fn filters_of_another_kind_are_not_asked() {
    let row = |n: i64| (n.to_string(), None, None, Some(n), 0, None);
    let mut bytes = written(&(0..40).map(row).collect::<Vec<_>>(), 0, 40);
    let footer = Footer::read(&&bytes[..]).unwrap();
    let at = usize::try_from(footer.chunk(0, 3).unwrap().bloom_filter.unwrap()).unwrap();
    assert!(footer.filter(&&bytes[..], 0, 3).unwrap().is_some());
    // Three unions, each with its first member: an empty structure.
    let unions = [0x1c, 0x1c, 0, 0, 0x1c, 0x1c, 0, 0, 0x1c, 0x1c, 0, 0];
    let place = bytes[at..at + 32].windows(12).position(|bytes| bytes == unions).unwrap();
    for union in [1, 5, 9] {
        let byte = at + place + union;
        bytes[byte] = 0x2c;
        assert!(footer.filter(&&bytes[..], 0, 3).unwrap().is_none(), "{union}");
        bytes[byte] = 0x1c;
    }
}

/// Bounds of texts mean something only where the footer says in which order they are.
#[test]
fn bounds_of_texts_without_an_order_are_not_used() {
    let row = |n: i64| (n.to_string(), None, None, Some(n), 0, None);
    let mut bytes = written(&(0..40).map(row).collect::<Vec<_>>(), 0, 40);
    let bounds = |bytes: &[u8], column: usize| {
        let footer = Footer::read(&bytes).unwrap();
        let pages = footer.pages(&bytes, 0, column).unwrap().unwrap();
        let known = |known: ColumnStatistics<&[u8]>| known.bounds != Bounds::Unknown;
        (known(footer.statistics(0, column)), known(pages[0].values.as_slices()))
    };
    assert_eq!(bounds(&bytes, 0), (true, true));
    // The orders of seven columns, all of them that of the type; then another one.
    let orders = [0x1c, 0, 0].repeat(7);
    let at = bytes.windows(orders.len()).rposition(|bytes| bytes == orders).unwrap();
    bytes[at] = 0x2c;
    assert_eq!(bounds(&bytes, 0), (false, false));
    bytes[at] = 0x1c;
    bytes[at + 9] = 0x2c;
    assert_eq!(bounds(&bytes, 0), (true, true));
    assert_eq!(bounds(&bytes, 3), (true, true), "numbers have one order");
}

/// The older fields, which two bugs of writers spoilt for texts (PARQUET-251 and PARQUET-686).
#[test]
fn bounds_of_texts_in_the_older_fields_are_not_used() {
    let column = |text: &str| {
        let schema = format!("message m {{ required {text}; }}");
        let schema = Arc::new(parse_message_type(&schema).unwrap());
        let writer = SerializedFileWriter::new(Vec::new(), schema, Arc::default()).unwrap();
        Footer::read(&&writer.into_inner().unwrap()[..]).unwrap().columns.remove(0)
    };
    let older = footer::ChunkStatistics {
        least_old: Some(b"a\0\0\0\0\0\0\0"),
        most_old: Some(b"b\0\0\0\0\0\0\0"),
        ..footer::ChunkStatistics::default()
    };
    let counts = NullCounts::of(b"parquet-mr version 1.7.0");
    let known = |text: &str| older.known(&column(text), 10, counts).bounds;
    assert_eq!(known("binary a (STRING)"), Bounds::Unknown);
    assert_eq!(known("int64 a"), Bounds::Integers(0x61, 0x62));
    // The order of INT96 was never settled, and fractions may be NaN: they are not read at all.
    assert_eq!(known("int96 a"), Bounds::Unknown);
    assert!(column("double a").reading.is_err());
    assert!(!column("fixed_len_byte_array(12) a (INTERVAL)").ordered);
    assert!(column("binary a (STRING)").ordered && column("binary a").ordered);
}

/// A file of one column of whole numbers, in a form of [`properties`].
fn of_numbers(text: &str, values: &[i64], kind: usize) -> Vec<u8> {
    let schema = format!("message m {{ required {text}; }}");
    let schema = Arc::new(parse_message_type(&schema).unwrap());
    let properties = Arc::new(properties(kind));
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    if text.starts_with("int32") {
        let values: Vec<i32> = values.iter().map(|value| *value as i32).collect();
        column.typed::<Int32Type>().write_batch(&values, None, None).unwrap();
    } else {
        column.typed::<Int64Type>().write_batch(values, None, None).unwrap();
    }
    column.close().unwrap();
    group.close().unwrap();
    writer.into_inner().unwrap()
}

#[test]
fn numbers_without_a_sign_are_not_negative() {
    let values = [0, 5, 3_000_000_000, i64::from(u32::MAX)];
    for (text, kind) in ["int32 size (INTEGER(32,false))", "int64 size (INTEGER(64,false))"]
        .into_iter()
        .flat_map(|text| [0, 4, 8].map(|kind| (text, kind)))
    {
        let file = &of_numbers(text, &values, kind)[..];
        let footer = Footer::read(&file).unwrap();
        assert_eq!(footer.statistics(0, 0).bounds, Bounds::Unknown, "{text}");
        let read = numbers_read(&footer, &file);
        assert_eq!(read.unwrap(), values, "{text}, {kind}");
    }
    let file = &of_numbers("int64 size (INTEGER(64,false))", &[1, -1], 0)[..];
    let fault = numbers_read(&Footer::read(&file).unwrap(), &file).unwrap_err().to_string();
    assert!(fault.contains("a whole number of 2^63 or more"), "{fault}");
}

/// pyarrow's writer gives the columns of an empty row group places that lie in one another.
#[test]
fn an_empty_row_group_is_no_damage() {
    let file = &include_bytes!("../../../testdata/parquet/empty-group.parquet")[..];
    let footer = Footer::read(&file).unwrap();
    let rows: Vec<u64> = footer.groups().iter().map(|group| group.rows).collect();
    assert_eq!(rows, [0, 2, 0, 1]);
}

/// It holds hashes of numbers, which texts of them have not.
#[test]
fn a_filter_over_numbers_is_not_asked_for_texts() {
    let file = &of_numbers("int64 size", &[5, 7], 0)[..];
    let footer = Footer::read(&file).unwrap();
    let filter = footer.filter(&file, 0, 0).unwrap().unwrap();
    assert!(filter.may_hold(b"5"));
    assert!(filter.may_hold_integer(5) && !filter.may_hold_integer(6));
}

/// The numbers of the one column of a file.
fn numbers_read(footer: &Footer, file: &&[u8]) -> Result<Vec<i64>, ColumnarError> {
    let wanted = ColumnWanted { column: 0, serial: 1, instants: false, unverified: true };
    let mut cursors = footer.cursors(file, 0, &[wanted], &mut BufferPool::default())?;
    let mut numbers = Vec::new();
    loop {
        let rows = cursors[0].run()?;
        if rows == 0 {
            return Ok(numbers);
        }
        cursors[0].ready()?;
        match cursors[0].values(0, rows) {
            ColumnValues::Integers { values, .. } => numbers.extend_from_slice(values),
            _ => unreachable!("they are whole numbers"),
        }
        cursors[0].skip(rows);
    }
}

/// As polars counts: NULLs once for each page.
#[test]
fn a_count_of_nulls_that_contradicts_bounds_is_not_used() {
    let footer = Footer::read(&&written(&[(String::new(), None, None, None, 0, None)], 0, 1)[..]);
    let column = &footer.unwrap().columns[1];
    let told = footer::ChunkStatistics {
        least: Some(b"x"),
        most: Some(b"x"),
        nulls: Some(2),
        ..footer::ChunkStatistics::default()
    };
    let counts = NullCounts::of(b"some writer");
    assert_eq!(told.known(column, 2, counts), ColumnStatistics::default());
    assert_eq!(told.known(column, 3, counts).bounds, Bounds::Bytes(&b"x"[..], b"x"));
    let nulls = footer::ChunkStatistics { nulls: Some(2), ..Default::default() };
    assert_eq!(nulls.known(column, 2, counts).nulls, NullCount::All);
    let polars = NullCounts::of(b"Polars");
    assert_eq!(nulls.known(column, 2, polars).nulls, NullCount::Unknown);
}

#[test]
fn no_byte_of_a_page_index_does_harm() {
    let rows: Vec<Cells> = (0..40).map(|n| (n.to_string(), None, None, Some(n), 0, None)).collect();
    let mut bytes = written(&rows, 0, 40);
    let footer = Footer::read(&&bytes[..]).unwrap();
    let chunk = footer.chunk(0, 3).unwrap();
    let indexes = [chunk.offset_index.clone(), chunk.column_index.clone()];
    for place in indexes.into_iter().flat_map(Option::unwrap) {
        let place = usize::try_from(place).unwrap();
        let sound = bytes[place];
        for byte in 0..=u8::MAX {
            bytes[place] = byte;
            if let Ok(Some(pages)) = footer.pages(&&bytes[..], 0, 3) {
                assert!(pages.is_sorted_by(|a, b| a.first_row < b.first_row));
                assert!(pages.iter().all(|page| page.first_row <= 40), "{place} {byte}");
            }
        }
        bytes[place] = sound;
    }
}

#[test]
fn what_is_no_parquet_is_refused_with_a_reason() {
    let refused = |bytes: &[u8]| Footer::read(&bytes).unwrap_err().to_string();
    assert!(refused(b"").contains("0 bytes"));
    assert!(refused(b"not a Parquet file at all").contains("ends with PAR1"));
    assert!(refused(b"PAR1____________PARE").contains("encrypted"));
    assert!(refused(b"PAR1________\xff\xff\xff\xffPAR1").contains("4294967295 bytes"));
    assert!(
        refused(b"PAR1\x15\x02\x19\xfc\xff\xff\xff\x7f\x08\x00\x00\x00PAR1").contains("damaged")
    );
}
