//! The fuzz targets of `tests/fuzz`, built by cargo-fuzz and run one after the other, each for some seconds on top of the
//! kept inputs, which are never written to; and, on request, the kept inputs made fewer, with what was found meanwhile.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::cargo::command;
use crate::failure::{Failure, Outcome};
use crate::install::{target_folder, workspace};
use crate::run::{Ran, finish};

const HELP: &str = "\
cargo run -p tests --bin fuzz -- [--keep] [SECONDS [TARGET...]]     10 seconds and every target, if nothing else is said

  --keep    add what was found to the kept inputs, and make those as few as show the same
  --help    these lines

A target that finds something ends at once. The input is then in tests/fuzz/artifacts: once its cause is mended, it goes to
tests/fuzz/regressions.
";

/// How long each target runs in `cargo verify`.
pub const VERIFY_SECONDS: u32 = 10;
/// The tool that builds the targets, as it was tried.
const TOOL: [&str; 4] = ["install", "cargo-fuzz", "--locked", "--debug"];
/// No target needs more; the agent's whole promise is a fraction of it.
const MEMORY_MAX_MB: u32 = 1024;
/// Longest input, with which every bound of a text is still passed somewhere.
const INPUT_MAX_BYTES: u32 = 4096;
/// Longest one input may take.
const INPUT_SECONDS: u32 = 10;

