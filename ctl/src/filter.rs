//! `--unit`, `--machine` and `--state` of the listings: which rows are wanted, and as what a server is asked for them,
//! with its exact filters (contract §5) and the additive ones. Rows are asked for and shown by the listings.

use argh::FromArgValue;
use cluster::patterns::{self, is_pattern};
use cluster::{MachineId, UnitName};

use crate::api::{Api, ApiError, Machine, Select, UnitState};
use crate::naming::{fits, mangled};

/// Words and patterns of which one has to fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Patterns(patterns::Patterns);

impl FromArgValue for Patterns {
    fn from_arg_value(text: &str) -> Result<Self, String> {
        let words = patterns::Patterns::parse(text);
        words.map(Self).ok_or_else(|| "it takes words or patterns with commas between them".to_owned())
    }
}

impl Patterns {
    /// The only word, if there is one and it is no pattern.
    fn exact(&self) -> Option<&str> {
        match self.0.exact() {
            Some([only]) => Some(only),
            _ => None,
        }
    }

    fn words(&self) -> impl Iterator<Item = &str> {
        self.0.words().iter().map(String::as_str)
    }

    fn unit(&self, name: &UnitName) -> bool {
        let fit = |word: &str| match is_pattern(word) {
            true => fits(word, name.as_str()),
            false => mangled(word) == name.as_str(),
        };
        self.words().any(fit)
    }

    fn machine(&self, id: &MachineId) -> bool {
        self.0.fit_machine(id)
    }

    fn text(&self, text: &str) -> bool {
        self.0.fit_text(text)
    }

    /// The same words as names of units, completed.
    fn unit_words(&self) -> Vec<String> {
        let forms = |word: &str| match is_pattern(word) {
            true => vec![word.to_owned(), mangled(word)],
            false => vec![mangled(word)],
        };
        let mut words: Vec<String> = self.words().flat_map(forms).collect();
        words.dedup();
        words
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

    /// As much of it as a server can answer for, the one unit left out that it is asked for outright.
    pub(crate) fn select(&self) -> Select {
        let several = self.unit.filter(|_| self.only_unit().is_none());
        let names = several.map(Patterns::unit_words).unwrap_or_default();
        let words = |patterns: Option<&'_ Patterns>| -> Vec<String> {
            patterns.into_iter().flat_map(Patterns::words).map(str::to_owned).collect()
        };
        let (machines, states) = (words(self.machine), words(self.state));
        Select::default()
            .only("units", names.iter().map(String::as_str))
            .only("machines", machines.iter().map(String::as_str))
            .only("states", states.iter().map(String::as_str))
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
        let rest = Self { machine: self.machine.filter(|_| machine.is_none()), ..*self };
        let mut states = api.states_of(self.only_unit().as_ref(), machine, &rest.select())?;
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
    fn a_server_gets_names_as_they_are_stored() {
        let (units, states) = (patterns("web,db.*,x.timer"), patterns("failed,act*"));
        let filter = Filter { unit: Some(&units), machine: None, state: Some(&states) };
        let wanted = Select::default()
            .only("units", ["web.service", "db.*", "db.*.service", "x.timer"])
            .only("states", ["failed", "act*"]);
        assert_eq!(filter.select(), wanted);
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
