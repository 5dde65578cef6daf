//! PUT and DELETE of units: the rules of contract §5 in their order, and what becomes of the registry.

use agent::http::Method;
use cluster::records::Spec;
use cluster::{json, keys};
use registry::store::{Freshness, Outcome};

use super::fleet::{Agent, Fleet, SLEEP, error, name};

const OTHER: &str = r#"[{"section":"Service","name":"ExecStart","value":"/bin/sleep 10"}]"#;

fn stored(fleet: &Fleet, unit: &str) -> (String, String) {
    let node = fleet.store().read(&keys::spec(&name(unit)), Freshness::Quorum).unwrap().0.unwrap();
    let spec: Spec = json::decode(node.value.as_bytes()).unwrap();
    (spec.target.to_string(), spec.unit)
}

fn text(target: &str, unit: &str) -> (String, String) {
    (target.to_owned(), unit.to_owned())
}

#[test]
fn a_unit_is_created_set_replaced_and_destroyed() {
    let fleet = Fleet::start();
    let empty = (409, error(409, "unit does not exist and options field empty").1);
    assert_eq!(fleet.put("x.service", r#"{"desiredState":"launched"}"#), empty);
    assert_eq!(fleet.put("x.service", "{}"), empty);
    let first = fleet.create("x.service", "launched", SLEEP);
    assert_eq!(stored(&fleet, "x.service"), text("launched", "[Service]\nExecStart=/bin/sleep 9\n"));

    let no_state = error(409, "must provide DesiredState to update existing unit");
    assert_eq!(fleet.put("x.service", "{}"), no_state);
    assert_eq!(fleet.put("x.service", &format!(r#"{{"options":{SLEEP}}}"#)), no_state);
    assert_eq!(fleet.put("x.service", r#"{"desiredState":"loaded"}"#), (204, String::new()));
    let same = format!(r#"{{"desiredState":"launched","options":{SLEEP}}}"#);
    assert_eq!(fleet.put("x.service", &same), (204, String::new()));
    assert_eq!(stored(&fleet, "x.service").0, "launched");

    assert_eq!(fleet.put("x.service", &format!(r#"{{"options":{OTHER}}}"#)), (201, String::new()));
    assert_eq!(stored(&fleet, "x.service"), text("inactive", "[Service]\nExecStart=/bin/sleep 10\n"));
    assert_eq!(fleet.incarnation("x.service"), first, "a replaced unit is the same unit");
    assert_eq!(fleet.put("x.service", &same), (201, String::new()));

    assert_eq!(fleet.delete("x.service"), (204, String::new()));
    assert_eq!(fleet.delete("x.service"), error(404, "unit does not exist"));
    assert_eq!(fleet.delete("no unit name"), error(404, "unit does not exist"));
    let audits = fleet.agent.audits.borrow();
    let who = "api-change: uid=0 gid=0 pid=7 method=";
    let lines: Vec<&str> = audits.iter().map(|line| line.strip_prefix(who).unwrap()).collect();
    assert_eq!(
        lines,
        [
            "PUT unit=x.service state=launched outcome=refused: unit does not exist and options field empty",
            "PUT unit=x.service outcome=refused: unit does not exist and options field empty",
            "PUT unit=x.service state=launched outcome=done: create unit x.service, launched",
            "PUT unit=x.service outcome=refused: must provide DesiredState to update existing unit",
            "PUT unit=x.service outcome=refused: must provide DesiredState to update existing unit",
            "PUT unit=x.service state=loaded outcome=done: set unit x.service to loaded",
            "PUT unit=x.service state=launched outcome=done: set unit x.service to launched",
            "PUT unit=x.service outcome=done: replace unit x.service, inactive",
            "PUT unit=x.service state=launched outcome=done: replace unit x.service, launched",
            "DELETE unit=x.service outcome=done: destroy unit x.service",
            "DELETE unit=x.service outcome=refused: unit does not exist",
            "DELETE unit=\"no unit name\" outcome=refused: unit does not exist",
        ]
    );
}

#[test]
fn what_is_wrong_changes_nothing() {
    let fleet = Fleet::start();
    fleet.create("x.service", "inactive", SLEEP);
    let before = stored(&fleet, "x.service");
    let state = "invalid desiredState \\\"running\\\": expect inactive, loaded or launched";
    assert_eq!(fleet.put("x.service", r#"{"desiredState":"running"}"#), error(400, state));
    let global_with_id = r#"{"options":[{"section":"X-Fleet","name":"Global","value":"true"},
        {"section":"X-Fleet","name":"MachineID","value":"m"}]}"#;
    // New or replaced, options are held to the same rules.
    let together = error(400, "MachineID cannot be used with Global");
    assert_eq!(fleet.put("x.service", global_with_id), together);
    assert_eq!(fleet.put("y.service", global_with_id), together);
    assert_eq!(fleet.get("units/y.service").0, 404);
    assert_eq!(fleet.put("x.foo", "{}"), error(400, "invalid unit type: \\\"foo\\\""));
    assert_eq!(fleet.put("x.service", "{").0, 400);
    assert_eq!(
        fleet.send(Method::Put, "units/x.service", &[], "{}"),
        error(415, "expected 1 Content-Type, got 0")
    );
    assert_eq!(stored(&fleet, "x.service"), before);
    let audits = fleet.agent.audits.borrow();
    let done: Vec<&String> = audits.iter().filter(|line| line.contains(" outcome=done: ")).collect();
    assert_eq!(done.len(), 1, "only the creation: {audits:?}");
    assert_eq!(audits.len(), 7, "each order once: {audits:?}");
    assert!(audits.iter().all(|line| !line.contains("ExecStart")), "names, never contents: {audits:?}");
}

#[test]
fn a_template_stays_inactive() {
    let fleet = Fleet::start();
    let active = error(400, "cannot activate template \\\"web@.service\\\"");
    let launched = format!(r#"{{"desiredState":"launched","options":{SLEEP}}}"#);
    assert_eq!(fleet.put("web@.service", &launched), active);
    assert_eq!(fleet.put("web@.service", r#"{"desiredState":"loaded"}"#).0, 409);
    fleet.create("web@.service", "inactive", SLEEP);
    assert_eq!(fleet.put("web@.service", &launched), active);
    assert_eq!(fleet.put("web@.service", r#"{"desiredState":"loaded"}"#), active);
    let other = format!(r#"{{"desiredState":"loaded","options":{OTHER}}}"#);
    assert_eq!(fleet.put("web@.service", &other), active);
    assert_eq!(stored(&fleet, "web@.service"), text("inactive", "[Service]\nExecStart=/bin/sleep 9\n"));
}

#[test]
fn an_unreadable_unit_is_its_own_trouble_and_can_be_destroyed() {
    let fleet = Fleet::start();
    fleet.create("a.service", "inactive", SLEEP);
    assert!(matches!(fleet.store().create("units/bad.service", "{\"target\":", None), Outcome::Done { .. }));
    let (status, units) = fleet.get("units");
    assert_eq!(
        (status, units.contains("a.service"), units.contains("bad.service")),
        (200, true, false),
        "{units}"
    );
    for (status, body) in [
        fleet.get("units/bad.service"),
        fleet.get("units/bad.service?lingering=1"),
        fleet.get("explain/bad.service"),
        fleet.put("bad.service", r#"{"desiredState":"launched"}"#),
        fleet.put("bad.service", &format!(r#"{{"options":{SLEEP}}}"#)),
    ] {
        assert_eq!(status, 500, "{body}");
        assert!(body.contains("read unit bad.service: not JSON"), "{body}");
    }
    assert_eq!(fleet.get("units/a.service").0, 200);
    assert_eq!(fleet.delete("bad.service"), (204, String::new()));
    assert_eq!(fleet.get("units/bad.service").0, 404);
}

#[test]
fn many_writers_of_one_unit_all_get_an_honest_answer() {
    let fleet = Fleet::start();
    fleet.create("x.service", "inactive", SLEEP);
    let endpoint = fleet.etcd.endpoint();
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let endpoint = endpoint.clone();
            std::thread::spawn(move || {
                let options = OTHER.replace("10", &format!("1{writer}"));
                Agent::of(&endpoint).put("x.service", &format!(r#"{{"options":{options}}}"#))
            })
        })
        .collect();
    let answers: Vec<(u16, String)> = writers.into_iter().map(|writer| writer.join().unwrap()).collect();
    assert!(answers.iter().all(|(status, _)| matches!(status, 201 | 409)), "{answers:?}");
    assert!(answers.iter().any(|(status, _)| *status == 201), "{answers:?}");
    assert!(stored(&fleet, "x.service").1.starts_with("[Service]\nExecStart=/bin/sleep 1"));
}
