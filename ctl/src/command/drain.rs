//! `drain`: a machine gives up its units, which move to others, and gets no new ones.

use argh::{ArgsInfo, FromArgs};

use crate::api::{Api, Machine};
use crate::context::Context;
use crate::exit::{Ended, Exit, Failure};
use crate::legend::legend;

/// move all units off a machine and place no new ones there
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "drain")]
#[argh(
    note = "The machine stops its units, each moves to another as soon as it has stopped, and nothing is placed there"
)]
#[argh(note = "until undrain. This lasts across restarts of the machine.")]
pub(crate) struct Drain {
    /// ID of the machine, or the beginning of it
    #[argh(positional)]
    pub(crate) machine: String,
}

impl Drain {
    pub(super) fn run(&self, context: &Context<'_>) -> Ended {
        let api = context.api()?;
        let machine = find(api, &self.machine)?;
        let legend = legend(&machine.id, Some(&machine.address), false);
        api.drain(&machine.id, true).map_err(|e| Failure::api("Error draining machine", &e))?;
        context.answer(&format!("Machine {legend} is draining"))?;
        Ok(Exit::Ok)
    }
}

/// The one machine whose ID begins with `word`.
pub(super) fn find(api: &Api, word: &str) -> Result<Machine, Failure> {
    let machines = api.machines().map_err(|e| Failure::api("Error retrieving machines", &e))?;
    let mut fitting: Vec<Machine> =
        machines.into_iter().filter(|machine| machine.id.as_str().starts_with(word)).collect();
    match (fitting.pop(), fitting.len()) {
        (Some(machine), 0) if !word.is_empty() => Ok(machine),
        (Some(_), _) => Err(Failure::new(format_args!("{word:?}: found more than one machine"))),
        (None, _) => Err(Failure::not_found(format_args!("{word:?}: machine does not exist"))),
    }
}
