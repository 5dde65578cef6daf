//! What exit codes mean, command by command: each of the documented meanings for each command that can have it. What is
//! printed on the way is told elsewhere.

use std::path::PathBuf;

use cluster::TargetState::{Inactive, Launched};

use crate::double::Double;
use crate::double::fleet::Fleet;
use crate::run::{fleetctl, outcome, run};
use crate::stand_in::programs;

const HELLO: &str = include_str!("../../testdata/units/hello.service");
const MONITOR: &str = include_str!("../../testdata/units/monitor.service");

/// A command line that ends well, and others that end with 1 and 3, where the command can.
struct Row {
    well: &'static str,
    failed: &'static [&'static str],
    missing: &'static [&'static str],
}

const fn row(well: &'static str, failed: &'static [&'static str], missing: &'static [&'static str]) -> Row {
    Row { well, failed, missing }
}

/// Every command that asks the cluster. `running` is up, `broken` has failed and `failing` will, `pending` finds no
/// machine, `idle` is not asked to run, `monitor` is global.
const ROWS: [Row; 21] = [
    row("submit hello", &["submit ../bad/name!"], &["submit nope"]),
    row("load running", &["load --block-attempts=1 pending"], &["load nope"]),
    row("start running", &["start --block-attempts=1 pending", "start failing"], &["start nope"]),
    row("stop running", &["stop idle"], &[]),
    row("unload running", &[], &[]),
    row("destroy idle", &[], &[]),
    row("restart running", &["restart broken"], &["restart nope"]),
    row("cat running", &["cat", "cat running idle", "cat [ri]*"], &["cat nope"]),
    row(
        "status running",
        &["status idle", "status pending"],
        &["status nope", "status n*e", "status nope idle"],
    ),
    row("explain running", &[], &["explain nope", "explain n*e"]),
    row("events", &["events --fields=colour"], &[]),
    row("journal running", &["journal", "journal idle", "journal monitor"], &["journal nope"]),
    row(
        "ssh running id",
        &["ssh", "ssh idle id", "ssh --machine a id", "ssh --machine a --unit running id"],
        &["ssh nope id", "ssh --machine ffff id", "ssh --unit nope id"],
    ),
    row("wait --for active running", &["wait --for active bad!name"], &["wait --for active nope"]),
    row("list-units", &["list-units --fields=colour", "list-units --fields="], &[]),
    row("list-unit-files", &["list-unit-files --fields=colour"], &[]),
    row("list-machines", &["list-machines --fields=colour"], &[]),
    row("drain 9678", &["drain a"], &["drain ffff"]),
    row("undrain 9678", &["undrain a"], &["undrain ffff"]),
    row("registry adopt", &[], &[]),
    row("version", &[], &[]),
];

/// Commands whose codes are tested elsewhere, or that ask nobody.
const OTHERS: [&str; 4] = ["completion", "fd-forward", "help", "verify"];

fn double(name: &str) -> Double {
    let double = Double::start(
        name,
        Fleet::placing(&[("running.service", 0), ("broken.service", 1), ("failing.service", 1)]),
    );
    for name in ["running.service", "broken.service"] {
        double.fleet().has(name, HELLO, Launched);
    }
    for name in ["failing.service", "idle.service", "pending.service"] {
        double.fleet().has(name, HELLO, Inactive);
    }
    double.fleet().has("monitor.service", MONITOR, Launched);
    for name in ["broken.service", "failing.service"] {
        double.fleet().shown.insert(name.to_owned(), ("failed", "failed", "exit-code"));
    }
    double
}

/// Runs command lines with programs that all end well.
struct Calls(PathBuf);

impl Calls {
    fn new(name: &str) -> Self {
        Self(programs(name, &[("ssh", "exit 0"), ("systemctl", "exit 0"), ("journalctl", "exit 0")]))
    }

    fn code(&self, endpoint: &str, line: &str) -> i32 {
        let mut command = fleetctl(endpoint, &line.split_whitespace().collect::<Vec<_>>());
        command.env("PATH", &self.0);
        outcome(command).exit
    }
}

fn word(row: &Row) -> &'static str {
    row.well.split(' ').next().unwrap()
}

#[test]
fn every_command_is_in_the_table() {
    let help = run("unix:///x", "help").stdout;
    let commands = help.split_once("COMMANDS:\n").unwrap().1.split_once("\n\n").unwrap().0;
    for command in commands.lines().map(|line| line.split_whitespace().next().unwrap()) {
        let known = ROWS.iter().any(|row| word(row) == command) || OTHERS.contains(&command);
        assert!(known, "{command} has no row: say what its exit codes are");
    }
}

#[test]
fn done_is_0() {
    let calls = Calls::new("codes-0");
    for row in ROWS {
        assert_eq!(calls.code(&double("codes-0").endpoint(), row.well), 0, "{}", row.well);
    }
}

#[test]
fn not_done_is_1() {
    let calls = Calls::new("codes-1");
    for line in ROWS.iter().flat_map(|row| row.failed) {
        assert_eq!(calls.code(&double("codes-1").endpoint(), line), 1, "{line}");
    }
}

#[test]
fn a_wrong_command_line_is_2() {
    let calls = Calls::new("codes-2");
    for row in ROWS {
        let line = format!("{} --no-such-flag", row.well);
        assert_eq!(calls.code("unix:///nonexistent", &line), 2, "{line}");
    }
    for line in
        ["strat", "list", "list-units surplus", "explain", "wait --for=active", "wait --for=up x", "drain"]
    {
        assert_eq!(calls.code("unix:///nonexistent", line), 2, "{line}");
    }
}

#[test]
fn what_does_not_exist_is_3() {
    let calls = Calls::new("codes-3");
    for line in ROWS.iter().flat_map(|row| row.missing) {
        assert_eq!(calls.code(&double("codes-3").endpoint(), line), 3, "{line}");
    }
    // As in fleet, whose scripts count on it: orders to take down what is not there are carried out already.
    for line in ["stop nope", "unload nope", "destroy nope"] {
        assert_eq!(calls.code(&double("codes-3").endpoint(), line), 0, "{line}");
    }
}

#[test]
fn no_answer_is_4() {
    let calls = Calls::new("codes-4");
    let unavailable = double("codes-4");
    unavailable.fleet().refused = Some((String::new(), 503, "no store"));
    for row in ROWS.iter().filter(|row| word(row) != "version") {
        for endpoint in ["unix:///nonexistent", "http://127.0.0.1:1", &unavailable.endpoint()] {
            assert_eq!(calls.code(endpoint, row.well), 4, "{} at {endpoint}", row.well);
        }
    }
}

#[test]
fn time_over_is_124() {
    let calls = Calls::new("codes-124");
    assert_eq!(calls.code(&double("codes-124").endpoint(), "wait --for=active --timeout=0.1 idle"), 124);
}

#[test]
fn codes_of_other_programs_are_passed() {
    let double = double("codes-passed");
    for exit in [1, 3, 7, 124, 255] {
        let programs = programs("codes-passed", &[("ssh", &format!("exit {exit}"))]);
        for line in ["ssh running id", "status running", "journal running", "status running nope"] {
            let mut command = fleetctl(&double.endpoint(), &line.split(' ').collect::<Vec<_>>());
            command.env("PATH", &programs);
            assert_eq!(outcome(command).exit, exit, "{line}");
        }
    }
}
