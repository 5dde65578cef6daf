//! What the API says while the registry does not answer, or is not the fleet's.

use agent::http::Method;

use super::fleet::{Fleet, SLEEP, error};

#[test]
fn a_registry_that_does_not_answer_is_503_and_nothing_else() {
    let mut fleet = Fleet::start();
    fleet.create("x.service", "inactive", SLEEP);
    fleet.etcd.stop().unwrap();
    for target in [
        "units",
        "units/x.service",
        "units/x.service?lingering=1",
        "machines",
        "state",
        "state/x.service",
        "explain/x.service",
    ] {
        let (status, body) = fleet.get(target);
        assert!(
            status == 503 && body.starts_with(r#"{"error":{"code":503,"message":"read"#),
            "{target}: {body}"
        );
    }
    fleet.agent.audits.borrow_mut().clear();
    assert_eq!(fleet.put("x.service", r#"{"desiredState":"launched"}"#).0, 503);
    assert_eq!(fleet.put("y.service", &format!(r#"{{"options":{SLEEP}}}"#)).0, 503);
    assert_eq!(fleet.delete("x.service").0, 503);
    let metadata = r#"[{"op":"add","path":"/m1/metadata/k","value":"v"}]"#;
    assert_eq!(fleet.send(Method::Patch, "machines", &[], metadata).0, 503);
    assert_eq!(fleet.send(Method::Post, "machines/m1/drain", &[], "").0, 503);
    let audits = fleet.agent.audits.borrow().clone();
    assert_eq!(audits.len(), 5, "{audits:?}");
    assert!(
        audits[0].starts_with(
            "api-change: uid=0 gid=0 pid=7 method=PUT unit=x.service state=launched outcome=unknown: "
        ),
        "{audits:?}"
    );
    // What needs no registry is answered.
    assert_eq!(fleet.get("discovery").0, 200);
    assert_eq!(fleet.put("x.service", "{").0, 400);

    fleet.etcd.start_again().unwrap();
    assert!(
        fleet.get("units/x.service").1.starts_with(r#"{"currentState":"inactive","desiredState":"inactive""#)
    );
}

#[test]
fn an_agent_that_cannot_serve_says_why_on_every_path() {
    let fleet = Fleet::start();
    let post = |target: &str| fleet.send(Method::Post, target, &[], "");
    assert_eq!(post("registry/adopt"), error(409, "no need"));
    *fleet.agent.standing.borrow_mut() = Err(agent::api::NOT_CONNECTED.to_owned());
    let refused = error(503, "fleet server unable to communicate with etcd");
    for target in ["units", "nope", "discovery", "machines?nextPageToken=x", "registry/adopt"] {
        assert_eq!(fleet.get(target), refused, "{target}");
    }
    assert_eq!(fleet.put("x.service", "{}"), refused);
    assert_eq!(fleet.delete("x.service"), refused);
    assert_eq!(post("machines/m1/drain"), refused);
    assert_eq!(post("registry/adopt"), (200, r#"{"message":"adopted"}"#.to_owned()));
    let audits = fleet.agent.audits.borrow();
    let adopted = "api-change: uid=0 gid=0 pid=7 method=POST registry outcome=done: adopt the registry";
    assert_eq!(audits.last().unwrap(), adopted);
    let refused = audits.iter().filter(|line| line.contains(" outcome=refused: fleet server unable")).count();
    assert_eq!(refused, 3, "each order: {audits:?}");
}
