//! Jobs are followed: a bar for each on a terminal, a line for each change elsewhere. An outage of
//! AWS is waited out.

use std::collections::HashMap;
use std::io::{self, IsTerminal};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar};

use super::args::Format;
use super::job_events::{EventOutput, JobEvent};
use super::jobs::JobLine;
use super::jobs_args::WatchArgs;
use super::{CliError, interrupt, print, progress};
use crate::aws::AwsErrorKind;
use crate::jobs::{JobControl, Outage, OutageVerdict};
use crate::units::Count;

/// Between two looks at least: S3 asks to look at a job no more often (UG, "Troubleshooting Batch
/// Operations"). One look shows all jobs. A server on this machine may be asked more often.
const INTERVAL_MIN: Duration = Duration::from_secs(30);

/// Between two looks at most: one that is longer is a slip, and no clock may count as far.
const INTERVAL_MAX: Duration = Duration::from_secs(24 * 3600);

/// Between two looks at whether to stop.
const NAP: Duration = Duration::from_millis(50);

/// Bars at most: a terminal seldom has more lines to pool. Jobs that are over lose theirs first.
const BARS_MAX: usize = 20;

/// How jobs are followed.
pub(super) struct Watch {
    interval: Duration,
    events: EventOutput,
    outage: Outage,
    outage_seconds_max: u64,
    /// Whether AWS has answered at all.
    was_reached: bool,
    bars: Option<Bars>,
    /// What was last told of each job.
    told: HashMap<String, String>,
    seen: HashMap<String, (Instant, u64)>,
}

struct Bars {
    all: MultiProgress,
    by_manifest: HashMap<String, ProgressBar>,
}

impl Watch {
    pub(super) fn new(
        args: &WatchArgs,
        control: &JobControl,
        events: EventOutput,
    ) -> Result<Self, CliError> {
        let interval_seconds = args.interval;
        let interval = interval(interval_seconds)?;
        if interval < INTERVAL_MIN && !control.is_loopback() {
            return Err(CliError::Usage(format!(
                "--interval {interval_seconds}: S3 asks to look at a job no more often than every \
                 {} seconds; give at least that",
                INTERVAL_MIN.as_secs()
            )));
        }
        let on_terminal = events.format == Format::Human && io::stderr().is_terminal();
        let bars =
            on_terminal.then(|| Bars { all: MultiProgress::new(), by_manifest: HashMap::new() });
        Ok(Self {
            interval,
            events,
            outage: Outage::new(Duration::from_secs(args.outage_max)),
            outage_seconds_max: args.outage_max,
            was_reached: false,
            bars,
            told: HashMap::new(),
            seen: HashMap::new(),
        })
    }

    /// AWS answered.
    pub(super) fn answered(&mut self) {
        self.was_reached = true;
        if self.outage.ended() {
            JobEvent::OutageEnded.tell(self.events);
        }
    }

    /// AWS has answered once, at least.
    pub(super) fn reached(&mut self) {
        self.was_reached = true;
    }

    /// A request failed; an error where waiting won't help, or has not helped for too long.
    pub(super) fn bear(&mut self, error: CliError) -> Result<(), CliError> {
        let cause = error.aws();
        // One that is busy answers.
        self.was_reached |= cause.is_some_and(|cause| cause.kind == AwsErrorKind::Busy);
        // A server that was never there is an address that is wrong.
        let is_wrong = cause.is_some_and(|cause| cause.kind == AwsErrorKind::Unreachable);
        if is_wrong && !self.was_reached {
            return Err(error);
        }
        match self.outage.failed(cause, Instant::now()) {
            OutageVerdict::Begins => {
                let (error, seconds_max) = (error.to_string(), self.outage_seconds_max);
                JobEvent::Outage { error, seconds_max }.tell(self.events);
                Ok(())
            }
            OutageVerdict::GoesOn => Ok(()),
            OutageVerdict::GiveUp => Err(error),
        }
    }

