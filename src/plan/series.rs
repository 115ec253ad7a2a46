//! Series of shards: the rows of one lane, cut exactly at the bounds.
//!
//! Shards are numbered in the order in which they are begun, over all series of a plan; but those
//! of some series may go before all others. So a file gets its name when all are finished.
//!
//! Never knows what makes a lane: a series carries a label and hands it on.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use super::names::{MANIFESTS, SHARDS_MAX};
use super::open_files::OpenFiles;
use super::shard::{EndedShard, LineBlock, ShardFile, ShardSummary};
use super::{ManifestDigest, PlanError, line};
use crate::engine::Background;
use crate::source::Uploads;

/// Where the next shard of a series ends.
#[derive(Debug, Clone, Copy)]
pub(super) enum ShardCut {
    /// After this many objects.
    Every(u64),
    /// So that `rows` rows are spread over `shards` shards whose sizes differ by one at most.
    Evenly { rows: u64, shards: u64 },
}

impl ShardCut {
    /// The objects that belong in the shard with this place in its series.
    fn objects(self, place: u64) -> u64 {
        match self {
            Self::Every(objects) => objects,
            // Rows that the byte bound pushed beyond the last shard come in shards like it.
            Self::Evenly { rows, shards } => {
                (rows / shards + u64::from(place < rows % shards)).max(1)
            }
        }
    }
}

/// Numbers and collects the shards of all series.
pub(super) struct Shards<L> {
    files: OpenFiles,
    folder: PathBuf,
    /// Where shards go while they are written; they then keep the numbers they are begun with.
    uploads: Option<Arc<Uploads>>,
    bytes_max: u64,
    digest: ManifestDigest,
    begun: usize,
    finished: Vec<(usize, L, EndedShard)>,
}

/// One series.
pub(super) struct Series<L> {
    label: L,
    cut: ShardCut,
    /// Shards begun in this series.
    begun: u64,
    current: Option<(usize, ShardFile)>,
}

impl<L: Clone> Shards<L> {
    /// Shards of at most `bytes_max` bytes, as files in `folder`, or from there to S3 at once,
    /// which takes that no series goes before the others.
    pub(super) fn new(
        files: OpenFiles,
        folder: PathBuf,
        uploads: Option<Arc<Uploads>>,
        bytes_max: u64,
        digest: ManifestDigest,
    ) -> Self {
        Self { files, folder, uploads, bytes_max, digest, begun: 0, finished: Vec::new() }
    }

    /// The finished shards in the order in which they were begun, those of series that go `first`
    /// before all others, with the names that their files have from now on.
    pub(super) fn into_finished(
        mut self,
        first: impl Fn(&L) -> bool,
    ) -> Result<Vec<(String, L, ShardSummary)>, PlanError> {
        self.finished.sort_by_key(|(begun, label, _)| (!first(label), *begun));
        let mut named = Vec::with_capacity(self.finished.len());
        for (number, (begun, label, finished)) in self.finished.into_iter().enumerate() {
            let name = file_name(number);
            if self.uploads.is_none() {
                let path = self.folder.join(&name);
                fs::rename(self.folder.join(working_name(begun)), &path)
                    .map_err(PlanError::at(&path))?;
            }
            named.push((name, label, finished.summary()?));
        }
        Ok(named)
    }

    /// The files, as they are named now, of the finished shards whose label is `wanted`, and their
    /// rows. None where they went to S3 at once.
    pub(super) fn files(&self, wanted: impl Fn(&L) -> bool) -> (Vec<PathBuf>, u64) {
        let of = self.finished.iter().filter(|(_, label, _)| wanted(label));
        let path = |begun: &usize| self.folder.join(working_name(*begun));
        let rows = of.clone().map(|(_, _, finished)| finished.rows).sum();
        (of.map(|(begun, _, _)| path(begun)).collect(), rows)
    }

    fn begin(&mut self) -> Result<(usize, ShardFile), PlanError> {
        if self.begun == SHARDS_MAX {
            return Err(PlanError::TooManyShards);
        }
        let begun = self.begun;
        let begin =
            |uploads: &Arc<Uploads>| uploads.begin(&format!("{MANIFESTS}/{}", file_name(begun)));
        let upload = self.uploads.as_ref().map(begin);
        let path = self.folder.join(working_name(begun));
        let file = ShardFile::create(&self.files, &path, upload, self.digest)?;
        self.begun += 1;
        Ok((begun, file))
    }
}

/// The name of the shard with this number.
fn file_name(number: usize) -> String {
    format!("{number:05}.csv")
}

/// The name until then, of the shard that was begun after this many.
fn working_name(begun: usize) -> String {
    format!("{begun:05}.begun")
}

impl<L: Clone> Series<L> {
    pub(super) fn new(label: L, cut: ShardCut) -> Self {
        Self { label, cut, begun: 0, current: None }
    }

    /// Appends lines, ending shards and beginning new ones at the bounds.
    pub(super) fn write(
        &mut self,
        shards: &mut Shards<L>,
        mut block: LineBlock<'_>,
    ) -> Result<(), PlanError> {
        let background = block.background;
        while block.rows > 0 {
            if self.current.is_none() {
                self.current = Some(shards.begin()?);
                self.begun += 1;
            }
            let objects_max = self.cut.objects(self.begun - 1);
            let Some((_, shard)) = &mut self.current else { continue };
            let objects_room = objects_max.saturating_sub(shard.rows());
            let bytes_room = shards.bytes_max - shard.bytes();
            let (count, bytes) = line::fit(&block.lines, block.rows, objects_room, bytes_room);
            if count == 0 && shard.rows() == 0 {
                let row_bytes = line::first(&block.lines).len() as u64 + 1;
                return Err(PlanError::RowTooLong { row_bytes, bytes_max: shards.bytes_max });
            }
            if count > 0 {
                shard.write(block.take(count, bytes))?;
            }
            // A full shard, or rows are left that did not fit.
            if shard.rows() == objects_max || block.rows > 0 {
                self.finish(shards, background)?;
            }
        }
        Ok(())
    }

