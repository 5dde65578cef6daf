//! A long poll on a thread of its own, which wakes a loop. It starts from the index of a read, skips what later
//! reads have covered, and after anything but a plain change waits for the next read before it polls again. What
//! changed is told to a filter only, never to a plan.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use registry::store::{Store, StoreErrorKind, Wake};

use crate::metrics::NUMBERS;

/// Stack of a watching thread: a request with TLS needs about a third of it.
const STACK_BYTES: usize = 256 * 1024;
/// Pause after a poll that failed twice in a row, so that a broken watch beside working reads does not spin.
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
struct Permit {
    /// Index of the newest read.
    after: u64,
    /// Counts reads, so that one read resumes a waiting watch once.
    reads: u64,
    ended: bool,
}

/// The handle of one watch; the thread ends when it is dropped and the poll it is in has ended.
#[derive(Debug)]
pub struct Watch {
    shared: Arc<(Mutex<Permit>, Condvar)>,
}

impl Watch {
    /// Starts the thread. It polls nothing until [`Self::resume`]. `wake` is called for each change with the key
    /// that changed, and with `None` where only a read can tell.
    ///
    /// # Errors
    /// The kernel gives no thread.
    pub fn start(
        name: &str,
        store: Arc<dyn Store>,
        key: String,
        wake: impl Fn(Option<&str>) + Send + 'static,
    ) -> std::io::Result<Self> {
        let shared = Arc::new((Mutex::new(Permit::default()), Condvar::new()));
        let theirs = Arc::clone(&shared);
        thread::Builder::new()
            .name(name.to_string())
            .stack_size(STACK_BYTES)
            .spawn(move || follow(&*store, &key, &theirs, &wake))?;
        Ok(Self { shared })
    }

    /// Says that a read showed everything up to `index`: the watch goes on from there, also where an earlier read was
    /// further (another member, a store that went back).
    pub fn resume(&self, index: u64) {
        let mut permit = self.shared.0.lock().unwrap_or_else(PoisonError::into_inner);
        permit.after = index;
        permit.reads += 1;
        self.shared.1.notify_all();
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
        self.shared.1.notify_all();
    }
}

fn follow(store: &dyn Store, key: &str, shared: &(Mutex<Permit>, Condvar), wake: &impl Fn(Option<&str>)) {
    let (mut seen_reads, mut at, mut failures) = (0, None, 0_u32);
    while let Some(after) = next_index(shared, &mut seen_reads, at) {
        at = None;
        match store.watch(key, after) {
            Ok(Wake::Changed { index, key }) => {
                (at, failures) = (Some(index), 0);
                wake(Some(&key));
            }
            Ok(Wake::Quiet) => {
                failures = 0;
                wake(None);
            }
            Ok(Wake::Overrun) => {
                failures = 0;
                NUMBERS.watch_restarted();
                wake(None);
            }
            Err(error) => {
                let is_interrupted = error.kind == StoreErrorKind::Interrupted;
                failures = if is_interrupted { 0 } else { failures.saturating_add(1) };
                NUMBERS.watch_restarted();
                if failures > 1 && pause(shared) {
                    return;
                }
                wake(None);
            }
        }
    }
}

/// The index to watch from: that of the newest read, if there was one since the last poll, or the last event's. Without
/// either, a read is waited for. An event that the read did not show yet is told again, which costs one more look.
fn next_index(shared: &(Mutex<Permit>, Condvar), seen_reads: &mut u64, at: Option<u64>) -> Option<u64> {
    let mut permit = shared.0.lock().unwrap_or_else(PoisonError::into_inner);
    while at.is_none() && permit.reads == *seen_reads && !permit.ended {
        permit = shared.1.wait(permit).unwrap_or_else(PoisonError::into_inner);
    }
    let newer = permit.reads != *seen_reads;
    *seen_reads = permit.reads;
    (!permit.ended).then(|| at.filter(|_| !newer).unwrap_or(permit.after))
}

/// Waits out the pause; true if the watch was ended meanwhile.
fn pause(shared: &(Mutex<Permit>, Condvar)) -> bool {
    let permit = shared.0.lock().unwrap_or_else(PoisonError::into_inner);
    let waited = shared.1.wait_timeout_while(permit, PAUSE, |permit| !permit.ended);
    waited.unwrap_or_else(PoisonError::into_inner).0.ended
}
