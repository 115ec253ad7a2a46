//! Runs into one folder at once, in orders that are forced step by step: one of them makes its plan
//! there, the others say why not, and what is shown is whole at each moment.
//!
//! Some rounds as a rule; a thousand by name: `cargo test --test it -- --ignored thousand_rounds`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use tempfile::TempDir;

use crate::fixture::{Run, program, seed};
use crate::steps::scene::{Listing, PARTIAL, listing};
use crate::steps::schedule::{Director, at_once};
use crate::steps::{Answer, Step};

/// Runs at once at most.
const RUNS_MAX: usize = 20;

/// `filter` of the sample report with a bound of its own, so that each plan is another one.
fn filter(number: usize, out: &Path, force: bool) -> Command {
    let (report, bound) = (seed(), (number + 3).to_string());
    let mut command = program();
    command.args(["filter", report.to_str().unwrap(), "--where", "BucketKeyStatus = 'DISABLED'"]);
    command.args(["--threads", "1", "--max-objects", &bound, "--out", out.to_str().unwrap()]);
    if force {
        command.arg("--force");
    }
    command
}

/// Every such plan, as a run that nobody disturbs makes it.
static PLANS: LazyLock<Vec<Listing>> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let made = (0..RUNS_MAX).map(|number| {
        let out = folder.path().join(number.to_string());
        Run::of(filter(number, &out, false)).expect(0);
        listing(&out)
    });
    made.collect()
});

/// The same numbers every time, from a seed.
struct Lots(u64);

impl Lots {
    fn below(&mut self, bound: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % bound as u64) as usize
    }
}

/// One round: who runs, and what was there before.
struct Round {
    _folder: TempDir,
    ground: PathBuf,
    out: PathBuf,
    forced: Vec<bool>,
    killed: Vec<bool>,
    /// The runs that ended well, in order.
    winners: Vec<usize>,
    alive: usize,
    /// What was done, for the story.
    moves: Vec<String>,
    order: Order,
}

/// Whose step comes next.
enum Order {
    /// The first run takes so many steps, then the others all theirs, then it the rest, or none.
    Overtaken { steps: usize, is_killed: bool },
    /// Anybody's, by lots. A run goes on with so many chances of a hundred, and is killed with one
    /// of so many.
    Lots { lots: Lots, goes_on: usize, killed_of: Option<usize>, last: usize },
}

impl Round {
    fn new(old: Option<usize>, forced: Vec<bool>, order: Order) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ground = folder.path().canonicalize().unwrap();
        let out = ground.join("out");
        if let Some(old) = old {
            Run::of(filter(old, &out, false)).expect(0);
        }
        let (alive, killed) = (forced.len(), vec![false; forced.len()]);
        let (winners, moves) = (Vec::new(), Vec::new());
        Self { _folder: folder, ground, out, forced, killed, winners, alive, moves, order }
    }

    fn play(mut self) -> Order {
        let old = self.shown();
        let command = |(number, force): (usize, &bool)| filter(number, &self.out, *force);
        let commands = self.forced.iter().enumerate().map(command).collect();
        let ground = self.ground.clone();
        let runs = at_once(commands, &ground, &mut self);
        let story = || {
            let stories: String = runs.iter().map(Run::story).collect();
            format!("{}{stories}", self.moves.join("\n"))
        };
        let shown = self.shown();
        let is_any_killed = self.killed.contains(&true);
        let may_win: Vec<usize> = match self.winners.last() {
            None => old.into_iter().collect(),
            Some(_) => self.winners.clone(),
        };
        if !is_any_killed {
            assert!(!self.winners.is_empty() || old.is_some(), "nobody wins{}", story());
            assert!(shown.is_some_and(|shown| may_win.contains(&shown)), "{shown:?}{}", story());
            assert_eq!(self.left(), Vec::<PathBuf>::new(), "{}", story());
        }
        if old.is_none() && !self.forced.contains(&true) {
            assert!(self.winners.len() <= 1, "{:?} win{}", self.winners, story());
        }
        // Whatever happened: the next run finds its way, and leaves nothing.
        let next = Run::of(filter(0, &self.out, shown.is_some()));
        assert_eq!(next.output.status.code(), Some(0), "{}{}", next.story(), story());
        assert_eq!((self.shown(), self.left()), (Some(0), Vec::new()), "{}", story());
        self.order
    }

    /// The plan that is shown, which must be whole.
    #[track_caller]
    fn shown(&self) -> Option<usize> {
        if !self.out.join("plan.json").exists() {
            return None;
        }
        let mut found = listing(&self.out);
        found.retain(|path, _| !path.starts_with(PARTIAL));
        let place = PLANS.iter().position(|plan| *plan == found);
        assert!(
            place.is_some(),
            "half a plan is shown: {:?}\n{}",
            found.keys(),
            self.moves.join("\n")
        );
        place
    }

    /// What runs left besides plans.
    fn left(&self) -> Vec<PathBuf> {
        let is_left = |path: &PathBuf| {
            !path.starts_with("out") || path.starts_with(Path::new("out").join(PARTIAL))
        };
        let mut paths: Vec<PathBuf> = listing(&self.ground).into_keys().filter(is_left).collect();
        paths.sort();
        paths
    }
}

