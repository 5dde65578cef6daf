//! Asking the registry itself about units that its derived keys do not explain (registry rules 4 and 5): what nobody
//! asks of this machine any more, and what somebody else may have been given while this machine was out of sight.
//! `cluster::desired::proof` judges; an answer is kept until the next read of the machine's view, so that a long stop
//! is not a stream of questions.

use cluster::desired;
use cluster::reconcile::{Departure, Want};
use cluster::records::{Marker, Placement};
use cluster::snapshot::Unit;
use cluster::sorted::{Map, Set};
use cluster::standing::Standing as StoreStanding;
use cluster::{Session, UnitName};
use registry::reads;
use registry::store::{Freshness, Store, StoreError};

use crate::clock;
use crate::presence;
use crate::reconcile::Reconciler;

/// First and longest wait between two looks at units nobody asks for and nothing disproves.
const UNPROVEN_MS: (u64, u64) = (1000, 30_000);

/// What has been asked, and what came of it.
#[derive(Debug)]
pub(crate) struct Proofs {
    /// The answers; `None` for a unit that nothing disproves.
    answers: Map<UnitName, Option<Want>>,
    /// Units that were seen placed on another machine though this one is told to hold them.
    suspects: Set<UnitName>,
    /// Since when units are seen without a placement while somebody leads.
    unplaced_ms: Map<UnitName, u64>,
    /// The life of this machine in which the placements of all its units were read.
    checked: Option<Session>,
    wait_ms: u64,
    again_at_ms: u64,
}

impl Default for Proofs {
    fn default() -> Self {
        let (answers, suspects) = (Map::new(), Set::new());
        let unplaced_ms = Map::new();
        Self { answers, suspects, unplaced_ms, checked: None, wait_ms: UNPROVEN_MS.0, again_at_ms: 0 }
    }
}

impl Proofs {
    /// Forgets the answers: the view they completed was read again.
    pub(crate) fn forget(&mut self) {
        self.answers.clear();
    }

    /// Keeps the answers about `units`; those that proved nothing only until they are due again.
    fn keep(&mut self, units: &Set<UnitName>, now_ms: u64) {
        let due = now_ms >= self.again_at_ms;
        self.answers.retain(|unit, answer| units.contains(unit) && (answer.is_some() || !due));
    }

    /// Takes back the proof that a unit is placed nowhere, until that has been so for `time_ms` of somebody's lead: a
    /// machine that was lost and came back is given its units again as a rule.
    fn await_placement(&mut self, fresh: &mut Map<UnitName, Option<Want>>, led: bool, time_ms: u64) {
        let now_ms = clock::now_ms();
        let is_unplaced = |want: &Want| matches!(want, Want::Go { departure: Departure::Unplaced, .. });
        for (unit, answer) in fresh.iter_mut() {
            if !led || !answer.as_ref().is_some_and(is_unplaced) {
                self.unplaced_ms.remove(unit);
            }
            if answer.as_ref().is_some_and(is_unplaced) {
                let since_ms = *self.unplaced_ms.entry(unit.clone()).or_insert(now_ms);
                answer.take_if(|_| !led || now_ms < since_ms + time_ms);
            }
        }
    }

    /// Takes in answers; says when to ask again, if one of all there are proved nothing. Asking because the view was
    /// read anew puts nothing off.
    fn note(&mut self, fresh: Map<UnitName, Option<Want>>, now_ms: u64) -> Option<u64> {
        if fresh.values().any(Option::is_none) && now_ms >= self.again_at_ms {
            self.again_at_ms = now_ms + self.wait_ms;
            self.wait_ms = (self.wait_ms * 2).min(UNPROVEN_MS.1);
        }
        self.answers.extend(fresh);
        if self.answers.values().all(Option::is_some) {
            (self.wait_ms, self.again_at_ms) = (UNPROVEN_MS.0, 0);
            return None;
        }
        Some(self.again_at_ms)
    }
}

impl Reconciler {
    /// Completes `wants` with what is proven of `orphans`, and of units that others were given.
    ///
    /// # Errors
    /// The registry did not answer, or is not this machine's.
    pub(crate) async fn prove(
        &mut self,
        wants: &mut Map<UnitName, Want>,
        mut orphans: Set<UnitName>,
    ) -> Result<(), String> {
        self.suspect().await?;
        orphans.extend(self.proofs.suspects.iter().cloned());
        self.proofs.keep(&orphans, clock::now_ms());
        orphans.retain(|unit| !self.proofs.answers.contains_key(unit));
        let markers = &self.holdings.markers;
        let asked = orphans.into_iter().filter_map(|unit| Some((markers.get(&unit)?.clone(), unit)));
        let mut fresh = self.ask(asked.collect()).await?;
        let led = self.node.lease_seen.borrow().is_some();
        let markers = &self.holdings.markers;
        self.proofs.unplaced_ms.retain(|unit, _| markers.contains_key(unit));
        self.proofs.await_placement(&mut fresh, led, self.node.agent_ttl_ms());
        // A suspect that nothing disproves is as good as any other unit of this machine.
        self.proofs.suspects.retain(|unit| fresh.get(unit).is_none_or(Option::is_some));
        if let Some(at_ms) = self.proofs.note(fresh, clock::now_ms()) {
            self.again_at(at_ms);
        }
        let proven = self.proofs.answers.iter();
        wants.extend(proven.filter_map(|(unit, want)| Some((unit.clone(), want.clone()?))));
        Ok(())
    }

