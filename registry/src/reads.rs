//! Typed reads: the cluster, one machine's part of it, one unit. Absence and failure are different types all the
//! way up; a read that fails gives nothing, never half of it.

use cluster::records::{Placement, StateRow, Transit};
use cluster::snapshot::{Kept, Snapshot, Unit};
use cluster::sorted::{Map, Set};
use cluster::{MachineId, Session, UnitName, keys};

use crate::room::Room;
use crate::store::{Freshness, Seen, Store, StoreError, StoreErrorKind};

/// From this many units on the whole folder is read at once. Up to there each is read alone, which costs the same in every fleet: with a
/// thousand machines the folder is 3 MB, and all of them asking for it after an outage kept an etcd from ever recovering.
const WHOLE_FOLDER_FROM: usize = 33;

/// Everything, from one moment of the store.
///
/// # Errors
/// No usable answer.
pub fn cluster(store: &dyn Store, freshness: Freshness, files: bool) -> Result<(Snapshot, Seen), StoreError> {
    let (mut snapshot, room) =
        if files { (Snapshot::with_files(), Room::files()) } else { (Snapshot::default(), Room::cluster()) };
    let seen = absorb_within(room, store, "", freshness, &mut snapshot)?;
    Ok((snapshot, seen))
}

/// What a machine acts on: `fleet/` and its own folder. The index is the older of the two reads', so that a watch
/// resumed from it misses nothing.
///
/// # Errors
/// No usable answer.
pub fn machine(store: &dyn Store, me: &MachineId) -> Result<(Snapshot, Seen), StoreError> {
    let mut snapshot = Snapshot::default();
    let seen = absorb(store, keys::FLEET, Freshness::Local, &mut snapshot)?;
    absorb(store, &keys::machine(me), Freshness::Local, &mut snapshot)?;
    Ok((snapshot, seen))
}

/// The layout alone, with the counters of the answer.
///
/// # Errors
/// No usable answer.
pub fn fleet(store: &dyn Store) -> Result<(Snapshot, Seen), StoreError> {
    let mut snapshot = Snapshot::default();
    let seen = absorb(store, keys::FLEET, Freshness::Quorum, &mut snapshot)?;
    Ok((snapshot, seen))
}

/// The mark of a registry on its way to another store, if there is one: what was written before it is not there was
/// written in time to be copied. Confirmed by a majority.
///
/// # Errors
/// No usable answer.
pub fn transit(store: &dyn Store) -> Result<Option<Transit>, StoreError> {
    let mut one = Snapshot::default();
    absorb(store, keys::LAYOUT, Freshness::Quorum, &mut one)?;
    Ok(one.layout.and_then(|layout| layout.value.transit))
}

/// The state rows of one life of a machine, confirmed by a majority.
///
/// # Errors
/// No usable answer.
pub fn rows(
    store: &dyn Store,
    machine: &MachineId,
    session: Session,
) -> Result<Map<UnitName, StateRow>, StoreError> {
    let mut snapshot = Snapshot::default();
    absorb(store, &keys::session(machine, session), Freshness::Quorum, &mut snapshot)?;
    let lives = snapshot.rows.remove(machine);
    Ok(lives.and_then(|mut lives| lives.remove(&session)).unwrap_or_default())
}

/// Reads a tree that concerns one machine, or a part of it, into `snapshot`.
fn absorb(
    store: &dyn Store,
    key: &str,
    freshness: Freshness,
    into: &mut Snapshot,
) -> Result<Seen, StoreError> {
    absorb_within(Room::machine(), store, key, freshness, into)
}

/// Reads a tree into `snapshot`; one that has no room there fails.
fn absorb_within(
    mut room: Room,
    store: &dyn Store,
    key: &str,
    freshness: Freshness,
    into: &mut Snapshot,
) -> Result<Seen, StoreError> {
    let seen = store.read_tree(key, freshness, &mut |leaf| {
        if room.takes(&leaf) {
            into.absorb(leaf.key, leaf.value, leaf.created, leaf.modified);
            if let Some(left_secs) = leaf.ttl_secs {
                into.note_ttl(leaf.key, left_secs);
            }
        }
    })?;
    room.sufficed(key).map(|()| seen)
}

/// A spec that is there: read, or known to be unreadable.
pub type Spec = Result<Unit, String>;

