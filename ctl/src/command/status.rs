//! `status`: what the fleet thinks of units, and below it what systemd says of them on the machines that have them.

mod view;

use argh::{ArgsInfo, FromArgs};
use cluster::sorted::Map;
use cluster::{MachineId, TargetState, UnitName};

use crate::api::{Unit, UnitState};
use crate::context::Context;
use crate::exit::{Ended, Exit, Failure};
use crate::orders::{LEAD, named, read_states, read_units};
use crate::remote;
use crate::suggest::absent;
use crate::talk;

/// show what the fleet and systemd say of units
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "status")]
#[argh(
    note = "Prints what the fleet wants of each unit and why it is not so, then runs systemctl status on the machine"
)]
#[argh(
    note = "that has it: here, or over ssh; for a global unit on every machine. Goes through all units whatever"
)]
#[argh(note = "happens, and ends with the first exit code that was not 0.")]
pub(crate) struct Status {
    /// port of sshd on the machines; ssh's own choice, mostly 22, by default
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
        let names = named(context, &self.units)?;
        // Only patterns stand for nothing at all.
        if names.is_empty() {
            return Err(absent(context, &self.units.join(" ")));
        }
        let api = context.api()?;
        let units = read_units(api, &names).map_err(|e| Failure::api(LEAD, &e))?;
        let states = read_states(api, &names).map_err(|e| Failure::api(LEAD, &e))?;
        let mut tour = Tour { context, ssh_port: self.ssh_port, states, begun: false, exit: Exit::Ok };
        for name in &names {
            match units.get(name) {
                Some(unit) => tour.show(unit)?,
                None => tour.complain(absent(context, name.as_str()))?,
            }
        }
        Ok(tour.exit)
    }
}

/// The way through all units, and what came of it so far.
struct Tour<'t> {
    context: &'t Context<'t>,
    ssh_port: Option<u16>,
    states: Map<UnitName, Vec<UnitState>>,
    /// Something has been printed.
    begun: bool,
    /// The first exit code that was not 0.
    exit: Exit,
}

impl Tour<'_> {
    fn note(&mut self, exit: Exit) {
        if self.exit == Exit::Ok {
            self.exit = exit;
        }
    }

    /// Says what went wrong with one unit or machine, which says nothing of the next.
    fn complain(&mut self, failure: Failure) -> Result<(), Failure> {
        match failure {
            Failure::Says(text, exit) => {
                talk::say(&text);
                self.note(exit);
                Ok(())
            }
            closed @ Failure::Output(_) => Err(closed),
        }
    }

    fn show(&mut self, unit: &Unit) -> Result<(), Failure> {
        let states = self.states.remove(&unit.name).unwrap_or_default();
        let machines = machines_of(unit, &states);
        if !machines.is_empty() || unit.desired != TargetState::Inactive {
            let place = unit.machine.as_ref().map(|machine| self.context.legend(machine));
            self.print(&view::headline(unit, place.as_deref()))?;
        }
        if machines.is_empty() {
            self.complain(Failure::new(format_args!("Unit {} does not appear to be loaded.", unit.name)))?;
        }
        for (position, machine) in machines.iter().enumerate() {
            if unit.global {
                let blank = if position > 0 { "\n" } else { "" };
                self.context.print(&format!("{blank}on {}:\n", self.context.legend(machine)))?;
            }
            let state = states.iter().find(|state| state.machine == *machine);
            if let Some(error) = state.and_then(|state| state.error.as_deref()) {
                self.context.print(&view::error(error))?;
            }
            self.ask_systemd(&unit.name, machine)?;
        }
        Ok(())
    }

    /// The first lines about a unit, with an empty line between it and the one before.
    fn print(&mut self, text: &str) -> Result<(), Failure> {
        let blank = if std::mem::replace(&mut self.begun, true) { "\n" } else { "" };
        self.context.print(&format!("{blank}{text}"))
    }

    fn ask_systemd(&mut self, name: &UnitName, machine: &MachineId) -> Result<(), Failure> {
        let words = ["systemctl", "status", "-l", "--", name.as_str()].map(str::to_owned);
        match remote::run(self.context, machine, &words, self.ssh_port) {
            Ok(exit) => {
                self.note(exit);
                Ok(())
            }
            Err(failure) => self.complain(failure),
        }
    }
}

/// The machines systemd is to be asked on.
fn machines_of(unit: &Unit, states: &[UnitState]) -> Vec<MachineId> {
    if unit.global {
        return states.iter().map(|state| state.machine.clone()).collect();
    }
    unit.machine.clone().into_iter().filter(|_| !unit.is(TargetState::Inactive)).collect()
}
