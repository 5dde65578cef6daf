//! The fault suite: three real machines and a real etcd of three members, hurt in one way after another. Each fault is a
//! function that says what must stay true, does the harm, and measures how long the fleet takes to recover; while it
//! goes on a witness looks at every unit. `docs/faults.md` has the table that it prints.

mod agents;
mod course;
mod disks;
mod fleet;
mod machines;
mod network;
mod page;
mod store;
mod systemd;

use std::process::ExitCode;
use std::time::Duration;

use crate::failure::Outcome;
use crate::faults::fleet::Fleet;
use crate::install::Binaries;
use crate::isolation::Isolation;
use crate::report;
use crate::wait::Stopwatch;

/// How many times its limit a fault's recovery may take where it only gates (as the scenarios do).
const GATE: u32 = 3;

/// One fault.
struct Fault {
    /// Names it on the command line.
    word: &'static str,
    /// What is done.
    what: &'static str,
    /// What must stay true, and from when to when recovery counts.
    promise: &'static str,
    /// Longest recovery.
    limit: Duration,
    /// One of the short ones that `cargo verify` runs.
    gates: bool,
    /// Does it and gives the time of the recovery; anything that was promised and not kept is the failure.
    run: fn(&mut Fleet) -> Outcome<Duration>,
}

fn all() -> impl Iterator<Item = &'static Fault> {
    [agents::ALL, store::ALL, machines::ALL, network::ALL, disks::ALL, systemd::ALL].into_iter().flatten()
}

/// Runs the faults whose word is among `words`, or all; `--list` names them, `--gate` runs the short ones at three times
/// their limits, `--write` puts the rows into docs/faults.md.
#[must_use]
pub fn main(words: &[String]) -> ExitCode {
    let (options, words): (Vec<&String>, Vec<&String>) = words.iter().partition(|word| word.starts_with('-'));
    let option = |name: &str| options.iter().any(|option| *option == name);
    let gate = option("--gate");
    let chosen: Vec<&Fault> = all()
        .filter(|fault| fault.gates || !gate)
        .filter(|fault| words.is_empty() || words.iter().any(|word| fault.word.starts_with(word.as_str())))
        .collect();
    if option("--list") {
        chosen.iter().for_each(|fault| println!("{:20} {}", fault.word, fault.what));
        return ExitCode::SUCCESS;
    }
    match run_all(&chosen, if gate { GATE } else { 1 }) {
        Ok(rows) => finish(&rows, chosen.len(), option("--write")),
        Err(failure) => {
            eprintln!("faults: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// A fault that has been lived through.
struct Row {
    fault: &'static Fault,
    measured: Outcome<Duration>,
    holds: bool,
}

fn run_all(chosen: &[&'static Fault], gate: u32) -> Outcome<Vec<Row>> {
    let binaries = Binaries::build()?;
    let mut fleet = Fleet::start(Isolation::enter()?, binaries)?;
    let mut rows = Vec::new();
    for fault in chosen {
        let watch = Stopwatch::start();
        let measured = (fault.run)(&mut fleet);
        let holds = measured.as_ref().is_ok_and(|time| *time <= fault.limit * gate);
        let verdict = if holds { "ok" } else { "FAILED" };
        let time = page::shown(&measured);
        println!("{verdict:6} {:6.1} s  {}: {time}", watch.elapsed().as_secs_f64(), fault.word);
        if let Err(failure) = &measured {
            println!("{failure}\n{}", report::of(&fleet.world, fault.word));
            fleet.boot_anew()?;
        }
        rows.push(Row { fault, measured, holds });
    }
    Ok(rows)
}

fn finish(rows: &[Row], chosen: usize, write: bool) -> ExitCode {
    print!("{}", page::table(rows));
    if write && let Err(failure) = page::write(rows) {
        eprintln!("faults: {failure}");
        return ExitCode::FAILURE;
    }
    let all_hold = chosen > 0 && rows.len() == chosen && rows.iter().all(|row| row.holds);
    if all_hold { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
