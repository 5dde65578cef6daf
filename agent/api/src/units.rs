//! Units as the API shows them: the list, one unit, and what is left of one that was destroyed. Orders are in `put`.

use cluster::globals;
use cluster::schedule;
use cluster::snapshot::{Snapshot, Unit};
use cluster::sorted::Map;
use cluster::{TargetState, UnitName};
use registry::store::{Freshness, Store};
use registry::{reads as typed, units as records};

use super::status::Status;

use super::failure::Failure;
use super::list::List;
use super::page::Extent;
use super::reads::{self, Files, Filter};
use super::reply::{Done, Reply};
use super::select::Select;
use super::view::{self, Standing};
use super::wire::{self, UnitObject};

/// Up to this many units that are named are read one by one; more cost the store less as one tree.
const READ_SINGLY_MAX: usize = 4;

/// The units that are wanted, by name. A unit that cannot be read is left out; asked for by its name, it says why.
pub(super) fn list(store: &dyn Store, select: &Select, extent: Extent) -> Result<Reply, Failure> {
    if let Some(names) = select.named_units().filter(|names| names.len() <= READ_SINGLY_MAX)
        && let Some((snapshot, files)) = few(store, &names)?
    {
        return Ok(Reply::List(listing(snapshot, files, select, extent)));
    }
    let (snapshot, files) = reads::units(store, |name| select.wants_unit(name))?;
    Ok(Reply::List(listing(snapshot, files, select, extent)))
}

/// Some units and what they stand on; `None` if others have a say in how one of them stands.
fn few(store: &dyn Store, names: &[UnitName]) -> Result<Option<(Snapshot, Files)>, Failure> {
    let (mut all, mut files) = (Snapshot::default(), Files::default());
    for name in names {
        let around = typed::around(store, name)?;
        if around.units.get(name).is_some_and(|unit| !is_settled(&around, name, unit)) {
            return Ok(None);
        }
        files.give(name, around.units.get(name).and_then(|unit| unit.file.clone()));
        all.units.extend(around.units);
        all.placements.extend(around.placements);
        all.machines.extend(around.machines);
        for (id, lives) in around.rows {
            let known = all.rows.entry(id).or_default();
            lives.into_iter().for_each(|(session, rows)| known.entry(session).or_default().extend(rows));
        }
    }
    Ok(Some((all, files)))
}

pub(super) fn listing(mut snapshot: Snapshot, mut files: Files, select: &Select, extent: Extent) -> List {
    let mut standings = global_standings(&snapshot);
    let reasons = schedule::pending_reasons(&snapshot);
    let mut units = std::mem::take(&mut snapshot.units);
    units.retain(|name, unit| {
        select.wants_unit(name)
            && (select.goes_by_name() || {
                let placed = || view::placed(&snapshot, name, unit);
                let standing = standings.get(name).cloned().unwrap_or_else(placed);
                select.wants(standing.machine.as_ref(), standing.current)
            })
    });
    let (before, size) = extent.bounds();
    let token = extent.next(units.len());
    let objects = units.into_iter().skip(before).take(size).filter_map(move |(name, mut unit)| {
        unit.file = files.take(&name);
        let standing = standings.remove(&name).unwrap_or_else(|| view::placed(&snapshot, &name, &unit));
        let pending = reasons.get(&name).map(ToString::to_string);
        let reason = pending.or_else(|| view::silent_holder(&snapshot, &unit, &standing));
        // Like an unreadable one, a unit too large to show is told of where it is asked for by its name.
        wire::encode(&UnitObject::of(&name, &unit, &standing, reason.as_deref())).ok()
    });
    List { field: "units", token, objects: Box::new(objects) }
}

fn global_standings(snapshot: &Snapshot) -> Map<UnitName, Standing> {
    let spread = globals::spread(snapshot);
    let globals = snapshot.units.iter().filter(|(_, unit)| unit.requirements.global);
    globals.map(|(name, unit)| (name.clone(), view::global(snapshot, name, unit, spread.get(name)))).collect()
}

