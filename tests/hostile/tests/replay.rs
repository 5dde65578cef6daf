//! Every kept input through its check, without libFuzzer: `tests/fuzz/corpus` holds what the fuzzers found worth keeping,
//! `tests/fuzz/regressions` what once broke something.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

use hostile::TARGETS;

fn fuzz_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}

fn inputs(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn every_kept_input_passes() {
    for (target, check) in TARGETS {
        let corpus = inputs(&fuzz_folder().join("corpus").join(target));
        assert!(!corpus.is_empty(), "no corpus for {target}");
        for input in corpus.iter().chain(&inputs(&fuzz_folder().join("regressions").join(target))) {
            println!("{}", input.display());
            check(&fs::read(input).unwrap());
            let peak = peak_kb();
            assert!(peak < MEMORY_MAX_KB, "{} kB of memory after {}", peak, input.display());
        }
    }
}

/// What libFuzzer holds each input to (`tests/src/fuzz.rs`).
const MEMORY_MAX_KB: u64 = 1024 * 1024;

/// The most memory this process has had in use.
fn peak_kb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim_end_matches("kB").trim().parse().unwrap()
}

#[test]
fn every_target_has_its_program_and_every_folder_its_target() {
    for (target, _) in TARGETS {
        let program = fs::read_to_string(fuzz_folder().join(format!("targets/{target}.rs"))).unwrap();
        assert!(program.contains(&format!("hostile::check(\"{target}\", bytes)")), "{target}");
    }
    for folder in ["corpus", "regressions", "targets"] {
        for path in inputs(&fuzz_folder().join(folder)) {
            let stem = path.file_stem().unwrap().to_str().unwrap();
            assert!(TARGETS.iter().any(|(target, _)| *target == stem), "{}", path.display());
        }
    }
}
