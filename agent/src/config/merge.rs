//! Stage two: one text for every key, taken from the strongest place that sets it (default, then file, then
//! environment), with that place beside it. Keys that do not exist are found here; values are not looked at.

use std::ffi::{OsStr, OsString};
use std::rc::Rc;

use cluster::sorted::Map;

use super::error::{Origin, Problem};
use super::ini;
use super::keys::{Key, VARIABLE_PREFIX};
use super::nearest::nearest;
use super::note::Note;

/// The text of a key and where it was set.
#[derive(Clone, Debug)]
pub(super) struct Sourced {
    pub(super) text: String,
    pub(super) origin: Origin,
}

/// Every key's text, with what was noticed on the way.
#[derive(Debug, Default)]
pub(super) struct Merged {
    set: Map<Key, Sourced>,
    pub(super) notes: Vec<Note>,
    pub(super) problems: Vec<Problem>,
}

impl Merged {
    /// The text of a key; its default where nothing sets it.
    pub(super) fn value(&self, key: Key) -> Sourced {
        self.set
            .get(&key)
            .cloned()
            .unwrap_or_else(|| Sourced { text: key.default().to_owned(), origin: Origin::Default })
    }

    /// True if a file or a variable sets the key.
    pub(super) fn is_set(&self, key: Key) -> bool {
        self.set.contains_key(&key)
    }

    /// Lays the file's entries over what is there.
    pub(super) fn add_file(&mut self, path: &str, bytes: &[u8]) {
        let path: Rc<str> = path.into();
        let at = |line| Origin::File { path: path.clone(), line };
        let (entries, malformed) = ini::parse(bytes);
        self.problems
            .extend(malformed.into_iter().map(|m| Problem::Syntax { origin: at(m.line), what: m.what }));
        for entry in entries {
            self.add_entry(at(entry.line), entry);
        }
    }

    fn add_entry(&mut self, origin: Origin, entry: ini::Entry) {
        if let Some(section) = entry.section {
            self.notes.push(Note::InSection { origin, key: entry.key, section });
            return;
        }
        let Some(key) = Key::named(&entry.key) else {
            let nearest = nearest(&entry.key, Key::ALL.iter().map(|key| key.name()));
            self.problems.push(Problem::UnknownKey { origin, key: entry.key, nearest });
            return;
        };
        if entry.cut {
            self.notes.push(Note::CutAtComment { origin: origin.clone(), key: entry.key });
        }
        if self.is_set(key) {
            self.notes.push(Note::SetAgain { origin: origin.clone(), key: key.name() });
        }
        self.set.insert(key, Sourced { text: entry.value, origin });
    }

    /// Lays the environment over what is there. Empty variables count as absent (contract §4.2).
    pub(super) fn add_environment(&mut self, variables: impl IntoIterator<Item = (OsString, OsString)>) {
        let ours = |(name, value): (OsString, OsString)| {
            let name = name.into_string().ok()?;
            (name.starts_with(VARIABLE_PREFIX) && !value.is_empty()).then_some((name, value))
        };
        // In the order of their names, so that the same environment gives the same report.
        for (name, value) in variables.into_iter().filter_map(ours).collect::<Map<_, _>>() {
            self.add_variable(&name, &value);
        }
    }

    fn add_variable(&mut self, name: &str, value: &OsStr) {
        let Some(key) = Key::ALL.iter().copied().find(|key| key.variable() == name) else {
            let variables: Vec<String> = Key::ALL.iter().map(|key| key.variable()).collect();
            let nearest = nearest(name, variables.iter().map(String::as_str)).map(str::to_owned);
            self.notes.push(Note::UnknownVariable { variable: name.to_owned(), nearest });
            return;
        };
        let origin = Origin::Environment { variable: name.to_owned() };
        match value.to_str() {
            Some(text) => {
                self.set.insert(key, Sourced { text: text.trim().to_owned(), origin });
            }
            None => self.problems.push(Problem::BadValue {
                origin,
                key: key.name(),
                value: None,
                accepted: "not UTF-8".to_owned(),
            }),
        }
    }
}
