//! `events` over the agent's real API and over the driver etcd: what the leader recorded, bounded, filtered, followed.
//! Needs the feature `real-etcd` and Debian's etcd-server.

use cluster::chronicle::Record;
use cluster::event::Event;
use cluster::limits::EVENTS_KEPT_MAX;
use cluster::{MachineId, UnitName, keys};
use registry::events::append;
use registry::store::{Freshness, Outcome};

use crate::conductor::Conductor;
use crate::double::Double;
use crate::double::fleet::Fleet;
use crate::run::{fleetctl, run, words};
use crate::served::Served;
use crate::watch::Watching;

const MACHINE: &str = "9678f7a7939f457fa0d9353761e189c7";

fn record(event: Event, unit: &str, reason: &str) -> Record {
    let machine = MachineId::parse(MACHINE).unwrap();
    Record::new(1_795_357_017, event, UnitName::parse(unit).ok().as_ref(), Some(&machine), reason)
}

/// A machine that was lost, and its unit.
fn loss() -> [Record; 3] {
    [
        record(Event::MachineLost, "", ""),
        record(Event::UnitTaken, "web.service", "machine 9678f7a7 is lost"),
        record(Event::UnitPlaced, "web.service", "least loaded machine that can run it"),
    ]
}

fn served() -> Served {
    let served = Served::start(Conductor::start(&[]));
    assert!(append(&*served.fleet.shared_store(), &loss()).unwrap());
    served
}

#[test]
fn a_table_tells_what_happened_to_a_unit() {
    let served = served();
    let said = run(served.endpoint(), "events");
    let wanted = "TIME\t\t\tEVENT\t\tUNIT\t\tMACHINE\t\tREASON\n\
                  2026-11-22T14:16:57Z\tmachine-lost\t-\t\t9678f7a7...\t-\n\
                  2026-11-22T14:16:57Z\tunit-taken\tweb.service\t9678f7a7...\tmachine 9678f7a7 is lost\n\
                  2026-11-22T14:16:57Z\tunit-placed\tweb.service\t9678f7a7...\tleast loaded machine that can run it\n";
    assert_eq!((said.stdout.as_str(), said.stderr.as_str(), said.exit), (wanted, "", 0));
    let last = run(served.endpoint(), "events -n 1 --unit=w*b -l --no-legend --fields=seq,event,machine");
    assert_eq!(last.stdout, format!("3\tunit-placed\t{MACHINE}\n"));
    let of_machine = run(served.endpoint(), "events --machine=9678 -o name");
    assert_eq!(of_machine.stdout, "machine-lost\nunit-taken\nunit-placed\n");
    assert_eq!(run(served.endpoint(), "events --no-legend --unit=other").stdout, "");
    let refused = run(served.endpoint(), "events -f -o json");
    assert!(refused.exit == 2 && refused.stderr.contains("use jsonl"), "{refused:?}");
}

#[test]
fn both_ways_to_the_cluster_say_the_same() {
    let served = served();
    let wanted = format!(
        "{{\"seq\":2,\"time\":\"2026-11-22T14:16:57Z\",\"event\":\"unit-taken\",\"unit\":\"web.service\",\
         \"machine\":\"{MACHINE}\",\"reason\":\"machine 9678f7a7 is lost\"}}\n"
    );
    let line = "events -o jsonl";
    let by_agent = run(served.endpoint(), line);
    let by_etcd = run(&served.fleet.endpoint(), &format!("--driver=etcd {line}"));
    assert_eq!(by_agent, by_etcd);
    assert!(by_agent.stdout.contains(&wanted) && by_agent.stdout.starts_with("{\"seq\":1,"), "{by_agent:?}");
    assert!(by_agent.stdout.contains("\"unit\":null"), "{by_agent:?}");
}

#[test]
fn followers_hear_of_each_once_and_of_nothing_else() {
    let served = served();
    let line = "events --follow -n 1 --no-legend --fields=seq,event";
    let mut command = fleetctl(&served.fleet.endpoint(), &words(line));
    command.env("FLEETCTL_DRIVER", "etcd");
    let followers = [Watching::start(fleetctl(served.endpoint(), &words(line))), Watching::start(command)];
    let store = served.fleet.shared_store();
    for mut watching in followers {
        assert_eq!(watching.line(), "3\tunit-placed");
        assert!(append(&*store, &[record(Event::BrakeOn, "", "")]).unwrap());
        let before = watching.line();
        assert!(append(&*store, &[record(Event::BrakeOff, "", "")]).unwrap());
        assert!(before.ends_with("\tbrake-on") && watching.line().ends_with("\tbrake-off"));
        assert!(matches!(store.delete_tree(keys::EVENTS), Outcome::Done { .. }));
        // Numbers begin anew in another registry, and are news all the same.
        assert!(append(&*store, &loss()).unwrap());
        assert_eq!((watching.line(), watching.line()), ("1\tmachine-lost".into(), "2\tunit-taken".into()));
        assert_eq!(watching.line(), "3\tunit-placed");
        assert_eq!(watching.abandoned(), Some(0));
    }
}

#[test]
fn what_is_kept_is_bounded_and_two_leaders_do_not_undo_each_other() {
    let served = served();
    let store = served.fleet.shared_store();
    let many: Vec<Record> =
        (0..2 * EVENTS_KEPT_MAX).map(|_| record(Event::UnitPlaced, "a.service", "")).collect();
    assert!(append(&*store, &many).unwrap());
    let said = run(served.endpoint(), "events -n 1000 -o name");
    assert_eq!(said.stdout.lines().count(), 1, "one name stands once where it follows itself: {said:?}");
    let said = run(served.endpoint(), "events -n 1000 -o jsonl");
    assert_eq!(said.stdout.lines().count(), EVENTS_KEPT_MAX);
    // What a newer leader may write one day is shown, what nobody can read is left out.
    let (held, _) = store.read(keys::EVENTS, Freshness::Quorum).unwrap();
    let value =
        format!("{}no JSON\n{{\"seq\":900,\"event\":\"unit-improved\",\"more\":1}}\n", held.unwrap().value);
    assert!(matches!(store.put(keys::EVENTS, &value), Outcome::Done { .. }));
    let said = run(served.endpoint(), "events -n 2 --no-legend --fields=seq,event");
    assert_eq!(said.stdout, format!("{}\tunit-placed\n900\tunit-improved\n", 3 + 2 * EVENTS_KEPT_MAX));
}

#[test]
fn a_server_without_events_is_told_apart_from_one_with_none() {
    let double = Double::start("events-old", Fleet { page: Some(9), ..Fleet::default() });
    let old = run(&double.endpoint(), "events");
    assert_eq!((old.exit, old.stdout.as_str()), (1, ""));
    assert!(old.stderr.contains("it may be fleet's, or older"), "{old:?}");
    let served = Served::start(Conductor::start(&[]));
    let none = run(served.endpoint(), "events");
    assert_eq!((none.exit, none.stdout.as_str()), (0, "TIME\tEVENT\tUNIT\tMACHINE\tREASON\n"));
}
