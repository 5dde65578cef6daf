//! What a user does to units, as guarded writes: create, change the target, replace the content, destroy. Each
//! ends done, or says what stood in the way; where units run follows from these and is the leader's business.

use core::fmt;

use cluster::limits::REGISTRY_VALUE_MAX_BYTES;
use cluster::records::Spec;
use cluster::snapshot::Unit;
use cluster::unit_file::UnitFile;
use cluster::{Guard, TargetState, UnitName, json, keys};

use crate::reads;
use crate::settle::{Settled, settle, settle_delete};
use crate::store::{Freshness, Store, StoreError};

/// Times a write is planned again when another one came first.
const TRIES: usize = 8;

/// Why a unit was not changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnitError {
    /// The store gave no usable answer.
    Store(StoreError),
    /// The unit file is larger than a registry value may be.
    TooLarge(UnitName),
    /// Others changed the same unit at every try.
    Contended(UnitName),
    /// What is stored under the name cannot be read; destroying it still works.
    Unreadable(UnitName, String),
}

impl fmt::Display for UnitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => write!(f, "{error}"),
            Self::TooLarge(unit) => {
                write!(
                    f,
                    "store unit {unit}: unit file exceeds {} bytes",
                    cluster::limits::UNIT_FILE_MAX_BYTES
                )
            }
            Self::Contended(unit) => {
                write!(f, "change unit {unit}: others change it at the same time, try again")
            }
            Self::Unreadable(unit, cause) => write!(f, "read unit {unit}: {cause}"),
        }
    }
}

impl std::error::Error for UnitError {}

impl From<StoreError> for UnitError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

fn encode(unit: &UnitName, spec: &Spec) -> Result<String, UnitError> {
    json::encode(spec, REGISTRY_VALUE_MAX_BYTES).map_err(|_| UnitError::TooLarge(unit.clone()))
}

fn spec_of(file: &UnitFile, target: TargetState) -> Spec {
    let unit = file.serialise();
    Spec { target, hash: cluster::Hash::of(&unit), unit }
}

/// One unit as it is stored now.
///
/// # Errors
/// No usable answer, or what is there cannot be read.
pub fn read(store: &dyn Store, unit: &UnitName) -> Result<Option<Unit>, UnitError> {
    match reads::spec(store, unit, Freshness::Quorum)? {
        None => Ok(None),
        Some(Ok(spec)) => Ok(Some(spec)),
        Some(Err(cause)) => Err(UnitError::Unreadable(unit.clone(), cause)),
    }
}

/// Creates a unit that must not exist; `false` if it does.
///
/// # Errors
/// See [`UnitError`].
pub fn create(
    store: &dyn Store,
    unit: &UnitName,
    file: &UnitFile,
    target: TargetState,
) -> Result<bool, UnitError> {
    let key = keys::spec(unit);
    let value = encode(unit, &spec_of(file, target))?;
    let settled = settle(store, &key, &value, None, store.create(&key, &value, None))?;
    Ok(matches!(settled, Settled::Done { .. }))
}

/// Sets what is wanted of a unit; `false` if there is no such unit.
///
/// # Errors
/// See [`UnitError`].
pub fn set_target(store: &dyn Store, unit: &UnitName, target: TargetState) -> Result<bool, UnitError> {
    change(store, unit, |current| {
        let unchanged = current.target == target;
        (!unchanged).then(|| spec_of(current.file.as_ref().unwrap_or(&UnitFile::default()), target))
    })
}

/// Replaces a unit's content and what is wanted of it; `false` if there is no such unit.
///
/// # Errors
/// See [`UnitError`].
pub fn replace(
    store: &dyn Store,
    unit: &UnitName,
    file: &UnitFile,
    target: TargetState,
) -> Result<bool, UnitError> {
    change(store, unit, |_| Some(spec_of(file, target)))
}

fn change(
    store: &dyn Store,
    unit: &UnitName,
    new: impl Fn(&Unit) -> Option<Spec>,
) -> Result<bool, UnitError> {
    let key = keys::spec(unit);
    for _ in 0..TRIES {
        let Some(current) = read(store, unit)? else { return Ok(false) };
        let Some(spec) = new(&current) else { return Ok(true) };
        let value = encode(unit, &spec)?;
        let outcome = store.swap(&key, &value, current.guard, None);
        match settle(store, &key, &value, Some(current.guard), outcome)? {
            Settled::Done { .. } => return Ok(true),
            Settled::Refused(_) => {}
        }
    }
    Err(UnitError::Contended(unit.clone()))
}

/// Removes a unit's record; `false` if there is none. Its machine stops it afterwards. An unreadable record is
/// removed too.
///
/// # Errors
/// See [`UnitError`].
pub fn destroy(store: &dyn Store, unit: &UnitName) -> Result<bool, UnitError> {
    let key = keys::spec(unit);
    let mut meant = None;
    for _ in 0..TRIES {
        let (Some(node), _) = store.read(&key, Freshness::Quorum)? else { return Ok(meant.is_some()) };
        // Whoever destroyed the unit that was meant, one created since is another.
        if *meant.get_or_insert(node.created) != node.created {
            return Ok(true);
        }
        let Some(guard) = Guard::new(node.modified) else { return Ok(false) };
        match settle_delete(store, &key, guard, store.delete(&key, guard))? {
            Settled::Done { .. } => return Ok(true),
            Settled::Refused(_) => {}
        }
    }
    Err(UnitError::Contended(unit.clone()))
}
