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
use crate::read::{RunControl, ScanProgress};
use crate::units::{Bytes, Count};

/// Between two looks at how far the scan has come: often enough to look alive.
const REDRAW: Duration = Duration::from_millis(100);

/// Runs `scan`, showing how far it is of `bytes_total` compressed bytes.
pub(super) fn watched<T>(
    bytes_total: u64,
    format: Format,
    scan: impl FnOnce(RunControl<'_>) -> T,
) -> T {
    let progress = ScanProgress::default();
    let control = RunControl { stop: interrupt::flag(), progress: &progress };
    if format != Format::Human || !io::stderr().is_terminal() {
        return scan(control);
    }
    beside_bar(control, bytes_total, scan)
}

/// Runs `scan` with a bar beside it.
fn beside_bar<T>(
    control: RunControl<'_>,
    bytes_total: u64,
    scan: impl FnOnce(RunControl<'_>) -> T,
) -> T {
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

/// The number of steps done, out of all; nothing where no bar is shown.
pub(super) struct StepBar(ProgressBar);

impl StepBar {
    pub(super) fn new(total: u64, format: Format) -> Self {
        let is_shown = format == Format::Human && io::stderr().is_terminal();
        let bar = if is_shown { ProgressBar::new(total) } else { ProgressBar::hidden() };
        style(&bar, "{bar:20} {pos} of {len}  {wide_msg}");
        Self(bar)
    }

    /// A step begins.
    pub(super) fn begin(&self, what: String) {
        self.0.set_message(what);
        self.0.tick();
    }

    /// It is done.
    pub(super) fn end(&self) {
        self.0.inc(1);
    }
}

impl Drop for StepBar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Draws a bar by a template, whose `{wide_msg}` is cut to the width of the terminal: a bar is one
/// line.
pub(super) fn style(bar: &ProgressBar, template: &str) {
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
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
    style(&bar, "{bar:20} {percent:>3} %  {wide_msg}");
    let result = make(&|rows| {
        bar.inc(rows);
        bar.set_message(format!("{} rows", Count(bar.position())));
    });
    bar.finish_and_clear();
    result
}

fn watch(progress: &ScanProgress, bytes_total: u64, over: &AtomicBool) {
    let bar = ProgressBar::new(bytes_total);
    // What matters least stands last: it is cut where the line is too short.
    style(&bar, "{bar:20} {percent:>3} %  {eta} left  {wide_msg}");
    let begun = Instant::now();
    while !over.load(Ordering::Relaxed) {
        let seconds = begun.elapsed().as_secs_f64().max(1e-3);
        let rows = progress.rows.load(Ordering::Relaxed);
        let raw = progress.bytes_raw.load(Ordering::Relaxed);
        bar.set_position(progress.bytes_compressed.load(Ordering::Relaxed));
        bar.set_message(format!(
            "{} rows  {}/s  {} rows/s",
            Count(rows),
            Bytes((raw as f64 / seconds) as u64),
            Count((rows as f64 / seconds) as u64),
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
        let (stop, progress) = (AtomicBool::new(false), ScanProgress::default());
        let control = RunControl { stop: &stop, progress: &progress };
        let scan = |_: RunControl<'_>| -> u8 { panic!("as told") };
        // It would wait for the bar for ever.
        let result = catch_unwind(AssertUnwindSafe(|| beside_bar(control, 9, scan)));
        assert_eq!(result.unwrap_err().downcast_ref::<&str>(), Some(&"as told"));
        assert_eq!(beside_bar(control, 9, |_| 5), 5);
    }
}
