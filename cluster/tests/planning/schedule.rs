//! `schedule::plan` and what is told of it, on clusters written down in lines. A last line may ask for something else
//! than the plan: `settle` plays the cluster to its end, `explain UNIT` asks what every machine says, `reasons` why each
//! unit is nowhere.

use std::fmt::Write;

use cluster::reason::Refusal;
use cluster::records::Phase;
use cluster::schedule::{self, Decision, Plan};
use cluster::sorted::Set;
use cluster::{MachineId, Snapshot, keys};

use crate::{agents, runner, scene};

#[test]
fn schedule_plans() {
    runner::run("schedule", answer);
}

/// A rack that loses its power is not lost at once: records end one after another. Its last machines are full of life
/// for the plan, and what is moved onto one of them is lost a second time.
#[test]
fn a_machine_that_missed_its_beats_is_chosen_last() {
    let lines = [
        "machine m1",
        "machine m2",
        "machine m3",
        "unit x.service launched",
        "placed x.service on m3",
        "unit a.service launched",
    ];
    let mut snapshot = scene::read(lines.into_iter()).expect("a scene").store.snapshot();
    let chosen = |snapshot: &Snapshot| match schedule::plan(snapshot, &Set::new()).decisions.as_slice() {
        [Decision::Place { machine, .. }, ..] => machine.as_str().to_owned(),
        other => panic!("{other:?}"),
    };
    assert_eq!(chosen(&snapshot), "m1");
    for (id, left_secs) in [("m1", 10), ("m2", 14), ("m3", 29)] {
        snapshot.note_ttl(&keys::presence(&scene::machine(id)), left_secs);
    }
    assert_eq!(chosen(&snapshot), "m3", "m3 has more on it, and it alone is known to live");
    // Where there is no other, it is better than nothing.
    snapshot.machines.remove(&scene::machine("m3"));
    snapshot.placements.clear();
    assert_eq!(chosen(&snapshot), "m1");
}

fn answer(input: &str) -> String {
    let lines: Vec<&str> = input.lines().filter(|line| !line.is_empty()).collect();
    let is_question = |line: &&str| *line == "settle" || *line == "reasons" || line.starts_with("explain ");
    let (question, lines) = match lines.split_last() {
        Some((last, lines)) if is_question(last) => (*last, lines),
        _ => ("", lines.as_slice()),
    };
    let mut scene = match scene::read(lines.iter().copied()) {
        Ok(scene) => scene,
        Err(error) => return error,
    };
    let text = match question.split_once(' ') {
        Some((_, unit)) => explained(&scene.store.snapshot(), unit),
        None if question == "reasons" => reasons(&scene.store.snapshot()),
        None if question == "settle" => match agents::settle(&mut scene.store, &scene.lost) {
            Ok(plan) => settled(&scene.store.snapshot(), &plan),
            Err(error) => error,
        },
        None => planned(&schedule::plan(&scene.store.snapshot(), &scene.lost)),
    };
    if text.is_empty() { "nothing".into() } else { text }
}

/// A plan, one decision a line in its order, then who waits and why.
pub(crate) fn planned(plan: &Plan) -> String {
    let mut out = String::new();
    for decision in &plan.decisions {
        let _ = writeln!(out, "{}", decided(decision));
    }
    for (unit, pending) in &plan.pending {
        let _ = writeln!(out, "pending {unit}: {pending}");
    }
    out
}

fn decided(decision: &Decision) -> String {
    match decision {
        Decision::Release { unit, machine, cause, setback, .. } => {
            let held = setback.as_ref().map(|(kept, _)| format!(", held back after {} losses", kept.losses));
            format!("release {unit} from {machine}: {cause}{}", held.unwrap_or_default())
        }
        Decision::Place { unit, machine, losses, assignment, cause, .. } => {
            let count = if *losses == 0 { String::new() } else { format!(" with {losses} losses") };
            format!("place {unit} on {machine} {}{count}: {cause}", assignment.target)
        }
        Decision::Forgive { unit, cause, .. } => format!("forgive {unit}: {cause}"),
        Decision::Assign { unit, machine, assignment, cause, .. } if assignment.phase == Phase::Revoked => {
            format!("revoke {unit} on {machine}: {cause}")
        }
        Decision::Assign { unit, machine, assignment, cause, .. } => {
            format!("assign {unit} to {machine} {}: {cause}", assignment.target)
        }
        Decision::Unassign { unit, machine, cause, .. } => format!("unassign {unit} from {machine}: {cause}"),
        Decision::PublishGlobal { unit, record, cause, .. } => {
            format!("publish {unit} {}: {cause}", record.target)
        }
        Decision::WithdrawGlobal { unit, cause, .. } => format!("withdraw {unit}: {cause}"),
        Decision::Settle { record, .. } => format!("settle up to {}", record.index),
        Decision::Sweep { machine, session, cause } => format!("sweep {machine} {session}: {cause}"),
    }
}

fn settled(snapshot: &Snapshot, plan: &Plan) -> String {
    let mut out = String::new();
    for (unit, placement) in &snapshot.placements {
        let _ = writeln!(out, "{unit} on {}", placement.value.machine);
    }
    for (unit, machines) in agents::running_globals(snapshot) {
        let machines: Vec<&str> = machines.into_iter().map(MachineId::as_str).collect();
        let _ = writeln!(out, "{unit} on [{}]", machines.join(" "));
    }
    out + &planned(plan)
}

fn explained(snapshot: &Snapshot, unit: &str) -> String {
    let verdicts = schedule::explain(snapshot, &scene::unit(unit));
    let say =
        |verdict: Result<(), Refusal>| verdict.map_or_else(|refusal| refusal.to_string(), |()| "yes".into());
    verdicts.into_iter().map(|(machine, verdict)| format!("{machine}: {}\n", say(verdict))).collect()
}

fn reasons(snapshot: &Snapshot) -> String {
    let all = schedule::pending_reasons(snapshot);
    for (unit, pending) in &all {
        assert_eq!(schedule::pending_reason(snapshot, unit).as_ref(), Some(pending), "{unit}");
    }
    all.into_iter().map(|(unit, pending)| format!("{unit}: {pending}\n")).collect()
}
