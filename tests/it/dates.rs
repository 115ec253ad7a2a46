//! Instants of column formats that no date names: they can't be read, in whichever unit they are
//! counted and whatever asks for them.

use std::path::{Path, PathBuf};

use parquet::data_type::{
    ByteArray, ByteArrayType, DataType, Int32Type, Int64Type, Int96, Int96Type,
};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use serde_json::json;
use tempfile::TempDir;

use crate::fixture::{Run, listed, manifest_json, s3sieve};
use crate::hostile::{bytes, number, varint};

const COLUMNS: [&str; 3] = ["Bucket", "Key", "LastModifiedDate"];

struct Report {
    manifest: PathBuf,
    _folder: TempDir,
}

fn report(format: &str, schema: &str, file: &[u8]) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let mut document = manifest_json(schema, &[listed("a", file)]);
    document["fileFormat"] = json!(format);
    std::fs::write(folder.path().join("a"), file).unwrap();
    let manifest = folder.path().join("manifest.json");
    std::fs::write(&manifest, document.to_string()).unwrap();
    Report { manifest, _folder: folder }
}

/// Keys a, b and c with these dates, each in a row group of its own or all in one. Their bounds
/// stand in the file.
fn parquet<T: DataType>(date: &str, dates: &[T::T; 3], group_rows: usize) -> Report {
    let texts = "required binary Bucket (STRING); required binary Key (STRING);";
    let schema = format!("message s3.inventory {{ {texts} required {date}; }}");
    let parsed = parse_message_type(&schema).unwrap();
    let properties = WriterProperties::default();
    let mut writer =
        SerializedFileWriter::new(Vec::new(), parsed.into(), properties.into()).unwrap();
    for (dates, keys) in dates.chunks(group_rows).zip(["a", "b", "c"].chunks(group_rows)) {
        let mut group = writer.next_row_group().unwrap();
        for texts in [vec!["demo"; keys.len()], keys.to_vec()] {
            let mut column = group.next_column().unwrap().unwrap();
            let values: Vec<ByteArray> = texts.into_iter().map(Into::into).collect();
            column.typed::<ByteArrayType>().write_batch(&values, None, None).unwrap();
            column.close().unwrap();
        }
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<T>().write_batch(dates, None, None).unwrap();
        column.close().unwrap();
        group.close().unwrap();
    }
    report("Parquet", &schema, &writer.into_inner().unwrap())
}

/// Literals of the first version of ORC's runs of numbers.
fn literals(numbers: &[u64]) -> Vec<u8> {
    let mut out = vec![(numbers.len() as u8).wrapping_neg()];
    numbers.iter().for_each(|number| varint(*number, &mut out));
    out
}

fn signed(numbers: [i64; 3]) -> Vec<u8> {
    literals(&numbers.map(|number| (number.cast_unsigned() << 1) ^ (number >> 63).cast_unsigned()))
}

/// The same keys with dates of an ORC type, whose streams these are; not compressed, without
/// statistics.
fn orc(name: &str, kind: u64, dates: &[(u64, Vec<u8>)]) -> Report {
    let mut out = b"ORC".to_vec();
    let (start, mut footer) = (out.len(), Vec::new());
    let texts = [(1, b"demodemodemo".to_vec(), 4), (2, b"abc".to_vec(), 1)];
    let texts = texts.into_iter().flat_map(|(column, texts, length)| {
        [(column, 1, texts), (column, 2, literals(&[length; 3]))]
    });
    for (column, kind, stream) in texts.chain(dates.iter().map(|(kind, s)| (3, *kind, s.clone()))) {
        let fields = [number(1, kind), number(2, column), number(3, stream.len() as u64)];
        footer.extend(bytes(1, &fields.concat()));
        out.extend(stream);
    }
    footer.extend(bytes(2, &number(1, 0)).repeat(4));
    let data = out.len() - start;
    out.extend(&footer);
    let stripe = [
        number(1, start as u64),
        number(2, 0),
        number(3, data as u64),
        number(4, footer.len() as u64),
        number(5, 3),
    ];
    let mut row = number(1, 12);
    (1..=3).for_each(|id| row.extend(number(2, id)));
    COLUMNS.iter().for_each(|name| row.extend(bytes(3, name.as_bytes())));
    let stripes = bytes(3, &stripe.concat());
    let mut tail = [number(1, 3), number(2, out.len() as u64), stripes].concat();
    tail.extend(bytes(4, &row));
    tail.extend(bytes(4, &number(1, 7)).repeat(2));
    tail.extend(bytes(4, &number(1, kind)));
    tail.extend(number(6, 3));
    let mut postscript = [number(1, tail.len() as u64), number(2, 0)].concat();
    postscript.extend(bytes(8000, b"ORC"));
    out.extend(tail);
    let end = [postscript.len() as u8];
    let schema = format!("struct<Bucket:string,Key:string,LastModifiedDate:{name}>");
    report("ORC", &schema, &[out, postscript, end.to_vec()].concat())
}

