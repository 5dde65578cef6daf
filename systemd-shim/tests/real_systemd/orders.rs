//! Orders and answers: start, stop, states, refusals, failures, names that look like something else.

use std::fs;
use std::slice::from_ref as one;
use std::time::Duration;

use systemd_shim::{Exit, Paths, Scope, Systemd, Timeouts, UnitStatus};

use crate::machine::{Machine, SLEEPER, unit};
use crate::waiting::{timed, wait_for};

#[test]
fn a_hundred_units_start_show_and_stop_in_one_call_each() {
    let machine = Machine::start();
    let units: Vec<_> = (0..100).map(|n| machine.put(&format!("u{n}.service"), SLEEPER)).collect();
    let ((), start) = timed(|| machine.systemd.start(&units).expect("accepted"));
    machine.wait_all(&units, "active");
    let (states, look) = timed(|| machine.states(&units));
    assert!(states.values().all(|status| *status == UnitStatus::new("loaded", "active", "running")));
    let ((), stop) = timed(|| machine.systemd.stop(&units).expect("accepted"));
    machine.wait_all(&units, "inactive");
    eprintln!("100 units: start {start:?}, states {look:?}, stop {stop:?}");
    machine.systemd.stop(&units).expect("stopping what is gone is done");
    machine.systemd.reset_failed(&units).expect("so is resetting it");
}

#[test]
fn only_the_refused_units_of_a_batch_are_refused() {
    let machine = Machine::start();
    let batch = [
        machine.put("good.service", SLEEPER),
        machine.put("broken.service", "[Service]\nExecStart=/bin/true\n[Broken\n"),
        machine.put("empty.service", "[Service]\nType=simple\n"),
        machine.put("needy.service", &format!("[Unit]\nRequires=nowhere.service\n{SLEEPER}")),
        unit("missing.service"),
        machine.put("last.service", SLEEPER),
    ];
    let error = machine.systemd.start(&batch).expect_err("four refused");
    let refused: Vec<&str> = error.refused.iter().map(|refusal| refusal.unit.as_str()).collect();
    assert_eq!(refused, ["broken.service", "empty.service", "missing.service", "needy.service"]);
    assert!(error.unknown.is_empty() && error.cause.is_none(), "{error:?}");
    assert!(
        error.to_string().contains("empty.service: Unit empty.service has a bad unit file setting."),
        "{error}"
    );
    machine.wait_all(&[unit("good.service"), unit("last.service")], "active");
    let failure = machine.systemd.failure(&unit("empty.service")).expect("systemd answers");
    assert_eq!(failure.to_string(), "Unit empty.service has a bad unit file setting.");
}

#[test]
fn a_unit_that_fails_tells_why_and_what_it_said() {
    let machine = Machine::start();
    // It lives until its words are in: of a user's process that is gone, journald cannot tell the unit.
    let release = machine.file("release");
    let wait = format!("until [ -e {} ]; do sleep 0.02; done", release.display());
    let script = format!("echo first; echo 'last words' >&2; {wait}; exit 3");
    let failing = machine.put("failing.service", &format!("[Service]\nExecStart=/bin/sh -c \"{script}\"\n"));
    let absent = machine.put("absent.service", "[Service]\nExecStart=/nonexistent\n");
    machine.systemd.start(&[failing.clone(), absent.clone()]).expect("accepted");
    let tail = wait_for("the unit's words", || {
        let lines = machine.systemd.journal_tail(&failing, 10).expect("journalctl runs");
        if lines.iter().any(|line| line == "last words") { Ok(lines) } else { Err(lines) }
    });
    fs::write(release, "").expect("written");
    machine.wait_all(&[failing.clone(), absent.clone()], "failed");

    let failure = machine.systemd.failure(&failing).expect("systemd answers");
    assert_eq!((failure.result.as_str(), failure.exit), ("exit-code", Exit::Status(3)));
    let failure = machine.systemd.failure(&absent).expect("systemd answers");
    assert_eq!(failure.to_string(), "exit-code (status 203/EXEC)");
    assert!(tail.iter().any(|line| line == "first"), "{tail:?}");
    assert_eq!(machine.systemd.journal_tail(&failing, 1).expect("journalctl runs").len(), 1);
    assert!(machine.systemd.journal_tail(&unit("silent.service"), 5).expect("runs").is_empty());

    machine.systemd.reset_failed(&[failing.clone(), absent, unit("gone.service")]).expect("reset");
    machine.wait(&failing, "inactive");
}

