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

/// Two beats of each agent: after the first one that follows its work it gives back what it does not need.
const SETTLE: Duration = Duration::from_secs(20);

/// From one look at everything to the next, and so all that an idle agent does.
const LOOK: Duration = Duration::from_secs(60);

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
    let before = idle(fleet)?;
    let count = cycles(fleet, warm, SOAK)? - warm;
    let after = idle(fleet)?;
    println!("{count} units started and destroyed in {} s:", SOAK.as_secs());
    println!("| agent | memory (PSS), KiB | the most of it | anonymous, KiB | threads | descriptors |");
    println!("| --- | --- | --- | --- | --- | --- |");
    let mut grown = Vec::new();
    for (number, (before, after)) in before.iter().zip(&after).enumerate() {
        let pair = |get: fn(&Minute) -> u64| format!("{} → {}", get(before), get(after));
        println!(
            "| m{} | {} | {} | {} | {} | {} |",
            number + 1,
            pair(|minute| minute.pss_kib),
            pair(|minute| minute.most_kib),
            pair(|minute| minute.anonymous_kib),
            pair(|minute| minute.threads),
            pair(|minute| minute.descriptors)
        );
        grown.extend(growth(before, after).map(|what| format!("m{}: {what}", number + 1)));
    }
    if grown.is_empty() { Ok(()) } else { Err(Failure::new(grown.join("; "))) }
}

/// An agent through an idle minute.
#[derive(Clone, Copy, Debug, Default)]
struct Minute {
    /// The median: after each look at everything an agent gives its program's pages back, and its beats fetch what they
    /// need, so that one moment says little.
    pss_kib: u64,
    /// The largest.
    most_kib: u64,
    /// The median.
    anonymous_kib: u64,
    /// The fewest: a thread of the pool comes when two calls meet, and goes after a while.
    threads: u64,
    /// The fewest.
    descriptors: u64,
}

impl Minute {
    fn of(moments: &[Holds]) -> Self {
        let all = |get: fn(&Holds) -> u64| {
            let mut all: Vec<u64> = moments.iter().map(get).collect();
            all.sort_unstable();
            all
        };
        let median = |get| {
            let all = all(get);
            all.get(all.len() / 2).copied().unwrap_or_default()
        };
        let most = |get| all(get).last().copied().unwrap_or_default();
        let fewest = |get| all(get).first().copied().unwrap_or_default();
        Self {
            pss_kib: median(|holds| holds.pss_kib),
            most_kib: most(|holds| holds.pss_kib),
            anonymous_kib: median(|holds| holds.anonymous_kib),
            threads: fewest(|holds| holds.threads),
            descriptors: fewest(|holds| holds.descriptors),
        }
    }
}

/// What each agent is once the fleet has come to rest and nobody asks anything of it.
fn idle(fleet: &Fleet<'_>) -> Outcome<Vec<Minute>> {
    fleet.rest()?;
    let mut moments = vec![Vec::new(); fleet.world.numbers().count()];
    let settled = Stopwatch::start();
    holds_for("agents that can be looked at", SETTLE + LOOK, || {
        if settled.elapsed() < SETTLE {
            return Ok(());
        }
        for (number, moments) in fleet.world.numbers().zip(&mut moments) {
            moments.push(fleet.agent(number)?.holds()?);
        }
        Ok::<(), Failure>(())
    })?;
    Ok(moments.iter().map(|moments| Minute::of(moments)).collect())
}

/// What is more than it may be, if anything is.
fn growth(before: &Minute, after: &Minute) -> Option<String> {
    for (what, before_kib, after_kib) in [
        ("memory", before.pss_kib, after.pss_kib),
        ("anonymous memory", before.anonymous_kib, after.anonymous_kib),
    ] {
        let limit_kib = before_kib * (100 + TOLERANCE_PERCENT) / 100;
        if after_kib > limit_kib {
            return Some(format!("{after_kib} KiB of {what}, at most {limit_kib}"));
        }
    }
    let more = after.threads > before.threads || after.descriptors > before.descriptors;
    more.then(|| format!("{before:?} became {after:?}"))
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
        let minute =
            |pss_kib, anonymous_kib, threads| Minute { pss_kib, anonymous_kib, threads, ..Minute::default() };
        let before = minute(1000, 200, 4);
        assert_eq!(growth(&before, &minute(1050, 210, 4)), None);
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(growth(&before, &minute(1051, 200, 4)), text("1051 KiB of memory, at most 1050"));
        assert_eq!(growth(&before, &minute(1000, 211, 4)), text("211 KiB of anonymous memory, at most 210"));
        assert!(growth(&before, &minute(900, 200, 5)).is_some());
    }

    #[test]
    fn a_minute_is_its_middle_its_most_and_its_fewest() {
        let moments = [(1400, 5), (700, 4), (1900, 4)].map(|(pss_kib, threads)| Holds {
            pss_kib,
            threads,
            ..Holds::default()
        });
        let minute = Minute::of(&moments);
        assert_eq!((minute.pss_kib, minute.most_kib, minute.threads), (1400, 1900, 4));
    }
}
