//! The real agent, a real systemd and a real etcd, and clients of its API that mean no good: those that keep their connections
//! busy for nothing, and those that give orders while the fleet is frozen. Its beats go on, good clients are served,
//! nothing changes. Needs the features `real-etcd` and `real-systemd`, root, and what those ask for.

// Everything in this program is a test, also what stands outside of the functions marked as one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, dead_code)]

#[path = "hostile_clients/crowd.rs"]
mod crowd;
#[path = "hostile_etcd/machine.rs"]
mod machine;
#[path = "../../systemd-shim/tests/scratch/mod.rs"]
mod scratch;
#[path = "../../systemd-shim/tests/user_manager/mod.rs"]
mod user_manager;
#[path = "../../systemd-shim/tests/waiting/mod.rs"]
mod waiting;

use std::net::{Ipv4Addr, SocketAddr};

use cluster::limits::API_CONNECTIONS_MAX;
use cluster::records::Layout;
use cluster::{FleetId, json, keys};
use crowd::{Crowd, Manner, Place};
use machine::{Machine, store};
use registry::store::{Freshness, Outcome, Store};
use tests::etcd::Etcd;
use tests::free_port::free_port;
use waiting::wait_for;

/// What an agent may grow by, whatever its clients do: their connections' buffers, and what it holds of bodies.
const GROWTH_MAX_KIB: u64 = 8 * 1024;
const REGISTRY: &str = "/_coreos.com/fleet";

/// Keeps the crowd busy until the machine's record was refreshed so many times, with a look at the rest in between.
fn while_beating(etcd: &Etcd, beats: usize, crowd: &mut Crowd, mut look: impl FnMut()) {
    let store = store(&etcd.endpoint());
    let key = keys::presence(&cluster::MachineId::parse(machine::ID).unwrap());
    let mut seen = std::collections::BTreeSet::new();
    wait_for("the beats to go on", || {
        crowd.turn();
        look();
        let record = store.read(&key, Freshness::Quorum).unwrap().0.expect("the machine's record");
        seen.insert(record.modified);
        if seen.len() > beats { Ok(()) } else { Err(seen.len()) }
    });
}

#[test]
fn clients_that_trickle_and_never_read_hold_up_nobody() {
    let etcd = Etcd::start().unwrap();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port(Ipv4Addr::LOCALHOST.into()).unwrap()));
    let mut machine = Machine::start_with(&etcd.endpoint(), &format!(",tcp:{address}"));
    let (tcp, unix) = (Place::Tcp(address), Place::Unix(machine.socket()));
    machine.run_unit(&etcd.endpoint(), "steady.service");
    let before = machine.traces();
    machine.forget_peak();
    let resident = machine.resident_kib();

    // So few that there is room for each twice: one that was sent away is back before its old connection has ended.
    let mut crowd = Crowd::default();
    for place in [&tcp, &unix] {
        crowd.join(6, place, Manner::Head);
        crowd.join(5, place, Manner::Body);
        crowd.join(2, place, Manner::Deaf);
    }
    while_beating(&etcd, 3, &mut crowd, || {
        for place in [&tcp, &unix] {
            let (status, body) = place.ask("GET", "/fleet/v1/units/steady.service", "");
            assert_eq!(status, 200, "{body}");
        }
        assert_eq!(machine.wellness(), Ok(()));
    });
    machine.run_unit(&etcd.endpoint(), "meanwhile.service");
    machine.drop_unit(&etcd.endpoint(), "meanwhile.service");

    // More of them than are served at a time: whoever comes over the network has to wait, whoever is on the machine has not.
    drop(crowd);
    let mut crowd = Crowd::default();
    crowd.join(3 * API_CONNECTIONS_MAX, &tcp, Manner::Head);
    while_beating(&etcd, 3, &mut crowd, || {
        let (status, body) = unix.ask("GET", "/fleet/v1/units/steady.service", "");
        assert_eq!(status, 200, "{body}");
        assert_eq!(machine.wellness(), Ok(()));
    });
    drop(crowd);
    wait_for("a client on the network to be served", || {
        let answer = tcp.ask("GET", "/fleet/v1/units/steady.service", "");
        if answer.0 == 200 { Ok(()) } else { Err(answer) }
    });
    let grown = machine.peak_kib().saturating_sub(resident);
    assert!(grown <= GROWTH_MAX_KIB, "grew by {grown} KiB");
    println!("grew by {grown} KiB");
    assert_eq!(machine.traces(), before);
}

