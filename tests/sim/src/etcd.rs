//! The store of the fleet: three members that carry out one log on the keyspace of `store`, each with its own delay. The
//! keyspace answers as etcd's does, by differential test; what is made up here is who hears of what when. As in
//! etcd, TTLs count from the clock of the member asked and end by the clock of the leader.

mod question;
mod upsets;

use std::collections::VecDeque;

use registry::store::{Node as Found, Seen, StoreErrorKind, Wake};
use store::keyspace::{Code, Command, Event as Change, Keyspace, Moment, Node, Refusal};

use crate::holders::placed_unit;
use crate::kernel::Event;
use crate::sim::Sim;

pub use question::{Ask, Asker, Told, leaf};

/// Members of the store.
pub const MEMBERS: usize = 3;
/// The prefix of all keys, as a clean path.
pub const PREFIX: &str = "/fleet";
/// The calendar time at which a simulation begins, in nanoseconds since 1970.
const EPOCH_NS: i64 = 1_700_000_000_000_000_000;
/// How often the leader ends keys whose time is over.
const SYNC_US: u64 = 500_000;

enum Entry {
    Write(Command, Moment),
    End(Moment),
}

enum Pending {
    Write(usize),
    Read(Ask, usize),
}

struct Poll {
    path: String,
    since: u64,
    node: usize,
    asker: Asker,
}

/// One member.
struct Member {
    keyspace: Keyspace,
    applied: usize,
    up: bool,
    lag_us: u64,
    clock_ns: i64,
    polls: Vec<Poll>,
    pending: Vec<(Pending, usize, Asker)>,
}

/// The store.
pub struct Etcd {
    members: Vec<Member>,
    log: Vec<Entry>,
    /// Counts wipes: what was under way to a store that was is lost.
    life: u64,
    leader: usize,
    elects_until_us: u64,
    held: VecDeque<(Command, usize, usize, Asker)>,
}

impl Member {
    fn new(cluster: u64) -> Self {
        let (polls, pending) = (Vec::new(), Vec::new());
        let keyspace = Keyspace::new(cluster);
        Self { keyspace, applied: 0, up: true, lag_us: 300, clock_ns: 0, polls, pending }
    }

    fn now(&self, now_us: u64) -> Moment {
        EPOCH_NS + i64::try_from(now_us).unwrap_or(0) * 1000 + self.clock_ns
    }

    fn seen(&self) -> Seen {
        Seen { index: self.keyspace.index(), cluster: self.keyspace.cluster() }
    }

    fn read(&self, ask: &Ask, now: Moment) -> Told {
        let (path, key) = match ask {
            Ask::Read(path, _) => (path, None),
            Ask::Tree(path, key, _) => (path, Some(key)),
            Ask::Write(_) | Ask::Beat(_) | Ask::Watch(..) => return Told::Unsent,
        };
        let node = match self.keyspace.find(path) {
            Ok(node) => node,
            Err(Refusal { code: Code::KeyNotFound, .. }) => {
                return key.map_or(Told::Key(None, self.seen()), |_| Told::Tree(Vec::new(), self.seen()));
            }
            Err(_) => return Told::Failed(StoreErrorKind::BadAnswer, "refused"),
        };
        match key {
            None => Told::Key(found(node, path, now), self.seen()),
            Some(key) => {
                let mut leaves = Vec::new();
                collect(key, node, now, &mut leaves);
                Told::Tree(leaves, self.seen())
            }
        }
    }

    fn wake(&self, path: &str, since: u64) -> Option<Wake> {
        if self.keyspace.index() + 1 < since {
            return Some(Wake::Overrun);
        }
        match self.keyspace.past(path, true, since) {
            Err(_) => Some(Wake::Overrun),
            Ok(event) => event.map(|event| changed(event)),
        }
    }

