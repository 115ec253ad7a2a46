//! How much of an object is fetched ahead of its reader: as much as delay and bandwidth ask for.
//!
//! A reader that takes `c` bytes a second waits for nothing where parts of `p` bytes, each of which
//! is there `d + p / b` seconds after it was asked for (`d` until the answer begins, `b` bytes a
//! second on its connection), are asked for `c * (d + p / b) / p` at a time. Delay, bandwidth and
//! the reader's own speed are measured part by part. One part more is the one that is being read.
//!
//! Never knows what the bytes mean.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Bytes of a part. 4 MiB: S3 answers after some 40 ms and then sends about 90 MB/s on one
/// connection, so half of the time goes by with bytes flowing; larger parts take more memory.
pub(super) const PART_BYTES: u64 = 4 << 20;

/// Parts ahead while nothing is measured: right for some 60 MB/s with the delay of S3, 40 ms.
const PARTS_FIRST: usize = 4;

/// Parts ahead at least: one that is read, and one that comes meanwhile.
const PARTS_MIN: usize = 2;

/// Parts ahead at most, 32 MiB a reader. A core scans some 330 MB/s of gzip; eight parts give as
/// much with the 40 ms and 90 MB/s a connection of S3.
pub(super) const PARTS_MAX: usize = 8;

/// What a new measurement counts beside all before it: the last ten or so make the figure, so that
/// one that was slow for a reason of its own changes little.
const NEW_WEIGHT: f64 = 0.125;

/// Bodies that are shorter say little of the bandwidth: they are in the system's buffers.
const BODY_BYTES_MIN: u64 = 1 << 20;

/// What was measured of a bucket's connections and of who reads from it.
#[derive(Debug, Default)]
pub(super) struct ReadingPace {
    figures: Mutex<PaceFigures>,
    /// Parts that are on their way, or wait to be read.
    parts_ahead: Arc<AtomicUsize>,
    /// Objects that are open to be read from their front.
    readers: Arc<AtomicUsize>,
}

/// One that is counted for as long as it lives.
#[derive(Debug)]
pub(super) struct CountGuard(Arc<AtomicUsize>);

impl CountGuard {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for CountGuard {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Averages; none where nothing was measured.
#[derive(Debug, Clone, Copy, Default)]
struct PaceFigures {
    /// Seconds from a request to the beginning of its answer.
    delay: Option<f64>,
    /// Bytes a second of one connection.
    bandwidth: Option<f64>,
    /// Bytes a second that one reader takes while it doesn't wait.
    reader: Option<f64>,
}

impl ReadingPace {
    /// An answer began this long after its request was sent.
    pub(super) fn answered(&self, delay: Duration) {
        self.change(|figures| average(&mut figures.delay, delay.as_secs_f64()));
    }

    /// A body came whole in this time.
    pub(super) fn received(&self, bytes: u64, time: Duration) {
        if bytes >= BODY_BYTES_MIN {
            self.change(|figures| average(&mut figures.bandwidth, rate(bytes, time)));
        }
    }

    /// A reader took so much in this time, in which it didn't wait.
    pub(super) fn read(&self, bytes: u64, time: Duration) {
        if bytes >= BODY_BYTES_MIN {
            self.change(|figures| average(&mut figures.reader, rate(bytes, time)));
        }
    }

    /// Parts of [`PART_BYTES`] that one reader has on their way, the one it reads among them.
    pub(super) fn parts(&self) -> usize {
        self.figures.lock().unwrap_or_else(PoisonError::into_inner).parts()
    }

    /// Counts a part.
    pub(super) fn part(&self) -> CountGuard {
        CountGuard::new(&self.parts_ahead)
    }

    /// Counts a reader.
    pub(super) fn reader(&self) -> CountGuard {
        CountGuard::new(&self.readers)
    }

    /// Whether all readers together have fewer parts than they may have: some have asked for all of
    /// their objects.
    pub(super) fn has_room(&self) -> bool {
        let (parts, readers) = (&self.parts_ahead, &self.readers);
        parts.load(Ordering::Relaxed) < readers.load(Ordering::Relaxed) * self.parts()
    }

