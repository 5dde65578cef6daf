//! What the agents cost while nothing happens, at three times the promises: enough to see a poll that spins, a process that
//! is started on a timer, or memory that is kept. `cargo run --release -p tests --bin footprint` measures at one.

use std::time::Duration;

use tests::failure::{Failure, Outcome};
use tests::footprint::fleet::Fleet;
use tests::footprint::idle;
use tests::footprint::table::{UNITS_PROMISED, breaches, text};
use tests::world::World;

use crate::Scenario;

pub(crate) const ALL: &[Scenario] =
    &[Scenario { name: "footprint: idle agents stay within three times what is promised", run: idle_agents }];

/// Three beats of each agent, and nine renewals of the lease.
const PERIOD: Duration = Duration::from_secs(30);

const GATE: f64 = 3.0;

fn idle_agents(world: &mut World) -> Outcome {
    let mut fleet = Fleet::start(world)?;
    fleet.grow(UNITS_PROMISED)?;
    let seen = [(UNITS_PROMISED, idle::measure(&fleet, PERIOD)?)];
    let broken = breaches(&seen, GATE);
    if broken.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(format!("{}\n{}", broken.join("\n"), text(&seen))))
    }
}
