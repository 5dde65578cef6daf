//! `stop`: units no longer running, but where they were.

use argh::{ArgsInfo, FromArgs};
use cluster::TargetState;

use super::take_down::{Fate, TakeDown};
use crate::api::Unit;
use crate::context::Context;
use crate::exit::Ended;
use crate::orders::Goal;

/// stop units, leaving them on their machines
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "stop")]
#[argh(
    note = "Waits until the units are stopped; their ExecStop has ended then. They stay loaded where they are."
)]
pub(crate) struct Stop {
    /// return as soon as the cluster knows what is wanted
    #[argh(switch)]
    pub(crate) no_block: bool,

    /// wait so many times two seconds; 0, the default, is for ever
    #[argh(option, arg_name = "n", default = "0")]
    pub(crate) block_attempts: u32,

    /// do not ask, however many units a pattern matches
    #[argh(switch)]
    pub(crate) yes: bool,

    /// names of units
    #[argh(positional, arg_name = "unit")]
    pub(crate) units: Vec<String>,
}

impl Stop {
    pub(super) fn run(&self, context: &Context<'_>) -> Ended {
        let take_down = TakeDown {
            words: &self.units,
            target: TargetState::Loaded,
            name: "stop",
            done: "stopped",
            global_goal: Goal::NoCopyLaunched,
            fate,
            yes: self.yes,
            no_block: self.no_block,
            block_attempts: self.block_attempts,
        };
        take_down.run(context)
    }
}

fn fate(unit: &Unit) -> Fate {
    if unit.global {
        // Asking for "loaded" would put a unit that is nowhere onto every machine.
        return if unit.desired == TargetState::Inactive { Fate::Refused } else { Fate::TakenDown };
    }
    match unit.current {
        None | Some(TargetState::Inactive) => Fate::Refused,
        Some(TargetState::Loaded) if unit.desired != TargetState::Launched => Fate::Skipped,
        Some(TargetState::Loaded | TargetState::Launched) => Fate::TakenDown,
    }
}
