//! Files scanned split by split, against the same files scanned at once.

use std::collections::VecDeque;
use std::fs;
use std::io::Write as _;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use md5::{Digest, Md5};
use proptest::prelude::*;

use super::csv::CsvScanner;
use super::run_state::RunState;
use super::splits::SplitScan;
use super::tasks::{FileSplit, ScanTask};
use super::visitor::{RowVisitor, VisitResult};
use super::{Input, RunControl, ScanOptions, Scanned, Verify};
use crate::format::gzip::Inflate;
use crate::report::FileFormat;
use crate::values::Row;

/// The rows of two columns, as text.
#[derive(Default)]
struct SeenRows(Vec<String>);

impl RowVisitor for SeenRows {
    fn row<R: Row>(&mut self, row: &R) -> VisitResult {
        let field = |column| String::from_utf8_lossy(row.field(column)).into_owned();
        self.0.push(format!("{}|{}", field(0), field(1)));
        Ok(ControlFlow::Continue(()))
    }

    fn matched<R: Row>(&mut self, row: &R) -> VisitResult {
        self.row(row)
    }
}

/// A gzip file of some members, some of which may be stored.
fn file(folder: &Path, number: usize, members: &[(String, u32)]) -> Input {
    let mut bytes = Vec::new();
    for (text, level) in members {
        let mut encoder = GzEncoder::new(&mut bytes, Compression::new(*level));
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap();
    }
    let path = folder.join(number.to_string());
    fs::write(&path, &bytes).unwrap();
    let (md5, bytes) = (Some(Md5::digest(&bytes).into()), bytes.len() as u64);
    Input { path: path.into(), bytes, md5, report: 0, format: FileFormat::Csv }
}

/// Scans all files, each in this many splits, which take turns, with these many scanners by turns.
fn scanned(inputs: &[Input], splits: &[u32], scanners: usize, verify: Verify) -> Outcome {
    scanned_by(inputs, splits, scanners, ScanOptions { verify, ..ScanOptions::default() }, &[])
}

/// As [`scanned`], two splits at once where `pairs`, gone through in a circle, say so.
fn scanned_by(
    inputs: &[Input],
    splits: &[u32],
    scanners: usize,
    options: ScanOptions,
    pairs: &[bool],
) -> Outcome {
    let threads = NonZeroUsize::new(scanners).unwrap();
    let options = ScanOptions { threads, ..options };
    let state = RunState::new(inputs, options);
    let mut scanners: Vec<CsvScanner<'_>> =
        (0..scanners).map(|_| CsvScanner::new(options, RunControl::default(), &state)).collect();
    let mut rows = vec![Vec::new(); inputs.len()];
    let mut total = Scanned::default();
    let mut turn = 0;
    let tasks = (0..splits.iter().copied().max().unwrap_or(0)).flat_map(|number| {
        let of_number = splits.iter().copied().enumerate().filter(move |(_, of)| number < *of);
        of_number.map(move |(file, of)| ScanTask {
            files: file..file + 1,
            split: FileSplit { number, of },
        })
    });
    let mut tasks: VecDeque<ScanTask> = tasks.collect();
    while let Some(task) = tasks.pop_front() {
        let place = turn % scanners.len();
        let in_two = *pairs.get(turn % pairs.len().max(1)).unwrap_or(&false);
        let other = tasks.pop_front_if(|other| in_two && other.files != task.files);
        let mut seen = [(); 2].map(|()| SeenRows::default());
        let [one, two] = &mut seen;
        let check = &|| Ok(());
        let scan = |task, visitor| SplitScan { task, columns: 2, visitor, check };
        let scanner = &mut scanners[place];
        let found = match &other {
            Some(other) => scanner.scan_two(inputs, [scan(&task, one), scan(other, two)]).into(),
            None => vec![scanner.scan(inputs, &task, 2, one, check)],
        };
        for ((found, task), seen) in found.into_iter().zip([Some(task), other]).zip(seen) {
            total.add(&found.map_err(|error| format!("{error:?}"))?);
            rows[task.map_or(0, |task| task.files.start)].extend(seen.0);
        }
        turn += 1;
    }
    Ok((rows, total))
}

type Outcome = Result<(Vec<Vec<String>>, Scanned), String>;

