//! What is watched while a fault goes on, and what has to be true of it afterwards: no unit twice, none restarted
//! without a cause, nothing left behind.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::failure::{Failure, Outcome};
use crate::faults::fleet::{Fleet, Setup};
use crate::promises::{SOON, settled};
use crate::steady::{one_each, sleeper_with, stay};
use crate::unit_view::Runs;
use crate::wait::{Stopwatch, wait_until};
use crate::witness::{Testimony, Witness};

/// The unit that runs on every machine.
const EVERYWHERE: &str = "everywhere.service";

/// What a fault may do to units, by the promise.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Excuse {
    /// What ran on these machines may have been started anew, once.
    pub(super) moved_from: &'static [usize],
    /// The machine whose units may have been started anew, once, where it is known only in the end.
    pub(super) moved: Option<usize>,
    /// A machine that could not be told: it may have held its copies while another one had them too.
    pub(super) aside: Option<usize>,
}

/// A fault's course.
#[derive(Debug)]
pub(super) struct Course {
    before: Vec<(String, Runs)>,
    global: Runs,
    witness: Witness,
}

impl Course {
    /// A fresh fleet with a unit on each machine, one on all, and somebody who looks at them.
    ///
    /// # Errors
    /// When it does not come up.
    pub(super) fn begin(fleet: &mut Fleet) -> Outcome<Self> {
        Self::begin_as(fleet, &Setup::default())
    }

    /// The same with agents set up otherwise.
    ///
    /// # Errors
    /// When it does not come up.
    pub(super) fn begin_as(fleet: &mut Fleet, setup: &Setup) -> Outcome<Self> {
        fleet.fresh(setup)?;
        let world = &fleet.world;
        let before = one_each(world)?;
        world.start_unit(EVERYWHERE, &sleeper_with("Global=true"))?.runs_on(&[1, 2, 3])?;
        let global = world.unit(EVERYWHERE).runs();
        let mut names: Vec<&str> = before.iter().map(|(name, _)| name.as_str()).collect();
        names.push(EVERYWHERE);
        let witness = Witness::watch(world, &names);
        Ok(Self { before, global, witness })
    }

    /// The unit that ran on machine `number` in the beginning.
    ///
    /// # Errors
    /// When there was none.
    pub(super) fn unit_on(&self, number: usize) -> Outcome<&str> {
        let found = self.before.iter().find(|(_, runs)| runs.contains_key(&number));
        found.map(|(name, _)| name.as_str()).ok_or_else(|| Failure::new(format!("no unit ran on m{number}")))
    }

    /// Nothing is touched for `period`, neither the units of each machine nor the one on all.
    ///
    /// # Errors
    /// When something is.
    pub(super) fn nothing_moves(&self, fleet: &Fleet, period: Duration) -> Outcome {
        let mut all = self.before.clone();
        all.push((EVERYWHERE.to_owned(), self.global.clone()));
        stay(&fleet.world, &all, period)
    }

    /// Waits for anything that may come late, holds what was seen against the promise, and empties the fleet.
    ///
    /// # Errors
    /// The first thing that should not have been.
    pub(super) fn end(self, fleet: &Fleet, excuse: &Excuse) -> Outcome {
        let world = &fleet.world;
        let mut now: Vec<(String, Runs)> = Vec::new();
        for (name, _) in &self.before {
            world.unit(name).runs_once_within(SOON)?;
            now.push((name.clone(), world.unit(name).runs()));
        }
        world.unit(EVERYWHERE).runs_on(&on(fleet))?;
        now.push((EVERYWHERE.to_owned(), world.unit(EVERYWHERE).runs()));
        stay(world, &now, settled())?;
        let seen = self.witness.stop()?;
        for (name, runs) in &self.before {
            judge(&seen, name, runs, excuse)?;
        }
        for (number, run) in &self.global {
            let runs: BTreeSet<String> = seen
                .runs_of(EVERYWHERE)
                .into_iter()
                .filter(|(on, _)| on == number)
                .map(|(_, run)| run)
                .collect();
            let most = if excuse.covers(*number) { 2 } else { 1 };
            if !runs.contains(run) || runs.len() > most {
                let what = format!("{EVERYWHERE} was started anew on m{number}:\n{}", seen.shown());
                return Err(Failure::new(what));
            }
        }
        emptied(fleet)
    }
}

impl Excuse {
    /// Units of `machine` may have been started anew.
    #[must_use]
    pub(super) fn moved(machine: usize) -> Self {
        Self { moved: Some(machine), ..Self::default() }
    }

    /// The same, and it could not be told: it may have had its copies meanwhile.
    #[must_use]
    pub(super) fn cut_off(machine: usize) -> Self {
        Self { moved: Some(machine), aside: Some(machine), ..Self::default() }
    }

    fn covers(&self, machine: usize) -> bool {
        self.moved == Some(machine) || self.moved_from.contains(&machine)
    }
}

fn on(fleet: &Fleet) -> Vec<usize> {
    fleet.world.numbers().filter(|number| fleet.world.machine(*number).is_on()).collect()
}

fn judge(seen: &Testimony, name: &str, before: &Runs, excuse: &Excuse) -> Outcome {
    if seen.most_copies(name, excuse.aside) > 1 {
        return Err(Failure::new(format!("two copies of {name}:\n{}", seen.shown())));
    }
    let excused = before.keys().any(|number| excuse.covers(*number));
    let runs = seen.runs_of(name).len();
    if runs > if excused { 2 } else { 1 } {
        return Err(Failure::new(format!("{name} was started {} times more:\n{}", runs - 1, seen.shown())));
    }
    Ok(())
}

/// Destroys every unit and looks for what is left.
///
/// # Errors
/// When something is left.
pub(super) fn emptied(fleet: &Fleet) -> Outcome {
    let listed = fleet.world.done("list-unit-files --no-legend --fields=unit")?.stdout;
    let names: Vec<&str> = listed.lines().map(str::trim).collect();
    if !names.is_empty() {
        fleet.world.done(&format!("destroy {}", names.join(" ")))?;
    }
    wait_until("nothing to be left of any unit", SOON, || {
        let left = fleet.left_behind().map_err(|failure| failure.to_string())?;
        if left.is_empty() { Ok(()) } else { Err(left) }
    })
}

/// How long `what` takes to come true from now on.
///
/// # Errors
/// When it does not within `patience`.
pub(super) fn time_until(
    what: &str,
    patience: Duration,
    look: impl FnMut() -> Result<(), String>,
) -> Outcome<Duration> {
    let watch = Stopwatch::start();
    wait_until(what, patience, look)?;
    Ok(watch.elapsed())
}
