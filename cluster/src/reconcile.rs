//! A machine's plan: from what it is to hold and what it has, the steps for each unit (contract §7.7 with section
//! 0's departures; design rules 2 and 8). Pure: it never asks whether a step worked; the next pass will see.
//!
//! A unit leaves in three sights of it: running → stop; dead → remove its file, then give the placement back.
//! A changed unit file goes the same way first, so that the old ExecStop runs with the old file in place.

use alloc::string::String;
use core::fmt;

use crate::backoff::{Aim, Trouble};
use crate::ids::{Hash, Incarnation, MachineId};
use crate::name::UnitName;
use crate::reason::Refusal;
use crate::records::Marker;
use crate::sorted::Map;
use crate::state::{Order, TargetState};

/// Why a unit has to leave this machine: always something positively known (registry rule 4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Departure {
    /// The leader asks for it back, in its words.
    Revoked(String),
    /// Its spec is gone.
    UnitGone,
    /// Its spec is another incarnation.
    UnitReplaced,
    /// Its spec's target is inactive.
    TargetInactive,
    /// Its placement names another machine.
    PlacedElsewhere(MachineId),
    /// It has no placement, although somebody leads who could give it one: no machine is to run it.
    Unplaced,
    /// A global unit this machine is not to run.
    NotEligible(Refusal),
    /// The unit is a global unit no more.
    NotGlobal,
    /// The unit is a global unit now, and what runs here is its placed copy.
    BecameGlobal,
    /// This machine is leaving the fleet.
    Leaving,
}

impl fmt::Display for Departure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Revoked(why) => write!(f, "revoked by the leader: {why}"),
            Self::UnitGone => f.write_str("the unit was destroyed"),
            Self::UnitReplaced => f.write_str("the unit was destroyed and created again"),
            Self::TargetInactive => f.write_str("target state is inactive"),
            Self::PlacedElsewhere(machine) => write!(f, "the unit is placed on {}", machine.short()),
            Self::Unplaced => f.write_str("the unit is placed on no machine"),
            Self::NotEligible(refusal) => write!(f, "not for this machine: {refusal}"),
            Self::NotGlobal => f.write_str("the unit is no global unit any more"),
            Self::BecameGlobal => f.write_str("the unit became global"),
            Self::Leaving => f.write_str("this machine is leaving the fleet"),
        }
    }
}

/// What a machine is to do about one unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Want {
    /// Have it, in this state.
    Hold {
        /// Which unit of that name.
        incarnation: Incarnation,
        /// Hash of the file to have in place.
        hash: Hash,
        /// Loaded or launched.
        target: TargetState,
        /// A copy of a global unit.
        global: bool,
    },
    /// Be rid of it.
    Go {
        /// Why.
        departure: Departure,
        /// Give the placement back afterwards.
        release: bool,
    },
}

impl Want {
    /// What back-off measures failures against.
    #[must_use]
    pub fn aim(&self, marker: Option<&Marker>) -> Option<Aim> {
        match self {
            Self::Hold { incarnation, hash, target, .. } => Some((*incarnation, *hash, Some(*target))),
            Self::Go { .. } => marker.map(|marker| (marker.incarnation, marker.hash, None)),
        }
    }
}

/// What systemd is doing with a unit, as far as a plan cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// inactive or failed: nothing of it runs.
    Dead,
    /// deactivating: its stop has begun and not ended.
    Stopping,
    /// Anything else: it runs, or is on its way up.
    Up,
}

impl Activity {
    /// Reads systemd's ActiveState.
    #[must_use]
    pub fn of(active_state: &str) -> Self {
        match active_state {
            "inactive" | "failed" => Self::Dead,
            "deactivating" => Self::Stopping,
            _ => Self::Up,
        }
    }
}

/// What the machine has of one unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Have {
    /// What was done last, if anything was.
    pub marker: Option<Marker>,
    /// True if its file is in the units directory.
    pub file: bool,
    /// What systemd does with it.
    pub activity: Activity,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Ask systemd to stop it; the end of the stop will show.
    Stop,
    /// Its stop has not ended: look again soon.
    Await,
    /// Take its file and everything of it off this machine.
    Remove,
    /// Delete its placement: the machine has nothing of it any more (registry rule 1).
    Release,
    /// Put its file in place.
    Write {
        /// Which unit of that name.
        incarnation: Incarnation,
        /// Hash the file must have.
        hash: Hash,
        /// A copy of a global unit.
        global: bool,
    },
    /// Ask systemd to start it.
    Start,
}

/// Why a step is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It has to leave.
    Departs(Departure),
    /// Nothing of it is here yet.
    NotHere,
    /// Its file is missing.
    FileMissing,
    /// Its file is here, and no marker says which one it is.
    Unmarked,
    /// The file in place is not the one wanted.
    Changed,
    /// A unit of the same name was here, and it is another one.
    AnotherIncarnation,
    /// It is wanted launched.
    TargetLaunched,
    /// It is wanted loaded.
    TargetLoaded,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Departs(departure) => write!(f, "{departure}"),
            Self::NotHere => f.write_str("unit is scheduled here and not loaded"),
            Self::FileMissing => f.write_str("unit file is missing"),
            Self::Unmarked => f.write_str("a unit file of unknown content is in its place"),
            Self::Changed => f.write_str("unit file differs from the one wanted"),
            Self::AnotherIncarnation => f.write_str("the unit was destroyed and created again"),
            Self::TargetLaunched => f.write_str("target state is launched"),
            Self::TargetLoaded => f.write_str("target state is loaded"),
        }
    }
}

