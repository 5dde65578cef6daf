//! `cargo run --release -p scale`: the agent's real loops, hundreds of them in a process, with a systemd that answers at
//! once, on one real etcd: what a large fleet costs, how long it takes, and what grows with it.

#![forbid(unsafe_code)]

mod fleet;
mod host;
mod load;
mod meter;
mod pass;
mod phases;
mod plot;
mod report;
mod stand_in;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use tests::failure::Outcome;
use tests::install::workspace;

use crate::fleet::Fleet;
use crate::report::Size;

/// As the agent's own, so that its memory is what it takes there.
#[global_allocator]
static HEAP: systemd_shim::heap::Heap = systemd_shim::heap::Heap;

const MINUTE: Duration = Duration::from_secs(60);

const HELP: &str = "\
scale [quick | full] [MACHINES...]   what fleets of 10, 100 and 1,000 machines cost, with ten units for each machine
scale starve [MACHINES]              an etcd that stands still for longer than records live, and how all come back
scale pass [MACHINES]                what a leader does between an event and its first write, part by part

  quick   a minute of steady state; the default
  full    ten minutes of it in the largest fleet
  Needs root (the agents of a process get a user of their own, for their inotify descriptors) and etcd-server.
  The tables go to stdout, the drawing to docs/scale.svg where all three sizes were measured.
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let ended = match words.as_slice() {
        ["host", folder, endpoint, first, count, lead] => {
            host::main(Path::new(folder), endpoint, (first, count), *lead == "lead")
        }
        ["--help" | "-h"] => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        ["starve"] => starve(1000),
        ["starve", machines] => starve(machines.parse().unwrap_or(1000)),
        ["pass"] => pass::measure(1000),
        ["pass", machines] => pass::measure(machines.parse().unwrap_or(1000)),
        ["full", sizes @ ..] => measure(sizes, Duration::from_secs(600)),
        ["quick", sizes @ ..] | sizes => measure(sizes, MINUTE),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("scale: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Of each size; the last one is held in steady state for `longest`, the others for a minute.
fn measure(sizes: &[&str], longest: Duration) -> Outcome {
    let sizes: Vec<usize> = sizes.iter().filter_map(|size| size.parse().ok()).collect();
    let is_whole = sizes.is_empty();
    let sizes = if is_whole { vec![10, 100, 1000] } else { sizes };
    let mut measured: Vec<Size> = Vec::new();
    let last = sizes.last().copied();
    for machines in sizes {
        let steady = if Some(machines) == last { longest } else { MINUTE };
        let mut fleet = Fleet::start(machines)?;
        measured.push(phases::all(&mut fleet, steady)?);
        println!("{}", report::text(&measured));
    }
    if is_whole {
        plot::draw(&measured, &workspace().join("docs/scale.svg"))?;
    }
    report::judge(&measured)
}

fn starve(machines: usize) -> Outcome {
    let size = phases::starvation(&mut Fleet::start(machines)?)?;
    println!("{}", report::text(&[size]));
    Ok(())
}
