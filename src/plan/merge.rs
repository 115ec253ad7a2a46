//! Merging: the plan of all parts, from what they say of themselves. No row is read.
//!
//! Shards stay where they are, in their parts' folders. Those of noncurrent versions, whose copies
//! are made first, are listed first; what a plan counts is added up, and its columns and warnings
//! are made anew. One part's document is in memory at a time.

use std::collections::BTreeMap;
use std::fs::{self, File};
#[cfg(feature = "aws")]
use std::io::Seek;
use std::io::{self, BufWriter, Read, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

#[cfg(feature = "aws")]
use super::destination::checksum;
use super::document::columns;
use super::names::{JOURNAL, PLAN, PLAN_BYTES_MAX, SHARDS_MERGED_MAX};
use super::part_document::{COMMAND, PlanPart, PlanPins};
use super::plan_file::PlanFile;
#[cfg(feature = "aws")]
use super::scratch::ScratchFolder;
use super::warnings::{ShardNotes, WarningCounts};
use super::{
    ClassObjects, ExcludedRows, Plan, PlanError, ReadError, Shard, ShardRange, UnreadableValues,
    filter, folder, read,
};
use crate::diagnostic::chain;
use crate::operation::{StorageClass, UNREADABLE};
use crate::parts::{PartsError, PartsFolder, PinnedParts, place_new};
use crate::read::ScanError;
use crate::report::is_same_column;
use crate::source::{Location, lengths};
#[cfg(feature = "aws")]
use crate::source::{StoreError, Uploads};

/// Shards whose files are looked up together: as many as a part has as a rule, and few enough to
/// be told of an interruption soon.
const LOOKED_UP_MAX: usize = 1_000;

/// How a merge looks at the shards' files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum VerifyShards {
    /// That each is there, with its length.
    #[default]
    Lengths,
    /// That each has its digest and its rows, too.
    Full,
}

/// What a merge came to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum MergeOutcome {
    /// Parts are missing: their numbers.
    Incomplete {
        /// How many there are to be.
        parts: u32,
        /// The missing ones, in order.
        missing: Vec<u32>,
    },
    /// All parts are one plan.
    Merged(Box<MergedPlan>),
}

/// A plan that was merged.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MergedPlan {
    /// What it says, but for its shards.
    pub(crate) head: Plan,
    /// How many shards it has, and how many objects and bytes are in them.
    pub(crate) shards: u64,
    pub(crate) objects: u64,
    pub(crate) bytes: u64,
    /// Rows about which values decided that can't be read.
    pub(crate) undecided: u64,
    /// Whether it was there already.
    pub(crate) found: bool,
}

/// Merges the parts in a folder into a plan there, if none is missing.
///
/// # Errors
/// When the folder holds no parts, a part does not fit the others, one of its files is missing or
/// another, or another plan is there; when files can't be read or written, or `stop` is raised.
pub(crate) fn merge(
    out: &Location,
    verify: VerifyShards,
    stop: &AtomicBool,
) -> Result<MergeOutcome, PlanError> {
    let folder = PartsFolder::new(out);
    let pins = pins(&folder)?;
    let parts = pins.partitions;
    folder.refuse_others(parts)?;
    let missing = folder.missing(parts)?;
    if !missing.is_empty() {
        return Ok(MergeOutcome::Incomplete { parts, missing });
    }
    let merging = Merging { folder: &folder, pins: &pins, verify, stop };
    let mut merged = merging.add_up()?;
    let journal = folder.location().join(JOURNAL);
    let is_submitted = journal.open().is_ok();
    let document = folder.location().join(PLAN);
    let written = merging.write(&merged)?;
    merged.found = match there(&document)? {
        Some(plan) => {
            written.refuse_others(plan, &document)?;
            drop(written);
            true
        }
        None if is_submitted => {
            return Err(PlanError::Submitted { path: folder.location().clone() });
        }
        None => written.place(&document)?,
    };
    folder.clear_attempts(None);
    Ok(MergeOutcome::Merged(Box::new(merged)))
}

