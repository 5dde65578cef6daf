//! The end of the agent (contract §4.4, registry rule 10): leaving the fleet with everything this machine holds, or
//! stepping aside for a successor with everything left running. Works without the registry too; what cannot be
//! written then expires or is judged by others.

use cluster::{Guard, keys};
use registry::settle::{Settled, settle_delete};
use registry::store::{Freshness, Outcome, Store, StoreError};

use crate::lease;
use crate::node::{Node, Standing};

/// Begins to leave: others may lead at once, and nothing new comes here. The reconcile loop does the rest.
pub async fn begin(node: &Node) {
    crate::info!("Gracefully shutting down");
    node.tell(systemd_shim::Notify::stopping);
    // First of all: from here on no loop of this agent takes the lease again that is given back below.
    node.set_standing(Standing::Leaving);
    node.ropes.beat.ring();
    node.ropes.reconcile.nudge();
    lease::release(node).await;
}

/// Ends leaving, once no unit is left: the machine's rows go, and last its record.
pub async fn end(node: &Node) {
    let me = node.identity.id.clone();
    if let Some(session) = node.session() {
        let key = keys::session(&me, session);
        if let Outcome::Unknown(error) = node.with_store(move |store| store.delete_tree(&key)).await {
            crate::warn!("remove this machine's state rows: {error}");
        }
    }
    let Some(ours) = node.presence.borrow().clone() else { return };
    let key = keys::presence(&me);
    match node.with_store(move |store| remove_record(store, &key, ours.created)).await {
        Ok(()) => crate::event!(MachineLeft, "left the fleet"),
        Err(error) => crate::warn!("remove this machine's record: {error}"),
    }
}

/// Deletes the record if it is still the one this life of the machine made. A last beat may be under way, so that
/// its index can move once between the read and the deletion.
fn remove_record(store: &dyn Store, key: &str, created: u64) -> Result<(), StoreError> {
    for _ in 0..3 {
        let (Some(record), _) = store.read(key, Freshness::Quorum)? else { return Ok(()) };
        let Some(guard) = Guard::new(record.modified).filter(|_| record.created == created) else {
            return Ok(());
        };
        if let Settled::Done { .. } = settle_delete(store, key, guard, store.delete(key, guard))? {
            return Ok(());
        }
    }
    Ok(())
}
