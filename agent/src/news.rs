//! Changes for whoever waits for one at the API: one long poll of the store for all of them, on a thread of its own that
//! is there only while somebody waits. It reads nothing but the keys that changed; what a change means is
//! `fleet_api::changes`' business.
//!
//! A waiter holds a place and a channel, and neither a thread nor what it has not asked for.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cluster::limits::{API_CHANGES_KEPT_MAX, API_CHANGES_WAITERS_MAX};
use cluster::sorted::Set;
use fleet_api::changes::{Changes, Concern, News, present};
use fleet_api::{Failure, Status};
use registry::store::{Store, StoreError, StoreErrorKind, Wake};
use smol::channel::{Sender, bounded};
use smol::future::FutureExt;

use crate::threads;

/// Stack of the watching thread: a request with TLS needs about a third of it.
const STACK_BYTES: usize = 256 * 1024;
/// Pause after a poll that failed, so that a store that is away is not asked all the time.
const PAUSE: Duration = Duration::from_secs(1);

/// The changes of one store.
pub struct Desk(Arc<Shared>);

struct Shared {
    store: Arc<dyn Store>,
    state: Mutex<State>,
    /// Ends a pause of the thread.
    closing: Condvar,
}

#[derive(Default)]
struct State {
    /// True while the thread is there.
    running: bool,
    /// True once nobody may wait any more.
    closed: bool,
    /// Everything after this moment up to `last` is in `kept`.
    since: u64,
    /// The last moment that was seen.
    last: u64,
    kept: VecDeque<(u64, Concern)>,
    /// Rung at each change; the numbers tell the waiters apart.
    waiters: Vec<(u64, Sender<()>)>,
    next_number: u64,
}

impl State {
    /// What has changed since, if anything that is wanted has.
    fn news(&self, changes: &Changes, after: u64) -> Option<(u64, News)> {
        if after < self.since {
            return Some((self.last, News::Anything));
        }
        let wanted = self.kept.iter().filter(|(index, concern)| *index > after && changes.want(concern));
        let mut units = Set::new();
        for (_, concern) in wanted {
            match concern {
                Concern::Unit(unit) => drop(units.insert(unit.clone())),
                _ => return Some((self.last, News::Anything)),
            }
        }
        (!units.is_empty()).then_some((self.last, News::Units(units)))
    }

    fn keep(&mut self, index: u64, concern: Concern) {
        self.last = self.last.max(index);
        if concern == Concern::Nothing {
            return;
        }
        if self.kept.len() == API_CHANGES_KEPT_MAX
            && let Some((oldest, _)) = self.kept.pop_front()
        {
            self.since = oldest;
        }
        self.kept.push_back((index, concern));
        self.ring();
    }

    /// Nobody can tell what changed up to this moment.
    fn skip_to(&mut self, index: u64) {
        (self.since, self.last) = (index, index);
        self.kept.clear();
        self.ring();
    }

    fn ring(&self) {
        for (_, waiter) in &self.waiters {
            // Full means rung already.
            let _ = waiter.try_send(());
        }
    }
}

/// A waiter's place; given up when dropped.
struct Place<'a>(&'a Shared, u64);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.state().waiters.retain(|(number, _)| *number != self.1);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Desk {
    /// Watches nothing yet.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self(Arc::new(Shared { store, state: Mutex::default(), closing: Condvar::new() }))
    }

    /// Ends every wait; later ones are refused.
    pub fn close(&self) {
        let mut state = self.0.state();
        state.closed = true;
        state.ring();
        self.0.closing.notify_all();
    }

    /// Waits for a change after the moment `after`. The answer's moment is the one to go on from.
    ///
    /// # Errors
    /// There is no place left, or the agent is about to end.
    pub async fn wait(&self, changes: &Changes, after: u64) -> Result<(u64, News), Failure> {
        let (ring, rung) = bounded(1);
        let place = self.enter(ring, after)?;
        let timer = smol::Timer::after(changes.wait);
        let found = async {
            loop {
                let (news, closed) = {
                    let state = self.0.state();
                    (state.news(changes, after), state.closed)
                };
                match news {
                    Some(news) => return Some(news),
                    None if closed => return None,
                    // The place is held, so the channel is open.
                    None => drop(rung.recv().await),
                }
            }
        };
        let late = async {
            timer.await;
            None
        };
        let found = found.or(late).await;
        drop(place);
        Ok(found.unwrap_or((after, News::None)))
    }

    fn enter(&self, ring: Sender<()>, after: u64) -> Result<Place<'_>, Failure> {
        let mut state = self.0.state();
        let refused = |why: &str| Err(Failure::new(Status::ServiceUnavailable, why));
        if state.closed {
            return refused("the agent is about to end");
        }
        if state.waiters.len() >= API_CHANGES_WAITERS_MAX {
            return refused("too many requests wait for changes");
        }
        if !state.running {
            let shared = Arc::clone(&self.0);
            if let Err(error) = threads::start("changes", STACK_BYTES, move || follow(&shared)) {
                return refused(&format!("start a thread to wait for changes: {error}"));
            }
            state.running = true;
            (state.since, state.last) = (after, after);
        }
        state.next_number += 1;
        let number = state.next_number;
        state.waiters.push((number, ring));
        Ok(Place(&self.0, number))
    }
}

/// Watches for as long as anybody waits.
fn follow(shared: &Shared) {
    loop {
        let after = shared.state().last;
        // An interrupted poll is as good as one that found nothing.
        let failed = look(shared, after).is_err_and(|error| error.kind != StoreErrorKind::Interrupted);
        let mut state = shared.state();
        if failed {
            let waited = shared.closing.wait_timeout_while(state, PAUSE, |state| !state.closed);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        if state.waiters.is_empty() || state.closed {
            state.running = false;
            state.kept = VecDeque::new();
            return;
        }
    }
}

/// One poll. The store keeps what happens until the next one; where it has not, that is a change of everything.
fn look(shared: &Shared, after: u64) -> Result<(), StoreError> {
    match shared.store.watch("", after)? {
        Wake::Changed { index, key } => shared.state().keep(index, Concern::of(&key)),
        Wake::Quiet | Wake::Overrun => {
            let index = present(&*shared.store)?;
            shared.state().skip_to(index);
        }
    }
    Ok(())
}
