//! Copies a registry from one store into another, and puts the copy in charge (`README.md`, "How a registry moves"). The
//! order of reads, seals and writes is here; what is written, and whether it may be, is `cluster::transfer`'s.

use core::fmt;

use cluster::limits::REGISTRY_VALUE_MAX_BYTES;
use cluster::records::{Layout, Stage};
use cluster::transfer::{Contents, Reception, Record, Refusal, Write, pass, receive};
use cluster::{FleetId, Guard, Incarnation, MachineId, json, keys};

use crate::settle::{Settled, settle, settle_delete};
use crate::store::{Freshness, Node, Store, StoreError, StoreErrorKind};

/// Passes over a registry that is still worked on; what then remains is done under the seal.
const OPEN_PASSES: usize = 3;
/// Passes over a sealed one: specs, placements, a look at the whole, and some for writes that had been on their way.
const SEALED_PASSES: usize = 8;

/// A copy to be made.
pub struct Copy<'a> {
    /// The store of the original.
    pub from: &'a dyn Store,
    /// Its name.
    pub from_name: &'a str,
    /// The store of the copy.
    pub to: &'a dyn Store,
    /// Its name.
    pub to_name: &'a str,
    /// The fleet that is expected in the original.
    pub ours: &'a FleetId,
    /// The copying machine.
    pub by: &'a MachineId,
    /// ID for the copy's fleet.
    pub fresh: FleetId,
}

/// Why there is no copy, or none in charge.
#[derive(Debug)]
pub enum CopyError {
    /// Nothing was done.
    Refused(Refusal),
    /// A store did not answer. The original is in charge.
    Store(StoreError),
    /// The last steps had no end: the copy is in charge, or the original, or neither until the copy is made again.
    Open(Box<CopyError>),
    /// Somebody else wrote to one of the layouts at the same time, or keeps writing to the copy.
    Overtaken(&'static str),
}

impl fmt::Display for CopyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => write!(f, "{refusal}"),
            Self::Store(error) => write!(f, "{error}"),
            Self::Open(error) => write!(f, "{error}"),
            Self::Overtaken(what) => write!(f, "{what} changed at the same moment"),
        }
    }
}

impl std::error::Error for CopyError {}

impl From<StoreError> for CopyError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Refusal> for CopyError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Whether the store holds a fleet's registry, to be asked before there is a store for its copy.
///
/// # Errors
/// It does not, or gave no answer.
pub fn is_there(from: &dyn Store, ours: &FleetId) -> Result<(), CopyError> {
    original(from, ours).map(drop)
}

fn original(from: &dyn Store, ours: &FleetId) -> Result<Seal, CopyError> {
    let original = seal_of(layout(from)?.ok_or(Refusal::NotOurs)?)?;
    if original.layout.fleet != *ours {
        return Err(Refusal::NotOurs.into());
    }
    Ok(original)
}

/// A layout with its index.
struct Seal {
    layout: Layout,
    guard: Guard,
}

