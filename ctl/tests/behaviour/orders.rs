//! Orders to units: patterns, global units, units that end or fail, what is asked of the server for them.

use cluster::TargetState::{Inactive, Launched, Loaded};

use crate::double::Double;
use crate::double::fleet::Fleet;
use crate::run::{Outcome, fleetctl, outcome, run};

const MONITOR: &str = include_str!("../../testdata/units/monitor.service");
const HELLO: &str = include_str!("../../testdata/units/hello.service");
const ONCE: &str = include_str!("../../testdata/units/once.service");
const APACHES: [(&str, usize); 3] =
    [("apache.1.service", 1), ("apache.2.service", 2), ("apache.3.service", 0)];

fn ok(stdout: &str, stderr: &str) -> Outcome {
    Outcome { stdout: stdout.to_owned(), stderr: stderr.to_owned(), exit: 0 }
}

fn double(name: &str, places: &[(&str, usize)]) -> Double {
    Double::start(name, Fleet::placing(places))
}

#[test]
fn a_pattern_starts_the_files_here_as_in_the_guide() {
    let double = double("guide", &APACHES);
    let folder = crate::run::fresh_folder("guide-files");
    for name in ["apache.1.service", "apache.2.service"] {
        std::fs::copy(crate::run::units_folder().join(name), folder.join(name)).unwrap();
    }
    std::fs::write(folder.join("apache.conf"), "not a unit").unwrap();
    let mut command = fleetctl(&double.endpoint(), &["start", "apache.*"]);
    command.current_dir(&folder);
    let wanted = "Unit apache.1.service inactive\nUnit apache.2.service inactive\n\
                  Unit apache.1.service launched on aaf2f899.../10.99.0.12\n\
                  Unit apache.2.service launched on ae7be26c.../10.99.0.11\n";
    assert_eq!(outcome(command), ok(wanted, ""));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_pattern_without_files_is_matched_against_the_registry() {
    let double = double("pattern", &APACHES);
    for (name, _) in APACHES {
        double.fleet().has(name, HELLO, Launched);
    }
    let elsewhere = |line: &str| {
        let mut command = fleetctl(&double.endpoint(), &line.split_whitespace().collect::<Vec<_>>());
        command.current_dir("/");
        outcome(command)
    };
    let stopped = elsewhere("stop apache.[12]");
    let said = "apache.[12] matches apache.1.service apache.2.service\n\
                Successfully stopped units [apache.1.service apache.2.service].\n";
    assert_eq!(stopped.stderr, said);
    assert_eq!(elsewhere("start apache.[12]").exit, 0);
    assert_eq!(elsewhere("cat apache.1*").stdout, HELLO);
    assert_eq!(elsewhere("cat apache.*").exit, 1);
    let gone = "Destroyed apache.1.service\nDestroyed apache.2.service\nDestroyed apache.3.service\n";
    let matched = "apache.* matches apache.1.service apache.2.service apache.3.service\n";
    assert_eq!(elsewhere("destroy apache.*"), ok(gone, matched));
    assert_eq!(elsewhere("stop apache.*"), ok("", "Units not found in registry\n"));
    let nothing = elsewhere("start apache.*");
    assert_eq!(
        nothing.stderr,
        "Error creating units: unable to find Unit(apache.*.service) in Registry or on filesystem\n"
    );
    assert_eq!(nothing.exit, 3);
}

#[test]
fn no_block_returns_at_once_and_says_so_once() {
    let double = double("no-block", &[]);
    double.fleet().has("hello.service", HELLO, Inactive);
    assert_eq!(
        run(&double.endpoint(), "start --no-block hello"),
        ok("Triggered unit hello.service start\n", "")
    );
    double.fleet().places.insert("hello.service".to_owned(), 0);
    double.fleet().set("hello.service", Launched);
    let stopped = run(&double.endpoint(), "stop --no-block hello");
    let closing = "Successfully stopped units [hello.service].\n";
    assert_eq!(stopped, ok("Triggered unit hello.service stop\n", closing));
    let destroyed = run(&double.endpoint(), "destroy --no-block hello");
    assert_eq!(destroyed, ok("Destroyed hello.service\n", ""));
}

#[test]
fn a_pending_unit_can_be_unloaded_but_not_stopped() {
    let double = double("pending", &[]);
    double.fleet().has("hello.service", HELLO, Launched);
    assert_eq!(
        run(&double.endpoint(), "stop hello").stderr,
        "Unable to stop unit hello.service in state inactive\n"
    );
    let unloaded = run(&double.endpoint(), "unload hello");
    assert_eq!(
        unloaded,
        ok("Unit hello.service inactive\n", "Successfully unloaded units [hello.service].\n")
    );
    assert_eq!(double.fleet().units["hello.service"].desired, Inactive);
}

#[test]
fn stop_goes_on_past_units_that_are_on_no_machine() {
    let double = double("stop-some", &[("b.service", 0)]);
    double.fleet().has("a.service", HELLO, Inactive);
    double.fleet().has("b.service", HELLO, Launched);
    let stopped = run(&double.endpoint(), "stop a b");
    assert_eq!(stopped.exit, 1);
    assert_eq!(stopped.stdout, "Unit b.service loaded on 9678f7a7.../10.99.0.13\n");
    let said = "Unable to stop unit a.service in state inactive\nSuccessfully stopped units [b.service].\n";
    assert_eq!(stopped.stderr, said);
}

#[test]
fn a_global_unit_is_restarted_everywhere() {
    let double = double("global", &[]);
    double.fleet().has("monitor.service", MONITOR, Launched);
    let restarted = run(&double.endpoint(), "restart monitor");
    assert_eq!(restarted.exit, 0, "{restarted:?}");
    assert!(restarted.stderr.ends_with(": Unit(monitor.service) was restarted.\n"), "{restarted:?}");
    let fleet = double.fleet();
    let puts = fleet.asked.iter().filter(|asked| asked.starts_with("PUT")).count();
    assert_eq!(puts, 2, "{:?}", fleet.asked);
    assert_eq!(fleet.units["monitor.service"].desired, Launched);
}

#[test]
fn an_inactive_global_unit_is_not_loaded_by_stop() {
    let double = double("global-inactive", &[]);
    double.fleet().has("monitor.service", MONITOR, Inactive);
    let stopped = run(&double.endpoint(), "stop monitor");
    assert_eq!((stopped.exit, double.fleet().units["monitor.service"].desired), (1, Inactive));
}

#[test]
fn a_oneshot_that_ended_well_is_a_success() {
    let double = double("oneshot", &[("once.service", 1)]);
    double.fleet().shown.insert("once.service".to_owned(), ("inactive", "dead", ""));
    double.fleet().has("once.service", ONCE, Inactive);
    let wanted = "Unit once.service launched on aaf2f899.../10.99.0.12\n";
    assert_eq!(
        run(&double.endpoint(), "start once"),
        ok(wanted, "Unit once.service has run and finished.\n")
    );
}

#[test]
fn a_unit_that_fails_is_an_error_with_its_last_words() {
    let double = double("fails", &[("fails.service", 0)]);
    double.fleet().shown.insert("fails.service".to_owned(), ("failed", "failed", "exit-code 1: it broke"));
    let started = run(&double.endpoint(), "start fails");
    assert_eq!(started.exit, 1);
    let said = "Error waiting for units: unit fails.service failed: systemd says failed: exit-code 1: it broke\n\
                Error waiting for systemd unit states, err: unit fails.service is not active\n";
    assert_eq!(started.stderr, said);
}

#[test]
fn a_unit_that_is_active_for_a_moment_and_then_fails_is_an_error() {
    let double = double("falls", &[("fails.service", 0)]);
    double.fleet().falls.insert("fails.service".to_owned(), ("failed", "failed", "exit-code 1: it broke"));
    let started = run(&double.endpoint(), "start fails");
    assert_eq!(started.exit, 1, "{started:?}");
    assert!(started.stderr.contains("unit fails.service failed: systemd says failed"), "{started:?}");
}

#[test]
fn a_unit_on_its_way_is_waited_for_as_long_as_attempts_allow() {
    let double = double("activating", &[("hello.service", 0)]);
    double.fleet().shown.insert("hello.service".to_owned(), ("activating", "start-pre", ""));
    let started = run(&double.endpoint(), "start --block-attempts=2 hello");
    let said = "Error waiting for units: timed out waiting for unit hello.service to report state active\n\
                Error waiting for systemd unit states, err: unit hello.service is not active\n";
    assert_eq!((started.exit, started.stderr.as_str()), (1, said));
}

#[test]
fn replace_says_what_it_found() {
    let double = double("replace", &[("hello.service", 0)]);
    let other = HELLO.replace("100000", "5");
    double.fleet().has("hello.service", &other, Launched);
    let endpoint = double.endpoint();
    let warning = "WARNING: Unit hello.service in registry differs from local unit file hello.service. \
                   Add --replace to override.\n";
    assert_eq!(run(&endpoint, "start hello.service"), ok("", warning));
    let refused =
        "Warning: can not replace Unit(hello.service) in state 'launched', use the appropriate command\n";
    assert_eq!(run(&endpoint, "submit --replace hello"), ok("", refused));
    let replaced = "Unit hello.service inactive\nUnit hello.service launched on 9678f7a7.../10.99.0.13\n";
    assert_eq!(run(&endpoint, "start --replace hello"), ok(replaced, ""));
    assert_eq!(run(&endpoint, "cat hello").stdout, HELLO);
    let same = "Found same Unit(hello.service) in Registry, nothing to do\n";
    assert_eq!(run(&endpoint, "start --replace hello"), ok(same, ""));
}

#[test]
fn an_instance_is_made_from_the_template_beside_it() {
    let double = double("template", &[("web@7.service", 2)]);
    let wanted = "Unit web@7.service inactive\nUnit web@7.service loaded on ae7be26c.../10.99.0.11\n";
    assert_eq!(run(&double.endpoint(), "load web@7"), ok(wanted, ""));
    let none = run(&double.endpoint(), "load nope@7");
    assert_eq!(
        (none.exit, none.stderr.as_str()),
        (
            3,
            "Error creating units: failed getting Unit(nope@7.service) from \
        template: unable to find template Unit(nope@.service) in Registry or on filesystem\n"
        )
    );
    let template = run(&double.endpoint(), "start web@");
    assert_eq!(
        template.stderr,
        "Error starting units: googleapi: Error 400: cannot activate template \"web@.service\"\n"
    );
}

#[test]
fn many_units_take_few_requests_and_keep_their_order() {
    let names: Vec<String> = (100..200).map(|n| format!("many@{n}.service")).collect();
    let places: Vec<(&str, usize)> = names.iter().map(|name| (name.as_str(), 1)).collect();
    let double = double("many", &places);
    double.fleet().has("many@.service", HELLO, Inactive);
    let words: Vec<&str> = std::iter::once("start").chain(names.iter().map(String::as_str)).collect();
    let started = outcome(fleetctl(&double.endpoint(), &words));
    let created = names.iter().map(|name| format!("Unit {name} inactive\n"));
    let launched = names.iter().map(|name| format!("Unit {name} launched on aaf2f899.../10.99.0.12\n"));
    assert_eq!(started, ok(&created.chain(launched).collect::<String>(), ""));
    let lists = double.fleet().asked.iter().filter(|asked| asked.contains("all=1")).count();
    assert_eq!(lists, 5, "created, launched, machines, active, still active");
}

#[test]
fn the_first_unit_that_cannot_be_created_ends_it() {
    let double = double("first-error", &[]);
    let started = run(&double.endpoint(), "start hello nope.a nope.b");
    assert_eq!(started.exit, 3);
    assert_eq!(started.stdout, "");
    let said = "Error creating units: unable to find Unit(nope.a.service) in Registry or on filesystem\n";
    assert_eq!(started.stderr, said);
    assert!(double.fleet().asked.iter().all(|asked| !asked.contains("launched")));
    assert!(double.fleet().units.values().all(|unit| unit.desired == Inactive));
}

#[test]
fn machines_are_drained_and_given_back() {
    let double = double("drain", &[]);
    let endpoint = double.endpoint();
    assert_eq!(run(&endpoint, "drain 9678"), ok("Machine 9678f7a7.../10.99.0.13 is draining\n", ""));
    let listed = run(&endpoint, "list-machines --fields=machine,draining,version --no-legend").stdout;
    assert!(listed.starts_with("9678f7a7...\ttrue\t0.1.0\naaf2f899...\tfalse\t"), "{listed}");
    assert_eq!(run(&endpoint, "undrain 9678"), ok("Machine 9678f7a7.../10.99.0.13 takes units again\n", ""));
    let several = run(&endpoint, "drain a");
    assert_eq!((several.exit, several.stderr.as_str()), (1, "\"a\": found more than one machine\n"));
    let none = run(&endpoint, "drain x");
    assert_eq!((none.exit, none.stderr.as_str()), (3, "\"x\": machine does not exist\n"));
    assert_eq!(run(&endpoint, "registry adopt"), ok("The registry is adopted.\n", ""));
}

#[test]
fn a_copy_names_the_store_it_goes_to() {
    let double = double("copy", &[]);
    let endpoint = double.endpoint();
    let urls = "http://10.0.0.1:2379,http://10.0.0.2:2379";
    assert_eq!(run(&endpoint, &format!("registry copy --to {urls}")), ok("The registry is copied.\n", ""));
    let asked = format!("POST registry/copy?to={urls}");
    assert!(double.fleet().asked.contains(&asked), "{:?}", double.fleet().asked);
    let nowhere = run(&endpoint, "registry copy");
    assert!(nowhere.exit == 2 && nowhere.stderr.contains("--to"), "{nowhere:?}");
    double.fleet().refused = Some(("POST registry/copy".to_owned(), 409, "the store is not empty"));
    let refused = run(&endpoint, "registry copy --to /var/lib/fleet");
    assert_eq!(refused.exit, 1, "{refused:?}");
    assert!(
        refused.stderr.contains("Error copying the registry") && refused.stderr.contains("not empty"),
        "{refused:?}"
    );
}

#[test]
fn units_of_an_old_server_come_in_pages() {
    let double = double("pages", &[]);
    double.fleet().page = Some(2);
    for n in 0..5 {
        double.fleet().has(&format!("p{n}.service"), HELLO, Loaded);
    }
    let listed = run(&double.endpoint(), "list-unit-files --no-legend --fields=unit,dstate").stdout;
    assert_eq!(listed, (0..5).map(|n| format!("p{n}.service\tloaded\n")).collect::<String>());
}
