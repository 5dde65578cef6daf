//! `registry`: what concerns the store as a whole, so far its adoption by agents that remember another.

use argh::{ArgsInfo, FromArgs};

use crate::context::Context;
use crate::exit::{Ended, Exit, Failure};

/// look after the store of the cluster
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "registry")]
#[argh(
    note = "Agents that find a store they do not know freeze: they stop and start nothing until it is adopted."
)]
pub(crate) struct Registry {
    /// what to do
    #[argh(subcommand)]
    pub(crate) action: Action,
}

/// Everything that can be done with the store.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand)]
pub(crate) enum Action {
    Adopt(Adopt),
}

/// let the fleet go on with a store that was emptied or replaced
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "adopt")]
#[argh(
    note = "Units that run keep running and are stored again. Do this only if the store is meant to be the fleet's."
)]
pub(crate) struct Adopt {}

impl Registry {
    pub(super) fn run(&self, context: &Context<'_>) -> Ended {
        match &self.action {
            Action::Adopt(Adopt {}) => {
                let said = context.api()?.adopt_registry();
                let said = said.map_err(|e| Failure::api("Error adopting the registry", &e))?;
                context.answer(&said)?;
                Ok(Exit::Ok)
            }
        }
    }
}
