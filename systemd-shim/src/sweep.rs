//! The slow look for what inotify missed: links and control groups compared with the states last known, from
//! two kinds of files and without starting a process. Only where they disagree is systemctl worth its cost.

use std::io;

use cluster::UnitName;
use cluster::sorted::{Map, Set};

use crate::changes::{Changes, unit_of_link};
use crate::states::UnitStatus;

/// What the files show of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sign {
    /// It has an invocation link.
    pub linked: bool,
    /// Its control group has a process; `None` if there is no group to look at.
    pub populated: Option<bool>,
}

/// How files and status contradict each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disagreement {
    /// Known as dead, and it has an invocation link.
    DeadButLinked,
    /// Known as dead, and processes live in its control group.
    DeadButPopulated,
    /// A service known as active, and no link.
    ActiveButUnlinked,
    /// Known as running, and nothing lives in its control group.
    RunningButEmpty,
}

/// What a sweep found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sweep {
    /// Units to ask systemd about.
    pub disagreements: Map<UnitName, Disagreement>,
    /// Units of types that leave no trace in these files (timers, targets, paths, sockets, …): nothing can be
    /// said about them here.
    pub unseen: Set<UnitName>,
}

impl Changes {
    /// Compares what the files show of the watched units with `known`. A disagreement is told once per status
    /// and sign: if systemd confirms the status (a service without any program of its own has no link), the
    /// next sweep is silent about it.
    ///
    /// # Errors
    /// The directory of links cannot be read. That it does not exist is no error: then there are no links.
    pub fn sweep(&mut self, known: &Map<UnitName, UnitStatus>) -> io::Result<Sweep> {
        self.mend_links();
        let linked = self.linked_units()?;
        let mut sweep = Sweep::default();
        for (unit, status) in known {
            if !self.units.contains_key(unit) {
                continue;
            }
            if !leaves_traces(unit) {
                sweep.unseen.insert(unit.clone());
            }
            let sign = self.sign(unit, linked.contains(unit));
            let found = disagreement(unit, status, sign);
            if found.is_some() {
                // An event was missed, so the group may be another one too.
                self.follow_group(unit);
            }
            let Some(watched) = self.units.get_mut(unit) else { continue };
            let told = found.map(|_| (sign, status.clone()));
            if let Some(found) = found.filter(|_| watched.told != told) {
                sweep.disagreements.insert(unit.clone(), found);
            }
            watched.told = told;
        }
        Ok(sweep)
    }

    fn sign(&self, unit: &UnitName, linked: bool) -> Sign {
        let slice = self.units.get(unit).and_then(|watched| watched.slice.as_deref());
        Sign { linked, populated: self.groups.is_populated(unit, slice) }
    }

    fn linked_units(&self) -> io::Result<Set<UnitName>> {
        let entries = match std::fs::read_dir(&self.link_dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Set::new()),
            other => other?,
        };
        let mut linked = Set::new();
        for entry in entries {
            linked.extend(unit_of_link(entry?.file_name()).filter(|unit| self.units.contains_key(unit)));
        }
        Ok(linked)
    }
}

/// The types of unit that start programs, and so have links and groups.
fn leaves_traces(unit: &UnitName) -> bool {
    matches!(unit.suffix(), "service" | "mount" | "swap" | "scope")
}

fn disagreement(unit: &UnitName, status: &UnitStatus, sign: Sign) -> Option<Disagreement> {
    // On its way to another state a unit is looked at again soon anyhow.
    if status.is_settling() {
        return None;
    }
    if status.is_dead() {
        return match sign {
            Sign { linked: true, .. } => Some(Disagreement::DeadButLinked),
            Sign { populated: Some(true), .. } => Some(Disagreement::DeadButPopulated),
            Sign { .. } => None,
        };
    }
    // Mounts and scopes can be active without systemd having started anything for them.
    if unit.suffix() == "service" && !sign.linked {
        return Some(Disagreement::ActiveButUnlinked);
    }
    (status.sub == "running" && sign.populated == Some(false)).then_some(Disagreement::RunningButEmpty)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(unit: &str, words: [&str; 2], linked: bool, populated: Option<bool>) -> Option<Disagreement> {
        let status = UnitStatus::new("loaded", words[0], words[1]);
        disagreement(&UnitName::parse(unit).expect("valid name"), &status, Sign { linked, populated })
    }

    #[test]
    fn agreeing_signs_are_silent() {
        assert_eq!(found("a.service", ["active", "running"], true, Some(true)), None);
        assert_eq!(found("a.service", ["active", "running"], true, None), None);
        assert_eq!(found("a.service", ["active", "exited"], true, Some(false)), None);
        assert_eq!(found("a.service", ["inactive", "dead"], false, None), None);
        assert_eq!(found("a.service", ["failed", "failed"], false, Some(false)), None);
        assert_eq!(found("a.timer", ["active", "waiting"], false, None), None);
        assert_eq!(found("a.mount", ["active", "mounted"], false, None), None);
    }

    #[test]
    fn each_contradiction_has_its_name() {
        use Disagreement::*;
        assert_eq!(found("a.service", ["inactive", "dead"], true, None), Some(DeadButLinked));
        assert_eq!(found("a.service", ["failed", "failed"], false, Some(true)), Some(DeadButPopulated));
        assert_eq!(found("a.service", ["active", "running"], false, None), Some(ActiveButUnlinked));
        assert_eq!(found("a.service", ["active", "running"], true, Some(false)), Some(RunningButEmpty));
    }

    #[test]
    fn units_on_their_way_are_left_alone() {
        assert_eq!(found("a.service", ["activating", "auto-restart"], false, None), None);
        assert_eq!(found("a.service", ["deactivating", "stop"], true, Some(false)), None);
    }
}
