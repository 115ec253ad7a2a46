//! What may happen to a run at one of its steps.

use std::path::Path;
use std::process::Command;

use super::{Answer, EINTR, EIO, EMFILE, ENOSPC, Step, run};
use crate::fixture::Run;

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Harm {
    /// The run is killed before the step; where it writes, halfway.
    Kill,
    /// The step fails with this error.
    Fail(u8),
    /// It and all that write something after it.
    FailFromNowOn(u8),
    /// Half of the bytes find room, and nothing after them.
    Tear,
}

use Harm::{Fail, FailFromNowOn, Kill, Tear};

impl Harm {
    /// How a step of this kind may fail.
    fn faults(kind: &str) -> &'static [Self] {
        match kind {
            "open" => &[Fail(EMFILE), Fail(EIO), Fail(EINTR)],
            "create" => &[Fail(EMFILE), FailFromNowOn(ENOSPC), Fail(EIO), Fail(EINTR)],
            "write" => &[Tear, FailFromNowOn(ENOSPC), Fail(EIO), Fail(ENOSPC), Fail(EINTR)],
            "mkdir" => &[FailFromNowOn(ENOSPC), Fail(EIO), Fail(ENOSPC)],
            "fsync" => &[Fail(EIO), FailFromNowOn(EIO), Fail(ENOSPC), Fail(EINTR)],
            "lock" => &[Fail(EIO), Fail(EINTR)],
            _ => &[Fail(EIO), FailFromNowOn(EIO)],
        }
    }

    /// What becomes of the step that so many come before, if the harm is done at the one that `at`
    /// come before.
    fn answer(self, at: usize, before: usize, step: &Step) -> Answer {
        let is_now = before == at;
        match self {
            _ if before < at => Answer::Go,
            Kill if step.kind == "write" => Answer::DieHalfway,
            Kill => Answer::Die,
            Fail(errno) if is_now => Answer::Fail(errno),
            Tear if is_now => Answer::Shorten,
            Fail(_) => Answer::Go,
            // What is there can be opened and removed.
            FailFromNowOn(_) | Tear if step.is_harmless() => Answer::Go,
            FailFromNowOn(errno) => Answer::Fail(errno),
            Tear => Answer::Fail(ENOSPC),
        }
    }
}

/// Kills at every so many of these steps.
pub(crate) fn kills(steps: &[Step], every: usize) -> Vec<(usize, Harm)> {
    (0..steps.len()).step_by(every).map(|at| (at, Kill)).collect()
}

/// Faults at every so many of these steps; so many of the ways in which each may fail.
pub(crate) fn faults(steps: &[Step], every: usize, ways_max: usize) -> Vec<(usize, Harm)> {
    let of_step = |at: usize| {
        let ways = Harm::faults(&steps[at].kind);
        // Another one each time, where not all are taken.
        let ways = ways.iter().cycle().skip(at).take(ways_max.min(ways.len()));
        ways.map(move |harm| (at, *harm))
    };
    (0..steps.len()).step_by(every).flat_map(of_step).collect()
}

/// A run that nothing happens to, and its steps.
pub(crate) fn unharmed(command: Command, ground: &Path) -> (Run, Vec<Step>) {
    let mut steps = Vec::new();
    let run = run(command, ground, |step| {
        steps.push(step.clone());
        Answer::Go
    });
    (run, steps)
}

/// A run that harm is done to at the step that `at` come before, and that step.
pub(crate) fn harmed(
    command: Command,
    ground: &Path,
    at: usize,
    harm: Harm,
) -> (Run, Option<Step>) {
    let (mut before, mut harmed) = (0, None);
    let run = run(command, ground, |step| {
        if before == at {
            harmed = Some(step.clone());
        }
        before += 1;
        harm.answer(at, before - 1, step)
    });
    (run, harmed)
}
