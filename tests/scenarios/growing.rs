//! A fleet moves to another store: from its own on one machine to an etcd of three members, and back. Units notice nothing,
//! whatever becomes of the copy.

use std::fmt::Write as _;

use tests::etcd::Etcd;
use tests::etcd_cluster::EtcdCluster;
use tests::failure::{Failure, Outcome};
use tests::machine_root::put;
use tests::network::HOST;
use tests::promises::{SOON, hard_loss, settled};
use tests::unit_view::Runs;
use tests::wait::wait_until;
use tests::world::World;

use crate::Scenario;
use crate::agents::{one_each, stay};
use crate::placement::says;
use crate::standalone::{begin, lists, settings};
use crate::units::{SLEEPER, sleeper_with};

pub(crate) const ALL: &[Scenario] = &[
    Scenario {
        name: "growing: a standalone machine becomes the first of a fleet on three etcds, untouched",
        run: grows,
    },
    Scenario { name: "growing: an agent that was started with --standalone changes over", run: by_flag },
    Scenario {
        name: "growing: a fleet on etcd moves into the store of one machine, and back again",
        run: there_and_back,
    },
    Scenario { name: "growing: a copy that is killed half way is no harm, and is repeated", run: killed },
    Scenario { name: "growing: nothing is copied into a store that is not empty", run: not_empty },
];

/// Where the store of machine 1 is served.
const HUB: &str = "10.10.1.1:2379";
/// The store that machine 1 has without an etcd.
const OWN: &str = "store_dir=/var/lib/fleet";

/// Machine 1 alone, with a store of its own.
fn alone(world: &mut World) -> Outcome {
    world.fresh()?;
    for number in [2, 3] {
        world.machine(number).shell("systemctl stop fleet.socket fleet.service")?.success()?;
    }
    begin(world, 1, OWN)?;
    lists(world, 1, 1)
}

/// Has the agent of machine `number` take up another store, the way a user does.
fn changes_over(world: &World, number: usize, store: &str) -> Outcome {
    settings(world, number, store)?;
    world.machine(number).run(&["systemctl", "reload", "fleet.service"])?.success().map(drop)
}

fn agent(world: &World, number: usize) -> Outcome<String> {
    world.unit("fleet.service").property(number, "MainPID")
}

fn with_runs(world: &World, names: &[&str]) -> Vec<(String, Runs)> {
    names.iter().map(|name| ((*name).to_owned(), world.unit(name).runs())).collect()
}

/// Every one of these is where it is wanted in the eyes of the fleet, too.
fn known(world: &World, names: &[&str]) -> Outcome {
    wait_until("every unit to be known in the new store", SOON, || {
        let listed = world.ctl("list-units --no-legend --fields=unit,active")?;
        let active =
            |name: &&&str| listed.stdout.lines().any(|line| line.split_whitespace().eq([**name, "active"]));
        if names.iter().filter(active).count() == names.len() {
            Ok(())
        } else {
            Err(Failure::new(listed.to_string()))
        }
    })
}

