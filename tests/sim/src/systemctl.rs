//! systemctl and journalctl of a simulated machine: the command lines the shim uses, answered in the words it parses, in
//! the time and with the failures of the systemd behind them.

use std::fmt::Write;
use std::process::Command;
use std::time::Duration;

use cluster::UnitName;
use systemd_shim::{Output, SystemdError};

use crate::kernel::{Caller, Event, current, with};
use crate::sim::Sim;
use crate::snares::{self, Side};
use crate::systemd::{Mood, Phase};

/// What becomes of a call.
#[derive(Clone, Debug)]
enum End {
    Said { success: bool, stdout: String, stderr: String },
    Late,
}

/// Runs a program of the machine whose agent asks.
///
/// # Errors
/// It did not end in time.
pub fn run(label: &str, command: &mut Command, timeout: Duration) -> Result<Output, SystemdError> {
    let words: Vec<String> = command.get_args().map(|word| word.to_string_lossy().into_owned()).collect();
    let (verb, units) = read(&words);
    let subject = units.first().map_or("", UnitName::as_str);
    snares::pass(Side::Asks, &verb, subject);
    let caller = Caller::here();
    let theirs = caller.clone();
    with(|sim| sim.order(&verb, &units, timeout, &theirs));
    let end = caller.wait();
    snares::pass(Side::Told, &verb, subject);
    match end {
        End::Said { success, stdout, stderr } => Ok(Output { success, stdout, stderr, stderr_cut: false }),
        End::Late => Err(SystemdError::TimedOut { command: label.to_owned(), after: timeout }),
    }
}

impl Sim {
    fn order(&mut self, verb: &str, units: &[UnitName], timeout: Duration, caller: &Caller<End>) {
        let Some(node) = current().and_then(|(id, _)| self.node_of(id)) else { return };
        if verb == "start" {
            units.iter().for_each(|unit| self.judge_order(node, unit));
            let started = units.iter().map(|unit| (caller.process(), unit.to_string()));
            self.started.extend(started);
        }
        let is_order =
            matches!(verb, "start" | "stop" | "reset-failed" | "enable" | "disable" | "daemon-reload");
        let later = if is_order { self.cuts_here(caller.process(), true) } else { Some(0) };
        let Some(later_us) = later else { return };
        let timeout_us = later_us + u64::try_from(timeout.as_micros()).unwrap_or(u64::MAX / 2);
        let mood = self.nodes[node].systemd.mood;
        let (takes_us, lost) = match mood {
            Mood::Well => (self.chance.of(1_000..=8_000), false),
            Mood::Slow(us) => (self.chance.of(us / 4..=us), false),
            Mood::Hung(until_us) => (until_us.saturating_sub(self.now_us) + 1_000, false),
            Mood::Failing => (self.chance.of(1_000..=8_000), true),
        };
        let takes_us = later_us + takes_us;
        if !is_order && mood == Mood::Failing || lost && self.chance.permille(700) {
            return self.say(caller, takes_us, unreachable());
        }
        let (life, late) = (self.nodes[node].boots, caller.clone());
        let (verb, units) = (verb.to_owned(), units.to_owned());
        let done = move |sim: &mut Self| {
            if sim.nodes[node].boots != life || !sim.nodes[node].up {
                return;
            }
            let said = sim.carry_out(node, &verb, &units);
            sim.say(&late, 500, if lost { unreachable() } else { said });
            if is_order {
                let _ = sim.cuts_here(late.process(), false);
            }
        };
        // A program that is killed has as a rule given its order already.
        self.agenda.put(self.now_us + takes_us, Event::World(Box::new(done)));
        self.say(caller, timeout_us, End::Late);
    }

    fn say(&mut self, caller: &Caller<End>, after_us: u64, end: End) {
        let caller = caller.clone();
        let said = move |sim: &mut Self| caller.answer(sim, end);
        self.agenda.put(self.now_us + after_us, Event::World(Box::new(said)));
    }

    fn carry_out(&mut self, node: usize, verb: &str, units: &[UnitName]) -> End {
        match verb {
            "start" => self.each(units, |sim, unit| {
                let found = sim.start_service(node, unit);
                (!found).then(|| format!("Failed to start {unit}: Unit {unit} not found."))
            }),
            "stop" => self.each(units, |sim, unit| {
                let found = sim.stop_service(node, unit);
                (!found).then(|| format!("Failed to stop {unit}: Unit {unit} not loaded."))
            }),
            "reset-failed" => self.each(units, |sim, unit| {
                let found = sim.reset_service(node, unit);
                (!found)
                    .then(|| format!("Failed to reset failed state of unit {unit}: Unit {unit} not loaded."))
            }),
            "enable" => self.each(units, |sim, unit| {
                let found = sim.enable_service(node, unit);
                (!found).then(|| format!("Failed to enable unit: Unit file {unit} does not exist."))
            }),
            "disable" => self.each(units, |sim, unit| {
                let found = sim.disable_service(node, unit);
                (!found).then(|| format!("Failed to disable unit: Unit file {unit} does not exist."))
            }),
            "daemon-reload" => {
                self.reload_services(node);
                said(String::new())
            }
            "list-units" => said(self.list(node, units)),
            "show" => said(self.show(node, units)),
            _ => said(String::new()),
        }
    }

    fn each(
        &mut self,
        units: &[UnitName],
        mut order: impl FnMut(&mut Self, &UnitName) -> Option<String>,
    ) -> End {
        let lines: Vec<String> = units.iter().filter_map(|unit| order(self, unit)).collect();
        End::Said { success: lines.is_empty(), stdout: String::new(), stderr: lines.join("\n") }
    }

    fn list(&self, node: usize, units: &[UnitName]) -> String {
        let mut text = String::new();
        for unit in units {
            let Some(service) = self.nodes[node].systemd.services.get(unit) else { continue };
            if service.phase != Phase::Dead {
                let (active, sub) = service.phase.words();
                // Writing to a string cannot fail.
                let _ = writeln!(text, "{unit} loaded {active} {sub} a unit");
            }
        }
        text
    }

    fn show(&mut self, node: usize, units: &[UnitName]) -> String {
        let paragraph = |unit: &UnitName| {
            let found = self.load_service(node, unit);
            let phase = self.nodes[node].systemd.services.get(unit).map_or(Phase::Dead, |unit| unit.phase);
            let (active, sub) = phase.words();
            let load = if found { "loaded" } else { "not-found" };
            let (result, code) = if phase == Phase::Failed { ("exit-code", 1) } else { ("success", 0) };
            format!(
                "Result={result}\nNRestarts=0\nExecMainCode={code}\nExecMainStatus={code}\nLoadState={load}\n\
                 ActiveState={active}\nSubState={sub}\nLoadError=\n"
            )
        };
        units.iter().map(paragraph).collect::<Vec<_>>().join("\n")
    }
}

fn said(stdout: String) -> End {
    End::Said { success: true, stdout, stderr: String::new() }
}

fn unreachable() -> End {
    let stderr = "Failed to connect to bus: Connection refused".to_owned();
    End::Said { success: false, stdout: String::new(), stderr }
}

/// The verb and the units of a command line; journalctl has no verb.
fn read(words: &[String]) -> (String, Vec<UnitName>) {
    let mut plain = words.iter().filter(|word| !word.starts_with('-'));
    let verb = plain.next().cloned().unwrap_or_default();
    (verb, plain.filter_map(|word| UnitName::parse(word).ok()).collect())
}
