//! How long planning takes in a large cluster: 10,000 units on 1,000 machines from nothing, and the passes after one
//! change. `cargo run --release -p cluster --example plan_speed`, or with numbers of units, machines and rounds of your own.
//! Two clusters: units that ask for nothing, and units that ask for everything. Only planning is timed, not reading.

use std::process::ExitCode;
use std::time::Instant;

use cluster::keys::Key;
use cluster::limits::REGISTRY_VALUE_MAX_BYTES;
use cluster::records::{Placement, Presence, Spec};
use cluster::schedule::{self, Decision, Plan};
use cluster::sorted::{Map, Set};
use cluster::unit_file::UnitFile;
use cluster::{BootId, MachineId, Nonce, Snapshot, TargetState, UnitName, json, keys};
use serde::Serialize;

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let mut numbers = std::env::args().skip(1).filter_map(|argument| argument.parse().ok());
    let (units, machines) = (numbers.next().unwrap_or(10_000), numbers.next().unwrap_or(1_000));
    let rounds = numbers.next().unwrap_or(21);
    println!("{units} units on {machines} machines, in milliseconds: median and best of {rounds}");
    for (name, options) in [("plain", plain as fn(usize) -> String), ("demanding", demanding)] {
        if let Err(error) = measure(name, (units, machines, rounds), options) {
            eprintln!("plan_speed: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn plain(_: usize) -> String {
    String::new()
}

/// Of ten units three must not meet their like, two need metadata, one follows another, one replaces an older one, and
/// one in a thousand is global.
fn demanding(number: usize) -> String {
    match number % 10 {
        _ if number % 1000 == 999 => "Global=true\nMachineMetadata=role=r1\n".into(),
        0..=2 => format!("Conflicts=u{:03}-*\n", number % 1000),
        3 | 4 => format!("MachineMetadata=role=r{}\nMachineMetadata=role=r{}\n", number % 7, number % 5),
        5 => format!("MachineOf={}\n", unit_name(number - 1)),
        6 => format!("Replaces=old-{number}.service\n"),
        _ => String::new(),
    }
}

fn unit_name(number: usize) -> String {
    format!("u{:03}-{number}.service", number % 1000)
}

/// IDs as random as real ones: they differ in their first characters.
fn machine_id(number: usize) -> Result<MachineId, Failure> {
    let scattered = (number as u128).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
    Ok(MachineId::parse(&format!("{scattered:032x}"))?)
}

/// The registry, leaf by leaf, as far as a plan needs it.
struct Registry {
    snapshot: Snapshot,
    index: u64,
}

impl Registry {
    fn put(&mut self, key: &str, record: &impl Serialize) -> Result<(), Failure> {
        self.index += 1;
        let value = json::encode(record, REGISTRY_VALUE_MAX_BYTES)?;
        let spec = Key::parse(key).and_then(|key| match key {
            Key::Spec(unit) => self.snapshot.units.get(&unit).map(|unit| unit.incarnation.get()),
            _ => None,
        });
        self.snapshot.absorb(key, &value, spec.unwrap_or(self.index), self.index);
        Ok(())
    }

    fn unit(&mut self, name: &UnitName, options: &str, target: TargetState) -> Result<(), Failure> {
        let file = UnitFile::parse(&format!("[Service]\nExecStart=/bin/true\n\n[X-Fleet]\n{options}"))?;
        self.put(&keys::spec(name), &Spec { target, hash: file.hash(), unit: file.serialise() })
    }

    fn machine(&mut self, number: usize) -> Result<(), Failure> {
        let id = machine_id(number)?;
        let metadata = Map::from([
            ("role".into(), format!("r{}", number % 7)),
            ("region".into(), format!("z{}", number % 3)),
        ]);
        let (boot, nonce) = (BootId::parse("boot")?, Nonce::parse("nonce")?);
        let (address, version) = ("10.0.0.1".into(), "0".into());
        let key = keys::presence(&id);
        self.put(&key, &Presence { id, boot, nonce, address, metadata, version, leaving: false })
    }

    /// Writes what the plan decided; guards are of no interest here.
    fn enact(&mut self, plan: &Plan) -> Result<(), Failure> {
        for decision in &plan.decisions {
            match decision {
                Decision::Place { unit, machine, assignment, .. } => {
                    let incarnation = Some(assignment.incarnation);
                    let placement =
                        Placement { machine: machine.clone(), incarnation, epoch: None, losses: 0 };
                    self.put(&keys::placement(unit), &placement)?;
                    self.put(&keys::assigned(machine, unit), assignment)?;
                }
                Decision::Assign { unit, machine, assignment, .. } => {
                    self.put(&keys::assigned(machine, unit), assignment)?;
                }
                Decision::PublishGlobal { unit, record, .. } => self.put(&keys::global(unit), record)?,
                _ => {}
            }
        }
        Ok(())
    }
}

fn measure(
    name: &str,
    (units, machines, rounds): (usize, usize, usize),
    options: fn(usize) -> String,
) -> Result<(), Failure> {
    let timed = |what: &str, snapshot: &Snapshot, lost: &Set<MachineId>| timed(rounds, what, snapshot, lost);
    let mut registry = Registry { snapshot: Snapshot::default(), index: 0 };
    for number in 0..machines {
        registry.machine(number)?;
    }
    for number in 0..units {
        let name = UnitName::parse(&unit_name(number))?;
        registry.unit(&name, &options(number), TargetState::Launched)?;
    }
    println!("{name}");
    let plan = timed("from nothing", &registry.snapshot, &Set::new());
    registry.enact(&plan)?;
    let again = timed("nothing changed", &registry.snapshot, &Set::new());
    registry.enact(&again)?;

    let mut newcomer = Registry { snapshot: registry.snapshot.clone(), index: registry.index };
    newcomer.unit(&UnitName::parse("new.service")?, "", TargetState::Launched)?;
    timed("one unit more", &newcomer.snapshot, &Set::new());

    let mut stopped = Registry { snapshot: registry.snapshot.clone(), index: registry.index };
    stopped.unit(&UnitName::parse(&unit_name(7))?, "", TargetState::Loaded)?;
    timed("one target changed", &stopped.snapshot, &Set::new());

    let mut failed = registry.snapshot.clone();
    let lost = machine_id(1)?;
    if let Some(machine) = failed.machines.get_mut(&lost) {
        machine.presence = None;
    }
    timed("one machine lost", &failed, &Set::from([lost]));

    registry.unit(
        &UnitName::parse("stuck.service")?,
        "MachineMetadata=role=none\n",
        TargetState::Launched,
    )?;
    timed("one unit that fits nowhere", &registry.snapshot, &Set::new());
    Ok(())
}

/// Plans several times, and prints the median and the best time.
#[expect(clippy::disallowed_methods, reason = "a measurement on one running machine, not the agent's time")]
fn timed(rounds: usize, what: &str, snapshot: &Snapshot, lost: &Set<MachineId>) -> Plan {
    let mut times_ms = Vec::new();
    let mut plan = Plan::default();
    for _ in 0..rounds.max(1) {
        let began = Instant::now();
        plan = schedule::plan(snapshot, lost);
        times_ms.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    times_ms.sort_by(f64::total_cmp);
    let median_ms = times_ms.get(times_ms.len() / 2).copied().unwrap_or_default();
    let best_ms = times_ms.first().copied().unwrap_or_default();
    println!(
        "  {what:<27} {median_ms:>9.1} {best_ms:>9.1}  {} decisions, {} pending",
        plan.decisions.len(),
        plan.pending.len()
    );
    plan
}
