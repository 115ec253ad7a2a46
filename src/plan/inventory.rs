//! Inventory output: a plan's manifests as inventory reports of our own.
//!
//! The manifests are written as CSV first, as ever; then each is turned into gzip data files, by
//! pieces of the same length, and a `manifest.json` that lists them. Pieces are independent, so
//! they are compressed on several threads, and what comes out depends on neither.
//!
//! A `manifest.json` names its data files by their keys, so it must be known here where they will
//! lie: below the place that is given, in a folder whose name comes from the plan's content.
//!
//! Never knows how rows were found.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::names::{CHECKSUM, DATA, MANIFEST, MANIFESTS};
use super::{ManifestDataFile, Plan, PlanError, PlanInventory, Shard, line};
use crate::engine::BLOCK_BYTES;
use crate::hex;
use crate::operation::bucket;
use crate::operation::job::{self, S3Prefix};
use crate::read::{ReportSet, ScanError};
use crate::report::{
    DataFileWriter, KEY_BYTES_MAX, MANIFEST_VERSION, ManifestDocument, ManifestEntry, WrittenFile,
    key_components,
};
use crate::source::Crc64Nvme;
use crate::threads;

/// Bytes of a manifest that go into a data file, before they are quoted and compressed. 256 MiB:
/// some 2 million rows, where S3 itself puts 3 million in one, and enough files for all threads.
const PIECE_BYTES: u64 = 256 << 20;

/// The effort of compression, of 0 to 9. At 2, zlib-rs takes two thirds of the time of its usual 6,
/// for files 2 % longer; at 1 they are a third longer.
const LEVEL: u32 = 2;

/// Rows are quoted until they take this much, then compressed: they are still in the second-level
/// cache, and there are a few milliseconds between looks at whether to stop.
const BATCH_BYTES: usize = 128 << 10;

/// What the keys of a plan's files take below the prefix at most: the plan's folder, the shard's,
/// and a data file's name of five digits or more.
const KEY_REST_BYTES_MAX: usize = "/plan-0123456789abcdef/00000/data/0000000000.csv.gz".len();

/// Refuses a place whose keys could not be read again.
pub(super) fn check_place(place: &S3Prefix) -> Result<(), PlanError> {
    let refused =
        |fault: String| Err(PlanError::ManifestPrefix { prefix: place.prefix.clone(), fault });
    let bytes_max = KEY_BYTES_MAX - KEY_REST_BYTES_MAX;
    if place.prefix.len() > bytes_max {
        return refused(format!("longer than {bytes_max} bytes, so keys below it get too long"));
    }
    match key_components(&place.prefix) {
        Err(fault) if !place.prefix.is_empty() => refused(fault.to_string()),
        _ => Ok(()),
    }
}

/// Turns the manifests of a plan, as files in `manifests`, into inventory reports below there that
/// will lie at `place`, and says so in the plan.
pub(super) fn emit(
    plan: &mut Plan,
    manifests: &Path,
    place: &S3Prefix,
    opened: &ReportSet,
    threads: NonZeroUsize,
    stop: &AtomicBool,
) -> Result<(), PlanError> {
    compress(&mut plan.shards, manifests, PIECE_BYTES, threads, stop)?;
    let md5s: Vec<String> = plan.reports.iter().map(|report| report.manifest_md5.clone()).collect();
    let files = plan.shards.iter().flat_map(|shard| &shard.files);
    let files: Vec<_> = files.map(|file| (file.path.as_str(), file.md5.as_str())).collect();
    let folder = job::plan_folder(&md5s, &plan.predicate.understood, &files);
    let report = ReportCommon {
        place,
        folder: &folder,
        partition: opened.reports.first().map_or("aws", |report| &report.partition),
        // A report is as old as the oldest of those it was made from.
        created: opened.reports.iter().filter_map(|report| report.created).min(),
    };
    for shard in &mut plan.shards {
        let columns = shard.columns.as_ref().unwrap_or(&plan.columns).join(", ");
        report.write_manifest(shard, columns, manifests)?;
    }
    plan.inventory = Some(PlanInventory { place: place.address(), folder });
    Ok(())
}

/// What the reports of a plan have in common.
struct ReportCommon<'a> {
    place: &'a S3Prefix,
    folder: &'a str,
    partition: &'a str,
    created: Option<jiff::Timestamp>,
}

