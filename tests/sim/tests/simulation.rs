//! A few hundred seeds, the same run twice, and every run that ever failed: plain `cargo test`, and the step of
//! `cargo verify`. Many thousands are `cargo sim`'s.

use std::fs;
use std::path::Path;

use sim::generate::generate;
use sim::run::run;
use sim::scenario::Scenario;

/// Seeds of this test; the README says what many more came to.
const SEEDS: u64 = 100;

#[test]
fn a_text_is_the_scenario_it_was_written_from() {
    for seed in 1..200 {
        let scenario = generate(seed);
        assert_eq!(Scenario::parse(&scenario.to_string()), Ok(scenario));
    }
}

#[test]
fn a_seed_is_the_same_run_every_time() {
    for seed in [3, 27, 192] {
        let (first, second) = (run(&generate(seed), true), run(&generate(seed), true));
        let folderless = |line: &String| line.split("skiff-sim-").next().unwrap_or_default().to_owned();
        let lines = |trace: &[String]| trace.iter().map(folderless).collect::<Vec<_>>();
        assert!(first.trace.len() > 100, "seed {seed} did nothing");
        assert_eq!(lines(&first.trace), lines(&second.trace), "seed {seed}");
    }
}

#[test]
fn fleets_survive() {
    for seed in 1..=SEEDS {
        let verdict = run(&generate(seed), false);
        assert_eq!(verdict.problems, Vec::<String>::new(), "`cargo sim --seed {seed} --shrink` shows why");
    }
}

#[test]
fn what_failed_once_does_not_fail_again() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/regressions");
    let mut kept = 0;
    for entry in fs::read_dir(&folder).expect("the kept runs") {
        let path = entry.expect("the kept runs").path();
        let scenario = Scenario::parse(&fs::read_to_string(&path).expect("a text")).expect("a scenario");
        assert_eq!(run(&scenario, false).problems, Vec::<String>::new(), "{}", path.display());
        kept += 1;
    }
    assert!(kept > 0, "{} holds no run", folder.display());
}
