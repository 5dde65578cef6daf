//! Waiting for a condition with a deadline, for this crate's tests. No test sleeps for a fixed time.

// The one file of these tests that may read a clock and pause: both only to bound and space out looks.
#![allow(clippy::disallowed_methods)]

use std::fmt::Debug;
use std::time::{Duration, Instant};

/// Longer than anything a test waits for takes on a loaded machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

/// Calls `look` until it gives `Ok`; past the deadline it fails the test with the last thing seen.
pub(crate) fn wait_for<T, S: Debug>(what: &str, look: impl FnMut() -> Result<T, S>) -> T {
    try_wait_for(what, look).unwrap_or_else(|failure| panic!("{failure}"))
}

/// The same for where a test must not fail, such as its end.
pub(crate) fn try_wait_for<T, S: Debug>(
    what: &str,
    mut look: impl FnMut() -> Result<T, S>,
) -> Result<T, String> {
    let began = Instant::now();
    loop {
        let late = began.elapsed() >= DEADLINE;
        match look() {
            Ok(found) => return Ok(found),
            Err(seen) if late => {
                return Err(format!("waited {DEADLINE:?} for {what}; last seen: {seen:?}"));
            }
            Err(_) => std::thread::sleep(BETWEEN_LOOKS),
        }
    }
}

/// How long `work` takes.
#[allow(dead_code)] // not every test target measures
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let began = Instant::now();
    let result = work();
    (result, began.elapsed())
}
