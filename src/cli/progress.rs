//! A progress bar while a scan runs: bytes, rows and megabytes a second, time left.
//!
//! Only on a terminal; silent otherwise.

use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::args::Format;
use super::interrupt;
use crate::scan::{Control, Progress};
use crate::units::{Bytes, Count};

/// Between two looks at how far the scan has come: often enough to look alive.
const REDRAW: Duration = Duration::from_millis(100);

/// Runs `scan`, showing how far it is of `bytes_total` compressed bytes.
pub(super) fn watched<T>(
    bytes_total: u64,
    format: Format,
    scan: impl FnOnce(Control<'_>) -> T,
) -> T {
    let progress = Progress::default();
    let control = Control { stop: interrupt::flag(), progress: &progress };
    if format != Format::Human || !io::stderr().is_terminal() {
        return scan(control);
    }
    beside_bar(control, bytes_total, scan)
}

/// Runs `scan` with a bar beside it.
fn beside_bar<T>(control: Control<'_>, bytes_total: u64, scan: impl FnOnce(Control<'_>) -> T) -> T {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let watcher = thread::Builder::new()
            .name("progress".to_owned())
            .spawn_scoped(scope, || watch(control.progress, bytes_total, &over));
        // Without a thread to draw it, no bar is shown.
        let _end = watcher.ok().map(|watcher| EndOfScan { over: &over, watcher });
        scan(control)
    })
}

/// Ends the bar when it is dropped: also where the scan panics, for all threads are waited for.
struct EndOfScan<'scope, 'a> {
    over: &'a AtomicBool,
    watcher: ScopedJoinHandle<'scope, ()>,
}

impl Drop for EndOfScan<'_, '_> {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        self.watcher.thread().unpark();
    }
}

/// Runs `make`, showing how many of `rows_total` rows it has made.
pub(super) fn counted_rows<T>(
    rows_total: u64,
    format: Format,
    make: impl FnOnce(&(dyn Fn(u64) + Sync)) -> T,
) -> T {
    if format != Format::Human || !io::stderr().is_terminal() {
        return make(&|_| {});
    }
    let bar = ProgressBar::new(rows_total);
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {percent:>3} %  {human_pos} rows") {
        bar.set_style(style);
    }
    let result = make(&|rows| bar.inc(rows));
    bar.finish_and_clear();
    result
}

fn watch(progress: &Progress, bytes_total: u64, over: &AtomicBool) {
    let bar = ProgressBar::new(bytes_total);
    if let Ok(style) = ProgressStyle::with_template(
        "{wide_bar} {binary_bytes} of {binary_total_bytes}  {msg}  {eta} left",
    ) {
        bar.set_style(style);
    }
    let begun = Instant::now();
    while !over.load(Ordering::Relaxed) {
        let seconds = begun.elapsed().as_secs_f64().max(1e-3);
        let rows = progress.rows.load(Ordering::Relaxed);
        let raw = progress.bytes_raw.load(Ordering::Relaxed);
        bar.set_position(progress.bytes_compressed.load(Ordering::Relaxed));
        bar.set_message(format!(
            "{} rows  {} rows/s  {}/s",
            Count(rows),
            Count((rows as f64 / seconds) as u64),
            Bytes((raw as f64 / seconds) as u64),
        ));
        thread::park_timeout(REDRAW);
    }
    bar.finish_and_clear();
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    #[test]
    fn a_panic_ends_the_bar() {
        let (stop, progress) = (AtomicBool::new(false), Progress::default());
        let control = Control { stop: &stop, progress: &progress };
        let scan = |_: Control<'_>| -> u8 { panic!("as told") };
        // It would wait for the bar for ever.
        let result = catch_unwind(AssertUnwindSafe(|| beside_bar(control, 9, scan)));
        assert_eq!(result.unwrap_err().downcast_ref::<&str>(), Some(&"as told"));
        assert_eq!(beside_bar(control, 9, |_| 5), 5);
    }
}
