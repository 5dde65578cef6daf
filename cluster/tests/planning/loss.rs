//! `loss::judge` over several reads, written down in lines. agent_ttl is 30 s.
//!
//! ```text
//! holds m1 m2            machines with a placement, from here on
//! rows m3                one with rows of a former life
//! judges from 40000      or: judges never
//! at 1000 m1 m2 leaving  the machines alive in a read at that time; `leaving` says it of the one before
//! at 2000 m1=28 m2=9     the same with the seconds that their records have left
//! ```

use std::fmt::Write;

use cluster::loss::{self, Absences, Judge, Verdict};
use cluster::records::Placement;
use cluster::sorted::Set;
use cluster::{MachineId, Session, keys};

use crate::store::Store;
use crate::{runner, scene};

const AGENT_TTL_MS: u64 = 30_000;

#[test]
fn verdicts_of_a_judge() {
    runner::run("loss", |input| answer(input).unwrap_or_else(|line| format!("no such line: {line}")));
}

fn answer(input: &str) -> Result<String, String> {
    let (mut absences, mut out) = (Absences::default(), String::new());
    let mut judge = Judge { judges_from_ms: Some(0), agent_ttl_ms: AGENT_TTL_MS };
    let (mut holders, mut rows) = (Vec::new(), Vec::new());
    for line in input.lines().filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["holds", machines @ ..] => holders = machines.to_vec(),
            ["rows", machines @ ..] => rows = machines.to_vec(),
            ["judges", "never"] => judge.judges_from_ms = None,
            ["judges", "from", from] => judge.judges_from_ms = Some(from.parse().map_err(|_| line)?),
            ["at", now, machines @ ..] => {
                let (machines, left): (Vec<&str>, Vec<_>) =
                    machines.iter().map(|word| with_left(word)).unzip();
                let mut snapshot = registry(&holders, &rows, &machines).snapshot();
                for (id, secs) in machines.iter().zip(left) {
                    if let Some(secs) = secs {
                        snapshot.note_ttl(&keys::presence(&scene::machine(id)), secs);
                    }
                }
                let now_ms = now.parse().map_err(|_| line)?;
                let verdict = loss::judge(&mut absences, &snapshot, judge, now_ms);
                let _ = writeln!(out, "{now}:{}", show(&verdict));
            }
            _ => return Err(line.into()),
        }
    }
    Ok(out)
}

/// `m1=28`: a machine and the seconds its record has left.
fn with_left(word: &str) -> (&str, Option<u64>) {
    match word.split_once('=') {
        Some((id, secs)) => (id, Some(secs.parse().expect("seconds"))),
        None => (word, None),
    }
}

fn registry(holders: &[&str], rows: &[&str], alive: &[&str]) -> Store {
    let mut store = Store::new();
    for id in holders {
        let placement = Placement { machine: scene::machine(id), incarnation: None, epoch: None, losses: 0 };
        store.put(&keys::placement(&scene::unit(&format!("of-{id}.service"))), &placement);
    }
    for id in rows {
        let session = Session::new(5).expect("not zero");
        let key = keys::state(&scene::machine(id), session, &scene::unit("r.service"));
        store.put(&key, &scene::row());
    }
    for (position, id) in alive.iter().enumerate().filter(|(_, id)| **id != "leaving") {
        let leaving = alive.get(position + 1) == Some(&"leaving");
        let id = scene::machine(id);
        store.put(&keys::presence(&id), &scene::presence(&id, [].into(), leaving));
    }
    store
}

fn show(verdict: &Verdict) -> String {
    let names = |set: &Set<MachineId>| set.iter().map(MachineId::as_str).collect::<Vec<_>>().join(" ");
    let mut out = String::new();
    for (what, machines) in [("lost", &verdict.lost), ("missing", &verdict.missing)] {
        if !machines.is_empty() {
            let _ = write!(out, " {what} {}", names(machines));
        }
    }
    if verdict.braked {
        out += " braked";
    }
    if let Some(at_ms) = verdict.again_at_ms {
        let _ = write!(out, " again at {at_ms}");
    }
    if out.is_empty() { " nobody".into() } else { out }
}
