//! What would the leader do if these units were asked for now? For `start --dry-run`: the wishes are laid over a snapshot
//! and [`schedule::plan`] is asked, the same as on the leader. Nothing is written anywhere.

use alloc::vec::Vec;

use crate::globals;
use crate::ids::{Guard, Hash, Incarnation, MachineId};
use crate::name::UnitName;
use crate::reason::{Cause, Pending, Refusal};
use crate::records::Phase;
use crate::requirements::Requirements;
use crate::schedule::{self, Decision, Plan};
use crate::snapshot::{Snapshot, Unit};
use crate::sorted::{Map, Set};
use crate::state::TargetState;

/// What is asked of one unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The unit.
    pub name: UnitName,
    /// What it is to be.
    pub target: TargetState,
    /// What it asks of machines, of a unit that is new or whose content would be replaced; `None` for the stored one.
    pub requirements: Option<Requirements>,
}

/// What would become of a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is on this machine and would stay there.
    Stays(MachineId),
    /// It would be placed on this machine.
    Goes(MachineId, Cause),
    /// It would have to leave this machine before anything else.
    Leaves(MachineId, Cause),
    /// It would be on no machine for now.
    Waits(Pending),
    /// A global unit: what every live machine says to it.
    Everywhere(Map<MachineId, Result<(), Refusal>>),
    /// It would be on no machine, and is not to be.
    Nowhere,
}

/// What would happen, and what would not without the wishes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rehearsal {
    /// The units wished for, in the order of the wishes. Those that are not there at all are left out.
    pub fates: Vec<(UnitName, Fate)>,
    /// Other units that would have to leave their machine for it.
    pub displaced: Vec<(UnitName, MachineId, Cause)>,
}

/// Plays the wishes through, all at once.
#[must_use]
pub fn rehearse(mut snapshot: Snapshot, wishes: &[Wish]) -> Rehearsal {
    let lost = Set::new();
    let before = revoked(&schedule::plan(&snapshot, &lost));
    let free = first_free(&snapshot);
    for (number, wish) in (free..).zip(wishes) {
        lay_over(&mut snapshot, wish, number);
    }
    let plan = schedule::plan(&snapshot, &lost);
    let leaving = revoked(&plan);
    let known = wishes.iter().filter(|wish| snapshot.units.contains_key(&wish.name));
    let fates = known.map(|wish| (wish.name.clone(), fate(&snapshot, &plan, &leaving, &wish.name))).collect();
    let is_news =
        |name: &UnitName| !before.contains_key(name) && !wishes.iter().any(|wish| wish.name == *name);
    let displaced = leaving.iter().filter(|(name, _)| is_news(name));
    let displaced = displaced.map(|(name, (machine, cause))| (name.clone(), machine.clone(), cause.clone()));
    Rehearsal { fates, displaced: displaced.collect() }
}

/// An index that no key has.
fn first_free(snapshot: &Snapshot) -> u64 {
    let units = snapshot.units.values().map(|unit| unit.incarnation.get());
    let placements = snapshot.placements.values().filter_map(|placement| placement.value.incarnation);
    units.chain(placements.map(Incarnation::get)).max().unwrap_or(0).saturating_add(1)
}

/// Replaced content makes a unit inactive first, so it gives its place up.
fn lay_over(snapshot: &mut Snapshot, wish: &Wish, number: u64) {
    let Some(requirements) = &wish.requirements else {
        if let Some(unit) = snapshot.units.get_mut(&wish.name).filter(|unit| unit.target != wish.target) {
            unit.target = wish.target;
            snapshot.setbacks.remove(&wish.name);
        }
        return;
    };
    let (Some(incarnation), Some(guard)) = (Incarnation::new(number), Guard::new(number)) else { return };
    let (target, requirements) = (wish.target, requirements.clone());
    let (hash, file) = (Hash::of(""), None);
    let unit = Unit { incarnation, guard, target, hash, requirements, file };
    if snapshot.units.insert(wish.name.clone(), unit).is_some() {
        snapshot.placements.remove(&wish.name);
        for machine in snapshot.machines.values_mut() {
            machine.assigned.remove(&wish.name);
            machine.unreadable_assigned.remove(&wish.name);
        }
    }
}

type Leaving = Map<UnitName, (MachineId, Cause)>;

/// The units a plan takes off their machines.
fn revoked(plan: &Plan) -> Leaving {
    let revoked = |decision: &Decision| match decision {
        Decision::Assign { unit, machine, assignment, cause, .. } if assignment.phase == Phase::Revoked => {
            Some((unit.clone(), (machine.clone(), cause.clone())))
        }
        _ => None,
    };
    plan.decisions.iter().filter_map(revoked).collect()
}

fn fate(snapshot: &Snapshot, plan: &Plan, leaving: &Leaving, name: &UnitName) -> Fate {
    if snapshot.units.get(name).is_some_and(|unit| unit.requirements.global) {
        return Fate::Everywhere(globals::verdicts(snapshot, name));
    }
    let placed = plan.decisions.iter().find_map(|decision| match decision {
        Decision::Place { unit, machine, cause, .. } if unit == name => {
            Some((machine.clone(), cause.clone()))
        }
        _ => None,
    });
    if let Some((machine, cause)) = placed {
        return Fate::Goes(machine, cause);
    }
    if let Some(pending) = plan.pending.get(name) {
        return Fate::Waits(pending.clone());
    }
    match (leaving.get(name), snapshot.placements.get(name)) {
        (Some((machine, cause)), _) => Fate::Leaves(machine.clone(), cause.clone()),
        (None, Some(placement)) => Fate::Stays(placement.value.machine.clone()),
        (None, None) => Fate::Nowhere,
    }
}
