//! The engine: runs numbered tasks on worker threads and hands their output on in task order.
//!
//! Workers take tasks from the front. Each task emits blocks of bytes and ends with a summary. The
//! calling thread collects: what the *head* task (the lowest unfinished one) emits goes to the
//! sink; what later tasks emit, and what comes while the sink is busy, waits in memory, up to a
//! budget. Of later tasks more than that waits in spill files. So the head task never waits for
//! another task, nothing is lost, and the sink sees exactly what a single thread would have shown
//! it, whatever the number of threads.
//!
//! The sink only says where a block belongs. What remains to be done with it, such as to hash and
//! write it, it leaves to the workers (`background.rs`): the collector is the one thread that there
//! is only one of, so whatever it does bounds how many workers are of use.
//!
//! Freedom from deadlock: the collector never waits for a particular task. It drains the head
//! task's buffered output first; otherwise it receives the next message, and buffers or spills what
//! is not due yet. It waits for room in the queue of work that it leaves to workers, too. A worker
//! waits only for the collector, or within a task for a worker at an earlier one; while it waits
//! for the collector, it does that work. A worker that runs two tasks at once begins the earlier
//! one first, and that goes on whatever becomes of the later one.
//!
//! Never knows what a task is, what the bytes mean, or which formats and operations exist.

mod background;
mod bell;
mod block;
mod pool;
mod reorder;
mod spill;

use std::io;
use std::num::NonZeroUsize;
use std::ops::{ControlFlow, Range};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};

pub(crate) use background::Background;
use background::{BackgroundWorker, background};
use bell::{CollectorBell, wait_for_bell};
pub(crate) use block::{BLOCK_BYTES, OutputBlock, OutputLane};
use pool::BlockPool;
use reorder::ReorderBuffer;

/// Messages that may wait for the collector, for each worker. Two: one being written while the
/// next is ready; more would only hide memory from the budget.
const MESSAGES_PER_WORKER: usize = 2;

/// Why a task ended early.
#[derive(Debug)]
pub(crate) enum TaskError<E> {
    /// The run is over (interrupted, or another task failed): the rest is not needed.
    Stopped,
    /// The task itself failed.
    Failed(E),
}

/// Returned where the run is over and a worker should return [`TaskError::Stopped`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stopped;

/// What runs tasks; one for each thread, used again from task to task.
pub(crate) trait Worker {
    /// What is known of a finished task.
    type Summary: Send;
    /// What can go wrong in a task.
    type Error: Send;

    /// Runs one task, emitting its blocks in order.
    ///
    /// # Errors
    /// [`TaskError::Stopped`] as soon as the emitter says so; [`TaskError::Failed`] with the
    /// reason.
    fn run(
        &mut self,
        task: usize,
        emitter: &Emitter<'_, Self::Summary, Self::Error>,
    ) -> TaskOutcome<Self::Summary, Self::Error>;

    /// Whether this task and the next one take less time at once than one after the other.
    fn are_for_two(&self, task: usize) -> bool {
        let _ = task;
        false
    }

    /// Runs two tasks at once, each as [`run`](Self::run) does. What is wrong with one does not
    /// touch the other.
    fn run_two(
        &mut self,
        tasks: [usize; 2],
        emitters: [&Emitter<'_, Self::Summary, Self::Error>; 2],
    ) -> [TaskOutcome<Self::Summary, Self::Error>; 2] {
        [self.run(tasks[0], emitters[0]), self.run(tasks[1], emitters[1])]
    }
}

/// How a task ended.
pub(crate) type TaskOutcome<S, E> = Result<S, TaskError<E>>;

/// What receives the output, in task order, on the calling thread.
pub(crate) trait Sink<S, E> {
    /// What can go wrong here; it ends the run.
    type Error;

    /// Takes the next block of the head task. It may take the block's bytes along, and leave work
    /// on them to `background`.
    ///
    /// # Errors
    /// The sink's own; it ends the run.
    fn block(
        &mut self,
        task: usize,
        block: &mut OutputBlock,
        background: &Background<'_>,
    ) -> Result<(), Self::Error>;

    /// Takes the summary of the head task, after all of its blocks. `Break` ends the run: what
    /// later tasks did is dropped.
    ///
    /// # Errors
    /// The sink's own; it ends the run.
    fn done(&mut self, task: usize, summary: S) -> Result<ControlFlow<()>, Self::Error>;

