//! The page Prometheus reads: fleet's names (contract §5.3), some of Skiff's own, and those of the process. One text,
//! written into one buffer.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use cluster::event::Event;
use cluster::reason::CAUSES;

use super::Standing;
use super::numbers::{NUMBERS, Numbers};
use super::process::Process;
use crate::clock;

/// Room for the whole page, so that it is written without growing.
const PAGE_BYTES: usize = 10 * 1024;

/// By the places of `numbers::Task` and `numbers::Operation`.
const TASKS: [&str; 2] = ["unscheduleunit", "attemptscheduleunit"];
const OPERATIONS: [&str; 3] = ["get", "get_all", "set"];

/// The whole page.
pub(super) fn text(standing: Standing) -> String {
    let mut page = Page(String::with_capacity(PAGE_BYTES));
    engine(&mut page, &NUMBERS);
    judgement(&mut page, &NUMBERS);
    registry(&mut page, &NUMBERS);
    agent(&mut page, standing);
    told(&mut page, &NUMBERS);
    process(&mut page, &Process::read());
    page.0
}

struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }

    /// A family of one number.
    fn one(&mut self, name: &str, kind: &str, help: &str, value: impl std::fmt::Display) {
        self.family(name, kind, help);
        self.sample(name, "", value);
    }

    /// The same, where the number is known.
    fn known(&mut self, name: &str, kind: &str, help: &str, value: Option<u64>) {
        if let Some(value) = value {
            self.one(name, kind, help, value);
        }
    }

    /// One number for each name.
    fn labelled<'a>(
        &mut self,
        name: &str,
        label: &str,
        numbers: impl Iterator<Item = (&'static str, &'a AtomicU64)>,
    ) {
        for (which, number) in numbers {
            let _ = writeln!(self.0, "{name}{{{label}=\"{which}\"}} {}", number.load(Ordering::Relaxed));
        }
    }

    fn timing(&mut self, name: &str, labels: &str, (count, micros): (u64, u64)) {
        self.sample(&format!("{name}_sum"), labels, Seconds(micros));
        self.sample(&format!("{name}_count"), labels, count);
    }
}

/// Microseconds, written as seconds.
struct Seconds(u64);

impl std::fmt::Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

fn engine(page: &mut Page, numbers: &Numbers) {
    let since = numbers.led_since_ms();
    let age_seconds = since.map(|since| clock::now_ms().saturating_sub(since) / 1000);
    page.one(
        "fleet_engine_leader_start_time",
        "gauge",
        "When this agent took the lead, in seconds since 1970; 0 while it does not lead.",
        age_seconds.map_or(0, |age| clock::unix_seconds().saturating_sub(age)),
    );
    let tasks = || TASKS.iter().zip(numbers.tasks.iter().map(super::numbers::Tally::read));
    page.family("fleet_engine_task_count_total", "counter", "Decisions the leader set out to write.");
    for (task, (all, _)) in tasks() {
        page.sample("fleet_engine_task_count_total", &format!("{{type=\"{task}\"}}"), all);
    }
    page.family("fleet_engine_task_failure_count_total", "counter", "Decisions that could not be written.");
    for (task, (_, failed)) in tasks() {
        page.sample("fleet_engine_task_failure_count_total", &format!("{{type=\"{task}\"}}"), failed);
    }
    let passes = numbers.passes.read();
    page.one("fleet_engine_reconcile_count_total", "counter", "Passes of the leader.", passes.0);
    let name = "fleet_engine_reconcile_failure_count_total";
    page.family(name, "counter", "Passes that failed, machines that were lost, units that found no machine.");
    let failures = [
        ("machine_away", &numbers.machines_away),
        ("run", &numbers.failed_passes),
        ("schedule", &numbers.unplaced),
    ];
    for (kind, counter) in failures {
        page.sample(name, &format!("{{type=\"{kind}\"}}"), counter.load(Ordering::Relaxed));
    }
    let name = "fleet_engine_reconcile_duration_second";
    page.family(name, "summary", "Time the leader's passes took.");
    page.timing(name, "", passes);
}