fn grows(world: &mut World) -> Outcome {
    alone(world)?;
    let names = ["first.service", "second.service", "everywhere.service"];
    world.start_unit("first.service", SLEEPER)?.runs_on(&[1])?;
    world.start_unit("second.service", &sleeper_with("MachineOf=first.service"))?.runs_on(&[1])?;
    world.start_unit("everywhere.service", &sleeper_with("Global=true"))?.runs_on(&[1])?;
    world.write_unit("only-stored.service", SLEEPER)?;
    world.done("submit only-stored.service")?;
    let runs = with_runs(world, &names);
    let (before, etcd) = (agent(world, 1)?, EtcdCluster::start(HOST)?);
    let said = world.done(&format!("registry copy --to {}", etcd.endpoints()))?;
    says(&said, &["copied 4 units and 1 machines", "etcd_servers=", "reload"])?;
    // The old store takes no more orders, and says where to go.
    let late = world.ctl("start only-stored.service")?;
    says(&late, &["has moved to", &etcd.endpoints()])?;
    stay(world, &runs, settled())?;
    let store = format!("etcd_servers={}", etcd.endpoints());
    changes_over(world, 1, &store)?;
    lists(world, 1, 1)?;
    known(world, &names)?;
    for number in [2, 3] {
        begin(world, number, &store)?;
    }
    (1..=3).try_for_each(|number| lists(world, number, 3))?;
    world.unit("everywhere.service").runs_on(&[1, 2, 3])?;
    world.done("start only-stored.service")?;
    let place = world.unit("only-stored.service").runs_once()?;
    if place == 1 {
        return Err(Failure::new("the new machines are empty, and the unit was started on the old one"));
    }
    stay(world, &with_first(&runs), settled())?;
    if agent(world, 1)? != before {
        return Err(Failure::new("the agent was restarted, not changed over"));
    }
    world.machine_mut(1).kill()?;
    for name in ["first.service", "second.service"] {
        world.unit(name).runs_once_within(hard_loss())?;
    }
    world.unit("everywhere.service").runs_on(&[2, 3])
}

/// What docs/growing.md says where the agent's command line names the store.
fn by_flag(world: &mut World) -> Outcome {
    alone(world)?;
    let drop_in = "etc/systemd/system/fleet.service.d/alone.conf";
    let command = "[Service]\nExecStart=\nExecStart=/usr/bin/skiff-agent --standalone\n";
    put(world.machine(1).root(), drop_in, command)?;
    world.machine(1).run(&["systemctl", "daemon-reload"])?.success()?;
    begin(world, 1, "")?;
    lists(world, 1, 1)?;
    let names = ["first.service", "everywhere.service"];
    world.start_unit("first.service", SLEEPER)?.runs_on(&[1])?;
    world.start_unit("everywhere.service", &sleeper_with("Global=true"))?.runs_on(&[1])?;
    let runs = with_runs(world, &names);
    let etcd = Etcd::start_with(tests::etcd::EtcdOptions { address: HOST, ..Default::default() })?;
    world.done(&format!("registry copy --to {}", etcd.endpoint()))?;

    let store = format!("etcd_servers={}", etcd.endpoint());
    changes_over(world, 1, &format!("{store}\non_stop=keep"))?;
    let restart = "systemctl daemon-reload && systemctl --no-block restart fleet.service";
    world.machine(1).shell(&format!("rm /{drop_in} && {restart}"))?.success()?;
    lists(world, 1, 1)?;
    known(world, &names)?;
    stay(world, &runs, settled())?;
    changes_over(world, 1, &store)?;
    begin(world, 2, &store)?;
    lists(world, 1, 2)?;
    world.unit("everywhere.service").runs_on(&[1, 2])?;
    // What is set is on_stop=leave again.
    world.machine(1).run(&["systemctl", "stop", "fleet.service"])?.success()?;
    world.unit("first.service").runs_on(&[2])
}

/// The units that are on machine 1 only.
fn with_first(runs: &[(String, Runs)]) -> Vec<(String, Runs)> {
    runs.iter().filter(|(name, _)| name != "everywhere.service").cloned().collect()
}

