//! `registry::etcd` against a real etcd: the contract of every store, and what only etcd has: members that die or hang,
//! users, certificates, versions without the v2 API. Needs the feature `real-etcd` and Debian's etcd packages.

// Everything in this program is a test, also what stands outside of the functions marked as one.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod contract;
mod patience;
mod real_etcd;

use std::net::TcpListener;
use std::time::Duration;

use contract::Stores;
use nix::sys::signal::Signal;
use patience::{timed, wait_until};
use real_etcd::{Kind, RealEtcd, free_port};
use registry::etcd::{Credentials, Endpoint, Endpoints, Etcd, KeyPrefix, Settings, SettingsError};
use registry::store::{Freshness, Outcome, Store, StoreErrorKind, Wake};

/// A time-out that a healthy etcd on a busy machine does not reach.
const GENEROUS: Duration = Duration::from_secs(10);
/// A time-out for tests that wait for it.
const SHORT: Duration = Duration::from_millis(500);

fn settings(urls: &[&str]) -> Settings {
    let endpoints = urls.iter().map(|url| Endpoint::parse(url).unwrap()).collect();
    let prefix = KeyPrefix::parse("/_coreos.com/fleet/").unwrap();
    let mut settings = Settings::new(Endpoints::new(endpoints).unwrap(), prefix);
    settings.request_timeout = GENEROUS;
    settings
}

fn short(urls: &[&str]) -> Etcd {
    Etcd::new(&Settings { request_timeout: SHORT, ..settings(urls) }).unwrap()
}

fn dead() -> String {
    format!("http://127.0.0.1:{}", free_port())
}

/// Accepts connections (the system does) and never answers.
fn deaf() -> (TcpListener, String) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

fn contract_on(etcd: &RealEtcd, settings: &Settings, root: &str) {
    let store = Etcd::new(settings).unwrap();
    let impatient =
        Etcd::new(&Settings { poll_timeout: Duration::from_secs(1), ..settings.clone() }).unwrap();
    contract::all(&Stores { store: &store, impatient: &impatient }, root);
    assert_eq!(store.endpoint(), etcd.url());
}

#[test]
fn the_contract_holds() {
    let etcd = RealEtcd::start(Kind::Plain);
    contract_on(&etcd, &settings(&[&etcd.url()]), "contract");
    let nested = KeyPrefix::parse("a/_b/contract/contract").unwrap();
    contract_on(&etcd, &Settings { key_prefix: nested, ..settings(&[&etcd.url()]) }, "contract");
    let none = KeyPrefix::parse("/").unwrap();
    contract_on(&etcd, &Settings { key_prefix: none, ..settings(&[&etcd.url()]) }, "contract/contract");
}

#[test]
fn the_contract_holds_over_tls_with_client_certificates() {
    let etcd = RealEtcd::start(Kind::MutualTls);
    let mut settings = settings(&[&etcd.url()]);
    settings.tls.cafile = Some(etcd.file("ca.pem"));
    settings.tls.certfile = Some(etcd.file("client.pem"));
    settings.tls.keyfile = Some(etcd.file("client.key"));
    contract_on(&etcd, &settings, "contract");
}

#[test]
fn the_whole_prefix_is_a_tree_too() {
    let etcd = RealEtcd::start(Kind::Plain);
    let store = Etcd::new(&settings(&[&etcd.url()])).unwrap();
    let after = store.read("units/a", Freshness::Quorum).unwrap().1.index;
    assert!(matches!(store.create("units/a", "v", None), Outcome::Done { .. }));
    etcd.etcdctl(&["set", "/elsewhere", "x"]);
    let mut keys = Vec::new();
    store.read_tree("", Freshness::Quorum, &mut |leaf| keys.push(leaf.key.to_owned())).unwrap();
    assert_eq!(keys, ["units/a"]);
    assert!(matches!(store.watch("", after).unwrap(), Wake::Changed { key, .. } if key == "units/a"));
    etcd.etcdctl(&["rm", "--recursive", "/_coreos.com"]);
    assert!(matches!(store.watch("units", after + 1).unwrap(), Wake::Changed { key, .. } if key.is_empty()));
}

