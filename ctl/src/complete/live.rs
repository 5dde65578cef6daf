//! Names for completion that are not in the definition of the commands: units and machines of the cluster, files here.
//! A cluster that does not answer at once has none.

use std::fs;
use std::time::Duration;

use argh::CommandInfoWithArgs as CommandInfo;
use cluster::UnitName;
use cluster::patterns::is_pattern;

use crate::api::{Api, Select};
use crate::args::seconds::Seconds;
use crate::args::{Top, globals};
use crate::context::Context;

/// Nobody waits longer for a TAB.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(1);

/// Where live names come from.
pub(super) struct Live<'l> {
    program: &'l str,
    flags: Option<Top>,
}

impl<'l> Live<'l> {
    /// The cluster that the global flags among `words` lead to. It is not asked before it has to be.
    pub(super) fn new(program: &'l str, root: &CommandInfo, words: &[String]) -> Self {
        let mut flags = globals(program, root, words, &|name| std::env::var(name).ok());
        if let Some(top) = &mut flags {
            top.request_timeout = Some(Seconds(REQUEST_TIMEOUT));
            top.debug = false;
        }
        // A tunnel may ask for a password.
        Self { program, flags: flags.filter(|top| top.tunnel.as_ref().is_none_or(String::is_empty)) }
    }

    fn ask<T>(&self, question: impl FnOnce(&Api) -> Option<Vec<T>>) -> Vec<T> {
        let Some(flags) = &self.flags else { return Vec::new() };
        let context = Context::new(self.program, flags);
        context.api().ok().and_then(question).unwrap_or_default()
    }

    /// The units whose names begin with what was typed, and what each says it is; more of them from an old server.
    pub(super) fn units(&self, typed: &str) -> Vec<(String, String)> {
        let begun = begun(typed);
        let select = Select::default().only("units", begun.as_deref());
        let units = self.ask(|api| api.units_of(&select).ok());
        let about = |text: Option<&str>| text.unwrap_or_default().replace(char::is_control, " ");
        units.iter().map(|unit| (unit.name.to_string(), about(unit.file.description()))).collect()
    }

    /// Every machine's ID, and where it is.
    pub(super) fn machines(&self) -> Vec<(String, String)> {
        let machines = self.ask(|api| api.machines().ok());
        machines.into_iter().map(|machine| (machine.id.to_string(), machine.address)).collect()
    }
}

/// The pattern of names that begin so; `None` for all, and where a mark that was typed would be taken for more than itself.
fn begun(typed: &str) -> Option<String> {
    let is_plain = !typed.is_empty() && !is_pattern(typed) && !typed.contains('\\');
    is_plain.then(|| format!("{typed}*"))
}

/// What lies where `typed` points: folders, with a slash, and files; only those that can be units, if `units`.
pub(super) fn files(typed: &str, units: bool) -> Vec<(String, String)> {
    let (folder, begun) = typed.rsplit_once('/').map_or(("", typed), |(_, begun)| {
        (typed.get(..typed.len() - begun.len()).unwrap_or_default(), begun)
    });
    let Ok(entries) = fs::read_dir(if folder.is_empty() { "." } else { folder }) else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let hidden = name.starts_with('.') && !begun.starts_with('.');
        if hidden || name.contains(char::is_control) {
            continue;
        }
        let is_folder = entry.path().is_dir();
        if is_folder || !units || UnitName::parse(&name).is_ok() {
            found.push((format!("{folder}{name}{}", if is_folder { "/" } else { "" }), String::new()));
        }
    }
    found.sort_unstable();
    found
}
