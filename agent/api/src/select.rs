//! The additive filters of lists, `units`, `machines` and `states`: words and patterns with commas between them. Which
//! keys need not be read for that is told by the lists.

use cluster::patterns::Patterns;
use cluster::{MachineId, TargetState, UnitName};

use super::failure::Failure;
use super::message::Request;

/// What of a list is wanted; a filter that is not given lets everything through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Select {
    units: Option<Patterns>,
    machines: Option<Patterns>,
    states: Option<Patterns>,
}

impl Select {
    /// Reads the filters of a request.
    ///
    /// # Errors
    /// One has an empty word.
    pub(super) fn read(request: &Request) -> Result<Self, Failure> {
        let one = |name: &str| match request.parameter(name).next() {
            None => Ok(None),
            Some(text) => Patterns::parse(text).map(Some).ok_or_else(|| {
                Failure::bad_request(format!(
                    "invalid {name}: expect words or patterns with commas between them"
                ))
            }),
        };
        Ok(Self { units: one("units")?, machines: one("machines")?, states: one("states")? })
    }

    pub(super) fn wants_unit(&self, name: &UnitName) -> bool {
        self.units.as_ref().is_none_or(|patterns| patterns.fit_unit(name))
    }

    /// Nowhere is wanted only if everywhere is.
    pub(super) fn wants_machine(&self, id: Option<&MachineId>) -> bool {
        self.machines.as_ref().is_none_or(|patterns| id.is_some_and(|id| patterns.fit_machine(id)))
    }

    pub(super) fn wants_state(&self, states: &[&str]) -> bool {
        self.states.as_ref().is_none_or(|patterns| states.iter().any(|state| patterns.fit_text(state)))
    }

    /// True if a unit's whereabouts do not matter.
    pub(super) fn goes_by_name(&self) -> bool {
        self.machines.is_none() && self.states.is_none()
    }

    /// True for a unit with this machine and state.
    pub(super) fn wants(&self, machine: Option<&MachineId>, state: TargetState) -> bool {
        self.wants_machine(machine) && self.wants_state(&[state.as_str()])
    }

    /// The units that are wanted, in their order, if each is named in full; a name that can be none stands for nothing.
    pub(super) fn named_units(&self) -> Option<Vec<UnitName>> {
        let words = self.units.as_ref()?.exact()?;
        let mut names: Vec<UnitName> = words.iter().filter_map(|word| UnitName::parse(word).ok()).collect();
        names.sort();
        names.dedup();
        Some(names)
    }
}
