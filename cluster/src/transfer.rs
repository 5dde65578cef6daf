//! Copying a registry into another store (`registry/README.md`, "How a registry moves"): who may be copied where, which
//! writes bring the copy closer to the original, and what a machine's units are called in it. Reading, writing and the
//! order of both are `registry::transfer`'s.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use crate::ids::{FleetId, Guard, Incarnation, MachineId};
use crate::keys::{self, Key};
use crate::limits::{COPY_GRACE_SECONDS, REGISTRY_VALUE_MAX_BYTES};
use crate::name::UnitName;
use crate::records::{LAYOUT_VERSION, LAYOUT_VERSION_SEALED, Layout, Marker, Placement, Stage, Transit};
use crate::{json, standing};

/// One key of a registry as it was read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Record {
    /// Below the store's prefix.
    pub key: String,
    /// The value.
    pub value: String,
    /// createdIndex.
    pub created: u64,
    /// modifiedIndex.
    pub modified: u64,
    /// Seconds left to live, where the key has a TTL.
    pub ttl_secs: Option<u64>,
}

/// A whole registry from one moment of its store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents(Vec<Record>);

impl Contents {
    /// Takes the keys of one read, in any order.
    #[must_use]
    pub fn new(mut records: Vec<Record>) -> Self {
        records.sort_unstable();
        Self(records)
    }

    /// The record of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Record> {
        let at = self.0.binary_search_by(|record| record.key.as_str().cmp(key)).ok()?;
        self.0.get(at)
    }

    /// True if there is no key at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many units it has, and how many machines that give signs of life.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        let count = |is: fn(&Key) -> bool| {
            self.0.iter().filter(|record| Key::parse(&record.key).is_some_and(|key| is(&key))).count()
        };
        (count(|key| matches!(key, Key::Spec(_))), count(|key| matches!(key, Key::Presence(_))))
    }

    /// A unit whose holder gives no sign of life. It may be lost or only away; a copy made now could not tell.
    #[must_use]
    pub fn held_by_silent(&self) -> Option<(UnitName, MachineId)> {
        self.0.iter().find_map(|record| {
            let Some(Key::Placement(unit)) = Key::parse(&record.key) else { return None };
            let placement: Placement = json::decode(record.value.as_bytes()).ok()?;
            let silent = self.get(&keys::presence(&placement.machine)).is_none();
            silent.then_some((unit, placement.machine))
        })
    }
}

/// One write to the copy, under the guard of what was read there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// The key.
    pub key: String,
    /// The new value; `None` deletes the key.
    pub value: Option<String>,
    /// The key as it was seen; `None` for one that must not be there.
    pub guard: Option<Guard>,
    /// TTL of the key, for one that has one.
    pub ttl_secs: Option<u32>,
}

/// The writes that bring `copy` closer to `original`; none once it is complete. A placement waits for its unit's spec,
/// whose incarnation is only known once it is written, so that it takes more than one pass. Life signs are copied only
/// from a sealed original: before, they are not the last.
///
/// `nobody` is an incarnation that no unit has (createdIndex of the copy's layout, its first key).
#[must_use]
pub fn pass(original: &Contents, copy: &Contents, nobody: Incarnation, is_sealed: bool) -> Vec<Write> {
    let mut writes = Vec::new();
    for record in &original.0 {
        let there = copy.get(&record.key);
        let (value, ttl_secs) = match carried(&record.key) {
            Carried::Not => continue,
            Carried::Sign if is_sealed => (record.value.clone(), Some(COPY_GRACE_SECONDS)),
            Carried::Sign => continue,
            Carried::AsItIs => (record.value.clone(), None),
            Carried::Placement(unit) => {
                let spec = keys::spec(&unit);
                match placed(record, original.get(&spec), copy.get(&spec), nobody) {
                    Some(value) => (value, None),
                    None => continue,
                }
            }
        };
        if there.is_none_or(|there| there.value != value || is_short(there, ttl_secs)) {
            let guard = there.and_then(|there| Guard::new(there.modified));
            writes.push(Write { key: record.key.clone(), value: Some(value), guard, ttl_secs });
        }
    }
    let superfluous = copy.0.iter().filter(|record| match carried(&record.key) {
        Carried::Not => record.key != keys::LAYOUT,
        Carried::Sign => is_sealed && original.get(&record.key).is_none(),
        Carried::AsItIs | Carried::Placement(_) => original.get(&record.key).is_none(),
    });
    writes.extend(superfluous.map(|record| Write {
        key: record.key.clone(),
        value: None,
        guard: Guard::new(record.modified),
        ttl_secs: None,
    }));
    writes
}

/// True for a life sign left over from an earlier attempt that would not last.
fn is_short(there: &Record, ttl_secs: Option<u32>) -> bool {
    ttl_secs.is_some_and(|wanted| there.ttl_secs.is_none_or(|left| left < u64::from(wanted) / 2))
}

enum Carried {
    /// Whose registry it is, who leads, what it says of its own indices, and what the leader derives or machines publish anew.
    Not,
    /// A machine's life sign.
    Sign,
    Placement(UnitName),
    /// Specs, metadata, drains, the last decisions, and whatever this program does not know.
    AsItIs,
}

