//! The agent's hands on its machine: unit files, links and systemd, one blocking call for each kind of step, with a
//! verdict for each unit. It knows how a step is done and nothing of why; markers are its memory of what was done.

use cluster::backoff::bounded;
use cluster::records::Marker;
use cluster::sorted::{Map, Set};
use cluster::state::Order;
use cluster::unit_file::UnitFile;
use cluster::{Hash, Incarnation, UnitName};
use systemd_shim::{BatchError, Systemd, SystemdError, UnitDir, UnitLinks, UnitStatus};

use crate::runtime_dir::RuntimeDir;

/// Log lines of a failed unit that are published with it.
const LOG_LINES: usize = 5;

/// Units a step failed for, each with what went wrong.
pub type Failures = Map<UnitName, String>;

/// A unit file to be put in place.
#[derive(Clone, Debug)]
pub struct Writing {
    /// The unit.
    pub unit: UnitName,
    /// Which unit of that name.
    pub incarnation: Incarnation,
    /// Hash of its file.
    pub hash: Hash,
    /// The file.
    pub file: UnitFile,
    /// A copy of a global unit.
    pub global: bool,
    /// How far the order got that the file is written for.
    pub order: Order,
    /// A start or a stop was asked for, and nobody knows yet what became of it.
    pub stopping: bool,
    /// The marker is of this very file, which only went missing.
    pub known: bool,
}

/// What the hands work with. Cloning shares the same folders.
#[derive(Clone, Debug)]
pub struct Hands {
    /// The manager.
    pub systemd: Systemd,
    /// Unit files.
    pub units: UnitDir,
    /// Links to them where the manager looks.
    pub links: UnitLinks,
    /// Markers.
    pub runtime: RuntimeDir,
}

impl Hands {
    /// What systemd says of the units.
    ///
    /// # Errors
    /// systemd could not be asked.
    pub fn states(&self, units: &Set<UnitName>) -> Result<Map<UnitName, UnitStatus>, SystemdError> {
        let names: Vec<UnitName> = units.iter().cloned().collect();
        if names.is_empty() {
            return Ok(Map::new());
        }
        let mut states = self.systemd.states(&names)?;
        // systemd drops units from memory that have nothing running; whether they could be loaded it says when asked.
        let (absent, dropped) = (UnitStatus::absent(), names.into_iter());
        let dropped: Vec<UnitName> = dropped.filter(|unit| states.get(unit) == Some(&absent)).collect();
        if !dropped.is_empty() {
            states.append(&mut self.systemd.looked_up(&dropped)?);
        }
        Ok(states)
    }

    /// Why a unit has failed, in systemd's words, with its last log lines; bounded.
    #[must_use]
    pub fn why_failed(&self, unit: &UnitName) -> String {
        let mut parts = match self.systemd.failure(unit) {
            Ok(failure) => vec![failure.to_string()],
            Err(error) => vec![error.to_string()],
        };
        parts.extend(self.systemd.journal_tail(unit, LOG_LINES).unwrap_or_default());
        bounded(&parts.join("\n"))
    }

    /// The last `Slice=` of a unit's file, which tells where its control group is.
    #[must_use]
    pub fn slice_of(&self, unit: &UnitName) -> Option<String> {
        let file = UnitFile::parse(&self.units.read(unit).ok()??).ok()?;
        file.options().iter().rev().find(|option| option.name == "Slice").map(|option| option.value.clone())
    }

    /// Asks systemd to stop units.
    #[must_use]
    pub fn stop(&self, units: &[UnitName]) -> Failures {
        batch("stop", units, self.systemd.stop(units))
    }

    /// Asks systemd to start units.
    #[must_use]
    pub fn start(&self, units: &[UnitName]) -> Failures {
        batch("start", units, self.systemd.start(units))
    }

    /// Takes dead units off this machine: what `[Install]` enabled, the file, the link, a remembered failure, and
    /// last the marker, so that a removal that was cut short is taken up again. The file goes before the link: whoever
    /// wants the unit after all writes both where the file is missing, and takes one that is there to be linked.
    #[must_use]
    pub fn remove(&self, units: &[UnitName]) -> Failures {
        let mut failures = Failures::new();
        for unit in units {
            if let Err(error) = self.take_off(unit) {
                failures.insert(unit.clone(), error);
            }
        }
        let gone: Vec<UnitName> =
            units.iter().filter(|unit| !failures.contains_key(*unit)).cloned().collect();
        if !gone.is_empty() {
            failures.extend(batch("reset", &gone, self.systemd.reset_failed(&gone)));
        }
        for unit in gone.iter().filter(|unit| !failures.contains_key(*unit)).collect::<Vec<_>>() {
            if let Err(error) = self.runtime.unmark(unit) {
                failures.insert(unit.clone(), error.to_string());
            }
        }
        failures
    }

    fn take_off(&self, unit: &UnitName) -> Result<(), String> {
        if self.enabled(unit).is_some() {
            self.systemd.disable_runtime(unit).map_err(|error| error.to_string())?;
        }
        #[cfg(feature = "simulation")]
        crate::simulation::step("remove", &self.units.path_of(unit));
        self.units.remove(unit).map_err(|error| error.to_string())?;
        #[cfg(feature = "simulation")]
        crate::simulation::step("unlink", &self.units.path_of(unit));
        self.links.unlink(unit).map_err(|error| error.to_string())?;
        Ok(())
    }

