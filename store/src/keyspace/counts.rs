//! How often what was asked, and how often in vain: `/v2/stats/store`.

/// Calls of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Those that did what they should.
    pub done: u64,
    /// Those that were refused.
    pub refused: u64,
}

impl Tally {
    pub(super) fn add(&mut self, is_done: bool) {
        self.done += u64::from(is_done);
        self.refused += u64::from(!is_done);
    }
}

/// Calls by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Reads.
    pub gets: Tally,
    /// Unguarded writes.
    pub sets: Tally,
    /// Unguarded removals.
    pub deletes: Tally,
    /// Changes of what must be there.
    pub updates: Tally,
    /// Creations of what must not be there.
    pub creates: Tally,
    /// Guarded changes.
    pub swaps: Tally,
    /// Guarded removals.
    pub guarded_deletes: Tally,
    /// Keys whose time was over.
    pub expired: u64,
}
