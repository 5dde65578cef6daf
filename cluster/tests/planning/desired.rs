//! What machine m1 is to hold, on a cluster written down in lines (see `scene`) and on what is on its disk:
//!
//! ```text
//! local a.service launched       a marker; also: global, earlier
//! unread g.service               its spec has not been read yet
//! ```

use std::fmt::Write;

use cluster::desired::{self, Known};
use cluster::reconcile::Want;
use cluster::records::{Marker, Placement};
use cluster::sorted::{Map, Set};
use cluster::state::Order;
use cluster::{Hash, Incarnation, UnitName, keys};

use crate::runner;
use crate::scene::{self, Scene};

#[test]
fn wants_of_a_machine() {
    runner::run("desired", |input| answer(input).unwrap_or_else(|error| error));
}

fn answer(input: &str) -> Result<String, String> {
    let is_local = |line: &&str| line.starts_with("local ") || line.starts_with("unread ");
    let (local, lines): (Vec<&str>, Vec<&str>) =
        input.lines().filter(|line| !line.is_empty()).partition(is_local);
    let scene = scene::read(lines.into_iter())?;
    let (mut markers, mut unread) = (Map::new(), Set::new());
    for line in local {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["local", name, rest @ ..] => drop(markers.insert(scene::unit(name), marker(&scene, name, rest))),
            ["unread", name] => drop(unread.insert(scene::unit(name))),
            _ => return Err(format!("no such line: {line}")),
        }
    }
    Ok(show(&scene, &markers, &unread))
}

fn marker(scene: &Scene, name: &str, words: &[&str]) -> Marker {
    let created =
        scene.store.created(&keys::spec(&scene::unit(name))).filter(|_| !words.contains(&"earlier"));
    let unit = scene.store.snapshot().units.get(name).map(|unit| unit.hash);
    Marker {
        incarnation: Incarnation::new(created.unwrap_or(1)).expect("not zero"),
        hash: unit.unwrap_or_else(|| Hash::of("")),
        order: if words.contains(&"launched") { Order::Launched } else { Order::Loaded },
        global: words.contains(&"global"),
        stopping: false,
    }
}

fn show(scene: &Scene, markers: &Map<UnitName, Marker>, unread: &Set<UnitName>) -> String {
    let me = scene::machine("m1");
    let (all, view) = (scene.store.snapshot(), scene.store.view(&me));
    let read = all.units.iter().filter(|(name, _)| !unread.contains(*name));
    let known: Known =
        read.map(|(name, unit)| ((name.clone(), unit.hash), unit.requirements.clone())).collect();
    let mut out = String::new();
    for (name, _) in desired::unknown(&view, &me, &known) {
        let _ = writeln!(out, "unknown {name}");
    }
    let wants = desired::wants(&view, &me, &known, markers);
    for (name, want) in &wants {
        let _ = writeln!(out, "{}", wanted(name, want));
    }
    for name in desired::orphans(&view, &wants, markers) {
        if all.unreadable_specs.contains(&name) || all.unreadable_placements.contains(&name) {
            let _ = writeln!(out, "orphan {name}: unreadable");
            continue;
        }
        let placement = all.placements.get(&name).map(|placement| &placement.value);
        match desired::proof(&me, markers.get(&name).unwrap(), all.units.get(&name), placement) {
            Some(want) => drop(writeln!(out, "orphan, proven: {}", wanted(&name, &want))),
            None => drop(writeln!(out, "orphan {name}: left alone")),
        }
    }
    if out.is_empty() { "nothing".into() } else { out }
}

fn wanted(name: &UnitName, want: &Want) -> String {
    match want {
        Want::Hold { target, global, .. } => {
            format!("hold {name} {target}{}", if *global { " global" } else { "" })
        }
        Want::Go { departure, release } => {
            format!("go {name}{}: {departure}", if *release { ", release" } else { "" })
        }
    }
}

#[test]
fn a_unit_is_mine_to_run_only_with_a_placement_of_this_incarnation_here() {
    let incarnation = |number| Incarnation::new(number).expect("not zero");
    let placed = |machine: &str, incarnation| Placement {
        machine: scene::machine(machine),
        incarnation,
        epoch: None,
        losses: 0,
    };
    let starts: Map<UnitName, Incarnation> = ["absent", "adopting", "elsewhere", "mine", "other"]
        .map(|name| (scene::unit(&format!("{name}.service")), incarnation(7)))
        .into();
    let placements = Map::from([
        (scene::unit("adopting.service"), placed("m1", None)),
        (scene::unit("elsewhere.service"), placed("m2", Some(incarnation(7)))),
        (scene::unit("mine.service"), placed("m1", Some(incarnation(7)))),
        (scene::unit("other.service"), placed("m1", Some(incarnation(6)))),
    ]);
    let not_mine = desired::not_mine(&scene::machine("m1"), &starts, &placements);
    let names: Vec<&str> = not_mine.iter().map(UnitName::as_str).collect();
    assert_eq!(names, ["absent.service", "adopting.service", "elsewhere.service", "other.service"]);
}