    /// The unit whose placement an entry was about, and what is there now.
    fn placed(&self, entry: &Entry) -> Option<(String, Option<String>)> {
        let Entry::Write(command, _) = entry else { return None };
        let unit = placed_unit(command)?;
        let node = self.keyspace.find(&format!("{PREFIX}/placements/{unit}")).ok();
        let value = node.and_then(|node| found(node, "", 0)).map(|found| found.value);
        Some((unit.to_owned(), value))
    }

    fn carry_out(&mut self, entry: &Entry) -> Option<Told> {
        match entry {
            Entry::End(moment) => {
                while self.keyspace.expire(*moment).is_some() {}
                None
            }
            Entry::Write(command, moment) => Some(match self.keyspace.apply(command, *moment) {
                Ok(change) => Told::Done(change.event.node.created, change.event.node.modified),
                Err(refusal) => Told::Refused(refusal.code),
            }),
        }
    }
}

fn changed(event: &Change) -> Wake {
    let below = event.node.key.strip_prefix(PREFIX).unwrap_or_default();
    Wake::Changed { index: event.node.modified, key: below.trim_start_matches('/').to_owned() }
}

fn found(node: &Node, path: &str, now: Moment) -> Option<Found> {
    let view = node.view(path, now);
    let ttl_secs = view.expiry.map(|_| u64::try_from(view.ttl).unwrap_or(0));
    let value = view.value?.as_ref().to_owned();
    Some(Found { value, created: view.created, modified: view.modified, ttl_secs })
}

fn collect(key: &str, node: &Node, now: Moment, into: &mut Vec<(String, Found)>) {
    if let Some(found) = found(node, key, now) {
        return into.push((key.to_owned(), found));
    }
    for (name, child) in node.listed() {
        let below = if key.is_empty() { name.to_owned() } else { format!("{key}/{name}") };
        collect(&below, child, now, into);
    }
}

impl Etcd {
    /// An empty store.
    #[must_use]
    pub fn new(cluster: u64) -> Self {
        let members = (0..MEMBERS).map(|_| Member::new(cluster)).collect();
        let (log, held) = (Vec::new(), VecDeque::new());
        Self { members, log, life: 0, leader: 0, elects_until_us: 0, held }
    }

    /// Everything that is committed, as the furthest member has it: only for the observer.
    #[must_use]
    pub fn all(&self, now_us: u64) -> (Vec<(String, Found)>, u64) {
        let Some(most) = self.members.iter().max_by_key(|member| member.applied) else {
            return (Vec::new(), 0);
        };
        let mut leaves = Vec::new();
        if let Ok(node) = most.keyspace.find(PREFIX) {
            collect("", node, most.now(now_us), &mut leaves);
        }
        (leaves, most.keyspace.index())
    }

    /// Entries that were ever committed since the last wipe.
    #[must_use]
    pub fn length(&self) -> usize {
        self.log.len()
    }
}

impl Sim {
    /// Ends keys whose time is over, for as long as the simulation lasts.
    pub fn sync_etcd(&mut self) {
        let now_us = self.now_us;
        let leader = &self.etcd.members[self.etcd.leader];
        let moment = leader.now(now_us);
        let due = leader.keyspace.next_end().is_some_and(|end| end <= moment);
        if due && now_us >= self.etcd.elects_until_us {
            self.etcd.log.push(Entry::End(moment));
            self.spread();
        }
        self.agenda.put(now_us + SYNC_US, Event::World(Box::new(Self::sync_etcd)));
    }

