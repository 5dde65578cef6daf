//! What is short, held against what systemctl and etcd need for the same. Each measurement starts on a fresh fleet of
//! three machines and gives its rows.

use std::time::Duration;

use crate::bench::etcd_write::{median, middle};
use crate::bench::probe::came_up;
use crate::bench::{Row, shown};
use crate::failure::{Failure, Outcome};
use crate::promises::settled;
use crate::wait::{Stopwatch, since_epoch, wait_until};
use crate::world::World;

pub(crate) type Measurement = fn(&mut World) -> Outcome<Vec<Row>>;

/// Each measurement, and what to say while it goes on.
pub(crate) const ALL: [(&str, Measurement); 2] =
    [("start of one unit", one_unit), ("a hundred units", hundred_units)];

pub(crate) const SLEEPER: &str = "[Service]\nExecStart=/bin/sleep infinity\n";

/// Repetitions of what is short.
pub(crate) const TIMES: usize = 11;

pub(crate) const HUNDRED: usize = 100;

/// Repetitions of what is long.
const FEW: usize = 3;

fn systemctl(world: &World, number: usize, line: &str) -> Outcome<Duration> {
    let watch = Stopwatch::start();
    world.machine(number).shell(line)?.success()?;
    Ok(watch.elapsed())
}

fn one_unit(world: &mut World) -> Outcome<Vec<Row>> {
    let mut plain = Vec::new();
    for number in 0..TIMES {
        world
            .machine(1)
            .shell(&format!("printf '{SLEEPER}' > /run/systemd/system/plain{number}.service"))?
            .success()?;
        plain.push(systemctl(world, 1, &format!("systemctl start plain{number}.service"))?);
    }
    world
        .machine(1)
        .shell("systemctl stop 'plain*'; rm /run/systemd/system/plain*; systemctl daemon-reload")?;
    let write = median(world.etcd.client_address())?;
    let mut ours = Vec::new();
    for number in 0..TIMES {
        let name = format!("one{number}.service");
        world.write_unit(&name, SLEEPER)?;
        let began = since_epoch();
        world.done(&format!("start {name}"))?;
        let place = world.unit(&name).runs_once()?;
        ours.push(came_up(world, &name, place)?.1.saturating_sub(began));
    }
    let plain = middle(plain);
    Ok(vec![Row {
        what: "`ctl start` of one unit, to active (median)",
        against: format!("systemctl {}, etcd write {}", shown(plain), shown(write)),
        promised: plain + Duration::from_millis(250) + 7 * write,
        measured: middle(ours),
    }])
}

/// The same line on all three machines at once; the time of the slowest.
fn on_all(world: &World, line: &str) -> Outcome<Duration> {
    let watch = Stopwatch::start();
    let mut children = Vec::new();
    for number in 1..=3 {
        let mut command = world.machine(number).command(&["/bin/sh", "-c", line])?;
        children.push(command.spawn().map_err(|cause| Failure::during(line, cause))?);
    }
    for mut child in children {
        let status = child.wait().map_err(|cause| Failure::during(line, cause))?;
        if !status.success() {
            return Err(Failure::new(format!("{line}: {status}")));
        }
    }
    Ok(watch.elapsed())
}

/// Makes, starts, stops and removes a third of a hundred plain units.
const MAKE: &str = "for i in $(seq 34); do printf '[Service]\\nExecStart=/bin/sleep infinity\\n' \
                    > /run/systemd/system/plain$i.service; done";
const NAMES: &str = "$(seq -f 'plain%g.service' 34)";

fn hundred_units(world: &mut World) -> Outcome<Vec<Row>> {
    let (mut plain_started, mut plain_stopped) = (Vec::new(), Vec::new());
    let (mut started, mut gone) = (Vec::new(), Vec::new());
    for round in 0..FEW {
        on_all(world, MAKE)?;
        plain_started.push(on_all(world, &format!("systemctl start {NAMES}"))?);
        plain_stopped.push(on_all(world, &format!("systemctl stop {NAMES}"))?);
        on_all(world, "rm /run/systemd/system/plain*.service; systemctl daemon-reload")?;
        let (start, end) = hundred(world, round)?;
        started.push(start);
        gone.push(end);
    }
    let (start, stop) = (middle(plain_started), middle(plain_stopped));
    let promise = |plain: Duration| plain * 3 / 2 + Duration::from_secs(1);
    Ok(vec![
        Row {
            what: "100 units started on 3 machines (median)",
            against: format!("systemctl, 34 on each at once: {}", shown(start)),
            promised: promise(start),
            measured: middle(started),
        },
        Row {
            what: "100 units destroyed, stopped and gone (median)",
            against: format!("systemctl stop, 34 on each at once: {}", shown(stop)),
            promised: promise(stop),
            measured: middle(gone),
        },
    ])
}

/// Starts and destroys a hundred units; the time until all run, and the time until none does.
fn hundred(world: &World, round: usize) -> Outcome<(Duration, Duration)> {
    let names: Vec<String> = (0..HUNDRED).map(|number| format!("many{round}-{number}.service")).collect();
    names.iter().try_for_each(|name| world.write_unit(name, SLEEPER))?;
    let all = names.join(" ");
    let order = |order: &str, count: usize| {
        let watch = Stopwatch::start();
        world.done(&format!("{order} {all}"))?;
        until_running(world, &names, count)?;
        Ok::<Duration, Failure>(watch.elapsed())
    };
    Ok((order("start --no-block", HUNDRED)?, order("destroy", 0)?))
}

/// Waits until `count` of these units run.
pub(crate) fn until_running(world: &World, names: &[String], count: usize) -> Outcome {
    wait_until(format!("{count} of {} units to run", names.len()), settled() * 5, || {
        let running = names.iter().filter(|name| !world.unit(name).runs().is_empty()).count();
        if running == count { Ok(()) } else { Err(format!("{running} run")) }
    })
}
