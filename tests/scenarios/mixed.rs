//! A cluster in the middle of an upgrade: one machine runs the agent of an earlier commit, the others this one. Before the
//! first release there is no earlier one: this one then runs beside itself, which shows the way of an upgrade only.

use std::fs;
use std::time::Duration;

use tests::failure::{Failure, Outcome};
use tests::machine_root::put_bytes;
use tests::previous;
use tests::promises::{START, hard_loss, leader_change, settled};
use tests::world::World;

use crate::Scenario;
use crate::agents::{one_each, stay};
use crate::units::SLEEPER;

pub(crate) const ALL: &[Scenario] = &[
    Scenario { name: "mixed: an earlier agent and this one share a fleet, whoever leads", run: shared },
    Scenario { name: "mixed: machines are upgraded one by one, and no unit notices", run: one_by_one },
];

/// Gives machine `number` this program as its agent, as an upgrade with `on_stop=keep` does.
fn give(world: &World, number: usize, program: &[u8]) -> Outcome {
    let (machine, path) = (world.machine(number), "usr/bin/skiff-agent");
    put_bytes(machine.root(), &format!("{path}.new"), program)?;
    machine.shell(&format!("chmod 755 /{path}.new && mv /{path}.new /{path}"))?.success()?;
    world.reconfigure(number, "", "on_stop=keep")?;
    machine.run(&["systemctl", "restart", "fleet.service"])?.success().map(drop)
}

fn program(file: &std::path::Path) -> Outcome<Vec<u8>> {
    fs::read(file).map_err(|cause| Failure::during(format!("read {}", file.display()), cause))
}

/// This build's agent, as the world installed it.
fn ours(world: &World) -> Outcome<Vec<u8>> {
    program(&world.machine(1).root().join("usr/bin/skiff-agent"))
}

/// Stops the leader's agent until another one has taken a decision; what ran, runs on.
fn change_leader(world: &World, unit: &str) -> Outcome {
    let leader = world.leader()?;
    world.machine(leader).run(&["systemctl", "kill", "--signal=STOP", "fleet.service"])?.success()?;
    world.write_unit(unit, SLEEPER)?;
    world.ctl_on(leader % 3 + 1, &format!("start --no-block {unit}"))?.success()?;
    let decided = world.unit(unit).runs_once_within(leader_change() + START);
    world.machine(leader).run(&["systemctl", "kill", "--signal=CONT", "fleet.service"])?.success()?;
    decided.map(drop)
}

fn earlier(world: &World) -> Outcome<Vec<u8>> {
    previous::agent()?.map_or_else(|| ours(world), |file| program(&file))
}

fn shared(world: &mut World) -> Outcome {
    let earlier = earlier(world)?;
    world.fresh()?;
    let this = ours(world)?;
    let shared = with_earlier(world, &earlier);
    give(world, 2, &this)?;
    shared
}

fn with_earlier(world: &mut World, earlier: &[u8]) -> Outcome {
    give(world, 2, earlier)?;
    let runs = one_each(world)?;
    // Leaders come and go in turn, so that each version leads the other at least once.
    for unit in ["first.service", "second.service", "third.service"] {
        change_leader(world, unit)?;
    }
    stay(world, &runs, settled())?;
    let lost: Vec<String> = ["steady1.service", "steady2.service", "steady3.service"]
        .into_iter()
        .filter(|name| world.unit(name).runs().contains_key(&3))
        .map(str::to_owned)
        .collect();
    world.machine_mut(3).kill()?;
    for name in &lost {
        world.unit(name).runs_once_within(hard_loss() + START)?;
    }
    world.done("destroy first.service second.service third.service")?;
    world.unit("second.service").has_left_every_machine()
}

fn one_by_one(world: &mut World) -> Outcome {
    let earlier = earlier(world)?;
    world.fresh()?;
    let this = ours(world)?;
    let upgraded = upgrade_all(world, &earlier, &this);
    for number in world.numbers() {
        give(world, number, &this)?;
    }
    upgraded
}

fn upgrade_all(world: &World, earlier: &[u8], this: &[u8]) -> Outcome {
    for number in world.numbers() {
        give(world, number, earlier)?;
    }
    world.all_machines_listed(3)?;
    let runs = one_each(world)?;
    for number in world.numbers() {
        give(world, number, this)?;
        world.all_machines_listed(3)?;
        stay(world, &runs, Duration::from_secs(2))?;
    }
    world.start_unit("after.service", SLEEPER)?.runs_once()?;
    stay(world, &runs, settled())
}
