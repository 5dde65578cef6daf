//! The leader's last decisions in the registry (`cluster::chronicle`): written by the leader, read by whoever asks. Derived
//! and for people only: nothing is decided on them.

use cluster::chronicle::{self, Record};
use cluster::{Guard, keys};

use crate::settle::{Settled, settle};
use crate::store::{Freshness, Store, StoreError};

/// Records these after what is there, whichever leader wrote that; false if another leader wrote at the same moment,
/// and nothing was recorded.
///
/// # Errors
/// The store gave no usable answer.
pub fn append(store: &dyn Store, fresh: &[Record]) -> Result<bool, StoreError> {
    let (there, _) = store.read(keys::EVENTS, Freshness::Quorum)?;
    let value = chronicle::appended(there.as_ref().map_or("", |node| &node.value), fresh);
    let guard = there.and_then(|node| Guard::new(node.modified));
    let outcome = match guard {
        Some(guard) => store.swap(keys::EVENTS, &value, guard, None),
        None => store.create(keys::EVENTS, &value, None),
    };
    Ok(matches!(settle(store, keys::EVENTS, &value, guard, outcome)?, Settled::Done { .. }))
}

/// What is recorded, oldest first.
///
/// # Errors
/// The store gave no usable answer.
pub fn recent(store: &dyn Store) -> Result<Vec<Record>, StoreError> {
    let (there, _) = store.read(keys::EVENTS, Freshness::Local)?;
    Ok(there.map(|node| chronicle::records(&node.value).collect()).unwrap_or_default())
}
