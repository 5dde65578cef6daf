//! The pages under `docs/` keep up with the program: every key of the shipped configuration file is explained, with the
//! default it has there, and every alarm has a runbook. What the pages say beyond that is for readers to judge.

#![expect(clippy::panic, reason = "a page that cannot be read fails its test")]

use std::fs;
use std::path::Path;

fn read(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    fs::read_to_string(&path).unwrap_or_else(|cause| panic!("read {}: {cause}", path.display()))
}

/// Key and default of every setting in the shipped file, where each stands as a comment without a blank.
fn shipped_settings() -> Vec<(String, String)> {
    let file = read("dist/fleet.conf");
    let settings = file.lines().filter_map(|line| line.strip_prefix('#')?.split_once('='));
    let is_key = |key: &str| !key.is_empty() && key.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    settings
        .filter(|(key, _)| is_key(key))
        .map(|(key, value)| (key.to_owned(), value.trim_matches('"').to_owned()))
        .collect()
}

#[test]
fn every_shipped_key_is_explained() {
    let page = read("docs/configuration.md");
    let settings = shipped_settings();
    assert!(settings.len() > 20, "{settings:?}");
    for (key, _) in settings {
        assert!(page.contains(&format!("`{key}`")), "docs/configuration.md does not mention {key}");
    }
}

#[test]
fn every_default_on_the_page_is_the_shipped_one() {
    let page = read("docs/configuration.md");
    for (key, default) in shipped_settings() {
        // Lists are written in two forms; empty values are shown as empty cells.
        let Some(row) = page.lines().find(|line| line.starts_with(&format!("| `{key}` |"))) else { continue };
        if !default.is_empty() && !default.starts_with('[') {
            assert!(
                row.contains(&format!("| `{default}` |")),
                "{key}: {default} is shipped, the page says {row}"
            );
        }
    }
}

#[test]
fn pages_link_only_to_what_is_there() {
    for page in [
        "api",
        "configuration",
        "events",
        "faults",
        "install",
        "moving-from-fleet",
        "upgrade",
        "units-and-scheduling",
        "when-something-dies",
    ] {
        let text = read(&format!("docs/{page}.md"));
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if !link.starts_with("http") {
                let file = link.split('#').next().filter(|file| !file.is_empty());
                let _ = file.map(|file| read(&format!("docs/{file}")));
            }
        }
    }
}

/// The alarms and what their annotations name.
fn alarms() -> Vec<(String, String)> {
    let file = read("docs/alarms.yml");
    let value = |line: &str, key: &str| line.trim().strip_prefix(key).map(|rest| rest.trim().to_owned());
    let names = file.lines().filter_map(|line| value(line, "- alert:"));
    let runbooks = file.lines().filter_map(|line| value(line, "runbook:"));
    names.zip(runbooks).collect()
}

#[test]
fn every_alarm_has_a_page_that_names_it() {
    let index = read("docs/runbooks/README.md");
    let alarms = alarms();
    assert!(alarms.len() > 10, "{alarms:?}");
    for (alarm, runbook) in &alarms {
        assert!(
            read(runbook).contains(&format!("{alarm} ")) || read(runbook).contains(&format!("{alarm},")),
            "{runbook} does not name {alarm}"
        );
        assert!(index.contains(alarm.as_str()), "docs/runbooks/README.md does not name {alarm}");
    }
    // Every page has what somebody looks for who was just woken.
    for page in index.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        let text = read(&format!("docs/runbooks/{page}"));
        if page.starts_with("..") {
            continue;
        }
        for part in ["**Raised by**", "**It means**", "**Look at**", "**Do**", "**Do not**"] {
            assert!(text.contains(part), "{page} has no {part}");
        }
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let _ = read(&format!("docs/runbooks/{link}"));
        }
    }
}
