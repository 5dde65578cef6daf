//! Lists and objects: what is answered from the records of several writers, page by page or at once.

use cluster::keys;
use cluster::state::Order;

use super::fleet::{Fleet, SLEEP, error, id, name};

const GLOBAL: &str = r#"[{"section":"Service","name":"ExecStart","value":"/bin/true"},{"section":"X-Fleet","name":"Global","value":"true"}]"#;

fn launched(unit: &str, machine: &str) -> (u16, String) {
    let options = r#"[{"name":"ExecStart","section":"Service","value":"/bin/sleep 9"}]"#;
    let body = format!(
        r#"{{"currentState":"launched","desiredState":"launched","machineID":"{machine}","name":"{unit}","options":{options}}}"#
    );
    (200, body)
}

#[test]
fn a_unit_is_followed_from_nowhere_to_launched() {
    let fleet = Fleet::start();
    let unit = fleet.create("x.service", "launched", SLEEP);
    let reason = |expected: &str| {
        let (status, body) = fleet.get("units/x.service");
        assert!(status == 200 && body.contains(&format!(r#""reason":"{expected}"#)), "{expected}: {body}");
        assert!(fleet.get("units").1.contains(expected));
    };
    reason("no machine is alive");
    let session = fleet.register("m1");
    reason("no agent leads the fleet at the moment");
    fleet.place("x.service", "m1", unit);
    let current = |expected: &str| {
        let (status, body) = fleet.get("units/x.service");
        assert!(
            status == 200 && body.contains(&format!(r#""currentState":"{expected}""#)),
            "{expected}: {body}"
        );
    };
    current("inactive");
    fleet.report("x.service", "m1", session, unit, Order::Loaded);
    current("loaded");
    fleet.remove(&keys::state(&id("m1"), session, &name("x.service")));
    fleet.report("x.service", "m1", session, unit, Order::Launched);
    assert_eq!(fleet.get("units/x.service"), launched("x.service", "m1"));
    assert_eq!(fleet.get("units").1, format!(r#"{{"units":[{}]}}"#, launched("x.service", "m1").1));
    let (status, explained) = fleet.get("explain/x.service");
    assert_eq!(status, 200);
    assert!(
        explained
            .ends_with(r#""machineID":"m1","machines":[{"id":"m1","primaryIP":"10.0.0.1","able":true}]}"#),
        "{explained}"
    );
    assert_eq!(fleet.get("units/nope.service"), error(404, "unit does not exist"));
    assert_eq!(fleet.get("explain/nope.service"), error(404, "unit does not exist"));
}

#[test]
fn a_global_unit_counts_its_copies() {
    let fleet = Fleet::start();
    let unit = fleet.create("g.service", "launched", GLOBAL);
    let first = fleet.register("m1");
    fleet.register("m2");
    fleet.report("g.service", "m1", first, unit, Order::Launched);
    let (status, body) = fleet.get("units/g.service");
    assert_eq!(status, 200);
    assert!(
        body.starts_with(r#"{"currentState":"inactive","desiredState":"launched","name":"g.service","#),
        "{body}"
    );
    assert!(body.ends_with(r#""launched":1,"eligible":2}"#), "{body}");
    assert_eq!(fleet.get("units").1, format!(r#"{{"units":[{body}]}}"#));
}

#[test]
fn a_destroyed_unit_lingers_until_its_last_trace_is_gone() {
    let fleet = Fleet::start();
    let unit = fleet.create("x.service", "launched", SLEEP);
    let session = fleet.register("m1");
    fleet.place("x.service", "m1", unit);
    fleet.report("x.service", "m1", session, unit, Order::Launched);
    let lingering = || fleet.get("units/x.service?lingering=1");
    assert_eq!(lingering(), launched("x.service", "m1"));
    assert_eq!(fleet.delete("x.service").0, 204);
    assert_eq!(fleet.get("units/x.service"), error(404, "unit does not exist"));
    let left = |state: &str| {
        (
            200,
            format!(
                r#"{{"currentState":"{state}","desiredState":"inactive","machineID":"m1","name":"x.service"}}"#
            ),
        )
    };
    assert_eq!(lingering(), left("launched"));
    fleet.remove(&keys::placement(&name("x.service")));
    assert_eq!(lingering(), left("launched"));
    fleet.remove(&keys::state(&id("m1"), session, &name("x.service")));
    assert_eq!(lingering(), error(404, "unit does not exist"));

    let unit = fleet.create("x.service", "launched", SLEEP);
    fleet.place("x.service", "m1", unit);
    fleet.delete("x.service");
    assert_eq!(lingering(), left("inactive"));
}

#[test]
fn states_are_filtered_exactly() {
    let fleet = Fleet::start();
    let (a, b) = (fleet.create("a.service", "launched", SLEEP), fleet.create("b.service", "launched", SLEEP));
    let (first, second) = (fleet.register("m1"), fleet.register("m2"));
    fleet.report("a.service", "m2", second, a, Order::Launched);
    fleet.report("a.service", "m1", first, a, Order::Launched);
    fleet.report("b.service", "m2", second, b, Order::Launched);
    let rows = |query: &str| -> Vec<(String, String)> {
        let (status, body) = fleet.get(&format!("state{query}"));
        assert_eq!(status, 200, "{body}");
        let field = |row: &str, name: &str| {
            row.split_once(&format!("\"{name}\":\"")).unwrap().1.split('"').next().unwrap().to_owned()
        };
        body.split("{\"hash\"").skip(1).map(|row| (field(row, "name"), field(row, "machineID"))).collect()
    };
    let row = |unit: &str, machine: &str| (unit.to_owned(), machine.to_owned());
    let all = [row("a.service", "m1"), row("a.service", "m2"), row("b.service", "m2")];
    assert_eq!(rows(""), all);
    assert_eq!(rows("?all=1"), all);
    assert_eq!(rows("?machineID=&unitName="), all);
    assert_eq!(rows("?unitName=a.service"), all[..2]);
    assert_eq!(rows("?machineID=m2"), all[1..]);
    assert_eq!(rows("?machineID=m2&unitName=a.service"), all[1..2]);
    for nothing in ["?unitName=a", "?unitName=a.*", "?machineID=m", "?machineID=../m1", "?machineID=m3"] {
        assert_eq!(fleet.get(&format!("state{nothing}")), (200, "{}".to_owned()), "{nothing}");
    }
    let (status, one) = fleet.get("state/a.service");
    assert!(status == 200 && one.contains(r#""machineID":"m1""#), "{one}");
    for unknown in ["state/c.service", "state/a", "state/no unit"] {
        assert_eq!(fleet.get(unknown), error(404, "unit state does not exist"));
    }
    fleet.remove(&keys::presence(&id("m2")));
    assert_eq!(rows(""), all[..1], "rows of a machine that is gone");
}

#[test]
fn pages_and_the_whole_list_hold_the_same() {
    let fleet = Fleet::start();
    let units: Vec<String> = (0..205).map(|number| format!("u{number:03}.service")).collect();
    for unit in &units {
        fleet.create(unit, "inactive", SLEEP);
    }
    let names = |body: &str| -> Vec<String> {
        body.split(r#""inactive","name":""#)
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap().to_owned())
            .collect()
    };
    let (mut paged, mut sizes, mut target) = (Vec::new(), Vec::new(), "units".to_owned());
    loop {
        let (status, body) = fleet.get(&target);
        assert_eq!(status, 200, "{body}");
        let page = names(&body);
        sizes.push(page.len());
        paged.extend(page);
        let Some((_, rest)) = body.split_once(r#"{"nextPageToken":""#) else { break };
        target = format!("units?nextPageToken={}", rest.split('"').next().unwrap());
    }
    assert_eq!((paged, sizes), (units.clone(), vec![100, 100, 5]));
    let (status, all) = fleet.get("units?all=1");
    assert_eq!((status, names(&all)), (200, units));
    assert!(!all.contains("nextPageToken"));
    assert_eq!(fleet.get("units?nextPageToken=ZQACAA=="), error(400, "token limit must be 100"));
    assert_eq!(fleet.get("machines?nextPageToken=x"), error(400, "malformed page token"));
    assert_eq!(fleet.get("state?nextPageToken=ZAAAAA=="), error(400, "token page must be greater than zero"));
    assert_eq!(fleet.get("units?nextPageToken=ZAAJAA=="), (200, "{}".to_owned()), "beyond the end");
}

#[test]
fn lists_are_filtered_by_the_server() {
    let fleet = Fleet::start();
    let (first, second) = (fleet.register("m1"), fleet.register("m2"));
    for (unit, machine, session) in
        [("a.1.service", "m1", first), ("a.2.service", "m2", second), ("b.service", "m2", second)]
    {
        let incarnation = fleet.create(unit, "launched", SLEEP);
        fleet.place(unit, machine, incarnation);
        let order = if unit == "b.service" { Order::Loaded } else { Order::Launched };
        let shown = if unit == "b.service" {
            ("loaded", "inactive", "dead")
        } else {
            ("loaded", "active", "running")
        };
        fleet.report_as(unit, machine, session, incarnation, order, shown);
    }
    fleet.create("idle.service", "inactive", SLEEP);
    fleet.create("g.service", "launched", GLOBAL);
    let names = |target: &str| -> Vec<String> {
        let (status, body) = fleet.get(target);
        assert_eq!(status, 200, "{target}: {body}");
        let after = body.split(r#""name":""#).skip(1).map(|rest| rest.split('"').next().unwrap().to_owned());
        after.filter(|name| name.contains(".service")).collect()
    };
    let units = |filter: &str| names(&format!("units?all=1&{filter}"));
    assert_eq!(units("units=a.*,idle.service"), ["a.1.service", "a.2.service", "idle.service"]);
    assert_eq!(units("units=b.service,a.1.service,nope.service,no unit"), ["a.1.service", "b.service"]);
    // Others have a say in how a global unit stands, so that more is read; it looks the same.
    assert_eq!(
        fleet.get("units?units=g.service").1,
        format!(r#"{{"units":[{}]}}"#, fleet.get("units/g.service").1)
    );
    assert_eq!(units("machines=m2"), ["a.2.service", "b.service"]);
    assert_eq!(units("states=loaded,inact*"), ["b.service", "g.service", "idle.service"]);
    assert_eq!(units("states=launched&machines=m2&units=*"), ["a.2.service"]);
    let states = |filter: &str| names(&format!("state?all=1&{filter}"));
    assert_eq!(states("units=b.service"), ["b.service"]);
    assert_eq!(states("units=[ab].?.service"), ["a.1.service", "a.2.service"]);
    assert_eq!(states("states=active&machines=m2"), ["a.2.service"]);
    assert_eq!(states("states=dead"), ["b.service"]);
    assert_eq!(states("unitName=a.1.service&states=dead"), Vec::<String>::new());
    let (_, machines) = fleet.get("machines?machines=m1");
    assert!(machines.contains(r#""id":"m1""#) && !machines.contains(r#""id":"m2""#), "{machines}");
    let wrong = error(400, "invalid states: expect words or patterns with commas between them");
    assert_eq!(fleet.get("units?states=a,,b"), wrong);
    // Pages hold what is left after the filter.
    assert_eq!(fleet.get("units?units=idle.service&nextPageToken=ZAACAA=="), (200, "{}".to_owned()));
}
