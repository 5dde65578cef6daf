//! Adopting a registry (registry rule 4): an operator's word in the layout, and bringing this machine's units into the
//! store. Each unit's placement comes first, without an incarnation, so that no leader places it elsewhere in between;
//! then its spec, from the file on disk; then the placement's incarnation and the marker. Every step may be repeated, and
//! what a machine began and has nothing of any more, it gives back.

use cluster::event::Event;
use cluster::limits::REGISTRY_VALUE_MAX_BYTES;
use cluster::records::{Marker, Placement};
use cluster::snapshot::Kept;
use cluster::standing::{Freeze, Standing as StoreStanding};
use cluster::unit_file::UnitFile;
use cluster::{FleetId, Incarnation, MachineId, UnitName, json, keys};
use registry::reads;
use registry::settle::{Settled, settle, settle_delete};
use registry::store::{Store, StoreError};
use registry::units;
use systemd_shim::UnitDir;

use crate::api::NotDone;
use crate::clock;
use crate::events::{About, tell};
use crate::node::Node;
use crate::presence::{self, Look};
use crate::runtime_dir::{RuntimeDir, random_id};

/// Publishes every unit that is on this machine.
///
/// # Errors
/// A unit could not be brought in; the whole is tried again.
pub async fn bring_in(node: &Node) -> Result<(), String> {
    let (runtime, me) = (node.runtime.clone(), node.identity.id.clone());
    let folder = node.settings().units_directory.clone();
    node.with_store(move |store| {
        let units = UnitDir::open(folder).map_err(|error| error.to_string())?;
        let (markers, _) = runtime.markers().map_err(|error| error.to_string())?;
        for (unit, marker) in markers {
            let Some(text) = units.read(&unit).map_err(|error| error.to_string())? else { continue };
            let file = UnitFile::parse(&text).map_err(|error| format!("parse unit {unit}: {error}"))?;
            bring_in_one(store, &me, &runtime, &unit, &marker, &file)
                .map_err(|why| format!("bring in {unit}: {why}"))?;
            let about = About { unit: Some(&unit), ..About::default() };
            tell(Event::UnitBroughtIn, about, format_args!("brought unit {unit} into the adopted registry"));
        }
        Ok(())
    })
    .await
}

/// Gives back the placements that this machine made to bring units in, if it has nothing of them any more: it lost its
/// power, or left, before it was done. Nobody else may, since no leader touches a placement without an incarnation. The
/// machine's record has to be its own.
///
/// # Errors
/// The registry did not answer, or answered too late for this; the whole is tried again.
pub async fn give_up(node: &Node) -> Result<(), String> {
    let (runtime, me) = (node.runtime.clone(), node.identity.id.clone());
    let (markers, unreadable) = runtime.markers().map_err(|error| error.to_string())?;
    // Which unit a marker is of that cannot be read is not known.
    if !unreadable.is_empty() {
        return Ok(());
    }
    let read = node.with_store(move |store| reads::unfinished(store, &me)).await;
    for (unit, placement) in read.map_err(|error| error.to_string())? {
        if markers.contains_key(&unit) {
            continue;
        }
        // Another machine may live under this ID by now, and bring its units in.
        if !node.contact.borrow().may_start(clock::now_ms(), node.agent_ttl_ms()) {
            return Err(format!("give {unit} back: this machine's record was not confirmed lately"));
        }
        let (key, guard) = (keys::placement(&unit), placement.guard);
        let deleted =
            node.with_store(move |store| settle_delete(store, &key, guard, store.delete(&key, guard)));
        deleted.await.map_err(|error| format!("give {unit} back: {error}"))?;
        let about = About { unit: Some(&unit), ..About::default() };
        tell(Event::UnitGivenBack, about, format_args!("released {unit}: it was not brought in to the end"));
    }
    Ok(())
}

