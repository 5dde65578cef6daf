//! Machines: the list of the live ones, and the order to empty one. Their metadata is changed in `patch`.

use cluster::snapshot::{Machine, Snapshot};
use cluster::{MachineId, keys};
use registry::store::{Freshness, Outcome, Store};

use super::status::Status;

use super::failure::Failure;
use super::list::List;
use super::page::Extent;
use super::reads;
use super::reply::{Done, Reply};
use super::select::Select;
use super::wire::{self, MachineObject};

/// The value of a drain mark; its presence is what counts.
const DRAIN_MARK: &str = "true";

/// The live machines, by ID.
pub(super) fn list(store: &dyn Store, select: &Select, extent: Extent) -> Result<Reply, Failure> {
    Ok(Reply::List(listing(reads::machines(store, Freshness::Local)?, select, extent)))
}

pub(super) fn listing(snapshot: Snapshot, select: &Select, extent: Extent) -> List {
    let mut machines = snapshot.machines;
    machines.retain(|id, machine| machine.is_live() && select.wants_machine(Some(id)));
    let (before, size) = extent.bounds();
    let token = extent.next(machines.len());
    let machines = machines.into_iter().skip(before).take(size);
    // A machine's metadata is bounded far below the limit of an object.
    let objects = machines.filter_map(|(id, machine)| wire::encode(&object(&id, &machine)).ok());
    List { field: "machines", token, objects: Box::new(objects) }
}

/// A machine whose record cannot be read is alive, and nothing but its ID is known.
fn object<'a>(id: &'a MachineId, machine: &'a Machine) -> MachineObject<'a> {
    let presence = machine.presence.as_ref().map(|presence| &presence.value);
    MachineObject {
        id: id.as_str(),
        metadata: machine.metadata(),
        primary_ip: presence.map_or("", |presence| &presence.address),
        version: presence.map_or("", |presence| &presence.version),
        draining: machine.drain || presence.is_some_and(|presence| presence.leaving),
    }
}

/// Marks a live machine as one to be emptied, or takes the mark away; also from a machine that is not there.
pub(super) fn drain(store: &dyn Store, id: &MachineId, on: bool) -> Result<Done, Failure> {
    let machine = reads::machine(store, id)?;
    if !machine.is_live() && (on || !machine.drain) {
        return Err(Failure::no_machine());
    }
    let key = keys::drain(id);
    let outcome = if on { store.put(&key, DRAIN_MARK) } else { store.delete_tree(&key) };
    match outcome {
        Outcome::Done { .. } | Outcome::Refused(_) => {}
        // The same mark written or taken away twice is no harm; only its absence or presence counts.
        Outcome::Unknown(error) if store.read(&key, Freshness::Quorum)?.0.is_some() != on => {
            return Err(error.into());
        }
        Outcome::Unknown(_) => {}
    }
    let verb = if on { "drain" } else { "undrain" };
    Ok(Done::new(Status::NoContent, format!("{verb} machine {id}")))
}
