//! The leader's plan: what has to be written so that every unit that should run is placed on a machine that can
//! run it, and nothing else is. Pure and total: the same snapshot gives the same plan, each decision has its cause,
//! and a unit that is not placed has a reason too. The rules are contract §7.5 with section 0's departures, and
//! registry rules 1, 4, 5 and 8.

use alloc::vec::Vec;

use crate::board::Board;
use crate::derive;
use crate::globals;
use crate::ids::{Guard, MachineId, Session};
use crate::limits::PLAN_REFUSALS_MAX;
use crate::name::UnitName;
use crate::reason::{Cause, Pending, Refusal};
use crate::records::{Assignment, GlobalUnit, Placement, Settled};
use crate::roster::{Row, roster};
use crate::setback::{self, Care};
use crate::snapshot::{Machine, Snapshot, Unit};
use crate::sorted::{Map, Set};

/// One thing the leader is to write, with the guard it was decided under.
#[expect(missing_docs, reason = "each variant says what it does; the fields are named for what they are")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Delete the placement of a machine that was judged lost; before that, keep it as a setback where the unit is to be
    /// held back.
    Release { unit: UnitName, machine: MachineId, guard: Guard, setback: Option<Setback>, cause: Cause },
    /// Create a placement, then its assignment (`guard`: of an old assignment that is in the way).
    Place {
        unit: UnitName,
        machine: MachineId,
        losses: u32,
        assignment: Assignment,
        guard: Option<Guard>,
        cause: Cause,
    },
    /// Write an assignment: a changed spec, a repair, or the order to give the unit back.
    Assign { unit: UnitName, machine: MachineId, assignment: Assignment, guard: Option<Guard>, cause: Cause },
    /// Delete an assignment that no placement backs.
    Unassign { unit: UnitName, machine: MachineId, guard: Guard, cause: Cause },
    /// Write what machines need to know of a global unit.
    PublishGlobal { unit: UnitName, record: GlobalUnit, guard: Option<Guard>, cause: Cause },
    /// Delete it.
    WithdrawGlobal { unit: UnitName, guard: Guard, cause: Cause },
    /// Delete a setback that holds nobody back any more.
    Forgive { unit: UnitName, guard: Guard, cause: Cause },
    /// Note for later leaders which placements have been there for long.
    Settle { record: Settled, guard: Option<Guard>, cause: Cause },
    /// Delete the rows of a machine's life that is over.
    Sweep { machine: MachineId, session: Session, cause: Cause },
}

/// A lost placement with its count, and the guard of an older one that is in the way.
pub type Setback = (Placement, Option<Guard>);

/// What the leader is to do, in order, and what it cannot do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Writes, releases first.
    pub decisions: Vec<Decision>,
    /// Units that should be on a machine and are on none, with the reason.
    pub pending: Map<UnitName, Pending>,
}

/// Why each placed unit that has to leave its machine has to.
pub(crate) type Departures<'a> = Map<&'a UnitName, Cause>;

/// Works out the plan for `snapshot`, taking the machines in `lost` for dead (`loss` judges that). Whoever has no memory
/// of what came when counts no loss against a unit.
#[must_use]
pub fn plan(snapshot: &Snapshot, lost: &Set<MachineId>) -> Plan {
    plan_with(snapshot, lost, &Care::default())
}

