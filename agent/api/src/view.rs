//! How a unit stands, worked out from what the registry holds (contract §1.3, registry rule 13): its current state,
//! its machine, and for a global unit its copies. Pure; which keys have to be read for it is `reads`' business.

use cluster::reason::Refusal;
use cluster::records::StateRow;
use cluster::snapshot::{Snapshot, Unit};
use cluster::sorted::Set;
use cluster::{MachineId, TargetState, UnitName};

/// How a unit stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    /// How far it got: what was asked of systemd, not what systemd made of it.
    pub(super) current: TargetState,
    /// The machine that holds it; never for a global unit.
    pub(super) machine: Option<MachineId>,
    /// Its copies, if it is a global unit.
    pub(super) copies: Option<Copies>,
}

/// The `n of m` of a global unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Copies {
    /// Copies that were started.
    pub(super) launched: usize,
    /// Live machines that are to run it.
    pub(super) eligible: usize,
}

/// How a unit with one copy stands. Only its own placement and its holder's presence and rows are looked at.
pub(super) fn placed(snapshot: &Snapshot, name: &UnitName, unit: &Unit) -> Standing {
    let machine = holder(snapshot, name, unit);
    let current = machine.map_or(TargetState::Inactive, |machine| progress_on(snapshot, machine, name, unit));
    Standing { current, machine: machine.cloned(), copies: None }
}

/// How a global unit stands: of its copies on the `eligible` machines, the one that got least far. One that is to run
/// nowhere is what its last copies on their way out still are, wherever they are.
pub(super) fn global(
    snapshot: &Snapshot,
    name: &UnitName,
    unit: &Unit,
    eligible: Option<&Set<&MachineId>>,
) -> Standing {
    let progress = |id: &MachineId| progress_on(snapshot, id, name, unit);
    let (states, extreme): (Vec<TargetState>, _) = if unit.target.wants_machine() {
        let states: Vec<_> = eligible.into_iter().flatten().map(|id| progress(id)).collect();
        let least = states.iter().min().copied();
        (states, least)
    } else {
        let states: Vec<_> = snapshot.machines.keys().map(progress).collect();
        let most = states.iter().max().copied();
        (states, most)
    };
    let launched = states.iter().filter(|state| **state == TargetState::Launched).count();
    Standing {
        current: extreme.unwrap_or(TargetState::Inactive),
        machine: None,
        copies: Some(Copies { launched, eligible: eligible.map_or(0, Set::len) }),
    }
}

/// The machine that holds this incarnation of the unit. One that is just being brought in by its machine has none yet.
fn holder<'a>(snapshot: &'a Snapshot, name: &UnitName, unit: &Unit) -> Option<&'a MachineId> {
    let placement = &snapshot.placements.get(name)?.value;
    let is_ours = placement.incarnation.is_none_or(|incarnation| incarnation == unit.incarnation);
    is_ours.then_some(&placement.machine)
}

fn progress_on(snapshot: &Snapshot, id: &MachineId, name: &UnitName, unit: &Unit) -> TargetState {
    let row = snapshot.live_rows(id).and_then(|rows| rows.get(name));
    row.map_or(TargetState::Inactive, |row| progress(unit, row))
}

/// A started copy of an older content is no more than loaded: what was asked for has not been started yet.
fn progress(unit: &Unit, row: &StateRow) -> TargetState {
    match row.order {
        Some(order) if row.incarnation == unit.incarnation => {
            let state = order.as_state();
            if row.hash == unit.hash { state } else { state.min(TargetState::Loaded) }
        }
        _ => TargetState::Inactive,
    }
}

/// Why a unit that has a machine does not run there: the machine is silent.
pub(super) fn silent_holder(snapshot: &Snapshot, unit: &Unit, standing: &Standing) -> Option<String> {
    let id = standing.machine.as_ref().filter(|_| unit.target.wants_machine())?;
    let is_live = snapshot.machines.get(id).is_some_and(|machine| machine.is_live());
    (!is_live).then(|| format!("{}: {}", id.short(), Refusal::Absent))
}
