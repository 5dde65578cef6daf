//! What systemd says of this machine's units: asked where something was noticed, where a unit is on its way, and where a
//! slow comparison of links and control groups finds what notification missed. What follows from it is `reconcile`'s
//! business.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use cluster::UnitName;
use cluster::reconcile::{Action, Plan};
use cluster::sorted::Map;
use systemd_shim::{Drained, UnitStatus};

use crate::clock;
use crate::pool;
use crate::reconcile::Reconciler;

/// First and longest wait between two looks at units on their way.
const SETTLE_MS: (u64, u64) = (20, 2000);
/// How often links and control groups are compared with what is known; costs no process.
const SWEEP_MS: u64 = 60_000;

/// When to look, and at what.
#[derive(Debug)]
pub(crate) struct Looks {
    /// What change notification has told since the last look.
    noticed: Rc<RefCell<Drained>>,
    settle_ms: u64,
    sweep_at_ms: u64,
}

impl Looks {
    /// Nothing was looked at yet.
    pub(crate) const fn new(noticed: Rc<RefCell<Drained>>) -> Self {
        Self { noticed, settle_ms: SETTLE_MS.0, sweep_at_ms: 0 }
    }
}

impl Reconciler {
    /// Compares links and control groups with what is known, once a minute.
    pub(crate) fn sweep(&mut self) {
        let now_ms = clock::now_ms();
        if now_ms >= self.looks.sweep_at_ms {
            self.looks.sweep_at_ms = now_ms + SWEEP_MS;
            match self.changes.borrow_mut().sweep(&self.holdings.statuses) {
                // Timers, sockets and targets leave no trace to compare: they are asked about.
                Ok(sweep) => self.holdings.dirty.extend(sweep.disagreements.into_keys().chain(sweep.unseen)),
                Err(error) => crate::warn!("sweep systemd's links: {error}"),
            }
        }
        if !self.holdings.units().is_empty() {
            self.again_at(self.looks.sweep_at_ms);
        }
    }

    /// Asks systemd about units that have changed, are on their way, or have never been asked about.
    pub(crate) async fn look(&mut self) -> Result<(), String> {
        let units = self.holdings.units();
        let noticed = std::mem::take(&mut *self.looks.noticed.borrow_mut());
        let mut ask = noticed.units;
        ask.append(&mut self.holdings.dirty);
        let moving = |unit: &&UnitName| self.holdings.statuses.get(*unit).is_none_or(UnitStatus::is_settling);
        ask.extend(units.iter().filter(|unit| noticed.everything || moving(unit)).cloned());
        ask.retain(|unit| units.contains(unit));
        if ask.is_empty() {
            return Ok(());
        }
        let (hands, asked) = (Arc::clone(&self.hands), ask.clone());
        match pool::unblock(move || hands.states(&asked)).await {
            Ok(statuses) => {
                self.note(statuses).await;
                Ok(())
            }
            Err(error) => {
                self.holdings.dirty.append(&mut ask);
                Err(error.to_string())
            }
        }
    }

    /// Takes in what systemd said; a unit that has failed since is asked why.
    async fn note(&mut self, statuses: Map<UnitName, UnitStatus>) {
        for (unit, status) in statuses {
            let before = self.holdings.statuses.insert(unit.clone(), status.clone());
            if before.as_ref() != Some(&status) {
                self.looks.settle_ms = SETTLE_MS.0;
            }
            if !status.is_failed() {
                self.holdings.failures.remove(&unit);
            } else if before.is_none_or(|before| !before.is_failed()) {
                let (hands, name) = (Arc::clone(&self.hands), unit.clone());
                let why = pool::unblock(move || hands.why_failed(&name)).await;
                self.holdings.failures.insert(unit, why);
            }
        }
    }

    /// Decides when to look again at units on their way: soon after something new was done, and ever later while
    /// nothing comes of it.
    pub(crate) fn settle(&mut self, plan: Plan) {
        let awaited = plan.steps.iter().any(|step| !matches!(step.action, Action::Release));
        if awaited && plan.steps != self.last_steps {
            self.looks.settle_ms = SETTLE_MS.0;
        }
        self.last_steps = plan.steps;
        if awaited || self.holdings.is_settling() {
            self.again_in(self.looks.settle_ms);
            self.looks.settle_ms = (self.looks.settle_ms * 2).min(SETTLE_MS.1);
        }
    }
}
