//! Who sees everything and judges: what runs where, who was out of sight when, what clients were told. It has its own
//! small model of what may be, and shares nothing with the code it judges. What holds at every moment is judged here,
//! what holds once all is quiet in `settled`.

mod judge;

use std::collections::{BTreeMap, BTreeSet};

use cluster::{TargetState, UnitName};

use crate::holders::Holders;
use crate::machine::Machine;
use crate::scenario::Unit;
use crate::sim::Sim;
use crate::systemd::{Mood, Phase};

/// Whoever was out of sight within this time may find its units elsewhere: TTL, lease and what a retry takes.
const SHADOW_US: u64 = 15_000_000;
/// Two machines that see the registry have this long to end a second copy.
const TOGETHER_US: u64 = 8_000_000;
/// A destroyed unit may be started by whoever read of it just before.
const LATE_START_US: u64 = 5_000_000;

/// What a client wishes for a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// To be there in this version, with this target.
    Be(TargetState, u64),
    /// If it is there, to have this target.
    Target(TargetState),
    /// To be gone.
    Gone,
}

/// What a client was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It was done.
    Done,
    /// It was refused.
    Refused,
    /// Nobody knows.
    Open,
}

/// A unit as the registry may have it: target and version; `None` for no unit.
pub type Spec = Option<(TargetState, u64)>;

/// What is known of a unit from what clients did.
#[derive(Debug)]
pub struct Known {
    /// What the registry may hold.
    pub possible: BTreeSet<Spec>,
    busy: bool,
    version: u64,
    touched_us: u64,
}

impl Default for Known {
    fn default() -> Self {
        Self { possible: BTreeSet::from([None]), busy: false, version: 0, touched_us: 0 }
    }
}

impl Known {
    /// True if clients have long been told that it does not run.
    fn is_not_to_run(&self, now_us: u64) -> bool {
        let launched = |spec: &Spec| spec.is_some_and(|(target, _)| target == TargetState::Launched);
        !self.busy && now_us > self.touched_us + LATE_START_US && !self.possible.iter().any(launched)
    }
}

/// A copy of a unit that has processes.
#[derive(Debug)]
pub struct Copy {
    since_us: u64,
    stopping: bool,
    /// It was not its machine's when it started.
    unheld: bool,
}

/// The observer.
#[derive(Debug)]
pub struct Observer {
    /// When each node was last out of sight.
    away_us: Vec<u64>,
    left_us: Vec<Option<u64>>,
    copies: BTreeMap<UnitName, BTreeMap<usize, Copy>>,
    announced: BTreeMap<(usize, String), u64>,
    /// Whom the registry gave what.
    pub holders: Holders,
    /// What clients did with each unit.
    pub units: BTreeMap<String, Known>,
    operators_us: Option<u64>,
    replaced_until_us: Option<u64>,
    /// The store is another one that nobody has adopted yet.
    is_strange: bool,
    /// When each node was last out of sight for anything but another one with its ID.
    dark_us: Vec<u64>,
    /// When something was done to the fleet last.
    pub last_strike_us: u64,
    /// How often what was done.
    pub counts: BTreeMap<String, u64>,
    /// What must not be, and was.
    pub problems: Vec<String>,
    /// Two agents led at once, each within the time in which its own lease lets it write.
    pub two_leaders: bool,
}

fn lately(then_us: Option<u64>, now_us: u64) -> bool {
    then_us.is_some_and(|then_us| now_us <= then_us + SHADOW_US)
}

impl Observer {
    /// An observer of that many nodes.
    #[must_use]
    pub fn new(nodes: usize) -> Self {
        Self {
            away_us: vec![0; nodes],
            left_us: vec![None; nodes],
            copies: BTreeMap::new(),
            announced: BTreeMap::new(),
            holders: Holders::default(),
            units: BTreeMap::new(),
            operators_us: None,
            replaced_until_us: None,
            is_strange: false,
            dark_us: vec![0; nodes],
            last_strike_us: 0,
            counts: BTreeMap::new(),
            problems: Vec::new(),
            two_leaders: false,
        }
    }

    /// Counts something that was done.
    pub fn count(&mut self, what: &str) {
        *self.counts.entry(what.to_owned()).or_default() += 1;
    }

