//! How fast is CSV split into rows, by each path, and what does reading fields cost on top?
//!
//! Corpus: rows like those of an inventory report, every field quoted, in a window of 256 KiB that
//! stays in the second-level cache, as a decompressor's output does. Each row's field is compared
//! with a constant that matches one row in eight. Fair between paths: same data, same closure.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use s3sieve::SplitPath;
use s3sieve::internal::{Row, Splitter};
use std::{hint::black_box, ops::ControlFlow};

const WINDOW_BYTES: usize = 256 << 10;

/// Rows of `columns` quoted fields and about `row_bytes` bytes, the second field (the key) taking
/// what the others leave. Lengths vary, so that nothing lines up with the 64-byte blocks.
fn report(columns: usize, row_bytes: usize) -> Vec<u8> {
    const VALUES: [&str; 6] =
        ["true", "", "2024-05-07T01:00:00.000Z", "52428", "STANDARD", "false"];
    let mut data = Vec::with_capacity(WINDOW_BYTES + row_bytes);
    let mut row = 0;
    while data.len() < WINDOW_BYTES {
        let status = if row % 8 == 0 { "DISABLED" } else { "ENABLED" };
        let middle: String =
            (2..columns.max(3) - 1).map(|n| format!(",\"{}\"", VALUES[(row + n) % 6])).collect();
        let last = if columns > 2 { format!(",\"{status}\"") } else { String::new() };
        let bucket = if row % 8 == 0 { "example-bucket" } else { "another-bucket" };
        let rest = bucket.len() + middle.len() + last.len() + 6;
        let key_bytes = row_bytes.saturating_sub(rest) - 6 + row * 7 % 13;
        let key = format!("{row:08}/").repeat(key_bytes / 9 + 1);
        let key = &key[..key_bytes];
        data.extend_from_slice(format!("\"{bucket}\",\"{key}\"{middle}{last}\n").as_bytes());
        row += 1;
    }
    data
}

fn scenarios(criterion: &mut Criterion) {
    for (columns, row_bytes) in [(6, 175), (2, 60), (20, 400), (6, 1000)] {
        let data = report(columns, row_bytes);
        let mut group = criterion.benchmark_group(format!("split/{columns}x{row_bytes}"));
        group.throughput(Throughput::Bytes(data.len() as u64));
        for path in SplitPath::available() {
            let mut splitter = Splitter::new(columns, path);
            for (what, wanted) in
                [("first", 0..1), ("last", columns - 1..columns), ("all", 0..columns)]
            {
                group.bench_function(format!("{path}/{what}"), |bencher| {
                    bencher.iter(|| {
                        splitter.reset(columns);
                        let mut matches = 0_u64;
                        let used = splitter.split(&data, true, |row| {
                            for column in wanted.clone() {
                                let field = row.field(column);
                                matches +=
                                    u64::from(field == b"DISABLED" || field == b"example-bucket");
                            }
                            ControlFlow::Continue(())
                        });
                        assert_eq!(used.map(|used| used.bytes), Ok(data.len()));
                        black_box(matches)
                    });
                });
            }
        }
        group.finish();
    }
}

criterion_group!(benches, scenarios);
criterion_main!(benches);
