//! `cargo verify`: every check there is, in order, a line for each and a summary. It goes on after a failed check, so
//! that one run tells everything. `--quick` leaves out what boots machines and what builds for shipping.

pub mod house;
mod steps;

use std::process::ExitCode;

use crate::failure::{Failure, Outcome};
use crate::packages;
use crate::wait::Stopwatch;

const HELP: &str = "\
cargo verify [--quick]     check everything; exit status 0 if all of it is right

  --quick   without the scenarios on real machines, the demo and the release build
  --help    these lines
";

/// Runs the checks with the words after the program's name.
#[must_use]
pub fn main(words: &[String]) -> ExitCode {
    let quick = match words {
        [] => false,
        [word] if word == "--quick" => true,
        [word] if word == "--help" || word == "-h" => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprint!("verify: cannot read {:?}\n\n{HELP}", words.join(" "));
            return ExitCode::from(2);
        }
    };
    match verify(quick) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("verify: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// How one check ended.
struct Verdict {
    name: &'static str,
    seconds: f64,
    passed: bool,
}

fn verify(quick: bool) -> Outcome {
    let whole = Stopwatch::start();
    packages::ensure(packages::FOR_VERIFY)?;
    let mut verdicts = Vec::new();
    for step in steps::all().filter(|step| !(quick && step.slow)) {
        let watch = Stopwatch::start();
        let outcome = (step.run)();
        let verdict =
            Verdict { name: step.name, seconds: watch.elapsed().as_secs_f64(), passed: outcome.is_ok() };
        println!("{}", line(&verdict));
        if let Err(failure) = outcome {
            println!("{failure}\n");
        }
        verdicts.push(verdict);
    }
    println!("\nin all, {:.0} s:", whole.elapsed().as_secs_f64());
    verdicts.iter().for_each(|verdict| println!("  {}", line(verdict)));
    let failed: Vec<&str> = verdicts.iter().filter(|one| !one.passed).map(|one| one.name).collect();
    if failed.is_empty() { Ok(()) } else { Err(Failure::new(format!("failed: {}", failed.join("; ")))) }
}

fn line(verdict: &Verdict) -> String {
    let word = if verdict.passed { "ok" } else { "FAILED" };
    format!("{word:6} {:7.1} s  {}", verdict.seconds, verdict.name)
}
