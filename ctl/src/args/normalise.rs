//! Command lines as people and fleet's scripts write them, brought into the one form argh reads: global flags, the
//! command in full, its flags as `--name value`, `--`, the other words. Which commands and flags there are is read
//! from their definition; what they mean is not known here.

use argh::CommandInfoWithArgs as CommandInfo;
use cluster::sorted::Map;

use super::ENVIRONMENT_PREFIX;
use super::flags::{Flag, Takes, of_command, of_tree};
use super::nearest::nearest;
use super::usage::UsageError;
use super::words::{Met, take_apart, true_or_false};

/// The commands fleet had (contract §3.4).
const FLEETS: [&str; 18] = [
    "cat",
    "destroy",
    "fd-forward",
    "help",
    "journal",
    "list-machines",
    "list-unit-files",
    "list-units",
    "load",
    "restart",
    "ssh",
    "start",
    "status",
    "stop",
    "submit",
    "unload",
    "verify",
    "version",
];

/// What a command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// The help page of the command with these names, of all of ctl if there are none.
    Help(Vec<String>),
    /// To run what these words say, in the form argh reads.
    Run(Vec<String>),
}

/// Brings a command line into the form argh reads.
///
/// # Errors
/// Unknown, ambiguous or incomplete words.
pub(crate) fn normalise(
    root: &CommandInfo,
    words: &[String],
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Asked, UsageError> {
    let parts = take_apart(&of_tree(root), words)?;
    if parts.version && parts.others.is_empty() && !parts.help {
        return Ok(Asked::Run(vec!["version".to_owned()]));
    }
    let Some(first) = parts.others.first().filter(|word| *word != "help") else {
        return help_for(root, parts.others.get(1..).unwrap_or_default());
    };
    if parts.help {
        return help_for(root, &parts.others);
    }
    if parts.version {
        return Err(UsageError::UnknownFlag("--version".to_owned(), None));
    }
    let mut path = vec![find_command(&named(root), first)?];
    let mut rest = parts.others.get(1..).unwrap_or_default();
    while let Some(command) = path.last().filter(|command| !command.commands.is_empty()) {
        let Some((word, after)) = rest.split_first() else {
            let all = command.commands.iter().map(|sub| sub.name).collect();
            return Err(UsageError::NoSubcommand(command.name.to_owned(), all));
        };
        let sub = find_command(&named(command), word)?;
        rest = after;
        path.push(sub);
    }
    assemble(root, &path, &parts.flags, rest, environment).map(Asked::Run)
}

/// The full names of the commands help is wanted for.
fn help_for(root: &CommandInfo, words: &[String]) -> Result<Asked, UsageError> {
    let mut path = Vec::new();
    let mut current = root;
    for word in words {
        // `help help` is the page of all.
        if current.commands.is_empty() || word == "help" {
            break;
        }
        current = find_command(&named(current), word)?;
        path.push(current.name.to_owned());
    }
    Ok(Asked::Help(path))
}

/// The commands right below one, by name.
fn named(command: &CommandInfo) -> Vec<(&'static str, &CommandInfo)> {
    command.commands.iter().map(|sub| (sub.name, &sub.command)).collect()
}

/// The command a word names in full, or as the beginning of one name only.
fn find_command<'c>(
    commands: &[(&'static str, &'c CommandInfo)],
    word: &str,
) -> Result<&'c CommandInfo, UsageError> {
    if let Some((_, command)) = commands.iter().find(|(name, _)| *name == word) {
        return Ok(command);
    }
    let begun: Vec<_> =
        commands.iter().filter(|(name, _)| !word.is_empty() && name.starts_with(word)).collect();
    match begun.as_slice() {
        [(_, command)] => Ok(command),
        [] => {
            let names = commands.iter().map(|(name, _)| *name).chain(["help"]);
            Err(UsageError::UnknownCommand(word.to_owned(), nearest(word, names)))
        }
        // What was short for one of fleet's commands stays so, whatever has come since.
        several if several.iter().filter(|(name, _)| FLEETS.contains(name)).count() == 1 => {
            let theirs = several.iter().find(|(name, _)| FLEETS.contains(name));
            theirs
                .map(|(_, command)| *command)
                .ok_or_else(|| UsageError::UnknownCommand(word.to_owned(), None))
        }
        several => {
            let names = several.iter().map(|(name, _)| *name).collect();
            Err(UsageError::AmbiguousCommand(word.to_owned(), names))
        }
    }
}

fn assemble(
    root: &CommandInfo,
    path: &[&CommandInfo],
    met: &[Met],
    rest: &[String],
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Vec<String>, UsageError> {
    let globals = of_command(root);
    let own: Vec<Flag> = path.last().map(|command| of_command(command)).unwrap_or_default();
    let mut values = from_environment(&globals, environment)?;
    for met in met {
        let same = |flag: &&Flag| match met.letter {
            Some(letter) => flag.short == Some(letter),
            None => flag.name == met.name,
        };
        let Some(flag) = own.iter().chain(&globals).find(same) else {
            let command = path.iter().map(|command| command.name).collect::<Vec<_>>().join(" ");
            return Err(UsageError::WrongFlag(met.written.clone(), command));
        };
        values.insert(flag.name, met.value.clone());
    }
    let mut plain = write_flags(&globals, &values);
    plain.extend(path.iter().map(|command| command.name.to_owned()));
    plain.extend(write_flags(&own, &values));
    plain.push("--".to_owned());
    plain.extend_from_slice(rest);
    Ok(plain)
}

/// The global flags among `words` and in the environment, in the form argh reads; what makes no sense is left out.
pub(super) fn globals(
    root: &CommandInfo,
    words: &[String],
    environment: &dyn Fn(&str) -> Option<String>,
) -> Vec<String> {
    let globals = of_command(root);
    let mut values = from_environment(&globals, environment).unwrap_or_default();
    let met = take_apart(&of_tree(root), words).map(|parts| parts.flags).unwrap_or_default();
    for met in met.into_iter().filter(|met| globals.iter().any(|flag| flag.name == met.name)) {
        values.insert(met.name, met.value);
    }
    write_flags(&globals, &values)
}

fn from_environment(
    globals: &[Flag],
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Map<&'static str, String>, UsageError> {
    let mut values = Map::new();
    for flag in globals {
        let variable = format!("{ENVIRONMENT_PREFIX}{}", flag.name.to_uppercase().replace('-', "_"));
        let Some(value) = environment(&variable).filter(|value| !value.is_empty()) else { continue };
        let value = if flag.takes == Takes::Value { value } else { true_or_false(&variable, &value)? };
        values.insert(flag.name, value);
    }
    Ok(values)
}

fn write_flags(flags: &[Flag], values: &Map<&'static str, String>) -> Vec<String> {
    let mut plain = Vec::new();
    for flag in flags {
        let Some(value) = values.get(flag.name) else { continue };
        match flag.takes {
            Takes::Switch if value == "true" => plain.push(format!("--{}", flag.name)),
            Takes::Switch => {}
            Takes::Truth | Takes::Value => plain.extend([format!("--{}", flag.name), value.clone()]),
        }
    }
    plain
}

#[cfg(test)]
mod tests;
