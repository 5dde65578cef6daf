//! What systemd says of units, as their machines last reported it: the whole list, filtered or not, and one unit's.
//! Rows of a machine's former life are left out (registry rule 8).

use cluster::records::StateRow;
use cluster::snapshot::Snapshot;
use cluster::sorted::Map;
use cluster::{MachineId, UnitName};
use registry::store::{Freshness, Store};

use super::message::Request;
use super::status::Status;

use super::failure::Failure;
use super::list::List;
use super::page::Extent;
use super::reads::{self, Filter};
use super::reply::Reply;
use super::select::Select;
use super::wire::{self, StateObject};

/// The filter of a request: exact, and only the first of several values, as fleet's; an empty one filters nothing.
/// `None` if nothing can match, since there can be no such name.
pub(super) fn filter(request: &Request) -> Option<Filter> {
    let value = |name| request.parameter(name).next().filter(|value| !value.is_empty());
    Some(Filter {
        machine: value("machineID").map(MachineId::parse).transpose().ok()?,
        unit: value("unitName").map(UnitName::parse).transpose().ok()?,
    })
}

/// The rows that match, by name and machine.
pub(super) fn list(
    store: &dyn Store,
    filter: &Filter,
    select: &Select,
    extent: Extent,
) -> Result<Reply, Failure> {
    let named = select.named_units().filter(|names| names.len() == 1);
    let unit = filter.unit.clone().or_else(|| named.and_then(|mut names| names.pop()));
    let filter = Filter { unit, machine: filter.machine.clone() };
    Ok(Reply::List(listing(reads::rows(store, &filter, Freshness::Local)?, select, extent)))
}

pub(super) fn listing(snapshot: Snapshot, select: &Select, extent: Extent) -> List {
    let addresses = addresses(&snapshot);
    let mut rows = sorted(snapshot);
    rows.retain(|(unit, id, row)| {
        select.wants_unit(unit)
            && select.wants_machine(Some(id))
            && select.wants_state(&[&row.load, &row.active, &row.sub])
    });
    let (before, size) = extent.bounds();
    let token = extent.next(rows.len());
    let rows = rows.into_iter().skip(before).take(size);
    // A row is too small not to fit.
    let objects = rows.filter_map(move |(unit, id, row)| {
        let address = addresses.get(&id).map_or("", String::as_str);
        wire::encode(&StateObject::of(&unit, &id, &row, address)).ok()
    });
    List { field: "states", token, objects: Box::new(objects) }
}

/// The first row of one unit.
pub(super) fn one(store: &dyn Store, unit: UnitName) -> Result<Reply, Failure> {
    let filter = Filter { machine: None, unit: Some(unit) };
    let snapshot = reads::rows(store, &filter, Freshness::Local)?;
    let addresses = addresses(&snapshot);
    let rows = sorted(snapshot);
    let (unit, id, row) = rows.first().ok_or_else(no_state)?;
    let address = addresses.get(id).map_or("", String::as_str);
    Reply::object(Status::Ok, &StateObject::of(unit, id, row, address))
}

fn addresses(snapshot: &Snapshot) -> Map<MachineId, String> {
    let known = snapshot.machines.iter().filter_map(|(id, machine)| Some((id, machine.presence.as_ref()?)));
    known.map(|(id, presence)| (id.clone(), presence.value.address.clone())).collect()
}

pub(super) fn no_state() -> Failure {
    Failure::new(Status::NotFound, "unit state does not exist")
}

fn sorted(mut snapshot: Snapshot) -> Vec<(UnitName, MachineId, StateRow)> {
    let mut rows = Vec::new();
    for (id, mut sessions) in std::mem::take(&mut snapshot.rows) {
        let session = snapshot.machines.get(&id).and_then(|machine| machine.session());
        let live = session.and_then(|session| sessions.remove(&session)).unwrap_or_default();
        rows.extend(live.into_iter().map(|(unit, row)| (unit, id.clone(), row)));
    }
    rows.sort_by(|(unit, id, _), (other, other_id, _)| (unit, id).cmp(&(other, other_id)));
    rows
}
