//! The states `wait` knows, and whether a unit is in one of them, from what the fleet and systemd say of it. Nothing is
//! waited for here.

use std::fmt;

use argh::FromArgValue;
use cluster::sorted::Map;
use cluster::{MachineId, TargetState, UnitName};

use crate::api::{Api, ApiError, Unit, UnitState};
use crate::command::destroy;
use crate::orders::{failure_text, read_states, read_units};
use crate::waiting::Sight;

/// A state to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    /// Every copy there should be is active, as systemd sees it.
    Active,
    /// No copy runs, is about to, or has failed.
    Inactive,
    /// A copy failed, or could not be loaded.
    Failed,
    /// In this state as the fleet sees it.
    Loaded,
    /// In this state as the fleet sees it.
    Launched,
    /// Nothing is left of it.
    Destroyed,
}

const ALL: [(&str, Goal); 6] = [
    ("active", Goal::Active),
    ("inactive", Goal::Inactive),
    ("failed", Goal::Failed),
    ("loaded", Goal::Loaded),
    ("launched", Goal::Launched),
    ("destroyed", Goal::Destroyed),
];

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = ALL.iter().find(|(_, goal)| goal == self).map_or("", |(word, _)| *word);
        f.write_str(word)
    }
}

/// States of which one is enough; never none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Goals(Vec<Goal>);

impl FromArgValue for Goals {
    fn from_arg_value(text: &str) -> Result<Self, String> {
        let goal = |word: &str| {
            let found = ALL.iter().find(|(name, _)| *name == word).map(|(_, goal)| *goal);
            found.ok_or_else(|| {
                let all: Vec<&str> = ALL.iter().map(|(name, _)| *name).collect();
                format!("{word:?} is none of {}", all.join(", "))
            })
        };
        text.split(',').map(goal).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for Goals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = self.0.iter().map(Goal::to_string).collect();
        f.write_str(&words.join(" or "))
    }
}

impl Goals {
    /// True where this state is one of them.
    pub(super) fn hold(&self, goal: Goal) -> bool {
        self.0.contains(&goal)
    }

    fn ask_systemd(&self) -> bool {
        self.0.iter().any(|goal| matches!(goal, Goal::Active | Goal::Inactive | Goal::Failed))
    }
}

/// A unit that is where it was waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Arrived {
    /// The state it is in.
    pub(super) goal: Goal,
    /// Its machine, if it has one and that matters.
    pub(super) machine: Option<MachineId>,
}

/// What was found of some units at one moment.
#[derive(Debug)]
pub(super) struct Look {
    units: Map<UnitName, Unit>,
    states: Map<UnitName, Vec<UnitState>>,
    gone: Vec<UnitName>,
}

impl Look {
    /// Asks the API for what is needed to judge `names`, in few requests.
    pub(super) fn at(api: &Api, names: &[UnitName], goals: &Goals) -> Result<Self, ApiError> {
        let units = read_units(api, names)?;
        let states = if goals.ask_systemd() { read_states(api, names)? } else { Map::new() };
        let missing: Vec<UnitName> =
            names.iter().filter(|name| !units.contains_key(*name)).cloned().collect();
        let gone = if goals.hold(Goal::Destroyed) && !missing.is_empty() {
            let gone =
                destroy::look(api, &missing)?.into_iter().map(|sight| matches!(sight, Sight::There(())));
            missing.into_iter().zip(gone).filter(|(_, gone)| *gone).map(|(name, _)| name).collect()
        } else {
            Vec::new()
        };
        Ok(Self { units, states, gone })
    }

    /// A sight of each of `names`, in their order.
    pub(super) fn sights(&self, names: &[UnitName], goals: &Goals) -> Vec<Sight<Arrived>> {
        names.iter().map(|name| self.sight(name, goals)).collect()
    }

    fn sight(&self, name: &UnitName, goals: &Goals) -> Sight<Arrived> {
        let Some(unit) = self.units.get(name) else {
            return match (goals.hold(Goal::Destroyed), self.gone.contains(name)) {
                (true, true) => Sight::There(Arrived { goal: Goal::Destroyed, machine: None }),
                (true, false) => Sight::NotYet(Some("it is being stopped".to_owned())),
                (false, _) => Sight::Never("it was destroyed meanwhile".to_owned()),
            };
        };
        let states = self.states.get(name).map_or(&[][..], Vec::as_slice);
        match goals.0.iter().find(|goal| reached(**goal, unit, states)) {
            Some(goal) => {
                let machine = unit.machine.clone().filter(|_| *goal != Goal::Inactive && !unit.global);
                Sight::There(Arrived { goal: *goal, machine })
            }
            None => Sight::NotYet(why_not(unit, states)),
        }
    }
}

fn is_active(state: &UnitState) -> bool {
    matches!(state.active.as_str(), "active" | "reloading" | "refreshing") && state.error.is_none()
}

fn has_failed(state: &UnitState) -> bool {
    state.active == "failed" || state.error.is_some()
}

/// The copies that count: those of a global unit, or that on the unit's machine. A copy elsewhere is on its way out.
fn copies<'s>(unit: &'s Unit, states: &'s [UnitState]) -> impl Iterator<Item = &'s UnitState> {
    states.iter().filter(|state| unit.global || Some(&state.machine) == unit.machine.as_ref())
}

fn reached(goal: Goal, unit: &Unit, states: &[UnitState]) -> bool {
    let wanted = if unit.global { unit.eligible.unwrap_or(1).max(1) } else { 1 };
    match goal {
        Goal::Active => {
            let active = copies(unit, states).filter(|state| is_active(state)).count();
            u32::try_from(active).is_ok_and(|active| active >= wanted)
        }
        Goal::Inactive => states.iter().all(|state| state.active == "inactive" && state.error.is_none()),
        Goal::Failed => copies(unit, states).any(has_failed),
        Goal::Loaded => unit.is(TargetState::Loaded),
        Goal::Launched => unit.is(TargetState::Launched),
        Goal::Destroyed => false,
    }
}

fn why_not(unit: &Unit, states: &[UnitState]) -> Option<String> {
    let copy = states.iter().find(|state| has_failed(state)).or_else(|| states.first());
    let said = unit.reason.clone().or_else(|| copy.map(failure_text));
    said.or_else(|| unit.current.map(|current| format!("it is {current}")))
}

#[cfg(test)]
mod tests;
