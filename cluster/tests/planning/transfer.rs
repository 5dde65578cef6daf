//! Copies of registries: of random clusters, which must come to the same in their copy, and of small ones written down in
//! lines (see `scene`), write by write.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use cluster::reconcile::Want;
use cluster::records::{Layout, Marker, Placement, Stage};
use cluster::snapshot::Unit;
use cluster::state::Order;
use cluster::transfer::{Contents, Reception, Refusal, Write, pass, receive, renamed};
use cluster::{FleetId, Hash, Incarnation, MachineId, Snapshot, UnitName, desired, keys};
use proptest::prelude::*;

use crate::agents;
use crate::events::{self, Event, World};
use crate::runner;
use crate::scene;
use crate::store::Store;

/// Specs, placements, and a look at the whole; one more where there were leftovers.
const PASSES_MAX: usize = 4;

fn fleet(text: &str) -> FleetId {
    FleetId::parse(text).expect("a fleet ID")
}

/// A store with nothing but the mark of a copy under way.
fn target() -> (Store, Incarnation) {
    let mut store = Store::new();
    // Indices that the original has, too.
    let layout = Layout::of(fleet("f1")).arriving(fleet("f2"), "here", &scene::machine("m1"));
    store.put(keys::LAYOUT, &layout);
    let nobody = store.created(keys::LAYOUT).and_then(Incarnation::new).expect("it is there");
    (store, nobody)
}

fn carry_out(copy: &mut Store, writes: &[Write]) {
    for write in writes {
        match &write.value {
            Some(value) => drop(copy.put_text(&write.key, value)),
            None => copy.remove(&write.key),
        }
    }
}

fn copied(original: &Contents, copy: &mut Store, nobody: Incarnation) -> Result<(), TestCaseError> {
    for _ in 0..PASSES_MAX {
        let writes = pass(original, &copy.contents(), nobody, true);
        if writes.is_empty() {
            return Ok(());
        }
        carry_out(copy, &writes);
    }
    Err(TestCaseError::fail("the copy is never complete"))
}

fn marker(incarnation: u64, hash: Hash, global: bool) -> Marker {
    let incarnation = Incarnation::new(incarnation).expect("not zero");
    Marker { incarnation, hash, order: Order::Launched, global, stopping: false }
}

/// Which unit of its name a placement is of.
fn is_current(snapshot: &Snapshot, unit: &UnitName, placement: &Placement) -> bool {
    snapshot.units.get(unit).is_some_and(|spec| placement.incarnation == Some(spec.incarnation))
}

/// What the machine that holds it finds out about a unit in the copy.
fn disproved(
    copy: &Snapshot,
    name: &UnitName,
    (me, was): (&MachineId, &Unit),
    nobody: Incarnation,
) -> Option<Want> {
    let (spec, placement) = (copy.units.get(name), copy.placements.get(name).map(|kept| &kept.value));
    let mut marker = marker(was.incarnation.get(), was.hash, false);
    marker.incarnation = renamed(me, &marker, spec.map(|spec| spec.incarnation), placement, nobody);
    // Repeated, it says the same.
    assert_eq!(
        marker.incarnation,
        renamed(me, &marker, spec.map(|spec| spec.incarnation), placement, nobody)
    );
    desired::proof(me, &marker, spec, placement)
}

