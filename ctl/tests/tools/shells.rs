//! Completion in a real bash, zsh and fish (Debian's packages of those names), typed in a terminal.

use std::process::Command;

use cluster::TargetState::Launched;

use crate::double::Double;
use crate::double::fleet::Fleet;
use crate::run::units_folder;
use crate::terminal::Terminal;

const HELLO: &str = include_str!("../../testdata/units/hello.service");

/// What is typed before TAB, and what stands there afterwards.
const LINES: [(&str, &str); 11] = [
    ("ctl list-m", "ctl list-machines"),
    ("fleetctl list-m", "fleetctl list-machines"),
    ("ctl start --dry", "ctl start --dry-run"),
    ("ctl status hal", "ctl status hallo.service"),
    ("ctl stop hallo.service web@", "ctl stop hallo.service web@7.service"),
    ("ctl cat web@7.s", "ctl cat web@7.service"),
    ("ctl drain 9678", "ctl drain 9678f7a7939f457fa0d9353761e189c7"),
    ("ctl list-units --fields=unit,mach", "ctl list-units --fields=unit,machine"),
    ("ctl list-units -o jsonl --unit hal", "ctl list-units -o jsonl --unit hallo.service"),
    ("ctl start apache-d", "ctl start apache-discovery.1.service"),
    ("ctl verify ../units/monit", "ctl verify ../units/monitor.service"),
];

fn script(shell: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_ctl")).args(["completion", shell]).output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

/// Types each line with a TAB in a shell that has been told how to complete.
fn completes(shell: &str, words: &[&str], files: &[(&str, &str)]) {
    let double = Double::start(&format!("completes-{shell}"), Fleet::placing(&[]));
    for unit in ["hallo.service", "web@7.service"] {
        double.fleet().has(unit, HELLO, Launched);
    }
    let terminal = Terminal::prepare(&format!("shell-{shell}"), "ctl");
    std::os::unix::fs::symlink("ctl", terminal.folder.join("bin/fleetctl")).unwrap();
    for (name, content) in files {
        let path = terminal.folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    let folder = terminal.folder.to_str().unwrap().to_owned();
    let words: Vec<String> = words.iter().map(|word| word.replace("FOLDER", &folder)).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    terminal.start(&words, &[("FLEETCTL_ENDPOINT", &double.endpoint())], &units_folder());
    terminal.until("a prompt", |screen| screen.lines().last() == Some("%"));
    for (typed, completed) in LINES {
        terminal.text(&format!(" {typed}"));
        terminal.until(typed, |screen| screen.ends_with(typed));
        terminal.key("Tab");
        terminal.until(completed, |screen| screen.ends_with(&format!("%  {completed}")));
        terminal.key("C-u");
        terminal.until("an empty line", |screen| screen.lines().last() == Some("%"));
    }
    // Nothing fits, so nothing changes, and several that fit are shown.
    terminal.text(" ctl list-u");
    // bash wants one TAB for what both begin with, one to ring, one to show them.
    (0..3).for_each(|_| terminal.key("Tab"));
    terminal
        .until("both lists", |screen| screen.contains("list-units") && screen.contains("list-unit-files"));
}

#[test]
fn bash_completes() {
    let rc = format!("PS1='% '\n{}", script("bash"));
    completes("bash", &["bash", "--noprofile", "--rcfile", "FOLDER/rc", "-i"], &[("rc", &rc)]);
}

#[test]
fn zsh_completes() {
    let rc = format!("PS1='%% '\nautoload -Uz compinit\ncompinit -u -D\n{}", script("zsh"));
    completes("zsh", &["zsh", "-d", "-i"], &[(".zshrc", &rc)]);
}

#[test]
fn zsh_completes_with_the_script_in_its_path() {
    let rc = "PS1='%% '\nfpath=(~/functions $fpath)\nautoload -Uz compinit\ncompinit -u -D\n";
    completes("zsh-fpath", &["zsh", "-d", "-i"], &[(".zshrc", rc), ("functions/_ctl", &script("zsh"))]);
}

#[test]
fn fish_completes() {
    let config = "set -g fish_greeting\nset -g fish_autosuggestion_enabled 0\nfunction fish_prompt; echo -n '% '; end\n";
    let files =
        [(".config/fish/config.fish", config), (".config/fish/completions/ctl.fish", &script("fish"))];
    completes("fish", &["fish", "-i"], &files);
}
