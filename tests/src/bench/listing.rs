//! How long `ctl list-units` takes in a fleet of a thousand units, beside curl that fetches from etcd the very keys the
//! answer is made of; and how long ctl takes to start. Each is run many times by one shell in a machine, so that the way
//! into the machine does not count.

use std::time::Duration;

use crate::bench::measures::Measurement;
use crate::bench::{Row, shown};
use crate::failure::Outcome;
use crate::promises::settled;
use crate::wait::{Stopwatch, wait_until};
use crate::world::World;

const UNITS: usize = 1000;
/// Runs of each command, and rounds of them, of which the quickest counts: whatever else this host does only adds.
const RUNS: u32 = 20;
const ROUNDS: usize = 5;
/// The promise: so many times what curl takes.
const TIMES_CURL: u32 = 2;
const START_MAX: Duration = Duration::from_millis(5);
const KEYS: &str = "http://10.10.1.254:2379/v2/keys/_coreos.com/fleet";

/// This measurement, and what to say while it goes on.
pub(crate) const LISTING: (&str, Measurement) = ("a list of a thousand units, and the start of ctl", measure);

fn measure(world: &mut World) -> Outcome<Vec<Row>> {
    let start = quickest(world, "ctl version")?;
    load(world)?;
    let ids = world.done("list-machines --output=name")?.stdout;
    let presences: Vec<String> = ids.lines().map(|id| format!("{KEYS}/machines/{id}/presence")).collect();
    let curl = format!("curl --silent --fail {KEYS}/states?recursive=true {}", presences.join(" "));
    let (curl, list) = (quickest(world, &curl)?, quickest(world, "ctl list-units")?);
    let ratio = list.as_secs_f64() / curl.as_secs_f64();
    Ok(vec![
        Row {
            what: "`ctl list-units` of 1,000 units on 3 machines",
            against: format!("curl for the same keys {}, ratio {ratio:.2}", shown(curl)),
            promised: TIMES_CURL * curl,
            measured: list,
        },
        Row {
            what: "`ctl version`: start and end of ctl",
            against: "a shell that starts it".to_owned(),
            promised: START_MAX,
            measured: start,
        },
    ])
}

/// The time of one run, of the quickest round.
fn quickest(world: &World, line: &str) -> Outcome<Duration> {
    let script = format!("i=0; while [ $i -lt {RUNS} ]; do {line} >/dev/null || exit 1; i=$((i+1)); done");
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let watch = Stopwatch::start();
        world.machine(1).shell(&script)?.success()?;
        best = best.min(watch.elapsed() / RUNS);
    }
    Ok(best)
}

/// A thousand units, loaded and not started: their rows are what a listing is made of.
fn load(world: &World) -> Outcome {
    let files = format!(
        "mkdir -p /root/many && cd /root/many && i=0; while [ $i -lt {UNITS} ]; do \
         printf '[Service]\\nExecStart=/bin/sleep infinity\\n' > many$i.service; i=$((i+1)); done"
    );
    world.machine(1).shell(&files)?.success()?;
    // In parts, each well within what a command in a machine may take.
    for digit in 0..10 {
        let line = format!("cd /root/many && ctl load --no-block many{digit}*.service");
        world.machine(1).shell(&line)?.success()?;
    }
    wait_until("a thousand units are loaded", settled() * 10, || {
        let listed = world.machine(1).shell("ctl list-units --no-legend | wc -l");
        let count = listed.map_err(|failure| failure.to_string())?.stdout.trim().to_owned();
        if count == UNITS.to_string() { Ok(()) } else { Err(format!("{count} units")) }
    })
}