/// A step for a unit, with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The unit.
    pub unit: UnitName,
    /// What to do.
    pub action: Action,
    /// Why.
    pub reason: Reason,
}

/// The steps of one pass, in the order they are taken, and when to look again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Stops, removals, releases, writes, starts. A failing step ends its unit's steps, nobody else's.
    pub steps: alloc::vec::Vec<Step>,
    /// When the first unit in back-off may be tried again.
    pub retry_at_ms: Option<u64>,
}

/// Works out one pass. `have` knows every unit of this machine, and those in `want` that are not here yet may be
/// missing from it; units in `have` and not in `want` are left alone.
#[must_use]
pub fn plan(
    want: &Map<UnitName, Want>,
    have: &Map<UnitName, Have>,
    troubles: &Map<UnitName, Trouble>,
    now_ms: u64,
) -> Plan {
    let nothing = Have { marker: None, file: false, activity: Activity::Dead };
    let mut plan = Plan::default();
    for (unit, want) in want {
        let have = have.get(unit).unwrap_or(&nothing);
        if let Some(retry_at_ms) = waiting(want, have, troubles.get(unit), now_ms) {
            plan.retry_at_ms = Some(plan.retry_at_ms.map_or(retry_at_ms, |earlier| earlier.min(retry_at_ms)));
            continue;
        }
        let steps = match want {
            Want::Go { departure, release } => leave(have, departure, *release),
            Want::Hold { incarnation, hash, target, global } => {
                hold(have, &Held { incarnation: *incarnation, hash: *hash, target: *target, global: *global })
            }
        };
        plan.steps.extend(steps.into_iter().flatten().map(|(action, reason)| Step {
            unit: unit.clone(),
            action,
            reason,
        }));
    }
    plan.steps.sort_by_key(|step| rank(&step.action));
    plan
}

fn waiting(want: &Want, have: &Have, trouble: Option<&Trouble>, now_ms: u64) -> Option<u64> {
    let trouble = trouble.filter(|trouble| now_ms < trouble.retry_at_ms)?;
    let same = want.aim(have.marker.as_ref()).is_some_and(|aim| aim == trouble.aim);
    same.then_some(trouble.retry_at_ms)
}

const fn rank(action: &Action) -> u8 {
    match action {
        Action::Stop => 0,
        Action::Await => 1,
        Action::Remove => 2,
        Action::Release => 3,
        Action::Write { .. } => 4,
        Action::Start => 5,
    }
}

type Steps = [Option<(Action, Reason)>; 2];

fn leave(have: &Have, departure: &Departure, release: bool) -> Steps {
    let why = || Reason::Departs(departure.clone());
    let here = have.marker.is_some() || have.file;
    match have.activity {
        Activity::Up if here => [Some((Action::Stop, why())), None],
        Activity::Stopping if here => [Some((Action::Await, why())), None],
        _ => [here.then(|| (Action::Remove, why())), release.then(|| (Action::Release, why()))],
    }
}

struct Held {
    incarnation: Incarnation,
    hash: Hash,
    target: TargetState,
    global: bool,
}

fn hold(have: &Have, held: &Held) -> Steps {
    let launch = held.target == TargetState::Launched;
    let start = launch.then_some((Action::Start, Reason::TargetLaunched));
    let write = Action::Write { incarnation: held.incarnation, hash: held.hash, global: held.global };
    let stale = match &have.marker {
        None if !have.file => return [Some((write, Reason::NotHere)), start],
        None => Some(Reason::Unmarked),
        Some(marker) if marker.incarnation != held.incarnation => Some(Reason::AnotherIncarnation),
        Some(marker) if marker.hash != held.hash => Some(Reason::Changed),
        Some(_) => None,
    };
    if let Some(reason) = stale {
        return match have.activity {
            Activity::Up => [Some((Action::Stop, reason)), None],
            Activity::Stopping => [Some((Action::Await, reason)), None],
            Activity::Dead => [Some((write, reason)), start],
        };
    }
    // What was stopped on the way to something that is wanted no more has to be started again.
    let launched = have.marker.as_ref().is_some_and(|marker| marker.order == Order::Launched);
    let stopped = have.marker.as_ref().is_some_and(|marker| marker.stopping);
    let start = start.filter(|_| !launched || stopped).map(|(start, reason)| match have.activity {
        Activity::Stopping => (Action::Await, reason),
        _ => (start, reason),
    });
    // A start that was never answered may have come through, and is no order yet.
    let may_run = launched || stopped && have.activity == Activity::Up;
    match start {
        start if !have.file => [Some((write, Reason::FileMissing)), start],
        None if !launch && may_run => [Some((Action::Stop, Reason::TargetLoaded)), None],
        start => [start, None],
    }
}
