//! The one queue that the worlds of a run take their scenarios from. A world with a store takes what is to run on that
//! store while there is any: another store means another world, which takes a second or two.

use crate::store_program::StoreKind;

/// What is still to be done, first things first, each on a store.
#[derive(Debug)]
pub struct Queue<T>(Vec<(StoreKind, T)>);

impl<T> Queue<T> {
    /// All of it.
    #[must_use]
    pub fn new(jobs: Vec<(StoreKind, T)>) -> Self {
        Self(jobs)
    }

    /// The next thing for a world that has this store, or none yet. `None` when nothing is left.
    pub fn take(&mut self, store: Option<StoreKind>) -> Option<(StoreKind, T)> {
        if self.0.is_empty() {
            return None;
        }
        let fitting = self.0.iter().position(|(wanted, _)| Some(*wanted) == store);
        Some(self.0.remove(fitting.unwrap_or(0)))
    }

    /// How much is left.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use StoreKind::{Etcd, Own};

    #[test]
    fn a_world_keeps_its_store_while_it_can_and_then_helps_the_other() {
        let mut queue = Queue::new(vec![(Etcd, 1), (Own, 1), (Etcd, 2), (Own, 2), (Etcd, 3)]);
        assert_eq!(queue.take(None), Some((Etcd, 1)));
        assert_eq!(queue.take(Some(Own)), Some((Own, 1)));
        assert_eq!(queue.take(Some(Own)), Some((Own, 2)));
        assert_eq!(queue.take(Some(Own)), Some((Etcd, 2)));
        assert_eq!(queue.len(), 1);
        assert_eq!(queue.take(Some(Etcd)), Some((Etcd, 3)));
        assert!(queue.is_empty());
        assert_eq!(queue.take(Some(Etcd)), None);
    }
}