/// [`plan`] by one who remembers: units that take their machines down are held back (`setback`).
#[must_use]
pub fn plan_with(snapshot: &Snapshot, lost: &Set<MachineId>, care: &Care) -> Plan {
    let roster = roster(snapshot, lost);
    let mut board = Board::new(snapshot, &roster);
    let mut plan = Plan::default();
    let mut departures = orders_to_leave(snapshot, &roster);
    for name in departures.keys() {
        if let Some(placement) = snapshot.placements.get(*name) {
            board.send_away(&placement.value.machine, name);
        }
    }
    for (name, refusal) in board.expel() {
        let cause = match refusal {
            Refusal::ReplacedBy(other) => Cause::ReplacedBy(other),
            refusal => Cause::Unable(refusal),
        };
        departures.insert(name, cause);
    }
    release_lost(snapshot, &roster, care, &mut plan);
    place_pending((snapshot, &roster, care), &mut board, &mut departures, &mut plan);
    forgive(snapshot, lost, care, &mut plan);
    derive::assignments((snapshot, &roster, lost), &departures, &board, &mut plan);
    derive::globals(snapshot, &mut plan);
    derive::sweeps(snapshot, lost, &mut plan);
    plan.decisions.extend(setback::settling(snapshot, care));
    plan
}

/// Departures that follow from the unit itself or from an operator's order.
fn orders_to_leave<'a>(snapshot: &'a Snapshot, roster: &[Row<'a>]) -> Departures<'a> {
    let mut departures = Departures::new();
    let ordered = |(_, machine): &(&MachineId, &Machine)| machine.drain && machine.is_live();
    let drained: Set<&MachineId> = snapshot.machines.iter().filter(ordered).map(|(id, _)| id).collect();
    for row in roster.iter().filter(|row| !snapshot.unreadable_specs.contains(row.name)) {
        let Some((placement, machine)) = row.held() else { continue };
        let cause = match row.unit {
            None => Some(Cause::UnitGone),
            Some(unit) if Some(unit.incarnation) != placement.value.incarnation => Some(Cause::UnitReplaced),
            Some(unit) if !unit.target.wants_machine() => Some(Cause::TargetInactive),
            Some(unit) if unit.requirements.global => Some(Cause::BecameGlobal),
            Some(_) if drained.contains(machine) => Some(Cause::Unable(Refusal::Draining)),
            Some(_) => None,
        };
        if let Some(cause) = cause {
            departures.insert(row.name, cause);
        }
    }
    departures
}

fn release_lost(snapshot: &Snapshot, roster: &[Row<'_>], care: &Care, plan: &mut Plan) {
    for row in roster.iter().filter(|row| row.is_lost) {
        let (name, Some(placement)) = (row.name, row.placement) else { continue };
        let machine = placement.value.machine.clone();
        let losses = row.unit.map_or(0, |unit| setback::losses(care, unit, placement));
        let kept = || Placement { losses, ..placement.value.clone() };
        let in_the_way = snapshot.setbacks.get(name).map(|old| old.guard);
        plan.decisions.push(Decision::Release {
            unit: name.clone(),
            guard: placement.guard,
            setback: setback::holds_back(losses).then(|| (kept(), in_the_way)),
            cause: Cause::MachineLost(machine.clone()),
            machine,
        });
    }
}

/// Deletes setbacks of units that have a machine again, or that are not what they were.
fn forgive(snapshot: &Snapshot, lost: &Set<MachineId>, care: &Care, plan: &mut Plan) {
    for (name, kept) in &snapshot.setbacks {
        let unit = snapshot.units.get(name).filter(|unit| wants_place(name, unit));
        let still = |unit: &Unit| match snapshot.placements.get(name) {
            None => setback::of(snapshot, name, unit).is_some(),
            Some(placement) if lost.contains(&placement.value.machine) => {
                setback::holds_back(setback::losses(care, unit, placement))
            }
            Some(_) => false,
        };
        let unreadable =
            snapshot.unreadable_specs.contains(name) || snapshot.unreadable_placements.contains(name);
        if !unreadable && !unit.is_some_and(still) {
            let (unit, guard) = (name.clone(), kept.guard);
            plan.decisions.push(Decision::Forgive { unit, guard, cause: Cause::Forgiven });
        }
    }
}

/// Finds a machine for every unit that wants one and has none. Goes round until a whole round places nothing,
/// since a unit placed may be the partner that another one waits for.
fn place_pending<'a>(
    (snapshot, roster, care): (&'a Snapshot, &[Row<'a>], &Care),
    board: &mut Board<'a>,
    departures: &mut Departures<'a>,
    plan: &mut Plan,
) {
    let mut waiting: Vec<(&UnitName, &Unit, u32)> = Vec::new();
    for row in roster.iter().filter(|row| !row.is_placed()) {
        let name = row.name;
        let Some(unit) = row.unit.filter(|unit| wants_place(name, unit)) else { continue };
        match held_by((snapshot, care), (name, unit), row) {
            Hold::Free(losses) => waiting.push((name, unit, losses)),
            Hold::Here => {}
            Hold::Waiting(pending) => match seat_of(snapshot, board, (name, unit), row, &pending) {
                Some((machine, losses)) => {
                    let decision = placing(snapshot, machine, (name, unit), (losses, Cause::StillRuns));
                    seat(machine, (name, unit), decision, board, departures, plan);
                }
                None => drop(plan.pending.insert(name.clone(), pending)),
            },
        }
    }
    loop {
        let before = waiting.len();
        waiting.retain(|(name, unit, losses)| {
            let Some(machine) = board.best((name, &unit.requirements)) else { return true };
            let decision = placing(snapshot, machine, (name, unit), (*losses, Cause::LeastLoaded));
            seat(machine, (name, unit), decision, board, departures, plan);
            false
        });
        if waiting.len() == before {
            break;
        }
    }
    for (name, unit, _) in waiting {
        plan.pending.insert(name.clone(), pending(board, name, unit));
    }
}

