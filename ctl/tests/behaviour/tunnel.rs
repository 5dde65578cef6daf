//! `--tunnel`: which ssh runs with which words, how often it logs in, and what is said when it does not get there. The
//! ssh here is a stand-in whose far end is this machine; the scenarios have a real one.

use std::os::unix::fs::symlink;
use std::path::PathBuf;

use cluster::TargetState::Launched;

use crate::double::Double;
use crate::double::fleet::Fleet;
use crate::run::{Outcome, fresh_folder, home, outcome};
use crate::stand_in::{SSH, programs, tunnelled};

const HELLO: &str = include_str!("../../testdata/units/hello.service");

/// A double reached through a stand-in, and what the stand-in was called with.
struct Way {
    double: Double,
    programs: PathBuf,
    log: PathBuf,
}

impl Way {
    fn new(name: &str, fleet: Fleet, far_name: &str) -> Self {
        let double = Double::start(name, fleet);
        let programs = programs(name, &[("ssh", SSH)]);
        symlink(env!("CARGO_BIN_EXE_ctl"), programs.join(far_name)).unwrap();
        let log = programs.join("log");
        Self { double, programs, log }
    }

    fn go(&self, line: &str) -> Outcome {
        outcome(tunnelled(&self.double.endpoint(), &self.programs, line))
    }

    /// One line for each ssh so far, the changing socket and folders masked.
    fn calls(&self) -> Vec<String> {
        let log = std::fs::read_to_string(&self.log).unwrap();
        let mask = |line: &str| {
            let control = line.rsplit_once("ControlPath=").map(|(_, rest)| rest).unwrap_or_default();
            let control = control.split(['|', ' ']).next().unwrap_or_default();
            let line = if control.is_empty() { line.to_owned() } else { line.replace(control, "SOCKET") };
            line.replace(&home().display().to_string(), "HOME").replace(&self.double.endpoint()[7..], "FAR")
        };
        log.lines().map(mask).collect()
    }
}

/// What every ssh to the bastion begins with.
const USUAL: &str =
    "-o|ConnectTimeout=10|-o|UserKnownHostsFile=HOME/.fleetctl/known_hosts HOME/.ssh/known_hosts|-p|2222|";

#[test]
fn one_login_serves_a_whole_batch() {
    let names: Vec<String> = (0..10).map(|n| format!("batch@{n}.service")).collect();
    let places: Vec<(&str, usize)> = names.iter().map(|name| (name.as_str(), 0)).collect();
    let way = Way::new("tunnel-batch", Fleet::placing(&places), "ctl");
    for name in &names {
        way.double.fleet().has(name, HELLO, cluster::TargetState::Inactive);
    }
    let started = way.go(&format!("start {}", names.join(" ")));
    assert_eq!((started.exit, started.stderr.as_str()), (0, ""), "{started:?}");
    assert!(
        names.iter().all(|name| started.stdout.contains(&format!("Unit {name} launched"))),
        "{started:?}"
    );
    let calls = way.calls();
    let (masters, others): (Vec<_>, Vec<_>) =
        calls.iter().partition(|call| call.contains("ControlMaster=yes"));
    let line =
        "sh -c 'exec \"$(command -v ctl || command -v fleetctl || echo ctl)\" fd-forward \"$1\"' sh FAR";
    let words = |master: &str| {
        format!(
            "{USUAL}-T|-a|-x|-o|ControlMaster={master}|-o|ControlPersist=no|-o|ControlPath=SOCKET|\
             -o|ClearAllForwardings=yes|-o|RemoteCommand=none|--|core@bastion|{line}|"
        )
    };
    assert_eq!(masters, [&words("yes")], "{calls:#?}");
    assert!(others.iter().all(|call| **call == words("no")) && others.len() < 8, "{calls:#?}");
    let folders = std::fs::read_dir(&way.programs).unwrap().flatten().map(|entry| entry.path());
    let folders = folders.filter(|path| path.display().to_string().contains("/skiff-ctl-"));
    let left: Vec<_> = folders.flat_map(|folder| std::fs::read_dir(folder).unwrap().flatten()).collect();
    assert!(left.is_empty(), "left behind: {left:?}");
}