    /// Ends the shard at hand.
    pub(super) fn finish(
        &mut self,
        shards: &mut Shards<L>,
        background: Option<&Background<'_>>,
    ) -> Result<(), PlanError> {
        if let Some((begun, shard)) = self.current.take() {
            shards.finished.push((begun, self.label.clone(), shard.finish(background)?));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The obvious way: line after line.
    fn cut_slowly(lines: &[String], objects_max: &[u64], bytes_max: u64) -> Vec<String> {
        let mut shards: Vec<String> = Vec::new();
        let mut objects = 0;
        for line in lines {
            let full = shards.last().is_none_or(|shard: &String| {
                let place = (shards.len() - 1).min(objects_max.len() - 1);
                objects == objects_max[place] || shard.len() as u64 + line.len() as u64 > bytes_max
            });
            if full {
                shards.push(String::new());
                objects = 0;
            }
            if let Some(shard) = shards.last_mut() {
                shard.push_str(line);
            }
            objects += 1;
        }
        shards
    }

    fn cut(lines: &[String], blocks: &[usize], cut: ShardCut, bytes_max: u64) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let mut shards = Shards::new(
            OpenFiles::new(),
            folder.path().to_owned(),
            None,
            bytes_max,
            ManifestDigest::Crc64Nvme,
        );
        let mut series = Series::new((), cut);
        let mut rest = lines;
        let mut sizes = blocks.iter().copied().cycle();
        while !rest.is_empty() {
            let count = sizes.next().unwrap_or(1).clamp(1, rest.len());
            let lines = rest[..count].concat();
            let block = LineBlock::at_once(lines.as_bytes(), count as u64);
            series.write(&mut shards, block).unwrap();
            rest = &rest[count..];
        }
        series.finish(&mut shards, None).unwrap();
        let read = |(name, (), finished): (String, (), ShardSummary)| {
            let text = fs::read_to_string(folder.path().join(name)).unwrap();
            assert_eq!(text.lines().count() as u64, finished.rows);
            assert_eq!(text.len() as u64, finished.bytes);
            text
        };
        shards.into_finished(|()| false).unwrap().into_iter().map(read).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn shards_are_cut_exactly_at_the_bounds(
            keys in prop::collection::vec("[a-z]{0,12}", 0..60),
            blocks in prop::collection::vec(1usize..9, 1..5),
            objects_max in 1u64..20,
            bytes_max in 20u64..200,
        ) {
            let lines: Vec<String> = keys.iter().map(|key| format!("demo,{key}\n")).collect();
            let found = cut(&lines, &blocks, ShardCut::Every(objects_max), bytes_max);
            prop_assert_eq!(found, cut_slowly(&lines, &[objects_max], bytes_max));
        }

        #[test]
        fn even_shards_differ_by_one_row_at_most(
            count in 1usize..80,
            shards in 1u64..9,
            blocks in prop::collection::vec(1usize..9, 1..5),
        ) {
            let lines: Vec<String> = (0..count).map(|key| format!("demo,{key}\n")).collect();
            let spread = ShardCut::Evenly { rows: count as u64, shards: shards.min(count as u64) };
            let found = cut(&lines, &blocks, spread, u64::MAX);
            prop_assert_eq!(found.len() as u64, shards.min(count as u64));
            prop_assert_eq!(found.concat(), lines.concat());
            let sizes: Vec<usize> = found.iter().map(|shard| shard.lines().count()).collect();
            let (least, most) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
            prop_assert!(most - least <= 1, "{:?}", sizes);
        }
    }

    #[test]
    fn series_that_go_first_get_the_lower_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let mut shards = Shards::new(
            OpenFiles::new(),
            folder.path().to_owned(),
            None,
            99,
            ManifestDigest::Crc64Nvme,
        );
        let mut series = ["late", "early"].map(|label| Series::new(label, ShardCut::Every(1)));
        for line in ["a\n", "b\n"] {
            for series in &mut series {
                series.write(&mut shards, LineBlock::at_once(line.as_bytes(), 1)).unwrap();
            }
        }
        let finished = shards.into_finished(|label| *label == "early").unwrap();
        let found: Vec<_> = finished.iter().map(|(name, label, _)| (&**name, *label)).collect();
        let names = ["00000.csv", "00001.csv", "00002.csv", "00003.csv"];
        let labels = ["early", "early", "late", "late"];
        assert_eq!(found, names.into_iter().zip(labels).collect::<Vec<_>>());
        let texts = names.map(|name| fs::read_to_string(folder.path().join(name)).unwrap());
        assert_eq!(texts, ["a\n", "b\n", "a\n", "b\n"]);
    }

    #[test]
    fn a_row_that_fits_no_shard_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut shards = Shards::new(
            OpenFiles::new(),
            folder.path().to_owned(),
            None,
            8,
            ManifestDigest::Crc64Nvme,
        );
        let mut series = Series::new((), ShardCut::Every(10));
        let block = LineBlock::at_once(b"demo,a\ndemo,long\n", 2);
        let result = series.write(&mut shards, block);
        assert!(matches!(result, Err(PlanError::RowTooLong { row_bytes: 10, bytes_max: 8 })));
    }
}