/// Takes a decision to place a unit into the plan, with what has to make room for it.
fn seat<'a>(
    machine: &'a MachineId,
    (name, unit): (&'a UnitName, &'a Unit),
    decision: Decision,
    board: &mut Board<'a>,
    departures: &mut Departures<'a>,
    plan: &mut Plan,
) {
    for other in board.put(machine, (name, unit)) {
        departures.insert(other, Cause::ReplacedBy(name.clone()));
    }
    plan.decisions.push(decision);
}

/// A unit that is held back is not to be started; a machine that came back and runs it still has it already, and was not
/// taken down by it. Where that is and it may stay, and the losses that go on counting.
fn seat_of<'a>(
    snapshot: &'a Snapshot,
    board: &Board<'a>,
    (name, unit): (&'a UnitName, &'a Unit),
    row: &Row<'_>,
    pending: &Pending,
) -> Option<(&'a MachineId, u32)> {
    let (Pending::HeldBack { losses, .. }, None) = (pending, row.placement) else { return None };
    let wanted = (name, &unit.requirements);
    let mut there = setback::running_on(snapshot, name, unit);
    let machine = there.find(|id| board.refusal(id, wanted).or_else(|| board.circular(wanted)).is_none())?;
    Some((machine, *losses))
}

/// True for a unit that is to be on one machine.
fn wants_place(name: &UnitName, unit: &Unit) -> bool {
    unit.target.wants_machine() && !unit.requirements.global && !name.is_template()
}

enum Hold {
    /// With how many losses in a row.
    Free(u32),
    Here,
    Waiting(Pending),
}

/// Whether a unit may be placed now: never while a placement of any incarnation exists (registry rule 1).
fn held_by((snapshot, care): (&Snapshot, &Care), (name, unit): (&UnitName, &Unit), row: &Row<'_>) -> Hold {
    if snapshot.unreadable_placements.contains(name) {
        return Hold::Waiting(Pending::PlacementUnreadable);
    }
    let Some(placement) = row.placement else {
        return match setback::of(snapshot, name, unit) {
            Some(setback) if !care.over.contains(name) => held_back(setback.losses, &setback.machine),
            setback => Hold::Free(setback.map_or(0, |setback| setback.losses)),
        };
    };
    let machine = &placement.value.machine;
    match placement.value.incarnation {
        _ if row.is_lost => match setback::losses(care, unit, placement) {
            losses if setback::holds_back(losses) => held_back(losses, machine),
            losses => Hold::Free(losses),
        },
        None => Hold::Waiting(Pending::Adopting(machine.clone())),
        Some(held) if held == unit.incarnation => Hold::Here,
        Some(_) => Hold::Waiting(Pending::Held(machine.clone())),
    }
}

