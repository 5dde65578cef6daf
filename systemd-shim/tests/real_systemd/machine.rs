//! One systemd with a units directory, as an agent would have it.

use std::fs;
use std::path::PathBuf;
use std::slice::from_ref as one;

use cluster::UnitName;
use cluster::sorted::Map;
use systemd_shim::{Systemd, UnitDir, UnitLinks, UnitStatus};

use crate::user_manager::UserManager;
use crate::waiting::wait_for;

/// A unit that runs until it is stopped.
pub(crate) const SLEEPER: &str = "[Service]\nExecStart=/bin/sleep infinity\n";

pub(crate) struct Machine {
    pub(crate) systemd: Systemd,
    pub(crate) units: UnitDir,
    pub(crate) links: UnitLinks,
    manager: UserManager,
}

pub(crate) fn unit(text: &str) -> UnitName {
    UnitName::parse(text).expect("valid name")
}

impl Machine {
    pub(crate) fn start() -> Self {
        let manager = UserManager::start();
        let systemd = manager.systemd();
        let units = UnitDir::open(manager.dir().join("units")).expect("opens");
        let links = UnitLinks::new(systemd.paths(), &units);
        Self { systemd, units, links, manager }
    }

    /// Writes and links a unit.
    pub(crate) fn put(&self, name: &str, text: &str) -> UnitName {
        let unit = unit(name);
        self.units.write(&unit, text).expect("writes");
        self.links.link(&unit).expect("links");
        unit
    }

    pub(crate) fn status(&self, unit: &UnitName) -> UnitStatus {
        self.states(one(unit)).remove(unit).expect("a state for each unit asked about")
    }

    pub(crate) fn states(&self, units: &[UnitName]) -> Map<UnitName, UnitStatus> {
        self.systemd.states(units).expect("systemd answers")
    }

    /// Waits until every unit is in this active state.
    pub(crate) fn wait_all(&self, units: &[UnitName], active: &str) {
        wait_for(&format!("{} units to be {active}", units.len()), || {
            let others: Vec<_> = self.states(units).into_iter().filter(|(_, s)| s.active != active).collect();
            if others.is_empty() { Ok(()) } else { Err(others) }
        });
    }

    pub(crate) fn wait(&self, unit: &UnitName, active: &str) {
        self.wait_all(one(unit), active);
    }

    /// A path a unit and a test may both use.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.manager.dir().join(name)
    }

    /// Waits for a file a unit writes.
    pub(crate) fn content(&self, name: &str) -> String {
        wait_for(name, || match fs::read_to_string(self.file(name)) {
            Ok(text) if text.ends_with('\n') => Ok(text),
            other => Err(other.map_err(|error| error.to_string())),
        })
    }
}
