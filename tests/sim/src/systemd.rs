//! A machine's systemd as a model: units read from the files that the agent links, processes that start, stop, die and
//! hang. It outlives the agent and dies with its machine. How it is asked is `systemctl`'s business.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

use cluster::UnitName;

use crate::kernel::Event;
use crate::sim::Sim;

/// How systemd takes orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    /// At once.
    #[default]
    Well,
    /// Each takes that long.
    Slow(u64),
    /// None gets through, or the answer does not.
    Failing,
    /// None ends before that time.
    Hung(u64),
}

/// What a unit's program does, from its command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Time until it is up.
    start_us: u64,
    /// Time its stop takes.
    stop_us: u64,
    /// It ends badly while it starts.
    fails: bool,
    /// It ends badly that long after it is up.
    dies_us: Option<u64>,
}

impl Program {
    /// Reads `ExecStart=/bin/unit start=200 stop=50 fails dies=4000` (milliseconds).
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut program = Self { start_us: 5_000, stop_us: 20_000, fails: false, dies_us: None };
        let line = text.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap_or_default();
        for word in line.split_ascii_whitespace() {
            let (name, value) = word.split_once('=').unwrap_or((word, "0"));
            let us = value.parse::<u64>().unwrap_or(0) * 1000;
            match name {
                "start" => program.start_us = us,
                "stop" => program.stop_us = us,
                "fails" => program.fails = true,
                "dies" => program.dies_us = Some(us),
                _ => {}
            }
        }
        program
    }
}

/// Where a unit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Nothing of it runs.
    Dead,
    /// The same, after a bad end.
    Failed,
    /// On its way up.
    Starting,
    /// Up.
    Running,
    /// On its way down.
    Stopping,
}

impl Phase {
    /// systemd's words for ActiveState and SubState.
    #[must_use]
    pub const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Dead => ("inactive", "dead"),
            Self::Failed => ("failed", "failed"),
            Self::Starting => ("activating", "start"),
            Self::Running => ("active", "running"),
            Self::Stopping => ("deactivating", "stop-sigterm"),
        }
    }

    /// True while there are processes.
    #[must_use]
    pub const fn lives(self) -> bool {
        matches!(self, Self::Starting | Self::Running | Self::Stopping)
    }
}

/// A unit in systemd's memory.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its file as it was last read.
    pub text: String,
    /// Where it is.
    pub phase: Phase,
    /// A start waits for the end of the stop.
    pub again: bool,
    turn: u64,
}

/// A machine's systemd.
#[derive(Debug, Default)]
pub struct Systemd {
    /// How it takes orders.
    pub mood: Mood,
    /// Counts the troubles it has had.
    pub moods: u64,
    /// Units in its memory.
    pub services: BTreeMap<UnitName, Service>,
    /// Units that are enabled.
    pub enabled: BTreeSet<UnitName>,
    turns: u64,
}

/// Where the control groups of services are, below a machine's `/run`: the kernel's own tree cannot be one of many.
pub const GROUPS: &str = "cgroup/system.slice";

/// A unit's control group: there before its first process, and told of the end of its last one before it goes.
fn populate(group: &Path, lives: bool) -> io::Result<()> {
    fs::create_dir_all(group)?;
    fs::write(group.join("cgroup.events"), format!("populated {}\nfrozen 0\n", u8::from(lives)))
}

/// The file of a unit, if there is a link to one.
#[must_use]
pub fn file_of(dir: &Path, unit: &UnitName) -> Option<String> {
    fs::read_to_string(dir.join("run/systemd/system").join(unit.as_str())).ok()
}

impl Sim {
    /// Puts a unit into another phase and says when it leaves it by itself.
    fn turn_service(&mut self, node: usize, unit: &UnitName, phase: Phase) {
        let Some(service) = self.nodes[node].systemd.services.get_mut(unit) else { return };
        let (before, program) = (service.phase, Program::read(&service.text));
        service.phase = phase;
        self.nodes[node].systemd.turns += 1;
        let turn = self.nodes[node].systemd.turns;
        if let Some(service) = self.nodes[node].systemd.services.get_mut(unit) {
            service.turn = turn;
        }
        self.show_link(node, unit, before, phase);
        let us = match phase {
            Phase::Starting => Some(program.start_us),
            Phase::Stopping => Some(program.stop_us),
            Phase::Running => program.dies_us,
            Phase::Dead | Phase::Failed => None,
        };
        if let Some(us) = us {
            let name = unit.clone();
            let due = move |sim: &mut Self| sim.service_due(node, &name, turn);
            self.agenda.put(self.now_us + us, Event::World(Box::new(due)));
        }
        if before != phase {
            self.trace(node, &format!("systemd: {unit} is {}", phase.words().0));
            self.observe_phase(node, unit, before, phase);
        }
    }

