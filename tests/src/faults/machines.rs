//! Machines that are killed, suspended or rebooted, alone and together.

use std::time::Duration;

use crate::etcd::Etcd;
use crate::failure::{Failure, Outcome};
use crate::faults::Fault;
use crate::faults::course::{Course, Excuse};
use crate::faults::fleet::Fleet;
use crate::promises::{AGENT_TTL, SOON, settled};
use crate::wait::{Stopwatch, wait_until};

const SECOND: Duration = Duration::from_secs(1);

/// A machine is lost to its units active elsewhere.
const HARD: Duration = AGENT_TTL.saturating_add(SECOND);

/// What a beat takes at most: machines that vanish within one have vanished together.
const BEAT: Duration = Duration::from_secs(2);

pub(super) const ALL: &[Fault] = &[
    Fault {
        word: "machine-killed",
        what: "a machine dies at this instant",
        promise: "its units run elsewhere, once; no other unit notices; from the death",
        limit: HARD,
        gates: true,
        run: |fleet| killed(fleet, false),
    },
    Fault {
        word: "leader-machine-killed",
        what: "the leader's machine dies",
        promise: "the same",
        limit: HARD,
        gates: false,
        run: |fleet| killed(fleet, true),
    },
    Fault {
        word: "machine-suspended",
        what: "every process of a machine stops for longer than the TTL, as if it slept",
        promise: "its units run elsewhere, from the stop; awake again, it ends its copies and nothing else",
        limit: HARD,
        gates: false,
        run: |fleet| suspended(fleet, false),
    },
    Fault {
        word: "leader-suspended",
        what: "the same of the leader's machine",
        promise: "the same; nothing that it had begun to decide happens any more",
        limit: HARD,
        gates: false,
        run: |fleet| suspended(fleet, true),
    },
    Fault {
        word: "reboot",
        what: "a machine is reset and boots",
        promise: "its units start there again and none moves; from the end of the boot",
        limit: AGENT_TTL,
        gates: false,
        run: rebooted,
    },
    Fault {
        word: "reboot-without-etcd",
        what: "a machine is reset and boots while all of etcd is down for 15 s",
        promise: "its units start there again and none moves; from etcd's return",
        limit: AGENT_TTL,
        gates: false,
        run: rebooted_without_etcd,
    },
    Fault {
        word: "most-killed",
        what: "two of three machines die at once",
        promise: "nothing moves for one more agent_ttl, then all runs on the third; from the deaths",
        limit: AGENT_TTL.saturating_add(HARD),
        gates: false,
        run: most_killed,
    },
    Fault {
        word: "most-cut",
        what: "two of three machines are cut off, and back before the brake lets go",
        promise: "nothing moves; from their return to three machines in the list",
        limit: BEAT.saturating_add(SECOND),
        gates: false,
        run: most_cut,
    },
];

fn victim(fleet: &Fleet, leader: bool) -> Outcome<usize> {
    if leader { fleet.leader() } else { fleet.follower() }
}

fn killed(fleet: &mut Fleet, leader: bool) -> Outcome<Duration> {
    let course = Course::begin(fleet)?;
    let victim = victim(fleet, leader)?;
    let watch = Stopwatch::start();
    fleet.world.machine_mut(victim).kill()?;
    fleet.world.unit(course.unit_on(victim)?).rescued_from(victim, SOON * 2)?;
    let recovery = watch.elapsed();
    fleet.world.machine_mut(victim).boot()?;
    fleet.world.all_machines_listed(3)?;
    course.end(fleet, &Excuse::moved(victim))?;
    Ok(recovery)
}

fn suspended(fleet: &mut Fleet, leader: bool) -> Outcome<Duration> {
    let course = Course::begin(fleet)?;
    let victim = victim(fleet, leader)?;
    let watch = Stopwatch::start();
    fleet.world.machine(victim).freeze(true)?;
    let rescued = fleet.world.unit(course.unit_on(victim)?).rescued_from(victim, SOON * 2);
    let recovery = watch.elapsed();
    fleet.world.machine(victim).freeze(false)?;
    rescued?;
    course.end(fleet, &Excuse::cut_off(victim))?;
    Ok(recovery)
}

/// Its unit runs on `place` again, and nowhere else.
fn back(fleet: &Fleet, course: &Course, place: usize) -> Outcome<Duration> {
    let watch = Stopwatch::start();
    fleet.world.unit(course.unit_on(place)?).runs_on_within(&[place], SOON * 2)?;
    Ok(watch.elapsed())
}

fn rebooted(fleet: &mut Fleet) -> Outcome<Duration> {
    let course = Course::begin(fleet)?;
    let victim = fleet.follower()?;
    fleet.world.machine_mut(victim).kill()?;
    fleet.world.machine_mut(victim).boot()?;
    let recovery = back(fleet, &course, victim)?;
    course.end(fleet, &Excuse::moved(victim))?;
    Ok(recovery)
}

fn rebooted_without_etcd(fleet: &mut Fleet) -> Outcome<Duration> {
    let course = Course::begin(fleet)?;
    let victim = fleet.follower()?;
    let watch = Stopwatch::start();
    fleet.members_mut().try_for_each(Etcd::kill)?;
    fleet.world.machine_mut(victim).kill()?;
    fleet.world.machine_mut(victim).boot()?;
    wait_until("every record in etcd to have expired", SOON * 2, || {
        if watch.elapsed() > settled() + BEAT * 3 { Ok(()) } else { Err(format!("{:?}", watch.elapsed())) }
    })?;
    fleet.start_members()?;
    let recovery = back(fleet, &course, victim)?;
    course.end(fleet, &Excuse::moved(victim))?;
    Ok(recovery)
}

/// The two machines whose agents do not lead.
fn most(fleet: &Fleet) -> Outcome<Vec<usize>> {
    let leader = fleet.leader()?;
    Ok(fleet.world.numbers().filter(|number| *number != leader).collect())
}

fn most_killed(fleet: &mut Fleet) -> Outcome<Duration> {
    let course = Course::begin(fleet)?;
    let victims = most(fleet)?;
    let watch = Stopwatch::start();
    for victim in &victims {
        fleet.world.machine_mut(*victim).kill()?;
    }
    for victim in &victims {
        fleet.world.unit(course.unit_on(*victim)?).rescued_from(*victim, SOON * 3)?;
    }
    let recovery = watch.elapsed();
    if recovery < AGENT_TTL * 2 - BEAT - SECOND {
        return Err(Failure::new(format!("nothing braked: all ran again after {recovery:?}")));
    }
    for victim in &victims {
        fleet.world.machine_mut(*victim).boot()?;
    }
    fleet.world.all_machines_listed(3)?;
    course.end(fleet, &Excuse { moved_from: &[1, 2, 3], ..Excuse::default() })?;
    Ok(recovery)
}

fn most_cut(fleet: &mut Fleet) -> Outcome<Duration> {
    let course = Course::begin(fleet)?;
    let victims = most(fleet)?;
    for victim in &victims {
        fleet.world.machine(*victim).link().cut(crate::network::Cut::Both)?;
    }
    // Both records are gone by then, and the brake holds for at least this long after that.
    course.nothing_moves(fleet, AGENT_TTL + BEAT)?;
    for victim in &victims {
        fleet.world.machine(*victim).link().restore()?;
    }
    let watch = Stopwatch::start();
    fleet.world.all_machines_listed(3)?;
    let recovery = watch.elapsed();
    course.end(fleet, &Excuse::default())?;
    Ok(recovery)
}
