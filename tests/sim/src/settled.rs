//! What holds once nothing has been done to the fleet for the promised time: every unit is where it should be or has a
//! reason, the registry holds what clients were told, and nothing is left of what was destroyed. Worked out from raw
//! keys and from the machines themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use cluster::records::{Placement, Spec as Record, StateRow};
use cluster::{TargetState, UnitName, json};

use crate::observer::Spec;
use crate::scenario::Unit;
use crate::sim::Sim;
use crate::systemd::{GROUPS, Phase};

/// The registry as raw keys.
struct Keys(BTreeMap<String, String>, BTreeMap<String, u64>);

impl Keys {
    fn spec(&self, unit: &str) -> Spec {
        let record: Record = json::decode(self.0.get(&format!("units/{unit}"))?.as_bytes()).ok()?;
        let line = record.unit.lines().find_map(|line| line.strip_prefix("Description=version "));
        Some((record.target, line.and_then(|version| version.parse().ok()).unwrap_or(0)))
    }

    fn holder(&self, unit: &str) -> Option<String> {
        let text = self.0.get(&format!("placements/{unit}"))?;
        let placement: Placement = json::decode(text.as_bytes()).ok()?;
        Some(placement.machine.as_str().to_owned())
    }
}

/// A pattern with at most one `*`, which is all that scenarios use.
#[must_use]
pub fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        Some((head, tail)) => {
            name.len() >= head.len() + tail.len() && name.starts_with(head) && name.ends_with(tail)
        }
        None => pattern == name,
    }
}

fn values<'a>(unit: &'a Unit, key: &'a str) -> impl Iterator<Item = &'a str> {
    unit.fleet.iter().filter(move |(name, _)| name == key).map(|(_, value)| value.as_str())
}

/// A unit whose machines were lost twice in a row soon after it came is held back that long, and twice as long after
/// each further loss.
const HELD_US: u64 = 24_000_000;

impl Sim {
    /// How long units may yet be held back whose machines were lost soon after they came.
    #[must_use]
    pub fn held_back_us(&self) -> u64 {
        let keys = self.keys().0;
        let setbacks = keys.into_iter().filter(|(key, _)| key.starts_with("setbacks/"));
        let losses = setbacks.filter_map(|(_, value)| json::decode::<Placement>(value.as_bytes()).ok());
        let most = losses.map(|setback| setback.losses).max();
        most.map_or(0, |losses| HELD_US << losses.saturating_sub(2).min(4))
    }

    fn keys(&self) -> Keys {
        let (leaves, _) = self.etcd.all(self.now_us);
        let created = leaves.iter().map(|(key, node)| (key.clone(), node.created)).collect();
        Keys(leaves.into_iter().map(|(key, node)| (key, node.value)).collect(), created)
    }

    /// What is not as it should be once all is quiet.
    #[must_use]
    pub fn unsettled(&self) -> Vec<String> {
        let keys = self.keys();
        let mut found = Vec::new();
        for unit in &self.scenario.units {
            let spec = keys.spec(&unit.name);
            if let Some(known) = self.observer.units.get(&unit.name)
                && !known.possible.contains(&spec)
                && !self.observer.was_replaced()
            {
                let possible = &known.possible;
                found.push(format!(
                    "{}: the registry has {spec:?}, clients were told {possible:?}",
                    unit.name
                ));
            }
            found.extend(self.misplaced(unit, spec, &keys));
            found.extend((0..self.office()).filter_map(|node| self.mistold(node, unit, &keys)));
            found.extend((0..self.office()).filter_map(|node| self.misknown(node, &unit.name)));
        }
        found
    }

    /// What a machine's systemd takes a unit for that its file does not say.
    fn misknown(&self, node: usize, unit: &str) -> Option<String> {
        let (machine, name) = (&self.nodes[node], UnitName::parse(unit).ok()?);
        let text = fs::read_to_string(machine.dir.join("run/fleet/units").join(unit)).ok();
        let text = text.filter(|_| machine.up)?;
        let enabled = machine.systemd.enabled.contains(&name);
        if text.contains("[Install]") != enabled {
            return Some(format!("{unit} on {}: enabled is {enabled}", machine.name));
        }
        let runs = machine.systemd.services.get(&name).filter(|service| service.phase.lives());
        let other = runs.is_some_and(|service| service.text != text);
        other.then(|| format!("{unit} on {} runs another file than the one in place", machine.name))
    }

    /// What a machine's state row says that is not so: there is one for each unit it has, under its present session.
    fn mistold(&self, node: usize, unit: &Unit, keys: &Keys) -> Option<String> {
        let (machine, name) = (&self.nodes[node], UnitName::parse(&unit.name).ok()?);
        if !self.has_file(node, &unit.name) {
            return None;
        }
        let session = keys.1.get(&format!("machines/{}/presence", machine.id)).copied().unwrap_or(0);
        let text = keys.0.get(&format!("states/{}/{session}/{}", machine.id, unit.name));
        let row = text.and_then(|text| json::decode::<StateRow>(text.as_bytes()).ok());
        let service = machine.systemd.services.get(&name);
        let active = service.map_or(Phase::Dead, |service| service.phase).words().0;
        let told = row.map(|row| row.active);
        (told.as_deref() != Some(active))
            .then(|| format!("{name} is {active} on {}, and its state row says {told:?}", machine.name))
    }

