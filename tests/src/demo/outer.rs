//! The demo's outer process: it prepares the ground, lets the inner process walk, and cleans up whatever became of it:
//! success, failure, Ctrl-C, a closed terminal.

use std::process::{Child, Command, ExitCode};

use nix::sys::prctl::set_child_subreaper;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};

use crate::demo::arguments::{Options, WALK};
use crate::demo::traces::{Traces, end_others};
use crate::demo::{ground, prerequisites};
use crate::failure::{Failure, Outcome};
use crate::run::exit_number;

/// With this the inner process says: the walk is over, and what runs shall go on running.
pub(super) const KEPT: Signal = Signal::SIGUSR1;
/// Signals that end the demo, and not without cleaning up.
const ENDING: [Signal; 4] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT];

/// Shows the demo. Gives the exit status for the whole program.
///
/// # Errors
/// When the demo could not begin, or something could not be cleaned up.
pub(super) fn show(options: &Options, words: &[String]) -> Outcome<ExitCode> {
    prerequisites::programs(options.etcd)?;
    let cgroup = ground::prepare(words)?;
    end_others(false)?;
    let traces = Traces::begin(cgroup)?;
    // What the walk leaves without a parent comes here, since not every process 1 (a container's) buries the dead.
    set_child_subreaper(true).map_err(|cause| Failure::during("become a reaper", cause))?;
    // From here on nothing ends this process by surprise.
    let awaited = awaited();
    awaited.thread_block().map_err(|cause| Failure::during("block signals", cause))?;
    let ended = walk(&traces, options).and_then(|mut inner| watch(&mut inner, &awaited));
    if matches!(ended, Ok(Ended::Kept)) {
        return Ok(ExitCode::SUCCESS);
    }
    let removed = traces.remove();
    bury();
    removed?;
    println!("\nEverything is cleaned up.");
    ended.map(Ended::exit_code)
}

/// How the walk came to its end.
#[derive(Clone, Copy, Debug)]
enum Ended {
    /// It ended by itself, with this status.
    By(i32),
    /// Its fleet is to stay.
    Kept,
    /// Somebody ended the demo.
    Signalled(Signal),
}

impl Ended {
    fn exit_code(self) -> ExitCode {
        let status = match self {
            Self::By(status) => status,
            Self::Kept => 0,
            Self::Signalled(signal) => 128 + signal as i32,
        };
        ExitCode::from(u8::try_from(status).unwrap_or(1))
    }
}

/// Collects the exit status of every process that ended in this one's care.
fn bury() {
    while let Ok(status) = waitpid(None, Some(WaitPidFlag::WNOHANG)) {
        if status == WaitStatus::StillAlive {
            return;
        }
    }
}

fn awaited() -> SigSet {
    [Signal::SIGCHLD, KEPT].into_iter().chain(ENDING).collect()
}

/// Starts the inner process. It inherits the blocked signals and begins by unblocking them.
fn walk(traces: &Traces, options: &Options) -> Outcome<Child> {
    let own = std::env::current_exe().map_err(|cause| Failure::during("find this program's file", cause))?;
    let mut command = Command::new(own);
    command.arg(WALK).arg(&traces.folder).arg(traces.cgroup.path()).args(options.words());
    command.spawn().map_err(|cause| Failure::during("start the walk", cause))
}

fn watch(inner: &mut Child, awaited: &SigSet) -> Outcome<Ended> {
    loop {
        let signal = awaited.wait().map_err(|cause| Failure::during("wait for a signal", cause))?;
        if signal == KEPT {
            return Ok(Ended::Kept);
        }
        if signal != Signal::SIGCHLD {
            return Ok(Ended::Signalled(signal));
        }
        let status = inner.try_wait().map_err(|cause| Failure::during("wait for the walk", cause))?;
        if let Some(status) = status {
            return Ok(Ended::By(exit_number(status)));
        }
    }
}