    /// True if a unit's file is there and systemd finds it: what `[Install]` enabled takes the link away with it.
    #[must_use]
    pub fn has_in_place(&self, unit: &UnitName) -> bool {
        self.units.path_of(unit).exists() && self.links.is_linked(unit).unwrap_or(true)
    }

    /// The file of a unit that has an `[Install]` section, as it is in place.
    fn enabled(&self, unit: &UnitName) -> Option<String> {
        let text = self.units.read(unit).unwrap_or_default()?;
        UnitFile::parse(&text).is_ok_and(|file| file.has_install()).then_some(text)
    }

    /// Puts unit files in place and makes systemd see them: one reload for all if any is in systemd's memory already,
    /// none if it has seen none of them. The marker of a unit is that of its new file only once all of this is done: whoever
    /// takes over from an agent that was killed in between begins again.
    #[must_use]
    pub fn write(&self, writings: &[Writing]) -> Failures {
        let mut failures = Failures::new();
        for writing in writings {
            if let Err(error) = self.put(writing) {
                failures.insert(writing.unit.clone(), error);
            }
        }
        let names: Vec<UnitName> = writings.iter().map(|writing| writing.unit.clone()).collect();
        let reload =
            self.systemd.states(&names).map_or(true, |known| known.values().any(UnitStatus::needs_reload));
        let placed: Vec<&Writing> =
            writings.iter().filter(|writing| !failures.contains_key(&writing.unit)).collect();
        if reload && let Err(error) = self.systemd.daemon_reload() {
            failures.extend(placed.iter().map(|writing| (writing.unit.clone(), error.to_string())));
            return failures;
        }
        for writing in placed {
            let installed = if writing.file.has_install() { self.install(writing) } else { Ok(()) };
            let marked = || self.runtime.mark(&writing.unit, &marker(writing)).map_err(|e| e.to_string());
            if let Err(error) = installed.and_then(|()| marked()) {
                failures.insert(writing.unit.clone(), error);
            }
        }
        failures
    }

    /// A marker that is of no file yet, file and link. A unit that cannot have all of them keeps none of them, but for a
    /// file that was there before.
    fn put(&self, writing: &Writing) -> Result<(), String> {
        let unit = &writing.unit;
        if !writing.known {
            self.runtime.mark(unit, &begun(writing)).map_err(|error| error.to_string())?;
        }
        let text = writing.file.serialise();
        let enabled = self.enabled(unit).filter(|old| *old != text && !writing.file.has_install());
        let disabled = enabled.map_or(Ok(()), |_| self.systemd.disable_runtime(unit));
        disabled.map_err(|error| error.to_string())?;
        #[cfg(feature = "simulation")]
        crate::simulation::step("write", &self.units.path_of(unit));
        if let Err(error) = self.units.write(unit, &text) {
            let error = error.to_string();
            let kept = self.units.path_of(unit).exists();
            return Err(if kept { error } else { self.undo(writing, error) });
        }
        #[cfg(feature = "simulation")]
        crate::simulation::step("link", &self.units.path_of(unit));
        self.links.link(unit).map(drop).map_err(|error| self.undo(writing, error.to_string()))
    }

    /// Takes off again what could not be put in place to the end; says so if that fails too. The marker of a unit that was
    /// here before stays: it may run.
    fn undo(&self, writing: &Writing, error: String) -> String {
        let unmark = |()| match writing.known {
            true => Ok(()),
            false => self.runtime.unmark(&writing.unit).map_err(|error| error.to_string()),
        };
        match self.take_off(&writing.unit).and_then(unmark) {
            Ok(()) => error,
            Err(worse) => format!("{error}; and {worse}"),
        }
    }

    /// Enables a unit that has an `[Install]` section; one that cannot be is taken off again (contract §2.7).
    fn install(&self, writing: &Writing) -> Result<(), String> {
        let enabled = self.systemd.enable_runtime(&writing.unit).and_then(|()| self.systemd.daemon_reload());
        enabled.map_err(|error| {
            self.undo(writing, format!("Failed to enable systemd unit {}: {error}", writing.unit))
        })
    }
}

/// The marker of a unit whose file has just been put in place.
#[must_use]
pub fn marker(writing: &Writing) -> Marker {
    Marker {
        incarnation: writing.incarnation,
        hash: writing.hash,
        order: writing.order,
        global: writing.global,
        stopping: writing.stopping,
    }
}

/// The marker of a unit whose file is not in place yet: one of no file, so that it is written again.
fn begun(writing: &Writing) -> Marker {
    Marker { hash: Hash::of(""), ..marker(writing) }
}

/// The failures of a batch verb, unit by unit; units in doubt have failed as far as the plan is concerned.
fn batch(verb: &str, units: &[UnitName], result: Result<(), BatchError>) -> Failures {
    let Err(error) = result else { return Failures::new() };
    let cause = error.cause.as_ref().map_or_else(|| "no answer".to_string(), ToString::to_string);
    let refused = error.refused.into_iter().map(|refusal| (refusal.unit, refusal.reason));
    let doubtful = error.unknown.into_iter().map(|unit| (unit, format!("{verb} in doubt: {cause}")));
    refused.chain(doubtful).filter(|(unit, _)| units.contains(unit)).collect()
}