impl ReportCommon<'_> {
    /// Writes the manifest of a shard whose data files are there, and its checksum, and makes the
    /// manifest the shard's file.
    fn write_manifest(
        &self,
        shard: &mut Shard,
        columns: String,
        manifests: &Path,
    ) -> Result<(), PlanError> {
        let keys: Vec<String> = shard.files.iter().map(|file| self.key(&file.path)).collect();
        let files = shard.files.iter().zip(&keys);
        let document = ManifestDocument {
            source_bucket: &shard.bucket,
            destination_bucket: &bucket::general_arn(self.partition, &self.place.bucket),
            version: MANIFEST_VERSION,
            creation_timestamp: self.created.map(|at| at.as_millisecond().to_string()),
            file_format: "CSV",
            file_schema: columns,
            files: files
                .map(|(file, key)| ManifestEntry { key, size: file.bytes, md5: &file.md5 })
                .collect(),
        };
        let folder = manifests.join(stem(&shard.path));
        let path = folder.join(MANIFEST);
        let (bytes, checksum) = document.render().map_err(PlanError::at(&path))?;
        fs::write(&path, &bytes).map_err(PlanError::at(&path))?;
        let path = folder.join(CHECKSUM);
        fs::write(&path, checksum).map_err(PlanError::at(&path))?;
        shard.path = format!("{MANIFESTS}/{}/{MANIFEST}", stem(&shard.path));
        shard.bytes = bytes.len() as u64;
        shard.crc64nvme = Crc64Nvme::of(&bytes).to_string();
        // One of the CSV shows that it was asked for.
        shard.sha256 = shard.sha256.take().map(|_| hex::sha256(&bytes));
        Ok(())
    }

    /// The key of a file, from its path in the plan.
    fn key(&self, path: &str) -> String {
        let path = path.strip_prefix(MANIFESTS).unwrap_or(path);
        let key = format!("{}/{}{path}", self.place.prefix, self.folder);
        key.trim_start_matches('/').to_owned()
    }
}

/// The name of a manifest without its ending.
fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.strip_suffix(".csv").unwrap_or(name)
}

/// A piece of a manifest: the lines that begin in a range of its bytes.
struct ManifestPiece {
    shard: usize,
    /// Its place among the pieces of the shard.
    place: u64,
    bytes: Range<u64>,
}

/// Makes each shard's data files, removes its CSV, and lists them in the shard.
fn compress(
    shards: &mut [Shard],
    manifests: &Path,
    piece_bytes: u64,
    threads: NonZeroUsize,
    stop: &AtomicBool,
) -> Result<(), PlanError> {
    let mut pieces = Vec::new();
    let mut pieces_left = Vec::with_capacity(shards.len());
    for (number, shard) in shards.iter().enumerate() {
        let data = manifests.join(stem(&shard.path)).join(DATA);
        fs::create_dir_all(&data).map_err(PlanError::at(&data))?;
        let before = pieces.len();
        for place in 0..shard.bytes.div_ceil(piece_bytes) {
            let bytes = place * piece_bytes..shard.bytes.min((place + 1) * piece_bytes);
            pieces.push(ManifestPiece { shard: number, place, bytes });
        }
        pieces_left.push(AtomicUsize::new(pieces.len() - before));
    }
    let sources: Vec<&str> = shards.iter().map(|shard| stem(&shard.path)).collect();
    let written = threads::in_order(threads, "compress", &pieces, |piece, turn| {
        let stopped = || stop.load(Ordering::Relaxed) || turn.is_void();
        let stem = sources[piece.shard];
        let source = manifests.join(format!("{stem}.csv"));
        let path = manifests.join(stem).join(DATA).join(file_name(piece.place));
        let written = compress_piece(&source, piece.bytes.clone(), &path, &stopped)?;
        // The disk need not hold all manifests twice.
        if pieces_left[piece.shard].fetch_sub(1, Ordering::AcqRel) == 1 {
            fs::remove_file(&source).map_err(PlanError::at(&source))?;
        }
        Ok::<_, PlanError>(written)
    });
    let written = written.map_err(ScanError::Thread)??;
    for (piece, written) in pieces.iter().zip(written) {
        let Some(WrittenFile { bytes, md5 }) = written else { continue };
        let shard = &mut shards[piece.shard];
        let path = format!("{MANIFESTS}/{}/{DATA}/{}", stem(&shard.path), file_name(piece.place));
        shard.files.push(ManifestDataFile { path, bytes, md5: hex::encode(md5) });
    }
    Ok(())
}

/// Compresses the lines that begin in a range of a manifest's bytes into a data file; `None` where
/// none does. `stopped` is asked between batches.
fn compress_piece(
    source: &Path,
    bytes: Range<u64>,
    path: &Path,
    stopped: &dyn Fn() -> bool,
) -> Result<Option<WrittenFile>, PlanError> {
    let failed = |error| PlanError::at(source)(error);
    let mut lines = LineRange::new(source, bytes).map_err(failed)?;
    if !lines.next().map_err(failed)? {
        return Ok(None);
    }
    let failed_here = |error| PlanError::at(path)(error);
    let mut file = DataFileWriter::create(path, LEVEL).map_err(failed_here)?;
    let mut batch = Vec::with_capacity(2 * BATCH_BYTES);
    let mut more = true;
    while more {
        if stopped() {
            return Err(ScanError::Interrupted.into());
        }
        batch.clear();
        while more && batch.len() < BATCH_BYTES {
            line::push_quoted(&lines.line, &mut batch);
            more = lines.next().map_err(failed)?;
        }
        file.write_all(&batch).map_err(failed_here)?;
    }
    file.finish().map(Some).map_err(failed_here)
}

