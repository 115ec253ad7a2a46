//! Quotes where none may stand: `csv-core` takes them for ordinary bytes, S3 never writes them.
//!
//! Text behind a closing quote, and a quote inside a field that does not begin with one, are signs
//! of a lost byte or of another program's idea of CSV. What such a field means is anyone's guess,
//! and a guess may name another object.
//!
//! Knows nothing but where fields and quotes begin and end.

use super::{CsvErrorKind, QuoteFault};

/// Where in a field the next byte stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FieldState {
    /// At its start.
    Start,
    /// Behind spaces and nothing else.
    BehindSpaces,
    /// Inside a field without quotes.
    Plain,
    /// Inside quotes.
    Quoted,
    /// Behind a quote that ended the field, unless the next byte is another one.
    Closed,
}

/// Looks at the bytes of one record after the other, in pieces of any length.
pub(super) struct QuoteCheck {
    place: FieldState,
    column: usize,
}

impl QuoteCheck {
    /// At a record's start.
    pub(super) const START: Self = Self { place: FieldState::Start, column: 0 };

    /// Looks at the next bytes of a record.
    ///
    /// # Errors
    /// At the first byte that shows a quote where none may stand.
    pub(super) fn look(&mut self, bytes: &[u8]) -> Result<(), CsvErrorKind> {
        bytes.iter().try_for_each(|byte| self.step(*byte))
    }

    fn step(&mut self, byte: u8) -> Result<(), CsvErrorKind> {
        let is_separator = matches!(byte, b',' | b'\n' | b'\r');
        self.place = match (self.place, byte) {
            (FieldState::Start | FieldState::Closed, b'"') => FieldState::Quoted,
            (FieldState::Quoted, b'"') => FieldState::Closed,
            (FieldState::Quoted, _) => FieldState::Quoted,
            (FieldState::BehindSpaces, b'"') => return Err(self.stray(QuoteFault::BehindSpace)),
            (FieldState::Plain, b'"') => return Err(self.stray(QuoteFault::Inside)),
            (_, _) if is_separator => {
                self.column += usize::from(byte == b',');
                FieldState::Start
            }
            (FieldState::Closed, _) => return Err(self.stray(QuoteFault::TextBehind)),
            (FieldState::Start | FieldState::BehindSpaces, b' ' | b'\t') => {
                FieldState::BehindSpaces
            }
            (_, _) => FieldState::Plain,
        };
        Ok(())
    }

    fn stray(&self, fault: QuoteFault) -> CsvErrorKind {
        CsvErrorKind::StrayQuote { column: self.column + 1, fault }
    }
}
