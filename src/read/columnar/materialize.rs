//! The matching rows of decoded columns, shown one by one as CSV would have them: the key encoded,
//! numbers and dates written out.
//!
//! Some rows are taken together, and column by column: which form a column's values have is asked
//! once for all of them, and what is shown of a row is a line in a table of texts.
//!
//! Never knows which rows match, or what is done with one.

use std::ops::ControlFlow;

use super::super::visitor::{RowVisitor, VisitResult};
use crate::format::columnar::ColumnarError;
use crate::values::encode_key;
use crate::values::{ColumnValues, Dictionary, Row, Span, flag_text};

/// Rows taken together at most. 256: the texts of five columns are then a table of 20 KiB, which
/// stays in the L1 cache.
const ROWS_MAX: usize = 256;

/// Bytes written out for rows that are taken together, but for the last row. 256 KiB: this many
/// keys of the greatest length, encoded as a rule, stay in the L2 cache.
const WRITTEN_BYTES_MAX: usize = 256 << 10;

/// Stands for a column that is not shown.
const NOT_SHOWN: u8 = u8::MAX;

/// Columns that can be shown at the same time; more than any inventory has.
const COLUMNS_MAX: usize = NOT_SHOWN as usize;

/// For each column of the report, its place among those that are shown.
pub(super) struct OutputColumns(Vec<u8>);

impl OutputColumns {
    /// `shown` are the columns to be shown, of as many as the report has.
    ///
    /// # Errors
    /// When there are too many.
    pub(super) fn new(shown: &[usize], of: usize) -> Result<Self, ColumnarError> {
        if shown.len() > COLUMNS_MAX {
            let fault = format!("{} columns are wanted where {COLUMNS_MAX} can be", shown.len());
            return Err(ColumnarError::in_file(fault));
        }
        let mut places = vec![NOT_SHOWN; of];
        for (place, column) in shown.iter().enumerate() {
            places[*column] = place as u8;
        }
        Ok(Self(places))
    }
}

/// A column that is shown.
pub(super) struct OutputColumn<'a> {
    pub(super) values: ColumnValues<'a>,
    /// Whether its texts are keys, which are encoded.
    pub(super) is_key: bool,
}

impl OutputColumn<'_> {
    /// Whether its values do not stand in the column as they are shown.
    fn is_written(&self) -> bool {
        let is_number =
            matches!(self.values, ColumnValues::Integers { .. } | ColumnValues::Instants { .. });
        is_number || self.is_key
    }

    fn write(&self, row: usize, out: &mut Vec<u8>) {
        match self.values.bytes(row) {
            Some(raw) => encode_key(raw, out),
            None => self.values.write(row, out),
        }
    }
}

/// Shows rows; one for each worker.
#[derive(Debug, Default)]
pub(super) struct Materializer {
    /// The rows that match.
    matching: Vec<u32>,
    /// What is written out of the rows that are taken together.
    written: Vec<u8>,
    /// Where: for each row, for each such column.
    spans: Vec<Span>,
    /// Whether no text of a row holds a comma, a quote or a line end.
    plain: Vec<bool>,
    /// The row at which the visitor stopped, by its place in the mask.
    row_at: u32,
}

impl Materializer {
    /// The row at which the visitor of the last [`Materializer::show`] stopped, by its place in the
    /// mask.
    pub(super) fn row_at(&self) -> usize {
        self.row_at as usize
    }