    /// A question arrives at a member.
    pub fn arrive(&mut self, member: usize, ask: Ask, node: usize, asker: &Asker) {
        let now_us = self.now_us;
        let electing = now_us < self.etcd.elects_until_us;
        let here = &mut self.etcd.members[member];
        if !here.up {
            return self.answer(node, asker, Told::Unsent);
        }
        let now = here.now(now_us);
        match ask {
            Ask::Write(make) | Ask::Beat(make) => {
                let command = make(now);
                if electing && self.chance.permille(500) {
                    return self.etcd.held.push_back((command, member, node, asker.clone()));
                } else if electing {
                    return self.answer(node, asker, NO_LEADER);
                }
                self.commit(command, Some((member, node, asker.clone())));
            }
            Ask::Read(_, true) | Ask::Tree(_, _, true) => {
                if electing {
                    return self.answer(node, asker, NO_LEADER);
                }
                let needed = self.etcd.log.len();
                let pending = (Pending::Read(ask, node), needed, asker.clone());
                self.etcd.members[member].pending.push(pending);
                self.spread();
            }
            Ask::Read(..) | Ask::Tree(..) => {
                let told = here.read(&ask, now);
                self.answer(node, asker, told);
            }
            Ask::Watch(path, after, end) => match here.wake(&path, after + 1) {
                Some(wake) => self.answer(node, asker, Told::Wake(wake)),
                None => {
                    here.polls.push(Poll { path, since: after + 1, node, asker: end });
                    self.answer(node, asker, Told::Begun);
                }
            },
        }
    }

    /// Writes into the log; the member asked answers once it has carried it out.
    pub fn commit(&mut self, command: Command, asked: Option<(usize, usize, Asker)>) {
        let now = self.etcd.members[self.etcd.leader].now(self.now_us);
        self.etcd.log.push(Entry::Write(command, now));
        if let Some((member, node, asker)) = asked {
            let needed = self.etcd.log.len();
            self.etcd.members[member].pending.push((Pending::Write(node), needed, asker));
        }
        self.spread();
    }

    /// Has every member carry out what is in the log, each after its delay.
    fn spread(&mut self) {
        let (life, until) = (self.etcd.life, self.etcd.log.len());
        for member in 0..MEMBERS {
            let lag_us = self.etcd.members[member].lag_us;
            let at_us = self.now_us + 300 + self.chance.of(0..=lag_us);
            let apply = move |sim: &mut Self| sim.apply(member, life, until);
            self.agenda.put(at_us, Event::World(Box::new(apply)));
        }
    }

    fn apply(&mut self, member: usize, life: u64, until: usize) {
        if life != self.etcd.life || !self.etcd.members[member].up {
            return;
        }
        let now_us = self.now_us;
        let (mut answers, mut placed) = (Vec::new(), Vec::new());
        let known = self.etcd.members.iter().map(|member| member.applied).max().unwrap_or(0);
        let Etcd { members, log, .. } = &mut self.etcd;
        let here = &mut members[member];
        while here.applied < until {
            let entry = &log[here.applied];
            let told = here.carry_out(entry);
            here.applied += 1;
            if here.applied > known {
                placed.extend(here.placed(entry));
            }
            let applied = here.applied;
            let mine = |entry: &mut (Pending, usize, Asker)| {
                matches!(entry.0, Pending::Write(_)) && entry.1 == applied
            };
            for (pending, _, asker) in here.pending.extract_if(.., mine) {
                let (Pending::Write(node), Some(told)) = (pending, told.clone()) else { continue };
                answers.push((node, asker, told));
            }
        }
        let applied = here.applied;
        let due =
            |entry: &mut (Pending, usize, Asker)| matches!(entry.0, Pending::Read(..)) && entry.1 <= applied;
        let ready: Vec<_> = here.pending.extract_if(.., due).collect();
        for (pending, _, asker) in ready {
            let Pending::Read(ask, node) = pending else { continue };
            answers.push((node, asker, here.read(&ask, here.now(now_us))));
        }
        for poll in std::mem::take(&mut here.polls) {
            match here.wake(&poll.path, poll.since) {
                Some(wake) => answers.push((poll.node, poll.asker, Told::Wake(wake))),
                None if poll.asker.waits() => here.polls.push(poll),
                None => {}
            }
        }
        for (unit, value) in placed {
            self.note_holder(&unit, value.as_deref());
        }
        for (node, asker, told) in answers {
            self.answer(node, &asker, told);
        }
    }
}

const NO_LEADER: Told = Told::Failed(StoreErrorKind::Server, "no leader");
const CLOSED: Told = Told::Failed(StoreErrorKind::Unreachable, "the connection was closed");
