//! A long poll on a thread of its own, which wakes a loop. It starts from the index of a read, skips what later
//! reads have covered, and after anything but a plain change waits for the next read before it polls again. What
//! changed is told to a filter only, never to a plan.

use std::sync::Arc;
use std::time::Duration;

use cluster::backoff::read_again_ms;
use registry::store::{Store, StoreErrorKind, Wake};

use crate::metrics::NUMBERS;
use crate::threads::{self, Awaited};

/// Stack of a watching thread: a request with TLS needs about a third of it.
const STACK_BYTES: usize = 256 * 1024;
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
    permit: Arc<Awaited<Permit>>,
}

impl Watch {
    /// Starts the thread. It polls nothing until [`Self::resume`]. `wake` is called for each change with the key
    /// that changed, and with `None` where only a read can tell. After polls that failed in a row it pauses first, each
    /// machine for its own `share` of the time.
    ///
    /// # Errors
    /// The kernel gives no thread.
    pub fn start(
        name: &str,
        store: Arc<dyn Store>,
        key: String,
        share: u32,
        wake: impl Fn(Option<&str>) + Send + 'static,
    ) -> std::io::Result<Self> {
        let permit = Arc::new(Awaited::default());
        let theirs = Arc::clone(&permit);
        threads::start(name, STACK_BYTES, move || follow(&*store, &key, (&theirs, share), &wake))?;
        Ok(Self { permit })
    }

    /// Says that a read showed everything up to `index`: the watch goes on from there, also where an earlier read was
    /// further (another member, a store that went back).
    pub fn resume(&self, index: u64) {
        self.permit.change(|permit| {
            permit.after = index;
            permit.reads += 1;
        });
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.permit.change(|permit| permit.ended = true);
    }
}

fn follow(
    store: &dyn Store,
    key: &str,
    (permit, share): (&Awaited<Permit>, u32),
    wake: &impl Fn(Option<&str>),
) {
    let (mut seen_reads, mut at, mut failures) = (0, None, 0_u32);
    while let Some(after) = next_index(permit, &mut seen_reads, at) {
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
                // A watch that is broken beside reads that work must not spin.
                if failures > 1 && pause(permit, read_again_ms(failures - 1, share)) {
                    return;
                }
                wake(None);
            }
        }
    }
}

/// The index to watch from: that of the newest read, if there was one since the last poll, or the last event's. Without
/// either, a read is waited for. An event that the read did not show yet is told again, which costs one more look.
fn next_index(permit: &Awaited<Permit>, seen_reads: &mut u64, at: Option<u64>) -> Option<u64> {
    permit.wait(|permit| {
        let newer = permit.reads != *seen_reads;
        *seen_reads = permit.reads;
        let index = if newer { Some(permit.after) } else { at };
        if permit.ended { Some(None) } else { index.map(Some) }
    })
}

/// Waits out the pause; true if the watch was ended meanwhile.
fn pause(permit: &Awaited<Permit>, pause_ms: u64) -> bool {
    permit.wait_for(Duration::from_millis(pause_ms), |permit| permit.ended.then_some(())).is_some()
}
