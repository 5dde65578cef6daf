//! `restart`: units stopped and started again where they are, one after the other, so that of several copies of a
//! service only one is down at a time.

use argh::{ArgsInfo, FromArgs};
use cluster::{TargetState, UnitName};

use crate::activity;
use crate::context::Context;
use crate::create::{Ready, Verb, make_ready};
use crate::exit::{Ended, Exit, Failure};
use crate::orders::{Goal, await_units, read_units, report_missing, set_all};
use crate::talk;
use crate::waiting::Patience;

/// stop units and start them again where they are
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "restart")]
#[argh(
    note = "Takes one unit after the other, and goes on to the next when it is active again. Of a global unit all"
)]
#[argh(note = "copies are restarted together. Units that are on no machine are passed over.")]
pub(crate) struct Restart {
    /// wait so many times two seconds for each step; 0, the default, is for ever
    #[argh(option, arg_name = "n", default = "0")]
    pub(crate) block_attempts: u32,

    /// names of units
    #[argh(positional, arg_name = "unit")]
    pub(crate) units: Vec<String>,
}

const LEAD: &str = "Error restarting units";

impl Restart {
    pub(super) fn run(&self, context: &Context<'_>) -> Ended {
        if self.units.is_empty() {
            talk::say("No units given");
            return Ok(Exit::Ok);
        }
        let ready = make_ready(context, &self.units, Verb::Restart, false, self.patience())?;
        for unit in &ready {
            let exit = self.restart(context, unit)?;
            if exit != Exit::Ok {
                return Ok(exit);
            }
        }
        Ok(Exit::Ok)
    }

    fn patience(&self) -> Patience {
        Patience::attempts(self.block_attempts)
    }

    fn restart(&self, context: &Context<'_>, ready: &Ready) -> Result<Exit, Failure> {
        let name = &ready.name;
        let now =
            read_units(context.api()?, std::slice::from_ref(name)).map_err(|e| Failure::api(LEAD, &e))?;
        let Some(unit) = now.get(name) else {
            return Err(Failure::not_found(format_args!("{LEAD}: unable to find unit {name}")));
        };
        let state = if unit.global { Some(unit.desired) } else { unit.current };
        let (down, up) = if unit.global {
            (Goal::NoCopyLaunched, Goal::EveryCopyLaunched)
        } else {
            (Goal::State(TargetState::Loaded), Goal::State(TargetState::Launched))
        };
        match state {
            None | Some(TargetState::Inactive) => {
                talk::say(&format!("Unable to restart unit {name} in state {}", TargetState::Inactive));
                return Ok(Exit::Ok);
            }
            Some(TargetState::Loaded) => {}
            Some(TargetState::Launched) => {
                if !self.step(context, name, TargetState::Loaded, down)? {
                    return Ok(Exit::Failed);
                }
            }
        }
        if !self.step(context, name, TargetState::Launched, up)? {
            return Ok(Exit::Failed);
        }
        let exit = if unit.global { Exit::Ok } else { self.follow(context, ready)? };
        if exit == Exit::Ok {
            talk::info(&format!("Unit({name}) was restarted."));
        }
        Ok(exit)
    }

    fn step(
        &self,
        context: &Context<'_>,
        name: &UnitName,
        to: TargetState,
        goal: Goal,
    ) -> Result<bool, Failure> {
        let names = std::slice::from_ref(name);
        set_all(context, names, to, LEAD, |_| Ok(()))?;
        let missing = await_units(context, names, goal, self.patience())?;
        report_missing(context, &missing, to.as_str());
        Ok(missing.is_empty())
    }

    fn follow(&self, context: &Context<'_>, ready: &Ready) -> Result<Exit, Failure> {
        let missing = activity::await_active(context, std::slice::from_ref(ready), self.patience())?;
        Ok(activity::report(&missing))
    }
}
