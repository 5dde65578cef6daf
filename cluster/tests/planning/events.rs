//! Random clusters: what may happen to one, as strategies for proptest, and how each event is written into the registry.
//! Units may ask for anything, also for what validation would have refused.

use cluster::sorted::{Map, Set};
use cluster::{MachineId, TargetState, keys};
use proptest::prelude::*;

use crate::agents;
use crate::scene;
use crate::store::Store;

/// Units are `u0.service` and so on, so that globs can name several.
pub(crate) const UNITS: usize = 8;
/// Machines are `m0` and so on.
pub(crate) const MACHINES: usize = 4;

/// What happens from outside, or by chance.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// A unit is created, or its file and target are replaced.
    Submit { unit: usize, options: String, target: TargetState },
    /// Destroyed.
    Destroy { unit: usize },
    /// A machine comes, or comes back, with this metadata.
    Arrive { machine: usize, metadata: Map<String, String> },
    /// Its record expires.
    FallSilent { machine: usize },
    /// It is silent and is judged lost.
    Lose { machine: usize },
    /// It begins to leave.
    Leave { machine: usize },
    /// An operator drains it, or takes that back.
    Drain { machine: usize, on: bool },
    /// The leader plans and writes, but for the last `skipped` decisions.
    Plan { skipped: usize },
    /// The same after an agent has done something in between: guards may fail.
    PlanLate { deed: usize },
    /// One agent does one thing.
    Act { deed: usize },
}

/// A cluster in the middle of its life.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) lost: Set<MachineId>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self { store: Store::new(), lost: Set::new() }
    }

    /// Lets an event happen.
    pub(crate) fn meet(&mut self, event: &Event) {
        match event {
            Event::Submit { unit, options, target } => {
                self.store.put(&keys::spec(&scene::unit(&unit_name(*unit))), &scene::spec(options, *target));
            }
            Event::Destroy { unit } => self.store.remove(&keys::spec(&scene::unit(&unit_name(*unit)))),
            Event::Arrive { machine, metadata } => {
                let id = machine_id(*machine);
                self.lost.remove(&id);
                let presence = scene::presence(&id, metadata.clone(), false);
                self.store.put(&keys::presence(&id), &presence);
            }
            Event::FallSilent { machine } => self.store.remove(&keys::presence(&machine_id(*machine))),
            Event::Lose { machine } => {
                self.store.remove(&keys::presence(&machine_id(*machine)));
                self.lost.insert(machine_id(*machine));
            }
            Event::Leave { machine } => self.leave(&machine_id(*machine)),
            Event::Drain { machine, on: true } => {
                self.store.put_text(&keys::drain(&machine_id(*machine)), "1");
            }
            Event::Drain { machine, on: false } => self.store.remove(&keys::drain(&machine_id(*machine))),
            Event::Plan { skipped } => self.plan(*skipped),
            Event::PlanLate { deed } => {
                let plan = cluster::schedule::plan(&self.store.snapshot(), &self.lost);
                self.act(*deed);
                for decision in &plan.decisions {
                    // A refused guard is what happens to a leader that was overtaken; it plans anew.
                    let _ = self.store.enact(decision);
                }
            }
            Event::Act { deed } => self.act(*deed),
        }
    }

    fn leave(&mut self, id: &MachineId) {
        let snapshot = self.store.snapshot();
        let Some(presence) = snapshot.machines.get(id).and_then(|machine| machine.presence.as_ref()) else {
            return;
        };
        let mut presence = presence.value.clone();
        presence.leaving = true;
        self.store.put(&keys::presence(id), &presence);
    }

    fn plan(&mut self, skipped: usize) {
        let plan = cluster::schedule::plan(&self.store.snapshot(), &self.lost);
        let written = plan.decisions.len().saturating_sub(skipped);
        for decision in plan.decisions.iter().take(written) {
            self.store.enact(decision).expect("nobody else wrote");
        }
    }

    fn act(&mut self, deed: usize) {
        let deeds = agents::possible(&self.store.snapshot());
        if let Some(deed) = deeds.get(deed % deeds.len().max(1)) {
            agents::perform(&mut self.store, deed);
        }
    }
}

pub(crate) fn unit_name(number: usize) -> String {
    format!("u{number}.service")
}

pub(crate) fn machine_id(number: usize) -> MachineId {
    scene::machine(&format!("m{number}"))
}