#[test]
fn names_that_look_like_options_patterns_or_rows_are_only_names() {
    let machine = Machine::start();
    let marker = "[Unit]\nDescription=%I\n[Service]\nExecStart=/bin/sleep infinity\n";
    let names = [
        "--version.service",
        "-H.service",
        "--.service",
        r"a\x2db.service",
        r"rows@\x0avictim.service\x20loaded\x20active\x20running.service",
        "colon:name.service",
        "cpu.service",
    ];
    let units: Vec<_> = names.iter().map(|name| machine.put(name, marker)).collect();
    let victim = unit("victim.service");
    machine.systemd.start(&units).expect("accepted");
    machine.wait_all(&units, "active");
    let mut all = units.clone();
    all.push(victim.clone());
    assert_eq!(*machine.states(&all).get(&victim).unwrap(), UnitStatus::absent());
    machine.systemd.restart(&units).expect("accepted");
    machine.wait_all(&units, "active");
    machine.systemd.stop(&units).expect("accepted");
    machine.wait_all(&units, "inactive");
}

#[test]
fn a_oneshot_that_ends_well_is_dead_and_no_failure() {
    let machine = Machine::start();
    let done = machine.file("done");
    let text = format!("[Service]\nType=oneshot\nExecStart=/bin/sh -c \"echo x > {}\"\n", done.display());
    let oneshot = machine.put("oneshot.service", &text);
    machine.systemd.start(one(&oneshot)).expect("accepted");
    machine.content("done");
    machine.wait(&oneshot, "inactive");
    assert!(machine.systemd.failure(&oneshot).expect("systemd answers").is_success());
}

#[test]
fn idle_units_that_systemd_has_dropped_are_looked_up() {
    let machine = Machine::start();
    let good = machine.put("idle.service", SLEEPER);
    let bad = machine.put("unloadable.service", "[Service]\nType=simple\n");
    let nowhere = unit("nowhere.service");
    assert_eq!(machine.status(&good), UnitStatus::absent());
    let found = machine.systemd.looked_up(&[good.clone(), bad.clone(), nowhere.clone()]).expect("an answer");
    assert_eq!(*found.get(&good).unwrap(), UnitStatus::new("loaded", "inactive", "dead"));
    assert_eq!(*found.get(&bad).unwrap(), UnitStatus::new("bad-setting", "inactive", "dead"));
    assert_eq!(*found.get(&nowhere).unwrap(), UnitStatus::absent());
}

#[test]
fn a_condition_that_does_not_hold_is_no_failure_and_is_said() {
    let machine = Machine::start();
    let text = format!("[Unit]\nConditionPathExists=/nonexistent\n{SLEEPER}");
    let skipped = machine.put("skipped.service", &text);
    // Something that refers to it keeps its last start in systemd's memory.
    let keeper = machine.put("keeper.service", &format!("[Unit]\nWants=skipped.service\n{SLEEPER}"));
    machine.systemd.start(one(&keeper)).expect("accepted");
    machine.wait(&keeper, "active");
    machine.systemd.start(one(&skipped)).expect("accepted");
    let failure = wait_for("the condition to be looked at", || {
        let failure = machine.systemd.failure(&skipped).expect("systemd answers");
        if failure.condition_failed { Ok(failure) } else { Err(failure) }
    });
    assert_eq!(failure.to_string(), "a start condition did not hold");
    assert!(machine.status(&skipped).is_dead() && failure.is_success());
}

#[test]
fn a_long_stop_is_seen_while_it_lasts() {
    let machine = Machine::start();
    let release = machine.file("release");
    let wait = format!("until [ -e {} ]; do sleep 0.02; done", release.display());
    let text = format!("{SLEEPER}ExecStop=/bin/sh -c \"{wait}\"\n");
    let slow = machine.put("slow.service", &text);
    machine.systemd.start(one(&slow)).expect("accepted");
    machine.wait(&slow, "active");
    let ((), took) = timed(|| machine.systemd.stop(one(&slow)).expect("accepted"));
    assert!(took < Duration::from_secs(10), "a stop is not waited for: {took:?}");
    machine.wait(&slow, "deactivating");
    let status = machine.status(&slow);
    assert!(status.is_settling() && !status.is_dead(), "{status:?}");
    fs::write(release, "").expect("written");
    machine.wait(&slow, "inactive");
}

#[test]
fn without_systemd_nothing_is_concluded() {
    let scratch = crate::scratch::Scratch::new();
    let paths = Paths::of(Scope::User, |_| scratch.path().to_str().map(str::to_owned)).expect("absolute");
    let systemd = Systemd::with_paths(Scope::User, paths, Timeouts::default());
    let a = unit("a.service");
    let error = systemd.start(one(&a)).expect_err("nobody there");
    assert_eq!((error.unknown, error.refused), (vec![a.clone()], vec![]));
    for error in [
        systemd.states(one(&a)).map(drop).expect_err("nobody there"),
        systemd.daemon_reload().expect_err("nobody there"),
        systemd.failure(&a).map(drop).expect_err("nobody there"),
    ] {
        assert!(!error.is_answer() && error.to_string().contains("systemd not reachable"), "{error}");
    }
}
