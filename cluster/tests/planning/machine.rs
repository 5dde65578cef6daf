//! Reconcile on one machine played out: random wants, a systemd that stops slowly, units that exit or are started by
//! others, steps that fail. Whatever happens in between, no unit is touched while it runs, and in the end everything is
//! as wanted.

use cluster::backoff::Trouble;
use cluster::reconcile::{self, Action, Activity, Departure, Have, Reason, Step, Want};
use cluster::records::Marker;
use cluster::sorted::Map;
use cluster::state::Order;
use cluster::{Hash, Incarnation, TargetState, UnitName};
use proptest::prelude::*;

use crate::{events, scene};

/// Passes in which a machine that nobody disturbs has to come to rest.
const PASSES_MAX: usize = 8;

#[derive(Clone, Debug)]
enum Event {
    /// Something else is wanted of a unit.
    Want(usize, Want),
    /// A stop has ended.
    Stopped(usize),
    /// A unit ends by itself.
    Exit(usize),
    /// Something else starts a unit whose file is there.
    StartedByOthers(usize),
    /// Its file is deleted by hand.
    LoseFile(usize),
    /// A pass; the steps of one unit may fail, and what systemd was asked for may happen all the same.
    Pass { failing: Option<usize>, happens: bool },
    /// Time goes on.
    Wait(u64),
}

fn want() -> impl Strategy<Value = Want> {
    let target = prop_oneof![3 => Just(TargetState::Launched), 1 => Just(TargetState::Loaded)];
    let hold = (1..3_u64, 0..2_u8, target).prop_map(|(incarnation, content, target)| Want::Hold {
        incarnation: Incarnation::new(incarnation).expect("not zero"),
        hash: Hash::of(&content.to_string()),
        target,
        global: false,
    });
    let go = any::<bool>().prop_map(|release| Want::Go { departure: Departure::UnitGone, release });
    prop_oneof![2 => hold, 1 => go]
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0..3_usize, want()).prop_map(|(unit, want)| Event::Want(unit, want)),
        2 => (0..3_usize).prop_map(Event::Stopped),
        1 => (0..3_usize).prop_map(Event::Exit),
        1 => (0..3_usize).prop_map(Event::StartedByOthers),
        1 => (0..3_usize).prop_map(Event::LoseFile),
        6 => (prop::option::weighted(0.2, 0..3_usize), any::<bool>())
            .prop_map(|(failing, happens)| Event::Pass { failing, happens }),
        1 => (0..5000_u64).prop_map(Event::Wait),
    ]
}

/// A unit on the machine as it really is.
#[derive(Clone, Debug)]
struct Real {
    marker: Option<Marker>,
    file: Option<Hash>,
    activity: Activity,
    /// It was last stopped by the agent, and not started since.
    stopped_by_us: bool,
    /// The same of its start.
    started_by_us: bool,
}

const NOTHING: Real =
    Real { marker: None, file: None, activity: Activity::Dead, stopped_by_us: false, started_by_us: false };

impl Real {
    fn start(&mut self) {
        self.started_by_us |= self.activity != Activity::Up;
        (self.activity, self.stopped_by_us) = (Activity::Up, false);
    }

    /// Asking systemd twice is harmless.
    fn stop(&mut self) {
        if self.activity == Activity::Up {
            (self.activity, self.stopped_by_us) = (Activity::Stopping, true);
        }
    }
}

#[derive(Default)]
struct Machine {
    wants: Map<UnitName, Want>,
    units: Map<UnitName, Real>,
    troubles: Map<UnitName, Trouble>,
    now_ms: u64,
}

fn name(number: usize) -> UnitName {
    scene::unit(&events::unit_name(number))
}

impl Machine {
    fn meet(&mut self, event: &Event) -> Result<(), TestCaseError> {
        let mut with = |number: &usize, from: Activity, to: Activity| {
            if let Some(unit) = self.units.get_mut(&name(*number)).filter(|unit| unit.activity == from) {
                unit.activity = to;
            }
        };
        match event {
            Event::Want(unit, want) => drop(self.wants.insert(name(*unit), want.clone())),
            Event::Stopped(unit) => with(unit, Activity::Stopping, Activity::Dead),
            Event::Exit(unit) => with(unit, Activity::Up, Activity::Dead),
            Event::StartedByOthers(unit) => {
                if let Some(unit) = self.units.get_mut(&name(*unit)).filter(|unit| unit.file.is_some()) {
                    unit.started_by_us &= unit.activity == Activity::Up;
                    (unit.activity, unit.stopped_by_us) = (Activity::Up, false);
                }
            }
            Event::LoseFile(unit) => {
                if let Some(unit) = self.units.get_mut(&name(*unit)).filter(|unit| unit.marker.is_some()) {
                    unit.file = None;
                }
            }
            Event::Pass { failing, happens } => drop(self.pass(failing.map(name), *happens)?),
            Event::Wait(time_ms) => self.now_ms += time_ms,
        }
        Ok(())
    }

