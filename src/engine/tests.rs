//! The engine against what one thread would do: the same output for any number of threads, any
//! memory budget, with and without spilling.

mod order;

use std::sync::Arc;

use super::*;
use proptest::prelude::*;

/// Emits, for each task, blocks as the plan says; fails where it says.
struct Scripted<'a> {
    tasks: &'a [Script],
    /// A bit for each task that is run at once with the next.
    pairs: u32,
}

#[derive(Debug, Clone)]
struct Script {
    block_sizes: Vec<u16>,
    fails: bool,
}

impl Worker for Scripted<'_> {
    type Summary = u64;
    type Error = String;

    fn run(
        &mut self,
        task: usize,
        emitter: &Emitter<'_, Self::Summary, Self::Error>,
    ) -> Result<u64, TaskError<Self::Error>> {
        let script = &self.tasks[task];
        for block in blocks_of(task, script) {
            emit(emitter, &block)?;
        }
        end_of(task, script)
    }

    fn are_for_two(&self, task: usize) -> bool {
        task + 1 < self.tasks.len() && self.pairs >> task & 1 != 0
    }

    /// A block of each by turns.
    fn run_two(
        &mut self,
        tasks: [usize; 2],
        emitters: [&Emitter<'_, Self::Summary, Self::Error>; 2],
    ) -> [TaskOutcome<u64, String>; 2] {
        let mut blocks = tasks.map(|task| blocks_of(task, &self.tasks[task]).into_iter());
        let mut stopped = [None, None];
        for lane in [0, 1].into_iter().cycle() {
            match blocks[lane].next() {
                Some(block) if stopped[lane].is_none() => {
                    stopped[lane] = emit(emitters[lane], &block).err();
                }
                Some(_) => {}
                None if blocks[1 - lane].len() == 0 => break,
                None => {}
            }
        }
        let ends = tasks.map(|task| end_of(task, &self.tasks[task]));
        let [one, two] = ends;
        let [first, second] = stopped;
        [first.map_or(one, Err), second.map_or(two, Err)]
    }
}

fn emit(emitter: &Emitter<'_, u64, String>, block: &OutputBlock) -> Result<(), TaskError<String>> {
    emitter.check().map_err(|Stopped| TaskError::Stopped)?;
    let mut bytes = emitter.buffer();
    assert!(bytes.is_empty(), "a recycled buffer comes back empty");
    bytes.extend_from_slice(&block.bytes);
    emitter
        .emit(OutputBlock { lane: block.lane, rows: block.rows, bytes })
        .map_err(|Stopped| TaskError::Stopped)
}

fn end_of(task: usize, script: &Script) -> TaskOutcome<u64, String> {
    let total = script.block_sizes.iter().map(|size| u64::from(*size)).sum();
    if script.fails { Err(TaskError::Failed(format!("task {task}"))) } else { Ok(total) }
}

fn blocks_of(task: usize, script: &Script) -> Vec<OutputBlock> {
    let block = |(place, size): (usize, &u16)| OutputBlock {
        lane: OutputLane((task + place) as u32 % 3),
        rows: u64::from(*size),
        bytes: (0..*size).map(|byte| (task * 7 + place * 3 + usize::from(byte)) as u8).collect(),
    };
    script.block_sizes.iter().enumerate().map(block).collect()
}

#[derive(Debug, PartialEq)]
enum Event {
    Block(usize, OutputBlock),
    Done(usize, u64),
    Failed(usize, String),
}

#[derive(Default)]
struct Recorder {
    events: Vec<Event>,
    bytes_shown: usize,
    /// Bytes of blocks that the background had.
    bytes_done: Arc<AtomicUsize>,
    break_after: Option<usize>,
    keep_going: bool,
}

impl Sink<u64, String> for Recorder {
    type Error = String;

