//! Why: the closed list of reasons that decisions, actions and refusals carry. The log, the API and the command
//! line print exactly these sentences. Nothing here decides anything.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::ids::MachineId;
use crate::name::UnitName;

/// Why a machine cannot take a unit (contract §7.4).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// The machine is leaving the fleet.
    Leaving,
    /// An operator drains it.
    Draining,
    /// Its record in the registry cannot be read.
    Unreadable,
    /// It gave no sign of life.
    Absent,
    /// The unit names another machine.
    OtherMachine {
        /// The ID the unit asks for.
        required: String,
    },
    /// The machine's metadata does not have what the unit asks for.
    Metadata {
        /// One unmet requirement, as `key=a or b`.
        missing: String,
    },
    /// A metadata requirement of the unit cannot be read.
    MetadataUnreadable {
        /// The requirement as written.
        value: String,
    },
    /// A unit it has to share its machine with is not there.
    PeerNotThere(UnitName),
    /// `MachineOf` names something that is no unit name.
    PeerUnreadable(String),
    /// A unit there and this one exclude each other.
    Conflict(UnitName),
    /// A unit there replaces this one.
    ReplacedBy(UnitName),
    /// This unit and a placed one replace each other, perhaps through others; the placed one stays.
    CircularReplaces(UnitName),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Leaving => f.write_str("the machine is leaving the fleet"),
            Self::Draining => f.write_str("the machine is being drained"),
            Self::Unreadable => f.write_str("the machine's record cannot be read"),
            Self::Absent => f.write_str("the machine gives no sign of life"),
            Self::OtherMachine { required } => write!(f, "the unit asks for machine {required}"),
            Self::Metadata { missing } => write!(f, "the machine lacks metadata {missing}"),
            Self::MetadataUnreadable { value } => {
                write!(f, "the unit's metadata requirement {value:?} is not key=value")
            }
            Self::PeerNotThere(peer) => write!(f, "{peer}, which it must share a machine with, is not there"),
            Self::PeerUnreadable(peer) => write!(f, "MachineOf={peer} names no unit"),
            Self::Conflict(other) => write!(f, "conflicts with {other}, which is there"),
            Self::ReplacedBy(other) => write!(f, "replaced there by {other}"),
            Self::CircularReplaces(other) => {
                write!(f, "it replaces {other}, which would make it move in turn")
            }
        }
    }
}

/// Why a unit that is to run is on no machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pending {
    /// Its last holder has not given it back yet.
    Held(MachineId),
    /// A machine that runs it is bringing it into a registry it was adopted by.
    Adopting(MachineId),
    /// Its placement cannot be read.
    PlacementUnreadable,
    /// No machine is alive.
    NoMachines,
    /// A machine can run it, and nobody leads at the moment.
    NoLeader,
    /// A machine can run it, and the leader has not got to it yet.
    Undecided,
    /// Its machines were lost, one after another.
    HeldBack {
        /// How many in a row.
        losses: u32,
        /// The last one.
        machine: MachineId,
    },
    /// Every machine refuses.
    Refused(Vec<(MachineId, Refusal)>),
}

impl fmt::Display for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held(machine) => write!(f, "waiting for {} to stop it", machine.short()),
            Self::Adopting(machine) => write!(f, "waiting for {} to bring it in", machine.short()),
            Self::PlacementUnreadable => f.write_str("its placement in the registry cannot be read"),
            Self::NoMachines => f.write_str("no machine is alive"),
            Self::NoLeader => f.write_str("no agent leads the fleet at the moment"),
            Self::Undecided => f.write_str("waiting for the leader to place it"),
            Self::HeldBack { losses, machine } => write!(
                f,
                "held back for a while: {losses} machines in a row were lost soon after it came, {} the last",
                machine.short()
            ),
            Self::Refused(all) => {
                f.write_str("no machine can run it: ")?;
                for (position, (machine, refusal)) in all.iter().enumerate() {
                    let gap = if position == 0 { "" } else { "; " };
                    write!(f, "{gap}{}: {refusal}", machine.short())?;
                }
                Ok(())
            }
        }
    }
}

/// A name for each [`Cause`], by its [`Cause::place`]: the label of its counter, and `SKIFF_CAUSE` in the journal.
pub const CAUSES: [&str; 15] = [
    "least-loaded",
    "unit-gone",
    "unit-replaced",
    "target-inactive",
    "became-global",
    "not-global",
    "machine-lost",
    "unable",
    "replaced-by",
    "spec-changed",
    "derived",
    "session-over",
    "forgiven",
    "outlived",
    "still-runs",
];

/// Why a unit has to leave its machine, or why the leader writes at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Least loaded machine that can run it.
    LeastLoaded,
    /// The unit was destroyed.
    UnitGone,
    /// It was destroyed and made again under the same name.
    UnitReplaced,
    /// The user wants it on no machine.
    TargetInactive,
    /// It became a global unit.
    BecameGlobal,
    /// It is no global unit any more, or has no target.
    NotGlobal,
    /// Its machine was judged lost.
    MachineLost(MachineId),
    /// Its machine can no longer run it.
    Unable(Refusal),
    /// Another unit takes its place.
    ReplacedBy(UnitName),
    /// What is wanted of the unit, or its content, changed.
    SpecChanged,
    /// A derived key did not say what spec and placement say.
    Derived,
    /// Rows of a machine's former life.
    SessionOver,
    /// What it was held back for is over.
    Forgiven,
    /// Its machine was there for long enough after it came.
    Outlived,
    /// It is held back, and a machine that came back runs it still.
    StillRuns,
}

impl Cause {
    /// The place of its name in [`CAUSES`].
    #[must_use]
    pub const fn place(&self) -> usize {
        match self {
            Self::LeastLoaded => 0,
            Self::UnitGone => 1,
            Self::UnitReplaced => 2,
            Self::TargetInactive => 3,
            Self::BecameGlobal => 4,
            Self::NotGlobal => 5,
            Self::MachineLost(_) => 6,
            Self::Unable(_) => 7,
            Self::ReplacedBy(_) => 8,
            Self::SpecChanged => 9,
            Self::Derived => 10,
            Self::SessionOver => 11,
            Self::Forgiven => 12,
            Self::Outlived => 13,
            Self::StillRuns => 14,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LeastLoaded => f.write_str("least loaded machine that can run it"),
            Self::UnitGone => f.write_str("the unit was destroyed"),
            Self::UnitReplaced => f.write_str("the unit was destroyed and created again"),
            Self::TargetInactive => f.write_str("target state is inactive"),
            Self::BecameGlobal => f.write_str("the unit became global"),
            Self::NotGlobal => f.write_str("the unit is not a global unit to run"),
            Self::MachineLost(machine) => write!(f, "machine {} is lost", machine.short()),
            Self::Unable(refusal) => write!(f, "its machine cannot run it: {refusal}"),
            Self::ReplacedBy(other) => write!(f, "replaced by {other}"),
            Self::SpecChanged => f.write_str("the unit's target state or content changed"),
            Self::Derived => f.write_str("derived record repaired"),
            Self::Forgiven => f.write_str("nothing speaks against it any more"),
            Self::Outlived => f.write_str("a loss of its machine would count against none of them any more"),
            Self::StillRuns => f.write_str("it runs there still"),
            Self::SessionOver => f.write_str("rows of a life of the machine that is over"),
        }
    }
}
