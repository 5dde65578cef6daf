//! Can these units be in one cluster and all run? What is wrong between unit files whatever machines there are:
//! partners that exclude each other, rings of `MachineOf`. For `ctl verify`; one file by itself is `validate`'s and
//! `advice`'s question, and whether given machines suffice is the scheduler's.

use alloc::vec::Vec;
use core::fmt;

use crate::fit;
use crate::name::UnitName;
use crate::requirements::Requirements;
use crate::sorted::{Map, Set};

/// Why two or more units can never all run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Clash {
    /// They have to share a machine and must not.
    TiedAndExcluded(UnitName),
    /// They have to share a machine, and one makes the other leave it.
    TiedAndReplaced(UnitName),
    /// They have to share a machine, and ask for two.
    TiedToAnotherMachine(UnitName),
    /// They have to share a machine, and ask for metadata that no machine has both of.
    TiedByMetadata {
        /// The other one.
        other: UnitName,
        /// The key.
        key: alloc::string::String,
    },
    /// Each waits for the next to be placed, and the last for the first.
    Ring(Vec<UnitName>),
    /// Each replaces the other.
    ReplaceEachOther(UnitName),
    /// Both are global and exclude each other: where both may run, only the other one does.
    GlobalsExcluded(UnitName),
}

impl Clash {
    /// True where a unit could never run; a global one may still run where the other does not.
    #[must_use]
    pub const fn is_fatal(&self) -> bool {
        !matches!(self, Self::GlobalsExcluded(_))
    }
}

impl fmt::Display for Clash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tied = |f: &mut fmt::Formatter<'_>, other| write!(f, "MachineOf ties it to {other}, ");
        match self {
            Self::TiedAndExcluded(other) => tied(f, other).and_then(|()| f.write_str("and the two conflict")),
            Self::TiedAndReplaced(other) => {
                tied(f, other).and_then(|()| f.write_str("and one of the two replaces the other"))
            }
            Self::TiedToAnotherMachine(other) => {
                tied(f, other).and_then(|()| f.write_str("which asks for another MachineID"))
            }
            Self::TiedByMetadata { other, key } => {
                tied(f, other).and_then(|()| write!(f, "and no value of the metadata {key} suits both"))
            }
            Self::Ring(units) => {
                f.write_str("each waits for the next to be placed: ")?;
                units.iter().try_for_each(|unit| write!(f, "{unit} -> "))?;
                units.first().map_or(Ok(()), |first| first.fmt(f))
            }
            Self::ReplaceEachOther(other) => {
                write!(f, "it and {other} replace each other; the later one waits")
            }
            Self::GlobalsExcluded(other) => {
                write!(f, "conflicts with {other}; both are global, so where {other} runs this one does not")
            }
        }
    }
}

type Units<'a> = Map<&'a UnitName, &'a Requirements>;

/// Everything that is wrong between these units, told of the later of two by name. Templates run nowhere and are left
/// out.
#[must_use]
pub fn clashes<'a>(
    units: impl IntoIterator<Item = (&'a UnitName, &'a Requirements)>,
) -> Vec<(UnitName, Clash)> {
    let units: Units<'_> = units.into_iter().filter(|(name, _)| !name.is_template()).collect();
    let mut all = Vec::new();
    for (left, right) in pairs(&units) {
        if let Some(clash) = between(&units, left, right) {
            all.push(((*right.0).clone(), clash));
        }
    }
    for (name, _) in units.iter().filter(|(_, unit)| !unit.global) {
        if let Some(ring) = ring(&units, name)
            && ring.iter().min() == Some(name)
        {
            all.push(((*name).clone(), Clash::Ring(ring.into_iter().cloned().collect())));
        }
    }
    all
}

type One<'a> = (&'a UnitName, &'a Requirements);

fn pairs<'a>(units: &Units<'a>) -> impl Iterator<Item = (One<'a>, One<'a>)> {
    units.iter().enumerate().flat_map(move |(position, (left, theirs))| {
        units.iter().skip(position + 1).map(move |(right, ours)| ((*left, *theirs), (*right, *ours)))
    })
}

/// What is wrong between two units; `right` comes later by name.
fn between(units: &Units<'_>, left: One<'_>, right: One<'_>) -> Option<Clash> {
    let other = || left.0.clone();
    let (ousts, ousted) = (fit::replaces(right, left.0), fit::replaces(left, right.0));
    if ousts && ousted {
        return Some(Clash::ReplaceEachOther(other()));
    }
    if left.1.global && right.1.global {
        return fit::exclude(left, right).then(|| Clash::GlobalsExcluded(other()));
    }
    if !are_tied(units, left, right) {
        return None;
    }
    if fit::exclude(left, right) {
        return Some(Clash::TiedAndExcluded(other()));
    }
    // Nothing makes a global unit leave.
    if (ousts && !left.1.global) || (ousted && !right.1.global) {
        return Some(Clash::TiedAndReplaced(other()));
    }
    if asks_elsewhere(left.1, right.1) {
        return Some(Clash::TiedToAnotherMachine(other()));
    }
    let key = right.1.metadata.iter().find_map(|(key, ours)| {
        let theirs = left.1.metadata.get(key)?;
        ours.is_disjoint(theirs).then(|| key.clone())
    })?;
    Some(Clash::TiedByMetadata { other: other(), key })
}

/// True if the two can only run on one machine. A global unit is everywhere: it ties its partner, but not two partners
/// to each other.
fn are_tied(units: &Units<'_>, left: One<'_>, right: One<'_>) -> bool {
    if left.1.global || right.1.global {
        return fit::needs(left.1, right.0) || fit::needs(right.1, left.0);
    }
    let mut found = Set::from([left.0]);
    let mut new = alloc::vec![left.0];
    while let Some(name) = new.pop() {
        for (other, unit) in units.iter().filter(|(_, unit)| !unit.global) {
            let needed = units.get(name).is_some_and(|unit| fit::needs(unit, other));
            if (needed || fit::needs(unit, name)) && found.insert(*other) {
                new.push(*other);
            }
        }
    }
    found.contains(right.0)
}

/// IDs may be written whole or as their first eight characters.
fn asks_elsewhere(left: &Requirements, right: &Requirements) -> bool {
    match (&left.machine_id, &right.machine_id) {
        (Some(left), Some(right)) => !left.starts_with(right.as_str()) && !right.starts_with(left.as_str()),
        _ => false,
    }
}

/// The shortest way from a unit along `MachineOf` back to itself, through other units.
fn ring<'a>(units: &Units<'a>, start: &'a UnitName) -> Option<Vec<&'a UnitName>> {
    let mut ways = alloc::collections::VecDeque::from([alloc::vec![start]]);
    let mut seen = Set::new();
    while let Some(way) = ways.pop_front() {
        let unit = way.last().and_then(|last| units.get(*last))?;
        for (next, _) in units.iter().filter(|(next, other)| !other.global && fit::needs(unit, next)) {
            if *next == start && way.len() > 1 {
                return Some(way);
            }
            if *next != start && seen.insert(*next) {
                let mut longer = way.clone();
                longer.push(next);
                ways.push_back(longer);
            }
        }
    }
    None
}
