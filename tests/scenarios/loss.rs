//! Machines that are lost without a word: killed, or cut off. Their units run elsewhere in time, once; nothing else
//! moves; and a machine that comes back does no harm.

use tests::failure::{Failure, Outcome};
use tests::network::Cut;
use tests::promises::{SOON, hard_loss, settled};
use tests::unit_view::Runs;
use tests::wait::wait_until;
use tests::world::World;

use crate::Scenario;
use crate::agents::{one_each, stay};

pub(crate) const ALL: &[Scenario] = &[
    Scenario { name: "loss: a machine whose PID 1 is killed", run: |world| killed(world, Role::Follower) },
    Scenario { name: "loss: the leader's machine is killed", run: |world| killed(world, Role::Leader) },
    Scenario {
        name: "loss: a machine is cut off both ways and comes back",
        run: |world| cut_off(world, Cut::Both, Role::Follower),
    },
    Scenario {
        name: "loss: a machine hears nothing and comes back",
        run: |world| cut_off(world, Cut::Incoming, Role::Follower),
    },
    Scenario {
        name: "loss: a machine is not heard and comes back",
        run: |world| cut_off(world, Cut::Outgoing, Role::Follower),
    },
    Scenario {
        name: "loss: the leader's machine is cut off and comes back",
        run: |world| cut_off(world, Cut::Both, Role::Leader),
    },
    Scenario { name: "loss: a cut shorter than the TTL moves nothing", run: short_cut },
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Leader,
    Follower,
}

/// The machine to lose.
fn victim(world: &World, role: Role) -> Outcome<usize> {
    let leader = world.leader()?;
    Ok(if role == Role::Leader { leader } else { leader % 3 + 1 })
}

/// The unit on the victim, and the others.
fn split(runs: Vec<(String, Runs)>, victim: usize) -> Outcome<(String, Vec<(String, Runs)>)> {
    let (lost, others): (Vec<_>, Vec<_>) = runs.into_iter().partition(|(_, run)| run.contains_key(&victim));
    let (name, _) =
        lost.into_iter().next().ok_or_else(|| Failure::new(format!("no unit runs on m{victim}")))?;
    Ok((name, others))
}

fn killed(world: &mut World, role: Role) -> Outcome {
    world.fresh()?;
    let runs = one_each(world)?;
    let victim = victim(world, role)?;
    let (lost, others) = split(runs, victim)?;
    world.machine_mut(victim).kill()?;
    let place = world.unit(&lost).rescued_from(victim, hard_loss())?;
    let run = world.unit(&lost).runs();
    stay(world, &others, settled())?;
    world.all_machines_listed(2)?;
    world.machine_mut(victim).boot()?;
    world.all_machines_listed(3)?;
    // It comes back empty-handed: what moved stays where it is.
    let mut all = others;
    all.push((lost, run));
    stay(world, &all, settled())?;
    if place == victim { Err(Failure::new("the unit is where its machine was lost")) } else { Ok(()) }
}

fn cut_off(world: &mut World, cut: Cut, role: Role) -> Outcome {
    world.fresh()?;
    let runs = one_each(world)?;
    let victim = victim(world, role)?;
    let (lost, others) = split(runs, victim)?;
    world.machine(victim).link().cut(cut)?;
    let place = world.unit(&lost).rescued_from(victim, hard_loss())?;
    let mut run = world.unit(&lost).runs();
    run.remove(&victim);
    stay(world, &others, settled())?;
    world.machine(victim).link().restore()?;
    wait_until("the copy on the machine that was cut off to end", SOON, || {
        let now = world.unit(&lost).runs();
        if now == run { Ok(()) } else { Err(Failure::new(format!("{now:?}, should be {run:?}"))) }
    })?;
    world.all_machines_listed(3)?;
    let mut all = others;
    all.push((lost, run));
    stay(world, &all, settled())?;
    if place == victim { Err(Failure::new("the unit is where its machine was lost")) } else { Ok(()) }
}

fn short_cut(world: &mut World) -> Outcome {
    world.fresh()?;
    let runs = one_each(world)?;
    for number in 1..=3 {
        world.machine(number).link().cut(Cut::Both)?;
        stay(world, &runs, std::time::Duration::from_secs(2))?;
        world.machine(number).link().restore()?;
    }
    stay(world, &runs, settled())?;
    world.all_machines_listed(3)
}
