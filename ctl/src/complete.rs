//! Completion of command lines: what could stand where the cursor is, found out from the one definition of commands and
//! flags. The scripts in `complete/` hand the words over and know nothing themselves; names that live in the cluster
//! come from `live`.

mod live;

use argh::{CommandInfoWithArgs as CommandInfo, FlagInfo, FlagInfoKind};

use crate::args::definition;
use crate::context;
use crate::exit::{Exit, Failure};
use live::{Live, files};

/// The script for each shell.
const SCRIPTS: [(&str, &str); 3] = [
    ("bash", include_str!("complete/completion.bash")),
    ("zsh", include_str!("complete/completion.zsh")),
    ("fish", include_str!("complete/completion.fish")),
];

/// The shells there is a script for.
pub(crate) const SHELLS: [&str; 3] = ["bash", "zsh", "fish"];

/// The script that teaches a shell to complete.
pub(crate) fn script(shell: &str) -> Option<&'static str> {
    SCRIPTS.iter().find(|(name, _)| *name == shell).map(|(_, script)| *script)
}

/// What is wanted somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Command,
    Flag,
    Field,
    Unit,
    /// A unit file here, or a unit.
    FileOrUnit,
    UnitFile,
    File,
    Machine,
    MachineOrUnit,
    Words(&'static [&'static str]),
    Nothing,
}

/// Where the cursor is.
struct Place<'c> {
    /// The commands named so far, all of ctl first.
    path: Vec<&'c CommandInfo>,
    kind: Kind,
    /// What stands before the word and belongs to it: `--fields=`, `unit,`.
    lead: String,
    /// What has been typed of it.
    typed: String,
}

/// Prints what could stand in the place of the last of `words`: a candidate a line, with a TAB and what it is.
///
/// # Errors
/// Standard output is closed.
pub(crate) fn run(program: &str, words: &[String]) -> Result<Exit, Failure> {
    let root = definition();
    let place = place(&root, words);
    let mut found = candidates(&place, &Live::new(program, &root, words));
    found.retain(|(word, _)| word.starts_with(&place.typed));
    found.dedup();
    let line = |(word, about): &(String, String)| format!("{}{word}\t{about}\n", place.lead);
    let text: String = found.iter().map(line).collect();
    context::print(&text)?;
    Ok(Exit::Ok)
}

/// Finds out where the cursor is: behind the last of `words`, which may be empty.
fn place<'c>(root: &'c CommandInfo, words: &[String]) -> Place<'c> {
    let (current, before) = words.split_last().map_or(("", words), |(last, before)| (last.as_str(), before));
    let walked = walk(root, before);
    let (path, typed) = (walked.path, current.to_owned());
    let at = |kind| Place { path: path.clone(), kind, lead: String::new(), typed: typed.clone() };
    if let Some(flag) = walked.waiting {
        return list(at(value_kind(flag, &path)), flag);
    }
    if current.starts_with('-') && !walked.flags_ended {
        let Some((name, value)) = current.split_once('=') else { return at(Kind::Flag) };
        let Some(flag) = flags(root, &path).find(|flag| flag.long == name) else { return at(Kind::Nothing) };
        let whole = at(value_kind(flag, &path));
        return list(Place { lead: format!("{name}="), typed: value.to_owned(), ..whole }, flag);
    }
    let command = path.last().copied().unwrap_or(root);
    if !command.commands.is_empty() {
        return at(Kind::Command);
    }
    // After `help` only the names of commands make sense.
    at(if walked.help { Kind::Nothing } else { positional_kind(command, walked.positionals) })
}

/// Of a list with commas only the last item is being typed.
fn list<'c>(mut place: Place<'c>, flag: &FlagInfo<'_>) -> Place<'c> {
    let many = matches!(arg_name(flag), Some("fields" | "units" | "ids" | "states"));
    if let Some(comma) = place.typed.rfind(',').filter(|_| many) {
        place.lead.push_str(place.typed.get(..=comma).unwrap_or_default());
        place.typed = place.typed.get(comma + 1..).unwrap_or_default().to_owned();
    }
    place
}

/// What the words before the cursor have come to.
struct Walked<'c> {
    path: Vec<&'c CommandInfo>,
    /// A flag whose value comes next.
    waiting: Option<&'c FlagInfo<'static>>,
    positionals: usize,
    /// `--` was met.
    flags_ended: bool,
    help: bool,
}

fn walk<'c>(root: &'c CommandInfo, words: &[String]) -> Walked<'c> {
    let mut walked =
        Walked { path: vec![root], waiting: None, positionals: 0, flags_ended: false, help: false };
    for word in words {
        let command = walked.path.last().copied().unwrap_or(root);
        if walked.waiting.take().is_some() {
            continue;
        }
        if word == "--" {
            walked.flags_ended = true;
        } else if word.starts_with('-') && word.len() > 1 && !walked.flags_ended {
            walked.waiting = awaits_value(root, word);
        } else if command.commands.is_empty() {
            walked.positionals += 1;
        } else if word == "help" && walked.path.len() == 1 {
            walked.help = true;
        } else if let Some(sub) = the_one(command, word) {
            walked.path.push(sub);
        }
    }
    walked
}

/// The subcommand of that name, or the only one that begins so.
fn the_one<'c>(command: &'c CommandInfo, word: &str) -> Option<&'c CommandInfo> {
    let exact = command.commands.iter().find(|sub| sub.name == word);
    let mut begun = command.commands.iter().filter(|sub| sub.name.starts_with(word));
    let only = begun.next().filter(|_| begun.next().is_none());
    exact.or(only).map(|sub| &sub.command)
}

