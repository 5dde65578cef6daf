//! What becomes of an order when systemctl misbehaves in ways the real one cannot be brought to on demand: it
//! fails without a word, hangs, or loses systemd half way. Small scripts stand in for it.

// Clippy knows tests by their attribute; the functions around them are tests as well.
#![allow(clippy::expect_used)]

use std::fs;
use std::process::Command;
use std::time::Duration;

use cluster::UnitName;
use cluster::limits::SYSTEMCTL_NAMES_MAX;
use scratch::Scratch;
use systemd_shim::{Paths, Scope, Systemd, SystemdError, Timeouts};

mod scratch;

/// A systemctl of which each call adds a line with its arguments to `calls`.
fn systemctl(scratch: &Scratch, body: &str) -> Systemd {
    let program = scratch.path().join("systemctl");
    let calls = scratch.path().join("calls");
    let text = scratch.path().join("text");
    fs::write(&text, format!("#!/bin/sh\necho \"$*\" >> {}\n{body}\n", calls.display())).expect("written");
    // By another process: a file this one holds open for writing, or a child it is just starting, cannot be run.
    let installed =
        Command::new("install").arg("-m755").args([&text, &program]).status().expect("install runs");
    assert!(installed.success());
    let mut paths = Paths::of(Scope::System, |_| None).expect("needs no environment");
    paths.systemctl = program;
    let timeouts = Timeouts { order: Duration::from_secs(2), ..Timeouts::default() };
    Systemd::with_paths(Scope::System, paths, timeouts)
}

fn calls(scratch: &Scratch) -> Vec<String> {
    let text = fs::read_to_string(scratch.path().join("calls")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn units(count: usize) -> Vec<UnitName> {
    (0..count).map(|n| UnitName::parse(&format!("u{n}.service")).expect("valid name")).collect()
}

#[test]
fn one_call_gives_the_order_for_all() {
    let scratch = Scratch::new();
    let systemd = systemctl(&scratch, "");
    systemd.start(&units(3)).expect("accepted");
    systemd.start(&[]).expect("nothing to do");
    assert_eq!(
        calls(&scratch),
        ["--no-ask-password --no-pager start --no-block -- u0.service u1.service u2.service"]
    );
}

#[test]
fn a_failure_without_words_is_traced_to_its_units() {
    let scratch = Scratch::new();
    let body = "case \" $* \" in *' u3.service '*|*' u6.service '*) exit 1;; esac";
    let error = systemctl(&scratch, body).start(&units(8)).expect_err("two refused");
    let refused: Vec<&str> = error.refused.iter().map(|refusal| refusal.unit.as_str()).collect();
    assert_eq!(refused, ["u3.service", "u6.service"]);
    assert!(error.unknown.is_empty() && error.cause.is_none());
    assert_eq!(error.to_string(), "u3.service: failed without a word; u6.service: failed without a word");
    assert!(calls(&scratch).len() <= 13, "{:?}", calls(&scratch));
}

#[test]
fn a_failure_with_words_costs_one_call() {
    let scratch = Scratch::new();
    let body = "echo 'Failed to start u1.service: Unit u1.service not found.' >&2; exit 5";
    let error = systemctl(&scratch, body).start(&units(4)).expect_err("one refused");
    assert_eq!(error.to_string(), "u1.service: Unit u1.service not found.");
    assert_eq!(calls(&scratch).len(), 1);
}

#[test]
fn systemd_lost_half_way_leaves_the_rest_in_doubt() {
    let scratch = Scratch::new();
    let body = "echo 'Failed to start u0.service: Unit u0.service is masked.' >&2
                echo 'Failed to start u1.service: Connection reset by peer' >&2; exit 1";
    let error = systemctl(&scratch, body).start(&units(3)).expect_err("nothing is known");
    assert_eq!(error.unknown, units(3));
    assert!(matches!(error.cause, Some(SystemdError::Unreachable { .. })), "{error:?}");
    assert_eq!(calls(&scratch).len(), 1);
}

#[test]
fn a_hanging_systemctl_is_killed_and_concludes_nothing() {
    let scratch = Scratch::new();
    let error = systemctl(&scratch, "exec sleep 1000").stop(&units(2)).expect_err("hangs");
    assert_eq!(error.unknown, units(2));
    assert_eq!(
        error.to_string(),
        "2 units in doubt: systemctl stop of 2 units: no end after 2000 ms, killed"
    );
}

#[test]
fn long_lists_are_split_and_a_lost_systemd_ends_them() {
    let scratch = Scratch::new();
    let many = units(SYSTEMCTL_NAMES_MAX + 5);
    systemctl(&scratch, "").stop(&many).expect("accepted");
    let words: Vec<usize> = calls(&scratch).iter().map(|call| call.matches(".service").count()).collect();
    assert_eq!(words, [SYSTEMCTL_NAMES_MAX, 5]);

    let scratch = Scratch::new();
    let lost = systemctl(&scratch, "echo 'Failed to connect to bus: Connection refused' >&2; exit 1");
    let error = lost.stop(&many).expect_err("lost");
    assert_eq!(error.unknown, many);
    assert_eq!(calls(&scratch).len(), 1);
}

#[test]
fn long_names_are_split_by_their_bytes() {
    let scratch = Scratch::new();
    let name = |n: usize| UnitName::parse(&format!("{}{n:04}.service", "x".repeat(240))).expect("valid name");
    let long: Vec<UnitName> = (0..SYSTEMCTL_NAMES_MAX).map(name).collect();
    systemctl(&scratch, "").stop(&long).expect("accepted");
    assert_eq!(calls(&scratch).len(), 3);
}

#[test]
fn a_missing_systemctl_is_no_refusal() {
    let mut paths = Paths::of(Scope::System, |_| None).expect("needs no environment");
    paths.systemctl = "/nonexistent/systemctl".into();
    let systemd = Systemd::with_paths(Scope::System, paths, Timeouts::default());
    let error = systemd.start(&units(1)).expect_err("cannot be run");
    assert_eq!((error.unknown.len(), error.refused.len()), (1, 0));
    assert!(systemd.states(&units(1)).is_err());
    assert!(!systemd.daemon_reload().expect_err("cannot be run").is_answer());
}

#[test]
fn a_question_that_fails_says_nothing_about_any_unit() {
    let scratch = Scratch::new();
    for body in ["exit 1", "echo u0.service loaded", "kill -9 $$"] {
        let error = systemctl(&scratch, body).states(&units(2)).expect_err(body);
        assert!(!error.is_answer(), "{error}");
    }
}
