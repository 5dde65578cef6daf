//! The agents' part in a cluster in memory, as far as the leader can see it: units asked back are given back, leaving
//! machines go, lost machines lose what they held. No systemd: that part is `reconcile`'s own test.

use cluster::globals;
use cluster::records::Phase;
use cluster::schedule::{self, Plan};
use cluster::sorted::{Map, Set};
use cluster::{MachineId, Snapshot, UnitName, keys};

use crate::store::Store;

/// Passes after which a cluster that still moves is taken for one that never stops.
const PASSES_MAX: usize = 60;

/// One thing an agent may do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// A unit has been stopped and its placement is deleted.
    GiveBack(UnitName),
    /// A leaving machine holds nothing any more and takes its record away.
    Depart(MachineId),
}

/// Where each global unit runs that is to run at all.
pub(crate) fn running_globals(snapshot: &Snapshot) -> Map<&UnitName, Set<&MachineId>> {
    let mut spread = globals::spread(snapshot);
    let wanted: Set<&UnitName> = globals::wanted(snapshot).map(|(name, _)| name).collect();
    spread.retain(|name, _| wanted.contains(name));
    spread
}

/// What agents could do now, in a fixed order.
pub(crate) fn possible(snapshot: &Snapshot) -> Vec<Deed> {
    let mut deeds = Vec::new();
    for (name, placement) in &snapshot.placements {
        let Some(machine) = snapshot.machines.get(&placement.value.machine) else { continue };
        let leaving = machine.presence.as_ref().is_some_and(|presence| presence.value.leaving);
        let revoked = machine.assigned.get(name).is_some_and(|assigned| {
            assigned.value.phase == Phase::Revoked
                && Some(assigned.value.incarnation) == placement.value.incarnation
        });
        if machine.presence.is_some() && (leaving || revoked) {
            deeds.push(Deed::GiveBack(name.clone()));
        }
    }
    for (id, machine) in &snapshot.machines {
        let leaving = machine.presence.as_ref().is_some_and(|presence| presence.value.leaving);
        let holds = snapshot.placements.values().any(|placement| placement.value.machine == *id);
        if leaving && !holds {
            deeds.push(Deed::Depart(id.clone()));
        }
    }
    deeds
}

/// Does it.
pub(crate) fn perform(store: &mut Store, deed: &Deed) {
    match deed {
        Deed::GiveBack(unit) => store.remove(&keys::placement(unit)),
        Deed::Depart(machine) => store.remove(&keys::presence(machine)),
    }
}

/// Lets the leader plan and the agents act, all they can, until neither has anything to do.
///
/// # Errors
/// It never ended, or a decision's guard did not hold although nobody else wrote.
pub(crate) fn settle(store: &mut Store, lost: &Set<MachineId>) -> Result<Plan, String> {
    let mut last = Plan::default();
    for _ in 0..PASSES_MAX {
        last = schedule::plan(&store.snapshot(), lost);
        for decision in &last.decisions {
            store.enact(decision)?;
        }
        let deeds = possible(&store.snapshot());
        for deed in &deeds {
            perform(store, deed);
        }
        if last.decisions.is_empty() && deeds.is_empty() {
            return Ok(last);
        }
    }
    Err(format!("still moving after {PASSES_MAX} passes: {:?}", last.decisions))
}
