//! What holds for every plan of the scheduler, tried on random clusters with random histories: it comes to rest, at rest
//! everything is as it was asked for or has a reason, and nobody moves who need not.

use cluster::glob;
use cluster::globals;
use cluster::reason::Pending;
use cluster::records::Phase;
use cluster::requirements::Requirements;
use cluster::schedule::{self, Decision, Plan};
use cluster::sorted::{Map, Set};
use cluster::{MachineId, Snapshot, TargetState, UnitName};
use proptest::prelude::*;

use crate::agents;
use crate::events::{self, Event, World};

fn played(history: &[Event]) -> World {
    let mut world = World::new();
    history.iter().for_each(|event| world.meet(event));
    world
}

/// The world at rest, with the plan that has nothing left to do.
fn settled(mut world: World) -> (World, Plan) {
    let plan = agents::settle(&mut world.store, &world.lost).unwrap_or_else(|error| panic!("{error}"));
    (world, plan)
}

proptest! {
    #![proptest_config(events::config())]

    #[test]
    fn every_history_comes_to_rest_and_everything_is_as_asked_or_has_a_reason(history in events::history()) {
        let (world, plan) = settled(played(&history));
        let snapshot = world.store.snapshot();
        prop_assert!(plan.decisions.is_empty());
        check_placed(&snapshot, &world.lost)?;
        check_waiting(&snapshot, &plan)?;
        check_derived(&snapshot)?;
    }

    #[test]
    fn the_same_snapshot_gives_the_same_plan(history in events::history()) {
        let world = played(&history);
        let (one, two) = (world.store.snapshot(), world.store.clone().snapshot());
        prop_assert_eq!(schedule::plan(&one, &world.lost), schedule::plan(&two, &world.lost));
        prop_assert_eq!(schedule::plan(&one, &world.lost), schedule::plan(&one, &world.lost));
    }

    #[test]
    fn a_plan_names_each_key_once(history in events::history()) {
        let world = played(&history);
        let plan = schedule::plan(&world.store.snapshot(), &world.lost);
        let mut store = world.store.clone();
        for decision in &plan.decisions {
            store.enact(decision).map_err(TestCaseError::fail)?;
        }
    }

    #[test]
    fn a_newcomer_moves_nobody(
        history in events::history_without(&["Replaces"]),
        options in events::options(),
    ) {
        let options = events::without(&options, &["Replaces", "Global"]);
        let (mut world, _) = settled(played(&history));
        world.meet(&Event::Submit { unit: events::UNITS, options, target: TargetState::Launched });
        check_only_places(&world)?;
    }

    #[test]
    fn a_machine_that_comes_moves_nobody(
        history in events::history_without(&["Replaces"]),
        metadata in events::metadata(),
    ) {
        let (mut world, _) = settled(played(&history));
        world.meet(&Event::Arrive { machine: events::MACHINES, metadata });
        check_only_places(&world)?;
    }

    #[test]
    fn a_lost_machine_moves_what_it_held_and_nothing_else(
        history in events::history_without(&["Replaces"]),
        machine in 0..events::MACHINES,
    ) {
        let (mut world, _) = settled(played(&history));
        world.meet(&Event::Lose { machine });
        let snapshot = world.store.snapshot();
        let lost = events::machine_id(machine);
        for decision in &schedule::plan(&snapshot, &world.lost).decisions {
            let fine = match decision {
                Decision::Place { unit, .. } => snapshot.placements.get(unit).is_none_or(|old| old.value.machine == lost),
                Decision::Release { machine, .. } | Decision::Unassign { machine, .. } => *machine == lost,
                Decision::Sweep { .. } => true,
                _ => false,
            };
            prop_assert!(fine, "{:?}", decision);
        }
    }

    #[test]
    fn a_unit_that_stops_takes_only_its_followers_along(
        history in events::history_without(&["Replaces", "Global"]),
        stopped in 0..events::UNITS,
    ) {
        let (mut world, _) = settled(played(&history));
        let before = world.store.snapshot();
        let name = events::unit_name(stopped);
        world.meet(&Event::Destroy { unit: stopped });
        let followers = followers(&before, &name);
        for decision in &schedule::plan(&world.store.snapshot(), &world.lost).decisions {
            if let Decision::Assign { unit, .. } = decision {
                prop_assert!(followers.contains(unit.as_str()), "{:?}", decision);
            }
        }
    }
}

/// Nothing that is placed is touched; what waited may be placed now.
fn check_only_places(world: &World) -> Result<(), TestCaseError> {
    let snapshot = world.store.snapshot();
    for decision in &schedule::plan(&snapshot, &world.lost).decisions {
        let Decision::Place { unit, .. } = decision else {
            return Err(TestCaseError::fail(format!("{decision:?}")));
        };
        prop_assert!(!snapshot.placements.contains_key(unit), "{:?}", decision);
    }
    Ok(())
}

/// A unit and all that have to be where it is, directly or through others.
fn followers(snapshot: &Snapshot, first: &str) -> Set<String> {
    let mut all = Set::from([first.to_string()]);
    loop {
        let follows = |unit: &Requirements| unit.machine_of.iter().any(|peer| all.contains(peer));
        let more: Vec<String> = snapshot
            .units
            .iter()
            .filter(|(_, unit)| follows(&unit.requirements))
            .map(|(name, _)| name.to_string())
            .collect();
        let before = all.len();
        all.extend(more);
        if all.len() == before {
            return all;
        }
    }
}

fn matches(patterns: &[String], name: &UnitName) -> bool {
    patterns.iter().any(|pattern| glob::matches(pattern, name.as_str()))
}

