//! The whole of a simulated world, and what its parts need of each other.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use agent::log::Level;
use cluster::MachineId;

use crate::chance::Chance;
use crate::etcd::{Asker, Etcd};
use crate::guards::Guard;
use crate::kernel::{Agenda, Event, ProcessId, Processes};
use crate::machine::{Handle, Machine};
use crate::observer::Observer;
use crate::scenario::{Blow, Scenario};
use crate::snares::Snare;

/// How long a paused agent stands still: longer than its TTL and its lease.
pub const PAUSE_US: u64 = 9_000_000;
/// How long a clock goes on as if there had been no pause, without `Guard::Clock`: what a few writes take.
const BEHIND_US: u64 = 100_000;
/// What a verdict counts a second blow as.
pub const AGAIN: &str = "cut again";
/// Lines of a trace that are kept.
const TRACE_LINES: usize = 20_000;

/// A world.
pub struct Sim {
    /// Microseconds since the beginning.
    pub now_us: u64,
    /// What will happen.
    pub agenda: Agenda,
    /// Who runs.
    pub processes: Processes,
    /// Chance.
    pub chance: Chance,
    /// The store.
    pub etcd: Etcd,
    /// Machines, a twin that takes another one's ID, and last the place clients ask from.
    pub nodes: Vec<Machine>,
    /// Until when the twin is there.
    pub twin_until_us: u64,
    /// Watches that wait.
    pub watching: Vec<Asker>,
    /// Requests to the store so far.
    pub requests: u64,
    /// What agents the simulator can look into.
    pub agents: BTreeMap<ProcessId, Rc<Handle>>,
    /// Those of killed agents, dropped with their processes.
    pub dead_agents: Vec<Rc<Handle>>,
    /// Who sees everything and judges.
    pub observer: Observer,
    /// The run.
    pub scenario: Rc<Scenario>,
    /// Writes of agents so far.
    pub writes: u64,
    /// Faults that wait for their moment.
    pub snares: Vec<Snare>,
    /// Starts that agents ordered, by process and unit, until the placement is read again.
    pub started: BTreeSet<(ProcessId, String)>,
    /// How long the next request stays on its way.
    pub held_us: u64,
    armed: Option<ProcessId>,
    /// The node that was struck, and how many writes are left to it until it is struck again.
    recovering: Option<(usize, u64)>,
    trace: Option<VecDeque<String>>,
}

impl Sim {
    /// A world in which nothing has happened; its disks lie in `folder`.
    #[must_use]
    pub fn new(scenario: Rc<Scenario>, folder: &Path, traced: bool) -> Self {
        let mut chance = Chance::new(scenario.seed);
        let etcd = Etcd::new(chance.next() >> 1);
        let nodes = nodes(scenario.machines, folder);
        Self {
            now_us: 0,
            agenda: Agenda::default(),
            processes: Processes::default(),
            chance,
            etcd,
            observer: Observer::new(nodes.len()),
            nodes,
            twin_until_us: 0,
            watching: Vec::new(),
            requests: 0,
            agents: BTreeMap::new(),
            dead_agents: Vec::new(),
            scenario,
            writes: 0,
            snares: Vec::new(),
            held_us: 0,
            started: BTreeSet::new(),
            armed: None,
            recovering: None,
            trace: traced.then(VecDeque::new),
        }
    }

    /// The place of the twin.
    #[must_use]
    pub fn twin(&self) -> usize {
        self.nodes.len() - 2
    }

    /// The place clients ask from.
    #[must_use]
    pub fn office(&self) -> usize {
        self.nodes.len() - 1
    }

    /// Which node a process runs on.
    pub fn node_of(&mut self, id: ProcessId) -> Option<usize> {
        self.processes.get(id).map(|process| process.node)
    }

    /// CLOCK_BOOTTIME of the machine a process runs on.
    pub fn boottime_of(&mut self, id: ProcessId) -> u64 {
        let offset_us = self.node_of(id).map_or(0, |node| self.nodes[node].clock_us);
        let behind = self.processes.get(id).and_then(|process| process.behind);
        let behind_us = behind.filter(|(until_us, _)| self.now_us < *until_us).map_or(0, |(_, by_us)| by_us);
        self.now_us + offset_us - behind_us
    }

    /// True while the clock of a process does not know how long it was stopped.
    pub fn is_behind(&mut self, id: ProcessId) -> bool {
        let behind = self.processes.get(id).and_then(|process| process.behind);
        behind.is_some_and(|(until_us, _)| self.now_us < until_us)
    }

    /// Notes a line of the trace.
    pub fn trace(&mut self, node: usize, line: &str) {
        let Some(trace) = &mut self.trace else { return };
        let (seconds, micros) = (self.now_us / 1_000_000, self.now_us % 1_000_000);
        trace.push_back(format!("{seconds:4}.{micros:06} {:6} {line}", self.nodes[node].name));
        if trace.len() > TRACE_LINES {
            trace.pop_front();
        }
    }

    /// True if somebody will read the trace.
    #[must_use]
    pub const fn is_traced(&self) -> bool {
        self.trace.is_some()
    }

