//! Waiting in tests: for a condition, with a deadline, and with the last thing seen in the failure.

// The one place in these tests that reads a clock and pauses, both only to bound and space out observations.
#![allow(clippy::disallowed_methods)]

use std::fmt::Display;
use std::time::{Duration, Instant};

/// Between two looks.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// Looks until there is a result.
pub(crate) fn wait_until<T, S: Display>(
    what: &str,
    deadline: Duration,
    mut look: impl FnMut() -> Result<T, S>,
) -> T {
    let start = Instant::now();
    loop {
        match look() {
            Ok(found) => return found,
            Err(seen) if start.elapsed() > deadline => {
                panic!("no {what} within {deadline:?}; last seen: {seen}")
            }
            Err(_) => std::thread::sleep(BETWEEN_LOOKS),
        }
    }
}

/// How long something took.
pub(crate) fn timed<T>(act: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = act();
    (result, start.elapsed())
}
