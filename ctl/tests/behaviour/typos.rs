//! Mistyped words: the nearest command, flag, unit or field is named wherever one is near, and none where none is.

use cluster::TargetState::Launched;

use crate::double::Double;
use crate::double::fleet::Fleet;
use crate::run::run;

const HELLO: &str = include_str!("../../testdata/units/hello.service");

fn double(name: &str) -> Double {
    let double = Double::start(name, Fleet::placing(&[("hallo.service", 0)]));
    double.fleet().has("hallo.service", HELLO, Launched);
    double
}

#[test]
fn a_unit_that_is_near_is_named() {
    let double = double("near");
    let cases = [
        ("cat halo", 3, "Unit halo.service not found\nDid you mean \"hallo.service\"?\n"),
        ("status halo", 3, "Unit halo.service does not exist.\nDid you mean \"hallo.service\"?\n"),
        ("journal halo", 3, "Unit halo.service does not exist.\nDid you mean \"hallo.service\"?\n"),
        ("explain halo", 3, "Unit halo.service does not exist.\nDid you mean \"hallo.service\"?\n"),
        ("wait --for active halo", 3, "Unit halo.service does not exist.\nDid you mean \"hallo.service\"?\n"),
        ("stop halo", 0, "Units not found in registry\nDid you mean \"hallo.service\"?\n"),
        ("destroy halo", 0, "Units not found in registry\nDid you mean \"hallo.service\"?\n"),
        // A file here.
        (
            "start moniter",
            3,
            "Error creating units: unable to find Unit(moniter.service) in Registry or on filesystem\n\
             Did you mean \"monitor.service\"?\n",
        ),
        ("cat nope", 3, "Unit nope.service not found\n"),
        ("stop nope*", 0, "Units not found in registry\n"),
    ];
    for (line, exit, said) in cases {
        let ran = run(&double.endpoint(), line);
        assert_eq!((ran.exit, ran.stderr.as_str(), ran.stdout.as_str()), (exit, said, ""), "{line}");
    }
}

#[test]
fn a_field_that_is_near_is_named() {
    let double = double("near-field");
    let ran = run(&double.endpoint(), "list-units --fields=unit,machin");
    let said = "Invalid key in output format: \"machin\"\nDid you mean \"machine\"?\n";
    assert_eq!((ran.exit, ran.stderr.as_str()), (1, said));
}

#[test]
fn help_can_be_asked_for_by_its_name() {
    let root = run("unix:///x", "help").stdout;
    assert_eq!(run("unix:///x", "help help").stdout, root);
    assert_eq!(run("unix:///x", "help help help").stdout, root);
}
