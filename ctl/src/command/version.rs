//! `version`: which ctl this is.

use argh::{ArgsInfo, FromArgs};

use crate::context::Context;
use crate::exit::{Ended, Exit};

/// print the version
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "version")]
#[argh(
    note = "Prints the version of this program; list-machines --fields=machine,version prints those of the agents."
)]
pub(crate) struct Version {}

impl Version {
    pub(super) fn run(&self, context: &Context<'_>) -> Ended {
        context.answer(&format!("{} version {}", context.program, env!("CARGO_PKG_VERSION")))?;
        Ok(Exit::Ok)
    }
}
