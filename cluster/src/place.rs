//! One machine of the board with what stands on it: which global units run there, and who of the units there has to
//! leave. Which machine is best for a unit is `board`'s question.

use alloc::borrow::Cow;
use alloc::string::String;

use crate::derive;
use crate::fit::{self, Resident};
use crate::globals;
use crate::ids::{Guard, MachineId};
use crate::name::UnitName;
use crate::reason::Refusal;
use crate::records::{Assignment, Placement};
use crate::requirements::Requirements;
use crate::snapshot::{Kept, Machine, Unit};
use crate::sorted::Map;

/// A unit on a machine of the board.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Holding<'a> {
    /// `None` where its spec is gone or cannot be read.
    pub(crate) unit: Option<&'a Unit>,
    pub(crate) staying: bool,
    /// `None`: it came in this plan.
    pub(crate) placement: Option<&'a Kept<Placement>>,
}

impl<'a> Holding<'a> {
    pub(crate) fn requirements(&self) -> Option<&'a Requirements> {
        self.unit.map(|unit| &unit.requirements)
    }

    pub(crate) fn resident(&self, name: &'a UnitName) -> Resident<'a> {
        Resident { name, requirements: self.requirements(), staying: self.staying }
    }

    /// When it came, as the store counts: of two that exclude each other the later one goes. `None`: in this plan.
    fn since(&self) -> Option<Guard> {
        self.placement.map(|placement| placement.guard)
    }

    /// Its machine is bringing it in, and nobody speaks to it meanwhile.
    fn is_adopting(&self) -> bool {
        self.placement.is_some_and(|placement| placement.value.incarnation.is_none())
    }

    /// True if it stays, and this is what its machine is to be told of it.
    pub(crate) fn is_as_told(&self, told: &Assignment) -> bool {
        self.staying && self.unit.is_some_and(|unit| derive::is_held(told, unit))
    }
}

/// A machine with what stands on it.
pub(crate) struct Place<'a> {
    pub(crate) id: &'a MachineId,
    pub(crate) machine: &'a Machine,
    pub(crate) metadata: Cow<'a, Map<String, String>>,
    pub(crate) holdings: Map<&'a UnitName, Holding<'a>>,
    /// The global units that run there.
    pub(crate) globals: Map<&'a UnitName, &'a Requirements>,
    /// Nobody there minds any company, which spares most machines most questions.
    easy: bool,
    /// Its life signs stay away.
    stale: bool,
}

impl<'a> Place<'a> {
    /// A machine with nothing on it.
    pub(crate) fn new(id: &'a MachineId, machine: &'a Machine, stale: bool) -> Self {
        let (holdings, globals) = (Map::new(), Map::new());
        Self { id, machine, metadata: machine.merged(), holdings, globals, easy: true, stale }
    }

    pub(crate) fn residents(&self) -> impl Iterator<Item = Resident<'a>> + Clone + '_ {
        self.holdings.iter().map(|(name, holding)| holding.resident(name))
    }

    pub(crate) fn take_in(&mut self, name: &'a UnitName, holding: Holding<'a>) {
        self.easy &= holding.requirements().is_none_or(fit::is_easy);
        self.holdings.insert(name, holding);
    }

    /// The units here that may have something against `unit`, or `unit` against them.
    pub(crate) fn rivals(&self, unit: &Requirements) -> impl Iterator<Item = (&&'a UnitName, &Holding<'a>)> {
        let is_easy = fit::is_easy(unit);
        let minds =
            |holding: &Holding<'_>| holding.requirements().is_some_and(|theirs| !fit::is_easy(theirs));
        let rivals = if self.easy && is_easy { None } else { Some(self.holdings.iter()) };
        rivals.into_iter().flatten().filter(move |(_, holding)| !is_easy || minds(holding))
    }

    /// Where it stands in the order in which machines are given work.
    pub(crate) fn rank(&self) -> (bool, usize, &'a MachineId) {
        (self.stale, self.holdings.len() + self.globals.len(), self.id)
    }

    /// Which of `globals` run here with the units that are here, and `newcomer` if there is one.
    pub(crate) fn eligible<'b>(
        &self,
        globals: &[(&'a UnitName, &'a Requirements)],
        newcomer: Option<(&'b UnitName, &'b Requirements)>,
    ) -> Map<&'a UnitName, &'a Requirements> {
        if globals.is_empty() {
            return Map::new();
        }
        let here = self
            .holdings
            .iter()
            .map(|(name, holding)| (*name, holding.requirements().unwrap_or(&globals::UNKNOWN)));
        let placed = here.chain(newcomer);
        globals::running((self.id, self.machine, &self.metadata), globals.iter().copied(), placed)
    }

    /// The first unit here that has to leave, and why.
    pub(crate) fn unbearable(&self) -> Option<(&'a UnitName, Refusal)> {
        let staying = self.holdings.iter().filter(|(_, holding)| holding.staying && !holding.is_adopting());
        let quarrels = self.quarrels();
        staying.filter_map(|(name, holding)| Some((*name, self.expulsion(name, holding, quarrels)?))).next()
    }

    /// True if some unit here names another one that is here among those it minds: else nobody has anything against
    /// anybody, which is so nearly everywhere, and is asked once for all.
    fn quarrels(&self) -> bool {
        let units = self.holdings.iter().filter_map(|(name, holding)| Some((*name, holding.requirements()?)));
        let mut minding = units.filter(|(_, requirements)| !self.easy && !fit::is_easy(requirements));
        minding.any(|unit| self.holdings.keys().any(|other| fit::minds(unit, other)))
    }

    /// Why a unit that is here has to leave: as for one that would come, except that of two placed units that exclude
    /// each other the one that came first stays, that circular replacement moves nobody, that a unit whose spec cannot
    /// be read stays, and that a machine that leaves gives its units back by itself (registry rule 10).
    fn expulsion(&self, name: &'a UnitName, holding: &Holding<'a>, quarrels: bool) -> Option<Refusal> {
        let unit = (name, holding.requirements()?);
        let speaks = |(other, there): (&&'a UnitName, &Holding<'a>)| {
            let refusal = fit::resident_refusal(unit, &there.resident(other))?;
            let came_first = there.placement.is_some() && there.since() < holding.since();
            let counts = match refusal {
                Refusal::CircularReplaces(_) => false,
                Refusal::ReplacedBy(_) => true,
                _ => came_first,
            };
            counts.then_some(refusal)
        };
        fit::machine_refusal(self.id, self.machine, &self.metadata, unit.1)
            .or_else(|| fit::peer_refusal(unit.1, self.residents(), &self.globals))
            .or_else(|| {
                let mut rivals = self.rivals(unit.1).filter(|(_, other)| other.staying);
                if quarrels { rivals.find_map(speaks) } else { None }
            })
            .filter(|refusal| *refusal != Refusal::Leaving)
    }
}
