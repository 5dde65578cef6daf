//! Machines: their list, their metadata, and emptying one.

use agent::http::Method;
use cluster::keys;
use registry::store::Freshness;

use super::fleet::{Fleet, error, id};

fn patch(fleet: &Fleet, body: &str) -> (u16, String) {
    fleet.send(Method::Patch, "machines", &[], body)
}

#[test]
fn metadata_is_patched_in_order() {
    let fleet = Fleet::start();
    fleet.register("m1");
    let list = |metadata: &str| {
        let object =
            format!(r#"{{"id":"m1","metadata":{metadata},"primaryIP":"10.0.0.1","version":"0.1.0"}}"#);
        assert_eq!(fleet.get("machines"), (200, format!(r#"{{"machines":[{object}]}}"#)));
    };
    list(r#"{"region":"east"}"#);
    let body = r#"[{"op":"add","path":"/m1/metadata/disk","value":"hdd"},
        {"op":"replace","path":"/m1/metadata/disk","value":{"value":"ssd"}},
        {"op":"remove","path":"/m1/metadata/region"},{"op":"remove","path":"/m1/metadata/unknown"},
        {"op":"add","path":"/absent/metadata/.x","value":"1"}]"#;
    assert_eq!(patch(&fleet, body), (204, String::new()));
    list(r#"{"disk":"ssd"}"#);
    assert_eq!(
        patch(&fleet, r#"[{"op":"add","path":"/m1/metadata/region","value":"west"},{"op":"x"}]"#).0,
        400
    );
    list(r#"{"disk":"ssd"}"#);
    fleet.register("absent");
    assert!(fleet.get("machines").1.contains(r#"{"id":"absent","metadata":{".x":"1","region":"east"}"#));
}

#[test]
fn metadata_has_a_limit() {
    let fleet = Fleet::start();
    fleet.register("m1");
    let add = |from: usize, to: usize| {
        let operation = |key| format!(r#"{{"op":"add","path":"/m1/metadata/k{key}","value":"v"}}"#);
        patch(&fleet, &format!("[{}]", (from..to).map(operation).collect::<Vec<_>>().join(",")))
    };
    assert_eq!(add(0, 63).0, 204);
    assert_eq!(add(0, 63).0, 204, "the same keys again");
    assert_eq!(add(63, 64), error(400, "machine m1 would have more than 64 metadata entries"));
}

#[test]
fn a_machine_is_drained_and_taken_back() {
    let fleet = Fleet::start();
    fleet.register("m1");
    let post = |target: &str| fleet.send(Method::Post, target, &[], "");
    let is_marked = || fleet.store().read(&keys::drain(&id("m1")), Freshness::Quorum).unwrap().0.is_some();
    for _ in 0..2 {
        assert_eq!(post("machines/m1/drain"), (204, String::new()));
        assert!(is_marked() && fleet.get("machines").1.contains(r#""draining":true"#));
    }
    for _ in 0..2 {
        assert_eq!(post("machines/m1/undrain"), (204, String::new()));
        assert!(!is_marked() && !fleet.get("machines").1.contains("draining"));
    }
    for target in ["machines/m2/drain", "machines/m2/undrain", "machines/..m/drain"] {
        assert_eq!(post(target), error(404, "machine does not exist"), "{target}");
    }
    // A machine that left while it was drained can be taken back before it returns.
    assert_eq!(post("machines/m1/drain").0, 204);
    fleet.remove(&keys::presence(&id("m1")));
    assert_eq!(fleet.get("machines"), (200, "{}".to_owned()));
    assert_eq!(post("machines/m1/undrain"), (204, String::new()));
    assert!(!is_marked());
}
