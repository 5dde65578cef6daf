//! The machine's life sign: made, kept alive, and made again when it was lost (registry rules 2, 3, 4 and 9). No
//! sign is given to a store that is not this machine's fleet's own.

use std::rc::Rc;

use cluster::backoff::return_ms;
use cluster::limits::REGISTRY_VALUE_MAX_BYTES;
use cluster::records::{Layout, Presence};
use cluster::snapshot::{Kept, Snapshot};
use cluster::standing::{Remembered, Standing as StoreStanding, standing};
use cluster::{FleetId, Guard, json, keys};
use registry::reads;
use registry::settle::{Settled, settle};
use registry::store::{Hold, Node as Record, Outcome, Seen, StoreError};

use crate::adopt;
use crate::bell::Bell;
use crate::clock;
use crate::config;
use crate::node::{Node, Standing};
use crate::runtime_dir::random_id;
use crate::transfer;

/// Wait before a failed registration or beat is tried again (registry rule 2).
const RETRY_MS: u64 = 1000;
/// Wait between two looks at a record that is about to end: well within what a judge waits (`loss::CONFIRMATION_MS`).
const LOOK_MS: u64 = 100;
/// Wait between two looks at a store that is not ours; a change of its layout is seen no sooner.
const FROZEN_LOOK_MS: u64 = 2000;

/// Registers the machine and keeps it registered, for as long as the agent lives.
pub async fn keep(node: Rc<Node>, bell: Bell) {
    loop {
        register(&node, &bell).await;
        node.ropes.reconcile.ring();
        node.ropes.lease.ring();
        beat_while_registered(&node, &bell).await;
        if node.is_leaving() {
            return;
        }
        *node.presence.borrow_mut() = None;
    }
}

async fn register(node: &Node, bell: &Bell) {
    // Somebody may have been given what runs here: nothing may wait once the record is there again.
    node.reads_from_ms.set(0);
    loop {
        let wait_ms = match attempt(node).await {
            Ok(Attempt::Registered) => return in_contact(node),
            Ok(Attempt::Again) => continue,
            Ok(Attempt::Not(standing, wait_ms)) => {
                node.set_standing(standing);
                wait_ms
            }
            Err(why) => {
                node.contact.borrow_mut().broken();
                node.set_standing(if node.is_member() { Standing::Cut(why) } else { Standing::Waiting(why) });
                RETRY_MS
            }
        };
        bell.heard_or_at(Some(clock::now_ms() + wait_ms)).await;
    }
}

enum Attempt {
    Registered,
    Again,
    Not(Standing, u64),
}

/// One try: is this our fleet's store, and is the record under our ID ours?
async fn attempt(node: &Node) -> Result<Attempt, String> {
    let (view, seen) = node.with_store(reads::fleet).await.map_err(|error| error.to_string())?;
    match assess(node, &view, seen) {
        StoreStanding::Frozen(freeze) => {
            if transfer::lift(node, &view).await? {
                return Ok(Attempt::Again);
            }
            return Ok(Attempt::Not(Standing::Frozen(freeze), FROZEN_LOOK_MS));
        }
        StoreStanding::Found => return found(node).await,
        StoreStanding::Join(fleet) => {
            node.remember(Remembered { fleet, index: seen.index, cluster: seen.cluster })
        }
        StoreStanding::Ours => note_index(node, seen),
        StoreStanding::Adopted(fleet) => {
            if let Some(refused) = claim(node).await? {
                return Ok(refused);
            }
            adopt::bring_in(node).await?;
            now_of(node, fleet, seen);
        }
        StoreStanding::Moved(fleet) => {
            if let Some(refused) = claim(node).await? {
                return Ok(refused);
            }
            transfer::arrive(node, &view).await?;
            now_of(node, fleet, seen);
        }
    }
    match claim(node).await? {
        Some(refused) => Ok(refused),
        None => Ok(Attempt::Registered),
    }
}