/// One unit's spec with its file.
///
/// # Errors
/// No usable answer.
pub fn spec(store: &dyn Store, unit: &UnitName, freshness: Freshness) -> Result<Option<Spec>, StoreError> {
    let key = keys::spec(unit);
    let mut one = Snapshot::with_files();
    let (Some(node), _) = store.read(&key, freshness)? else { return Ok(None) };
    one.absorb(&key, &node.value, node.created, node.modified);
    Ok(Some(match one.units.remove(unit) {
        Some(unit) => Ok(unit),
        None => Err(one.unreadable.remove(&key).unwrap_or_else(|| "unreadable".to_string())),
    }))
}

/// One unit's placement; an unreadable one is an error of the answer, since nothing may be concluded from it.
///
/// # Errors
/// No usable answer.
pub fn placement(store: &dyn Store, unit: &UnitName) -> Result<Option<Kept<Placement>>, StoreError> {
    let key = keys::placement(unit);
    let mut one = Snapshot::default();
    let (Some(node), _) = store.read(&key, Freshness::Quorum)? else { return Ok(None) };
    one.absorb(&key, &node.value, node.created, node.modified);
    match one.placements.remove(unit) {
        Some(placement) => Ok(Some(placement)),
        None => Err(StoreError {
            operation: format!("read {key}"),
            kind: StoreErrorKind::BadAnswer,
            cause: one.unreadable.remove(&key).unwrap_or_else(|| "unreadable".to_string()),
        }),
    }
}

/// The placements of several units; a unit in neither has none.
#[derive(Clone, Debug, Default)]
pub struct Placements {
    /// Those that could be read.
    pub found: Map<UnitName, Kept<Placement>>,
    /// Units that have one that cannot be read: nothing may be concluded about them.
    pub unreadable: Set<UnitName>,
}

/// The placements of several units, confirmed by a majority (registry rule 7).
///
/// # Errors
/// No usable answer.
pub fn placements(store: &dyn Store, units: &Set<UnitName>) -> Result<Placements, StoreError> {
    let mut snapshot = Snapshot::default();
    if units.len() >= WHOLE_FOLDER_FROM {
        absorb_within(Room::cluster(), store, keys::PLACEMENTS, Freshness::Quorum, &mut snapshot)?;
    } else {
        for unit in units {
            absorb(store, &keys::placement(unit), Freshness::Quorum, &mut snapshot)?;
        }
    }
    let (mut found, mut unreadable) = (snapshot.placements, snapshot.unreadable_placements);
    found.retain(|unit, _| units.contains(unit));
    unreadable.retain(|unit| units.contains(unit));
    Ok(Placements { found, unreadable })
}

/// The placements of units that `me` began to bring into the store, and of which nobody knows yet which one they are.
/// Confirmed by a majority.
///
/// # Errors
/// No usable answer.
pub fn unfinished(store: &dyn Store, me: &MachineId) -> Result<Map<UnitName, Kept<Placement>>, StoreError> {
    let mut snapshot = Snapshot::default();
    absorb_within(Room::cluster(), store, keys::PLACEMENTS, Freshness::Quorum, &mut snapshot)?;
    let mut found = snapshot.placements;
    found.retain(|_, placement| placement.value.machine == *me && placement.value.incarnation.is_none());
    Ok(found)
}

/// The snapshot that one unit's API object is made of: its spec, placement, and the machine that holds it with
/// its rows. Four small reads in place of one of everything.
///
/// # Errors
/// No usable answer.
pub fn around(store: &dyn Store, unit: &UnitName) -> Result<Snapshot, StoreError> {
    let mut snapshot = Snapshot::with_files();
    absorb(store, &keys::spec(unit), Freshness::Local, &mut snapshot)?;
    absorb(store, &keys::placement(unit), Freshness::Local, &mut snapshot)?;
    let holder = snapshot.placements.get(unit).map(|placement| placement.value.machine.clone());
    if let Some(holder) = holder {
        absorb(store, &keys::presence(&holder), Freshness::Local, &mut snapshot)?;
        let session = snapshot.machines.get(&holder).and_then(cluster::snapshot::Machine::session);
        if let Some(session) = session {
            absorb(store, &keys::state(&holder, session, unit), Freshness::Local, &mut snapshot)?;
        }
    }
    Ok(snapshot)
}
