//! `submit`: units into the registry, on no machine yet.

use argh::{ArgsInfo, FromArgs};

use crate::context::Context;
use crate::create::{Verb, make_ready};
use crate::exit::{Ended, Exit};
use crate::talk;
use crate::waiting::Patience;

/// store units in the cluster without placing them
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "submit")]
#[argh(note = "Reads unit files and stores them. They are on no machine until they are loaded or started.")]
#[argh(
    note = "A unit that is stored already stays as it is, unless --replace is given and its content differs."
)]
pub(crate) struct Submit {
    /// replace the content of units that are inactive
    #[argh(switch)]
    pub(crate) replace: bool,

    /// accepted for old scripts, without effect
    #[argh(switch, hidden_help)]
    #[expect(dead_code, reason = "old scripts give it")]
    pub(crate) sign: bool,

    /// unit files, or instances of a template
    #[argh(positional, arg_name = "unit")]
    pub(crate) units: Vec<String>,
}

impl Submit {
    pub(super) fn run(&self, context: &Context<'_>) -> Ended {
        if self.units.is_empty() {
            talk::say("No units given");
            return Ok(Exit::Ok);
        }
        make_ready(context, &self.units, Verb::Submit, self.replace, Patience::attempts(0)).map(|_| Exit::Ok)
    }
}
