//! What the agents cost while nothing happens, at three times the promises: enough to see a poll that spins, or a process
//! that is started on a timer. Memory does not hang on how busy the machine is: a little more than is promised is too much,
//! where the agent is built as it is shipped. `cargo run --release -p tests --bin footprint` measures at one.

use std::path::Path;
use std::time::Duration;

use tests::failure::{Failure, Outcome};
use tests::footprint::crates::program_file;
use tests::footprint::fleet::Fleet;
use tests::footprint::idle;
use tests::footprint::table::{Gate, UNITS_PROMISED, breaches, text};
use tests::world::World;

use crate::Scenario;

pub(crate) const ALL: &[Scenario] =
    &[Scenario { name: "footprint: idle agents stay within three times what is promised", run: idle_agents }];

/// Three beats of each agent, and nine renewals of the lease.
const PERIOD: Duration = Duration::from_secs(30);

const GATE: Gate = Gate { memory: 3.0, rest: 3.0 };

/// Of memory, as shipped.
const MEMORY_GATE: f64 = 1.2;

fn idle_agents(world: &mut World) -> Outcome {
    let mut fleet = Fleet::start(world)?;
    fleet.grow(UNITS_PROMISED)?;
    let seen = [(UNITS_PROMISED, idle::measure(&fleet, PERIOD)?)];
    let program = Path::new("/proc").join(fleet.agent(1)?.id().to_string()).join("exe");
    let is_shipped = program_file(&program)?.is_static;
    let gate = if is_shipped { Gate { memory: MEMORY_GATE, ..GATE } } else { GATE };
    let broken = breaches(&seen, gate);
    if broken.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(format!("{}\n{}", broken.join("\n"), text(&seen))))
    }
}
