//! The registry's keys below its prefix: made here, read here, nowhere spelled out by hand.
//!
//! etcd hides every key whose last part starts with `_` from lists and watches, and cleans `.` and `..` out of
//! paths. Unit names and metadata keys may start with either, so such a part is stored with its first character
//! as `%5F` or `%2E`; neither kind of name can hold a `%`.

use alloc::format;
use alloc::string::String;

use crate::ids::{MachineId, Session};
use crate::name::UnitName;

/// The folder every agent watches: layout, lease, globals.
pub const FLEET: &str = "fleet";
/// The fleet's identity.
pub const LAYOUT: &str = "fleet/layout";
/// Who leads.
pub const LEASE: &str = "fleet/lease";
/// The leader's last decisions. Not below `fleet/`: its changes are to wake no agent.
pub const EVENTS: &str = "events/recent";
/// What one leader leaves to the next: what has been where it is for long.
pub const SETTLED: &str = "leader/settled";
/// Specs.
pub const UNITS: &str = "units";
/// Placements.
pub const PLACEMENTS: &str = "placements";
/// What is remembered of units that are held back.
pub const SETBACKS: &str = "setbacks";
/// The folders of all machines.
pub const MACHINES: &str = "machines";
/// The rows of all machines.
pub const STATES: &str = "states";

/// A key, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// `fleet/layout`
    Layout,
    /// `fleet/lease`
    Lease,
    /// `fleet/globals/<unit>`
    Global(UnitName),
    /// `units/<unit>`
    Spec(UnitName),
    /// `placements/<unit>`
    Placement(UnitName),
    /// `setbacks/<unit>`
    Setback(UnitName),
    /// `machines/<id>/presence`
    Presence(MachineId),
    /// `machines/<id>/drain`
    Drain(MachineId),
    /// `machines/<id>/metadata/<key>`
    Metadata(MachineId, String),
    /// `machines/<id>/assigned/<unit>`
    Assigned(MachineId, UnitName),
    /// `states/<id>/<session>/<unit>`
    State(MachineId, Session, UnitName),
    /// `events/recent`
    Events,
    /// `leader/settled`
    Settled,
}

impl Key {
    /// Reads a key relative to the prefix; `None` for one that this layout does not have.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('/');
        let key = match (parts.next()?, parts.next()?, parts.next(), parts.next()) {
            ("fleet", "layout", None, None) => Self::Layout,
            ("fleet", "lease", None, None) => Self::Lease,
            ("fleet", "globals", Some(unit), None) => Self::Global(unit_of(unit)?),
            ("events", "recent", None, None) => Self::Events,
            ("leader", "settled", None, None) => Self::Settled,
            ("units", unit, None, None) => Self::Spec(unit_of(unit)?),
            ("placements", unit, None, None) => Self::Placement(unit_of(unit)?),
            ("setbacks", unit, None, None) => Self::Setback(unit_of(unit)?),
            ("machines", id, Some("presence"), None) => Self::Presence(MachineId::parse(id).ok()?),
            ("machines", id, Some("drain"), None) => Self::Drain(MachineId::parse(id).ok()?),
            ("machines", id, Some("metadata"), Some(key)) => {
                Self::Metadata(MachineId::parse(id).ok()?, plain(key))
            }
            ("machines", id, Some("assigned"), Some(unit)) => {
                Self::Assigned(MachineId::parse(id).ok()?, unit_of(unit)?)
            }
            ("states", id, Some(session), Some(unit)) => {
                Self::State(MachineId::parse(id).ok()?, Session::new(session.parse().ok()?)?, unit_of(unit)?)
            }
            _ => return None,
        };
        parts.next().is_none().then_some(key)
    }
}

fn stored(part: &str) -> String {
    match part.as_bytes().first() {
        Some(b'_') => format!("%5F{}", part.get(1..).unwrap_or_default()),
        Some(b'.') => format!("%2E{}", part.get(1..).unwrap_or_default()),
        _ => part.into(),
    }
}

fn plain(part: &str) -> String {
    if let Some(rest) = part.strip_prefix("%5F") {
        format!("_{rest}")
    } else if let Some(rest) = part.strip_prefix("%2E") {
        format!(".{rest}")
    } else {
        part.into()
    }
}

fn unit_of(part: &str) -> Option<UnitName> {
    UnitName::parse(&plain(part)).ok()
}

/// `units/<unit>`
#[must_use]
pub fn spec(unit: &UnitName) -> String {
    format!("{UNITS}/{}", stored(unit.as_str()))
}

/// `placements/<unit>`
#[must_use]
pub fn placement(unit: &UnitName) -> String {
    format!("{PLACEMENTS}/{}", stored(unit.as_str()))
}

/// `setbacks/<unit>`
#[must_use]
pub fn setback(unit: &UnitName) -> String {
    format!("{SETBACKS}/{}", stored(unit.as_str()))
}

/// `fleet/globals/<unit>`
#[must_use]
pub fn global(unit: &UnitName) -> String {
    format!("{FLEET}/globals/{}", stored(unit.as_str()))
}

/// `machines/<id>`: the folder a machine watches for itself.
#[must_use]
pub fn machine(id: &MachineId) -> String {
    format!("machines/{id}")
}

/// `machines/<id>/presence`
#[must_use]
pub fn presence(id: &MachineId) -> String {
    format!("machines/{id}/presence")
}

/// `machines/<id>/drain`
#[must_use]
pub fn drain(id: &MachineId) -> String {
    format!("machines/{id}/drain")
}

/// `machines/<id>/metadata/<key>`
#[must_use]
pub fn metadata(id: &MachineId, key: &str) -> String {
    format!("machines/{id}/metadata/{}", stored(key))
}

/// `machines/<id>/assigned/<unit>`
#[must_use]
pub fn assigned(id: &MachineId, unit: &UnitName) -> String {
    format!("machines/{id}/assigned/{}", stored(unit.as_str()))
}

/// `states/<id>`: the rows of every life of a machine.
#[must_use]
pub fn states(id: &MachineId) -> String {
    format!("states/{id}")
}

/// `states/<id>/<session>`: the rows of one life of a machine.
#[must_use]
pub fn session(id: &MachineId, session: Session) -> String {
    format!("states/{id}/{session}")
}

/// `states/<id>/<session>/<unit>`
#[must_use]
pub fn state(id: &MachineId, session: Session, unit: &UnitName) -> String {
    format!("states/{id}/{session}/{}", stored(unit.as_str()))
}
