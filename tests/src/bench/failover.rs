//! What follows a loss: a machine that is killed, the leader's included, one that leaves cleanly, a leader that dies.
//! Each several times on a fresh fleet; the medians are held against the promises and split.

use std::time::Duration;

use crate::bench::measures::SLEEPER;
use crate::bench::probe::{Probe, Share, came_up};
use crate::bench::shares::Split;
use crate::bench::{Row, shown};
use crate::failure::{Failure, Outcome};
use crate::promises::{AGENT_TTL, LEASE_TTL, hard_loss, leader_change};
use crate::wait::{since_epoch, wait_until};
use crate::witness::Witness;
use crate::world::World;

/// Repetitions: each takes a fresh fleet and a TTL.
const TIMES: usize = 3;

/// One loss, carried out and split.
type Loss = fn(&mut World, &Probe) -> Outcome<Share>;

/// What happens, and how long it may take.
const ALL: [(&str, Loss, Duration); 4] = [
    ("hard loss of a machine, to its unit active elsewhere", follower, HARD),
    ("the same of the leader's machine", of_leader, HARD),
    ("clean departure, from the end of its stop to active elsewhere", departure, SECOND),
    ("leader killed, to the next decision carried out", leader, LEADER),
];

const SECOND: Duration = Duration::from_secs(1);
const HARD: Duration = AGENT_TTL.saturating_add(SECOND);
const LEADER: Duration = LEASE_TTL.saturating_add(SECOND);

/// Measures all of them.
///
/// # Errors
/// When something is not done.
pub(crate) fn measure(world: &mut World, probe: &Probe) -> Outcome<(Vec<Row>, Vec<Split>)> {
    let (mut rows, mut splits) = (Vec::new(), Vec::new());
    for (what, loss, promised) in ALL {
        let mut shares = Vec::new();
        for _ in 0..TIMES {
            probe.fresh(world)?;
            shares.push(loss(world, probe)?);
        }
        let median = Share::median(&shares);
        let worst = shares.iter().map(|share| share.total).max().unwrap_or_default();
        let (ttl, lease) = (shown(AGENT_TTL), shown(LEASE_TTL));
        let against = format!("agent_ttl {ttl}, lease TTL {lease}; the worst of {TIMES}: {}", shown(worst));
        rows.push(Row { what, against, promised, measured: median.total });
        splits.push((what, median));
    }
    Ok((rows, splits))
}

/// Three units, one on each machine; the one on `place`.
fn unit_on(world: &World, place: usize) -> Outcome<String> {
    let names: Vec<String> = (1..=3).map(|number| format!("far{number}.service")).collect();
    for name in &names {
        world.start_unit(name, SLEEPER)?.runs_once()?;
    }
    let found = names.into_iter().find(|name| world.unit(name).runs().contains_key(&place));
    found.ok_or_else(|| Failure::new(format!("no unit runs on m{place}")))
}

/// Waits until `unit` runs on another machine than `old`; gives that.
fn elsewhere(world: &World, unit: &str, old: usize) -> Outcome<usize> {
    wait_until(format!("{unit} to run elsewhere"), hard_loss(), || {
        let places = world.unit(unit).runs();
        let other = places.keys().copied().find(|number| *number != old);
        other.ok_or_else(|| format!("{places:?}"))
    })
}

/// The decision to move or place `unit` is the first write to its placement.
fn decided(probe: &Probe, unit: &str, began: Duration) -> Outcome<Duration> {
    let placement = format!("/placements/{unit}");
    let write = |line: &str| !line.starts_with("GET ") && line.contains(&placement);
    let found = probe.first(began, write);
    found.ok_or_else(|| Failure::new(format!("nobody wrote the placement of {unit}")))
}

fn killed(world: &mut World, probe: &Probe, place: usize) -> Outcome<Share> {
    let unit = unit_on(world, place)?;
    let began = since_epoch();
    world.machine_mut(place).kill()?;
    let other = elsewhere(world, &unit, place)?;
    world.unit(&unit).runs_once()?;
    let up = came_up(world, &unit, other)?;
    probe.split(world, (began, up.1), decided(probe, &unit, began)?, &[up])
}

fn follower(world: &mut World, probe: &Probe) -> Outcome<Share> {
    let place = world.leader()? % 3 + 1;
    killed(world, probe, place)
}

fn of_leader(world: &mut World, probe: &Probe) -> Outcome<Share> {
    let place = world.leader()?;
    killed(world, probe, place)
}

fn departure(world: &mut World, probe: &Probe) -> Outcome<Share> {
    let place = world.leader()? % 3 + 1;
    let unit = unit_on(world, place)?;
    let witness = Witness::watch(world, &[&unit]);
    let stop = ["systemctl", "--no-block", "stop", "fleet.socket", "fleet.service"];
    world.machine(place).run(&stop)?.success()?;
    let other = elsewhere(world, &unit, place)?;
    world.unit(&unit).runs_once()?;
    let seen = witness.stop()?;
    seen.never_two_copies()?;
    let gap = seen.gap(&unit).ok_or_else(|| Failure::new(format!("{unit} did not move")))?;
    let up = came_up(world, &unit, other)?;
    let began = up.1.saturating_sub(gap);
    probe.split(world, (began, up.1), began, &[up])
}

fn leader(world: &mut World, probe: &Probe) -> Outcome<Share> {
    let leader = world.leader()?;
    let other = leader % 3 + 1;
    // For a machine that is alive: placed on the dead one, which counts as alive for one agent_ttl, the decision could not
    // be seen carried out.
    let pin = &world.machine(other).identity().machine_id;
    world.write_unit("after.service", &format!("{SLEEPER}\n[X-Fleet]\nMachineID={pin}\n"))?;
    world.ctl_on(other, "submit after.service")?.success()?;
    let began = since_epoch();
    world.machine_mut(leader).kill()?;
    world.ctl_on(other, "start --no-block after.service")?.success()?;
    wait_until("the next decision", leader_change(), || {
        if world.unit("after.service").runs().is_empty() { Err("none yet") } else { Ok(()) }
    })?;
    world.unit("after.service").runs_once()?;
    let up = came_up(world, "after.service", other)?;
    // Until then nobody could decide: followers write the lease only to take it.
    let taken = probe.first(began, |line| line.starts_with("PUT ") && line.contains("/fleet/lease"));
    let taken = taken.ok_or_else(|| Failure::new("nobody took the lease"))?;
    probe.split(world, (began, up.1), taken, &[up])
}
