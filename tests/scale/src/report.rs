//! The figures as tables, and the promises they are held to.

use std::fmt::Write;
use std::time::Duration;

use tests::failure::{Failure, Outcome};
use tests::footprint::process::Holds;

use crate::meter::Spent;

/// The leader's memory, at most, in KiB.
const LEADER_KIB: u64 = 24 * 1024;
/// How much more a follower may hold in the largest fleet than in the smallest, in KiB: rounding, and a page or two.
const FOLLOWER_GROWTH_KIB: u64 = 256;
/// A lost rack's units run again within agent_ttl and this.
const RACK: Duration = Duration::from_secs(30 + 10);
/// How many more requests an event may take in the largest fleet than in the smallest.
const EVENT_GROWTH: f64 = 4.0;

/// One phase.
#[derive(Clone, Debug)]
pub(crate) struct Phase {
    pub(crate) what: &'static str,
    pub(crate) time: Duration,
    pub(crate) spent: Spent,
}

/// What a process with one agent holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    pub(crate) role: &'static str,
    pub(crate) holds: Holds,
}

/// Everything of one fleet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Size {
    pub(crate) machines: usize,
    pub(crate) units: usize,
    pub(crate) phases: Vec<Phase>,
    pub(crate) steady: Option<Phase>,
    /// Requests of one event.
    pub(crate) events: Option<f64>,
    pub(crate) memory: Vec<Memory>,
}

impl Size {
    pub(crate) fn of(machines: usize, units: usize) -> Self {
        Self { machines, units, ..Self::default() }
    }

    /// The most that a process of this role holds.
    pub(crate) fn most(&self, role: &str) -> Option<Holds> {
        let of_role = self.memory.iter().filter(|memory| memory.role == role);
        of_role.map(|memory| memory.holds).max_by_key(|holds| holds.pss_kib)
    }

    /// How long the phase took whose name begins so.
    pub(crate) fn time(&self, what: &str) -> Option<f64> {
        let phase = self.phases.iter().find(|phase| phase.what.starts_with(what));
        phase.map(|phase| phase.time.as_secs_f64())
    }
}

/// The tables.
pub(crate) fn text(sizes: &[Size]) -> String {
    let mut text = String::new();
    for size in sizes {
        let _ = writeln!(text, "\n{} machines, {} units\n", size.machines, size.units);
        text.push_str(
            "| what | time | etcd: requests | its processor | bytes |\n| --- | --- | --- | --- | --- |\n",
        );
        for phase in size.phases.iter().chain(&size.steady) {
            let Spent { requests, cpu_seconds, bytes, .. } = phase.spent;
            let _ = writeln!(
                text,
                "| {} | {:.1} s | {requests:.0} | {cpu_seconds:.1} s | {:.1} MB |",
                phase.what,
                phase.time.as_secs_f64(),
                bytes / 1e6
            );
        }
        if let Some(steady) = &size.steady {
            let minute = steady.spent.seconds / 60.0;
            let _ = writeln!(
                text,
                "\nA steady minute: {:.0} requests, {:.1} s of etcd's processor, {:.1} MB.",
                steady.spent.requests / minute,
                steady.spent.cpu_seconds / minute,
                steady.spent.bytes / minute / 1e6
            );
        }
        if let Some(events) = size.events {
            let _ =
                writeln!(text, "A unit created, placed, started and reported: {events:.1} requests in all.");
        }
        for role in ["leader", "follower"] {
            let Some(holds) = size.most(role) else { continue };
            let _ = writeln!(
                text,
                "A {role}'s memory: {} KiB (PSS), {} KiB anonymous, {} KiB at most.",
                holds.pss_kib, holds.anonymous_kib, holds.peak_kib
            );
        }
    }
    text
}

/// # Errors
/// Every promise that does not hold.
pub(crate) fn judge(sizes: &[Size]) -> Outcome {
    let mut broken = Vec::new();
    for size in sizes {
        let machines = size.machines;
        if let Some(leader) = size.most("leader").filter(|leader| leader.peak_kib > LEADER_KIB) {
            broken.push(format!("{machines} machines: the leader held {} KiB", leader.peak_kib));
        }
        let racks = size.phases.iter().filter(|phase| phase.what.starts_with("a rack lost"));
        for rack in racks.filter(|rack| rack.time > RACK) {
            broken.push(format!("{machines} machines, {}: {:.1} s", rack.what, rack.time.as_secs_f64()));
        }
    }
    if let (Some(least), Some(most)) = (sizes.first(), sizes.last()) {
        let anonymous = |size: &Size| size.most("follower").map_or(0, |holds| holds.anonymous_kib);
        let (before, after) = (anonymous(least), anonymous(most));
        if after > before + FOLLOWER_GROWTH_KIB {
            broken.push(format!("a follower's own memory grew from {before} to {after} KiB"));
        }
        let (before, after) = (least.events.unwrap_or_default(), most.events.unwrap_or_default());
        if after > before + EVENT_GROWTH {
            broken.push(format!("the requests of one event grew from {before:.1} to {after:.1}"));
        }
    }
    if broken.is_empty() { Ok(()) } else { Err(Failure::new(format!("not kept:\n{}", broken.join("\n")))) }
}