fn pins(folder: &PartsFolder) -> Result<PlanPins, PlanError> {
    let PinnedParts { command, pins, .. } = folder.pinned(&filter::tool())?;
    let misfit = |what| PlanError::from(PartsError::Misfit { path: folder.partitions(), what });
    if command != COMMAND {
        return Err(misfit(format!("its parts are of the command {command:?}")));
    }
    serde_json::from_value(pins).map_err(|error| misfit(error.to_string()))
}

/// The text of a plan that is there already.
fn there(document: &Location) -> Result<Option<Box<dyn Read>>, PlanError> {
    match document.open() {
        Ok(file) => Ok(Some(Box::new(file.take(PLAN_BYTES_MAX)))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(PlanError::at(document.clone())(error)),
    }
}

/// Parts that are being merged.
struct Merging<'a> {
    folder: &'a PartsFolder,
    pins: &'a PlanPins,
    verify: VerifyShards,
    stop: &'a AtomicBool,
}

impl Merging<'_> {
    /// Each part, in order, with the place of its first data file.
    fn each(
        &self,
        mut visit: impl FnMut(u32, PlanPart) -> Result<(), PlanError>,
    ) -> Result<(), PlanError> {
        let mut first_file = 0;
        for number in 0..self.pins.partitions {
            if self.stop.load(Ordering::Relaxed) {
                return Err(ScanError::Interrupted.into());
            }
            let misfit =
                |what| PlanError::from(PartsError::Misfit { path: self.folder.part(number), what });
            let text = self.folder.document(number)?;
            let text = text.ok_or_else(|| misfit("it is gone".to_owned()))?;
            let part = PlanPart::parsed(&text).map_err(misfit)?;
            if let Some(what) = part.misfit(self.pins, number, first_file) {
                return Err(misfit(what));
            }
            for report in &part.plan.reports {
                first_file = first_file.saturating_add(report.files);
            }
            visit(number, part)?;
        }
        let files = self.pins.report.files;
        if first_file != files {
            let what =
                format!("its parts have {first_file} data files, where the report has {files}");
            return Err(PartsError::Misfit { path: self.folder.partitions(), what }.into());
        }
        Ok(())
    }

    /// Adds up what the parts say, and makes sure of their shards.
    fn add_up(&self) -> Result<MergedPlan, PlanError> {
        let mut sums = Sums::default();
        self.each(|number, part| {
            self.look_up(number, &part.plan)?;
            sums.add(self.pins, number, part)
        })?;
        sums.finish(self.pins, &self.folder.partitions())
    }

    /// Makes sure of the files of a part's shards.
    fn look_up(&self, number: u32, plan: &Plan) -> Result<(), PlanError> {
        let place = self.folder.part(number);
        let failed = |error: ReadError| match error {
            ReadError::Interrupted => PlanError::from(ScanError::Interrupted),
            ReadError::Io { path, error } => PlanError::Io { path, error },
            error => PartsError::Misfit { path: place.clone(), what: chain(&error) }.into(),
        };
        if self.verify == VerifyShards::Full {
            return read::check_digests(&place, plan, self.stop).map_err(failed);
        }
        for shards in plan.shards.chunks(LOOKED_UP_MAX) {
            let files: Vec<PlanFile<'_>> = shards.iter().flat_map(PlanFile::of).collect();
            let paths: Result<Vec<Location>, ReadError> =
                files.iter().map(|file| file.below(&place)).collect();
            let paths = paths.map_err(failed)?;
            let found = lengths(&paths).map_err(PlanError::at(place.clone()))?;
            for ((file, path), bytes) in files.iter().zip(&paths).zip(found) {
                let Some(bytes) = bytes else {
                    let what = format!("{} is missing", file.path);
                    return Err(PartsError::Misfit { path: place.clone(), what }.into());
                };
                file.verify_length(path, bytes).map_err(failed)?;
            }
        }
        Ok(())
    }

    /// Writes the plan's document, in a file of its own.
    fn write(&self, merged: &MergedPlan) -> Result<WrittenPlan, PlanError> {
        let written = WrittenPlan::create(self.folder)?;
        let failed = |error| PlanError::at(self.folder.location().join(PLAN))(error);
        let mut out =
            ShardsWriter::begin(BufWriter::new(&written.file), &merged.head).map_err(failed)?;
        for copies_first in [true, false] {
            let is_any = merged.head.is_for_copies();
            if copies_first && !is_any {
                continue;
            }
            self.each(|number, part| {
                let plan = &part.plan;
                for shard in &plan.shards {
                    let kind = plan.shard_kind(shard);
                    if (kind.copies_first && is_any) == copies_first {
                        let own = columns(kind.lists_versions);
                        let is_superseded = kind.copies_first && kind.lists_versions;
                        let shard = Shard {
                            path: part_path(number, &shard.path),
                            columns: (own != merged.head.columns).then_some(own),
                            after: Vec::new(),
                            ..shard.clone()
                        };
                        out.write(shard, is_superseded).map_err(failed)?;
                    }
                }
                Ok(())
            })?;
        }
        let bytes = out.end().map_err(failed)?;
        if bytes > PLAN_BYTES_MAX {
            return Err(PlanError::TooManyShards);
        }
        Ok(written)
    }
}