fn file_name(place: u64) -> String {
    format!("{place:05}.csv.gz")
}

/// The lines of a file that begin in a range of its bytes.
struct LineRange {
    file: BufReader<File>,
    at: u64,
    end: u64,
    /// The line that was read last, with its line feed.
    line: Vec<u8>,
}

impl LineRange {
    fn new(path: &Path, bytes: Range<u64>) -> io::Result<Self> {
        let mut file = BufReader::with_capacity(BLOCK_BYTES, File::open(path)?);
        // A line begins behind the line feed before it.
        let before = bytes.start.saturating_sub(1);
        file.seek(SeekFrom::Start(before))?;
        let mut lines = Self { file, at: before, end: bytes.end, line: Vec::new() };
        if bytes.start > 0 {
            lines.read()?;
        }
        Ok(lines)
    }

    fn read(&mut self) -> io::Result<()> {
        self.line.clear();
        self.at += self.file.read_until(b'\n', &mut self.line)? as u64;
        Ok(())
    }

    /// Reads the next line, if there is one.
    fn next(&mut self) -> io::Result<bool> {
        if self.at >= self.end {
            return Ok(false);
        }
        self.read()?;
        Ok(!self.line.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;
    use proptest::prelude::*;

    use super::*;

    fn shard(number: usize, text: &str) -> Shard {
        Shard {
            path: format!("{MANIFESTS}/{number:05}.csv"),
            bucket: "demo".to_owned(),
            objects: text.lines().count() as u64,
            bytes: text.len() as u64,
            ..Shard::default()
        }
    }

    /// What the data files of each shard hold, after compression on this many threads.
    fn compressed(texts: &[String], piece_bytes: u64, threads: usize) -> Vec<(String, Vec<Shard>)> {
        let folder = tempfile::tempdir().unwrap();
        let mut shards = Vec::new();
        for (number, text) in texts.iter().enumerate() {
            fs::write(folder.path().join(format!("{number:05}.csv")), text).unwrap();
            shards.push(shard(number, text));
        }
        let threads = NonZeroUsize::new(threads).unwrap();
        let stop = AtomicBool::new(false);
        compress(&mut shards, folder.path(), piece_bytes, threads, &stop).unwrap();
        let read = |shard: &Shard| {
            let mut text = String::new();
            for file in &shard.files {
                let path = folder.path().join(file.path.strip_prefix("manifests/").unwrap());
                assert_eq!(fs::metadata(&path).unwrap().len(), file.bytes);
                let before = text.len();
                GzDecoder::new(File::open(path).unwrap()).read_to_string(&mut text).unwrap();
                assert!(text.len() > before, "an empty data file");
            }
            text
        };
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), texts.len(), "CSV is left");
        let found: Vec<String> = shards.iter().map(read).collect();
        found.into_iter().map(|text| (text, shards.clone())).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// Every line is in one data file, in order, whatever the pieces and the threads.
        #[test]
        fn pieces_hold_every_line_once(
            keys in prop::collection::vec(prop::collection::vec("[a-z]{0,20}", 1..40), 1..4),
            piece_bytes in 1u64..200,
        ) {
            let text = |keys: &Vec<String>| -> String {
                keys.iter().map(|key| format!("demo,{key}\n")).collect()
            };
            let texts: Vec<String> = keys.iter().map(text).collect();
            let found = compressed(&texts, piece_bytes, 3);
            for ((found, _), keys) in found.iter().zip(&keys) {
                let quoted: String =
                    keys.iter().map(|key| format!("\"demo\",\"{key}\"\n")).collect();
                prop_assert_eq!(found, &quoted);
            }
            prop_assert_eq!(&found, &compressed(&texts, piece_bytes, 1));
        }
    }

    #[test]
    fn a_prefix_must_lead_to_keys_that_can_be_read() {
        let place = |prefix: &str| S3Prefix { bucket: "b".to_owned(), prefix: prefix.to_owned() };
        for good in ["", "a", "a/b c", &"p".repeat(900)] {
            check_place(&place(good)).unwrap();
        }
        for bad in ["a/../b", ".", "a\0", &"p".repeat(1_000)] {
            let error = check_place(&place(bad)).unwrap_err().to_string();
            assert!(error.contains("`manifest_bucket`"), "{error}");
        }
    }
}