    fn show_link(&mut self, node: usize, unit: &UnitName, before: Phase, phase: Phase) {
        if before.lives() == phase.lives() {
            return;
        }
        let run = self.nodes[node].dir.join("run");
        let (link, group) = (run.join("systemd/units").join(format!("invocation:{unit}")), run.join(GROUPS));
        let group = group.join(unit.as_str());
        // A link or a group that is there already, or gone already, is as good.
        let _ = if phase.lives() {
            populate(&group, true).and_then(|()| symlink("x", &link))
        } else {
            let emptied = populate(&group, false).and_then(|()| fs::remove_file(&link));
            emptied.and_then(|()| fs::remove_dir_all(&group))
        };
        self.nodes[node].noticed = true;
        self.stir_agent(node);
    }

    fn service_due(&mut self, node: usize, unit: &UnitName, turn: u64) {
        let services = &mut self.nodes[node].systemd.services;
        let Some(service) = services.get_mut(unit).filter(|service| service.turn == turn) else { return };
        let fails = Program::read(&service.text).fails;
        match service.phase {
            Phase::Starting if fails => self.turn_service(node, unit, Phase::Failed),
            Phase::Starting => self.turn_service(node, unit, Phase::Running),
            Phase::Running => self.turn_service(node, unit, Phase::Failed),
            Phase::Stopping => {
                let again = std::mem::take(&mut service.again);
                self.turn_service(node, unit, Phase::Dead);
                if again {
                    self.start_service(node, unit);
                }
            }
            Phase::Dead | Phase::Failed => {}
        }
    }

    /// Has a unit start; false if there is no such unit.
    pub fn start_service(&mut self, node: usize, unit: &UnitName) -> bool {
        if !self.load_service(node, unit) {
            return false;
        }
        let Some(service) = self.nodes[node].systemd.services.get_mut(unit) else { return false };
        match service.phase {
            Phase::Dead | Phase::Failed => self.turn_service(node, unit, Phase::Starting),
            Phase::Stopping => service.again = true,
            Phase::Starting | Phase::Running => {}
        }
        true
    }

    /// Has a unit stop; false if there is no such unit.
    pub fn stop_service(&mut self, node: usize, unit: &UnitName) -> bool {
        if !self.load_service(node, unit) {
            return false;
        }
        let Some(service) = self.nodes[node].systemd.services.get_mut(unit) else { return false };
        service.again = false;
        if matches!(service.phase, Phase::Starting | Phase::Running) {
            self.turn_service(node, unit, Phase::Stopping);
        }
        true
    }

    /// Forgets that a unit failed; false if there is no such unit.
    pub fn reset_service(&mut self, node: usize, unit: &UnitName) -> bool {
        let service = self.nodes[node].systemd.services.get_mut(unit);
        if let Some(service) = service.filter(|service| service.phase == Phase::Failed) {
            service.phase = Phase::Dead;
        }
        self.load_service(node, unit)
    }

    /// Enables a unit; false if there is no such unit.
    pub fn enable_service(&mut self, node: usize, unit: &UnitName) -> bool {
        let found = file_of(&self.nodes[node].dir, unit).is_some();
        if found {
            self.nodes[node].systemd.enabled.insert(unit.clone());
        }
        found
    }

    /// Disables a unit, which takes its link away too; false if there is no such unit.
    pub fn disable_service(&mut self, node: usize, unit: &UnitName) -> bool {
        let machine = &mut self.nodes[node];
        machine.systemd.enabled.remove(unit);
        fs::remove_file(machine.dir.join("run/systemd/system").join(unit.as_str())).is_ok()
    }

    /// Reads the files of units in memory again; those that neither have one nor live are forgotten.
    pub fn reload_services(&mut self, node: usize) {
        let dir = self.nodes[node].dir.clone();
        self.nodes[node].systemd.services.retain(|unit, service| match file_of(&dir, unit) {
            Some(text) => {
                service.text = text;
                true
            }
            None => service.phase.lives(),
        });
    }

    /// Reads the file of a unit that is not in memory.
    pub fn load_service(&mut self, node: usize, unit: &UnitName) -> bool {
        let text = file_of(&self.nodes[node].dir, unit);
        let services = &mut self.nodes[node].systemd.services;
        match (services.get(unit), text) {
            (Some(service), _) if service.phase != Phase::Dead => true,
            // Of what is dead systemd remembers nothing.
            (_, Some(text)) => {
                let service = Service { text, phase: Phase::Dead, again: false, turn: 0 };
                services.insert(unit.clone(), service);
                true
            }
            (_, None) => {
                services.remove(unit);
                false
            }
        }
    }

    /// Everything on a machine ends with its power.
    pub fn power_off(&mut self, node: usize) {
        self.nodes[node].systemd.enabled.clear();
        let services = std::mem::take(&mut self.nodes[node].systemd.services);
        for (unit, service) in services {
            if service.phase.lives() {
                self.observe_phase(node, &unit, service.phase, Phase::Dead);
            }
        }
    }
}