    /// Once in each life of this machine's record, at a start of the agent too: finds units whose placement names
    /// another machine, whatever the assignments here say.
    async fn suspect(&mut self) -> Result<(), String> {
        let markers = &self.holdings.markers;
        self.proofs.suspects.retain(|unit| markers.contains_key(unit));
        let session = self.node.session();
        if self.proofs.checked == session {
            return Ok(());
        }
        let placed = markers.iter().filter(|(_, marker)| !marker.global);
        let names: Set<UnitName> = placed.map(|(unit, _)| unit.clone()).collect();
        if !names.is_empty() {
            let read = self.node.with_store(move |store| reads::placements(store, &names)).await;
            let found = read.map_err(|error: StoreError| error.to_string())?;
            let me = &self.node.identity.id;
            let elsewhere = found.found.into_iter().filter(|(_, placement)| placement.value.machine != *me);
            self.proofs.suspects = elsewhere.map(|(unit, _)| unit).collect();
        }
        self.proofs.checked = session;
        Ok(())
    }

    /// What specs and placements say of each unit. The answers count only if the store is still this fleet's after
    /// they were given: in one that was wiped in between everything is absent.
    async fn ask(&self, asked: Vec<(Marker, UnitName)>) -> Result<Map<UnitName, Option<Want>>, String> {
        if asked.is_empty() {
            return Ok(Map::new());
        }
        let me = self.node.identity.id.clone();
        let read = self.node.with_store(move |store| {
            let answer = |(marker, unit): (Marker, UnitName)| {
                let want = look_up(store, &unit)?.and_then(|(spec, placement)| {
                    desired::proof(&me, &marker, spec.as_ref(), placement.as_ref())
                });
                Ok((unit, want))
            };
            asked.into_iter().map(answer).collect::<Result<_, StoreError>>()
        });
        let answers = read.await.map_err(|error| error.to_string())?;
        self.still_ours().await?;
        Ok(answers)
    }

    /// Confirms with a majority that the store is still this fleet's, after something was found missing in it
    /// (registry rule 4).
    ///
    /// # Errors
    /// It is not, or did not answer.
    pub(crate) async fn still_ours(&self) -> Result<(), String> {
        let look = presence::look(&self.node).await.map_err(|error| error.to_string())?;
        match look.standing {
            StoreStanding::Ours => Ok(()),
            _ => Err(self.doubt(look.seen).await),
        }
    }
}

type Found = (Option<Unit>, Option<Placement>);

/// A unit's spec and placement; `None` if one of them cannot be read, which proves nothing about this unit and holds up
/// no other.
fn look_up(store: &dyn Store, unit: &UnitName) -> Result<Option<Found>, StoreError> {
    let Ok(spec) = reads::spec(store, unit, Freshness::Quorum)?.transpose() else { return Ok(None) };
    let mut placements = reads::placements(store, &[unit.clone()].into())?;
    let placement = placements.found.remove(unit).map(|placement| placement.value);
    Ok((!placements.unreadable.contains(unit)).then_some((spec, placement)))
}

#[cfg(all(test, feature = "real-etcd"))]
mod tests {
    use super::*;
    use cluster::unit_file::UnitFile;
    use cluster::{TargetState, keys};
    use registry::etcd::{Endpoint, Endpoints, Etcd, KeyPrefix, Settings};
    use registry::store::Outcome;
    use registry::units;

    #[test]
    fn a_placement_that_cannot_be_read_proves_nothing_and_is_no_failure() {
        let etcd = ::tests::etcd::Etcd::start().unwrap();
        let endpoints = Endpoints::new(vec![Endpoint::parse(&etcd.endpoint()).unwrap()]).unwrap();
        let store = Etcd::new(&Settings::new(endpoints, KeyPrefix::parse("/fleet/").unwrap())).unwrap();
        let file = UnitFile::parse("[Service]\nExecStart=/bin/true\n").unwrap();
        let unit = |name: &str| UnitName::parse(name).unwrap();
        let (rubbish, placed_nowhere, gone) = (unit("a.service"), unit("b.service"), unit("c.service"));
        for name in [&rubbish, &placed_nowhere] {
            assert!(units::create(&store, name, &file, TargetState::Launched).unwrap());
        }
        assert!(matches!(store.put(&keys::placement(&rubbish), "{"), Outcome::Done { .. }));
        assert!(look_up(&store, &rubbish).unwrap().is_none());
        assert!(matches!(look_up(&store, &placed_nowhere).unwrap(), Some((Some(_), None))));
        assert!(matches!(look_up(&store, &gone).unwrap(), Some((None, None))));
    }
}