    /// Takes the failure of the head task. With [`Config::hold_until_verified`] none of its blocks
    /// were shown, and `Ok` lets the run go on without it. Otherwise some may have been: the sink
    /// must refuse.
    ///
    /// # Errors
    /// The sink's own; it ends the run.
    fn failed(&mut self, task: usize, error: E) -> Result<(), Self::Error>;
}

/// How to run.
#[derive(Debug)]
pub(crate) struct Config<'a> {
    /// Worker threads.
    pub threads: NonZeroUsize,
    /// Bytes of output that may wait in memory for their turn.
    pub memory_bytes: usize,
    /// Where output waits beyond that; made when first needed.
    pub spill: PathBuf,
    /// Show a task's blocks only once it has finished well, so that a failed task leaves no trace.
    pub hold_until_verified: bool,
    /// Set from outside to end the run early.
    pub stop: &'a AtomicBool,
}

/// Why a run ended without finishing.
#[derive(Debug)]
pub(crate) enum RunError<E> {
    /// [`Config::stop`] was set.
    Interrupted,
    /// Output that had to wait could not be kept on disk.
    Spill(io::Error),
    /// The system gave no thread for a worker.
    Thread(io::Error),
    /// The sink refused.
    Sink(E),
}

enum WorkerMessage<S, E> {
    Block(usize, OutputBlock),
    End(usize, Result<S, E>),
}

/// A worker's way out: where it emits blocks, and where it hears that the run is over.
pub(crate) struct Emitter<'a, S, E> {
    task: usize,
    run: &'a TaskQueue<'a>,
    messages: &'a Sender<WorkerMessage<S, E>>,
    pool: &'a BlockPool,
    background: &'a BackgroundWorker<'a>,
}

/// What all threads of a run look at.
struct TaskQueue<'a> {
    next: AtomicUsize,
    /// Tasks from here on need not run; never grows. A failed task lowers it to just behind
    /// itself, so that the failure reported is always the first one in task order.
    end: AtomicUsize,
    /// The collector has gone away.
    over: AtomicBool,
    stop: &'a AtomicBool,
}

impl TaskQueue<'_> {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed) || self.stop.load(Ordering::Relaxed)
    }

    /// The next task, or the next two where `are_for_two` says so of the first.
    fn take(&self, are_for_two: impl Fn(usize) -> bool) -> Option<Range<usize>> {
        if self.is_over() {
            return None;
        }
        let mut behind = 0;
        let next = |task: usize| {
            behind = task + 1 + usize::from(are_for_two(task));
            Some(behind)
        };
        let task = self.next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).ok()?;
        let end = self.end.load(Ordering::Relaxed);
        (task < end).then(|| task..end.min(behind))
    }
}

impl<S, E> Emitter<'_, S, E> {
    /// Hands a block over; waits only while the collector is behind.
    ///
    /// # Errors
    /// [`Stopped`] when the run is over.
    pub(crate) fn emit(&self, block: OutputBlock) -> Result<(), Stopped> {
        let message = WorkerMessage::Block(self.task, block);
        self.background.send(self.messages, message).map_err(|_| Stopped)
    }

    /// An empty buffer for the next block, used before where possible.
    #[must_use]
    pub(crate) fn buffer(&self) -> Vec<u8> {
        self.pool.take()
    }

    /// Whether the run goes on: asked between windows of work. Meanwhile this thread does what
    /// the sink left to workers.
    ///
    /// # Errors
    /// [`Stopped`] when it does not.
    pub(crate) fn check(&self) -> Result<(), Stopped> {
        if self.run.is_over() || self.task >= self.run.end.load(Ordering::Relaxed) {
            return Err(Stopped);
        }
        self.background.help();
        Ok(())
    }
}

/// Ends the run when it is dropped: however the collector ends, and where a worker panics.
struct EndOfRun<'a> {
    run: &'a TaskQueue<'a>,
    only_by_panic: bool,
}

impl Drop for EndOfRun<'_> {
    fn drop(&mut self) {
        if !self.only_by_panic || thread::panicking() {
            self.run.over.store(true, Ordering::Relaxed);
        }
    }
}

