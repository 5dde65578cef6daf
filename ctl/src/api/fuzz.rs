//! Reads bytes as each answer of the API, up to the values ctl works with.

use cluster::json::{JsonError, decode};

use super::changes::ChangesWire;
use super::rehearsal::Fate;
use super::wire::{Envelope, ItemWire, Machine, Unit, UnitState};

/// What ctl would go on with, by name, and what it would say of the rest.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// Units of a list.
    pub units: Vec<Result<String, String>>,
    /// Units whose states are told.
    pub states: Vec<Result<String, String>>,
    /// Machines of a list or an explanation.
    pub machines: Vec<Result<String, String>>,
    /// The token of the next page.
    pub token: String,
}

/// An answer that is a page of a list, an explanation, a message or a refusal.
///
/// # Errors
/// The text is none.
pub fn answer(bytes: &[u8]) -> Result<Read, JsonError> {
    let page: Envelope = decode(bytes)?;
    let unit = |wire| Unit::read(wire).map(|unit| unit.name.to_string());
    let state = |wire| UnitState::read(wire).map(|state| state.name.to_string());
    let machine = |wire| Machine::read(wire).map(|machine| machine.id.to_string());
    Ok(Read {
        units: page.units.into_iter().map(unit).collect(),
        states: page.states.into_iter().map(state).collect(),
        machines: page.machines.into_iter().map(machine).collect(),
        token: page.next_page_token,
    })
}

/// An answer that is one unit: its name.
///
/// # Errors
/// The text is none.
pub fn unit(bytes: &[u8]) -> Result<Result<String, String>, JsonError> {
    decode::<ItemWire>(bytes).map(|wire| Unit::read(wire).map(|unit| unit.name.to_string()))
}

/// An answer that is what changed.
///
/// # Errors
/// The text is none.
pub fn changes(bytes: &[u8]) -> Result<(), JsonError> {
    decode::<ChangesWire>(bytes).map(drop)
}

/// An answer to a rehearsal: the units it tells of.
///
/// # Errors
/// The text is none.
pub fn rehearsal(bytes: &[u8]) -> Result<Vec<String>, JsonError> {
    let answer: Envelope = decode(bytes)?;
    let fates = answer.units.into_iter().filter_map(Fate::from_wire);
    Ok(fates.map(|fate| fate.name.to_string()).collect())
}
