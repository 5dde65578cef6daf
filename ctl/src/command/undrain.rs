//! `undrain`: a machine that was drained may have units again.

use argh::{ArgsInfo, FromArgs};

use super::drain::find;
use crate::context::Context;
use crate::exit::{Ended, Exit, Failure};
use crate::legend::legend;

/// let a drained machine have units again
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "undrain")]
#[argh(
    note = "Units that wait for a machine may be placed there; units that run elsewhere stay where they are."
)]
pub(crate) struct Undrain {
    /// ID of the machine, or the beginning of it
    #[argh(positional)]
    pub(crate) machine: String,
}

impl Undrain {
    pub(super) fn run(&self, context: &Context<'_>) -> Ended {
        let api = context.api()?;
        let machine = find(api, &self.machine)?;
        let legend = legend(&machine.id, Some(&machine.address), false);
        api.drain(&machine.id, false).map_err(|e| Failure::api("Error undraining machine", &e))?;
        context.answer(&format!("Machine {legend} takes units again"))?;
        Ok(Exit::Ok)
    }
}