fn there_and_back(world: &mut World) -> Outcome {
    world.fresh()?;
    let runs = one_each(world)?;
    let names: Vec<&str> = runs.iter().map(|(name, _)| name.as_str()).collect();
    let etcd = format!("etcd_servers={}", world.etcd.endpoint());
    world.ctl_on(1, "registry copy --to /var/lib/fleet")?.success()?;
    changes_over(world, 1, &format!("store_listen={HUB}"))?;
    for number in [2, 3] {
        changes_over(world, number, &format!("etcd_servers=http://{HUB}"))?;
    }
    (1..=3).try_for_each(|number| lists(world, number, 3))?;
    world.etcd.stop()?;
    stay(world, &runs, settled())?;
    known(world, &names)?;
    world.start_unit("later.service", SLEEPER)?.runs_once()?;
    // What the etcd holds is this fleet's own past.
    world.etcd.start_again()?;
    world.done("destroy later.service")?;
    world.unit("later.service").has_left_every_machine()?;
    world.ctl_on(1, &format!("registry copy --to {}", world.etcd.endpoint()))?.success()?;
    (1..=3).try_for_each(|number| changes_over(world, number, &etcd))?;
    world.all_machines_listed(3)?;
    stay(world, &runs, settled())?;
    known(world, &names)?;
    let stored = world.done("list-unit-files --no-legend --fields=unit")?;
    if stored.stdout.contains("later.service") {
        return Err(Failure::new(format!("a destroyed unit is back: {stored}")));
    }
    world.start_unit("again.service", SLEEPER)?.runs_once().map(drop)
}

/// Units that make a copy last long enough to be cut.
const MANY: usize = 400;

fn killed(world: &mut World) -> Outcome {
    alone(world)?;
    world.start_unit("steady.service", SLEEPER)?.runs_on(&[1])?;
    let runs = with_runs(world, &["steady.service"]);
    let mut names = String::new();
    for number in 0..MANY {
        world.write_unit(&format!("many{number}.service"), SLEEPER)?;
        let _ = write!(names, " many{number}.service");
    }
    world.done(&format!("submit{names}"))?;
    let etcd = Etcd::start_with(tests::etcd::EtcdOptions { address: HOST, ..Default::default() })?;
    let copy = format!("registry copy --to {}", etcd.endpoint());
    world.machine(1).shell(&format!("ctl {copy} >/root/said 2>&1 &"))?.success()?;
    wait_until("the copy to have begun", SOON, || {
        let stored = etcd.dump("/_coreos.com/fleet");
        if stored.contains("many1") { Ok(()) } else { Err(stored) }
    })?;
    etcd.pause()?;
    world.machine(1).run(&["systemctl", "kill", "--signal=KILL", "fleet.service"])?.success()?;
    etcd.resume()?;
    let layout = etcd.etcdctl(&["get", "/_coreos.com/fleet/fleet/layout"])?.success()?;
    if !layout.stdout.contains("arriving") {
        return Err(Failure::new(format!("the copy was complete before it could be cut: {layout}")));
    }
    // The original is in charge as before.
    lists(world, 1, 1)?;
    world.start_unit("meanwhile.service", SLEEPER)?.runs_on(&[1])?;
    world.done("destroy many7.service")?;
    stay(world, &runs, settled())?;
    let said = world.done(&copy)?;
    says(&said, &[&format!("copied {} units and 1 machines", MANY + 1)])?;
    changes_over(world, 1, &format!("etcd_servers={}", etcd.endpoint()))?;
    known(world, &["steady.service", "meanwhile.service"])?;
    stay(world, &runs, settled())
}

fn not_empty(world: &mut World) -> Outcome {
    world.fresh()?;
    begin(world, 1, OWN)?;
    lists(world, 1, 1)?;
    let before = world.etcd.etcdctl(&["get", "/_coreos.com/fleet/fleet/layout"])?.success()?.stdout;
    // Another fleet is there: that of machines 2 and 3.
    let refused = world.ctl_on(1, &format!("registry copy --to {}", world.etcd.endpoint()))?;
    says(&refused, &["holds fleet", "only an empty one"])?;
    if refused.exit != 1 || world.etcd.etcdctl(&["get", "/_coreos.com/fleet/fleet/layout"])?.stdout != before
    {
        return Err(Failure::new(refused.to_string()));
    }
    // Both fleets go on.
    world.start_unit("here.service", SLEEPER)?.runs_on(&[1])?;
    let nowhere = world.ctl_on(1, "registry copy --to http://10.10.1.254:1")?;
    says(&nowhere, &["refused", "stays where it is"])?;
    world.start_unit("there.service", SLEEPER)?.runs_on(&[1])
}
