//! What a request would change, for whoever tells an operator of it: a name that can be searched for where there is one.

use core::fmt;

use cluster::{MachineId, UnitName};

use super::message::Request;
use super::route::{Order, Route};

/// What a request would change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A unit.
    Unit(UnitName),
    /// A machine.
    Machine(MachineId),
    /// Machines, any number of them.
    Machines,
    /// The registry as a whole.
    Registry,
    /// A unit or a machine by a name that none can have: which of the two, and the name.
    Unnameable(&'static str, String),
}

impl Subject {
    /// None for questions, and for what is no request of the API.
    #[must_use]
    pub fn of(request: &Request) -> Option<Self> {
        let Ok(Route::Order(order)) = Route::of(request) else { return None };
        Some(match order {
            Order::PutUnit(name) | Order::DeleteUnit(name) => match UnitName::parse(&name) {
                Ok(unit) => Self::Unit(unit),
                Err(_) => Self::Unnameable("unit", name),
            },
            Order::Drain { machine, .. } => match MachineId::parse(&machine) {
                Ok(id) => Self::Machine(id),
                Err(_) => Self::Unnameable("machine", machine),
            },
            Order::PatchMachines => Self::Machines,
            Order::Adopt | Order::Copy => Self::Registry,
        })
    }
}

/// Words for a log: `unit=web.service`, `machine=ID`, `machines`, `registry`.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unit(unit) => write!(f, "unit={unit}"),
            Self::Machine(id) => write!(f, "machine={id}"),
            Self::Machines => f.write_str("machines"),
            Self::Registry => f.write_str("registry"),
            Self::Unnameable(kind, name) => write!(f, "{kind}={name:?}"),
        }
    }
}
