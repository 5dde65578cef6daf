//! The machines with what stands on each, while a plan is being made: the schedule moves units about on it
//! before anything is written. It counts load and asks `fit`; the order of moves is `schedule`'s.

use alloc::vec::Vec;
use core::cmp::Ordering;

use crate::fit;
use crate::glob;
use crate::globals;
use crate::ids::{Guard, MachineId};
use crate::name::UnitName;
use crate::place::{Holding, Place};
use crate::reason::Refusal;
use crate::requirements::Requirements;
use crate::roster::Row;
use crate::snapshot::{Snapshot, Unit};
use crate::sorted::{Map, Set};

/// A live machine's place in the order in which machines are given work: those whose life signs are fresh come before
/// those that have missed some, which may be about to end together with the one whose units are to be moved. Then the load
/// counts.
type Rank<'a> = (bool, usize, &'a MachineId);

/// All machines, and the live ones in the order in which they would be given work.
pub(crate) struct Board<'a> {
    snapshot: &'a Snapshot,
    globals: Vec<(&'a UnitName, &'a Requirements)>,
    places: Map<&'a MachineId, Place<'a>>,
    by_load: Set<Rank<'a>>,
    /// Where the units are that were placed in this plan.
    placed: Map<&'a str, &'a MachineId>,
}

