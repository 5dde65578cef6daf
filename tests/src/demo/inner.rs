//! The demo's inner process: it builds the programs, raises the fleet, walks through the guide and, where it is to be
//! kept, stays behind as the fleet's keeper. It cleans nothing up: that is the outer process's work, whatever happens here.

use std::io::{stderr, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::{dup2_stderr, dup2_stdin, dup2_stdout, getppid, setsid};

use crate::demo::arguments::Options;
use crate::demo::cgroup::Cgroup;
use crate::demo::fleet::{Fleet, Materials};
use crate::demo::guide::Walk;
use crate::demo::outer::KEPT;
use crate::demo::screen::Screen;
use crate::demo::traces::Traces;
use crate::demo::{prerequisites, svg};
use crate::failure::{Failure, Outcome};

/// Does everything that is shown. Returns when the walk is over, or never if the fleet is kept.
///
/// # Errors
/// At the first thing that was not as the guide has it, with the logs of all agents.
pub(super) fn walk(folder: PathBuf, cgroup: PathBuf, options: &Options) -> Outcome<ExitCode> {
    SigSet::all().thread_unblock().map_err(|cause| Failure::during("unblock signals", cause))?;
    // If the outer process is killed without a chance to clean up, this one and all that it starts go too.
    set_pdeathsig(Signal::SIGKILL)
        .map_err(|cause| Failure::during("tie this process to the outer one", cause))?;
    let cgroup = Cgroup::at(cgroup);
    let programs = prerequisites::build()?;
    let materials =
        Materials { folder: folder.clone(), cgroup: cgroup.clone(), programs, etcd: options.etcd };
    let mut fleet = Fleet::raise(materials)?;
    let mut screen = Screen::new(options.slow);
    let mut walk = Walk { screen: &mut screen, fleet: &mut fleet };
    let walked = walk.whole_guide().and_then(|()| if options.keep { Ok(()) } else { walk.farewell() });
    walked.map_err(|failure| Failure::new(format!("{failure}\n{}", fleet.logs())))?;
    if let Some(file) = &options.svg {
        svg::draw(screen.shown(), file)?;
    }
    if options.keep {
        tell_how_to_use(&fleet)?;
        keep(&Traces { folder, cgroup })?;
    }
    Ok(ExitCode::SUCCESS)
}

fn tell_how_to_use(fleet: &Fleet) -> Outcome {
    println!("\nThe three machines go on running. To use them, in this or any other terminal:\n");
    println!("  export PATH={}:$PATH", fleet.programs().display());
    println!("  export FLEETCTL_ENDPOINT={}", fleet.endpoint()?);
    println!("  cd {}    # the guide's unit files", fleet.desk().display());
    println!("  ctl list-units\n");
    for machine in &fleet.machines {
        let runtime = machine.runtime();
        println!("  {}: XDG_RUNTIME_DIR={} systemctl --user", machine.identity.address, runtime.display());
    }
    println!("  the fleet's keys, by etcd's v2 API: {}/v2/keys", fleet.keys.url());
    println!("\nTo end them and remove everything:  cargo demo --stop");
    Ok(())
}

/// Stays behind, away from the terminal, so that etcd and the machines keep their parent. Ends with its control group.
fn keep(traces: &Traces) -> Outcome {
    let problem = |what: &'static str| move |cause: nix::Error| Failure::during(what, cause);
    set_pdeathsig(None).map_err(problem("untie this process from the outer one"))?;
    traces.entrust(std::process::id())?;
    setsid().map_err(problem("leave the terminal"))?;
    let null = std::fs::File::options().read(true).write(true).open("/dev/null");
    let null = null.map_err(|cause| Failure::during("open /dev/null", cause))?;
    use std::io::Write;
    let _ = (stdout().flush(), stderr().flush());
    dup2_stdin(&null).map_err(problem("leave the terminal"))?;
    dup2_stdout(&null).map_err(problem("leave the terminal"))?;
    dup2_stderr(&null).map_err(problem("leave the terminal"))?;
    kill(getppid(), KEPT).map_err(problem("tell the outer process that the fleet stays"))?;
    let forever = SigSet::empty();
    loop {
        // Nothing to do and nothing to wait for but the end.
        let _ = forever.suspend();
    }
}