#[test]
fn a_real_client_sees_the_same_keys() {
    let etcd = RealEtcd::start(Kind::Plain);
    let store = Etcd::new(&settings(&[&etcd.url()])).unwrap();
    assert!(matches!(
        store.create("units/dev-x\\x2d1@2:3.service", "a <b> & \"c\"", None),
        Outcome::Done { .. }
    ));
    let full = "/_coreos.com/fleet/units/dev-x\\x2d1@2:3.service";
    assert_eq!(etcd.etcdctl(&["get", full]).trim_end(), "a <b> & \"c\"");
    etcd.etcdctl(&["set", full, "changed"]);
    assert_eq!(
        store.read("units/dev-x\\x2d1@2:3.service", Freshness::Local).unwrap().0.unwrap().value,
        "changed"
    );
}

#[test]
fn a_dead_endpoint_is_passed_over() {
    let etcd = RealEtcd::start(Kind::Plain);
    let (dead, good) = (dead(), etcd.url());
    let store = Etcd::new(&settings(&[&dead, &good])).unwrap();
    assert_eq!(store.endpoint(), dead);
    // Nothing was sent to the dead one, so even a write goes on to the next.
    assert!(matches!(store.create("k", "v", None), Outcome::Done { .. }));
    assert_eq!(store.endpoint(), good, "and it stays there");
    assert!(store.read("k", Freshness::Quorum).unwrap().0.is_some());
    let error = Etcd::new(&settings(&[&dead])).unwrap().read("k", Freshness::Quorum).unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Unreachable);
    assert_eq!(error.to_string(), format!("read k: {dead}: connection refused"));
}

#[test]
fn a_deaf_endpoint_costs_one_time_out_and_no_second_write() {
    let etcd = RealEtcd::start(Kind::Plain);
    let (_listener, deaf) = deaf();
    let good = etcd.url();
    let store = short(&[&deaf, &good]);
    let (result, took) = timed(|| store.read("k", Freshness::Quorum));
    assert_eq!(result.unwrap().0, None);
    assert!(took >= SHORT && took < 4 * SHORT, "{took:?}");
    assert_eq!(store.endpoint(), good);

    let store = short(&[&deaf, &good]);
    let (outcome, took) = timed(|| store.create("k", "v", None));
    let Outcome::Unknown(error) = outcome else { panic!("{outcome:?}") };
    assert_eq!(error.to_string(), format!("create k: {deaf}: no answer in time"));
    assert_eq!(error.kind, StoreErrorKind::Unreachable);
    assert!(took >= SHORT && took < 4 * SHORT, "{took:?}");
    // The next call begins at the other endpoint, which was not asked to create anything.
    assert_eq!(store.read("k", Freshness::Quorum).unwrap().0, None);
    assert_eq!(store.endpoint(), good);

    let only = short(&[&deaf, &deaf]);
    let (result, took) = timed(|| only.read_tree("k", Freshness::Local, &mut |_| ()));
    assert_eq!(result.unwrap_err().kind, StoreErrorKind::Unreachable);
    assert!(took < 5 * SHORT, "each endpoint once: {took:?}");
    let (result, _) = timed(|| only.watch("k", 1));
    assert_eq!(result.unwrap_err().kind, StoreErrorKind::Unreachable);
}

