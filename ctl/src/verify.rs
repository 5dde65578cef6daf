//! Unit files checked where they lie, without any cluster: each by itself, as it would be when it is submitted and
//! beyond that for likely mistakes, then all together. What is wrong with values and between units is `cluster`'s
//! knowledge; printing is the command's business.

mod analyze;

use std::path::Path;

use cluster::UnitName;
use cluster::advice::advice;
use cluster::requirements::{self, Requirements};
use cluster::together::clashes;
use cluster::unit_file::UnitFile;
use cluster::validate::{unrecognized_options, validate};

use crate::args::nearest::nearest;
use crate::create::source::{beside, text};
use crate::exit::Failure;
use crate::naming::{Wanted, select};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// The unit could not be stored, or could never run.
    Error,
    /// Most likely not what was meant.
    Warning,
}

impl Level {
    /// As it is printed.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }

    const fn fatal_if(fatal: bool) -> Self {
        if fatal { Self::Error } else { Self::Warning }
    }
}

/// Something wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The file, or the word that stands for none.
    pub(crate) file: String,
    /// The unit it would be; empty where that cannot be told.
    pub(crate) unit: String,
    /// How bad it is.
    pub(crate) level: Level,
    /// Who found it: `skiff` or `systemd`.
    pub(crate) source: &'static str,
    /// What it is.
    pub(crate) text: String,
}

/// Everything that was looked at and found.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// Files that were read.
    pub(crate) files: usize,
    /// In the order of the files; those of one file in the order they were found.
    pub(crate) problems: Vec<Problem>,
}

/// A file that could be read as a unit.
struct Read {
    path: String,
    name: UnitName,
    text: String,
    file: UnitFile,
}

/// Checks the unit files `words` stand for; systemd is asked as well if `with_systemd` and it is there.
pub(crate) fn verify(words: &[String], with_systemd: bool) -> Findings {
    let mut findings = Findings::default();
    let mut units: Vec<Read> = Vec::new();
    for word in words {
        match files(word) {
            Ok(all) => all.iter().for_each(|wanted| match read(wanted, &units) {
                Ok(unit) => units.push(unit),
                Err(problem) => findings.problems.push(problem),
            }),
            Err(why) => findings.problems.push(stray(word, "", why)),
        }
    }
    findings.files = units.len();
    for unit in &units {
        findings.problems.extend(alone(unit));
    }
    let requirements: Vec<Requirements> =
        units.iter().map(|unit| Requirements::of(&unit.name, &unit.file)).collect();
    for (name, clash) in clashes(units.iter().map(|unit| &unit.name).zip(&requirements)) {
        let unit = units.iter().find(|unit| unit.name == name);
        let level = Level::fatal_if(clash.is_fatal());
        findings.problems.extend(unit.map(|unit| unit.problem(level, clash.to_string())));
    }
    if with_systemd {
        let files: Vec<_> = units.iter().map(|unit| (&unit.name, unit.text.as_str())).collect();
        for (name, level, text) in analyze::problems(&files) {
            let unit = units.iter().find(|unit| unit.name.as_str() == name);
            let problem = unit.map(|unit| Problem { source: "systemd", ..unit.problem(level, text) });
            findings.problems.extend(problem);
        }
    }
    let position = |problem: &Problem| units.iter().position(|unit| unit.path == problem.file);
    findings.problems.sort_by_key(position);
    findings
}

impl Read {
    fn problem(&self, level: Level, text: String) -> Problem {
        Problem { file: self.path.clone(), unit: self.name.to_string(), level, source: "skiff", text }
    }
}

fn stray(file: &str, unit: &str, text: impl ToString) -> Problem {
    let (file, unit, text) = (file.to_owned(), unit.to_owned(), text.to_string());
    Problem { file, unit, level: Level::Error, source: "skiff", text }
}

