//! The store's time: it begins at the calendar's when the store is opened and then goes on with CLOCK_BOOTTIME, so that
//! no stepped clock ends a key early or keeps it for years. It never goes back, across restarts either.

use nix::time::{ClockId, clock_gettime};

use crate::keyspace::Moment;

const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// The two clocks it is made of, in nanoseconds. Tests have others.
pub trait Clocks: Send + Sync {
    /// The calendar's time since 1970.
    fn calendar(&self) -> Moment;
    /// The time since the machine was started, sleep included.
    fn boot(&self) -> Moment;
}

/// The machine's clocks.
#[derive(Clone, Copy, Debug)]
pub struct RealClocks;

impl Clocks for RealClocks {
    fn calendar(&self) -> Moment {
        read(ClockId::CLOCK_REALTIME)
    }

    fn boot(&self) -> Moment {
        read(ClockId::CLOCK_BOOTTIME)
    }
}

fn read(clock: ClockId) -> Moment {
    clock_gettime(clock).map_or(0, |time| time.tv_sec().saturating_mul(NANOS_PER_SECOND) + time.tv_nsec())
}

/// The store's time.
pub(crate) struct Times {
    clocks: Box<dyn Clocks>,
    ahead: Moment,
}

impl Times {
    /// Begins now, but not before `latest`: a machine without a battery for its clock starts somewhere in the past.
    pub(crate) fn begin(clocks: Box<dyn Clocks>, latest: Moment) -> Self {
        let ahead = clocks.calendar().max(latest).saturating_sub(clocks.boot());
        Self { clocks, ahead }
    }

    pub(crate) fn now(&self) -> Moment {
        self.clocks.boot().saturating_add(self.ahead)
    }
}
