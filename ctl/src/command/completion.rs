//! `completion`: the script that teaches a shell to complete ctl's commands, flags and names. What fits where is found
//! out by `crate::complete`, which the script asks.

use argh::{ArgsInfo, FromArgs};

use crate::complete::{SHELLS, script};
use crate::context::Context;
use crate::exit::{Ended, Exit, Failure};

/// print the script that lets a shell complete command lines
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "completion")]
#[argh(
    note = "bash: source it in ~/.bashrc. zsh: store it as _ctl in a folder of fpath, or source it behind compinit."
)]
#[argh(
    note = "fish: store it as ~/.config/fish/completions/ctl.fish. Units, machines and fields are completed as well."
)]
#[argh(example = "completion bash > /etc/bash_completion.d/ctl")]
pub(crate) struct Completion {
    /// bash, zsh or fish
    #[argh(positional, arg_name = "shell")]
    pub(crate) shell: String,
}

impl Completion {
    pub(super) fn run(&self, context: &Context<'_>) -> Ended {
        let Some(script) = script(&self.shell) else {
            let shells = SHELLS.join(", ");
            return Err(Failure::usage(format_args!(
                "Error: no script for {:?}; there are {shells}",
                self.shell
            )));
        };
        context.print(script)?;
        Ok(Exit::Ok)
    }
}
