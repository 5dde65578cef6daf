//! `--unit`, `--machine` and `--state` of the listings: which rows are wanted, and how much of that the server can
//! answer for with its exact filters (contract §5). Rows are asked for and shown by the listings.

use argh::FromArgValue;
use cluster::{MachineId, UnitName, glob};

use crate::api::{Api, ApiError, Machine, UnitState};
use crate::naming::{fits, is_pattern, mangled};

/// Words and patterns of which one has to fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Patterns(Vec<String>);

impl FromArgValue for Patterns {
    fn from_arg_value(text: &str) -> Result<Self, String> {
        let words: Vec<String> = text.split(',').map(str::to_owned).collect();
        if words.iter().any(String::is_empty) {
            return Err("it takes words or patterns with commas between them".to_owned());
        }
        Ok(Self(words))
    }
}

impl Patterns {
    /// The only word, if there is one and it is no pattern.
    fn exact(&self) -> Option<&str> {
        match self.0.as_slice() {
            [only] if !is_pattern(only) => Some(only),
            _ => None,
        }
    }

    fn unit(&self, name: &UnitName) -> bool {
        let fit = |word: &String| match is_pattern(word) {
            true => fits(word, name.as_str()),
            false => mangled(word) == name.as_str(),
        };
        self.0.iter().any(fit)
    }

    fn machine(&self, id: &MachineId) -> bool {
        let fit = |word: &String| match is_pattern(word) {
            true => glob::matches(word, id.as_str()),
            false => id.as_str().starts_with(word.as_str()),
        };
        self.0.iter().any(fit)
    }

    fn text(&self, text: &str) -> bool {
        self.0.iter().any(|word| word == text || glob::matches(word, text))
    }
}

/// What a listing is to show; a filter that is not given lets everything through.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Filter<'p> {
    /// Names of units, completed as everywhere.
    pub(crate) unit: Option<&'p Patterns>,
    /// IDs of machines or their beginnings.
    pub(crate) machine: Option<&'p Patterns>,
    /// States; which ones is told by the listing.
    pub(crate) state: Option<&'p Patterns>,
}

impl Filter<'_> {
    /// True for a unit that is wanted.
    pub(crate) fn wants_unit(&self, name: &UnitName) -> bool {
        self.unit.is_none_or(|patterns| patterns.unit(name))
    }

    /// True for a machine that is wanted; nowhere is wanted only if every machine is.
    pub(crate) fn wants_machine(&self, id: Option<&MachineId>) -> bool {
        self.machine.is_none_or(|patterns| id.is_some_and(|id| patterns.machine(id)))
    }

    /// True where one of these states is wanted.
    pub(crate) fn wants_state(&self, states: &[&str]) -> bool {
        self.state.is_none_or(|patterns| states.iter().any(|state| patterns.text(state)))
    }

    /// The one unit that is wanted, if it is named in full.
    pub(crate) fn only_unit(&self) -> Option<UnitName> {
        self.unit.and_then(Patterns::exact).and_then(|word| UnitName::parse(&mangled(word)).ok())
    }

    /// The copies of units that are wanted, by name and machine. `machines` are those of the cluster where they are
    /// known: a server that is told the one machine reads its rows alone.
    ///
    /// # Errors
    /// No answer from the API.
    pub(crate) fn states(&self, api: &Api, machines: Option<&[Machine]>) -> Result<Vec<UnitState>, ApiError> {
        let fitting = machines.filter(|_| self.machine.is_some()).map(|machines| {
            machines.iter().map(|m| &m.id).filter(|id| self.wants_machine(Some(id))).collect::<Vec<_>>()
        });
        let machine = match fitting.as_deref() {
            // Rows of machines that are gone are no rows.
            Some([]) => return Ok(Vec::new()),
            Some([only]) => Some(*only),
            _ => None,
        };
        let mut states = api.states(self.only_unit().as_ref(), machine)?;
        states.retain(|state| {
            self.wants_unit(&state.name)
                && self.wants_machine(Some(&state.machine))
                && self.wants_state(&[&state.load, &state.active, &state.sub])
        });
        Ok(states)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(text: &str) -> Patterns {
        Patterns::from_arg_value(text).unwrap()
    }

    fn unit(text: &str, name: &str) -> bool {
        patterns(text).unit(&UnitName::parse(name).unwrap())
    }

    #[test]
    fn units_are_named_as_everywhere() {
        assert!(unit("web", "web.service") && unit("web.timer", "web.timer") && unit("a,web", "web.service"));
        assert!(unit("web.*", "web.1.service") && unit("*.timer", "web.timer") && unit("w?b", "web.service"));
        assert!(unit("a\\x2d.mount", "a\\x2d.mount"));
        assert!(!unit("we", "web.service") && !unit("web", "web.timer") && !unit("a/../*x", "web.service"));
    }

    #[test]
    fn machines_go_by_the_beginning_of_their_id() {
        let id = MachineId::parse("9678f7a7939f457fa0d9353761e189c7").unwrap();
        for fitting in ["9678", "9678f7a7939f457fa0d9353761e189c7", "*89c7", "x,96*"] {
            assert!(patterns(fitting).machine(&id), "{fitting}");
        }
        for other in ["678", "*96", "x"] {
            assert!(!patterns(other).machine(&id), "{other}");
        }
    }

    #[test]
    fn only_a_whole_name_is_the_servers_business() {
        let only = |text: &str| {
            let patterns = patterns(text);
            Filter { unit: Some(&patterns), ..Filter::default() }.only_unit().map(|name| name.to_string())
        };
        assert_eq!(only("web"), Some("web.service".to_owned()));
        assert_eq!((only("web*"), only("web,db"), only("a%b")), (None, None, None));
    }

    #[test]
    fn empty_words_are_refused() {
        assert!(Patterns::from_arg_value("").is_err() && Patterns::from_arg_value("a,,b").is_err());
    }
}