/// One unit. Four small reads where it has a place; everything where its state or the reason for it hangs on other
/// units and machines.
pub(super) fn one(store: &dyn Store, name: &UnitName) -> Result<Reply, Failure> {
    let around = typed::around(store, name)?;
    if around.units.get(name).is_none_or(|unit| is_settled(&around, name, unit)) {
        return object(&around, name);
    }
    let (mut snapshot, _) = typed::cluster(store, Freshness::Local, false)?;
    snapshot.units.extend(around.units);
    object(&snapshot, name)
}

/// True if nothing beyond its own records has a say in how the unit stands.
fn is_settled(around: &Snapshot, name: &UnitName, unit: &Unit) -> bool {
    let wants_place = unit.target.wants_machine() && !name.is_template();
    !unit.requirements.global && (!wants_place || view::placed(around, name, unit).machine.is_some())
}

/// One unit of a snapshot.
pub(super) fn object(snapshot: &Snapshot, name: &UnitName) -> Result<Reply, Failure> {
    let missing = || missing(snapshot, name);
    let unit = snapshot.units.get(name).ok_or_else(missing)?;
    let (standing, reason) = in_company(snapshot, name).ok_or_else(missing)?;
    Reply::object(Status::Ok, &UnitObject::of(name, unit, &standing, reason.as_deref()))
}

/// How a unit stands as seen from the whole cluster, and why; `None` if there is no such unit.
pub(super) fn in_company(snapshot: &Snapshot, name: &UnitName) -> Option<(Standing, Option<String>)> {
    let unit = snapshot.units.get(name)?;
    let standing = if unit.requirements.global {
        view::global(snapshot, name, unit, globals::spread(snapshot).get(name))
    } else {
        view::placed(snapshot, name, unit)
    };
    let pending = schedule::pending_reason(snapshot, name).map(|pending| pending.to_string());
    let reason = pending.or_else(|| view::silent_holder(snapshot, unit, &standing));
    Some((standing, reason))
}

/// Why a unit that was asked for by its name is not among the units of `snapshot`.
pub(super) fn missing(snapshot: &Snapshot, name: &UnitName) -> Failure {
    if !snapshot.unreadable_specs.contains(name) {
        return Failure::no_unit();
    }
    let cause = snapshot.unreadable.get(&cluster::keys::spec(name)).map_or("unreadable", String::as_str);
    Failure::unreadable(name, cause)
}

/// One unit, or what is left of it: there is nothing there only once its spec, its placement and every machine's row of
/// it are gone. For those who wait for the end of a destroyed unit.
pub(super) fn lingering(store: &dyn Store, name: &UnitName) -> Result<Reply, Failure> {
    match typed::spec(store, name, Freshness::Quorum)? {
        Some(Ok(_)) => return one(store, name),
        Some(Err(cause)) => return Err(Failure::unreadable(name, &cause)),
        None => {}
    }
    let placement = typed::placement(store, name)?;
    let filter = Filter { machine: None, unit: Some(name.clone()) };
    let snapshot = reads::rows(store, &filter, Freshness::Quorum)?;
    let rows: Vec<_> =
        snapshot.machines.keys().filter_map(|id| Some((id, snapshot.live_rows(id)?.get(name)?))).collect();
    let holder = placement.as_ref().map(|placement| &placement.value.machine);
    let machine = holder.or_else(|| rows.first().map(|(id, _)| *id)).ok_or_else(Failure::no_unit)?;
    let farthest = rows.iter().filter_map(|(_, row)| row.order).max();
    let object = UnitObject {
        current_state: farthest.map_or(TargetState::Inactive, |order| order.as_state()),
        desired_state: TargetState::Inactive,
        machine_id: Some(machine.as_str()),
        name: name.as_str(),
        options: Vec::new(),
        launched: None,
        eligible: None,
        reason: None,
    };
    Reply::object(Status::Ok, &object)
}

/// Destroys a unit, one that cannot be read too.
pub(super) fn destroy(store: &dyn Store, name: &UnitName) -> Result<Done, Failure> {
    if !records::destroy(store, name)? {
        return Err(Failure::no_unit());
    }
    Ok(Done::new(Status::NoContent, format!("destroy unit {name}")))
}
