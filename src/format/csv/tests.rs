//! Every case through every path, whole and in pieces, against an oracle written for itself.

use super::*;
use crate::values::Row;
use csv_core::{ReadFieldResult, Reader};
use proptest::prelude::*;

type Rows = Vec<Vec<Vec<u8>>>;

/// Rows before the end or the error, and the error as (kind, record, byte).
#[derive(Debug, PartialEq, Eq)]
struct Table {
    rows: Rows,
    error: Option<(CsvErrorKind, u64, u64)>,
}

fn table(rows: &[&[&str]], error: Option<(CsvErrorKind, u64, u64)>) -> Table {
    let field = |field: &&str| field.as_bytes().to_vec();
    Table { rows: rows.iter().map(|row| row.iter().map(field).collect()).collect(), error }
}

/// What is wrong with the last byte of a field's raw bytes, if a quote stands where none may; by
/// the parity of the quotes so far.
fn stray(raw: &[u8]) -> Option<QuoteFault> {
    let (last, before) = raw.split_last()?;
    let is_quoted = raw[0] == b'"';
    if *last == b'"' && !is_quoted {
        let is_space = before.iter().all(|byte| matches!(byte, b' ' | b'\t'));
        return Some(if is_space { QuoteFault::BehindSpace } else { QuoteFault::Inside });
    }
    let is_closed = is_quoted && before.iter().filter(|byte| **byte == b'"').count() % 2 == 0;
    let is_text = !matches!(last, b'"' | b',' | b'\n' | b'\r');
    (is_closed && is_text && !before.is_empty()).then_some(QuoteFault::TextBehind)
}

/// The obvious reading: `csv-core`, one byte at a time, over the whole file at once.
fn oracle(data: &[u8], columns: usize, bytes_max: usize) -> Table {
    let mut reader = Reader::new();
    let mut table = Table { rows: Vec::new(), error: None };
    let (mut row, mut field, mut raw) = (Vec::new(), Vec::new(), Vec::new());
    let mark = if data.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    // The oracle's reader must not drop a second mark.
    reader.read_field(b"\n", &mut [0]);
    let mut start = None;
    let closed = |table: &mut Table, row: &mut Vec<_>, start: usize| {
        let (record, byte) = (table.rows.len() as u64 + 1, start as u64);
        if row.len() == columns {
            table.rows.push(mem::take(row));
        } else {
            let kind = CsvErrorKind::WrongColumns { expected: columns, found: row.len() };
            table.error = Some((kind, record, byte));
        }
    };
    for (place, byte) in data.iter().enumerate().skip(mark) {
        if start.is_none() && matches!(byte, b'\n' | b'\r') {
            reader.read_field(&[*byte], &mut [0]);
            continue;
        }
        let begin = *start.get_or_insert(place);
        raw.push(*byte);
        if let Some(fault) = stray(&raw) {
            let kind = CsvErrorKind::StrayQuote { column: row.len() + 1, fault };
            table.error = Some((kind, table.rows.len() as u64 + 1, begin as u64));
            return table;
        }
        let mut out = [0; 2];
        let (result, _, written) = reader.read_field(&[*byte], &mut out);
        field.extend_from_slice(&out[..written]);
        if let ReadFieldResult::Field { record_end } = result {
            row.push(mem::take(&mut field));
            raw.clear();
            if record_end {
                closed(&mut table, &mut row, begin);
                start = None;
            }
        }
        if start.is_some() && place + 1 - begin > bytes_max {
            let kind = CsvErrorKind::RecordTooLong { bytes_max };
            table.error = Some((kind, table.rows.len() as u64 + 1, begin as u64));
        }
        if table.error.is_some() {
            return table;
        }
    }
    if let Some(begin) = start {
        let (result, ..) = reader.read_field(b"\n", &mut [0; 2]);
        if let ReadFieldResult::Field { record_end: true } = result {
            row.push(field);
            closed(&mut table, &mut row, begin);
        } else {
            table.error =
                Some((CsvErrorKind::OpenQuote, table.rows.len() as u64 + 1, begin as u64));
        }
    }
    table
}

/// Reads all columns of a row, and one too many.
fn fields(row: &CsvRow<'_>, columns: usize) -> Vec<Vec<u8>> {
    assert_eq!(row.field(columns), b"", "a column past the last one");
    let fields: Vec<Vec<u8>> = (0..columns).map(|column| row.field(column).to_vec()).collect();
    let is_odd = |byte: &u8| matches!(byte, b',' | b'"' | b'\n' | b'\r');
    if row.is_plain() {
        assert!(!fields.iter().flatten().any(is_odd), "{fields:?} is not plain");
    }
    fields
}

