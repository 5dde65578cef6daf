//! A full disk: reads go on, writes fail with an error that says so, and when there is room again so does everything
//! else. And a file that does not grow without end.

use std::time::Duration;

use store::engine::{Answer, Durability, Engine};
use store::keyspace::{Command, Content};

use super::disk::{Disk, Image};
use super::work::{Chance, all_of, carry_out, open};
use crate::patience::wait_until;

fn set(engine: &Engine, path: &str, value: &str) -> Answer {
    let content = Content { value: value.into(), expiry: None, is_refresh: false };
    let command = Command::Set { path: path.to_owned(), is_dir: false, content };
    engine.submit(|_| command).recv_blocking().unwrap()
}

#[test]
fn a_full_disk_refuses_writes_and_nothing_else() {
    for durability in [Durability::Durable, Durability::Relaxed] {
        let disk = Disk::new(Image::default());
        let (engine, said) = open(&disk, durability);
        set(&engine, "/kept", "v").unwrap();
        disk.leave_room(64 * 1024);
        let large = "x".repeat(100_000);
        let refusal =
            wait_until("refusal", Duration::from_secs(20), || match set(&engine, "/large", &large) {
                Ok(_) => Err("taken"),
                Err(refusal) => Ok(refusal),
            });
        assert_eq!(refusal.code.number(), 300);
        assert!(
            refusal.cause.contains("write store.redb: ") && refusal.cause.contains("storage"),
            "{refusal:?}"
        );
        wait_until("a store that is not well", Duration::from_secs(20), || {
            if engine.is_well() { Err("well") } else { Ok(()) }
        });
        assert!(engine.read(|keyspace, _| keyspace.find("/kept").is_ok()));
        assert_eq!(said.lock().unwrap().len(), 1, "said once: {:?}", said.lock().unwrap());
        disk.leave_room(10_000_000);
        wait_until("room", Duration::from_secs(20), || {
            set(&engine, "/after", "v").map_err(|refusal| refusal.cause)
        });
        let before = engine.read(|keyspace, _| all_of(keyspace));
        drop(engine);
        let (engine, _) = open(&disk, durability);
        assert!(
            before == engine.read(|keyspace, _| all_of(keyspace)),
            "{durability:?}: not the same after all"
        );
    }
}

#[test]
fn the_file_stays_in_proportion_to_what_is_in_it() {
    let disk = Disk::new(Image::default());
    let (engine, _) = open(&disk, Durability::Durable);
    let mut chance = Chance(11);
    let mut largest = 0;
    for _ in 0..6000 {
        let _ = carry_out(&engine, &mut chance);
        largest = largest.max(disk.bytes());
    }
    let live: usize = engine.read(|keyspace, _| all_of(keyspace).iter().map(Vec::len).sum());
    assert!(largest < 4 * live.max(1 << 20) + (2 << 20), "{largest} bytes on disk for {live}");
}
