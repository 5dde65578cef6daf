//! What is told to whoever asks without a guard: a placement that is still ours, the layout that is remembered, the look
//! before this one.

use std::collections::BTreeSet;

use cluster::records::{Marker, Placement};
use cluster::{UnitName, json};
use registry::store::{Freshness, Leaf, Node, Seen, Store, StoreError};

use super::{Leaves, Weakened};
use crate::etcd::leaf;
use crate::guards::Guard;
use crate::kernel::{current, with};
use crate::sim::Sim;

/// For how long a look is told again.
const LOOK_US: u64 = 1_000_000;

impl Weakened {
    pub(super) fn fresh(&self, freshness: Freshness) -> Freshness {
        if self.lacks(Guard::Quorum) { Freshness::Local } else { freshness }
    }

    /// The key of a state row, or of the rows of a life.
    pub(super) fn row(&self, key: &str) -> String {
        let mut parts: Vec<&str> = key.split('/').collect();
        match parts.as_mut_slice() {
            ["states", _, session, ..] if self.lacks(Guard::Session) => *session = "1",
            _ => return key.to_owned(),
        }
        parts.join("/")
    }

    pub(super) fn told(
        &self,
        key: &str,
        freshness: Freshness,
        each: &mut dyn FnMut(Leaf<'_>),
    ) -> Result<Seen, StoreError> {
        let proves = self.memory().proves.take();
        if self.without.is_empty() {
            return self.inner.read_tree(key, freshness, each);
        }
        let mut leaves = Leaves::new();
        let freshness = self.fresh(freshness);
        let seen = self.inner.read_tree(&self.row(key), freshness, &mut |leaf| {
            let Leaf { created, modified, ttl_secs, .. } = leaf;
            let node = Node { value: leaf.value.to_owned(), created, modified, ttl_secs };
            leaves.push((leaf.key.to_owned(), node));
        })?;
        let (mut leaves, mut seen) = self.look(key, leaves, seen);
        self.remembered(key, &mut leaves, &mut seen);
        self.sessions(key, &mut leaves);
        if let Some(unit) = key.strip_prefix("placements/").filter(|unit| proves.as_deref() != Some(unit)) {
            self.still_ours(unit, &mut leaves);
        }
        leaves.iter().for_each(|found| each(leaf(found)));
        Ok(seen)
    }

    /// The first look of late that missed somebody, if there was one.
    fn look(&self, key: &str, leaves: Leaves, seen: Seen) -> (Leaves, Seen) {
        if !key.is_empty() || !self.lacks(Guard::SecondLook) {
            return (leaves, seen);
        }
        let now_us = with(|sim| sim.now_us);
        let before = self.memory().look.clone();
        if let Some((_, leaves, seen)) = before.filter(|(at_us, ..)| now_us < at_us + LOOK_US) {
            return (leaves, seen);
        }
        if misses_somebody(&leaves) {
            self.memory().look = Some((now_us, leaves.clone(), seen));
        }
        (leaves, seen)
    }

    /// The layout and the index as they were seen first, and furthest.
    fn remembered(&self, key: &str, leaves: &mut Leaves, seen: &mut Seen) {
        if !self.lacks(Guard::Layout) || !(key.is_empty() || key.starts_with(cluster::keys::FLEET)) {
            return;
        }
        let mut memory = self.memory();
        let at = leaves.iter().position(|(key, _)| key == cluster::keys::LAYOUT);
        let there = at.map(|at| leaves.remove(at).1);
        if memory.layout.is_none() {
            memory.layout = there;
        }
        memory.index = memory.index.max(seen.index);
        seen.index = memory.index;
        leaves.extend(memory.layout.clone().map(|layout| (cluster::keys::LAYOUT.to_owned(), layout)));
    }

    /// Rows of the one session there is, as those of the present life.
    fn sessions(&self, asked: &str, leaves: &mut Leaves) {
        if !self.lacks(Guard::Session) {
            return;
        }
        let asked: Option<u64> = asked.split('/').nth(2).and_then(|session| session.parse().ok());
        let lives: Vec<(String, u64)> = leaves
            .iter()
            .filter_map(|(key, node)| {
                let id = key.strip_prefix("machines/")?.strip_suffix("/presence")?;
                Some((format!("states/{id}/1/"), node.created))
            })
            .collect();
        for (key, _) in leaves.iter_mut().filter(|(key, _)| key.starts_with("states/")) {
            let life = lives.iter().find(|(start, _)| key.starts_with(start)).map(|(_, life)| *life);
            if let Some(life) = asked.or(life) {
                *key = key.replacen("/1/", &format!("/{life}/"), 1);
            }
        }
    }

    /// The placement that this machine hopes to find.
    fn still_ours(&self, unit: &str, leaves: &mut Leaves) {
        let (after, lives) = with(|sim| sim.is_after_start(self.node, unit));
        let lacks = match (after, lives) {
            (true, _) => self.lacks(Guard::ReadAfter),
            (false, true) => self.lacks(Guard::ReadOnceALife),
            (false, false) => self.lacks(Guard::ReadBefore),
        };
        let hoped = with(|sim| sim.hoped(self.node, unit)).filter(|_| lacks);
        if let Some(value) = hoped {
            let node = Node { value, created: 1, modified: 1, ttl_secs: None };
            *leaves = vec![(format!("placements/{unit}"), node)];
        }
    }
}

/// True if a machine that holds something has no record.
fn misses_somebody(leaves: &Leaves) -> bool {
    let there: BTreeSet<&str> = leaves.iter().map(|(key, _)| key.as_str()).collect();
    let placements = leaves.iter().filter(|(key, _)| key.starts_with("placements/"));
    let holders = placements.filter_map(|(_, node)| json::decode::<Placement>(node.value.as_bytes()).ok());
    holders.into_iter().any(|placement| {
        let record = format!("machines/{}/presence", placement.machine);
        !there.contains(record.as_str())
    })
}

impl Sim {
    /// Whether a start of the unit was ordered by the agent that asks and its placement not read since, and whether the
    /// unit lives.
    fn is_after_start(&mut self, node: usize, unit: &str) -> (bool, bool) {
        let after = current().is_some_and(|(id, _)| self.started.remove(&(id, unit.to_owned())));
        let Ok(name) = UnitName::parse(unit) else { return (after, false) };
        let service = self.nodes[node].systemd.services.get(&name);
        (after, service.is_some_and(|service| service.phase.lives()))
    }

    /// The placement of a unit, as the machine's own marker would have it.
    fn hoped(&self, node: usize, unit: &str) -> Option<String> {
        let path = self.nodes[node].dir.join("run/fleet/markers").join(unit);
        let marker: Marker = json::decode(std::fs::read_to_string(path).ok()?.as_bytes()).ok()?;
        let machine = self.nodes[node].id.clone();
        let (incarnation, epoch) = (Some(marker.incarnation), None);
        json::encode(&Placement { machine, incarnation, epoch, losses: 0 }, 4096).ok()
    }
}
