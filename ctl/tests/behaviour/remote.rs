//! `status`, `journal` and `ssh`: which program runs, with which words, and what becomes of its exit code. The programs are
//! stand-ins that print how they were called; real machines are the scenarios' part.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::Stdio;

use cluster::TargetState::{Inactive, Launched};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::double::Double;
use crate::double::fleet::Fleet;
use crate::run::{Outcome, fleetctl, fresh_folder, home, outcome};
use crate::stand_in::programs;

const HELLO: &str = include_str!("../../testdata/units/hello.service");
const MONITOR: &str = include_str!("../../testdata/units/monitor.service");

/// A folder with stand-ins for ssh, systemctl and journalctl that exit with `exit`.
fn stand_ins(name: &str, exit: i32) -> PathBuf {
    let script = |program: &str| format!("printf '%s|' {program} \"$@\"\necho\nexit {exit}");
    let scripts = ["ssh", "systemctl", "journalctl"].map(|program| (program, script(program)));
    programs(name, &scripts.each_ref().map(|(program, script)| (*program, script.as_str())))
}

fn with(double: &Double, programs: &PathBuf, line: &str) -> Outcome {
    let mut command = fleetctl(&double.endpoint(), &line.split_whitespace().collect::<Vec<_>>());
    command.env("PATH", programs);
    outcome(command)
}

/// What every ssh begins with.
fn usual() -> String {
    let home = home().display().to_string();
    format!(
        "ssh|-o|ConnectTimeout=10|-o|UserKnownHostsFile={home}/.fleetctl/known_hosts {home}/.ssh/known_hosts|"
    )
}

fn double(name: &str) -> Double {
    let double = Double::start(name, Fleet::placing(&[("hello.service", 0), ("web@1.service", 1)]));
    double.fleet().has("hello.service", HELLO, Launched);
    double.fleet().has("web@1.service", HELLO, Launched);
    double
}

#[test]
fn status_runs_where_the_unit_is() {
    let (double, programs) = (double("status"), stand_ins("status", 0));
    let shown = with(&double, &programs, "status --no-block hello web@1");
    let wanted = format!(
        "hello.service: wanted launched, is launched on 9678f7a7.../10.99.0.13\n\
         {0}--|core@10.99.0.13|systemctl status -l -- hello.service|\n\n\
         web@1.service: wanted launched, is launched on aaf2f899.../10.99.0.12\n\
         {0}--|core@10.99.0.12|systemctl status -l -- web@1.service|\n",
        usual()
    );
    assert_eq!(shown, Outcome { stdout: wanted, stderr: String::new(), exit: 0 });
}

#[test]
fn status_of_a_global_unit_goes_to_every_machine() {
    let (double, programs) = (double("status-global"), stand_ins("status-global", 0));
    double.fleet().has("monitor.service", MONITOR, Launched);
    let shown = with(&double, &programs, "status monitor --ssh-port=2222").stdout.replace(&usual(), "");
    let wanted = "monitor.service: wanted launched, launched on 3 of 3 machines that can run it\n\
                  on 9678f7a7.../10.99.0.13:\n-p|2222|--|core@10.99.0.13|systemctl status -l -- monitor.service|\n\n\
                  on aaf2f899.../10.99.0.12:\n-p|2222|--|core@10.99.0.12|systemctl status -l -- monitor.service|\n\n\
                  on ae7be26c.../10.99.0.11:\n-p|2222|--|core@10.99.0.11|systemctl status -l -- monitor.service|\n";
    assert_eq!(shown, wanted);
}

#[test]
fn status_says_what_went_wrong() {
    let (double, programs) = (double("status-wrong"), stand_ins("status-wrong", 3));
    double
        .fleet()
        .shown
        .insert("hello.service".to_owned(), ("failed", "failed", "exit-code: status=1\nlast words"));
    double.fleet().has("pending.service", HELLO, Launched);
    let failed = with(&double, &programs, "status hello");
    let head = "hello.service: wanted launched, is launched on 9678f7a7.../10.99.0.13\n  \
                error: exit-code: status=1\n    last words\n";
    assert!(failed.stdout.starts_with(head) && failed.exit == 3, "{failed:?}");
    let pending = with(&double, &programs, "status pending");
    let head = "pending.service: wanted launched, is inactive, on no machine\n";
    assert!(pending.stdout.starts_with(head), "{pending:?}");
    assert_eq!(pending.stderr, "Unit pending.service does not appear to be loaded.\n");
}

#[test]
fn status_goes_through_all_units_and_ends_with_the_first_bad_code() {
    let (double, programs) = (double("status-all"), stand_ins("status-all", 3));
    double.fleet().has("idle.service", HELLO, Inactive);
    let ended = |line: &str| {
        let shown = with(&double, &programs, line);
        (shown.exit, shown.stdout.matches("systemctl status").count(), shown.stderr)
    };
    let (nope, idle) =
        ("Unit nope.service does not exist.\n", "Unit idle.service does not appear to be loaded.\n");
    assert_eq!(ended("status hello web@1"), (3, 2, String::new()));
    assert_eq!(ended("status idle nope hello"), (1, 1, format!("{idle}{nope}")));
    assert_eq!(ended("status nope idle"), (3, 0, format!("{nope}{idle}")));
    let programs = stand_ins("status-all-well", 0);
    let shown = with(&double, &programs, "status hello nope web@1");
    assert_eq!(
        (shown.exit, shown.stdout.matches("systemctl status").count(), shown.stderr.as_str()),
        (3, 2, nope)
    );
}

