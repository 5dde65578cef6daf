//! Where the cursor is, for every kind of word before it.

use super::*;

/// What is wanted behind a line; what has been typed of it comes after the last blank.
fn at(line: &str) -> (Kind, String, String) {
    let root = definition();
    let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
    let place = place(&root, &words);
    (place.kind, place.lead, place.typed)
}

fn kind(line: &str) -> Kind {
    at(line).0
}

#[test]
fn commands_come_first_and_below_others() {
    for line in ["", "st", "--debug ", "--endpoint unix:///x ", "-o json li", "help ", "help st"] {
        assert_eq!(kind(line), Kind::Command, "{line}");
    }
    assert_eq!(kind("registry a"), Kind::Command);
    assert_eq!(kind("registry adopt "), Kind::Nothing);
    assert_eq!(kind("help start "), Kind::Nothing);
}

#[test]
fn a_command_may_be_shortened() {
    assert_eq!(kind("dest "), Kind::Unit);
    assert_eq!(kind("list-m --machine "), Kind::Machine);
}

#[test]
fn flags_are_those_of_the_command() {
    let root = definition();
    let offered = |line: &str| {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let place = place(&root, &words);
        assert_eq!(place.kind, Kind::Flag, "{line}");
        flags(&root, &place.path).map(|flag| flag.long).collect::<Vec<_>>()
    };
    assert!(offered("start --").contains(&"--dry-run"));
    assert!(offered("start web --").contains(&"--endpoint"));
    assert!(!offered("stop --").contains(&"--dry-run"));
    assert!(!offered("--").contains(&"--dry-run"));
    // Hidden ones are for old scripts.
    assert!(!offered("start --").contains(&"--sign"));
    assert_eq!(kind("start -- --"), Kind::FileOrUnit);
}

#[test]
fn values_follow_their_flags() {
    assert_eq!(kind("list-units -o "), Kind::Words(FORMS));
    assert_eq!(kind("list-units -lo js"), Kind::Words(FORMS));
    assert_eq!(kind("list-units --output=js"), Kind::Words(FORMS));
    assert_eq!(kind("list-units --unit w"), Kind::Unit);
    assert_eq!(kind("ssh --unit w"), Kind::Unit);
    assert_eq!(kind("ssh --machine "), Kind::Machine);
    assert_eq!(kind("wait --for "), Kind::Words(WAIT_STATES));
    assert_eq!(kind("list-unit-files --state "), Kind::Words(FLEET_STATES));
    assert_eq!(kind("list-units --state "), Kind::Words(SYSTEMD_STATES));
    assert_eq!(kind("--key-file /etc/"), Kind::File);
    assert_eq!(kind("start --block-attempts "), Kind::Nothing);
    // Switches take no word of their own.
    assert_eq!(kind("start --no-block w"), Kind::FileOrUnit);
    assert_eq!(kind("--strict-host-key-checking st"), Kind::Command);
}

#[test]
fn of_lists_the_last_item_counts() {
    let place = |lead: &str, typed: &str| (Kind::Field, lead.to_owned(), typed.to_owned());
    assert_eq!(at("list-units --fields unit,ma"), place("unit,", "ma"));
    assert_eq!(at("list-units --fields=unit,load,"), place("--fields=unit,load,", ""));
    assert_eq!(at("list-units --fields="), place("--fields=", ""));
}

#[test]
fn arguments_are_what_the_command_takes() {
    assert_eq!(kind("start "), Kind::FileOrUnit);
    assert_eq!(kind("start a b "), Kind::FileOrUnit);
    assert_eq!(kind("status a "), Kind::Unit);
    assert_eq!(kind("verify "), Kind::UnitFile);
    assert_eq!(kind("drain "), Kind::Machine);
    assert_eq!(kind("drain x "), Kind::Nothing);
    assert_eq!(kind("ssh "), Kind::MachineOrUnit);
    assert_eq!(kind("ssh x "), Kind::Nothing);
    assert_eq!(kind("fd-forward /run/"), Kind::File);
    assert_eq!(kind("completion "), Kind::Words(&SHELLS));
    assert_eq!(kind("list-units "), Kind::Nothing);
}

#[test]
fn every_value_a_flag_offers_is_one_it_takes() {
    use crate::args::{Meant, parse};
    let root = definition();
    for sub in &root.commands {
        for flag in sub.command.flags {
            let Kind::Words(words) = value_kind(flag, &[&root, &sub.command]) else { continue };
            for word in words {
                let mut line = vec![sub.name.to_owned(), format!("{}={word}", flag.long)];
                line.extend((sub.name == "wait").then(|| "x".to_owned()));
                let parsed = parse("ctl", &line, &|_| None);
                assert!(matches!(parsed, Ok(Meant::Run(_))), "{line:?}: {parsed:?}");
            }
        }
    }
}
