//! Scans that only count: every file gives a summary, and no row goes anywhere.
//!
//! Never knows what is counted.

use std::ops::ControlFlow;
use std::path::PathBuf;

use super::batch::Batches;
use super::{Control, DataError, ScanError, Scanned, Settings};
use crate::engine::{self, RunError, Sink, Worker};

/// Runs a worker that emits no blocks over all batches, and shows its summaries to `sink` in
/// report order. With `keep_going`, the sink may let the run go on without a bad file.
pub(super) fn tally<W, K>(
    batches: &Batches,
    settings: Settings,
    control: Control<'_>,
    keep_going: bool,
    make_worker: impl Fn() -> W + Sync,
    sink: &mut K,
) -> Result<(), ScanError>
where
    W: Worker<Error = DataError>,
    K: Sink<W::Summary, DataError, Error = DataError>,
{
    let config = engine::Config {
        threads: settings.threads,
        // No blocks are emitted, so nothing ever waits or is spilled.
        memory_bytes: 0,
        spill: PathBuf::new(),
        hold: keep_going,
        stop: control.stop,
    };
    engine::run(&config, batches.len(), make_worker, sink).map_err(|error| match error {
        RunError::Interrupted => ScanError::Interrupted,
        RunError::Spill(error) => ScanError::Spill(error),
        RunError::Thread(error) => ScanError::Thread(error),
        RunError::Sink(error) => ScanError::Data(error),
    })
}

/// Adds up what was read. The first bad file ends the run, or none does.
#[derive(Default)]
pub(super) struct Total {
    pub(super) scanned: Scanned,
    pub(super) keep_going: bool,
}

impl Sink<Scanned, DataError> for Total {
    type Error = DataError;

    fn block(&mut self, _: usize, _: &engine::Block) -> Result<(), DataError> {
        Ok(())
    }

    fn done(&mut self, _: usize, scanned: Scanned) -> Result<ControlFlow<()>, DataError> {
        self.scanned.add(&scanned);
        Ok(ControlFlow::Continue(()))
    }

    fn failed(&mut self, _: usize, error: DataError) -> Result<(), DataError> {
        if self.keep_going && !error.kind.is_usage() { Ok(()) } else { Err(error) }
    }
}