    fn block(
        &mut self,
        task: usize,
        block: &mut OutputBlock,
        background: &Background<'_>,
    ) -> Result<(), String> {
        let shown = OutputBlock { lane: block.lane, rows: block.rows, bytes: block.bytes.clone() };
        self.bytes_shown += shown.bytes.len();
        self.events.push(Event::Block(task, shown));
        let (bytes, done) = (std::mem::take(&mut block.bytes), Arc::clone(&self.bytes_done));
        background.run(Box::new(move || {
            done.fetch_add(bytes.len(), Ordering::Relaxed);
            bytes
        }));
        Ok(())
    }

    fn done(&mut self, task: usize, summary: u64) -> Result<ControlFlow<()>, String> {
        self.events.push(Event::Done(task, summary));
        Ok(if self.break_after == Some(task) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
    }

    fn failed(&mut self, task: usize, error: String) -> Result<(), String> {
        self.events.push(Event::Failed(task, error.clone()));
        if self.keep_going { Ok(()) } else { Err(error) }
    }
}

/// What a single thread would show: the oracle.
fn expected(tasks: &[Script], hold: bool, break_after: Option<usize>) -> Vec<Event> {
    let mut events = Vec::new();
    for (task, script) in tasks.iter().enumerate() {
        if !(hold && script.fails) {
            events
                .extend(blocks_of(task, script).into_iter().map(|block| Event::Block(task, block)));
        }
        if script.fails {
            events.push(Event::Failed(task, format!("task {task}")));
            if !hold {
                break;
            }
        } else {
            let total = script.block_sizes.iter().map(|size| u64::from(*size)).sum();
            events.push(Event::Done(task, total));
            if break_after == Some(task) {
                break;
            }
        }
    }
    events
}

struct Trial {
    threads: usize,
    memory_bytes: usize,
    hold: bool,
    break_after: Option<usize>,
    pairs: u32,
}

fn run_trial(tasks: &[Script], trial: &Trial) -> (Vec<Event>, Result<(), RunError<String>>) {
    let folder = tempfile::tempdir().unwrap();
    let stop = AtomicBool::new(false);
    let config = Config {
        threads: NonZeroUsize::new(trial.threads).unwrap(),
        memory_bytes: trial.memory_bytes,
        spill: folder.path().join("spill"),
        hold_until_verified: trial.hold,
        stop: &stop,
    };
    let mut sink =
        Recorder { break_after: trial.break_after, keep_going: trial.hold, ..Recorder::default() };
    let result = run(&config, tasks.len(), || Scripted { tasks, pairs: trial.pairs }, &mut sink);
    let bytes_done = sink.bytes_done.load(Ordering::Relaxed);
    assert_eq!(bytes_done, sink.bytes_shown, "what is left to workers is done");
    assert!(!folder.path().join("spill").exists(), "spill files are gone after a run");
    (sink.events, result)
}

fn scripts() -> impl Strategy<Value = Vec<Script>> {
    let script = (prop::collection::vec(0..2000u16, 0..12), prop::bool::weighted(0.05))
        .prop_map(|(block_sizes, fails)| Script { block_sizes, fails });
    prop::collection::vec(script, 0..20)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn output_is_that_of_one_thread(
        tasks in scripts(),
        threads in 1usize..5,
        memory_bytes in prop_oneof![Just(0), Just(3_000), Just(1usize << 30)],
        hold: bool,
        break_after in prop::option::of(0usize..20),
        pairs in prop_oneof![Just(0), any::<u32>()],
    ) {
        let trial = Trial { threads, memory_bytes, hold, break_after, pairs };
        let (events, result) = run_trial(&tasks, &trial);
        let expected = expected(&tasks, hold, break_after);
        prop_assert_eq!(&events, &expected);
        let failed = match expected.last() {
            Some(Event::Failed(_, error)) if !hold => Some(error.clone()),
            _ => None,
        };
        match (result, failed) {
            (Ok(()), None) => {}
            (Err(RunError::Sink(error)), Some(failed)) => prop_assert_eq!(error, failed),
            (result, failed) => prop_assert!(false, "{:?} where {:?}", result, failed),
        }
    }
}

#[test]
fn a_run_that_is_stopped_says_so() {
    struct StopsAtOnce<'a>(&'a AtomicBool);
    impl Worker for StopsAtOnce<'_> {
        type Summary = u64;
        type Error = String;
        fn run(
            &mut self,
            _: usize,
            emitter: &Emitter<'_, Self::Summary, Self::Error>,
        ) -> Result<u64, TaskError<String>> {
            self.0.store(true, Ordering::Relaxed);
            emitter.check().map_err(|Stopped| TaskError::Stopped)?;
            Ok(0)
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let stop = AtomicBool::new(false);
    let config = Config {
        threads: NonZeroUsize::MIN,
        memory_bytes: 0,
        spill: folder.path().join("spill"),
        hold_until_verified: false,
        stop: &stop,
    };
    let mut sink = Recorder::default();
    let result = run(&config, 5, || StopsAtOnce(&stop), &mut sink);
    assert!(matches!(result, Err(RunError::Interrupted)), "{result:?}");
    assert!(sink.events.is_empty());
}

#[test]
fn a_spill_folder_that_cannot_be_made_ends_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let in_the_way = folder.path().join("file");
    std::fs::write(&in_the_way, "no folder").unwrap();
    let stop = AtomicBool::new(false);
    let config = Config {
        threads: NonZeroUsize::MIN,
        memory_bytes: 0,
        spill: in_the_way.join("spill"),
        hold_until_verified: true,
        stop: &stop,
    };
    let tasks = [Script { block_sizes: vec![10], fails: false }];
    let result = run(&config, 1, || Scripted { tasks: &tasks, pairs: 0 }, &mut Recorder::default());
    let Err(RunError::Spill(error)) = result else { panic!("{result:?}") };
    assert!(error.to_string().contains("spill"), "{error}");
}

