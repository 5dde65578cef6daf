//! The last step of start and restart: a unit that was launched has to be active as systemd sees it (contract §3.4,
//! start, step 5). fleet allowed two seconds; here a unit on its way gets the time it needs, and one that ended or
//! failed is told apart from it.

use std::time::Duration;

use cluster::UnitName;
use cluster::sorted::Map;

use crate::api::UnitState;
use crate::clock::boottime;
use crate::context::Context;
use crate::create::{Kind, Ready};
use crate::exit::{Exit, Failure};
use crate::orders::{failure_text, late, read_states};
use crate::talk;
use crate::waiting::{Missing, Patience, Sight, wait};

/// A launched unit that is neither active nor on its way gets this long (contract §3.4).
const IDLE_MAX: Duration = Duration::from_secs(2);
/// A service that only says it was forked has to be seen active for this long: one whose program ends at once with an
/// error is active for a moment too.
const LASTING: Duration = Duration::from_millis(150);
/// A oneshot seen dead for this long has run, and was not merely seen before it began.
const FINISHED_AFTER: Duration = Duration::from_millis(500);
/// A failure seen for this long is that of this start, and not a row from before it.
const FAILED_AFTER: Duration = Duration::from_millis(500);

/// How a start ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    /// It is active.
    Active,
    /// It ran, and ended well.
    Finished,
}

/// What systemd was seen doing with a unit, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Active,
    OnItsWay,
    /// It failed and systemd is about to try again.
    Retrying,
    Failed,
    Idle,
}

impl Phase {
    fn of(state: Option<&UnitState>) -> Self {
        let Some(state) = state else { return Self::Idle };
        match (state.active.as_str(), state.sub.as_str()) {
            ("active" | "reloading", _) if state.load == "loaded" => Self::Active,
            (_, "auto-restart") => Self::Retrying,
            ("activating", _) => Self::OnItsWay,
            ("failed", _) => Self::Failed,
            _ if state.error.is_some() => Self::Failed,
            _ => Self::Idle,
        }
    }
}

/// Waits until each of `units`, all launched, is active or has finished.
///
/// # Errors
/// The API stopped answering.
pub(crate) fn await_active(
    context: &Context<'_>,
    units: &[Ready],
    patience: Patience,
) -> Result<Missing, Failure> {
    let names: Vec<UnitName> = units.iter().map(|unit| unit.name.clone()).collect();
    if names.is_empty() {
        return Ok(Missing::default());
    }
    let api = context.api()?;
    let mut since: Map<UnitName, (Phase, Duration)> = Map::new();
    let look = |left: &[UnitName], _: Duration| {
        let states = read_states(api, left)?;
        let now = boottime();
        let mut sight = |name: &UnitName| {
            // The copy that is furthest; an old one may still be on its way down elsewhere.
            let rows = states.get(name).into_iter().flatten();
            let state = rows.min_by_key(|state| Phase::of(Some(state)).rank());
            let phase = Phase::of(state);
            let entry = since.entry(name.clone()).or_insert((phase, now));
            if entry.0 != phase {
                *entry = (phase, now);
            }
            let kind = units.iter().find(|unit| unit.name == *name).map_or(Kind::Ready, |unit| unit.kind);
            judge(name, phase, now.saturating_sub(entry.1), kind, state)
        };
        Ok(left.iter().map(&mut sight).collect())
    };
    wait(Some(api), &names, patience, look, |name, start| {
        if start == Start::Finished {
            talk::say(&format!("Unit {name} has run and finished."));
        }
        Ok(())
    })
}

impl Phase {
    const fn rank(self) -> u8 {
        match self {
            Self::Active => 0,
            Self::OnItsWay => 1,
            Self::Retrying => 2,
            Self::Failed => 3,
            Self::Idle => 4,
        }
    }
}

fn judge(
    name: &UnitName,
    phase: Phase,
    lasted: Duration,
    kind: Kind,
    state: Option<&UnitState>,
) -> Sight<Start> {
    let words = || state.map(failure_text).unwrap_or_else(|| "no machine reports it".to_owned());
    let failed = || Sight::Never(format!("unit {name} failed: {}", words()));
    match phase {
        Phase::Active if kind == Kind::Forked && lasted < LASTING => Sight::Soon(LASTING - lasted),
        Phase::Active => Sight::There(Start::Active),
        Phase::OnItsWay => Sight::NotYet(state.map(|state| format!("{} ({})", state.active, state.sub))),
        Phase::Failed if lasted >= FAILED_AFTER => failed(),
        Phase::Retrying if lasted >= IDLE_MAX => failed(),
        Phase::Idle if kind == Kind::Ends && state.is_some() && lasted >= FINISHED_AFTER => {
            Sight::There(Start::Finished)
        }
        Phase::Idle if lasted >= IDLE_MAX => {
            let seconds = IDLE_MAX.as_secs();
            Sight::Never(format!("Failed to find an active unit {name} within {seconds}s, err: {}", words()))
        }
        Phase::Failed | Phase::Retrying | Phase::Idle => Sight::NotYet(None),
    }
}

