//! Pure functions of the crate against golden text (see `runner`). In inputs `<CR>` stands for a carriage return,
//! `<SP>` for a blank that editors would remove, `<EOF>` for the end of the text without a newline, `<NUL>`, `<NL>`
//! and `<LONG n>` for what they say.

mod runner;

use std::fmt::Write;

use cluster::UnitName;
use cluster::requirements::Requirements;
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
