//! What does a row cost once it is split: to match, by kind of predicate and by how often it
//! matches, and to write as a manifest line, by its length?
//!
//! Rows are in memory and unquoted, so nothing but the matcher and the projection is measured.
//! Throughput is in rows.

#![expect(clippy::expect_used, reason = "a benchmark that goes wrong has nothing to measure")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use jiff::Timestamp;
use s3sieve::Schema;
use s3sieve::internal::{Predicate, Projection, Row};

const ROWS: usize = 10_000;

const COLUMNS: [&str; 8] = [
    "Bucket",
    "Key",
    "VersionId",
    "Size",
    "LastModifiedDate",
    "StorageClass",
    "EncryptionStatus",
    "BucketKeyStatus",
];

struct Fields(Vec<String>);

impl Row for Fields {
    fn field(&self, column: usize) -> &[u8] {
        self.0[column].as_bytes()
    }
}

/// Rows in which every tenth is DISABLED and every thousandth is in GLACIER.
fn rows(key_bytes: usize) -> Vec<Fields> {
    let row = |number: usize| {
        let every = |nth: usize, yes: &str, no: &str| {
            if number.is_multiple_of(nth) { yes.to_owned() } else { no.to_owned() }
        };
        let key = format!("photos/{:04}/img+{number:08}.jpg", number % 97);
        Fields(vec![
            "example-bucket".to_owned(),
            format!("{key:x>key_bytes$}"),
            format!("{number:032x}"),
            (number * 977 % 10_000_000).to_string(),
            format!("2024-{:02}-{:02}T12:00:00.000Z", number % 12 + 1, number % 28 + 1),
            every(1000, "GLACIER", "STANDARD"),
            every(2, "SSE-KMS", "SSE-S3"),
            every(10, "DISABLED", "ENABLED"),
        ])
    };
    (0..ROWS).map(row).collect()
}

/// Name, and the predicate.
const PREDICATES: [(&str, &str); 10] = [
    ("name equal, never", "BucketKeyStatus = 'SUSPENDED'"),
    ("name equal, rare", "StorageClass = 'GLACIER'"),
    ("name equal, common", "EncryptionStatus = 'SSE-KMS'"),
    ("two names", "BucketKeyStatus = 'DISABLED' AND EncryptionStatus = 'SSE-KMS'"),
    ("number", "Size < '1MiB'"),
    ("date", "LastModifiedDate < '2024-06-15'"),
    ("key equal, never", "Key = 'photos/none'"),
    ("key prefix, never", "Key LIKE 'videos/%'"),
    ("key suffix, common", "Key LIKE '%.jpg'"),
    ("key pattern, common", "regexp_like(Key, '[0-9]+[.]jpg$')"),
];

fn matching(criterion: &mut Criterion) {
    let schema = Schema::from_names(COLUMNS);
    let rows = rows(40);
    let mut group = criterion.benchmark_group("match");
    group.throughput(Throughput::Elements(ROWS as u64));
    for (name, text) in PREDICATES {
        let predicate =
            Predicate::parse(text, &schema, Timestamp::UNIX_EPOCH).expect("it is sound");
        let mut matcher = predicate.compile();
        group.bench_function(name, |bencher| {
            bencher.iter(|| rows.iter().filter(|row| matcher.matches(black_box(*row))).count());
        });
    }
    group.finish();
}

fn projecting(criterion: &mut Criterion) {
    let projection = Projection { bucket: 0, key: 1, version: Some(2) };
    let mut group = criterion.benchmark_group("project");
    group.throughput(Throughput::Elements(ROWS as u64));
    for key_bytes in [40, 1000] {
        let rows = rows(key_bytes);
        let mut out = Vec::new();
        group.bench_function(BenchmarkId::from_parameter(key_bytes), |bencher| {
            bencher.iter(|| {
                out.clear();
                for row in &rows {
                    projection.write(black_box(row), &mut out);
                }
                out.len()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, matching, projecting);
criterion_main!(benches);
