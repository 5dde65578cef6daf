//! Trying again: how long a unit that failed waits, and when its failure is forgotten. One unit's trouble is its
//! own (design rule 2). Times are milliseconds of one monotonic clock.

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
