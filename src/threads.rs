//! Loops over things that don't depend on each other, on as many threads as the user allows:
//! looking files up, making files, compressing them; or one after another, each finished while the
//! next is made.
//!
//! What a loop gives depends neither on the number of threads nor on timing. The engine has
//! workers of its own: what they hand over must come in order while they run.
//!
//! Never knows what is done in a loop.

use std::io;
use std::num::NonZeroUsize;
use std::panic;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, ScopedJoinHandle};

use rayon::ThreadPoolBuilder;
use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};

/// A thread for each processor that this process may use: the usual number.
#[must_use]
pub(crate) fn one_a_processor() -> NonZeroUsize {
    thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// The turn of one item of a loop.
#[derive(Debug)]
pub(crate) struct LoopTurn<'a> {
    place: usize,
    /// The place of the first item that failed.
    failed: &'a AtomicUsize,
}

impl LoopTurn<'_> {
    /// Whether an item before this one has failed: its result is not used.
    #[must_use]
    pub(crate) fn is_void(&self) -> bool {
        self.failed.load(Ordering::Relaxed) < self.place
    }

    fn fail(&self) {
        self.failed.fetch_min(self.place, Ordering::Relaxed);
    }
}

/// What `each` gives of the items, in their order; of errors, that of the first item in order that
/// fails. Items behind one that failed may be left out.
///
/// The loop runs on at most `threads` threads, which bear this name, while the calling one waits.
/// With one thread, or one item, that is the calling one.
///
/// # Errors
/// When the system does not give the threads; nothing was done then. Within, those of `each`.
///
/// # Panics
/// Where `each` does.
pub(crate) fn in_order<T: Sync, R: Send, E: Send>(
    threads: NonZeroUsize,
    name: &'static str,
    items: &[T],
    each: impl Fn(&T, &LoopTurn<'_>) -> Result<R, E> + Sync,
) -> io::Result<Result<Vec<R>, E>> {
    let failed = AtomicUsize::new(usize::MAX);
    let turn = |(place, item): (usize, &T)| {
        let turn = LoopTurn { place, failed: &failed };
        if turn.is_void() {
            return None;
        }
        let end = EndByPanic(&failed);
        let result = each(item, &turn);
        drop(end);
        if result.is_err() {
            turn.fail();
        }
        Some(result)
    };
    let threads = threads.get().min(items.len());
    if threads <= 1 {
        // None comes only behind an error, which ends this.
        return Ok(items.iter().enumerate().filter_map(turn).collect());
    }
    let pool = ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(move |_| name.to_owned())
        .build()
        .map_err(io::Error::other)?;
    // Each item is worth a look for another thread.
    let items = items.par_iter().enumerate().with_max_len(1);
    let results: Vec<_> = pool.install(|| items.map(turn).collect());
    Ok(results.into_iter().flatten().collect())
}

/// Makes things one after another, and finishes each on a thread of this name while the next one is
/// made; one at a time is being finished. `make` gives none when all are made.
///
/// # Errors
/// The first of `make` or `finish`; nothing more is made then. Where the system gives no thread,
/// things are finished on the calling one.
///
/// # Panics
/// Where one of both does.
pub(crate) fn one_behind<T: Send, E: Send>(
    name: &'static str,
    mut make: impl FnMut() -> Result<Option<T>, E>,
    finish: impl Fn(T) -> Result<(), E> + Sync,
) -> Result<(), E> {
    let finish = &finish;
    thread::scope(|scope| {
        let mut last: Option<ScopedJoinHandle<'_, Result<(), E>>> = None;
        loop {
            let made = make();
            let finished = last.take().map_or(Ok(()), |last| match last.join() {
                Ok(finished) => finished,
                Err(panic) => panic::resume_unwind(panic),
            });
            let made = match (finished, made) {
                (Ok(()), Ok(Some(made))) => made,
                (finished, made) => return finished.and(made.map(|_| ())),
            };
            // The closure is gone where no thread is given, so what it has is kept beside it.
            let slot = Arc::new(Mutex::new(Some(made)));
            let own = Arc::clone(&slot);
            let take = move |slot: &Mutex<Option<T>>| {
                slot.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(Ok(()), finish)
            };
            match thread::Builder::new()
                .name(name.to_owned())
                .spawn_scoped(scope, move || take(&own))
            {
                Ok(thread) => last = Some(thread),
                Err(_) => take(&slot)?,
            }
        }
    })
}

/// Makes all other turns void where one panics.
struct EndByPanic<'a>(&'a AtomicUsize);

