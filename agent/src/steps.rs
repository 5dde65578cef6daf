//! Taking the steps of a plan, in its order: stops, removals, releases, writes, starts. A step that fails ends the
//! steps of its unit and of no other (design rule 2). What a start needs besides is `starts`' business.

use std::sync::Arc;

use cluster::event::Event;
use cluster::reconcile::{Action, Plan, Reason, Step, Want};
use cluster::records::Marker;
use cluster::sorted::{Map, Set};
use cluster::state::Order;
use cluster::{Guard, Hash, Incarnation, MachineId, UnitName, keys};
use registry::reads;
use registry::settle::settle_delete;
use registry::store::{Freshness, Store, StoreError};

use crate::clock;
use crate::events::{About, tell};
use crate::hands::{Failures, Hands, Writing};
use crate::pool;
use crate::reconcile::Reconciler;

impl Reconciler {
    /// Takes the steps.
    ///
    /// # Errors
    /// The registry did not answer for some of them; the others were taken.
    pub(crate) async fn take_steps(
        &mut self,
        wants: &Map<UnitName, Want>,
        plan: &Plan,
    ) -> Result<(), String> {
        for step in plan.steps.iter().filter(|step| !self.last_steps.contains(step)) {
            announce(step);
        }
        let mut failed = Set::new();
        let unsure = self.confirm_started().await;
        self.take_stops(wants, plan, &mut failed).await;
        self.take_removals(wants, plan, &mut failed).await;
        let released = self.take_releases(wants, plan, &failed).await;
        let written = self.take_writes(wants, plan, &mut failed).await;
        let started = self.take_starts(wants, plan, &mut failed).await;
        unsure.and(released).and(written).and(started)
    }

