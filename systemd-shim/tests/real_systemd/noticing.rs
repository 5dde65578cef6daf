//! Changes noticed without asking: links, control groups, and the sweep that finds what both missed.

use std::fs;
use std::os::fd::AsFd;
use std::slice::from_ref as one;

use cluster::UnitName;
use cluster::sorted::Map;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use systemd_shim::{Changes, Disagreement};

use crate::machine::{Machine, SLEEPER};
use crate::waiting::DEADLINE;

fn changes(machine: &Machine) -> Changes {
    let group = machine.systemd.control_group().expect("systemd answers");
    assert!(group.ends_with("/user@0.service"), "{group:?}");
    Changes::new(&machine.systemd, &group).expect("inotify")
}

/// Waits on the descriptor, as the agent does, until `unit` is told.
fn expect(changes: &mut Changes, unit: &UnitName) {
    loop {
        let mut fds = [PollFd::new(changes.as_fd(), PollFlags::POLLIN)];
        let ready = poll(&mut fds, PollTimeout::try_from(DEADLINE).expect("fits")).expect("polls");
        assert!(ready > 0, "nothing was told about {unit}; {changes:?}");
        if changes.drain().expect("drains").units.contains(unit) {
            return;
        }
    }
}

#[test]
fn a_start_and_a_stop_wake() {
    let machine = Machine::start();
    let mut changes = changes(&machine);
    let a = machine.put("a.service", SLEEPER);
    changes.watch(&a, None);
    machine.systemd.start(one(&a)).expect("accepted");
    expect(&mut changes, &a);
    machine.wait(&a, "active");
    machine.systemd.stop(one(&a)).expect("accepted");
    expect(&mut changes, &a);
    machine.wait(&a, "inactive");
}

#[test]
fn a_unit_that_fails_or_is_restarted_by_systemd_wakes() {
    let machine = Machine::start();
    let mut changes = changes(&machine);
    let failing = machine.put("failing.service", "[Service]\nExecStart=/bin/false\n");
    changes.watch(&failing, None);
    machine.systemd.start(one(&failing)).expect("accepted");
    expect(&mut changes, &failing);
    machine.wait(&failing, "failed");

    let phoenix = machine.put("phoenix.service", &format!("{SLEEPER}Restart=always\nRestartSec=10ms\n"));
    changes.watch(&phoenix, None);
    machine.systemd.start(one(&phoenix)).expect("accepted");
    expect(&mut changes, &phoenix);
    machine.wait(&phoenix, "active");
    changes.drain().expect("drains");
    let group = group_of(&machine, "app.slice/phoenix.service");
    fs::write(group.join("cgroup.kill"), "1").expect("killed");
    expect(&mut changes, &phoenix);
    crate::waiting::wait_for("a restart", || {
        let failure = machine.systemd.failure(&phoenix).expect("systemd answers");
        if failure.restarts > 0 { Ok(()) } else { Err(failure) }
    });
}

#[test]
fn processes_that_end_wake_although_the_link_stays() {
    let machine = Machine::start();
    let mut changes = changes(&machine);
    let release = machine.file("release");
    let wait = format!("until [ -e {} ]; do sleep 0.02; done", release.display());
    let service = format!("[Service]\nRemainAfterExit=yes\nExecStart=/bin/sh -c \"{wait}\"\n");
    for (name, slice) in
        [("plain.service", None), ("own.service", Some("x-y.slice")), ("web@1.service", None)]
    {
        let text = slice.map_or_else(|| service.clone(), |slice| format!("{service}Slice={slice}\n"));
        let unit = machine.put(name, &text);
        changes.watch(&unit, slice);
        machine.systemd.start(one(&unit)).expect("accepted");
        expect(&mut changes, &unit);
        machine.wait(&unit, "active");
        changes.drain().expect("drains");
        let link = machine.file("run/systemd/units").join(format!("invocation:{name}"));
        fs::write(&release, "").expect("written");
        expect(&mut changes, &unit);
        assert!(link.is_symlink(), "{name}");
        crate::waiting::wait_for("systemd to see it", || match machine.status(&unit) {
            status if status.sub == "exited" => Ok(()),
            other => Err(other),
        });
        fs::remove_file(&release).expect("removed");
    }
}

#[test]
fn a_sweep_agrees_with_systemd_and_tells_where_the_agent_is_behind() {
    let machine = Machine::start();
    let mut changes = changes(&machine);
    let oneshot = "[Service]\nType=oneshot\nRemainAfterExit=yes\n";
    let units = [
        machine.put("running.service", SLEEPER),
        machine.put("failed.service", "[Service]\nExecStart=/bin/false\n"),
        machine.put("exited.service", &format!("{oneshot}ExecStart=/bin/true\n")),
        machine.put("stopped.service", SLEEPER),
        machine.put("late.timer", "[Timer]\nOnActiveSec=1h\nUnit=stopped.service\n"),
    ];
    let [running, failed, _, stopped, timer] = &units;
    units.iter().for_each(|unit| changes.watch(unit, None));
    let started: Vec<UnitName> = units.iter().filter(|unit| *unit != stopped).cloned().collect();
    machine.systemd.start(&started).expect("accepted");
    machine.wait(failed, "failed");
    let others: Vec<UnitName> = started.iter().filter(|unit| *unit != failed).cloned().collect();
    machine.wait_all(&others, "active");

    let known = machine.states(&units);
    let sweep = changes.sweep(&known).expect("sweeps");
    assert_eq!(sweep.disagreements, Map::new());
    assert!(sweep.unseen.iter().eq([timer]), "{sweep:?}");

    machine.systemd.stop(one(running)).expect("accepted");
    machine.systemd.start(one(stopped)).expect("accepted");
    machine.wait(running, "inactive");
    machine.wait(stopped, "active");
    let behind = changes.sweep(&known).expect("sweeps").disagreements;
    let expected =
        [(running.clone(), Disagreement::ActiveButUnlinked), (stopped.clone(), Disagreement::DeadButLinked)];
    assert_eq!(behind, Map::from(expected));
    let caught_up = machine.states(&units);
    assert!(changes.sweep(&caught_up).expect("sweeps").disagreements.is_empty());
}

#[test]
fn a_service_without_a_program_is_asked_about_once() {
    let machine = Machine::start();
    let mut changes = changes(&machine);
    let text = "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStop=/bin/true\n";
    let odd = machine.put("odd.service", text);
    changes.watch(&odd, None);
    machine.systemd.start(one(&odd)).expect("accepted");
    machine.wait(&odd, "active");
    let known = machine.states(one(&odd));
    assert_eq!(changes.sweep(&known).expect("sweeps").disagreements.len(), 1);
    assert_eq!(changes.sweep(&known).expect("sweeps").disagreements.len(), 0);
}

fn group_of(machine: &Machine, below: &str) -> std::path::PathBuf {
    let root = machine.systemd.paths().cgroup_root.clone().expect("a unified tree");
    let group = machine.systemd.control_group().expect("systemd answers");
    root.join(group.trim_start_matches('/')).join(below)
}