/// This machine is of another fleet from now on, and its markers are of that one's incarnations.
fn now_of(node: &Node, fleet: FleetId, seen: Seen) {
    node.recall.set(true);
    node.store.interrupt_watches();
    node.remember(Remembered { fleet, index: seen.index, cluster: seen.cluster });
}

/// How this machine stands to the store that `view` was read from.
pub fn assess(node: &Node, view: &Snapshot, seen: Seen) -> StoreStanding {
    let layout = view.layout.as_ref().map(|layout| &layout.value);
    let unreadable = view.unreadable.contains_key(keys::LAYOUT);
    standing(node.remembered.borrow().as_ref(), layout, unreadable, seen.index)
}

/// Remembers how far the store has come, from time to time: the memory on disk need not be exact, since indices
/// run into the thousands between two wipes.
pub fn note_index(node: &Node, seen: Seen) {
    let remembered = node.remembered.borrow().clone();
    if let Some(remembered) =
        remembered.filter(|before| seen.index > before.index || before.cluster != seen.cluster)
    {
        node.remember(Remembered { index: seen.index, cluster: seen.cluster, ..remembered });
    }
}

/// The store holds no fleet and this machine belongs to none: founds one, unless units lie here whose fleet has
/// been forgotten.
async fn found(node: &Node) -> Result<Attempt, String> {
    let (markers, unreadable) = node.runtime.markers().map_err(|error| error.to_string())?;
    if !markers.is_empty() || !unreadable.is_empty() {
        let why = "the store holds no fleet, and this machine has units of one it does not remember";
        return Ok(Attempt::Not(Standing::Waiting(why.to_string()), FROZEN_LOOK_MS));
    }
    let fleet = random_id().map_err(|error| format!("make a fleet id: {error}"))?;
    let fleet = FleetId::parse(&fleet).map_err(|error| error.to_string())?;
    let layout = Layout::of(fleet);
    let value = json::encode(&layout, REGISTRY_VALUE_MAX_BYTES).map_err(|error| error.to_string())?;
    crate::event!(FleetFounded, "founding fleet {}", layout.fleet);
    node.with_store(move |store| {
        settle(store, keys::LAYOUT, &value, None, store.create(keys::LAYOUT, &value, None))
    })
    .await
    .map_err(|error| error.to_string())?;
    // Whoever founded it, the next try reads what is there.
    Ok(Attempt::Again)
}

/// The record as it should be now.
fn wanted(node: &Node) -> Presence {
    let settings = node.settings();
    let address = settings.public_ip.clone().unwrap_or_else(|| match config::default_address() {
        Ok(Some(address)) => address.to_string(),
        Ok(None) => String::new(),
        Err(error) => {
            crate::warn!("find this machine's address: {error}");
            String::new()
        }
    });
    Presence {
        id: node.identity.id.clone(),
        boot: node.identity.boot.clone(),
        nonce: node.identity.nonce.clone(),
        address,
        metadata: settings.metadata.clone(),
        version: env!("CARGO_PKG_VERSION").to_string(),
        leaving: node.is_leaving(),
    }
}

fn is_ours(node: &Node, record: &Presence) -> bool {
    let identity = &node.identity;
    (&record.id, &record.boot, &record.nonce) == (&identity.id, &identity.boot, &identity.nonce)
}

