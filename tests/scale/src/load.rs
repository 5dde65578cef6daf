//! What users ask of the fleet: many units created and destroyed side by side, as many ctls would.

use std::thread;

use cluster::unit_file::UnitFile;
use cluster::{TargetState, UnitName};
use registry::units;
use tests::failure::{Failure, Outcome};

use crate::fleet::client;

/// Clients side by side.
const CLIENTS: usize = 8;

const FILE: &str =
    "[Unit]\nDescription=One of many\n\n[Service]\nExecStart=/bin/sleep infinity\nRestart=always\n";

/// The unit with this number.
pub(crate) fn name(number: usize) -> Outcome<UnitName> {
    UnitName::parse(&format!("load{number:05}.service"))
        .map_err(|cause| Failure::during("name a unit", cause))
}

/// Creates these units, launched.
pub(crate) fn create(endpoint: &str, numbers: std::ops::Range<usize>) -> Outcome {
    side_by_side(endpoint, numbers, &|store, unit| {
        let file = UnitFile::parse(FILE).map_err(|error| error.to_string())?;
        units::create(store, unit, &file, TargetState::Launched).map(drop).map_err(|error| error.to_string())
    })
}

/// Destroys them.
pub(crate) fn destroy(endpoint: &str, numbers: std::ops::Range<usize>) -> Outcome {
    side_by_side(endpoint, numbers, &|store, unit| {
        units::destroy(store, unit).map(drop).map_err(|error| error.to_string())
    })
}

type Work<'a> = &'a (dyn Fn(&dyn registry::store::Store, &UnitName) -> Result<(), String> + Sync);

fn side_by_side(endpoint: &str, numbers: std::ops::Range<usize>, work: Work<'_>) -> Outcome {
    thread::scope(|scope| {
        let lane = |lane: usize| {
            let numbers = numbers.clone().skip(lane).step_by(CLIENTS);
            scope.spawn(move || -> Outcome {
                let store = client(endpoint)?;
                for number in numbers {
                    let unit = name(number)?;
                    work(&store, &unit).map_err(|cause| Failure::during(unit, cause))?;
                }
                Ok(())
            })
        };
        let lanes: Vec<_> = (0..CLIENTS).map(lane).collect();
        let ended =
            lanes.into_iter().map(|lane| lane.join().unwrap_or_else(|_| Err(Failure::new("a client died"))));
        ended.collect()
    })
}
