//! How long this agent has been in unbroken contact with the store: the first condition for judging others
//! (registry rule 2), and how fresh its own presence is (rule 7). Times are milliseconds of one monotonic clock.

/// Contact with the store, as the heartbeat sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Contact {
    since_ms: Option<u64>,
    beat_sent_ms: Option<u64>,
    gap_ms: u64,
}

impl Contact {
    /// A beat that was sent at `sent_ms` succeeded. `gap_ms` is the longest pause between two beats that counts
    /// as unbroken: beat interval plus request time-out.
    pub fn beat(&mut self, sent_ms: u64, gap_ms: u64) {
        let unbroken = self.beat_sent_ms.is_some_and(|last| sent_ms.saturating_sub(last) <= gap_ms);
        if !unbroken {
            self.since_ms = Some(sent_ms);
        }
        self.since_ms.get_or_insert(sent_ms);
        (self.beat_sent_ms, self.gap_ms) = (Some(sent_ms), gap_ms);
    }

    /// A beat failed, or the store's index or identity went backwards.
    pub fn broken(&mut self) {
        self.since_ms = None;
    }

    /// True if contact is not broken, and the last beat is no longer ago than a beat may be: an agent that was stopped
    /// for a while finds the pause here before its next beat does.
    #[must_use]
    pub fn is_unbroken(&self, now_ms: u64) -> bool {
        let lately = |sent: u64| now_ms.saturating_sub(sent) <= self.gap_ms;
        self.since_ms.is_some() && self.beat_sent_ms.is_some_and(lately)
    }

    /// How long ago the last beat that succeeded was sent; `None` if none ever did.
    #[must_use]
    pub fn age_ms(&self, now_ms: u64) -> Option<u64> {
        self.beat_sent_ms.map(|sent| now_ms.saturating_sub(sent))
    }

    /// True if contact has been unbroken for `agent_ttl_ms`, so that an absent machine is a lost one.
    #[must_use]
    pub fn may_judge(&self, now_ms: u64, agent_ttl_ms: u64) -> bool {
        self.is_unbroken(now_ms)
            && self.since_ms.is_some_and(|since| now_ms.saturating_sub(since) >= agent_ttl_ms)
    }

    /// When [`Self::may_judge`] will hold if contact is kept; whether it is kept is [`Self::is_unbroken`]'s to say.
    #[must_use]
    pub fn judges_from_ms(&self, agent_ttl_ms: u64) -> Option<u64> {
        self.since_ms.map(|since| since.saturating_add(agent_ttl_ms))
    }

    /// True if this machine's own record was confirmed so lately that nobody can have taken it for lost
    /// (registry rule 7): within agent_ttl less 5 s, or less half of a short TTL.
    #[must_use]
    pub fn may_start(&self, now_ms: u64, agent_ttl_ms: u64) -> bool {
        let margin_ms = 5_000.min(agent_ttl_ms / 2);
        self.beat_sent_ms.is_some_and(|sent| now_ms.saturating_sub(sent) < agent_ttl_ms - margin_ms)
    }
}
