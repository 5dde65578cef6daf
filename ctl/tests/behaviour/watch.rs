//! `list-units --watch` over the agent's real API and over the driver etcd. Needs the feature `real-etcd` and Debian's
//! etcd-server.

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};

use cluster::TargetState::{Inactive, Launched, Loaded};

use crate::conductor::Conductor;
use crate::run::{fleetctl, run, words};
use crate::served::Served;

const HELLO: &str = include_str!("../../testdata/units/hello.service");

fn fleet() -> Conductor {
    let fleet = Conductor::start(&[("hello.service", 0), ("other.service", 1)]);
    fleet.store_unit("hello.service", HELLO, Loaded);
    fleet
}

/// A running ctl and the lines it prints; it is ended with this value.
pub(crate) struct Watching {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Watching {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    pub(crate) fn line(&mut self) -> String {
        self.lines.next().unwrap().unwrap()
    }

    /// Nobody reads any more: how it ends.
    pub(crate) fn abandoned(self) -> Option<i32> {
        let Self { mut child, lines } = self;
        drop(lines);
        child.wait().unwrap().code()
    }
}

fn row(unit: &str, active: &str, sub: &str) -> String {
    format!(r#"{{"unit":"{unit}","active":"{active}","sub":"{sub}"}}"#)
}

fn play(fleet: &Conductor, command: Command) {
    let mut watching = Watching::start(command);
    assert_eq!(watching.line(), row("hello.service", "inactive", "dead"));
    fleet.store_unit("hello.service", HELLO, Launched);
    assert_eq!(watching.line(), row("hello.service", "active", "running"));
    fleet.store_unit("other.service", HELLO, Launched);
    assert_eq!(watching.line(), row("other.service", "active", "running"));
    fleet.show("hello.service", ("failed", "failed", ""));
    assert_eq!(watching.line(), row("hello.service", "failed", "failed"));
    fleet.store_unit("other.service", HELLO, Inactive);
    assert_eq!(watching.line(), row("other.service", "gone", "gone"));
    assert_eq!(watching.abandoned(), Some(0));
}

#[test]
fn changes_are_printed_as_they_come() {
    let served = Served::start(fleet());
    let line = "list-units --watch -o jsonl --fields=unit,active,sub";
    play(&served.fleet, fleetctl(served.endpoint(), &words(line)));
    // The whole list was asked for once, and units one by one after that.
    let asked = served.asked().clone();
    let whole = asked.iter().filter(|line| line.starts_with("GET /fleet/v1/state?all=1")).count();
    assert_eq!(whole, 1, "{asked:#?}");
}

#[test]
fn the_driver_etcd_watches_too() {
    let fleet = fleet();
    let mut command =
        fleetctl(&fleet.endpoint(), &words("list-units --watch -o jsonl --fields=unit,active,sub"));
    command.env("FLEETCTL_DRIVER", "etcd");
    play(&fleet, command);
}

#[test]
fn filters_and_forms_hold() {
    let served = Served::start(fleet());
    let line = "list-units --watch --no-legend --fields=unit,active --unit=other --state=active,failed";
    let mut watching = Watching::start(fleetctl(served.endpoint(), &words(line)));
    served.fleet.store_unit("hello.service", HELLO, Launched);
    served.fleet.store_unit("other.service", HELLO, Launched);
    assert_eq!(watching.line(), "other.service\tactive");
    // It leaves the states that were asked for, and that is told.
    served.fleet.store_unit("other.service", HELLO, Loaded);
    assert_eq!(watching.line(), "other.service\tinactive");
    assert_eq!(watching.abandoned(), Some(0));
    let refused = run(served.endpoint(), "list-units --watch -o json");
    assert!(refused.exit == 2 && refused.stderr.contains("use jsonl"), "{refused:?}");
}
