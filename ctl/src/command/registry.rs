//! `registry`: what concerns the store as a whole: its adoption by agents that remember another, and its move elsewhere.

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
    Copy(Copy),
}

/// let the fleet go on with a store that was emptied or replaced
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "adopt")]
#[argh(
    note = "Units that run keep running and are stored again. Do this only if the store is meant to be the fleet's."
)]
pub(crate) struct Adopt {}

/// move the fleet to another store: a copy that is in charge from then on, with no unit restarted
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "copy")]
#[argh(
    note = "The original is the registry of the agent that is asked. It is kept, and takes no more orders."
)]
#[argh(
    note = "After an error the original is in charge as before; say the same again to go on with the copy."
)]
pub(crate) struct Copy {
    /// the store to move to, empty so far: etcd's URLs with commas between, or a folder of the agent's machine
    #[argh(option, arg_name = "store")]
    pub(crate) to: String,
}

impl Registry {
    pub(super) fn run(&self, context: &Context<'_>) -> Ended {
        match &self.action {
            Action::Adopt(Adopt {}) => {
                let said = context.api()?.adopt_registry();
                let said = said.map_err(|e| Failure::api("Error adopting the registry", &e))?;
                context.answer(&said)?;
            }
            Action::Copy(Copy { to }) => {
                let said = context.api()?.copy_registry(to);
                let said = said.map_err(|e| Failure::api("Error copying the registry", &e))?;
                context.answer(&said)?;
            }
        }
        Ok(Exit::Ok)
    }
}
