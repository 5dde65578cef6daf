//! The thread that writes: waiting commands to disk and into the keyspace, keys whose time is over out of it, and a fresh
//! file in the old one's place when that has grown long.

use std::sync::MutexGuard;
use std::time::Duration;

use crate::engine::{Durability, Shared, State, Waiting, disk_refusal};
use crate::journal::{Fresh, Journal, JournalError};
use crate::keyspace::{Moment, done, expired};

/// Most commands put on disk in one go.
const BATCH_MAX: usize = 4096;
/// Relaxed writes wait that long for company on their way to disk.
const GATHER: Duration = Duration::from_millis(500);
/// The pause after a failure.
const RETRY: Duration = Duration::from_secs(1);
/// The pause after a fresh file could not be made.
const RENEW_RETRY: Duration = Duration::from_secs(60);
/// Longest rest while some key has an end: timers stand still while the machine sleeps, ends do not.
const LONGEST_REST: Duration = Duration::from_secs(10);

/// Writes until the store is closed.
pub(crate) fn run(shared: &Shared, journal: Journal) {
    let mut writer =
        Writer { shared, journal, not_before: Moment::MIN, renew_not_before: Moment::MIN, in_doubt: 0 };
    while writer.turn() {}
}

struct Writer<'a> {
    shared: &'a Shared,
    journal: Journal,
    /// No attempt to do anything that nobody waits for before this moment.
    not_before: Moment,
    /// No fresh file before this moment.
    renew_not_before: Moment,
    /// Relaxed: so many of the unsaved records may be on disk already, all of them or none.
    in_doubt: usize,
}

impl<'a> Writer<'a> {
    /// One batch, or a rest. False at the end.
    fn turn(&mut self) -> bool {
        let shared = self.shared;
        let mut state = shared.lock();
        let now = shared.times.now();
        let is_due = now >= self.not_before && state.keyspace.next_end().is_some_and(|end| end <= now);
        let outcome = match shared.durability {
            Durability::Durable if is_due || !state.waiting.is_empty() => {
                self.write_durable(state, now, is_due)
            }
            Durability::Relaxed if is_due || self.must_save(&state, now) => {
                if is_due {
                    state.unsaved.push(expired(now));
                    let changes: Vec<_> = std::iter::from_fn(|| state.keyspace.expire(now)).collect();
                    state.tell(&changes);
                }
                self.save_relaxed(state)
            }
            _ if state.is_closing => return false,
            _ => {
                let rest = self.rest_time(&state, now);
                drop(shared.rest(state, rest));
                return true;
            }
        };
        match outcome {
            Ok(()) => {
                self.renew_if_long(now);
                true
            }
            // What cannot be saved now cannot be saved later either if this is the end.
            Err(error) => !self.complain(&error),
        }
    }

    fn rest_time(&self, state: &State, now: Moment) -> Option<Duration> {
        let until = |moment: Moment| {
            let nanos = moment.max(self.not_before).saturating_sub(now);
            Duration::from_nanos(u64::try_from(nanos).unwrap_or(0))
        };
        let end = state.keyspace.next_end().map(|end| until(end).min(LONGEST_REST));
        let gather = (!state.unsaved.is_empty()).then(|| until(now));
        end.into_iter().chain(gather).min()
    }

    /// Relaxed: true if what is unsaved has waited long enough.
    fn must_save(&self, state: &State, now: Moment) -> bool {
        !state.unsaved.is_empty() && (now >= self.not_before || state.is_closing)
    }

    fn write_durable(
        &mut self,
        mut state: MutexGuard<'a, State>,
        now: Moment,
        is_due: bool,
    ) -> Result<(), JournalError> {
        if !is_due {
            answer_the_hopeless(&mut state, now);
        }
        let count = state.waiting.len().min(BATCH_MAX);
        let batch: Vec<Waiting> = state.waiting.drain(..count).collect();
        let mut records = Vec::with_capacity(count + 1);
        if is_due {
            records.push(expired(now));
        }
        records.extend(batch.iter().map(|waiting| done(&waiting.command, now)));
        if records.is_empty() {
            return Ok(());
        }
        let caught_up = self.journal.catch_up(&mut state.keyspace).map(|changes| state.tell(&changes));
        drop(state);
        if let Err(error) = caught_up.and_then(|()| self.journal.append(&records)) {
            for waiting in batch {
                // Whoever asked may be gone.
                let _ = waiting.answer.try_send(Err(disk_refusal(&error)));
            }
            return Err(error);
        }
        let mut state = self.shared.lock();
        state.broken = None;
        if is_due {
            let changes: Vec<_> = std::iter::from_fn(|| state.keyspace.expire(now)).collect();
            state.tell(&changes);
        }
        for Waiting { command, answer } in batch {
            let _ = answer.try_send(state.carry_out(&command, now));
        }
        Ok(())
    }

    fn save_relaxed(&mut self, mut state: MutexGuard<'a, State>) -> Result<(), JournalError> {
        if self.journal.reopen()? {
            state.unsaved.drain(..self.in_doubt);
        }
        let records = std::mem::take(&mut state.unsaved);
        drop(state);
        self.not_before = self.shared.times.now().saturating_add(nanos(GATHER));
        let appended = self.journal.append(&records);
        let mut state = self.shared.lock();
        match appended {
            Ok(()) => state.broken = None,
            Err(_) => self.put_back(&mut state, records),
        }
        appended
    }

    /// What was to be saved may be on disk or not.
    fn put_back(&mut self, state: &mut State, records: Vec<Vec<u8>>) {
        self.in_doubt = records.len();
        state.unsaved.splice(..0, records);
    }

    /// A fresh file where it is time for one. If that fails the old one grows on, and it is tried again later.
    fn renew_if_long(&mut self, now: Moment) {
        if !self.journal.is_long() || now < self.renew_not_before {
            return;
        }
        let mut state = self.shared.lock();
        let saved = std::mem::take(&mut state.unsaved);
        let fresh = self.journal.renew(&state.keyspace);
        drop(state);
        if let Err(error) = fresh.and_then(Fresh::finish) {
            self.renew_not_before = now.saturating_add(nanos(RENEW_RETRY));
            let mut state = self.shared.lock();
            self.put_back(&mut state, saved);
            drop(state);
            (self.shared.warn)(&error.to_string());
        }
    }

    /// Says what failed, once. True if the store is being closed.
    fn complain(&mut self, error: &JournalError) -> bool {
        self.not_before = self.shared.times.now().saturating_add(nanos(RETRY));
        let mut state = self.shared.lock();
        let is_news = state.broken.replace(error.clone()).as_ref() != Some(error);
        let is_closing = state.is_closing && state.waiting.is_empty();
        drop(state);
        if is_news {
            (self.shared.warn)(&error.to_string());
        }
        is_closing
    }
}

/// Answers those at the head of the queue that would be refused: nothing comes before them that could change that, and
/// a refusal needs no place on disk.
fn answer_the_hopeless(state: &mut State, now: Moment) {
    while let Some(first) = state.waiting.front() {
        if state.keyspace.check(&first.command).is_ok() {
            return;
        }
        if let Some(Waiting { command, answer }) = state.waiting.pop_front() {
            let _ = answer.try_send(state.carry_out(&command, now));
        }
    }
}

fn nanos(duration: Duration) -> Moment {
    Moment::try_from(duration.as_nanos()).unwrap_or(Moment::MAX)
}
