//! The loop every machine runs: read what it is to hold, look at what it has, plan, do, publish. All decisions are
//! `cluster`'s (`desired`, `reconcile`); this file orders the reads and keeps the time, `looking` asks systemd, `steps` does.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use cluster::backoff::read_again_ms;
use cluster::desired;
use cluster::reconcile::{self, Departure, Step, Want};
use cluster::snapshot::Snapshot;
use cluster::sorted::Map;
use cluster::standing::Standing as StoreStanding;
use cluster::{Incarnation, UnitName};
use registry::reads;
use registry::store::{Freshness, Seen};
use systemd_shim::{Changes, Drained};

use crate::bell::Bell;
use crate::clock;
use crate::dump;
use crate::hands::Hands;
use crate::holdings::Holdings;
use crate::looking::Looks;
use crate::metrics::NUMBERS;
use crate::node::{Loop, Node, Standing};
use crate::presence;
use crate::proofs::Proofs;
use crate::rows::Published;
use crate::watch::Watch;

/// Wait before a pass that failed is tried again; one that could not read waits longer and longer.
const RETRY_MS: u64 = 1000;
/// Passes that fail one after the other before it is said: one that meets a restart of etcd is no news.
const FAILURES_UNTIL_SAID: u32 = 3;

/// The reconcile loop's state.
pub struct Reconciler {
    pub(crate) node: Rc<Node>,
    pub(crate) hands: Arc<Hands>,
    pub(crate) holdings: Holdings,
    pub(crate) changes: Rc<RefCell<Changes>>,
    /// Units whose placement has to be read once more after their start (registry rule 7).
    pub(crate) unconfirmed: Map<UnitName, Incarnation>,
    pub(crate) proofs: Proofs,
    /// The steps of the last pass: what is planned again without anything having changed is neither news nor urgent.
    pub(crate) last_steps: Vec<Step>,
    pub(crate) looks: Looks,
    published: Published,
    watches: Vec<Watch>,
    view: Option<Rc<Snapshot>>,
    next_ms: Option<u64>,
    failing: Failing,
    /// Reads that failed, one after the other.
    unread: u32,
}

/// Passes that failed, one after the other.
#[derive(Debug, Default)]
struct Failing {
    passes: u32,
    /// What was last said of it.
    said: String,
}

/// What the loop is made of.
pub struct Parts {
    /// Shared state.
    pub node: Rc<Node>,
    /// Hands on the machine.
    pub hands: Arc<Hands>,
    /// Change notification; watched units are added and taken away here.
    pub changes: Rc<RefCell<Changes>>,
    /// What change notification has told since the last pass.
    pub noticed: Rc<RefCell<Drained>>,
    /// The watches on the machine's folder and on `fleet/`.
    pub watches: Vec<Watch>,
}