    fn change(&self, change: impl FnOnce(&mut PaceFigures)) {
        change(&mut self.figures.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl PaceFigures {
    fn parts(self) -> usize {
        let Self { delay: Some(delay), bandwidth: Some(bandwidth), reader: Some(reader) } = self
        else {
            return PARTS_FIRST;
        };
        let part_bytes = PART_BYTES as f64;
        let at_a_time = reader * (delay + part_bytes / bandwidth) / part_bytes;
        // What is more than any number of parts is the greatest one.
        (at_a_time.ceil() as usize).saturating_add(1).clamp(PARTS_MIN, PARTS_MAX)
    }
}

fn average(figure: &mut Option<f64>, new: f64) {
    *figure = Some(figure.map_or(new, |old| old + (new - old) * NEW_WEIGHT));
}

/// Bytes a second, never infinitely many.
fn rate(bytes: u64, time: Duration) -> f64 {
    bytes as f64 / time.max(Duration::from_micros(1)).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Parts ahead where all was measured so, for long.
    fn parts(delay_ms: u64, bandwidth: u64, reader: u64) -> usize {
        let pace = ReadingPace::default();
        for _ in 0..100 {
            pace.answered(Duration::from_millis(delay_ms));
            pace.received(
                PART_BYTES,
                Duration::from_secs_f64(PART_BYTES as f64 / bandwidth as f64),
            );
            pace.read(PART_BYTES, Duration::from_secs_f64(PART_BYTES as f64 / reader as f64));
        }
        pace.parts()
    }

    #[test]
    fn the_farther_the_server_and_the_faster_the_reader_the_more_is_asked_for() {
        assert_eq!(ReadingPace::default().parts(), PARTS_FIRST);
        assert_eq!(parts(0, 1_000_000_000, 300_000_000), PARTS_MIN, "a server on this machine");
        assert_eq!(parts(30, 125_000_000, 300_000_000), 6, "30 ms and 1 Gbit/s");
        assert_eq!(parts(40, 90_000_000, 330_000_000), PARTS_MAX, "S3");
        assert_eq!(parts(30, 125_000_000, 60_000_000), PARTS_MIN, "a slow reader");
        assert_eq!(parts(10_000, 1_000, 330_000_000), PARTS_MAX, "bounded");
    }

    #[test]
    fn one_slow_answer_and_short_bodies_change_nothing() {
        let pace = ReadingPace::default();
        for _ in 0..100 {
            pace.answered(Duration::from_millis(1));
            pace.received(PART_BYTES, Duration::from_millis(5));
            pace.read(PART_BYTES, Duration::from_millis(20));
        }
        let before = pace.parts();
        pace.answered(Duration::from_millis(60));
        pace.received(BODY_BYTES_MIN - 1, Duration::from_secs(9));
        pace.read(BODY_BYTES_MIN - 1, Duration::ZERO);
        assert_eq!(pace.parts(), before);
    }

    #[test]
    fn what_comes_next_has_room_as_far_as_readers_have_less_than_they_may() {
        let pace = ReadingPace::default();
        assert!(!pace.has_room(), "nobody reads");
        let reader = pace.reader();
        let mut parts: Vec<CountGuard> = (0..PARTS_FIRST).map(|_| pace.part()).collect();
        assert!(!pace.has_room());
        parts.pop();
        assert!(pace.has_room());
        drop(reader);
        assert!(!pace.has_room());
    }

    proptest! {
        #[test]
        fn as_many_parts_as_are_needed_within_the_bounds(
            delay_ms in 0..500_u64,
            bandwidth in 1_000_000..2_000_000_000_u64,
            reader in 1_000_000..2_000_000_000_u64,
        ) {
            let parts = parts(delay_ms, bandwidth, reader);
            prop_assert!((PARTS_MIN..=PARTS_MAX).contains(&parts));
            // What comes while a part is read covers what is read, unless a bound is in the way.
            let of_part = delay_ms as f64 / 1e3 + PART_BYTES as f64 / bandwidth as f64;
            let comes = (parts - 1) as f64 * PART_BYTES as f64 / of_part;
            prop_assert!(parts == PARTS_MAX || comes >= reader as f64 * 0.999);
            let fewer = (parts - 2) as f64 * PART_BYTES as f64 / of_part;
            prop_assert!(parts == PARTS_MIN || fewer <= reader as f64 * 1.001);
        }
    }
}
