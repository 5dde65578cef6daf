//! What is short, split: the start and the stop of one unit, the start and the end of a hundred. What the machines' own
//! tools take for the same is measured elsewhere, undisturbed by the probe.

use std::time::Duration;

use crate::bench::etcd_write::middle;
use crate::bench::measures::{HUNDRED, SLEEPER, TIMES, until_running};
use crate::bench::probe::{Probe, Share, came_up};
use crate::failure::Outcome;
use crate::wait::{Stopwatch, since_epoch};
use crate::world::World;

/// Repetitions of what takes long.
const FEW: usize = 3;

/// A thing that was done, and its parts.
pub(crate) type Split = (&'static str, Share);

/// Measures all of them.
///
/// # Errors
/// When something is not done.
pub(crate) fn measure(world: &mut World, probe: &Probe) -> Outcome<Vec<Split>> {
    probe.fresh(world)?;
    let way = way(world)?;
    let mut splits = single(world, probe, way)?;
    let (mut started, mut gone) = (Vec::new(), Vec::new());
    for round in 0..FEW {
        let (start, end) = hundred(world, probe, round)?;
        started.push(Share { way, ..start });
        gone.push(Share { way, ..end });
    }
    splits.push(("100 units started on 3 machines", Share::median(&started)));
    splits.push(("100 units destroyed, stopped and gone", Share::median(&gone)));
    Ok(splits)
}

/// What it takes to run nothing in a machine.
fn way(world: &World) -> Outcome<Duration> {
    let mut times = Vec::new();
    for _ in 0..TIMES {
        let watch = Stopwatch::start();
        world.machine(1).shell("true")?.success()?;
        times.push(watch.elapsed());
    }
    Ok(middle(times))
}

fn single(world: &World, probe: &Probe, way: Duration) -> Outcome<Vec<Split>> {
    let (mut active, mut returned, mut stopped) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..TIMES {
        let name = format!("one{number}.service");
        world.write_unit(&name, SLEEPER)?;
        let began = since_epoch();
        world.done(&format!("start {name}"))?;
        let end = since_epoch();
        let place = world.unit(&name).runs_once()?;
        let up = came_up(world, &name, place)?;
        let share = |until| probe.split(world, (began, until), began, &[up]);
        active.push(Share { way, ..share(up.1)? });
        returned.push(Share { way, ..share(end)? });
        let began = since_epoch();
        world.done(&format!("stop {name}"))?;
        let share = probe.split(world, (began, since_epoch()), began, &[])?;
        stopped.push(Share { way, ..share });
    }
    Ok(vec![
        ("`ctl start` of one unit, to active", Share::median(&active)),
        ("the same, to ctl's return", Share::median(&returned)),
        ("`ctl stop` of one unit, to ctl's return", Share::median(&stopped)),
    ])
}

fn hundred(world: &World, probe: &Probe, round: usize) -> Outcome<(Share, Share)> {
    let names: Vec<String> = (0..HUNDRED).map(|number| format!("many{round}-{number}.service")).collect();
    names.iter().try_for_each(|name| world.write_unit(name, SLEEPER))?;
    let all = names.join(" ");
    let run = |order: &str, count: usize| {
        let began = since_epoch();
        world.done(&format!("{order} {all}"))?;
        until_running(world, &names, count)?;
        probe.split(world, (began, since_epoch()), began, &[])
    };
    Ok((run("start --no-block", HUNDRED)?, run("destroy", 0)?))
}