impl Reconciler {
    /// A loop that has looked at nothing yet.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self {
            node: parts.node,
            hands: parts.hands,
            holdings: Holdings::default(),
            changes: parts.changes,
            unconfirmed: Map::new(),
            proofs: Proofs::default(),
            last_steps: Vec::new(),
            looks: Looks::new(parts.noticed),
            published: Published::default(),
            watches: parts.watches,
            view: None,
            next_ms: None,
            failing: Failing::default(),
            unread: 0,
        }
    }

    /// Reads from disk what an earlier life of the agent left: markers and files. Without it nothing may be planned,
    /// since a unit that is not known of cannot be stopped.
    ///
    /// # Errors
    /// The markers or the units directory cannot be read.
    pub fn recall(&mut self) -> Result<(), String> {
        let (markers, unreadable) = self.hands.runtime.markers().map_err(|error| error.to_string())?;
        for error in unreadable {
            crate::error!("{error}; its unit is left alone");
        }
        self.holdings.files = self.hands.units.list().map_err(|error| error.to_string())?;
        self.holdings.files.retain(|unit| markers.contains_key(unit) && self.hands.has_in_place(unit));
        self.holdings.markers = markers;
        for unit in self.holdings.units() {
            self.watch(&unit);
        }
        Ok(())
    }

    /// Turns for ever; returns once the machine has left.
    pub async fn run(&mut self, bell: &Bell) {
        loop {
            self.next_ms = None;
            self.node.turning(Loop::Reconcile, true);
            match self.pass(bell).await {
                Ok(()) => self.failing = Failing::default(),
                Err(why) => {
                    crate::debug!("reconcile: {why}");
                    self.complain(why);
                    self.again_in(match self.unread {
                        0 => RETRY_MS,
                        times => read_again_ms(times, self.node.identity.id.share()),
                    });
                }
            }
            self.node.turning(Loop::Reconcile, false);
            if self.node.dump.take() {
                dump::print(&self.node, &self.holdings);
            }
            if self.node.is_leaving() && self.holdings.units().is_empty() {
                return;
            }
            bell.heard_or_at(self.next_ms).await;
        }
    }

    /// Says why pass after pass fails, once for each reason. What the beat runs into as well, it tells by itself and sooner.
    fn complain(&mut self, why: String) {
        self.failing.passes = self.failing.passes.saturating_add(1);
        let is_new = self.failing.said != why && self.node.standing() == Standing::Member;
        if is_new && self.failing.passes >= FAILURES_UNTIL_SAID {
            crate::warn!("units are left as they are: {why}");
            self.failing.said = why;
        }
    }

    /// Asks for another pass in `wait_ms` at the latest.
    pub(crate) fn again_in(&mut self, wait_ms: u64) {
        self.again_at(clock::now_ms().saturating_add(wait_ms));
    }

    pub(crate) fn again_at(&mut self, at_ms: u64) {
        self.next_ms = Some(self.next_ms.map_or(at_ms, |earlier| earlier.min(at_ms)));
    }

    async fn pass(&mut self, bell: &Bell) -> Result<(), String> {
        if self.node.is_leaving() {
            let wants = self.all_leave();
            return self.carry_on(&wants).await;
        }
        // Cut off, nothing may be concluded; the first beat that succeeds rings.
        if self.node.standing() != Standing::Member {
            return Ok(());
        }
        if self.node.recall.take() {
            self.recall()?;
        }
        let from_ms = self.node.reads_from_ms.get();
        if from_ms > clock::now_ms() {
            self.again_at(from_ms);
            return Ok(());
        }
        if self.view.is_none() || bell.take_stale() {
            self.view = None;
            self.view = Some(Rc::new(self.read().await?));
            self.proofs.forget();
        }
        let wants = self.wants(bell).await?;
        self.carry_on(&wants).await
    }

    /// From wants to rows.
    async fn carry_on(&mut self, wants: &Map<UnitName, Want>) -> Result<(), String> {
        self.sweep();
        self.holdings.forgive(wants);
        self.look().await?;
        let plan = reconcile::plan(wants, &self.holdings.have(), &self.holdings.troubles, clock::now_ms());
        if let Some(at_ms) = plan.retry_at_ms {
            self.again_at(at_ms);
        }
        let done = self.take_steps(wants, &plan).await;
        NUMBERS.backing_off(self.holdings.troubles.len());
        self.look().await?;
        self.settle(plan);
        let published = self.publish(wants).await;
        done.and(published)
    }

    /// One read round: whose store it is, what is asked of this machine, who leads.
    async fn read(&mut self) -> Result<Snapshot, String> {
        let me = self.node.identity.id.clone();
        let known = self.node.remembered.borrow().clone();
        let read = self.node.with_store(move |store| reads::machine(store, &me)).await;
        self.unread = if read.is_ok() { 0 } else { self.unread.saturating_add(1) };
        let (view, seen) = read.map_err(|error| error.to_string())?;
        match presence::assess(known.as_ref(), &view, seen) {
            StoreStanding::Ours => presence::note_index(&self.node, seen),
            _ => return Err(self.doubt(seen).await),
        }
        let live = view.machines.get(&self.node.identity.id).and_then(cluster::snapshot::Machine::session);
        if live.is_none() || live != self.node.session() {
            self.node.ropes.beat.ring();
            return Err("this machine's own record is not in the registry".to_string());
        }
        // A read older than our own last renewal knows less of the lease than we do.
        let outdated = self.node.leadership.get().is_some_and(|held| seen.index < held.guard.get());
        if !outdated && *self.node.lease_seen.borrow() != view.lease {
            *self.node.lease_seen.borrow_mut() = view.lease.clone();
            self.node.ropes.lease.ring();
        }
        for watch in &self.watches {
            watch.resume(seen.index);
        }
        Ok(view)
    }

    /// A read did not show our fleet's store: a majority has the last word before the machine freezes.
    pub(crate) async fn doubt(&self, first: Seen) -> String {
        let (seen, standing) = match presence::look(&self.node).await {
            Ok(look) => (look.seen, look.standing),
            Err(error) => return error.to_string(),
        };
        // A freeze must not leave the watches behind deaf: a change of the layout ends it.
        let from = seen.index.min(first.index);
        self.watches.iter().for_each(|watch| watch.resume(from));
        match standing {
            StoreStanding::Ours => return "a member of the store lags behind".to_string(),
            StoreStanding::Frozen(freeze) => {
                presence::keep_in_mind(&self.node, &freeze, seen);
                self.node.set_standing(Standing::Frozen(freeze));
            }
            _ => self
                .node
                .set_standing(Standing::Waiting("the registry was adopted; bringing units in".to_string())),
        }
        self.node.ropes.beat.ring();
        "not this machine's registry".to_string()
    }

    /// What this machine is to hold, with proof for each unit that is not to stay.
    async fn wants(&mut self, bell: &Bell) -> Result<Map<UnitName, Want>, String> {
        let me = self.node.identity.id.clone();
        let Some(view) = self.view.clone() else { return Ok(Map::new()) };
        for (unit, hash) in desired::unknown(&view, &me, &self.holdings.known) {
            let name = unit.clone();
            let read = self.node.with_store(move |store| reads::spec(store, &name, Freshness::Local)).await;
            match read.map_err(|error| error.to_string())? {
                Some(Ok(spec)) if spec.hash == hash => {
                    self.holdings.known.insert((unit, hash), spec.requirements);
                }
                // Not what was read before, and there is news: what the others are is to be read anew as well.
                _ if bell.is_stale() => return Err(format!("{unit} is not what it was when it was read")),
                // Destroyed or changed meanwhile: the derived keys will follow.
                _ => self.again_in(RETRY_MS),
            }
        }
        self.forget_unused(&view);
        let mut wants = desired::wants(&view, &me, &self.holdings.known, &self.holdings.markers);
        let orphans = desired::orphans(&view, &wants, &self.holdings.markers);
        self.prove(&mut wants, orphans).await?;
        Ok(wants)
    }

    /// Drops the requirements of specs that neither globals nor assignments name any more.
    fn forget_unused(&mut self, view: &Snapshot) {
        let mine = view.machines.get(&self.node.identity.id);
        self.holdings.known.retain(|(unit, hash), _| {
            let global = view.globals.get(unit).is_some_and(|global| global.value.hash == *hash);
            let assigned = mine.and_then(|machine| machine.assigned.get(unit));
            global || assigned.is_some_and(|assigned| assigned.value.hash == *hash)
        });
    }

    fn all_leave(&self) -> Map<UnitName, Want> {
        let release = |unit: &UnitName| self.holdings.markers.get(unit).is_some_and(|marker| !marker.global);
        let want = |unit: &UnitName| Want::Go { departure: Departure::Leaving, release: release(unit) };
        self.holdings.units().into_iter().map(|unit| (unit.clone(), want(&unit))).collect()
    }

    /// Publishes what has changed.
    pub(crate) async fn publish(&mut self, wants: &Map<UnitName, Want>) -> Result<(), String> {
        let rows = self.holdings.rows(wants);
        let node = Rc::clone(&self.node);
        self.published.publish(&node, &rows).await
    }

    pub(crate) fn watch(&self, unit: &UnitName) {
        let slice = self.hands.slice_of(unit);
        self.changes.borrow_mut().watch(unit, slice.as_deref());
    }
}