/// Runs the targets with the words after the program's name.
#[must_use]
pub fn main(words: &[String]) -> ExitCode {
    let (keeps, words) = match words.split_first() {
        Some((first, rest)) if first == "--keep" => (true, rest),
        _ => (false, words),
    };
    let seconds = words.first().map_or(Some(VERIFY_SECONDS), |word| word.parse().ok());
    let Some(seconds) = seconds else {
        eprint!("{HELP}");
        let asked = words.first().is_some_and(|word| word == "--help" || word == "-h");
        return if asked { ExitCode::SUCCESS } else { ExitCode::from(2) };
    };
    match fuzz(seconds, words.get(1..).unwrap_or_default(), keeps) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("fuzz: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Builds the targets and runs each that is named, or all, for so many seconds.
///
/// # Errors
/// They cannot be built, or the first that found something, with what it printed.
pub fn fuzz(seconds: u32, named: &[String], keeps: bool) -> Outcome {
    let folder = build()?;
    let all = targets()?;
    if let Some(unknown) = named.iter().find(|name| !all.contains(name)) {
        return Err(Failure::new(format!("no target {unknown}; there are: {}", all.join(" "))));
    }
    for target in all.iter().filter(|target| named.is_empty() || named.contains(target)) {
        let (kept, found) = (ours("corpus").join(target), target_folder().join("fuzz/corpus").join(target));
        make_folder(&found)?;
        make_folder(&ours("artifacts").join(target))?;
        let mut run = program(&folder, target);
        run.arg(format!("-max_total_time={seconds}")).arg("-print_final_stats=1").arg(&found).arg(&kept);
        let ran = finish(run, &[])?;
        println!("{}", row(target, &ran));
        ran.success()?;
        if keeps {
            keep(&folder, target, &found, &kept)?;
        }
    }
    Ok(())
}

fn ours(name: &str) -> PathBuf {
    workspace().join("tests/fuzz").join(name)
}

fn make_folder(path: &Path) -> Outcome {
    fs::create_dir_all(path).map_err(|cause| Failure::during(format!("create {}", path.display()), cause))
}

/// The targets' names.
fn targets() -> Outcome<Vec<String>> {
    let folder = ours("targets");
    let entries = fs::read_dir(&folder)
        .map_err(|cause| Failure::during(format!("read {}", folder.display()), cause))?;
    let name = |path: PathBuf| Some(path.file_stem()?.to_str()?.to_owned());
    let mut names: Vec<String> = entries.flatten().filter_map(|entry| name(entry.path())).collect();
    names.sort_unstable();
    Ok(names)
}

/// Builds all targets; the folder they are in.
fn build() -> Outcome<PathBuf> {
    if finish(command(&["fuzz", "--version"]), &[])?.exit != 0 {
        finish(command(&TOOL), &[])?.success()?;
    }
    // The targets use what the workspace uses, and add libFuzzer.
    let (lock, copy) = (workspace().join("Cargo.lock"), ours("Cargo.lock"));
    fs::copy(&lock, &copy).map_err(|cause| Failure::during(format!("write {}", copy.display()), cause))?;
    let output = target_folder().join("fuzz");
    // Without a sanitizer the stable compiler does; Skiff's own code has next to nothing for one to find.
    let words = ["fuzz", "build", "--fuzz-dir", "tests/fuzz", "--sanitizer", "none", "--codegen-units", "16"];
    let mut call = command(&words);
    call.arg("--target-dir").arg(&output);
    finish(call, &[])?.success()?;
    Ok(output.join(format!("{}-unknown-linux-gnu/release", std::env::consts::ARCH)))
}

fn program(folder: &Path, target: &str) -> Command {
    let mut program = Command::new(folder.join(target));
    program.arg(format!("-rss_limit_mb={MEMORY_MAX_MB}")).arg(format!("-max_len={INPUT_MAX_BYTES}"));
    program.arg(format!("-timeout={INPUT_SECONDS}"));
    program.arg(format!("-artifact_prefix={}/", ours("artifacts").join(target).display()));
    program
}

/// Makes the kept inputs anew, of them and what was found: as few as reach the same.
fn keep(folder: &Path, target: &str, found: &Path, kept: &Path) -> Outcome {
    let fresh = target_folder().join("fuzz/fresh").join(target);
    if fresh.exists() {
        fs::remove_dir_all(&fresh)
            .map_err(|cause| Failure::during(format!("remove {}", fresh.display()), cause))?;
    }
    make_folder(&fresh)?;
    let mut merge = program(folder, target);
    // Edges alone: how often each was taken would keep ten times as many.
    merge.args(["-set_cover_merge=1", "-use_counters=0"]).args([
        &fresh,
        &kept.to_path_buf(),
        &found.to_path_buf(),
    ]);
    finish(merge, &[])?.success()?;
    let replace = || -> std::io::Result<()> {
        fs::remove_dir_all(kept)?;
        fs::create_dir_all(kept)?;
        for entry in fs::read_dir(&fresh)? {
            let path = entry?.path();
            fs::copy(&path, kept.join(path.file_name().unwrap_or_default()))?;
        }
        Ok(())
    };
    replace().map_err(|cause| Failure::during(format!("replace {}", kept.display()), cause))
}

/// `target  executions  coverage  seconds`, from what libFuzzer says at its end.
fn row(target: &str, ran: &Ran) -> String {
    let said = |what: &str| {
        let line = ran.stderr.lines().rev().find_map(|line| line.split_once(what));
        line.map_or("-", |(_, rest)| rest.split_whitespace().next().unwrap_or("-"))
    };
    let (runs, coverage, rate) =
        (said("number_of_executed_units:"), said("cov: "), said("average_exec_per_sec:"));
    let peak = said("peak_rss_mb:");
    format!("{target:16} {runs:>11} runs  {rate:>7} a second  coverage {coverage:>6}  {peak:>5} MB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_run_makes_a_row() {
        let stderr = "#2\tINITED cov: 12 ft: 13\n#99\tDONE   cov: 345 ft: 600 corp: 7/70b\nDone 99 runs in 3 second(s)\n\
                      stat::number_of_executed_units: 99\nstat::average_exec_per_sec:     33\nstat::peak_rss_mb:              44\n";
        let ran = Ran { call: String::new(), exit: 0, stdout: String::new(), stderr: stderr.to_owned() };
        let row = row("json", &ran);
        let words: Vec<&str> = row.split_whitespace().collect();
        assert_eq!(words, ["json", "99", "runs", "33", "a", "second", "coverage", "345", "44", "MB"]);
    }

    #[test]
    fn the_targets_are_found() {
        assert!(targets().unwrap().contains(&"unit_file".to_owned()));
    }
}
