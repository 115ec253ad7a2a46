//! How fast does a gzip file become bytes, by each way to inflate? What does a small file cost?
//!
//! Rows as a report has them, compressed at level 6. Throughput is in bytes of output. Pieces and
//! window are those of the scan; the output is not looked at.
//!
//! Two pieces of data are inflated one after the other, and in one loop.
//!
//! A peer, `fdeflate`, decodes the same deflate data, without framing and without a checksum: it
//! has less to do.

#![expect(clippy::expect_used, reason = "a benchmark that can't run should stop")]

use std::hint::black_box;
use std::io::Write;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use flate2::Compression;
use flate2::write::GzEncoder;
use s3sieve::Inflate;
use s3sieve::internal::{GzipDecoder, HISTORY_BYTES, RawInflate, Status};

/// Size of the large file, decoded.
const LARGE_BYTES: usize = 8 << 20;
/// Size of a small file, decoded: ten rows or so.
const SMALL_BYTES: usize = 1 << 10;

/// Header of a file as the encoder writes it: no name, no other optional field.
const GZIP_HEADER_BYTES: usize = 10;
/// Checksum and length behind the data.
const GZIP_TRAILER_BYTES: usize = 8;

/// Rows of a report, compressed; about `bytes` of them before compression, and their exact number.
fn report(bytes: usize) -> (Vec<u8>, u64) {
    let mut random = 1_u64;
    let mut digits = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    let mut rows = Vec::new();
    for row in 0.. {
        if rows.len() >= bytes {
            break;
        }
        let (a, b) = (digits(), digits());
        let text = format!(
            "\"bucket\",\"some/path/{row:08}.jpg\",\"{a:016x}{b:016x}\",\"true\",\"false\",\
             \"DISABLED\"\n"
        );
        rows.extend_from_slice(text.as_bytes());
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(&rows).expect("writing to memory");
    (encoder.finish().expect("writing to memory"), rows.len() as u64)
}

/// Decodes a file in pieces of `chunk` bytes and returns the number of bytes that came out.
fn decode(decoder: &mut GzipDecoder, file: &[u8], chunk: usize, window: &mut [u8]) -> u64 {
    decoder.reset();
    let (mut at, mut from, mut to) = (0, 0, chunk.min(file.len()));
    loop {
        let progress = decoder
            .decode(&file[from..to], to == file.len(), window, at)
            .expect("the file is sound");
        black_box(&window[at..][..progress.produced]);
        from += progress.consumed;
        at += progress.produced;
        match progress.status {
            Status::NeedInput => to = file.len().min(to + chunk),
            Status::OutputFull => {
                window.copy_within(at - HISTORY_BYTES..at, 0);
                at = HISTORY_BYTES;
            }
            Status::End => return decoder.bytes_out(),
        }
    }
}

/// The same by `fdeflate`, which reads zlib streams: it is given a zlib header, and the first half
/// of the trailer as a checksum that it ignores. It can't be reset, so each file has a new one.
fn decode_by_peer(file: &[u8], chunk: usize, window: &mut [u8]) -> u64 {
    let mut peer = fdeflate::Decompressor::new();
    peer.ignore_adler32();
    peer.read(&[0x78, 0x01], window, 0, false).expect("the header is sound");
    let (mut at, mut from, mut to) = (0, GZIP_HEADER_BYTES, chunk.min(file.len()));
    let mut bytes_out = 0;
    while !peer.is_done() {
        let (consumed, produced) =
            peer.read(&file[from..to], window, at, false).expect("the file is sound");
        black_box(&window[at..][..produced]);
        from += consumed;
        at += produced;
        bytes_out += produced as u64;
        if at == window.len() {
            window.copy_within(at - HISTORY_BYTES..at, 0);
            at = HISTORY_BYTES;
        } else {
            to = file.len().min(to + chunk);
        }
    }
    bytes_out
}

fn inflate(criterion: &mut Criterion) {
    for (name, bytes, kib) in
        [("large", LARGE_BYTES, 64), ("large", LARGE_BYTES, 256), ("small", SMALL_BYTES, 64)]
    {
        let (file, bytes_out) = report(bytes);
        let mut group = criterion.benchmark_group(format!("gzip/{name}"));
        group.throughput(Throughput::Bytes(bytes_out));
        let mut window = vec![0; HISTORY_BYTES + (kib << 10)];
        for inflate in [Inflate::Fast, Inflate::Reference] {
            let id = BenchmarkId::new(format!("{inflate:?}"), format!("{kib}KiB"));
            let mut decoder = GzipDecoder::new(inflate);
            group.bench_function(id, |bencher| {
                bencher.iter(|| {
                    let got = decode(&mut decoder, black_box(&file), kib << 10, &mut window);
                    assert_eq!(got, bytes_out);
                });
            });
        }
        group.bench_function(BenchmarkId::new("fdeflate", format!("{kib}KiB")), |bencher| {
            bencher.iter(|| {
                let got = decode_by_peer(black_box(&file), kib << 10, &mut window);
                assert_eq!(got, bytes_out);
            });
        });
        group.finish();
    }
}

/// Two pieces of raw deflate data, one after the other and in one loop. Their lengths differ, so
/// that they do not keep step, and fit a window of 256 KiB.
fn two_at_once(criterion: &mut Criterion) {
    let pieces = [200 << 10, 220 << 10].map(|bytes| {
        let (file, bytes_out) = report(bytes);
        (file[GZIP_HEADER_BYTES..file.len() - GZIP_TRAILER_BYTES].to_vec(), bytes_out)
    });
    let [(one, one_out), (two, two_out)] = &pieces;
    let mut group = criterion.benchmark_group("deflate");
    group.throughput(Throughput::Bytes(one_out + two_out));
    let mut inflate = RawInflate::new(Inflate::Fast);
    let [mut to_one, mut to_two] = [(); 2].map(|()| vec![0; 256 << 10]);
    let lengths = [one_out, two_out].map(|bytes| Some(*bytes as usize));
    group.bench_function("one after the other", |bencher| {
        bencher.iter(|| {
            let first = inflate.inflate(black_box(one), &mut to_one).expect("sound data");
            let second = inflate.inflate(black_box(two), &mut to_two).expect("sound data");
            assert_eq!([first, second], lengths);
        });
    });
    group.bench_function("two at once", |bencher| {
        bencher.iter(|| {
            let pieces = [black_box(one.as_slice()), two];
            let found = inflate.inflate_two(pieces, [&mut to_one, &mut to_two]);
            assert_eq!(found.map(|length| length.expect("sound data")), lengths);
        });
    });
    group.finish();
}

criterion_group!(benches, inflate, two_at_once);
criterion_main!(benches);
