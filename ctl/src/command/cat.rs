//! `cat`: a unit's content as the registry has it.

use argh::{ArgsInfo, FromArgs};

use crate::context::Context;
use crate::exit::{Ended, Exit, Failure};
use crate::naming::mangled;
use crate::orders::existing;
use crate::suggest;

/// print the content of a unit
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "cat")]
#[argh(
    note = "Prints the unit as it is stored: comments and blank lines of the file it came from are not kept."
)]
pub(crate) struct Cat {
    /// name of one unit
    #[argh(positional, arg_name = "unit")]
    pub(crate) units: Vec<String>,
}

impl Cat {
    pub(super) fn run(&self, context: &Context<'_>) -> Ended {
        let [word] = self.units.as_slice() else {
            return Err(Failure::new("One unit file must be provided"));
        };
        match existing(context, &self.units)?.as_slice() {
            [] => {
                let name = mangled(word);
                let hint = suggest::unit(context.api()?, &name, &[]);
                Err(Failure::not_found(format_args!("Unit {name} not found{hint}")))
            }
            [unit] => {
                context.print(&unit.file.serialise())?;
                Ok(Exit::Ok)
            }
            several => Err(Failure::new(format_args!(
                "One unit file must be provided; {word} matches {}",
                several.len()
            ))),
        }
    }
}
