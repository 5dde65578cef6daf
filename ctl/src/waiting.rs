//! Waiting until units are where they were sent: looking again as they change, all units in as few requests as possible,
//! within the attempts a user allows (contract §3.6). What is looked at, and what counts as arrival, is
//! told by the caller.

mod progress;
mod rest;

use std::time::Duration;

use cluster::UnitName;

use crate::api::{Api, ApiError};
use crate::clock::boottime;
use crate::exit::Failure;
use crate::talk;
use progress::Progress;
use rest::Rest;

pub(crate) use rest::pause;

/// One attempt of `--block-attempts` (contract §3.6).
const ATTEMPT: Duration = Duration::from_secs(2);
/// After this long a person is told what ctl waits for.
const SILENCE_MAX: Duration = Duration::from_secs(2);
/// For this long in a row the API may fail while ctl waits: an agent that restarts is back well before.
const OUTAGE_MAX: Duration = Duration::from_secs(15);

/// How long a user wants to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Patience(Option<Duration>);

impl Patience {
    /// `--block-attempts`: 0 is forever.
    pub(crate) fn attempts(attempts: u32) -> Self {
        Self((attempts > 0).then(|| ATTEMPT * attempts))
    }

    /// `--timeout`: this long.
    pub(crate) const fn lasting(time: Duration) -> Self {
        Self(Some(time))
    }

    /// What is left of it; `None` is no end.
    fn left(self, elapsed: Duration) -> Option<Duration> {
        self.0.map(|most| most.saturating_sub(elapsed))
    }
}

/// What one look at one unit found.
#[derive(Debug)]
pub(crate) enum Sight<T> {
    /// It has arrived.
    There(T),
    /// It has not, for a reason if one is known.
    NotYet(Option<String>),
    /// It will be after this long, unless something changes.
    Soon(Duration),
    /// It never will.
    Never(String),
}

/// What became of those that did not arrive.
#[derive(Debug, Default)]
pub(crate) struct Missing {
    /// Still on their way when patience ended.
    pub(crate) late: Vec<UnitName>,
    /// Never to arrive, and why.
    pub(crate) lost: Vec<(UnitName, String)>,
}

impl Missing {
    /// True where all have arrived.
    pub(crate) fn is_empty(&self) -> bool {
        self.late.is_empty() && self.lost.is_empty()
    }

    /// True for a unit that has not arrived.
    pub(crate) fn holds(&self, name: &UnitName) -> bool {
        self.late.contains(name) || self.lost.iter().any(|(lost, _)| lost == name)
    }
}

/// Looks at `units` until each has arrived or is lost, or patience ends. `look` gets those still on their way and
/// how long it has been, and returns a sight of each, in their order; `greet` is called once for each that arrives. `api`
/// tells when to look again.
///
/// # Errors
/// The API has not answered for a while, `greet` failed, or nobody reads standard output any more.
pub(crate) fn wait<T>(
    api: Option<&Api>,
    units: &[UnitName],
    patience: Patience,
    mut look: impl FnMut(&[UnitName], Duration) -> Result<Vec<Sight<T>>, ApiError>,
    mut greet: impl FnMut(&UnitName, T) -> Result<(), Failure>,
) -> Result<Missing, Failure> {
    let start = boottime();
    let mut missing = Missing { late: units.to_vec(), lost: Vec::new() };
    let mut remarks = Remarks::default();
    let progress = Progress::of(units.len());
    let mut greet = |name: &UnitName, what: T| {
        progress.clear();
        greet(name, what)
    };
    let mut answered = start;
    let mut rest = Rest::new(api);
    let mut soon = None;
    while !missing.late.is_empty() {
        let elapsed = boottime().saturating_sub(start);
        match look(&missing.late, elapsed) {
            Ok(sights) => {
                answered = boottime();
                soon = all_soon(&sights);
                let reasons = sort(&mut missing, sights, &mut greet)?;
                remarks.after(elapsed, &reasons, &progress);
            }
            Err(e) if e.is_passing() && boottime().saturating_sub(answered) < OUTAGE_MAX => {}
            Err(e) => return Err(Failure::Says(e.to_string(), e.exit())),
        }
        let elapsed = boottime().saturating_sub(start);
        let left = patience.left(elapsed);
        if left.is_some_and(|left| left.is_zero()) || missing.late.is_empty() {
            break;
        }
        rest.rest(&missing.late, elapsed, left, soon)?;
    }
    Ok(missing)
}

