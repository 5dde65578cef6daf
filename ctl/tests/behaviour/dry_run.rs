//! `--dry-run`: what would become of units is said, and nothing changes.

use cluster::TargetState::{Inactive, Launched};

use crate::double::Double;
use crate::double::fleet::Fleet;
use crate::run::run;

const HELLO: &str = include_str!("../../testdata/units/hello.service");

fn double(name: &str) -> Double {
    let double = Double::start(name, Fleet::placing(&[("hello.service", 0), ("apache.1.service", 2)]));
    double.fleet().has("idle.service", HELLO, Inactive);
    double
}

/// Nobody was asked to change anything.
fn nothing_was_changed(double: &Double) {
    let fleet = double.fleet();
    let orders: Vec<_> = fleet.asked.iter().filter(|asked| !asked.starts_with("GET ")).collect();
    assert!(orders.iter().all(|asked| *asked == "POST rehearsal"), "{orders:?}");
    assert!(!orders.is_empty(), "{:?}", fleet.asked);
}

#[test]
fn units_that_would_run_are_placed() {
    let double = double("dry-run");
    double.fleet().refusals.insert("monitor.service".to_owned(), ["", "", "the machine is being drained"]);
    let ran = run(&double.endpoint(), "start --dry-run hello apache.1.service monitor");
    let said = "\
        Unit hello.service would be launched on 9678f7a7.../10.99.0.13: least loaded machine that can run it\n\
        Unit apache.1.service would be launched on ae7be26c.../10.99.0.11: least loaded machine that can run it\n\
        Global unit monitor.service would be launched on 2 of 3 machines\n\
        \u{20} not on ae7be26c.../10.99.0.11: the machine is being drained\n";
    assert_eq!((ran.exit, ran.stdout.as_str(), ran.stderr.as_str()), (0, said, ""));
    assert_eq!(double.fleet().units.len(), 1);
    nothing_was_changed(&double);
}

#[test]
fn a_unit_that_would_wait_fails_and_says_why() {
    let double = double("dry-run-waits");
    let ran = run(&double.endpoint(), "load --dry-run hello idle");
    let said = "\
        Unit hello.service would be loaded on 9678f7a7.../10.99.0.13: least loaded machine that can run it\n\
        Unit idle.service would be on no machine: no machine can run it\n";
    assert_eq!((ran.exit, ran.stdout.as_str()), (1, said));
    nothing_was_changed(&double);
}

#[test]
fn what_runs_stays_and_what_has_to_go_is_named() {
    let double = double("dry-run-stays");
    double.fleet().has("hello.service", HELLO, Launched);
    double.fleet().displaced = Some("old.service".to_owned());
    let ran = run(&double.endpoint(), "start --dry-run hello");
    let said = "\
        Unit hello.service would be launched on 9678f7a7.../10.99.0.13: it is there already\n\
        Unit old.service would have to leave 9678f7a7.../10.99.0.13: replaced by another\n";
    assert_eq!((ran.exit, ran.stdout.as_str()), (0, said));
    // New content gives the place up first.
    double.fleet().has("hello.service", &HELLO.replace("100000", "5"), Launched);
    let ran = run(&double.endpoint(), "start --dry-run --replace hello");
    assert!(ran.stdout.contains("least loaded machine"), "{ran:?}");
    nothing_was_changed(&double);
}

#[test]
fn what_could_not_be_started_is_said_as_start_would() {
    let double = double("dry-run-wrong");
    let endpoint = double.endpoint();
    assert_eq!(run(&endpoint, "start --dry-run badopts"), run(&endpoint, "start badopts"));
    let missing = run(&endpoint, "start --dry-run nowhere-at-all");
    assert_eq!((missing.exit, missing), (3, run(&endpoint, "start nowhere-at-all")));
    double.fleet().refused = Some(("POST rehearsal".to_owned(), 404, ""));
    let old = run(&endpoint, "start --dry-run hello");
    let said = "Error rehearsing units: the server cannot; it may be fleet's\n";
    assert_eq!((old.exit, old.stderr.as_str()), (1, said));
}
