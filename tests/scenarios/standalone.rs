//! Fleets without an etcd: one machine alone, and a few that share the store of one of them.

use tests::failure::{Failure, Outcome};
use tests::machine_root::put;
use tests::promises::{AGENT_TTL, RECONCILE_INTERVAL, SOON, settled};
use tests::wait::wait_until;
use tests::world::World;

use crate::Scenario;
use crate::agents::{one_each, stay};
use crate::units::SLEEPER;

pub(crate) const ALL: &[Scenario] = &[
    Scenario { name: "standalone: a machine with nothing else is a fleet, and stays one", run: alone },
    Scenario { name: "standalone: two machines join a hub, which comes and goes", run: hub },
];

/// Where the hub's store is served.
const HUB: &str = "10.10.1.1:2379";

/// Starts the agent of machine `number` anew, as one of no fleet, with this store.
pub(crate) fn begin(world: &World, number: usize, store: &str) -> Outcome {
    let machine = world.machine(number);
    machine
        .shell("systemctl stop fleet.socket fleet.service; rm -rf /run/fleet /var/lib/fleet")?
        .success()?;
    settings(world, number, store)?;
    machine.run(&["systemctl", "--no-block", "start", "fleet.socket", "fleet.service"])?.success().map(drop)
}

/// Writes the configuration of machine `number`, with this store.
pub(crate) fn settings(world: &World, number: usize, store: &str) -> Outcome {
    let (ttl, interval) = (AGENT_TTL.as_secs(), RECONCILE_INTERVAL.as_secs_f64());
    let text = format!("agent_ttl={ttl}s\nengine_reconcile_interval={interval}\n{store}\n");
    put(world.machine(number).root(), "etc/fleet/fleet.conf", &text)
}

fn killed(world: &World, number: usize) -> Outcome {
    world.machine(number).run(&["systemctl", "kill", "--signal=KILL", "fleet.service"])?.success().map(drop)
}

pub(crate) fn lists(world: &World, number: usize, count: usize) -> Outcome {
    wait_until(format!("m{number} to list {count} machines"), SOON, || {
        let listed = world.ctl_on(number, "list-machines --no-legend")?;
        let rows = listed.stdout.lines().count();
        if listed.exit == 0 && rows == count { Ok(()) } else { Err(Failure::new(listed.to_string())) }
    })
}

fn alone(world: &mut World) -> Outcome {
    world.fresh()?;
    for number in [2, 3] {
        world.machine(number).shell("systemctl stop fleet.socket fleet.service")?.success()?;
    }
    world.etcd.stop()?;
    begin(world, 1, "store_dir=/var/lib/fleet")?;
    lists(world, 1, 1)?;
    let unit = world.start_unit("lonely.service", SLEEPER)?;
    unit.runs_on(&[1])?;
    let runs = vec![("lonely.service".to_owned(), unit.runs())];
    killed(world, 1)?;
    lists(world, 1, 1)?;
    stay(world, &runs, settled())?;
    // What was acknowledged is there, and new orders are carried out.
    world.start_unit("later.service", SLEEPER)?.runs_on(&[1])?;
    world.done("destroy lonely.service")?;
    world.unit("lonely.service").has_left_every_machine()
}

fn hub(world: &mut World) -> Outcome {
    world.fresh()?;
    world.etcd.stop()?;
    begin(world, 1, &format!("store_listen={HUB}"))?;
    for number in [2, 3] {
        begin(world, number, &format!("etcd_servers=http://{HUB}"))?;
    }
    (1..=3).try_for_each(|number| lists(world, number, 3))?;
    let runs = one_each(world)?;
    // The hub's agent, and with it the store of all, is away for a moment.
    killed(world, 1)?;
    (1..=3).try_for_each(|number| lists(world, number, 3))?;
    stay(world, &runs, settled())?;
    world.start_unit("later.service", SLEEPER)?.runs_once().map(drop)
}
