//! Scans of gzip files that are suspended between two splits, until a worker takes the next one.
//!
//! Tasks are taken in order and the splits of a file follow each other, so whoever waits here waits
//! for a worker that is at an earlier task, and that one for the collector or for a still earlier
//! task. However a split ends, what waits for it is released: [`Turn`] sees to that.
//!
//! Never knows how a file is scanned.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use md5::Md5;

use super::visitor::RunCheck;
use crate::engine::Stopped;
use crate::format::csv::SplitterState;
use crate::format::gzip::{GzipDecoder, Inflate};

/// How long a worker waits before it looks whether the run goes on. 5 ms: the time of a split.
const WAIT_MAX: Duration = Duration::from_millis(5);

/// A scan between two splits: all that the second one needs of the first.
pub(super) struct SuspendedScan {
    pub(super) decoder: Box<GzipDecoder>,
    pub(super) splitter: SplitterState,
    /// Where the file is hashed in passing.
    pub(super) md5: Option<Md5>,
    /// The last decompressed bytes: the history, and the record that is not complete yet.
    pub(super) window: Vec<u8>,
    /// Where in `window` that record begins.
    pub(super) record_at: usize,
}

impl SuspendedScan {
    /// Of a file that is to be begun.
    pub(super) fn new(inflate: Inflate) -> Self {
        Self {
            decoder: Box::new(GzipDecoder::new(inflate)),
            splitter: SplitterState::new(1),
            md5: None,
            window: Vec::new(),
            record_at: 0,
        }
    }
}

/// The state of a file that takes turns.
enum FileTurn {
    /// The split with this number can begin.
    Next(u32, Box<SuspendedScan>),
    /// No split will.
    Over,
}

/// The files of a run that take turns, by their numbers.
#[derive(Default)]
pub(super) struct SuspendedScans {
    files: Mutex<HashMap<usize, FileTurn>>,
    /// Notified when a file's turn ends.
    changed: Condvar,
}

impl SuspendedScans {
    fn files(&self) -> MutexGuard<'_, HashMap<usize, FileTurn>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes up the scan of a file at this split; waits while another worker is at the one before.
    ///
    /// # Errors
    /// When the run is over, or the file's.
    pub(super) fn take_up(
        &self,
        file: usize,
        split: u32,
        check: RunCheck<'_>,
    ) -> Result<Box<SuspendedScan>, Stopped> {
        let mut files = self.files();
        loop {
            match files.remove(&file) {
                Some(FileTurn::Next(next, scan)) if next == split => return Ok(scan),
                Some(FileTurn::Over) => {
                    files.insert(file, FileTurn::Over);
                    return Err(Stopped);
                }
                Some(earlier) => drop(files.insert(file, earlier)),
                None => {}
            }
            let waited = self.changed.wait_timeout(files, WAIT_MAX);
            drop(waited.unwrap_or_else(PoisonError::into_inner));
            check()?;
            files = self.files();
        }
    }

    /// The turn of a file, which the caller has begun or taken up: to be ended by
    /// [`Turn::suspend`], or the file's scan is over.
    pub(super) fn turn(&self, file: usize) -> Turn<'_> {
        Turn { scans: self, file, next: None }
    }
}

/// A file's turn; when it is dropped, the next one can begin, or none will.
pub(super) struct Turn<'a> {
    scans: &'a SuspendedScans,
    file: usize,
    next: Option<(u32, Box<SuspendedScan>)>,
}

impl Turn<'_> {
    /// Leaves the scan for the split with this number.
    pub(super) fn suspend(mut self, next: u32, scan: Box<SuspendedScan>) {
        self.next = Some((next, scan));
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let turn = match self.next.take() {
            Some((split, scan)) => FileTurn::Next(split, scan),
            None => FileTurn::Over,
        };
        self.scans.files().insert(self.file, turn);
        self.scans.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn scan(record_at: usize) -> Box<SuspendedScan> {
        Box::new(SuspendedScan { record_at, ..SuspendedScan::new(Inflate::default()) })
    }

    #[test]
    fn splits_of_a_file_follow_each_other_whoever_takes_them() {
        let scans = SuspendedScans::default();
        thread::scope(|scope| {
            for split in (1..8).rev() {
                let scans = &scans;
                scope.spawn(move || {
                    let turn = scans.turn(3);
                    let taken = scans.take_up(3, split, &|| Ok(())).ok().unwrap();
                    assert_eq!(taken.record_at, split as usize);
                    turn.suspend(split + 1, scan(split as usize + 1));
                });
            }
            scans.turn(3).suspend(1, scan(1));
        });
        assert_eq!(scans.take_up(3, 8, &|| Ok(())).ok().unwrap().record_at, 8);
    }

    #[test]
    fn one_that_is_stopped_while_it_waits_leaves_the_turn_to_those_before_it() {
        let scans = SuspendedScans::default();
        thread::scope(|scope| {
            let earlier =
                scope.spawn(|| scans.take_up(0, 1, &|| Ok(())).map(|scan| scan.record_at));
            assert!(scans.take_up(0, 2, &|| Err(Stopped)).is_err());
            scans.turn(0).suspend(1, scan(7));
            assert_eq!(earlier.join().unwrap(), Ok(7));
        });
    }

    #[test]
    fn who_waits_is_released_when_a_turn_fails_or_the_run_is_over() {
        let scans = SuspendedScans::default();
        assert!(scans.take_up(0, 1, &|| Err(Stopped)).is_err());
        thread::scope(|scope| {
            let waiting = scope.spawn(|| scans.take_up(0, 1, &|| Ok(())).is_err());
            drop(scans.turn(0));
            assert!(waiting.join().unwrap());
        });
        assert!(scans.take_up(0, 2, &|| Ok(())).is_err(), "it stays over");
    }
}
