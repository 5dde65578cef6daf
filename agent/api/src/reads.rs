//! Which keys the routes read, beyond the typed reads of `registry`: as few as the answer needs, since a list is
//! asked for often and the largest part of a registry is unit files.

use cluster::keys::{self, Key};
use cluster::records::Spec;
use cluster::snapshot::{Machine, Snapshot};
use cluster::sorted::Map;
use cluster::unit_file::UnitFile;
use cluster::{MachineId, Session, UnitName, json};
use registry::reads as typed;
use registry::room::Room;
use registry::store::{Freshness, Store, StoreError};

/// Machines with their presence, metadata and drain marks, without what they were given.
pub(super) fn machines(store: &dyn Store, freshness: Freshness) -> Result<Snapshot, StoreError> {
    let mut snapshot = Snapshot::default();
    absorb(store, keys::MACHINES, freshness, &mut snapshot, |key| !matches!(key, Key::Assigned(..)))?;
    Ok(snapshot)
}

/// One machine with its presence, metadata and drain mark.
pub(super) fn machine(store: &dyn Store, id: &MachineId) -> Result<Machine, StoreError> {
    let mut snapshot = Snapshot::default();
    let folder = keys::machine(id);
    absorb(store, &folder, Freshness::Quorum, &mut snapshot, |key| !matches!(key, Key::Assigned(..)))?;
    Ok(snapshot.machines.remove(id).unwrap_or_default())
}

/// Everything that a list of units is made of, the files of those `wanted` too; not what was derived from that.
pub(super) fn units(
    store: &dyn Store,
    wanted: impl Fn(&UnitName) -> bool,
) -> Result<(Snapshot, Files), StoreError> {
    let mut snapshot = Snapshot::default();
    let (mut files, mut room) = (Files::default(), Room::files());
    store.read_tree("", Freshness::Local, &mut |leaf| match Key::parse(leaf.key)
        .filter(|_| room.takes(&leaf))
    {
        None | Some(Key::Assigned(..) | Key::Global(_) | Key::Events) => {}
        Some(key) => {
            snapshot.absorb(leaf.key, leaf.value, leaf.created, leaf.modified);
            if matches!(&key, Key::Spec(name) if wanted(name)) {
                files.absorb(leaf.key, leaf.value);
            }
        }
    })?;
    room.sufficed("")?;
    Ok((snapshot, files))
}

/// Unit files as they are stored, each read when it is its turn: read, they take four times the room.
#[derive(Clone, Debug, Default)]
pub(super) struct Files {
    stored: Map<UnitName, Box<str>>,
    read: Map<UnitName, UnitFile>,
}

impl Files {
    /// Keeps a leaf that is a unit's spec.
    pub(super) fn absorb(&mut self, key: &str, value: &str) {
        if let Some(Key::Spec(name)) = Key::parse(key) {
            self.stored.insert(name, value.into());
        }
    }

    /// Keeps a file that is read already.
    pub(super) fn give(&mut self, name: &UnitName, file: Option<UnitFile>) {
        if let Some(file) = file {
            self.read.insert(name.clone(), file);
        }
    }

    /// Takes a unit's file out; `None` if there is none, or none that can be read.
    pub(super) fn take(&mut self, name: &UnitName) -> Option<UnitFile> {
        if let Some(file) = self.read.remove(name) {
            return Some(file);
        }
        let spec: Spec = json::decode(self.stored.remove(name)?.as_bytes()).ok()?;
        UnitFile::parse(&spec.unit).ok()
    }
}

/// Which rows are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    /// Rows of this machine only.
    pub(super) machine: Option<MachineId>,
    /// Rows of this unit only.
    pub(super) unit: Option<UnitName>,
}

/// From this many machines on, one read of all their folders costs the store less than one of each presence.
const READ_SINGLY_MAX: usize = 8;

/// The rows asked for and the presences of their machines.
pub(super) fn rows(store: &dyn Store, filter: &Filter, freshness: Freshness) -> Result<Snapshot, StoreError> {
    match (&filter.machine, &filter.unit) {
        (Some(id), unit) => rows_of_machine(store, id, unit.as_ref(), freshness),
        (None, Some(unit)) if freshness == Freshness::Local => rows_of_unit(store, unit),
        (None, unit) => all_rows(store, unit.as_ref(), freshness),
    }
}

/// A unit that one machine holds has its row there and nowhere else (registry rule 1).
fn rows_of_unit(store: &dyn Store, unit: &UnitName) -> Result<Snapshot, StoreError> {
    let around = typed::around(store, unit)?;
    let is_held = around.placements.contains_key(unit)
        && around.units.get(unit).is_some_and(|unit| !unit.requirements.global);
    if is_held { Ok(around) } else { all_rows(store, Some(unit), Freshness::Local) }
}

fn rows_of_machine(
    store: &dyn Store,
    id: &MachineId,
    unit: Option<&UnitName>,
    freshness: Freshness,
) -> Result<Snapshot, StoreError> {
    let mut snapshot = Snapshot::default();
    absorb(store, &keys::presence(id), freshness, &mut snapshot, |_| true)?;
    if let Some(session) = snapshot.machines.get(id).and_then(Machine::session) {
        let key = match unit {
            Some(unit) => keys::state(id, session, unit),
            None => keys::session(id, session),
        };
        absorb(store, &key, freshness, &mut snapshot, |_| true)?;
    }
    Ok(snapshot)
}

/// Rows first, then the presences of their machines, since those lie among much else. A machine that has begun another
/// life in between has its rows read again.
fn all_rows(
    store: &dyn Store,
    unit: Option<&UnitName>,
    freshness: Freshness,
) -> Result<Snapshot, StoreError> {
    let mut snapshot = Snapshot::default();
    let wanted = |key: &Key| match (key, unit) {
        (Key::State(_, _, name), Some(unit)) => name == unit,
        _ => true,
    };
    absorb(store, keys::STATES, freshness, &mut snapshot, wanted)?;
    if snapshot.rows.len() > READ_SINGLY_MAX {
        absorb(store, keys::MACHINES, freshness, &mut snapshot, |key| matches!(key, Key::Presence(_)))?;
    } else {
        let machines: Vec<MachineId> = snapshot.rows.keys().cloned().collect();
        for id in &machines {
            absorb(store, &keys::presence(id), freshness, &mut snapshot, |_| true)?;
        }
    }
    let session = |id: &MachineId| snapshot.machines.get(id).and_then(Machine::session);
    let reborn = |(id, lives): (&MachineId, &Map<Session, _>)| {
        session(id).filter(|session| !lives.contains_key(session)).map(|session| keys::session(id, session))
    };
    let missed: Vec<String> = snapshot.rows.iter().filter_map(|(id, lives)| reborn((id, lives))).collect();
    for key in missed {
        absorb(store, &key, freshness, &mut snapshot, wanted)?;
    }
    Ok(snapshot)
}

fn absorb(
    store: &dyn Store,
    key: &str,
    freshness: Freshness,
    into: &mut Snapshot,
    is_wanted: impl Fn(&Key) -> bool,
) -> Result<(), StoreError> {
    let mut room = Room::cluster();
    store.read_tree(key, freshness, &mut |leaf| {
        if room.takes(&leaf) && Key::parse(leaf.key).is_some_and(|key| is_wanted(&key)) {
            into.absorb(leaf.key, leaf.value, leaf.created, leaf.modified);
        }
    })?;
    room.sufficed(key)
}