#[test]
fn ordinary_rows_are_plain_and_others_are_not() {
    let plain = |data: &[u8]| {
        let mut found = Vec::new();
        for path in SplitPath::available() {
            let mut splitter = Splitter::new(2, path);
            let used = splitter.split(data, true, |row| {
                found.push((path, row.is_plain()));
                ControlFlow::Continue(())
            });
            assert!(used.is_ok());
        }
        found.into_iter().all(|(path, plain)| plain || path == SplitPath::Reference)
    };
    assert!(plain(b"\"a\",\"b\"\nc,d\r\n\"\",\n"));
    assert!(!plain(b"\"a\",\"b,c\"\n"));
    assert!(!plain(b"\"a\",\"b\nc\"\n"));
    assert!(!plain(b"\"a\",\"b\"\"c\"\n"));
}

/// A caller with a window onto `data` that grows by `piece` bytes and drops what was used.
fn in_pieces(splitter: &mut Splitter, data: &[u8], columns: usize, piece: usize) -> Table {
    splitter.reset(columns);
    let mut table = Table { rows: Vec::new(), error: None };
    let (mut start, mut end) = (0, 0);
    loop {
        end = data.len().min(end + piece);
        let used = splitter.split(&data[start..end], end == data.len(), |row| {
            table.rows.push(fields(row, columns));
            ControlFlow::Continue(())
        });
        match used {
            Ok(used) => start += used.bytes,
            Err(error) => {
                table.error = Some((error.kind, error.record, error.byte));
                return table;
            }
        }
        assert_eq!(splitter.records(), table.rows.len() as u64);
        if end == data.len() {
            assert_eq!(start, end, "at the end everything is used");
            return table;
        }
    }
}

/// Stops at every row and goes on behind it.
fn row_by_row(splitter: &mut Splitter, data: &[u8], columns: usize) -> Table {
    splitter.reset(columns);
    let mut table = Table { rows: Vec::new(), error: None };
    let mut start = 0;
    loop {
        let mut rows = 0;
        let used = splitter.split(&data[start..], true, |row| {
            rows += 1;
            table.rows.push(fields(row, columns));
            ControlFlow::Break(())
        });
        match used {
            Ok(SplitProgress { bytes, stopped }) => {
                assert_eq!((rows, stopped), (usize::from(stopped), rows == 1));
                start += bytes;
                if !stopped {
                    assert_eq!(start, data.len(), "at the end everything is used");
                    return table;
                }
            }
            Err(error) => {
                table.error = Some((error.kind, error.record, error.byte));
                return table;
            }
        }
    }
}

/// Holds every path to `expected`, whole, in pieces of several sizes, and stopped at every row.
fn check(data: &[u8], columns: usize, bytes_max: usize, expected: &Table) {
    let shown = || String::from_utf8_lossy(data).into_owned();
    for path in SplitPath::available() {
        let mut splitter = Splitter::new(columns, path);
        splitter.limit_record_bytes(bytes_max);
        assert_eq!(splitter.path(), path);
        for piece in [usize::MAX / 2, 1, 7, 64, 1000] {
            if data.len() / piece > 5000 {
                continue;
            }
            let got = in_pieces(&mut splitter, data, columns, piece);
            assert!(
                got == *expected,
                "{path}, pieces of {piece}, {columns} columns: {:?}\n\
                     expected {expected:?}\ngot {got:?}",
                shown()
            );
        }
        let got = row_by_row(&mut splitter, data, columns);
        assert!(
            got == *expected,
            "{path}, row by row, {columns} columns: {:?}\n\
                 expected {expected:?}\ngot {got:?}",
            shown()
        );
    }
}

/// One line is one case: name, data, columns, rows, and optionally (error, record, byte). The
/// oracle is held to it as well.
macro_rules! splits_to {
    ($($name:ident: $data:expr, $columns:expr => $rows:expr $(, $error:expr)?;)*) => {$(
        #[test]
        fn $name() {
            let data: &[u8] = $data.as_ref();
            let expected = table(&$rows, None$(.or(Some($error)))?);
            assert_eq!(oracle(data, $columns, RECORD_BYTES_MAX), expected, "the oracle");
            check(data, $columns, RECORD_BYTES_MAX, &expected);
        }
    )*};
}

