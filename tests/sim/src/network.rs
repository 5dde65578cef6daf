//! The network between the nodes and the store: delays, cuts in either direction, what is lost on the way.

use registry::store::StoreErrorKind;

use crate::etcd::{Ask, Asker, Told};
use crate::kernel::{Event, ProcessId};
use crate::sim::Sim;

/// When something that got lost is sent again.
const AGAIN_US: u64 = 250_000;
/// How often a lost write, of a thousand, still lies in its socket when whoever wrote it has given up, and for how many
/// tries.
const LATE_PERMILLE: u64 = 300;
const LATE_TRIES: u64 = 30;

/// How one node reaches the store.
#[derive(Clone, Debug)]
pub struct Link {
    /// Nothing arrives there.
    pub to_cut: bool,
    /// Nothing comes back.
    pub from_cut: bool,
    /// The longest one way takes.
    pub slow_us: u64,
    /// Messages lost, of a thousand.
    pub lost_permille: u64,
}

impl Default for Link {
    fn default() -> Self {
        Self { to_cut: false, from_cut: false, slow_us: 2_000, lost_permille: 0 }
    }
}

impl Link {
    /// True if it is as it should be.
    #[must_use]
    pub const fn is_well(&self) -> bool {
        !self.to_cut && !self.from_cut && self.slow_us <= 2_000 && self.lost_permille == 0
    }
}

impl Sim {
    fn way(&mut self, node: usize) -> u64 {
        let slow_us = self.nodes[node].link.slow_us;
        200 + self.chance.of(0..=slow_us)
    }

    fn is_lost(&mut self, node: usize, is_cut: impl Fn(&Link) -> bool) -> bool {
        let lost = self.nodes[node].link.lost_permille;
        is_cut(&self.nodes[node].link) || (lost > 0 && self.chance.permille(lost))
    }

    /// Ends the waiting of whoever is not answered within that time.
    pub fn end_late(&mut self, asker: &Asker, within_us: u64) {
        let late = asker.clone();
        let end = move |sim: &mut Self| late.answer(sim, Told::Late);
        self.agenda.put(self.now_us + within_us, Event::World(Box::new(end)));
    }

    /// Sends a question on its way, with an end to the waiting.
    pub fn send(&mut self, node: usize, member: usize, ask: Ask, asker: &Asker, within_us: u64) {
        self.requests += 1;
        if let Ask::Watch(.., end) = &ask {
            self.watching.extend([asker.clone(), end.clone()]);
            self.watching.retain(Asker::waits);
        }
        if self.is_traced() {
            self.trace(node, &format!("asks member {member}: {ask}"));
        }
        let is_write = matches!(ask, Ask::Write(_) | Ask::Beat(_));
        let counts = matches!(ask, Ask::Write(_));
        let later = if counts { self.cuts_here(asker.process(), true) } else { Some(0) };
        let Some(later_us) = later else { return };
        self.end_late(asker, within_us + later_us);
        // What lies in a socket may be sent after whoever wrote it has given up.
        let tries = if is_write && self.chance.permille(LATE_PERMILLE) { LATE_TRIES } else { 0 };
        match std::mem::take(&mut self.held_us) + later_us {
            0 => self.carry(node, member, ask, asker.clone(), tries),
            held_us => {
                let asker = asker.clone();
                let later = move |sim: &mut Self| sim.carry(node, member, ask, asker, tries);
                self.agenda.put(self.now_us + held_us, Event::World(Box::new(later)));
            }
        }
    }

    /// Has a question arrive, or tries again: as long as somebody waits for the answer, and `tries` times more.
    fn carry(&mut self, node: usize, member: usize, ask: Ask, asker: Asker, tries: u64) {
        let lost = self.is_lost(node, |link| link.to_cut);
        if lost && !asker.waits() && tries == 0 {
            return;
        }
        let at_us = self.now_us + if lost { AGAIN_US } else { self.way(node) };
        let next = move |sim: &mut Self| {
            if lost {
                let tries = if asker.waits() { tries } else { tries.saturating_sub(1) };
                return sim.carry(node, member, ask, asker, tries);
            }
            let is_write = matches!(ask, Ask::Write(_));
            sim.arrive(member, ask, node, &asker);
            if is_write {
                let _ = sim.cuts_here(asker.process(), false);
            }
        };
        self.agenda.put(at_us, Event::World(Box::new(next)));
    }

    /// Sends an answer back, again and again for as long as somebody waits for it.
    pub fn answer(&mut self, node: usize, asker: &Asker, told: Told) {
        if !asker.waits() || asker.is_lost() {
            return;
        }
        let lost = self.is_lost(node, |link| link.from_cut);
        let (at_us, asker) = (self.now_us + if lost { AGAIN_US } else { self.way(node) }, asker.clone());
        let arrive = move |sim: &mut Self| {
            if lost || sim.nodes[node].link.from_cut {
                return sim.answer(node, &asker, told);
            }
            if sim.is_traced() && asker.waits() {
                sim.trace(node, &format!("is told {told}"));
            }
            asker.answer(sim, told);
        };
        self.agenda.put(at_us, Event::World(Box::new(arrive)));
    }

    /// The connections on which a process waits for changes are there no more, and nobody tells it.
    pub fn deafen(&mut self, id: ProcessId) {
        self.watching.iter().filter(|asker| asker.process() == id).for_each(Asker::lose);
    }

    /// Ends the watches of a process.
    pub fn interrupt_watches(&mut self, id: ProcessId) {
        let watching = std::mem::take(&mut self.watching);
        for asker in watching {
            if asker.process() == id {
                asker.answer(self, Told::Failed(StoreErrorKind::Interrupted, "interrupted"));
            } else {
                self.watching.push(asker);
            }
        }
    }
}
