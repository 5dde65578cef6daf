//! What a start and a stop are judged by: who else runs the unit, what clients were told, who was out of sight.

use cluster::UnitName;

use super::{is_global, lately};
use crate::scenario::Unit;
use crate::sim::Sim;

impl Sim {
    /// A machine that shares another one's ID has nothing to start that runs there, as long as that one is in sight and
    /// the store keeps its record.
    fn judge_twin(&self, node: usize, unit: &UnitName) -> Option<String> {
        let (seen, now_us) = (&self.observer, self.now_us);
        let namesake = |other: usize| other != node && self.nodes[other].id == self.nodes[node].id;
        let in_sight = |other: usize| !lately(Some(seen.dark_us[other]), now_us);
        let other = seen.copies_of(unit).find(|other| namesake(*other) && in_sight(*other))?;
        let (here, there) = (&self.nodes[node].name, &self.nodes[other].name);
        (!seen.is_upset())
            .then(|| format!("{unit} starts on {here} and runs on {there}, which has the same ID"))
    }

    pub(super) fn judge_start(&self, node: usize, unit: &UnitName) -> Option<String> {
        let (seen, now_us) = (&self.observer, self.now_us);
        let twice = self.judge_twin(node, unit);
        if twice.is_some() {
            return twice;
        }
        if seen.store_excuses(now_us) || seen.was_away(node, now_us) {
            return None;
        }
        let known = seen.units.get(unit.as_str());
        if known.is_some_and(|known| known.is_not_to_run(now_us)) && !seen.was_replaced() {
            return Some(format!("{unit} is not to run and starts on {}", self.nodes[node].name));
        }
        let others = seen.copies_of(unit).find(|other| *other != node && !seen.was_away(*other, now_us));
        let other = others.filter(|_| !is_global(self.scenario.unit(unit.as_str())))?;
        let (here, there) = (&self.nodes[node].name, &self.nodes[other].name);
        Some(format!("{unit} starts on {here} and runs on {there}, and neither was out of sight"))
    }

    pub(super) fn judge_stop(&self, node: usize, unit: &UnitName) -> Option<String> {
        let (seen, now_us) = (&self.observer, self.now_us);
        let copy = seen.copies.get(unit)?.get(&node)?;
        let name = &self.nodes[node].name;
        let told = seen.announced.get(&(node, unit.to_string()));
        if told.is_none_or(|at_us| *at_us < copy.since_us) {
            return Some(format!("{unit} is stopped on {name} and the log does not say why"));
        }
        let touched = |name: &str| {
            let known = seen.units.get(name);
            known.is_some_and(|known| {
                known.busy || known.touched_us >= copy.since_us || lately(Some(known.touched_us), now_us)
            })
        };
        let relatives = self.relatives(unit.as_str());
        let moved = |other: &str| {
            UnitName::parse(other).is_ok_and(|other| seen.copies_of(&other).all(|at| at != node))
        };
        let excused = touched(unit.as_str())
            || relatives.iter().any(|other| touched(other) || moved(other))
            || seen.was_away(node, now_us)
            || seen.copies_of(unit).any(|other| other != node)
            || lately(seen.left_us[node], now_us)
            || seen.operators_us.is_some_and(|at_us| at_us >= copy.since_us || lately(Some(at_us), now_us))
            || !seen.is_strange && seen.store_excuses(now_us);
        (!excused).then(|| format!("{unit} is stopped on {name} without a cause"))
    }

    /// Units whose coming and going may move this one.
    fn relatives(&self, unit: &str) -> Vec<String> {
        let mentions = |one: &Unit, other: &str| {
            let kin = one.fleet.iter().filter(|(key, _)| key == "Conflicts" || key == "MachineOf");
            kin.into_iter().any(|(_, pattern)| crate::settled::matches(pattern, other))
        };
        let Some(own) = self.scenario.unit(unit) else { return Vec::new() };
        let all = self.scenario.units.iter().filter(|other| other.name != unit);
        let kin = all.filter(|other| mentions(own, &other.name) || mentions(other, unit));
        kin.map(|other| other.name.clone()).collect()
    }
}
