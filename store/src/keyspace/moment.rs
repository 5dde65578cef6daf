//! Moments as the keyspace knows them. Where they come from is the caller's business.

/// Nanoseconds since 1970, as etcd counts them. TTLs that leave this range wrap around, as etcd's do.
pub type Moment = i64;

pub(super) const SECOND: i64 = 1_000_000_000;

/// No key that is created ends before 2000: clients in whose arithmetic a moment got lost mean "never".
const EARLIEST_END: Moment = 946_684_800 * SECOND;

/// When a key with a TTL of that many seconds ends; 0 is no end at all.
#[must_use]
pub fn end_of(now: Moment, ttl_secs: u64) -> Option<Moment> {
    let end = now.wrapping_add(ttl_secs.cast_signed().wrapping_mul(SECOND));
    (end != 0).then_some(end)
}

/// The end a new key gets.
pub(super) fn plausible(expiry: Option<Moment>) -> Option<Moment> {
    expiry.filter(|&end| end >= EARLIEST_END)
}

/// Whole seconds left, a begun one counted; negative for an end that is long past.
pub(super) fn seconds_left(expiry: Moment, now: Moment) -> i64 {
    let left = expiry.saturating_sub(now);
    left / SECOND + i64::from(left % SECOND > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn begun_seconds_count() {
        assert_eq!([0, 1, SECOND, SECOND + 1].map(|end| seconds_left(end, 0)), [0, 1, 1, 2]);
        assert_eq!(seconds_left(-5 * SECOND / 2, 0), -2);
    }

    #[test]
    fn ends_before_2000_are_none_for_new_keys() {
        assert_eq!(plausible(Some(-1)), None);
        let now = 2 * EARLIEST_END;
        assert_eq!(plausible(end_of(now, 5)), Some(now + 5 * SECOND));
        assert_eq!(plausible(end_of(now, u64::MAX)), Some(now - SECOND), "it wraps, as etcd's does");
    }
}
