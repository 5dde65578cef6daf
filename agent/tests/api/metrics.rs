//! `GET /metrics`: what Prometheus's own checker says of the page, and whether it counts what happens.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use agent::events::{About, tell};
use agent::http::Method;
use agent::metrics::{NUMBERS, Task};
use cluster::event::Event;
use cluster::loss::Verdict;

use super::fleet::{Fleet, SLEEP, error, id};

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
    assert!(page.len() < 10 * 1024, "{} bytes", page.len());
}

/// The names of numbers in a text.
fn names(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !(c.is_ascii_lowercase() || c == '_'));
    words.filter(|word| word.starts_with("fleet_") && word.len() > 12).map(str::to_owned).collect()
}

#[test]
fn alarms_are_rules_about_numbers_there_are() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let rules = docs.join("alarms.yml");
    let checked = Command::new("promtool").args(["check", "rules"]).arg(&rules).output();
    let checked = checked.expect("start promtool (Debian: prometheus)");
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    let page = page(&Fleet::start());
    let there = |name: &str| page.lines().any(|line| line.starts_with(name));
    let file = fs::read_to_string(&rules).unwrap();
    for name in names(&file) {
        assert!(there(&name), "docs/alarms.yml asks for {name}, which no agent shows");
    }
    let api = fs::read_to_string(docs.join("api.md")).unwrap();
    let (_, table) = api.split_once("## Numbers for Prometheus").unwrap();
    for name in names(table).iter().filter(|name| !name.ends_with('_')) {
        assert!(there(name), "docs/api.md tells of {name}, which no agent shows");
    }
    // What Skiff adds to fleet's names is explained.
    let families = page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    for family in families.filter(|family| !FLEETS.contains(family) && !family.starts_with("process_")) {
        assert!(table.contains(&format!("`{family}")), "docs/api.md does not explain {family}");
    }
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
    let braked = Verdict { missing: ["a", "b"].map(id).into(), braked: true, ..Verdict::default() };
    NUMBERS.judged(&braked);
    tell(Event::BrakeOn, About::default(), format_args!("most machines vanished at once"));
    let of_events = "fleet_agent_events_total{event=\"brake-on\"}";
    let judged = page(&fleet);
    assert_eq!(value(&judged, of_events), value(&after, of_events) + 1.0);
    let gauges =
        ["fleet_engine_machines_missing", "fleet_engine_mass_loss_brake", "fleet_engine_machines_lost"];
    assert_eq!(gauges.map(|gauge| value(&judged, gauge)), [2.0, 1.0, 0.0]);
    NUMBERS.leads(false);
    // Whoever leads now knows better.
    assert_eq!(value(&page(&fleet), "fleet_engine_mass_loss_brake"), 0.0);
    assert_eq!(value(&page(&fleet), "fleet_agent_contact_age_seconds"), 1.5);
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
