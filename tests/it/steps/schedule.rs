//! Runs at once, of which one moves at a time: whose step comes next is the test's to say.

use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::{Answer, Step, run};
use crate::fixture::Run;

/// A run that neither ends nor takes a step for so long waits for another, which it must not.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a run came to.
enum Event {
    Step(usize, Step),
    Ended(usize, Run),
}

/// How a run stands.
enum State {
    Moving,
    /// Before a step.
    Waits(Step),
    Ended(Run),
}

/// Who is told, and who says, what happens between steps.
pub(crate) trait Director {
    /// Which of the runs that wait goes on, and how. Nothing moves meanwhile.
    fn next(&mut self, waiting: &[(usize, &Step)]) -> (usize, Answer);

    /// Told when a run has ended. Nothing moves meanwhile.
    fn ended(&mut self, number: usize, run: &Run);
}

/// Runs commands at once, to their ends.
pub(crate) fn at_once(
    commands: Vec<Command>,
    ground: &Path,
    director: &mut impl Director,
) -> Vec<Run> {
    let (told, events) = mpsc::channel();
    thread::scope(|scope| {
        let mut states = Vec::new();
        let mut answers = Vec::new();
        for (number, command) in commands.into_iter().enumerate() {
            let (answer, answered) = mpsc::channel();
            let told = told.clone();
            scope.spawn(move || {
                let tell = told.clone();
                let run = run(command, ground, move |step| {
                    tell.send(Event::Step(number, step.clone())).unwrap();
                    answered.recv().unwrap_or(Answer::Die)
                });
                told.send(Event::Ended(number, run)).unwrap();
            });
            states.push(State::Moving);
            answers.push(answer);
        }
        loop {
            while states.iter().any(|state| matches!(state, State::Moving)) {
                match events.recv_timeout(PATIENCE).unwrap() {
                    Event::Step(number, step) => states[number] = State::Waits(step),
                    Event::Ended(number, run) => {
                        director.ended(number, &run);
                        states[number] = State::Ended(run);
                    }
                }
            }
            let waiting: Vec<(usize, &Step)> = states
                .iter()
                .enumerate()
                .filter_map(|(number, state)| match state {
                    State::Waits(step) => Some((number, step)),
                    _ => None,
                })
                .collect();
            if waiting.is_empty() {
                break;
            }
            let (number, answer) = director.next(&waiting);
            states[number] = State::Moving;
            answers[number].send(answer).unwrap();
        }
        let ended = states.into_iter().filter_map(|state| match state {
            State::Ended(run) => Some(run),
            _ => None,
        });
        ended.collect()
    })
}
