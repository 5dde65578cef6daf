//! What Skiff costs a machine, measured on three of them with a real etcd, beside a `sleep` and that etcd for scale: size,
//! memory, processor time, wake-ups, requests, start-up. It prints tables and fails where a promise is broken.

pub mod crates;
pub mod fleet;
pub mod idle;
#[cfg(target_arch = "x86_64")]
pub mod order;
pub mod process;
pub mod soak;
pub mod table;
#[cfg(target_arch = "x86_64")]
pub mod trace;

use std::process::ExitCode;
use std::time::Duration;

use crate::failure::{Failure, Outcome};
use crate::footprint::fleet::Fleet;
use crate::footprint::table::UNITS_PROMISED as PROMISED;
use crate::install::Binaries;
use crate::isolation::Isolation;
use crate::world::World;

const HELP: &str = "\
footprint [quick | soak]     what the agents cost; exit status 0 if every promise is kept

  quick   shorter, and without the 300 units; long polls are renewed too seldom to be seen
  soak    a unit started and destroyed every second, for ten minutes
  SKIFF_BINARIES=FOLDER takes skiff-agent and ctl from there in place of building them
";

/// An idle while in which every long poll has ended once.
const LONG: Duration = Duration::from_secs(330);

const SHORT: Duration = Duration::from_secs(60);

/// Enough to see what is wrong.
const QUICK: Duration = Duration::from_secs(25);

/// The largest that the agent's file may be, with the store in it.
const AGENT_BYTES: u64 = 2_600_000;
/// The largest that ctl's may be.
const CTL_BYTES: u64 = 1_900_000;

/// From exec to READY=1, with etcd up.
const READY: Duration = Duration::from_millis(100);

/// The most that rounding takes from the share of a program's few mappings.
const ROUNDING_KIB: u64 = 16;

/// Starts on each follower.
const STARTS: usize = 5;

/// Runs the measurement with the words after the program's name.
#[must_use]
pub fn main(words: &[String]) -> ExitCode {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let run = match words.as_slice() {
        [] => |world: &mut World, binaries: &Binaries| {
            table(world, binaries, &[(0, SHORT), (PROMISED, LONG), (300, SHORT)])
        },
        ["quick"] => {
            |world: &mut World, binaries: &Binaries| table(world, binaries, &[(0, QUICK), (PROMISED, QUICK)])
        }
        ["soak"] => |world: &mut World, _: &Binaries| soak::run(&mut Fleet::start(world)?),
        ["--help" | "-h"] => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprint!("footprint: cannot read {:?}\n\n{HELP}", words.join(" "));
            return ExitCode::from(2);
        }
    };
    match Binaries::build().and_then(|binaries| in_world(binaries, run)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("footprint: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn in_world(binaries: Binaries, run: impl FnOnce(&mut World, &Binaries) -> Outcome) -> Outcome {
    let mut world = World::start(Isolation::enter()?, binaries.clone())?;
    run(&mut world, &binaries)
}

fn table(world: &mut World, binaries: &Binaries, steps: &[(usize, Duration)]) -> Outcome {
    let mut fleet = Fleet::start(world)?;
    eprintln!("measuring: start");
    let (mut text, mut broken) = files(binaries)?;
    let starts = starts(&fleet)?;
    let (median, worst) = (starts.get(starts.len() / 2).copied().unwrap_or_default(), starts.last());
    text.push_str(&format!(
        "| start of the agent to READY=1, median of {} (worst: {} ms) | {} ms | {} ms |\n",
        starts.len(),
        worst.copied().unwrap_or_default().as_millis(),
        READY.as_millis(),
        median.as_millis()
    ));
    if median > READY {
        broken.push(format!("READY=1 after {} ms", median.as_millis()));
    }
    let mut all = Vec::new();
    for (units, period) in steps.iter().copied() {
        eprintln!("measuring: {units} units, {} s", period.as_secs());
        fleet.grow(units)?;
        all.push((units, idle::measure(&fleet, period)?));
    }
    println!("{}\n{text}", table::text(&all));
    broken.extend(table::breaches(&all, table::AS_PROMISED));
    broken.extend(shared(&fleet)?);
    if broken.is_empty() { Ok(()) } else { Err(Failure::new(broken.join("\n"))) }
}

/// Sizes, crates and licences.
fn files(binaries: &Binaries) -> Outcome<(String, Vec<String>)> {
    let mut text = "| what | at most | measured |\n| --- | --- | --- |\n".to_owned();
    let mut broken = Vec::new();
    for (name, package, path, largest) in
        [("skiff-agent", "agent", binaries.agent(), AGENT_BYTES), ("ctl", "ctl", binaries.ctl(), CTL_BYTES)]
    {
        let file = crates::program_file(&path)?;
        let kind = if file.is_static { "static" } else { "dynamic, not as shipped" };
        text.push_str(&format!("| `{name}` ({kind}), bytes | {largest} | {} |\n", file.bytes));
        if file.bytes > largest {
            broken.push(format!("{name}: {} bytes, at most {largest}", file.bytes));
        }
        let (count, licences) = crates::linked(package)?;
        let licences: Vec<String> = licences.into_iter().collect();
        text.push_str(&format!("| crates linked into `{name}` ({}) | | {count} |\n", licences.join("; ")));
    }
    Ok((text, broken))
}

/// Start-up times on the followers, in order.
fn starts(fleet: &Fleet<'_>) -> Outcome<Vec<Duration>> {
    let (_, followers) = fleet.roles()?;
    let mut times = Vec::new();
    for number in followers {
        for _ in 0..STARTS {
            times.push(fleet.restart(number)?);
        }
    }
    times.sort_unstable();
    Ok(times)
}

/// The agents whose program file is mapped by others too: their PSS would say too little.
fn shared(fleet: &Fleet<'_>) -> Outcome<Vec<String>> {
    let mut shared = Vec::new();
    for number in fleet.world.numbers() {
        let (resident_kib, share_kib) = fleet.agent(number)?.program()?;
        // Each mapping's share is rounded down, and a page may be looked at by whoever copied the file.
        if resident_kib == 0 || share_kib + ROUNDING_KIB < resident_kib {
            shared.push(format!("m{number}: {share_kib} KiB of its program's {resident_kib} are its share"));
        }
    }
    Ok(shared)
}
