//! ctl in a shell's pipelines with the programs scripts use: jq, xargs, head, sort.

use std::os::unix::fs::PermissionsExt;

use cluster::TargetState::{Inactive, Launched};

use crate::double::Double;
use crate::double::fleet::Fleet;
use crate::run::{Outcome, fleetctl, fresh_folder, outcome, run};

const HELLO: &str = include_str!("../../testdata/units/hello.service");
/// Enough for a list that no pipe's buffer holds.
const MANY: usize = 3000;

/// A fleet with `count` units named `n0000.service` and so on, every third of them stored only.
fn double(name: &str, count: usize) -> Double {
    let double = Double::start(name, Fleet::default());
    let mut fleet = double.fleet();
    for number in 0..count {
        let unit = format!("n{number:04}.service");
        fleet.places.insert(unit.clone(), number % 3);
        fleet.has(&unit, HELLO, if number % 3 == 2 { Inactive } else { Launched });
    }
    drop(fleet);
    double
}

/// Runs a line in bash, with `ctl` in its path and programs in `more` before others.
fn bash(double: &Double, name: &str, more: &[(&str, &str)], line: &str) -> Outcome {
    let folder = fresh_folder(&format!("bash-{name}"));
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_ctl"), folder.join("ctl")).unwrap();
    for (program, script) in more {
        std::fs::write(folder.join(program), script).unwrap();
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(folder.join(program), mode).unwrap();
    }
    let mut command = std::process::Command::new("bash");
    command.args(["-o", "pipefail", "-c", line]).env_clear();
    command.env("PATH", format!("{}:/usr/bin:/bin", folder.display()));
    command.env("FLEETCTL_ENDPOINT", double.endpoint()).current_dir("/");
    let ran = outcome(command);
    std::fs::remove_dir_all(folder).unwrap();
    ran
}

fn ok(stdout: &str) -> Outcome {
    Outcome { stdout: stdout.to_owned(), stderr: String::new(), exit: 0 }
}

#[test]
fn a_list_goes_through_jq() {
    let double = double("pipe-jq", 9);
    let line = "ctl list-units -o json | jq -r '.units | map(select(.active == \"active\")) | length'";
    assert_eq!(bash(&double, "jq", &[], line), ok("6\n"));
    let line = "ctl list-units -o jsonl | jq -r 'select(.machine | startswith(\"9678\")).unit'";
    assert_eq!(bash(&double, "jsonl", &[], line), ok("n0000.service\nn0003.service\nn0006.service\n"));
    let line = "ctl list-unit-files -o json | jq -e '.version == 1 and (.unitFiles | length) == 9'";
    assert_eq!(bash(&double, "files", &[], line), ok("true\n"));
    double.fleet().refusals.insert("n0002.service".to_owned(), ["", "it is full", ""]);
    let line =
        "ctl explain -o json n0000 n0002 | jq -r '.verdicts[] | select(.able | not) | .unit, .ip, .reason'";
    assert_eq!(bash(&double, "explain", &[], line), ok("n0002.service\n10.99.0.12\nit is full\n"));
}

#[test]
fn names_go_through_xargs() {
    let double = double("pipe-xargs", 6);
    let ssh = "#!/bin/sh\nshift 4; echo \"$@\"\n";
    let line = "ctl list-units --no-legend --fields=unit | xargs ctl status";
    let shown = bash(&double, "xargs", &[("ssh", ssh)], line);
    assert_eq!((shown.exit, shown.stderr.as_str()), (0, ""), "{shown:?}");
    for unit in ["n0000.service", "n0001.service", "n0003.service", "n0004.service"] {
        assert!(shown.stdout.contains(&format!("systemctl status -l -- {unit}")), "{shown:?}");
    }
    let line = "ctl list-unit-files -o name --state=inactive | xargs ctl destroy";
    assert_eq!(
        bash(&double, "xargs-name", &[], line),
        ok("Destroyed n0002.service\nDestroyed n0005.service\n")
    );
    let line =
        "ctl list-machines -o name | xargs -I ID ctl list-units -o name --machine ID | sort -u | wc -l";
    assert_eq!(bash(&double, "xargs-machines", &[], line), ok("4\n"));
}

#[test]
fn a_reader_that_leaves_early_hears_no_complaint() {
    let double = double("pipe-head", MANY);
    for list in
        ["list-units", "list-unit-files", "list-units -o json", "list-units -o jsonl", "list-units -o name"]
    {
        let line = format!("ctl {list} | head -1; echo ${{PIPESTATUS[0]}}");
        let ran = bash(&double, "head", &[], &line);
        assert_eq!((ran.stderr.as_str(), ran.stdout.lines().last()), ("", Some("0")), "{list}: {ran:?}");
        assert_eq!(ran.stdout.lines().count(), 2, "{list}: {ran:?}");
    }
}

#[test]
fn the_same_question_has_the_same_answer() {
    let double = double("pipe-sort", 60);
    for list in ["list-units --no-legend", "list-unit-files -o name", "list-machines -o jsonl"] {
        let first = run(&double.endpoint(), list);
        assert_eq!(first, run(&double.endpoint(), list), "{list}");
        assert_eq!((first.exit, first.stderr.as_str()), (0, ""), "{list}");
    }
    let line = "ctl list-units -o name | LC_ALL=C sort -c && ctl list-machines -o name | LC_ALL=C sort -c";
    assert_eq!(bash(&double, "sorted", &[], line), ok(""));
}

#[test]
fn nothing_is_coloured_or_cut_for_a_pipe() {
    let double = double("pipe-plain", 3);
    double.fleet().has(&format!("{}.service", "long-name-".repeat(20)), HELLO, Inactive);
    for list in
        ["list-units", "list-unit-files", "list-machines", "help", "start n0000", "list-units -o json"]
    {
        for variables in [&[][..], &[("NO_COLOR", "1")], &[("COLUMNS", "20"), ("TERM", "xterm-256color")]] {
            let mut command = fleetctl(&double.endpoint(), &list.split(' ').collect::<Vec<_>>());
            command.envs(variables.iter().copied());
            let ran = outcome(command);
            assert_eq!(ran, run(&double.endpoint(), list), "{list}");
            assert!(!ran.stdout.contains('\u{1b}') && !ran.stderr.contains('\u{1b}'), "{ran:?}");
        }
    }
    let listed = run(&double.endpoint(), "list-unit-files");
    assert!(listed.stdout.contains(&"long-name-".repeat(20)), "{listed:?}");
}
