//! The template: which files and units a machine is given. It is read from `cross/cloud/skiff.parts`, whose head says
//! what its lines mean.

use std::fs;
use std::path::Path;

use ::tests::failure::{Failure, Outcome};

use super::Fetched;

/// The template, in the repository.
const TEMPLATE: &str = "cross/cloud/skiff.parts";

/// The list that the set-up script fetches by, where the form cannot fetch.
const PROGRAMS: &str = "/opt/skiff/programs";

/// Everything a machine is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// Files, in the template's order.
    pub files: Vec<File>,
    /// Units, likewise.
    pub units: Vec<Unit>,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Where it goes.
    pub path: String,
    /// Its permissions.
    pub mode: u32,
    /// What is in it.
    pub content: Content,
}

/// What is in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Text.
    Text(String),
    /// A program.
    Program(Fetched),
}

/// One unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Its name.
    pub name: String,
    /// Its file.
    pub content: String,
    /// Lines added to it, each under a name.
    pub dropins: Vec<(String, String)>,
}

impl Unit {
    /// Whether it is started at each boot by itself; others are pulled in by a unit that is.
    pub fn is_enabled(&self) -> bool {
        self.content.contains("\n[Install]\n")
    }
}

impl Parts {
    /// The files as text and inline programs, for a form that fetches nothing: programs that are to be fetched become a
    /// list for the set-up script.
    pub(super) fn without_fetching(&self, way: super::Way) -> Vec<File> {
        if way == super::Way::Inline {
            return self.files.clone();
        }
        let (mut files, mut list) = (Vec::new(), String::new());
        for file in &self.files {
            match &file.content {
                Content::Text(_) => files.push(file.clone()),
                Content::Program(Fetched { url, sha256, .. }) => {
                    list.push_str(&format!("{url} {sha256} {}\n", file.path));
                }
            }
        }
        files.push(File { path: PROGRAMS.to_owned(), mode: 0o644, content: Content::Text(list) });
        files
    }
}

/// Reads the template and what it names.
///
/// # Errors
/// A line that cannot be read, a file that is not there.
pub(super) fn read(source: &Path, conf: &Path, programs: &[Fetched]) -> Outcome<Parts> {
    let text = content(&source.join(TEMPLATE))?;
    let mut parts = Parts::default();
    for (number, line) in text.lines().enumerate() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let refuse = |what: &str| Failure::new(format!("{TEMPLATE}:{}: {what}: {line}", number + 1));
        match *words.as_slice() {
            [] => {}
            [first, ..] if first.starts_with('#') => {}
            ["file", path, mode, name] => {
                let mode = u32::from_str_radix(mode, 8).map_err(|_| refuse("no mode"))?;
                let file = if name == "@conf" { conf.to_path_buf() } else { source.join(name) };
                parts.files.push(File {
                    path: path.to_owned(),
                    mode,
                    content: Content::Text(content(&file)?),
                });
            }
            ["program", path, name] => {
                let program = programs.iter().find(|program| program.name == name);
                let program = program.ok_or_else(|| refuse("no such program"))?.clone();
                parts.files.push(File {
                    path: path.to_owned(),
                    mode: 0o755,
                    content: Content::Program(program),
                });
            }
            ["unit", name, file] => {
                let content = content(&source.join(file))?;
                parts.units.push(Unit { name: name.to_owned(), content, dropins: Vec::new() });
            }
            ["dropin", unit, name, file] => {
                let content = content(&source.join(file))?;
                let unit = parts.units.iter_mut().find(|one| one.name == unit);
                unit.ok_or_else(|| refuse("no such unit"))?.dropins.push((name.to_owned(), content));
            }
            _ => return Err(refuse("no part")),
        }
    }
    Ok(parts)
}

fn content(file: &Path) -> Outcome<String> {
    fs::read_to_string(file).map_err(|cause| Failure::during(format!("read {}", file.display()), cause))
}
