//! Pure functions of the crate against golden text (see `runner`). In inputs `<CR>` stands for a carriage return,
//! `<SP>` for a blank that editors would remove, `<EOF>` for the end of the text without a newline, `<NUL>`, `<NL>`
//! and `<LONG n>` for what they say.

mod runner;

use std::fmt::Write;

use cluster::UnitName;
use cluster::advice::{Advice, advice};
use cluster::requirements::Requirements;
use cluster::together::clashes;
use cluster::unit_file::{UnitFile, UnitOption};
use cluster::validate::{unrecognized_options, validate};

fn with_marks(input: &str) -> String {
    let text = input.replace("<EOF>\n", "").replace("<CR>", "\r").replace("<SP>", " ").replace("<NUL>", "\0");
    match text.split_once("<LONG ").and_then(|(head, tail)| Some((head, tail.split_once('>')?))) {
        Some((head, (count, tail))) => format!("{head}{}{tail}", "x".repeat(count.parse().unwrap_or(0))),
        None => text,
    }
}

/// The options as they are held, then what is written, stored and hashed.
#[test]
fn unit_files() {
    runner::run("unit-files", |input| {
        let file = match UnitFile::parse(&with_marks(input)) {
            Ok(file) => file,
            Err(error) => return format!("error: {error}"),
        };
        let mut out = String::new();
        for UnitOption { section, name, value } in file.options() {
            let value = value.split("xxxxxxxx").filter(|part| !part.is_empty()).collect::<Vec<_>>().join("…");
            let _ = writeln!(out, "{section:?} {name:?} {value:?}");
        }
        let _ = write!(out, "hash {}", file.hash());
        if let Some(description) = file.description() {
            let _ = write!(out, "\ndescription {description:?}");
        }
        if file.has_install() {
            out.push_str("\nhas an install section");
        }
        out
    });
}

/// The first line is the unit's name, the rest its file.
fn named(input: &str) -> Result<(UnitName, UnitFile), String> {
    let (name, text) = input.split_once('\n').ok_or("no name")?;
    let name = UnitName::parse(name).map_err(|e| e.to_string())?;
    let file = UnitFile::parse(&with_marks(text)).map_err(|e| e.to_string())?;
    Ok((name, file))
}

/// What is asked for, a line each.
fn show(wishes: &Requirements) -> String {
    let Requirements { machine_id, machine_of, metadata, metadata_unreadable, conflicts, replaces, global } =
        wishes;
    let lines = [
        (machine_id.is_some(), format!("machine_id {machine_id:?}")),
        (!machine_of.is_empty(), format!("machine_of {machine_of:?}")),
        (!metadata.is_empty(), format!("metadata {metadata:?}")),
        (!metadata_unreadable.is_empty(), format!("metadata_unreadable {metadata_unreadable:?}")),
        (!conflicts.is_empty(), format!("conflicts {conflicts:?}")),
        (!replaces.is_empty(), format!("replaces {replaces:?}")),
        (*global, String::from("global")),
    ];
    let mut asked: Vec<String> =
        lines.into_iter().filter(|(is_asked, _)| *is_asked).map(|(_, line)| line).collect();
    if asked.is_empty() {
        asked.push(String::from("nothing"));
    }
    asked.join("\n")
}

#[test]
fn requirements() {
    runner::run("requirements", |input| match named(input) {
        Ok((name, file)) => show(&Requirements::of(&name, &file)),
        Err(error) => format!("error: {error}"),
    });
}

/// Options come as the API hands them over, one `section|name|value` a line, so that they can hold anything.
#[test]
fn validation() {
    runner::run("validate", |input| {
        let (name, lines) = input.split_once('\n').unwrap_or_default();
        let Ok(name) = UnitName::parse(name) else { return String::from("error: name") };
        let option = |line: &str| {
            let line = with_marks(line).replace("<NL>", "\n");
            let mut parts = line.splitn(3, '|').map(String::from);
            let mut next = || parts.next().unwrap_or_default();
            UnitOption { section: next(), name: next(), value: next() }
        };
        let file = UnitFile::from_options(lines.lines().map(option).collect());
        let mut out = match validate(&name, &file) {
            Ok(()) => String::from("valid"),
            Err(error) => format!("error: {error}"),
        };
        for option in unrecognized_options(&file) {
            let _ = write!(out, "\nwarning: unrecognized requirement in [X-Fleet] section: {option:?}");
        }
        out
    });
}

/// What is likely a mistake in one file.
#[test]
fn advice_on_one_unit() {
    runner::run("advice", |input| match named(input) {
        Ok((name, file)) => {
            let all = advice(&name, &file);
            let line = |advice: &Advice| {
                format!("{}: {advice}", if advice.is_fatal() { "error" } else { "warning" })
            };
            let lines: Vec<String> = all.iter().map(line).collect();
            if lines.is_empty() { String::from("nothing to say") } else { lines.join("\n") }
        }
        Err(error) => format!("error: {error}"),
    });
}

/// Units together: `NAME: OPTION=VALUE; OPTION=VALUE` a line.
#[test]
fn units_together() {
    runner::run("together", |input| {
        let unit = |line: &str| {
            let (name, options) = line.split_once(':').unwrap_or((line, ""));
            let options = options.split(';').map(str::trim).filter(|option| !option.is_empty());
            let text = options.fold(String::from("[X-Fleet]\n"), |text, option| text + option + "\n");
            let name = UnitName::parse(name).unwrap_or_else(|e| panic!("{name}: {e}"));
            let file = UnitFile::parse(&text).unwrap_or_else(|e| panic!("{text}: {e}"));
            let requirements = Requirements::of(&name, &file);
            (name, requirements)
        };
        let units: Vec<(UnitName, Requirements)> = input.lines().map(unit).collect();
        let found = clashes(units.iter().map(|(name, wishes)| (name, wishes)));
        let lines: Vec<String> = found.iter().map(|(name, clash)| format!("{name}: {clash}")).collect();
        if lines.is_empty() { String::from("all can run") } else { lines.join("\n") }
    });
}
