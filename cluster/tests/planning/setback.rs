//! Units that take their machines down, over time: a scene, then what happens when. After each line the leader plans and
//! writes. agent_ttl is 30 s, and every loss is judged at the time of its line.
//!
//! ```text
//! at 1000 lose m1          judged lost; `return m1` brings it back
//! at 2000 change a.service launched     the user changes it; `destroy a.service`
//! at 2500 run a.service on m1           m1 publishes that it runs the unit; also: `dead`, `earlier`
//! at 2600 drain m1
//! at 3000 follow           another leader, who remembers nothing
//! at 4000 look             nothing
//! ```

use cluster::sorted::Set;
use std::fmt::Write;

use cluster::records::StateRow;
use cluster::schedule::plan_with;
use cluster::setback::Course;
use cluster::{Incarnation, MachineId, Session, TargetState, keys};

use crate::schedule::planned;
use crate::store::Store;
use crate::{runner, scene};

const AGENT_TTL_MS: u64 = 30_000;

#[test]
fn setbacks_over_time() {
    runner::run("setback", |input| play(input).unwrap_or_else(|line| format!("no such line: {line}")));
}

fn play(input: &str) -> Result<String, String> {
    let lines: Vec<&str> = input.lines().filter(|line| !line.is_empty()).collect();
    let (story, ground): (Vec<&str>, Vec<&str>) = lines.into_iter().partition(|line| line.starts_with("at "));
    let scene = scene::read(ground.into_iter())?;
    let (mut store, mut lost) = (scene.store, scene.lost);
    let (mut course, mut out) = (Course::default(), String::new());
    for line in story {
        let (at, what) =
            line.strip_prefix("at ").and_then(|rest| rest.split_once(' ')).ok_or_else(|| line.to_string())?;
        let now_ms = at.parse().map_err(|_| line.to_string())?;
        if what == "follow" {
            course = Course::default();
        } else {
            happen(&mut store, &mut lost, what).ok_or_else(|| line.to_string())?;
        }
        let snapshot = store.snapshot();
        let care = course.note(&snapshot, store.index(), AGENT_TTL_MS, now_ms);
        let plan = plan_with(&snapshot, &lost, &care);
        for decision in &plan.decisions {
            store.enact(decision)?;
        }
        let again = care.again_at_ms.map_or(String::new(), |at_ms| format!(" again at {at_ms}"));
        let _ = write!(out, "{at} {what}:{again}\n{}", planned(&plan));
    }
    Ok(out)
}

fn happen(store: &mut Store, lost: &mut Set<MachineId>, what: &str) -> Option<()> {
    let words: Vec<&str> = what.split(' ').collect();
    match words.as_slice() {
        ["lose", id] => {
            store.remove(&keys::presence(&scene::machine(id)));
            lost.insert(scene::machine(id));
        }
        ["return", id] => {
            let id = scene::machine(id);
            store.put(&keys::presence(&id), &scene::presence(&id, [].into(), false));
            lost.remove(&id);
        }
        ["change", name, state] => {
            store.put(&keys::spec(&scene::unit(name)), &scene::spec("", TargetState::parse(state)?));
        }
        ["destroy", name] => store.remove(&keys::spec(&scene::unit(name))),
        ["run", name, "on", id, rest @ ..] => {
            let (unit, id) = (scene::unit(name), scene::machine(id));
            let created = store.created(&keys::spec(&unit)).filter(|_| !rest.contains(&"earlier"));
            let active = if rest.contains(&"dead") { "inactive" } else { "active" };
            let (incarnation, active) = (Incarnation::new(created.unwrap_or(1))?, active.into());
            let session = Session::new(store.created(&keys::presence(&id))?)?;
            store.put(&keys::state(&id, session, &unit), &StateRow { incarnation, active, ..scene::row() });
        }
        ["drain", id] => drop(store.put_text(&keys::drain(&scene::machine(id)), "1")),
        ["look"] => {}
        _ => return None,
    }
    Some(())
}
