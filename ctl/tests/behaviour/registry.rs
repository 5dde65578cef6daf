//! The driver etcd beyond fleet's captured session: how it is chosen, and what it says when things go wrong. Needs the
//! feature `real-etcd` and Debian's etcd-server.

use std::process::Command;

use cluster::TargetState;

use crate::conductor::Conductor;
use crate::run::{Outcome, fleetctl, outcome, run, words};

const HELLO: &str = include_str!("../../testdata/units/hello.service");

fn by_etcd(fleet: &Conductor, line: &str) -> Outcome {
    run(&fleet.endpoint(), &format!("--driver=etcd {line}"))
}

fn without_endpoint(line: &str) -> Command {
    let mut command = fleetctl("", &words(line));
    command.env_remove("FLEETCTL_ENDPOINT");
    command
}

fn ok(stdout: &str) -> Outcome {
    Outcome { stdout: stdout.to_owned(), stderr: String::new(), exit: 0 }
}

#[test]
fn every_way_to_ask_for_it_leads_there() {
    let fleet = Conductor::start(&[("hello.service", 0)]);
    let list = "list-machines --fields=ip --no-legend";
    let machines = ok("10.99.0.13\n10.99.0.12\n10.99.0.11\n");
    assert_eq!(by_etcd(&fleet, list), machines);
    assert_eq!(run(&fleet.endpoint(), &format!("--experimental-api=false {list}")), machines);
    let twice = format!("{},{}", fleet.endpoint(), "http://127.0.0.1:1");
    assert_eq!(run(&twice, &format!("--driver etcd {list}")), machines);
    let aliases = "--driver=etcd --etcd-cafile= --etcd-certfile= --etcd-keyfile= --request-timeout=2.5";
    assert_eq!(run(&fleet.endpoint(), &format!("{aliases} {list}")), machines);
}

#[test]
fn prefixes_are_fleets_of_their_own() {
    let fleet = Conductor::start(&[]);
    fleet.store_unit("hello.service", HELLO, TargetState::Inactive);
    let list = "list-unit-files --fields=unit --no-legend";
    assert_eq!(by_etcd(&fleet, list), ok("hello.service\n"));
    assert_eq!(by_etcd(&fleet, &format!("--etcd-key-prefix=/other {list}")), ok(""));
    assert_eq!(by_etcd(&fleet, "--etcd-key-prefix=other/ submit hello.service").exit, 0);
    assert_eq!(by_etcd(&fleet, "--etcd-key-prefix=/other/ destroy hello.service").exit, 0);
    assert_eq!(by_etcd(&fleet, list), ok("hello.service\n"));
}

#[test]
fn the_rules_are_the_api_s() {
    let fleet = Conductor::start(&[("hello.service", 0)]);
    let refused = by_etcd(&fleet, "submit badopts.service");
    assert_eq!((refused.exit, refused.stdout.as_str()), (1, ""), "{refused:?}");
    assert!(refused.stderr.starts_with("Error creating units: "), "{refused:?}");
    let adopted = by_etcd(&fleet, "registry adopt");
    assert!(adopted.exit == 1 && adopted.stderr.contains("only an agent"), "{adopted:?}");
    let started = by_etcd(&fleet, "start hello.service");
    let line = "Unit hello.service inactive\nUnit hello.service launched on 9678f7a7.../10.99.0.13\n";
    assert_eq!(started, ok(line));
    assert_eq!(by_etcd(&fleet, "drain 9678f7a7").exit, 0);
    let draining = by_etcd(&fleet, "list-machines --fields=ip,draining --no-legend");
    assert!(draining.stdout.starts_with("10.99.0.13\ttrue\n10.99.0.12\tfalse\n"), "{draining:?}");
    let waited = by_etcd(&fleet, "wait --for=active --timeout=5s hello");
    assert_eq!(waited, ok("Unit hello.service active on 9678f7a7.../10.99.0.13\n"));
    fleet.show("hello.service", ("failed", "failed", ""));
    let waited = by_etcd(&fleet, "wait --for=failed --timeout=5s hello");
    assert_eq!(waited, ok("Unit hello.service failed on 9678f7a7.../10.99.0.13\n"));
}

#[test]
fn a_newer_agent_is_warned_of_in_a_box() {
    let fleet = Conductor::start(&[]);
    fleet.update_agents("99.1.0");
    let listed = by_etcd(&fleet, "list-units");
    assert_eq!((listed.exit, listed.stdout.as_str()), (0, "UNIT\tMACHINE\tACTIVE\tSUB\n"));
    let lines: Vec<&str> = listed.stderr.lines().collect();
    assert!(
        lines.len() == 4 && lines[0].starts_with("####") && lines[1].starts_with("WARNING: fleetctl"),
        "{listed:?}"
    );
    assert!(lines[1].contains("99.1.0"), "{listed:?}");
}

#[test]
fn who_cannot_be_reached_is_named() {
    let gone = run("http://127.0.0.1:1", "--driver=etcd list-units");
    assert_eq!((gone.exit, gone.stdout.as_str()), (4, ""), "{gone:?}");
    assert!(gone.stderr.contains("127.0.0.1:1") && gone.stderr.contains("refused"), "{gone:?}");
    let wrong = run("unix:///run/nothing.sock", "--driver=etcd list-units");
    assert_eq!(wrong.exit, 1, "{wrong:?}");
    let text = "Unable to initialize client: etcd endpoint unix:///run/nothing.sock";
    assert!(wrong.stderr.starts_with(text), "{wrong:?}");
    // The place to look for is etcd's own, unless one is named.
    let default = outcome(without_endpoint("--driver=etcd --debug --request-timeout=1 cat hello"));
    assert!(default.stderr.contains("http://127.0.0.1:"), "{default:?}");
}
