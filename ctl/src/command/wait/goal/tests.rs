//! Which of its states a unit is in.

use super::*;
use cluster::unit_file::UnitFile;

fn unit(global: bool, current: TargetState, machine: Option<&str>) -> Unit {
    Unit {
        name: UnitName::parse("a.service").unwrap(),
        file: UnitFile::parse("[Service]\nExecStart=/bin/true\n").unwrap(),
        desired: TargetState::Launched,
        current: Some(current),
        machine: machine.map(|id| MachineId::parse(id).unwrap()),
        global,
        launched: global.then_some(1),
        eligible: global.then_some(2),
        reason: None,
    }
}

fn row(machine: &str, active: &str, error: Option<&str>) -> UnitState {
    UnitState {
        name: UnitName::parse("a.service").unwrap(),
        machine: MachineId::parse(machine).unwrap(),
        hash: None,
        load: "loaded".to_owned(),
        active: active.to_owned(),
        sub: "x".to_owned(),
        error: error.map(str::to_owned),
        address: None,
    }
}

/// The words of all states the unit is in.
fn states_of(unit: &Unit, rows: &[UnitState]) -> String {
    let all = ALL.iter().filter(|(_, goal)| reached(*goal, unit, rows)).map(|(word, _)| *word);
    all.collect::<Vec<_>>().join(" ")
}

#[test]
fn a_unit_on_one_machine() {
    let launched = unit(false, TargetState::Launched, Some("m1"));
    assert_eq!(states_of(&launched, &[row("m1", "active", None)]), "active launched");
    assert_eq!(states_of(&launched, &[row("m1", "activating", None)]), "launched");
    assert_eq!(states_of(&launched, &[row("m1", "failed", None)]), "failed launched");
    assert_eq!(states_of(&launched, &[row("m1", "inactive", Some("no such file"))]), "failed launched");
    assert_eq!(states_of(&launched, &[row("m1", "inactive", None)]), "inactive launched");
    // The copy it leaves behind counts for one thing only: it is not inactive.
    assert_eq!(states_of(&launched, &[row("m2", "active", None)]), "launched");
    let loaded = unit(false, TargetState::Loaded, Some("m1"));
    assert_eq!(states_of(&loaded, &[row("m1", "inactive", None)]), "inactive loaded");
    assert_eq!(states_of(&unit(false, TargetState::Inactive, None), &[]), "inactive");
}

#[test]
fn a_global_unit_is_active_with_every_copy_and_failed_with_one() {
    let global = unit(true, TargetState::Loaded, None);
    assert_eq!(states_of(&global, &[row("m1", "active", None)]), "loaded");
    assert_eq!(states_of(&global, &[row("m1", "active", None), row("m2", "active", None)]), "active loaded");
    assert_eq!(states_of(&global, &[row("m1", "active", None), row("m2", "failed", None)]), "failed loaded");
}

#[test]
fn states_are_named_or_refused() {
    assert_eq!(Goals::from_arg_value("active,failed").unwrap().to_string(), "active or failed");
    let refused = Goals::from_arg_value("running").unwrap_err();
    assert_eq!(refused, "\"running\" is none of active, inactive, failed, loaded, launched, destroyed");
    assert!(Goals::from_arg_value("").is_err());
}
