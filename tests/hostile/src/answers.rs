//! The API's answers as ctl reads them: what it goes on with are names, and what it leaves out it can say in a line.

use cluster::{MachineId, UnitName};
use ctl::fuzz::{answer, changes, rehearsal, unit};

use crate::said;

/// An answer as everything it may be.
pub fn answers(bytes: &[u8]) {
    match answer(bytes) {
        Err(error) => said(&error),
        Ok(read) => {
            names(&read.units, |name| UnitName::parse(name).is_ok());
            names(&read.states, |name| UnitName::parse(name).is_ok());
            names(&read.machines, |id| MachineId::parse(id).is_ok());
        }
    }
    match unit(bytes) {
        Err(error) => said(&error),
        Ok(name) => names(&[name], |name| UnitName::parse(name).is_ok()),
    }
    if let Err(error) = changes(bytes) {
        said(&error);
    }
    match rehearsal(bytes) {
        Err(error) => said(&error),
        Ok(units) => assert!(units.iter().all(|name| UnitName::parse(name).is_ok())),
    }
}

fn names(read: &[Result<String, String>], is_name: impl Fn(&str) -> bool) {
    for one in read {
        match one {
            Ok(name) => assert!(is_name(name), "{name:?}"),
            Err(left_out) => said(left_out),
        }
    }
}
