//! A program that ctl runs in its own place: what is sent to ctl reaches the program, and its exit code is ctl's. A
//! killed `ctl journal -f` must not leave an ssh behind that goes on printing.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus};

use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::Pid;

use crate::exit::{Ended, Exit, Failure};

/// Signals that would end ctl and are for the program instead.
const PASSED_ON: [Signal; 4] = [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM];

/// Runs it to its end. Called while ctl has no other thread, which could take the signals.
///
/// # Errors
/// It cannot be started.
pub(crate) fn finish(command: &mut Command) -> Ended {
    let program = command.get_program().to_string_lossy().into_owned();
    let trouble = |e: io::Error| Failure::new(unstartable(&program, &e));
    // Not blocked before: the program would be started with the same signals blocked.
    let mut child = command.spawn().map_err(trouble)?;
    let mut awaited = SigSet::from_iter(PASSED_ON);
    awaited.add(Signal::SIGCHLD);
    awaited.thread_block().map_err(|e| trouble(e.into()))?;
    let ended = stand_by(&mut child, &awaited);
    awaited.thread_unblock().map_err(|e| trouble(e.into()))?;
    ended.map(passed).map_err(trouble)
}

fn stand_by(child: &mut Child, awaited: &SigSet) -> io::Result<ExitStatus> {
    let process = i32::try_from(child.id()).map(Pid::from_raw).map_err(io::Error::other)?;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
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

/// The code to pass on; a signal counts as a shell counts it.
fn passed(status: ExitStatus) -> Exit {
    match (status.code(), status.signal()) {
        (Some(0), _) => Exit::Ok,
        (Some(code), _) => Exit::Passed(u8::try_from(code).unwrap_or(255)),
        (None, signal) => Exit::Passed(u8::try_from(128 + signal.unwrap_or(0)).unwrap_or(255)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_passed_on() {
        assert_eq!(passed(ExitStatus::from_raw(0)), Exit::Ok);
        assert_eq!(passed(ExitStatus::from_raw(3 << 8)), Exit::Passed(3));
        assert_eq!(passed(ExitStatus::from_raw(9)), Exit::Passed(137));
    }
}
