//! The cluster at one moment of the store, built leaf by leaf from one read. It only holds what was read and
//! answers simple questions about it; what ought to change is for `schedule` to say.
//!
//! A record that cannot be read is remembered as such: "unreadable" and "absent" lead to different decisions.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use core::cmp::Ordering;

use serde::de::DeserializeOwned;

use crate::ids::{Guard, Hash, Incarnation, MachineId, Session};
use crate::json;
use crate::keys::Key;
use crate::name::UnitName;
use crate::records::{Assignment, GlobalUnit, Layout, Lease, Placement, Presence, Settled, Spec, StateRow};
use crate::requirements::Requirements;
use crate::sorted::{Map, Set};
use crate::state::TargetState;
use crate::unit_file::UnitFile;

/// A record and what guards it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept<T> {
    /// The record.
    pub value: T,
    /// createdIndex of its key.
    pub created: u64,
    /// modifiedIndex of its key as seen.
    pub guard: Guard,
}

/// A unit's spec, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Which unit of that name.
    pub incarnation: Incarnation,
    /// Guard of the spec key.
    pub guard: Guard,
    /// What the user asked for.
    pub target: TargetState,
    /// Hash of the unit file.
    pub hash: Hash,
    /// What its `[X-Fleet]` section asks.
    pub requirements: Requirements,
    /// The unit file itself, where the reader asked for it.
    pub file: Option<UnitFile>,
}

/// All that is kept under `machines/<id>`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// Its life sign; `None` if there is none.
    pub presence: Option<Kept<Presence>>,
    /// There is a life sign, and it cannot be read: alive, and nothing more is known.
    pub presence_unreadable: bool,
    /// Seconds its life sign has left at most, where the reader knows: one that is kept alive has most of its TTL.
    pub left_secs: Option<u64>,
    /// An operator asked for it to be emptied.
    pub drain: bool,
    /// Metadata written through the API; an empty value takes the key away.
    pub patches: Map<String, String>,
    /// What the leader gave it.
    pub assigned: Map<UnitName, Kept<Assignment>>,
    /// Assignments that are there and cannot be read, with their guards: derived keys, so they are written anew.
    pub unreadable_assigned: Map<UnitName, Guard>,
}

impl Machine {
    /// True if it gave a sign of life that has not expired.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.presence.is_some() || self.presence_unreadable
    }

    /// True if it may be given units.
    #[must_use]
    pub fn takes_units(&self) -> bool {
        !self.drain && self.presence.as_ref().is_some_and(|presence| !presence.value.leaving)
    }

    /// The guard of an assignment that is there, readable or not.
    #[must_use]
    pub fn assignment_guard(&self, unit: &UnitName) -> Option<Guard> {
        let readable = self.assigned.get(unit).map(|assigned| assigned.guard);
        readable.or_else(|| self.unreadable_assigned.get(unit).copied())
    }

    /// Which life of the machine publishes rows now.
    #[must_use]
    pub fn session(&self) -> Option<Session> {
        self.presence.as_ref().and_then(|presence| Session::new(presence.created))
    }

    fn hear(&mut self, entry: &Entry<'_>) -> Result<(), String> {
        self.presence_unreadable = true;
        self.presence = Some(entry.kept()?);
        self.presence_unreadable = false;
        Ok(())
    }

    fn assign(&mut self, unit: UnitName, entry: &Entry<'_>) -> Result<(), String> {
        let assignment = entry.kept().inspect_err(|_| {
            self.unreadable_assigned.insert(unit.clone(), entry.guard);
        })?;
        self.assigned.insert(unit, assignment);
        Ok(())
    }

    /// Configured metadata with the patches laid over it (contract §6).
    #[must_use]
    pub fn metadata(&self) -> Map<String, String> {
        self.merged().into_owned()
    }

    /// The same, borrowed where there are no patches, as in most machines there are none.
    pub(crate) fn merged(&self) -> Cow<'_, Map<String, String>> {
        let configured = self.presence.as_ref().map(|presence| &presence.value.metadata);
        let mut merged = configured.map_or_else(|| Cow::Owned(Map::new()), Cow::Borrowed);
        for (key, value) in &self.patches {
            if value.is_empty() {
                merged.to_mut().remove(key);
            } else {
                merged.to_mut().insert(key.clone(), value.clone());
            }
        }
        merged
    }
}

/// The cluster as one read of the store showed it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Whose store this is; `None` for an empty or wiped one.
    pub layout: Option<Kept<Layout>>,
    /// Who leads.
    pub lease: Option<Kept<Lease>>,
    /// Every unit that could be read.
    pub units: Map<UnitName, Unit>,
    /// Where units run.
    pub placements: Map<UnitName, Kept<Placement>>,
    /// The last placements of units that are held back.
    pub setbacks: Map<UnitName, Kept<Placement>>,
    /// What an earlier leader knew to have been where it is for long.
    pub settled: Option<Kept<Settled>>,
    /// What was derived from global units' specs.
    pub globals: Map<UnitName, Kept<GlobalUnit>>,
    /// Every machine that has a folder, alive or not.
    pub machines: Map<MachineId, Machine>,
    /// State rows by machine and session.
    pub rows: Map<MachineId, Map<Session, Map<UnitName, StateRow>>>,
    /// Units whose spec is there and cannot be read.
    pub unreadable_specs: Set<UnitName>,
    /// Units whose placement is there and cannot be read.
    pub unreadable_placements: Set<UnitName>,
    /// What was derived from global units' specs and cannot be read, with its guards.
    pub unreadable_globals: Map<UnitName, Guard>,
    /// Every key that could not be read, with the cause.
    pub unreadable: Map<String, String>,
    keep_files: bool,
}

