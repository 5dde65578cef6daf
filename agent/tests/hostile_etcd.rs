//! The real agent, a real systemd and a real etcd, with something in between that is no etcd for a while: whatever it
//! says, the agent goes on, stays small, writes nowhere else, leaves what runs alone and says what is wrong; and once the
//! good etcd is back, all goes on. Needs the features `real-etcd` and `real-systemd`, root, and what those ask for.

// Everything in this program is a test, also what stands outside of the functions marked as one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, dead_code)]

#[path = "hostile_clients/crowd.rs"]
mod crowd;
#[path = "hostile_etcd/front.rs"]
mod front;
#[path = "hostile_etcd/lies.rs"]
mod lies;
#[path = "hostile_etcd/machine.rs"]
mod machine;
#[path = "../../systemd-shim/tests/scratch/mod.rs"]
mod scratch;
#[path = "../../systemd-shim/tests/user_manager/mod.rs"]
mod user_manager;
#[path = "../../systemd-shim/tests/waiting/mod.rs"]
mod waiting;

use std::net::TcpListener;

use crowd::Place;
use front::Front;
use lies::LIES;
use machine::Machine;
use tests::etcd::Etcd;
use waiting::try_wait_for;

/// What an agent may grow by, whatever etcd says: two answers' largest nodes at a time, each read and undone, and the rest
/// of a mebibyte or two that any fleet of some size takes.
const GROWTH_MAX_KIB: u64 = 12 * 1024;
/// A lie is told at least that often before its effect is looked at.
const TOLD_MIN: usize = 6;

#[test]
fn whatever_etcd_says_the_agent_goes_on_and_its_units_run() {
    let etcd = Etcd::start().unwrap();
    // Whoever follows a redirect comes here.
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let front = Front::start(etcd.client_address(), elsewhere.local_addr().unwrap());
    let mut machine = Machine::start(front.url());
    machine.run_unit(&etcd.endpoint(), "steady.service");
    let before = machine.traces();
    let mut wrong = Vec::new();
    for (number, lie) in LIES.iter().enumerate() {
        machine.forget_peak();
        let log = machine.log().len();
        let resident = machine.resident_kib();
        front.tell(Some(*lie));
        let told = try_wait_for("the agent to be lied to", || match front.told() {
            count if count >= TOLD_MIN => Ok(()),
            count => Err(count),
        });
        let said = try_wait_for("the agent to say what is wrong", || machine.says(lie.said, log));
        let grown = machine.peak_kib().saturating_sub(resident);
        println!(
            "{:32} told {:5}  grew {grown:6} KiB  {}",
            lie.name,
            front.told(),
            said.as_ref().map_or("-", |said| said)
        );
        let mut check = |holds: bool, what: String| {
            if !holds {
                wrong.push(format!("{}: {what}", lie.name))
            }
        };
        check(machine.is_running(), "the agent ended".to_owned());
        check(told.is_ok(), format!("{told:?}"));
        check(said.is_ok(), format!("{said:?}"));
        check(grown <= GROWTH_MAX_KIB, format!("grew by {grown} KiB, {GROWTH_MAX_KIB} at most"));
        check(machine.traces() == before, format!("{:?} became {:?}", before, machine.traces()));
        check(elsewhere.accept().is_err(), "a redirect was followed".to_owned());
        let was_well = machine.wellness().is_ok();
        front.tell(None);
        if lie.lasts {
            let answer = Place::Unix(machine.socket()).ask("POST", "/fleet/v1/registry/adopt", "");
            check(answer.0 == 200, format!("{answer:?}"));
        }
        let well = try_wait_for("the agent to be well again", || machine.wellness());
        check(well.is_ok(), format!("{well:?}"));
        // Where the status said nothing of it, and now and then: only something new shows that all goes on.
        if was_well || number % 6 == 5 || number + 1 == LIES.len() {
            let unit = format!("later{number}.service");
            machine.run_unit(&etcd.endpoint(), &unit);
            machine.drop_unit(&etcd.endpoint(), &unit);
            check(machine.traces() == before, format!("{:?} became {:?}", before, machine.traces()));
        }
        if !wrong.is_empty() {
            break;
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.join("\n"), machine.log_tail());
}
