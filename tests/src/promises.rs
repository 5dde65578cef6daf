//! The times the scenarios run with, and how long each promise of SPECIFICATION.md may take before a scenario fails:
//! three times what is promised, since other work goes on beside a test. The benchmark measures them at one.

use std::time::Duration;

/// `agent_ttl` in the tests.
pub const AGENT_TTL: Duration = Duration::from_secs(6);

/// `engine_reconcile_interval` in the tests.
pub const RECONCILE_INTERVAL: Duration = Duration::from_millis(600);

/// What follows from it: five times the interval, at least 3 s.
pub const LEASE_TTL: Duration = Duration::from_secs(3);

/// `WatchdogSec` in the tests, under a third of [`AGENT_TTL`].
pub const WATCHDOG: Duration = Duration::from_millis(1900);

const GATE: u32 = 3;

/// A start, from the command to active: its promise counts etcd's writes and systemd's work, both far below this.
pub const START: Duration = Duration::from_secs(10);

/// Anything the fleet does at once when told: a stop, a row in a list, a changed setting.
pub const SOON: Duration = Duration::from_secs(15);

/// A machine is lost to its units being active elsewhere: max(agent_ttl, lease TTL) + 1 s, and the unit's start.
#[must_use]
pub fn hard_loss() -> Duration {
    GATE * (AGENT_TTL.max(LEASE_TTL) + Duration::from_secs(1))
}

/// A machine leaves cleanly to each of its units being active elsewhere: 1 s after its stop has ended.
#[must_use]
pub fn clean_departure() -> Duration {
    GATE * Duration::from_secs(1)
}

/// The leader is killed to the next decision: lease TTL + 1 s.
#[must_use]
pub fn leader_change() -> Duration {
    GATE * (LEASE_TTL + Duration::from_secs(1))
}

/// Time enough for anything wrong to show: longer than a lost machine's record and the pass after it.
#[must_use]
pub fn settled() -> Duration {
    AGENT_TTL + LEASE_TTL
}