fn carried(key: &str) -> Carried {
    match Key::parse(key) {
        Some(
            Key::Layout | Key::Lease | Key::Settled | Key::Global(_) | Key::Assigned(..) | Key::State(..),
        ) => Carried::Not,
        Some(Key::Presence(_)) => Carried::Sign,
        Some(Key::Placement(unit) | Key::Setback(unit)) => Carried::Placement(unit),
        Some(Key::Spec(_) | Key::Drain(_) | Key::Metadata(..) | Key::Events) | None => Carried::AsItIs,
    }
}

/// A placement in the copy's incarnations. One of another incarnation than its unit's stays one: its machine still
/// has to give it back. `None` while the spec is not there yet.
fn placed(
    record: &Record,
    original: Option<&Record>,
    copy: Option<&Record>,
    nobody: Incarnation,
) -> Option<String> {
    let Ok(placement) = json::decode::<Placement>(record.value.as_bytes()) else {
        return Some(record.value.clone());
    };
    let is_current = original.is_some_and(|spec| {
        placement.incarnation.is_none_or(|incarnation| incarnation.get() == spec.created)
    });
    let incarnation = if is_current { Incarnation::new(copy?.created)? } else { nobody };
    let placement = Placement { incarnation: Some(incarnation), epoch: None, ..placement };
    json::encode(&placement, REGISTRY_VALUE_MAX_BYTES).ok()
}

/// What a unit on this machine is called in a copied registry. The placement decides which unit it is: it was this
/// machine's and is the present one's, so what runs here is that unit, or a file of it to be changed. What is left is
/// `nobody`'s, and goes for that reason. The same at every repetition, whatever the marker says already.
#[must_use]
pub fn renamed(
    me: &MachineId,
    marker: &Marker,
    spec: Option<Incarnation>,
    placement: Option<&Placement>,
    nobody: Incarnation,
) -> Incarnation {
    let is_ours = |spec: &Incarnation| {
        marker.global
            || placement
                .is_some_and(|placement| placement.machine == *me && placement.incarnation == Some(*spec))
    };
    spec.filter(is_ours).unwrap_or(nobody)
}

/// What a target store is to a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reception {
    /// Empty, or this fleet's own past: a copy begins.
    Begins,
    /// An unfinished copy of the same registry: it goes on.
    GoesOn,
}

/// Why a registry is not copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The original is not what this machine belongs to, or is itself a copy under way.
    NotOurs,
    /// The original has moved already, to another store than this one.
    HasMoved(String),
    /// Both are the same registry.
    Same,
    /// The target holds another fleet.
    OtherFleet(FleetId),
    /// The target holds keys, and no fleet.
    NotEmpty,
    /// A unit's holder gives no sign of life.
    Silent(UnitName, MachineId),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOurs => f.write_str("what this agent reads is not the registry of its fleet"),
            Self::HasMoved(store) => write!(f, "the registry has moved to {store} already"),
            Self::Same => f.write_str("the registry is in that store already"),
            Self::OtherFleet(fleet) => {
                write!(f, "the store holds fleet {fleet}; only an empty one is written to")
            }
            Self::NotEmpty => f.write_str("the store is not empty below the key prefix"),
            Self::Silent(unit, machine) => write!(
                f,
                "machine {} holds {unit} and gives no sign of life: wait until it is back, or until its units have moved",
                machine.short()
            ),
        }
    }
}

/// May `original` be copied into the store that holds `target`?
///
/// # Errors
/// It may not, and why.
pub fn receive(original: &Layout, target: Option<&Layout>, is_empty: bool) -> Result<Reception, Refusal> {
    let Some(target) = target else {
        return if is_empty { Ok(Reception::Begins) } else { Err(Refusal::NotEmpty) };
    };
    match target.transit.as_ref().map(|transit| transit.stage) {
        _ if target.fleet == original.fleet => Err(Refusal::Same),
        Some(Stage::Arriving) if target.copies.first() == Some(&original.fleet) => Ok(Reception::GoesOn),
        Some(Stage::Left) if original.copies.contains(&target.fleet) => Ok(Reception::Begins),
        _ => Err(Refusal::OtherFleet(target.fleet.clone())),
    }
}

/// A layout's stages, in the order they come.
impl Layout {
    fn sealed(&self, stage: Stage, store: &str, by: &MachineId) -> Self {
        let transit = Transit { stage, store: store.to_string(), by: by.clone() };
        Self { version: LAYOUT_VERSION_SEALED, transit: Some(transit), ..self.clone() }
    }

    /// The copy's layout until it is complete: of a fleet of its own, so that no index and no incarnation is compared
    /// across the two stores.
    #[must_use]
    pub fn arriving(&self, fresh: FleetId, store: &str, by: &MachineId) -> Self {
        let copies = standing::newest(core::iter::once(&self.fleet).chain(&self.copies));
        Self { fleet: fresh, copies, ..self.sealed(Stage::Arriving, store, by) }
    }

    /// The original's while the last of it is copied.
    #[must_use]
    pub fn leaving(&self, store: &str, by: &MachineId) -> Self {
        self.sealed(Stage::Leaving, store, by)
    }

    /// The original's from the moment on in which the copy is in charge.
    #[must_use]
    pub fn left(&self, store: &str, by: &MachineId) -> Self {
        self.sealed(Stage::Left, store, by)
    }

    /// Without a seal: the complete copy's, or that of an original which is not copied after all.
    #[must_use]
    pub fn open(&self) -> Self {
        Self { version: LAYOUT_VERSION, transit: None, ..self.clone() }
    }

    /// The stage of its transit.
    #[must_use]
    pub fn stage(&self) -> Option<Stage> {
        self.transit.as_ref().map(|transit| transit.stage)
    }
}
