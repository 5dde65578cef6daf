//! Holding the lease: one task takes it when nobody has it, renews it while it is ours, and lets go when it is not.
//! What to do is `cluster::lease`'s to say; expiry and release of the lease wake it through the watch on `fleet/`.

use std::rc::Rc;

use cluster::event::Event;
use cluster::lease::{Leadership, Step, step};
use cluster::limits::REGISTRY_VALUE_MAX_BYTES;
use cluster::records::Lease;
use cluster::snapshot::Kept;
use cluster::{Epoch, Guard, json, keys};
use registry::settle::{Settled, settle, settle_delete};
use registry::store::{Hold, Node as Record, Outcome, Store, StoreError};

use crate::bell::Bell;
use crate::clock;
use crate::events::{About, tell};
use crate::node::{Node, Standing};

/// Wait before a renewal that did not get an answer is tried again.
const RETRY_MS: u64 = 300;

/// Sees to the lease for as long as the agent lives.
pub async fn keep(node: Rc<Node>, bell: Bell) {
    if !node.settings().may_lead {
        crate::info!("this machine never leads (disable_engine)");
        return;
    }
    loop {
        let next_ms = turn(&node).await;
        bell.heard_or_at(next_ms).await;
    }
}

/// One decision about the lease, carried out; says when to decide again if nothing wakes it before.
async fn turn(node: &Node) -> Option<u64> {
    if !node.is_member() {
        resign(node, "this machine is no member of the fleet now");
        return None;
    }
    let (held, terms) = (node.leadership.get(), node.terms());
    // Our own view of a lease we hold is newer than any read: refreshing it wakes nobody.
    let seen = node.lease_seen.borrow().clone();
    let now_ms = clock::now_ms();
    match step(held.as_ref(), seen.as_ref(), &node.identity.id, now_ms, &terms) {
        Step::Acquire if node.standing() == Standing::Member => acquire(node).await,
        Step::Acquire | Step::Follow => None,
        Step::Renew(guard) => renew(node, guard).await,
        Step::Lead { until_ms } => Some(until_ms),
        Step::Resign => {
            resign(node, "the lease is not ours any more");
            node.ropes.lease.ring();
            None
        }
    }
}

async fn acquire(node: &Node) -> Option<u64> {
    let lease = Lease { machine: node.identity.id.clone() };
    let ttl = node.settings().timing.lease_ttl_seconds;
    let Ok(value) = json::encode(&lease, REGISTRY_VALUE_MAX_BYTES) else { return None };
    let sent_ms = clock::now_ms();
    let settled = node.with_store_first(move |store| {
        settle(store, keys::LEASE, &value, None, store.create(keys::LEASE, &value, Some(ttl)))
    });
    match settled.await {
        Ok(Settled::Done { created, modified }) => {
            take(node, lease, created, modified, sent_ms);
            Some(sent_ms + node.terms().renewal_ms())
        }
        Ok(Settled::Refused(_)) => {
            node.ropes.reconcile.ring();
            None
        }
        Err(error) => {
            crate::debug!("take the lease: {error}");
            Some(clock::now_ms() + RETRY_MS)
        }
    }
}

async fn renew(node: &Node, guard: Guard) -> Option<u64> {
    let ttl = node.settings().timing.lease_ttl_seconds;
    let sent_ms = clock::now_ms();
    let outcome =
        node.with_store_first(move |store| store.keep_alive(keys::LEASE, Hold::Index(guard), ttl)).await;
    match outcome {
        Outcome::Done { created, modified } => {
            take(node, Lease { machine: node.identity.id.clone() }, created, modified, sent_ms);
            Some(sent_ms + node.terms().renewal_ms())
        }
        Outcome::Refused(there) => Some(refused(node, there)),
        Outcome::Unknown(error) => {
            crate::debug!("renew the lease: {error}");
            Some(clock::now_ms() + RETRY_MS)
        }
    }
}

/// A renewal was refused. What is there in its place says whether the lease is still ours, another's, or there to be
/// taken; says when to decide again: at once, since nothing that comes later need tell of a lease that is gone.
fn refused(node: &Node, there: Option<Record>) -> u64 {
    let kept = there.and_then(|there| {
        let value: Lease = json::decode(there.value.as_bytes()).ok()?;
        Some(Kept { value, created: there.created, guard: Guard::new(there.modified)? })
    });
    *node.lease_seen.borrow_mut() = kept.clone();
    match kept.filter(|kept| kept.value.machine == node.identity.id) {
        // A renewal whose answer was lost: the index went on, the lease is still ours.
        Some(kept) => match node.leadership.get() {
            Some(held) if held.epoch.get() == kept.created => {
                node.leadership.set(Some(Leadership { guard: kept.guard, ..held }));
            }
            _ => resign(node, "the lease is a later one"),
        },
        None => resign(node, "renewal was refused"),
    }
    clock::now_ms()
}

/// Notes that the lease is ours as of a request sent at `sent_ms`.
fn take(node: &Node, lease: Lease, created: u64, modified: u64, sent_ms: u64) {
    let (Some(epoch), Some(guard)) = (Epoch::new(created), Guard::new(modified)) else { return };
    *node.lease_seen.borrow_mut() = Some(Kept { value: lease, created, guard });
    if node.leadership.replace(Some(Leadership { epoch, guard, sent_ms })).is_none() {
        crate::event!(LeadTaken, "Engine leadership acquired, epoch {epoch}");
        node.ropes.schedule.ring();
    }
}

fn resign(node: &Node, why: &str) {
    if node.leadership.replace(None).is_some() {
        let about = About { reason: why, ..About::default() };
        tell(Event::LeadLost, about, format_args!("Engine leadership lost: {why}"));
        node.ropes.schedule.ring();
    }
}

/// Lets another machine lead at once: deletes the lease if it is ours. Only a courtesy; it would expire.
pub async fn release(node: &Node) {
    let Some(held) = node.leadership.replace(None) else { return };
    let released = node.with_store(move |store| give_back(store, held));
    match released.await {
        Ok(()) => crate::event!(LeadGiven, "Engine leadership released"),
        Err(error) => crate::warn!("release the lease: {error}"),
    }
}

/// Deletes the lease of this leadership. A last renewal may be under way, so that its index moves in between.
fn give_back(store: &dyn Store, held: Leadership) -> Result<(), StoreError> {
    let mut guard = held.guard;
    for _ in 0..3 {
        match settle_delete(store, keys::LEASE, guard, store.delete(keys::LEASE, guard))? {
            Settled::Refused(Some(there)) if there.created == held.epoch.get() => {
                guard = Guard::new(there.modified).unwrap_or(guard);
            }
            Settled::Done { .. } | Settled::Refused(_) => return Ok(()),
        }
    }
    Ok(())
}
