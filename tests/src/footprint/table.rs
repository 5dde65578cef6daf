//! The promises about what an agent costs, the table that shows what was measured, and whether each promise was kept.

use std::fmt::Write as _;

use crate::etcd_proxy::Kind;
use crate::footprint::idle::{Idle, OfAgent, While};

/// For how many units the promises of memory and processor time are made.
pub const UNITS_PROMISED: usize = 30;

/// How many times a promise may be exceeded before that is a breach.
#[derive(Clone, Copy, Debug)]
pub struct Gate {
    /// Of memory, which does not hang on what else the machine does.
    pub memory: f64,
    /// Of everything else.
    pub rest: f64,
}

/// The promises themselves.
pub const AS_PROMISED: Gate = Gate { memory: 1.0, rest: 1.0 };

/// A line of the table.
pub struct Line {
    what: &'static str,
    /// The most for a follower and for the leader.
    at_most: Option<[f64; 2]>,
    /// Promised for any number of units.
    always: bool,
    is_memory: bool,
    decimals: usize,
    get: fn(&Idle) -> Option<f64>,
}

const fn shown(what: &'static str, decimals: usize, get: fn(&Idle) -> Option<f64>) -> Line {
    Line { what, at_most: None, always: false, is_memory: false, decimals, get }
}

const fn promised(
    what: &'static str,
    at_most: [f64; 2],
    decimals: usize,
    get: fn(&Idle) -> Option<f64>,
) -> Line {
    Line { what, at_most: Some(at_most), always: false, is_memory: false, decimals, get }
}

const fn memory(what: &'static str, at_most: [f64; 2], get: fn(&Idle) -> Option<f64>) -> Line {
    Line { is_memory: true, ..promised(what, at_most, 2, get) }
}

const fn always(what: &'static str, at_most: [f64; 2], get: fn(&Idle) -> Option<f64>) -> Line {
    Line { what, at_most: Some(at_most), always: true, is_memory: false, decimals: 1, get }
}

fn mib(kib: u64) -> Option<f64> {
    u32::try_from(kib).ok().map(|kib| f64::from(kib) / 1024.0)
}

fn number(count: u64) -> Option<f64> {
    u32::try_from(count).ok().map(f64::from)
}

fn of_kind(idle: &Idle, kind: Kind) -> Option<f64> {
    idle.agent.as_ref().map(|agent| agent.requests.get(&kind).copied().unwrap_or_default())
}

/// Every line, in order.
pub const LINES: [Line; 19] = [
    memory("memory (PSS), MiB", [1.5, 2.0], |idle| mib(idle.holds.pss_kib)),
    shown("resident, MiB", 2, |idle| mib(idle.holds.rss_kib)),
    shown("the most that was resident, MiB", 2, |idle| mib(idle.holds.peak_kib)),
    memory("anonymous, MiB", [0.5, 0.5], |idle| mib(idle.holds.anonymous_kib)),
    shown("touched meanwhile, MiB", 2, |idle| mib(idle.holds.touched_kib)),
    promised("processor, s a minute", [0.02, 0.02], 4, |idle| Some(idle.cpu_secs)),
    shown("wake-ups of threads a minute", 0, |idle| Some(idle.wakeups)),
    always("page faults of processes it started", [0.0, 0.0], |idle| number(idle.child_faults)),
    shown("processes and threads the machine started", 0, |idle| number(idle.agent.as_ref()?.started)),
    always("etcd requests a minute", [10.0, 40.0], |idle| idle.agent.as_ref().map(OfAgent::all_requests)),
    shown("of these beats", 1, |idle| of_kind(idle, Kind::Beat)),
    shown("renewals of the lease", 1, |idle| of_kind(idle, Kind::Renewal)),
    shown("long polls", 1, |idle| of_kind(idle, Kind::Poll)),
    shown("reads", 1, |idle| of_kind(idle, Kind::Read)),
    shown("writes", 1, |idle| of_kind(idle, Kind::Write)),
    always("bytes of changed files on disk", [0.0, 0.0], |idle| number(idle.agent.as_ref()?.changed_bytes)),
    shown("lines in the journal", 0, |idle| number(u64::try_from(idle.agent.as_ref()?.lines).ok()?)),
    shown("threads", 0, |idle| number(idle.holds.threads)),
    shown("descriptors", 0, |idle| number(idle.holds.descriptors)),
];

impl Line {
    /// The worst of the followers, and the leader.
    fn values(&self, seen: &While) -> [Option<f64>; 2] {
        let worst = seen.followers.iter().filter_map(self.get).reduce(f64::max);
        [worst, (self.get)(&seen.leader)]
    }

