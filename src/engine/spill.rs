//! Spill files: blocks that wait on disk, one file for each task, written and read in order.
//!
//! A file is a sequence of records: lane (u32), rows (u64), length (u64), little endian, then the
//! bytes. The headers lie in the file, so that memory does not grow with what is spilled.
//!
//! Never knows whose turn it is.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use super::{BLOCK_BYTES, OutputBlock, OutputLane};

const HEADER_BYTES: usize = 4 + 8 + 8;

/// The folder in which spill files stand; made when the first one is.
pub(super) struct SpillFolder {
    path: PathBuf,
    exists: bool,
}

impl SpillFolder {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, exists: false }
    }

    pub(super) fn create(&mut self, task: usize) -> io::Result<SpillFile> {
        if !self.exists {
            fs::create_dir_all(&self.path).map_err(|error| at(&self.path, &error))?;
            self.exists = true;
        }
        SpillFile::create(self.path.join(format!("{task}.spill")))
    }
}

impl Drop for SpillFolder {
    fn drop(&mut self) {
        if self.exists {
            // The files go with the run; a folder that stays behind is only untidy.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

enum Side {
    Writing(BufWriter<File>),
    /// Written to its end. Many tasks may wait, so none holds a file open until its turn.
    Written,
    Reading(BufReader<File>),
}

/// Blocks of one task on disk. First only written, then only read.
pub(super) struct SpillFile {
    path: PathBuf,
    side: Side,
    /// Records not read yet.
    left: u64,
}

impl SpillFile {
    fn create(path: PathBuf) -> io::Result<Self> {
        let file = File::create_new(&path).map_err(|error| at(&path, &error))?;
        Ok(Self { path, side: Side::Writing(BufWriter::new(file)), left: 0 })
    }

    pub(super) fn push(&mut self, block: &OutputBlock) -> io::Result<()> {
        let Side::Writing(file) = &mut self.side else {
            return Err(io::Error::other("a spill file is written before it is read"));
        };
        let mut header = [0; HEADER_BYTES];
        header[..4].copy_from_slice(&block.lane.0.to_le_bytes());
        header[4..12].copy_from_slice(&block.rows.to_le_bytes());
        header[12..].copy_from_slice(&(block.bytes.len() as u64).to_le_bytes());
        file.write_all(&header)
            .and_then(|()| file.write_all(&block.bytes))
            .map_err(|error| at(&self.path, &error))?;
        self.left += 1;
        Ok(())
    }

    /// Closes the file: nothing more comes.
    pub(super) fn close(&mut self) -> io::Result<()> {
        if let Side::Writing(file) = &mut self.side {
            file.flush().map_err(|error| at(&self.path, &error))?;
            self.side = Side::Written;
        }
        Ok(())
    }

    pub(super) fn pop(&mut self) -> io::Result<Option<OutputBlock>> {
        if self.left == 0 {
            return Ok(None);
        }
        let block = self.read().map_err(|error| at(&self.path, &error))?;
        self.left -= 1;
        Ok(Some(block))
    }

    fn read(&mut self) -> io::Result<OutputBlock> {
        if let Side::Writing(file) = &mut self.side {
            file.flush()?;
            self.side = Side::Written;
        }
        if let Side::Written = self.side {
            let file = File::open(&self.path)?;
            self.side = Side::Reading(BufReader::with_capacity(BLOCK_BYTES, file));
        }
        let Side::Reading(file) = &mut self.side else {
            return Err(io::Error::other("a spill file is read after it is written"));
        };
        let (mut lane, mut rows, mut length) = ([0; 4], [0; 8], [0; 8]);
        file.read_exact(&mut lane)?;
        file.read_exact(&mut rows)?;
        file.read_exact(&mut length)?;
        let length = u64::from_le_bytes(length);
        let mut bytes = Vec::new();
        if file.take(length).read_to_end(&mut bytes)? as u64 != length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(OutputBlock {
            lane: OutputLane(u32::from_le_bytes(lane)),
            rows: u64::from_le_bytes(rows),
            bytes,
        })
    }

    pub(super) fn remove(self) -> io::Result<()> {
        fs::remove_file(&self.path).map_err(|error| at(&self.path, &error))
    }
}

fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
