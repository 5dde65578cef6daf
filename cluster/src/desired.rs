//! What this machine is to hold, from what it read of the registry: its assignments, the globals it is eligible
//! for, and for units that nobody asks of it any more the proof without which nothing stops (registry rule 4).

use alloc::vec::Vec;

use crate::globals;
use crate::ids::{Hash, Incarnation, MachineId};
use crate::name::UnitName;
use crate::reconcile::{Departure, Want};
use crate::records::{Assignment, Marker, Phase, Placement};
use crate::requirements::Requirements;
use crate::snapshot::{Machine, Snapshot, Unit};
use crate::sorted::{Map, Set};

/// Requirements of the specs this machine has read, by the exact file they were read from.
pub type Known = Map<(UnitName, Hash), Requirements>;

/// The specs whose requirements a plan needs and [`Known`] does not hold yet: those of globals, and, if there are
/// globals, of the units placed here.
#[must_use]
pub fn unknown(view: &Snapshot, me: &MachineId, known: &Known) -> Vec<(UnitName, Hash)> {
    if view.globals.is_empty() {
        return Vec::new();
    }
    let globals = view.globals.iter().map(|(name, global)| (name.clone(), global.value.hash));
    let placed = view.machines.get(me).into_iter().flat_map(|machine| &machine.assigned);
    let placed = placed.map(|(name, assigned)| (name.clone(), assigned.value.hash));
    globals.chain(placed).filter(|key| !known.contains_key(key)).collect()
}

/// What the machine is to hold or to be rid of, from its own folder and `fleet/` in `view`. Units on disk that
/// appear in neither are not in the answer: [`orphans`] names them, and [`proof`] decides about each.
#[must_use]
pub fn wants(
    view: &Snapshot,
    me: &MachineId,
    known: &Known,
    local: &Map<UnitName, Marker>,
) -> Map<UnitName, Want> {
    let mut wants = Map::new();
    let Some(machine) = view.machines.get(me) else { return wants };
    for (name, assigned) in &machine.assigned {
        if let Some(want) = ordered(&assigned.value) {
            wants.insert(name.clone(), want);
        }
    }
    // A machine that cannot see its own record does not know what it is eligible for.
    if machine.presence.is_some() {
        add_globals(&mut wants, view, (me, machine), known, local);
    }
    wants
}

/// What an assignment asks for.
fn ordered(order: &Assignment) -> Option<Want> {
    match order.phase {
        Phase::Placed if order.target.wants_machine() => Some(Want::Hold {
            incarnation: order.incarnation,
            hash: order.hash,
            target: order.target,
            global: false,
        }),
        Phase::Placed => None,
        Phase::Revoked => Some(Want::Go { departure: Departure::Revoked(order.why.clone()), release: true }),
    }
}

/// The globals that the machine may run, and those it has and may not run any more. What it was given comes first.
fn add_globals(
    wants: &mut Map<UnitName, Want>,
    view: &Snapshot,
    (me, machine): (&MachineId, &Machine),
    known: &Known,
    local: &Map<UnitName, Marker>,
) {
    let placed = machine.assigned.iter().map(|(name, assigned)| {
        (name, known.get(&(name.clone(), assigned.value.hash)).unwrap_or(&globals::UNKNOWN))
    });
    let placed = placed.collect();
    let readable = view
        .globals
        .iter()
        .filter_map(|(name, global)| Some((name, known.get(&(name.clone(), global.value.hash))?)));
    for (name, verdict) in globals::eligible(me, machine, &machine.metadata(), readable, &placed) {
        let Some(global) = view.globals.get(name).map(|kept| &kept.value) else { continue };
        let want = match verdict {
            Ok(()) => Want::Hold {
                incarnation: global.incarnation,
                hash: global.hash,
                target: global.target,
                global: true,
            },
            Err(_) if !local.get(name).is_some_and(|marker| marker.global) => continue,
            Err(refusal) => Want::Go { departure: Departure::NotEligible(refusal), release: false },
        };
        wants.entry(name.clone()).or_insert(want);
    }
}

/// Units on disk that the registry's derived keys do not mention: only the specs and placements themselves can
/// say what became of them. Copies of a global unit that has its record are no orphans: [`wants`] speaks of them as
/// soon as the unit's spec has been read.
#[must_use]
pub fn orphans(view: &Snapshot, wants: &Map<UnitName, Want>, local: &Map<UnitName, Marker>) -> Set<UnitName> {
    let is_orphan = |name: &UnitName, marker: &Marker| {
        let spoken_of = wants.contains_key(name) || marker.global && view.globals.contains_key(name);
        !spoken_of
    };
    local.iter().filter(|(name, marker)| is_orphan(name, marker)).map(|(name, _)| name.clone()).collect()
}

/// What spec and placement say about an orphan. `None` proves nothing: it goes on running, and is looked at again.
/// [`Departure::Unplaced`] is proof only once whoever leads has had the time to place the unit.
#[must_use]
pub fn proof(
    me: &MachineId,
    marker: &Marker,
    spec: Option<&Unit>,
    placement: Option<&Placement>,
) -> Option<Want> {
    let mine = placement.is_some_and(|placement| placement.machine == *me);
    let departure = match (spec, placement) {
        (None, _) => Departure::UnitGone,
        (Some(unit), _) if unit.incarnation != marker.incarnation => Departure::UnitReplaced,
        (Some(unit), _) if !unit.target.wants_machine() => Departure::TargetInactive,
        (Some(unit), _) if marker.global && !unit.requirements.global => Departure::NotGlobal,
        (Some(_), _) if marker.global => return None,
        (Some(unit), _) if unit.requirements.global => Departure::BecameGlobal,
        (Some(_), Some(placement)) if !mine => Departure::PlacedElsewhere(placement.machine.clone()),
        (Some(_), None) => Departure::Unplaced,
        (Some(_), _) => return None,
    };
    let release = mine && placement.and_then(|placement| placement.incarnation) == Some(marker.incarnation);
    Some(Want::Go { departure, release })
}

/// Which of the units about to be started, or just started, are this machine's to run (registry rule 7).
/// `placements` is what a quorum read found now.
#[must_use]
pub fn not_mine(
    me: &MachineId,
    starts: &Map<UnitName, Incarnation>,
    placements: &Map<UnitName, Placement>,
) -> Set<UnitName> {
    let mine = |name: &UnitName, incarnation: &Incarnation| {
        placements
            .get(name)
            .is_some_and(|placement| placement.machine == *me && placement.incarnation == Some(*incarnation))
    };
    starts
        .iter()
        .filter(|(name, incarnation)| !mine(name, incarnation))
        .map(|(name, _)| name.clone())
        .collect()
}
