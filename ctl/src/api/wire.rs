//! The API's JSON objects and the values ctl works with: read leniently as to what is absent, strictly as to what
//! is there (contract §5). No request is made here.

use cluster::chronicle::Record;
use cluster::requirements::Requirements;
use cluster::sorted::Map;
use cluster::state::TargetState;
use cluster::unit_file::{UnitFile, UnitOption};
use cluster::{Hash, MachineId, UnitName};
use serde::{Deserialize, Serialize};

use crate::talk;

/// A unit as the fleet sees it.
#[derive(Clone, Debug)]
pub(crate) struct Unit {
    /// Its name.
    pub(crate) name: UnitName,
    /// Its content.
    pub(crate) file: UnitFile,
    /// What was asked for.
    pub(crate) desired: TargetState,
    /// What is; `None` where the server does not say (a global unit of an old server).
    pub(crate) current: Option<TargetState>,
    /// Where it is or is to be.
    pub(crate) machine: Option<MachineId>,
    /// Runs on every machine that can.
    pub(crate) global: bool,
    /// Copies launched, of a global unit.
    pub(crate) launched: Option<u32>,
    /// Machines that can run it, of a global unit.
    pub(crate) eligible: Option<u32>,
    /// Why it is on no machine.
    pub(crate) reason: Option<String>,
}

impl Unit {
    /// True where it is known to be in no state but this.
    pub(crate) fn is(&self, state: TargetState) -> bool {
        self.current == Some(state)
    }

    pub(super) fn from_wire(wire: ItemWire) -> Option<Self> {
        Self::read(wire).inspect_err(|left_out| talk::warn(left_out)).ok()
    }

    /// # Errors
    /// Why it is left out.
    pub(super) fn read(wire: ItemWire) -> Result<Self, String> {
        let name = name_of(&wire.name)?;
        let file = UnitFile::from_options(wire.options);
        let global = Requirements::of(&name, &file).global;
        Ok(Self {
            name,
            file,
            desired: TargetState::parse(&wire.desired_state).unwrap_or(TargetState::Inactive),
            current: TargetState::parse(&wire.current_state),
            machine: MachineId::parse(&wire.machine_id).ok(),
            global,
            launched: wire.launched,
            eligible: wire.eligible,
            reason: wire.reason.filter(|reason| !reason.is_empty()),
        })
    }
}

/// What systemd says of one copy of a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UnitState {
    /// The unit.
    pub(crate) name: UnitName,
    /// Where the copy is.
    pub(crate) machine: MachineId,
    /// Hash of its content there.
    pub(crate) hash: Option<Hash>,
    /// LOAD of systemctl.
    pub(crate) load: String,
    /// ACTIVE of systemctl.
    pub(crate) active: String,
    /// SUB of systemctl.
    pub(crate) sub: String,
    /// What went wrong there.
    pub(crate) error: Option<String>,
    /// The machine's address, where the server says it.
    pub(crate) address: Option<String>,
}

impl UnitState {
    pub(super) fn from_wire(wire: ItemWire) -> Option<Self> {
        Self::read(wire).inspect_err(|left_out| talk::warn(left_out)).ok()
    }

    /// # Errors
    /// Why it is left out.
    pub(super) fn read(wire: ItemWire) -> Result<Self, String> {
        let machine = MachineId::parse(&wire.machine_id)
            .map_err(|_| format!("the state of {:?} names no machine; left out", wire.name))?;
        Ok(Self {
            name: name_of(&wire.name)?,
            machine,
            hash: Hash::parse(&wire.hash).ok(),
            load: wire.systemd_load_state,
            active: wire.systemd_active_state,
            sub: wire.systemd_sub_state,
            error: wire.error.filter(|error| !error.is_empty()),
            address: Some(wire.primary_ip).filter(|address| !address.is_empty()),
        })
    }
}

/// A machine of the fleet.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    /// Its ID.
    pub(crate) id: MachineId,
    /// Its address; may be empty.
    pub(crate) address: String,
    /// Its metadata.
    pub(crate) metadata: Map<String, String>,
    /// Its agent's version; may be empty.
    pub(crate) version: String,
    /// It gets no new units and gives up those it has.
    pub(crate) draining: bool,
}

impl Machine {
    pub(super) fn from_wire(wire: ItemWire) -> Option<Self> {
        Self::read(wire).inspect_err(|left_out| talk::warn(left_out)).ok()
    }

