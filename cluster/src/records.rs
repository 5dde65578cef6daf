//! The values of the registry's keys and of the marker beside a unit on disk. One type a key, its JSON derived;
//! which key holds which is `keys`' business, what follows from them `schedule`'s and `reconcile`'s.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::ids::{BootId, Epoch, FleetId, Hash, Incarnation, MachineId, Nonce};
use crate::sorted::Map;
use crate::state::{Order, TargetState};

/// `fleet/layout`: which fleet this store holds (registry rule 4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// Version of the key layout; this program knows [`LAYOUT_VERSION`].
    pub version: u32,
    /// Random, made with the layout.
    pub fleet: FleetId,
    /// Fleets whose machines were taken over by `ctl registry adopt`, newest first.
    #[serde(default)]
    pub adopts: Vec<FleetId>,
    /// Fleets whose registry this one is a copy of, newest first (`cluster::transfer`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub copies: Vec<FleetId>,
    /// There while the registry is on its way to or from another store, and for ever once it has left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transit: Option<Transit>,
}

impl Layout {
    /// The layout of a new fleet.
    #[must_use]
    pub fn of(fleet: FleetId) -> Self {
        let (adopts, copies) = (Vec::new(), Vec::new());
        Self { version: LAYOUT_VERSION, fleet, adopts, copies, transit: None }
    }
}

/// The mark of a registry that nobody may act on, since it is being copied or has been.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transit {
    /// How far the copy has come.
    pub stage: Stage,
    /// The other store, as an operator names it: URLs or a folder; at most `limits::STORE_NAME_MAX_BYTES`.
    pub store: String,
    /// The machine whose agent copies.
    pub by: MachineId,
}

/// How far a copy has come, seen from the store that holds the mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// The original, sealed while the last of it is copied.
    Leaving,
    /// The original once the copy is in charge.
    Left,
    /// The copy until it is complete.
    Arriving,
}

/// The key layout this program reads and writes.
pub const LAYOUT_VERSION: u32 = 1;

/// The version of a layout in transit: one that no program acts on, those from before there was a transit included.
pub const LAYOUT_VERSION_SEALED: u32 = 0;

/// `units/<unit>`: the spec. The key's createdIndex is the unit's incarnation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// What the user asked for.
    pub target: TargetState,
    /// Hash of `unit`, so that a reader need not compute it.
    pub hash: Hash,
    /// The serialised unit file.
    pub unit: String,
}

/// `placements/<unit>`: the one authoritative statement of where a unit runs. `setbacks/<unit>` keeps the last one of a
/// unit that is held back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// The machine that holds the unit.
    pub machine: MachineId,
    /// Which unit of that name. `None` while its machine brings it into a store it has just been adopted by.
    pub incarnation: Option<Incarnation>,
    /// The leadership that decided it; `None` where the machine itself did (adoption).
    pub epoch: Option<Epoch>,
    /// How many machines in a row were lost soon after the unit came (`setback`).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub losses: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(losses: &u32) -> bool {
    *losses == 0
}

/// `leader/settled`: which placements have outlived the time in which a loss of their machine counts against them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// All that were created at this index of the store or before.
    pub index: u64,
}

/// `machines/<id>/presence`: a machine's life sign. The key's createdIndex is its session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    /// The machine.
    pub id: MachineId,
    /// Which boot of it.
    pub boot: BootId,
    /// Which life of its runtime directory.
    pub nonce: Nonce,
    /// Address for people and ssh; empty if unknown.
    pub address: String,
    /// Configured metadata, before patches.
    #[serde(default)]
    pub metadata: Map<String, String>,
    /// Version of the agent.
    pub version: String,
    /// True once it has begun to leave: takes no units (registry rule 10).
    #[serde(default)]
    pub leaving: bool,
}

/// What the leader wants of the holder of a placement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Hold it.
    Placed,
    /// Stop it, wait for the stop, then delete the placement.
    Revoked,
}

/// `machines/<id>/assigned/<unit>`: derived from spec and placement, read by the machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// Which unit of that name.
    pub incarnation: Incarnation,
    /// Hash of the unit file to hold.
    pub hash: Hash,
    /// What to do with it.
    pub target: TargetState,
    /// Hold or give back.
    pub phase: Phase,
    /// Why, in the leader's words, for the machine's log.
    #[serde(default)]
    pub why: String,
}

/// `fleet/globals/<unit>`: derived from the spec of a global unit, read by every machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GlobalUnit {
    /// Which unit of that name.
    pub incarnation: Incarnation,
    /// Hash of the unit file to hold.
    pub hash: Hash,
    /// What to do with it; never inactive.
    pub target: TargetState,
}

/// `states/<id>/<session>/<unit>`: what the machine says of the unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateRow {
    /// Which unit of that name.
    pub incarnation: Incarnation,
    /// Hash of the file that is in place, or is to be.
    pub hash: Hash,
    /// How far the order got; `None` while nothing of the unit is in place, as when its file was refused.
    pub order: Option<Order>,
    /// systemd's load state.
    pub load: String,
    /// systemd's active state.
    pub active: String,
    /// systemd's sub state.
    pub sub: String,
    /// Last error of this unit here, at most `limits::ERROR_TEXT_MAX_BYTES`; empty if none.
    #[serde(default)]
    pub error: String,
}

/// `fleet/lease`: who schedules. The key's createdIndex is the epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The leader.
    pub machine: MachineId,
}

/// The file beside a unit on disk that says what this machine did with it last. It outlives the agent, not the boot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// Which unit of that name.
    pub incarnation: Incarnation,
    /// Hash of the file that was written.
    pub hash: Hash,
    /// How far the order got.
    pub order: Order,
    /// True for a copy of a global unit.
    #[serde(default)]
    pub global: bool,
    /// True from before a stop or a start is asked for: until a start is accepted, or a stop that leaves the unit here.
    #[serde(default)]
    pub stopping: bool,
}
