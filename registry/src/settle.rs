//! What became of a guarded write (registry rule 11): an unknown end is resolved by a quorum read before anything
//! is concluded. It never repeats a write; whoever planned it plans again.

use cluster::Guard;

use crate::store::{Freshness, Node, Outcome, Store, StoreError};

/// The end of a write, known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It happened.
    Done {
        /// createdIndex of the key.
        created: u64,
        /// modifiedIndex of the write.
        modified: u64,
    },
    /// It did not happen, and this is there in its place.
    Refused(Option<Node>),
}

/// Settles a write that put `value` at `key`, where before there was the key at `guard` or, for `None`, no key.
///
/// # Errors
/// It is still open whether the write happened: nothing may be concluded, and it may yet land.
pub fn settle(
    store: &dyn Store,
    key: &str,
    value: &str,
    guard: Option<Guard>,
    outcome: Outcome,
) -> Result<Settled, StoreError> {
    let error = match outcome {
        Outcome::Done { created, modified } => return Ok(Settled::Done { created, modified }),
        Outcome::Refused(there) => return Ok(Settled::Refused(there)),
        Outcome::Unknown(error) => error,
    };
    match store.read(key, Freshness::Quorum)?.0 {
        Some(node) if node.value == value => {
            Ok(Settled::Done { created: node.created, modified: node.modified })
        }
        Some(node) if Some(node.modified) == guard.map(Guard::get) => Err(error),
        None if guard.is_none() => Err(error),
        there => Ok(Settled::Refused(there)),
    }
}

/// Settles the deletion of the key that was at `guard`. A key that is gone already is what was wanted.
///
/// # Errors
/// It is still open whether the deletion happened.
pub fn settle_delete(
    store: &dyn Store,
    key: &str,
    guard: Guard,
    outcome: Outcome,
) -> Result<Settled, StoreError> {
    let gone = Settled::Done { created: 0, modified: 0 };
    let error = match outcome {
        Outcome::Done { created, modified } => return Ok(Settled::Done { created, modified }),
        Outcome::Refused(None) => return Ok(gone),
        Outcome::Refused(there) => return Ok(Settled::Refused(there)),
        Outcome::Unknown(error) => error,
    };
    match store.read(key, Freshness::Quorum)?.0 {
        None => Ok(gone),
        Some(node) if node.modified == guard.get() => Err(error),
        there => Ok(Settled::Refused(there)),
    }
}
