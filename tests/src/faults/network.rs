//! Cables that are pulled, in one direction or both, and networks that lose or delay.

use std::time::Duration;

use crate::etcd::Etcd;
use crate::failure::Outcome;
use crate::faults::Fault;
use crate::faults::agents::decided;
use crate::faults::course::{Course, Excuse};
use crate::faults::fleet::{Fleet, Setup};
use crate::network::Cut;
use crate::promises::{AGENT_TTL, SOON, settled};
use crate::slow_link::SlowLink;
use crate::wait::Stopwatch;

const SECOND: Duration = Duration::from_secs(1);

/// A machine is lost to its units active elsewhere.
const HARD: Duration = AGENT_TTL.saturating_add(SECOND);

/// The beat that is due when a machine hears nothing any more arrives all the same: up to a third of the TTL after the cut.
const LAST_BEAT: Duration = Duration::from_secs(AGENT_TTL.as_secs() / 3);

const CUT: &str = "its units run elsewhere, from the cut; back again, it ends its copies and nothing else";

pub(super) const ALL: &[Fault] = &[
    Fault {
        word: "cut-both",
        what: "a machine is cut off, both ways",
        promise: CUT,
        limit: HARD,
        gates: true,
        run: |fleet| cut(fleet, Cut::Both, false),
    },
    Fault {
        word: "cut-leader",
        what: "the leader's machine is cut off, both ways",
        promise: CUT,
        limit: HARD,
        gates: false,
        run: |fleet| cut(fleet, Cut::Both, true),
    },
    Fault {
        word: "cut-incoming",
        what: "a machine hears nothing any more",
        promise: "the same, from the cut; one more of its beats arrives, up to a third of agent_ttl later",
        limit: LAST_BEAT.saturating_add(HARD),
        gates: false,
        run: |fleet| cut(fleet, Cut::Incoming, false),
    },
    Fault {
        word: "cut-outgoing",
        what: "a machine is not heard any more",
        promise: CUT,
        limit: HARD,
        gates: false,
        run: |fleet| cut(fleet, Cut::Outgoing, false),
    },
    Fault {
        word: "loss",
        what: "30 % of a machine's packets are lost, each way, for 30 s",
        promise: "no unit notices; a start on that machine, from the order, while it goes on",
        limit: Duration::from_secs(10),
        gates: false,
        run: lossy,
    },
    Fault {
        word: "delay",
        what: "every answer of etcd comes 200 ms later, for 20 s",
        promise: "no unit notices; a start, from the order, while it goes on",
        limit: Duration::from_secs(5),
        gates: false,
        run: delayed,
    },
];

fn cut(fleet: &mut Fleet, cut: Cut, leader: bool) -> Outcome<Duration> {
    let course = Course::begin(fleet)?;
    let victim = if leader { fleet.leader()? } else { fleet.follower()? };
    let watch = Stopwatch::start();
    fleet.world.machine(victim).link().cut(cut)?;
    fleet.world.unit(course.unit_on(victim)?).rescued_from(victim, SOON * 2)?;
    let recovery = watch.elapsed();
    fleet.world.machine(victim).link().restore()?;
    fleet.world.all_machines_listed(3)?;
    course.end(fleet, &Excuse::cut_off(victim))?;
    Ok(recovery)
}

fn lossy(fleet: &mut Fleet) -> Outcome<Duration> {
    let course = Course::begin(fleet)?;
    let victim = fleet.follower()?;
    let watch = Stopwatch::start();
    fleet.world.machine(victim).link().lose(30)?;
    let recovery = decided(fleet, victim)?;
    course.nothing_moves(fleet, Duration::from_secs(30).saturating_sub(watch.elapsed()))?;
    fleet.world.machine(victim).link().restore()?;
    course.end(fleet, &Excuse::default())?;
    Ok(recovery)
}

fn delayed(fleet: &mut Fleet) -> Outcome<Duration> {
    let links: Vec<SlowLink> =
        fleet.members().map(|member| SlowLink::to(Etcd::client_address(member))).collect::<Outcome<_>>()?;
    let endpoints = links.iter().map(SlowLink::endpoint).collect::<Vec<_>>().join(",");
    let setup = Setup { endpoints: Some(endpoints), ..Setup::default() };
    let course = Course::begin_as(fleet, &setup)?;
    let place = fleet.follower()?;
    links.iter().for_each(|link| link.delay(Duration::from_millis(100)));
    let recovery = decided(fleet, place)?;
    course.nothing_moves(fleet, settled() * 2)?;
    links.iter().for_each(|link| link.delay(Duration::ZERO));
    course.end(fleet, &Excuse::default())?;
    Ok(recovery)
}
