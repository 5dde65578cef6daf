//! The most common mistakes, made at a terminal of 80 columns: what a person sees stands in `testdata/mistakes`, a screen a
//! file. Whoever changes a message reads there whether it can be understood without documentation. `SKIFF_REWRITE=1` in the
//! environment writes the files anew.

use std::path::Path;

use cluster::TargetState::{Inactive, Launched};

use crate::double::Double;
use crate::double::fleet::Fleet;
use crate::run::units_folder;
use crate::terminal::Terminal;

const HELLO: &str = include_str!("../../testdata/units/hello.service");
const NOWHERE: [&str; 3] = [
    "the machine lacks metadata role=db",
    "the machine is being drained",
    "the machine lacks metadata role=db",
];

/// The name of the file, what is typed, and what is answered if there is a question.
const MISTAKES: [(&str, &str, Option<&str>); 15] = [
    ("01-a-mistyped-command", "ctl strat hello", None),
    ("02-a-mistyped-flag", "ctl start --no-blok hello", None),
    ("03-a-mistyped-unit", "ctl status hallo", None),
    ("04-no-such-file", "ctl start moniter.service", None),
    ("05-no-agent", "ctl --endpoint unix:///nonexistent/fleet.sock list-units", None),
    ("06-a-mistyped-field", "ctl list-units --fields=unit,machin", None),
    ("07-no-machine-fits", "ctl start --block-attempts=3 db", None),
    ("08-options-that-exclude-each-other", "ctl submit badopts.service", None),
    ("09-a-machine-that-is-not-there", "ctl ssh 1234", None),
    ("10-a-flag-left-out", "ctl wait worker@1", None),
    ("11-not-a-unit-file", "ctl start garbage", None),
    ("12-the-file-was-changed", "ctl start hello", None),
    ("13-the-unit-fails", "ctl start fails", None),
    ("14-a-pattern-that-matches-much", "ctl destroy 'worker@*'", Some("n")),
    ("15-half-a-command", "ctl list-unit", None),
];

fn double(name: &str) -> Double {
    let double = Double::start(&format!("mistake-{name}"), Fleet::placing(&[("fails.service", 0)]));
    let mut fleet = double.fleet();
    fleet.has("hello.service", &HELLO.replace("100000", "5"), Launched);
    for copy in 1..=12 {
        fleet.has(&format!("worker@{copy}.service"), HELLO, Inactive);
    }
    fleet.shown.insert("fails.service".to_owned(), ("failed", "failed", "exit-code 203: no such program"));
    fleet.refusals.insert("db.service".to_owned(), NOWHERE);
    drop(fleet);
    double
}

/// A shell with a prompt of `$ `, in the folder of the unit files.
fn shell(name: &str, double: &Double) -> Terminal {
    let terminal = Terminal::prepare(name, "ctl");
    std::fs::write(terminal.folder.join("rc"), "PS1='$ '\n").unwrap();
    let rc = terminal.folder.join("rc");
    let words = ["bash", "--noprofile", "--rcfile", rc.to_str().unwrap(), "-i"];
    terminal.start(&words, &[("FLEETCTL_ENDPOINT", &double.endpoint())], &units_folder());
    terminal.until("a prompt", |screen| screen == "$");
    terminal
}

/// The screen after a line has run, the prompt behind it left out.
fn screen_after(name: &str, line: &str, answer: Option<&str>) -> String {
    let double = double(name);
    let terminal = shell(&format!("tty-{name}"), &double);
    terminal.text(line);
    terminal.key("Enter");
    if let Some(answer) = answer {
        terminal.until("a question", |screen| screen.ends_with("[y/N]"));
        terminal.text(answer);
        terminal.key("Enter");
    }
    let screen = terminal
        .until("the prompt again", |screen| screen.lines().count() > 1 && screen.lines().last() == Some("$"));
    format!("{}\n", screen.trim_end_matches('$').trim_end())
}

#[test]
fn each_mistake_is_understood() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/mistakes");
    let rewrite = std::env::var_os("SKIFF_REWRITE").is_some_and(|value| value == "1");
    let mut wrong = Vec::new();
    for (name, line, answer) in MISTAKES {
        let file = folder.join(format!("{name}.txt"));
        let screen = screen_after(name, line, answer);
        if rewrite {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&file, &screen).unwrap();
        }
        let wanted = std::fs::read_to_string(&file).unwrap_or_default();
        if screen != wanted {
            wrong.push(format!("== {name}\nwanted:\n{wanted}\ngot:\n{screen}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_yes_beforehand_is_not_asked_for() {
    let double = double("yes");
    let terminal = shell("tty-yes", &double);
    terminal.text("ctl destroy --yes 'worker@*' | wc -l");
    terminal.key("Enter");
    terminal.until("all to be gone", |screen| screen.lines().any(|line| line == "12"));
    assert_eq!(double.fleet().units.len(), 1);
}

#[test]
fn a_table_fits_the_terminal() {
    let double = double("table");
    let long = format!("{}.service", "a-name-that-goes-on-".repeat(8));
    double.fleet().has(&long, HELLO, Inactive);
    let terminal = shell("tty-table", &double);
    terminal.text("ctl list-unit-files; ctl list-unit-files --full --fields=unit | wc -L");
    terminal.key("Enter");
    // Whole where a program reads.
    let width = long.len().to_string();
    let screen = terminal.until("both", |screen| screen.lines().any(|line| line == width));
    let row = screen.lines().find(|line| line.contains("a-name-that-goes-on")).unwrap();
    assert!(row.contains('…') && row.contains("inactive"), "{screen}");
    // A heading, 14 units, no row on two lines.
    let table: Vec<&str> = screen.lines().skip_while(|line| !line.starts_with("UNIT")).collect();
    let rows = table.iter().take_while(|line| **line != width).count();
    assert_eq!(rows, 15, "{screen}");
}

#[test]
fn a_start_of_many_is_counted() {
    let double = double("progress");
    double.fleet().refusals.insert("worker@7.service".to_owned(), NOWHERE);
    for copy in (1..=12).filter(|copy| *copy != 7) {
        double.fleet().places.insert(format!("worker@{copy}.service"), copy % 3);
    }
    let terminal = shell("tty-progress", &double);
    terminal.text("ctl start 'worker@*'");
    terminal.key("Enter");
    terminal.until("the count", |screen| screen.ends_with("11 of 12 units, waiting for worker@7.service"));
    let screen = terminal.until("the scheduler's reason", |screen| {
        screen.contains("still waiting for worker@7.service: no machine can run it: 9678f7a7:")
            && screen.ends_with("waiting for worker@7.service")
    });
    assert_eq!(screen.matches(" of 12 units").count(), 1, "{screen}");
    double.fleet().places.insert("worker@7.service".to_owned(), 1);
    double.fleet().set("worker@7.service", Launched);
    let screen = terminal.until("the prompt", |screen| screen.lines().last() == Some("$"));
    assert!(!screen.contains(" of 12 units"), "{screen}");
    assert!(screen.contains("Unit worker@7.service launched on aaf2f899.../10.99.0.12"), "{screen}");
}
