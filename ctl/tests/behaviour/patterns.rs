//! Patterns that match no file here are matched against the registry, in every verb that takes names of units.

use std::os::unix::fs::PermissionsExt;

use cluster::TargetState::{Inactive, Launched, Loaded};

use crate::double::Double;
use crate::double::fleet::Fleet;
use crate::run::{Outcome, fleetctl, fresh_folder, outcome};

const HELLO: &str = include_str!("../../testdata/units/hello.service");

/// Runs ctl where no unit file is, with programs that only say how they were called.
fn elsewhere(double: &Double, name: &str, line: &str) -> Outcome {
    let folder = fresh_folder(&format!("programs-patterns-{name}"));
    for program in ["ssh", "systemctl", "journalctl"] {
        let path = folder.join(program);
        std::fs::write(&path, "#!/bin/sh\necho \"$@\"\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let mut command = fleetctl(&double.endpoint(), &line.split_whitespace().collect::<Vec<_>>());
    command.env("PATH", format!("{}:/usr/bin:/bin", folder.display())).current_dir(&folder);
    let ran = outcome(command);
    std::fs::remove_dir_all(folder).unwrap();
    ran
}

#[test]
fn every_verb_takes_patterns() {
    let double = Double::start("patterns", Fleet::placing(&[("one.service", 0), ("two.service", 1)]));
    double.fleet().has("one.service", HELLO, Inactive);
    double.fleet().has("two.service", HELLO, Inactive);
    // The line, and what both units are to be in afterwards.
    let lines = [
        ("submit [ot]*", Some(Inactive)),
        ("load ??[eo].service", Some(Loaded)),
        ("start [ot]*.service", Some(Launched)),
        ("start --dry-run [ot]*.service", Some(Launched)),
        ("status *", Some(Launched)),
        ("explain *", Some(Launched)),
        ("wait --for active *", Some(Launched)),
        ("restart *", Some(Launched)),
        ("list-units --unit *", Some(Launched)),
        ("stop *", Some(Loaded)),
        ("unload *", Some(Inactive)),
        ("destroy *", None),
    ];
    for (line, state) in lines {
        let ran = elsewhere(&double, "every", line);
        assert_eq!(ran.exit, 0, "{line}: {ran:?}");
        for unit in ["one.service", "two.service"] {
            let now = double.fleet().units.get(unit).map(|unit| unit.desired);
            assert_eq!(now, state, "{line}: {ran:?}");
            let said = line.starts_with("submit") || ran.stdout.contains(unit);
            assert!(said, "{line} says nothing of {unit}: {ran:?}");
        }
    }
}

#[test]
fn verbs_that_take_one_unit_take_a_pattern_that_matches_one() {
    let double = Double::start("patterns-one", Fleet::placing(&[("one.service", 0)]));
    double.fleet().has("one.service", HELLO, Launched);
    for line in ["cat o*", "journal o*", "ssh --unit o* true", "ssh o* true"] {
        let ran = elsewhere(&double, "one", line);
        assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""), "{line}: {ran:?}");
    }
    double.fleet().has("other.service", HELLO, Launched);
    for line in ["cat o*", "journal o*", "ssh --unit o* true", "ssh o* true"] {
        let ran = elsewhere(&double, "two", line);
        assert!(ran.exit == 1 && ran.stderr.contains("matches 2"), "{line}: {ran:?}");
    }
}

#[test]
fn what_is_taken_down_is_said_whoever_reads() {
    let double = Double::start("patterns-many", Fleet::default());
    for number in 0..30 {
        double.fleet().has(&format!("n{number:02}.service"), HELLO, Inactive);
    }
    // Nobody can be asked here, so nobody is.
    let ran = elsewhere(&double, "many", "destroy n0* n1*");
    let lines: Vec<&str> = ran.stderr.lines().collect();
    assert!(lines.len() == 2 && lines[0].starts_with("n0* matches n00.service n01.service "), "{ran:?}");
    assert_eq!((ran.exit, ran.stdout.lines().count(), double.fleet().units.len()), (0, 20, 10), "{ran:?}");
}