/// Greets those that are there and puts the others where they belong; the reasons of those on their way.
fn sort<T>(
    missing: &mut Missing,
    sights: Vec<Sight<T>>,
    greet: &mut impl FnMut(&UnitName, T) -> Result<(), Failure>,
) -> Result<Vec<(UnitName, Option<String>)>, Failure> {
    let mut reasons = Vec::new();
    for (name, sight) in std::mem::take(&mut missing.late).into_iter().zip(sights) {
        match sight {
            Sight::There(what) => greet(&name, what)?,
            Sight::NotYet(reason) => {
                missing.late.push(name.clone());
                reasons.push((name, reason));
            }
            Sight::Soon(_) => missing.late.push(name),
            Sight::Never(why) => missing.lost.push((name, why)),
        }
    }
    Ok(reasons)
}

/// How long no look is needed: nothing but time is missing for any that have not arrived.
fn all_soon<T>(sights: &[Sight<T>]) -> Option<Duration> {
    let mut longest = None;
    for sight in sights {
        match sight {
            Sight::There(_) | Sight::Never(_) => {}
            Sight::NotYet(_) => return None,
            Sight::Soon(time) => longest = longest.max(Some(*time)),
        }
    }
    longest
}

/// What a person has been told so far.
#[derive(Default)]
struct Remarks {
    last: String,
}

impl Remarks {
    fn after(&mut self, elapsed: Duration, reasons: &[(UnitName, Option<String>)], progress: &Progress) {
        let Some((name, reason)) = reasons.first() else { return };
        progress.show(reasons.len(), name.as_str());
        if elapsed < SILENCE_MAX || !talk::has_reader() {
            return;
        }
        let others = reasons.len() - 1;
        let more = if others == 0 { String::new() } else { format!(" and {others} more") };
        let why = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        let remark = format!("still waiting for {name}{more}{why}");
        if remark != self.last {
            progress.clear();
            talk::say(&remark);
            self.last = remark;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(names: &[&str]) -> Vec<UnitName> {
        names.iter().map(|name| UnitName::parse(name).unwrap()).collect()
    }

    fn unanswered() -> ApiError {
        ApiError::Unreachable { operation: "o".into(), endpoint: "e".into(), cause: "c".into() }
    }

    #[test]
    fn each_is_greeted_once_as_it_arrives() {
        let all = units(&["a.service", "b.service"]);
        let mut looks = 0;
        let mut greeted = Vec::new();
        let look = |left: &[UnitName], _| {
            looks += 1;
            Ok(left
                .iter()
                .map(|name| match name.as_str() {
                    "b.service" => Sight::There(looks),
                    _ if looks == 3 => Sight::There(looks),
                    _ => Sight::NotYet(None),
                })
                .collect())
        };
        let missing = wait(None, &all, Patience::attempts(0), look, |name, at| {
            greeted.push((name.to_string(), at));
            Ok(())
        });
        assert!(missing.unwrap().is_empty());
        assert_eq!(greeted, [("b.service".to_owned(), 1), ("a.service".to_owned(), 3)]);
    }

    #[test]
    fn patience_ends_and_losses_are_kept() {
        let all = units(&["a.service", "b.service"]);
        let start = boottime();
        let look = |left: &[UnitName], _| -> Result<Vec<Sight<()>>, _> {
            Ok(left
                .iter()
                .map(|name| match name.as_str() {
                    "b.service" => Sight::Never("broken".to_owned()),
                    _ => Sight::NotYet(None),
                })
                .collect())
        };
        let missing = wait(None, &all, Patience::attempts(1), look, |_, ()| Ok(())).unwrap();
        assert_eq!(missing.late, units(&["a.service"]));
        assert_eq!(missing.lost, [(units(&["b.service"])[0].clone(), "broken".to_owned())]);
        let took = boottime() - start;
        assert!(took >= ATTEMPT && took < ATTEMPT * 2, "{took:?}");
    }

    #[test]
    fn a_short_outage_is_sat_out_and_a_refusal_is_not() {
        let all = units(&["a.service"]);
        let mut looks = 0;
        let look = |_: &[UnitName], _| {
            looks += 1;
            if looks < 4 { Err(unanswered()) } else { Ok(vec![Sight::There(())]) }
        };
        assert!(wait(None, &all, Patience::attempts(0), look, |_, ()| Ok(())).unwrap().is_empty());
        let refused = |_: &[UnitName], _| -> Result<Vec<Sight<()>>, _> {
            Err(ApiError::Refused { status: 400, message: "no".into() })
        };
        assert!(wait(None, &all, Patience::attempts(0), refused, |_, ()| Ok(())).is_err());
    }
}
