//! May this unit be on this machine? The rules of contract §7.4 one by one, for the leader, for every agent's
//! globals and for `ctl explain` alike. It looks at one machine; which machine is best is `schedule`'s question.

use alloc::string::String;
use alloc::vec::Vec;

use crate::glob;
use crate::ids::MachineId;
use crate::name::UnitName;
use crate::reason::Refusal;
use crate::requirements::Requirements;
use crate::snapshot::Machine;
use crate::sorted::{Map, Set};

/// The rules that look at the machine alone: is it taking units, is it the one asked for, has it the metadata.
#[must_use]
pub fn machine_refusal(
    id: &MachineId,
    machine: &Machine,
    metadata: &Map<String, String>,
    unit: &Requirements,
) -> Option<Refusal> {
    standing_refusal(machine)
        .or_else(|| identity_refusal(id, unit))
        .or_else(|| metadata_refusal(metadata, unit))
}

fn standing_refusal(machine: &Machine) -> Option<Refusal> {
    match &machine.presence {
        None if machine.presence_unreadable => Some(Refusal::Unreadable),
        None => Some(Refusal::Absent),
        Some(presence) if presence.value.leaving => Some(Refusal::Leaving),
        Some(_) if machine.drain => Some(Refusal::Draining),
        Some(_) => None,
    }
}

fn identity_refusal(id: &MachineId, unit: &Requirements) -> Option<Refusal> {
    let required = unit.machine_id.as_deref()?;
    let same = required == id.as_str() || required == id.short();
    (!same).then(|| Refusal::OtherMachine { required: required.into() })
}

/// Metadata alone: one of the values for each key (contract §2.2).
fn metadata_refusal(metadata: &Map<String, String>, unit: &Requirements) -> Option<Refusal> {
    if let Some(value) = unit.metadata_unreadable.first() {
        return Some(Refusal::MetadataUnreadable { value: value.clone() });
    }
    let (key, values) = missing_metadata(metadata, unit)?;
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    Some(Refusal::Metadata { missing: alloc::format!("{key}={}", values.join(" or ")) })
}

fn missing_metadata<'a>(
    metadata: &Map<String, String>,
    unit: &'a Requirements,
) -> Option<(&'a String, &'a Set<String>)> {
    let has = |key: &String, values: &Set<String>| metadata.get(key).is_some_and(|has| values.contains(has));
    unit.metadata.iter().find(|(key, values)| !has(key, values))
}

/// True if [`machine_refusal`] has nothing to say. Asked of every machine, where words for each refusal would cost more
/// than all the rest.
pub(crate) fn machine_takes(
    id: &MachineId,
    machine: &Machine,
    metadata: &Map<String, String>,
    unit: &Requirements,
) -> bool {
    unit.metadata_unreadable.is_empty()
        && missing_metadata(metadata, unit).is_none()
        && standing_refusal(machine).or_else(|| identity_refusal(id, unit)).is_none()
}

/// True if either unit's `Conflicts` matches the other's name.
#[must_use]
pub fn exclude(a: (&UnitName, &Requirements), b: (&UnitName, &Requirements)) -> bool {
    (matches_any(&a.1.conflicts, b.0) || matches_any(&b.1.conflicts, a.0)) && a.0 != b.0
}

/// True if `a` replaces `b`, whatever `b` says of `a`.
#[must_use]
pub fn replaces(a: (&UnitName, &Requirements), b: &UnitName) -> bool {
    matches_any(&a.1.replaces, b) && a.0 != b
}

/// True if `a` excludes or replaces `b` by what it says itself.
pub(crate) fn minds(a: (&UnitName, &Requirements), b: &UnitName) -> bool {
    (matches_any(&a.1.conflicts, b) || matches_any(&a.1.replaces, b)) && a.0 != b
}

/// True if the unit has to be where `other` is.
#[must_use]
pub fn needs(unit: &Requirements, other: &UnitName) -> bool {
    unit.machine_of.iter().any(|peer| peer == other.as_str())
}

/// True if the unit minds no company: then only units that do can have anything against it.
#[must_use]
pub fn is_easy(unit: &Requirements) -> bool {
    unit.conflicts.is_empty() && unit.replaces.is_empty()
}

fn matches_any(patterns: &[String], name: &UnitName) -> bool {
    patterns.iter().any(|pattern| glob::matches(pattern, name.as_str()))
}

/// A unit that is on a machine already.
#[derive(Clone, Copy, Debug)]
pub struct Resident<'a> {
    /// Its name.
    pub name: &'a UnitName,
    /// What its file asks; `None` where its spec is gone or cannot be read.
    pub requirements: Option<&'a Requirements>,
    /// False once it has been told to go; it still occupies the machine until it has gone.
    pub staying: bool,
}

/// The first partner the unit has to share its machine with that is not there: neither a unit that stays nor one of
/// the `globals` that run there.
#[must_use]
pub fn peer_refusal<'a>(
    unit: &Requirements,
    residents: impl Iterator<Item = Resident<'a>> + Clone,
    globals: &Map<&UnitName, &Requirements>,
) -> Option<Refusal> {
    for peer in &unit.machine_of {
        let there = residents.clone().any(|resident| resident.staying && resident.name.as_str() == peer);
        if there || globals.keys().any(|global| global.as_str() == peer) {
            continue;
        }
        return Some(match UnitName::parse(peer) {
            Ok(peer) => Refusal::PeerNotThere(peer),
            Err(_) => Refusal::PeerUnreadable(peer.clone()),
        });
    }
    None
}

/// What speaks against `unit` beside one resident: they exclude each other, or the resident replaces it for good.
#[must_use]
pub fn resident_refusal(unit: (&UnitName, &Requirements), resident: &Resident<'_>) -> Option<Refusal> {
    let Some(requirements) = resident.requirements else {
        let excluded = matches_any(&unit.1.conflicts, resident.name) && unit.0 != resident.name;
        return excluded.then(|| Refusal::Conflict(resident.name.clone()));
    };
    let other = (resident.name, requirements);
    if exclude(unit, other) {
        return Some(Refusal::Conflict(resident.name.clone()));
    }
    match (replaces(unit, other.0), replaces(other, unit.0)) {
        (true, true) => Some(Refusal::CircularReplaces(resident.name.clone())),
        (false, true) if resident.staying => Some(Refusal::ReplacedBy(resident.name.clone())),
        _ => None,
    }
}
