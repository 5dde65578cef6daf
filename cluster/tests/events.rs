//! `docs/events.md` beside the closed lists it describes: every event with its ID and weight, every cause, and nothing else.

#![expect(clippy::panic, reason = "a page that cannot be read fails its test")]

use std::fs;
use std::path::Path;

use cluster::event::{Event, Weight};
use cluster::reason::CAUSES;

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/events.md");
    fs::read_to_string(&path).unwrap_or_else(|cause| panic!("read {}: {cause}", path.display()))
}

/// The cells of the rows of the table under this heading; names without their marks.
fn table(heading: &str) -> Vec<Vec<String>> {
    let page = page();
    let (_, rest) = page.split_once(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no {heading}"));
    let section = rest.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| row.split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).collect()).collect()
}

#[test]
fn the_page_has_every_event_as_it_is() {
    let weight = |event: &Event| match event.weight() {
        Weight::Warning => "warning",
        Weight::Plain => "plain",
        Weight::Detail => "detail",
    };
    let row = |event: &Event| [event.name().into(), format!("{:02x}", event.number()), weight(event).into()];
    let there: Vec<Vec<String>> = table("Events").into_iter().map(|cells| cells[..3].to_vec()).collect();
    let wanted: Vec<Vec<String>> = Event::ALL.iter().map(|event| row(event).to_vec()).collect();
    assert_eq!(there, wanted);
    let id = Event::UnitPlaced.message_id().to_string();
    assert!(page().contains(&format!("`{}`", &id[..30])), "{id}");
}

#[test]
fn the_page_has_every_cause() {
    let there: Vec<String> =
        table("Causes").into_iter().filter_map(|cells| cells.into_iter().next()).collect();
    assert_eq!(there, CAUSES);
}