/// Does one task at a time until the run is over; panics in one of them.
struct PanicsIn(usize);

impl Worker for PanicsIn {
    type Summary = u64;
    type Error = String;

    fn run(
        &mut self,
        task: usize,
        emitter: &Emitter<'_, Self::Summary, Self::Error>,
    ) -> Result<u64, TaskError<String>> {
        if task == self.0 {
            panic!("in task {task}");
        }
        loop {
            emitter.check().map_err(|Stopped| TaskError::Stopped)?;
            thread::yield_now();
        }
    }
}

#[test]
fn a_panic_ends_the_run_for_all() {
    struct Panics;
    impl Sink<u64, String> for Panics {
        type Error = String;
        fn block(
            &mut self,
            _: usize,
            _: &mut OutputBlock,
            _: &Background<'_>,
        ) -> Result<(), String> {
            panic!("in the sink")
        }
        fn done(&mut self, _: usize, _: u64) -> Result<ControlFlow<()>, String> {
            panic!("in the sink")
        }
        fn failed(&mut self, _: usize, _: String) -> Result<(), String> {
            panic!("in the sink")
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let stop = AtomicBool::new(false);
    let config = Config {
        threads: NonZeroUsize::new(3).unwrap(),
        memory_bytes: 0,
        spill: folder.path().join("spill"),
        hold_until_verified: false,
        stop: &stop,
    };
    // The others would go on for ever.
    let run_all = || run(&config, 5, || PanicsIn(2), &mut Recorder::default());
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(run_all)).is_err());
    let script = |block_sizes: &[u16]| Script { block_sizes: block_sizes.to_vec(), fails: false };
    let tasks = vec![script(&[9; 50]); 20];
    let run_all = || run(&config, 20, || Scripted { tasks: &tasks, pairs: 0 }, &mut Panics);
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(run_all)).is_err());
}

