//! Agents that are killed or hang: what runs is systemd's, and goes on.

use std::time::Duration;

use crate::failure::{Failure, Outcome};
use crate::faults::Fault;
use crate::faults::course::{Course, Excuse, time_until};
use crate::faults::fleet::{Fleet, Setup};
use crate::promises::{AGENT_TTL, LEASE_TTL, SOON, WATCHDOG, settled};
use crate::steady::sleeper_with;
use crate::wait::Stopwatch;

const SECOND: Duration = Duration::from_secs(1);

/// What systemd waits before it starts an agent again (`RestartSec=` in `dist/fleet.service`).
const RESTART: Duration = Duration::from_millis(500);

pub(super) const ALL: &[Fault] = &[
    Fault {
        word: "agent-killed",
        what: "`kill -9` of an agent",
        promise: "no unit notices; from the kill to the next agent's answer",
        limit: RESTART.saturating_add(SECOND),
        gates: true,
        run: killed,
    },
    Fault {
        word: "leader-killed",
        what: "`kill -9` of the leader's agent",
        promise: "no unit notices; from the kill to a decision carried out",
        limit: LEASE_TTL.saturating_add(SECOND),
        gates: false,
        run: leader_killed,
    },
    Fault {
        word: "agent-watched",
        what: "SIGSTOP of an agent, as shipped: with a watchdog",
        promise: "no unit notices; from the stop to the next agent's answer",
        limit: WATCHDOG.saturating_add(RESTART).saturating_add(SECOND),
        gates: false,
        run: watched,
    },
    Fault {
        word: "agent-stopped",
        what: "SIGSTOP of an agent for longer than the TTL, without its watchdog",
        promise: "its units run elsewhere, from the stop; when it goes on, it ends its copies and nothing else",
        limit: AGENT_TTL.saturating_add(SECOND),
        gates: false,
        run: stopped,
    },
    Fault {
        word: "leader-stopped",
        what: "SIGSTOP of the leader's agent for longer than the TTL, without its watchdog",
        promise: "another one decides, from the stop; when the old one goes on, it does no harm",
        limit: LEASE_TTL.saturating_add(SECOND),
        gates: false,
        run: leader_stopped,
    },
];

fn signal(fleet: &Fleet, number: usize, signal: &str) -> Outcome {
    let option = format!("--signal={signal}");
    let words = ["systemctl", "kill", "--kill-whom=main", &option, "fleet.service"];
    fleet.world.machine(number).run(&words)?.success().map(|_| ())
}

/// The agent of `number` answers with a list of the four units of the course.
fn answers(fleet: &Fleet, number: usize) -> Outcome<Duration> {
    time_until("the agent to answer", SOON, || {
        let listed = fleet.world.ctl_on(number, "list-unit-files --no-legend");
        let listed = listed.map_err(|failure| failure.to_string())?;
        if listed.exit == 0 && listed.stdout.lines().count() == 4 { Ok(()) } else { Err(listed.to_string()) }
    })
}

/// A unit for `on`, ordered at `on`, runs: somebody decides. Pinned, since a machine that has just been lost counts as
/// alive for one agent_ttl.
///
/// # Errors
/// When nobody does.
pub(super) fn decided(fleet: &Fleet, on: usize) -> Outcome<Duration> {
    let name = "decided.service";
    fleet.world.write_unit(name, &sleeper_with(&fleet.pin(on)))?;
    let watch = Stopwatch::start();
    time_until("the order to be taken", SOON, || {
        let ordered = fleet.world.ctl_on(on, &format!("start --no-block {name}"));
        let ordered = ordered.map_err(|failure| failure.to_string())?;
        if ordered.exit == 0 { Ok(()) } else { Err(ordered.to_string()) }
    })?;
    fleet.world.unit(name).runs_on_within(&[on], SOON * 2)?;
    Ok(watch.elapsed())
}

fn killed(fleet: &mut Fleet) -> Outcome<Duration> {
    let course = Course::begin(fleet)?;
    let victim = fleet.follower()?;
    signal(fleet, victim, "KILL")?;
    let recovery = answers(fleet, victim)?;
    course.end(fleet, &Excuse::default())?;
    Ok(recovery)
}

fn leader_killed(fleet: &mut Fleet) -> Outcome<Duration> {
    let course = Course::begin(fleet)?;
    let victim = fleet.leader()?;
    signal(fleet, victim, "KILL")?;
    let recovery = decided(fleet, fleet.world.numbers().find(|number| *number != victim).unwrap_or(1))?;
    course.end(fleet, &Excuse::default())?;
    Ok(recovery)
}

fn watched(fleet: &mut Fleet) -> Outcome<Duration> {
    let course = Course::begin(fleet)?;
    let victim = fleet.follower()?;
    let watch = Stopwatch::start();
    signal(fleet, victim, "STOP")?;
    answers(fleet, victim)?;
    let recovery = watch.elapsed();
    course.end(fleet, &Excuse::default())?;
    Ok(recovery)
}

const UNWATCHED: Setup = Setup { no_watchdog: true, endpoints: None };

fn stopped(fleet: &mut Fleet) -> Outcome<Duration> {
    let course = Course::begin_as(fleet, &UNWATCHED)?;
    let victim = fleet.follower()?;
    let lost = course.unit_on(victim)?;
    let watch = Stopwatch::start();
    signal(fleet, victim, "STOP")?;
    fleet.world.unit(lost).rescued_from(victim, SOON * 2)?;
    let recovery = watch.elapsed();
    signal(fleet, victim, "CONT")?;
    course.end(fleet, &Excuse::cut_off(victim))?;
    Ok(recovery)
}

fn leader_stopped(fleet: &mut Fleet) -> Outcome<Duration> {
    let course = Course::begin_as(fleet, &UNWATCHED)?;
    let victim = fleet.leader()?;
    let watch = Stopwatch::start();
    signal(fleet, victim, "STOP")?;
    decided(fleet, victim % 3 + 1)?;
    let recovery = watch.elapsed();
    // Until its units are judged lost, too: what it had begun to write must not matter any more.
    fleet.world.unit(course.unit_on(victim)?).rescued_from(victim, settled() * 2)?;
    signal(fleet, victim, "CONT")?;
    if fleet.leader()? == victim {
        return Err(Failure::new("the leader that was stopped still holds the lease"));
    }
    course.end(fleet, &Excuse::cut_off(victim))?;
    Ok(recovery)
}
