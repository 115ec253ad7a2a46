//! A progress bar while a scan runs: bytes, rows and megabytes a second, time left.
//!
//! Only on a terminal; silent otherwise.

use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
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
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let watcher = scope.spawn(|| watch(&progress, bytes_total, &over));
        let result = scan(control);
        over.store(true, Ordering::Relaxed);
        watcher.thread().unpark();
        result
    })
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
