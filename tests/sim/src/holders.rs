//! Whom the registry gave which unit when, from its raw keys, and what follows for orders to start: a machine has none
//! started that it was not given just before (registry rule 7).

use std::collections::BTreeMap;

use cluster::records::Placement;
use cluster::{UnitName, json};
use store::keyspace::Command;

use crate::etcd::PREFIX;
use crate::observer::is_global;
use crate::sim::Sim;

/// How old what an agent read may be when it takes to a start: what the answer takes, and for an agent that was stopped
/// meanwhile the time besides within which its own record has to be confirmed.
const FRESH_US: u64 = 1_200_000;
const FRESH_AFTER_PAUSE_US: u64 = 4_500_000;
/// How long a machine that sees the registry may run what it was not given when it started it.
const AT_ONCE_US: u64 = 3_000_000;

/// Who was given what.
#[derive(Debug, Default)]
pub struct Holders {
    /// For each unit: since when it was whose, the last one last.
    given: BTreeMap<String, Vec<(u64, Option<String>)>>,
    /// When each agent took to something with a unit last, by its marker.
    marked: BTreeMap<(usize, String), u64>,
    /// When an agent went on last that had been stopped.
    resumed: BTreeMap<usize, u64>,
}

impl Holders {
    /// An agent goes on that was stopped.
    pub fn resumes(&mut self, node: usize, now_us: u64) {
        self.resumed.insert(node, now_us);
    }

    /// True if the unit is the machine's now.
    #[must_use]
    pub fn holds(&self, unit: &str, machine: &str) -> bool {
        let last = self.given.get(unit).and_then(|given| given.last());
        last.is_some_and(|(_, holder)| holder.as_deref() == Some(machine))
    }

    /// True if the unit was the machine's at some moment of that time.
    fn held(&self, unit: &str, machine: &str, times: (u64, u64)) -> bool {
        let Some(given) = self.given.get(unit) else { return false };
        let ends = given.iter().skip(1).map(|(since_us, _)| *since_us).chain([u64::MAX]);
        given.iter().zip(ends).any(|((since_us, holder), end_us)| {
            holder.as_deref() == Some(machine) && *since_us <= times.1 && end_us >= times.0
        })
    }
}

/// The unit whose placement a command is about.
#[must_use]
pub fn placed_unit(command: &Command) -> Option<&str> {
    let (Command::Set { path, .. }
    | Command::Update { path, .. }
    | Command::Create { path, .. }
    | Command::CompareAndSwap { path, .. }
    | Command::CompareAndDelete { path, .. }
    | Command::Delete { path, .. }) = command;
    path.strip_prefix(PREFIX)?.strip_prefix("/placements/")
}

impl Sim {
    /// The registry holds this for the placement of a unit from now on.
    pub fn note_holder(&mut self, unit: &str, value: Option<&str>) {
        let placement = value.and_then(|value| json::decode::<Placement>(value.as_bytes()).ok());
        let holder = placement.map(|placement| placement.machine.as_str().to_owned());
        let now_us = self.now_us;
        self.observer.holders.given.entry(unit.to_owned()).or_default().push((now_us, holder));
    }

    /// An agent writes the marker of a unit, as it does before it orders anything about it.
    pub fn note_marked(&mut self, node: usize, unit: &str) {
        let now_us = self.now_us;
        self.observer.holders.marked.insert((node, unit.to_owned()), now_us);
    }

    /// An agent orders a start.
    pub fn judge_order(&mut self, node: usize, unit: &UnitName) {
        let (seen, now_us) = (&self.observer, self.now_us);
        if is_global(self.scenario.unit(unit.as_str())) || seen.store_excuses(now_us) {
            return;
        }
        let key = (node, unit.as_str().to_owned());
        let taken_us = seen.holders.marked.get(&key).copied().unwrap_or(now_us);
        let resumed = seen.holders.resumed.get(&node);
        let was_stopped = resumed.is_some_and(|at_us| at_us + FRESH_AFTER_PAUSE_US > now_us);
        let fresh_us = if was_stopped { FRESH_AFTER_PAUSE_US } else { FRESH_US };
        let times = (taken_us.saturating_sub(fresh_us), taken_us);
        let machine = &self.nodes[node];
        if !seen.holders.held(unit.as_str(), machine.id.as_str(), times) {
            self.blame(vec![format!(
                "{unit} is ordered to start on {}, which was not given it",
                machine.name
            )]);
        }
    }

    /// Copies that run on although their machines were not given them when they started, and see the registry. The store
    /// has to be well: it is asked.
    pub fn judge_unheld(&mut self) {
        let (seen, now_us) = (&self.observer, self.now_us);
        if seen.is_upset() {
            return;
        }
        let stays = |(unit, node, since_us): &(&UnitName, usize, u64)| {
            let seen_us = seen.away_us(*node).max(*since_us);
            now_us > seen_us + AT_ONCE_US && !seen.holders.holds(unit.as_str(), self.nodes[*node].id.as_str())
        };
        let blame = |(unit, node, _): (&UnitName, usize, u64)| {
            format!("{unit} runs on {} still, which was not given it", self.nodes[node].name)
        };
        let found: Vec<String> = seen.unheld().filter(stays).map(blame).collect();
        self.blame(found);
    }
}
