//! The double's fleet: machines, units, and what becomes of a unit when it is asked to be in a state. Placement is the
//! test's choice, not a scheduler's.

use cluster::TargetState;
use cluster::sorted::Map;
use cluster::unit_file::{UnitFile, UnitOption};

/// ID, address and metadata.
pub(crate) type Machine = (&'static str, &'static str, [(&'static str, &'static str); 3]);

/// The machines of the captured runs: ID, address, metadata.
pub(crate) const MACHINES: [Machine; 3] = [
    ("9678f7a7939f457fa0d9353761e189c7", "10.99.0.13", [("idx", "3"), ("region", "us-west"), ("role", "db")]),
    (
        "aaf2f89992379705dac844c0a2a1d45f",
        "10.99.0.12",
        [("idx", "2"), ("region", "us-west"), ("role", "web")],
    ),
    (
        "ae7be26cdaa742ca148068d5ac90eaca",
        "10.99.0.11",
        [("idx", "1"), ("region", "us-east"), ("role", "web")],
    ),
];

/// One unit.
#[derive(Clone, Debug)]
pub(crate) struct Unit {
    pub(crate) options: Vec<UnitOption>,
    pub(crate) desired: TargetState,
    /// Index into [`MACHINES`]; a global unit that is somewhere is everywhere.
    pub(crate) machine: Option<usize>,
}

/// How systemd shows a unit that was launched: ACTIVE, SUB, error.
pub(crate) type Shown = (&'static str, &'static str, &'static str);

/// The whole fleet.
#[derive(Debug, Default)]
pub(crate) struct Fleet {
    pub(crate) units: Map<String, Unit>,
    /// Which machine takes a unit; none by default.
    pub(crate) places: Map<String, usize>,
    /// What units look like that do not look as they should.
    pub(crate) shown: Map<String, Shown>,
    /// What units look like from the second look at states on.
    pub(crate) falls: Map<String, Shown>,
    /// Why machines refuse a unit, one reason for each of [`MACHINES`].
    pub(crate) refusals: Map<String, [&'static str; 3]>,
    /// A unit that others would drive away.
    pub(crate) displaced: Option<String>,
    /// The ID of the first of [`MACHINES`], if it is to be another.
    pub(crate) here: Option<String>,
    /// The address of the first of [`MACHINES`], if it is to be another.
    pub(crate) address: Option<String>,
    /// Machines that are being drained.
    pub(crate) drained: Vec<String>,
    /// Every request so far, as `METHOD path?query`.
    pub(crate) asked: Vec<String>,
    /// Bytes of all lists of units so far.
    pub(crate) listed_bytes: usize,
    /// Answered instead of the fleet's own answer: method and path, status, message.
    pub(crate) refused: Option<(String, u16, &'static str)>,
    /// Lists come in pages of this many, and `all` is not known: an old server.
    pub(crate) page: Option<usize>,
}

impl Fleet {
    /// A fleet without units that places each unit named on one machine.
    pub(crate) fn placing(places: &[(&str, usize)]) -> Self {
        let places = places.iter().map(|(name, machine)| ((*name).to_owned(), *machine)).collect();
        Self { places, ..Self::default() }
    }

    /// The ID of a machine by its index.
    pub(crate) fn machine_id(&self, index: usize) -> &str {
        match &self.here {
            Some(here) if index == 0 => here,
            _ => MACHINES[index].0,
        }
    }

    /// Stores a unit file as if somebody had, in the state given.
    pub(crate) fn has(&mut self, name: &str, text: &str, state: TargetState) {
        let options = UnitFile::parse(text).unwrap().options().to_vec();
        self.units.insert(name.to_owned(), Unit { options, desired: TargetState::Inactive, machine: None });
        self.set(name, state);
    }

    /// Asks for a state; the unit is in it at once, if a machine takes it.
    pub(crate) fn set(&mut self, name: &str, state: TargetState) {
        let place = self.places.get(name).copied();
        let Some(unit) = self.units.get_mut(name) else { return };
        unit.desired = state;
        let everywhere = unit.is_global().then_some(0);
        unit.machine = if state.wants_machine() { everywhere.or(place) } else { None };
    }

    /// ACTIVE, SUB and error of each copy, by index of its machine.
    pub(crate) fn copies(&self, name: &str) -> Vec<(usize, Shown)> {
        let Some(unit) = self.units.get(name) else { return Vec::new() };
        let looks = self.asked.iter().filter(|asked| asked.starts_with("GET state")).count();
        let fallen = self.falls.get(name).filter(|_| looks > 1);
        let shown = match (unit.desired, fallen.or(self.shown.get(name))) {
            (_, Some(shown)) => *shown,
            (TargetState::Launched, None) => ("active", "running", ""),
            _ => ("inactive", "dead", ""),
        };
        match unit.machine {
            Some(_) if unit.is_global() => (0..MACHINES.len()).map(|machine| (machine, shown)).collect(),
            Some(machine) => vec![(machine, shown)],
            None => Vec::new(),
        }
    }
}

impl Unit {
    pub(crate) fn is_global(&self) -> bool {
        self.options.iter().any(|option| option.name == "Global" && option.value == "true")
    }
}