/// Prints why units did not become active, in fleet's words, and how the command ends.
pub(crate) fn report(missing: &Missing) -> Exit {
    for (_, why) in &missing.lost {
        talk::say(&format!("Error waiting for units: {why}"));
    }
    for name in &missing.late {
        talk::say(&format!("Error waiting for units: {}", late(name, "active")));
    }
    if let Some(name) = missing.lost.first().map(|(name, _)| name).or(missing.late.first()) {
        talk::say(&format!("Error waiting for systemd unit states, err: unit {name} is not active"));
    }
    if missing.is_empty() { Exit::Ok } else { Exit::Failed }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cluster::MachineId;

    fn row(load: &str, active: &str, sub: &str, error: Option<&str>) -> UnitState {
        UnitState {
            name: UnitName::parse("a.service").unwrap(),
            machine: MachineId::parse("m1").unwrap(),
            hash: None,
            load: load.to_owned(),
            active: active.to_owned(),
            sub: sub.to_owned(),
            error: error.map(str::to_owned),
            address: None,
        }
    }

    fn after(row: Option<&UnitState>, millis: u64, kind: Kind) -> String {
        let name = UnitName::parse("a.service").unwrap();
        match judge(&name, Phase::of(row), Duration::from_millis(millis), kind, row) {
            Sight::There(start) => format!("{start:?}"),
            Sight::NotYet(_) => "wait".to_owned(),
            Sight::Soon(time) => format!("wait {} ms", time.as_millis()),
            Sight::Never(why) => why,
        }
    }

    #[test]
    fn what_runs_is_there_at_once_and_what_was_forked_once_it_lasts() {
        let running = row("loaded", "active", "running", None);
        assert_eq!(after(Some(&running), 0, Kind::Ready), "Active");
        assert_eq!(after(Some(&running), 100, Kind::Forked), "wait 50 ms");
        assert_eq!(after(Some(&running), 150, Kind::Forked), "Active");
        assert_eq!(after(Some(&row("loaded", "active", "exited", None)), 0, Kind::Ends), "Active");
    }

    #[test]
    fn what_is_on_its_way_gets_all_the_time() {
        assert_eq!(
            after(Some(&row("loaded", "activating", "start-pre", None)), 600_000, Kind::Forked),
            "wait"
        );
    }

    #[test]
    fn a_oneshot_that_ended_has_finished_and_a_service_has_not() {
        let dead = row("loaded", "inactive", "dead", None);
        assert_eq!(after(Some(&dead), 400, Kind::Ends), "wait");
        assert_eq!(after(Some(&dead), 500, Kind::Ends), "Finished");
        assert_eq!(after(Some(&dead), 1999, Kind::Forked), "wait");
        let idle = "Failed to find an active unit a.service within 2s, err: systemd says inactive (dead)";
        assert_eq!(after(Some(&dead), 2000, Kind::Forked), idle);
    }

    #[test]
    fn failures_carry_what_is_known() {
        let failed = row("loaded", "failed", "failed", Some("exit-code: 1\nlast words\n"));
        let said = "unit a.service failed: systemd says failed: exit-code: 1\n  last words";
        assert_eq!(after(Some(&failed), 500, Kind::Forked), said);
        let refused = row("bad-setting", "inactive", "dead", Some("no ExecStart"));
        let said = "unit a.service failed: systemd could not load it: bad-setting: no ExecStart";
        assert_eq!(after(Some(&refused), 500, Kind::Forked), said);
        let retrying = row("loaded", "activating", "auto-restart", None);
        assert_eq!(after(Some(&retrying), 1000, Kind::Forked), "wait");
        let said = "unit a.service failed: systemd says activating (auto-restart)";
        assert_eq!(after(Some(&retrying), 2000, Kind::Forked), said);
        let nowhere = "Failed to find an active unit a.service within 2s, err: no machine reports it";
        assert_eq!(after(None, 2000, Kind::Ends), nowhere);
    }
}