pub(crate) fn metadata() -> impl Strategy<Value = Map<String, String>> {
    ("[ab]", "[xy]").prop_map(|(role, disk)| Map::from([("role".into(), role), ("disk".into(), disk)]))
}

/// One unit by its name, or several by a glob.
fn glob() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => (0..UNITS).prop_map(unit_name),
        1 => (0..UNITS, 0..UNITS).prop_map(|(a, b)| format!("u[{a}{b}].*")),
        1 => Just("u[0-3]*".to_string()),
    ]
}

/// One line of `[X-Fleet]`.
fn option() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => glob().prop_map(|glob| format!("Conflicts={glob}\n")),
        3 => (0..UNITS).prop_map(|unit| format!("MachineOf={}\n", unit_name(unit))),
        3 => glob().prop_map(|glob| format!("Replaces={glob}\n")),
        2 => "[ab]".prop_map(|role| format!("MachineMetadata=role={role}\n")),
        1 => "[xy]".prop_map(|disk| format!("MachineMetadata=disk={disk}\n")),
        1 => (0..MACHINES).prop_map(|machine| format!("MachineID={}\n", machine_id(machine))),
        2 => Just("Global=true\n".to_string()),
    ]
}

/// The `[X-Fleet]` lines of a unit.
pub(crate) fn options() -> impl Strategy<Value = String> {
    prop::collection::vec(option(), 0..4).prop_map(|lines| lines.concat())
}

fn target() -> impl Strategy<Value = TargetState> {
    prop_oneof![
        6 => Just(TargetState::Launched),
        2 => Just(TargetState::Loaded),
        1 => Just(TargetState::Inactive),
    ]
}

pub(crate) fn submit() -> impl Strategy<Value = Event> {
    (0..UNITS, options(), target()).prop_map(|(unit, options, target)| Event::Submit {
        unit,
        options,
        target,
    })
}

pub(crate) fn arrive() -> impl Strategy<Value = Event> {
    (0..MACHINES, metadata()).prop_map(|(machine, metadata)| Event::Arrive { machine, metadata })
}

/// How many cases a property is tried on; PROPTEST_CASES in the environment asks for more.
pub(crate) fn config() -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok());
    ProptestConfig { cases: asked.unwrap_or(100), failure_persistence: None, ..ProptestConfig::default() }
}

/// A history in which no unit uses these options.
pub(crate) fn history_without(avoided: &'static [&'static str]) -> impl Strategy<Value = Vec<Event>> {
    history().prop_map(move |mut history| {
        for event in &mut history {
            if let Event::Submit { options, .. } = event {
                *options = without(options, avoided);
            }
        }
        history
    })
}

/// The lines of a unit that do not begin with any of these options.
pub(crate) fn without(options: &str, avoided: &[&str]) -> String {
    let kept = options.lines().filter(|line| !avoided.iter().any(|option| line.starts_with(option)));
    kept.map(|line| format!("{line}\n")).collect()
}

/// A history: a cluster that has been there for a while, and then all kinds of events.
pub(crate) fn history() -> impl Strategy<Value = Vec<Event>> {
    let start = (prop::collection::vec(arrive(), 1..5), prop::collection::vec(submit(), 2..14));
    let start =
        start.prop_map(|(machines, units)| [machines, units, vec![Event::Plan { skipped: 0 }]].concat());
    (start, later()).prop_map(|(start, later)| [start, later].concat())
}

fn later() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        4 => submit(),
        1 => (0..UNITS).prop_map(|unit| Event::Destroy { unit }),
        2 => arrive(),
        1 => (0..MACHINES).prop_map(|machine| Event::FallSilent { machine }),
        1 => (0..MACHINES).prop_map(|machine| Event::Lose { machine }),
        1 => (0..MACHINES).prop_map(|machine| Event::Leave { machine }),
        1 => (0..MACHINES, any::<bool>()).prop_map(|(machine, on)| Event::Drain { machine, on }),
        3 => (0..3_usize).prop_map(|skipped| Event::Plan { skipped }),
        2 => (0..5_usize).prop_map(|deed| Event::PlanLate { deed }),
        4 => (0..5_usize).prop_map(|deed| Event::Act { deed }),
    ];
    prop::collection::vec(event, 0..20)
}
