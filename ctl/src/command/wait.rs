//! `wait`: nothing is asked of units but to be looked at, until each is in a state that was named. What a state means
//! is told in `goal`; the rhythm of looking is `waiting`'s.

mod goal;

use argh::{ArgsInfo, FromArgs};
use cluster::UnitName;
use cluster::sorted::Map;

use self::goal::{Arrived, Goal, Goals, Look};
use crate::args::seconds::Seconds;
use crate::context::Context;
use crate::exit::{Ended, Exit, Failure};
use crate::naming::mangled;
use crate::orders::{LEAD, late, named, read_units};
use crate::suggest::absent;
use crate::talk;
use crate::waiting::{Missing, Patience, Sight, wait};

/// wait until units are in a state
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "wait")]
#[argh(
    note = "States: active (every copy runs), failed (a copy failed), inactive (no copy runs or has failed), loaded"
)]
#[argh(
    note = "and launched (as in STATE of list-unit-files), destroyed (nothing is left of it). Several with commas"
)]
#[argh(
    note = "between them: any of them. Ends with 124 if the time is over, with 3 if there is no such unit."
)]
#[argh(
    note = "A pattern stands for units that can run, so for templates only if destroyed is among the states."
)]
#[argh(example = "wait --for=active,failed --timeout=30s myapp.service")]
pub(crate) struct Wait {
    /// state to wait for: active, inactive, failed, loaded, launched or destroyed
    #[argh(option, long = "for", arg_name = "states")]
    pub(crate) goals: Goals,

    /// how long, such as 30s or 2m; for ever unless given
    #[argh(option, arg_name = "time")]
    pub(crate) timeout: Option<Seconds>,

    /// names of units
    #[argh(positional, arg_name = "unit")]
    pub(crate) units: Vec<String>,
}

impl Wait {
    pub(super) fn run(&self, context: &Context<'_>) -> Ended {
        if self.units.is_empty() {
            return Err(Failure::usage("Error: wait needs the name of a unit"));
        }
        let mut names = named(context, &self.units)?;
        // Templates are on no machine ever; a pattern that catches one besides its copies means the copies, unless
        // everything is to go.
        let whole = self.goals.hold(Goal::Destroyed);
        names.retain(|name| whole || !name.is_template() || self.names_outright(name));
        // Only patterns stand for nothing at all.
        if names.is_empty() && !self.goals.hold(Goal::Destroyed) {
            return Err(absent(context, &self.units.join(" ")));
        }
        self.check(context, &names)?;
        let api = context.api()?;
        let mut seen = Map::new();
        let patience = self.timeout.map_or_else(|| Patience::attempts(0), |time| Patience::lasting(time.0));
        let look = |left: &[UnitName], _| {
            let sights = Look::at(api, left, &self.goals)?.sights(left, &self.goals);
            for (name, sight) in left.iter().zip(&sights) {
                if let Sight::NotYet(why) = sight {
                    seen.insert(name.clone(), why.clone());
                }
            }
            Ok(sights)
        };
        let missing = wait(Some(api), &names, patience, look, |name, arrived| {
            context.answer(&line(context, name, &arrived))
        })?;
        Ok(self.report(&missing, &seen))
    }

    fn names_outright(&self, name: &UnitName) -> bool {
        self.units.iter().any(|word| mangled(word) == name.as_str())
    }

    /// A unit that does not exist is most likely misspelt; nobody should wait for that.
    fn check(&self, context: &Context<'_>, names: &[UnitName]) -> Result<(), Failure> {
        if self.goals.hold(Goal::Destroyed) {
            return Ok(());
        }
        let units = read_units(context.api()?, names).map_err(|e| Failure::api(LEAD, &e))?;
        match names.iter().find(|name| !units.contains_key(*name)) {
            Some(name) => Err(absent(context, name.as_str())),
            None => Ok(()),
        }
    }

    fn report(&self, missing: &Missing, seen: &Map<UnitName, Option<String>>) -> Exit {
        for name in &missing.late {
            let why = seen.get(name).cloned().flatten().map(|why| format!(": {why}")).unwrap_or_default();
            talk::say(&format!("{}{why}", late(name, &self.goals.to_string())));
        }
        for (name, why) in &missing.lost {
            talk::say(&format!("Unit {name} does not exist: {why}"));
        }
        match (missing.lost.is_empty(), missing.late.is_empty()) {
            (true, true) => Exit::Ok,
            (true, false) => Exit::TimedOut,
            (false, _) => Exit::NotFound,
        }
    }
}

/// `Unit a.service active on 9678f7a7.../10.99.0.13`, in the form start and stop have.
fn line(context: &Context<'_>, name: &UnitName, arrived: &Arrived) -> String {
    let place = arrived.machine.as_ref().map(|id| format!(" on {}", context.legend(id))).unwrap_or_default();
    format!("Unit {name} {}{place}", arrived.goal)
}