/// The files one word stands for. There is no registry to match a pattern against.
fn files(word: &str) -> Result<Vec<Wanted>, String> {
    match select(&[word.to_owned()], || Ok(Vec::new())) {
        Ok(selection) if selection.unmatched.is_empty() => Ok(selection.units),
        Ok(_) => Err("no unit file here matches that".to_owned()),
        Err(Failure::Says(text, _)) => Err(text),
        Err(Failure::Output(e)) => Err(e.to_string()),
    }
}

/// Reads a unit file, or for an instance without one the template beside it.
fn read(wanted: &Wanted, before: &[Read]) -> Result<Read, Problem> {
    let Wanted { name, path } = wanted;
    if let Some(other) = before.iter().find(|other| other.name == *name) {
        return Err(stray(path, name.as_str(), format_args!("{} is the same unit", other.path)));
    }
    let template = name.template().map(|template| beside(path, &template));
    let path = match template {
        Some(template) if !Path::new(path).exists() && Path::new(&template).exists() => template,
        _ => path.clone(),
    };
    let text = text(&path).map_err(|text| stray(&path, name.as_str(), text))?;
    let file = UnitFile::parse(&text).map_err(|e| stray(&path, name.as_str(), e))?;
    Ok(Read { path, name: name.clone(), text, file })
}

/// What is wrong with one file.
fn alone(unit: &Read) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut add = |level, text: String| problems.push(unit.problem(level, text));
    if unit.file.options().is_empty() {
        add(Level::Error, "there is no option in it".to_owned());
        return problems;
    }
    if let Some(line) = ignored_line(&unit.text) {
        add(Level::Warning, format!("line {line}: what stands before the first section is ignored"));
    }
    if let Err(e) = validate(&unit.name, &unit.file) {
        // fleet's word for what MachineOf names.
        add(Level::Error, e.to_string().replace("Peers", "MachineOf"));
    }
    for section in misspelt_sections(&unit.file) {
        let near =
            nearest(&section, SECTIONS).map(|near| format!("; did you mean [{near}]?")).unwrap_or_default();
        add(Level::Warning, format!("section [{section}] means nothing to anybody{near}"));
    }
    for option in unrecognized_options(&unit.file) {
        let near = nearest_option(&option);
        let near = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
        add(Level::Warning, format!("unknown option {option} in [X-Fleet]{near}"));
    }
    for advice in advice(&unit.name, &unit.file) {
        add(Level::fatal_if(advice.is_fatal()), advice.to_string());
    }
    problems
}

/// Sections somebody reads: the fleet's, and systemd's of the unit types a fleet can have.
const SECTIONS: [&str; 12] = [
    requirements::SECTION,
    "Unit",
    "Install",
    "Service",
    "Socket",
    "Timer",
    "Path",
    "Mount",
    "Automount",
    "Swap",
    "Slice",
    "Scope",
];

/// Sections nobody reads. systemd passes over those that begin with `X-` in silence.
fn misspelt_sections(file: &UnitFile) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for option in file.options() {
        let section = &option.section;
        let foreign = section.starts_with("X-") && nearest(section, [requirements::SECTION]).is_none();
        if !SECTIONS.contains(&section.as_str()) && !foreign && !found.contains(section) {
            found.push(section.clone());
        }
    }
    found
}

/// The option meant, of the newer spellings if they are as near.
fn nearest_option(typed: &str) -> Option<&'static str> {
    let same = requirements::known().find(|known| known.eq_ignore_ascii_case(typed));
    let mut plain: Vec<&str> = requirements::known().collect();
    plain.sort_by_key(|known| known.starts_with("X-"));
    same.or_else(|| nearest(typed, plain))
}

/// The first line before any section that is neither blank nor a comment, counted from 1.
fn ignored_line(text: &str) -> Option<usize> {
    let is_skipped = |line: &str| line.is_empty() || line.starts_with(['#', ';']);
    let (at, line) = text.lines().map(str::trim).enumerate().find(|(_, line)| !is_skipped(line))?;
    (!line.starts_with('[')).then_some(at + 1)
}
