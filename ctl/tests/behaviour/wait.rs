//! `wait`: units that are there already, that come, that never come, and that go away meanwhile.

use std::thread::{self, JoinHandle};

use cluster::TargetState::{Inactive, Loaded};

use crate::double::Double;
use crate::double::fleet::Fleet;
use crate::run::{Outcome, run};

const HELLO: &str = include_str!("../../testdata/units/hello.service");
const MONITOR: &str = include_str!("../../testdata/units/monitor.service");

fn double(name: &str) -> Double {
    let double = Double::start(name, Fleet::placing(&[("hello.service", 0)]));
    double.fleet().has("hello.service", HELLO, cluster::TargetState::Launched);
    double.fleet().has("monitor.service", MONITOR, cluster::TargetState::Launched);
    double.fleet().has("idle.service", HELLO, Inactive);
    double
}

fn ended(double: &Double, line: &str) -> (i32, String, String) {
    let Outcome { stdout, stderr, exit } = run(&double.endpoint(), line);
    (exit, stdout, stderr)
}

/// Starts ctl and returns once it has looked a few times, or has ended, which its own time-out sees to.
fn begun(double: &Double, line: &'static str) -> JoinHandle<Outcome> {
    let endpoint = double.endpoint();
    let waiting = thread::spawn(move || run(&endpoint, line));
    while double.fleet().asked.len() < 6 && !waiting.is_finished() {
        thread::yield_now();
    }
    waiting
}

fn finished(waiting: JoinHandle<Outcome>) -> (i32, String, String) {
    let Outcome { stdout, stderr, exit } = waiting.join().unwrap();
    (exit, stdout, stderr)
}

#[test]
fn what_is_there_is_said_at_once() {
    let double = double("wait-there");
    let on = "9678f7a7.../10.99.0.13";
    let there =
        |line: &str, text: String| assert_eq!(ended(&double, line), (0, text, String::new()), "{line}");
    there("wait --for active hello", format!("Unit hello.service active on {on}\n"));
    there("wait --for=launched hello", format!("Unit hello.service launched on {on}\n"));
    there("wait --for failed,active hello", format!("Unit hello.service active on {on}\n"));
    there("wait --for active monitor", "Unit monitor.service active\n".to_owned());
    there("wait --for inactive idle --timeout 1", "Unit idle.service inactive\n".to_owned());
    double.fleet().has("idle@.service", HELLO, Inactive);
    there("wait --for inactive idle*", "Unit idle.service inactive\n".to_owned());
    there("wait --for inactive idle@", "Unit idle@.service inactive\n".to_owned());
    there("wait --for destroyed nope", "Unit nope.service destroyed\n".to_owned());
}

#[test]
fn what_does_not_come_in_time_ends_with_124() {
    let double = double("wait-late");
    double.fleet().shown.insert("hello.service".to_owned(), ("failed", "failed", "exit-code: 7"));
    let said = "timed out waiting for unit hello.service to report state active: systemd says failed: exit-code: 7\n";
    let late = ended(&double, "wait --for active --timeout 0.2s hello");
    assert_eq!(late, (124, String::new(), said.to_owned()));
    let late = ended(&double, "wait --for loaded,launched --timeout=0.1 idle");
    let said = "timed out waiting for unit idle.service to report state loaded or launched: it is inactive\n";
    assert_eq!(late, (124, String::new(), said.to_owned()));
    let some = ended(&double, "wait --for inactive --timeout=0.1 idle monitor");
    assert_eq!((some.0, some.1.as_str()), (124, "Unit idle.service inactive\n"), "{some:?}");
}

#[test]
fn what_comes_is_said_as_it_comes() {
    let double = double("wait-comes");
    double.fleet().set("hello.service", Loaded);
    double.fleet().asked.clear();
    let waiting = begun(&double, "wait --for active --timeout 0.5m hello");
    double.fleet().set("hello.service", cluster::TargetState::Launched);
    let text = "Unit hello.service active on 9678f7a7.../10.99.0.13\n";
    assert_eq!(finished(waiting), (0, text.to_owned(), String::new()));

    double.fleet().asked.clear();
    let waiting = begun(&double, "wait --for destroyed --timeout 30s hello");
    double.fleet().units.remove("hello.service");
    assert_eq!(finished(waiting), (0, "Unit hello.service destroyed\n".to_owned(), String::new()));
}

#[test]
fn units_that_are_not_there_are_not_waited_for() {
    let double = double("wait-absent");
    let absent = ended(&double, "wait --for active hello nope");
    assert_eq!(absent, (3, String::new(), "Unit nope.service does not exist.\n".to_owned()));
    assert_eq!(ended(&double, "wait --for active nope.*").0, 3);
    double.fleet().asked.clear();
    let waiting = begun(&double, "wait --for active --timeout=30 idle");
    double.fleet().units.remove("idle.service");
    let text = "Unit idle.service does not exist: it was destroyed meanwhile\n";
    assert_eq!(finished(waiting), (3, String::new(), text.to_owned()));
}

#[test]
fn waiting_for_nothing_is_a_mistake() {
    let double = double("wait-mistakes");
    let wrong = |line: &str, part: &str| {
        let (exit, _, stderr) = ended(&double, line);
        assert!(exit == 2 && stderr.contains(part), "{line}: {exit} {stderr}");
    };
    wrong("wait --for active", "wait needs the name of a unit");
    wrong("wait hello", "--for");
    wrong("wait --for running hello", "\"running\" is none of active, inactive, failed");
    wrong("wait --for active --timeout soon hello", "such as 10, 0.5 or 2m");
    assert_eq!(run("unix:///nonexistent", "wait --for active hello").exit, 4);
}