    /// A node is out of sight now, or is until then.
    pub fn away(&mut self, node: usize, now_us: u64) {
        self.away_us[node] = self.away_us[node].max(now_us);
        self.dark_us[node] = self.dark_us[node].max(now_us);
    }

    /// A node was told to leave the fleet.
    pub fn leaves(&mut self, node: usize, now_us: u64) {
        self.left_us[node] = Some(now_us);
    }

    /// Something was done to the fleet.
    pub fn strikes(&mut self, now_us: u64) {
        self.last_strike_us = now_us;
    }

    /// The store is another one, and is not adopted before then.
    pub fn store_replaced(&mut self, until_us: u64) {
        self.replaced_until_us = Some(until_us);
        self.is_strange = true;
    }

    /// An operator has every machine adopt the store.
    pub fn adopted(&mut self) {
        self.is_strange = false;
    }

    /// True if the store was ever another one: what clients were told then was told of a store that is gone.
    #[must_use]
    pub const fn was_replaced(&self) -> bool {
        self.replaced_until_us.is_some()
    }

    /// Hears an agent's log.
    pub fn hear(&mut self, node: usize, line: &str, now_us: u64) {
        if let Some(rest) = line.strip_prefix("stop ") {
            let unit = rest.split(':').next().unwrap_or_default();
            self.announced.insert((node, unit.to_owned()), now_us);
        } else if line.starts_with("frozen: ") && !self.was_replaced() {
            self.problems.push(format!("a machine freezes in its own registry: {line}"));
        } else if let Some((unit, _)) =
            line.strip_prefix("stopping ").and_then(|rest| rest.split_once(" at once: "))
        {
            self.announced.insert((node, unit.to_owned()), now_us);
        }
    }

    /// Which version of a unit clients sent last.
    #[must_use]
    pub fn version_of(&self, unit: &str) -> u64 {
        self.units.get(unit).map_or(0, |known| known.version)
    }

    /// A client asks; false if it has to wait for its last answer about the same thing.
    pub fn asks(&mut self, subject: &str, wish: Option<Wish>, verb: &str, now_us: u64) -> bool {
        let Some(wish) = wish else {
            self.operators_us = Some(now_us);
            self.count(verb);
            return true;
        };
        let known = self.units.entry(subject.to_owned()).or_default();
        if known.busy {
            return false;
        }
        (known.busy, known.touched_us) = (true, now_us);
        if let Wish::Be(_, version) = wish {
            known.version = version;
        }
        self.count(verb);
        true
    }

    /// A client was answered.
    pub fn answered(&mut self, subject: &str, wish: Option<Wish>, answer: Answer, now_us: u64) {
        let Some(wish) = wish else {
            self.operators_us = Some(now_us);
            return;
        };
        let known = self.units.entry(subject.to_owned()).or_default();
        (known.busy, known.touched_us) = (false, now_us);
        let become_of = |spec: &Spec| match wish {
            Wish::Be(target, version) => Some((target, version)),
            Wish::Target(target) => spec.map(|(_, version)| (target, version)),
            Wish::Gone => None,
        };
        let after: BTreeSet<Spec> = known.possible.iter().map(become_of).collect();
        match answer {
            Answer::Done => known.possible = after,
            Answer::Refused => {}
            Answer::Open => known.possible.extend(after),
        }
    }

    /// Where a unit has processes now.
    pub fn copies_of(&self, unit: &UnitName) -> impl Iterator<Item = usize> {
        self.copies.get(unit).into_iter().flat_map(|copies| copies.keys().copied())
    }

    /// Copies that were not their machines' when they started, and are not on their way down: unit, machine, since when.
    pub fn unheld(&self) -> impl Iterator<Item = (&UnitName, usize, u64)> {
        let all = self.copies.iter().flat_map(|(unit, copies)| copies.iter().map(move |copy| (unit, copy)));
        let unheld = all.filter(|(_, (_, copy))| copy.unheld && !copy.stopping);
        unheld.map(|(unit, (node, copy))| (unit, *node, copy.since_us))
    }

    /// When a node was last out of sight.
    #[must_use]
    pub fn away_us(&self, node: usize) -> u64 {
        self.away_us[node]
    }