#[test]
fn an_etcd_that_restarts_is_found_again_by_reads_and_watches() {
    let mut etcd = RealEtcd::start(Kind::Plain);
    let store = Etcd::new(&settings(&[&etcd.url()])).unwrap();
    let after = store.read("k", Freshness::Quorum).unwrap().1.index;
    std::thread::scope(|scope| {
        let watch = scope.spawn(|| store.watch("k", after));
        wait_until("open long poll", Duration::from_secs(10), || {
            let stats = etcd.curl(&["/v2/stats/store"]);
            if stats.contains("\"watchers\":1") { Ok(()) } else { Err(stats) }
        });
        etcd.kill();
        let error = watch.join().unwrap().unwrap_err();
        assert_eq!(error.kind, StoreErrorKind::Unreachable, "{error}");
        assert!(error.to_string().starts_with("watch k: http://127.0.0.1:"), "{error}");
    });
    assert_eq!(store.read("k", Freshness::Local).unwrap_err().kind, StoreErrorKind::Unreachable);
    etcd.launch();
    assert_eq!(store.read("k", Freshness::Quorum).unwrap().0, None);
    assert!(matches!(store.create("k", "v", None), Outcome::Done { .. }));
    etcd.kill();
    etcd.launch();
    // The kept connection is closed by now; a write notices that before it sends anything.
    assert!(matches!(store.put("k", "w"), Outcome::Done { .. }));
}

#[test]
fn a_stopped_etcd_is_a_time_out_and_then_works_again() {
    let etcd = RealEtcd::start(Kind::Plain);
    let store = short(&[&etcd.url()]);
    assert!(matches!(store.create("k", "v", None), Outcome::Done { .. }));
    etcd.signal(Signal::SIGSTOP);
    let (result, took) = timed(|| store.read("k", Freshness::Quorum));
    assert_eq!(result.unwrap_err().kind, StoreErrorKind::Unreachable);
    assert!(took >= SHORT && took < 4 * SHORT, "{took:?}");
    let Outcome::Unknown(error) = store.put("k", "late") else { panic!("a stopped etcd took a write") };
    assert_eq!(error.kind, StoreErrorKind::Unreachable);
    etcd.signal(Signal::SIGCONT);
    // What was unknown is found out by a quorum read: this write did arrive, late.
    wait_until("the late write", Duration::from_secs(10), || match store.read("k", Freshness::Quorum) {
        Ok((Some(node), _)) if node.value == "late" => Ok(()),
        other => Err(format!("{other:?}")),
    });
}

#[test]
fn connections_are_kept() {
    let etcd = RealEtcd::start(Kind::Plain);
    let store = Etcd::new(&Settings { poll_timeout: SHORT, ..settings(&[&etcd.url()]) }).unwrap();
    for turn in 0..20 {
        assert!(matches!(store.put("units/k", &format!("{turn}")), Outcome::Done { .. }));
        let (node, seen) = store.read("units/k", Freshness::Quorum).unwrap();
        store.read_tree("", Freshness::Quorum, &mut |_| ()).unwrap();
        assert!(matches!(store.create("units/k", "v", None), Outcome::Refused(Some(_))));
        assert_eq!(store.read("units/none", Freshness::Local).unwrap().0, None);
        store.watch("units", node.unwrap().modified - 1).unwrap();
        assert_eq!(seen.index, store.read("x", Freshness::Quorum).unwrap().1.index);
    }
    // Connections of this process to that etcd, closed ones included: one for requests, one for polls.
    let port = etcd.url().rsplit(':').next().unwrap().to_owned();
    let sockets = std::process::Command::new("ss")
        .args(["-tanpH", "dst", "127.0.0.1", "dport", &format!("= :{port}")])
        .output();
    let sockets = String::from_utf8(sockets.unwrap().stdout).unwrap();
    let ours: Vec<&str> =
        sockets.lines().filter(|line| line.contains(&format!("pid={},", std::process::id()))).collect();
    assert_eq!(ours.len(), 2, "{sockets}");
}