const FILE: &str = r#"[{"section":"Service","name":"ExecStart","value":"/bin/sleep 9"}]"#;

/// One of each kind of request there is, but for the one that ends the freeze.
fn requests() -> Vec<(&'static str, &'static str, String)> {
    let patch = format!(r#"[{{"op":"add","path":"/{}/metadata/k","value":"v"}}]"#, machine::ID);
    let drain = ["drain", "undrain"].map(|verb| format!("machines/{}/{verb}", machine::ID));
    let create = format!(r#"{{"desiredState":"launched","options":{FILE}}}"#);
    let rehearsal = format!(r#"{{"units":[{{"name":"x.service","options":{FILE}}}]}}"#);
    let none = String::new;
    let [drain, undrain] = drain.map(|target| -> &'static str { target.leak() });
    vec![
        ("GET", "discovery", none()),
        ("GET", "machines", none()),
        ("GET", "units", none()),
        ("GET", "units?nextPageToken=x", none()),
        ("GET", "units/steady.service", none()),
        ("GET", "state", none()),
        ("GET", "state/steady.service", none()),
        ("GET", "explain/steady.service", none()),
        ("GET", "events", none()),
        ("GET", "changes", none()),
        ("GET", "changes?after=1&wait=30000", none()),
        ("GET", "nothing/like/that", none()),
        ("POST", "rehearsal", rehearsal),
        ("PUT", "units/new.service", create),
        ("PUT", "units/steady.service", r#"{"desiredState":"inactive"}"#.to_owned()),
        ("PUT", "units/steady.service", "{".to_owned()),
        ("DELETE", "units/steady.service", none()),
        ("PATCH", "machines", patch),
        ("POST", drain, none()),
        ("POST", undrain, none()),
    ]
}

/// Each request is told that the agent is frozen, and nothing in the store or on the machine is another than before.
fn refuses_everything(machine: &mut Machine, etcd: &Etcd, why: &str) {
    wait_for("the agent to freeze", || {
        let status = machine.status();
        if status.starts_with("frozen: ") && status.contains(why) { Ok(()) } else { Err(status) }
    });
    let (place, traces, stored) = (Place::Unix(machine.socket()), machine.traces(), etcd.dump(REGISTRY));
    for (method, target, body) in requests() {
        let (status, answer) = place.ask(method, &format!("/fleet/v1/{target}"), &body);
        let is_clear =
            answer.contains("frozen: ") && answer.contains(why) && answer.contains("ctl registry adopt");
        assert!(status == 503 && is_clear, "{method} {target}: {status} {answer}");
    }
    let elsewhere = machine.socket().with_file_name("copy");
    let (status, answer) =
        place.ask("POST", &format!("/fleet/v1/registry/copy?to={}", elsewhere.display()), "");
    assert!(status == 409 && answer.contains("fleet"), "a copy: {status} {answer}");
    let (status, page) = place.ask("GET", "/metrics", "");
    assert!(status == 200 && page.contains("fleet_agent_frozen 1"), "{status} {page}");
    assert_eq!(etcd.dump(REGISTRY), stored);
    assert_eq!(machine.traces(), traces);
}

#[test]
fn every_request_to_a_frozen_fleet_is_refused_with_the_reason_and_changes_nothing() {
    let mut etcd = Etcd::start().unwrap();
    let mut machine = Machine::start(&etcd.endpoint());
    machine.run_unit(&etcd.endpoint(), "steady.service");
    let before = machine.traces();

    etcd.wipe().unwrap();
    refuses_everything(&mut machine, &etcd, "the store holds no fleet");

    // A store of another fleet, with a unit of the same name that is to run on this machine.
    let theirs = store(&etcd.endpoint());
    let layout = json::encode(&Layout::of(FleetId::parse("theirs").unwrap()), 1024).unwrap();
    assert!(matches!(theirs.create(keys::LAYOUT, &layout, None), Outcome::Done { .. }));
    machine::create_unit(&etcd.endpoint(), "steady.service");
    refuses_everything(&mut machine, &etcd, "the store holds fleet theirs");
    assert_eq!(machine.traces(), before);

    let (status, answer) = Place::Unix(machine.socket()).ask("POST", "/fleet/v1/registry/adopt", "");
    assert_eq!(status, 200, "{answer}");
    wait_for("the agent to be well again", || machine.wellness());
    machine.run_unit(&etcd.endpoint(), "later.service");
}
