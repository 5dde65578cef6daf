//! The index of commands: one file each, holding its flags, its help and what it does.

mod bring_up;
mod cat;
mod completion;
mod destroy;
mod drain;
mod dry_run;
mod events;
mod explain;
mod fd_forward;
mod journal;
mod list_machines;
mod list_unit_files;
mod list_units;
mod load;
mod registry;
mod restart;
mod ssh;
mod start;
mod status;
mod stop;
mod submit;
mod take_down;
mod undrain;
mod unload;
mod verify;
mod version;
mod wait;

use argh::{ArgsInfo, FromArgs};

use crate::context::Context;
use crate::exit::Ended;

/// Every command there is.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand)]
pub(crate) enum Command {
    Submit(submit::Submit),
    Load(load::Load),
    Start(start::Start),
    Stop(stop::Stop),
    Unload(unload::Unload),
    Destroy(destroy::Destroy),
    Restart(restart::Restart),
    Cat(cat::Cat),
    Status(status::Status),
    Explain(explain::Explain),
    Events(events::Events),
    Journal(journal::Journal),
    Ssh(ssh::Ssh),
    Wait(wait::Wait),
    Verify(verify::Verify),
    ListUnits(list_units::ListUnits),
    ListUnitFiles(list_unit_files::ListUnitFiles),
    ListMachines(list_machines::ListMachines),
    Drain(drain::Drain),
    Undrain(undrain::Undrain),
    Registry(registry::Registry),
    FdForward(fd_forward::FdForward),
    Completion(completion::Completion),
    Version(version::Version),
}

impl Command {
    /// Does it.
    ///
    /// # Errors
    /// Whatever kept it from being done.
    pub(crate) fn run(&self, context: &Context<'_>) -> Ended {
        match self {
            Self::Submit(command) => command.run(context),
            Self::Load(command) => command.run(context),
            Self::Start(command) => command.run(context),
            Self::Stop(command) => command.run(context),
            Self::Unload(command) => command.run(context),
            Self::Destroy(command) => command.run(context),
            Self::Restart(command) => command.run(context),
            Self::Cat(command) => command.run(context),
            Self::Status(command) => command.run(context),
            Self::Explain(command) => command.run(context),
            Self::Events(command) => command.run(context),
            Self::Journal(command) => command.run(context),
            Self::Ssh(command) => command.run(context),
            Self::Wait(command) => command.run(context),
            Self::Verify(command) => command.run(context),
            Self::ListUnits(command) => command.run(context),
            Self::ListUnitFiles(command) => command.run(context),
            Self::ListMachines(command) => command.run(context),
            Self::Drain(command) => command.run(context),
            Self::Undrain(command) => command.run(context),
            Self::Registry(command) => command.run(context),
            Self::FdForward(command) => command.run(context),
            Self::Completion(command) => command.run(context),
            Self::Version(command) => command.run(context),
        }
    }
}
