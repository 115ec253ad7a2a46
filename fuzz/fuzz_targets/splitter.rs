//! Every path must give the rows and the error that `csv-core` gives, whatever the bytes and in
//! whatever pieces they come.
//!
//! The first bytes choose the number of columns, the bound on records, the sizes of the pieces and
//! how often the rest is repeated, so that short inputs fill many blocks and stretches, too.
#![no_main]

use libfuzzer_sys::fuzz_target;
use s3sieve::SplitPath;
use s3sieve::internal::{CsvError, Row, Splitter};
use std::{cell::RefCell, ops::ControlFlow};

/// What a path makes of the data: all fields of all rows, and the error.
#[derive(Debug, PartialEq)]
struct Outcome {
    fields: Vec<Vec<u8>>,
    records: u64,
    error: Option<CsvError>,
}

/// The most bytes that repeating makes: more than two stretches.
const DATA_BYTES_MAX: usize = 40 << 10;

thread_local! {
    /// One splitter per path, the reference last. Making them takes longer than most inputs do.
    static SPLITTERS: RefCell<Vec<Splitter>> =
        RefCell::new(
            SplitPath::available().into_iter().map(|path| Splitter::new(1, path)).collect(),
        );
}

/// Presents the data in a window that grows by pieces of the given sizes, over and over.
fn run(splitter: &mut Splitter, columns: usize, pieces: &[u8], data: &[u8]) -> Outcome {
    splitter.reset(columns);
    let mut outcome = Outcome { fields: Vec::new(), records: 0, error: None };
    let (mut start, mut end) = (0, 0);
    // A piece of 0 stops after the first row, so that going on behind a stop is tried, too.
    for piece in pieces.iter().cycle() {
        let stop = *piece == 0;
        end = data.len().min(end + usize::from(*piece).pow(2));
        let at_end = end == data.len();
        let used = splitter.split(&data[start..end], at_end, |row| {
            outcome.fields.extend((0..columns).map(|column| row.field(column).to_vec()));
            if stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        match used {
            Ok(used) => {
                start += used.bytes;
                if at_end && !used.stopped {
                    assert_eq!(start, end, "{}: at the end everything is used", splitter.path());
                    break;
                }
            }
            Err(error) => {
                outcome.error = Some(error);
                break;
            }
        }
    }
    outcome.records = splitter.records();
    outcome
}

fuzz_target!(|input: &[u8]| {
    let [columns, bound, first, second, third, repeat, data @ ..] = input else { return };
    let columns = usize::from(columns % 24);
    // Short bounds find the edge; the highest stand for no bound.
    let record_bytes_max = if *bound > 100 { usize::MAX } else { usize::from(*bound) };
    let repeat = usize::from(*repeat).min(DATA_BYTES_MAX / data.len().max(1)).max(1);
    let data = data.repeat(repeat);
    // The last piece adds bytes, so the loop ends, and enough of them to end soon.
    let pieces = [*first, *second, (*third).max(if data.len() > 1000 { 16 } else { 1 })];
    SPLITTERS.with_borrow_mut(|splitters| {
        let mut outcomes = splitters.iter_mut().rev().enumerate().map(|(place, splitter)| {
            splitter.limit_record_bytes(record_bytes_max);
            let pieces = if place == 0 { &[255][..] } else { &pieces };
            (splitter.path(), run(splitter, columns, pieces, &data))
        });
        let Some((SplitPath::Reference, expected)) = outcomes.next() else { unreachable!() };
        for (path, got) in outcomes {
            assert!(got == expected, "{path}\nexpected {expected:?}\ngot {got:?}");
        }
    });
});