    /// What breaks this line's promise with `units` units, if that is more than the gate lets pass.
    #[must_use]
    pub fn breach(&self, units: usize, seen: &While, gate: Gate) -> Option<String> {
        let gate = if self.is_memory { gate.memory } else { gate.rest };
        let at_most = self.at_most.filter(|_| self.always || units == UNITS_PROMISED)?;
        let roles = ["follower", "leader"].into_iter().zip(at_most).zip(self.values(seen));
        let broken = roles.filter_map(|((role, most), value)| {
            let value = value.filter(|value| *value > most * gate)?;
            Some(format!("{}, {role}, {units} units: {value:.3}, at most {}", self.what, most * gate))
        });
        let broken: Vec<String> = broken.collect();
        (!broken.is_empty()).then(|| broken.join("; "))
    }

    fn cell(&self, value: Option<f64>) -> String {
        value.map_or_else(|| "–".to_owned(), |value| format!("{value:.*}", self.decimals))
    }

    fn text(&self, all: &[(usize, While)]) -> String {
        let most = self.at_most.map_or_else(String::new, |most| match most {
            [follower, leader] if follower.to_bits() == leader.to_bits() => format!("{follower}"),
            [follower, leader] => format!("{follower} / {leader}"),
        });
        let mut text = format!("| {} | {most} |", self.what);
        for (_, seen) in all {
            let [follower, leader] = self.values(seen);
            let _ = write!(text, " {} / {} |", self.cell(follower), self.cell(leader));
        }
        if let Some((_, seen)) = all.last() {
            let _ = write!(
                text,
                " {} | {} |",
                self.cell((self.get)(&seen.sleep)),
                self.cell((self.get)(&seen.etcd))
            );
        }
        text
    }
}

/// The whole table: a column for each number of units, follower and leader in each cell.
#[must_use]
pub fn text(all: &[(usize, While)]) -> String {
    let mut text = "| idle: follower / leader | at most, 30 units |".to_owned();
    for (units, _) in all {
        let _ = write!(text, " {units} units |");
    }
    let _ = writeln!(text, " `sleep` | etcd |");
    let _ = writeln!(text, "| --- |{}", " --- |".repeat(all.len() + 3));
    for line in &LINES {
        let _ = writeln!(text, "{}", line.text(all));
    }
    text
}

/// Every promise that was broken by more than the gate lets pass.
#[must_use]
pub fn breaches(all: &[(usize, While)], gate: Gate) -> Vec<String> {
    let pairs = all.iter().flat_map(|one| LINES.iter().map(move |line| (one, line)));
    pairs.filter_map(|((units, seen), line)| line.breach(*units, seen, gate)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::footprint::process::Holds;

    fn seen(follower_pss_kib: u64, requests: f64) -> While {
        let agent = OfAgent { requests: [(Kind::Beat, requests)].into(), ..OfAgent::default() };
        let idle = |pss_kib| Idle {
            holds: Holds { pss_kib, ..Holds::default() },
            agent: Some(agent.clone()),
            ..Idle::default()
        };
        While { leader: idle(900), followers: vec![idle(800), idle(follower_pss_kib)], ..While::default() }
    }

    #[test]
    fn the_worse_follower_counts() {
        assert_eq!(breaches(&[(30, seen(1500, 7.0))], AS_PROMISED), Vec::<String>::new());
        let broken = breaches(&[(30, seen(1600, 7.0))], AS_PROMISED);
        assert!(
            broken.len() == 1 && broken[0].starts_with("memory (PSS), MiB, follower, 30 units"),
            "{broken:?}"
        );
        assert_eq!(breaches(&[(30, seen(1600, 7.0))], Gate { memory: 1.2, rest: 1.0 }), Vec::<String>::new());
        assert_eq!(breaches(&[(30, seen(1600, 7.0))], Gate { memory: 1.0, rest: 3.0 }).len(), 1);
    }

    #[test]
    fn memory_is_promised_for_some_units_and_requests_for_any() {
        let broken = breaches(&[(300, seen(1600, 11.0))], AS_PROMISED);
        assert_eq!(broken, ["etcd requests a minute, follower, 300 units: 11.000, at most 10"]);
    }

    #[test]
    fn every_line_has_a_cell_for_each_column() {
        let text = text(&[(0, seen(1, 1.0)), (30, seen(1, 1.0))]);
        let columns: Vec<usize> = text.lines().map(|line| line.matches('|').count()).collect();
        assert_eq!(columns, vec![7; LINES.len() + 2], "{text}");
    }
}
