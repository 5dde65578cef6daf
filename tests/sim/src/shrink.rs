//! From a run that fails to the shortest one that still does: steps, units and machines are left out for as long as what
//! is left fails.

use crate::run::run;
use crate::scenario::Scenario;

/// The shortest that was found.
#[must_use]
pub fn shrink(scenario: &Scenario) -> Scenario {
    let mut best = scenario.clone();
    loop {
        let before = best.to_string();
        shorten(&mut best, |scenario| &mut scenario.steps);
        shorten(&mut best, |scenario| &mut scenario.units);
        while best.machines > 1 {
            let fewer = Scenario { machines: best.machines - 1, ..best.clone() };
            if !fails(&fewer) {
                break;
            }
            best = fewer;
        }
        if best.to_string() == before {
            return best;
        }
    }
}

fn fails(scenario: &Scenario) -> bool {
    !run(scenario, false).problems.is_empty()
}

/// Leaves out pieces of a list, large ones first.
fn shorten<T: Clone>(best: &mut Scenario, list: impl Fn(&mut Scenario) -> &mut Vec<T>) {
    let mut size = list(best).len().div_ceil(2);
    while size > 0 {
        let mut at = 0;
        while at < list(best).len() {
            let mut shorter = best.clone();
            let rest = list(&mut shorter);
            let end = (at + size).min(rest.len());
            rest.drain(at..end);
            if fails(&shorter) {
                *best = shorter;
            } else {
                at = end;
            }
        }
        size = if size == 1 { 0 } else { size.div_ceil(2) };
    }
}
