//! What scripts make of listings: `--output` read by jq (Debian's package `jq`), names, wide tables.

use std::io::Write;
use std::process::{Command, Stdio};

use cluster::TargetState::{Inactive, Launched};

use crate::double::Double;
use crate::double::fleet::Fleet;
use crate::run::run;

const HELLO: &str = include_str!("../../testdata/units/hello.service");
const MONITOR: &str = include_str!("../../testdata/units/monitor.service");

/// Three machines, a unit that runs, one that failed with quotes and line ends in its error, one that waits, and a
/// global one.
fn double(name: &str) -> Double {
    let double = Double::start(name, Fleet::placing(&[("hello.service", 2), ("bad.service", 0)]));
    let mut fleet = double.fleet();
    fleet.has("hello.service", &HELLO.replace("[Unit]\n", "[Unit]\nDescription=\"ö\" \\ b\n"), Launched);
    fleet.has("bad.service", HELLO, Launched);
    fleet.has("idle.service", HELLO, Inactive);
    fleet.has("monitor.service", MONITOR, Launched);
    fleet.shown.insert("bad.service".to_owned(), ("failed", "failed", "exit-code: 1\n\"last\"\twords"));
    drop(fleet);
    double
}

/// What ctl prints, as `jq -r FILTER` answers to it.
fn jq(double: &Double, line: &str, filter: &str) -> String {
    let listed = run(&double.endpoint(), line);
    assert_eq!((listed.exit, listed.stderr.as_str()), (0, ""), "{line}: {listed:?}");
    let mut command = Command::new("jq");
    command.args(["-r", filter]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut jq = command.spawn().expect("jq runs (package jq)");
    jq.stdin.take().unwrap().write_all(listed.stdout.as_bytes()).unwrap();
    let output = jq.wait_with_output().unwrap();
    assert!(output.status.success(), "jq {filter}: {}", listed.stdout);
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn units_are_json() {
    let double = double("units-json");
    let line = "list-units -o json";
    assert_eq!(jq(&double, line, ".version, (.units | length)"), "1\n5\n");
    assert_eq!(
        jq(&double, line, ".units | map(.unit + .machine) == (map(.unit + .machine) | sort)"),
        "true\n"
    );
    let keys = "[\"unit\",\"load\",\"active\",\"sub\",\"machine\",\"ip\",\"hash\",\"error\"]\n";
    assert_eq!(jq(&double, line, ".units | map(keys_unsorted) | unique[] | tojson"), keys);
    let hello = ".units[] | select(.unit == \"hello.service\") | .machine, .ip, .error, (.hash | length)";
    assert_eq!(jq(&double, line, hello), "ae7be26cdaa742ca148068d5ac90eaca\n10.99.0.11\nnull\n40\n");
    let failed = ".units[] | select(.active == \"failed\").error";
    assert_eq!(jq(&double, line, failed), "exit-code: 1\n\"last\"\twords\n");
}

#[test]
fn fields_are_keys() {
    let double = double("fields-json");
    let first = jq(&double, "list-units -ojson --fields=sub,unit,sub", ".units[0] | tojson");
    assert_eq!(first, "{\"sub\":\"failed\",\"unit\":\"bad.service\"}\n");
    // Nothing of the machines was asked for, and so they were not asked about.
    let asked = double.fleet().asked.join(" ");
    assert!(!asked.contains("machines"), "{asked}");
    let wrong = run(&double.endpoint(), "list-units -o json --fields=colour");
    assert_eq!((wrong.exit, wrong.stderr.as_str()), (1, "Invalid key in output format: \"colour\"\n"));
}

#[test]
fn unit_files_are_json() {
    let double = double("unit-files-json");
    let line = "list-unit-files --output=json";
    assert_eq!(jq(&double, line, ".version, (.unitFiles | length)"), "1\n4\n");
    let of = |name: &str, what: &str| {
        jq(&double, line, &format!(".unitFiles[] | select(.unit == \"{name}.service\") | {what}"))
    };
    assert_eq!(of("hello", ".desc"), "\"ö\" \\ b\n");
    assert_eq!(
        of("hello", ".dstate, .state, .tmachine[:8], .ip"),
        "launched\nlaunched\nae7be26c\n10.99.0.11\n"
    );
    assert_eq!(of("idle", ".state, .tmachine, .global"), "inactive\nnull\nfalse\n");
    assert_eq!(of("monitor", ".global, .launched, .eligible"), "true\n3\n3\n");
}

#[test]
fn machines_are_json() {
    let double = double("machines-json");
    let line = "list-machines -o json";
    assert_eq!(jq(&double, line, ".version, (.machines | length)"), "1\n3\n");
    let db = ".machines[] | select(.metadata.role == \"db\") | .machine, .ip, .version, .draining";
    assert_eq!(jq(&double, line, db), "9678f7a7939f457fa0d9353761e189c7\n10.99.0.13\n0.1.0\nfalse\n");
}

#[test]
fn json_lines_are_an_object_each() {
    let double = double("jsonl");
    assert_eq!(run(&double.endpoint(), "list-units -o jsonl").stdout.lines().count(), 5);
    let units = jq(&double, "list-units -o jsonl", ".unit + \" \" + .active");
    assert_eq!(units.lines().next(), Some("bad.service failed"), "{units}");
    assert_eq!(jq(&double, "list-machines -o jsonl", ".ip"), "10.99.0.13\n10.99.0.12\n10.99.0.11\n");
}

#[test]
fn names_are_whole_and_said_once() {
    let double = double("names");
    let names = |line: &str| run(&double.endpoint(), line).stdout;
    assert_eq!(names("list-units -o name"), "bad.service\nhello.service\nmonitor.service\n");
    let files = "bad.service\nhello.service\nidle.service\nmonitor.service\n";
    assert_eq!(names("list-unit-files -o name"), files);
    assert_eq!(names("list-machines -o name").lines().map(str::len).collect::<Vec<_>>(), [32, 32, 32]);
    assert_eq!(run(&double.endpoint(), "list-units -o name --fields=unit").exit, 2);
    let wrong = run(&double.endpoint(), "list-units -o yaml");
    assert!(wrong.exit == 2 && wrong.stderr.contains("text, wide, json, jsonl or name"), "{wrong:?}");
}

#[test]
fn wide_tables_cut_nothing() {
    let double = double("wide");
    let wide = run(&double.endpoint(), "list-units -o wide").stdout;
    assert!(wide.starts_with("UNIT\t\tLOAD\tACTIVE\tSUB\tMACHINE\t"), "{wide}");
    assert!(wide.contains("\tae7be26cdaa742ca148068d5ac90eaca/10.99.0.11\t"), "{wide}");
    let files = run(&double.endpoint(), "list-unit-files -o wide").stdout;
    assert!(files.lines().next().unwrap().ends_with("REASON\tDESC"), "{files}");
    let machines = run(&double.endpoint(), "list-machines -o wide --no-legend").stdout;
    assert!(machines.starts_with("9678f7a7939f457fa0d9353761e189c7\t10.99.0.13\t"), "{machines}");
}

/// The names and machines a command lists, and what the server was asked for that.
fn filtered(double: &Double, line: &str) -> (String, String) {
    double.fleet().asked.clear();
    let listed = run(&double.endpoint(), line);
    assert_eq!((listed.exit, listed.stderr.as_str()), (0, ""), "{line}: {listed:?}");
    (listed.stdout.trim_end().replace('\n', " "), double.fleet().asked.join(" "))
}

#[test]
fn units_are_filtered_by_the_server_where_it_can() {
    let double = double("filter-units");
    let units = |filters: &str| filtered(&double, &format!("list-units -o name {filters}"));
    let aaf2 = "aaf2f89992379705dac844c0a2a1d45f";
    assert_eq!(
        units("--unit hello"),
        ("hello.service".into(), "GET state?unitName=hello.service&all=1".into())
    );
    let asked = "GET state?all=1&units=*l*,*l*.service,bad.service";
    assert_eq!(units("--unit *l*,bad"), ("bad.service hello.service".into(), asked.into()));
    let asked = format!("GET machines?all=1 GET state?machineID={aaf2}&all=1");
    assert_eq!(units("--machine aaf2"), ("monitor.service".into(), asked));
    let asked = format!("GET machines?all=1 GET state?unitName=hello.service&machineID={aaf2}&all=1");
    assert_eq!(units("--machine aaf2 --unit hello.service"), (String::new(), asked));
    let asked = "GET machines?all=1 GET state?all=1&machines=a";
    assert_eq!(units("--machine a"), ("hello.service monitor.service".into(), asked.into()));
    assert_eq!(units("--machine nope"), (String::new(), "GET machines?all=1".into()));
    assert_eq!(units("--state failed").0, "bad.service");
    assert_eq!(units("--state run*,dead").0, "hello.service monitor.service");
    assert_eq!(units("--state=active --machine=9678").0, "monitor.service");
}

#[test]
fn unit_files_are_filtered() {
    let double = double("filter-unit-files");
    let files = |filters: &str| filtered(&double, &format!("list-unit-files -o name {filters}"));
    assert_eq!(files("--unit idle"), ("idle.service".into(), "GET units/idle.service".into()));
    assert_eq!(files("--unit nope").0, "");
    assert_eq!(files("--unit ?*l*").0, "hello.service idle.service");
    assert_eq!(files("--state inactive").0, "idle.service");
    assert_eq!(files("--state launched").0, "bad.service hello.service monitor.service");
    // A global unit is placed on no one machine.
    assert_eq!(files("--machine ae7b").0, "hello.service");
}

#[test]
fn machines_are_filtered() {
    let double = double("filter-machines");
    let machines = |filters: &str| {
        let line = format!("list-machines --no-legend --fields=ip {filters}");
        filtered(&double, &line)
    };
    assert_eq!(machines("--machine a").0, "10.99.0.12 10.99.0.11");
    assert_eq!(machines("--unit monitor").0, "10.99.0.13 10.99.0.12 10.99.0.11");
    let asked = "GET machines?all=1 GET state?unitName=hello.service&all=1";
    assert_eq!(machines("--unit hello"), ("10.99.0.11".into(), asked.into()));
    assert_eq!(machines("--unit hello --machine 96").0, "");
    assert_eq!(run(&double.endpoint(), "list-machines --unit a,,b").exit, 2);
}