fn bring_in_one(
    store: &dyn Store,
    me: &MachineId,
    runtime: &RuntimeDir,
    unit: &UnitName,
    marker: &Marker,
    file: &UnitFile,
) -> Result<(), String> {
    if !marker.global {
        place(store, me, unit, None, None).map_err(|error| error.to_string())?;
    }
    units::create(store, unit, file, marker.order.as_state()).map_err(|error| error.to_string())?;
    let spec =
        units::read(store, unit).map_err(|error| error.to_string())?.ok_or("destroyed at the same moment")?;
    if !marker.global {
        let placed = reads::placement(store, unit).map_err(|error| error.to_string())?;
        if let Some(placed) = placed.filter(|placed| placed.value.machine == *me) {
            place(store, me, unit, Some(spec.incarnation), Some(&placed))
                .map_err(|error| error.to_string())?;
        }
    }
    let renamed = |there: Option<Marker>| Marker {
        incarnation: spec.incarnation,
        ..there.unwrap_or_else(|| marker.clone())
    };
    runtime.remark(unit, renamed).1.map_err(|error| error.to_string())
}

/// Writes our placement of `unit`; one that another machine holds stays as it is.
fn place(
    store: &dyn Store,
    me: &MachineId,
    unit: &UnitName,
    incarnation: Option<Incarnation>,
    existing: Option<&Kept<Placement>>,
) -> Result<(), StoreError> {
    let placement = Placement { machine: me.clone(), incarnation, epoch: None, losses: 0 };
    if existing.is_some_and(|existing| existing.value.incarnation == incarnation) {
        return Ok(());
    }
    let Ok(value) = json::encode(&placement, REGISTRY_VALUE_MAX_BYTES) else { return Ok(()) };
    let (key, guard) = (keys::placement(unit), existing.map(|existing| existing.guard));
    let outcome = match guard {
        Some(guard) => store.swap(&key, &value, guard, None),
        None => store.create(&key, &value, None),
    };
    match settle(store, &key, &value, guard, outcome)? {
        Settled::Done { .. } | Settled::Refused(_) => Ok(()),
    }
}

/// Takes this machine back after an operator's word: the store's fleet becomes one that takes over the machines of
/// ours (registry rule 4). Every agent that sees it does the rest for itself.
///
/// # Errors
/// There is nothing to adopt, or the store did not answer.
pub async fn adopt_store(node: &Node) -> Result<String, NotDone> {
    let Look { view, standing, .. } = presence::look(node).await.map_err(no_answer)?;
    let frozen = match standing {
        StoreStanding::Frozen(
            freeze @ (Freeze::Wiped { .. }
            | Freeze::OtherFleet { .. }
            | Freeze::WentBack { .. }
            | Freeze::InTransit(_)),
        ) => freeze,
        StoreStanding::Frozen(freeze) => return Err(NotDone::Refused(freeze.to_string())),
        _ => return refused("the registry is this fleet's own; nothing to adopt"),
    };
    let Some(ours) = node.remembered.borrow().as_ref().map(|remembered| remembered.fleet.clone()) else {
        return refused("this machine belongs to no fleet");
    };
    let fresh = random_id().map_err(no_answer)?;
    let fresh = FleetId::parse(&fresh).map_err(no_answer)?;
    let current = view.layout.as_ref();
    let layout = cluster::standing::adopting(current.map(|layout| &layout.value), &ours, fresh);
    let value = json::encode(&layout, REGISTRY_VALUE_MAX_BYTES).map_err(no_answer)?;
    let guard = current.map(|layout| layout.guard);
    let settled = node.with_store(move |store| {
        let outcome = match guard {
            Some(guard) => store.swap(keys::LAYOUT, &value, guard, None),
            None => store.create(keys::LAYOUT, &value, None),
        };
        settle(store, keys::LAYOUT, &value, guard, outcome)
    });
    match settled.await.map_err(no_answer)? {
        Settled::Done { .. } => {
            crate::event!(
                RegistryAdopted,
                "registry adopted by an operator as fleet {}; it was frozen: {frozen}",
                layout.fleet
            );
            node.ropes.beat.ring();
            Ok(format!("adopted as fleet {}; its machines bring their units in", layout.fleet))
        }
        Settled::Refused(_) => {
            refused("the registry's layout changed at the same moment; look and try again")
        }
    }
}

fn refused(why: &str) -> Result<String, NotDone> {
    Err(NotDone::Refused(why.to_string()))
}

fn no_answer(error: impl std::fmt::Display) -> NotDone {
    NotDone::NoAnswer(error.to_string())
}
