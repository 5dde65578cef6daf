//! Counters with a bound: open connections, bytes of bodies. Taking from one gives a guard that gives back; whoever
//! needs a counter to fall can wait for it. For one thread.

use std::cell::Cell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

/// A counter that is never above its bound.
pub(super) struct Slots {
    taken: Cell<usize>,
    bound: usize,
    waiting: Cell<Vec<Waker>>,
}

impl Slots {
    pub(super) fn new(bound: usize) -> Rc<Self> {
        Rc::new(Self { taken: Cell::new(0), bound, waiting: Cell::default() })
    }

    /// A guard that holds nothing yet.
    pub(super) fn hold(self: &Rc<Self>) -> Held {
        Held { slots: self.clone(), count: 0 }
    }

    /// One slot, if one is free beside so many that are kept for others.
    pub(super) fn take(self: &Rc<Self>, kept: usize) -> Option<Held> {
        let mut held = self.hold();
        (!self.is_full(kept) && held.add(1)).then_some(held)
    }

    pub(super) fn taken(&self) -> usize {
        self.taken.get()
    }

    /// True if none is free beside so many that are kept for others.
    pub(super) fn is_full(&self, kept: usize) -> bool {
        self.taken.get().saturating_add(kept) >= self.bound
    }

    /// Waits until at most that many are taken.
    pub(super) async fn at_most(&self, count: usize) {
        poll_fn(|context| {
            if self.taken.get() <= count {
                return Poll::Ready(());
            }
            let mut waiting = self.waiting.take();
            if !waiting.iter().any(|waker| waker.will_wake(context.waker())) {
                waiting.push(context.waker().clone());
            }
            self.waiting.set(waiting);
            Poll::Pending
        })
        .await;
    }

    /// Waits until one is free.
    pub(super) async fn free(&self) {
        self.at_most(self.bound.saturating_sub(1)).await;
    }
}

/// What was taken; given back when dropped.
pub(super) struct Held {
    slots: Rc<Slots>,
    count: usize,
}

impl Held {
    /// Takes more. False, and nothing taken, if that would pass the bound.
    pub(super) fn add(&mut self, count: usize) -> bool {
        let taken = self.slots.taken.get().saturating_add(count);
        if taken > self.slots.bound {
            return false;
        }
        self.slots.taken.set(taken);
        self.count += count;
        true
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.slots.taken.set(self.slots.taken.get().saturating_sub(self.count));
        self.slots.waiting.take().into_iter().for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use super::Slots;
    use smol::future;

    #[test]
    fn gives_no_more_than_there_is_and_takes_back() {
        let slots = Slots::new(2);
        let (one, two) = (slots.take(0), slots.take(0));
        assert!(one.is_some() && two.is_some() && slots.take(0).is_none());
        drop(one);
        assert!(slots.take(1).is_none() && slots.take(0).is_some());
        let mut bytes = Slots::new(10).hold();
        assert!(bytes.add(10) && !bytes.add(1) && bytes.add(0));
    }

    #[test]
    fn wakes_whoever_waits_for_a_free_one() {
        let slots = Slots::new(1);
        let held = slots.take(0);
        smol::block_on(future::zip(slots.at_most(0), future::zip(slots.free(), async { drop(held) })));
        assert_eq!(slots.taken(), 0);
    }
}
