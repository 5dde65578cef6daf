//! The same scenario again and again, each time with a blow at another write of its agents, before it and after it.

use crate::run::run;
use crate::scenario::{Blow, Cut, Scenario};
use crate::sim::AGAIN;

/// What came of it.
#[derive(Debug, Default)]
pub struct Cuts {
    /// Writes that the scenario has: store, systemctl and disk, without beats and renewals.
    pub writes: u64,
    /// Runs that were made.
    pub runs: u64,
    /// What was found, each with its cut.
    pub problems: Vec<String>,
}

/// Cuts a scenario at every `stride`th write, beginning with the `first`.
#[must_use]
pub fn cut(scenario: &Scenario, first: u64, stride: usize) -> Cuts {
    let mut cuts = Cuts { writes: run(scenario, false).writes, ..Cuts::default() };
    for write in (first..=cuts.writes).step_by(stride) {
        for blow in [Blow::Crash, Blow::Pause, Blow::Power] {
            for after in [false, true] {
                cuts.try_one(scenario, Cut { write, after, blow, again: None });
            }
        }
    }
    cuts
}

/// Kills an agent at every `stride`th write of a scenario, beginning with the `first`, and once more in its recovery: before
/// each of its first `depth` writes.
#[must_use]
pub fn cut_twice(scenario: &Scenario, first: u64, stride: usize, depth: u64) -> Cuts {
    let mut cuts = Cuts { writes: run(scenario, false).writes, ..Cuts::default() };
    for write in (first..=cuts.writes).step_by(stride) {
        for after in [false, true] {
            for again in 1..=depth {
                let cut = Cut { write, after, blow: Blow::Crash, again: Some(again) };
                if !cuts.try_one(scenario, cut) {
                    break;
                }
            }
        }
    }
    cuts
}

impl Cuts {
    /// One run; false if what was to be struck again wrote less than that.
    fn try_one(&mut self, scenario: &Scenario, cut: Cut) -> bool {
        let verdict = run(&Scenario { cut: Some(cut), ..scenario.clone() }, false);
        self.runs += 1;
        if let Some(problem) = verdict.problems.first() {
            self.problems.push(format!("{cut}: {problem}"));
        }
        verdict.counts.contains_key(AGAIN)
    }
}
