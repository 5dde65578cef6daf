//! Hands scenarios out to a few test worlds, each in a process of its own, and shows how each ended: a line, and for one
//! that failed all that is known.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use tests::failure::{Failure, Outcome};
use tests::queue::Queue;
use tests::store_program::StoreKind;

use crate::Scenario;
use crate::plan::Job;
use crate::worker::{Supplies, Verdict, Worker};

/// What became of the scenarios so far.
#[derive(Debug, Default)]
pub(crate) struct Score {
    /// How many passed, by store.
    pub passed: BTreeMap<StoreKind, usize>,
    /// Those that did not.
    pub failed: Vec<(StoreKind, &'static str)>,
}

/// Runs them in at most so many worlds at once, which are gone at the end.
pub(crate) fn run(jobs: Vec<Job>, worlds: usize, supplies: &Supplies, score: &mut Score) -> Outcome {
    let worlds = worlds.min(jobs.len());
    let (queue, board) = (Mutex::new(Queue::new(jobs)), Mutex::new(std::mem::take(score)));
    let outcomes: Vec<Outcome> = thread::scope(|scope| {
        let threads: Vec<_> =
            (0..worlds).map(|_| scope.spawn(|| take_turns(&queue, supplies, &board))).collect();
        let panicked = |_| Err(Failure::new("a thread for a test world panicked"));
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(panicked)).collect()
    });
    *score = board.into_inner().unwrap_or_else(PoisonError::into_inner);
    // As long as any world is left, the queue empties; a world that could not be built is told all the same.
    outcomes.into_iter().collect()
}

fn take_turns(queue: &Mutex<Queue<&'static Scenario>>, supplies: &Supplies, board: &Mutex<Score>) -> Outcome {
    let mut worker: Option<Worker> = None;
    loop {
        let job = lock(queue).take(worker.as_ref().map(|worker| worker.store));
        let Some((store, scenario)) = job else { return Ok(()) };
        let mut fit = match worker.take().filter(|worker| worker.store == store) {
            Some(fit) => fit,
            None => Worker::start(store, supplies)
                .inspect_err(|_| lock(board).failed.push((store, scenario.name)))?,
        };
        match fit.run(scenario) {
            Ok(verdict) => {
                show(&mut lock(board), store, scenario, &verdict);
                worker = Some(fit);
            }
            // Its process is gone; the next one gets another.
            Err(failure) => {
                let verdict = Verdict { passed: false, seconds: 0.0, report: failure.to_string() };
                show(&mut lock(board), store, scenario, &verdict);
            }
        }
    }
}

/// The board is locked meanwhile: what belongs together is shown together.
fn show(board: &mut Score, store: StoreKind, scenario: &'static Scenario, verdict: &Verdict) {
    let word = if verdict.passed { "ok" } else { "FAILED" };
    println!("{store:5} {word:6} {:6.1} s  {}", verdict.seconds, scenario.name);
    if verdict.passed {
        *board.passed.entry(store).or_default() += 1;
    } else {
        println!("{}", verdict.report);
        board.failed.push((store, scenario.name));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