#[cfg(target_os = "linux")]
#[test]
fn spill_files_of_tasks_that_have_ended_are_not_open() {
    /// The first task waits until all others have ended; counts the files open then.
    struct Waits<'a>(&'a AtomicUsize, &'a AtomicUsize);
    impl Worker for Waits<'_> {
        type Summary = u64;
        type Error = String;
        fn run(
            &mut self,
            task: usize,
            emitter: &Emitter<'_, Self::Summary, Self::Error>,
        ) -> Result<u64, TaskError<String>> {
            if task > 0 {
                let block = OutputBlock { lane: OutputLane(0), rows: 1, bytes: vec![1; 20_000] };
                emitter.emit(block).map_err(|Stopped| TaskError::Stopped)?;
                self.0.fetch_add(1, Ordering::Relaxed);
                return Ok(1);
            }
            while self.0.load(Ordering::Relaxed) < TASKS - 1 {
                thread::yield_now();
            }
            let open = std::fs::read_dir("/proc/self/fd").unwrap();
            let is_spill = |name: PathBuf| name.extension().is_some_and(|e| e == "spill");
            let names = open.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok());
            self.1.store(names.filter(|name| is_spill(name.clone())).count(), Ordering::Relaxed);
            Ok(0)
        }
    }
    const TASKS: usize = 60;
    let (ended, open) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let folder = tempfile::tempdir().unwrap();
    let stop = AtomicBool::new(false);
    let config = Config {
        threads: NonZeroUsize::new(2).unwrap(),
        memory_bytes: 0,
        spill: folder.path().join("spill"),
        hold_until_verified: false,
        stop: &stop,
    };
    let mut sink = Recorder::default();
    run(&config, TASKS, || Waits(&ended, &open), &mut sink).unwrap();
    assert_eq!(sink.events.len(), 2 * TASKS - 1);
    // Those whose ends are still on their way: as many messages as may be.
    let open = open.into_inner();
    assert!(open <= 2 * MESSAGES_PER_WORKER + 2, "{open} files");
}

/// The end of the first task, seen by the sink.
struct FirstEnd<'a>(&'a AtomicBool);

impl Sink<bool, String> for FirstEnd<'_> {
    type Error = String;

    fn block(&mut self, _: usize, _: &mut OutputBlock, _: &Background<'_>) -> Result<(), String> {
        Ok(())
    }

    fn done(&mut self, task: usize, seen: bool) -> Result<ControlFlow<()>, String> {
        if task == 0 {
            self.0.store(true, Ordering::Relaxed);
        } else if !seen {
            return Err("shown only after the second task had ended".to_owned());
        }
        Ok(ControlFlow::Continue(()))
    }

    fn failed(&mut self, _: usize, error: String) -> Result<(), String> {
        Err(error)
    }
}

/// The second task goes on until the end of the first was shown; whether it was.
struct WaitsForFirst<'a>(&'a AtomicBool);

impl Worker for WaitsForFirst<'_> {
    type Summary = bool;
    type Error = String;

    fn run(
        &mut self,
        task: usize,
        _: &Emitter<'_, bool, String>,
    ) -> Result<bool, TaskError<String>> {
        let begun = std::time::Instant::now();
        while task > 0 && !self.0.load(Ordering::Relaxed) {
            if begun.elapsed() > std::time::Duration::from_secs(20) {
                return Ok(false);
            }
            thread::yield_now();
        }
        Ok(true)
    }
}

#[test]
fn a_single_message_is_taken_while_other_tasks_go_on() {
    let (shown, stop) = (AtomicBool::new(false), AtomicBool::new(false));
    let config = Config {
        threads: NonZeroUsize::new(8).unwrap(),
        memory_bytes: 1 << 20,
        spill: PathBuf::new(),
        hold_until_verified: false,
        stop: &stop,
    };
    // One more than threads, so that no worker ends, which would wake the collector.
    run(&config, 9, || WaitsForFirst(&shown), &mut FirstEnd(&shown)).unwrap();
}
