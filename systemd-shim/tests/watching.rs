//! Change notification on directories laid out as systemd and the kernel lay out theirs: what wakes, for whom,
//! and what happens while they come and go. The real ones are in `real_systemd`.

// Clippy knows tests by their attribute; the functions around them are tests as well.
#![allow(clippy::expect_used)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use cluster::UnitName;
use cluster::sorted::{Map, Set};
use scratch::Scratch;
use systemd_shim::{Changes, Disagreement, Paths, Scope, Systemd, Timeouts, UnitStatus};

mod scratch;

/// A runtime directory and a control group tree.
struct Machine {
    scratch: Scratch,
    systemd: Systemd,
}

impl Machine {
    fn new() -> Self {
        let scratch = Scratch::new();
        let mut paths = Paths::of(Scope::System, |_| None).expect("needs no environment");
        paths.invocation_dir = scratch.path().join("run/systemd/units");
        paths.cgroup_root = Some(scratch.path().join("cgroup"));
        Self { systemd: Systemd::with_paths(Scope::System, paths, Timeouts::default()), scratch }
    }

    fn boot(&self) {
        fs::create_dir_all(&self.systemd.paths().invocation_dir).expect("made");
    }

    fn changes(&self) -> Changes {
        Changes::new(&self.systemd, "/manager").expect("inotify")
    }

    fn link(&self, name: &str) -> PathBuf {
        self.systemd.paths().invocation_dir.join(format!("invocation:{name}"))
    }

    /// As systemd makes them: under another name first.
    fn start(&self, name: &str) {
        let temporary = self.systemd.paths().invocation_dir.join(format!(".#invocation:{name}0123"));
        symlink("0123456789abcdef0123456789abcdef", &temporary).expect("linked");
        fs::rename(temporary, self.link(name)).expect("renamed");
    }

    fn stop(&self, name: &str) {
        fs::remove_file(self.link(name)).expect("removed");
    }

    fn populate(&self, slices: &str, name: &str, populated: u8) {
        let dir = self.scratch.path().join("cgroup/manager").join(slices).join(name);
        fs::create_dir_all(&dir).expect("made");
        fs::write(dir.join("cgroup.events"), format!("populated {populated}\nfrozen 0\n")).expect("written");
    }
}

fn unit(text: &str) -> UnitName {
    UnitName::parse(text).expect("valid name")
}

fn units(texts: &[&str]) -> Set<UnitName> {
    texts.iter().map(|text| unit(text)).collect()
}

fn known(name: &str, active: &str, sub: &str) -> Map<UnitName, UnitStatus> {
    Map::from([(unit(name), UnitStatus::new("loaded", active, sub))])
}

#[test]
fn a_start_and_a_stop_of_a_watched_unit_are_told_and_no_others() {
    let machine = Machine::new();
    machine.boot();
    let mut changes = machine.changes();
    changes.watch(&unit("a.service"), None);
    assert_eq!(changes.drain().expect("drains").units, units(&[]));
    machine.start("a.service");
    machine.start("other.service");
    fs::write(machine.systemd.paths().invocation_dir.join("log-level-max:a.service"), "").expect("written");
    let drained = changes.drain().expect("drains");
    assert_eq!((drained.units, drained.everything), (units(&["a.service"]), false));
    machine.stop("a.service");
    machine.stop("other.service");
    assert_eq!(changes.drain().expect("drains").units, units(&["a.service"]));
    changes.forget(&unit("a.service"));
    machine.start("a.service");
    assert_eq!(changes.drain().expect("drains").units, units(&[]));
}

#[test]
fn a_directory_that_comes_later_or_goes_and_comes_back_is_noticed() {
    let machine = Machine::new();
    let mut changes = machine.changes();
    changes.watch(&unit("a.service"), None);
    assert!(!changes.drain().expect("drains").everything);
    for round in 0..3 {
        machine.boot();
        let mut drained = changes.drain().expect("drains");
        // The directories come one by one, and each may have been there when it was looked for.
        drained.everything |= changes.drain().expect("drains").everything;
        assert!(drained.everything, "round {round}");
        machine.start("a.service");
        assert_eq!(changes.drain().expect("drains").units, units(&["a.service"]), "round {round}");
        fs::remove_dir_all(machine.scratch.path().join("run")).expect("removed");
        assert!(changes.drain().expect("drains").everything, "round {round}");
    }
}

