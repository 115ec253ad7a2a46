//! `submit` is killed at random moments and run again: no job twice, no manifest lost, and the
//! journal never lies.
//!
//! Ten kills as a rule; a hundred by name: `cargo test --test aws -- --ignored killed_often`.

use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

use crate::double::Options;
use crate::world::{COPY, World, assert_journal_is_true, submit_arguments};

/// Manifests in a plan: enough that a run takes longer than a kill takes to come.
const MANIFESTS: usize = 12;

/// Changes at the double between two kills at most: a plan is 24, and is killed five times.
const CHANGES_MAX: u64 = 6;

/// How long after a change a kill may come: the next is on its way by then.
const AFTER_MICROS_MAX: u64 = 3000;

/// A run that does nothing for so long never will.
const PATIENCE: Duration = Duration::from_secs(60);

/// Uploads that were begun, and requests to S3 Control.
fn changes(world: &World) -> u64 {
    let state = world.double.state();
    (state.uploads.len() + state.control_requests.len()) as u64
}

/// Runs a submission, and kills it a moment after so many more changes; false where it had ended by
/// then.
pub fn cut_short(world: &World, more: u64, after: Duration) -> bool {
    let arguments = [COPY, &["--max-active", "100"]].concat();
    let mut command = world.command(submit_arguments(&world.plan, &arguments));
    let until = changes(world) + more;
    let mut run = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    while changes(world) < until && run.try_wait().unwrap().is_none() {
        assert!(begun.elapsed() < PATIENCE, "the run hangs");
        thread::sleep(Duration::from_micros(200));
    }
    thread::sleep(after);
    run.kill().unwrap();
    !run.wait().unwrap().success()
}

/// Kills so many runs, each at a moment of its own, and lets one run to its end.
fn killed(seed: u64, kills: u32) {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let (mut left, mut cut) = (kills, 0);
    while left > 0 {
        // Late sight, so that a job that was just made can't be found by looking.
        let blind_looks = (random.next_u64() % 3) as u32;
        let world = World::new(Options { blind_looks, ..Options::default() }, MANIFESTS, 1);
        // Several in a row on one plan, for what is left open can be left open again.
        for _ in 0..left.min(5) {
            left -= 1;
            let more = random.next_u64() % CHANGES_MAX;
            let after = Duration::from_micros(random.next_u64() % AFTER_MICROS_MAX);
            cut += u32::from(cut_short(&world, more, after));
        }
        world.submit(&world.plan, &["--max-active", "100"]).expect(0);
        assert_journal_is_true(&world, &world.plan);
        assert_eq!(world.double.state().jobs.len(), MANIFESTS, "seed {seed}");
    }
    assert!(cut * 4 > kills * 3, "only {cut} of {kills} runs were cut short");
}

#[test]
fn killed_runs_are_finished_by_the_next() {
    killed(1, 10);
}

#[test]
#[ignore = "takes half a minute: run by name"]
fn killed_often_runs_are_finished_by_the_next() {
    killed(2, 100);
}