#[test]
fn a_user_needs_the_right_password() {
    let etcd = RealEtcd::start(Kind::Plain);
    etcd.etcdctl(&["user", "add", "root:rootpw"]);
    etcd.etcdctl(&["auth", "enable"]);
    let as_root = |words: &[&str]| etcd.etcdctl(&[&["-u", "root:rootpw"], words].concat());
    as_root(&["role", "revoke", "guest", "--path", "/*", "--readwrite"]);
    as_root(&["role", "add", "skiff"]);
    as_root(&["role", "grant", "skiff", "--path", "/_coreos.com/fleet/*", "--readwrite"]);
    as_root(&["user", "add", "skiff:se:cr€t"]);
    as_root(&["user", "grant", "skiff", "--roles", "skiff"]);
    let store = |password: Option<&str>| {
        let credentials = password
            .map(|password| Credentials { username: "skiff".to_owned(), password: password.to_owned() });
        Etcd::new(&Settings { credentials, ..settings(&[&etcd.url()]) }).unwrap()
    };
    let good = store(Some("se:cr€t"));
    assert!(matches!(good.create("units/a", "v", None), Outcome::Done { .. }));
    assert_eq!(good.read("units/a", Freshness::Quorum).unwrap().0.unwrap().value, "v");
    for password in [None, Some("hunter2")] {
        let error = store(password).read("units/a", Freshness::Quorum).unwrap_err();
        assert_eq!(error.kind, StoreErrorKind::Forbidden, "{error}");
        assert!(error.cause.contains("Insufficient credentials"), "{error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        assert_eq!(store(password).watch("units", 1).unwrap_err().kind, StoreErrorKind::Forbidden);
        let outcome = store(password).put("units/a", "w");
        assert!(
            matches!(&outcome, Outcome::Unknown(error) if error.kind == StoreErrorKind::Forbidden),
            "{outcome:?}"
        );
    }
    let with_colon = Credentials { username: "a:b".to_owned(), password: String::new() };
    let settings = Settings { credentials: Some(with_colon), ..settings(&[&etcd.url()]) };
    assert_eq!(Etcd::new(&settings).unwrap_err(), SettingsError::BadUsername);
}

#[test]
fn only_the_right_server_is_spoken_to() {
    let etcd = RealEtcd::start(Kind::Tls);
    let store = |change: &dyn Fn(&mut Settings)| {
        let mut settings = settings(&[&etcd.url()]);
        settings.tls.cafile = Some(etcd.file("ca.pem"));
        change(&mut settings);
        Etcd::new(&settings).unwrap()
    };
    assert!(matches!(store(&|_| ()).create("k", "v", None), Outcome::Done { .. }));
    let refused = |change: &dyn Fn(&mut Settings)| {
        let error = store(change).read("k", Freshness::Quorum).unwrap_err();
        assert_eq!(error.kind, StoreErrorKind::Unreachable, "{error}");
        error.to_string()
    };
    let no_authority = "no authority that is trusted here signed the server's certificate (";
    let wrong_authority = refused(&|settings| settings.tls.cafile = Some(etcd.file("other-ca.pem")));
    assert!(wrong_authority.contains(no_authority), "{wrong_authority}");
    let system_authorities = refused(&|settings| settings.tls.cafile = None);
    assert!(system_authorities.contains(no_authority), "{system_authorities}");
    let named = etcd.url().replace("127.0.0.1", "localhost");
    let wrong_name = refused(&|settings| {
        settings.endpoints = Endpoints::new(vec![Endpoint::parse(&named).unwrap()]).unwrap();
    });
    assert!(wrong_name.contains("the server's certificate is for another name ("), "{wrong_name}");
    let unverified = store(&|settings| {
        settings.tls.cafile = None;
        settings.tls.insecure_skip_verify = true;
        settings.endpoints = Endpoints::new(vec![Endpoint::parse(&named).unwrap()]).unwrap();
    });
    assert!(unverified.read("k", Freshness::Quorum).unwrap().0.is_some());
    let plain = Etcd::new(&settings(&[&etcd.url().replace("https", "http")])).unwrap();
    let downgraded = plain.read("k", Freshness::Quorum).unwrap_err();
    assert_eq!(downgraded.kind, StoreErrorKind::Unreachable);
    assert!(
        downgraded.cause.contains("closed without an answer (a port for https:// does that)"),
        "{downgraded}"
    );
}

#[test]
fn an_etcd_whose_certificate_has_expired_is_not_spoken_to() {
    let etcd = RealEtcd::start(Kind::ExpiredTls);
    let mut settings = settings(&[&etcd.url()]);
    settings.tls.cafile = Some(etcd.file("ca.pem"));
    let error = Etcd::new(&settings).unwrap().read("k", Freshness::Quorum).unwrap_err();
    assert!(error.cause.contains("the server's certificate has expired ("), "{error}");
}

#[test]
fn tls_is_not_spoken_to_a_plain_etcd() {
    let etcd = RealEtcd::start(Kind::Plain);
    let mut settings = settings(&[&etcd.url().replace("http://", "https://")]);
    settings.tls.cafile = None;
    let error = Etcd::new(&settings).unwrap().read("k", Freshness::Quorum).unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Unreachable);
    assert!(error.cause.contains("closed in the handshake (a port for http:// does that)"), "{error}");
}

