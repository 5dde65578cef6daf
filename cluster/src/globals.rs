//! Which global units a machine is to run: one rule for the leader's load table, for the agent itself and for
//! the `3 of 3` of lists (registry rule 13). Placed units win over globals; among globals the first by name.

use alloc::string::String;
use alloc::vec::Vec;

use crate::fit;
use crate::ids::MachineId;
use crate::name::UnitName;
use crate::reason::Refusal;
use crate::requirements::Requirements;
use crate::snapshot::{Machine, Snapshot, Unit};
use crate::sorted::{Map, Set};

/// What a placed unit asks whose spec is gone or cannot be read. It still occupies its machine.
pub(crate) static UNKNOWN: Requirements = Requirements {
    machine_id: None,
    machine_of: Vec::new(),
    metadata: Map::new(),
    metadata_unreadable: Vec::new(),
    conflicts: Vec::new(),
    replaces: Vec::new(),
    global: false,
};

/// Decides for every global unit whether `machine` is to run it. `globals` comes in name order; `placed` are the
/// units placed there, also those on their way out. A unit whose requirements name an identity is held to it.
pub fn eligible<'a>(
    id: &MachineId,
    machine: &Machine,
    metadata: &Map<String, String>,
    globals: impl Iterator<Item = (&'a UnitName, &'a Requirements)>,
    placed: &Map<&'a UnitName, &'a Requirements>,
) -> Map<&'a UnitName, Result<(), Refusal>> {
    let globals: Vec<_> = globals.collect();
    let here = placed.iter().map(|(name, theirs)| (*name, *theirs));
    let accepted = running((id, machine, metadata), globals.iter().copied(), here);
    let verdict = |unit: (&'a UnitName, &'a Requirements)| {
        if accepted.contains_key(unit.0) {
            return Ok(());
        }
        let mut rivals = placed.iter().chain(accepted.iter().take_while(|(other, _)| **other < unit.0));
        let mut rival = || rivals.find(|(other, theirs)| fit::exclude(unit, (other, theirs)));
        let refusal = fit::machine_refusal(id, machine, metadata, unit.1);
        let refusal = refusal.or_else(|| rival().map(|(other, _)| Refusal::Conflict((*other).clone())));
        refusal.map_or(Ok(()), Err)
    };
    globals.iter().map(|unit| (unit.0, verdict(*unit))).collect()
}

/// Those of `globals` that the machine is to run, without a word about the others.
pub(crate) fn running<'a, 'p>(
    (id, machine, metadata): (&MachineId, &Machine, &Map<String, String>),
    globals: impl Iterator<Item = (&'a UnitName, &'a Requirements)>,
    placed: impl Iterator<Item = (&'p UnitName, &'p Requirements)> + Clone,
) -> Map<&'a UnitName, &'a Requirements> {
    let mut accepted: Map<&UnitName, &Requirements> = Map::new();
    for unit in globals {
        let mut others = accepted.iter().map(|(name, theirs)| (*name, *theirs));
        let excluded = |other: (&UnitName, &Requirements)| fit::exclude(unit, other);
        let takes = fit::machine_takes(id, machine, metadata, unit.1);
        if takes && !placed.clone().any(excluded) && !others.any(excluded) {
            accepted.insert(unit.0, unit.1);
        }
    }
    accepted
}

/// The global units of a snapshot that are to run somewhere, in name order.
pub fn wanted(snapshot: &Snapshot) -> impl Iterator<Item = (&UnitName, &Requirements)> {
    wanted_units(snapshot).map(|(name, unit)| (name, &unit.requirements))
}

/// The same with all that is known of each.
pub(crate) fn wanted_units(snapshot: &Snapshot) -> impl Iterator<Item = (&UnitName, &Unit)> {
    snapshot.units.iter().filter(|(name, unit)| is_wanted(name, unit))
}

/// True for a global unit that is to run somewhere.
pub(crate) fn is_wanted(name: &UnitName, unit: &Unit) -> bool {
    unit.requirements.global && unit.target.wants_machine() && !name.is_template()
}

/// For every global unit the live machines that are to run it, or would be if it were to run: the `m` of `n of m`.
#[must_use]
pub fn spread(snapshot: &Snapshot) -> Map<&UnitName, Set<&MachineId>> {
    let globals =
        snapshot.units.iter().filter(|(name, unit)| unit.requirements.global && !name.is_template());
    let mut spread: Map<&UnitName, Set<&MachineId>> = globals.map(|(name, _)| (name, Set::new())).collect();
    if spread.is_empty() {
        return spread;
    }
    let placed = placed_by_machine(snapshot);
    let none = Map::new();
    for (id, machine) in snapshot.machines.iter().filter(|(_, machine)| machine.takes_units()) {
        let (metadata, here) = (machine.metadata(), placed.get(id).unwrap_or(&none));
        let running = eligible(id, machine, &metadata, wanted(snapshot), here);
        for (name, machines) in spread.iter_mut() {
            // One that is to run nowhere stands in nobody's way, so each is asked about by itself.
            let fits = running.get(name).map_or_else(
                || {
                    eligible(id, machine, &metadata, wanted_and(snapshot, name), here)
                        .get(name)
                        .is_some_and(Result::is_ok)
                },
                Result::is_ok,
            );
            if fits {
                machines.insert(id);
            }
        }
    }
    spread
}

/// The global units that are to run somewhere, and `name` besides.
fn wanted_and<'a>(
    snapshot: &'a Snapshot,
    name: &'a UnitName,
) -> impl Iterator<Item = (&'a UnitName, &'a Requirements)> {
    let asked = move |other: &UnitName, unit: &Unit| {
        is_wanted(other, unit) || other == name && unit.requirements.global
    };
    let units = snapshot.units.iter().filter(move |(other, unit)| asked(other, unit));
    units.map(|(other, unit)| (other, &unit.requirements))
}

/// What every live machine says to one global unit, also to one that is to run nowhere at present.
#[must_use]
pub fn verdicts(snapshot: &Snapshot, name: &UnitName) -> Map<MachineId, Result<(), Refusal>> {
    let placed = placed_by_machine(snapshot);
    let none = Map::new();
    let verdict = |(id, machine): (&MachineId, &Machine)| {
        let here = placed.get(id).unwrap_or(&none);
        let verdict =
            eligible(id, machine, &machine.metadata(), wanted_and(snapshot, name), here).remove(name)?;
        Some((id.clone(), verdict))
    };
    snapshot.machines.iter().filter(|(_, machine)| machine.is_live()).filter_map(verdict).collect()
}

fn placed_by_machine(snapshot: &Snapshot) -> Map<&MachineId, Map<&UnitName, &Requirements>> {
    let mut placed: Map<&MachineId, Map<&UnitName, &Requirements>> = Map::new();
    for (name, placement) in &snapshot.placements {
        let requirements = snapshot.units.get(name).map_or(&UNKNOWN, |unit| &unit.requirements);
        placed.entry(&placement.value.machine).or_default().insert(name, requirements);
    }
    placed
}
