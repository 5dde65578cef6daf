//! The leader's loop: read the cluster at one moment, judge who is lost, plan, write. It does nothing on machines
//! that do not hold the lease, and lets go of all it read when the lease goes. All decisions are `cluster`'s.

use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use cluster::event::Event;
use cluster::keys::{self, Key};
use cluster::loss::{self, Absences, Judge, Verdict};
use cluster::reason::Pending;
use cluster::records::Phase;
use cluster::schedule::{self, Decision};
use cluster::setback::Course;
use cluster::snapshot::{Machine, Snapshot};
use cluster::sorted::{Map, Set};
use cluster::standing::Standing as StoreStanding;
use cluster::{Epoch, UnitName};
use registry::decisions::{Enacted, enact};
use registry::reads;
use registry::store::{Freshness, StoreError};

use crate::bell::Bell;
use crate::bulletin::Bulletin;
use crate::clock;
use crate::events::{About, tell};
use crate::metrics::{NUMBERS, Task};
use crate::node::{Loop, Node, Standing};
use crate::pool;
use crate::presence;
use crate::watch::Watch;

/// Wait before a pass that failed is tried again.
const RETRY_MS: u64 = 500;
/// Decisions written side by side; the store commits them in groups.
const LANES: usize = 4;

/// What the leader remembers between passes, and nobody else.
struct Leading {
    /// Wakes the loop; `None` until the first read, and where no thread could be had.
    watch: Option<Watch>,
    /// Units that are held back.
    held: Held,
    absences: Absences,
    course: Course,
    pending: Map<UnitName, Pending>,
    verdict: Verdict,
    bulletin: Bulletin,
}

/// Shared with the watch: a state row of one of these tells of a machine that came back with it.
type Held = Arc<Mutex<Set<UnitName>>>;

/// Schedules whenever this machine leads, for as long as the agent lives.
pub async fn run(node: Rc<Node>, bell: Bell) {
    let mut leading: Option<Leading> = None;
    loop {
        let mut next_ms = None;
        match (node.leadership.get(), &mut leading) {
            (None, Some(_)) => {
                leading = None;
                NUMBERS.leads(false);
                node.store.interrupt_watches();
            }
            (None, None) => {}
            (Some(_), None) => {
                leading = Some(begin(&node));
                continue;
            }
            (Some(_), Some(state)) if node.standing() == Standing::Member => {
                node.turning(Loop::Schedule, true);
                let start_us = clock::now_us();
                let passed = pass(&node, state).await;
                NUMBERS.pass(start_us, passed.is_ok());
                next_ms = match passed {
                    Ok(next_ms) => next_ms,
                    Err(why) => {
                        crate::debug!("schedule: {why}");
                        Some(clock::now_ms() + RETRY_MS)
                    }
                };
                node.turning(Loop::Schedule, false);
            }
            (Some(_), Some(_)) => {}
        }
        bell.heard_or_at(next_ms).await;
    }
}

fn begin(node: &Node) -> Leading {
    let rope = node.ropes.schedule.clone();
    let store = Arc::clone(&node.store);
    let held = Held::default();
    let theirs = Arc::clone(&held);
    let watch = Watch::start("watch-cluster", store, String::new(), node.identity.id.share(), move |key| {
        if key.is_none_or(|key| concerns_schedule(key, &theirs)) {
            rope.ring();
        }
    });
    NUMBERS.leads(true);
    let mut bulletin = Bulletin::default();
    let about = About { machine: Some(&node.identity.id), ..About::default() };
    bulletin.note(Event::LeadTaken, &about);
    if let Err(error) = &watch {
        crate::error!("start the leader's watch: {error}");
    }
    Leading {
        watch: watch.ok(),
        held,
        absences: Absences::default(),
        course: Course::default(),
        pending: Map::new(),
        verdict: Verdict::default(),
        bulletin,
    }
}

/// The lease and what the leader itself tells and notes change without anything to decide, and so do state rows, but for those of
/// units that are held back.
fn concerns_schedule(key: &str, held: &Held) -> bool {
    if !key.starts_with("states/") {
        return ![keys::LEASE, keys::EVENTS, keys::SETTLED].contains(&key);
    }
    let held = held.lock().unwrap_or_else(PoisonError::into_inner);
    !held.is_empty() && matches!(Key::parse(key), Some(Key::State(_, _, unit)) if held.contains(&unit))
}

/// Notes which units are held back: before the watch goes on from what was read, and before their setbacks are written.
fn hold(leading: &Leading, pending: &Map<UnitName, Pending>) {
    let is_held = |(_, pending): &(&UnitName, &Pending)| matches!(pending, Pending::HeldBack { .. });
    let held = pending.iter().filter(is_held).map(|(unit, _)| unit.clone()).collect();
    *leading.held.lock().unwrap_or_else(PoisonError::into_inner) = held;
}

