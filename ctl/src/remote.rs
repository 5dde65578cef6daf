//! Running programs where a unit is: here, or over the `ssh` program, so that a person's own ssh settings, agent and
//! keys apply. Which unit and which words is told by the commands.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};

use cluster::MachineId;

use crate::api::Machine;
use crate::args::Top;
use crate::context::Context;
use crate::exit::{Ended, Exit, Failure};

/// Where systemd keeps this machine's ID.
const MACHINE_ID_FILE: &str = "/etc/machine-id";

/// Runs `words` on `machine` with ctl's own standard input and outputs; its exit code becomes ctl's.
///
/// # Errors
/// The program cannot be run, or the machine has no known address.
pub(crate) fn run(context: &Context<'_>, machine: &MachineId, words: &[String], ssh_port: u16) -> Ended {
    if is_here(machine) {
        return finish(words);
    }
    let machines = context.api()?.machines().map_err(|e| Failure::api("Error retrieving machines", &e))?;
    let there = machines.into_iter().find(|m| m.id == *machine && !m.address.is_empty());
    let Some(Machine { address, .. }) = there else {
        return Err(Failure::new("Could not determine address of machine."));
    };
    let line = words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
    finish(&ssh_words(
        context.flags,
        &Hop { host: &address, port: ssh_port, forward_agent: false },
        Some(line),
    ))
}

/// Where ssh goes, and what it takes along.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hop<'h> {
    /// The machine's address.
    pub(crate) host: &'h str,
    /// Where its sshd listens.
    pub(crate) port: u16,
    /// Lets programs there use the ssh agent here.
    pub(crate) forward_agent: bool,
}

/// Runs ssh with ctl's own standard input and outputs: a login shell there, or `words`, joined by blanks and read by
/// that shell as fleet had it (contract §3.4, ssh). The exit code of ssh becomes ctl's.
///
/// # Errors
/// ssh cannot be run.
pub(crate) fn shell(context: &Context<'_>, hop: &Hop<'_>, words: &[String]) -> Ended {
    let line = (!words.is_empty()).then(|| words.join(" "));
    finish(&ssh_words(context.flags, hop, line))
}

fn is_here(machine: &MachineId) -> bool {
    fs::read_to_string(MACHINE_ID_FILE).is_ok_and(|id| id.trim() == machine.as_str())
}

fn finish(words: &[String]) -> Ended {
    let Some((program, arguments)) = words.split_first() else { return Ok(Exit::Ok) };
    let status = Command::new(program).args(arguments).status();
    let status = status.map_err(|e| Failure::new(format_args!("run {program}: {e}{}", advice(program))))?;
    Ok(passed(status))
}

fn advice(program: &str) -> &'static str {
    if program == "ssh" {
        ": other machines are reached with the ssh client (package openssh-client)"
    } else {
        ""
    }
}

/// The code to pass on; a signal counts as a shell counts it.
fn passed(status: ExitStatus) -> Exit {
    match (status.code(), status.signal()) {
        (Some(0), _) => Exit::Ok,
        (Some(code), _) => Exit::Passed(u8::try_from(code).unwrap_or(255)),
        (None, signal) => Exit::Passed(u8::try_from(128 + signal.unwrap_or(0)).unwrap_or(255)),
    }
}

/// The ssh command that runs `line`, or a login shell. The flags map onto ssh's options; what is not set stays ssh's
/// own choice.
fn ssh_words(flags: &Top, hop: &Hop<'_>, line: Option<String>) -> Vec<String> {
    let timeout_secs = flags.ssh_timeout.rounded_up();
    let mut ssh = vec!["ssh".to_owned(), "-o".to_owned(), format!("ConnectTimeout={timeout_secs}")];
    if hop.port != SSH_PORT_DEFAULT {
        ssh.extend(["-p".to_owned(), hop.port.to_string()]);
    }
    if hop.forward_agent {
        ssh.push("-A".to_owned());
    }
    if !flags.strict_host_key_checking {
        ssh.extend(["-o".to_owned(), "StrictHostKeyChecking=no".to_owned()]);
    }
    if let Some(file) = &flags.known_hosts_file {
        ssh.extend(["-o".to_owned(), format!("UserKnownHostsFile={file}")]);
    }
    ssh.extend(["--".to_owned(), format!("{}@{}", flags.ssh_username, hop.host)]);
    ssh.extend(line);
    ssh
}

/// Where sshd listens unless told otherwise.
pub(crate) const SSH_PORT_DEFAULT: u16 = 22;

/// A word as a POSIX shell reads it back unchanged.
fn quoted(word: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "-_./:@=,+".contains(c);
    if !word.is_empty() && word.chars().all(harmless) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Meant, parse};

    fn ssh(line: &str, port: u16, forward_agent: bool) -> String {
        let line: Vec<String> = line.split_whitespace().chain(["version"]).map(str::to_owned).collect();
        let Meant::Run(top) = parse("ctl", &line, &|_| None).unwrap() else { panic!("{line:?}") };
        let hop = Hop { host: "10.0.0.1", port, forward_agent };
        ssh_words(&top, &hop, Some("true".to_owned())).join("|")
    }

    #[test]
    fn flags_map_onto_ssh() {
        assert_eq!(ssh("", 22, false), "ssh|-o|ConnectTimeout=10|--|core@10.0.0.1|true");
        let flags =
            "--ssh-timeout=1.5 --ssh-username=root --strict-host-key-checking=false --known-hosts-file=/k";
        assert_eq!(
            ssh(flags, 2222, true),
            "ssh|-o|ConnectTimeout=2|-p|2222|-A|-o|StrictHostKeyChecking=no|-o|UserKnownHostsFile=/k|--|root@10.0.0.1|true"
        );
    }

    #[test]
    fn words_reach_the_other_shell_unchanged() {
        assert_eq!(quoted("foo@1.service"), "foo@1.service");
        assert_eq!(quoted("a\\x2d.mount"), "'a\\x2d.mount'");
        assert_eq!(quoted("it's $HOME"), "'it'\\''s $HOME'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn exit_codes_are_passed_on() {
        assert_eq!(passed(ExitStatus::from_raw(0)), Exit::Ok);
        assert_eq!(passed(ExitStatus::from_raw(3 << 8)), Exit::Passed(3));
        assert_eq!(passed(ExitStatus::from_raw(9)), Exit::Passed(137));
    }
}