/// A file of a part, relative to the folder of all parts.
fn part_path(number: u32, path: &str) -> String {
    format!("part-{number:05}/{path}")
}

/// What the parts say, added up.
#[derive(Default)]
struct Sums {
    /// The first part's plan, without its shards; the others are added to it.
    head: Option<Plan>,
    counts: WarningCounts,
    notes: ShardNotes,
    undecided: u64,
    bytes: u64,
    shards: u64,
    lists_versions: bool,
}

impl Sums {
    fn add(&mut self, pins: &PlanPins, number: u32, part: PlanPart) -> Result<(), PlanError> {
        let PlanPart { mut plan, counts, undecided, .. } = part;
        self.undecided = self.undecided.saturating_add(undecided);
        self.counts.add(counts);
        for shard in &plan.shards {
            let kind = plan.shard_kind(shard);
            let path = part_path(number, &shard.path);
            self.lists_versions |= kind.lists_versions;
            self.notes.add(&pins.question.warnings, shard, kind, &path);
            self.bytes = self.bytes.saturating_add(shard.bytes_total());
        }
        self.shards += plan.shards.len() as u64;
        if self.shards > SHARDS_MERGED_MAX as u64 {
            return Err(PlanError::TooManyShards);
        }
        plan.shards = Vec::new();
        for excluded in &mut plan.excluded {
            for path in &mut excluded.paths {
                *path = part_path(number, path);
            }
        }
        match &mut self.head {
            None => self.head = Some(plan),
            Some(head) => add_plan(head, plan),
        }
        Ok(())
    }

    fn finish(self, pins: &PlanPins, place: &Location) -> Result<MergedPlan, PlanError> {
        let Self { head, counts, notes, undecided, bytes, shards, lists_versions } = self;
        let none = || PlanError::Parts(PartsError::Missing { path: place.clone() });
        let mut head = head.ok_or_else(none)?;
        head.partitions = Some(pins.partitions);
        head.columns = columns(lists_versions);
        head.excluded.sort_by_key(|excluded| excluded.reason == UNREADABLE.reason);
        head.warnings = pins.question.warnings.warnings(&head, &notes, counts);
        let objects = notes.objects();
        let totals = &head.totals;
        // What is not so was saturated, or changed.
        let kept = totals.rows_matched.checked_sub(totals.rows_excluded);
        if kept != Some(objects) || totals.rows_matched > totals.rows || totals.rows == u64::MAX {
            let what = "the totals of its parts don't add up".to_owned();
            return Err(PartsError::Misfit { path: place.clone(), what }.into());
        }
        Ok(MergedPlan { head, shards, objects, bytes, undecided, found: false })
    }
}