fn count(manifest: &Path, question: &str, more: &[&str]) -> Run {
    let usual = ["count", manifest.to_str().unwrap(), "--where", question, "--format", "json"];
    s3sieve([&usual[..], more].concat())
}

/// Fast tests and computed values, with the rows that match when the date of b is NULL.
const QUESTIONS: [(&str, u64); 10] = [
    ("LastModifiedDate > '2020-01-01'", 2),
    ("LastModifiedDate < '2020-01-01'", 0),
    ("LastModifiedDate <> '2020-01-01'", 2),
    ("NOT LastModifiedDate IN ('2020-01-01', '2024-01-01')", 0),
    ("LastModifiedDate IS NULL", 1),
    ("LastModifiedDate IS NOT NULL", 2),
    ("year(LastModifiedDate) = 2024", 2),
    ("year(LastModifiedDate) <> 2024", 0),
    ("date_diff('day', LastModifiedDate, TIMESTAMP '2024-01-02') = 1", 2),
    ("coalesce(LastModifiedDate, TIMESTAMP '2024-01-01') = TIMESTAMP '2024-01-01'", 3),
];

/// The date of b can't be read: no question is decided by it in silence.
#[track_caller]
fn is_not_a_date(report: &Report, example: &str) {
    for (question, rows) in QUESTIONS {
        let says = ["record 2", "LastModifiedDate", example, "is not a date", "--keep-going"];
        count(&report.manifest, question, &[]).expect(3).says(&says);
        let run = count(&report.manifest, question, &["--keep-going"]).expect(5);
        let document = run.json();
        assert_eq!(document["rows_matched"], rows, "{question}: {}", run.story());
        let told = &document["unreadable"][0];
        assert_eq!((&told["rows"], &told["record"]), (&json!(1), &json!(2)), "{question}");
        assert_eq!(told["example"], example, "{question}");
        // Where another value decides, nothing is told.
        let other = format!("({question}) AND Key <> 'b'");
        let run = count(&report.manifest, &other, &[]).expect(0);
        assert_eq!(run.json()["unreadable"], json!([]), "{other}");
    }
    let run = count(&report.manifest, "TRUE", &["--by", "LastModifiedDate"]).expect(0);
    assert_eq!(run.json()["unreadable"][0]["example"], example);
}

/// All dates can be read.
#[track_caller]
fn is_a_date(report: &Report, year: &str) {
    let questions = [
        "LastModifiedDate IS NOT NULL",
        "year(LastModifiedDate) < 99999",
        "CAST(Key AS DATE) IS NULL",
    ];
    for question in questions {
        let run = count(&report.manifest, question, &[]).expect(0);
        assert_eq!(run.json()["rows_matched"], 3, "{question}: {}", run.story());
    }
    let computed = format!("year(LastModifiedDate) = {year}");
    assert_eq!(count(&report.manifest, &computed, &[]).expect(0).json()["rows_matched"], 1);
}

