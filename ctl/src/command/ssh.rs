//! `ssh`: a shell, or one command, on the machine that is named or that has the unit named. The way there is
//! `remote`'s business.

use argh::{ArgsInfo, FromArgs};
use cluster::TargetState;

use crate::api::{Machine, Unit};
use crate::context::Context;
use crate::exit::{Ended, Exit, Failure};
use crate::naming::is_pattern;
use crate::orders::existing;
use crate::remote;

/// log in to a machine, or run a command there
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "ssh")]
#[argh(
    note = "The first argument is the beginning of a machine's ID, or a unit: the machine that has it is meant. The"
)]
#[argh(
    note = "others are the command; put -- before it if it has flags. Passes the exit code of ssh on, which is"
)]
#[argh(note = "that of the command, or 255 where ssh itself failed.")]
#[argh(example = "ssh myapp.service -- journalctl -n 5")]
pub(crate) struct Ssh {
    /// machine, by the beginning of its ID; every argument is then the command's
    #[argh(option, arg_name = "id")]
    pub(crate) machine: Option<String>,

    /// unit whose machine is meant; every argument is then the command's
    #[argh(option, arg_name = "name")]
    pub(crate) unit: Option<String>,

    /// let programs on the machine use the ssh agent here
    #[argh(switch, short = 'A')]
    pub(crate) forward_agent: bool,

    /// port of sshd on the machine; ssh's own choice, mostly 22, by default
    #[argh(option, arg_name = "port")]
    pub(crate) ssh_port: Option<u16>,

    /// machine or unit, unless a flag names it, then the command
    #[argh(positional, arg_name = "words")]
    pub(crate) words: Vec<String>,
}

impl Ssh {
    pub(super) fn run(&self, context: &Context<'_>) -> Ended {
        let (machine, command) = match (&self.machine, &self.unit, self.words.split_first()) {
            (Some(_), Some(_), _) => return Err(stuck("give --machine or --unit, not both", Exit::Failed)),
            (Some(id), None, _) => (by_id(context, id)?, self.words.as_slice()),
            (None, Some(name), _) => (by_unit(context, name)?, self.words.as_slice()),
            (None, None, Some((word, command))) => (by_word(context, word)?, command),
            (None, None, None) => {
                return Err(stuck("one machine or unit must be provided", Exit::Failed));
            }
        };
        remote::shell(context, &machine, self.ssh_port, self.forward_agent, command)
    }
}

/// What every failure to find the machine begins with (contract §3.4, ssh).
fn stuck(why: &str, exit: Exit) -> Failure {
    Failure::Says(format!("Unable to proceed: {why}"), exit)
}

fn machines(context: &Context<'_>) -> Result<Vec<Machine>, Failure> {
    context.api()?.machines().map_err(|e| Failure::api("Error retrieving machines", &e))
}

/// The machine an ID or its beginning stands for, if there is one.
fn fitting(machines: Vec<Machine>, word: &str) -> Result<Option<Machine>, Failure> {
    let mut fitting: Vec<Machine> = machines
        .into_iter()
        .filter(|machine| !word.is_empty() && machine.id.as_str().starts_with(word))
        .collect();
    if let Some(position) = fitting.iter().position(|machine| machine.id.as_str() == word) {
        return Ok(Some(fitting.swap_remove(position)));
    }
    match (fitting.pop(), fitting.len()) {
        (found, 0) => Ok(found),
        _ => Err(stuck("found more than one machine", Exit::Failed)),
    }
}

fn by_id(context: &Context<'_>, id: &str) -> Result<Machine, Failure> {
    fitting(machines(context)?, id)?.ok_or_else(|| stuck("machine does not exist", Exit::NotFound))
}

fn by_unit(context: &Context<'_>, word: &str) -> Result<Machine, Failure> {
    let unit = the_unit(context, word)?.ok_or_else(|| stuck("unit does not exist", Exit::NotFound))?;
    machine_of(machines(context)?, &unit)
}

/// A machine and a unit may go by the same word; guessing would run the command on the wrong machine.
fn by_word(context: &Context<'_>, word: &str) -> Result<Machine, Failure> {
    let unit = the_unit(context, word)?;
    let machines = machines(context)?;
    match (fitting(machines.clone(), word)?, unit) {
        (Some(_), Some(unit)) => {
            let why = format!(
                "ambiguous argument: {word:?} is the machine's ID and {} is a unit; say which with --machine or --unit",
                unit.name
            );
            Err(stuck(&why, Exit::Failed))
        }
        (Some(machine), None) => Ok(machine),
        (None, Some(unit)) => machine_of(machines, &unit),
        (None, None) => Err(stuck("could not find matching unit or machine", Exit::NotFound)),
    }
}

fn the_unit(context: &Context<'_>, word: &str) -> Result<Option<Unit>, Failure> {
    let mut units = existing(context, &[word.to_owned()])?;
    match (units.pop(), units.len()) {
        (Some(_), others @ 1..) if is_pattern(word) => {
            Err(stuck(&format!("{word} matches {} units", others + 1), Exit::Failed))
        }
        (unit, _) => Ok(unit),
    }
}

fn machine_of(machines: Vec<Machine>, unit: &Unit) -> Result<Machine, Failure> {
    let name = &unit.name;
    if unit.global {
        let why = format!("unit {name} is global; name one of its machines with --machine");
        return Err(stuck(&why, Exit::Failed));
    }
    let Some(id) = unit.machine.as_ref().filter(|_| !unit.is(TargetState::Inactive)) else {
        return Err(stuck(&format!("unit {name} is on no machine"), Exit::Failed));
    };
    machines
        .into_iter()
        .find(|machine| machine.id == *id)
        .ok_or_else(|| Failure::new("Could not determine address of machine."))
}
