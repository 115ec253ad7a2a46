//! All orders in which messages can reach the collector: of tasks that run at the same time, each
//! message at once or only when nothing else is left to do.

use std::path::Path;

use super::*;

/// A budget with room for all, and one that spills all.
const BUDGETS: [usize; 2] = [1 << 20, 0];

/// A collector, what it is shown, and messages that come in the order that is tried.
struct Arrivals<'a> {
    tasks: &'a [Script],
    /// The task of each message, in the order in which they come.
    order: &'a [usize],
    /// A bit for each message: whether it comes before the collector's next step.
    early: u32,
    /// Where output is spilled.
    spill: &'a Path,
}

impl Arrivals<'_> {
    /// The messages that a task sends, the last one first.
    fn messages(&self) -> Vec<Vec<WorkerMessage<u64, String>>> {
        let of_task = |(task, script): (usize, &Script)| {
            let total = script.block_sizes.iter().map(|size| u64::from(*size)).sum();
            let end = if script.fails { Err(format!("task {task}")) } else { Ok(total) };
            let blocks = blocks_of(task, script).into_iter().rev();
            let blocks = blocks.map(|block| WorkerMessage::Block(task, block));
            [WorkerMessage::End(task, end)].into_iter().chain(blocks).collect()
        };
        self.tasks.iter().enumerate().map(of_task).collect()
    }

    /// Runs the collector as [`Collector::collect`] does, with these messages.
    fn shown(&self, memory_bytes: usize, hold: bool) -> Vec<Event> {
        let stop = AtomicBool::new(false);
        let config = Config {
            threads: NonZeroUsize::MIN,
            memory_bytes,
            spill: self.spill.to_owned(),
            hold_until_verified: hold,
            stop: &stop,
        };
        let pool = BlockPool::new(2);
        // Without a worker, work is done at once.
        let (background, _) = background(1, &pool);
        let mut sink = Recorder { keep_going: hold, ..Recorder::default() };
        let mut collector = Collector {
            config: &config,
            tasks: self.tasks.len(),
            head: 0,
            reorder: ReorderBuffer::new(memory_bytes, config.spill.clone(), &pool),
            background,
            sink: &mut sink,
        };
        let mut messages = self.messages();
        let mut next = |at: &mut usize| {
            *at += 1;
            messages[self.order[*at - 1]].pop().unwrap()
        };
        let mut at = 0;
        while collector.head < self.tasks.len() {
            while at < self.order.len()
                && self.early >> at & 1 == 1
                && collector.reorder.has_room(collector.head)
            {
                if collector.take_in(next(&mut at)).is_err() {
                    return sink.events;
                }
            }
            match collector.step() {
                Ok(CollectorStep::Done) => {}
                // The collector would wait for ever if nothing came any more.
                Ok(CollectorStep::Idle) => match collector.take_in(next(&mut at)) {
                    Ok(()) => {}
                    Err(_) => break,
                },
                Ok(CollectorStep::Break) | Err(_) => break,
            }
        }
        drop(collector);
        sink.events
    }
}

/// Calls `each` with every order in which messages can come; `left` says how many each task sends.
fn every_order(left: &mut [usize], order: &mut Vec<usize>, each: &mut impl FnMut(&[usize])) {
    if left.iter().all(|left| *left == 0) {
        return each(order);
    }
    for task in 0..left.len() {
        if left[task] > 0 {
            left[task] -= 1;
            order.push(task);
            every_order(left, order, each);
            order.pop();
            left[task] += 1;
        }
    }
}

#[test]
fn messages_may_come_in_any_order() {
    let script = |sizes: &[u16], fails| Script { block_sizes: sizes.to_vec(), fails };
    let folder = tempfile::tempdir().unwrap();
    let spill = folder.path().join("spill");
    let mut runs = 0;
    for fails in [false, true] {
        let tasks = [script(&[5, 3], false), script(&[4], fails), script(&[2], false)];
        for hold in [false, true] {
            let expected = expected(&tasks, hold, None);
            every_order(&mut [3, 2, 2], &mut Vec::new(), &mut |order| {
                for budget in BUDGETS {
                    // Where all is spilled nothing is taken in early.
                    let early_max = if budget == 0 { 1 } else { 1 << order.len() };
                    for early in 0..early_max {
                        let arrivals = Arrivals { tasks: &tasks, order, early, spill: &spill };
                        let shown = arrivals.shown(budget, hold);
                        assert_eq!(shown, expected, "{order:?} {early:b} {budget} {hold}");
                        runs += 1;
                    }
                }
            });
        }
    }
    assert_eq!(runs, 4 * 210 * 129, "seven messages, of which three, two and two have an order");
}
