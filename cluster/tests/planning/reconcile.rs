//! `reconcile::plan` on what a machine is to hold and has, written down in lines:
//!
//! ```text
//! want a.service launched        or loaded; also: changed (another file), again (another incarnation), global
//! want a.service gone            or revoked, inactive, elsewhere, leaving…; also: release
//! have a.service launched up     order of the marker: launched, loaded, unmarked; up, stopping or dead; also: asked (a
//!                                stop was asked for), fileless, global
//! trouble a.service launched 5000    what was wanted when it failed, and until when it waits; with changed, again, go
//! now 1000
//! ```

use std::fmt::Write;

use cluster::backoff::Trouble;
use cluster::reason::Refusal;
use cluster::reconcile::{self, Action, Activity, Departure, Have, Plan, Want};
use cluster::records::Marker;
use cluster::sorted::Map;
use cluster::state::Order;
use cluster::{Hash, Incarnation, TargetState, UnitName};

use crate::{runner, scene};

#[test]
fn reconcile_plans() {
    runner::run("reconcile", |input| answer(input).unwrap_or_else(|line| format!("no such line: {line}")));
}

fn answer(input: &str) -> Result<String, String> {
    let mut want: Map<UnitName, Want> = Map::new();
    let mut have: Map<UnitName, Have> = Map::new();
    let mut troubles: Map<UnitName, Trouble> = Map::new();
    let mut now_ms = 0;
    for line in input.lines().filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["want", name, rest @ ..] => drop(want.insert(scene::unit(name), wanted(rest).ok_or(line)?)),
            ["have", name, rest @ ..] => drop(have.insert(scene::unit(name), had(rest))),
            ["trouble", name, rest @ .., until] => {
                let retry_at_ms = until.parse().map_err(|_| line)?;
                let target = rest.iter().find_map(|word| TargetState::parse(word));
                let aim = (incarnation(rest), hash(rest), target);
                let trouble = Trouble { aim, failures: 1, retry_at_ms, error: "failed".into() };
                troubles.insert(scene::unit(name), trouble);
            }
            ["now", at] => now_ms = at.parse().map_err(|_| line)?,
            _ => return Err(line.into()),
        }
    }
    Ok(show(&reconcile::plan(&want, &have, &troubles, now_ms)))
}

fn show(plan: &Plan) -> String {
    let mut out = String::new();
    for step in &plan.steps {
        let action = match step.action {
            Action::Stop => "stop",
            Action::Await => "await",
            Action::Remove => "remove",
            Action::Release => "release",
            Action::Write { global: true, .. } => "write global",
            Action::Write { .. } => "write",
            Action::Start => "start",
        };
        let _ = writeln!(out, "{action} {}: {}", step.unit, step.reason);
    }
    if let Some(at_ms) = plan.retry_at_ms {
        let _ = writeln!(out, "again at {at_ms}");
    }
    if out.is_empty() { "nothing".into() } else { out }
}

fn incarnation(words: &[&str]) -> Incarnation {
    Incarnation::new(if words.contains(&"again") { 2 } else { 1 }).expect("not zero")
}

fn hash(words: &[&str]) -> Hash {
    Hash::of(if words.contains(&"changed") { "changed" } else { "" })
}

fn wanted(words: &[&str]) -> Option<Want> {
    if let Some(target) =
        words.first().and_then(|word| TargetState::parse(word)).filter(|it| it.wants_machine())
    {
        let (incarnation, hash, global) = (incarnation(words), hash(words), words.contains(&"global"));
        return Some(Want::Hold { incarnation, hash, target, global });
    }
    let departure = match *words.first()? {
        "revoked" => Departure::Revoked("the unit was destroyed".into()),
        "gone" => Departure::UnitGone,
        "replaced" => Departure::UnitReplaced,
        "inactive" => Departure::TargetInactive,
        "elsewhere" => Departure::PlacedElsewhere(scene::machine("m2")),
        "ineligible" => Departure::NotEligible(Refusal::Draining),
        "no-global" => Departure::NotGlobal,
        "now-global" => Departure::BecameGlobal,
        "leaving" => Departure::Leaving,
        _ => return None,
    };
    Some(Want::Go { departure, release: words.contains(&"release") })
}

fn had(words: &[&str]) -> Have {
    let order = if words.contains(&"launched") { Order::Launched } else { Order::Loaded };
    let (global, stopping) = (words.contains(&"global"), words.contains(&"asked"));
    let marker = Marker { incarnation: incarnation(words), hash: hash(words), order, global, stopping };
    Have {
        marker: Some(marker).filter(|_| !words.contains(&"unmarked")),
        file: !words.contains(&"fileless"),
        activity: match words {
            _ if words.contains(&"up") => Activity::Up,
            _ if words.contains(&"stopping") => Activity::Stopping,
            _ => Activity::Dead,
        },
    }
}

#[test]
fn systemds_words_for_activity() {
    let words =
        [("inactive", Activity::Dead), ("failed", Activity::Dead), ("deactivating", Activity::Stopping)];
    for (word, activity) in words {
        assert_eq!(Activity::of(word), activity, "{word}");
    }
    for word in ["active", "activating", "reloading", "refreshing", "maintenance", "a later systemd's word"] {
        assert_eq!(Activity::of(word), Activity::Up, "{word}");
    }
}
