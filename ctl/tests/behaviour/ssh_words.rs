//! How the flags and variables for ssh arrive at ssh, what a shell on the other machine makes of the words, and who
//! answers ssh's questions. The ssh here is a stand-in; the scenarios have a real one.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use cluster::TargetState::Launched;

use crate::double::Double;
use crate::double::fleet::Fleet;
use crate::run::{Outcome, fleetctl, fresh_folder, outcome};
use crate::stand_in::programs;

const HELLO: &str = include_str!("../../testdata/units/hello.service");

fn double(name: &str) -> Double {
    let double = Double::start(name, Fleet::placing(&[("hello.service", 0)]));
    double.fleet().has("hello.service", HELLO, Launched);
    double
}

fn with(double: &Double, programs: &Path, words: &[&str]) -> Command {
    let mut command = fleetctl(&double.endpoint(), words);
    command.env("PATH", format!("{}:/usr/bin:/bin", programs.display()));
    command
}

const PRINTS_ITS_WORDS: &str = r#"printf '%s|' "$@"; echo"#;

#[test]
fn flags_and_variables_become_options() {
    let (double, programs) = (double("flags"), programs("flags", &[("ssh", PRINTS_ITS_WORDS)]));
    let home = fresh_folder("flags-home");
    let keys = format!("{}/k/known", home.display());
    let flags =
        "--ssh-username=root --ssh-timeout 2.5 --strict-host-key-checking --known-hosts-file=~/k/known";
    let words: Vec<&str> = flags.split(' ').chain(["ssh", "-A", "--ssh-port=2222", "hello", "id"]).collect();
    let mut by_flags = with(&double, &programs, &words);
    by_flags.env("HOME", &home);
    let mut by_variables = with(&double, &programs, &["ssh", "-A", "--ssh-port=2222", "hello", "id"]);
    by_variables
        .env("HOME", &home)
        .env("FLEETCTL_SSH_USERNAME", "root")
        .env("FLEETCTL_SSH_TIMEOUT", "2.5")
        .env("FLEETCTL_STRICT_HOST_KEY_CHECKING", "true")
        .env("FLEETCTL_KNOWN_HOSTS_FILE", &keys);
    let wanted = format!(
        "-o|ConnectTimeout=3|-o|UserKnownHostsFile={keys}|-o|StrictHostKeyChecking=ask|-p|2222|-A|--|\
         root@10.99.0.13|id|\n"
    );
    let wanted = Outcome { stdout: wanted, stderr: String::new(), exit: 0 };
    assert_eq!(outcome(by_flags), wanted);
    assert_eq!(outcome(by_variables), wanted);
}

#[test]
fn the_file_of_known_keys_is_made_once() {
    let (double, programs) = (double("known"), programs("known", &[("ssh", PRINTS_ITS_WORDS)]));
    let home = fresh_folder("known-home");
    let file = home.join(".fleetctl/known_hosts");
    let go = |flags: &[&str]| {
        let words: Vec<&str> = flags.iter().copied().chain(["ssh", "hello", "id"]).collect();
        let mut command = with(&double, &programs, &words);
        command.env("HOME", &home);
        outcome(command)
    };
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(go(&["--strict-host-key-checking=false"]).exit, 0);
    assert!(!file.exists(), "nothing is checked, so nothing is kept");
    assert_eq!(go(&[]).exit, 0);
    assert_eq!((mode(&home.join(".fleetctl")), mode(&file)), (0o700, 0o644));
    std::fs::write(&file, "kept").unwrap();
    assert_eq!(go(&[]).exit, 0);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "kept");
    let nobody = go(&["--known-hosts-file=~no-such-user/k"]);
    let said = "--known-hosts-file ~no-such-user/k: there is no user \"no-such-user\"\n";
    assert_eq!((nobody.exit, nobody.stderr.as_str()), (2, said));
}

