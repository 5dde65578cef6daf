//! The lease on a real etcd, with the loops that hold it: a lease that ended while its holder could not renew it is
//! taken again, and one that is given back stays given back. Presence stands in for nothing here: it is the real one,
//! and what hangs on moments of it is tried here as well.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use agent::bell::{Bell, bell};
use agent::node::{Identity, Node, Parts, Ropes};
use agent::runtime_dir::RuntimeDir;
use agent::{clock, config, lease, leave, presence};
use cluster::{BootId, Guard, MachineId, keys, loss};
use registry::etcd::{Endpoint, Endpoints, Etcd, Settings};
use registry::store::{Freshness, Hold, Outcome, Store};
use smol::LocalExecutor;
use systemd_shim::Notify;
use tests::etcd::Etcd as RealEtcd;
use tests::slow_link::SlowLink;

const LIMIT: Duration = Duration::from_secs(10);

struct Held {
    _etcd: RealEtcd,
    folder: std::path::PathBuf,
    /// Between the agent and etcd.
    link: SlowLink,
    /// A way to etcd past the link.
    store: Etcd,
    node: Rc<Node>,
}

impl Drop for Held {
    fn drop(&mut self) {
        // What is left behind in the folder of temporary files hurts nobody.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Held {
    fn epoch(&self) -> Option<u64> {
        let read = self.store.read(keys::LEASE, Freshness::Quorum).expect("an answer");
        read.0.map(|lease| lease.created)
    }

    async fn until<T>(&self, what: &str, mut reached: impl FnMut(&Self) -> Option<T>) -> T {
        let until_ms = clock::now_ms() + clock::ms(LIMIT);
        loop {
            if let Some(reached) = reached(self) {
                return reached;
            }
            let standing = self.node.standing();
            assert!(clock::now_ms() < until_ms, "{what}: epoch {:?}, {standing:?}", self.epoch());
            smol::Timer::after(Duration::from_millis(20)).await;
        }
    }
}

fn node(etcd: &str, configuration: &str, folder: &std::path::Path) -> (Rc<Node>, [Bell; 2]) {
    let file = folder.join("fleet.conf");
    std::fs::write(&file, configuration).expect("a configuration");
    let environment = [("FLEET_ETCD_SERVERS".into(), etcd.into())];
    let loaded = config::load(Some(&file), environment).expect("settings");
    let runtime = RuntimeDir::open(folder).expect("a runtime directory");
    let digits = "0123456789abcdef0123456789abcdef";
    let identity = Identity {
        id: MachineId::parse(digits).expect("an ID"),
        boot: BootId::parse(digits).expect("a boot ID"),
        nonce: runtime.nonce().expect("a nonce"),
    };
    let store = Etcd::new(&loaded.settings.etcd).expect("a client");
    let ((reconcile, _), (schedule, _)) = (bell(), bell());
    let ((lease, on_lease), (beat, on_beat)) = (bell(), bell());
    let node = Node::new(Parts {
        settings: loaded.settings,
        config_file: None,
        named_config: None,
        identity,
        store: Arc::new(store),
        runtime,
        remembered: None,
        ropes: Ropes { reconcile, lease, schedule, beat },
        notify: Notify::from_env().expect("a way to systemd"),
    });
    (Rc::new(node), [on_lease, on_beat])
}

/// Runs `test` beside the loops of one agent, once it leads.
fn while_held(test: impl AsyncFnOnce(&Held)) {
    while_held_as("", test);
}

fn while_held_as(configuration: &str, test: impl AsyncFnOnce(&Held)) {
    let etcd = RealEtcd::start().expect("a real etcd");
    let name = etcd.endpoint().replace(|character: char| !character.is_ascii_digit(), "");
    let folder = std::env::temp_dir().join(format!("skiff-lease-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let link = SlowLink::to(etcd.client_address()).expect("a link");
    let (node, [on_lease, on_beat]) = node(&link.endpoint(), configuration, &folder);
    let direct = Endpoints::new(vec![Endpoint::parse(&etcd.endpoint()).expect("a URL")]).expect("one");
    let store = Etcd::new(&Settings { endpoints: direct, ..node.settings().etcd.clone() }).expect("a client");
    let executor = LocalExecutor::new();
    executor.spawn(presence::keep(Rc::clone(&node), on_beat)).detach();
    executor.spawn(lease::keep(Rc::clone(&node), on_lease)).detach();
    let held = Held { _etcd: etcd, folder, link, store, node };
    smol::block_on(executor.run(async {
        held.until("no leader", |held| held.node.leadership.get().map(drop)).await;
        test(&held).await;
    }));
}

#[test]
fn a_lease_that_ended_is_taken_again_by_the_only_machine_there_is() {
    while_held(async |held| {
        let first = held.epoch().expect("a lease");
        assert!(matches!(held.store.delete_tree(keys::LEASE), Outcome::Done { .. }));
        held.until("leaderless for ever", |held| held.epoch().filter(|epoch| *epoch != first)).await;
    });
}

#[test]
fn a_lease_given_back_stays_given_back() {
    while_held(async |held| {
        leave::begin(&held.node).await;
        assert_eq!(held.epoch(), None);
        // Rung together, so that by the end of the third beat whatever the lease's loop asked for at the first is there.
        let beaten = || held.node.presence.borrow().as_ref().map(|record| record.guard);
        for _ in 0..3 {
            let before = beaten();
            held.node.ropes.lease.ring();
            held.node.ropes.beat.ring();
            held.until("no beat", |_| (beaten() != before).then_some(())).await;
            assert_eq!(held.epoch(), None, "taken again while leaving");
        }
    });
}

#[test]
fn a_machine_says_that_it_leaves_though_a_late_beat_moved_its_record() {
    while_held(async |held| {
        let key = keys::presence(&held.node.identity.id);
        let record = || held.store.read(&key, Freshness::Quorum).expect("an answer").0.expect("a record");
        let late = held.store.keep_alive(&key, Hold::Value(&record().value), 30);
        assert!(matches!(late, Outcome::Done { .. }));
        leave::begin(&held.node).await;
        held.until("never told", |_| record().value.contains("\"leaving\":true").then_some(())).await;
    });
}

/// How often the machine may be late where other work keeps the processors: whoever looks too seldom is so each time.
const ATTEMPTS: usize = 5;

#[test]
fn a_record_of_a_former_life_that_ends_while_it_is_watched_is_made_anew_before_anybody_can_judge() {
    while_held(async |held| {
        let key = keys::presence(&held.node.identity.id);
        let read = || held.store.read(&key, Freshness::Quorum).expect("an answer").0;
        let mut late_ms = Vec::new();
        while late_ms.len() < ATTEMPTS {
            let ours = read().expect("a record");
            let guard = Guard::new(ours.modified).expect("an index");
            let former = ours.value.replace("\"boot\":\"0", "\"boot\":\"9");
            assert_ne!(former, ours.value);
            assert!(matches!(held.store.swap(&key, &former, guard, Some(2)), Outcome::Done { .. }));
            held.node.ropes.beat.ring();
            held.until("the record never ended", |_| read().is_none().then_some(())).await;
            let ended_ms = clock::now_ms();
            held.until("never made anew", |_| read().filter(|record| record.value == ours.value)).await;
            let took_ms = clock::now_ms() - ended_ms;
            if took_ms < loss::CONFIRMATION_MS {
                return;
            }
            late_ms.push(took_ms);
        }
        panic!("made anew after {late_ms:?} ms");
    });
}

#[test]
fn a_machine_that_hears_nothing_is_not_kept_alive_by_what_it_sends() {
    while_held_as("agent_ttl=3s\nengine_reconcile_interval=0.5\n", async |held| {
        let key = keys::presence(&held.node.identity.id);
        let read = || held.store.read(&key, Freshness::Quorum).expect("an answer").0;
        held.link.lose_answers(true);
        held.until("the record lives on", |_| read().is_none().then_some(())).await;
        held.link.lose_answers(false);
        held.until("never made anew", |_| read()).await;
    });
}