proptest! {
    #![proptest_config(events::config())]

    #[test]
    fn a_cluster_at_rest_is_at_rest_in_its_copy(history in events::history()) {
        let mut world = World::new();
        history.iter().for_each(|event| world.meet(event));
        agents::settle(&mut world.store, &world.lost).map_err(TestCaseError::fail)?;
        // Such a registry is refused: what its leader knows of a silent machine's units it has from keys that are not copied.
        if world.store.contents().held_by_silent().is_some() {
            return Ok(());
        }
        let (mut copy, nobody) = target();
        copied(&world.store.contents(), &mut copy, nobody)?;
        let (before, there) = (world.store.snapshot(), copy.snapshot());
        for (name, placement) in &before.placements {
            let machine = &placement.value.machine;
            prop_assert_eq!(Some(machine), there.placements.get(name).map(|kept| &kept.value.machine));
            if let Some(unit) = before.units.get(name).filter(|_| is_current(&before, name, &placement.value)) {
                let was = desired::proof(machine, &marker(unit.incarnation.get(), unit.hash, false), Some(unit), Some(&placement.value));
                let is = disproved(&there, name, (machine, unit), nobody);
                prop_assert_eq!(is, was, "{}", name);
            }
        }
        // Nobody is lost in the copy who was not, and nobody moves: what the leader writes is what is derived.
        agents::settle(&mut copy, &world.lost).map_err(TestCaseError::fail)?;
        let places = |snapshot: &Snapshot| {
            let place = |(name, kept): (&UnitName, &cluster::snapshot::Kept<Placement>)| {
                (name.clone(), kept.value.machine.clone())
            };
            snapshot.placements.iter().map(place).collect::<BTreeSet<_>>()
        };
        prop_assert_eq!(places(&before), places(&copy.snapshot()));
    }

    #[test]
    fn a_copy_says_what_the_original_says_whatever_was_there_before(
        history in events::history(),
        later in events::history(),
        sealed in any::<bool>(),
    ) {
        let mut world = World::new();
        history.iter().for_each(|event| world.meet(event));
        let (mut copy, nobody) = target();
        // An attempt that was broken off, and a fleet that went on meanwhile.
        let writes = pass(&world.store.contents(), &copy.contents(), nobody, sealed);
        carry_out(&mut copy, writes.get(..writes.len() / 2).unwrap_or_default());
        later.iter().for_each(|event: &Event| world.meet(event));
        copied(&world.store.contents(), &mut copy, nobody)?;
        let (original, there) = (world.store.snapshot(), copy.snapshot());
        prop_assert_eq!(original.units.keys().collect::<Vec<_>>(), there.units.keys().collect::<Vec<_>>());
        for (name, unit) in &original.units {
            let copied = there.units.get(name).expect("as many names");
            prop_assert_eq!((unit.hash, unit.target), (copied.hash, copied.target));
        }
        prop_assert_eq!(original.placements.len(), there.placements.len());
        for (name, placement) in &original.placements {
            let (old, new) = (&placement.value, &there.placements.get(name).expect("as many placements").value);
            prop_assert_eq!(&old.machine, &new.machine);
            prop_assert_eq!(is_current(&original, name, old), is_current(&there, name, new), "{}", name);
        }
        for (id, machine) in &original.machines {
            let same = there.machines.get(id);
            let presence = |machine: &cluster::snapshot::Machine| machine.presence.as_ref().map(|kept| kept.value.clone());
            prop_assert_eq!(presence(machine), same.and_then(presence));
            prop_assert_eq!(machine.drain, same.is_some_and(|same| same.drain));
        }
    }
}

#[test]
fn what_is_written_and_in_which_order() {
    runner::run("transfer", |input| answer(input).unwrap_or_else(|error| error));
}

