//! The agent's only clock: CLOCK_BOOTTIME in milliseconds, which goes on while a machine sleeps and never jumps.
//! Every time in the agent and every `now_ms` passed to `cluster` comes from here. The calendar clock is for what others
//! are shown; nothing decides on it.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// Milliseconds since the machine booted, sleep included.
#[must_use]
pub fn now_ms() -> u64 {
    now_us() / 1000
}

/// The same in microseconds, to measure with.
#[must_use]
pub fn now_us() -> u64 {
    #[cfg(feature = "simulation")]
    if let Some(simulator) = crate::simulation::here() {
        return simulator.now_us();
    }
    let Ok(now) = clock_gettime(ClockId::CLOCK_BOOTTIME) else { return 0 };
    let seconds = u64::try_from(now.tv_sec()).unwrap_or(0);
    let nanos = u64::try_from(now.tv_nsec()).unwrap_or(0);
    seconds * 1_000_000 + nanos / 1000
}

/// The calendar clock in seconds since 1970; 0 if it cannot be read or stands before that.
#[must_use]
pub fn unix_seconds() -> u64 {
    let seconds = clock_gettime(ClockId::CLOCK_REALTIME).map_or(0, |time| time.tv_sec());
    u64::try_from(seconds).unwrap_or(0)
}

/// Ends at `at_ms`. Timers count on a clock that stands still while the machine sleeps, so a wait may last longer by
/// the sleep; whoever waits looks at [`now_ms`] again.
pub async fn until(at_ms: u64) {
    #[cfg(feature = "simulation")]
    if let Some(simulator) = crate::simulation::here() {
        return simulator.until(at_ms).await;
    }
    let left_ms = at_ms.saturating_sub(now_ms());
    smol::Timer::after(Duration::from_millis(left_ms)).await;
}

/// Whole milliseconds of a duration, the largest number for one that does not fit.
#[must_use]
pub fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