impl Snapshot {
    /// An empty snapshot that will keep the unit files themselves, for readers that hand them out.
    #[must_use]
    pub fn with_files() -> Self {
        Self { keep_files: true, ..Self::default() }
    }

    /// Takes in one leaf of a read; keys of unknown kinds are left out.
    pub fn absorb(&mut self, key: &str, value: &str, created: u64, modified: u64) {
        let Some(parsed) = Key::parse(key) else { return };
        let Some(guard) = Guard::new(modified) else {
            self.unreadable.insert(key.to_string(), "no modifiedIndex".to_string());
            return;
        };
        let entry = Entry { value, created, guard };
        if let Err(cause) = self.file(parsed, &entry) {
            self.unreadable.insert(key.to_string(), cause);
        }
    }

    /// Notes how many seconds a leaf had left to live; of no account but for life signs.
    pub fn note_ttl(&mut self, key: &str, left_secs: u64) {
        if let Some(Key::Presence(id)) = Key::parse(key) {
            self.machine(id).left_secs = Some(left_secs);
        }
    }

    fn machine(&mut self, id: MachineId) -> &mut Machine {
        self.machines.entry(id).or_default()
    }

    fn file(&mut self, key: Key, entry: &Entry<'_>) -> Result<(), String> {
        match key {
            Key::Layout => self.layout = Some(entry.kept()?),
            Key::Lease => self.lease = Some(entry.kept()?),
            Key::Global(unit) => {
                let global = entry.kept().inspect_err(|_| {
                    self.unreadable_globals.insert(unit.clone(), entry.guard);
                })?;
                self.globals.insert(unit, global);
            }
            Key::Spec(unit) => {
                let spec = entry.unit(&unit, self.keep_files).inspect_err(|_| {
                    self.unreadable_specs.insert(unit.clone());
                })?;
                self.units.insert(unit, spec);
            }
            Key::Placement(unit) => {
                let placement = entry.kept().inspect_err(|_| {
                    self.unreadable_placements.insert(unit.clone());
                })?;
                self.placements.insert(unit, placement);
            }
            Key::Settled => self.settled = Some(entry.kept()?),
            Key::Setback(unit) => drop(self.setbacks.insert(unit, entry.kept()?)),
            Key::Presence(id) => return self.machine(id).hear(entry),
            Key::Drain(id) => self.machine(id).drain = true,
            Key::Metadata(id, name) => drop(self.machine(id).patches.insert(name, entry.value.to_string())),
            Key::Assigned(id, unit) => return self.machine(id).assign(unit, entry),
            Key::State(id, session, unit) => {
                // A row that cannot be read still tells of its session, which will be swept with it.
                let rows = self.rows.entry(id).or_default().entry(session).or_default();
                rows.insert(unit, entry.kept()?.value);
            }
            // Nothing is decided on it.
            Key::Events => {}
        }
        Ok(())
    }

    /// Every unit that has a readable spec or placement, in name order, with what there is of both. Walks the two maps
    /// side by side, which in a large cluster costs a fraction of looking units up one by one.
    pub(crate) fn specs_and_placements(
        &self,
    ) -> impl Iterator<Item = (&UnitName, Option<&Unit>, Option<&Kept<Placement>>)> {
        let mut units = self.units.iter().peekable();
        let mut placements = self.placements.iter().peekable();
        core::iter::from_fn(move || {
            let first = match (units.peek(), placements.peek()) {
                (Some((unit, _)), Some((placement, _))) => unit.cmp(placement),
                (_, None) => Ordering::Less,
                (None, _) => Ordering::Greater,
            };
            let unit = units.next_if(|_| first != Ordering::Greater);
            let placement = placements.next_if(|_| first != Ordering::Less);
            let name = unit.map(|(name, _)| name).or(placement.map(|(name, _)| name))?;
            Some((name, unit.map(|(_, unit)| unit), placement.map(|(_, placement)| placement)))
        })
    }

    /// The rows of a machine's present life; none for a machine that is gone (registry rule 8).
    #[must_use]
    pub fn live_rows(&self, id: &MachineId) -> Option<&Map<UnitName, StateRow>> {
        let session = self.machines.get(id)?.session()?;
        self.rows.get(id)?.get(&session)
    }
}

struct Entry<'a> {
    value: &'a str,
    created: u64,
    guard: Guard,
}

impl Entry<'_> {
    fn kept<T: DeserializeOwned>(&self) -> Result<Kept<T>, String> {
        let value = json::decode(self.value.as_bytes()).map_err(|error| error.to_string())?;
        Ok(Kept { value, created: self.created, guard: self.guard })
    }

    fn unit(&self, name: &UnitName, keep_file: bool) -> Result<Unit, String> {
        let spec: Spec = json::decode(self.value.as_bytes()).map_err(|error| error.to_string())?;
        let file = UnitFile::parse(&spec.unit).map_err(|error| error.to_string())?;
        Ok(Unit {
            incarnation: Incarnation::new(self.created).ok_or_else(|| "no createdIndex".to_string())?,
            guard: self.guard,
            target: spec.target,
            hash: spec.hash,
            requirements: Requirements::of(name, &file),
            file: keep_file.then_some(file),
        })
    }
}
