//! From a seed to a scenario: a small fleet, some units of each kind, clients at work, and a few faults, alone and on top of
//! each other.

use crate::chance::Chance;
use crate::scenario::{Scenario, Step, Unit};

/// A unit: its name, its `[X-Fleet]` options, what its program does.
type Kind = (&'static str, &'static [(&'static str, &'static str)], &'static str);
/// The units there are; each scenario takes some.
const UNITS: [Kind; 12] = [
    ("plain.1.service", &[], ""),
    ("plain.2.service", &[], "start=400 stop=300"),
    ("plain.3.service", &[], "stop=2500"),
    ("web.1.service", &[("Conflicts", "web.*.service")], "start=50"),
    ("web.2.service", &[("Conflicts", "web.*.service")], "start=50"),
    ("side.service", &[("MachineOf", "web.1.service")], "start=20"),
    ("fast.service", &[("MachineMetadata", "disk=ssd")], "stop=900"),
    ("slow.service", &[("MachineMetadata", "disk=hdd")], "start=1500"),
    ("all.service", &[("Global", "true")], "start=100"),
    ("ssd.service", &[("Global", "true"), ("MachineMetadata", "disk=ssd")], "start=30 stop=200"),
    ("bad.service", &[], "fails start=100"),
    ("short.service", &[], "dies=7000"),
];

/// How long faults and clients are at work.
const BUSY_MS: u64 = 60_000;
/// When the first fault may come: the fleet is there by then.
const QUIET_MS: u64 = 4_000;

/// The scenario of a seed.
#[must_use]
pub fn generate(seed: u64) -> Scenario {
    let mut chance = Chance::new(seed ^ 0x5eed);
    let machines = usize::try_from(chance.of(1..=5)).unwrap_or(3);
    let mut units: Vec<Unit> =
        UNITS.iter().map(|(name, fleet, program)| unit(name, fleet, program)).collect();
    let fewer = chance.of(0..=8);
    for _ in 0..fewer {
        let at = usize::try_from(chance.next()).unwrap_or(0) % units.len();
        units.remove(at);
    }
    let mut steps = Vec::new();
    for unit in &units {
        steps.push(step(chance.of(1_500..=6_000), &["start", &unit.name]));
    }
    for _ in 0..chance.of(0..=14) {
        steps.extend(client(&mut chance, &units, machines));
    }
    for _ in 0..chance.of(0..=8) {
        steps.push(fault(&mut chance, machines));
    }
    if chance.permille(60) {
        steps.push(replacement(&mut chance));
    }
    steps.sort_by_key(|step| step.at_ms);
    Scenario { seed, machines, units, steps, cut: None, without: Vec::new() }
}

fn unit(name: &str, fleet: &[(&str, &str)], program: &str) -> Unit {
    let fleet = fleet.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Unit { name: name.to_owned(), fleet, program: program.to_owned() }
}

fn step(at_ms: u64, words: &[&str]) -> Step {
    Step { at_ms, words: words.iter().map(|word| (*word).to_owned()).collect() }
}

fn when(chance: &mut Chance) -> u64 {
    chance.of(QUIET_MS..=BUSY_MS)
}

fn machine(chance: &mut Chance, machines: usize) -> String {
    format!("m{}", chance.of(1..=u64::try_from(machines).unwrap_or(1)))
}

/// Something clients do, and what they do soon after it.
fn client(chance: &mut Chance, units: &[Unit], machines: usize) -> Vec<Step> {
    let at_ms = when(chance);
    let soon_ms = at_ms + chance.of(50..=9_000);
    if chance.permille(200) {
        let machine = machine(chance, machines);
        let key = if chance.permille(500) { "disk=ssd" } else { "disk=hdd" };
        return match chance.permille(700) {
            true => vec![step(at_ms, &["drain", &machine]), step(soon_ms, &["undrain", &machine])],
            false => vec![step(at_ms, &["metadata", &machine, key])],
        };
    }
    let verbs = ["start", "stop", "unload", "destroy", "resubmit", "load", "submit"];
    let Some(unit) = chance.pick(units) else { return Vec::new() };
    let verb = chance.pick(&verbs).copied().unwrap_or("start");
    let then = chance.pick(&verbs).copied().unwrap_or("start");
    vec![step(at_ms, &[verb, &unit.name]), step(soon_ms, &[then, &unit.name])]
}

fn fault(chance: &mut Chance, machines: usize) -> Step {
    let (at_ms, machine) = (when(chance), machine(chance, machines));
    let short = chance.of(300..=4_000).to_string();
    let long = chance.of(500..=20_000).to_string();
    let member = chance.of(0..=2).to_string();
    let (slow, lost) = (chance.of(20..=900).to_string(), chance.of(30..=400).to_string());
    let (sign, all) = (if chance.permille(500) { "-" } else { "" }, chance.permille(500));
    // One member's clock alone never goes wrong by much: TTLs are whole seconds, and few.
    let clock = format!("{sign}{}", chance.of(100..=if all { 20_000 } else { 1_500 }));
    let whose = if all { "all" } else { &member };
    let words: &[&str] = match chance.of(0..=19) {
        0 => &["crash", &machine],
        1 => &["reboot", &machine, &long],
        2 | 3 => &["pause", &machine, &long],
        4 => &["jump", &machine, &long],
        5 => &["cut", &machine, &long, "both"],
        6 => &["cut", &machine, &long, "to"],
        7 => &["cut", &machine, &long, "from"],
        8 => &["slow", &machine, &long, &slow],
        9 => &["lossy", &machine, &long, &lost],
        10 => &["systemctl", &machine, &long, "fails"],
        11 => &["systemctl", &machine, &long, "hangs"],
        12 => &["systemctl", &machine, &long, "slow"],
        13 => &["leave", &machine, &long],
        14 => &["twin", &machine, &long],
        15 => &["etcd-elects", &short],
        16 => &["etcd-member-down", &long, &member],
        17 => &["etcd-lags", &long, &member],
        18 => &["etcd-clock", &clock, whose],
        _ => match chance.of(0..=1) {
            0 => &["etcd-down", &short],
            _ => &["etcd-clears"],
        },
    };
    step(at_ms, words)
}

/// Another store in place of this one, late enough for there to be something in it.
fn replacement(chance: &mut Chance) -> Step {
    let after = chance.of(500..=15_000).to_string();
    let word = if chance.permille(500) { "etcd-wiped" } else { "etcd-restored" };
    step(chance.of(20_000..=BUSY_MS), &[word, &after])
}