    fn misplaced(&self, unit: &Unit, spec: Spec, keys: &Keys) -> Option<String> {
        let name = UnitName::parse(&unit.name).ok()?;
        let runs: BTreeSet<usize> = self.observer.copies_of(&name).collect();
        let files: BTreeSet<usize> =
            (0..self.office()).filter(|node| self.has_file(*node, &unit.name)).collect();
        let ends = unit.program.contains("fails") || unit.program.contains("dies");
        let target = spec.map_or(TargetState::Inactive, |(target, _)| target);
        let able: BTreeSet<usize> =
            (0..self.office()).filter(|node| self.is_able(*node, unit, keys)).collect();
        let global = values(unit, "Global").next().is_some();
        let (want_files, want_runs) = match target {
            TargetState::Inactive => (Some(BTreeSet::new()), Some(BTreeSet::new())),
            TargetState::Loaded if global => (Some(able), Some(BTreeSet::new())),
            TargetState::Launched if global => (Some(able.clone()), (!ends).then_some(able)),
            TargetState::Loaded => (None, Some(BTreeSet::new())),
            TargetState::Launched => (None, None),
        };
        let name = &unit.name;
        if want_runs.is_some_and(|want| want != runs) || want_files.is_some_and(|want| want != files) {
            return Some(format!("{name}, {target}: runs on {runs:?}, files on {files:?}"));
        }
        if global || target == TargetState::Inactive {
            return None;
        }
        let Some(holder) = keys.holder(name) else {
            let could: Vec<usize> =
                (0..self.office()).filter(|node| self.is_able(*node, unit, keys)).collect();
            let why = format!("{name}, {target}: is on no machine, and {could:?} could take it");
            return (!could.is_empty() || !runs.is_empty() || !files.is_empty()).then_some(why);
        };
        let here: BTreeSet<usize> = (0..self.office())
            .filter(|node| self.nodes[*node].up && self.nodes[*node].id.as_str() == holder)
            .collect();
        let running = target == TargetState::Loaded || ends || runs == here;
        (!running || files != here || here.len() != 1)
            .then(|| format!("{name}, {target}: placed on {here:?}, runs on {runs:?}, files on {files:?}"))
    }

    fn has_file(&self, node: usize, unit: &str) -> bool {
        self.nodes[node].up && self.nodes[node].dir.join("run/fleet/units").join(unit).exists()
    }

    /// True if a machine could take a unit as things are: there, not to be emptied, of the right kind, with the partner
    /// and without the rivals.
    fn is_able(&self, node: usize, unit: &Unit, keys: &Keys) -> bool {
        let machine = &self.nodes[node];
        let id = machine.id.as_str();
        let folder = format!("machines/{id}");
        if !machine.up || machine.agent.is_none() || keys.0.contains_key(&format!("{folder}/drain")) {
            return false;
        }
        let has = |wanted: &str| {
            let (key, value) = wanted.split_once('=').unwrap_or((wanted, ""));
            match keys.0.get(&format!("{folder}/metadata/{key}")) {
                Some(patched) => patched == value,
                None => machine.metadata == wanted,
            }
        };
        let here = |other: &Unit| keys.holder(&other.name).is_some_and(|holder| holder == id);
        let rivals =
            |one: &Unit, other: &Unit| values(one, "Conflicts").any(|pattern| matches(pattern, &other.name));
        let others = || self.scenario.units.iter().filter(|other| other.name != unit.name);
        values(unit, "MachineMetadata").all(has)
            && values(unit, "MachineOf").all(|other| keys.holder(other).is_some_and(|holder| holder == id))
            && !others().any(|other| here(other) && (rivals(unit, other) || rivals(other, unit)))
    }

    /// What is left although every unit was destroyed.
    #[must_use]
    pub fn leftovers(&self) -> Vec<String> {
        let stays = |key: &str| {
            let kept = ["fleet/l", "events/", "leader/"].iter().any(|folder| key.starts_with(folder));
            kept || key.starts_with("machines/") && !key.contains("/assigned/")
        };
        let mut found: Vec<String> = self.keys().0.into_keys().filter(|key| !stays(key)).collect();
        for machine in self.nodes.iter().filter(|machine| machine.up) {
            for folder in ["fleet/units", "fleet/markers", "systemd/system", "systemd/units", GROUPS] {
                let entries =
                    fs::read_dir(machine.dir.join("run").join(folder)).into_iter().flatten().flatten();
                found.extend(entries.map(|entry| format!("{}: {}", machine.name, entry.path().display())));
            }
            let alive = machine.systemd.services.iter().filter(|(_, service)| service.phase.lives());
            found.extend(alive.map(|(unit, _)| format!("{}: {unit} runs", machine.name)));
            let enabled = machine.systemd.enabled.iter();
            found.extend(enabled.map(|unit| format!("{}: {unit} is enabled", machine.name)));
        }
        found
    }
}