impl Director for Round {
    fn next(&mut self, waiting: &[(usize, &Step)]) -> (usize, Answer) {
        let shown = self.shown();
        let (place, answer) = self.order.next(waiting);
        let (number, step) = waiting[place];
        self.killed[number] |= answer == Answer::Die;
        let paths = step.paths.join(" to ");
        self.moves.push(format!("{shown:?} {number}: {} {paths} {answer:?}", step.kind));
        (number, answer)
    }

    fn ended(&mut self, number: usize, run: &Run) {
        self.alive -= 1;
        self.moves.push(format!("{number}: {}", run.output.status));
        let shown = self.shown();
        match run.output.status.code() {
            Some(0) => {
                // Others may have replaced it since it was whole, if they may, or be about to.
                let is_followed = self.forced.contains(&true)
                    && match shown {
                        Some(shown) => self.winners.contains(&shown),
                        None => self.alive > 0,
                    };
                let is_right = shown == Some(number) || is_followed;
                assert!(is_right, "{shown:?}{}{}", run.story(), self.moves.join("\n"));
                self.winners.push(number);
            }
            Some(2) => {
                let told = run.stderr();
                let why = told.contains("another run") || told.contains("is not empty");
                assert!(why, "{}", run.story());
            }
            code => {
                let was_killed = code.is_none() && self.killed[number];
                assert!(was_killed, "{}{}", run.story(), self.moves.join("\n"));
            }
        }
    }
}

impl Order {
    fn next(&mut self, waiting: &[(usize, &Step)]) -> (usize, Answer) {
        match self {
            Self::Overtaken { steps, is_killed } => {
                let first = waiting[0].0 == 0;
                match (first, *steps) {
                    (true, 0) if waiting.len() > 1 => (1, Answer::Go),
                    (true, 0) if *is_killed => (0, Answer::Die),
                    (true, 0) => (0, Answer::Go),
                    (true, _) => {
                        *steps -= 1;
                        (0, Answer::Go)
                    }
                    (false, _) => (0, Answer::Go),
                }
            }
            Self::Lots { lots, goes_on, killed_of, last } => {
                let same = waiting.iter().position(|(number, _)| number == last);
                let place = match same {
                    Some(place) if lots.below(100) < *goes_on => place,
                    _ => lots.below(waiting.len()),
                };
                *last = waiting[place].0;
                let dies = killed_of.is_some_and(|bound| lots.below(bound) == 0);
                (place, if dies { Answer::Die } else { Answer::Go })
            }
        }
    }
}

/// A run stands still at one of its steps while another does all of its work.
fn overtaken(every: usize) {
    for (old, forced) in [(None, [false, false]), (None, [true, false]), (Some(7), [true, true])] {
        for is_killed in [false, true] {
            for steps in (0..).step_by(every) {
                let order = Order::Overtaken { steps, is_killed };
                let order = Round::new(old, forced.to_vec(), order).play();
                if matches!(order, Order::Overtaken { steps: 1.., .. }) {
                    // It took its last step before.
                    assert!(steps > every.max(5), "after {steps}: the steps are not told");
                    break;
                }
            }
        }
    }
}

/// Rounds of so many runs in an order by lots.
fn rounds(seeds: std::ops::Range<u64>) {
    for seed in seeds {
        let mut lots = Lots(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        lots.below(1);
        let count = [2, 2, 2, 2, 2, 6, 6, 2, 2, 20][seed as usize % 10];
        let old = [None, None, Some(19)][lots.below(3)];
        let forced = (0..count).map(|_| lots.below(2) == 0 && seed % 2 == 0).collect();
        let goes_on = [0, 50, 90, 98][lots.below(4)];
        let killed_of = [None, None, Some(40)][lots.below(3)];
        let order = Order::Lots { lots, goes_on, killed_of, last: 0 };
        Round::new(old, forced, order).play();
    }
}

#[test]
fn a_run_that_is_overtaken_at_any_step_does_no_harm() {
    overtaken(7);
}

#[test]
fn of_runs_at_once_one_wins_and_its_plan_is_whole() {
    rounds(0..30);
}

#[test]
#[ignore = "takes minutes: run by name"]
fn a_thousand_rounds() {
    overtaken(1);
    rounds(30..1030);
}
