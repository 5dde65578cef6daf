//! What the leader tells of its passes: to the log, and to the registry for `ctl events`, at most one write a pass and
//! none where nothing was decided. Words only; the decisions are `cluster`'s.

use std::collections::VecDeque;
use std::fmt;

use cluster::UnitName;
use cluster::chronicle::Record;
use cluster::event::{Event, Weight};
use cluster::limits::EVENTS_KEPT_MAX;
use cluster::loss::Verdict;
use cluster::reason::{CAUSES, Cause, Pending};
use cluster::records::Phase;
use cluster::schedule::Decision;
use cluster::sorted::Map;

use crate::clock;
use crate::events::{About, tell};
use crate::metrics::NUMBERS;
use crate::node::Node;

/// What was told and is not in the registry yet.
#[derive(Debug, Default)]
pub(crate) struct Bulletin {
    fresh: VecDeque<Record>,
}

impl Bulletin {
    /// Keeps an event for the registry. Details are for the log alone.
    pub(crate) fn note(&mut self, event: Event, about: &About<'_>) {
        if event.weight() == Weight::Detail {
            return;
        }
        if self.fresh.len() == EVENTS_KEPT_MAX {
            self.fresh.pop_front();
        }
        let time = clock::unix_seconds();
        self.fresh.push_back(Record::new(time, event, about.unit, about.machine, about.reason));
    }

    fn say(&mut self, event: Event, about: About<'_>, words: fmt::Arguments<'_>) {
        self.note(event, &about);
        tell(event, about, words);
    }

    /// A decision was written.
    pub(crate) fn decided(&mut self, decision: &Decision) {
        let (event, about, cause) = anatomy(decision);
        NUMBERS.decision(cause);
        let reason = cause.to_string();
        let cause = CAUSES.get(cause.place()).copied().unwrap_or_default();
        let about = About { reason: &reason, cause, ..about };
        let machine = about.machine.map(|machine| machine.short()).unwrap_or_default();
        match decision {
            Decision::Release { unit, .. } => {
                self.say(event, about, format_args!("unscheduled {unit} from {machine}: {reason}"));
            }
            Decision::Place { unit, .. } => {
                self.say(event, about, format_args!("scheduled {unit} to {machine}: {reason}"));
            }
            Decision::Assign { unit, assignment, .. } => {
                let what = if event == Event::UnitRevoked { "revoked" } else { "assigned" };
                let target = assignment.target;
                self.say(event, about, format_args!("{what} {unit} on {machine} ({target}): {reason}"));
            }
            Decision::Unassign { unit, .. } => {
                let words = format_args!("removed the assignment of {unit} to {machine}: {reason}");
                self.say(event, about, words);
            }
            Decision::PublishGlobal { unit, record, .. } => {
                let target = record.target;
                self.say(event, about, format_args!("published global {unit} ({target}): {reason}"));
            }
            Decision::WithdrawGlobal { unit, .. } => {
                self.say(event, about, format_args!("withdrew global {unit}: {reason}"));
            }
            Decision::Forgive { unit, .. } => {
                self.say(event, about, format_args!("removed the setback of {unit}: {reason}"));
            }
            Decision::Settle { record, .. } => {
                let words = format_args!("placements up to index {} have settled: {reason}", record.index);
                self.say(event, about, words);
            }
            Decision::Sweep { session, .. } => {
                let words = format_args!("swept the rows of {machine} session {session}: {reason}");
                self.say(event, about, words);
            }
        }
    }

    /// What the judge says now, where it is not what it said before.
    pub(crate) fn judged(&mut self, before: &Verdict, now: &Verdict) {
        NUMBERS.machines_away(now.lost.difference(&before.lost).count());
        NUMBERS.judged(now);
        for machine in now.missing.difference(&before.missing) {
            let about = About { machine: Some(machine), ..About::default() };
            let words = format_args!("machine {} gives no sign of life", machine.short());
            self.say(Event::MachineMissing, about, words);
        }
        for machine in now.lost.difference(&before.lost) {
            let about = About { machine: Some(machine), ..About::default() };
            self.say(Event::MachineLost, about, format_args!("machine {} is lost", machine.short()));
        }
        let reason = "most machines vanished at once";
        let about = About { reason, ..About::default() };
        match (before.braked, now.braked) {
            (false, true) => {
                self.say(Event::BrakeOn, about, format_args!("{reason}: nothing moves for one agent_ttl"));
            }
            (true, false) => {
                self.say(Event::BrakeOff, About::default(), format_args!("machines are judged again"));
            }
            _ => {}
        }
    }

    /// The units that are on no machine now, and why, where that is news.
    pub(crate) fn pending(&mut self, before: &Map<UnitName, Pending>, now: &Map<UnitName, Pending>) {
        NUMBERS.unplaced(now.keys().filter(|unit| !before.contains_key(*unit)).count());
        NUMBERS.pending(now.len());
        for (unit, pending) in now.iter().filter(|(unit, pending)| before.get(*unit) != Some(*pending)) {
            let reason = pending.to_string();
            let about = About { unit: Some(unit), reason: &reason, ..About::default() };
            self.say(Event::UnitPending, about, format_args!("{unit} is not scheduled: {reason}"));
        }
    }

    /// Writes what is fresh to the registry, if anything is and the lease allows it. What cannot be written goes with
    /// the next pass that has something; the log has it already.
    pub(crate) async fn publish(&mut self, node: &Node) {
        let may_write =
            node.leadership.get().is_some_and(|held| held.may_write(clock::now_ms(), &node.terms()));
        if self.fresh.is_empty() || !may_write {
            return;
        }
        let fresh: Vec<Record> = self.fresh.iter().cloned().collect();
        match node.with_store(move |store| registry::events::append(store, &fresh)).await {
            Ok(true) => self.fresh.clear(),
            Ok(false) => {}
            Err(error) => crate::debug!("record events: {error}"),
        }
    }
}

/// The event a decision is, what it is about, and its cause.
fn anatomy(decision: &Decision) -> (Event, About<'_>, &Cause) {
    let about = |unit, machine| About { unit, machine, ..About::default() };
    match decision {
        Decision::Release { unit, machine, cause, .. } => {
            (Event::UnitTaken, about(Some(unit), Some(machine)), cause)
        }
        Decision::Place { unit, machine, cause, .. } => {
            (Event::UnitPlaced, about(Some(unit), Some(machine)), cause)
        }
        Decision::Assign { unit, machine, assignment, cause, .. } => {
            let is_revoked = assignment.phase == Phase::Revoked;
            let event = if is_revoked { Event::UnitRevoked } else { Event::UnitAssigned };
            (event, about(Some(unit), Some(machine)), cause)
        }
        Decision::Unassign { unit, machine, cause, .. } => {
            (Event::AssignmentRemoved, about(Some(unit), Some(machine)), cause)
        }
        Decision::PublishGlobal { unit, cause, .. } => {
            (Event::GlobalPublished, about(Some(unit), None), cause)
        }
        Decision::WithdrawGlobal { unit, cause, .. } => {
            (Event::GlobalWithdrawn, about(Some(unit), None), cause)
        }
        Decision::Forgive { unit, cause, .. } => (Event::SetbackRemoved, about(Some(unit), None), cause),
        Decision::Settle { cause, .. } => (Event::PlacementsSettled, About::default(), cause),
        Decision::Sweep { machine, cause, .. } => (Event::RowsSwept, about(None, Some(machine)), cause),
    }
}