/// Each pass with its writes; `open` in the first line leaves the original unsealed.
fn answer(input: &str) -> Result<String, String> {
    let (open, lines): (Vec<&str>, Vec<&str>) =
        input.lines().filter(|line| !line.is_empty()).partition(|line| *line == "open");
    let scene = scene::read(lines.into_iter())?;
    let (original, (mut copy, nobody)) = (scene.store.contents(), target());
    let mut out = String::new();
    if let Some((unit, machine)) = original.held_by_silent() {
        let _ = writeln!(out, "{}", Refusal::Silent(unit, machine));
    }
    for number in 1..=PASSES_MAX {
        let writes = pass(&original, &copy.contents(), nobody, open.is_empty());
        for write in &writes {
            let ttl = write.ttl_secs.map(|ttl| format!(" for {ttl} s")).unwrap_or_default();
            let verb = if write.value.is_some() { "write" } else { "delete" };
            let _ = writeln!(out, "{number}: {verb} {}{ttl}", write.key);
        }
        carry_out(&mut copy, &writes);
    }
    let there = copy.snapshot();
    for (name, placement) in &there.placements {
        let which = match placement.value.incarnation {
            Some(incarnation) if incarnation == nobody => "of no unit",
            Some(_) if is_current(&there, name, &placement.value) => "as it is",
            _ => "wrong",
        };
        let _ = writeln!(out, "{name} on {}, {which}", placement.value.machine);
    }
    Ok(out)
}

#[test]
fn a_unit_is_recognised_by_its_placement() {
    let me = scene::machine("m1");
    let number = |number| Incarnation::new(number).expect("not zero");
    let placed = |machine: &str, incarnation| Placement {
        machine: scene::machine(machine),
        incarnation: Some(number(incarnation)),
        epoch: None,
        losses: 0,
    };
    let (nobody, mine) = (number(1), marker(7, Hash::of(""), false));
    let name = |placement: Option<&Placement>, spec: Option<u64>| {
        renamed(&me, &mine, spec.map(number), placement, nobody).get()
    };
    assert_eq!(name(Some(&placed("m1", 30)), Some(30)), 30);
    // Destroyed and created anew before the copy: what runs here is the one that is gone.
    assert_eq!(name(Some(&placed("m1", 1)), Some(30)), 1);
    assert_eq!(name(Some(&placed("m1", 1)), None), 1);
    // Lost to another machine, or given back.
    assert_eq!(name(Some(&placed("m2", 30)), Some(30)), 1);
    assert_eq!(name(None, Some(30)), 1);
    // The old number may be that of another unit there.
    assert_eq!(name(None, Some(7)), 1);
    let global = marker(7, Hash::of(""), true);
    assert_eq!(renamed(&me, &global, Some(number(30)), None, nobody).get(), 30);
    assert_eq!(renamed(&me, &global, None, None, nobody).get(), 1);
}

#[test]
fn only_a_store_that_is_empty_or_this_fleet_s_own_is_written_to() {
    let (m1, here) = (scene::machine("m1"), "here");
    let original = Layout { copies: vec![fleet("f0")], ..Layout::of(fleet("f1")) };
    let ask = |target: &Layout| receive(&original, Some(target), false);
    assert_eq!(receive(&original, None, true), Ok(Reception::Begins));
    assert_eq!(receive(&original, None, false), Err(Refusal::NotEmpty));
    assert_eq!(ask(&original), Err(Refusal::Same));
    assert_eq!(ask(&Layout::of(fleet("f9"))), Err(Refusal::OtherFleet(fleet("f9"))));
    let begun = original.arriving(fleet("f2"), here, &m1);
    assert_eq!(ask(&begun), Ok(Reception::GoesOn));
    assert_eq!(ask(&begun.open()), Err(Refusal::OtherFleet(fleet("f2"))));
    let of_another = Layout::of(fleet("f8")).arriving(fleet("f9"), here, &m1);
    assert_eq!(ask(&of_another), Err(Refusal::OtherFleet(fleet("f9"))));
    let past = Layout::of(fleet("f0"));
    assert_eq!(ask(&past.left(here, &m1)), Ok(Reception::Begins));
    assert_eq!(ask(&past), Err(Refusal::OtherFleet(fleet("f0"))));
    assert_eq!(ask(&Layout::of(fleet("f9")).left(here, &m1)), Err(Refusal::OtherFleet(fleet("f9"))));
    assert_eq!(begun.copies, [fleet("f1"), fleet("f0")]);
    assert_eq!((begun.stage(), begun.open().stage()), (Some(Stage::Arriving), None));
}
