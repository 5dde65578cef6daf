//! A few hundred seeds, the same run twice, every run that ever failed, one for each guard that is taken out, and blows at some of
//! the writes of a catalogue: plain `cargo test`, and a step of `cargo verify`. Many thousands are `cargo sim`'s.

use std::fs;
use std::io;
use std::path::Path;
use std::thread;

use sim::cuts::{cut, cut_twice};
use sim::generate::generate;
use sim::guards::Guard;
use sim::run::run;
use sim::scenario::Scenario;

/// Seeds of this test; the README says what many more came to.
const SEEDS: u64 = 300;
/// Threads that share them.
const THREADS: u64 = 2;
/// Every how many-th write of the catalogue is cut here; `cargo sim --cuts` takes all of them.
const CUT_EVERY: usize = 16;
/// Every how many-th write is followed here by a second blow in the recovery, and how far into that they go.
const CUT_TWICE: (usize, u64) = (64, 4);

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
    let share = |first: u64| {
        for seed in (first..=SEEDS).step_by(usize::try_from(THREADS).unwrap_or(1)) {
            let verdict = run(&generate(seed), false);
            assert_eq!(
                verdict.problems,
                Vec::<String>::new(),
                "`cargo sim --seed {seed} --shrink` shows why"
            );
        }
    };
    thread::scope(|scope| (1..=THREADS).for_each(|first| drop(scope.spawn(move || share(first)))));
}

#[test]
fn a_blow_at_a_write_is_survived() {
    for (at, (path, text)) in (1..).zip(kept("cuts").expect("the catalogue")) {
        let found = cut(&Scenario::parse(&text).expect("a scenario"), at, CUT_EVERY);
        assert!(found.runs > 0, "{path} has {} writes", found.writes);
        assert_eq!(found.problems, Vec::<String>::new(), "{path}");
    }
}

#[test]
fn a_second_blow_in_the_recovery_is_survived() {
    let (every, depth) = CUT_TWICE;
    for (at, (path, text)) in (1..).step_by(4).zip(kept("cuts").expect("the catalogue")) {
        let found = cut_twice(&Scenario::parse(&text).expect("a scenario"), at, every, depth);
        assert!(found.runs > 0, "{path} has {} writes", found.writes);
        assert_eq!(found.problems, Vec::<String>::new(), "{path}");
    }
}

#[test]
fn what_failed_once_does_not_fail_again() {
    for (path, text) in kept("regressions").expect("the kept runs") {
        let scenario = Scenario::parse(&text).expect("a scenario");
        assert_eq!(run(&scenario, false).problems, Vec::<String>::new(), "{path}");
    }
}

/// The runs of a folder, by their paths.
fn kept(folder: &str) -> io::Result<Vec<(String, String)>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let mut runs = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        runs.push((path.display().to_string(), fs::read_to_string(&path)?));
    }
    runs.sort();
    assert!(!runs.is_empty(), "{} holds no run", folder.display());
    Ok(runs)
}

fn problems(scenario: &Scenario, without: &[Guard]) -> Vec<String> {
    run(&Scenario { without: without.to_vec(), ..scenario.clone() }, false).problems
}

/// What stands in `tests/guards`: without its guard a run finds what the file says, and with it nothing. Where a file takes out
/// several guards, each of them alone is no harm, since another one stands behind it.
#[test]
fn a_guard_that_is_taken_out_is_missed() {
    let mut missed = Vec::new();
    for (path, text) in kept("guards").expect("the kept runs") {
        let scenario = Scenario::parse(&text).expect("a scenario");
        let finds = text.lines().find_map(|line| line.strip_prefix("# finds: ")).expect("what it finds");
        assert_eq!(problems(&scenario, &[]), Vec::<String>::new(), "{path}, with every guard");
        let found = run(&scenario, false);
        match finds {
            "nothing, and two lead at once" => {
                assert!(found.problems.is_empty() && found.two_leaders, "{path}: {:?}", found.problems);
            }
            finds => {
                let is_found = found.problems.iter().any(|problem| problem.contains(finds));
                assert!(is_found, "{path}: not `{finds}`, but {:?}", found.problems);
            }
        }
        if let [_, _, ..] = scenario.without.as_slice() {
            for guard in &scenario.without {
                assert_eq!(
                    problems(&scenario, &[*guard]),
                    Vec::<String>::new(),
                    "{path}, {} alone",
                    guard.word()
                );
            }
        }
        missed.extend(scenario.without);
    }
    for (guard, word) in Guard::ALL {
        assert!(missed.contains(&guard), "no run is without {word}");
    }
}
