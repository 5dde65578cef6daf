//! The four times that hang together, and the rules between them (registry rules 2, 6 and 14): how long a machine may
//! be silent, how often the leader plans, how long its lease lasts, how long a request to etcd may take.

use std::time::Duration;

use cluster::limits::{AGENT_TTL_MIN_SECONDS, LEASE_TTL_MIN_SECONDS};

use super::note::Note;

/// The lease lasts this many planning intervals (contract §4.2).
const INTERVALS_PER_LEASE: u32 = 5;
/// Planning interval where nothing sets one.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(2);
/// What the leader leaves between its last request and the end of its lease (registry rule 6).
const LEASE_MARGIN: Duration = Duration::from_secs(1);

/// Times that fit together: lease TTL ≤ agent TTL, and a leader can always end a request before its lease does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// TTL of the machine's presence in whole seconds, at least 3.
    pub agent_ttl_seconds: u32,
    /// How often the leader plans without being woken.
    pub reconcile_interval: Duration,
    /// TTL of the leader's lease in whole seconds, 3 to `agent_ttl_seconds`.
    pub lease_ttl_seconds: u32,
    /// Longest wait for etcd's answer to one request, long polls apart.
    pub request_timeout: Duration,
}

impl Timing {
    /// Fits the times together. `interval` is `None` where nothing sets it: it then follows from `agent_ttl`, so that
    /// a short `agent_ttl` alone is a whole configuration.
    ///
    /// # Errors
    /// The interval that was set gives a lease longer than `agent_ttl`; the text says what would fit.
    pub(super) fn derive(
        agent_ttl: Duration,
        interval: Option<Duration>,
        request_timeout: Duration,
    ) -> Result<(Self, Vec<Note>), String> {
        let mut notes = Vec::new();
        let agent_ttl_seconds = whole_seconds(agent_ttl).max(AGENT_TTL_MIN_SECONDS);
        let longest = Duration::from_secs(agent_ttl_seconds.into()) / INTERVALS_PER_LEASE;
        let reconcile_interval = interval.unwrap_or(DEFAULT_INTERVAL.min(longest));
        if interval.is_none() && reconcile_interval < DEFAULT_INTERVAL {
            notes.push(Note::Adjusted {
                key: "engine_reconcile_interval",
                used: format!("{reconcile_interval:?}"),
                why: format!("a fifth of agent_ttl ({agent_ttl_seconds}s), since only that is set"),
            });
        }
        let lease_ttl_seconds =
            whole_seconds(reconcile_interval * INTERVALS_PER_LEASE).max(LEASE_TTL_MIN_SECONDS);
        if lease_ttl_seconds > agent_ttl_seconds {
            return Err(format!(
                "the leader's lease lasts {INTERVALS_PER_LEASE} intervals ({lease_ttl_seconds}s) and may not outlast \
                 agent_ttl ({agent_ttl_seconds}s); use {longest:?} or less, or a longer agent_ttl"
            ));
        }
        // The lease is renewed every third of it, so two thirds are left in the worst moment.
        let longest = whole_millis(Duration::from_secs(lease_ttl_seconds.into()) * 2 / 3) - LEASE_MARGIN;
        if request_timeout > longest {
            notes.push(Note::Adjusted {
                key: "etcd_request_timeout",
                used: format!("{longest:?}"),
                why: format!("a longer request could outlast the leader's lease ({lease_ttl_seconds}s)"),
            });
        }
        let request_timeout = request_timeout.min(longest);
        Ok((Self { agent_ttl_seconds, reconcile_interval, lease_ttl_seconds, request_timeout }, notes))
    }
}

/// Rounded up; the callers' bounds keep it far below the type's.
fn whole_seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs() + u64::from(duration.subsec_nanos() > 0)).unwrap_or(u32::MAX)
}

/// Rounded down, for the sake of whoever reads it in the log.
fn whole_millis(duration: Duration) -> Duration {
    Duration::new(duration.as_secs(), duration.subsec_millis() * 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::Timing;
    use std::time::Duration;

    fn derive(agent_ttl_ms: u64, interval_ms: Option<u64>, timeout_ms: u64) -> (Timing, usize) {
        let ms = Duration::from_millis;
        let (timing, notes) = Timing::derive(ms(agent_ttl_ms), interval_ms.map(ms), ms(timeout_ms)).unwrap();
        (timing, notes.len())
    }

    #[test]
    fn defaults_give_a_lease_of_ten_seconds() {
        let (timing, notes) = derive(30_000, None, 1000);
        assert_eq!((timing.agent_ttl_seconds, timing.lease_ttl_seconds, notes), (30, 10, 0));
        assert_eq!(timing.request_timeout, Duration::from_secs(1));
    }

    #[test]
    fn a_short_agent_ttl_alone_shortens_interval_and_lease() {
        for (agent_ttl_ms, seconds) in [(3000, 3), (3001, 4), (6000, 6), (9500, 10)] {
            let (timing, _) = derive(agent_ttl_ms, None, 1000);
            assert_eq!(
                (timing.agent_ttl_seconds, timing.lease_ttl_seconds),
                (seconds, seconds),
                "{agent_ttl_ms}"
            );
            assert_eq!(timing.request_timeout, Duration::from_secs(1), "{agent_ttl_ms}");
        }
    }

    #[test]
    fn a_set_interval_is_kept_or_refused() {
        assert_eq!(derive(6000, Some(1000), 1000).0.lease_ttl_seconds, 5);
        assert_eq!(derive(3000, Some(100), 1000).0.lease_ttl_seconds, 3);
        assert_eq!(derive(30_000, Some(6000), 1000).0.lease_ttl_seconds, 30);
        let refused =
            Timing::derive(Duration::from_secs(6), Some(Duration::from_secs(2)), Duration::from_secs(1));
        assert!(refused.unwrap_err().contains("1.2s or less"));
    }

    #[test]
    fn a_request_never_outlasts_the_lease() {
        let (timing, notes) = derive(30_000, None, 15_000);
        assert!(timing.request_timeout < Duration::from_secs(6) && notes == 1, "{timing:?}");
        for ttl_seconds in 3..200 {
            let (timing, _) = derive(ttl_seconds * 1000, None, 3_600_000);
            let lease = Duration::from_secs(timing.lease_ttl_seconds.into());
            assert!(timing.request_timeout + Duration::from_secs(1) + lease / 3 <= lease, "{timing:?}");
            assert!(timing.request_timeout >= Duration::from_secs(1), "{timing:?}");
        }
    }
}