fn held_back(losses: u32, machine: &MachineId) -> Hold {
    Hold::Waiting(Pending::HeldBack { losses, machine: machine.clone() })
}

fn placing(
    snapshot: &Snapshot,
    machine: &MachineId,
    (name, unit): (&UnitName, &Unit),
    (losses, cause): (u32, Cause),
) -> Decision {
    Decision::Place {
        unit: name.clone(),
        machine: machine.clone(),
        losses,
        assignment: derive::hold(unit),
        guard: snapshot.machines.get(machine).and_then(|machine| machine.assignment_guard(name)),
        cause,
    }
}

fn pending(board: &Board<'_>, name: &UnitName, unit: &Unit) -> Pending {
    if board.is_deserted() {
        return Pending::NoMachines;
    }
    Pending::Refused(board.refusals((name, &unit.requirements), PLAN_REFUSALS_MAX))
}

/// What every machine says to a unit, for `ctl explain`: `Ok` where it could run, or runs.
#[must_use]
pub fn explain(snapshot: &Snapshot, name: &UnitName) -> Map<MachineId, Result<(), Refusal>> {
    let Some(unit) = snapshot.units.get(name) else { return Map::new() };
    if unit.requirements.global {
        return globals::verdicts(snapshot, name);
    }
    let board = Board::new(snapshot, &roster(snapshot, &Set::new()));
    let wanted = (name, &unit.requirements);
    let circular = board.circular(wanted);
    let verdict = |id: &MachineId| match circular.clone().or_else(|| board.refusal(id, wanted)) {
        Some(refusal) => Err(refusal),
        None => Ok(()),
    };
    let live = snapshot.machines.iter().filter(|(_, machine)| machine.is_live());
    live.map(|(id, _)| (id.clone(), verdict(id))).collect()
}

/// Why a unit that should be on a machine is on none; `None` for one that is placed or is not to be.
#[must_use]
pub fn pending_reason(snapshot: &Snapshot, name: &UnitName) -> Option<Pending> {
    let (name, unit) = snapshot.units.get_key_value(name).filter(|(name, unit)| wants_place(name, unit))?;
    let placement = snapshot.placements.get(name);
    let row = Row { name, unit: Some(unit), placement, home: None, is_lost: false };
    unplaced(snapshot, &mut None, &row)
}

/// The same for every unit there is a reason for. The load of the machines is worked out once, and only where some
/// unit has no placement at all.
#[must_use]
pub fn pending_reasons(snapshot: &Snapshot) -> Map<UnitName, Pending> {
    let mut board = None;
    let mut reasons = Map::new();
    for row in roster(snapshot, &Set::new()).iter().filter(|row| !row.is_placed()) {
        if let Some(pending) = unplaced(snapshot, &mut board, row) {
            reasons.insert(row.name.clone(), pending);
        }
    }
    reasons
}

fn unplaced<'a>(snapshot: &'a Snapshot, board: &mut Option<Board<'a>>, row: &Row<'a>) -> Option<Pending> {
    let name = row.name;
    let unit = row.unit.filter(|unit| wants_place(name, unit))?;
    match held_by((snapshot, &Care::default()), (name, unit), row) {
        Hold::Here => return None,
        Hold::Waiting(pending) => return Some(pending),
        Hold::Free(_) => {}
    }
    let board = board.get_or_insert_with(|| Board::new(snapshot, &roster(snapshot, &Set::new())));
    Some(match board.best((name, &unit.requirements)) {
        Some(_) if snapshot.lease.is_none() => Pending::NoLeader,
        Some(_) => Pending::Undecided,
        None => pending(board, name, unit),
    })
}