#[test]
fn a_client_without_a_certificate_is_refused() {
    let etcd = RealEtcd::start(Kind::MutualTls);
    let mut settings = settings(&[&etcd.url()]);
    settings.tls.cafile = Some(etcd.file("ca.pem"));
    let error = Etcd::new(&settings).unwrap().read("k", Freshness::Quorum).unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Forbidden, "{error}");
    assert!(error.cause.contains("the server refuses this client's certificate, or wants one"), "{error}");
    for odd in ["foreign", "expired"] {
        settings.tls.certfile = Some(etcd.file(&format!("{odd}.pem")));
        settings.tls.keyfile = Some(etcd.file(&format!("{odd}.key")));
        let error = Etcd::new(&settings).unwrap().read("k", Freshness::Quorum).unwrap_err();
        assert_eq!(error.kind, StoreErrorKind::Forbidden, "{error}");
        assert!(error.cause.contains("this client's certificate"), "{error}");
    }
    settings.tls.keyfile = None;

    settings.tls.certfile = Some(etcd.file("client.pem"));
    assert_eq!(Etcd::new(&settings).unwrap_err(), SettingsError::HalfClientCertificate);
    settings.tls.keyfile = Some(etcd.file("server.key"));
    assert!(matches!(Etcd::new(&settings), Err(SettingsError::ClientCertificate { .. })), "another's key");
    settings.tls.keyfile = Some(etcd.file("ca.pem"));
    assert!(matches!(Etcd::new(&settings), Err(SettingsError::Certificates { .. })), "no key");
    settings.tls.keyfile = Some(etcd.file("none"));
    let error = Etcd::new(&settings).unwrap_err().to_string();
    assert!(error.starts_with("read ") && error.ends_with("/none: no such file or directory"), "{error}");
    settings.tls.cafile = Some(etcd.file("client.key"));
    assert!(Etcd::new(&settings).unwrap_err().to_string().ends_with("client.key: no certificate in it"));
}

#[test]
fn an_etcd_without_the_v2_api_is_told_so() {
    let etcd = RealEtcd::start(Kind::WithoutV2);
    let store = Etcd::new(&settings(&[&etcd.url()])).unwrap();
    let error = store.read("k", Freshness::Quorum).unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::NoV2Api);
    assert!(error.cause.contains("--enable-v2"), "{error}");
    assert_eq!(
        store.read_tree("", Freshness::Quorum, &mut |_| ()).unwrap_err().kind,
        StoreErrorKind::NoV2Api
    );
    assert_eq!(store.watch("", 1).unwrap_err().kind, StoreErrorKind::NoV2Api);
    assert!(matches!(store.put("k", "v"), Outcome::Unknown(error) if error.kind == StoreErrorKind::NoV2Api));
}
