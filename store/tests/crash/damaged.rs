//! Damage that no crash can do: another program was at the file, or the disk is bad.

use std::sync::Arc;

use redb::StorageBackend;
use store::RealClocks;
use store::engine::{Durability, Engine, Options};
use store::folder::Folder;

use super::disk::{Disk, Image};
use super::work::{Chance, all_of, carry_out, open};

const FILE: &str = "store.redb";
/// The database's header and the roots of its trees.
const HEAD_BYTES: u64 = 320;
/// Of the rest of the file one bit in that many bytes is tried.
const STRIDE_BYTES: u64 = 1021;

fn file(disk: &Disk) -> Box<dyn StorageBackend> {
    disk.open(FILE).unwrap().unwrap()
}

/// What is in the store of that disk, or why it is refused.
fn found(disk: &Disk) -> Result<Vec<Vec<u8>>, String> {
    let warn = Box::new(|text: &str| panic!("{text}"));
    let options = Options { durability: Durability::Durable, clocks: Box::new(RealClocks), warn };
    let engine = Engine::open(Arc::new(disk.clone()), options).map_err(|error| error.to_string())?;
    Ok(engine.read(|keyspace, _| all_of(keyspace)))
}

#[test]
fn a_file_that_somebody_emptied_is_refused_and_no_new_store() {
    let disk = Disk::new(Image::default());
    drop(open(&disk, Durability::Durable));
    drop(disk.create(FILE).unwrap());
    // The database makes an empty file one of its own.
    for _ in 0..2 {
        let refused = found(&disk).unwrap_err();
        assert!(refused.starts_with("read store.redb: ") && refused.contains("records"), "{refused}");
    }
}

#[test]
fn no_flipped_bit_changes_what_is_found() {
    let disk = Disk::new(Image::default());
    let (engine, _) = open(&disk, Durability::Durable);
    let mut chance = Chance(11);
    for _ in 0..100 {
        let _ = carry_out(&engine, &mut chance);
    }
    let written = engine.read(|keyspace, _| all_of(keyspace));
    drop(engine);
    let image = disk.cutter().cut(disk.steps() - 1, || 2);
    let length = file(&disk).len().unwrap();
    let head = (0..HEAD_BYTES * 8).map(|bit| (bit / 8, bit % 8));
    let rest = (HEAD_BYTES..length).step_by(usize::try_from(STRIDE_BYTES).unwrap());
    let mut refused = 0;
    for (place, bit) in head.chain(rest.map(|place| (place, place % 8))) {
        let disk = Disk::new(image.clone());
        let mut byte = [0];
        file(&disk).read(place, &mut byte).unwrap();
        file(&disk).write(place, &[byte[0] ^ (1 << bit)]).unwrap();
        match found(&disk) {
            Ok(found) => assert!(found == written, "bit {bit} of byte {place}"),
            Err(message) => {
                refused += 1;
                assert!(message.contains(FILE), "{message}");
            }
        }
    }
    assert!(refused > 1000, "only {refused} were noticed");
}
