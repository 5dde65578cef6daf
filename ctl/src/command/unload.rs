//! `unload`: units off their machines, but still in the registry.

use argh::{ArgsInfo, FromArgs};
use cluster::TargetState;

use super::take_down::{Fate, TakeDown};
use crate::api::Unit;
use crate::context::Context;
use crate::exit::Ended;
use crate::orders::Goal;

/// stop units and take them off their machines
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "unload")]
#[argh(note = "The units stay stored in the cluster. A unit that waits for a machine stops waiting.")]
pub(crate) struct Unload {
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

impl Unload {
    pub(super) fn run(&self, context: &Context<'_>) -> Ended {
        let take_down = TakeDown {
            words: &self.units,
            target: TargetState::Inactive,
            name: "unload",
            done: "unloaded",
            global_goal: Goal::NoCopyLeft,
            fate,
            yes: self.yes,
            no_block: self.no_block,
            block_attempts: self.block_attempts,
        };
        take_down.run(context)
    }
}

fn fate(unit: &Unit) -> Fate {
    let is_down = unit.global || unit.current.is_none_or(|state| state == TargetState::Inactive);
    if unit.desired == TargetState::Inactive && is_down { Fate::Skipped } else { Fate::TakenDown }
}
