//! `GET /metrics`: what Prometheus's own checker says of the page, and whether it counts what happens.

use std::io::Write;
use std::process::{Command, Stdio};

use agent::http::Method;
use agent::metrics::{NUMBERS, Task};

use super::fleet::{Fleet, SLEEP, error};

/// fleet's names, those it documented and never showed included (contract §5.3).
const FLEETS: [&str; 9] = [
    "fleet_engine_leader_start_time",
    "fleet_engine_task_count_total",
    "fleet_engine_task_failure_count_total",
    "fleet_engine_reconcile_count_total",
    "fleet_engine_reconcile_failure_count_total",
    "fleet_engine_reconcile_duration_second",
    "fleet_registry_operation_count_total",
    "fleet_registry_operation_failed_count_total",
    "fleet_registry_operation_duration_second",
];

fn page(fleet: &Fleet) -> String {
    let (status, page) = fleet.agent.send_to(Method::Get, "metrics", &[], "");
    assert_eq!(status, 200, "{page}");
    page
}

fn value(page: &str, sample: &str) -> f64 {
    let line = page.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {sample} in {page}")).parse().unwrap()
}

#[test]
fn promtool_has_nothing_to_say() {
    let fleet = Fleet::start();
    let page = page(&fleet);
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("start promtool (Debian: prometheus)");
    promtool.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert_eq!(String::from_utf8(said).unwrap(), "");
    assert!(output.status.success(), "{}", output.status);
    for name in FLEETS {
        assert!(page.contains(&format!("# TYPE {name} ")), "no {name}");
    }
    // The names and labels are all there from the first page on, so that it never grows with the fleet.
    assert!(page.len() < 6 * 1024, "{} bytes", page.len());
}

#[test]
fn it_counts_what_happens() {
    let mut fleet = Fleet::start();
    let sample = "fleet_registry_operation_count_total{type=\"set\"}";
    let failed = "fleet_registry_operation_failed_count_total{type=\"get_all\"}";
    let placed = "fleet_engine_task_count_total{type=\"attemptscheduleunit\"}";
    let before = page(&fleet);
    fleet.create("x.service", "inactive", SLEEP);
    NUMBERS.task(Task::Schedule, true);
    NUMBERS.leads(true);
    let after = page(&fleet);
    assert!(value(&after, sample) > value(&before, sample), "{after}");
    assert!(value(&after, placed) > value(&before, placed), "{after}");
    let seconds = "fleet_registry_operation_duration_second_sum{ops=\"set\"}";
    assert!(value(&after, seconds) > value(&before, seconds), "{after}");
    assert!(value(&after, "fleet_engine_leader_start_time") > 1_500_000_000.0);
    NUMBERS.leads(false);
    assert_eq!(value(&page(&fleet), "fleet_engine_leader_start_time").to_string(), "0");

    fleet.etcd.stop().unwrap();
    let before = page(&fleet);
    assert_eq!(fleet.get("units").0, 503);
    assert!(value(&page(&fleet), failed) > value(&before, failed));
}

#[test]
fn it_is_there_when_nothing_else_is() {
    let fleet = Fleet::start();
    *fleet.agent.standing.borrow_mut() = Err("fleet server unable to communicate with etcd".to_owned());
    assert_eq!(fleet.get("units").0, 503);
    let page = page(&fleet);
    assert_eq!((value(&page, "fleet_agent_registered"), value(&page, "fleet_agent_frozen")), (0.0, 1.0));
    let refused = error(405, "only GET supported against this resource");
    assert_eq!(fleet.agent.send_to(Method::Post, "metrics", &[], ""), refused);
}
