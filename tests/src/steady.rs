//! Units that do nothing but run, and the proof that nothing touched them: what scenarios and faults are held against.

use std::time::Duration;

use crate::failure::Outcome;
use crate::unit_view::Runs;
use crate::wait::holds_for;
use crate::world::{MACHINES, World};

/// A unit that runs until it is stopped.
pub const SLEEPER: &str = "[Unit]\nDescription=Sleeps\n\n[Service]\nExecStart=/bin/sleep infinity\n";

/// A unit whose stop takes ten seconds.
pub const SLOW_TO_STOP: &str =
    "[Service]\nExecStart=/bin/sleep infinity\nExecStop=/bin/sh -c \"sleep 10; echo stopped in peace\"\n";

/// [`SLEEPER`] with lines for `[X-Fleet]`.
#[must_use]
pub fn sleeper_with(x_fleet: &str) -> String {
    format!("{SLEEPER}\n[X-Fleet]\n{x_fleet}\n")
}

/// A unit on every machine, and their runs.
///
/// # Errors
/// When one does not start.
pub fn one_each(world: &World) -> Outcome<Vec<(String, Runs)>> {
    let names: Vec<String> = (1..=MACHINES).map(|number| format!("steady{number}.service")).collect();
    names.iter().try_for_each(|name| world.write_unit(name, SLEEPER))?;
    world.done(&format!("start {}", names.join(" ")))?;
    let mut runs = Vec::new();
    for name in names {
        world.unit(&name).runs_once()?;
        runs.push((name.clone(), world.unit(&name).runs()));
    }
    Ok(runs)
}

/// All of them are where and what they were, for the whole period.
///
/// # Errors
/// When one is not.
pub fn stay(world: &World, runs: &[(String, Runs)], period: Duration) -> Outcome {
    holds_for("every unit untouched", period, || {
        runs.iter().try_for_each(|(name, run)| world.unit(name).still_runs_as(run))
    })
}
