//! One data file: rows, compressed, counted and summed on their way to the disk.
//!
//! Never knows what is in a row.

use std::io::{self, Write};
use std::ops::Range;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

#[cfg(any(feature = "parquet", feature = "orc"))]
use super::columns::{GROUP_ROWS, RowGroupBuffer};
use super::error::SynthError;
#[cfg(feature = "orc")]
use super::orc_file::OrcFile;
#[cfg(feature = "parquet")]
use super::parquet_file::ParquetFile;
use super::rows::{RowMaker, RowRecipe};
use crate::report::{DigestedFile, FileFormat};

/// Rows are made until they take this much, in bytes, then compressed: small enough to stay in a
/// core's cache, and at 60 MB/s a few milliseconds between looks at whether to stop.
const BATCH_BYTES: usize = 128 << 10;

/// A data file that is complete.
pub(super) struct SynthFile {
    /// Its name, without folders.
    pub(super) name: String,
    pub(super) md5: [u8; 16],
    /// Before compression.
    pub(super) bytes_raw: u64,
    /// On disk.
    pub(super) bytes_compressed: u64,
}

/// What a data file is made of, and how.
#[cfg_attr(
    not(any(feature = "parquet", feature = "orc")),
    expect(dead_code, reason = "CSV takes its rows as they come")
)]
pub(super) struct SynthRun<'a> {
    pub(super) recipe: &'a RowRecipe,
    /// Their names.
    pub(super) columns: &'a [String],
    pub(super) format: FileFormat,
}

/// What rows are written with.
pub(super) enum Encoder<W: Write + Send> {
    Csv {
        gzip: Box<GzEncoder<W>>,
        bytes_raw: u64,
    },
    #[cfg(feature = "parquet")]
    Parquet {
        file: Box<ParquetFile<W>>,
        group: Box<RowGroupBuffer>,
        bytes_raw: u64,
    },
    #[cfg(feature = "orc")]
    Orc {
        file: Box<OrcFile<W>>,
        group: Box<RowGroupBuffer>,
        bytes_raw: u64,
    },
}

impl<W: Write + Send> Encoder<W> {
    pub(super) fn new(making: &SynthRun<'_>, level: u32, inner: W) -> io::Result<Self> {
        Ok(match making.format {
            #[cfg(feature = "parquet")]
            FileFormat::Parquet => {
                let group = Box::new(RowGroupBuffer::new(making.columns));
                let file = Box::new(ParquetFile::new(inner, &group.columns)?);
                Self::Parquet { file, group, bytes_raw: 0 }
            }
            #[cfg(feature = "orc")]
            FileFormat::Orc => {
                let group = Box::new(RowGroupBuffer::new(making.columns));
                Self::Orc { file: Box::new(OrcFile::new(inner, level)?), group, bytes_raw: 0 }
            }
            // The header holds neither name nor time, so that the bytes follow from the rows
            // alone.
            _ => Self::Csv {
                gzip: Box::new(GzEncoder::new(inner, Compression::new(level))),
                bytes_raw: 0,
            },
        })
    }

    /// Adds whole rows of CSV.
    pub(super) fn push(&mut self, rows: &[u8]) -> io::Result<()> {
        match self {
            Self::Csv { gzip, bytes_raw } => {
                *bytes_raw += rows.len() as u64;
                gzip.write_all(rows)
            }
            #[cfg(feature = "parquet")]
            Self::Parquet { group, .. } => {
                group.push(rows)?;
                self.write_group(GROUP_ROWS)
            }
            #[cfg(feature = "orc")]
            Self::Orc { group, .. } => {
                group.push(rows)?;
                self.write_group(GROUP_ROWS)
            }
        }
    }

    /// Writes the group that is being filled, if it has this many rows.
    #[cfg(any(feature = "parquet", feature = "orc"))]
    fn write_group(&mut self, rows_min: usize) -> io::Result<()> {
        match self {
            #[cfg(feature = "parquet")]
            Self::Parquet { file, group, bytes_raw } if group.rows >= rows_min => {
                *bytes_raw += file.write(group)?;
                group.clear();
            }
            #[cfg(feature = "orc")]
            Self::Orc { file, group, bytes_raw } if group.rows >= rows_min => {
                *bytes_raw += file.write(group)?;
                group.clear();
            }
            _ => {}
        }
        Ok(())
    }

    /// Ends the file; gives its length before compression, too.
    #[cfg_attr(
        not(any(feature = "parquet", feature = "orc")),
        expect(unused_mut, reason = "only groups are written here")
    )]
    pub(super) fn finish(mut self) -> io::Result<(W, u64)> {
        #[cfg(any(feature = "parquet", feature = "orc"))]
        self.write_group(1)?;
        match self {
            Self::Csv { gzip, bytes_raw } => Ok((gzip.finish()?, bytes_raw)),
            #[cfg(feature = "parquet")]
            Self::Parquet { file, bytes_raw, .. } => Ok((file.finish()?, bytes_raw)),
            #[cfg(feature = "orc")]
            Self::Orc { file, group, bytes_raw } => Ok((file.finish(&group.columns)?, bytes_raw)),
        }
    }
}

/// Makes the rows with these numbers into a data file; `stopped` is asked between batches.
pub(super) fn write_data_file(
    making: &SynthRun<'_>,
    level: u32,
    index: u64,
    mut numbers: Range<u64>,
    path: &Path,
    stopped: &dyn Fn() -> bool,
    progress: &dyn Fn(u64),
) -> Result<SynthFile, SynthError> {
    let failed = |source| SynthError::Io { path: path.to_owned(), source };
    let summed = DigestedFile::create(path).map_err(failed)?;
    let mut encoder = Encoder::new(making, level, summed).map_err(failed)?;
    let mut rows = RowMaker::new(making.recipe, index);
    let mut batch = Vec::with_capacity(BATCH_BYTES + BATCH_BYTES / 4);
    while !numbers.is_empty() {
        if stopped() {
            return Err(SynthError::Stopped);
        }
        batch.clear();
        let before = numbers.start;
        while batch.len() < BATCH_BYTES {
            let Some(number) = numbers.next() else { break };
            rows.push(number, &mut batch);
        }
        encoder.push(&batch).map_err(failed)?;
        progress(numbers.start - before);
    }
    let (summed, bytes_raw) = encoder.finish().map_err(failed)?;
    let written = summed.finish().map_err(failed)?;
    Ok(SynthFile {
        name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        md5: written.md5,
        bytes_raw,
        bytes_compressed: written.bytes,
    })
}