    /// Shows the jobs as they are.
    pub(super) fn show(&mut self, jobs: &[JobLine]) {
        let now = Instant::now();
        for job in jobs {
            let done = job.tasks_succeeded + job.tasks_failed;
            let before = self.seen.insert(job.manifest.clone(), (now, done));
            let rate =
                before.map_or(0.0, |(then, before)| rate(done - before.min(done), now - then));
            match &mut self.bars {
                Some(bars) => bars.show(job, rate),
                None => {
                    let text = job.in_words();
                    if self.told.get(&job.manifest) != Some(&text) {
                        JobEvent::Job { job }.tell(self.events);
                        self.told.insert(job.manifest.clone(), text);
                    }
                }
            }
        }
    }

    /// Waits until the next look; false where the user wants it to end.
    pub(super) fn pause(&self) -> bool {
        let until = Instant::now() + self.interval;
        loop {
            if interrupt::flag().load(Ordering::Relaxed) {
                return false;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            thread::sleep(left.min(NAP));
        }
    }

    /// Leaves the last state of every job on the screen.
    pub(super) fn end(&mut self) {
        for bar in self.bars.iter().flat_map(|bars| bars.by_manifest.values()) {
            bar.abandon();
        }
    }
}

/// The time between two looks, as it was asked for in seconds.
fn interval(seconds: f64) -> Result<Duration, CliError> {
    let interval = Duration::try_from_secs_f64(seconds).ok();
    interval.filter(|interval| *interval <= INTERVAL_MAX).ok_or_else(|| {
        CliError::Usage(format!(
            "--interval {seconds}: the time between two looks is from {} to {} seconds",
            INTERVAL_MIN.as_secs(),
            INTERVAL_MAX.as_secs()
        ))
    })
}

fn rate(tasks: u64, elapsed: Duration) -> f64 {
    tasks as f64 / elapsed.as_secs_f64().max(1e-3)
}

impl Bars {
    fn show(&mut self, job: &JobLine, rate: f64) {
        if !self.by_manifest.contains_key(&job.manifest) && !self.add(job) {
            return;
        }
        let Some(bar) = self.by_manifest.get(&job.manifest) else { return };
        let done = job.tasks_succeeded + job.tasks_failed;
        bar.set_length(job.tasks.max(job.objects));
        bar.set_position(done);
        let left = job.tasks.saturating_sub(done);
        let eta = match rate {
            rate if rate > 0.0 && left > 0 => {
                let seconds = Duration::from_secs_f64(left as f64 / rate);
                format!("  {}/s  {} left", Count(rate as u64), indicatif::HumanDuration(seconds))
            }
            _ => String::new(),
        };
        let failed = match job.tasks_failed {
            0 => String::new(),
            failed => format!("  {} failed", Count(failed)),
        };
        // What matters least stands last: it is cut where the line is too short.
        bar.set_message(format!(
            "{} of {}  {}{failed}{eta}",
            Count(done),
            Count(job.tasks.max(job.objects)),
            print::visible(&job.status),
        ));
    }

    /// Makes room for a job's bar; false where there is none.
    fn add(&mut self, job: &JobLine) -> bool {
        if job.is_over() && self.by_manifest.len() >= BARS_MAX {
            return false;
        }
        if self.by_manifest.len() >= BARS_MAX {
            let over = |bar: &&String| {
                self.by_manifest.get(*bar).is_some_and(|bar| Some(bar.position()) == bar.length())
            };
            let Some(over) = self.by_manifest.keys().find(over).cloned() else { return false };
            if let Some(bar) = self.by_manifest.remove(&over) {
                bar.finish_and_clear();
                self.all.remove(&bar);
            }
        }
        let bar = self.all.add(ProgressBar::new(job.objects));
        progress::style(&bar, "{prefix}  {bar:12} {wide_msg}");
        bar.set_prefix(print::visible(&job.manifest).into_owned());
        self.by_manifest.insert(job.manifest.clone(), bar);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_a_day_at_most() {
        assert_eq!(interval(30.0).unwrap(), INTERVAL_MIN);
        assert_eq!(interval(86_400.0).unwrap(), INTERVAL_MAX);
        for seconds in [86_401.0, 1e19, 1e300, f64::INFINITY, f64::NAN, -1.0] {
            let error = interval(seconds).unwrap_err().to_string();
            assert!(error.contains("from 30 to 86400 seconds"), "{error}");
        }
    }
}
