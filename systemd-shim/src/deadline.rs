//! How long a call may still take. The clock goes on while the machine sleeps: a systemctl that was started
//! before a suspend is late after it.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// A moment of CLOCK_BOOTTIME that ends a wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Duration);

impl Deadline {
    /// `wait` from now.
    pub(crate) fn after(wait: Duration) -> Self {
        Self(now().saturating_add(wait))
    }

    /// What is left; zero once it has passed.
    pub(crate) fn left(self) -> Duration {
        self.0.saturating_sub(now())
    }
}

/// Reading this clock cannot fail on a kernel that has it (2.6.39); zero there would only end waits late.
fn now() -> Duration {
    clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(Duration::ZERO, Duration::from)
}
