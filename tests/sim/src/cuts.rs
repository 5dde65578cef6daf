//! The same scenario again and again, each time with a blow at another write of its agents, before it and after it.

use crate::run::run;
use crate::scenario::{Blow, Cut, Scenario};

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
                let at = Some(Cut { write, after, blow });
                let verdict = run(&Scenario { cut: at, ..scenario.clone() }, false);
                cuts.runs += 1;
                if let Some(problem) = verdict.problems.first() {
                    let side = if after { "after" } else { "before" };
                    cuts.problems.push(format!("cut {} {side} write {write}: {problem}", blow.word()));
                }
            }
        }
    }
    cuts
}