    /// Does work on this machine in the pool.
    pub(crate) async fn with_hands<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Hands) -> T + Send + 'static,
    ) -> T {
        let hands = Arc::clone(&self.hands);
        pool::unblock(move || work(&hands)).await
    }

    /// Takes in what failed: those units go no further in this pass.
    pub(crate) fn note_failures(
        &mut self,
        wants: &Map<UnitName, Want>,
        failures: &Failures,
        failed: &mut Set<UnitName>,
    ) {
        self.holdings.failed(wants, failures, clock::now_ms());
        failed.extend(failures.keys().cloned());
    }

    /// Changes a unit's marker, on disk first. Its incarnation stays as it is there: the unit may have been brought into another
    /// registry meanwhile.
    pub(crate) fn mark(&mut self, unit: &UnitName, change: impl FnOnce(&mut Marker)) {
        let Some(mut marker) = self.holdings.markers.get(unit).cloned() else { return };
        let (marker, written) = self.hands.runtime.remark(unit, |there| {
            marker.incarnation = there.map_or(marker.incarnation, |there| there.incarnation);
            change(&mut marker);
            marker
        });
        if let Err(error) = written {
            crate::error!("{error}");
        }
        self.holdings.markers.insert(unit.clone(), marker);
    }

    /// Notes, before systemd is asked to start or stop units, that what runs may soon be something else than the order
    /// says: an answer that is a failure, or that nobody lived to hear, does not tell what became of it.
    pub(crate) fn ask_of(&mut self, units: &[UnitName]) {
        for unit in units {
            self.mark(unit, |marker| marker.stopping = true);
        }
        self.holdings.dirty.extend(units.iter().cloned());
    }

    async fn take_stops(&mut self, wants: &Map<UnitName, Want>, plan: &Plan, failed: &mut Set<UnitName>) {
        let steps: Vec<&Step> = plan.steps.iter().filter(|step| step.action == Action::Stop).collect();
        let units: Vec<UnitName> = steps.iter().map(|step| step.unit.clone()).collect();
        if units.is_empty() {
            return;
        }
        self.ask_of(&units);
        let failures = self.with_hands(move |hands| hands.stop(&units)).await;
        self.note_failures(wants, &failures, failed);
        let loaded = |step: &&Step| step.reason == Reason::TargetLoaded;
        for step in steps.into_iter().filter(loaded).filter(|step| !failures.contains_key(&step.unit)) {
            self.mark(&step.unit, |marker| (marker.order, marker.stopping) = (Order::Loaded, false));
        }
    }

    async fn take_removals(&mut self, wants: &Map<UnitName, Want>, plan: &Plan, failed: &mut Set<UnitName>) {
        let units = units_of(plan, &Action::Remove);
        if units.is_empty() {
            return;
        }
        let names = units.clone();
        let failures = self.with_hands(move |hands| hands.remove(&names)).await;
        self.note_failures(wants, &failures, failed);
        for unit in &units {
            if !failures.contains_key(unit) {
                self.holdings.drop_unit(unit);
                self.changes.borrow_mut().forget(unit);
            } else if !self.hands.has_in_place(unit) {
                // Half gone: whoever wants it again before the rest is has to write and to start it.
                self.holdings.files.remove(unit);
                self.mark(unit, |marker| marker.stopping = true);
            }
        }
    }

    /// Gives placements back, rows first, so that whoever waits for the end of a unit sees nothing of it any more.
    async fn take_releases(
        &mut self,
        wants: &Map<UnitName, Want>,
        plan: &Plan,
        failed: &Set<UnitName>,
    ) -> Result<(), String> {
        let units: Vec<UnitName> =
            units_of(plan, &Action::Release).into_iter().filter(|unit| !failed.contains(unit)).collect();
        if units.is_empty() {
            return Ok(());
        }
        let published = self.publish(wants).await;
        let mut releases = Vec::new();
        for unit in units {
            let (store, me) = (Arc::clone(&self.node.store), self.node.identity.id.clone());
            releases.push((unit.clone(), pool::unblock(move || release(&*store, &me, &unit))));
        }
        let mut result = published;
        for (unit, release) in releases {
            match release.await {
                Ok(true) => {
                    let about = About { unit: Some(&unit), ..About::default() };
                    tell(Event::UnitGivenBack, about, format_args!("released {unit}"));
                }
                Ok(false) => {}
                Err(error) => result = result.and(Err(format!("release {unit}: {error}"))),
            }
        }
        result
    }

    async fn take_writes(
        &mut self,
        wants: &Map<UnitName, Want>,
        plan: &Plan,
        failed: &mut Set<UnitName>,
    ) -> Result<(), String> {
        let mut fetches = Vec::new();
        for step in &plan.steps {
            let Action::Write { incarnation, hash, global } = step.action else { continue };
            let (store, unit) = (Arc::clone(&self.node.store), step.unit.clone());
            let fetch = pool::unblock(move || reads::spec(&*store, &unit, Freshness::Local));
            fetches.push((step.unit.clone(), incarnation, hash, global, fetch));
        }
        let (mut writings, mut failures, mut result) = (Vec::new(), Failures::new(), Ok(()));
        for (unit, incarnation, hash, global, fetch) in fetches {
            match fetch.await {
                Err(error) => {
                    failed.insert(unit);
                    result = Err(error.to_string());
                }
                Ok(Some(Ok(spec))) if spec.incarnation == incarnation && spec.hash == hash => {
                    let known = self.marked(&unit, incarnation, hash);
                    let (order, stopping) =
                        known.map_or((Order::Loaded, false), |known| (known.order, known.stopping));
                    let (known, file) = (known.is_some(), spec.file.unwrap_or_default());
                    writings.push(Writing { unit, incarnation, hash, file, global, order, stopping, known });
                }
                Ok(Some(Err(cause))) => drop(failures.insert(unit, format!("read its spec: {cause}"))),
                Ok(_) => {
                    drop(failures.insert(unit, "its spec is not the one that was scheduled".to_string()))
                }
            }
        }
        if !writings.is_empty() {
            let files = writings.clone();
            failures.extend(self.with_hands(move |hands| hands.write(&files)).await);
        }
        self.note_failures(wants, &failures, failed);
        for writing in &writings {
            if !failures.contains_key(&writing.unit) {
                self.holdings.add_unit(writing);
            } else if self.hands.units.path_of(&writing.unit).exists() {
                self.holdings.add_unfinished(writing);
            } else {
                continue;
            }
            self.watch(&writing.unit);
        }
        result
    }

    /// The marker of a unit whose very file only went missing, so that its order is as far as it was.
    fn marked(&self, unit: &UnitName, incarnation: Incarnation, hash: Hash) -> Option<&Marker> {
        let same = |marker: &&Marker| marker.incarnation == incarnation && marker.hash == hash;
        self.holdings.markers.get(unit).filter(same)
    }
}

fn announce(step: &Step) {
    let (event, what) = match step.action {
        Action::Stop => (Event::UnitStop, "stop"),
        // A placement is given back in silence until it is really there to give back.
        Action::Await | Action::Release => return,
        Action::Remove => (Event::UnitUnload, "unload"),
        Action::Write { .. } => (Event::UnitLoad, "load"),
        Action::Start => (Event::UnitStart, "start"),
    };
    let reason = step.reason.to_string();
    let about = About { unit: Some(&step.unit), reason: &reason, ..About::default() };
    tell(event, about, format_args!("{what} {}: {reason}", step.unit));
}

/// The units of the steps that are this action, in their order.
pub(crate) fn units_of(plan: &Plan, action: &Action) -> Vec<UnitName> {
    plan.steps.iter().filter(|step| step.action == *action).map(|step| step.unit.clone()).collect()
}

/// Deletes this machine's placement of `unit`; false if it has none.
fn release(store: &dyn Store, me: &MachineId, unit: &UnitName) -> Result<bool, StoreError> {
    let Some(placement) = reads::placement(store, unit)? else { return Ok(false) };
    if placement.value.machine != *me {
        return Ok(false);
    }
    let (key, guard): (String, Guard) = (keys::placement(unit), placement.guard);
    settle_delete(store, &key, guard, store.delete(&key, guard)).map(|_| true)
}
