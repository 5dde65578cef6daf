//! Clocks that jump: a TTL counts the time that passes, whatever the calendar says.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use store::Clocks;
use store::engine::{Durability, Engine, Options};
use store::keyspace::{Command, Content, Moment, end_of};

use super::disk::{Disk, Image};
use crate::patience::wait_until;

const SECOND: Moment = 1_000_000_000;
/// 2026.
const TODAY: Moment = 1_770_000_000 * SECOND;

#[derive(Clone, Default)]
struct Hands {
    calendar: Arc<AtomicI64>,
    boot: Arc<AtomicI64>,
}

impl Clocks for Hands {
    fn calendar(&self) -> Moment {
        self.calendar.load(Ordering::SeqCst)
    }

    fn boot(&self) -> Moment {
        self.boot.load(Ordering::SeqCst)
    }
}

fn open(disk: &Disk, hands: &Hands) -> Engine {
    let warn = Box::new(|text: &str| panic!("{text}"));
    let options = Options { durability: Durability::Durable, clocks: Box::new(hands.clone()), warn };
    Engine::open(Arc::new(disk.clone()), options).unwrap()
}

fn put(engine: &Engine, path: &str, ttl_secs: u64) {
    let path = path.to_owned();
    let write = |now| {
        let content = Content { value: "v".into(), expiry: end_of(now, ttl_secs), is_refresh: false };
        Command::Set { path, is_dir: false, content }
    };
    engine.submit(write).recv_blocking().unwrap().unwrap();
}

fn left(engine: &Engine, path: &str) -> Option<i64> {
    engine.read(|keyspace, now| Some(keyspace.find(path).ok()?.view(path, now).ttl))
}

#[test]
fn a_stepped_calendar_ends_nothing_and_keeps_nothing() {
    let hands = Hands::default();
    hands.calendar.store(TODAY, Ordering::SeqCst);
    let engine = open(&Disk::new(Image::default()), &hands);
    put(&engine, "/a", 60);
    for calendar in [TODAY + 1_000_000 * SECOND, 0, TODAY] {
        hands.calendar.store(calendar, Ordering::SeqCst);
        put(&engine, "/other", 1000);
        assert_eq!(left(&engine, "/a"), Some(60), "calendar at {calendar}");
    }
    hands.boot.fetch_add(59 * SECOND, Ordering::SeqCst);
    assert_eq!(left(&engine, "/a"), Some(1));
    hands.boot.fetch_add(2 * SECOND, Ordering::SeqCst);
    wait_until("end of /a", Duration::from_secs(20), || {
        put(&engine, "/other", 1000);
        left(&engine, "/a").map_or(Ok(()), Err)
    });
}

#[test]
fn across_a_restart_the_calendar_counts_but_never_backwards() {
    let disk = Disk::new(Image::default());
    let hands = Hands::default();
    hands.calendar.store(TODAY, Ordering::SeqCst);
    put(&open(&disk, &hands), "/a", 60);
    // The machine was off for 20 s.
    hands.calendar.store(TODAY + 20 * SECOND, Ordering::SeqCst);
    hands.boot.store(5 * SECOND, Ordering::SeqCst);
    let engine = open(&disk, &hands);
    assert_eq!(left(&engine, "/a"), Some(40));
    put(&engine, "/b", 60);
    drop(engine);
    // One without a battery for its clock begins in 1970.
    hands.calendar.store(0, Ordering::SeqCst);
    let engine = open(&disk, &hands);
    assert_eq!((left(&engine, "/a"), left(&engine, "/b")), (Some(40), Some(60)));
}
