//! A fleet that is nothing but its registry, on a real etcd: what the leader and the machines would write is written
//! here, as soon as a unit changes. Where units go is the test's choice; nothing is run.

mod score;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use cluster::records::{Lease, Presence};
use cluster::sorted::Map;
use cluster::unit_file::UnitFile;
use cluster::{BootId, MachineId, Nonce, TargetState, UnitName, json, keys};
use registry::etcd::{Endpoint, Endpoints, Etcd, KeyPrefix, Settings};
use registry::store::{Outcome, Store};
use registry::{reads, units};
use tests::etcd::Etcd as RealEtcd;

use crate::double::fleet::{MACHINES, Shown};

/// Where units go and what they look like there.
#[derive(Debug, Default)]
struct Score {
    places: Map<String, usize>,
    shown: Map<String, Shown>,
}

/// The registry and whoever writes to it.
pub(crate) struct Conductor {
    etcd: RealEtcd,
    store: Arc<Etcd>,
    score: Arc<Mutex<Score>>,
}

impl Conductor {
    /// Starts an etcd, registers the machines, and follows the units from then on.
    pub(crate) fn start(places: &[(&str, usize)]) -> Self {
        let etcd = RealEtcd::start().unwrap();
        let endpoints = Endpoints::new(vec![Endpoint::parse(&etcd.endpoint()).unwrap()]).unwrap();
        let settings = Settings::new(endpoints, KeyPrefix::parse("/_coreos.com/fleet/").unwrap());
        let store = Arc::new(Etcd::new(&settings).unwrap());
        let places = places.iter().map(|(name, machine)| ((*name).to_owned(), *machine)).collect();
        let score = Arc::new(Mutex::new(Score { places, shown: Map::new() }));
        register(&*store, env!("CARGO_PKG_VERSION"));
        let conductor = Self { etcd, store, score };
        let (store, score) = (Arc::clone(&conductor.store), Arc::clone(&conductor.score));
        let mut after = conductor.conduct();
        // Ends with the test: its etcd does, and the watch then fails.
        thread::spawn(move || {
            while store.watch(keys::UNITS, after).is_ok() {
                after = conduct(&*store, &score);
            }
        });
        conductor
    }

    /// What `--endpoint` takes.
    pub(crate) fn endpoint(&self) -> String {
        self.etcd.endpoint()
    }

    /// Its registry.
    pub(crate) fn shared_store(&self) -> Arc<dyn Store> {
        Arc::<Etcd>::clone(&self.store)
    }

    /// Stores a unit as if somebody had.
    pub(crate) fn store_unit(&self, unit: &str, text: &str, state: TargetState) {
        let name = UnitName::parse(unit).unwrap();
        let file = UnitFile::parse(text).unwrap();
        let created = units::create(&*self.store, &name, &file, state).unwrap();
        assert!(created || units::replace(&*self.store, &name, &file, state).unwrap(), "{unit}");
        self.conduct();
    }

    /// systemd shows a unit like this from now on.
    pub(crate) fn show(&self, unit: &str, shown: Shown) {
        self.score.lock().unwrap().shown.insert(unit.to_owned(), shown);
        self.conduct();
    }

    /// Every agent is of this version from now on.
    #[allow(dead_code, reason = "one of the tests that share this file has no need of it")]
    pub(crate) fn update_agents(&self, version: &str) {
        register(&*self.store, version);
    }

    /// Sees to it that every order so far is carried out.
    pub(crate) fn conduct(&self) -> u64 {
        conduct(&*self.store, &self.score)
    }
}

fn conduct(store: &dyn Store, score: &Mutex<Score>) -> u64 {
    // One at a time, so that none writes what another has overtaken.
    let score: MutexGuard<'_, Score> = score.lock().unwrap_or_else(PoisonError::into_inner);
    // An etcd that has ended with its test is no failure.
    let Ok((snapshot, seen)) = reads::cluster(store, registry::store::Freshness::Quorum, true) else {
        return 0;
    };
    score::play(store, &score, &snapshot);
    seen.index
}

fn register(store: &dyn Store, version: &str) {
    for (id, address, metadata) in MACHINES {
        let id = MachineId::parse(id).unwrap();
        let presence = Presence {
            id: id.clone(),
            boot: BootId::parse("boot").unwrap(),
            nonce: Nonce::parse("nonce").unwrap(),
            address: address.to_owned(),
            metadata: metadata.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            version: version.to_owned(),
            leaving: false,
        };
        write(store, &keys::presence(&id), &json::encode(&presence, 4096).unwrap());
    }
    let lease = Lease { machine: MachineId::parse(MACHINES[0].0).unwrap() };
    write(store, keys::LEASE, &json::encode(&lease, 4096).unwrap());
}

fn write(store: &dyn Store, key: &str, value: &str) {
    let outcome = store.put(key, value);
    assert!(matches!(outcome, Outcome::Done { .. }), "write {key}: {outcome:?}");
}
