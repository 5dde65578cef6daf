//! Why a unit is where it is: what every live machine says to it, in the scheduler's own words. Nothing is decided
//! here.

use cluster::limits::PLAN_REFUSALS_MAX;
use cluster::reason::Pending;
use cluster::schedule;
use cluster::snapshot::Snapshot;
use cluster::{MachineId, UnitName};
use registry::reads as typed;
use registry::store::{Freshness, Store};

use super::status::Status;

use super::failure::Failure;
use super::reply::Reply;
use super::units;
use super::view::Standing;
use super::wire::{ExplanationObject, VerdictObject};

/// Explains one unit.
pub(super) fn explain(store: &dyn Store, name: &UnitName) -> Result<Reply, Failure> {
    let (snapshot, _) = typed::cluster(store, Freshness::Local, false)?;
    from(&snapshot, name)
}

pub(super) fn from(snapshot: &Snapshot, name: &UnitName) -> Result<Reply, Failure> {
    let missing = || units::missing(snapshot, name);
    let unit = snapshot.units.get(name).ok_or_else(missing)?;
    let (standing, reason) = units::in_company(snapshot, name).ok_or_else(missing)?;
    let verdicts = schedule::explain(snapshot, name);
    let reason = reason.or_else(|| match standing.copies {
        Some(copies) if copies.eligible == 0 && unit.target.wants_machine() => {
            let refused =
                verdicts.iter().filter_map(|(id, verdict)| Some((id.clone(), verdict.clone().err()?)));
            let refused: Vec<_> = refused.take(PLAN_REFUSALS_MAX).collect();
            Some(
                if verdicts.is_empty() { Pending::NoMachines } else { Pending::Refused(refused) }.to_string(),
            )
        }
        Some(_) => None,
        None => words_of_the_leader(snapshot, name, &standing),
    });
    let machines = verdicts.iter().map(|(id, verdict)| VerdictObject {
        id: id.as_str(),
        primary_ip: address(snapshot, id),
        able: verdict.is_ok(),
        reason: verdict.as_ref().err().map(ToString::to_string).unwrap_or_default(),
    });
    let object = ExplanationObject {
        name: name.as_str(),
        desired_state: unit.target,
        current_state: standing.current,
        machine_id: standing.machine.as_ref().map(MachineId::as_str),
        reason,
        machines: machines.collect(),
    };
    Reply::object(Status::Ok, &object)
}

/// What the leader told the unit's machine of why it has it, or has to give it back.
fn words_of_the_leader(snapshot: &Snapshot, name: &UnitName, standing: &Standing) -> Option<String> {
    let machine = snapshot.machines.get(standing.machine.as_ref()?)?;
    let why = &machine.assigned.get(name)?.value.why;
    (!why.is_empty()).then(|| why.clone())
}

fn address<'a>(snapshot: &'a Snapshot, id: &MachineId) -> &'a str {
    let presence = snapshot.machines.get(id).and_then(|machine| machine.presence.as_ref());
    presence.map_or("", |presence| &presence.value.address)
}