const fn wrong(expected: usize, found: usize) -> CsvErrorKind {
    CsvErrorKind::WrongColumns { expected, found }
}

const fn stray_quote(column: usize, fault: QuoteFault) -> CsvErrorKind {
    CsvErrorKind::StrayQuote { column, fault }
}

splits_to! {
    nothing: "", 2 => [];
    only_line_ends: "\n\r\n\r\r\n\n", 2 => [];
    quoted_fields: "\"a\",\"b\"\n\"c\",\"\"\n", 2 => [&["a", "b"], &["c", ""]];
    unquoted_fields: "a,b\n,\n", 2 => [&["a", "b"], &["", ""]];
    no_line_end_at_the_end: "a,b\nc,", 2 => [&["a", "b"], &["c", ""]];
    no_line_end_behind_a_quote: "\"a\",\"b\"", 2 => [&["a", "b"]];
    windows_line_ends: "a,\"b\"\r\n\"c\",d\r\n", 2 => [&["a", "b"], &["c", "d"]];
    old_mac_line_ends: "a,b\rc,d\r", 2 => [&["a", "b"], &["c", "d"]];
    blank_lines_anywhere: "\n\na,b\n\n\r\n\nc,d\n\n\n", 2 => [&["a", "b"], &["c", "d"]];
    blank_lines_of_one_column: "\na\n\n\"\"\n\nb", 1 => [&["a"], &[""], &["b"]];
    quoted_separators: "\"a,\",\"\nb\"\n\"\r\n\",\",,\"\n", 2 => [&["a,", "\nb"], &["\r\n", ",,"]];
    doubled_quotes: "\"a\"\"b\",\"\"\"\"\nc,d\n", 2 => [&["a\"b", "\""], &["c", "d"]];
    quote_inside_an_unquoted_field: "d,\"e\"\na,b\"c\n", 2 => [&["d", "e"]],
        (stray_quote(2, QuoteFault::Inside), 2, 6);
    quote_at_the_end_of_an_unquoted_field: "a\",b\n", 2 => [],
        (stray_quote(1, QuoteFault::Inside), 1, 0);
    bytes_behind_a_closing_quote: "d,e\n\"a\"b,c\n", 2 => [&["d", "e"]],
        (stray_quote(1, QuoteFault::TextBehind), 2, 4);
    space_behind_a_closing_quote: "a,\"c\" \n", 2 => [],
        (stray_quote(2, QuoteFault::TextBehind), 1, 0);
    space_before_an_opening_quote: "\"a\", \"b\"\n", 2 => [],
        (stray_quote(2, QuoteFault::BehindSpace), 1, 0);
    quote_inside_a_field_that_begins_with_a_space: "a, b\"\n", 2 => [],
        (stray_quote(2, QuoteFault::Inside), 1, 0);
    spaces_alone_are_a_field: " ,\t\n \ta,\"\"\n", 2 => [&[" ", "\t"], &[" \ta", ""]];
    a_lost_quote: "\"a\",\"b\n\"c\",\"d\"\n", 2 => [],
        (stray_quote(2, QuoteFault::TextBehind), 1, 0);
    stray_quote_before_too_many_columns: "a,b\"\",c,d\n", 2 => [],
        (stray_quote(2, QuoteFault::Inside), 1, 0);
    byte_order_mark_at_the_start: b"\xef\xbb\xbfa,b\n", 2 => [&["a", "b"]];
    byte_order_mark_before_a_quote: b"\xef\xbb\xbf\"a\",b\n", 2 => [&["a", "b"]];
    byte_order_mark_alone: b"\xef\xbb\xbf", 2 => [];
    byte_order_mark_later: "a,b\n\u{feff}c,d\n\"e\"\"\",f\n\u{feff}g,h\n", 2
        => [&["a", "b"], &["\u{feff}c", "d"], &["e\"", "f"], &["\u{feff}g", "h"]];
    second_byte_order_mark: "\u{feff}\u{feff}a\n", 1 => [&["\u{feff}a"]];
    too_few_columns: "a,b\nc\n", 2 => [&["a", "b"]], (wrong(2, 1), 2, 4);
    too_many_columns: "a,b\n\nc,d,e,f\ng,h\n", 2 => [&["a", "b"]], (wrong(2, 4), 2, 5);
    too_many_behind_a_mark: "\u{feff}a,b,c\n", 2 => [], (wrong(2, 3), 1, 3);
    one_too_many_then_one_too_few: "a,b\nc,d,e\nf\ng,h\n", 2 => [&["a", "b"]], (wrong(2, 3), 2, 4);
    one_too_few_then_one_too_many: "a,b\nc\nd,e,f\ng,h\n", 2 => [&["a", "b"]], (wrong(2, 1), 2, 4);
    too_few_at_the_end: "a,b\nc", 2 => [&["a", "b"]], (wrong(2, 1), 2, 4);
    rows_of_no_columns: "\n\na\n", 0 => [], (wrong(0, 1), 1, 2);
    open_quote: "a,b\n\"c\",\"d\ne,f\n", 2 => [&["a", "b"]], (CsvErrorKind::OpenQuote, 2, 4);
    open_quote_as_last_byte: "a,b\nc,\"", 2 => [&["a", "b"]], (CsvErrorKind::OpenQuote, 2, 4);
    open_doubled_quote: "a,\"b\"\"", 2 => [], (CsvErrorKind::OpenQuote, 1, 0);
}

