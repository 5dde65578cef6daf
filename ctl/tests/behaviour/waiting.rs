//! Waiting for changes in place of looking again and again, over the agent's real API and over the driver etcd. Needs the
//! feature `real-etcd` and Debian's etcd-server.

use std::thread;

use cluster::TargetState;

use crate::conductor::Conductor;
use crate::run::{Outcome, run};
use crate::served::Served;

const HELLO: &str = include_str!("../../testdata/units/hello.service");
const ON: &str = "9678f7a7.../10.99.0.13";

fn fleet() -> Conductor {
    let fleet = Conductor::start(&[("hello.service", 0)]);
    fleet.store_unit("hello.service", HELLO, TargetState::Loaded);
    fleet
}

/// Waits until the server was asked for something, and gives what it was asked for so far.
fn asked(served: &Served, part: &str) -> Vec<String> {
    loop {
        let all = served.asked().clone();
        if all.iter().any(|line| line.contains(part)) {
            return all;
        }
        thread::yield_now();
    }
}

#[test]
fn a_change_ends_a_wait_and_nothing_is_looked_at_in_vain() {
    let served = Served::start(fleet());
    let endpoint = served.endpoint().to_owned();
    let waiting = thread::spawn(move || run(&endpoint, "wait --for=active --timeout=60s hello"));
    asked(&served, "after=");
    let before = served.asked().len();
    served.fleet.store_unit("hello.service", HELLO, TargetState::Launched);
    let text = format!("Unit hello.service active on {ON}\n");
    assert_eq!(waiting.join().unwrap(), Outcome { stdout: text, stderr: String::new(), exit: 0 });
    // What the change brought about, the end of the wait, and the name of the machine: a handful of requests.
    let after: Vec<String> = served.asked().split_off(before);
    assert!(after.len() < 20, "{after:#?}");
}

#[test]
fn a_wait_without_changes_asks_now_and_then() {
    let served = Served::start(fleet());
    let ended = run(served.endpoint(), "wait --for=active --timeout=3s hello");
    assert_eq!((ended.exit, ended.stdout.as_str()), (124, ""), "{ended:?}");
    let asked = served.asked().clone();
    let looks = asked.iter().filter(|line| line.contains("units/hello.service")).count();
    // At 0, 0, 0.5, 1.5, 2 and 3 seconds and once to see that it exists; polling looks every quarter of a second.
    assert!(looks <= 9, "{asked:#?}");
}

#[test]
fn the_driver_etcd_waits_too() {
    let fleet = fleet();
    let line = format!("--driver=etcd --endpoint={} wait --for=active --timeout=60s hello", fleet.endpoint());
    let waiting = thread::spawn(move || run("", &line));
    // It ends whenever the change comes, before or after it began to wait.
    fleet.store_unit("hello.service", HELLO, TargetState::Launched);
    let text = format!("Unit hello.service active on {ON}\n");
    assert_eq!(waiting.join().unwrap(), Outcome { stdout: text, stderr: String::new(), exit: 0 });
    let late = run(&fleet.endpoint(), "--driver=etcd wait --for=failed --timeout=1s hello");
    assert_eq!(late.exit, 124, "{late:?}");
}

#[test]
fn filters_are_the_servers_business() {
    let served = Served::start(fleet());
    served.fleet.store_unit("other.service", HELLO, TargetState::Inactive);
    let listed =
        run(served.endpoint(), "list-unit-files --fields=unit --no-legend --unit=hel*,nope --state=loaded");
    assert_eq!(listed.stdout, "hello.service\n", "{listed:?}");
    let asked = served.asked().join("\n");
    assert!(asked.contains("units?all=1&units=hel%2A,hel%2A.service,nope.service&states=loaded"), "{asked}");
}
