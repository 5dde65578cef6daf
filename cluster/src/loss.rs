//! Which machines are lost: absence turned into a verdict, slowly enough to be right (registry rule 2). A machine
//! is lost if a judge in unbroken contact saw its record absent twice, 300 ms apart, and if not most of the fleet
//! vanished at once. Memory is passed in and given back; times are milliseconds of one monotonic clock.

use crate::ids::MachineId;
use crate::snapshot::{Machine, Snapshot};
use crate::sorted::{Map, Set};

/// Two reads that show a record absent must be this far apart.
pub const CONFIRMATION_MS: u64 = 300;

/// Since when each absent machine has been absent, as this judge saw it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Absences {
    first_seen_ms: Map<MachineId, u64>,
    /// Machines that were alive in the last read, and not leaving: where one of them vanishes that holds nothing, nothing
    /// of it is left in the registry, and it still tells of how many vanished together.
    alive: Set<MachineId>,
    /// Until when nothing moves after most machines vanished together. It outlasts the return of some: the others may
    /// only be slower.
    brake_until_ms: Option<u64>,
}

impl Absences {
    /// Takes in one read: machines that came back are forgotten, and so are those that hold nothing as soon as they are
    /// of no account for the brake.
    fn note(&mut self, snapshot: &Snapshot, missing: &Set<MachineId>, agent_ttl_ms: u64, now_ms: u64) {
        let is_live = |id: &MachineId| snapshot.machines.get(id).is_some_and(Machine::is_live);
        let recent = |at_ms: u64| now_ms.saturating_sub(at_ms) <= beat_ms(agent_ttl_ms) + agent_ttl_ms;
        self.first_seen_ms.retain(|id, at_ms| missing.contains(id) || !is_live(id) && recent(*at_ms));
        let vanished = core::mem::take(&mut self.alive).into_iter().filter(|id| !is_live(id));
        for id in vanished.chain(missing.iter().cloned()) {
            self.first_seen_ms.entry(id).or_insert(now_ms);
        }
        let leaving =
            |machine: &Machine| machine.presence.as_ref().is_some_and(|presence| presence.value.leaving);
        let staying = snapshot.machines.iter().filter(|(_, machine)| machine.is_live() && !leaving(machine));
        self.alive = staying.map(|(id, _)| id.clone()).collect();
        let alive = snapshot.machines.values().filter(|machine| machine.is_live()).count();
        let wanes = |machine: &&Machine| !leaving(machine) && is_waning(machine, agent_ttl_ms);
        let waning = snapshot.machines.values().filter(wanes).count();
        self.brake_until_ms = self.brake_until_ms.max(self.brake((alive, waning), agent_ttl_ms, now_ms));
        if self.first_seen_ms.is_empty() {
            self.brake_until_ms = None;
        }
    }

    /// Until when nothing may move: one more agent_ttl after more than one and more than half of the machines that
    /// were there vanished within one beat. Those that are alive and `waning` are about to follow: records end one after
    /// another, as their last beats came, and the first must not be judged before the others can be seen to go.
    fn brake(&self, (alive, waning): (usize, usize), agent_ttl_ms: u64, now_ms: u64) -> Option<u64> {
        let times = || self.first_seen_ms.values().copied();
        let is_mass_loss = |end: &u64| {
            let since = end.saturating_sub(beat_ms(agent_ttl_ms));
            let vanished = times().filter(|at| (since..=*end).contains(at)).count();
            let is_now = now_ms.saturating_sub(*end) <= beat_ms(agent_ttl_ms);
            let together = vanished + if is_now { waning } else { 0 };
            let before = alive + times().filter(|at| *at >= since).count();
            together > 1 && together * 2 > before
        };
        Some(times().filter(is_mass_loss).max()?.saturating_add(agent_ttl_ms))
    }
}

/// What the judge says now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Machines to be taken for dead.
    pub lost: Set<MachineId>,
    /// Machines that are missing and not judged yet.
    pub missing: Set<MachineId>,
    /// True while so many vanished together that nothing moves.
    pub braked: bool,
    /// When to read and judge again, if anything is missing.
    pub again_at_ms: Option<u64>,
}

/// The judge's own standing.
#[derive(Clone, Copy, Debug)]
pub struct Judge {
    /// When it will have been in unbroken contact for one agent_ttl; `None` while contact is broken.
    pub judges_from_ms: Option<u64>,
    /// TTL of presence records.
    pub agent_ttl_ms: u64,
}

/// Judges the machines of one quorum read made at `now_ms`.
#[must_use]
pub fn judge(absences: &mut Absences, snapshot: &Snapshot, judge: Judge, now_ms: u64) -> Verdict {
    let missing = missing(snapshot);
    absences.note(snapshot, &missing, judge.agent_ttl_ms, now_ms);
    let brake_ms = absences.brake_until_ms;
    let Some(from_ms) = judge.judges_from_ms else {
        return Verdict { missing, ..Verdict::default() };
    };
    let mut verdict = Verdict { braked: brake_ms.is_some_and(|until| now_ms < until), ..Verdict::default() };
    for machine in missing {
        let first_ms = absences.first_seen_ms.get(&machine).copied().unwrap_or(now_ms);
        let due_ms = (first_ms + CONFIRMATION_MS).max(from_ms).max(brake_ms.unwrap_or(0));
        if now_ms >= due_ms {
            verdict.lost.insert(machine);
        } else {
            verdict.again_at_ms = Some(verdict.again_at_ms.map_or(due_ms, |earlier| earlier.min(due_ms)));
            verdict.missing.insert(machine);
        }
    }
    verdict
}

/// Machines that hold something and gave no sign of life.
fn missing(snapshot: &Snapshot) -> Set<MachineId> {
    let placed = snapshot.placements.values().map(|placement| &placement.value.machine);
    let rows = snapshot.rows.keys();
    let assigned =
        snapshot.machines.iter().filter(|(_, machine)| !machine.assigned.is_empty()).map(|(id, _)| id);
    let live = |id: &MachineId| snapshot.machines.get(id).is_some_and(Machine::is_live);
    placed.chain(rows).chain(assigned).filter(|id| !live(id)).cloned().collect()
}

/// True of a machine that is alive and has missed a beat: of one that beats, more than half of the TTL is left.
fn is_waning(machine: &Machine, agent_ttl_ms: u64) -> bool {
    machine.is_live() && machine.left_secs.is_some_and(|secs| secs.saturating_mul(2_000) <= agent_ttl_ms)
}

/// Within what time machines count as vanished together.
const fn beat_ms(agent_ttl_ms: u64) -> u64 {
    agent_ttl_ms / 3
}
