//! The machine's state rows in the registry: written when they change, under the session of its present life
//! (registry rule 8), and only this machine writes them.

use cluster::limits::REGISTRY_VALUE_MAX_BYTES;
use cluster::records::StateRow;
use cluster::sorted::{Map, Set};
use cluster::{MachineId, Session, UnitName, json, keys};
use registry::reads;
use registry::store::Outcome;

use crate::node::Node;
use crate::pool;

/// What has been published, so that only changes are written.
#[derive(Debug, Default)]
pub struct Published {
    /// The life that `rows` is about, and which claim of the record it was read under: whoever held the record before that
    /// wrote rows of the same life.
    of: Option<(Session, u32)>,
    rows: Map<UnitName, StateRow>,
    /// Rows of which nobody knows what is there: a write or a deletion had no answer, and may yet land.
    open: Set<UnitName>,
}

impl Published {
    /// Brings the registry's rows to `rows`. Rows that could not be written stay due.
    ///
    /// # Errors
    /// The first row that could not be written, or the rows there could not be read.
    pub async fn publish(&mut self, node: &Node, rows: &Map<UnitName, StateRow>) -> Result<(), String> {
        let Some(session) = node.session() else { return Ok(()) };
        let me = node.identity.id.clone();
        let of = Some((session, node.claims.get()));
        if self.of != of {
            let machine = me.clone();
            let read = node.with_store(move |store| reads::rows(store, &machine, session)).await;
            self.rows = read.map_err(|error| error.to_string())?;
            self.of = of;
            self.open.clear();
        }
        let mut writes = Vec::new();
        for (unit, row) in rows.iter().filter(|(unit, row)| self.is_due(unit, row)) {
            let (store, key) = (std::sync::Arc::clone(&node.store), keys::state(&me, session, unit));
            let value = json::encode(row, REGISTRY_VALUE_MAX_BYTES)
                .map_err(|error| format!("encode {key}: {error}"))?;
            let change = Some(row.clone());
            writes.push((unit.clone(), change, pool::unblock(move || store.put(&key, &value))));
        }
        let there = self.rows.keys().chain(&self.open);
        let gone: Set<UnitName> = there.filter(|unit| !rows.contains_key(*unit)).cloned().collect();
        for unit in gone {
            let (store, key) = (std::sync::Arc::clone(&node.store), keys::state(&me, session, &unit));
            writes.push((unit, None, pool::unblock(move || store.delete_tree(&key))));
        }
        self.settle(&me, writes).await
    }

    /// True if the registry may hold anything but this row.
    fn is_due(&self, unit: &UnitName, row: &StateRow) -> bool {
        self.open.contains(unit) || self.rows.get(unit) != Some(row)
    }

    async fn settle(
        &mut self,
        me: &MachineId,
        writes: Vec<(UnitName, Option<StateRow>, smol::Task<Outcome>)>,
    ) -> Result<(), String> {
        let mut first_failure = None;
        for (unit, row, write) in writes {
            match (write.await, row) {
                (Outcome::Unknown(error), _) => {
                    self.open.insert(unit.clone());
                    first_failure.get_or_insert(format!("publish state of {unit} on {me}: {error}"));
                }
                (_, Some(row)) => {
                    self.open.remove(&unit);
                    self.rows.insert(unit, row);
                }
                (_, None) => {
                    self.open.remove(&unit);
                    self.rows.remove(&unit);
                }
            }
        }
        first_failure.map_or(Ok(()), Err)
    }
}
