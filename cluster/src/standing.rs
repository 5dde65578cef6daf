//! Whose store is this? Decides from the store's layout and counters whether the fleet this machine belongs to
//! is the one it is looking at (registry rule 4). A wiped, restored or wrong store freezes the machine; only an
//! operator's word in the layout makes it join another one.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::{FleetId, MachineId};
use crate::limits::ADOPTED_FLEETS_MAX;
use crate::records::{LAYOUT_VERSION, Layout, Stage, Transit};

/// What a machine remembers of its fleet, kept beside its units for as long as they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// The fleet it belongs to.
    pub fleet: FleetId,
    /// Highest store index it has seen.
    pub index: u64,
    /// The store's own identity (X-Etcd-Cluster-Id), 0 if it gives none.
    pub cluster: u64,
    /// The store that a majority of it showed to be at an earlier moment of the fleet. Others may write to it until its index is
    /// higher again; what this machine saw is missing there all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind: Option<Behind>,
}

/// A store at an earlier moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Behind {
    /// Its identity.
    pub cluster: u64,
    /// Its index when that was noticed.
    pub index: u64,
}

/// Why nothing may be stopped, swept, scheduled or published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Freeze {
    /// The store knows no fleet: it was wiped, or it is an empty one.
    Wiped {
        /// The fleet this machine belongs to.
        ours: FleetId,
    },
    /// The store holds another fleet.
    OtherFleet {
        /// The fleet this machine belongs to.
        ours: FleetId,
        /// The one the store holds.
        theirs: FleetId,
    },
    /// The same fleet at an earlier moment: the store was restored.
    WentBack {
        /// Highest index seen.
        from: u64,
        /// Index now.
        to: u64,
    },
    /// The registry is on its way between two stores, or has left this one.
    InTransit(Transit),
    /// The layout is of a version this program does not know.
    Version(u32),
    /// The layout is there and cannot be read.
    Unreadable,
}

impl fmt::Display for Freeze {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wiped { ours } => {
                write!(f, "the store holds no fleet and this machine belongs to fleet {ours}")?
            }
            Self::OtherFleet { ours, theirs } => {
                write!(f, "the store holds fleet {theirs} and this machine belongs to fleet {ours}")?;
            }
            Self::WentBack { from, to } => write!(f, "the store went back from index {from} to {to}")?,
            Self::InTransit(Transit { stage, store, by }) => {
                return f.write_str(&in_transit(*stage, store, by));
            }
            Self::Version(version) => {
                return write!(
                    f,
                    "the registry has layout {version} and this agent knows {LAYOUT_VERSION}: upgrade it"
                );
            }
            Self::Unreadable => return f.write_str("the registry's layout cannot be read"),
        }
        f.write_str("; units keep running and nothing is changed until `ctl registry adopt`")
    }
}

/// What is to be done about a registry in transit, for an operator.
fn in_transit(stage: Stage, store: &str, by: &MachineId) -> String {
    match stage {
        Stage::Leaving => format!(
            "the registry is being copied to {store} by machine {}; units keep running and nothing is changed until that \
             has ended. If it broke off, repeat `ctl registry copy`, or stay here with `ctl registry adopt`",
            by.short()
        ),
        Stage::Left => format!(
            "the fleet's registry has moved to {store}; units keep running and nothing is changed until this machine's \
             fleet.conf names that store and `systemctl reload fleet` is called"
        ),
        Stage::Arriving => format!(
            "the store holds an unfinished copy of a registry in {store}; units keep running and nothing is changed until \
             `ctl registry copy` is repeated on machine {}",
            by.short()
        ),
    }
}

/// How this machine stands to the store it reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Its fleet's own store.
    Ours,
    /// It belongs to no fleet yet, and the store holds this one: join it.
    Join(FleetId),
    /// It belongs to no fleet yet, and the store holds none: create the layout.
    Found,
    /// An operator let this store's fleet take the machine over: bring in what it runs, then join.
    Adopted(FleetId),
    /// The store's registry is a copy of the one that this machine knows: take its units' new incarnations, then join.
    Moved(FleetId),
    /// None of these.
    Frozen(Freeze),
}

/// Compares what is remembered with what one read showed. `unreadable` tells of a layout that did not decode. The
/// store's own identity only tells which one is known to be at an earlier moment: a backup is restored under a new one,
/// and still is the fleet.
#[must_use]
pub fn standing(
    remembered: Option<&Remembered>,
    layout: Option<&Layout>,
    unreadable: bool,
    (index, cluster): (u64, u64),
) -> Standing {
    let behind = remembered.and_then(|ours| ours.behind).filter(|behind| behind.cluster == cluster);
    let seen = behind.map_or(index, |behind| behind.index);
    if unreadable {
        return Standing::Frozen(Freeze::Unreadable);
    }
    if let Some(transit) = layout.and_then(|layout| layout.transit.as_ref()) {
        return Standing::Frozen(Freeze::InTransit(transit.clone()));
    }
    if let Some(layout) = layout.filter(|layout| layout.version != LAYOUT_VERSION) {
        return Standing::Frozen(Freeze::Version(layout.version));
    }
    match (remembered, layout) {
        (None, None) => Standing::Found,
        (None, Some(layout)) => Standing::Join(layout.fleet.clone()),
        (Some(ours), None) => Standing::Frozen(Freeze::Wiped { ours: ours.fleet.clone() }),
        (Some(ours), Some(layout)) if layout.fleet != ours.fleet => {
            if layout.adopts.contains(&ours.fleet) {
                return Standing::Adopted(layout.fleet.clone());
            }
            if layout.copies.contains(&ours.fleet) {
                return Standing::Moved(layout.fleet.clone());
            }
            Standing::Frozen(Freeze::OtherFleet { ours: ours.fleet.clone(), theirs: layout.fleet.clone() })
        }
        (Some(ours), Some(_)) if seen < ours.index => {
            Standing::Frozen(Freeze::WentBack { from: ours.index, to: seen })
        }
        (Some(_), Some(_)) => Standing::Ours,
    }
}

/// The layout after an operator's `registry adopt`: a new fleet that takes over the machines of `ours`, and of
/// whatever fleet the store holds now.
#[must_use]
pub fn adopting(current: Option<&Layout>, ours: &FleetId, fresh: FleetId) -> Layout {
    let older =
        current.into_iter().flat_map(|current| core::iter::once(&current.fleet).chain(&current.adopts));
    Layout { adopts: newest(core::iter::once(ours).chain(older)), ..Layout::of(fresh) }
}

/// Each fleet once, the newest ones, as many as a layout names.
pub(crate) fn newest<'a>(fleets: impl Iterator<Item = &'a FleetId>) -> Vec<FleetId> {
    let mut kept: Vec<FleetId> = Vec::new();
    for fleet in fleets {
        if kept.len() < ADOPTED_FLEETS_MAX && !kept.contains(fleet) {
            kept.push(fleet.clone());
        }
    }
    kept
}
