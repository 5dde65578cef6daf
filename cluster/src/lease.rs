//! Leadership as a value: who may try for the lease, when it is renewed, and until when its holder may write.
//! The compare-and-swap itself is the registry's; times come in as milliseconds of one monotonic clock.

use crate::ids::{Epoch, Guard, MachineId};
use crate::records::Lease;
use crate::snapshot::Kept;

/// The lengths that leadership is measured with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Time to live of the lease key.
    pub ttl_ms: u64,
    /// Longest time a request to the store may take.
    pub request_timeout_ms: u64,
}

/// What a write needs beyond the request time-out before the lease may be anybody's (registry rule 6).
const MARGIN_MS: u64 = 1000;

impl Terms {
    /// How long after the last renewal was sent the leader may still begin a write.
    #[must_use]
    pub const fn writing_ms(&self) -> u64 {
        self.ttl_ms.saturating_sub(self.request_timeout_ms + MARGIN_MS)
    }

    /// How long after the last renewal was sent the next one is due: a third of the TTL, and early enough that
    /// the time for writing does not run out in between.
    #[must_use]
    pub fn renewal_ms(&self) -> u64 {
        (self.ttl_ms / 3).min(self.writing_ms() / 2).max(200)
    }
}

/// A lease held by this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leadership {
    /// createdIndex of the lease key.
    pub epoch: Epoch,
    /// Guard of the next renewal.
    pub guard: Guard,
    /// When the last successful renewal, or the acquisition, was sent.
    pub sent_ms: u64,
}

impl Leadership {
    /// True while a guarded write may be begun.
    #[must_use]
    pub fn may_write(&self, now_ms: u64, terms: &Terms) -> bool {
        now_ms < self.sent_ms.saturating_add(terms.writing_ms())
    }

    /// When the next renewal is due.
    #[must_use]
    pub fn renewal_due_ms(&self, terms: &Terms) -> u64 {
        self.sent_ms.saturating_add(terms.renewal_ms())
    }
}

/// What to do about the lease now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nobody holds it: create it.
    Acquire,
    /// It is ours: renew it under this guard.
    Renew(Guard),
    /// It is ours and fresh: nothing until then.
    Lead {
        /// When to look again.
        until_ms: u64,
    },
    /// Another machine leads; its expiry will wake us.
    Follow,
    /// We thought it ours, and it is not: stop leading.
    Resign,
}

/// Decides on the lease from what is held and what was read: `seen` is the lease key of the newest read,
/// `None` if there was none.
#[must_use]
pub fn step(
    held: Option<&Leadership>,
    seen: Option<&Kept<Lease>>,
    me: &MachineId,
    now_ms: u64,
    terms: &Terms,
) -> Step {
    match (held, seen) {
        (Some(held), Some(seen)) if seen.value.machine == *me && seen.created == held.epoch.get() => {
            if now_ms >= held.renewal_due_ms(terms) {
                Step::Renew(held.guard)
            } else {
                Step::Lead { until_ms: held.renewal_due_ms(terms) }
            }
        }
        (Some(_), _) => Step::Resign,
        (None, None) => Step::Acquire,
        // A lease of our own that we do not remember: this agent was restarted while it led.
        (None, Some(seen)) if seen.value.machine == *me => Step::Renew(seen.guard),
        (None, Some(_)) => Step::Follow,
    }
}