impl Drop for EndByPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.store(0, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Mutex;
    use std::sync::atomic::AtomicBool;
    use std::time::Duration;

    use super::*;

    const THREADS: [usize; 4] = [1, 2, 5, 64];

    fn on<T: Sync, R: Send, E: Send>(
        threads: usize,
        items: &[T],
        each: impl Fn(&T, &LoopTurn<'_>) -> Result<R, E> + Sync,
    ) -> Result<Vec<R>, E> {
        in_order(NonZeroUsize::new(threads).unwrap(), "loop", items, each).unwrap()
    }

    #[test]
    fn results_come_in_the_order_of_the_items() {
        let items: Vec<usize> = (0..1_000).collect();
        for threads in THREADS {
            let found = on::<_, _, ()>(threads, &items, |item, _| Ok(item * 3)).unwrap();
            assert!(found.iter().enumerate().all(|(place, item)| *item == place * 3));
            assert_eq!(found.len(), items.len());
        }
        assert_eq!(on::<u8, u8, ()>(4, &[], |_, _| Ok(0)), Ok(vec![]));
    }

    #[test]
    fn the_first_error_in_order_is_given() {
        let items: Vec<usize> = (0..500).collect();
        for threads in THREADS {
            for _ in 0..20 {
                let odd = |item: &usize, _: &LoopTurn<'_>| match item {
                    100.. if item.is_multiple_of(7) => Err(*item),
                    _ => Ok(()),
                };
                assert_eq!(on(threads, &items, odd), Err(105));
            }
        }
    }

    #[test]
    fn no_more_threads_are_in_it_than_allowed() {
        let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let names = Mutex::new(Vec::new());
        let items = [(); 200];
        let each = |(): &(), _: &LoopTurn<'_>| {
            most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            names.lock().unwrap().push(thread::current().name().map(str::to_owned));
            thread::yield_now();
            inside.fetch_sub(1, Ordering::SeqCst);
            Ok::<_, ()>(())
        };
        on(3, &items, each).unwrap();
        assert!((1..=3).contains(&most.into_inner()));
        assert!(names.into_inner().unwrap().iter().all(|name| name.as_deref() == Some("loop")));
    }

    #[test]
    fn those_behind_an_error_see_it() {
        let begun = AtomicBool::new(false);
        let each = |item: &u8, turn: &LoopTurn<'_>| {
            if *item == 0 {
                while !begun.load(Ordering::SeqCst) {
                    thread::yield_now();
                }
                return Err("the first");
            }
            begun.store(true, Ordering::SeqCst);
            while !turn.is_void() {
                thread::yield_now();
            }
            Err("the second")
        };
        assert_eq!(on(2, &[0, 1], each).map(|_: Vec<()>| ()), Err("the first"));
    }

    #[test]
    fn a_panic_ends_the_loop_and_is_handed_on() {
        for threads in THREADS {
            let done = AtomicUsize::new(0);
            let items: Vec<usize> = (0..100_000).collect();
            let each = |item: &usize, _: &LoopTurn<'_>| {
                assert!(*item != 3, "as told");
                // A panic takes its time, and others must not be done with all by then.
                if *item > 1_000 {
                    thread::sleep(Duration::from_millis(1));
                }
                done.fetch_add(1, Ordering::Relaxed);
                Ok::<_, ()>(())
            };
            let run = catch_unwind(AssertUnwindSafe(|| on(threads, &items, each)));
            assert_eq!(run.unwrap_err().downcast_ref::<&str>(), Some(&"as told"));
            assert!(done.into_inner() < items.len() - 1, "{threads}");
        }
    }

    #[test]
    fn each_is_finished_while_the_next_is_made() {
        let (made, finished) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        let make = || {
            let number = made.fetch_add(1, Ordering::Relaxed);
            Ok::<_, usize>((number < 5).then_some(number))
        };
        let finish = |number| {
            finished.lock().unwrap().push(number);
            Ok(())
        };
        one_behind("finish", make, finish).unwrap();
        assert_eq!(*finished.lock().unwrap(), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn the_first_that_fails_ends_it() {
        for (makes, fails) in [(3, usize::MAX), (usize::MAX, 3)] {
            let (made, finished) = (AtomicUsize::new(0), AtomicUsize::new(0));
            let make = || match made.fetch_add(1, Ordering::Relaxed) {
                number if number == makes => Err(("make", number)),
                number => Ok(Some(number)),
            };
            let finish = |number| {
                if number == fails {
                    return Err(("finish", number));
                }
                finished.fetch_add(1, Ordering::Relaxed);
                Ok(())
            };
            let (what, number) = one_behind("finish", make, finish).unwrap_err();
            assert_eq!((what, number), (if makes == 3 { "make" } else { "finish" }, 3));
            assert_eq!(finished.load(Ordering::Relaxed), 3);
            assert!(made.load(Ordering::Relaxed) <= 5, "nothing more is made");
        }
    }

    #[test]
    fn a_panic_while_finishing_is_not_lost() {
        let run = || one_behind("finish", || Ok::<_, ()>(Some(())), |()| panic!("finish"));
        assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
    }
}
