//! What idleness costs: the fleet is left alone for a while, and what each agent did meanwhile is read before and after,
//! a `sleep` and etcd beside them for scale.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use crate::etcd_proxy::Kind;
use crate::failure::{Failure, Outcome};
use crate::footprint::fleet::Fleet;
use crate::footprint::process::{Holds, Process, Spent, last_process_id};
use crate::wait::{holds_for, since_epoch};

/// What is measured beside the agents: a service that only sleeps.
const SLEEP: &str = "yardstick.service";

/// The journal's own files on a machine's disk; what the agent has it write is counted in lines.
const JOURNAL: &str = "var/log/journal";

/// One process through an idle while; the figures after `holds` are those of a minute.
#[derive(Clone, Debug, Default)]
pub struct Idle {
    /// At its end.
    pub holds: Holds,
    /// Processor seconds.
    pub cpu_secs: f64,
    /// Wake-ups of all its threads.
    pub wakeups: f64,
    /// Page faults of children, not by the minute: 0 if it started no process.
    pub child_faults: u64,
    /// What only an agent has.
    pub agent: Option<OfAgent>,
}

/// An agent and its machine through an idle while.
#[derive(Clone, Debug, Default)]
pub struct OfAgent {
    /// Requests to etcd a minute.
    pub requests: BTreeMap<Kind, f64>,
    /// Processes and threads that the whole machine started.
    pub started: u64,
    /// Bytes in the files on the machine's disk that changed.
    pub changed_bytes: u64,
    /// Lines it had the journal write.
    pub lines: usize,
}

impl OfAgent {
    /// Requests of all kinds.
    #[must_use]
    pub fn all_requests(&self) -> f64 {
        self.requests.values().sum()
    }
}

/// All that was measured in one idle while.
#[derive(Clone, Debug, Default)]
pub struct While {
    /// The agent that leads.
    pub leader: Idle,
    /// The others.
    pub followers: Vec<Idle>,
    /// A `sleep` on one of the machines.
    pub sleep: Idle,
    /// The etcd that all of them use.
    pub etcd: Idle,
}

/// One process while it is watched.
struct Watched {
    process: Process,
    before: Spent,
}

impl Watched {
    fn begin(process: Process) -> Outcome<Self> {
        process.forget_touched()?;
        let before = process.spent()?;
        Ok(Self { process, before })
    }

    fn end(&self, minutes: f64) -> Outcome<Idle> {
        let after = self.process.spent()?;
        let wakeups: u32 = after.wakeups_since(&self.before).try_into().unwrap_or(u32::MAX);
        let cpu = Duration::from_micros(after.cpu_us.saturating_sub(self.before.cpu_us));
        Ok(Idle {
            holds: self.process.holds()?,
            cpu_secs: cpu.as_secs_f64() / minutes,
            wakeups: f64::from(wakeups) / minutes,
            child_faults: after.child_faults - self.before.child_faults,
            agent: None,
        })
    }
}

/// How often a machine has started something, and how much of that is asking.
struct Starts {
    last: u64,
    asking: u64,
}

impl Starts {
    fn begin(fleet: &Fleet<'_>, number: usize) -> Outcome<Self> {
        let machine = fleet.world.machine(number);
        let first = last_process_id(machine)?;
        let last = last_process_id(machine)?;
        Ok(Self { last, asking: last.saturating_sub(first) })
    }

    fn end(&self, fleet: &Fleet<'_>, number: usize) -> Outcome<u64> {
        let now = last_process_id(fleet.world.machine(number))?;
        let meanwhile = now.checked_sub(self.last + self.asking);
        meanwhile.ok_or_else(|| Failure::new(format!("process IDs of m{number} began anew")))
    }
}

/// Leaves the fleet alone for `period` and tells what it cost.
///
/// # Errors
/// When an agent was started anew meanwhile, or something cannot be read.
pub fn measure(fleet: &Fleet<'_>, period: Duration) -> Outcome<While> {
    let sleep = Watched::begin(yardstick(fleet)?)?;
    let etcd = fleet.world.etcd.process_id().ok_or_else(|| Failure::new("etcd does not run"))?;
    let etcd = Watched::begin(Process::of_host(etcd))?;
    let numbers: Vec<usize> = fleet.world.numbers().collect();
    let each = |number: &usize| Starts::begin(fleet, *number);
    let starts = numbers.iter().map(each).collect::<Outcome<Vec<Starts>>>()?;
    let each = |number: &usize| Watched::begin(fleet.agent(*number)?);
    let agents = numbers.iter().map(each).collect::<Outcome<Vec<Watched>>>()?;
    fleet.proxy.forget();
    let began = since_epoch();
    holds_for("the same agents", period, || {
        let same =
            agents.iter().all(|agent| Path::new("/proc").join(agent.process.id().to_string()).exists());
        if same { Ok(()) } else { Err("one has ended") }
    })?;
    let minutes = (since_epoch() - began).as_secs_f64() / 60.0;
    let mut idle = agents.iter().map(|agent| agent.end(minutes)).collect::<Outcome<Vec<Idle>>>()?;
    let (sleep, etcd) = (sleep.end(minutes)?, etcd.end(minutes)?);
    for ((idle, number), starts) in idle.iter_mut().zip(&numbers).zip(&starts) {
        let mut agent = of_agent(fleet, *number, began, minutes)?;
        agent.started = starts.end(fleet, *number)?;
        agent.lines = lines_since(fleet, *number, began)?;
        idle.agent = Some(agent);
    }
    let (leader, _) = fleet.roles()?;
    let leader = idle.remove(leader - 1);
    Ok(While { leader, followers: idle, sleep, etcd })
}

fn of_agent(fleet: &Fleet<'_>, number: usize, began: Duration, minutes: f64) -> Outcome<OfAgent> {
    let machine = fleet.world.machine(number);
    let mut agent = OfAgent::default();
    let address = std::net::IpAddr::V4(machine.link().address());
    for exchange in fleet.proxy.exchanges().iter().filter(|exchange| exchange.from == address) {
        *agent.requests.entry(exchange.kind).or_default() += 1.0 / minutes;
    }
    let disk = machine.root().with_file_name("upper");
    changed(&disk, &disk.join(JOURNAL), began, &mut agent.changed_bytes);
    Ok(agent)
}

/// Adds up the files below `folder` that changed since `began`.
fn changed(folder: &Path, without: &Path, began: Duration, bytes: &mut u64) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, Ok(found)) = (entry.path(), entry.metadata()) else { continue };
        if found.is_dir() && path != without {
            changed(&path, without, began, bytes);
        } else if found.is_file() && found.modified().is_ok_and(|at| at >= UNIX_EPOCH + began) {
            *bytes += found.len();
        }
    }
}

fn lines_since(fleet: &Fleet<'_>, number: usize, began: Duration) -> Outcome<usize> {
    let since = format!("--since=@{:.3}", began.as_secs_f64());
    let words = ["journalctl", "--quiet", "--no-pager", "--output=cat", "--unit=fleet.service", &since];
    Ok(fleet.world.machine(number).run(&words)?.success()?.stdout.lines().count())
}

/// Starts the sleep, if it does not run yet.
fn yardstick(fleet: &Fleet<'_>) -> Outcome<Process> {
    let machine = fleet.world.machine(1);
    let line = format!(
        "test -e /run/systemd/system/{SLEEP} || printf '[Service]\\nExecStart=/bin/sleep infinity\\n' \
         > /run/systemd/system/{SLEEP}; systemctl start {SLEEP}"
    );
    machine.run(&["/bin/sh", "-c", &line])?.success()?;
    Process::of_service(machine, SLEEP)
}
