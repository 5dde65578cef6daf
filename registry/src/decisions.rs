//! The leader's decisions as writes, each under the guard it was decided with. A refused guard is no error: the
//! world has moved on, and the next pass decides anew.

use cluster::limits::REGISTRY_VALUE_MAX_BYTES;
use cluster::records::{Assignment, Placement};
use cluster::schedule::Decision;
use cluster::{Epoch, Guard, MachineId, UnitName, json, keys};
use serde::Serialize;

use crate::settle::{Settled, settle, settle_delete};
use crate::store::{Outcome, Store, StoreError, StoreErrorKind};

/// How carrying out a decision ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enacted {
    /// Written.
    Done,
    /// The guard did not hold: decide again.
    Overtaken,
}

/// Writes one decision as the leader of `epoch`.
///
/// # Errors
/// The store gave no usable answer, or it is open whether the write happened.
pub fn enact(store: &dyn Store, decision: &Decision, epoch: Epoch) -> Result<Enacted, StoreError> {
    match decision {
        Decision::Release { unit, guard, setback, .. } => {
            // Before, so that whoever leads next knows of it; where one is there that was not seen, that one counts.
            if let Some((kept, in_the_way)) = setback {
                write(store, &keys::setback(unit), kept, *in_the_way)?;
            }
            remove(store, &keys::placement(unit), *guard)
        }
        Decision::Forgive { unit, guard, .. } => remove(store, &keys::setback(unit), *guard),
        Decision::Place { unit, machine, losses, assignment, guard, .. } => {
            let placement = Placement {
                machine: machine.clone(),
                incarnation: Some(assignment.incarnation),
                epoch: Some(epoch),
                losses: *losses,
            };
            match write(store, &keys::placement(unit), &placement, None)? {
                Enacted::Done => assign(store, unit, machine, assignment, *guard),
                Enacted::Overtaken => Ok(Enacted::Overtaken),
            }
        }
        Decision::Assign { unit, machine, assignment, guard, .. } => {
            assign(store, unit, machine, assignment, *guard)
        }
        Decision::Unassign { unit, machine, guard, .. } => {
            remove(store, &keys::assigned(machine, unit), *guard)
        }
        Decision::PublishGlobal { unit, record, guard, .. } => {
            write(store, &keys::global(unit), record, *guard)
        }
        Decision::WithdrawGlobal { unit, guard, .. } => remove(store, &keys::global(unit), *guard),
        Decision::Settle { record, guard, .. } => write(store, keys::SETTLED, record, *guard),
        Decision::Sweep { machine, session, .. } => {
            match store.delete_tree(&keys::session(machine, *session)) {
                Outcome::Done { .. } | Outcome::Refused(_) => Ok(Enacted::Done),
                Outcome::Unknown(error) => Err(error),
            }
        }
    }
}

fn assign(
    store: &dyn Store,
    unit: &UnitName,
    machine: &MachineId,
    assignment: &Assignment,
    guard: Option<Guard>,
) -> Result<Enacted, StoreError> {
    write(store, &keys::assigned(machine, unit), assignment, guard)
}

/// Creates or swaps one record.
fn write(
    store: &dyn Store,
    key: &str,
    record: &impl Serialize,
    guard: Option<Guard>,
) -> Result<Enacted, StoreError> {
    let value = json::encode(record, REGISTRY_VALUE_MAX_BYTES).map_err(|error| StoreError {
        operation: format!("encode {key}"),
        kind: StoreErrorKind::BadAnswer,
        cause: error.to_string(),
    })?;
    let outcome = match guard {
        Some(guard) => store.swap(key, &value, guard, None),
        None => store.create(key, &value, None),
    };
    Ok(match settle(store, key, &value, guard, outcome)? {
        Settled::Done { .. } => Enacted::Done,
        Settled::Refused(_) => Enacted::Overtaken,
    })
}

fn remove(store: &dyn Store, key: &str, guard: Guard) -> Result<Enacted, StoreError> {
    Ok(match settle_delete(store, key, guard, store.delete(key, guard))? {
        Settled::Done { .. } => Enacted::Done,
        Settled::Refused(_) => Enacted::Overtaken,
    })
}
