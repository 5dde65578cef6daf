//! Trying again: how long a unit that failed waits, and when its failure is forgotten. One unit's trouble is its
//! own (design rule 2). And how the machines of a fleet stay out of each other's way when a store that was slow for all
//! of them is read anew. Times are milliseconds of one monotonic clock.

use alloc::string::String;

use crate::ids::{Hash, Incarnation};
use crate::limits::ERROR_TEXT_MAX_BYTES;
use crate::state::TargetState;

/// First wait after a failure.
const FIRST_MS: u64 = 1_000;
/// Longest wait.
const LONGEST_MS: u64 = 60_000;

/// The wait after the `failures`-th failure in a row: 1 s, 2 s, 4 s … 60 s.
#[must_use]
pub fn delay_ms(failures: u32) -> u64 {
    let doublings = failures.saturating_sub(1).min(16);
    (FIRST_MS << doublings).min(LONGEST_MS)
}

/// Longest wait before the registry is read again.
const READ_LONGEST_MS: u64 = 8_000;
/// What part of an outage machines take to come back one after another.
const OUTAGE_PARTS: u64 = 16;

/// The wait before the registry is read, or watched, after the `failures`-th time in a row that it could not be: at most
/// 1 s, 2 s, 4 s, 8 s. At least half of it is waited, and of the other half the machine's own `share` (of 2^32), so that a
/// thousand machines that failed at once do not ask again at once. Beats are none of it: they are sent every second,
/// whatever comes of them (registry rule 2).
#[must_use]
pub fn read_again_ms(failures: u32, share: u32) -> u64 {
    let whole = (FIRST_MS << failures.saturating_sub(1).min(16)).min(READ_LONGEST_MS);
    whole / 2 + part(whole / 2, share)
}

/// How long a machine whose record outlived an outage of that length waits before it reads: nobody can have given its
/// units away meanwhile. A machine whose record has ended must not wait.
#[must_use]
pub fn return_ms(outage_ms: u64, share: u32) -> u64 {
    part((outage_ms / OUTAGE_PARTS).min(READ_LONGEST_MS), share)
}

fn part(of_ms: u64, share: u32) -> u64 {
    of_ms.saturating_mul(u64::from(share)) >> 32
}

/// What was wanted of a unit when it failed; once something else is wanted, the slate is clean.
pub type Aim = (Incarnation, Hash, Option<TargetState>);

/// A unit's failure on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What was wanted.
    pub aim: Aim,
    /// Failures in a row.
    pub failures: u32,
    /// When to try again.
    pub retry_at_ms: u64,
    /// What went wrong last, bounded.
    pub error: String,
}

impl Trouble {
    /// The trouble after one more failure at `aim`.
    #[must_use]
    pub fn after(previous: Option<&Self>, aim: Aim, error: &str, now_ms: u64) -> Self {
        let before = previous.filter(|trouble| trouble.aim == aim).map_or(0, |trouble| trouble.failures);
        let failures = before.saturating_add(1);
        Self { aim, failures, retry_at_ms: now_ms.saturating_add(delay_ms(failures)), error: bounded(error) }
    }
}

/// Cuts an error text to what a state row may carry, with a mark where it was cut.
#[must_use]
pub fn bounded(error: &str) -> String {
    if error.len() <= ERROR_TEXT_MAX_BYTES {
        return error.into();
    }
    let mut end = ERROR_TEXT_MAX_BYTES - "…".len();
    while !error.is_char_boundary(end) {
        end -= 1;
    }
    let mut text = String::from(error.get(..end).unwrap_or_default());
    text.push('…');
    text
}
