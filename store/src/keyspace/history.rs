//! The last thousand changes, so that a watch can begin a little in the past.

use std::collections::VecDeque;
use std::sync::Arc;

use super::event::Event;
use super::refusal::{Code, Refusal};

/// As many as etcd keeps.
const KEPT: usize = 1000;

/// One entry for every index since the first kept one; `None` for a change that wakes nobody.
#[derive(Debug)]
pub(super) struct History {
    pub(super) first: u64,
    pub(super) entries: VecDeque<Option<Arc<Event>>>,
}

impl History {
    /// One that has nothing to tell up to and with the index `upto`.
    pub(super) fn silent(upto: usize) -> Self {
        Self { first: 1, entries: (0..upto).map(|_| None).collect() }
    }

    pub(super) fn push(&mut self, entry: Option<Arc<Event>>) {
        self.entries.push_back(entry);
        if self.entries.len() > KEPT {
            self.entries.pop_front();
            self.first += 1;
        }
    }

    /// The first event at or after the index `since` that a watch at `key` is to be told.
    pub(super) fn first_since(
        &self,
        since: u64,
        key: &str,
        is_recursive: bool,
        index: u64,
    ) -> Result<Option<&Arc<Event>>, Refusal> {
        let Some(skipped) = since.checked_sub(self.first) else {
            let cause = format!("the requested history has been cleared [{}/{since}]", self.first);
            return Err(Refusal { code: Code::EventsCleared, cause, index });
        };
        let skipped = usize::try_from(skipped).unwrap_or(usize::MAX);
        let told = |event: &&Arc<Event>| event.concerns(key, is_recursive);
        Ok(self.entries.iter().skip(skipped).flatten().find(told))
    }
}