#[test]
fn an_emptied_group_is_told_also_in_a_new_group_of_the_same_name() {
    let machine = Machine::new();
    machine.boot();
    let mut changes = machine.changes();
    changes.watch(&unit("a.service"), None);
    changes.watch(&unit("cpu.service"), Some("x-y.slice"));
    for _ in 0..2 {
        machine.populate("system.slice", "a.service", 1);
        machine.populate("x.slice/x-y.slice", "_cpu.service", 1);
        machine.start("a.service");
        machine.start("cpu.service");
        assert_eq!(changes.drain().expect("drains").units, units(&["a.service", "cpu.service"]));
        machine.populate("system.slice", "a.service", 0);
        assert_eq!(changes.drain().expect("drains").units, units(&["a.service"]));
        machine.populate("x.slice/x-y.slice", "_cpu.service", 0);
        assert_eq!(changes.drain().expect("drains").units, units(&["cpu.service"]));
        fs::remove_dir_all(machine.scratch.path().join("cgroup")).expect("removed");
        machine.stop("a.service");
        machine.stop("cpu.service");
        changes.drain().expect("drains");
    }
}

#[test]
fn a_group_that_goes_before_it_was_seen_empty_is_told() {
    let machine = Machine::new();
    machine.boot();
    let mut changes = machine.changes();
    let group = |name: &str| machine.scratch.path().join("cgroup/manager/system.slice").join(name);
    for name in ["a.service", "b.service", "_cpu.service"] {
        machine.populate("system.slice", name, 1);
    }
    for name in ["a.service", "b.service", "cpu.service"] {
        changes.watch(&unit(name), None);
    }
    fs::remove_dir_all(group("a.service")).expect("removed");
    assert_eq!(changes.drain().expect("drains").units, units(&["a.service"]));
    changes.forget(&unit("a.service"));
    fs::remove_dir_all(group("_cpu.service")).expect("removed");
    assert_eq!(changes.drain().expect("drains").units, units(&["cpu.service"]));
    changes.forget(&unit("cpu.service"));
    changes.forget(&unit("b.service"));
    fs::remove_dir_all(group("b.service")).expect("removed");
    assert_eq!(changes.drain().expect("drains").units, units(&[]));
}

#[test]
fn more_events_than_the_kernel_keeps_mean_everything() {
    let machine = Machine::new();
    machine.boot();
    let mut changes = machine.changes();
    changes.watch(&unit("a.service"), None);
    let limit = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").expect("a limit");
    let limit: usize = limit.trim().parse().expect("a number");
    // The kernel folds repeated events of one name into one.
    for round in 0..limit {
        machine.start(if round % 2 == 0 { "a.service" } else { "b.service" });
    }
    let mut everything = false;
    while !everything {
        let drained = changes.drain().expect("drains");
        everything = drained.everything;
        assert!(everything || !drained.units.is_empty(), "drained dry without an overflow");
    }
}

#[test]
fn a_sweep_tells_a_disagreement_once_and_again_when_it_changes() {
    let machine = Machine::new();
    machine.boot();
    let mut changes = machine.changes();
    changes.watch(&unit("a.service"), None);
    let running = known("a.service", "active", "running");
    let told = changes.sweep(&running).expect("sweeps").disagreements;
    assert_eq!(told, Map::from([(unit("a.service"), Disagreement::ActiveButUnlinked)]));
    assert!(changes.sweep(&running).expect("sweeps").disagreements.is_empty());
    machine.start("a.service");
    machine.populate("system.slice", "a.service", 0);
    let told = changes.sweep(&running).expect("sweeps").disagreements;
    assert_eq!(told, Map::from([(unit("a.service"), Disagreement::RunningButEmpty)]));
    machine.populate("system.slice", "a.service", 1);
    assert!(changes.sweep(&running).expect("sweeps").disagreements.is_empty());
    let dead = known("a.service", "inactive", "dead");
    let told = changes.sweep(&dead).expect("sweeps").disagreements;
    assert_eq!(told, Map::from([(unit("a.service"), Disagreement::DeadButLinked)]));
}

#[test]
fn a_sweep_names_units_it_cannot_see_and_leaves_out_those_nobody_watches() {
    let machine = Machine::new();
    let mut changes = machine.changes();
    changes.watch(&unit("t.timer"), None);
    let mut states = known("t.timer", "active", "waiting");
    states.append(&mut known("unwatched.service", "active", "running"));
    let sweep = changes.sweep(&states).expect("no directory is no error");
    assert!(sweep.disagreements.is_empty());
    assert_eq!(sweep.unseen, units(&["t.timer"]));
}
