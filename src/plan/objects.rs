//! The objects of a plan as a set, read from its manifests.
//!
//! Never knows what becomes of them.

use std::io::{self, BufRead, BufReader};
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Plan, ReadError, Shard, line};
use crate::query::{HashPartition, ObjectSet};
use crate::source::Location;

/// Read of a manifest at a time: few calls, and still in the second-level cache.
const READ_BUFFER_BYTES: usize = 256 << 10;

/// Lines between two looks at whether to stop: some ten milliseconds.
const LINES_BETWEEN_LOOKS: u64 = 1 << 16;

/// The objects of one part, by their versions or by their keys alone. `marks` has those that the
/// objects of each shard get.
///
/// # Errors
/// When a manifest can't be read or holds more than `plan.json` says, or `stop` is raised.
pub(super) fn load(
    folder: &Location,
    plan: &Plan,
    by_version: bool,
    part: HashPartition,
    marks: &[u8],
    stop: &AtomicBool,
) -> Result<ObjectSet, ReadError> {
    let objects: u64 = plan.shards.iter().map(|shard| shard.objects).sum();
    let mut set = ObjectSet::new(part, room(part, objects));
    for (place, shard) in plan.shards.iter().enumerate() {
        let columns = shard.columns.as_ref().unwrap_or(&plan.columns);
        let form = LineForm {
            is_quoted: !shard.files.is_empty(),
            drop_version: columns.len() > 2 && !by_version,
            marks: marks.get(place).copied().unwrap_or_default(),
        };
        for (path, lines) in manifests(folder, shard) {
            let mut lines = lines.map_err(ReadError::at(&path))?;
            add(&mut set, &mut *lines, form, stop).map_err(ReadError::at(&path))?;
            if stop.load(Ordering::Relaxed) {
                return Err(ReadError::Interrupted);
            }
        }
    }
    Ok(set)
}

/// How many objects a part needs room for, of a set that has `objects`. Parts differ in size by
/// chance: by far less than a tenth where there are several.
pub(super) fn room(part: HashPartition, objects: u64) -> u64 {
    if part.of == 1 { objects } else { objects / part.of + objects / part.of / 10 + ROOM_OBJECTS }
}

/// Room for chance in parts that hold few objects.
const ROOM_OBJECTS: u64 = 100;

/// How lines are written, what of them names an object, and the marks that it gets.
#[derive(Clone, Copy)]
pub(super) struct LineForm {
    pub(super) is_quoted: bool,
    pub(super) drop_version: bool,
    pub(super) marks: u8,
}

/// Hands each line of a shard to `take`, unquoted and without its line feed.
///
/// # Errors
/// When a manifest can't be read, `take` fails, or `stop` is raised.
pub(super) fn each_line<E: From<ReadError>>(
    folder: &Location,
    shard: &Shard,
    stop: &AtomicBool,
    take: &mut dyn FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let (mut line, mut unquoted) = (Vec::new(), Vec::new());
    let mut count: u64 = 0;
    for (path, lines) in manifests(folder, shard) {
        let mut lines = lines.map_err(ReadError::at(&path))?;
        loop {
            if count.is_multiple_of(LINES_BETWEEN_LOOKS) && stop.load(Ordering::Relaxed) {
                return Err(ReadError::Interrupted.into());
            }
            count += 1;
            line.clear();
            if lines.read_until(b'\n', &mut line).map_err(ReadError::at(&path))? == 0 {
                break;
            }
            line.pop();
            if !shard.files.is_empty() {
                unquoted.clear();
                line::push_unquoted(&line, &mut unquoted);
                mem::swap(&mut line, &mut unquoted);
            }
            take(&line)?;
        }
    }
    Ok(())
}

/// Adds the object of each line, until the end or until told to stop.
pub(super) fn add(
    set: &mut ObjectSet,
    lines: &mut dyn BufRead,
    form: LineForm,
    stop: &AtomicBool,
) -> io::Result<()> {
    let (mut line, mut unquoted) = (Vec::new(), Vec::new());
    let mut count: u64 = 0;
    while !(count.is_multiple_of(LINES_BETWEEN_LOOKS) && stop.load(Ordering::Relaxed)) {
        count += 1;
        line.clear();
        if lines.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        line.pop();
        if form.is_quoted {
            unquoted.clear();
            line::push_unquoted(&line, &mut unquoted);
            mem::swap(&mut line, &mut unquoted);
        }
        let named = if form.drop_version { line::object(&line) } else { &line };
        if !set.insert(named) {
            return Err(io::Error::other("it holds more objects than plan.json says"));
        }
        if form.marks != 0
            && let Some(slot) = set.find(named)
        {
            set.mark(slot, form.marks);
        }
    }
    Ok(())
}

/// The files that hold a shard's lines: the manifest, or the data files of one that is an inventory
/// report. In S3 they are read as they come.
fn manifests<'a>(
    folder: &'a Location,
    shard: &'a Shard,
) -> impl Iterator<Item = (Location, io::Result<Box<dyn BufRead>>)> + 'a {
    let open =
        |path: &Location| path.open().map(|file| BufReader::with_capacity(READ_BUFFER_BYTES, file));
    let plain = shard.files.is_empty().then(|| {
        let path = folder.join(&shard.path);
        let lines = open(&path).map(|file| Box::new(file) as Box<dyn BufRead>);
        (path, lines)
    });
    let compressed = shard.files.iter().map(move |file| {
        let path = folder.join(&file.path);
        let lines = open(&path).map(|file| {
            let inflated = flate2::bufread::MultiGzDecoder::new(file);
            let lines = BufReader::with_capacity(READ_BUFFER_BYTES, inflated);
            Box::new(lines) as Box<dyn BufRead>
        });
        (path, lines)
    });
    plain.into_iter().chain(compressed)
}
