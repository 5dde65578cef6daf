//! This machine's own record in the registry: what is to stand in it, and making it ours (registry rules 3 and 9). When
//! it is written and kept alive is `presence`'s business.

use cluster::limits::REGISTRY_VALUE_MAX_BYTES;
use cluster::records::Presence;
use cluster::snapshot::Kept;
use cluster::{Guard, json, keys};
use registry::settle::{Settled, settle};
use registry::store::{Freshness, Node as Record, Outcome, StoreError};

use crate::clock;
use crate::config;
use crate::node::Node;

/// Wait between two looks at a record that is about to end: well within what a judge waits (`loss::CONFIRMATION_MS`).
const LOOK_MS: u64 = 100;

/// Whose the record under this machine's ID is.
pub(crate) enum Claim {
    /// Ours.
    Ours,
    /// That of another machine, which keeps it alive.
    Theirs {
        /// Where that machine is, as it says.
        address: String,
    },
}

/// How writing a changed record ended.
pub(crate) enum Rewrite {
    /// It is there.
    Done,
    /// The record is gone or somebody else's.
    Lost,
}

/// The record as it should be now.
pub(crate) fn wanted(node: &Node) -> Presence {
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
///
/// # Errors
/// The registry did not answer, or the record changed while it was taken over.
pub(crate) async fn claim(node: &Node) -> Result<Claim, String> {
    let presence = wanted(node);
    let Some(record) = write(node, &presence, None).await? else { return Ok(Claim::Ours) };
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
            return Ok(Claim::Theirs { address });
        }
    }
    match write(node, &presence, Some(guard)).await? {
        None => Ok(Claim::Ours),
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
        let read = node.with_store(move |store| store.read(&key, Freshness::Quorum)).await;
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
            if node.presence.replace(Some(Kept { value: presence.clone(), created, guard })).is_none() {
                node.claims.set(node.claims.get().wrapping_add(1));
            }
            beaten(node, sent_ms);
            Ok(None)
        }
        Settled::Refused(Some(record)) => Ok(Some(record)),
        Settled::Refused(None) => Err("presence vanished while it was written".to_string()),
    }
}

/// Notes a beat that was sent at `sent_ms` and succeeded. If contact began anew with it, a leader that had no verdict
/// on somebody's absence has to be told, since nothing else wakes it for that.
pub(crate) fn beaten(node: &Node, sent_ms: u64) {
    let judges_from = || node.contact.borrow().judges_from_ms(node.agent_ttl_ms());
    let before = judges_from();
    node.contact.borrow_mut().beat(sent_ms, node.beat_ms() + node.request_timeout_ms());
    if judges_from() != before {
        node.ropes.schedule.ring();
    }
}

/// Writes a changed record over our own. A beat whose answer was lost may have landed since, which moved its index: it
/// is ours all the same, and one that is leaving must not be given up for that.
///
/// # Errors
/// The registry did not answer, or the record changes again and again.
pub(crate) async fn rewrite(node: &Node, wanted: &Presence, mut guard: Guard) -> Result<Rewrite, String> {
    for _ in 0..3 {
        let Some(there) = write(node, wanted, Some(guard)).await? else { return Ok(Rewrite::Done) };
        let value: Option<Presence> = json::decode(there.value.as_bytes()).ok();
        match Guard::new(there.modified).filter(|_| value.is_some_and(|value| is_ours(node, &value))) {
            Some(newer) => guard = newer,
            None => return Ok(Rewrite::Lost),
        }
    }
    Err("this machine's record changes while it is written".to_string())
}
