//! The machine's life sign: made, kept alive, and made again when it was lost (registry rules 2, 3, 4 and 9). No
//! sign is given to a store that is not this machine's fleet's own.

use std::rc::Rc;

use cluster::backoff::{read_again_ms, return_ms};
use cluster::limits::REGISTRY_VALUE_MAX_BYTES;
use cluster::records::Layout;
use cluster::snapshot::{Kept, Snapshot};
use cluster::standing::{Behind, Freeze, Remembered, Standing as StoreStanding, standing};
use cluster::{FleetId, Guard, json, keys};
use registry::reads;
use registry::settle::settle;
use registry::store::{Freshness, Hold, Outcome, Seen, StoreError};

use crate::adopt;
use crate::bell::Bell;
use crate::clock;
use crate::node::{Node, Standing};
use crate::record::{self, Claim, Rewrite};
use crate::runtime_dir::random_id;
use crate::transfer;

/// Wait before a failed beat is tried again (registry rule 2).
const RETRY_MS: u64 = 1000;
/// From this failure in a row on registering waits no longer: two to four seconds. Nobody can be lost by waiting whose record is
/// gone, while a thousand that ask every second what a slow store cannot answer within one keep it slow.
const REGISTER_SLOWEST: u32 = 3;
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
    let mut failures = 0_u32;
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
                failures = (failures + 1).min(REGISTER_SLOWEST);
                read_again_ms(failures, node.identity.id.share())
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
    let Look { view, seen, standing } = look(node).await.map_err(|error| error.to_string())?;
    match standing {
        StoreStanding::Frozen(freeze) => {
            if transfer::lift(node, &view).await? {
                return Ok(Attempt::Again);
            }
            keep_in_mind(node, &freeze, seen);
            return Ok(Attempt::Not(Standing::Frozen(freeze), FROZEN_LOOK_MS));
        }
        StoreStanding::Found => return found(node).await,
        StoreStanding::Join(fleet) => {
            // Before the fleet is remembered, or an agent that is killed here would never come back to it.
            if view.layout.as_ref().is_some_and(|layout| !layout.value.adopts.is_empty()) {
                if let Some(refused) = claim(node).await? {
                    return Ok(refused);
                }
                adopt::give_up(node).await?;
            }
            node.remember(Remembered { fleet, index: seen.index, cluster: seen.cluster, behind: None })
        }
        StoreStanding::Ours => note_index(node, seen),
        StoreStanding::Adopted(fleet) => {
            if let Some(refused) = claim(node).await? {
                return Ok(refused);
            }
            adopt::bring_in(node).await?;
            adopt::give_up(node).await?;
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
    Ok(claim(node).await?.unwrap_or(Attempt::Registered))
}

/// Makes the record ours; what is left to do where another machine lives under this ID, which may go, or be given one of its
/// own.
async fn claim(node: &Node) -> Result<Option<Attempt>, String> {
    Ok(match record::claim(node).await? {
        Claim::Ours => None,
        Claim::Theirs { address } => Some(Attempt::Not(Standing::Duplicate { address }, node.beat_ms())),
    })
}

/// This machine is of another fleet from now on, and its markers are of that one's incarnations.
fn now_of(node: &Node, fleet: FleetId, seen: Seen) {
    node.recall.set(true);
    node.store.interrupt_watches();
    node.remember(Remembered { fleet, index: seen.index, cluster: seen.cluster, behind: None });
}

/// `fleet/` as a majority showed it.
pub struct Look {
    /// What is there.
    pub view: Snapshot,
    /// The counters of the answer.
    pub seen: Seen,
    /// How this machine stands to that store.
    pub standing: StoreStanding,
}

/// Looks whose store it is, by what was remembered when the question went out: an answer that took its time may be older
/// than what another loop has read meanwhile, and the store has not gone back for that.
///
/// # Errors
/// No usable answer.
pub async fn look(node: &Node) -> Result<Look, StoreError> {
    let known = node.remembered.borrow().clone();
    let (view, seen) = node.with_store(reads::fleet).await?;
    let standing = assess(known.as_ref(), &view, seen);
    Ok(Look { view, seen, standing })
}

/// How this machine stands to the store that `view` was read from, by what it remembered when it began to read. Whoever finds
/// that it is not its own looks once more.
pub fn assess(known: Option<&Remembered>, view: &Snapshot, seen: Seen) -> StoreStanding {
    let layout = view.layout.as_ref().map(|layout| &layout.value);
    let unreadable = view.unreadable.contains_key(keys::LAYOUT);
    standing(known, layout, unreadable, (seen.index, seen.cluster))
}

/// Remembers a store that a majority of it showed to be at an earlier moment: whoever writes to it meanwhile makes its index
/// grow, and what this machine saw comes back only by an operator's word.
pub fn keep_in_mind(node: &Node, freeze: &Freeze, seen: Seen) {
    let remembered = node.remembered.borrow().clone();
    if let (Freeze::WentBack { to, .. }, Some(remembered)) = (freeze, remembered) {
        let behind = Some(Behind { cluster: seen.cluster, index: *to });
        node.remember(Remembered { behind, ..remembered });
    }
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

async fn beat(node: &Node) -> Beat {
    let Some(current) = node.presence.borrow().clone() else { return Beat::Lost };
    let wanted = record::wanted(node);
    if wanted != current.value {
        return match record::rewrite(node, &wanted, current.guard).await {
            Ok(Rewrite::Done) => Beat::Good,
            Ok(Rewrite::Lost) => Beat::Lost,
            Err(why) => Beat::Failed(why),
        };
    }
    let Ok(value) = json::encode(&wanted, REGISTRY_VALUE_MAX_BYTES) else { return Beat::Lost };
    let (key, ttl) = (keys::presence(&node.identity.id), node.settings().timing.agent_ttl_seconds);
    let is_heard = node.contact.borrow().is_unbroken(clock::now_ms());
    let beaten_at = node.with_store_first(move |store| {
        // A beat keeps the record alive though its answer is lost. Where that may be so, an answer to something else has
        // to come first: this machine, deaf, would stay a member for ever and run nothing.
        if !is_heard && let Err(error) = store.read(&key, Freshness::Quorum) {
            return (0, Outcome::Unknown(error));
        }
        (clock::now_ms(), store.keep_alive(&key, Hold::Value(&value), ttl))
    });
    let (sent_ms, outcome) = beaten_at.await;
    match outcome {
        Outcome::Done { created, modified } => {
            let Some(guard) = Guard::new(modified) else {
                return Beat::Failed("no modifiedIndex".to_string());
            };
            *node.presence.borrow_mut() = Some(Kept { value: wanted, created, guard });
            node.saw_index(modified);
            record::beaten(node, sent_ms);
            Beat::Good
        }
        Outcome::Refused(_) => Beat::Lost,
        Outcome::Unknown(error) => Beat::Failed(error.to_string()),
    }
}