#[test]
fn hostile_words_are_words_on_the_other_side() {
    // The far end: a shell that gets the line, and programs there that print their words.
    let scripts = [("ssh", r#"for line; do :; done; exec sh -c "$line""#), ("systemctl", PRINTS_ITS_WORDS)];
    let programs = programs("hostile", &[scripts[0], scripts[1], ("journalctl", PRINTS_ITS_WORDS)]);
    let double = Double::start("hostile", Fleet::placing(&[("dev-a\\x2db\\.mount", 0)]));
    double.fleet().has("dev-a\\x2db\\.mount", HELLO, Launched);
    let status = outcome(with(&double, &programs, &["status", "dev-a\\x2db\\.mount"]));
    assert!(status.stdout.ends_with("status|-l|--|dev-a\\x2db\\.mount|\n"), "{status:?}");
    let output = "cat; echo 'pwned' $(echo pwned) \"`echo pwned`\" \\ |&<>*~#";
    let journal = outcome(with(&double, &programs, &["journal", "--output", output, "dev-a\\x2db\\.mount"]));
    let wanted = format!("--unit|dev-a\\x2db\\.mount|--no-pager|-n|10|--output|{output}|\n");
    assert_eq!((journal.stdout, journal.exit), (wanted, 0));
}

#[test]
fn addresses_that_are_none_reach_no_ssh() {
    let (double, programs) = (double("address"), programs("address", &[("ssh", PRINTS_ITS_WORDS)]));
    for address in ["-oProxyCommand=id", "10.0.0.1 id", "$(id)", "a@b"] {
        double.fleet().address = Some(address.to_owned());
        let went = outcome(with(&double, &programs, &["ssh", "hello", "id"]));
        let said = format!("the address of machine 9678f7a7939f457fa0d9353761e189c7 is none: {address:?}\n");
        assert_eq!(went, Outcome { stdout: String::new(), stderr: said, exit: 1 });
    }
}

/// What a stand-in for ssh does when it has a question: as ssh does, with the program it was told to ask through.
const ASKS: &str = r#"answer=$("$SSH_ASKPASS" "$QUESTION") && echo "told: $answer" || echo "told nothing""#;

fn asked(command: &Command, question: &str, input: &str) -> Outcome {
    // Without a terminal of its own, as under cron: a test must not ask the person who runs it.
    let mut alone = Command::new("setsid");
    alone.arg("--wait").arg(command.get_program()).args(command.get_args()).env_clear();
    alone.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("QUESTION", question);
    alone.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = alone.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    Outcome {
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        exit: output.status.code().unwrap_or(-1),
    }
}

#[test]
fn questions_about_host_keys_are_answered_from_standard_input() {
    let (double, programs) = (double("asks"), programs("asks", &[("ssh", ASKS)]));
    let question = "The authenticity of host 'a' can't be established.\n\
                    Are you sure you want to continue connecting (yes/no/[fingerprint])? ";
    let told = |input: &str| asked(&with(&double, &programs, &["ssh", "hello", "id"]), question, input);
    let yes = told("yes\nyes\n");
    assert_eq!((yes.stdout.as_str(), yes.stderr), ("told: yes\n", format!("{question}yes\n")));
    assert_eq!(told("y\n").stdout, "told: yes\n");
    assert_eq!(told("no\n").stdout, "told: no\n");
    assert_eq!(told("something\n").stdout, "told: no\n");
    let nobody = told("");
    assert_eq!(nobody.stdout, "told nothing\n");
    assert!(nobody.stderr.contains("nobody is there to answer"), "{nobody:?}");
}

#[test]
fn passwords_are_not_taken_from_standard_input() {
    let scripts = [("ssh", ASKS), ("asker", "echo \"secret for $1\"")];
    let (double, programs) = (double("secret"), programs("secret", &scripts));
    let question = "core@10.99.0.13's password: ";
    let mut command = with(&double, &programs, &["ssh", "hello", "id"]);
    assert_eq!(asked(&command, question, "yes\n").stdout, "told nothing\n");
    command.env("SSH_ASKPASS", programs.join("asker"));
    assert_eq!(asked(&command, question, "yes\n").stdout, format!("told: secret for {question}\n"));
}
