//! etcd's members killed and stopped, one, the one that leads, or all: nothing that runs is touched.

use std::time::Duration;

use crate::etcd::Etcd;
use crate::failure::Outcome;
use crate::faults::Fault;
use crate::faults::agents::decided;
use crate::faults::course::{Course, Excuse};
use crate::faults::fleet::Fleet;
use crate::promises::{AGENT_TTL, settled};
use crate::wait::Stopwatch;

/// An agent's longest wait for one answer in these tests: two thirds of the lease, less a second.
const REQUEST: Duration = Duration::from_secs(1);

/// etcd's own election: 1 to 2 s by its defaults.
const ELECTION: Duration = Duration::from_secs(2);

const SECOND: Duration = Duration::from_secs(1);

/// How long all members are away: long enough for every record to expire.
const AWAY: Duration = Duration::from_secs(15);

pub(super) const ALL: &[Fault] = &[
    Fault {
        word: "member-killed",
        what: "`kill -9` of a member of etcd",
        promise: "no unit notices; from the kill to a start carried out",
        limit: REQUEST.saturating_add(SECOND),
        gates: false,
        run: |fleet| one(fleet, Which::Follower, Etcd::kill, false),
    },
    Fault {
        word: "etcd-leader-killed",
        what: "`kill -9` of the member that leads etcd",
        promise: "no unit notices; from the kill, through etcd's election, to a start carried out",
        limit: ELECTION.saturating_add(REQUEST).saturating_add(SECOND),
        gates: true,
        run: |fleet| one(fleet, Which::Leader, Etcd::kill, false),
    },
    Fault {
        word: "etcd-killed",
        what: "`kill -9` of all of etcd for 15 s",
        promise: "no unit notices; from etcd's return to a start carried out",
        limit: Duration::from_secs(3),
        gates: true,
        run: whole_killed,
    },
    Fault {
        word: "member-stopped",
        what: "SIGSTOP of a member of etcd for longer than the TTL",
        promise: "no unit notices; from the stop to a start carried out",
        limit: AGENT_TTL.saturating_add(REQUEST),
        gates: false,
        run: |fleet| one(fleet, Which::Follower, |member| member.pause(), true),
    },
    Fault {
        word: "etcd-leader-stopped",
        what: "SIGSTOP of the member that leads etcd, for longer than the TTL",
        promise: "no unit notices; from the stop, through etcd's election, to a start carried out",
        limit: AGENT_TTL.saturating_add(ELECTION),
        gates: false,
        run: |fleet| one(fleet, Which::Leader, |member| member.pause(), true),
    },
    Fault {
        word: "etcd-stopped",
        what: "SIGSTOP of all of etcd for 15 s",
        promise: "no unit notices; from its going on to a start carried out",
        limit: Duration::from_secs(3),
        gates: false,
        run: whole_stopped,
    },
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    Leader,
    Follower,
}

fn one(fleet: &mut Fleet, which: Which, hurt: fn(&mut Etcd) -> Outcome, stopped: bool) -> Outcome<Duration> {
    let course = Course::begin(fleet)?;
    let leader = fleet.store_leader()?;
    // A follower that agents ask first is the worse one to lose.
    let follower = usize::from(leader == 0);
    let place = fleet.follower()?;
    let watch = Stopwatch::start();
    hurt(fleet.member(if which == Which::Leader { leader } else { follower })?)?;
    decided(fleet, place)?;
    let recovery = watch.elapsed();
    course.nothing_moves(fleet, settled())?;
    if stopped {
        fleet.members().try_for_each(Etcd::resume)?;
    } else {
        fleet.start_members()?;
    }
    course.end(fleet, &Excuse::default())?;
    Ok(recovery)
}

fn whole_killed(fleet: &mut Fleet) -> Outcome<Duration> {
    let course = Course::begin(fleet)?;
    let place = fleet.follower()?;
    fleet.members_mut().try_for_each(Etcd::kill)?;
    course.nothing_moves(fleet, AWAY)?;
    fleet.start_members()?;
    let recovery = decided(fleet, place)?;
    course.end(fleet, &Excuse::default())?;
    Ok(recovery)
}

fn whole_stopped(fleet: &mut Fleet) -> Outcome<Duration> {
    let course = Course::begin(fleet)?;
    let place = fleet.follower()?;
    fleet.members().try_for_each(Etcd::pause)?;
    course.nothing_moves(fleet, AWAY)?;
    fleet.members().try_for_each(Etcd::resume)?;
    let recovery = decided(fleet, place)?;
    course.end(fleet, &Excuse::default())?;
    Ok(recovery)
}
