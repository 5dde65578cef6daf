//! The soak: a unit started and destroyed every second for ten minutes, each under a name of its own, so that whatever is
//! kept of a unit that is gone adds up. In the end each agent must be what it was after the warm-up.

use std::time::Duration;

use crate::failure::{Failure, Outcome};
use crate::footprint::fleet::Fleet;
use crate::footprint::process::Holds;
use crate::footprint::table::UNITS_PROMISED;
use crate::wait::{Stopwatch, holds_for, wait_until};

/// A first minute fills what is kept for good: buffers, threads, the allocator's own.
const WARM_UP: Duration = Duration::from_secs(60);

/// What the promise says.
const SOAK: Duration = Duration::from_secs(600);

/// Three beats of each agent, and a look at everything among them.
const LOOK: Duration = Duration::from_secs(30);

/// One unit comes and goes.
const EVERY: Duration = Duration::from_secs(1);

/// Memory may end within this part of its start.
const TOLERANCE_PERCENT: u64 = 5;

const SLEEPER: &str = "[Service]\nExecStart=/bin/sleep infinity\n";

/// Runs the soak and prints what each agent was before and after.
///
/// # Errors
/// What has grown.
pub fn run(fleet: &mut Fleet<'_>) -> Outcome {
    fleet.grow(UNITS_PROMISED)?;
    let warm = cycles(fleet, 0, WARM_UP)?;
    fleet.rest()?;
    let before = all(fleet)?;
    let count = cycles(fleet, warm, SOAK)? - warm;
    fleet.rest()?;
    let after = all(fleet)?;
    println!("{count} units started and destroyed in {} s:", SOAK.as_secs());
    println!("| agent | memory (PSS), KiB | anonymous, KiB | threads | descriptors |");
    println!("| --- | --- | --- | --- | --- |");
    let mut grown = Vec::new();
    for (number, (before, after)) in before.iter().zip(&after).enumerate() {
        let pair = |get: fn(&Holds) -> u64| format!("{} → {}", get(before), get(after));
        println!(
            "| m{} | {} | {} | {} | {} |",
            number + 1,
            pair(|holds| holds.pss_kib),
            pair(|holds| holds.anonymous_kib),
            pair(|holds| holds.threads),
            pair(|holds| holds.descriptors)
        );
        grown.extend(growth(before, after).map(|what| format!("m{}: {what}", number + 1)));
    }
    if grown.is_empty() { Ok(()) } else { Err(Failure::new(grown.join("; "))) }
}

/// The most that each agent held in a while: after each look at everything it gives its program's pages back, and a beat
/// fetches what it needs, so that one moment says little.
fn all(fleet: &Fleet<'_>) -> Outcome<Vec<Holds>> {
    let mut most = vec![Holds::default(); fleet.world.numbers().count()];
    holds_for("agents that can be looked at", LOOK, || {
        for (number, most) in fleet.world.numbers().zip(&mut most) {
            let now = fleet.agent(number)?.holds()?;
            most.pss_kib = most.pss_kib.max(now.pss_kib);
            most.anonymous_kib = most.anonymous_kib.max(now.anonymous_kib);
            most.threads = most.threads.max(now.threads);
            most.descriptors = most.descriptors.max(now.descriptors);
        }
        Ok::<(), Failure>(())
    })?;
    Ok(most)
}

/// What is more than it may be, if anything is.
fn growth(before: &Holds, after: &Holds) -> Option<String> {
    let limit_kib = before.pss_kib * (100 + TOLERANCE_PERCENT) / 100;
    if after.pss_kib > limit_kib {
        return Some(format!("{} KiB, at most {limit_kib}", after.pss_kib));
    }
    let same = (before.threads, before.descriptors) == (after.threads, after.descriptors);
    (!same).then(|| format!("{before:?} became {after:?}"))
}

/// Starts and destroys one unit every second; gives the number of the next one.
fn cycles(fleet: &Fleet<'_>, first: u32, period: Duration) -> Outcome<u32> {
    let (watch, mut number) = (Stopwatch::start(), first);
    while watch.elapsed() < period {
        let name = format!("passing{number}.service");
        fleet.world.start_unit(&name, SLEEPER)?;
        fleet.world.done(&format!("destroy {name}"))?;
        number += 1;
        let next = EVERY * (number - first);
        wait_until("the next second", EVERY, || {
            if watch.elapsed() >= next { Ok(()) } else { Err("it is not over") }
        })?;
    }
    Ok(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_has_a_margin_and_threads_have_none() {
        let holds = |pss_kib, threads| Holds { pss_kib, threads, ..Holds::default() };
        assert_eq!(growth(&holds(1000, 4), &holds(1050, 4)), None);
        assert_eq!(growth(&holds(1000, 4), &holds(1051, 4)), Some("1051 KiB, at most 1050".to_owned()));
        assert!(growth(&holds(1000, 4), &holds(900, 5)).is_some());
    }
}
