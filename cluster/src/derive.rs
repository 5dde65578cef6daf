//! The derived keys: assignments and globals as functions of specs and placements, in both directions, and the
//! rows of lives that are over (registry rules 5 and 8). `schedule` decides who is where; this makes the keys say so.

use alloc::string::ToString;

use crate::board::Board;
use crate::ids::{Hash, MachineId};
use crate::reason::Cause;
use crate::records::{Assignment, GlobalUnit, Phase};
use crate::roster::{Row, row};
use crate::schedule::{Decision, Departures, Plan};
use crate::snapshot::{Snapshot, Unit};
use crate::sorted::Set;

/// The assignment that tells a machine to hold `unit`.
pub(crate) fn hold(unit: &Unit) -> Assignment {
    Assignment {
        incarnation: unit.incarnation,
        hash: unit.hash,
        target: unit.target,
        phase: Phase::Placed,
        why: "".to_string(),
    }
}

/// True if `told` is what [`hold`] tells.
pub(crate) fn is_held(told: &Assignment, unit: &Unit) -> bool {
    (told.incarnation, told.hash, told.target, told.phase)
        == (unit.incarnation, unit.hash, unit.target, Phase::Placed)
}

/// Writes and deletes assignments until they are what placements and departures say.
pub(crate) fn assignments(
    (snapshot, roster, lost): (&Snapshot, &[Row<'_>], &Set<MachineId>),
    departures: &Departures<'_>,
    board: &Board<'_>,
    plan: &mut Plan,
) {
    let (mut doubtful, unbacked) = board.doubtful();
    // What is placed on a machine without a folder is on no board.
    let elsewhere = roster.iter().filter(|row| row.home.is_none() && row.held().is_some());
    doubtful.extend(elsewhere.map(|row| row.name));
    doubtful.sort_unstable();
    for row in doubtful.into_iter().filter_map(|name| row(roster, name)) {
        let (name, Some((placement, machine))) = (row.name, row.held()) else { continue };
        let folder = snapshot.machines.get(machine);
        let existing = folder.and_then(|folder| folder.assigned.get(name));
        let Some(incarnation) = placement.value.incarnation else { continue };
        let (assignment, cause) = match (departures.get(name), row.unit) {
            (Some(cause), unit) => {
                let hash = existing.map(|old| old.value.hash).or(unit.map(|unit| unit.hash));
                let target = existing.map(|old| old.value.target).or(unit.map(|unit| unit.target));
                let hash = hash.unwrap_or_else(|| Hash::of(""));
                let target = target.unwrap_or(crate::state::TargetState::Inactive);
                let phase = Phase::Revoked;
                (Assignment { incarnation, hash, target, phase, why: cause.to_string() }, cause.clone())
            }
            (None, Some(unit)) if existing.is_some() => (hold(unit), Cause::SpecChanged),
            (None, Some(unit)) => (hold(unit), Cause::Derived),
            (None, None) => continue,
        };
        if existing.is_none_or(|old| !same(&old.value, &assignment)) {
            let guard = folder.and_then(|folder| folder.assignment_guard(name));
            let (unit, machine) = (name.clone(), machine.clone());
            plan.decisions.push(Decision::Assign { unit, machine, assignment, guard, cause });
        }
    }
    // Taken away are those that no placement backs: none that was there, and none that this plan makes.
    for (machine, name, guard) in unbacked {
        let unclear = snapshot.unreadable_placements.contains(name) && !lost.contains(machine);
        if !unclear {
            let (unit, machine) = (name.clone(), machine.clone());
            plan.decisions.push(Decision::Unassign { unit, machine, guard, cause: Cause::Derived });
        }
    }
}

/// Two orders are the same whatever words explain them.
fn same(old: &Assignment, new: &Assignment) -> bool {
    (old.incarnation, old.hash, old.target, old.phase) == (new.incarnation, new.hash, new.target, new.phase)
        || (old.phase == Phase::Revoked && new.phase == Phase::Revoked && old.incarnation == new.incarnation)
}

/// Writes and deletes `fleet/globals` until it is what the specs say.
pub(crate) fn globals(snapshot: &Snapshot, plan: &mut Plan) {
    for (name, unit) in crate::globals::wanted_units(snapshot) {
        let record = GlobalUnit { incarnation: unit.incarnation, hash: unit.hash, target: unit.target };
        let existing = snapshot.globals.get(name);
        if existing.is_none_or(|old| old.value != record) {
            let unreadable = snapshot.unreadable_globals.get(name).copied();
            plan.decisions.push(Decision::PublishGlobal {
                unit: name.clone(),
                record,
                guard: existing.map(|old| old.guard).or(unreadable),
                cause: if unreadable.is_some() { Cause::Derived } else { Cause::SpecChanged },
            });
        }
    }
    let readable = snapshot.globals.iter().map(|(name, old)| (name, old.guard));
    let unreadable = snapshot.unreadable_globals.iter().map(|(name, guard)| (name, *guard));
    for (name, guard) in readable.chain(unreadable) {
        let spec = snapshot.units.get(name);
        let wanted = spec.is_some_and(|unit| crate::globals::is_wanted(name, unit));
        if !wanted && !snapshot.unreadable_specs.contains(name) {
            let cause = if spec.is_none() { Cause::UnitGone } else { Cause::NotGlobal };
            plan.decisions.push(Decision::WithdrawGlobal { unit: name.clone(), guard, cause });
        }
    }
}

/// Deletes the rows of every session that is not its machine's present one; a machine that is merely silent
/// keeps its rows until it is judged lost.
pub(crate) fn sweeps(snapshot: &Snapshot, lost: &Set<MachineId>, plan: &mut Plan) {
    for (id, sessions) in &snapshot.rows {
        let current = snapshot.machines.get(id).and_then(crate::snapshot::Machine::session);
        let known_gone = lost.contains(id) || current.is_some();
        for session in sessions.keys().filter(|session| known_gone && Some(**session) != current) {
            plan.decisions.push(Decision::Sweep {
                machine: id.clone(),
                session: *session,
                cause: if lost.contains(id) { Cause::MachineLost(id.clone()) } else { Cause::SessionOver },
            });
        }
    }
}