#[test]
fn the_journal_takes_its_flags_along() {
    let (double, programs) = (double("journal"), stand_ins("journal", 0));
    let shown =
        with(&double, &programs, "journal -f --lines 5 --output=cat --sudo --ssh-username root hello");
    let line = "sudo journalctl --unit hello.service --no-pager -n 5 --output cat -f";
    assert_eq!(shown.stdout, format!("{}--|root@10.99.0.13|{line}|\n", usual()), "{shown:?}");
}

#[test]
fn units_on_this_machine_need_no_ssh() {
    let Ok(here) = std::fs::read_to_string("/etc/machine-id") else {
        panic!("this machine has no /etc/machine-id, which the test needs");
    };
    let (double, programs) = (double("local"), stand_ins("local", 7));
    double.fleet().here = Some(here.trim().to_owned());
    let shown = with(&double, &programs, "journal hello");
    let wanted = "journalctl|--unit|hello.service|--no-pager|-n|10|--output|short|\n";
    assert_eq!((shown.stdout.as_str(), shown.exit), (wanted, 7), "{shown:?}");
    let shown = with(&double, &programs, "status hello");
    assert!(shown.stdout.ends_with("\nsystemctl|status|-l|--|hello.service|\n"), "{shown:?}");
}

#[test]
fn what_cannot_be_shown_says_why() {
    let (double, programs) = (double("not-shown"), fresh_folder("no-programs"));
    double.fleet().has("idle.service", HELLO, Inactive);
    double.fleet().has("monitor.service", MONITOR, Launched);
    let said = |line: &str| {
        let shown = with(&double, &programs, line);
        (shown.exit, shown.stderr)
    };
    assert_eq!(said("status idle"), (1, "Unit idle.service does not appear to be loaded.\n".to_owned()));
    assert_eq!(said("journal idle"), (1, "Unit idle.service does not appear to be running.\n".to_owned()));
    assert_eq!(
        said("journal monitor"),
        (1, "Unable to retrieve journal of global unit monitor.service.\n".to_owned())
    );
    let (exit, text) = said("status hello");
    assert!(exit == 1 && text.starts_with("run ssh: No such file or directory"), "{text}");
    assert_eq!(said("status 'nope.*'").0, 3);
}

#[test]
fn ssh_goes_to_a_machine_or_to_the_machine_of_a_unit() {
    let (double, programs) = (double("ssh"), stand_ins("ssh", 5));
    let went = |line: &str| {
        let shown = with(&double, &programs, line);
        assert_eq!((shown.exit, shown.stderr.as_str()), (5, ""), "{shown:?}");
        shown.stdout.replace(&usual(), "")
    };
    assert_eq!(went("ssh 9678"), "--|core@10.99.0.13|\n");
    assert_eq!(went("ssh hello"), "--|core@10.99.0.13|\n");
    assert_eq!(went("ssh web@1 cat *.log | wc"), "--|core@10.99.0.12|cat *.log | wc|\n");
    assert_eq!(went("ssh web@1 -- ls -l -h"), "--|core@10.99.0.12|ls -l -h|\n");
    assert_eq!(went("ssh --machine aaf2 uptime"), "--|core@10.99.0.12|uptime|\n");
    assert_eq!(went("ssh --unit=hello.service -- df -h"), "--|core@10.99.0.13|df -h|\n");
    assert_eq!(went("ssh -A --ssh-port 2222 hello"), "-p|2222|-A|--|core@10.99.0.13|\n");
    assert_eq!(went("ssh --forward-agent hel*"), "-A|--|core@10.99.0.13|\n");
}

#[test]
fn ssh_to_nobody_says_why() {
    let (double, programs) = (double("ssh-nobody"), stand_ins("ssh-nobody", 0));
    double.fleet().has("idle.service", HELLO, Inactive);
    double.fleet().has("monitor.service", MONITOR, Launched);
    double.fleet().has("9678.service", HELLO, Launched);
    let said = |line: &str, exit: i32, text: &str| {
        let shown = with(&double, &programs, line);
        assert_eq!((shown.stdout.as_str(), shown.exit), ("", exit), "{shown:?}");
        assert!(shown.stderr.starts_with(&format!("Unable to proceed: {text}")), "{shown:?}");
    };
    said("ssh nope", 3, "could not find matching unit or machine\n");
    said("ssh --machine ffff", 3, "machine does not exist\n");
    said("ssh --unit nope uptime", 3, "unit does not exist\n");
    said("ssh --machine a uptime", 1, "found more than one machine\n");
    said("ssh --machine a --unit hello", 1, "give --machine or --unit, not both\n");
    said("ssh 9678", 1, "ambiguous argument: \"9678\" is the machine's ID and 9678.service is a unit");
    said("ssh idle", 1, "unit idle.service is on no machine\n");
    said("ssh monitor", 1, "unit monitor.service is global; name one of its machines with --machine\n");
    double.fleet().has("idle.1.service", HELLO, Inactive);
    said("ssh idle.*", 1, "idle.* matches 2 units\n");
}

#[test]
fn what_ends_ctl_ends_the_program_too() {
    let (double, programs) = (double("signal"), programs("signal", &[("ssh", "echo ready; exec sleep 60")]));
    let mut command = fleetctl(&double.endpoint(), &["journal", "-f", "hello"]);
    command.env("PATH", format!("{}:/usr/bin:/bin", programs.display()));
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGTERM).unwrap();
    // Its end comes when nobody holds the pipe any more.
    stdout.read_to_string(&mut line).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(143));
}