/// Runs tasks `0..tasks`, each on some worker, and shows their output to `sink` in task order.
///
/// # Errors
/// When the run was interrupted, the sink refused, output could not be spilled, or there are not
/// as many threads as asked for. All threads have ended by then.
///
/// # Panics
/// Where a worker or the sink does, once all threads have ended: that of one ends the run for all.
pub(crate) fn run<W, K>(
    config: &Config<'_>,
    tasks: usize,
    make_worker: impl Fn() -> W + Sync,
    sink: &mut K,
) -> Result<(), RunError<K::Error>>
where
    W: Worker,
    K: Sink<W::Summary, W::Error>,
{
    let threads = config.threads.get().min(tasks.max(1));
    let shared = TaskQueue {
        next: AtomicUsize::new(0),
        end: AtomicUsize::new(tasks),
        over: AtomicBool::new(false),
        stop: config.stop,
    };
    let (queue, messages) = bounded(MESSAGES_PER_WORKER * threads);
    let sender = MessageSender { queue, bell: CollectorBell::of_this_thread() };
    // As many as may wait and be on their way: no more than were in use at once.
    let pool = BlockPool::new(config.memory_bytes / BLOCK_BYTES + MESSAGES_PER_WORKER * threads);
    let (background, helper) = background(threads, &pool);
    // No worker begins, and takes memory, before all threads are there.
    let (gate, begin) = bounded::<()>(0);
    thread::scope(|scope| {
        let gate = gate;
        let end = EndOfRun { run: &shared, only_by_panic: false };
        for _ in 0..threads {
            let (begin, sender, helper) = (begin.clone(), sender.clone(), helper.clone());
            let (shared, pool, make_worker) = (&shared, &pool, &make_worker);
            let life = move || {
                let _end = EndOfRun { run: shared, only_by_panic: true };
                let _ = begin.recv();
                if !shared.is_over() {
                    let output =
                        WorkerOutput { messages: &sender.queue, pool, background: &helper };
                    work(&mut make_worker(), shared, &output, config.hold_until_verified);
                }
                // The collector must see when no worker is left that can say something.
                drop(sender);
                helper.help_to_the_end();
            };
            let worker = thread::Builder::new().name("worker".to_owned());
            worker.spawn_scoped(scope, life).map_err(RunError::Thread)?;
        }
        drop((gate, sender, helper));
        let collector = Collector {
            config,
            tasks,
            head: 0,
            reorder: ReorderBuffer::new(config.memory_bytes, config.spill.clone(), &pool),
            background,
            sink,
        };
        let result = collector.collect(&messages);
        drop(end);
        // Workers that wait to hand something over must see that it is not taken.
        drop(messages);
        result
    })
}

/// A worker's way to the collector.
struct MessageSender<M> {
    queue: Sender<M>,
    /// Dropped last: the collector is to see that no sender is left.
    bell: CollectorBell,
}

impl<M> Clone for MessageSender<M> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone(), bell: self.bell.clone() }
    }
}

/// Where a worker's output goes.
struct WorkerOutput<'a, S, E> {
    messages: &'a Sender<WorkerMessage<S, E>>,
    pool: &'a BlockPool,
    background: &'a BackgroundWorker<'a>,
}

/// The life of one worker thread.
fn work<W: Worker>(
    worker: &mut W,
    shared: &TaskQueue<'_>,
    output: &WorkerOutput<'_, W::Summary, W::Error>,
    hold: bool,
) {
    let WorkerOutput { messages, pool, background } = *output;
    let emitter = |task| Emitter { task, run: shared, messages, pool, background };
    // False where the run is over.
    let end = |task: usize, outcome| {
        let end = match outcome {
            Ok(summary) => Ok(summary),
            Err(TaskError::Stopped) => return true,
            Err(TaskError::Failed(error)) => {
                if !hold {
                    shared.end.fetch_min(task + 1, Ordering::Relaxed);
                }
                Err(error)
            }
        };
        background.send(messages, WorkerMessage::End(task, end)).is_ok()
    };
    while let Some(Range { start: task, end: behind }) =
        shared.take(|task| worker.are_for_two(task))
    {
        let go_on = if behind == task + 2 {
            let tasks = [task, task + 1];
            let [one, two] = tasks.map(emitter);
            let [first, second] = worker.run_two(tasks, [&one, &two]);
            end(task, first) && end(task + 1, second)
        } else {
            end(task, worker.run(task, &emitter(task)))
        };
        if !go_on {
            return;
        }
    }
}

