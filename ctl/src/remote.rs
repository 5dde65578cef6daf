//! Running programs where a unit is: here, or over the `ssh` program, so that a person's own ssh settings, agent and
//! keys apply. Which unit and which words is told by the commands.

mod askpass;
mod child;
mod known_hosts;
mod quoting;
mod runtime;
mod tunnel;
mod way;

use std::fs;
use std::process::Command;

use cluster::MachineId;

use crate::api::Machine;
use crate::args::Top;
use crate::context::Context;
use crate::exit::{Ended, Exit, Failure};
pub(crate) use askpass::{answer, question};
use child::{Input, finish, unstartable};
pub(crate) use tunnel::{Far, Link, Tunnel};
pub(crate) use way::Place;
use way::{Host, Manners};

/// Where systemd keeps this machine's ID.
const MACHINE_ID_FILE: &str = "/etc/machine-id";

/// Runs `words` on `machine` with ctl's own outputs; its exit code becomes ctl's. Over ssh it gets no standard input,
/// which may be the list that a script is reading.
///
/// # Errors
/// The program cannot be run, or the machine has no usable address.
pub(crate) fn run(
    context: &Context<'_>,
    machine: &MachineId,
    words: &[String],
    ssh_port: Option<u16>,
) -> Ended {
    if is_here(machine) {
        let Some((program, arguments)) = words.split_first() else { return Ok(Exit::Ok) };
        return finish(Command::new(program).args(arguments), Input::Ours);
    }
    let address = context.address(machine)?.unwrap_or_default();
    let place = place(machine, &address, ssh_port)?;
    finish(&ssh(context, &place, &[], Some(quoting::line(words)))?, Input::Nothing)
}

/// Runs ssh with ctl's own standard input and outputs: a login shell on `machine`, or `words`, joined by blanks and read
/// by that shell as fleet had it (contract §3.4, ssh). The exit code of ssh becomes ctl's.
///
/// # Errors
/// ssh cannot be run, or the machine has no usable address.
pub(crate) fn shell(
    context: &Context<'_>,
    machine: &Machine,
    ssh_port: Option<u16>,
    forward_agent: bool,
    words: &[String],
) -> Ended {
    let more: &[String] = if forward_agent { &["-A".to_owned()] } else { &[] };
    let line = (!words.is_empty()).then(|| words.join(" "));
    finish(&ssh(context, &place(&machine.id, &machine.address, ssh_port)?, more, line)?, Input::Ours)
}

fn place(machine: &MachineId, address: &str, port: Option<u16>) -> Result<Place, Failure> {
    if address.is_empty() {
        return Err(Failure::new("Could not determine address of machine."));
    }
    let unusable = || Failure::new(format_args!("the address of machine {machine} is none: {address:?}"));
    Ok(Place { host: Host::parse(address).ok_or_else(unusable)?, port })
}

/// ssh to a machine, through the tunnel if there is one.
fn ssh(
    context: &Context<'_>,
    place: &Place,
    more: &[String],
    line: Option<String>,
) -> Result<Command, Failure> {
    let manners = manners(context.flags)?;
    let through = context.tunnel()?.map(Tunnel::proxy);
    let more: Vec<String> = through.into_iter().flatten().chain(more.iter().cloned()).collect();
    Ok(prepared(&way::ssh(&manners, place, &more, line)))
}

/// What the global flags say of ssh; the file of known keys is there then.
pub(crate) fn manners(flags: &Top) -> Result<Manners, Failure> {
    Ok(Manners {
        user: flags.ssh_username.clone(),
        timeout_secs: flags.ssh_timeout.rounded_up(),
        host_keys: known_hosts::host_keys(flags.known_hosts_file.as_deref(), flags.strict_host_key_checking)?,
    })
}

/// A command from the words of an ssh, which asks its questions in a way that suits ctl's standard input.
fn prepared(words: &[String]) -> Command {
    let (program, arguments) = words.split_first().map_or(("ssh", [].as_slice()), |(p, a)| (p.as_str(), a));
    let mut command = Command::new(program);
    command.args(arguments);
    askpass::lend(&mut command);
    command
}

fn is_here(machine: &MachineId) -> bool {
    fs::read_to_string(MACHINE_ID_FILE).is_ok_and(|id| id.trim() == machine.as_str())
}
