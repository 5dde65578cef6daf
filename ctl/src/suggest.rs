//! What somebody most likely meant who named a unit that is not there. Looked up only once it is clear that it is not.

use cluster::UnitName;

use crate::api::Api;
use crate::args::nearest::nearest;
use crate::context::Context;
use crate::exit::Failure;
use crate::naming::{is_pattern, mangled};
use crate::talk;

/// A line for an error about a unit that does not exist, begun by a line end; empty where no name is near. `more` are
/// names to consider besides those the cluster has.
pub(crate) fn unit(api: &Api, name: &str, more: &[String]) -> String {
    let units = api.units().unwrap_or_default();
    let known = units.iter().map(|unit| unit.name.as_str()).chain(more.iter().map(String::as_str));
    did_you_mean(name, known)
}

/// The same, from these names.
pub(crate) fn did_you_mean<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> String {
    // The type is not what was mistyped, most of the time, and would let everything pass for near.
    let (stem, suffix) = name.rsplit_once('.').unwrap_or((name, ""));
    let other = |known: &'n str| match known.rsplit_once('.') {
        Some((stem, theirs)) if theirs == suffix => Some(stem),
        _ => None,
    };
    let mut stems: Vec<&str> = known.into_iter().filter_map(other).filter(|known| *known != stem).collect();
    stems.sort_unstable();
    let found = nearest(stem, stems);
    found.map(|stem| format!("\nDid you mean \"{stem}.{suffix}\"?")).unwrap_or_default()
}

/// The unit does not exist, and which one may have been meant.
pub(crate) fn absent(context: &Context<'_>, name: &str) -> Failure {
    let hint = context.api().map(|api| unit(api, name, &[])).unwrap_or_default();
    Failure::not_found(format_args!("Unit {name} does not exist.{hint}"))
}

/// Says of each word that is no unit which one may have been meant, where one is near.
pub(crate) fn for_words(context: &Context<'_>, words: &[String]) {
    let units = context.api().ok().and_then(|api| api.units().ok()).unwrap_or_default();
    for word in words.iter().filter(|word| !is_pattern(word)) {
        let hint = did_you_mean(&mangled(word), units.iter().map(|unit| unit.name.as_str()));
        if !hint.is_empty() {
            talk::say(hint.trim_start());
        }
    }
}

/// Unit files in a folder, by name.
pub(crate) fn files_in(folder: &str) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.filter(|name| UnitName::parse(name).is_ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_does_not_make_names_near() {
        let known = ["hello.service", "web@1.service", "db.timer"];
        assert_eq!(did_you_mean("helo.service", known), "\nDid you mean \"hello.service\"?");
        assert_eq!(did_you_mean("wbe@1.service", known), "\nDid you mean \"web@1.service\"?");
        assert_eq!(did_you_mean("nope.service", known), "");
        assert_eq!(did_you_mean("dd.service", known), "");
        assert_eq!(did_you_mean("hello.service", known), "");
    }
}
