//! The question of what would become of units (an additive part of the API): its body and its answer. What is done with
//! the answer is told elsewhere.

use cluster::limits::API_REQUEST_MAX_BYTES;
use cluster::requirements;
use cluster::state::TargetState;
use cluster::unit_file::{UnitFile, UnitOption};
use cluster::{MachineId, UnitName, json};
use serde::Serialize;

use super::wire::{Envelope, ItemWire};
use super::{Api, ApiError, Machine};

/// What is asked of one unit.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    /// The unit.
    pub(crate) name: UnitName,
    /// What it is to be.
    pub(crate) target: TargetState,
    /// Its content, where that would be stored first.
    pub(crate) file: Option<UnitFile>,
}

/// What would become of one unit.
#[derive(Clone, Debug)]
pub(crate) struct Fate {
    /// The unit.
    pub(crate) name: UnitName,
    /// `stays`, `goes`, `leaves`, `waits`, `everywhere`, or a word of a later server.
    pub(crate) kind: String,
    /// Which machine that concerns.
    pub(crate) machine: Option<(MachineId, String)>,
    /// Why; may be empty.
    pub(crate) reason: String,
    /// What each machine says to a global unit.
    pub(crate) machines: Vec<(Machine, bool, String)>,
}

/// The answer.
#[derive(Clone, Debug)]
pub(crate) struct Rehearsal {
    /// The units asked about.
    pub(crate) units: Vec<Fate>,
    /// Others, which would have to leave their machines.
    pub(crate) displaced: Vec<Fate>,
}

#[derive(Serialize)]
struct Question<'a> {
    units: Vec<WishWire<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WishWire<'a> {
    name: &'a str,
    desired_state: TargetState,
    #[serde(skip_serializing_if = "Option::is_none")]
    options: Option<Vec<&'a UnitOption>>,
}

impl Api {
    /// What would become of units if they were asked for; `None` if the server has no answer to that.
    pub(crate) fn rehearse(&self, wishes: &[Wish]) -> Result<Option<Rehearsal>, ApiError> {
        let operation = "rehearse";
        let question = Question { units: wishes.iter().map(WishWire::of).collect() };
        let body = json::encode(&question, API_REQUEST_MAX_BYTES);
        let body = body.map_err(|e| self.unsendable(operation, &e))?;
        let answer = self.backend.send(operation, "POST", "rehearsal", Some(&body))?;
        // A server that knows the path says more.
        if matches!(answer.status, 404 | 405) && answer.complaint().is_empty() {
            return Ok(None);
        }
        let answer: Envelope = self.decode(operation, &answer.accepted()?)?;
        let fates = |fates: Vec<ItemWire>| fates.into_iter().filter_map(Fate::from_wire).collect();
        Ok(Some(Rehearsal { units: fates(answer.units), displaced: fates(answer.displaced) }))
    }
}

impl<'a> WishWire<'a> {
    /// Of the content only what the scheduler reads is sent.
    fn of(wish: &'a Wish) -> Self {
        let matters = |option: &&UnitOption| option.section == requirements::SECTION;
        let options = wish.file.as_ref().map(|file| file.options().iter().filter(matters).collect());
        Self { name: wish.name.as_str(), desired_state: wish.target, options }
    }
}

impl Fate {
    pub(super) fn from_wire(wire: ItemWire) -> Option<Self> {
        let machine = MachineId::parse(&wire.machine_id).ok().map(|id| (id, wire.primary_ip));
        Some(Self {
            name: UnitName::parse(&wire.name).ok()?,
            kind: wire.fate,
            machine,
            reason: wire.reason.unwrap_or_default(),
            machines: wire.machines.into_iter().filter_map(Machine::verdict).collect(),
        })
    }
}
