//! A program that ctl runs in its own place: what is sent to ctl reaches the program, and its exit code is ctl's. A
//! killed `ctl journal -f` must not leave an ssh behind that goes on printing.

use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;

use nix::fcntl::OFlag;
use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawnp};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill};
use nix::sys::stat::Mode;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::exit::{Ended, Exit, Failure};

/// Signals that would end ctl and are for the program instead.
const PASSED_ON: [Signal; 4] = [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM];

/// What the program reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// What ctl would read.
    Ours,
    /// Nothing.
    Nothing,
}

/// Runs program, arguments and environment of `command` to the end. Called while ctl has no other thread, which could
/// take the signals.
///
/// # Errors
/// It cannot be started.
pub(super) fn finish(command: &Command, input: Input) -> Ended {
    let program = command.get_program().to_string_lossy().into_owned();
    let trouble = |e: io::Error| Failure::new(unstartable(&program, &e));
    let mut awaited = SigSet::from_iter(PASSED_ON);
    awaited.add(Signal::SIGCHLD);
    // Blocked before the program is there: a signal that comes in between would end ctl alone.
    let before = awaited.thread_swap_mask(SigmaskHow::SIG_BLOCK).map_err(|e| trouble(e.into()))?;
    let ended = start(command, input, &before).and_then(|process| stand_by(process, &awaited));
    before.thread_set_mask().map_err(|e| trouble(e.into()))?;
    ended.map_err(trouble)
}

/// Starts it with the signals of `mask` blocked and none ignored. `Command` has no word for that.
fn start(command: &Command, input: Input, mask: &SigSet) -> io::Result<Pid> {
    let mut attributes = PosixSpawnAttr::init()?;
    attributes.set_flags(PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK | PosixSpawnFlags::POSIX_SPAWN_SETSIGDEF)?;
    attributes.set_sigmask(mask)?;
    attributes.set_sigdefault(&SigSet::from_iter([Signal::SIGPIPE]))?;
    let mut files = PosixSpawnFileActions::init()?;
    if input == Input::Nothing {
        files.add_open(0, "/dev/null", OFlag::O_RDONLY, Mode::empty())?;
    }
    let program = text(command.get_program())?;
    let mut words = vec![program.clone()];
    for word in command.get_args() {
        words.push(text(word)?);
    }
    Ok(posix_spawnp(&program, &files, &attributes, &words, &environment(command)?)?)
}

/// ctl's own environment with the changes of the command.
fn environment(command: &Command) -> io::Result<Vec<CString>> {
    let changed = |name: &OsStr| command.get_envs().any(|(key, _)| key == name);
    let kept = std::env::vars_os().filter(|(name, _)| !changed(name));
    let set = command.get_envs().filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned())));
    let joined = kept.chain(set).map(|(mut name, value): (OsString, OsString)| {
        name.push("=");
        name.push(value);
        text(&name)
    });
    joined.collect()
}

fn text(word: &OsStr) -> io::Result<CString> {
    CString::new(word.as_bytes()).map_err(io::Error::from)
}

fn stand_by(process: Pid, awaited: &SigSet) -> io::Result<Exit> {
    loop {
        match waitpid(process, Some(WaitPidFlag::WNOHANG))? {
            WaitStatus::Exited(_, code) => return Ok(passed(code)),
            WaitStatus::Signaled(_, signal, _) => return Ok(passed(128 + signal as i32)),
            _ => {}
        }
        match awaited.wait()? {
            Signal::SIGCHLD => {}
            // It fails only if the program has ended, which the next look sees.
            signal => drop(kill(process, signal)),
        }
    }
}

/// Why a program did not start, and what helps.
pub(super) fn unstartable(program: &str, cause: &io::Error) -> String {
    let advice = if program == "ssh" {
        ": other machines are reached with the ssh client (package openssh-client)"
    } else {
        ""
    };
    format!("run {program}: {cause}{advice}")
}

/// The code to pass on; a program that was killed by a signal has one as a shell counts it.
fn passed(code: i32) -> Exit {
    match code {
        0 => Exit::Ok,
        code => Exit::Passed(u8::try_from(code).unwrap_or(255)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_passed_on() {
        assert_eq!(passed(0), Exit::Ok);
        assert_eq!(passed(3), Exit::Passed(3));
        assert_eq!(passed(137), Exit::Passed(137));
    }

    #[test]
    fn what_a_command_says_of_the_environment_holds() {
        let mut command = Command::new("true");
        command.env("SKIFF_TEST", "a=b").env_remove("PATH");
        let all = environment(&command).unwrap();
        let named = |name: &str| all.iter().filter(|one| one.to_bytes().starts_with(name.as_bytes())).count();
        assert_eq!((named("SKIFF_TEST=a=b"), named("PATH="), named("CARGO_MANIFEST_DIR=")), (1, 0, 1));
    }
}