/// Writes the record: creates it, resumes our own, or takes over one that nobody keeps alive (registry rule 9).
/// `None` once it is ours.
async fn claim(node: &Node) -> Result<Option<Attempt>, String> {
    let presence = wanted(node);
    let Some(record) = write(node, &presence, None).await? else { return Ok(None) };
    let theirs: Option<Presence> = json::decode(record.value.as_bytes()).ok();
    let Some(guard) = Guard::new(record.modified) else {
        return Err("presence without modifiedIndex".to_string());
    };
    if !theirs.as_ref().is_some_and(|theirs| is_ours(node, theirs)) {
        let address = theirs.map_or_else(|| "an unknown address".to_string(), |theirs| theirs.address);
        crate::info!(
            "the record of this machine's former life, or of another machine, is there: watching it"
        );
        if is_abandoned(node, &record).await? {
            crate::info!("nobody keeps it alive: taking it over");
        } else {
            return Ok(Some(Attempt::Not(Standing::Duplicate { address }, node.beat_ms())));
        }
    }
    match write(node, &presence, Some(guard)).await? {
        None => Ok(None),
        Some(_) => Err("presence changed while it was taken over".to_string()),
    }
}

/// Watches a record for as long as its owner has for a beat; true if nobody keeps it alive. Where it ends meanwhile
/// that is seen at once: whoever leads takes this machine for lost soon after, though it is here.
async fn is_abandoned(node: &Node, record: &Record) -> Result<bool, String> {
    let began_ms = clock::now_ms();
    let over_ms = began_ms + node.beat_ms() + node.request_timeout_ms();
    // The seconds that are left are rounded up.
    let may_end_ms = record.ttl_secs.map_or(over_ms, |secs| began_ms + secs.saturating_sub(1) * 1000);
    let mut look_ms = may_end_ms.min(over_ms);
    loop {
        clock::until(look_ms).await;
        let key = keys::presence(&node.identity.id);
        let read = node.with_store(move |store| store.read(&key, registry::store::Freshness::Quorum)).await;
        let (now, _) = read.map_err(|error: StoreError| error.to_string())?;
        let now_ms = clock::now_ms();
        match now {
            None => return Ok(true),
            Some(now) if now.modified != record.modified => return Ok(false),
            Some(_) if now_ms >= over_ms => return Ok(true),
            Some(_) => look_ms = (now_ms + LOOK_MS).min(over_ms),
        }
    }
}

/// Writes our record; gives back what is there if it may not. A takeover of a record that expired meanwhile creates it.
async fn write(node: &Node, presence: &Presence, guard: Option<Guard>) -> Result<Option<Record>, String> {
    let value = json::encode(presence, REGISTRY_VALUE_MAX_BYTES)
        .map_err(|error| format!("encode presence: {error}"))?;
    let (key, ttl) = (keys::presence(&node.identity.id), node.settings().timing.agent_ttl_seconds);
    let sent_ms = clock::now_ms();
    let settled = node.with_store_first(move |store| {
        let outcome = match guard {
            Some(guard) => match store.swap(&key, &value, guard, Some(ttl)) {
                Outcome::Refused(None) => store.create(&key, &value, Some(ttl)),
                other => other,
            },
            None => store.create(&key, &value, Some(ttl)),
        };
        settle(store, &key, &value, guard, outcome)
    });
    match settled.await.map_err(|error| error.to_string())? {
        Settled::Done { created, modified } => {
            let guard = Guard::new(modified).ok_or("presence without modifiedIndex")?;
            *node.presence.borrow_mut() = Some(Kept { value: presence.clone(), created, guard });
            beaten(node, sent_ms);
            Ok(None)
        }
        Settled::Refused(Some(record)) => Ok(Some(record)),
        Settled::Refused(None) => Err("presence vanished while it was written".to_string()),
    }
}

/// Notes a beat that was sent at `sent_ms` and succeeded. If contact began anew with it, a leader that had no verdict
/// on somebody's absence has to be told, since nothing else wakes it for that.
fn beaten(node: &Node, sent_ms: u64) {
    let judges_from = || node.contact.borrow().judges_from_ms(node.agent_ttl_ms());
    let before = judges_from();
    node.contact.borrow_mut().beat(sent_ms, node.beat_ms() + node.request_timeout_ms());
    if judges_from() != before {
        node.ropes.schedule.ring();
    }
}

