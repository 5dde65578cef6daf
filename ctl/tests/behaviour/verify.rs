//! Unit files checked offline. What systemd-analyze says is tested where it is installed, which the package `systemd`
//! sees to.

use crate::run::{Outcome, fleetctl, outcome, run};

/// Nobody answers there: verify asks no cluster.
const NOWHERE: &str = "unix:///nonexistent/fleet.sock";

fn verify(words: &str) -> Outcome {
    run(NOWHERE, &format!("verify {words}"))
}

#[test]
fn good_files_are_good() {
    let good = verify("hello apache.1.service apache-discovery.1.service monitor web@1 web@.service db");
    assert_eq!((good.exit, good.stdout.as_str()), (0, ""), "{good:?}");
    assert_eq!(good.stderr, "7 unit files checked, nothing wrong\n");
}

#[test]
fn a_file_is_checked_by_itself() {
    let wrong = verify("--no-systemd ../verify/wrong/*.service hello.foo missing nope* a%b");
    let found = "\
        nope*: error: no unit file here matches that\n\
        a%b: error: \"a%b\" names no unit: invalid character '%' in unit name\n";
    let lines: Vec<&str> = wrong.stdout.lines().collect();
    assert_eq!(wrong.exit, 1);
    for line in found.lines().chain([
        "../verify/wrong/empty.service: error: there is no option in it",
        "../verify/wrong/together.service: error: MachineID cannot be used with Global",
        "../verify/wrong/typos.service: warning: line 1: what stands before the first section is ignored",
        "../verify/wrong/typos.service: warning: section [Servic] means nothing to anybody; did you mean [Service]?",
        "../verify/wrong/typos.service: warning: section [X-Flet] means nothing to anybody; did you mean [X-Fleet]?",
        "../verify/wrong/typos.service: warning: unknown option MachineMetaData in [X-Fleet]; did you mean \
         MachineMetadata?",
        "../verify/wrong/typos.service: warning: unknown option Conflict in [X-Fleet]; did you mean Conflicts?",
        "../verify/wrong/typos.service: warning: unknown option Frobnicate in [X-Fleet]",
    ]) {
        assert!(lines.contains(&line), "{line}\nis not in\n{}", wrong.stdout);
    }
    assert!(wrong.stdout.contains("../verify/wrong/open.service: error: "), "{}", wrong.stdout);
    assert!(!wrong.stdout.contains("X-Other"), "{}", wrong.stdout);
    let missing = "hello.foo.service: error: read unit file hello.foo.service: No such file";
    assert!(wrong.stdout.contains(missing), "{}", wrong.stdout);
    assert!(wrong.stderr.ends_with(" errors, 6 warnings\n"), "{}", wrong.stderr);
}

#[test]
fn files_are_checked_together() {
    let clash = verify("--no-systemd ../verify/clash/* hello ../units/hello.service");
    let found = "\
        ../units/hello.service: error: hello.service is the same unit\n\
        ../verify/clash/front.service: error: MachineOf ties it to back.service, and the two conflict\n";
    assert_eq!((clash.exit, clash.stdout.as_str()), (1, found));
    assert_eq!(clash.stderr, "4 unit files checked: 2 errors, 0 warnings\n");
}

#[test]
fn what_is_found_is_json_too() {
    let found = verify("--no-systemd -o json ../verify/clash/* hello");
    let wanted = "{\"version\":1,\"problems\":[\n{\"file\":\"../verify/clash/front.service\",\"unit\":\"front.service\",\
                  \"level\":\"error\",\"source\":\"skiff\",\"problem\":\"MachineOf ties it to back.service, and the two \
                  conflict\"}\n]}\n";
    assert_eq!(found, Outcome { stdout: wanted.to_owned(), stderr: String::new(), exit: 1 });
    assert_eq!(verify("-o json --no-systemd hello").stdout, "{\"version\":1,\"problems\":[]}\n");
    assert_eq!(
        verify("-o name --no-systemd ../verify/clash/* hello").stdout,
        "../verify/clash/front.service\n"
    );
    assert_eq!(verify("").exit, 2);
}

#[test]
fn systemd_is_asked_where_it_is() {
    let found = verify("../verify/wrong/systemd.*");
    let wanted = "\
        ../verify/wrong/systemd.service: warning: line 3: Unknown key";
    assert!(found.stdout.starts_with(wanted), "{found:?}");
    assert!(found.stdout.contains("systemd.timer: error: Timer unit lacks value setting."), "{found:?}");
    assert!(!found.stdout.contains("not-installed-here"), "{found:?}");
    // Without it the other checks are made all the same.
    let mut command = fleetctl(NOWHERE, &["verify", "../verify/wrong/systemd.service"]);
    command.env("PATH", "/nonexistent");
    assert_eq!(outcome(command).stderr, "1 unit file checked, nothing wrong\n");
}
