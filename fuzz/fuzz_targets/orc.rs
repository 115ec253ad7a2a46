//! Any bytes as an ORC file, and sound files with some bytes changed: an error or values, never a
//! panic, a hang or memory without bound.

#![no_main]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;

use libfuzzer_sys::fuzz_target;
use s3sieve::format::columnar::{ColumnWanted, ColumnarFile};
use s3sieve::format::orc::Tail;
use s3sieve::format::ranges::Ranges;
use s3sieve::format::buffer_pool::BufferPool;
use s3sieve::report::FileFormat;
use s3sieve::synth::{self, Synth};

/// Rows read of a group at most: a damaged count can be any.
const ROWS_MAX: u64 = 20_000;

/// A sound file: streams, runs, dictionaries.
fn sound() -> &'static [u8] {
    static FILE: OnceLock<Vec<u8>> = OnceLock::new();
    FILE.get_or_init(|| {
        let names = "Bucket,Key,VersionId,IsLatest,IsDeleteMarker,Size,LastModifiedDate,ETag,\
                     StorageClass,ReplicationStatus,BucketKeyStatus";
        let synth = Synth {
            rows: 1_500,
            files: 1,
            columns: names.split(',').map(str::to_owned).collect(),
            format: FileFormat::Orc,
            null_version_share: 0.3,
            delete_marker_share: 0.2,
            ..Synth::default()
        };
        let out = std::env::temp_dir().join(format!("s3sieve-fuzz-orc-{}", std::process::id()));
        synth::write(&synth, &out, &AtomicBool::new(false), |_| {}).expect("a sound file");
        let bytes = fs::read(data_file(&out).expect("a data file")).expect("its bytes");
        fs::remove_dir_all(&out).expect("no folder is left");
        bytes
    })
}

fn data_file(folder: &Path) -> Option<PathBuf> {
    fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).find_map(|path| {
        if path.is_dir() { data_file(&path) } else { path.extension()?.eq("orc").then_some(path) }
    })
}

/// Reads all that can be read.
fn read(file: &dyn ColumnarFile, bytes: &dyn Ranges) {
    let mut pool = BufferPool::default();
    for (group, size) in file.groups().iter().enumerate() {
        for column in 0..file.columns().len() {
            let _ = file.pages(bytes, group, column);
            let _ = file.filter(bytes, group, column);
            let serial = column as u64;
            let wanted = [ColumnWanted { column, serial, instants: false, unverified: true }];
            let Ok(cursors) = file.cursors(bytes, group, &wanted, &mut pool) else { continue };
            for mut cursor in cursors {
                let mut left = size.rows.min(ROWS_MAX);
                while let Ok(rows @ 1..) = cursor.run() {
                    if left == 0 || cursor.ready().is_err() {
                        break;
                    }
                    let values = cursor.values(0, rows);
                    for row in 0..rows {
                        let _ = values.text(row, &mut Vec::new());
                    }
                    cursor.skip(rows);
                    left = left.saturating_sub(rows as u64);
                }
                cursor.give_back(&mut pool);
            }
        }
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((mode, rest)) = input.split_first() else { return };
    let bytes = if mode % 4 == 0 {
        rest.to_vec()
    } else {
        let mut bytes = sound().to_vec();
        // Of every three bytes, two are a place from the front or from the back, one the change.
        for change in rest.chunks_exact(3).take(16) {
            let place = usize::from(u16::from_le_bytes([change[0], change[1]])) * 2 % bytes.len();
            let place = if mode % 4 == 1 { place } else { bytes.len() - 1 - place % 4_096 };
            bytes[place] = change[2];
        }
        bytes
    };
    let ranges: &dyn Ranges = &&bytes[..];
    if let Ok(file) = Tail::read(ranges) {
        read(&file, ranges);
    }
});