    /// # Errors
    /// Why it is left out.
    pub(super) fn read(wire: ItemWire) -> Result<Self, String> {
        let id = MachineId::parse(&wire.id)
            .map_err(|_| format!("the server lists a machine with the ID {:?}; left out", wire.id))?;
        let (address, metadata) = (wire.primary_ip, wire.metadata);
        Ok(Self { id, address, metadata, version: wire.version, draining: wire.draining })
    }

    /// A machine, whether it could run a unit, and why not.
    pub(super) fn verdict(mut wire: ItemWire) -> Option<(Self, bool, String)> {
        let (able, reason) = (wire.able, wire.reason.take().unwrap_or_default());
        Self::from_wire(wire).map(|machine| (machine, able, reason))
    }
}

/// Why a unit is where it is.
#[derive(Clone, Debug)]
pub(crate) struct Explanation {
    /// What was asked for; `None` where the server does not say.
    pub(crate) desired: Option<TargetState>,
    /// What is.
    pub(crate) current: Option<TargetState>,
    /// Where it is or is to be.
    pub(crate) machine: Option<MachineId>,
    /// The scheduler's word on the unit; may be empty.
    pub(crate) reason: String,
    /// Each machine, whether it could run the unit, and the reason; by ID.
    pub(crate) machines: Vec<(Machine, bool, String)>,
}

impl Explanation {
    pub(super) fn from_wire(wire: Envelope) -> Self {
        let machines = wire.machines.into_iter().filter_map(Machine::verdict);
        Self {
            desired: TargetState::parse(&wire.desired_state),
            current: TargetState::parse(&wire.current_state),
            machine: MachineId::parse(&wire.machine_id).ok(),
            reason: wire.reason,
            machines: machines.collect(),
        }
    }
}

fn name_of(text: &str) -> Result<UnitName, String> {
    UnitName::parse(text).map_err(|e| format!("the server lists a unit {text:?}; left out: {e}"))
}

/// Every object the API answers with but a single unit: a page of a list, an explanation, a rehearsal, a message, a
/// refusal. What an answer does not have is empty. One type instead of eight, since each costs the binary its own decoder.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Envelope {
    pub(super) units: Vec<ItemWire>,
    pub(super) displaced: Vec<ItemWire>,
    pub(super) states: Vec<ItemWire>,
    pub(super) machines: Vec<ItemWire>,
    pub(super) events: Vec<Record>,
    pub(super) next_page_token: String,
    pub(super) message: String,
    pub(super) desired_state: String,
    pub(super) current_state: String,
    #[serde(rename = "machineID")]
    pub(super) machine_id: String,
    pub(super) reason: String,
    pub(super) error: RefusalWire,
}

/// `{"code":404,"message":"…"}`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RefusalWire {
    pub(super) message: String,
}

/// Whatever is listed: a unit, what systemd says of a copy of one, a machine with or without a verdict, what would become
/// of a unit. One type for the same reason; each of them has some of the fields.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ItemWire {
    id: String,
    pub(super) name: String,
    #[serde(rename = "machineID")]
    pub(super) machine_id: String,
    #[serde(rename = "primaryIP")]
    pub(super) primary_ip: String,
    pub(super) reason: Option<String>,
    options: Vec<UnitOption>,
    desired_state: String,
    current_state: String,
    launched: Option<u32>,
    eligible: Option<u32>,
    hash: String,
    systemd_load_state: String,
    systemd_active_state: String,
    systemd_sub_state: String,
    error: Option<String>,
    metadata: Map<String, String>,
    version: String,
    draining: bool,
    able: bool,
    pub(super) fate: String,
    pub(super) machines: Vec<ItemWire>,
}

/// The body of a PUT on a unit.
#[derive(Debug, Serialize)]
pub(super) struct UnitOrder<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    options: Option<&'a [UnitOption]>,
    #[serde(rename = "desiredState", skip_serializing_if = "Option::is_none")]
    desired_state: Option<TargetState>,
}

impl<'a> UnitOrder<'a> {
    pub(super) fn create(name: &'a str, file: &'a UnitFile) -> Self {
        Self { name, options: Some(file.options()), desired_state: None }
    }

    pub(super) const fn set(name: &'a str, state: TargetState) -> Self {
        Self { name, options: None, desired_state: Some(state) }
    }
}