/// Adds the plan of a later part.
fn add_plan(head: &mut Plan, later: Plan) {
    for (report, more) in head.reports.iter_mut().zip(&later.reports) {
        report.files = report.files.saturating_add(more.files);
    }
    let (totals, more) = (&mut head.totals, later.totals);
    for (total, more) in [
        (&mut totals.files, more.files),
        (&mut totals.rows, more.rows),
        (&mut totals.rows_matched, more.rows_matched),
        (&mut totals.rows_excluded, more.rows_excluded),
        (&mut totals.bytes_compressed, more.bytes_compressed),
        (&mut totals.bytes_raw, more.bytes_raw),
    ] {
        *total = total.saturating_add(more);
    }
    totals.bytes_objects =
        totals.bytes_objects.zip(more.bytes_objects).map(|(a, b)| a.saturating_add(b));
    totals.storage_classes =
        totals.storage_classes.take().zip(more.storage_classes).map(|(a, b)| add_classes(a, b));
    totals.seconds += more.seconds;
    for ExcludedRows { reason, rows, paths } in later.excluded {
        match head.excluded.iter_mut().find(|known| known.reason == reason) {
            Some(known) => {
                known.rows = known.rows.saturating_add(rows);
                known.paths.extend(paths);
            }
            None => head.excluded.push(ExcludedRows { reason, rows, paths }),
        }
    }
    head.files_skipped.extend(later.files_skipped);
    for UnreadableValues { column, rows, example, file, record } in later.unreadable {
        match head.unreadable.iter_mut().find(|known| is_same_column(&known.column, &column)) {
            Some(known) => known.rows = known.rows.saturating_add(rows),
            None => {
                head.unreadable.push(UnreadableValues { column, rows, example, file, record });
            }
        }
    }
}

/// Adds objects by class; classes stand in the order of their table, those without one last.
fn add_classes(mut classes: Vec<ClassObjects>, more: Vec<ClassObjects>) -> Vec<ClassObjects> {
    for later in more {
        match classes.iter_mut().find(|known| known.storage_class == later.storage_class) {
            Some(known) => known.add(&later),
            None => classes.push(later),
        }
    }
    let place = |class: &ClassObjects| {
        let name = class.storage_class.as_deref();
        let place = name.and_then(|name| StorageClass::NAMES.iter().position(|n| *n == name));
        place.unwrap_or(StorageClass::NAMES.len())
    };
    classes.sort_by_key(place);
    classes
}

/// Writes a plan's document whose shards come one by one, as it would be written at once.
struct ShardsWriter<W> {
    out: W,
    bytes: u64,
    shards: usize,
    /// By bucket, the shards of noncurrent versions.
    earlier: BTreeMap<String, Vec<ShardRange>>,
}

/// What ends a document without shards: they are its last field.
const NO_SHARDS: &str = "[]\n}\n";

impl<W: Write> ShardsWriter<W> {
    fn begin(out: W, head: &Plan) -> io::Result<Self> {
        let text = folder::document(head)?;
        let text = text.strip_suffix(NO_SHARDS.as_bytes());
        let text = text.ok_or_else(|| io::Error::other("a plan ends with its shards"))?;
        let mut writer = Self { out, bytes: 0, shards: 0, earlier: BTreeMap::new() };
        writer.put(text)?;
        writer.put(b"[")?;
        Ok(writer)
    }

    fn put(&mut self, text: &[u8]) -> io::Result<()> {
        self.bytes += text.len() as u64;
        self.out.write_all(text)
    }

    fn write(&mut self, mut shard: Shard, is_superseded: bool) -> io::Result<()> {
        let place = self.shards;
        let ranges = self.earlier.entry(shard.bucket.clone()).or_default();
        match ranges.last_mut() {
            _ if !is_superseded => shard.after.clone_from(ranges),
            Some(range) if range.last + 1 == place => range.last = place,
            _ => ranges.push(ShardRange { first: place, last: place }),
        }
        self.put(if place == 0 { b"\n    " } else { b",\n    " })?;
        self.shards += 1;
        // A line feed in a value stands there as `\n`.
        let text = serde_json::to_string_pretty(&shard)?.replace('\n', "\n    ");
        self.put(text.as_bytes())
    }

