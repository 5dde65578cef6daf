//! `journal`: what a unit wrote, from the journal of the machine that has it.

use argh::{ArgsInfo, FromArgs};
use cluster::{TargetState, UnitName};

use crate::context::Context;
use crate::exit::{Ended, Failure};
use crate::naming::mangled;
use crate::orders::existing;
use crate::remote;
use crate::suggest::absent;

/// print what a unit wrote
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "journal")]
#[argh(
    note = "Runs journalctl on the machine that has the unit, here or over ssh, and passes its exit code on."
)]
pub(crate) struct Journal {
    /// number of lines from the end; 10 by default
    #[argh(option, short = 'n', arg_name = "n", default = "10")]
    pub(crate) lines: u32,

    /// go on printing new lines
    #[argh(switch, short = 'f')]
    pub(crate) follow: bool,

    /// form of the lines, as journalctl --output takes it; short by default
    #[argh(option, arg_name = "mode", default = "\"short\".to_owned()")]
    pub(crate) output: String,

    /// run journalctl through sudo
    #[argh(switch)]
    pub(crate) sudo: bool,

    /// port of sshd on the machine; ssh's own choice, mostly 22, by default
    #[argh(option, arg_name = "port")]
    pub(crate) ssh_port: Option<u16>,

    /// name of one unit
    #[argh(positional, arg_name = "unit")]
    pub(crate) units: Vec<String>,
}

impl Journal {
    pub(super) fn run(&self, context: &Context<'_>) -> Ended {
        let [word] = self.units.as_slice() else {
            return Err(Failure::new("One unit file must be provided."));
        };
        let units = existing(context, &self.units)?;
        let unit = match units.as_slice() {
            [] => return Err(absent(context, &mangled(word))),
            [unit] => unit,
            several => {
                let count = several.len();
                return Err(Failure::new(format_args!(
                    "One unit file must be provided; {word} matches {count}."
                )));
            }
        };
        let name = &unit.name;
        if unit.global {
            return Err(Failure::new(format_args!("Unable to retrieve journal of global unit {name}.")));
        }
        match unit.machine.as_ref().filter(|_| !unit.is(TargetState::Inactive)) {
            Some(machine) => remote::run(context, machine, &self.words(name), self.ssh_port),
            None => Err(Failure::new(format_args!("Unit {name} does not appear to be running."))),
        }
    }

    fn words(&self, name: &UnitName) -> Vec<String> {
        let lines = self.lines.to_string();
        let mut words = if self.sudo { vec!["sudo"] } else { Vec::new() };
        words.extend([
            "journalctl",
            "--unit",
            name.as_str(),
            "--no-pager",
            "-n",
            &lines,
            "--output",
            &self.output,
        ]);
        words.extend(self.follow.then_some("-f"));
        words.into_iter().map(str::to_owned).collect()
    }
}
