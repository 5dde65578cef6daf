//! A few threads for calls that block: requests to the store, `systemctl`, files. smol's own pool wakes every idle
//! thread twice a second for ever; here one idle thread stays and sleeps until it is needed, and the others end. Work
//! is begun in the order in which it came; how long it may take is for the work itself to bound.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_task::Runnable;
use smol::Task;
use systemd_shim::stack;

use crate::threads;

/// Threads at most: a few requests to the store side by side and one `systemctl`.
pub const THREADS_MAX: usize = 6;
/// A second idle thread ends after this time.
const IDLE: Duration = Duration::from_secs(2);
/// Stack of a thread: a request with TLS needs about a third of it.
const STACK_BYTES: usize = 512 * 1024;

static QUEUE: Mutex<Queue> = Mutex::new(Queue { waiting: VecDeque::new(), threads: 0, idle: 0 });
static WORK: Condvar = Condvar::new();

struct Queue {
    waiting: VecDeque<Runnable>,
    threads: usize,
    idle: usize,
}

/// Begins `work` on a thread of the pool at once; the task is its end. Dropping the task does not stop work that has
/// begun.
pub fn unblock<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Task<T> {
    let (runnable, task) = async_task::spawn(async move { work() }, schedule);
    runnable.schedule();
    task
}

/// As [`unblock`], but before everything that waits, and on one thread more if all are busy: for the few requests that
/// keep this machine alive in the registry, which must not stand behind what others ask of it.
pub fn unblock_first<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Task<T> {
    let (runnable, task) = async_task::spawn(async move { work() }, schedule_first);
    runnable.schedule();
    task
}

fn queue() -> MutexGuard<'static, Queue> {
    QUEUE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn schedule(runnable: Runnable) {
    #[cfg(feature = "simulation")]
    if let Some(simulator) = crate::simulation::here() {
        return simulator.work(runnable, false);
    }
    let mut queue = queue();
    queue.waiting.push_back(runnable);
    if queue.waiting.len() <= queue.idle || queue.threads == THREADS_MAX {
        WORK.notify_one();
        return;
    }
    start_thread(queue);
}

fn schedule_first(runnable: Runnable) {
    #[cfg(feature = "simulation")]
    if let Some(simulator) = crate::simulation::here() {
        return simulator.work(runnable, true);
    }
    let mut queue = queue();
    queue.waiting.push_front(runnable);
    if queue.waiting.len() <= queue.idle {
        WORK.notify_one();
        return;
    }
    start_thread(queue);
}

fn start_thread(mut queue: MutexGuard<'static, Queue>) {
    queue.threads += 1;
    drop(queue);
    if let Err(error) = threads::start("pool", STACK_BYTES, serve) {
        end_without_thread(&error);
    }
}

/// The kernel gave no thread. Those there are take the work; where there are none it is done here, on the loops' own
/// thread: late is better than never.
fn end_without_thread(error: &std::io::Error) {
    crate::warn!("start a thread for blocking calls: {error}");
    let mut queue = queue();
    queue.threads -= 1;
    if queue.threads == 0 {
        while let Some(runnable) = queue.waiting.pop_front() {
            drop(queue);
            runnable.run();
            queue = self::queue();
        }
    }
}

/// Takes work until there has been none for a while and another thread waits for it, or until there are more threads
/// than there should be: the one more is for what comes first, and not for the rest.
fn serve() {
    let mut queue = queue();
    loop {
        while let Some(runnable) = queue.waiting.pop_front() {
            drop(queue);
            runnable.run();
            queue = self::queue();
            if queue.threads > THREADS_MAX {
                queue.threads -= 1;
                return;
            }
        }
        queue.idle += 1;
        let timed_out;
        (queue, timed_out) = rest(queue);
        queue.idle -= 1;
        if timed_out && queue.waiting.is_empty() {
            queue.threads -= 1;
            return;
        }
    }
}

/// Sleeps until there may be work; true if this thread is one too many and has waited long enough.
fn rest(queue: MutexGuard<'static, Queue>) -> (MutexGuard<'static, Queue>, bool) {
    if queue.idle == 1 {
        stack::give_back();
        return (WORK.wait(queue).unwrap_or_else(PoisonError::into_inner), false);
    }
    let (queue, waited) = WORK.wait_timeout(queue, IDLE).unwrap_or_else(PoisonError::into_inner);
    (queue, waited.timed_out())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// There is one pool: a thread more in one test would count in the other.
    static ALONE: Mutex<()> = Mutex::new(());

    fn alone() -> MutexGuard<'static, ()> {
        ALONE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[test]
    fn work_runs_side_by_side_up_to_the_bound_and_all_of_it_ends() {
        let _alone = alone();
        static RUNNING: AtomicUsize = AtomicUsize::new(0);
        static MOST: AtomicUsize = AtomicUsize::new(0);
        let all_there: &'static Barrier = Box::leak(Box::new(Barrier::new(THREADS_MAX)));
        let tasks: Vec<Task<usize>> = (0..THREADS_MAX * 20)
            .map(|number| {
                unblock(move || {
                    let running = RUNNING.fetch_add(1, Ordering::SeqCst) + 1;
                    MOST.fetch_max(running, Ordering::SeqCst);
                    if number < THREADS_MAX {
                        all_there.wait();
                    }
                    RUNNING.fetch_sub(1, Ordering::SeqCst);
                    number
                })
            })
            .collect();
        let sum = smol::block_on(async {
            let mut sum = 0;
            for task in tasks {
                sum += task.await;
            }
            sum
        });
        assert_eq!(sum, (0..THREADS_MAX * 20).sum());
        assert_eq!(MOST.load(Ordering::SeqCst), THREADS_MAX);
    }

    #[test]
    fn what_comes_first_waits_for_nobody() {
        let _alone = alone();
        let (release, released) = smol::channel::bounded::<()>(1);
        let wait = |released: smol::channel::Receiver<()>| unblock(move || released.recv_blocking().is_err());
        let busy: Vec<Task<bool>> = (0..THREADS_MAX * 2).map(|_| wait(released.clone())).collect();
        smol::block_on(async {
            for number in 0..5 {
                assert_eq!(unblock_first(move || number).await, number);
            }
            drop(release);
            for task in busy {
                assert!(task.await, "released by nothing but the end of the channel");
            }
        });
    }
}