/// The machine is registered and the store answers: the loops may act.
fn in_contact(node: &Node) {
    let returned = !matches!(node.standing(), Standing::Member);
    node.set_standing(Standing::Member);
    if returned {
        node.ropes.reconcile.ring();
        node.ropes.schedule.ring();
        // Cut off, nobody takes a lease: one that ended meanwhile is still to be taken.
        node.ropes.lease.ring();
    }
}

enum Beat {
    Good,
    Failed(String),
    Lost,
}

/// Beats until the record is gone or somebody else's, or until the store turned out not to be ours.
async fn beat_while_registered(node: &Node, bell: &Bell) {
    let mut due_ms = clock::now_ms() + node.beat_ms();
    let mut endpoint = node.store.endpoint();
    let mut cut_ms = None;
    loop {
        bell.heard_or_at(Some(due_ms)).await;
        if !node.is_member() && !node.is_leaving() {
            return;
        }
        match beat(node).await {
            Beat::Good => {
                if let Some(cut_ms) = cut_ms.take() {
                    let wait_ms = return_ms(clock::now_ms().saturating_sub(cut_ms), node.identity.id.share());
                    node.reads_from_ms.set(clock::now_ms() + wait_ms);
                }
                in_contact(node);
                due_ms = clock::now_ms() + node.beat_ms();
                node.rest();
                let now = node.store.endpoint();
                if now != endpoint {
                    node.store.interrupt_watches();
                    endpoint = now;
                }
            }
            Beat::Failed(why) => {
                node.contact.borrow_mut().broken();
                if !matches!(node.standing(), Standing::Cut(_)) {
                    node.store.interrupt_watches();
                }
                node.set_standing(Standing::Cut(why));
                cut_ms.get_or_insert_with(clock::now_ms);
                due_ms = clock::now_ms() + RETRY_MS;
            }
            Beat::Lost => {
                crate::event!(
                    RecordGone,
                    "this machine's record is gone from the registry: registering again"
                );
                node.contact.borrow_mut().broken();
                return;
            }
        }
    }
}

/// Writes a changed record over our own. A beat whose answer was lost may have landed since, which moved its index: it
/// is ours all the same, and one that is leaving must not be given up for that.
async fn rewrite(node: &Node, wanted: &Presence, mut guard: Guard) -> Beat {
    for _ in 0..3 {
        let there = match write(node, wanted, Some(guard)).await {
            Ok(None) => return Beat::Good,
            Ok(Some(there)) => there,
            Err(why) => return Beat::Failed(why),
        };
        let value: Option<Presence> = json::decode(there.value.as_bytes()).ok();
        match Guard::new(there.modified).filter(|_| value.is_some_and(|value| is_ours(node, &value))) {
            Some(newer) => guard = newer,
            None => return Beat::Lost,
        }
    }
    Beat::Failed("this machine's record changes while it is written".to_string())
}

async fn beat(node: &Node) -> Beat {
    let Some(current) = node.presence.borrow().clone() else { return Beat::Lost };
    let wanted = wanted(node);
    if wanted != current.value {
        return rewrite(node, &wanted, current.guard).await;
    }
    let Ok(value) = json::encode(&wanted, REGISTRY_VALUE_MAX_BYTES) else { return Beat::Lost };
    let (key, ttl) = (keys::presence(&node.identity.id), node.settings().timing.agent_ttl_seconds);
    let sent_ms = clock::now_ms();
    match node.with_store_first(move |store| store.keep_alive(&key, Hold::Value(&value), ttl)).await {
        Outcome::Done { created, modified } => {
            let Some(guard) = Guard::new(modified) else {
                return Beat::Failed("no modifiedIndex".to_string());
            };
            *node.presence.borrow_mut() = Some(Kept { value: wanted, created, guard });
            beaten(node, sent_ms);
            Beat::Good
        }
        Outcome::Refused(_) => Beat::Lost,
        Outcome::Unknown(error) => Beat::Failed(error.to_string()),
    }
}
