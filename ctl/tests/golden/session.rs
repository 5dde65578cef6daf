//! fleet's captured session, replayed command by command by ctl: the same standard output, standard error and exit code,
//! apart from the departures listed here with their reasons.

use std::path::Path;

use cluster::TargetState::{self, Inactive, Launched, Loaded};
use cluster::sorted::Map;

use crate::double::fleet::Shown;
use crate::run::Outcome;

/// Where the captured cluster had put its units: the index of the machine.
pub(crate) const PLACES: [(&str, usize); 14] = [
    ("hello.service", 0),
    ("apache-discovery.1.service", 1),
    ("apache.1.service", 1),
    ("apache.2.service", 2),
    ("apache.3.service", 0),
    ("db.service", 0),
    ("fails.service", 0),
    ("once.service", 1),
    ("onm1.service", 2),
    ("tick.timer", 2),
    ("web@1.service", 1),
    ("web@2.service", 2),
    ("nowhere", 0),
    ("nowhere.either", 0),
];

/// The commands of a folder and what came of them, in their order.
fn captures(folder: &str) -> Map<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(folder);
    let files = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    files
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect()
}

/// The command line and the outcome of one capture.
pub(crate) fn read(capture: &str) -> (String, Outcome) {
    let (line, rest) = capture.split_once("\n--- stdout\n").unwrap();
    let (stdout, rest) = rest.split_once("--- stderr\n").unwrap();
    let (stderr, exit) = rest.split_once("--- exit ").unwrap();
    let (_, words) = line.split_once("fleetctl ").unwrap();
    let (stdout, stderr) = (stdout.to_owned(), stderr.to_owned());
    (words.to_owned(), Outcome { stdout, stderr, exit: exit.trim().parse().unwrap() })
}

/// What the session is played on: ctl's way to a cluster, and the cluster, which has the machines of the captures and
/// carries out every order at once.
pub(crate) trait Stage {
    /// Runs ctl.
    fn run(&mut self, line: &str) -> Outcome;

    /// A unit was stored by somebody else, in this state.
    fn has(&mut self, unit: &str, text: &str, state: TargetState);

    /// systemd shows a unit like this.
    fn shows(&mut self, unit: &str, shown: Shown);

