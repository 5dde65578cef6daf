//! A registry in memory with etcd's rules of indices and guards, and the leader's decisions carried out in it. It keeps
//! values as text, so that every snapshot has been through the codec.

use cluster::limits::REGISTRY_VALUE_MAX_BYTES;
use cluster::records::Placement;
use cluster::schedule::Decision;
use cluster::sorted::Map;
use cluster::transfer::{Contents, Record};
use cluster::{Guard, MachineId, Snapshot, json, keys};
use serde::Serialize;

/// The keys below the prefix. The index starts at 10, so that smaller numbers can stand for what was before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Store {
    nodes: Map<String, Node>,
    index: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Node {
    value: String,
    created: u64,
    modified: u64,
}

impl Store {
    pub(crate) fn new() -> Self {
        Self { nodes: Map::new(), index: 10 }
    }

    /// Writes a record whatever is there, keeping its createdIndex; gives back the new modifiedIndex.
    pub(crate) fn put(&mut self, key: &str, record: &impl Serialize) -> u64 {
        self.put_text(key, &json::encode(record, REGISTRY_VALUE_MAX_BYTES).expect("a record has a JSON form"))
    }

    /// The same with the text as it is, readable or not.
    pub(crate) fn put_text(&mut self, key: &str, value: &str) -> u64 {
        self.index += 1;
        let created = self.nodes.get(key).map_or(self.index, |node| node.created);
        self.nodes.insert(key.into(), Node { value: value.into(), created, modified: self.index });
        self.index
    }

    /// Deletes a key whatever its index.
    pub(crate) fn remove(&mut self, key: &str) {
        self.index += 1;
        self.nodes.remove(key);
    }

    /// How far it has come.
    pub(crate) fn index(&self) -> u64 {
        self.index
    }

    pub(crate) fn created(&self, key: &str) -> Option<u64> {
        self.nodes.get(key).map(|node| node.created)
    }

    /// What one recursive read shows.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::default();
        for (key, node) in &self.nodes {
            snapshot.absorb(key, &node.value, node.created, node.modified);
        }
        snapshot
    }

    /// The same as a copy reads it. Life signs have long to live.
    pub(crate) fn contents(&self) -> Contents {
        let ttl_secs = |key: &str| key.ends_with("/presence").then_some(3600);
        let record = |(key, node): (&String, &Node)| Record {
            key: key.clone(),
            value: node.value.clone(),
            created: node.created,
            modified: node.modified,
            ttl_secs: ttl_secs(key),
        };
        Contents::new(self.nodes.iter().map(record).collect())
    }

    /// What a machine reads for itself: `fleet/` and its own folder.
    pub(crate) fn view(&self, me: &MachineId) -> Snapshot {
        let (fleet, mine) = (format!("{}/", keys::FLEET), format!("{}/", keys::machine(me)));
        let mut snapshot = Snapshot::default();
        for (key, node) in
            self.nodes.iter().filter(|(key, _)| key.starts_with(&fleet) || key.starts_with(&mine))
        {
            snapshot.absorb(key, &node.value, node.created, node.modified);
        }
        snapshot
    }

    /// Carries out one decision under its guard.
    ///
    /// # Errors
    /// The guard did not hold, with the key and what was expected of it.
    pub(crate) fn enact(&mut self, decision: &Decision) -> Result<(), String> {
        match decision {
            Decision::Release { unit, guard, setback, .. } => {
                if let Some((kept, in_the_way)) = setback {
                    self.write(&keys::setback(unit), kept, *in_the_way)?;
                }
                self.delete(&keys::placement(unit), *guard)
            }
            Decision::Forgive { unit, guard, .. } => self.delete(&keys::setback(unit), *guard),
            Decision::Place { unit, machine, losses, assignment, guard, .. } => {
                let placement = Placement {
                    machine: machine.clone(),
                    incarnation: Some(assignment.incarnation),
                    epoch: cluster::Epoch::new(9),
                    losses: *losses,
                };
                self.write(&keys::placement(unit), &placement, None)?;
                self.write(&keys::assigned(machine, unit), assignment, *guard)
            }
            Decision::Assign { unit, machine, assignment, guard, .. } => {
                self.write(&keys::assigned(machine, unit), assignment, *guard)
            }
            Decision::Unassign { unit, machine, guard, .. } => {
                self.delete(&keys::assigned(machine, unit), *guard)
            }
            Decision::PublishGlobal { unit, record, guard, .. } => {
                self.write(&keys::global(unit), record, *guard)
            }
            Decision::WithdrawGlobal { unit, guard, .. } => self.delete(&keys::global(unit), *guard),
            Decision::Settle { record, guard, .. } => self.write(keys::SETTLED, record, *guard),
            Decision::Sweep { machine, session, .. } => {
                let folder = format!("{}/", keys::session(machine, *session));
                self.nodes.retain(|key, _| !key.starts_with(&folder));
                Ok(())
            }
        }
    }

    fn write(&mut self, key: &str, record: &impl Serialize, guard: Option<Guard>) -> Result<(), String> {
        let there = self.nodes.get(key).map(|node| node.modified);
        if there != guard.map(Guard::get) {
            return Err(format!("write {key}: expected index {guard:?}, there is {there:?}"));
        }
        self.put(key, record);
        Ok(())
    }

    fn delete(&mut self, key: &str, guard: Guard) -> Result<(), String> {
        let there = self.nodes.get(key).map(|node| node.modified);
        if there != Some(guard.get()) {
            return Err(format!("delete {key}: expected index {guard}, there is {there:?}"));
        }
        self.remove(key);
        Ok(())
    }
}
