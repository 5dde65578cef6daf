//! Every unit with its spec and its placement, side by side, worked out once for a plan: the parts of a plan go through
//! all of them one after another, and among ten thousand units each look-up that is done again costs a millisecond or
//! more. It decides nothing.

use alloc::vec::Vec;

use crate::ids::MachineId;
use crate::name::UnitName;
use crate::records::Placement;
use crate::snapshot::{Kept, Snapshot, Unit};
use crate::sorted::Set;

/// One unit that has a readable spec or a readable placement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'a> {
    pub(crate) name: &'a UnitName,
    pub(crate) unit: Option<&'a Unit>,
    pub(crate) placement: Option<&'a Kept<Placement>>,
    /// The machine it is placed on, by its position among the snapshot's machines; `None` for one that is lost, or that
    /// has no folder.
    pub(crate) home: Option<usize>,
    /// True if it is placed on a machine that was judged lost.
    pub(crate) is_lost: bool,
}

impl<'a> Row<'a> {
    /// The placement and its machine, if it is one the leader may speak to about the unit: not lost, and not while the
    /// machine is bringing the unit in itself.
    pub(crate) fn held(&self) -> Option<(&'a Kept<Placement>, &'a MachineId)> {
        let placement = self.placement.filter(|placement| placement.value.incarnation.is_some());
        placement.filter(|_| !self.is_lost).map(|placement| (placement, &placement.value.machine))
    }

    /// True if the unit is where it is to be, as far as its placement can tell.
    pub(crate) fn is_placed(&self) -> bool {
        let incarnation = self.placement.and_then(|placement| placement.value.incarnation);
        !self.is_lost && incarnation.is_some() && incarnation == self.unit.map(|unit| unit.incarnation)
    }
}

/// All of them, in name order.
pub(crate) fn roster<'a>(snapshot: &'a Snapshot, lost: &Set<MachineId>) -> Vec<Row<'a>> {
    let rows = snapshot.specs_and_placements().map(|(name, unit, placement)| {
        let machine = placement.map(|placement| &placement.value.machine);
        let is_lost = machine.is_some_and(|machine| lost.contains(machine));
        let home = machine.filter(|_| !is_lost).and_then(|machine| snapshot.machines.position(machine));
        Row { name, unit, placement, home, is_lost }
    });
    rows.collect()
}

/// The row of that unit.
pub(crate) fn row<'r, 'a>(roster: &'r [Row<'a>], name: &UnitName) -> Option<&'r Row<'a>> {
    roster.get(roster.binary_search_by(|row| row.name.cmp(name)).ok()?)
}
