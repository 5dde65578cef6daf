//! `verify`: unit files checked before anybody sees them. The checks are `crate::verify`'s; here they are printed.

use argh::{ArgsInfo, FromArgs};

use crate::context::Context;
use crate::exit::{Ended, Exit, Failure};
use crate::fields::Field;
use crate::output::{Listing, Output, Value};
use crate::talk;
use crate::verify::{Level, Problem, verify};

/// check unit files without any cluster
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "verify")]
#[argh(
    note = "Checks names, syntax and [X-Fleet] sections, what the files do to each other, and what systemd-analyze"
)]
#[argh(
    note = "says where it is installed. Programs and units that are missing here are no problem: the machines of"
)]
#[argh(note = "the cluster may have them. Ends with 1 if there is an error; warnings alone are no failure.")]
#[argh(note = "Fields: file, unit, level, source, problem.")]
#[argh(example = "verify -o json *.service")]
pub(crate) struct Verify {
    /// do not ask systemd-analyze
    #[argh(switch)]
    pub(crate) no_systemd: bool,

    /// leave the heading of a table out
    #[argh(switch)]
    pub(crate) no_legend: bool,

    /// columns or keys to print, with commas between them
    #[argh(option, arg_name = "fields")]
    pub(crate) fields: Option<String>,

    /// form of the answer: text, wide, json, jsonl or name; text by default
    #[argh(option, short = 'o', arg_name = "form", default = "Output::Text")]
    pub(crate) output: Output,

    /// unit files, patterns, or instances of a template
    #[argh(positional, arg_name = "file")]
    pub(crate) files: Vec<String>,
}

const FIELDS: [Field<Problem>; 5] = [
    Field { name: "file", cell: |row| row.file.clone(), value: |row| Value::text(&row.file) },
    Field { name: "unit", cell: |row| row.unit.clone(), value: |row| Value::text(&row.unit) },
    Field {
        name: "level",
        cell: |row| row.level.as_str().to_owned(),
        value: |row| Value::text(row.level.as_str()),
    },
    Field { name: "source", cell: |row| row.source.to_owned(), value: |row| Value::text(row.source) },
    Field { name: "problem", cell: |row| row.text.clone(), value: |row| Value::text(&row.text) },
];

static LISTING: Listing<Problem> = Listing {
    key: "problems",
    fields: &FIELDS,
    columns: "file,level,problem",
    wide: "file,unit,level,source,problem",
    keys: "file,unit,level,source,problem",
    name: |row| &row.file,
};

impl Verify {
    pub(super) fn run(&self, context: &Context<'_>) -> Ended {
        if self.files.is_empty() {
            return Err(Failure::usage("Error: verify needs a unit file"));
        }
        let shape = LISTING.shape(self.output, self.fields.as_deref())?;
        let findings = verify(&self.files, !self.no_systemd);
        let problems = &findings.problems;
        if self.output == Output::Text && self.fields.is_none() {
            problems.iter().try_for_each(|problem| context.answer(&line(problem)))?;
        } else if !self.output.is_table() || !problems.is_empty() {
            context.print(&shape.text(problems, !self.no_legend)?)?;
        }
        let count = |level| problems.iter().filter(|problem| problem.level == level).count();
        let (errors, warnings) = (count(Level::Error), count(Level::Warning));
        if self.output.is_table() {
            talk::say(&summary(findings.files, errors, warnings));
        }
        Ok(if errors == 0 { Exit::Ok } else { Exit::Failed })
    }
}

/// As compilers have it.
fn line(problem: &Problem) -> String {
    let Problem { file, level, text, .. } = problem;
    format!("{file}: {}: {text}", level.as_str()).replace(|c: char| c.is_control(), "?")
}

fn summary(files: usize, errors: usize, warnings: usize) -> String {
    let several = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let files = several(files, "unit file");
    match (errors, warnings) {
        (0, 0) => format!("{files} checked, nothing wrong"),
        _ => format!("{files} checked: {}, {}", several(errors, "error"), several(warnings, "warning")),
    }
}
