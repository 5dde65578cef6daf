//! Units that take their machines down with them. A unit whose machine was lost soon after the unit came is counted
//! against it, and from the second time in a row on it is held back for longer and longer, so that one unit cannot go
//! through the whole fleet. Units that were there before are not held back, and one that still runs on a machine that came
//! back stays there. The count stands in the placement, and while
//! there is none in `setbacks/<unit>`; memory is passed in and given back, times are milliseconds of one monotonic clock.

use alloc::vec::Vec;

use crate::ids::{Guard, MachineId};
use crate::keys;
use crate::name::UnitName;
use crate::reason::Cause;
use crate::reconcile::Activity;
use crate::records::{Placement, Settled};
use crate::schedule::Decision;
use crate::snapshot::{Kept, Snapshot, Unit};
use crate::sorted::{Map, Set};

/// A machine that is judged lost within this many agent_ttl of a unit's coming was lost soon after: one of them passes
/// before anybody notices.
const SOON_TTLS: u64 = 3;
/// The first wait, in agent_ttl: longer than what counts as soon, so that a unit held back does not come together with
/// one that shared its machine and is innocent.
const FIRST_TTLS: u64 = 4;
/// How often the wait doubles: up to 64 agent_ttl, which is 32 minutes as shipped.
const DOUBLINGS_MAX: u32 = 4;
/// The first loss costs nothing: machines die by themselves.
const HELD_FROM: u32 = 2;

/// What the leader remembers of the store's course and of units that are held back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Course {
    /// When a read was made and which index the store had, oldest first: a key created after that index is younger.
    marks: Vec<(u64, u64)>,
    /// Which setback was first seen when.
    held: Map<UnitName, (Guard, u64)>,
}

/// What a plan has to know about setbacks. The default knows of no time at all: nothing came lately, no wait is over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Care {
    /// Placements made after this index of the store came lately, as far as this leader can tell.
    pub lately_after: Option<u64>,
    /// Units whose wait is over.
    pub over: Set<UnitName>,
    /// What later leaders are to be told of that, where it is news to them.
    pub settled: Option<u64>,
    /// When the next wait is over, or the next placements have been there for long.
    pub again_at_ms: Option<u64>,
}

impl Course {
    /// Takes in one read, made at `now_ms` when the store's index was `index`.
    pub fn note(&mut self, snapshot: &Snapshot, index: u64, agent_ttl_ms: u64, now_ms: u64) -> Care {
        self.mark(index, SOON_TTLS * agent_ttl_ms, now_ms);
        let mut care = self.age(snapshot, index, SOON_TTLS * agent_ttl_ms, now_ms);
        let before = core::mem::take(&mut self.held);
        for (name, setback) in &snapshot.setbacks {
            let known = before.get(name).filter(|(guard, _)| *guard == setback.guard);
            let since_ms = known.map_or(now_ms, |(_, since_ms)| *since_ms);
            let until_ms = since_ms.saturating_add(wait_ms(setback.value.losses, agent_ttl_ms));
            if now_ms >= until_ms {
                care.over.insert(name.clone());
            } else {
                care.again_at_ms = Some(care.again_at_ms.map_or(until_ms, |earlier| earlier.min(until_ms)));
            }
            self.held.insert(name.clone(), (setback.guard, since_ms));
        }
        care
    }

    /// Which placements are new, by what this leader saw itself and by what an earlier one left. A leader that is new and
    /// was left nothing knows no better: whatever it finds may have come lately.
    fn age(&self, snapshot: &Snapshot, index: u64, span_ms: u64, now_ms: u64) -> Care {
        // A store that was restored may hold a note from its future.
        let told = snapshot.settled.as_ref().map_or(0, |kept| kept.value.index);
        let told = if told > index { 0 } else { told };
        let is_old = |mark: &&(u64, u64)| now_ms.saturating_sub(mark.0) >= span_ms;
        let seen = self.marks.first().filter(is_old).map_or(0, |mark| mark.1);
        let lately_after = told.max(seen);
        let created = || snapshot.placements.values().map(|placement| placement.created);
        let outlived = created().any(|created| created > told && created <= seen);
        let new = created().max().filter(|youngest| *youngest > lately_after);
        let old_at_ms = |youngest: u64| {
            let mark = self.marks.iter().find(|mark| mark.1 >= youngest);
            mark.map_or(now_ms, |mark| mark.0).saturating_add(span_ms)
        };
        Care {
            lately_after: Some(lately_after),
            settled: outlived.then_some(seen),
            again_at_ms: new.map(old_at_ms),
            ..Care::default()
        }
    }

    /// Keeps a few marks of the last `span_ms`, the newest always, and one that is older.
    fn mark(&mut self, index: u64, span_ms: u64, now_ms: u64) {
        self.marks.push((now_ms, index));
        if let [.., before, _, last] = self.marks.as_slice()
            && last.0.saturating_sub(before.0) < span_ms / 8
        {
            self.marks.remove(self.marks.len() - 2);
        }
        let old =
            self.marks.iter().skip(1).take_while(|mark| now_ms.saturating_sub(mark.0) >= span_ms).count();
        self.marks.drain(..old);
    }
}

/// How long a unit is held back after this many losses in a row.
#[must_use]
pub fn wait_ms(losses: u32, agent_ttl_ms: u64) -> u64 {
    let doublings = losses.saturating_sub(HELD_FROM).min(DOUBLINGS_MAX);
    (FIRST_TTLS * agent_ttl_ms) << doublings
}

/// How many machines in a row were lost soon after `unit` came, the loss of this placement's included. Whoever changes
/// the unit, or stops and starts it, begins anew.
pub(crate) fn losses(care: &Care, unit: &Unit, placement: &Kept<Placement>) -> u32 {
    let is_this = placement.value.incarnation == Some(unit.incarnation);
    let lately = care.lately_after.is_some_and(|index| placement.created > index);
    let touched = unit.guard > placement.guard;
    match placement.value.losses {
        _ if !is_this || !lately => 0,
        _ if touched => 1,
        before => before.saturating_add(1),
    }
}

/// The note for later leaders, if there is news for them. One that cannot be read is left alone.
pub(crate) fn settling(snapshot: &Snapshot, care: &Care) -> Option<Decision> {
    let record = Settled { index: care.settled? };
    let guard = snapshot.settled.as_ref().map(|old| old.guard);
    let writable = guard.is_some() || !snapshot.unreadable.contains_key(keys::SETTLED);
    writable.then_some(Decision::Settle { record, guard, cause: Cause::Outlived })
}

/// True if that many are too many to be chance.
pub(crate) const fn holds_back(losses: u32) -> bool {
    losses >= HELD_FROM
}

/// The setback of a unit that has no placement, if it is this unit's and nobody has touched the unit since.
pub(crate) fn of<'a>(snapshot: &'a Snapshot, name: &UnitName, unit: &Unit) -> Option<&'a Placement> {
    let setback = snapshot.setbacks.get(name)?;
    let counts = setback.value.incarnation == Some(unit.incarnation) && unit.guard < setback.guard;
    counts.then_some(&setback.value)
}

/// Machines that run this very unit, by what they publish in their present lives.
pub(crate) fn running_on<'a>(
    snapshot: &'a Snapshot,
    name: &'a UnitName,
    unit: &'a Unit,
) -> impl Iterator<Item = &'a MachineId> {
    let runs = |id: &&MachineId| {
        let row = snapshot.live_rows(id).and_then(|rows| rows.get(name));
        row.is_some_and(|row| {
            row.incarnation == unit.incarnation && Activity::of(&row.active) == Activity::Up
        })
    };
    snapshot.rows.keys().filter(runs)
}