    /// True if something befell the store in this run.
    #[must_use]
    pub fn is_upset(&self) -> bool {
        self.counts.keys().any(|what| what.starts_with("etcd"))
    }

    fn was_away(&self, node: usize, now_us: u64) -> bool {
        lately(Some(self.away_us[node]), now_us)
    }

    /// True while the store is another one, or has been until lately.
    #[must_use]
    pub fn store_excuses(&self, now_us: u64) -> bool {
        lately(self.replaced_until_us, now_us)
    }
}

/// True if a unit is one of many by its nature: copies are no harm, and others need not move for it.
#[must_use]
pub fn is_global(unit: Option<&Unit>) -> bool {
    unit.is_some_and(|unit| unit.fleet.iter().any(|(key, _)| key == "Global"))
}

impl Sim {
    /// Judges this moment; called after every step.
    pub fn inspect(&mut self) {
        let now_us = self.now_us;
        for node in 0..self.office() {
            let machine = &self.nodes[node];
            let agent = machine.agent.and_then(|id| self.processes.get(id)).map(|process| process.paused);
            let well = machine.link.is_well() && machine.systemd.mood == Mood::Well;
            let shares =
                self.twin() != node && self.nodes[self.twin()].up && self.nodes[self.twin()].id == machine.id;
            if !(machine.up && agent == Some(false) && well) {
                self.observer.away(node, now_us);
            } else if shares {
                self.observer.away_us[node] = now_us;
            }
        }
        let mut found = Vec::new();
        for (unit, copies) in self.observer.copies.iter().filter(|(_, copies)| copies.len() > 1) {
            if is_global(self.scenario.unit(unit.as_str())) || self.observer.store_excuses(now_us) {
                continue;
            }
            let staying = copies.iter().filter(|(_, copy)| !copy.stopping);
            let together = staying.filter(|(node, _)| now_us > self.observer.away_us[**node] + TOGETHER_US);
            let together: Vec<usize> = together.map(|(node, _)| *node).collect();
            if together.len() > 1 {
                found.push(format!("{unit} still runs on {together:?}, which see the registry again"));
            }
        }
        self.observer.two_leaders |= self.leaders() > 1;
        self.blame(found);
        self.judge_unheld();
    }

    /// Agents that may write as leaders now, by their own clocks and with what they know; a stopped one counts, since
    /// it may go on at any moment.
    fn leaders(&self) -> usize {
        let leads = |machine: &&Machine| {
            let Some(handle) = machine.agent.and_then(|id| self.agents.get(&id)) else { return false };
            let now_ms = (self.now_us + machine.clock_us) / 1000;
            handle.node.leadership.get().is_some_and(|held| held.may_write(now_ms, &handle.node.terms()))
        };
        self.nodes.iter().filter(leads).count()
    }

    /// Notes what must not be.
    pub fn blame(&mut self, found: Vec<String>) {
        for problem in found {
            self.trace(self.office(), &format!("!! {problem}"));
            self.observer.problems.push(problem);
        }
    }

    /// A unit went from one phase to another.
    pub fn observe_phase(&mut self, node: usize, unit: &UnitName, before: Phase, phase: Phase) {
        let now_us = self.now_us;
        let mut found = Vec::new();
        if !before.lives() && phase.lives() {
            found.extend(self.judge_start(node, unit));
            let id = self.nodes[node].id.as_str();
            let unheld = !is_global(self.scenario.unit(unit.as_str()))
                && !self.observer.holders.holds(unit.as_str(), id);
            let copy = Copy { since_us: now_us, stopping: false, unheld };
            self.observer.copies.entry(unit.clone()).or_default().insert(node, copy);
        } else if before.lives() && !phase.lives() {
            if let Some(copies) = self.observer.copies.get_mut(unit) {
                copies.remove(&node);
            }
        } else if phase == Phase::Stopping {
            found.extend(self.judge_stop(node, unit));
            let copies = self.observer.copies.get_mut(unit);
            if let Some(copy) = copies.and_then(|copies| copies.get_mut(&node)) {
                copy.stopping = true;
            }
        }
        self.blame(found);
    }
}