const DAY: i64 = 19_723;
const MILLIS: i64 = DAY * 86_400_000;
/// The first millisecond behind the year 9999.
const BEHIND: i64 = 253_402_300_800_000;
/// The last millisecond before the year -9999.
const BEFORE: i64 = -377_705_116_800_001;

#[test]
fn milliseconds_beyond_every_date_are_not_read() {
    for (count, group_rows) in [(BEHIND, 3), (BEHIND, 1), (BEFORE, 1), (i64::MAX, 3), (i64::MIN, 1)]
    {
        let dates = [MILLIS, count, MILLIS];
        let example = format!("{count} ms since 1970");
        for date in ["int64 LastModifiedDate (TIMESTAMP(MILLIS,true))", "int64 LastModifiedDate"] {
            is_not_a_date(&parquet::<Int64Type>(date, &dates, group_rows), &example);
        }
        is_not_a_date(&orc("bigint", 4, &[(1, signed(dates))]), &example);
    }
}

#[test]
fn microseconds_beyond_every_date_are_not_read() {
    let date = "int64 LastModifiedDate (TIMESTAMP(MICROS,true))";
    let dates = [MILLIS * 1000, BEHIND * 1000, MILLIS * 1000];
    let example = "253402300800000000 µs since 1970";
    is_not_a_date(&parquet::<Int64Type>(date, &dates, 1), example);
    // Seconds since 2015.
    let seconds = [MILLIS / 1000, BEHIND / 1000, MILLIS / 1000].map(|at| at - 1_420_070_400);
    let streams = [(1, signed(seconds)), (5, literals(&[0; 3]))];
    is_not_a_date(&orc("timestamp with local time zone", 18, &streams), example);
}

#[test]
fn days_beyond_every_date_are_not_read() {
    for count in [2_932_897, 20_240_131, i32::MIN] {
        let dates = [DAY as i32, count, DAY as i32];
        let example = format!("{count} days since 1970");
        let date = "int32 LastModifiedDate (DATE)";
        is_not_a_date(&parquet::<Int32Type>(date, &dates, 1), &example);
        is_not_a_date(&orc("date", 15, &[(1, signed(dates.map(i64::from)))]), &example);
    }
}

#[test]
fn instants_of_96_bits_beyond_every_date_are_not_read() {
    let of_day = |day: u32| {
        let mut value = Int96::new();
        value.set_data(0, 0, day);
        value
    };
    let dates = [2_440_588 + DAY as u32, 2_440_588 + 2_932_897, 2_440_588 + DAY as u32];
    let report = parquet::<Int96Type>("int96 LastModifiedDate", &dates.map(of_day), 3);
    is_not_a_date(&report, "253402300800000000 µs since 1970");
}

#[test]
fn the_last_and_the_first_dates_are_read() {
    for (count, year) in [(BEHIND - 1, "9999"), (BEFORE + 1, "-9999"), (-62_170_000_000_000, "-1")]
    {
        let date = "int64 LastModifiedDate (TIMESTAMP(MILLIS,true))";
        for group_rows in [1, 3] {
            let dates = [MILLIS, count, MILLIS];
            is_a_date(&parquet::<Int64Type>(date, &dates, group_rows), year);
        }
    }
    let nanos = "int64 LastModifiedDate (TIMESTAMP(NANOS,true))";
    for (count, year) in [(i64::MAX, "2262"), (i64::MIN, "1677")] {
        let dates = [MILLIS * 1_000_000, count, MILLIS * 1_000_000];
        is_a_date(&parquet::<Int64Type>(nanos, &dates, 1), year);
    }
}

/// Times of a day are no instants, whatever their unit.
#[test]
fn times_of_a_day_are_not_read_as_dates() {
    for date in
        ["int64 LastModifiedDate (TIME(MICROS,true))", "int64 LastModifiedDate (TIME_MICROS)"]
    {
        let report = parquet::<Int64Type>(date, &[1, 2, 1_700_000], 3);
        count(&report.manifest, "LastModifiedDate < '2000-01-01'", &[])
            .expect(3)
            .says(&["column LastModifiedDate", "times of a day"]);
    }
}
