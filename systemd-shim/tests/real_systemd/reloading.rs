//! When systemd reads a unit file, and what `[Install]` sections and links do.

use std::process::Command;
use std::slice::from_ref as one;

use systemd_shim::Written;

use crate::machine::{Machine, SLEEPER, unit};

fn writer(machine: &Machine, word: &str) -> String {
    let file = machine.file(word);
    format!("[Service]\nExecStart=/bin/sh -c \"echo {word} > {}; exec sleep infinity\"\n", file.display())
}

#[test]
fn a_unit_systemd_never_loaded_starts_without_a_reload() {
    let machine = Machine::start();
    let fresh = machine.put("fresh.service", &writer(&machine, "first"));
    assert!(!machine.status(&fresh).needs_reload());
    machine.systemd.start(one(&fresh)).expect("accepted");
    machine.content("first");
    assert_eq!(is_enabled(&machine, "fresh.service"), "linked-runtime");
}

#[test]
fn a_changed_file_of_a_loaded_unit_counts_after_the_reload_only() {
    let machine = Machine::start();
    let changed = machine.put("changed.service", &writer(&machine, "old"));
    machine.systemd.start(one(&changed)).expect("accepted");
    machine.content("old");
    let written = machine.units.write(&changed, &writer(&machine, "new")).expect("writes");
    assert_eq!(written, Written::Changed);
    assert!(machine.status(&changed).needs_reload());

    std::fs::remove_file(machine.file("old")).expect("removed");
    machine.systemd.restart(one(&changed)).expect("accepted");
    machine.content("old");
    machine.systemd.daemon_reload().expect("reloads");
    machine.systemd.restart(one(&changed)).expect("accepted");
    machine.content("new");
}

#[test]
fn a_unit_systemd_has_let_go_of_is_read_afresh() {
    let machine = Machine::start();
    let again = machine.put("again.service", &writer(&machine, "before"));
    machine.systemd.start(one(&again)).expect("accepted");
    machine.content("before");
    machine.systemd.stop(one(&again)).expect("accepted");
    crate::waiting::wait_for("systemd to let go", || {
        let status = machine.status(&again);
        if status.needs_reload() { Err(status) } else { Ok(()) }
    });
    assert!(machine.links.unlink(&again).expect("unlinks") && machine.units.remove(&again).expect("removes"));
    machine.put("again.service", &writer(&machine, "after"));
    assert!(!machine.status(&again).needs_reload());
    machine.systemd.start(one(&again)).expect("accepted");
    machine.content("after");
}

#[test]
fn a_repaired_unit_file_starts_by_the_same_rule() {
    let machine = Machine::start();
    let mended = machine.put("mended.service", "[Service]\nType=simple\n");
    machine.systemd.start(one(&mended)).expect_err("nothing to run");
    machine.units.write(&mended, SLEEPER).expect("writes");
    if machine.status(&mended).needs_reload() {
        machine.systemd.daemon_reload().expect("reloads");
    }
    machine.systemd.start(one(&mended)).expect("accepted");
    machine.wait(&mended, "active");
}

#[test]
fn a_unit_that_was_looked_for_before_it_came_needs_no_reload() {
    let machine = Machine::start();
    let waiter = machine.put("waiter.service", &format!("[Unit]\nWants=late.service\n{SLEEPER}"));
    machine.systemd.start(one(&waiter)).expect("accepted");
    machine.wait(&waiter, "active");
    assert_eq!(machine.status(&unit("late.service")).load, "not-found");
    let late = machine.put("late.service", SLEEPER);
    assert!(!machine.status(&late).needs_reload());
    machine.systemd.start(one(&late)).expect("accepted");
    machine.wait(&late, "active");
}

#[test]
fn an_install_section_is_carried_out_and_undone() {
    let machine = Machine::start();
    let wanted = machine.put("wanted.service", &format!("{SLEEPER}[Install]\nWantedBy=default.target\n"));
    let pull = machine.file("run/systemd/user/default.target.wants/wanted.service");
    machine.systemd.enable_runtime(&wanted).expect("enabled");
    assert!(pull.is_symlink());
    machine.systemd.enable_runtime(&wanted).expect("enabled again");
    machine.systemd.daemon_reload().expect("reloads");
    machine.systemd.disable_runtime(&wanted).expect("disabled");
    assert!(!pull.is_symlink());
    assert!(!machine.links.is_linked(&wanted).expect("looks"), "systemd takes the link as well");
    machine.systemd.disable_runtime(&wanted).expect("nothing left is fine");

    let bare = machine.put("bare.service", &format!("{SLEEPER}[Install]\n"));
    let error = machine.systemd.enable_runtime(&bare).expect_err("nothing to enable");
    assert!(error.is_answer(), "{error}");
    assert_eq!(
        error.to_string(),
        "systemctl enable bare.service: its [Install] section gives nothing to enable"
    );
    let error = machine.systemd.enable_runtime(&unit("missing.service")).expect_err("no such unit");
    assert!(error.is_answer() && error.to_string().contains("missing.service"), "{error}");
}

fn is_enabled(machine: &Machine, name: &str) -> String {
    let paths = machine.systemd.paths();
    let mut command = Command::new(&paths.systemctl);
    command.env("XDG_RUNTIME_DIR", paths.xdg_runtime_dir.as_deref().expect("user scope"));
    let output = command.args(["--user", "is-enabled", name]).output().expect("systemctl runs");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
