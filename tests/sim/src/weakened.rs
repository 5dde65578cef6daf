//! A node's way to the store, where its guards are taken out: what an agent asks under a guard is asked without it, and
//! what it would learn is kept from it. A run that takes none out passes everything on.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use cluster::Guard as Index;
use registry::store::{Freshness, Hold, Leaf, Node, Outcome, Seen, Store, StoreError, Wake};

use crate::client::Client;
use crate::guards::Guard;
use crate::kernel::with;
use crate::snares::{Side, pass};

mod reads;

type Leaves = Vec<(String, Node)>;

/// The way.
#[derive(Debug)]
pub struct Weakened {
    inner: Client,
    node: usize,
    without: Vec<Guard>,
    memory: Mutex<Memory>,
}

/// What is kept to tell it again.
#[derive(Debug, Default)]
struct Memory {
    /// The unit whose spec a majority was asked for last: what follows is a proof.
    proves: Option<String>,
    layout: Option<Node>,
    /// The furthest that anything told of, beats too.
    index: u64,
    /// The leader's last look at everything, with its time.
    look: Option<(u64, Leaves, Seen)>,
    /// What the last beat that was answered said.
    beat: Option<(u64, u64)>,
    /// Placements made here whose assignments are to follow.
    placed: BTreeSet<String>,
}

impl Weakened {
    /// The way from a node of the network, by some member first.
    #[must_use]
    pub fn new(node: usize, member: usize) -> Self {
        let without = with(|sim| sim.scenario.without.clone());
        Self { inner: Client::new(node, member), node, without, memory: Mutex::default() }
    }

    fn lacks(&self, guard: Guard) -> bool {
        self.without.contains(&guard)
    }

    /// Never held while the store is asked: others run meanwhile.
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True if a key may be written as if nobody else did.
    fn unguarded(&self, key: &str) -> bool {
        key.starts_with("placements/") && self.lacks(Guard::PlacementIndex)
            || key.starts_with("units/") && self.lacks(Guard::SpecIndex)
    }

    /// True if a key may be made where there is one.
    fn uncreated(&self, key: &str) -> bool {
        key.starts_with("placements/") && self.lacks(Guard::PlacementCreate)
            || key == cluster::keys::LEASE && self.lacks(Guard::LeaseCreate)
            || key.ends_with("/presence") && self.lacks(Guard::PresenceCreate)
    }

    fn passed(&self, verb: &str, key: &str, write: impl FnOnce() -> Outcome) -> Outcome {
        pass(Side::Asks, verb, key);
        let outcome = write();
        pass(Side::Told, verb, key);
        match outcome {
            Outcome::Unknown(_) if self.lacks(Guard::Unknown) => Outcome::Done { created: 1, modified: 1 },
            outcome => outcome,
        }
    }

    /// True for an assignment that repairs: one that follows no placement made here.
    fn repairs(&self, key: &str) -> bool {
        let unit = key.split_once("/assigned/").map(|(_, unit)| unit);
        unit.is_some_and(|unit| self.lacks(Guard::Repair) && !self.memory().placed.remove(unit))
    }
}

impl Store for Weakened {
    fn read(&self, key: &str, freshness: Freshness) -> Result<(Option<Node>, Seen), StoreError> {
        let freshness = self.fresh(freshness);
        if freshness == Freshness::Quorum {
            self.memory().proves = key.strip_prefix("units/").map(str::to_owned);
        }
        pass(Side::Asks, "read", key);
        let read = self.inner.read(key, freshness);
        pass(Side::Told, "read", key);
        read
    }

    fn read_tree(
        &self,
        key: &str,
        freshness: Freshness,
        each: &mut dyn FnMut(Leaf<'_>),
    ) -> Result<Seen, StoreError> {
        pass(Side::Asks, "read", key);
        let seen = self.told(key, freshness, each)?;
        pass(Side::Told, "read", key);
        Ok(seen)
    }

    fn create(&self, key: &str, value: &str, ttl_secs: Option<u32>) -> Outcome {
        if let Some(unit) = key.strip_prefix("placements/") {
            self.memory().placed.insert(unit.to_owned());
        }
        if self.repairs(key) {
            return Outcome::Done { created: 1, modified: 1 };
        }
        self.passed("create", key, || match self.uncreated(key) {
            true => self.inner.overwrite(key, value, ttl_secs),
            false => self.inner.create(key, value, ttl_secs),
        })
    }

    fn swap(&self, key: &str, value: &str, guard: Index, ttl_secs: Option<u32>) -> Outcome {
        self.passed("swap", key, || match self.unguarded(key) {
            true => self.inner.overwrite(key, value, ttl_secs),
            false => self.inner.swap(key, value, guard, ttl_secs),
        })
    }

    fn put(&self, key: &str, value: &str) -> Outcome {
        self.passed("put", key, || self.inner.put(&self.row(key), value))
    }

    fn delete(&self, key: &str, guard: Index) -> Outcome {
        self.passed("delete", key, || match self.unguarded(key) {
            true => self.inner.delete_tree(key),
            false => self.inner.delete(key, guard),
        })
    }

    fn delete_tree(&self, key: &str) -> Outcome {
        self.passed("delete", key, || self.inner.delete_tree(&self.row(key)))
    }

    fn keep_alive(&self, key: &str, hold: Hold<'_>, ttl_secs: u32) -> Outcome {
        let outcome = self.passed("beat", key, || self.inner.keep_alive(key, hold, ttl_secs));
        if let Outcome::Done { modified, .. } = outcome {
            let mut memory = self.memory();
            memory.index = memory.index.max(modified);
        }
        if !key.ends_with("/presence") || !self.lacks(Guard::Contact) {
            return outcome;
        }
        let beat = self.memory().beat;
        match (outcome, beat) {
            (Outcome::Unknown(_), Some((created, modified))) => Outcome::Done { created, modified },
            (Outcome::Done { created, modified }, _) => {
                self.memory().beat = Some((created, modified));
                Outcome::Done { created, modified }
            }
            (outcome, _) => outcome,
        }
    }

    fn watch(&self, key: &str, after: u64) -> Result<Wake, StoreError> {
        let mut after = after;
        loop {
            match self.inner.watch(key, after)? {
                Wake::Changed { index, key: changed }
                    if changed.ends_with("/presence")
                        && self.lacks(Guard::RecordWakes)
                        && !key.is_empty() =>
                {
                    after = index;
                }
                wake => return Ok(wake),
            }
        }
    }

    fn interrupt_watches(&self) {
        if !self.lacks(Guard::Pulse) {
            self.inner.interrupt_watches();
        }
    }

    fn endpoint(&self) -> String {
        self.inner.endpoint()
    }
}
