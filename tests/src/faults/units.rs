//! Many units at once while a machine dies, and one unit that takes down each machine it comes to.

use std::time::Duration;

use crate::failure::{Failure, Outcome};
use crate::faults::Fault;
use crate::faults::course::{Course, Excuse, time_until};
use crate::faults::fleet::Fleet;
use crate::promises::{AGENT_TTL, SOON, settled};
use crate::steady::sleeper_with;
use crate::wait::{Stopwatch, holds_for, wait_until};
use crate::witness::Witness;

const SECOND: Duration = Duration::from_secs(1);

/// A machine is lost to its units active elsewhere.
const HARD: Duration = AGENT_TTL.saturating_add(SECOND);

/// How long a unit is held back that has taken two machines down: four agent_ttl.
const HELD: Duration = Duration::from_secs(4 * AGENT_TTL.as_secs());

/// What is counted as soon after a unit's coming: three agent_ttl.
const SOON_AFTER: Duration = Duration::from_secs(3 * AGENT_TTL.as_secs());

pub(super) const ALL: &[Fault] = &[
    Fault {
        word: "hundred-replaced",
        what: "a machine dies while 100 units are replaced",
        promise: "each runs once with its new content, none is lost; from the death",
        limit: HARD.saturating_add(Duration::from_secs(4)),
        gates: false,
        run: hundred_replaced,
    },
    Fault {
        word: "poison",
        what: "a unit takes down each machine it comes to",
        promise: "after two it is held back, and says so; the others are rescued at once; from the second death to its \
                  next start, four agent_ttl later",
        limit: HELD.saturating_add(HARD).saturating_add(SECOND),
        gates: false,
        run: poison,
    },
];

const HUNDRED: usize = 100;

/// Old and new content: two programs that are told apart in a list of processes.
const CONTENTS: [&str; 2] = ["/bin/sleep 1000001", "/bin/sleep 1000002"];

fn write_hundred(fleet: &Fleet, content: &str) -> Outcome<Vec<String>> {
    let names: Vec<String> = (0..HUNDRED).map(|number| format!("many{number}.service")).collect();
    let text = format!("[Service]\nExecStart={content}\n");
    names.iter().try_for_each(|name| fleet.world.write_unit(name, &text))?;
    Ok(names)
}

/// Processes of `content` on all machines that are on.
fn processes(fleet: &Fleet, content: &str) -> Outcome<usize> {
    let mut count = 0;
    for machine in fleet.world.machines().iter().filter(|machine| machine.is_on()) {
        let found = machine.run(&["pgrep", "--full", "--exact", "--", content])?;
        count += found.stdout.lines().count();
    }
    Ok(count)
}

/// All hundred run with `content`, and no other.
fn all_run(fleet: &Fleet, content: &str) -> Outcome<Duration> {
    time_until("all to run", settled() * 5, || {
        let count = |content| processes(fleet, content).map_err(|failure| failure.to_string());
        let all = CONTENTS.iter().map(|content| count(content)).sum::<Result<usize, String>>()?;
        match count(content)? {
            HUNDRED if all == HUNDRED => Ok(()),
            right => Err(format!("{right} are right of {all}")),
        }
    })
}

fn hundred_replaced(fleet: &mut Fleet) -> Outcome<Duration> {
    let course = Course::begin(fleet)?;
    let (leader, victim) = (fleet.leader()?, fleet.follower()?);
    let names = write_hundred(fleet, CONTENTS[0])?;
    fleet.world.ctl_on(leader, &format!("start {}", names.join(" ")))?.success()?;
    all_run(fleet, CONTENTS[0])?;
    let views: Vec<&str> = names.iter().map(String::as_str).collect();
    let witness = Witness::watch(&fleet.world, &views);
    write_hundred(fleet, CONTENTS[1])?;
    let order = format!("cd /root/units && ctl start --no-block --replace {}", names.join(" "));
    let mut order = fleet.world.machine(leader).command(&["/bin/sh", "-c", &order])?;
    let mut order = order.spawn().map_err(|cause| Failure::during("order the replacement", cause))?;
    // In the middle of it: some have the new content, and some have not.
    let begun = wait_until("the first to be replaced", SOON, || match processes(fleet, CONTENTS[1])? {
        0 => Err(Failure::new("none is")),
        _ => Ok(()),
    });
    let watch = Stopwatch::start();
    let killed = fleet.world.machine_mut(victim).kill();
    let ordered = order.wait().map_err(|cause| Failure::during("wait for the order", cause))?;
    begun?;
    killed?;
    if !ordered.success() {
        return Err(Failure::new(format!("ctl start --replace: {ordered}")));
    }
    all_run(fleet, CONTENTS[1])?;
    let recovery = watch.elapsed();
    let seen = witness.stop()?;
    seen.never_two_copies()?;
    fleet.world.machine_mut(victim).boot()?;
    fleet.world.all_machines_listed(3)?;
    course.end(fleet, &Excuse::moved(victim))?;
    Ok(recovery)
}

const POISON: &str = "poison.service";
const GUARD: &str = "guard.service";

/// Kills the machine that the poison is on; the unit that was there in the beginning is rescued at once.
fn strike(fleet: &mut Fleet, course: &Course, place: usize) -> Outcome {
    fleet.world.machine_mut(place).kill()?;
    let watch = Stopwatch::start();
    fleet.world.unit(course.unit_on(place)?).rescued_from(place, SOON * 2)?;
    if watch.elapsed() > HARD * 3 {
        return Err(Failure::new(format!("the others waited as well: {:?}", watch.elapsed())));
    }
    Ok(())
}

fn poison(fleet: &mut Fleet) -> Outcome<Duration> {
    let course = Course::begin(fleet)?;
    // It never comes to the leader's machine: what is looked at here is what a leader remembers.
    let leader = fleet.leader()?;
    fleet.world.start_unit(GUARD, &sleeper_with(&fleet.pin(leader)))?.runs_on(&[leader])?;
    // The other units have been there for long.
    course.nothing_moves(fleet, SOON_AFTER + SECOND)?;
    let first = fleet.world.start_unit(POISON, &sleeper_with(&format!("Conflicts={GUARD}")))?.runs_once()?;
    strike(fleet, &course, first)?;
    let second = fleet.world.unit(POISON).rescued_from(first, SOON)?;
    fleet.world.machine_mut(first).boot()?;
    let watch = Stopwatch::start();
    strike(fleet, &course, second)?;
    fleet.world.machine_mut(second).boot()?;
    fleet.world.all_machines_listed(3)?;
    let listed = fleet.world.done("explain poison.service")?;
    if !listed.stdout.contains("held back") {
        return Err(Failure::new(format!("nobody says why it does not run: {listed}")));
    }
    holds_for("the unit held back", HELD.saturating_sub(watch.elapsed()), || {
        let runs = fleet.world.unit(POISON).runs();
        if runs.is_empty() { Ok(()) } else { Err(format!("it runs on {runs:?}")) }
    })?;
    fleet.world.unit(POISON).runs_once_within(HELD)?;
    let recovery = watch.elapsed();
    let excuse = Excuse { moved_from: &[1, 2, 3], more: 1, ..Excuse::default() };
    course.end(fleet, &excuse)?;
    Ok(recovery)
}