#[test]
fn a_far_end_of_fleet_will_do() {
    let way = Way::new("tunnel-fleet", Fleet::placing(&[]), "fleetctl");
    let listed = way.go("list-machines --no-legend --fields=ip");
    assert_eq!(listed.stdout, "10.99.0.13\n10.99.0.12\n10.99.0.11\n", "{listed:?}");
}

#[test]
fn machines_are_reached_through_the_same_login() {
    let way = Way::new("tunnel-hop", Fleet::placing(&[("hello.service", 0)]), "ctl");
    way.double.fleet().has("hello.service", HELLO, Launched);
    let ended = way.go("ssh --ssh-port=22 hello echo there; exit 7");
    assert_eq!((ended.stdout.as_str(), ended.exit), ("there\n", 7), "{ended:?}");
    let calls = way.calls();
    let files = "-o|UserKnownHostsFile=HOME/.fleetctl/known_hosts HOME/.ssh/known_hosts|";
    let proxy = "ProxyCommand=ssh -o ConnectTimeout=10 \
                 -o 'UserKnownHostsFile=HOME/.fleetctl/known_hosts HOME/.ssh/known_hosts' -p 2222 \
                 -o ControlMaster=no -o ControlPersist=no -o ControlPath=SOCKET -W '[%h]:%p' -- core@bastion";
    let wanted = format!(
        "-o|ConnectTimeout=10|{files}-p|22|-o|ControlPath=none|-o|{proxy}|--|core@10.99.0.13|echo there; exit 7|"
    );
    assert_eq!(calls.last(), Some(&wanted), "{calls:#?}");
}

#[test]
fn a_port_of_the_far_end_needs_no_program_there() {
    let programs = programs("tunnel-port", &[("ssh", SSH)]);
    let ended = outcome(tunnelled("http://10.99.0.11:49153", &programs, "list-units"));
    assert_eq!(ended.exit, 4, "{ended:?}");
    assert!(
        ended.stderr.contains("http://10.99.0.11:49153 through bastion:2222: the connection ended"),
        "{ended:?}"
    );
    let log = std::fs::read_to_string(programs.join("log")).unwrap();
    assert!(log.contains("|-W|10.99.0.11:49153|--|core@bastion|\n"), "{log}");
}

#[test]
fn who_does_not_get_there_hears_why() {
    let refused =
        programs("tunnel-refused", &[("ssh", "echo core@bastion: Permission denied. >&2; exit 255")]);
    let ended = outcome(tunnelled("unix:///run/fleet.sock", &refused, "list-units"));
    let said =
        "core@bastion: Permission denied.\n--tunnel bastion:2222: ssh could not connect; it says why above\n";
    assert_eq!(ended, Outcome { stdout: String::new(), stderr: said.to_owned(), exit: 4 });
    let nothing = fresh_folder("tunnel-no-ssh");
    let mut command = tunnelled("unix:///run/fleet.sock", &nothing, "list-units");
    let ended = outcome({
        command.env("PATH", &nothing);
        command
    });
    assert!(ended.exit == 4 && ended.stderr.contains("run ssh: No such file"), "{ended:?}");
    let way = Way::new("tunnel-nobody", Fleet::placing(&[]), "ctl");
    let ended = outcome(tunnelled("unix:///nowhere/fleet.sock", &way.programs, "list-units"));
    assert!(ended.exit == 4, "{ended:?}");
    for part in
        ["Unable to connect to /nowhere/fleet.sock", "unix:///nowhere/fleet.sock through bastion:2222"]
    {
        assert!(ended.stderr.contains(part), "{ended:?}");
    }
}