    /// Plans and takes the steps, but for those of a unit that fails. Gives back how many there were
    /// besides releases, which are repeated until the leader takes the order away.
    fn pass(&mut self, failing: Option<UnitName>, happens: bool) -> Result<usize, TestCaseError> {
        let have = |unit: &Real| Have {
            marker: unit.marker.clone(),
            file: unit.file.is_some(),
            activity: unit.activity,
        };
        let have: Map<UnitName, Have> =
            self.units.iter().map(|(name, unit)| (name.clone(), have(unit))).collect();
        let plan = reconcile::plan(&self.wants, &have, &self.troubles, self.now_ms);
        prop_assert_eq!(&plan, &reconcile::plan(&self.wants, &have, &self.troubles, self.now_ms));
        for step in &plan.steps {
            if failing.as_ref() != Some(&step.unit) {
                self.take(step)?;
            } else if matches!(step.action, Action::Stop | Action::Start) {
                self.doubt(step, happens);
                break;
            }
        }
        if let Some(unit) = failing.filter(|unit| plan.steps.iter().any(|step| step.unit == *unit)) {
            let marker = have.get(&unit).and_then(|have| have.marker.as_ref());
            if let Some(aim) = self.wants.get(&unit).unwrap().aim(marker) {
                let trouble = Trouble::after(self.troubles.get(&unit), aim, "failed", self.now_ms);
                self.troubles.insert(unit, trouble);
            }
        }
        Ok(plan.steps.iter().filter(|step| step.action != Action::Release).count())
    }

    /// systemd was asked, and the answer was a failure.
    fn doubt(&mut self, step: &Step, happens: bool) {
        let Some(unit) = self.units.get_mut(&step.unit) else { return };
        if let Some(marker) = &mut unit.marker {
            marker.stopping = true;
        }
        match step.action {
            Action::Start if happens && unit.file.is_some() => unit.start(),
            Action::Stop if happens => unit.stop(),
            _ => {}
        }
    }

    /// Takes one step as the agent does, and checks that it may be taken.
    fn take(&mut self, step: &Step) -> Result<(), TestCaseError> {
        let unit = self.units.entry(step.unit.clone()).or_insert(NOTHING);
        match &step.action {
            Action::Stop => {
                unit.stop();
                if let Some(marker) = &mut unit.marker {
                    match step.reason {
                        Reason::TargetLoaded => (marker.order, marker.stopping) = (Order::Loaded, false),
                        _ => marker.stopping = true,
                    }
                }
            }
            Action::Await => prop_assert_eq!(unit.activity, Activity::Stopping, "{:?}", step),
            Action::Remove => {
                prop_assert_eq!(unit.activity, Activity::Dead, "{:?}", step);
                self.units.remove(&step.unit);
            }
            Action::Release => {
                prop_assert!(unit.marker.is_none() && unit.file.is_none(), "{:?} {:?}", step, unit);
                prop_assert_eq!(unit.activity, Activity::Dead, "{:?}", step);
            }
            Action::Write { incarnation, hash, global } => write(unit, (*incarnation, *hash, *global))?,
            Action::Start => {
                prop_assert_ne!(unit.activity, Activity::Stopping, "{:?}", step);
                prop_assert!(unit.marker.is_some() && unit.file.is_some(), "{:?} {:?}", step, unit);
                unit.start();
                if let Some(marker) = &mut unit.marker {
                    (marker.order, marker.stopping) = (Order::Launched, false);
                }
            }
        }
        Ok(())
    }

    /// Nothing disturbs it any more: stops end, and time goes on.
    fn settle(&mut self) -> Result<(), TestCaseError> {
        for _ in 0..PASSES_MAX {
            self.now_ms += 100_000;
            if self.pass(None, false)? == 0 {
                return Ok(());
            }
            for unit in self.units.values_mut().filter(|unit| unit.activity == Activity::Stopping) {
                unit.activity = Activity::Dead;
            }
        }
        Err(TestCaseError::fail(format!("still busy after {PASSES_MAX} passes")))
    }

    fn check_rest(&self) -> Result<(), TestCaseError> {
        for (name, want) in &self.wants {
            let unit = self.units.get(name).unwrap_or(&NOTHING);
            let Want::Hold { incarnation, hash, target, .. } = want else {
                prop_assert!(unit.marker.is_none() && unit.file.is_none(), "{} is still here", name);
                continue;
            };
            let Some(marker) = &unit.marker else {
                return Err(TestCaseError::fail(format!("{name} is not here")));
            };
            prop_assert_eq!((marker.incarnation, marker.hash, unit.file), (*incarnation, *hash, Some(*hash)));
            prop_assert_eq!(marker.order.as_state(), *target);
            prop_assert!(
                *target == TargetState::Loaded || !unit.stopped_by_us,
                "{} was stopped and left so",
                name
            );
            prop_assert!(
                *target == TargetState::Launched || unit.activity != Activity::Up || !unit.started_by_us,
                "{} was started and runs on",
                name
            );
        }
        Ok(())
    }
}

/// Puts a file in place: over another one only of a dead unit, where it had vanished at any time.
fn write(
    unit: &mut Real,
    (incarnation, hash, global): (Incarnation, Hash, bool),
) -> Result<(), TestCaseError> {
    let same =
        unit.marker.as_ref().is_some_and(|marker| (marker.incarnation, marker.hash) == (incarnation, hash));
    let restored = unit.file.is_none() && same;
    prop_assert!(restored || unit.activity == Activity::Dead, "written over: {:?}", unit);
    let before = unit.marker.as_ref().filter(|_| same);
    let (order, stopping) = before.map_or((Order::Loaded, false), |marker| (marker.order, marker.stopping));
    unit.marker = Some(Marker { incarnation, hash, order, global, stopping });
    unit.file = Some(hash);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4 * events::config().cases, ..events::config() })]

    #[test]
    fn a_machine_comes_to_hold_what_is_wanted_and_touches_nothing_that_runs(
        history in prop::collection::vec(event(), 0..40),
    ) {
        let mut machine = Machine::default();
        for event in &history {
            machine.meet(event)?;
        }
        machine.settle()?;
        machine.check_rest()?;
    }
}
