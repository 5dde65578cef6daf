//! `explain`: the scheduler's words as ctl shows them, and units and servers without any.

use cluster::TargetState::{Inactive, Launched};

use crate::double::Double;
use crate::double::fleet::Fleet;
use crate::run::{Outcome, run};

const HELLO: &str = include_str!("../../testdata/units/hello.service");
const MONITOR: &str = include_str!("../../testdata/units/monitor.service");

fn said(stdout: &str) -> Outcome {
    Outcome { stdout: stdout.to_owned(), stderr: String::new(), exit: 0 }
}

#[test]
fn a_unit_without_a_machine_is_explained_machine_by_machine() {
    let double = Double::start("explain", Fleet::default());
    double.fleet().has("db.service", HELLO, Launched);
    let reasons = ["", "lacks role=db", "is draining"];
    double.fleet().refusals.insert("db.service".to_owned(), reasons);
    let wanted = "db.service: wanted launched, is inactive, on no machine\n\
                  why: no machine can run it\n\
                  MACHINE\t\t\tABLE\tREASON\n\
                  9678f7a7.../10.99.0.13\tyes\t-\n\
                  aaf2f899.../10.99.0.12\tno\tlacks role=db\n\
                  ae7be26c.../10.99.0.11\tno\tis draining\n";
    assert_eq!(run(&double.endpoint(), "explain db"), said(wanted));
    let full = run(&double.endpoint(), "explain -l --no-legend db").stdout;
    assert!(full.contains("\nae7be26cdaa742ca148068d5ac90eaca/10.99.0.11\tno\t"), "{full}");
}

#[test]
fn several_units_are_told_apart() {
    let double = Double::start("explain-several", Fleet::placing(&[("hello.service", 2)]));
    double.fleet().has("hello.service", HELLO, Launched);
    double.fleet().has("idle.service", HELLO, Inactive);
    double.fleet().has("monitor.service", MONITOR, Launched);
    let explained = run(&double.endpoint(), "explain hello idle monitor");
    let heads: Vec<&str> = explained.stdout.lines().filter(|line| line.contains("wanted")).collect();
    let wanted = [
        "hello.service: wanted launched, is launched on ae7be26c.../10.99.0.11",
        "idle.service: wanted inactive, is inactive, on no machine",
        "monitor.service: wanted launched, is launched",
    ];
    assert_eq!(heads, wanted, "{explained:?}");
    assert_eq!(explained.stdout.matches("\n\n").count(), 2, "{explained:?}");
}

#[test]
fn what_cannot_be_explained_says_why() {
    let double = Double::start("explain-not", Fleet::default());
    double.fleet().has("hello.service", HELLO, Inactive);
    let failed = |line: &str| {
        let outcome = run(&double.endpoint(), line);
        assert_eq!(outcome.stdout, "");
        (outcome.exit, outcome.stderr)
    };
    assert_eq!(failed("explain nope"), (3, "Unit nope.service does not exist.\n".to_owned()));
    assert_eq!(failed("explain nope.*"), (3, "Unit nope.* does not exist.\n".to_owned()));
    assert_eq!(failed("explain"), (2, "Error: explain needs the name of a unit\n".to_owned()));
    // An old server.
    double.fleet().page = Some(100);
    let text = "Error explaining units: the server has no explanations; it may be fleet's\n";
    assert_eq!(failed("explain hello"), (1, text.to_owned()));
}
