//! `status`: what systemd says of units, on the machines that have them.

use argh::{ArgsInfo, FromArgs};
use cluster::{MachineId, TargetState, UnitName};

use crate::api::{Api, Unit};
use crate::context::Context;
use crate::exit::{Ended, Exit, Failure};
use crate::orders::{LEAD, named, read_units};
use crate::remote;
use crate::suggest::absent;

/// show what systemd says of units, where they run
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "status")]
#[argh(
    note = "Runs systemctl status on the machine that has the unit: here, or over ssh; for a global unit on every"
)]
#[argh(note = "machine that has it. Ends at the first exit code that is not 0, and passes it on.")]
pub(crate) struct Status {
    /// port of sshd on the machine; ssh's own choice, mostly 22, by defaults
    #[argh(option, arg_name = "port")]
    pub(crate) ssh_port: Option<u16>,

    /// accepted for old scripts, without effect
    #[argh(switch, hidden_help)]
    #[expect(dead_code, reason = "old scripts give it")]
    pub(crate) no_block: bool,

    /// names of units
    #[argh(positional, arg_name = "unit")]
    pub(crate) units: Vec<String>,
}

impl Status {
    pub(super) fn run(&self, context: &Context<'_>) -> Ended {
        if self.units.is_empty() {
            return Ok(Exit::Ok);
        }
        let api = context.api()?;
        let names = named(context, &self.units)?;
        let units = read_units(api, &names).map_err(|e| Failure::api(LEAD, &e))?;
        let mut shown = false;
        for name in &names {
            let unit = units.get(name).ok_or_else(|| absent(context, name.as_str()))?;
            for machine in machines_of(api, unit)? {
                if std::mem::replace(&mut shown, true) {
                    context.answer("")?;
                }
                let exit = self.show(context, name, &machine)?;
                if exit != Exit::Ok {
                    return Ok(exit);
                }
            }
        }
        // Only patterns stand for nothing at all.
        if names.is_empty() { Err(absent(context, &self.units.join(" "))) } else { Ok(Exit::Ok) }
    }

    fn show(&self, context: &Context<'_>, name: &UnitName, machine: &MachineId) -> Ended {
        let words = ["systemctl", "status", "-l", "--", name.as_str()].map(str::to_owned);
        remote::run(context, machine, &words, self.ssh_port)
    }
}

/// The machines systemd is to be asked on; at least one.
fn machines_of(api: &Api, unit: &Unit) -> Result<Vec<MachineId>, Failure> {
    let machines: Vec<MachineId> = if unit.global {
        let states = api.states(Some(&unit.name), None).map_err(|e| Failure::api(LEAD, &e))?;
        states.into_iter().map(|state| state.machine).collect()
    } else {
        unit.machine.clone().into_iter().filter(|_| !unit.is(TargetState::Inactive)).collect()
    };
    if machines.is_empty() {
        return Err(Failure::new(format_args!("Unit {} does not appear to be loaded.", unit.name)));
    }
    Ok(machines)
}