    /// The machines refuse a unit, for these reasons.
    fn refuses(&mut self, unit: &str, reasons: [&'static str; 3]);
}

/// What happened between captures: units others had made, changed or removed.
fn arrange(stage: &mut impl Stage, before: &str) {
    match before.split('-').next().unwrap() {
        "097" => {
            let reasons = [
                "conflicts with apache.3.service, which is there",
                "conflicts with apache.1.service, which is there",
                "conflicts with apache.2.service, which is there",
            ];
            stage.refuses("apache.4.service", reasons);
        }
        "129" => stage.has("onm1.service", include_str!("../../testdata/units/onm1.service"), Launched),
        "146" => {
            let changed = include_str!("../../testdata/units/hello.service").replace("100000", "100001");
            stage.has("hello.service", &changed, Loaded);
            // Captured while it was being stopped.
            stage.shows("hello.service", ("active", "running", ""));
            stage.shows("fails.service", ("failed", "failed", ""));
            stage.shows("once.service", ("inactive", "dead", ""));
            stage.shows("tick.timer", ("inactive", "dead", ""));
            stage.has("fails.service", include_str!("../../testdata/units/fails.service"), Launched);
            stage.has("once.service", include_str!("../../testdata/units/once.service"), Launched);
            stage.has("tick.timer", include_str!("../../testdata/units/tick.timer"), Launched);
            stage.has(
                "unknownopt.service",
                include_str!("../../testdata/units/unknownopt.service"),
                Inactive,
            );
        }
        _ => {}
    }
}

/// Where ctl differs from fleet on purpose, applied to what fleet printed.
fn depart(name: &str, fleet: &mut Outcome) {
    let number = name.split('-').next().unwrap();
    let default_columns = ["041", "044", "053", "064", "068", "098", "103", "119"];
    if default_columns.contains(&number) {
        // The guide's last column instead of fleet 1.0's.
        fleet.stdout = fleet.stdout.replace("TARGET", "TMACHINE");
    }
    match number {
        // A unit or machine that does not exist has an exit code of its own.
        "049" | "070" | "071" | "072" | "075" | "076" | "077" | "078" | "139" => fleet.exit = 3,
        // The rows of a unit that is on no machine are gone at once.
        "063" | "171" => fleet.stdout = "UNIT\tMACHINE\tACTIVE\tSUB\n".to_owned(),
        // Said once.
        "091" => fleet.stdout = fleet.stdout.replacen("Triggered unit hello.service start\n", "", 1),
        "097" => fleet.stderr.push_str(
            "apache.4.service and the machines there are:\n\
             \u{20} 9678f7a7.../10.99.0.13 cannot run it: conflicts with apache.3.service, which is there\n\
             \u{20} aaf2f899.../10.99.0.12 cannot run it: conflicts with apache.1.service, which is there\n\
             \u{20} ae7be26c.../10.99.0.11 cannot run it: conflicts with apache.2.service, which is there\n",
        ),
        // The guide's view of a global unit. (Its file was not captured, so its hash is not fleet's.)
        "103" => {
            let (theirs, ours) = ("a64e334\tlaunched\t-\t\tglobal", "394b803\tlaunched\tlaunched\t3 of 3");
            fleet.stdout = fleet.stdout.replace(theirs, ours);
        }
        // Global units are named among those stopped.
        "104" | "107" => fleet.stderr = fleet.stderr.replace("[]", "[monitor.service]"),
        // fleet waited for "launched" twice and so did not wait for the stop.
        "129" => fleet.stdout = fleet.stdout.replacen("launched", "loaded", 1),
        // tmachine is the default, so no longer deprecated.
        "149" => fleet.stderr.clear(),
        _ => {}
    }
}

/// Time stamps and source lines of log lines differ, and lines printed for several units at once come in any
/// order.
fn masked(mut outcome: Outcome) -> Outcome {
    let lines: Vec<String> = outcome.stderr.split('\n').map(mask_log_line).collect();
    outcome.stderr = lines.join("\n");
    if [" on ", "Destroyed "].iter().any(|word| outcome.stdout.matches(word).count() > 1) {
        let mut lines: Vec<&str> = outcome.stdout.split_inclusive('\n').collect();
        lines.sort_unstable();
        outcome.stdout = lines.concat();
    }
    outcome
}

fn mask_log_line(line: &str) -> String {
    let words: Vec<&str> = line.splitn(5, ' ').collect();
    match words.as_slice() {
        [date, time, level @ ("INFO" | "WARN"), place, text]
            if date.len() == 10 && time.len() == 8 && place.contains(".") =>
        {
            format!("TIME {level} PLACE: {text}")
        }
        _ => line.to_owned(),
    }
}

/// Plays all of it and gives every difference.
pub(crate) fn replay(stage: &mut impl Stage) -> String {
    let mut wrong = String::new();
    for (name, capture) in captures("golden") {
        arrange(stage, &name);
        let (mut line, mut fleet) = read(&capture);
        depart(&name, &mut fleet);
        if let Some((before, inner)) = line.clone().split_once("$(fleetctl ") {
            let inner = stage.run(inner.trim_end_matches(')'));
            line = format!("{before}{}", inner.stdout.replace('\n', " "));
        }
        wrong.push_str(&difference(&name, &line, &fleet, &stage.run(&line)));
    }
    wrong
}

/// The same with what was not captured: written down from the contract, with its departures. `hello` and `web@4` find a
/// machine, `db` is not given one. Cases whose names begin with one of `others` are another way to a cluster's business.
pub(crate) fn replay_contract(stage: &mut impl Stage, others: &[&str]) -> String {
    let hello = include_str!("../../testdata/units/hello.service");
    stage.has("hello.service", hello, Inactive);
    stage.has("other.service", hello, Inactive);
    let lacking = "the machine lacks metadata role=db";
    stage.refuses("db.service", ["", lacking, lacking]);
    let mut wrong = String::new();
    for (name, capture) in captures("contract") {
        if others.iter().any(|other| name.starts_with(other)) {
            continue;
        }
        if name.starts_with("026") {
            stage.has("hello.service", &hello.replace("100000", "5"), Loaded);
        }
        let (line, wanted) = read(&capture.replace("VERSION", env!("CARGO_PKG_VERSION")));
        let ours = stage.run(&line);
        wrong.push_str(&difference(&name, &line, &wanted, &ours));
    }
    wrong
}

/// What was wanted of a command and what came, where they differ.
fn difference(name: &str, line: &str, wanted: &Outcome, ours: &Outcome) -> String {
    match masked(ours.clone()) == masked(wanted.clone()) {
        true => String::new(),
        false => format!("== {name}: {line}\nwanted {wanted:#?}\ngot {ours:#?}\n"),
    }
}
