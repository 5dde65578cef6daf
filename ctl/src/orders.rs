//! Orders to units and waiting until they are carried out, as several commands need it: which units a user means,
//! asking for a state, seeing it reached, saying why not.

use std::time::Duration;

use cluster::sorted::Map;
use cluster::{TargetState, UnitName};

use crate::api::{Api, ApiError, Select, Unit, UnitState};
use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::lanes;
use crate::naming::{Selection, Wanted, base, is_pattern, mangled, select};
use crate::talk;
use crate::waiting::{Missing, Patience, Sight, wait};

/// What an error in looking units up begins with.
pub(crate) const LEAD: &str = "Error retrieving units";

/// Up to this many units are asked for one by one; more come as one list.
pub(crate) const ASKED_SINGLY_MAX: usize = 4;

/// A pattern that matches more units than this is asked about before it takes them down.
const MATCHED_SILENTLY_MAX: usize = 10;

/// After this long a unit that failed instead of being launched is believed to have failed of this start, and not
/// of one before it.
const FAILURE_GRACE: Duration = Duration::from_secs(2);

/// What units are waited for to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// In the registry, and on no machine.
    Created,
    /// In this state as the fleet sees it.
    State(TargetState),
    /// Without a launched copy anywhere: a global unit that was stopped.
    NoCopyLaunched,
    /// With every copy launched that can be: a global unit that was started.
    EveryCopyLaunched,
    /// On no machine any more: a global unit that was unloaded.
    NoCopyLeft,
}

/// The names `words` stand for, whether they exist or not; a pattern stands for those in the registry.
///
/// # Errors
/// A word that can be no name, or no answer from the API.
pub(crate) fn named(context: &Context<'_>, words: &[String]) -> Result<Vec<UnitName>, Failure> {
    selected(context, words, LEAD).map(|selection| names_of(selection.units))
}

/// The units that `words` stand for, of the registry's only those that a pattern among them may match.
///
/// # Errors
/// A word that can be no name, or no answer from the API, told after `lead`.
pub(crate) fn selected(context: &Context<'_>, words: &[String], lead: &str) -> Result<Selection, Failure> {
    let api = context.api()?;
    select(words, || {
        // As patterns are matched: as they are, and completed (`naming::fits`).
        let patterns = words.iter().filter(|word| is_pattern(word));
        let forms: Vec<String> = patterns.flat_map(|word| [base(word).to_owned(), mangled(word)]).collect();
        let wanted = Select::default().only("units", forms.iter().map(String::as_str));
        let units = api.units_of(&wanted).map_err(|e| Failure::api(lead, &e))?;
        Ok(units.into_iter().map(|unit| unit.name).collect())
    })
}

fn names_of(units: Vec<Wanted>) -> Vec<UnitName> {
    units.into_iter().map(|wanted| wanted.name).collect()
}

/// The same for a verb that takes units down: what a pattern matched is said, and where that is a lot a person is asked
/// first, unless `yes` was said already.
///
/// # Errors
/// The same, and a person who does not want it.
pub(crate) fn doomed(
    context: &Context<'_>,
    words: &[String],
    verb: &str,
    yes: bool,
) -> Result<Vec<UnitName>, Failure> {
    let selection = selected(context, words, LEAD)?;
    for (pattern, names) in &selection.matched {
        let list: Vec<&str> = names.iter().map(UnitName::as_str).collect();
        talk::say(&format!("{pattern} matches {}", list.join(" ")));
    }
    let many = selection.matched.iter().any(|(_, names)| names.len() > MATCHED_SILENTLY_MAX);
    if many && !yes && talk::can_ask() {
        let count = selection.units.len();
        if !talk::asks(&format!("{verb} {count} units? [y/N] ")) {
            return Err(Failure::new("nothing was done"));
        }
    }
    Ok(names_of(selection.units))
}

/// The units `words` stand for that exist, in the order of the words; others are passed over in silence, as fleet
/// did (contract §3.2).
///
/// # Errors
/// A word that can be no name, or no answer from the API.
pub(crate) fn existing(context: &Context<'_>, words: &[String]) -> Result<Vec<Unit>, Failure> {
    existing_of(context, &named(context, words)?)
}