#[test]
fn a_record_may_be_as_long_as_the_limit_and_no_longer() {
    let row = |bytes: usize| [b"a,".as_slice(), &vec![b'x'; bytes - 2]].concat();
    for (length, end) in [(100, ""), (100, "\n"), (101, ""), (101, "\n"), (250, "\n"), (250, "")] {
        let data = [b"k,v\n\n".as_slice(), &row(length), end.as_bytes()].concat();
        let expected = oracle(&data, 2, 100);
        let too_long = (CsvErrorKind::RecordTooLong { bytes_max: 100 }, 2, 5);
        assert_eq!(expected.error, (length > 100).then_some(too_long));
        check(&data, 2, 100, &expected);
    }
}

/// The real limit, in the steps in which a decompressor delivers; quoted, with line ends inside.
#[test]
fn a_record_of_a_mebibyte_is_read_and_a_longer_one_refused() {
    for excess in [0, 1] {
        let mut data = b"\"a\",\"b\"\n\"c\",\"".to_vec();
        let start = 8;
        data.resize(start + RECORD_BYTES_MAX + excess - 1, b'\n');
        data.extend_from_slice(b"\"\n\"d\",\"e\"");
        for path in SplitPath::available() {
            let mut splitter = Splitter::new(2, path);
            let got = in_pieces(&mut splitter, &data, 2, 64 << 10);
            if excess == 0 {
                assert_eq!(got.rows.len(), 3, "{path}");
                assert_eq!(got.rows[1][1].len(), RECORD_BYTES_MAX - 6, "{path}");
                assert_eq!(got.rows[2], [b"d", b"e"], "{path}");
            } else {
                let kind = CsvErrorKind::RecordTooLong { bytes_max: RECORD_BYTES_MAX };
                assert_eq!(got.error, Some((kind, 2, start as u64)), "{path}");
            }
        }
    }
}

/// Rows over many stretches, with an oddity now and then, so that both paths take turns.
#[test]
fn fast_and_slow_path_take_turns() {
    let mut data = Vec::new();
    for row in 0..4000_usize {
        let key = "k".repeat(row * 37 % 211);
        let odd = if row % 97 == 0 { "\"\"" } else { "" };
        let end = ["\n", "\r\n", "\n\n"][row % 3];
        data.extend_from_slice(format!("\"b\",\"{key}{odd}\",{row}{end}").as_bytes());
    }
    let expected = oracle(&data, 3, RECORD_BYTES_MAX);
    assert_eq!((expected.rows.len(), &expected.error), (4000, &None));
    check(&data, 3, RECORD_BYTES_MAX, &expected);
}

/// Inputs by which the fuzz target `splitter` came to code that others had not come to.
#[test]
fn kept_inputs_are_split_alike() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/fuzz/splitter");
    let mut inputs = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let input = std::fs::read(file.unwrap().path()).unwrap();
        // The target's first bytes are the columns, the bound, and sizes.
        let [columns, bound, _, _, _, repeat, data @ ..] = &input[..] else { continue };
        let columns = usize::from(columns % 24);
        let data = data.repeat(usize::from(*repeat).clamp(1, 1_000 / data.len().max(1) + 1));
        let bytes_max = if *bound > 100 { RECORD_BYTES_MAX } else { usize::from(*bound) };
        check(&data, columns, bytes_max, &oracle(&data, columns, bytes_max));
        inputs += 1;
    }
    assert!(inputs > 50, "{inputs}");
}

