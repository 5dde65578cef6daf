//! From the words a user gave to units: fleet's completion of names (contract §3.2), and patterns, matched against
//! the files here first and the registry second. What is done with a unit is not known here.

use std::fs;
use std::path::Path;

pub(crate) use cluster::patterns::is_pattern;
use cluster::sorted::Set;
use cluster::{NameError, UnitName, glob};

use crate::exit::Failure;

/// Longest part of a wrong name that an error repeats, in characters.
const QUOTED_MAX_CHARS: usize = 60;

/// A unit a user named, and where its file would be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Its name.
    pub(crate) name: UnitName,
    /// The word as given, with the type appended where it was left out.
    pub(crate) path: String,
}

/// The units that words stand for, each once, and the patterns that stand for none.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    /// In the order of the words; what one pattern matched is sorted by name.
    pub(crate) units: Vec<Wanted>,
    /// Completed like names.
    pub(crate) unmatched: Vec<String>,
    /// Each pattern that matched, and what.
    pub(crate) matched: Vec<(String, Vec<UnitName>)>,
}

/// Finds the units that `words` stand for. `registry` is asked once, for every unit's name, and only if a pattern
/// matches no file.
///
/// # Errors
/// A word that can be no unit's name, or what `registry` returned.
pub(crate) fn select(
    words: &[String],
    mut registry: impl FnMut() -> Result<Vec<UnitName>, Failure>,
) -> Result<Selection, Failure> {
    let mut selection = Selection::default();
    let mut seen = Set::new();
    let mut known = None;
    for word in words {
        let found = if is_pattern(word) {
            match local_matches(word) {
                local if local.is_empty() => {
                    let names = match known.take() {
                        Some(names) => names,
                        None => registry()?,
                    };
                    let found = registry_matches(word, &names);
                    known = Some(names);
                    found
                }
                local => local,
            }
        } else {
            vec![Wanted::of(word).map_err(|e| Failure::new(wrong_name(word, &e)))?]
        };
        if found.is_empty() {
            selection.unmatched.push(mangled(word));
        } else if is_pattern(word) {
            let names = found.iter().map(|wanted| wanted.name.clone()).collect();
            selection.matched.push((word.clone(), names));
        }
        selection.units.extend(found.into_iter().filter(|wanted| seen.insert(wanted.name.clone())));
    }
    Ok(selection)
}

impl Wanted {
    fn of(word: &str) -> Result<Self, NameError> {
        if base(word).is_empty() {
            return Err(NameError::Empty);
        }
        Ok(Self { name: UnitName::parse(&mangled(word))?, path: complete(word) })
    }
}

/// A word the way a unit it could name would be called.
pub(crate) fn mangled(word: &str) -> String {
    complete(base(word))
}

fn wrong_name(word: &str, cause: &NameError) -> String {
    let mut shown: String = word.chars().take(QUOTED_MAX_CHARS).collect();
    if shown.len() < word.len() {
        shown.push('…');
    }
    format!("{shown:?} names no unit: {cause}")
}

/// Appends `.service` unless the word ends in a unit type.
fn complete(word: &str) -> String {
    let suffix = base(word).rsplit_once('.').map(|(_, suffix)| suffix);
    if suffix.is_some_and(is_unit_type) { word.to_owned() } else { format!("{word}.service") }
}

/// A word without the folder before it.
pub(crate) fn base(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

fn is_unit_type(suffix: &str) -> bool {
    UnitName::parse(&format!("x.{suffix}")).is_ok()
}

/// True for a name that a pattern, completed or not, matches.
pub(crate) fn fits(pattern: &str, name: &str) -> bool {
    glob::matches(pattern, name) || glob::matches(&complete(pattern), name)
}

/// The unit files beside each other that a pattern matches, as a shell would find them, those that are no units
/// left out.
fn local_matches(word: &str) -> Vec<Wanted> {
    let folder = word.rsplit_once('/').map(|(folder, _)| if folder.is_empty() { "/" } else { folder });
    let Ok(entries) = fs::read_dir(folder.unwrap_or(".")) else { return Vec::new() };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut found = Set::new();
    for name in names.filter(|name| fits(base(word), name) && !name.starts_with('.')) {
        if let Ok(name) = UnitName::parse(&name) {
            found.insert(name);
        }
    }
    let wanted = |name: UnitName| {
        let path = match folder {
            Some(folder) => format!("{}/{name}", folder.trim_end_matches('/')),
            None => name.to_string(),
        };
        Path::new(&path).is_file().then_some(Wanted { name, path })
    };
    found.into_iter().filter_map(wanted).collect()
}

fn registry_matches(word: &str, names: &[UnitName]) -> Vec<Wanted> {
    let fitting = names.iter().filter(|name| fits(base(word), name.as_str()));
    fitting.map(|name| Wanted { name: name.clone(), path: name.to_string() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(words: &[&str], registry: &[&str]) -> Vec<String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let known = || Ok(registry.iter().map(|name| UnitName::parse(name).unwrap()).collect());
        let selection = select(&words, known).unwrap();
        selection.units.into_iter().map(|wanted| wanted.name.to_string()).chain(selection.unmatched).collect()
    }

    #[test]
    fn names_are_completed_as_fleet_did() {
        let cases = [
            ("foo", "foo.service"),
            ("foo.1", "foo.1.service"),
            ("foo/bar.socket", "bar.socket"),
            ("../../etc/passwd", "passwd.service"),
            ("hello.foo", "hello.foo.service"),
            ("x.target", "x.target"),
            ("web@1", "web@1.service"),
            ("web@", "web@.service"),
        ];
        for (word, name) in cases {
            assert_eq!(names(&[word], &[]), [name], "{word}");
        }
    }

    #[test]
    fn the_path_keeps_its_folder() {
        assert_eq!(Wanted::of("units/foo").unwrap().path, "units/foo.service");
        assert_eq!(Wanted::of("a.b/foo.timer").unwrap().path, "a.b/foo.timer");
    }

    #[test]
    fn patterns_match_the_registry() {
        let registry = ["apache.1.service", "apache.2.service", "web@1.service", "web@2.timer"];
        assert_eq!(names(&["apache.*"], &registry), ["apache.1.service", "apache.2.service"]);
        assert_eq!(names(&["apache.?"], &registry), ["apache.1.service", "apache.2.service"]);
        assert_eq!(names(&["web@[12].*"], &registry), ["web@1.service", "web@2.timer"]);
        assert_eq!(
            names(&["nope.*", "apache.1", "apache.*"], &registry),
            ["apache.1.service", "apache.2.service", "nope.*.service"]
        );
    }

    #[test]
    fn wrong_names_are_quoted_in_part() {
        let long = "a".repeat(5000);
        let said = |word: &str| match select(&[word.to_owned()], || Ok(Vec::new())) {
            Err(Failure::Says(text, _)) => text,
            other => format!("{other:?}"),
        };
        let wanted = format!("\"{}…\" names no unit: unit name exceeds maximum length (256)", "a".repeat(60));
        assert_eq!(said(&long), wanted);
        assert_eq!(said("a%b"), "\"a%b\" names no unit: invalid character '%' in unit name");
        assert_eq!(said(""), "\"\" names no unit: unit name cannot be empty");
    }
}
