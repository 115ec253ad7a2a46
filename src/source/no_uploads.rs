//! In place of uploads in a build without AWS: there are none.

use std::fs::File;
use std::io;

use super::{Crc64Nvme, Location, StoreError};

/// As uploads take it.
pub type OnBegin<'a> = &'a mut dyn FnMut(&str) -> io::Result<()>;

/// Never made.
#[derive(Debug)]
pub enum Uploads {}

/// Never made.
#[derive(Debug)]
pub enum ObjectUpload {}

/// Never made.
#[derive(Debug)]
pub enum UploadOutcome {}

impl Uploads {
    /// Never called.
    #[must_use]
    pub fn begin(&self, _name: &str) -> ObjectUpload {
        match *self {}
    }
}

impl ObjectUpload {
    /// Never called.
    #[must_use]
    pub fn target(&self) -> Location {
        match *self {}
    }

    /// Never called.
    #[must_use]
    pub fn is_due(&self, _bytes: u64) -> bool {
        match *self {}
    }

    /// Never called.
    ///
    /// # Errors
    /// Never.
    pub fn send(&mut self, _: &File, _bytes: u64, _: OnBegin<'_>) -> Result<(), StoreError> {
        match *self {}
    }

    /// Never called.
    ///
    /// # Errors
    /// Never.
    pub fn finish(
        self,
        _: &File,
        _bytes: u64,
        _crc64nvme: Crc64Nvme,
        _: OnBegin<'_>,
    ) -> Result<UploadOutcome, StoreError> {
        match self {}
    }
}
