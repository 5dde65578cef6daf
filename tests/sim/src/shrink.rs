//! From a run that fails to the shortest one that still does: steps, units and machines are left out for as long as what
//! is left fails.

use crate::run::run;
use crate::scenario::Scenario;

/// The shortest that was found.
#[must_use]
pub fn shrink(scenario: &Scenario) -> Scenario {
    let mut best = scenario.clone();
    let Some(kind) = kind_of(scenario) else { return best };
    let fails = |scenario: &Scenario| kind_of(scenario).as_ref() == Some(&kind);
    loop {
        let before = best.to_string();
        shorten(&mut best, |scenario| &mut scenario.steps, fails);
        shorten(&mut best, |scenario| &mut scenario.units, fails);
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

/// What a run finds first, without the names and numbers in it; `None` if it finds nothing. A shorter run that fails in
/// another way is another finding.
fn kind_of(scenario: &Scenario) -> Option<String> {
    let problems = run(scenario, false).problems;
    let words = problems.first()?.split_ascii_whitespace();
    let plain = words.filter(|word| word.bytes().all(|byte| byte.is_ascii_lowercase()));
    Some(plain.collect::<Vec<_>>().join(" "))
}

/// Leaves out pieces of a list, large ones first.
fn shorten<T: Clone>(
    best: &mut Scenario,
    list: impl Fn(&mut Scenario) -> &mut Vec<T>,
    fails: impl Fn(&Scenario) -> bool,
) {
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
