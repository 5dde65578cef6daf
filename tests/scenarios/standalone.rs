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
    Scenario { name: "standalone: a hub's store is restored from its backup", run: restored },
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

/// Waits until machine `number` lists so many machines.
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

/// What docs/configuration.md says of backups: taken while the hub's agent is stopped, put back in the same way.
fn restored(world: &mut World) -> Outcome {
    world.fresh()?;
    world.etcd.stop()?;
    begin(world, 1, &format!("store_listen={HUB}\non_stop=keep"))?;
    for number in [2, 3] {
        begin(world, number, &format!("etcd_servers=http://{HUB}"))?;
    }
    (1..=3).try_for_each(|number| lists(world, number, 3))?;
    let mut runs = one_each(world)?;
    while_stopped(world, "rm -rf /root/backup && cp -a /var/lib/fleet /root/backup")?;
    (1..=3).try_for_each(|number| lists(world, number, 3))?;

    // Since then each machine was given a unit, which tells it that the store has gone on; one was only stored, and one destroyed.
    for number in 1..=3 {
        let (name, id) = (format!("later{number}.service"), &world.machine(number).identity().machine_id);
        let unit = world.start_unit(&name, &format!("{SLEEPER}\n[X-Fleet]\nMachineID={id}\n"))?;
        unit.runs_on(&[number])?;
        let its_runs = unit.runs();
        runs.push((name, its_runs));
    }
    world.write_unit("only-stored.service", SLEEPER)?;
    world.done("submit only-stored.service")?;
    let (gone, _) = runs.remove(0);
    world.done(&format!("destroy {gone}"))?;
    world.unit(&gone).has_left_every_machine()?;

    while_stopped(world, "rm -rf /var/lib/fleet && cp -a /root/backup /var/lib/fleet")?;
    for number in 1..=3 {
        wait_until(format!("the agent on m{number} to say that its store is older"), settled() * 3, || {
            let status = world.unit("fleet.service").property(number, "StatusText")?;
            let says = status.contains("went back") && status.contains("ctl registry adopt");
            if says { Ok(()) } else { Err(Failure::new(format!("it says {status:?}"))) }
        })?;
    }
    stay(world, &runs, settled())?;
    world.done("registry adopt")?;
    (1..=3).try_for_each(|number| lists(world, number, 3))?;
    world.unit(&gone).runs_once()?;
    stay(world, &runs, settled())?;
    let stored = world.done("list-unit-files --no-legend --fields=unit")?.stdout;
    let names = stored.lines().map(str::trim).collect::<Vec<_>>();
    let known = runs.iter().all(|(name, _)| names.contains(&name.as_str()));
    if !known || names.contains(&"only-stored.service") {
        return Err(Failure::new(format!("stored after the restoration: {names:?}")));
    }
    world.start_unit("after.service", SLEEPER)?.runs_once().map(drop)
}

/// Does something on the hub while its agent is stopped.
fn while_stopped(world: &World, command: &str) -> Outcome {
    let hub = world.machine(1);
    hub.shell("systemctl stop fleet.socket fleet.service")?.success()?;
    hub.shell(command)?.success()?;
    hub.run(&["systemctl", "--no-block", "start", "fleet.socket", "fleet.service"])?.success().map(drop)
}
