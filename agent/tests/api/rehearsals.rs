//! What would become of units, asked of a real registry: the answer, and that nothing is written for it.

use agent::http::Method;
use registry::store::{Freshness, Leaf};

use super::fleet::{Fleet, error};

const ANYWHERE: &str = r#"[{"section":"X-Fleet","name":"Conflicts","value":"w*"}]"#;

fn ask(fleet: &Fleet, units: &str) -> (u16, String) {
    fleet.send(Method::Post, "rehearsal", &["application/json"], &format!(r#"{{"units":[{units}]}}"#))
}

/// Every key with its value and index.
fn written(fleet: &Fleet) -> Vec<String> {
    let mut all = Vec::new();
    let mut take = |leaf: Leaf<'_>| all.push(format!("{} {} {}", leaf.key, leaf.value, leaf.modified));
    fleet.store().read_tree("", Freshness::Quorum, &mut take).unwrap();
    // etcd has no order of its own.
    all.sort_unstable();
    all
}

#[test]
fn units_are_placed_as_the_leader_would_and_nothing_is_written() {
    let fleet = Fleet::start();
    fleet.register("m1");
    fleet.register("m2");
    let idle = fleet.create("idle.service", "inactive", ANYWHERE);
    let before = written(&fleet);
    let wish = |name: &str| format!(r#"{{"name":"{name}","desiredState":"launched","options":{ANYWHERE}}}"#);
    let wishes = [wish("w1.service"), wish("w2.service"), wish("w3.service")].join(",");
    let (status, body) = ask(&fleet, &wishes);
    assert_eq!(status, 200, "{body}");
    assert!(
        body.contains(r#"{"name":"w1.service","fate":"goes","machineID":"m1","primaryIP":"10.0.0.1""#),
        "{body}"
    );
    assert!(body.contains(r#"{"name":"w2.service","fate":"goes","machineID":"m2""#), "{body}");
    assert!(
        body.contains(r#"{"name":"w3.service","fate":"waits","reason":"no machine can run it: "#),
        "{body}"
    );
    let (status, body) = ask(&fleet, r#"{"name":"idle.service","desiredState":"loaded"}"#);
    assert!(status == 200 && body.contains(r#""fate":"goes","machineID":"m1""#), "{body}");
    assert_eq!(fleet.get("units/w1.service"), error(404, "unit does not exist"));
    assert_eq!(fleet.incarnation("idle.service"), idle);
    assert_eq!(written(&fleet), before);
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let fleet = Fleet::start();
    let missing = ask(&fleet, r#"{"name":"nope.service","desiredState":"launched"}"#);
    assert_eq!(missing, error(404, "unit does not exist"));
    let wrong = ask(&fleet, r#"{"name":"nope","desiredState":"launched"}"#);
    assert_eq!(wrong.0, 400, "{wrong:?}");
    assert_eq!(fleet.send(Method::Post, "rehearsal", &[], "{").0, 400);
    assert_eq!(fleet.get("rehearsal"), error(405, "only POST supported against this resource"));
}
