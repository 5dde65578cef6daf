//! The power fails at every single write. What is found afterwards is exactly what was there after some write that
//! began no later, and every write that was acknowledged is in it.

use std::hash::{DefaultHasher, Hash, Hasher};

use store::engine::Durability;

use super::disk::{Disk, Image};
use super::work::{Chance, all_of, carry_out, open};

/// Writes of one run: enough for several fresh files.
const WRITES: u64 = 1200;
/// Cuts at least, over all runs.
const CUTS: usize = 1000;

/// How a record of the history begins.
const PAST: u8 = 3;

/// A store at work: after how many steps of the disk which state was acknowledged.
struct Run {
    disk: Disk,
    /// The disk's steps when the state was acknowledged, and the state.
    states: Vec<(usize, u64)>,
}

fn digest(records: &[Vec<u8>]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for record in records {
        // Of the history, which is the most of it, what happened to which key is enough.
        let is_past = record.first() == Some(&PAST);
        record[..record.len().min(if is_past { 48 } else { usize::MAX })].hash(&mut hasher);
    }
    hasher.finish()
}

fn run(seed: u64) -> Run {
    let disk = Disk::new(Image::default());
    let (engine, said) = open(&disk, Durability::Durable);
    let mut chance = Chance(seed);
    let state = || engine.read(|keyspace, _| digest(&all_of(keyspace)));
    let mut states = vec![(disk.steps(), state())];
    for _ in 0..WRITES {
        if carry_out(&engine, &mut chance).is_ok() {
            states.push((disk.steps(), state()));
        }
    }
    assert!(said.lock().unwrap().is_empty(), "{:?}", said.lock().unwrap());
    Run { disk, states }
}

#[test]
fn no_cut_loses_what_was_acknowledged() {
    let run = run(1);
    let steps = run.disk.steps();
    let mut chance = Chance(7);
    let mut cutter = run.disk.cutter();
    let first = run.states[0].0;
    let every = ((steps - first) / (CUTS + 200)).max(1);
    let mut cuts = 0;
    for at in (first..steps).step_by(every) {
        let image = cutter.cut(at, || chance.next());
        let disk = Disk::new(image);
        let (engine, _) = open(&disk, Durability::Durable);
        let found = engine.read(|keyspace, _| digest(&all_of(keyspace)));
        let acknowledged = run.states.partition_point(|(step, _)| *step <= at);
        let possible = &run.states[acknowledged - 1..(acknowledged + 1).min(run.states.len())];
        assert!(
            possible.iter().any(|(_, state)| *state == found),
            "cut at step {at} of {steps}: not what was acknowledged ({acknowledged} writes)"
        );
        // And it goes on from there.
        assert!(engine.submit(|now| super::work::command(&mut Chance(3), now)).recv_blocking().is_ok());
        cuts += 1;
    }
    assert!(cuts >= CUTS, "{cuts} cuts of {steps} steps");
    println!("{cuts} cuts of {steps} steps, {} writes", run.states.len());
}

#[test]
fn relaxed_keeps_a_state_there_was_and_all_of_it_when_closed() {
    let disk = Disk::new(Image::default());
    let mut chance = Chance(5);
    let (engine, _) = open(&disk, Durability::Relaxed);
    let mut states = Vec::new();
    for _ in 0..300 {
        let _ = carry_out(&engine, &mut chance);
        states.push(engine.read(|keyspace, _| digest(&all_of(keyspace))));
    }
    drop(engine);
    let (steps, mut cutter) = (disk.steps(), disk.cutter());
    for at in 0..steps {
        let (engine, _) = open(&Disk::new(cutter.cut(at, || chance.next())), Durability::Relaxed);
        let found = engine.read(|keyspace, _| (keyspace.index(), digest(&all_of(keyspace))));
        assert!(found.0 == 3 || states.contains(&found.1), "cut at step {at} of {steps}");
    }
    let (engine, _) = open(&disk, Durability::Relaxed);
    assert_eq!(Some(&engine.read(|keyspace, _| digest(&all_of(keyspace)))), states.last());
}
