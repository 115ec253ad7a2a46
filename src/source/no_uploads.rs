//! In place of uploads in a build without AWS: there are none.

use std::fs::File;
use std::io;
use std::sync::Arc;

use super::Location;

/// Never made.
#[derive(Debug)]
pub enum Uploads {}

/// Never made.
#[derive(Debug)]
pub enum Upload {}

impl Uploads {
    /// Never called.
    #[must_use]
    pub fn begin(self: &Arc<Self>, _name: &str) -> Upload {
        match **self {}
    }
}

impl Upload {
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
    pub fn send(&mut self, _file: &File, _bytes: u64) -> io::Result<()> {
        match *self {}
    }

    /// Never called.
    ///
    /// # Errors
    /// Never.
    pub fn finish(self, _file: &File, _bytes: u64) -> io::Result<()> {
        match self {}
    }
}