/// Those of `names` that exist, in their order.
///
/// # Errors
/// No answer from the API.
pub(crate) fn existing_of(context: &Context<'_>, names: &[UnitName]) -> Result<Vec<Unit>, Failure> {
    let mut units = read_units(context.api()?, names).map_err(|e| Failure::api(LEAD, &e))?;
    Ok(names.iter().filter_map(|name| units.remove(name)).collect())
}

fn by_name(units: Vec<Unit>) -> Map<UnitName, Unit> {
    let mut named = Map::new();
    for unit in units {
        named.insert(unit.name.clone(), unit);
    }
    named
}

/// These units, as far as they exist, in few requests.
///
/// # Errors
/// No answer from the API.
pub(crate) fn read_units(api: &Api, names: &[UnitName]) -> Result<Map<UnitName, Unit>, ApiError> {
    if names.len() > ASKED_SINGLY_MAX {
        let select = Select::default().only("units", names.iter().map(UnitName::as_str));
        return api.units_of(&select).map(by_name);
    }
    let found = names.iter().filter_map(|name| api.unit(name).transpose());
    found.collect::<Result<Vec<_>, _>>().map(by_name)
}

/// The states of these units' copies in few requests.
///
/// # Errors
/// No answer from the API.
pub(crate) fn read_states(api: &Api, names: &[UnitName]) -> Result<Map<UnitName, Vec<UnitState>>, ApiError> {
    let mut states: Map<UnitName, Vec<UnitState>> = Map::new();
    let mut add = |found: Vec<UnitState>| {
        for state in found {
            states.entry(state.name.clone()).or_default().push(state);
        }
    };
    if names.len() > ASKED_SINGLY_MAX {
        let select = Select::default().only("units", names.iter().map(UnitName::as_str));
        add(api.states_of(None, None, &select)?);
    } else {
        names.iter().try_for_each(|name| api.states(Some(name), None).map(&mut add))?;
    }
    Ok(states)
}

/// Asks for `state` for each of `names`, in a few lanes; `tell` is called for each in their order.
///
/// # Errors
/// The first unit, in their order, for which it failed, after `lead`.
pub(crate) fn set_all(
    context: &Context<'_>,
    names: &[UnitName],
    state: TargetState,
    lead: &str,
    mut tell: impl FnMut(&UnitName) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let api = context.api()?;
    let work = |name: &UnitName| match api.set_desired(name, state) {
        Ok(()) => Ok(()),
        Err(ApiError::Refused { status: 404 | 409, .. }) => {
            Err(Failure::Says(format!("{lead}: unable to find unit {name}"), Exit::NotFound))
        }
        Err(e) => Err(Failure::api(lead, &e)),
    };
    lanes::in_order(names, work, |name, ()| tell(name))
}

/// Waits until each of `names` has reached `goal`, and prints a line for each that has.
///
/// # Errors
/// The API stopped answering, or standard output is closed.
pub(crate) fn await_units(
    context: &Context<'_>,
    names: &[UnitName],
    goal: Goal,
    patience: Patience,
) -> Result<Missing, Failure> {
    if names.is_empty() {
        return Ok(Missing::default());
    }
    let api = context.api()?;
    let look = |left: &[UnitName], elapsed: Duration| {
        let mut units = read_units(api, left)?;
        let with_states = match goal {
            Goal::State(TargetState::Loaded | TargetState::Launched) => elapsed > FAILURE_GRACE,
            Goal::NoCopyLeft => true,
            _ => false,
        };
        let states = if with_states { read_states(api, left)? } else { Map::new() };
        let sight = |name: &UnitName| sight(goal, units.remove(name), states.get(name));
        Ok(left.iter().map(sight).collect())
    };
    wait(Some(api), names, patience, look, |_, unit| match arrival(context, goal, &unit) {
        Some(line) => context.answer(&line),
        None => Ok(()),
    })
}

