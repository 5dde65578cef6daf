//! Words and patterns that pick rows of a list: of units by name, of machines by the beginning of their ID, of states by
//! their word. Servers and the command line pick by the same rules, so that it does not matter who does it.

use alloc::string::String;
use alloc::vec::Vec;

use crate::glob;
use crate::ids::MachineId;
use crate::name::UnitName;

/// Words and patterns of which one has to fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patterns(Vec<String>);

/// True for a word with a mark that stands for something else.
#[must_use]
pub fn is_pattern(word: &str) -> bool {
    word.contains(['*', '?', '['])
}

impl Patterns {
    /// Reads words with commas between them; `None` if one is empty.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let words: Vec<String> = text.split(',').map(String::from).collect();
        (!words.iter().any(String::is_empty)).then_some(Self(words))
    }

    /// The words.
    #[must_use]
    pub fn words(&self) -> &[String] {
        &self.0
    }

    /// The words, if none is a pattern.
    #[must_use]
    pub fn exact(&self) -> Option<&[String]> {
        (!self.0.iter().any(|word| is_pattern(word))).then_some(&self.0)
    }

    /// True for a unit that a word names in full, or that a pattern matches.
    #[must_use]
    pub fn fit_unit(&self, name: &UnitName) -> bool {
        self.fit_text(name.as_str())
    }

    /// True for a machine whose ID begins with a word, or that a pattern matches.
    #[must_use]
    pub fn fit_machine(&self, id: &MachineId) -> bool {
        let fit = |word: &String| match is_pattern(word) {
            true => glob::matches(word, id.as_str()),
            false => id.as_str().starts_with(word.as_str()),
        };
        self.0.iter().any(fit)
    }

    /// True for a text that is one of the words, or that a pattern matches.
    #[must_use]
    pub fn fit_text(&self, text: &str) -> bool {
        self.0.iter().any(|word| word == text || (is_pattern(word) && glob::matches(word, text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(text: &str) -> Patterns {
        Patterns::parse(text).unwrap()
    }

    #[test]
    fn units_go_by_their_whole_name() {
        let unit = |text: &str, name: &str| patterns(text).fit_unit(&UnitName::parse(name).unwrap());
        assert!(unit("web.service", "web.service") && unit("a,web.*", "web.1.service"));
        assert!(unit("w?b.[st]*", "web.timer") && unit("a\\x2d.mount", "a\\x2d.mount"));
        assert!(!unit("web", "web.service") && !unit("web.*", "aweb.service"));
    }

    #[test]
    fn machines_go_by_the_beginning_of_their_id() {
        let id = MachineId::parse("9678f7a7939f457fa0d9353761e189c7").unwrap();
        for fitting in ["9678", "9678f7a7939f457fa0d9353761e189c7", "*89c7", "x,96*"] {
            assert!(patterns(fitting).fit_machine(&id), "{fitting}");
        }
        for other in ["678", "*96", "x"] {
            assert!(!patterns(other).fit_machine(&id), "{other}");
        }
    }

    #[test]
    fn empty_words_are_none() {
        assert_eq!((Patterns::parse(""), Patterns::parse("a,,b")), (None, None));
        assert!(patterns("a,b").exact().is_some() && patterns("a,b*").exact().is_none());
    }
}