fn judgement(page: &mut Page, numbers: &Numbers) {
    let name = "fleet_engine_decisions_total";
    page.family(name, "counter", "Decisions the leader wrote, by cause.");
    page.labelled(name, "cause", CAUSES.into_iter().zip(&numbers.decisions));
    let gauges = [
        ("machines_missing", &numbers.missing, "Machines without a sign of life that are not judged yet."),
        ("machines_lost", &numbers.lost, "Machines judged lost of which something is left in the registry."),
        ("mass_loss_brake", &numbers.braked, "1 while nothing moves since most machines vanished at once."),
        ("units_pending", &numbers.pending, "Units that should be on a machine and are on none."),
    ];
    for (name, gauge, help) in gauges {
        let name = format!("fleet_engine_{name}");
        page.one(&name, "gauge", help, gauge.load(Ordering::Relaxed));
    }
}

fn told(page: &mut Page, numbers: &Numbers) {
    let name = "fleet_agent_events_total";
    page.family(name, "counter", "What this agent told its log, by event.");
    page.labelled(name, "event", Event::ALL.iter().map(|event| event.name()).zip(&numbers.events));
    let load = |number: &AtomicU64| number.load(Ordering::Relaxed);
    let help = "Units of this machine that failed and wait for the next try.";
    page.one("fleet_agent_units_backing_off", "gauge", help, load(&numbers.backing_off));
    let help = "Long polls that ended with nothing to go on from.";
    page.one("fleet_agent_watch_restarts_total", "counter", help, load(&numbers.watch_restarts));
    let help = "Lines of the log that nobody took.";
    page.one("fleet_agent_log_lines_lost_total", "counter", help, load(&numbers.lines_lost));
}

fn registry(page: &mut Page, numbers: &Numbers) {
    let operations = || OPERATIONS.iter().zip(&numbers.operations);
    let name = "fleet_registry_operation_count_total";
    page.family(name, "counter", "Requests to the store, long polls left out.");
    for (operation, (tally, _)) in operations() {
        page.sample(name, &format!("{{type=\"{operation}\"}}"), tally.read().0);
    }
    let name = "fleet_registry_operation_failed_count_total";
    page.family(name, "counter", "Requests to the store without a usable answer.");
    for (operation, (tally, _)) in operations() {
        page.sample(name, &format!("{{type=\"{operation}\"}}"), tally.read().1);
    }
    let name = "fleet_registry_operation_duration_second";
    page.family(name, "summary", "Time requests to the store took.");
    for (operation, (_, timing)) in operations() {
        page.timing(name, &format!("{{ops=\"{operation}\"}}"), timing.read());
    }
}

fn agent(page: &mut Page, standing: Standing) {
    let flag = u8::from;
    page.one(
        "fleet_agent_registered",
        "gauge",
        "1 while the machine is registered and the store answers.",
        flag(standing.member),
    );
    page.one(
        "fleet_agent_frozen",
        "gauge",
        "1 while the store is not this machine's: nothing moves until it is adopted.",
        flag(standing.frozen),
    );
    if let Some(age_ms) = standing.contact_age_ms {
        let help = "Since when the store took no sign of life of this machine.";
        page.one("fleet_agent_contact_age_seconds", "gauge", help, Seconds(age_ms.saturating_mul(1000)));
    }
    page.one("fleet_engine_leader", "gauge", "1 while this agent leads.", flag(standing.leads));
    page.family("fleet_build_info", "gauge", "Version of the agent.");
    page.sample("fleet_build_info", concat!("{version=\"", env!("CARGO_PKG_VERSION"), "\"}"), 1);
}

fn process(page: &mut Page, process: &Process) {
    if let Some(hundredths) = process.cpu_hundredths {
        let seconds = Seconds(hundredths * 10_000);
        page.one("process_cpu_seconds_total", "counter", "User and system time.", seconds);
    }
    let start = process.start_seconds;
    page.known("process_start_time_seconds", "gauge", "Start of the process, in seconds since 1970.", start);
    page.known("process_resident_memory_bytes", "gauge", "Memory in use.", process.resident_bytes);
    page.known("process_virtual_memory_bytes", "gauge", "Address space in use.", process.virtual_bytes);
    page.known("process_threads", "gauge", "Threads.", process.threads);
    page.known("process_open_fds", "gauge", "Open files.", process.open_fds);
    page.known("process_max_fds", "gauge", "Most open files.", process.max_fds);
}