/// The flag a word is, if its value has to follow as the next word. Flags may come before their command, so all are known.
fn awaits_value<'c>(root: &'c CommandInfo, word: &str) -> Option<&'c FlagInfo<'static>> {
    let last = word.chars().next_back();
    everywhere(root).into_iter().find(|flag| {
        let takes = arg_name(flag).is_some_and(|name| name != "bool");
        takes
            && (flag.long == word || (!word.starts_with("--") && flag.short.is_some() && flag.short == last))
    })
}

fn everywhere(command: &CommandInfo) -> Vec<&FlagInfo<'static>> {
    let below = command.commands.iter().flat_map(|sub| everywhere(&sub.command));
    command.flags.iter().chain(below).collect()
}

/// The flags that fit behind these commands: the last one's own, and the global ones.
fn flags<'c>(root: &'c CommandInfo, path: &[&'c CommandInfo]) -> impl Iterator<Item = &'c FlagInfo<'static>> {
    let own = path.last().filter(|_| path.len() > 1).map_or(&[][..], |command| command.flags);
    own.iter().chain(root.flags).filter(|flag| !flag.hidden)
}

fn arg_name<'f>(flag: &FlagInfo<'f>) -> Option<&'f str> {
    match flag.kind {
        FlagInfoKind::Switch => None,
        FlagInfoKind::Option { arg_name } => Some(arg_name),
    }
}

const FORMS: &[&str] = &["text", "wide", "json", "jsonl", "name"];
const JOURNAL_MODES: &[&str] =
    &["short", "short-iso", "short-precise", "short-monotonic", "verbose", "export", "json", "cat"];
const WAIT_STATES: &[&str] = &["active", "failed", "inactive", "loaded", "launched", "destroyed"];
const FLEET_STATES: &[&str] = &["inactive", "loaded", "launched"];
const SYSTEMD_STATES: &[&str] =
    &["active", "activating", "deactivating", "failed", "inactive", "running", "exited", "dead"];

fn value_kind(flag: &FlagInfo<'_>, path: &[&CommandInfo]) -> Kind {
    let command = path.last().map_or("", |command| command.name);
    match (flag.long, arg_name(flag).unwrap_or_default()) {
        (_, "file") => Kind::File,
        (_, "fields") => Kind::Field,
        ("--unit", _) => Kind::Unit,
        ("--machine", _) => Kind::Machine,
        (_, "bool") => Kind::Words(&["true", "false"]),
        (_, "form") => Kind::Words(FORMS),
        (_, "mode") => Kind::Words(JOURNAL_MODES),
        ("--driver", _) => Kind::Words(&["API", "etcd"]),
        ("--endpoint", _) => Kind::Words(&["unix:///var/run/fleet.sock", "http://", "https://"]),
        ("--for", _) => Kind::Words(WAIT_STATES),
        ("--state", _) if command == "list-unit-files" => Kind::Words(FLEET_STATES),
        ("--state", _) => Kind::Words(SYSTEMD_STATES),
        _ => Kind::Nothing,
    }
}

fn positional_kind(command: &CommandInfo, position: usize) -> Kind {
    let Some(argument) = command.positionals.get(position).or(command.positionals.last()) else {
        return Kind::Nothing;
    };
    match argument.name {
        "unit" if argument.description.contains("unit files") => Kind::FileOrUnit,
        "unit" => Kind::Unit,
        "file" => Kind::UnitFile,
        "socket" if position == 0 => Kind::File,
        "machine" if position == 0 => Kind::Machine,
        "words" if position == 0 => Kind::MachineOrUnit,
        "shell" if position == 0 => Kind::Words(&SHELLS),
        _ => Kind::Nothing,
    }
}

type Candidates = Vec<(String, String)>;

fn candidates(place: &Place<'_>, live: &Live<'_>) -> Candidates {
    let plain = |words: &[&str]| words.iter().map(|word| ((*word).to_owned(), String::new())).collect();
    let Some(command) = place.path.last() else { return Vec::new() };
    let (typed, folder_only) = (place.typed.as_str(), place.typed.contains('/'));
    match place.kind {
        Kind::Command => {
            let sub = command.commands.iter();
            let sub = sub.map(|sub| (sub.name.to_owned(), sub.command.description.to_owned()));
            let help = ("help".to_owned(), "print how a command is used".to_owned());
            sub.chain((place.path.len() == 1).then_some(help)).collect()
        }
        Kind::Flag => {
            let Some(root) = place.path.first() else { return Vec::new() };
            let all = flags(root, &place.path);
            all.map(|flag| (flag.long.to_owned(), flag.description.to_owned())).collect()
        }
        Kind::Field => fields(command).iter().map(|field| (field.clone(), String::new())).collect(),
        Kind::Words(words) => plain(words),
        Kind::Unit => live.units(typed),
        Kind::Machine => live.machines(),
        Kind::MachineOrUnit => [live.machines(), live.units(typed)].concat(),
        Kind::UnitFile => files(typed, true),
        Kind::FileOrUnit if folder_only => files(typed, true),
        Kind::FileOrUnit => [files(typed, true), live.units(typed)].concat(),
        Kind::File => files(typed, false),
        Kind::Nothing => Vec::new(),
    }
}

/// The fields a command's notes list, which its help shows as well.
fn fields(command: &CommandInfo) -> Vec<String> {
    let notes = command.notes.join(" ");
    let listed = notes.split_once("Fields: ").and_then(|(_, rest)| rest.split_once('.'));
    let listed = listed.map_or("", |(fields, _)| fields);
    listed.split(", ").filter(|field| !field.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests;