    /// The trace so far.
    #[must_use]
    pub fn told(&self) -> Vec<String> {
        self.trace.iter().flatten().cloned().collect()
    }

    /// An agent or a client logs.
    pub fn hear(&mut self, id: ProcessId, level: Level, line: &str) {
        let Some(node) = self.node_of(id) else { return };
        if self.trace.is_some() {
            self.trace(node, &format!("{level:?}: {line}").replace('\n', " | "));
        }
        self.observer.hear(node, line, self.now_us);
    }

    /// An agent ended by itself.
    pub fn agent_ended(&mut self, node: usize, failed: bool) {
        self.trace(node, "agent ends");
        if let Some(id) = self.nodes[node].agent.take() {
            self.dead_agents.extend(self.agents.remove(&id));
        }
        self.observer.away(node, self.now_us);
        if self.has_ended(node) || failed {
            let again = move |sim: &mut Self| sim.start_agent(node);
            self.agenda.put(self.now_us + 500_000, Event::World(Box::new(again)));
        }
    }

    /// An agent is about to write to its disk; says how long that takes.
    pub fn written(&mut self, id: ProcessId, what: &str, path: &Path) -> Option<u64> {
        let node = self.node_of(id)?;
        if what == "write" && path.parent().is_some_and(|folder| folder.ends_with("markers")) {
            self.note_marked(node, path.file_name()?.to_str()?);
        }
        if self.trace.is_some() {
            self.trace(node, &format!("disk: {what} {}", path.file_name()?.display()));
        }
        let _ = self.cuts_here(id, true);
        Some(self.chance.of(20..=300))
    }

    /// Counts a write of an agent and strikes where the scenario says so. `before`: the write is to come, else it has just
    /// happened. Says how much later it happens; `None` if it must not.
    pub fn cuts_here(&mut self, id: ProcessId, before: bool) -> Option<u64> {
        let Some(node) = self.node_of(id).filter(|node| *node < self.office()) else { return Some(0) };
        if !before {
            if self.armed == Some(id) {
                self.armed = None;
                self.strike(node);
            }
            return Some(0);
        }
        self.writes += 1;
        if let Some((_, left)) = self.recovering.as_mut().filter(|(struck, _)| *struck == node) {
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.recovering = None;
                self.observer.count(AGAIN);
                self.crash_agent(node);
                return None;
            }
        }
        match self.scenario.cut.filter(|cut| cut.write == self.writes) {
            Some(cut) if cut.after => {
                self.armed = Some(id);
                Some(0)
            }
            Some(cut) => {
                self.strike(node);
                // Whoever is stopped writes when it goes on.
                (cut.blow == Blow::Pause).then_some(PAUSE_US)
            }
            None => Some(0),
        }
    }

    fn strike(&mut self, node: usize) {
        self.recovering = self.scenario.cut.and_then(|cut| cut.again).map(|again| (node, again));
        match self.scenario.cut.map(|cut| cut.blow) {
            Some(Blow::Crash) => self.crash_agent(node),
            Some(Blow::Pause) => self.pause_agent(node, PAUSE_US),
            Some(Blow::Power) => {
                self.cut_power(node);
                let back = move |sim: &mut Self| {
                    // A twin whose time is over stays off.
                    if node != sim.twin() || sim.now_us < sim.twin_until_us {
                        sim.power_on(node);
                    }
                };
                self.agenda.put(self.now_us + PAUSE_US, Event::World(Box::new(back)));
            }
            None => {}
        }
    }

    /// SIGSTOP, and SIGCONT after that long.
    pub fn pause_agent(&mut self, node: usize, for_us: u64) {
        let Some(id) = self.nodes[node].agent else { return };
        self.trace(node, "agent is stopped (SIGSTOP)");
        self.processes.pause(id, true);
        let go_on = move |sim: &mut Self| {
            sim.observer.away(node, sim.now_us);
            sim.observer.holders.resumes(node, sim.now_us);
            sim.trace(node, "agent goes on (SIGCONT)");
            if sim.scenario.without.contains(&Guard::Clock)
                && let Some(process) = sim.processes.get(id)
            {
                process.behind = Some((sim.now_us + BEHIND_US, for_us));
            }
            for event in sim.processes.pause(id, false) {
                sim.agenda.put(sim.now_us, event);
            }
        };
        self.agenda.put(self.now_us + for_us, Event::World(Box::new(go_on)));
    }
}

fn nodes(machines: usize, folder: &Path) -> Vec<Machine> {
    let dir = |name: &str| -> PathBuf { folder.join(name) };
    let node = |name: &str, digit: usize| {
        let id = MachineId::parse(&digit.to_string().repeat(32)).expect("a plain ID");
        let metadata = if digit % 2 == 1 { "disk=ssd" } else { "disk=hdd" };
        Machine::new(name, id, metadata, dir(name))
    };
    let mut nodes: Vec<Machine> = (1..=machines).map(|number| node(&format!("m{number}"), number)).collect();
    nodes.push(node("twin", 1));
    nodes.push(node("office", 0));
    nodes
}
