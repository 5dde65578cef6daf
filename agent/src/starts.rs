//! Starting units (registry rule 7): none without fresh presence, and none without its placement read before and after.
//! What else a pass does is `steps`' business.

use cluster::desired;
use cluster::event::Event;
use cluster::reconcile::{Action, Plan, Want};
use cluster::records::Placement;
use cluster::sorted::{Map, Set};
use cluster::state::Order;
use cluster::{Incarnation, UnitName};
use registry::reads;

use crate::clock;
use crate::events::{About, tell};
use crate::hands::Failures;
use crate::reconcile::Reconciler;
use crate::steps::units_of;

/// Wait for a beat before a start that may not be made yet is tried again.
const STALE_PRESENCE_MS: u64 = 300;
/// Why a unit is not started that was assigned here and is not placed here; it is tried again with back-off, since
/// a placement tells this machine nothing when it comes.
const NOT_MINE: &str = "not started: the registry does not say that it is placed here";

impl Reconciler {
    /// Starts the units that the plan starts, each with its placement read before and after.
    ///
    /// # Errors
    /// The registry did not say whose the units are; what was started is asked about again.
    pub(crate) async fn take_starts(
        &mut self,
        wants: &Map<UnitName, Want>,
        plan: &Plan,
        failed: &mut Set<UnitName>,
    ) -> Result<(), String> {
        let mut units: Vec<UnitName> =
            units_of(plan, &Action::Start).into_iter().filter(|unit| !failed.contains(unit)).collect();
        if units.is_empty() {
            return Ok(());
        }
        if !self.may_start() {
            return Ok(());
        }
        let placed = self.placed(&units);
        let Verdict { mut foreign, mut unreadable } = self.placements(&placed).await?;
        foreign.append(&mut unreadable);
        if !foreign.is_empty() {
            self.node.ropes.reconcile.outdate();
            let refused = foreign.iter().map(|unit| (unit.clone(), NOT_MINE.to_string())).collect();
            self.note_failures(wants, &refused, failed);
            units.retain(|unit| !foreign.contains(unit));
        }
        // The answer may have taken its time.
        if !self.may_start() {
            return Ok(());
        }
        self.ask_of(&units);
        let names = units.clone();
        let failures = if names.is_empty() {
            Failures::new()
        } else {
            self.with_hands(move |hands| hands.start(&names)).await
        };
        self.note_failures(wants, &failures, failed);
        for unit in units.iter().filter(|unit| !failures.contains_key(*unit)) {
            self.holdings.troubles.remove(unit);
            self.mark(unit, |marker| (marker.order, marker.stopping) = (Order::Launched, false));
        }
        self.unconfirmed.extend(placed.into_iter().filter(|(unit, _)| units.contains(unit)));
        self.confirm_started().await
    }

    /// True while this machine's own record was confirmed lately enough for a start (registry rule 7); the beat that
    /// is waited for otherwise comes by itself.
    fn may_start(&mut self) -> bool {
        let may = self.node.contact.borrow().may_start(clock::now_ms(), self.node.agent_ttl_ms());
        if !may {
            self.again_in(STALE_PRESENCE_MS);
        }
        may
    }

    /// The units among these that are placed ones, with their incarnations.
    fn placed(&self, units: &[UnitName]) -> Map<UnitName, Incarnation> {
        let marked = units.iter().filter_map(|unit| Some((unit, self.holdings.markers.get(unit)?)));
        marked
            .filter(|(_, marker)| !marker.global)
            .map(|(unit, marker)| (unit.clone(), marker.incarnation))
            .collect()
    }

    /// What a majority of the store says about units that this machine believes to be placed here.
    async fn placements(&self, placed: &Map<UnitName, Incarnation>) -> Result<Verdict, String> {
        if placed.is_empty() {
            return Ok(Verdict::default());
        }
        let names: Set<UnitName> = placed.keys().cloned().collect();
        let read = self.node.with_store(move |store| reads::placements(store, &names)).await;
        let read = read.map_err(|error| error.to_string())?;
        let found: Map<UnitName, Placement> =
            read.found.into_iter().map(|(unit, kept)| (unit, kept.value)).collect();
        let mut foreign = desired::not_mine(&self.node.identity.id, placed, &found);
        foreign.retain(|unit| !read.unreadable.contains(unit));
        Ok(Verdict { foreign, unreadable: read.unreadable })
    }

    /// True if units were started and the registry is on its way to another store by now: their placements may have
    /// been written too late to be there too.
    async fn has_left(&self) -> Result<bool, String> {
        if self.unconfirmed.is_empty() {
            return Ok(false);
        }
        let transit = self.node.with_store(reads::transit).await;
        transit.map(|transit| transit.is_some()).map_err(|error| error.to_string())
    }

    /// Reads the placements of what was just started once more; what is not ours any more stops at once. If the
    /// registry does not answer, the next pass asks again.
    pub(crate) async fn confirm_started(&mut self) -> Result<(), String> {
        let has_left = self.has_left().await?;
        let foreign = if has_left {
            self.unconfirmed.keys().cloned().collect()
        } else {
            self.placements(&self.unconfirmed).await?.foreign
        };
        if !foreign.is_empty() && !has_left {
            // In a store that was wiped since the start nothing is placed anywhere.
            self.still_ours().await?;
        }
        self.unconfirmed.clear();
        if foreign.is_empty() {
            return Ok(());
        }
        for unit in &foreign {
            let reason = "the registry placed it elsewhere, or moved, while it started";
            let about = About { unit: Some(unit), reason, ..About::default() };
            tell(Event::UnitMisplaced, about, format_args!("stopping {unit} at once: {reason}"));
        }
        let units: Vec<UnitName> = foreign.into_iter().collect();
        let names = units.clone();
        let failures = self.with_hands(move |hands| hands.stop(&names)).await;
        for unit in units.iter().filter(|unit| !failures.contains_key(*unit)) {
            self.mark(unit, |marker| marker.order = Order::Loaded);
            self.holdings.dirty.insert(unit.clone());
        }
        self.node.ropes.reconcile.ring();
        Ok(())
    }
}

/// Units whose placement is not what this machine believes.
#[derive(Debug, Default)]
struct Verdict {
    /// Placed elsewhere, nowhere, or as another incarnation.
    foreign: Set<UnitName>,
    /// Nobody can tell.
    unreadable: Set<UnitName>,
}
