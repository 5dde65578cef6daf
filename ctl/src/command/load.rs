//! `load`: units onto machines, not started.

use argh::{ArgsInfo, FromArgs};
use cluster::TargetState;

use super::bring_up::BringUp;
use crate::context::Context;
use crate::create::Verb;
use crate::exit::Ended;

/// place units on machines without starting them
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "load")]
#[argh(
    note = "Stores the units if they are not stored yet, has a machine chosen for each, and waits until systemd there"
)]
#[argh(note = "knows them. Global units go to every machine that can run them, and are not waited for.")]
pub(crate) struct Load {
    /// return as soon as the cluster knows what is wanted
    #[argh(switch)]
    pub(crate) no_block: bool,

    /// wait so many times two seconds; 0, the default, is for ever
    #[argh(option, arg_name = "n", default = "0")]
    pub(crate) block_attempts: u32,

    /// replace the content of units whose file here differs
    #[argh(switch)]
    pub(crate) replace: bool,

    /// only say where the units would go, and why; change nothing
    #[argh(switch)]
    pub(crate) dry_run: bool,

    /// accepted for old scripts, without effect
    #[argh(switch, hidden_help)]
    #[expect(dead_code, reason = "old scripts give it")]
    pub(crate) sign: bool,

    /// unit files, names of units, or instances of a template
    #[argh(positional, arg_name = "unit")]
    pub(crate) units: Vec<String>,
}

impl Load {
    pub(super) fn run(&self, context: &Context<'_>) -> Ended {
        let bring_up = BringUp {
            words: &self.units,
            verb: Verb::Load,
            target: TargetState::Loaded,
            name: "load",
            lead: "Error loading units",
            replace: self.replace,
            dry_run: self.dry_run,
            no_block: self.no_block,
            block_attempts: self.block_attempts,
        };
        bring_up.run(context)
    }
}
