//! Waiting for a condition with a deadline, and the harness's only clock. No test sleeps for a fixed time: it says what
//! it waits for, and when that never comes the failure shows the last thing seen.

// The one file of the harness that may read a clock and pause: both only to bound or space out observations.
#![allow(clippy::disallowed_methods)]

use std::fmt::Display;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::time::{ClockId, clock_gettime};

use crate::failure::{Failure, Outcome};

/// Between two looks. Short beside every promise that is measured (hundreds of ms), long beside what a look costs.
const BETWEEN_LOOKS: Duration = Duration::from_millis(40);

/// Calls `look` until it gives `Ok`, for at most `deadline`. `Err` is what was seen instead; the last one is part of
/// the failure. At least one look is made, and one more after the deadline has passed.
///
/// # Errors
/// When the deadline passed without an `Ok`.
pub fn wait_until<T, S: Display>(
    what: impl Display,
    deadline: Duration,
    mut look: impl FnMut() -> Result<T, S>,
) -> Outcome<T> {
    let began = Instant::now();
    loop {
        let late = began.elapsed() >= deadline;
        match look() {
            Ok(found) => return Ok(found),
            Err(seen) if late => {
                return Err(Failure::new(format!(
                    "waited {:.1} s for {what}; last seen: {seen}",
                    began.elapsed().as_secs_f64()
                )));
            }
            Err(_) => std::thread::sleep(BETWEEN_LOOKS),
        }
    }
}

/// Looks again and again for the whole of `period` and fails at the first `Err`: for "this never happens meanwhile".
///
/// # Errors
/// What `look` saw that should not have been.
pub fn holds_for<S: Display>(
    what: impl Display,
    period: Duration,
    mut look: impl FnMut() -> Result<(), S>,
) -> Outcome {
    let began = Instant::now();
    while began.elapsed() < period {
        look().map_err(|seen| {
            Failure::new(format!("{what} held for {:.1} s only: {seen}", began.elapsed().as_secs_f64()))
        })?;
        std::thread::sleep(BETWEEN_LOOKS);
    }
    Ok(())
}

/// The pause of a watcher that looks as often as is useful: systemd itself takes tens of milliseconds for a step.
pub(crate) fn pause_between_glances() {
    std::thread::sleep(Duration::from_millis(4));
}

/// The pause of a tracer whose threads are all under way.
pub(crate) fn pause_between_steps() {
    std::thread::sleep(Duration::from_micros(50));
}

/// Holds a packet back for `delay`: for a forwarder that plays a slow network, where waiting is the work.
pub(crate) fn hold_back(delay: Duration) {
    std::thread::sleep(delay);
}

/// Seconds since 1970, to ask journals for what came later.
#[must_use]
pub fn epoch_secs() -> u64 {
    since_epoch().as_secs()
}

/// The time since 1970, which every machine of a test shares, to compare what they noted.
#[must_use]
pub fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// The time since the host booted, by the clock of systemd's timestamps.
#[must_use]
pub fn monotonic() -> Duration {
    clock_gettime(ClockId::CLOCK_MONOTONIC).map(Duration::from).unwrap_or_default()
}

/// A running stopwatch.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts one.
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since it was started.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_thing_seen_is_in_the_failure() {
        let mut looks = 0;
        let failure = wait_until("a miracle", Duration::from_millis(1), || -> Result<(), String> {
            looks += 1;
            Err(format!("look {looks}"))
        });
        let text = failure.unwrap_err().to_string();
        assert!(text.contains("a miracle") && text.contains(&format!("look {looks}")), "{text}");
    }

    #[test]
    fn a_condition_that_already_holds_costs_no_time() {
        let watch = Stopwatch::start();
        assert_eq!(wait_until("it", Duration::ZERO, || Ok::<_, String>(7)), Ok(7));
        assert!(watch.elapsed() < BETWEEN_LOOKS);
    }
}
