//! Who a machine is: a reboot within its TTL, and two machines with one machine ID.

use tests::failure::{Failure, Outcome};
use tests::promises::{SOON, hard_loss, settled};
use tests::wait::wait_until;
use tests::witness::Witness;
use tests::world::World;

use crate::Scenario;
use crate::agents::{one_each, stay};
use crate::placement::says;

pub(crate) const ALL: &[Scenario] = &[
    Scenario {
        name: "identity: a machine that reboots within its TTL runs its units again without a move",
        run: reboots,
    },
    Scenario {
        name: "identity: the second machine with one machine ID serves 503 and harms nothing",
        run: twins,
    },
];

fn reboots(world: &mut World) -> Outcome {
    world.fresh()?;
    let runs = one_each(world)?;
    let (name, before) = runs
        .iter()
        .find(|(_, run)| run.contains_key(&2))
        .ok_or_else(|| Failure::new("no unit runs on m2"))?;
    let witness = Witness::watch(world, &[name]);
    world.machine_mut(2).kill()?;
    world.machine_mut(2).boot()?;
    world.unit(name).runs_on_within(&[2], hard_loss())?;
    let elsewhere = witness.stop()?;
    elsewhere.never_two_copies()?;
    elsewhere.only_on(name, &[2])?;
    if world.unit(name).runs() == *before {
        return Err(Failure::new("the machine did not reboot"));
    }
    let others: Vec<_> = runs.iter().filter(|(other, _)| other != name).cloned().collect();
    stay(world, &others, settled())
}

fn twins(world: &mut World) -> Outcome {
    world.fresh()?;
    let runs = one_each(world)?;
    let id = world.machine(1).identity().machine_id.clone();
    world.add_machine(4, Some(&id))?;
    world.machine_mut(4).boot()?;
    let ask = "curl --silent --max-time 5 --write-out '%{http_code}' --unix-socket /run/fleet.sock \
               http://fleet/fleet/v1/machines";
    wait_until("the twin to answer 503 and name the other's address", SOON * 2, || {
        says(&world.machine(4).shell(ask)?, &["503", "10.10.1.1"])
    })?;
    stay(world, &runs, settled())?;
    let listed = world.ctl_on(1, "list-machines --no-legend")?.success()?;
    let rows: Vec<&str> = listed.stdout.lines().collect();
    if rows.len() != 3 || listed.stdout.contains("10.10.1.4") {
        return Err(Failure::new(format!("the twin is listed: {listed}")));
    }
    world.start_unit("later.service", crate::units::SLEEPER)?.runs_once().map(|_| ())
}
