//! What idle agents execute, by name, for `cross` to put it together in the file: the kernel maps a page with its
//! neighbours, so that what is needed should have neighbours that are needed too.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::failure::Outcome;
use crate::footprint::fleet::Fleet;
use crate::footprint::in_world;
use crate::footprint::table::UNITS_PROMISED;
use crate::footprint::trace::{Functions, executed};
use crate::install::Binaries;

/// Every agent beats in each round, and in all of them together every long poll ends once.
const ROUND: Duration = Duration::from_secs(15);
const ROUNDS: u32 = 22;

/// Names of the functions that a leader and its followers execute while nothing happens, and in how many rounds each was
/// executed: what every beat needs comes often, what a look at everything needs seldom. The agent must have its names,
/// and lie at a fixed address, as `cross` builds it.
///
/// # Errors
/// When not root, or when the fleet does not come up or cannot be traced.
pub fn idle_functions(binaries: Binaries) -> Outcome<BTreeMap<String, u32>> {
    let functions = Functions::of(&binaries.agent())?;
    let mut names = BTreeMap::new();
    in_world(binaries, |world, _| {
        let mut fleet = Fleet::start(world)?;
        fleet.grow(UNITS_PROMISED)?;
        let ids: Outcome<Vec<u32>> =
            fleet.world.numbers().map(|number| Ok(fleet.agent(number)?.id())).collect();
        names = executed(&functions, &ids?, ROUNDS, ROUND)?;
        Ok(())
    })?;
    Ok(names)
}