/// Every placed unit on a live machine is one that is wanted, on a machine that has what it asks, in a company that it
/// and everybody else accepts. Nothing is left on a machine judged lost.
fn check_placed(snapshot: &Snapshot, lost: &Set<MachineId>) -> Result<(), TestCaseError> {
    let spread = agents::running_globals(snapshot);
    for (name, placement) in &snapshot.placements {
        let id = &placement.value.machine;
        prop_assert!(!lost.contains(id), "{} on lost {}", name, id);
        let Some(machine) = snapshot.machines.get(id).filter(|machine| machine.presence.is_some()) else {
            continue;
        };
        let Some(unit) = snapshot.units.get(name) else {
            return Err(TestCaseError::fail(format!("{name} is gone")));
        };
        let asked = &unit.requirements;
        prop_assert!(unit.target.wants_machine() && !asked.global && machine.takes_units(), "{}", name);
        prop_assert_eq!(placement.value.incarnation, Some(unit.incarnation));
        prop_assert!(asked.machine_id.as_ref().is_none_or(|wanted| *wanted == id.as_str()));
        let metadata = machine.metadata();
        prop_assert!(
            asked
                .metadata
                .iter()
                .all(|(key, values)| metadata.get(key).is_some_and(|has| values.contains(has)))
        );
        for peer in &asked.machine_of {
            let placed = snapshot.placements.get(peer.as_str()).is_some_and(|peer| peer.value.machine == *id);
            let global =
                spread.iter().any(|(global, machines)| global.as_str() == peer && machines.contains(id));
            prop_assert!(placed || global, "{} without {}", name, peer);
        }
        check_company(snapshot, id, name, asked)?;
        prop_assert_eq!(schedule::pending_reason(snapshot, name), None);
    }
    Ok(())
}

/// Nobody on the machine excludes the unit or makes it leave, placed or global.
fn check_company(
    snapshot: &Snapshot,
    id: &MachineId,
    name: &UnitName,
    asked: &Requirements,
) -> Result<(), TestCaseError> {
    let spread = agents::running_globals(snapshot);
    for (other, theirs) in company(snapshot, id).into_iter().filter(|(other, _)| *other != name) {
        prop_assert!(!matches(&asked.conflicts, other), "{} with {}", name, other);
        let mutual = matches(&theirs.replaces, name);
        prop_assert!(!matches(&asked.replaces, other) || mutual, "{} beside {}", name, other);
    }
    for (global, _) in spread.iter().filter(|(_, machines)| machines.contains(id)) {
        prop_assert!(!matches(&asked.conflicts, global), "{} with global {}", name, global);
        prop_assert!(
            !matches(&snapshot.units.get(*global).unwrap().requirements.conflicts, name),
            "{} with global {}",
            name,
            global
        );
    }
    Ok(())
}

fn company<'a>(snapshot: &'a Snapshot, id: &MachineId) -> Map<&'a UnitName, &'a Requirements> {
    let here = snapshot.placements.iter().filter(|(_, placement)| placement.value.machine == *id);
    here.filter_map(|(name, _)| Some((name, &snapshot.units.get(name)?.requirements))).collect()
}

/// Every unit that should be on a machine and is on none waits, with what each live machine says.
fn check_waiting(snapshot: &Snapshot, plan: &Plan) -> Result<(), TestCaseError> {
    let live = snapshot.machines.values().filter(|machine| machine.is_live()).count();
    for (name, unit) in &snapshot.units {
        let wanted = unit.target.wants_machine() && !unit.requirements.global;
        let waits = wanted && !snapshot.placements.contains_key(name);
        match plan.pending.get(name) {
            None => prop_assert!(!waits, "{} waits without a reason", name),
            Some(Pending::NoMachines) => prop_assert!(waits && live == 0),
            Some(Pending::Refused(refusals)) => {
                prop_assert!(waits && refusals.len() == live, "{:?}", refusals)
            }
            // Its earlier incarnation is on a machine that gives no sign of life.
            Some(Pending::Held(holder)) => {
                prop_assert_eq!(&snapshot.placements.get(name).unwrap().value.machine, holder);
                prop_assert!(!snapshot.machines.get(holder).is_some_and(|machine| machine.is_live()));
            }
            Some(other) => return Err(TestCaseError::fail(format!("{name}: {other}"))),
        }
        if waits {
            let verdicts = schedule::explain(snapshot, name);
            prop_assert!(verdicts.values().all(Result::is_err), "{}: {:?}", name, verdicts);
        }
    }
    Ok(())
}

/// Assignments and globals say what placements and specs say.
fn check_derived(snapshot: &Snapshot) -> Result<(), TestCaseError> {
    let assigned = snapshot
        .machines
        .iter()
        .flat_map(|(id, machine)| machine.assigned.keys().map(move |unit| (unit, id)));
    let placed = snapshot.placements.iter().map(|(unit, placement)| (unit, &placement.value.machine));
    prop_assert_eq!(assigned.collect::<Set<_>>(), placed.collect::<Set<_>>());
    for (id, machine) in snapshot.machines.iter().filter(|(_, machine)| machine.presence.is_some()) {
        for (name, assigned) in &machine.assigned {
            let unit = snapshot.units.get(name).unwrap();
            prop_assert_eq!(
                (unit.hash, unit.target),
                (assigned.value.hash, assigned.value.target),
                "{} on {}",
                name,
                id
            );
            prop_assert_eq!(assigned.value.phase, Phase::Placed);
        }
    }
    let wanted: Set<&UnitName> = globals::wanted(snapshot).map(|(name, _)| name).collect();
    prop_assert_eq!(snapshot.globals.keys().collect::<Set<_>>(), wanted);
    Ok(())
}