    /// Ends the document; gives its length in bytes.
    fn end(mut self) -> io::Result<u64> {
        self.put(if self.shards == 0 { b"]\n}\n" } else { b"\n  ]\n}\n" })?;
        self.out.flush()?;
        Ok(self.bytes)
    }
}

/// The document while it is written, in a file that goes away when it is dropped.
struct WrittenPlan {
    file: File,
    path: PathBuf,
    #[cfg(feature = "aws")]
    _scratch: Option<ScratchFolder>,
}

impl WrittenPlan {
    fn create(folder: &PartsFolder) -> Result<Self, PlanError> {
        match folder.location() {
            Location::Path(out) => {
                let (file, path) = folder.new_file(out)?;
                Ok(Self {
                    file,
                    path,
                    #[cfg(feature = "aws")]
                    _scratch: None,
                })
            }
            #[cfg(feature = "aws")]
            Location::Object(_) => {
                let scratch = ScratchFolder::create(&std::env::temp_dir())?;
                let path = scratch.path().join(PLAN);
                let file = File::options().read(true).write(true).create_new(true).open(&path);
                let file = file.map_err(PlanError::at(&path))?;
                Ok(Self { file, path, _scratch: Some(scratch) })
            }
        }
    }

    /// Refuses a plan that is there and is another one.
    fn refuse_others(&self, there: Box<dyn Read>, document: &Location) -> Result<(), PlanError> {
        let failed = PlanError::at(document.clone());
        let mut written = File::open(&self.path).map_err(PlanError::at(&self.path))?;
        let mut texts = [Vec::new(), Vec::new()];
        let [own, other] = &mut texts;
        let (own_file, mut there) = (&mut written, there);
        own_file.read_to_end(own).and_then(|_| there.read_to_end(other)).map_err(failed)?;
        let is_same = own == other || {
            let plans = [&*own, &*other].map(|text| folder::parsed(text));
            let [Ok(own), Ok(other)] = plans else { return Err(other_plan(document)) };
            own.is_same_as(&other)
        };
        if is_same { Ok(()) } else { Err(other_plan(document)) }
    }

    /// Makes it the plan; `true` where the same one was placed meanwhile.
    fn place(self, document: &Location) -> Result<bool, PlanError> {
        match document {
            Location::Path(path) => {
                if place_new(&self.path, path).map_err(PlanError::at(path))? {
                    return Ok(false);
                }
                let Some(other) = there(document)? else { return Err(other_plan(document)) };
                self.refuse_others(other, document).map(|()| true)
            }
            #[cfg(feature = "aws")]
            Location::Object(_) => self.send(document),
        }
    }

    #[cfg(feature = "aws")]
    fn send(mut self, document: &Location) -> Result<bool, PlanError> {
        let Some(Location::Object(folder)) = document.parent() else {
            return Err(other_plan(document));
        };
        self.file.rewind().map_err(PlanError::at(&self.path))?;
        let (bytes, crc64nvme) = checksum(&mut self.file).map_err(PlanError::at(&self.path))?;
        let upload = Uploads::new(&folder, false).begin(PLAN);
        match upload.finish(&self.file, bytes, crc64nvme, &mut |_| Ok(())) {
            Ok(outcome) => Ok(outcome.found),
            Err(StoreError::Differs { .. }) => Err(other_plan(document)),
            Err(error) => Err(PlanError::not_stored(document.clone())(error)),
        }
    }
}

impl Drop for WrittenPlan {
    fn drop(&mut self) {
        // It was placed, or nothing else needs it.
        let _ = fs::remove_file(&self.path);
    }
}

fn other_plan(path: &Location) -> PlanError {
    let what = "it was not merged of them as they are now".to_owned();
    PlanError::OtherPlan { path: path.clone(), what }
}