impl<'a> Board<'a> {
    /// Sets up the machines of `snapshot` and the units of its `roster` that are placed on them.
    pub(crate) fn new(snapshot: &'a Snapshot, roster: &[Row<'a>]) -> Self {
        let mut places = Map::new();
        // Whoever beats has more than half of what the freshest sign of life has left.
        let freshest = snapshot.machines.values().filter_map(|machine| machine.left_secs).max();
        let is_stale = |left_secs: u64| left_secs <= freshest.unwrap_or(0) / 2;
        for (id, machine) in &snapshot.machines {
            let stale = machine.left_secs.is_some_and(is_stale);
            places.insert(id, Place::new(id, machine, stale));
        }
        for row in roster {
            // Every machine of the snapshot has its place, and in the same order.
            if let Some((_, place)) = row.home.and_then(|home| places.nth_mut(home)) {
                let holding = Holding { unit: row.unit, staying: true, placement: row.placement };
                place.take_in(row.name, holding);
            }
        }
        let globals = globals::wanted(snapshot).collect();
        let mut board = Self { snapshot, globals, places, by_load: Set::new(), placed: Map::new() };
        for place in board.places.values_mut() {
            count(place, &board.globals, &mut board.by_load);
        }
        board
    }

    /// True if no machine is alive.
    pub(crate) fn is_deserted(&self) -> bool {
        self.by_load.is_empty()
    }

    /// Why `id` cannot take `unit`, or keep it if it is there; `None` if it can.
    pub(crate) fn refusal(&self, id: &MachineId, unit: (&UnitName, &Requirements)) -> Option<Refusal> {
        let Some(place) = self.places.get(id) else { return Some(Refusal::Absent) };
        fit::machine_refusal(id, place.machine, &place.metadata, unit.1)
            .or_else(|| self.displacement(place, unit))
            .or_else(|| fit::peer_refusal(unit.1, place.residents(), &place.globals))
            .or_else(|| {
                place
                    .rivals(unit.1)
                    .find_map(|(name, there)| fit::resident_refusal(unit, &there.resident(name)))
            })
    }

    /// A global unit that would have to make room for `unit` although `unit` itself, or a unit that stays there,
    /// needs it as its partner. Placed, `unit` would make units move that nobody else wants moved, perhaps itself,
    /// and perhaps for ever.
    fn displacement(&self, place: &Place<'a>, unit: (&UnitName, &Requirements)) -> Option<Refusal> {
        let known = place.holdings.contains_key(unit.0);
        if known || !place.globals.iter().any(|(name, theirs)| fit::exclude(unit, (name, theirs))) {
            return None;
        }
        let left = place.eligible(&self.globals, Some(unit));
        let staying = place.residents().filter(|resident| resident.staying);
        let needing = staying.filter_map(|resident| resident.requirements).chain([unit.1]);
        let is_needed = |global: &UnitName| needing.clone().any(|theirs| fit::needs(theirs, global));
        let gone = place.globals.keys().find(|global| !left.contains_key(*global) && is_needed(global))?;
        Some(Refusal::Conflict((*gone).clone()))
    }

    /// Sends away every unit that cannot stay where it is, until nobody else has to go: one that leaves may be the
    /// partner of another. Names them, with the reason.
    pub(crate) fn expel(&mut self) -> Vec<(&'a UnitName, Refusal)> {
        let mut expelled = Vec::new();
        for place in self.places.values_mut().filter(|place| place.machine.presence.is_some()) {
            while let Some((name, refusal)) = place.unbearable() {
                if let Some(holding) = place.holdings.get_mut(name) {
                    holding.staying = false;
                }
                expelled.push((name, refusal));
            }
        }
        expelled
    }

    /// The live machine with the least load that takes `unit`; ties go to the lowest ID, and machines that have missed
    /// beats come last.
    pub(crate) fn best(&self, unit: (&UnitName, &Requirements)) -> Option<&'a MachineId> {
        if self.circular(unit).is_some() {
            return None;
        }
        let takes = |id: &&MachineId| self.refusal(id, unit).is_none();
        let is_global = |peer: &str| self.globals.iter().any(|(name, _)| name.as_str() == peer);
        match unit.1.machine_of.first().filter(|peer| !is_global(peer)) {
            // Only where its partner is, which spares the question to all the others.
            Some(peer) => self.whereabouts(peer).filter(|id| self.is_live(id)).filter(takes),
            None => self.by_load.iter().map(|(.., id)| *id).find(takes),
        }
    }

    fn is_live(&self, id: &MachineId) -> bool {
        self.places.get(id).is_some_and(|place| place.machine.is_live())
    }

    /// The machine a unit is placed on, staying or not.
    fn whereabouts(&self, name: &str) -> Option<&'a MachineId> {
        let before = || self.snapshot.placements.get(name).map(|placement| &placement.value.machine);
        self.placed.get(name).copied().or_else(before)
    }

    /// A placed unit that `unit` replaces and that would sooner or later make `unit` leave in turn, wherever it is:
    /// the two replace each other, or they do so through others.
    pub(crate) fn circular(&self, unit: (&UnitName, &Requirements)) -> Option<Refusal> {
        let named =
            unit.1.replaces.iter().flat_map(|pattern| self.named(pattern)).filter(|name| *name != unit.0);
        let mut placed =
            named.filter(|name| self.whereabouts(name.as_str()).is_some_and(|id| self.stays(id, name)));
        let other = placed.find(|name| self.comes_back(name, unit.0))?;
        Some(Refusal::CircularReplaces(other.clone()))
    }

    /// The units whose names match a glob, sought among those that begin as it does.
    fn named<'b>(&self, pattern: &'b str) -> impl Iterator<Item = &'a UnitName> + 'b
    where
        'a: 'b,
    {
        let literal = pattern.split(['*', '?', '[', '\\']).next().unwrap_or_default();
        let from = self.snapshot.units.iter_from(literal);
        let names = from.map(|(name, _)| name).take_while(move |name| name.as_str().starts_with(literal));
        names.filter(move |name| glob::matches(pattern, name.as_str()))
    }

    /// True if a move of `from` may lead to a move of `to`: a unit moves those it replaces, and its partners follow it.
    fn comes_back(&self, from: &UnitName, to: &UnitName) -> bool {
        let (mut seen, mut open) = (Set::from([from]), Vec::from([from]));
        while let Some(mover) = open.pop() {
            let Some(requirements) = self.snapshot.units.get(mover).map(|unit| &unit.requirements) else {
                continue;
            };
            let moved = |name: &UnitName, unit: &Unit| {
                fit::replaces((mover, requirements), name) || fit::needs(&unit.requirements, mover)
            };
            for (name, unit) in self.snapshot.units.iter().filter(|(_, unit)| unit.target.wants_machine()) {
                if moved(name, unit) && seen.insert(name) {
                    open.push(name);
                }
            }
            if seen.contains(to) {
                return true;
            }
        }
        false
    }

    /// Why the live machines refuse `unit`, for the first `most` of them.
    pub(crate) fn refusals(
        &self,
        unit: (&UnitName, &Requirements),
        most: usize,
    ) -> Vec<(MachineId, Refusal)> {
        let circular = self.circular(unit);
        let live = self.places.iter().filter(|(_, place)| place.machine.is_live());
        live.filter_map(|(id, _)| {
            let refusal = circular.clone().or_else(|| self.refusal(id, unit))?;
            Some(((*id).clone(), refusal))
        })
        .take(most)
        .collect()
    }

    /// Puts `unit` on `id` and names the units that have to make room for it. A unit whose spec cannot be read goes
    /// for nobody: it could be placed nowhere else.
    pub(crate) fn put(
        &mut self,
        id: &'a MachineId,
        (name, newcomer): (&'a UnitName, &'a Unit),
    ) -> Vec<&'a UnitName> {
        let Some(place) = self.places.get_mut(id) else { return Vec::new() };
        let old = place.rank();
        place.take_in(name, Holding { unit: Some(newcomer), staying: true, placement: None });
        let unit = (name, &newcomer.requirements);
        let replaced = |(name, holding): &(&&UnitName, &Holding<'_>)| {
            holding.staying && holding.unit.is_some() && fit::replaces(unit, name)
        };
        let replaced: Vec<&UnitName> =
            place.holdings.iter().filter(replaced).map(|(name, _)| *name).collect();
        self.by_load.remove(&old);
        count(place, &self.globals, &mut self.by_load);
        self.placed.insert(name.as_str(), id);
        for name in &replaced {
            self.send_away(id, name);
        }
        replaced
    }

    /// Marks a unit as on its way out; it goes on occupying its machine.
    pub(crate) fn send_away(&mut self, id: &MachineId, name: &UnitName) {
        if let Some(holding) = self.places.get_mut(id).and_then(|place| place.holdings.get_mut(name)) {
            holding.staying = false;
        }
    }

    /// Units whose assignment may not be what it should be, and assignments without a unit. Walks the two maps of each
    /// machine side by side: in a large cluster most of all that is there is right, and looking it up costs the time.
    pub(crate) fn doubtful(&self) -> (Vec<&'a UnitName>, Vec<(&'a MachineId, &'a UnitName, Guard)>) {
        let (mut units, mut unbacked) = (Vec::new(), Vec::new());
        for place in self.places.values() {
            let mut holdings = place.holdings.iter().peekable();
            for (name, assigned) in &place.machine.assigned {
                let mut backed = None;
                while let Some((unit, holding)) = holdings.next_if(|(unit, _)| **unit <= name) {
                    match unit.cmp(&name) {
                        Ordering::Equal => backed = Some(holding),
                        _ => units.extend(holding.placement.map(|_| *unit)),
                    }
                }
                match backed {
                    None => unbacked.push((place.id, name, assigned.guard)),
                    Some(holding) if holding.is_as_told(&assigned.value) => {}
                    Some(holding) => units.extend(holding.placement.map(|_| name)),
                }
            }
            units.extend(holdings.filter(|(_, holding)| holding.placement.is_some()).map(|(unit, _)| *unit));
            let unreadable = place.machine.unreadable_assigned.iter();
            let unreadable = unreadable.filter(|(name, _)| !place.holdings.contains_key(*name));
            unbacked.extend(unreadable.map(|(name, guard)| (place.id, name, *guard)));
        }
        (units, unbacked)
    }

    fn stays(&self, id: &MachineId, name: &UnitName) -> bool {
        self.places.get(id).and_then(|place| place.holdings.get(name)).is_some_and(|holding| holding.staying)
    }
}

/// Works out the globals and the load of one machine anew.
fn count<'a>(
    place: &mut Place<'a>,
    globals: &[(&'a UnitName, &'a Requirements)],
    by_load: &mut Set<Rank<'a>>,
) {
    place.globals = place.eligible(globals, None);
    if place.machine.is_live() {
        by_load.insert(place.rank());
    }
}
