//! The place a simulator takes (`tests/sim`): time, threads, chance and the log of whatever runs on this thread come from
//! it once it is there. Only with the feature `simulation`; what is shipped knows nothing of it.

use std::cell::RefCell;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use async_task::Runnable;

use crate::log::Level;

/// What a simulated machine gives the agent in place of the kernel.
pub trait Surroundings {
    /// CLOCK_BOOTTIME in microseconds.
    fn now_us(&self) -> u64;
    /// Ends at that time of the same clock, in milliseconds.
    fn until(&self, at_ms: u64) -> Pin<Box<dyn Future<Output = ()>>>;
    /// Takes work for the pool of blocking calls; `first` before everything that waits.
    fn work(&self, work: Runnable, first: bool);
    /// Starts a thread.
    fn thread(&self, name: &str, work: Box<dyn FnOnce() + Send>);
    /// Lets others run until something that threads wait for has changed, or at most for that long.
    fn park(&self, at_most: Option<Duration>);
    /// Says that something threads wait for has changed.
    fn rouse(&self);
    /// 32 hexadecimal digits nobody else gets.
    fn random_id(&self) -> String;
    /// Takes a line of the log.
    fn log(&self, level: Level, line: &str);
    /// Passed before each write to the disk, where a cut hurts most.
    fn step(&self, what: &str, path: &Path);
}

thread_local! {
    static HERE: RefCell<Option<Rc<dyn Surroundings>>> = const { RefCell::new(None) };
}

/// Whatever runs on this thread is simulated from now on.
pub fn enter(surroundings: Rc<dyn Surroundings>) {
    HERE.set(Some(surroundings));
}

/// The simulator of this thread, if it has one.
#[must_use]
pub fn here() -> Option<Rc<dyn Surroundings>> {
    HERE.with_borrow(Clone::clone)
}

/// Says that something is about to be written to the disk.
pub(crate) fn step(what: &str, path: &Path) {
    if let Some(simulator) = here() {
        simulator.step(what, path);
    }
}