impl Copy<'_> {
    /// Makes the copy and puts it in charge; how many units and live machines it has. May be repeated after any failure:
    /// it goes on where the last attempt ended.
    ///
    /// # Errors
    /// The copy is not in charge. Unless the original could not be reached, it is open again.
    pub fn make(&self) -> Result<(usize, usize), CopyError> {
        let original = original(self.from, self.ours)?;
        let original = match original.layout.stage() {
            Some(Stage::Left) => return self.finish(&original.layout),
            Some(Stage::Arriving) => return Err(Refusal::NotOurs.into()),
            // An attempt that was broken off: whoever was frozen by it comes back first.
            Some(Stage::Leaving) => self.seal(&original, original.layout.open())?,
            None => original,
        };
        let nobody = self.prepare(&original.layout)?;
        for _ in 0..OPEN_PASSES {
            let (from, to) = (contents(self.from)?, contents(self.to)?);
            speaking(&from)?;
            if !self.write(pass(&from, &to, nobody, false))? {
                break;
            }
        }
        let sealed = self.seal(&original, original.layout.leaving(self.to_name, self.by))?;
        let size = self.last(nobody).inspect_err(|_| {
            // If this fails too, the seal's machine lifts it when the store answers again.
            let _ = self.seal(&sealed, sealed.layout.open());
        })?;
        let committed = self.seal(&sealed, original.layout.left(self.to_name, self.by));
        committed.map_err(|error| match error {
            error @ CopyError::Store(_) => CopyError::Open(Box::new(error)),
            other => other,
        })?;
        self.open_copy(&original.layout).map_err(|error| CopyError::Open(Box::new(error)))?;
        Ok(size)
    }

    /// What is left once nothing in the original counts any more that is written to it. It is read once: life signs
    /// end while nobody may give any.
    fn last(&self, nobody: Incarnation) -> Result<(usize, usize), CopyError> {
        let from = contents(self.from)?;
        speaking(&from)?;
        for _ in 0..SEALED_PASSES {
            let to = contents(self.to)?;
            if !self.write(pass(&from, &to, nobody, true))? {
                return Ok(to.size());
            }
        }
        Err(CopyError::Overtaken("the store of the copy"))
    }

    /// The original has left: if it was for this store, the copy is complete, and only has to be told so.
    fn finish(&self, original: &Layout) -> Result<(usize, usize), CopyError> {
        let to = contents(self.to)?;
        let copy =
            to.get(keys::LAYOUT).and_then(|record| json::decode::<Layout>(record.value.as_bytes()).ok());
        if copy.is_none_or(|copy| copy.copies.first() != Some(&original.fleet)) {
            let store = original.transit.as_ref().map_or("another store", |transit| transit.store.as_str());
            return Err(Refusal::HasMoved(store.to_owned()).into());
        }
        self.open_copy(original).map_err(|error| CopyError::Open(Box::new(error)))?;
        Ok(to.size())
    }

    /// Marks the target as an unfinished copy; the createdIndex of that mark is older than any unit of it.
    fn prepare(&self, original: &Layout) -> Result<Incarnation, CopyError> {
        let to = contents(self.to)?;
        let node = layout(self.to)?;
        let there = node.clone().map(seal_of).transpose()?;
        let reception = receive(original, there.as_ref().map(|seal| &seal.layout), to.is_empty())?;
        let created = match (reception, node) {
            (Reception::GoesOn, Some(node)) => node.created,
            (_, _) => {
                let layout = original.arriving(self.fresh.clone(), self.from_name, self.by);
                let written = put(self.to, &layout, there.map(|seal| seal.guard))?;
                written.ok_or(CopyError::Overtaken("the layout of the copy"))?.0
            }
        };
        Incarnation::new(created).ok_or(CopyError::Overtaken("the layout of the copy"))
    }

    /// Writes another layout over the original's; every machine that sees it stops or goes on.
    fn seal(&self, before: &Seal, layout: Layout) -> Result<Seal, CopyError> {
        let written = put(self.from, &layout, Some(before.guard))?;
        let (_, modified) = written.ok_or(CopyError::Overtaken("the layout of the registry"))?;
        let guard = Guard::new(modified).ok_or(CopyError::Overtaken("the layout of the registry"))?;
        Ok(Seal { layout, guard })
    }

    fn open_copy(&self, original: &Layout) -> Result<(), CopyError> {
        let Some(node) = layout(self.to)? else { return Err(CopyError::Overtaken("the layout of the copy")) };
        let copy = seal_of(node)?;
        if copy.layout.stage() != Some(Stage::Arriving) || copy.layout.copies.first() != Some(&original.fleet)
        {
            return Ok(());
        }
        let written = put(self.to, &copy.layout.open(), Some(copy.guard))?;
        written.map(drop).ok_or(CopyError::Overtaken("the layout of the copy"))
    }

    /// Carries writes out; false if there were none. A refused one is planned anew in the next pass.
    fn write(&self, writes: Vec<Write>) -> Result<bool, CopyError> {
        let some = !writes.is_empty();
        for Write { key, value, guard, ttl_secs } in writes {
            match (value, guard) {
                (Some(value), Some(guard)) => {
                    let outcome = self.to.swap(&key, &value, guard, ttl_secs);
                    settle(self.to, &key, &value, Some(guard), outcome)?
                }
                (Some(value), None) => {
                    settle(self.to, &key, &value, None, self.to.create(&key, &value, ttl_secs))?
                }
                (None, Some(guard)) => settle_delete(self.to, &key, guard, self.to.delete(&key, guard))?,
                (None, None) => continue,
            };
        }
        Ok(some)
    }
}

/// Lifts a seal that nobody stands behind any more: a copy that ended with its agent. False if it was another's by then.
///
/// # Errors
/// The store gave no usable answer.
pub fn lift(store: &dyn Store, sealed: &Layout, guard: Guard) -> Result<bool, StoreError> {
    Ok(put(store, &sealed.open(), Some(guard))?.is_some())
}

fn speaking(original: &Contents) -> Result<(), Refusal> {
    original.held_by_silent().map_or(Ok(()), |(unit, machine)| Err(Refusal::Silent(unit, machine)))
}

fn layout(store: &dyn Store) -> Result<Option<Node>, StoreError> {
    store.read(keys::LAYOUT, Freshness::Quorum).map(|(node, _)| node)
}

fn seal_of(node: Node) -> Result<Seal, CopyError> {
    let layout = json::decode(node.value.as_bytes()).map_err(|_| Refusal::NotOurs)?;
    let guard = Guard::new(node.modified).ok_or(Refusal::NotOurs)?;
    Ok(Seal { layout, guard })
}

/// Writes a layout; createdIndex and modifiedIndex, or `None` if the guard did not hold.
fn put(store: &dyn Store, layout: &Layout, guard: Option<Guard>) -> Result<Option<(u64, u64)>, StoreError> {
    let value = json::encode(layout, REGISTRY_VALUE_MAX_BYTES).map_err(|error| StoreError {
        operation: format!("encode {}", keys::LAYOUT),
        kind: StoreErrorKind::BadAnswer,
        cause: error.to_string(),
    })?;
    let outcome = match guard {
        Some(guard) => store.swap(keys::LAYOUT, &value, guard, None),
        None => store.create(keys::LAYOUT, &value, None),
    };
    Ok(match settle(store, keys::LAYOUT, &value, guard, outcome)? {
        Settled::Done { created, modified } => Some((created, modified)),
        Settled::Refused(_) => None,
    })
}

fn contents(store: &dyn Store) -> Result<Contents, StoreError> {
    let mut records = Vec::new();
    store.read_tree("", Freshness::Quorum, &mut |leaf| {
        records.push(Record {
            key: leaf.key.to_owned(),
            value: leaf.value.to_owned(),
            created: leaf.created,
            modified: leaf.modified,
            ttl_secs: leaf.ttl_secs,
        });
    })?;
    Ok(Contents::new(records))
}