/// Text of records: short, long ones, quoted with line ends within, and a last one cut short.
fn text() -> impl Strategy<Value = String> {
    let record = prop_oneof![
        8 => "[a-z]{0,9},[a-z]{0,30}\n",
        2 => "\"[a-z\n\"]{0,5}\",[a-z]{0,9}\r\n".prop_map(|record| {
            let (first, rest) = record.split_at(record.rfind("\",").unwrap_or(0));
            format!("\"{}{rest}", first[1..].replace('"', "\"\""))
        }),
        1 => (0usize..40_000).prop_map(|length| format!("k,{}\n", "x".repeat(length))),
    ];
    prop::collection::vec(record, 0..60).prop_map(|records| records.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 96 }))]

    #[test]
    fn two_splits_at_once_show_what_each_holds(
        files in prop::collection::vec(
            prop::collection::vec((text(), 0u32..=9), 1..4), 2..6),
        splits in prop::collection::vec(2u32..9, 6),
        scanners in 1usize..4,
        pairs in prop::collection::vec(any::<bool>(), 1..5),
        md5 in any::<bool>(),
        reference in any::<bool>(),
        damage in prop::option::of((
            any::<prop::sample::Index>(),
            any::<prop::sample::Index>(),
            1..=u8::MAX,
        )),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let inputs: Vec<Input> =
            files.iter().enumerate().map(|(n, members)| file(folder.path(), n, members)).collect();
        if let Some((number, at, change)) = damage {
            let path = inputs[number.index(inputs.len())].path.as_path().unwrap();
            let mut bytes = fs::read(path).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= change;
            fs::write(path, bytes).unwrap();
        }
        let verify = if md5 { Verify::Md5 } else { Verify::Crc };
        let inflate = if reference { Inflate::Reference } else { Inflate::Fast };
        let options = ScanOptions { verify, inflate, ..ScanOptions::default() };
        let splits = &splits[..inputs.len()];
        let alone = scanned_by(&inputs, splits, 1, options, &[]);
        let in_two = scanned_by(&inputs, splits, scanners, options, &pairs);
        prop_assert_eq!(in_two, alone);
    }

    #[test]
    fn splits_show_what_the_whole_file_holds(
        files in prop::collection::vec(
            prop::collection::vec((text(), 0u32..=9), 1..4), 1..6),
        splits in prop::collection::vec(2u32..40, 6),
        scanners in 1usize..4,
        md5 in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let inputs: Vec<Input> =
            files.iter().enumerate().map(|(n, members)| file(folder.path(), n, members)).collect();
        let verify = if md5 { Verify::Md5 } else { Verify::Crc };
        let whole = scanned(&inputs, &vec![1; inputs.len()], 1, verify);
        let cut = scanned(&inputs, &splits[..inputs.len()], scanners, verify);
        prop_assert_eq!(cut, whole);
    }
}

#[test]
fn every_cut_of_a_file_gives_the_same_rows() {
    let folder = tempfile::tempdir().unwrap();
    let members = [("a,b\n\"c\n\",d\n".to_owned(), 6), ("e,f\ng,\"h\"\"\"".to_owned(), 0)];
    let inputs = [file(folder.path(), 0, &members)];
    let whole = scanned(&inputs, &[1], 1, Verify::Crc).unwrap();
    assert_eq!(whole.0[0], ["a|b", "c\n|d", "e|f", "g|h\""]);
    for splits in 2..=inputs[0].bytes as u32 + 3 {
        assert_eq!(scanned(&inputs, &[splits], 2, Verify::Md5).unwrap(), whole, "{splits}");
    }
}

#[test]
fn a_fault_is_told_by_its_split_and_ends_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let texts = ["a,b\n".repeat(999), "a,b\nc\n".to_owned() + &"d,e\n".repeat(99)];
    let mut inputs: Vec<Input> = texts
        .iter()
        .enumerate()
        .map(|(n, text)| file(folder.path(), n, &[(text.clone(), 0)]))
        .collect();
    let error = scanned(&inputs, &[5, 5], 2, Verify::Crc).unwrap_err();
    assert!(error.contains("record: 2"), "{error}");
    // The last split knows the whole file's digest.
    inputs.truncate(1);
    inputs[0].md5 = Some([7; 16]);
    let error = scanned(&inputs, &[5], 1, Verify::Md5).unwrap_err();
    assert!(error.contains("Md5"), "{error}");
    inputs[0].bytes -= 1;
    let error = scanned(&inputs, &[5], 1, Verify::Md5).unwrap_err();
    assert!(error.contains("Size"), "{error}");
}