    /// Shows those rows of `columns` whose entry in `mask` is set, in order. `columns` are those of
    /// `places`.
    pub(super) fn show<V: RowVisitor>(
        &mut self,
        columns: &[OutputColumn<'_>],
        places: &OutputColumns,
        mask: &[bool],
        visitor: &mut V,
    ) -> VisitResult {
        let mut matching = std::mem::take(&mut self.matching);
        matching.resize(mask.len(), 0);
        let mut count = 0;
        for (row, matches) in mask.iter().enumerate() {
            // Without a branch, which would be guessed wrong for every other row.
            matching[count] = row as u32;
            count += usize::from(*matches);
        }
        let mut left = &matching[..count];
        let mut flow = Ok(ControlFlow::Continue(()));
        while !left.is_empty() && matches!(flow, Ok(ControlFlow::Continue(()))) {
            let (rows, later) = left.split_at(self.write_out(columns, left));
            flow = self.emit_batch(columns, places, rows, visitor);
            left = later;
        }
        self.matching = matching;
        flow
    }

    /// Writes out of the next rows what must be; gives for how many of them, at least one.
    fn write_out(&mut self, columns: &[OutputColumn<'_>], rows: &[u32]) -> usize {
        self.written.clear();
        self.spans.clear();
        let mut taken = 0;
        for row in rows.iter().take(ROWS_MAX) {
            for column in columns.iter().filter(|column| column.is_written()) {
                let from = self.written.len();
                column.write(*row as usize, &mut self.written);
                self.spans.push(Span { from: from as u32, to: self.written.len() as u32 });
            }
            taken += 1;
            if self.written.len() >= WRITTEN_BYTES_MAX {
                break;
            }
        }
        taken
    }

    fn emit_batch<V: RowVisitor>(
        &mut self,
        columns: &[OutputColumn<'_>],
        places: &OutputColumns,
        rows: &[u32],
        visitor: &mut V,
    ) -> VisitResult {
        self.plain.clear();
        self.plain.resize(rows.len(), true);
        let mut table = TextTable::new(columns.len(), rows, &mut self.plain);
        let written = columns.iter().filter(|column| column.is_written()).count();
        let mut number = 0;
        for (place, column) in columns.iter().enumerate() {
            if column.is_written() {
                let spans = self.spans[number..].iter().step_by(written);
                table.fill_plain(place, spans.map(|span| span.of(&self.written)));
                number += 1;
                continue;
            }
            match column.values {
                ColumnValues::Bytes { data, spans } => {
                    table.fill_texts(place, |row| spans[row].of(data));
                }
                ColumnValues::Dictionary { dictionary, codes } => {
                    table.fill_codes(place, dictionary, codes);
                }
                ColumnValues::Flags(flags) => {
                    let texts = rows.iter().map(|row| flag_text(flags[*row as usize]));
                    table.fill_plain(place, texts);
                }
                ColumnValues::Integers { .. } | ColumnValues::Instants { .. } => {}
            }
        }
        let TextTable { texts, width, .. } = table;
        for ((texts, is_plain), row) in texts.chunks_exact(width).zip(&self.plain).zip(rows) {
            let flow = visitor.matched(&OutputRow { places, texts, is_plain: *is_plain });
            if !matches!(flow, Ok(ControlFlow::Continue(()))) {
                self.row_at = *row;
                return flow;
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

/// The texts of some rows, row by row.
struct TextTable<'a, 't> {
    rows: &'a [u32],
    plain: &'a mut [bool],
    texts: Vec<&'t [u8]>,
    /// Texts of a row.
    width: usize,
}

impl<'a, 't> TextTable<'a, 't> {
    fn new(columns: usize, rows: &'a [u32], plain: &'a mut [bool]) -> Self {
        // A row of which nothing is wanted is shown, too.
        let width = columns.max(1);
        Self { rows, plain, texts: vec![&[]; rows.len() * width], width }
    }

    /// Texts of S3's own spelling or in its encoding: none holds anything odd.
    fn fill_plain(&mut self, place: usize, texts: impl Iterator<Item = &'t [u8]>) {
        for (line, text) in self.texts.chunks_exact_mut(self.width).zip(texts) {
            line[place] = text;
        }
    }

    fn fill_texts(&mut self, place: usize, text: impl Fn(usize) -> &'t [u8]) {
        let lines = self.texts.chunks_exact_mut(self.width).zip(&mut *self.plain);
        for ((line, plain), row) in lines.zip(self.rows) {
            let text = text(*row as usize);
            line[place] = text;
            *plain &= is_plain(text);
        }
    }

    fn fill_codes(&mut self, place: usize, dictionary: &'t Dictionary, codes: &[u32]) {
        let lines = self.texts.chunks_exact_mut(self.width).zip(&mut *self.plain);
        // Values come in runs, so what is known of one mostly holds for the next.
        let mut last = (None, &[][..], true);
        for ((line, plain), row) in lines.zip(self.rows) {
            let code = codes[*row as usize];
            if last.0 != Some(code) {
                let text = dictionary.value(code);
                last = (Some(code), text, is_plain(text));
            }
            line[place] = last.1;
            *plain &= last.2;
        }
    }
}

/// Bytes looked at together: those of the smallest vectors.
const BLOCK_BYTES: usize = 16;

/// Whether there is no comma, quote or line end; without branches, so that many bytes are looked at
/// at once.
fn is_plain(text: &[u8]) -> bool {
    let is = |byte: &u8, odd: u8| u8::from(*byte == odd);
    // Not `matches!`, which becomes a test of each byte by itself.
    let odd = |byte: &u8| is(byte, b',') | is(byte, b'"') | is(byte, b'\n') | is(byte, b'\r');
    let all = |bytes: &[u8]| bytes.iter().fold(0, |any, byte| any | odd(byte)) == 0;
    let (blocks, rest) = text.as_chunks::<BLOCK_BYTES>();
    let is_plain = blocks.iter().all(|block| all(block));
    match text.last_chunk::<BLOCK_BYTES>() {
        _ if rest.is_empty() => is_plain,
        // Looked at together with bytes before them.
        Some(last) => is_plain && all(last),
        None => all(rest),
    }
}

/// A row as CSV would have it.
struct OutputRow<'a> {
    places: &'a OutputColumns,
    texts: &'a [&'a [u8]],
    is_plain: bool,
}

impl Row for OutputRow<'_> {
    #[inline]
    fn is_plain(&self) -> bool {
        self.is_plain
    }

    #[inline(always)]
    fn field(&self, column: usize) -> &[u8] {
        self.texts.get(usize::from(self.places.0[column])).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::TimeUnit;

    /// Takes down what it is shown of the report's columns; ends after this many rows.
    struct Notes {
        columns: usize,
        rows_max: usize,
        rows: Vec<(Vec<Vec<u8>>, bool)>,
    }

    impl RowVisitor for Notes {
        fn row<R: Row>(&mut self, _: &R) -> VisitResult {
            unreachable!("columns tell which rows match")
        }

        fn matched<R: Row>(&mut self, row: &R) -> VisitResult {
            let texts = (0..self.columns).map(|column| row.field(column).to_vec()).collect();
            self.rows.push((texts, row.is_plain()));
            Ok(if self.rows.len() < self.rows_max {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            })
        }
    }

    fn shown(columns: &[(usize, OutputColumn<'_>)], mask: &[bool], rows_max: usize) -> Notes {
        let mut notes = Notes { columns: 7, rows_max, rows: Vec::new() };
        let numbers: Vec<usize> = columns.iter().map(|(column, _)| *column).collect();
        let places = OutputColumns::new(&numbers, notes.columns).unwrap();
        let columns = columns
            .iter()
            .map(|(_, shown)| OutputColumn { values: shown.values, is_key: shown.is_key })
            .collect::<Vec<_>>();
        let flow = Materializer::default().show(&columns, &places, mask, &mut notes);
        assert_eq!(flow.unwrap().is_break(), notes.rows.len() == rows_max);
        notes
    }

    /// Texts, one behind the other.
    fn texts(texts: &[Vec<u8>]) -> (Vec<u8>, Vec<Span>) {
        let mut to = 0;
        let spans = texts.iter().map(|text| {
            let from = to;
            to += text.len() as u32;
            Span { from, to }
        });
        let spans = spans.collect();
        (texts.concat(), spans)
    }

    /// Keys of this many bytes each, for more rows than are taken together.
    fn every_form_of_column_is_shown_as_csv_has_it(key_bytes: usize) {
        const ROWS: usize = ROWS_MAX * 3 + 5;
        let keys: Vec<Vec<u8>> = (0..ROWS)
            .map(|row| [format!("{row} ").into_bytes(), vec![b'a'; key_bytes]].concat())
            .collect();
        let owners: Vec<Vec<u8>> = (0..ROWS)
            .map(|row| if row % 7 == 0 { b"a,b".to_vec() } else { vec![b'c'; row % 40] })
            .collect();
        let (key_data, key_spans) = texts(&keys);
        let (owner_data, owner_spans) = texts(&owners);
        let (data, spans) = texts(&[b"GLACIER".to_vec(), b"\"".to_vec(), Vec::new()]);
        let dictionary = Dictionary { serial: 1, data, spans };
        let codes: Vec<u32> = (0..ROWS).map(|row| (row / 5 % 3) as u32).collect();
        let flags: Vec<u8> = (0..ROWS).map(|row| (row % 3) as u8).collect();
        let sizes: Vec<i64> = (0..ROWS).map(|row| row as i64 - 9).collect();
        let valid: Vec<bool> = (0..ROWS).map(|row| row % 4 > 0).collect();
        let of_texts = |values| OutputColumn { values, is_key: false };
        let columns = [
            (5, of_texts(ColumnValues::Integers { values: &sizes, valid: Some(&valid) })),
            (
                1,
                OutputColumn {
                    values: ColumnValues::Bytes { data: &key_data, spans: &key_spans },
                    is_key: true,
                },
            ),
            (2, of_texts(ColumnValues::Bytes { data: &owner_data, spans: &owner_spans })),
            (0, of_texts(ColumnValues::Dictionary { dictionary: &dictionary, codes: &codes })),
            (4, of_texts(ColumnValues::Flags(&flags))),
            (
                6,
                of_texts(ColumnValues::Instants {
                    values: &sizes,
                    valid: None,
                    unit: TimeUnit::Days,
                }),
            ),
        ];
        let mask: Vec<bool> = (0..ROWS).map(|row| row % 10 < 9).collect();
        let matching: Vec<usize> = (0..ROWS).filter(|row| mask[*row]).collect();
        let mut scratch = Vec::new();
        for rows_max in [1, ROWS_MAX, ROWS_MAX + 1, usize::MAX] {
            let found = shown(&columns, &mask, rows_max).rows;
            assert_eq!(found.len(), matching.len().min(rows_max));
            for ((texts, is_plain), row) in found.iter().zip(&matching) {
                for (column, shown) in &columns {
                    let text = shown.values.text(*row, &mut scratch);
                    if shown.is_key {
                        let text = [format!("{row}+").into_bytes(), vec![b'a'; key_bytes]];
                        assert_eq!(texts[*column], text.concat());
                    } else {
                        assert_eq!(texts[*column], text);
                    }
                }
                assert_eq!(texts[3], b"", "a column that is not shown");
                assert_eq!(*is_plain, row % 7 != 0 && codes[*row] != 1);
            }
        }
    }

    #[test]
    fn every_form_of_column_is_shown_as_csv_has_it_with_short_keys() {
        every_form_of_column_is_shown_as_csv_has_it(0);
    }

    #[test]
    fn every_form_of_column_is_shown_as_csv_has_it_with_more_than_is_written_out_at_once() {
        every_form_of_column_is_shown_as_csv_has_it(WRITTEN_BYTES_MAX / 10);
    }

    #[test]
    fn a_row_of_which_nothing_is_wanted_is_shown_too() {
        let notes = shown(&[], &[true, false, true], usize::MAX);
        assert_eq!(notes.rows, vec![(vec![Vec::new(); 7], true); 2]);
        assert!(shown(&[], &[], usize::MAX).rows.is_empty());
    }

    #[test]
    fn too_many_columns_are_refused() {
        let columns: Vec<usize> = (0..=COLUMNS_MAX).collect();
        assert!(OutputColumns::new(&columns[..COLUMNS_MAX], COLUMNS_MAX).is_ok());
        assert!(OutputColumns::new(&columns, COLUMNS_MAX + 1).is_err());
    }

    #[test]
    fn an_odd_byte_is_seen_at_every_place() {
        for length in 0..BLOCK_BYTES * 3 {
            let mut text = vec![b'-'; length];
            assert!(is_plain(&text));
            for place in 0..length {
                for odd in *b",\"\n\r" {
                    text[place] = odd;
                    assert!(!is_plain(&text), "{odd} at {place} of {length}");
                }
                text[place] = b'-';
            }
        }
    }
}
