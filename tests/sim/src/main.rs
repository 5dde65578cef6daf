//! The command line of the simulator: many seeds, one seed with its trace, a kept text, or a blow at every single write.

#![forbid(unsafe_code)]

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use argh::FromArgs;
use sim::cuts::{cut, cut_twice};
use sim::generate::generate;
use sim::run::{Verdict, run};
use sim::scenario::Scenario;
use sim::shrink::shrink;
use sim::total::Total;

/// Runs fleets of real agents on simulated machines.
#[derive(FromArgs)]
struct Options {
    /// how many seeds to run
    #[argh(option)]
    seeds: Option<u64>,
    /// the first of them
    #[argh(option, default = "1")]
    from: u64,
    /// run one seed and print its trace
    #[argh(option)]
    seed: Option<u64>,
    /// run the scenario in a file and print its trace
    #[argh(option)]
    replay: Option<PathBuf>,
    /// run a scenario file, or each file of a folder, once for each write of its agents, with a blow before and after it
    #[argh(option)]
    cuts: Option<PathBuf>,
    /// with --cuts: kill the agent at each write, and once more before each of so many writes of its recovery
    #[argh(option)]
    again: Option<u64>,
    /// print the shortest scenario that fails as the seed or the file does
    #[argh(switch)]
    shrink: bool,
}

fn main() -> ExitCode {
    if cfg!(panic = "abort") {
        eprintln!("killed agents are unwound, which this build cannot do: use `cargo sim`");
        return ExitCode::FAILURE;
    }
    let options: Options = argh::from_env();
    let result = match &options {
        Options { seed: Some(seed), .. } => Ok(one(&generate(*seed), options.shrink)),
        Options { replay: Some(path), .. } => read(path).map(|scenario| one(&scenario, options.shrink)),
        Options { cuts: Some(path), again, .. } => cuts(path, *again),
        Options { seeds, from, .. } => Ok(many(*from, seeds.unwrap_or(300))),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::from(2)
        }
    }
}

/// What the clock on the wall says; nothing that is simulated sees it.
#[expect(clippy::disallowed_methods, reason = "it measures this program, and not what runs in it")]
fn real_time() -> Instant {
    Instant::now()
}

fn read(path: &PathBuf) -> Result<Scenario, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("read {}: {error}", path.display()))?;
    Scenario::parse(&text)
}

/// Runs a scenario before everybody's eyes.
fn one(scenario: &Scenario, shrinks: bool) -> bool {
    let verdict = run(scenario, true);
    if shrinks && !verdict.problems.is_empty() {
        let shortest = shrink(scenario);
        for problem in run(&shortest, false).problems {
            println!("# {problem}");
        }
        print!("{shortest}");
        return false;
    }
    for line in &verdict.trace {
        println!("{line}");
    }
    print!("\n{scenario}");
    say(&verdict)
}

fn say(verdict: &Verdict) -> bool {
    for problem in &verdict.problems {
        println!("!! {problem}");
    }
    verdict.problems.is_empty()
}

fn many(from: u64, count: u64) -> bool {
    let (begun, mut total, mut failed) = (real_time(), Total::default(), Vec::new());
    for seed in from..from.saturating_add(count) {
        let verdict = run(&generate(seed), false);
        total.add(&verdict);
        if let Some(problem) = verdict.problems.first() {
            println!("seed {seed}: {problem}");
            failed.push(seed);
        }
    }
    println!("{total}\n{} s, {} seeds failed", begun.elapsed().as_secs(), failed.len());
    failed.is_empty()
}

/// The scenarios of a file, or of all files in a folder, with a blow at every write, on both sides of it.
fn cuts(path: &PathBuf, again: Option<u64>) -> Result<bool, String> {
    let mut paths = vec![path.clone()];
    if path.is_dir() {
        let unreadable = |error| format!("list {}: {error}", path.display());
        let entries = fs::read_dir(path).map_err(unreadable)?;
        paths = entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()
            .map_err(unreadable)?;
        paths.sort();
    }
    let (begun, mut runs, mut failed) = (real_time(), 0, 0);
    for path in paths {
        let scenario = read(&path)?;
        let found = match again {
            Some(depth) => cut_twice(&scenario, 1, 1, depth),
            None => cut(&scenario, 1, 1),
        };
        for problem in &found.problems {
            println!("{}: {problem}", path.display());
        }
        println!(
            "{}: {} writes, {} runs, {} failed",
            path.display(),
            found.writes,
            found.runs,
            found.problems.len()
        );
        (runs, failed) = (runs + found.runs, failed + found.problems.len());
    }
    println!("{runs} runs, {} s, {failed} failed", begun.elapsed().as_secs());
    Ok(failed == 0)
}
