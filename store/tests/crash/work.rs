//! Work for a store: commands one after the other from a number, a store on a disk, and what is in it.

use std::sync::Arc;
use std::sync::Mutex;

use store::RealClocks;
use store::engine::{Answer, Durability, Engine, Options};
use store::keyspace::{Command, Compare, Content, Keyspace, Moment, end_of};

use super::disk::Disk;

/// Numbers that look like chance and come again.
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

/// A command that succeeds as a rule and changes something.
pub(crate) fn command(chance: &mut Chance, now: Moment) -> Command {
    let path = format!("/{}/{}", chance.next() % 4, chance.next() % 12);
    let length = usize::try_from(chance.next() % 900).unwrap();
    let expiry = end_of(now, 3600).filter(|_| chance.next().is_multiple_of(5));
    let content = Content { value: "x".repeat(length).into(), expiry, is_refresh: false };
    match chance.next() % 10 {
        0 => Command::Delete { path, is_dir: true, is_recursive: true },
        1 => Command::Create { path, is_dir: false, in_order: true, content },
        2 => Command::CompareAndSwap { path, compare: Compare::default(), content },
        _ => Command::Set { path, is_dir: false, content },
    }
}

/// What the store said while it was open.
pub(crate) type Said = Arc<Mutex<Vec<String>>>;

pub(crate) fn open(disk: &Disk, durability: Durability) -> (Engine, Said) {
    let said = Said::default();
    let heard = Arc::clone(&said);
    let warn = Box::new(move |text: &str| heard.lock().unwrap().push(text.to_owned()));
    let options = Options { durability, clocks: Box::new(RealClocks), warn };
    (Engine::open(Arc::new(disk.clone()), options).unwrap(), said)
}

pub(crate) fn carry_out(engine: &Engine, chance: &mut Chance) -> Answer {
    engine.submit(|now| command(chance, now)).recv_blocking().unwrap()
}

/// Everything in a keyspace: nodes, indices, ends and history, as it would be saved.
pub(crate) fn all_of(keyspace: &Keyspace) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    let saved = keyspace.save(|record| {
        records.push(record.to_vec());
        Ok::<_, ()>(())
    });
    saved.unwrap();
    records
}
