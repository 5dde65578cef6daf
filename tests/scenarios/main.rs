//! Runs the scenarios one after another on one test world and counts them. Words on the command line choose those
//! whose name contains one of them; `--list` only shows the names.

mod agents;
mod bad_units;
mod cloud;
mod departure;
mod footprint;
mod guide;
mod identity;
mod lifecycle;
mod loss;
mod machines;
mod metadata;
mod mixed;
mod placement;
mod release;
mod remote;
mod sidekick;
mod standalone;
mod store;
mod trust;
mod units;
mod upgrade;

use std::process::ExitCode;

use tests::failure::Outcome;
use tests::install::Binaries;
use tests::isolation::Isolation;
use tests::report;
use tests::wait::Stopwatch;
use tests::world::World;

/// One scenario: a sentence, and how to see that it is true.
struct Scenario {
    name: &'static str,
    run: fn(&mut World) -> Outcome,
}

fn all() -> impl Iterator<Item = &'static Scenario> {
    [
        machines::ALL,
        guide::ALL,
        sidekick::ALL,
        placement::ALL,
        metadata::ALL,
        lifecycle::ALL,
        bad_units::ALL,
        agents::ALL,
        identity::ALL,
        departure::ALL,
        loss::ALL,
        store::ALL,
        standalone::ALL,
        trust::ALL,
        remote::ALL,
        upgrade::ALL,
        mixed::ALL,
        release::ALL,
        cloud::ALL,
        footprint::ALL,
    ]
    .into_iter()
    .flatten()
}

fn main() -> ExitCode {
    let (options, words): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|word| word.starts_with('-'));
    let chosen: Vec<&Scenario> = all()
        .filter(|one| words.is_empty() || words.iter().any(|word| one.name.contains(word.as_str())))
        .collect();
    if options.iter().any(|option| option == "--list") {
        chosen.iter().for_each(|one| println!("{}", one.name));
        return ExitCode::SUCCESS;
    }
    match run_all(&chosen) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("the test world could not be built: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Whether every one of them passed.
fn run_all(chosen: &[&Scenario]) -> Outcome<bool> {
    let whole = Stopwatch::start();
    let binaries = Binaries::build()?;
    let mut world = World::start(Isolation::enter()?, binaries)?;
    println!("three machines are up after {:.1} s", whole.elapsed().as_secs_f64());
    let mut failed = Vec::new();
    for scenario in chosen {
        let watch = Stopwatch::start();
        let outcome = (scenario.run)(&mut world);
        let verdict = if outcome.is_ok() { "ok" } else { "FAILED" };
        println!("{verdict:6} {:6.1} s  {}", watch.elapsed().as_secs_f64(), scenario.name);
        if let Err(failure) = outcome {
            println!("{failure}\n{}", report::of(&world, scenario.name));
            failed.push(scenario.name);
        }
    }
    let passed = chosen.len() - failed.len();
    println!("{passed} passed; {} failed; {:.0} s", failed.len(), whole.elapsed().as_secs_f64());
    failed.iter().for_each(|name| println!("  failed: {name}"));
    Ok(failed.is_empty() && passed > 0)
}