fn sight(goal: Goal, unit: Option<Unit>, states: Option<&Vec<UnitState>>) -> Sight<Unit> {
    let Some(unit) = unit else {
        return Sight::Never("the unit was destroyed meanwhile".to_owned());
    };
    let reached = match goal {
        Goal::Created if unit.global => unit.desired == TargetState::Inactive,
        Goal::Created => unit.is(TargetState::Inactive),
        Goal::State(state) => unit.is(state),
        // A server that does not count copies cannot be waited for.
        Goal::NoCopyLaunched => unit.launched.is_none_or(|launched| launched == 0),
        Goal::EveryCopyLaunched => unit.launched.is_none_or(|launched| Some(launched) >= unit.eligible),
        Goal::NoCopyLeft => states.is_none(),
    };
    if reached {
        return Sight::There(unit);
    }
    let here = states.into_iter().flatten().find(|state| Some(&state.machine) == unit.machine.as_ref());
    let broken = match goal {
        Goal::State(TargetState::Launched) => {
            here.filter(|state| state.active == "failed" || state.error.is_some())
        }
        // A unit that is there already is being stopped; that it failed before says nothing of that.
        Goal::State(TargetState::Loaded) if unit.is(TargetState::Inactive) => {
            here.filter(|state| state.error.is_some())
        }
        _ => None,
    };
    match broken {
        Some(state) => Sight::Never(failure_text(state)),
        None => Sight::NotYet(unit.reason),
    }
}

/// What systemd and the agent say of a copy that failed.
pub(crate) fn failure_text(state: &UnitState) -> String {
    let mut text = match (&state.active, &state.sub) {
        (active, sub) if active == sub => format!("systemd says {active}"),
        (active, sub) => format!("systemd says {active} ({sub})"),
    };
    if state.load != "loaded" && !state.load.is_empty() {
        text = format!("systemd could not load it: {}", state.load);
    }
    if let Some(error) = &state.error {
        text.push_str(": ");
        text.push_str(&error.trim_end().replace('\n', "\n  "));
    }
    text
}

fn arrival(context: &Context<'_>, goal: Goal, unit: &Unit) -> Option<String> {
    let name = &unit.name;
    match (goal, &unit.machine) {
        // Global units have no one state to tell of; fleet left the place empty.
        (Goal::Created, _) if unit.global => Some(format!("Unit {name} ")),
        (Goal::Created | Goal::State(TargetState::Inactive), _) => Some(format!("Unit {name} inactive")),
        (Goal::State(state), Some(machine)) => {
            Some(format!("Unit {name} {state} on {}", context.legend(machine)))
        }
        (Goal::State(state), None) => Some(format!("Unit {name} {state}")),
        (Goal::NoCopyLaunched | Goal::EveryCopyLaunched | Goal::NoCopyLeft, _) => None,
    }
}

/// fleet's words for a unit that took too long.
pub(crate) fn late(name: &UnitName, state: &str) -> String {
    format!("timed out waiting for unit {name} to report state {state}")
}

/// Says which units are missing, and for those that no machine took, why, machine by machine.
pub(crate) fn report_missing(context: &Context<'_>, missing: &Missing, state: &str) {
    for name in &missing.late {
        talk::say(&format!("Error waiting for units: {}", late(name, state)));
    }
    for (name, why) in &missing.lost {
        talk::say(&format!("Error waiting for units: unit {name} failed: {why}"));
    }
    if let Some(name) = missing.late.first() {
        talk::say(&format!("Error waiting for unit states, exit status: {}", late(name, state)));
    }
    missing.late.iter().for_each(|name| explain(context, name));
}

/// The reason of a unit that stays away, on standard error; nothing where the server knows of none.
fn explain(context: &Context<'_>, name: &UnitName) {
    let Ok(api) = context.api() else { return };
    let Ok(Some(explanation)) = api.explain(name) else { return };
    if explanation.machines.is_empty() {
        if !explanation.reason.is_empty() {
            talk::say(&format!("{name}: {}", explanation.reason));
        }
        return;
    }
    talk::say(&format!("{name} and the machines there are:"));
    for (machine, able, reason) in &explanation.machines {
        let legend = crate::legend::legend(&machine.id, Some(&machine.address), false);
        let verdict = if *able { "can run it" } else { "cannot run it" };
        let reason = if reason.is_empty() { String::new() } else { format!(": {reason}") };
        talk::say(&format!("  {legend} {verdict}{reason}"));
    }
}
