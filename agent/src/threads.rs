//! Threads of their own, for calls that wait for minutes, and values that such threads wait for. The pool has those that
//! wait for seconds.

use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use systemd_shim::stack;

use crate::clock;

/// Starts a thread.
///
/// # Errors
/// The kernel gives none.
pub fn start(name: &str, stack_bytes: usize, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    #[cfg(feature = "simulation")]
    if let Some(simulator) = crate::simulation::here() {
        simulator.thread(name, Box::new(work));
        return Ok(());
    }
    let thread = thread::Builder::new().name(name.to_owned()).stack_size(stack_bytes);
    let begin = move || {
        stack::begins(stack_bytes);
        work();
    };
    thread.spawn(begin).map(drop)
}

/// A value that threads wait for.
#[derive(Debug, Default)]
pub struct Awaited<T> {
    value: Mutex<T>,
    changed: Condvar,
}

impl<T> Awaited<T> {
    /// Changes the value and wakes whoever waits for it.
    pub fn change(&self, change: impl FnOnce(&mut T)) {
        change(&mut self.lock());
        self.changed.notify_all();
        #[cfg(feature = "simulation")]
        if let Some(simulator) = crate::simulation::here() {
            simulator.rouse();
        }
    }

    /// Waits until `look` finds something in the value. Never on the loops' own thread.
    pub fn wait<R>(&self, mut look: impl FnMut(&mut T) -> Option<R>) -> R {
        let mut value = self.lock();
        loop {
            if let Some(found) = look(&mut value) {
                return found;
            }
            value = self.rest(value, None);
        }
    }

    /// The same for at most that long; `None` if there was nothing until then.
    pub fn wait_for<R>(&self, at_most: Duration, mut look: impl FnMut(&mut T) -> Option<R>) -> Option<R> {
        let end_ms = clock::now_ms().saturating_add(clock::ms(at_most));
        let mut value = self.lock();
        loop {
            let found = look(&mut value);
            let left_ms = end_ms.saturating_sub(clock::now_ms());
            if found.is_some() || left_ms == 0 {
                return found;
            }
            value = self.rest(value, Some(Duration::from_millis(left_ms)));
        }
    }

    fn lock(&self) -> MutexGuard<'_, T> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the value away until it has changed.
    fn rest<'a>(&'a self, value: MutexGuard<'a, T>, at_most: Option<Duration>) -> MutexGuard<'a, T> {
        #[cfg(feature = "simulation")]
        if let Some(simulator) = crate::simulation::here() {
            drop(value);
            simulator.park(at_most);
            return self.lock();
        }
        match at_most {
            None => self.changed.wait(value).unwrap_or_else(PoisonError::into_inner),
            Some(time) => self.changed.wait_timeout(value, time).unwrap_or_else(PoisonError::into_inner).0,
        }
    }
}
