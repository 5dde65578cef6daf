//! A watch on a real etcd: it starts from a read, tells of changes, skips what later reads have covered, and after
//! an interruption or a gap in etcd's history says nothing more until the next read.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use agent::watch::Watch;
use registry::etcd::{Endpoint, Endpoints, Etcd, KeyPrefix, Settings};
use registry::store::{Freshness, Hold, Outcome, Store};
use tests::etcd::Etcd as RealEtcd;

/// Far longer than any wake-up takes, for those that have to come.
const COMES: Duration = Duration::from_secs(10);
/// Long enough for a wake-up that must not come to be noticed if it does.
const STAYS_AWAY: Duration = Duration::from_millis(300);

struct Watched {
    _etcd: RealEtcd,
    store: Arc<Etcd>,
    watch: Watch,
    wakes: Receiver<Option<String>>,
}

fn watched() -> Watched {
    let etcd = RealEtcd::start().expect("a real etcd");
    let endpoint = Endpoint::parse(&etcd.endpoint()).expect("its URL");
    let endpoints = Endpoints::new(vec![endpoint]).expect("one endpoint");
    let settings = Settings::new(endpoints, KeyPrefix::parse("/fleet/").expect("a prefix"));
    let store = Arc::new(Etcd::new(&settings).expect("a client"));
    let (tell, wakes) = channel();
    let watch = Watch::start("watch-test", Arc::<Etcd>::clone(&store), "fleet".to_owned(), 0, move |key| {
        // The test may have ended already.
        let _ = tell.send(key.map(str::to_owned));
    });
    Watched { _etcd: etcd, store, watch: watch.expect("a thread"), wakes }
}

impl Watched {
    fn index(&self) -> u64 {
        self.store.read("fleet/a", Freshness::Quorum).expect("an answer").1.index
    }

    fn put(&self, key: &str) {
        assert!(matches!(self.store.put(key, "x"), Outcome::Done { .. }), "put {key}");
    }

    fn wakes_for(&self, key: Option<&str>) {
        let woken = self.wakes.recv_timeout(COMES).expect("a wake-up");
        assert_eq!(woken.as_deref(), key);
    }

    /// Interrupts the poll, and once more if the thread had not begun it yet.
    fn interrupted(&self) {
        let woken = (0..30).find_map(|_| {
            self.store.interrupt_watches();
            self.wakes.recv_timeout(STAYS_AWAY).ok()
        });
        assert_eq!(woken, Some(None));
    }

    fn sleeps(&self) {
        assert_eq!(self.wakes.recv_timeout(STAYS_AWAY), Err(RecvTimeoutError::Timeout));
    }
}

#[test]
fn it_starts_with_the_first_read_and_tells_each_change() {
    let it = watched();
    let before = it.index();
    it.put("fleet/a");
    it.sleeps();
    it.watch.resume(before);
    it.wakes_for(Some("fleet/a"));
    it.put("fleet/b");
    it.wakes_for(Some("fleet/b"));
    it.put("units/elsewhere");
    it.sleeps();
}

#[test]
fn a_refresh_wakes_nobody_and_a_read_covers_what_it_saw() {
    let it = watched();
    assert!(matches!(it.store.create("fleet/a", "x", Some(60)), Outcome::Done { .. }));
    it.watch.resume(it.index());
    assert!(matches!(it.store.keep_alive("fleet/a", Hold::Value("x"), 60), Outcome::Done { .. }));
    it.sleeps();
    it.put("fleet/b");
    it.wakes_for(Some("fleet/b"));
}

#[test]
fn an_interrupted_watch_waits_for_a_read() {
    let it = watched();
    it.watch.resume(it.index());
    it.put("fleet/a");
    it.wakes_for(Some("fleet/a"));
    it.interrupted();
    it.put("fleet/a");
    it.sleeps();
    let index = it.index();
    it.watch.resume(index);
    it.put("fleet/b");
    it.wakes_for(Some("fleet/b"));
}

#[test]
fn a_gap_in_the_history_asks_for_a_read() {
    let it = watched();
    let long_ago = it.index();
    for _ in 0..1005 {
        it.put("units/busy");
    }
    it.watch.resume(long_ago);
    it.wakes_for(None);
    it.sleeps();
    it.watch.resume(it.index());
    it.put("fleet/a");
    it.wakes_for(Some("fleet/a"));
}

#[test]
fn a_store_that_went_back_asks_for_a_read_at_once() {
    let it = watched();
    it.watch.resume(it.index() + 1000);
    it.wakes_for(None);
    it.watch.resume(it.index());
    it.put("fleet/a");
    it.wakes_for(Some("fleet/a"));
}
