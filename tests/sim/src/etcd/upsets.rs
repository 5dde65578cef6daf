//! What befalls the store: elections, members that go and lag, clocks that are set, a history that is forgotten, and another
//! store in its place.

use store::keyspace::{Command, Content};

use super::{CLOSED, Entry, MEMBERS, Member, Pending};
use crate::kernel::Event;
use crate::sim::Sim;

impl Sim {
    /// Ends every watch that waits at a member.
    fn cut_polls(&mut self, member: usize) {
        for poll in std::mem::take(&mut self.etcd.members[member].polls) {
            self.answer(poll.node, &poll.asker, CLOSED);
        }
    }

    /// The members have no leader for that long; then another one leads.
    pub fn elect(&mut self, for_us: u64) {
        self.etcd.elects_until_us = self.etcd.elects_until_us.max(self.now_us + for_us);
        for member in 0..MEMBERS {
            if self.chance.permille(500) {
                self.cut_polls(member);
            }
        }
        self.etcd.leader = (self.etcd.leader + 1) % MEMBERS;
        let (life, at_us) = (self.etcd.life, self.etcd.elects_until_us);
        let elected = move |sim: &mut Self| {
            let held = std::mem::take(&mut sim.etcd.held);
            for (command, member, node, asker) in held {
                if life == sim.etcd.life && sim.chance.permille(700) {
                    sim.commit(command, Some((member, node, asker)));
                }
            }
        };
        self.agenda.put(at_us, Event::World(Box::new(elected)));
    }

    /// A member goes, and comes back with all it knew.
    pub fn member_down(&mut self, member: usize, for_us: u64) {
        self.etcd.members[member].up = false;
        self.cut_polls(member);
        for (pending, _, asker) in std::mem::take(&mut self.etcd.members[member].pending) {
            let (Pending::Write(node) | Pending::Read(_, node)) = pending;
            self.answer(node, &asker, CLOSED);
        }
        if self.etcd.leader == member {
            self.elect(1_500_000);
        }
        let back = move |sim: &mut Self| {
            sim.etcd.members[member].up = true;
            sim.spread();
        };
        self.agenda.put(self.now_us + for_us, Event::World(Box::new(back)));
    }

    /// A member hears of everything that much later.
    pub fn member_lags(&mut self, member: usize, lag_us: u64) {
        self.etcd.members[member].lag_us = lag_us.max(300);
    }

    /// The calendar of a member is set.
    pub fn member_clock(&mut self, member: usize, by_ms: i64) {
        self.etcd.members[member].clock_ns += by_ms * 1_000_000;
    }

    /// All that happened more than a thousand changes ago is forgotten.
    pub fn clear_history(&mut self) {
        let path = "/elsewhere".to_owned();
        let content = Content { value: "x".into(), expiry: None, is_refresh: false };
        for _ in 0..1001 {
            let (path, content) = (path.clone(), content.clone());
            let now = self.etcd.members[self.etcd.leader].now(self.now_us);
            self.etcd.log.push(Entry::Write(Command::Set { path, is_dir: false, content }, now));
        }
        self.spread();
    }

    /// The store is replaced by another one, which knows the first `kept` entries of the log and nothing since.
    pub fn replace_store(&mut self, kept: usize) {
        self.etcd.life += 1;
        let cluster = self.chance.next() >> 1;
        for member in 0..MEMBERS {
            self.cut_polls(member);
            let old = std::mem::replace(&mut self.etcd.members[member], Member::new(cluster));
            self.etcd.members[member].clock_ns = old.clock_ns;
            for (pending, _, asker) in old.pending {
                let (Pending::Write(node) | Pending::Read(_, node)) = pending;
                self.answer(node, &asker, CLOSED);
            }
        }
        self.etcd.held.clear();
        self.etcd.log.truncate(kept);
        self.spread();
    }
}
