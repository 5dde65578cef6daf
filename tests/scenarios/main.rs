//! Runs the scenarios on both stores, in a few test worlds side by side, and counts them. Words on the command line choose
//! those whose name contains one of them.

mod agents;
mod bad_units;
mod cloud;
mod demo;
mod departure;
mod events;
mod footprint;
mod growing;
mod guide;
mod identity;
mod lifecycle;
mod loss;
mod machines;
mod metadata;
mod mixed;
mod placement;
mod plan;
mod pool;
mod release;
mod remote;
mod sidekick;
mod standalone;
mod store;
mod units;
mod upgrade;
mod worker;

use std::process::ExitCode;

use tests::failure::Outcome;
use tests::previous;
use tests::store_program::StoreKind;
use tests::wait::Stopwatch;
use tests::world::World;

use crate::plan::Plan;
use crate::pool::Score;
use crate::worker::Supplies;

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
        events::ALL,
        store::ALL,
        standalone::ALL,
        growing::ALL,
        remote::ALL,
        upgrade::ALL,
        mixed::ALL,
        release::ALL,
        cloud::ALL,
        demo::ALL,
        footprint::ALL,
    ]
    .into_iter()
    .flatten()
}

const HELP: &str = "\
[--store=etcd|own] [--worlds=N] [--list] [WORD...]

  WORD        only scenarios whose name has one of the words
  --store=    on that store only: a real etcd, or Skiff's own
  --worlds=   how many test worlds at once, each of three machines; 3 unless said otherwise
  --list      only show the names
";

/// Test worlds side by side. Scenarios mostly wait for a time to pass, so that two processors have enough for more; but a
/// world holds some thirty inotify instances, and Linux gives a user 128 unless told otherwise.
const WORLDS: usize = 3;

/// What the command line wants.
struct Wish {
    stores: Vec<StoreKind>,
    worlds: usize,
    list: bool,
    words: Vec<String>,
}

fn parse(arguments: impl Iterator<Item = String>) -> Option<Wish> {
    let mut wish = Wish { stores: StoreKind::ALL.to_vec(), worlds: WORLDS, list: false, words: Vec::new() };
    for word in arguments {
        if let Some(store) = word.strip_prefix("--store=") {
            wish.stores = vec![StoreKind::named(store)?];
        } else if let Some(worlds) = word.strip_prefix("--worlds=") {
            wish.worlds = worlds.parse().ok().filter(|worlds| *worlds > 0)?;
        } else if word == "--list" {
            wish.list = true;
        } else if word.starts_with('-') {
            return None;
        } else {
            wish.words.push(word);
        }
    }
    Some(wish)
}

fn main() -> ExitCode {
    let first = std::env::args().nth(1).unwrap_or_default();
    if let Some(store) = first.strip_prefix(worker::OPTION).and_then(StoreKind::named) {
        return ended(worker::serve(store).map(|()| true));
    }
    let Some(wish) = parse(std::env::args().skip(1)) else {
        eprint!("{HELP}");
        return ExitCode::from(2);
    };
    let is_chosen = |one: &&Scenario| {
        wish.words.is_empty() || wish.words.iter().any(|word| one.name.contains(word.as_str()))
    };
    let chosen: Vec<&Scenario> = all().filter(is_chosen).collect();
    if wish.list {
        chosen.iter().for_each(|one| println!("{}", one.name));
        return ExitCode::SUCCESS;
    }
    ended(run_all(&wish, &chosen))
}

fn ended(outcome: Outcome<bool>) -> ExitCode {
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("the test world could not be built: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Whether every one of them passed.
fn run_all(wish: &Wish, chosen: &[&'static Scenario]) -> Outcome<bool> {
    let whole = Stopwatch::start();
    let supplies = Supplies::gather(&wish.stores)?;
    if chosen.iter().any(|scenario| mixed::ALL.iter().any(|mixed| mixed.name == scenario.name)) {
        // Also once, and while no scenario waits for it. Where that fails, the scenario that needs it tells.
        let _ = previous::agent();
    }
    let plan = Plan::of(chosen, &wish.stores);
    let mut score = Score::default();
    let outcome = pool::run(plan.together, wish.worlds, &supplies, &mut score)
        .and_then(|()| pool::run(plan.alone, 1, &supplies, &mut score));
    let passed: usize = score.passed.values().sum();
    let by_store: Vec<String> =
        score.passed.iter().map(|(store, count)| format!("{count} on {store}")).collect();
    println!(
        "{passed} passed ({}); {} failed; {:.0} s",
        by_store.join(", "),
        score.failed.len(),
        whole.elapsed().as_secs_f64()
    );
    for (count, why) in &plan.once {
        println!("  {count} of one store only: {why}");
    }
    score.failed.iter().for_each(|(store, name)| println!("  failed: {store} {name}"));
    outcome.map(|()| score.failed.is_empty() && passed > 0)
}