/// The calling thread's part: puts output into task order.
struct Collector<'a, S, E, K> {
    config: &'a Config<'a>,
    tasks: usize,
    /// The lowest task that has not been shown to the end.
    head: usize,
    reorder: ReorderBuffer<'a, Result<S, E>>,
    background: Background<'a>,
    sink: &'a mut K,
}

/// What one step of the collector came to.
enum CollectorStep {
    /// Something was shown.
    Done,
    /// Nothing can be shown before a worker says more.
    Idle,
    /// The sink wants no more.
    Break,
}

impl<S, E, K: Sink<S, E>> Collector<'_, S, E, K> {
    /// Takes in what has come, as long as there is memory for it, before each piece of work: no
    /// worker waits while the output of another one is written.
    fn collect(
        mut self,
        messages: &Receiver<WorkerMessage<S, E>>,
    ) -> Result<(), RunError<K::Error>> {
        while self.head < self.tasks {
            if self.config.stop.load(Ordering::Relaxed) {
                return Err(RunError::Interrupted);
            }
            while self.reorder.has_room(self.head)
                && let Ok(message) = messages.try_recv()
            {
                self.take_in(message)?;
            }
            match self.step()? {
                CollectorStep::Done => {}
                CollectorStep::Idle => {
                    let message = next_of(messages).ok_or(RunError::Interrupted)?;
                    self.take_in(message)?;
                }
                CollectorStep::Break => return Ok(()),
            }
        }
        Ok(())
    }

    fn take_in(&mut self, message: WorkerMessage<S, E>) -> Result<(), RunError<K::Error>> {
        match message {
            // A block that is due is shown at once: buffered, it might be spilled.
            WorkerMessage::Block(task, block)
                if task == self.head
                    && !self.config.hold_until_verified
                    && self.reorder.is_empty(task) =>
            {
                self.show(block)
            }
            WorkerMessage::Block(task, block) => {
                self.reorder.push(task, block).map_err(RunError::Spill)
            }
            WorkerMessage::End(task, end) => self.reorder.end(task, end).map_err(RunError::Spill),
        }
    }

    /// Shows the next thing in order: a block of the head task, or its end.
    fn step(&mut self) -> Result<CollectorStep, RunError<K::Error>> {
        let end = self.reorder.end_of(self.head);
        // With `hold_until_verified`, a task's blocks wait until it is known that it ended well.
        let may_show =
            if self.config.hold_until_verified { matches!(end, Some(Ok(_))) } else { true };
        if may_show && let Some(block) = self.reorder.pop(self.head).map_err(RunError::Spill)? {
            self.show(block)?;
            return Ok(CollectorStep::Done);
        }
        match self.reorder.take_end(self.head) {
            Some(end) => self.finish_head(end),
            None => Ok(CollectorStep::Idle),
        }
    }

    fn show(&mut self, mut block: OutputBlock) -> Result<(), RunError<K::Error>> {
        self.sink.block(self.head, &mut block, &self.background).map_err(RunError::Sink)?;
        self.reorder.pool.put(block.bytes);
        Ok(())
    }

    /// Ends the head task; the next one becomes the head.
    fn finish_head(&mut self, end: Result<S, E>) -> Result<CollectorStep, RunError<K::Error>> {
        match end {
            Ok(summary) => {
                if self.sink.done(self.head, summary).map_err(RunError::Sink)?.is_break() {
                    return Ok(CollectorStep::Break);
                }
            }
            Err(error) => self.sink.failed(self.head, error).map_err(RunError::Sink)?,
        }
        self.reorder.discard(self.head).map_err(RunError::Spill)?;
        self.head += 1;
        Ok(CollectorStep::Done)
    }
}

/// The next message, which is waited for; `None` where no worker is left.
fn next_of<M>(messages: &Receiver<M>) -> Option<M> {
    loop {
        match messages.try_recv() {
            Ok(message) => return Some(message),
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) => wait_for_bell(),
        }
    }
}

#[cfg(test)]
mod tests;
