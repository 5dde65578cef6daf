//! From the units as they are wanted to the placements and rows that leader and machines would have written.

use cluster::records::{Placement, StateRow};
use cluster::snapshot::{Snapshot, Unit};
use cluster::sorted::Map;
use cluster::state::Order;
use cluster::{MachineId, TargetState, UnitName, globals, json, keys};
use registry::store::Store;

use super::{Score, write};
use crate::double::fleet::MACHINES;

/// Writes what is missing and removes what is too much.
pub(super) fn play(store: &dyn Store, score: &Score, snapshot: &Snapshot) {
    let mut wanted: Map<String, String> = Map::new();
    for (name, unit) in snapshot.units.iter().filter(|(_, unit)| unit.target.wants_machine()) {
        for id in machines(score, snapshot, name, unit) {
            if !unit.requirements.global {
                let incarnation = Some(unit.incarnation);
                let placement = Placement { machine: id.clone(), incarnation, epoch: None, losses: 0 };
                wanted.insert(keys::placement(name), json::encode(&placement, 4096).unwrap());
            }
            let session = snapshot.machines.get(&id).unwrap().session().unwrap();
            let row = json::encode(&row(score, name, unit), 4096).unwrap();
            wanted.insert(keys::state(&id, session, name), row);
        }
    }
    let mut there: Map<String, String> = Map::new();
    for folder in [keys::PLACEMENTS, keys::STATES] {
        let read = store.read_tree(folder, registry::store::Freshness::Quorum, &mut |leaf| {
            there.insert(leaf.key.to_owned(), leaf.value.to_owned());
        });
        if read.is_err() {
            return;
        }
    }
    for (key, value) in wanted.iter().filter(|(key, value)| there.get(*key) != Some(value)) {
        write(store, key, value);
    }
    for key in there.keys().filter(|key| !wanted.contains_key(*key)) {
        let _ = store.delete_tree(key);
    }
}

fn machines(score: &Score, snapshot: &Snapshot, name: &UnitName, unit: &Unit) -> Vec<MachineId> {
    if unit.requirements.global {
        let spread = globals::spread(snapshot);
        return spread.get(name).into_iter().flatten().map(|id| (*id).clone()).collect();
    }
    let place = score.places.get(name.as_str());
    place.map(|index| MachineId::parse(MACHINES[*index].0).unwrap()).into_iter().collect()
}

fn row(score: &Score, name: &UnitName, unit: &Unit) -> StateRow {
    let (active, sub, error) = match (score.shown.get(name.as_str()), unit.target) {
        (Some(shown), _) => *shown,
        (None, TargetState::Launched) => ("active", "running", ""),
        (None, _) => ("inactive", "dead", ""),
    };
    StateRow {
        incarnation: unit.incarnation,
        hash: unit.hash,
        order: Some(if unit.target == TargetState::Launched { Order::Launched } else { Order::Loaded }),
        load: "loaded".to_owned(),
        active: active.to_owned(),
        sub: sub.to_owned(),
        error: error.to_owned(),
    }
}
