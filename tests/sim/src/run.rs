//! One run from its beginning to the verdict: the scenario's steps, the time in which all must be well again, and the end
//! of every unit, after which nothing may be left.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::kernel::{self, Event, turn, with};
use crate::scenario::{Scenario, Step};
use crate::sim::Sim;
use crate::surroundings;

const SECOND_US: u64 = 1_000_000;
/// Until a fleet that is left alone has all its units running: the TTL of whoever is lost, another one for the judge's
/// contact, another one for the brake, the lease, and retries.
const SETTLE_US: u64 = 30 * SECOND_US;
/// The longest back-off of a unit whose systemd failed.
const BACKOFF_US: u64 = 64 * SECOND_US;
/// It has to stay so.
const STAYS_US: u64 = 10 * SECOND_US;

/// What came of a run.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// What must not be, and was; empty for a good run.
    pub problems: Vec<String>,
    /// The trace, if it was asked for.
    pub trace: Vec<String>,
    /// How often what was done.
    pub counts: BTreeMap<String, u64>,
    /// Simulated time.
    pub simulated_us: u64,
    /// From the last thing that was done until all was well.
    pub settled_us: u64,
    /// Writes of agents.
    pub writes: u64,
    /// Requests to the store.
    pub requests: u64,
    /// Two agents led at once.
    pub two_leaders: bool,
}

/// The disks of one run; gone with it.
struct Disks(PathBuf);

impl Disks {
    fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let base = [PathBuf::from("/dev/shm"), std::env::temp_dir()];
        let base = base.into_iter().find(|base| base.is_dir()).unwrap_or_default();
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        if number == 0 {
            Self::clear_away(&base);
        }
        Self(base.join(format!("skiff-sim-{}-{number}", std::process::id())))
    }

    /// Removes what simulators left that were killed.
    fn clear_away(base: &Path) {
        for entry in fs::read_dir(base).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let owner = name.to_str().and_then(|name| name.strip_prefix("skiff-sim-")?.split('-').next());
            if owner.is_some_and(|owner| !Path::new("/proc").join(owner).exists()) {
                // Another simulator may be at it as well.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }
}

impl Drop for Disks {
    fn drop(&mut self) {
        // What cannot be removed is no verdict on the run.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Runs a scenario.
#[must_use]
pub fn run(scenario: &Scenario, traced: bool) -> Verdict {
    let disks = Disks::new();
    surroundings::enter();
    kernel::begin(Sim::new(Rc::new(scenario.clone()), &disks.0, traced));
    with(prepare);
    let end_us = scenario.steps.iter().map(|step| until_ms(step) * 1000).max().unwrap_or(0) + SECOND_US;
    turn(end_us, judged);
    with(heal);
    let held_us = with(|sim| sim.held_back_us());
    let settled_us = settle(Sim::unsettled, patience(scenario) + held_us);
    if with(|sim| sim.observer.problems.is_empty()) {
        with(destroy_all);
        settle(Sim::leftovers, patience(scenario));
    }
    let Some(sim) = kernel::end() else { return Verdict::default() };
    Verdict {
        trace: sim.told(),
        problems: sim.observer.problems,
        counts: sim.observer.counts,
        simulated_us: sim.now_us,
        settled_us,
        writes: sim.writes,
        requests: sim.requests,
        two_leaders: sim.observer.two_leaders,
    }
}

/// When what a step begins is over.
fn until_ms(step: &Step) -> u64 {
    let lasts_ms = match step.word(0) {
        "once" => return step.inner().map_or(step.at_ms, |inner| until_ms(&inner)),
        "hold" => step.number(1),
        word if word.starts_with("etcd") => step.number(1),
        _ => step.number(2),
    };
    step.at_ms + lasts_ms.min(60_000)
}

fn judged(sim: &mut Sim) -> bool {
    sim.inspect();
    !sim.observer.problems.is_empty()
}

fn prepare(sim: &mut Sim) {
    sim.sync_etcd();
    for node in 0..sim.scenario.machines {
        let boot = move |sim: &mut Sim| sim.power_on(node);
        let at_us = sim.chance.of(0..=300_000);
        sim.agenda.put(at_us, Event::World(Box::new(boot)));
    }
    let scenario = Rc::clone(&sim.scenario);
    for step in scenario.steps.clone() {
        let at_us = step.at_ms * 1000;
        let take = move |sim: &mut Sim| sim.take_step(&step);
        sim.agenda.put(at_us, Event::World(Box::new(take)));
    }
}

/// Whoever is still off or away comes back, and an operator whose machines could not adopt the new store has them try
/// again.
fn heal(sim: &mut Sim) {
    for node in 0..sim.scenario.machines {
        sim.power_on(node);
        sim.start_agent(node);
    }
    if sim.observer.was_replaced() {
        sim.observer.store_replaced(sim.now_us + 2 * SECOND_US);
        sim.adopt();
    }
    sim.observer.strikes(sim.now_us);
}

fn destroy_all(sim: &mut Sim) {
    let scenario = Rc::clone(&sim.scenario);
    for unit in &scenario.units {
        let words = vec!["destroy".to_owned(), unit.name.clone()];
        let at_ms = sim.now_us / 1000;
        sim.take_step(&Step { at_ms, words });
    }
}

/// How long all may take to be well.
fn patience(scenario: &Scenario) -> u64 {
    let fails = |step: &Step| matches!(step.word(0), "systemctl" | "etcd-wiped" | "etcd-restored" | "twin");
    let waits = scenario.steps.iter().any(fails);
    let back = scenario.steps.iter().filter(|step| step.word(0) == "etcd-clock");
    let back_ms: u64 =
        back.map(|step| step.word(1).strip_prefix('-').map_or(0, |ms| ms.parse().unwrap_or(0))).sum();
    SETTLE_US + if waits { BACKOFF_US } else { 0 } + back_ms * 1000
}

/// Waits until nothing is found and stays so; what is still found when patience ends is a problem. Says how long it took.
fn settle(look: fn(&Sim) -> Vec<String>, patience_us: u64) -> u64 {
    let begun_us = with(|sim| sim.now_us);
    let mut well_us = None;
    loop {
        let now_us = with(|sim| sim.now_us);
        let found = with(|sim| look(sim));
        match (well_us, found.is_empty()) {
            (None, true) => well_us = Some(now_us),
            (Some(_), false) => well_us = None,
            _ => {}
        }
        if well_us.is_some_and(|well_us| now_us >= well_us + STAYS_US) {
            break;
        }
        if well_us.is_none() && now_us > begun_us + patience_us {
            with(|sim| sim.observer.problems.extend(found));
            break;
        }
        turn(now_us + SECOND_US / 2, judged);
        if with(|sim| !sim.observer.problems.is_empty()) {
            break;
        }
    }
    well_us.map_or(0, |well_us| well_us - begun_us)
}
