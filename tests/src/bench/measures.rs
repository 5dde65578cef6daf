//! The measurements. Each starts on a fresh fleet of three machines and gives its rows.

use std::time::Duration;

use crate::bench::etcd_write::{median, middle};
use crate::bench::{Row, shown};
use crate::failure::{Failure, Outcome};
use crate::promises::{AGENT_TTL, LEASE_TTL, hard_loss, leader_change, settled};
use crate::wait::{Stopwatch, wait_until};
use crate::witness::Witness;
use crate::world::World;

pub(crate) type Measurement = fn(&mut World) -> Outcome<Vec<Row>>;

/// Each measurement, and what to say while it goes on.
pub(crate) const ALL: [(&str, Measurement); 5] = [
    ("start of one unit", one_unit),
    ("a hundred units", hundred_units),
    ("hard loss of a machine", loss),
    ("clean departure", departure),
    ("change of the leader", leader),
];

const SLEEPER: &str = "[Service]\nExecStart=/bin/sleep infinity\n";

/// Repetitions of what is short.
const TIMES: usize = 11;

const HUNDRED: usize = 100;

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
        let watch = Stopwatch::start();
        world.done(&format!("start {name}"))?;
        ours.push(watch.elapsed());
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
    on_all(world, MAKE)?;
    let start = on_all(world, &format!("systemctl start {NAMES}"))?;
    let stop = on_all(world, &format!("systemctl stop {NAMES}"))?;
    on_all(world, "rm /run/systemd/system/plain*.service; systemctl daemon-reload")?;
    let names: Vec<String> = (0..HUNDRED).map(|number| format!("many{number}.service")).collect();
    names.iter().try_for_each(|name| world.write_unit(name, SLEEPER))?;
    let all = names.join(" ");
    let watch = Stopwatch::start();
    world.done(&format!("start --no-block {all}"))?;
    wait_until("a hundred units to run", settled() * 5, || {
        let running = names.iter().filter(|name| !world.unit(name).runs().is_empty()).count();
        if running == HUNDRED { Ok(()) } else { Err(format!("{running} run")) }
    })?;
    let started = watch.elapsed();
    let watch = Stopwatch::start();
    world.done(&format!("destroy {all}"))?;
    wait_until("a hundred units to be gone", settled() * 5, || {
        let running = names.iter().filter(|name| !world.unit(name).runs().is_empty()).count();
        if running == 0 { Ok(()) } else { Err(format!("{running} still run")) }
    })?;
    let gone = watch.elapsed();
    let promise = |plain: Duration| plain * 3 / 2 + Duration::from_secs(1);
    Ok(vec![
        Row {
            what: "100 units started on 3 machines",
            against: format!("systemctl, 34 on each at once: {}", shown(start)),
            promised: promise(start),
            measured: started,
        },
        Row {
            what: "100 units destroyed, stopped and gone",
            against: format!("systemctl stop, 34 on each at once: {}", shown(stop)),
            promised: promise(stop),
            measured: gone,
        },
    ])
}

/// A unit that runs on another machine than the one that serves `ctl` and than the leader, and that machine.
fn far_unit(world: &World) -> Outcome<(String, usize)> {
    let leader = world.leader()?;
    for number in 1..=3 {
        let name = format!("far{number}.service");
        let place = world.start_unit(&name, SLEEPER)?.runs_once()?;
        if place != leader {
            return Ok((name, place));
        }
    }
    Err(Failure::new("three units are on one machine"))
}

/// How long until `unit` is active on another machine than `old`.
fn until_elsewhere(world: &World, unit: &str, old: usize) -> Outcome<Duration> {
    let watch = Stopwatch::start();
    wait_until(format!("{unit} to run elsewhere"), hard_loss(), || {
        let places = world.unit(unit).runs();
        let there = places.keys().any(|number| *number != old);
        if there { Ok(watch.elapsed()) } else { Err(format!("{places:?}")) }
    })
}

fn loss(world: &mut World) -> Outcome<Vec<Row>> {
    let (unit, place) = far_unit(world)?;
    world.machine_mut(place).kill()?;
    let follower = until_elsewhere(world, &unit, place)?;
    world.fresh()?;
    let leader = world.leader()?;
    for number in 1..=3 {
        world.start_unit(&format!("far{number}.service"), SLEEPER)?.runs_once()?;
    }
    let on_leader = (1..=3).map(|number| format!("far{number}.service"));
    let unit = on_leader.into_iter().find(|name| world.unit(name).runs().contains_key(&leader));
    let unit = unit.ok_or_else(|| Failure::new("no unit runs on the leader's machine"))?;
    world.machine_mut(leader).kill()?;
    let of_leader = until_elsewhere(world, &unit, leader)?;
    let promised = AGENT_TTL.max(LEASE_TTL) + Duration::from_secs(1);
    let against = format!("agent_ttl {}, lease TTL {}", shown(AGENT_TTL), shown(LEASE_TTL));
    Ok(vec![
        Row {
            what: "hard loss of a machine, to its unit active elsewhere",
            against: against.clone(),
            promised,
            measured: follower,
        },
        Row { what: "the same of the leader's machine", against, promised, measured: of_leader },
    ])
}

fn departure(world: &mut World) -> Outcome<Vec<Row>> {
    let (unit, place) = far_unit(world)?;
    let witness = Witness::watch(world, &[&unit]);
    world
        .machine(place)
        .run(&["systemctl", "--no-block", "stop", "fleet.socket", "fleet.service"])?
        .success()?;
    until_elsewhere(world, &unit, place)?;
    let seen = witness.stop()?;
    seen.never_two_copies()?;
    let measured = seen.gap(&unit).ok_or_else(|| Failure::new(format!("{unit} did not move")))?;
    Ok(vec![Row {
        what: "clean departure, from the end of its stop to active elsewhere",
        against: "1 s".to_owned(),
        promised: Duration::from_secs(1),
        measured,
    }])
}

fn leader(world: &mut World) -> Outcome<Vec<Row>> {
    let leader = world.leader()?;
    let other = leader % 3 + 1;
    // For a machine that is alive: placed on the dead one, which counts as alive for one agent_ttl, the decision could not
    // be seen carried out.
    let pin = &world.machine(other).identity().machine_id;
    world.write_unit("after.service", &format!("{SLEEPER}\n[X-Fleet]\nMachineID={pin}\n"))?;
    world.ctl_on(other, "submit after.service")?.success()?;
    world.machine_mut(leader).kill()?;
    let watch = Stopwatch::start();
    world.ctl_on(other, "start --no-block after.service")?.success()?;
    let measured = wait_until("the next decision", leader_change(), || {
        if world.unit("after.service").runs().is_empty() { Err("none yet") } else { Ok(watch.elapsed()) }
    })?;
    Ok(vec![Row {
        what: "leader killed, to the next decision carried out",
        against: format!("lease TTL {}", shown(LEASE_TTL)),
        promised: LEASE_TTL + Duration::from_secs(1),
        measured,
    }])
}
