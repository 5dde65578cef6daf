//! What this machine holds, as the reconcile loop remembers it between passes: markers, what systemd said last,
//! units in trouble. It turns that into what `cluster::reconcile` plans with and into the rows to publish.

use cluster::backoff::Trouble;
use cluster::desired::Known;
use cluster::event::Event;
use cluster::reconcile::{Activity, Have, Want};
use cluster::records::{Marker, StateRow};
use cluster::sorted::{Map, Set};
use cluster::{Hash, UnitName};
use systemd_shim::UnitStatus;

use crate::events::{About, tell};
use crate::hands::{Failures, Writing, marker};

/// The machine's memory of its units.
#[derive(Debug, Default)]
pub struct Holdings {
    /// What was done with each unit last.
    pub markers: Map<UnitName, Marker>,
    /// Units that have a file.
    pub files: Set<UnitName>,
    /// What systemd said of each last.
    pub statuses: Map<UnitName, UnitStatus>,
    /// Units systemd is to be asked about again.
    pub dirty: Set<UnitName>,
    /// Units that failed and wait.
    pub troubles: Map<UnitName, Trouble>,
    /// What systemd says of each unit that has failed, until it is no longer failed.
    pub failures: Map<UnitName, String>,
    /// Requirements of the specs that have been read.
    pub known: Known,
}

impl Holdings {
    /// Every unit that this machine has something of.
    #[must_use]
    pub fn units(&self) -> Set<UnitName> {
        self.markers.keys().chain(&self.files).cloned().collect()
    }

    /// Notes that a unit's file was put in place.
    pub fn add_unit(&mut self, writing: &Writing) {
        let unit = &writing.unit;
        self.markers.insert(unit.clone(), marker(writing));
        self.files.insert(unit.clone());
        self.dirty.insert(unit.clone());
    }

    /// Notes that a unit's file is in place and that systemd may not know of it: it is to be written again.
    pub fn add_unfinished(&mut self, writing: &Writing) {
        self.add_unit(writing);
        if let Some(marker) = self.markers.get_mut(&writing.unit) {
            marker.hash = Hash::of("");
        }
    }

    /// Notes that nothing of a unit is here any more.
    pub fn drop_unit(&mut self, unit: &UnitName) {
        self.markers.remove(unit);
        self.files.remove(unit);
        self.statuses.remove(unit);
        self.failures.remove(unit);
        self.troubles.remove(unit);
    }

    /// What a plan needs to know of each unit.
    #[must_use]
    pub fn have(&self) -> Map<UnitName, Have> {
        let have = |unit: &UnitName| Have {
            marker: self.markers.get(unit).cloned(),
            file: self.files.contains(unit),
            activity: self.statuses.get(unit).map_or(Activity::Dead, |status| Activity::of(&status.active)),
        };
        self.units().into_iter().map(|unit| (unit.clone(), have(&unit))).collect()
    }

    /// True while systemd is on its way with any unit of this machine.
    #[must_use]
    pub fn is_settling(&self) -> bool {
        self.statuses.values().any(UnitStatus::is_settling)
    }

    /// Notes that a step failed for some units: each waits for itself.
    pub fn failed(&mut self, wants: &Map<UnitName, Want>, failures: &Failures, now_ms: u64) {
        for (unit, error) in failures {
            let Some(aim) = wants.get(unit).and_then(|want| want.aim(self.markers.get(unit))) else {
                continue;
            };
            let trouble = Trouble::after(self.troubles.get(unit), aim, error, now_ms);
            let seconds = (trouble.retry_at_ms - now_ms) / 1000;
            let about = About { unit: Some(unit), reason: error, ..About::default() };
            tell(Event::UnitBackedOff, about, format_args!("unit {unit}: {error}; next try in {seconds} s"));
            self.troubles.insert(unit.clone(), trouble);
        }
    }

    /// Forgets the troubles of units for which something else is wanted now.
    pub fn forgive(&mut self, wants: &Map<UnitName, Want>) {
        let markers = &self.markers;
        self.troubles.retain(|unit, trouble| {
            wants.get(unit).and_then(|want| want.aim(markers.get(unit))).is_some_and(|aim| aim == trouble.aim)
        });
    }

    /// The rows to publish: one for each unit here, and one for each that should be here and failed.
    #[must_use]
    pub fn rows(&self, wants: &Map<UnitName, Want>) -> Map<UnitName, StateRow> {
        let absent = UnitStatus::absent();
        let error = |unit: &UnitName| {
            let trouble = self.troubles.get(unit).map(|trouble| &trouble.error);
            trouble.or_else(|| self.failures.get(unit)).cloned().unwrap_or_default()
        };
        let mut rows = Map::new();
        for (unit, marker) in &self.markers {
            let status = self.statuses.get(unit).unwrap_or(&absent);
            let (load, active, sub) = (status.load.clone(), status.active.clone(), status.sub.clone());
            let (incarnation, hash, order) = (marker.incarnation, marker.hash, Some(marker.order));
            rows.insert(
                unit.clone(),
                StateRow { incarnation, hash, order, load, active, sub, error: error(unit) },
            );
        }
        for (unit, want) in wants {
            let Want::Hold { incarnation, hash, .. } = want else { continue };
            if self.troubles.contains_key(unit) && !rows.contains_key(unit) {
                let (load, active, sub) = (absent.load.clone(), absent.active.clone(), absent.sub.clone());
                let (incarnation, hash) = (*incarnation, *hash);
                let row = StateRow { incarnation, hash, order: None, load, active, sub, error: error(unit) };
                rows.insert(unit.clone(), row);
            }
        }
        rows
    }
}