/// One pass; says when the next is due if nothing wakes it before.
async fn pass(node: &Node, leading: &mut Leading) -> Result<Option<u64>, String> {
    let known = node.remembered.borrow().clone();
    let read = node.with_store(|store| reads::cluster(store, Freshness::Quorum, false)).await;
    let (snapshot, seen) = read.map_err(|error: StoreError| error.to_string())?;
    if presence::assess(known.as_ref(), &snapshot, seen) != StoreStanding::Ours {
        node.ropes.reconcile.ring();
        return Err("not this machine's registry".to_string());
    }
    let now_ms = clock::now_ms();
    let judge =
        Judge { judges_from_ms: judges_from(node, &snapshot, now_ms), agent_ttl_ms: node.agent_ttl_ms() };
    let verdict = loss::judge(&mut leading.absences, &snapshot, judge, now_ms);
    leading.bulletin.judged(&leading.verdict, &verdict);
    let care = leading.course.note(&snapshot, seen.index, node.agent_ttl_ms(), now_ms);
    let plan = schedule::plan_with(&snapshot, &verdict.lost, &care);
    hold(leading, &plan.pending);
    if let Some(watch) = &leading.watch {
        watch.resume(seen.index);
    }
    leading.bulletin.pending(&leading.pending, &plan.pending);
    leading.pending = plan.pending;
    leading.verdict = verdict;
    let (releases, others): (Vec<_>, Vec<_>) =
        plan.decisions.into_iter().partition(|decision| matches!(decision, Decision::Release { .. }));
    let bulletin = &mut leading.bulletin;
    let released = write(node, bulletin, releases).await;
    let written = write(node, bulletin, others).await;
    bulletin.publish(node).await;
    let overtaken = released? | written?;
    // A judge that may not judge yet has no time to name: whoever is missing is looked for again all the same.
    let unjudged = leading.verdict.again_at_ms.is_none() && !leading.verdict.missing.is_empty();
    let again_ms = (overtaken || unjudged).then(|| clock::now_ms() + RETRY_MS);
    Ok(leading.verdict.again_at_ms.into_iter().chain(again_ms).chain(care.again_at_ms).min())
}

/// From when on this machine may judge others; never while its own contact is in doubt or its own record is not
/// where the others' are missing from.
fn judges_from(node: &Node, snapshot: &Snapshot, now_ms: u64) -> Option<u64> {
    let contact = node.contact.borrow();
    let registered = snapshot.machines.get(&node.identity.id).is_some_and(Machine::is_live);
    contact.judges_from_ms(node.agent_ttl_ms()).filter(|_| registered && contact.is_unbroken(now_ms))
}

/// Writes decisions, some side by side; one that cannot be written holds up no other. The lease is looked at before
/// each one is begun (registry rule 6). True if the world had moved on for some of them.
async fn write(node: &Node, bulletin: &mut Bulletin, decisions: Vec<Decision>) -> Result<bool, String> {
    let mut waiting = decisions.into_iter();
    let mut lanes = std::collections::VecDeque::new();
    let (mut result, mut overtaken, mut leading) = (Ok(()), false, true);
    loop {
        while lanes.len() < LANES && leading {
            let Some(decision) = waiting.next() else { break };
            match begin_write(node, &decision) {
                Ok(epoch) => {
                    let store = Arc::clone(&node.store);
                    let task = pool::unblock(move || (enact(&*store, &decision, epoch), decision));
                    lanes.push_back(task);
                }
                Err(why) => {
                    leading = false;
                    result = result.and(Err(why));
                }
            }
        }
        let Some(task) = lanes.pop_front() else { return result.map(|()| overtaken) };
        let written = task.await;
        count(&written.0, &written.1);
        match written {
            (Ok(Enacted::Done), decision) => bulletin.decided(&decision),
            (Ok(Enacted::Overtaken), decision) => {
                tell(Event::DecisionOvertaken, About::default(), format_args!("overtaken: {decision:?}"));
                overtaken = true;
            }
            (Err(error), _) => result = result.and(Err(error.to_string())),
        }
    }
}

fn count(written: &Result<Enacted, StoreError>, decision: &Decision) {
    match decision {
        Decision::Release { .. } => NUMBERS.task(Task::Unschedule, written.is_ok()),
        Decision::Assign { assignment, .. } if assignment.phase == Phase::Revoked => {
            NUMBERS.task(Task::Unschedule, written.is_ok());
        }
        Decision::Place { .. } => NUMBERS.task(Task::Schedule, written.is_ok()),
        _ => {}
    }
}

fn begin_write(node: &Node, decision: &Decision) -> Result<Epoch, String> {
    match node.leadership.get() {
        Some(held) if held.may_write(clock::now_ms(), &node.terms()) => Ok(held.epoch),
        _ => Err(format!("the lease is not fresh enough to write {decision:?}")),
    }
}
