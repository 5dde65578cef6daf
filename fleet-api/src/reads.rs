//! Which keys the routes read, beyond the typed reads of `registry`: as few as the answer needs, since a list is
//! asked for often and the largest part of a registry is unit files.

use std::collections::BTreeMap;

use cluster::keys::{self, Key};
use cluster::records::Spec;
use cluster::snapshot::{Machine, Snapshot};
use cluster::unit_file::UnitFile;
use cluster::{MachineId, UnitName, json};
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

/// Everything that a list of units is made of, their files too; not what was derived from that.
pub(super) fn units(store: &dyn Store) -> Result<(Snapshot, Files), StoreError> {
    let mut snapshot = Snapshot::default();
    let mut files = Files::default();
    store.read_tree("", Freshness::Local, &mut |leaf| match Key::parse(leaf.key) {
        None | Some(Key::Assigned(..) | Key::Global(_)) => {}
        Some(_) => {
            snapshot.absorb(leaf.key, leaf.value, leaf.created, leaf.modified);
            files.absorb(leaf.key, leaf.value);
        }
    })?;
    Ok((snapshot, files))
}

/// Unit files as they are stored, each read when it is its turn: read, they take four times the room.
#[derive(Clone, Debug, Default)]
pub(super) struct Files(BTreeMap<UnitName, Box<str>>);

impl Files {
    /// Keeps a leaf that is a unit's spec.
    pub(super) fn absorb(&mut self, key: &str, value: &str) {
        if let Some(Key::Spec(name)) = Key::parse(key) {
            self.0.insert(name, value.into());
        }
    }

    /// Takes a unit's file out; `None` if there is none, or none that can be read.
    pub(super) fn take(&mut self, name: &UnitName) -> Option<UnitFile> {
        let spec: Spec = json::decode(self.0.remove(name)?.as_bytes()).ok()?;
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

/// The rows asked for and the presences of their machines. Presences come first, so that every row read is
/// of a life that had begun by then.
pub(super) fn rows(store: &dyn Store, filter: &Filter, freshness: Freshness) -> Result<Snapshot, StoreError> {
    let mut snapshot = Snapshot::default();
    let wanted = |key: &Key| match (key, &filter.unit) {
        (Key::State(_, _, unit), Some(wanted)) => unit == wanted,
        _ => true,
    };
    let Some(id) = &filter.machine else {
        absorb(store, keys::MACHINES, freshness, &mut snapshot, |key| matches!(key, Key::Presence(_)))?;
        absorb(store, keys::STATES, freshness, &mut snapshot, wanted)?;
        return Ok(snapshot);
    };
    absorb(store, &keys::presence(id), freshness, &mut snapshot, |_| true)?;
    if let Some(session) = snapshot.machines.get(id).and_then(Machine::session) {
        absorb(store, &keys::session(id, session), freshness, &mut snapshot, wanted)?;
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
    store.read_tree(key, freshness, &mut |leaf| {
        if Key::parse(leaf.key).is_some_and(|key| is_wanted(&key)) {
            into.absorb(leaf.key, leaf.value, leaf.created, leaf.modified);
        }
    })?;
    Ok(())
}
