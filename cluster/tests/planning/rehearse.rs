//! `rehearse::rehearse` on clusters written down in lines (see `scene`). Behind the line `asked:` come the wishes, `unit
//! NAME TARGET` with indented options for new content, and `stored NAME TARGET` for what is there.

use std::fmt::Write;

use cluster::rehearse::{Fate, Rehearsal, Wish, rehearse};
use cluster::requirements::Requirements;
use cluster::schedule::{self, Decision};
use cluster::sorted::Set;
use cluster::unit_file::UnitFile;
use cluster::{TargetState, UnitName};
use proptest::prelude::*;

use crate::events::{self, Event, World};
use crate::{agents, runner, scene};

proptest! {
    #![proptest_config(events::config())]

    /// The unit is rehearsed, then really submitted: the leader does what was foretold.
    #[test]
    fn the_leader_does_what_was_foretold(history in events::history(), options in events::options()) {
        let mut world = World::new();
        history.iter().for_each(|event| world.meet(event));
        agents::settle(&mut world.store, &world.lost).map_err(TestCaseError::fail)?;
        let before = world.store.snapshot();
        let name = scene::unit(&events::unit_name(events::UNITS));
        world.meet(&Event::Submit { unit: events::UNITS, options, target: TargetState::Launched });
        let after = world.store.snapshot();
        let plan = schedule::plan(&after, &Set::new());
        let requirements = after.units.get(&name).map(|unit| unit.requirements.clone());
        let is_global = requirements.as_ref().is_some_and(|requirements| requirements.global);
        let wish = Wish { name: name.clone(), target: TargetState::Launched, requirements };
        let rehearsal = rehearse(before, &[wish]);
        let placed = plan.decisions.iter().find_map(|decision| match decision {
            Decision::Place { unit, machine, .. } if *unit == name => Some(machine),
            _ => None,
        });
        match rehearsal.fates.as_slice() {
            [(_, Fate::Goes(machine, _))] => prop_assert_eq!(Some(machine), placed),
            [(_, Fate::Waits(pending))] => prop_assert_eq!(Some(pending), plan.pending.get(&name)),
            [(_, Fate::Everywhere(_))] => prop_assert!(is_global),
            other => prop_assert!(false, "{:?}", other),
        }
    }
}

#[test]
fn rehearsals() {
    runner::run("rehearse", |input| {
        let (before, asked) = input.split_once("asked:\n").expect("a line `asked:`");
        let before = before.lines().filter(|line| !line.is_empty());
        let scene = scene::read(before).unwrap_or_else(|error| panic!("{error}"));
        let snapshot = scene.store.snapshot();
        let untouched = snapshot.clone();
        let told = told(&rehearse(snapshot.clone(), &wishes(asked)));
        assert_eq!(snapshot, untouched);
        told
    });
}

fn wishes(text: &str) -> Vec<Wish> {
    let mut lines = text.lines().filter(|line| !line.is_empty()).peekable();
    let mut wishes = Vec::new();
    while let Some(line) = lines.next() {
        let mut file = String::from("[X-Fleet]\n");
        while let Some(option) = lines.next_if(|line| line.starts_with(' ')) {
            file.push_str(&format!("{}\n", option.trim()));
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let [kind, name, target] = words.as_slice() else { panic!("no wish: {line}") };
        let name = UnitName::parse(name).expect("a unit name");
        let target = TargetState::parse(target).expect("a target state");
        let file = UnitFile::parse(&file).expect("options");
        let requirements = (*kind == "unit").then(|| Requirements::of(&name, &file));
        wishes.push(Wish { name, target, requirements });
    }
    wishes
}

fn told(rehearsal: &Rehearsal) -> String {
    let mut out = String::new();
    for (name, fate) in &rehearsal.fates {
        let _ = match fate {
            Fate::Stays(machine) => writeln!(out, "{name} stays on {machine}"),
            Fate::Goes(machine, cause) => writeln!(out, "{name} goes to {machine}: {cause}"),
            Fate::Leaves(machine, cause) => writeln!(out, "{name} leaves {machine}: {cause}"),
            Fate::Waits(pending) => writeln!(out, "{name} waits: {pending}"),
            Fate::Nowhere => writeln!(out, "{name} is nowhere"),
            Fate::Everywhere(verdicts) => {
                let verdict = |(id, verdict): (&_, &Result<(), _>)| match verdict {
                    Ok(()) => format!("{id} yes"),
                    Err(refusal) => format!("{id} no ({refusal})"),
                };
                let verdicts: Vec<String> = verdicts.iter().map(verdict).collect();
                writeln!(out, "{name} everywhere: {}", verdicts.join(", "))
            }
        };
    }
    for (name, machine, cause) in &rehearsal.displaced {
        let _ = writeln!(out, "{name} has to leave {machine}: {cause}");
    }
    out
}
