//! What systemctl prints: of units that were asked for and no others, one line of bounded length each, and the words that
//! systemd would have printed come out as they went in.

use arbitrary::{Arbitrary, Unstructured};
use cluster::UnitName;
use cluster::limits::ERROR_TEXT_MAX_BYTES;
use systemd_shim::UnitStatus;
use systemd_shim::fuzz::{failure, line, listed, refused, shown, whole};

use crate::{one_of, said};

/// What the first byte picks: `output`, `rows`.
pub fn check(bytes: &[u8]) {
    one_of(&[output, rows], bytes);
}

fn asked() -> Vec<UnitName> {
    ["good.service", "fail.service", "t.timer", "a@1.service", r"a\x2db.service"]
        .iter()
        .map(|name| UnitName::parse(name).unwrap())
        .collect()
}

/// Anything on standard output or standard error.
fn output(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let names = asked();
    match listed(text, &names) {
        Err(line) => assert!(text.contains(&line) && !line.is_empty()),
        Ok(states) => assert!(states.keys().eq(names.iter().collect::<std::collections::BTreeSet<_>>())),
    }
    if let Some(states) = shown(text, &names) {
        assert_eq!(states.len(), names.len());
    }
    let failure = failure(text);
    said(&failure);
    let texts = failure.load_error.iter().chain([&failure.result]);
    assert!(texts.clone().all(|text| text.len() <= ERROR_TEXT_MAX_BYTES), "{failure:?}");
    let (refusals, unreachable) = refused(text, &names);
    assert!(refusals.keys().all(|name| names.contains(name)));
    let reasons = refusals.values().chain(&unreachable);
    for reason in reasons.chain([&whole(text)]) {
        assert!(reason.len() <= ERROR_TEXT_MAX_BYTES && !reason.contains(char::is_control), "{reason:?}");
    }
    said(&whole(text));
    for most in [4, 80] {
        let one = line(text, most);
        assert!(one.len() <= most && !one.contains(char::is_control), "{one:?}");
    }
}

#[derive(Arbitrary, Debug)]
struct Row {
    which: u8,
    words: [String; 3],
    job: Option<String>,
    description: String,
}

/// Rows as systemd would print them.
fn rows(bytes: &[u8]) {
    let Ok(rows) = Vec::<Row>::arbitrary(&mut Unstructured::new(bytes)) else { return };
    let names = asked();
    let mut listing = String::new();
    let mut expected: std::collections::BTreeMap<UnitName, UnitStatus> =
        names.iter().map(|name| (name.clone(), UnitStatus::absent())).collect();
    for row in &rows {
        let name = &names[usize::from(row.which) % names.len()];
        let [load, active, sub] = row.words.each_ref().map(|word| plain(word));
        let job = row.job.as_deref().map_or(String::new(), |job| format!(" {}", plain(job)));
        // systemd indents what follows a line break in a description.
        let description = row.description.replace(['\n', '\r'], "\n    ");
        listing += &format!("{name}  {load} {active} {sub}{job} {description}\n");
        expected.insert(name.clone(), UnitStatus::new(&load, &active, &sub));
    }
    assert_eq!(listed(&listing, &names), Ok(expected.into_iter().collect()));
    let paragraphs: Vec<String> = names
        .iter()
        .zip(rows.iter().cycle())
        .map(|(_, row)| {
            let [load, active, sub] = row.words.each_ref().map(|word| plain(word));
            format!("ActiveState={active}\nLoadState={load}\nSubState={sub}\n")
        })
        .collect();
    if !rows.is_empty() {
        let states = shown(&paragraphs.join("\n"), &names).unwrap();
        for (name, row) in names.iter().zip(rows.iter().cycle()) {
            let [load, active, sub] = row.words.each_ref().map(|word| plain(word));
            assert_eq!(states.get(name).unwrap(), &UnitStatus::new(&load, &active, &sub));
        }
    }
}

/// A word as systemd has them.
fn plain(text: &str) -> String {
    let word: String = text.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    if word.is_empty() { "x".to_owned() } else { word }
}
