//! What outlives the agent, on a real file system: written whole, read back, and never mistaken for absent.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::PathBuf;

use agent::bell::bell;
use agent::runtime_dir::RuntimeDir;
use cluster::records::Marker;
use cluster::standing::Remembered;
use cluster::state::Order;
use cluster::{FleetId, Hash, Incarnation, MachineId, UnitName};

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("skiff-runtime-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn marker(incarnation: u64) -> Marker {
    let incarnation = Incarnation::new(incarnation).expect("above zero");
    Marker { incarnation, hash: Hash::of("x"), order: Order::Launched, global: false, stopping: false }
}

#[test]
fn a_nonce_is_made_once() {
    let folder = Folder::new("nonce");
    let first = RuntimeDir::open(&folder.0).unwrap().nonce().unwrap();
    assert_eq!(RuntimeDir::open(&folder.0).unwrap().nonce().unwrap(), first);
    fs::remove_file(folder.0.join("nonce")).unwrap();
    assert_ne!(RuntimeDir::open(&folder.0).unwrap().nonce().unwrap(), first);
}

#[test]
fn markers_come_back_until_they_are_removed() {
    let folder = Folder::new("markers");
    let runtime = RuntimeDir::open(&folder.0).unwrap();
    let (a, b) = (UnitName::parse("a@\\x2d.service").unwrap(), UnitName::parse("_b.timer").unwrap());
    runtime.mark(&a, &marker(7)).unwrap();
    runtime.mark(&b, &marker(8)).unwrap();
    runtime.mark(&a, &marker(9)).unwrap();
    let (markers, unreadable) = RuntimeDir::open(&folder.0).unwrap().markers().unwrap();
    assert!(unreadable.is_empty());
    assert_eq!(markers, [(b.clone(), marker(8)), (a.clone(), marker(9))].into());
    runtime.unmark(&a).unwrap();
    runtime.unmark(&a).unwrap();
    assert_eq!(runtime.markers().unwrap().0, [(b, marker(8))].into());
}

#[test]
fn an_unreadable_marker_is_named_and_a_half_written_one_is_not_there() {
    let folder = Folder::new("unreadable");
    let runtime = RuntimeDir::open(&folder.0).unwrap();
    fs::write(folder.0.join("markers/a.service"), "{\"incarnation\":").unwrap();
    fs::write(folder.0.join("markers/b.service%"), "{").unwrap();
    let (markers, unreadable) = runtime.markers().unwrap();
    assert!(markers.is_empty());
    let text = unreadable.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert_eq!(text.lines().count(), 1);
    assert!(text.contains("markers/a.service"), "{text}");
}

#[test]
fn the_fleet_is_remembered_for_each_machine_by_itself() {
    let folder = Folder::new("fleet");
    let runtime = RuntimeDir::open(&folder.0).unwrap();
    let (one, two) = (MachineId::parse("m1").unwrap(), MachineId::parse("m2").unwrap());
    assert_eq!(runtime.remembered(&one).unwrap(), None);
    let fleet = FleetId::parse("f").unwrap();
    let remembered = Remembered { fleet, index: 12, cluster: u64::MAX, behind: None };
    runtime.remember(&one, &remembered).unwrap();
    assert_eq!(runtime.remembered(&one).unwrap(), Some(remembered));
    assert_eq!(runtime.remembered(&two).unwrap(), None);
    fs::write(folder.0.join("fleet-m1"), "rubbish").unwrap();
    assert!(runtime.remembered(&one).is_err());
}

#[test]
fn a_bell_rung_often_is_heard_once_and_a_nudge_makes_nothing_stale() {
    let (rope, bell) = bell();
    assert!(bell.take_stale(), "nothing has been read yet");
    rope.nudge();
    rope.nudge();
    smol::block_on(bell.heard());
    assert!(!bell.take_stale());
    rope.ring();
    smol::block_on(bell.heard());
    assert!(bell.take_stale() && !bell.take_stale());
    smol::block_on(bell.heard_or_at(Some(0)));
}