#[test]
fn errors_name_the_place_and_what_is_wrong() {
    let shown = |kind, record, byte| CsvError { kind, record, byte }.to_string();
    assert_eq!(
        shown(wrong(6, 5), 17, 2345),
        "record 17, byte 2,345 of the decompressed data: 5 columns where fileSchema names 6"
    );
    assert_eq!(
        shown(CsvErrorKind::RecordTooLong { bytes_max: RECORD_BYTES_MAX }, 1, 0),
        "record 1, byte 0 of the decompressed data: the record is longer than 1.00 MiB: \
         a quote may be unclosed, or the data is no CSV report"
    );
    assert_eq!(
        shown(stray_quote(3, QuoteFault::TextBehind), 2, 4),
        "record 2, byte 4 of the decompressed data: column 3: text follows the quote that ends the \
         field; S3 writes no such field: the file is damaged, or another program wrote it"
    );
    assert_eq!(
        shown(CsvErrorKind::OpenQuote, 2, 4),
        "record 2, byte 4 of the decompressed data: a quoted field is still open at the end of \
         the data: the file may be cut short"
    );
}

#[test]
fn a_path_that_is_not_there_is_replaced_by_one_that_is() {
    let available = SplitPath::available();
    assert_eq!(available.last(), Some(&SplitPath::Reference));
    for path in [SplitPath::Auto, SplitPath::Avx512, SplitPath::Neon] {
        assert!(available.contains(&Splitter::new(1, path).path()), "{path}");
    }
}

/// A rectangular table, whose fields may hold anything because they are written as they must be.
fn well_formed() -> impl Strategy<Value = (usize, Vec<u8>)> {
    let text = prop_oneof![
        6 => "[a-z]{0,12}",
        2 => "[a-z,\"\r\n]{0,6}",
        1 => "[a-z]{55,70}",
        1 => "\u{feff}?[a-zé]{0,3}",
    ];
    let field = (text, any::<bool>()).prop_map(|(text, quoted)| {
        if quoted || text.contains(['"', ',', '\r', '\n']) {
            format!("\"{}\"", text.replace('"', "\"\""))
        } else {
            text
        }
    });
    let end = prop_oneof![6 => Just("\n"), 1 => Just("\r\n"), 1 => Just("\n\n")];
    (1..8_usize).prop_flat_map(move |columns| {
        let row = prop::collection::vec(field.clone(), columns);
        prop::collection::vec((row, end.clone()), 0..40).prop_map(move |rows| {
            let line = |(row, end): &(Vec<String>, &str)| row.join(",") + end;
            (columns, rows.iter().map(line).collect::<String>().into_bytes())
        })
    })
}

/// Anything at all, made of what matters.
fn hostile() -> impl Strategy<Value = (usize, Vec<u8>)> {
    let part = prop_oneof![
        8 => prop::sample::select(vec!["\"", ",", "\n", "\r", "a", "\"\"", "\",\"", "\"\n\"", ",,"])
            .prop_map(|part| part.as_bytes().to_vec()),
        1 => prop::sample::select(vec![
            &b"\xef\xbb\xbf"[..], b"\xef", b"\x00", b"\xac\xa2", b"\x8a\x8d",
        ])
            .prop_map(<[u8]>::to_vec),
        2 => (50..70_usize).prop_map(|count| vec![b'x'; count]),
    ];
    let parts = prop::collection::vec(part, 0..60).prop_map(|parts| parts.concat());
    (0..5_usize, parts)
}

proptest! {
    #[test]
    fn well_formed_tables_are_read_alike((columns, data) in well_formed()) {
        let expected = oracle(&data, columns, RECORD_BYTES_MAX);
        check(&data, columns, RECORD_BYTES_MAX, &expected);
    }

    #[test]
    fn hostile_bytes_are_read_alike((columns, data) in hostile(), bytes_max in 0..200_usize) {
        for bytes_max in [bytes_max, RECORD_BYTES_MAX] {
            check(&data, columns, bytes_max, &oracle(&data, columns, bytes_max));
        }
    }

    #[test]
    fn kernels_index_alike((_, data) in prop_oneof![well_formed(), hostile()]) {
        let mut expected = vec![0; data.len() + index::SLACK];
        let found = portable::index(&data, &mut expected);
        for kernel in SplitPath::available().into_iter().filter_map(IndexKernel::of) {
            let mut positions = vec![0; data.len() + index::SLACK];
            prop_assert_eq!(kernel.index(&data, &mut positions), found, "{:?}", kernel);
            prop_assert_eq!(
                &positions[..found.separators], &expected[..found.separators], "{:?}", kernel
            );
        }
    }
}
