//! What a leader does between the moment it is woken and its first write: it reads the cluster from a real etcd, takes it
//! in, judges who is lost, and plans. Each part by itself, for a fleet in which everything runs and one unit is new.

use std::thread;
use std::time::Duration;

use cluster::ids::{BootId, Incarnation, Nonce};
use cluster::limits::REGISTRY_VALUE_MAX_BYTES;
use cluster::loss::{self, Absences, Judge};
use cluster::records::{Layout, Presence, StateRow};
use cluster::schedule::{self, Plan};
use cluster::setback::Course;
use cluster::sorted::{Map, Set};
use cluster::state::Order;
use cluster::{FleetId, MachineId, Session, Snapshot, json, keys};
use registry::decisions::enact;
use registry::reads;
use registry::store::{Freshness, Outcome as Written, Seen, Store};
use serde::Serialize;
use tests::etcd::{Etcd, EtcdOptions};
use tests::failure::{Failure, Outcome};
use tests::wait::Stopwatch;

use crate::fleet::client;
use crate::host::id_of;
use crate::load;

/// How often it is done.
const ROUNDS: usize = 15;
/// Clients that fill the registry side by side.
const CLIENTS: usize = 8;
/// As shipped.
const AGENT_TTL_MS: u64 = 30_000;

/// The times of one part.
#[derive(Debug, Default)]
struct Times(Vec<Duration>);

impl Times {
    fn say(&mut self, what: &str) {
        self.0.sort_unstable();
        let ms = |at: usize| self.0.get(at).map_or(0.0, |time| time.as_secs_f64() * 1000.0);
        println!("| {what} | {:.1} ms | {:.1} ms |", ms(self.0.len() / 2), ms(0));
    }
}

/// Fills an etcd with a fleet of so many machines, and measures.
pub(crate) fn measure(machines: usize) -> Outcome {
    let etcd = Etcd::start_with(EtcdOptions::default())?;
    let units = machines * 10;
    fill(&etcd.endpoint(), machines, units)?;
    let store = client(&etcd.endpoint())?;
    settle(&store)?;
    load::create(&etcd.endpoint(), units..units + 1)?;
    let [mut skipped, mut read, mut judged, mut planned] = [const { Times(Vec::new()) }; 4];
    for _ in 0..ROUNDS {
        let watch = Stopwatch::start();
        store
            .read_tree("", Freshness::Quorum, &mut |_| ())
            .map_err(|cause| Failure::during("read", cause))?;
        skipped.0.push(watch.elapsed());
        let watch = Stopwatch::start();
        let (snapshot, seen) = whole(&store)?;
        read.0.push(watch.elapsed());
        let watch = Stopwatch::start();
        let judge = Judge { judges_from_ms: Some(0), agent_ttl_ms: AGENT_TTL_MS };
        let verdict = loss::judge(&mut Absences::default(), &snapshot, judge, 1);
        let care = Course::default().note(&snapshot, seen.index, AGENT_TTL_MS, 1);
        judged.0.push(watch.elapsed());
        let watch = Stopwatch::start();
        let plan = schedule::plan_with(&snapshot, &verdict.lost, &care);
        planned.0.push(watch.elapsed());
        if plan.decisions.len() != 1 {
            return Err(Failure::new(format!("one new unit took {} decisions", plan.decisions.len())));
        }
    }
    println!("one new unit among {machines} machines and {units} units\n");
    println!("| what | median | best |\n| --- | --- | --- |");
    skipped.say("etcd's answer, split into leaves and thrown away");
    read.say("the same, taken in: the leader's read");
    judged.say("who is lost, who is held back");
    planned.say("the plan");
    Ok(())
}

fn whole(store: &dyn Store) -> Outcome<(Snapshot, Seen)> {
    reads::cluster(store, Freshness::Quorum, false)
        .map_err(|cause| Failure::during("read the cluster", cause))
}

/// Machines that live, units that should run, and rows that say they do.
fn fill(endpoint: &str, machines: usize, units: usize) -> Outcome {
    let words = |error: &dyn std::fmt::Display| Failure::new(error.to_string());
    let fleet = FleetId::parse("scale").map_err(|error| words(&error))?;
    put(&client(endpoint)?, keys::LAYOUT, &Layout::of(fleet))?;
    load::create(endpoint, 0..units)?;
    thread::scope(|scope| {
        let lane = |lane: usize| {
            scope.spawn(move || -> Outcome {
                let store = client(endpoint)?;
                (lane..machines).step_by(CLIENTS).try_for_each(|number| machine(&store, number))
            })
        };
        let lanes: Vec<_> = (0..CLIENTS).map(lane).collect();
        let ended =
            lanes.into_iter().map(|lane| lane.join().unwrap_or_else(|_| Err(Failure::new("a client died"))));
        ended.collect()
    })
}

fn machine(store: &dyn Store, number: usize) -> Outcome {
    let words = |error: &dyn std::fmt::Display| Failure::new(error.to_string());
    let id = MachineId::parse(&id_of(number)).map_err(|error| words(&error))?;
    let presence = Presence {
        id: id.clone(),
        boot: BootId::parse("0dab5a6e-76a3-4f6b-9b1d-5a2d1c2f7f10").map_err(|error| words(&error))?,
        nonce: Nonce::parse("8c1f2f7a9e0b4d5c8c1f2f7a9e0b4d5c").map_err(|error| words(&error))?,
        address: "10.0.0.1".to_owned(),
        metadata: Map::new(),
        version: "0".to_owned(),
        leaving: false,
    };
    let session = Session::new(put(store, &keys::presence(&id), &presence)?)
        .ok_or_else(|| Failure::new("a key without createdIndex"))?;
    for unit in number * 10..number * 10 + 10 {
        let row = StateRow {
            incarnation: Incarnation::new(1).ok_or_else(|| Failure::new("no incarnation"))?,
            hash: cluster::Hash::of(""),
            order: Some(Order::Launched),
            load: "loaded".to_owned(),
            active: "active".to_owned(),
            sub: "running".to_owned(),
            error: String::new(),
        };
        put(store, &keys::state(&id, session, &load::name(unit)?), &row)?;
    }
    Ok(())
}

/// Writes a record; gives back its createdIndex.
fn put(store: &dyn Store, key: &str, record: &impl Serialize) -> Outcome<u64> {
    let value =
        json::encode(record, REGISTRY_VALUE_MAX_BYTES).map_err(|cause| Failure::during(key, cause))?;
    match store.put(key, &value) {
        Written::Done { created, .. } => Ok(created),
        other => Err(Failure::new(format!("write {key}: {other:?}"))),
    }
}

/// Places everything, as a leader would.
fn settle(store: &dyn Store) -> Outcome {
    let (snapshot, _) = whole(store)?;
    let Plan { decisions, .. } = schedule::plan(&snapshot, &Set::new());
    let epoch = cluster::Epoch::new(1).ok_or_else(|| Failure::new("no epoch"))?;
    for decision in &decisions {
        enact(store, decision, epoch).map_err(|cause| Failure::during("write a decision", cause))?;
    }
    Ok(())
}
