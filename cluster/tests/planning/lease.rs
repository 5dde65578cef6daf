//! `lease::step` for machine m1, in lines: `terms TTL TIMEOUT`, `held EPOCH GUARD SENT`, `seen MACHINE CREATED MODIFIED`,
//! `at TIME`.

use cluster::lease::{self, Leadership, Step, Terms};
use cluster::records::Lease;
use cluster::snapshot::Kept;
use cluster::{Epoch, Guard};

use crate::{runner, scene};

#[test]
fn steps_about_the_lease() {
    runner::run("lease", |input| answer(input).unwrap_or_else(|| "no such line".into()));
}

fn answer(input: &str) -> Option<String> {
    let mut terms = Terms { ttl_ms: 10_000, request_timeout_ms: 1000 };
    let (mut held, mut seen, mut out) = (None, None, String::new());
    for line in input.lines().filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["terms", ttl, timeout] => {
                terms = Terms { ttl_ms: ttl.parse().ok()?, request_timeout_ms: timeout.parse().ok()? };
            }
            ["held", epoch, guard, sent] => {
                let (epoch, guard) = (Epoch::new(epoch.parse().ok()?)?, Guard::new(guard.parse().ok()?)?);
                held = Some(Leadership { epoch, guard, sent_ms: sent.parse().ok()? });
            }
            ["seen", machine, created, modified] => {
                let value = Lease { machine: scene::machine(machine) };
                let (created, guard) = (created.parse().ok()?, Guard::new(modified.parse().ok()?)?);
                seen = Some(Kept { value, created, guard });
            }
            ["at", now] => out += &at(held.as_ref(), seen.as_ref(), now.parse().ok()?, &terms),
            _ => return None,
        }
    }
    Some(out)
}

fn at(held: Option<&Leadership>, seen: Option<&Kept<Lease>>, now_ms: u64, terms: &Terms) -> String {
    let step = match lease::step(held, seen, &scene::machine("m1"), now_ms, terms) {
        Step::Acquire => "acquire".into(),
        Step::Renew(guard) => format!("renew {guard}"),
        Step::Lead { until_ms } => format!("lead until {until_ms}"),
        Step::Follow => "follow".into(),
        Step::Resign => "resign".into(),
    };
    let write = held.is_some_and(|held| held.may_write(now_ms, terms));
    format!("{now_ms}: {step}{}\n", if write { ", may write" } else { "" })
}
