//! The fleet to be measured: three machines as a package installs them, with the shipped times and not the tests' short
//! ones, their agents behind a proxy that counts. It starts units and waits until the fleet has come to rest.

use std::fs;
use std::time::Duration;

use crate::etcd_proxy::{EtcdProxy, Exchange, Kind};
use crate::failure::{Failure, Outcome};
use crate::footprint::process::Process;
use crate::install::workspace;
use crate::machine_root::put;
use crate::network::HOST;
use crate::promises::SOON;
use crate::wait::{Stopwatch, wait_until};
use crate::world::World;

const SERVICE: &str = "fleet.service";

const SLEEPER: &str = "[Service]\nExecStart=/bin/sleep infinity\n";

/// Without a write or a plain read for so long the fleet is taken to be at rest; rows are written within milliseconds.
const REST: Duration = Duration::from_secs(6);

/// Sorts behind the tests' own drop-in, and goes with the machine.
const AS_SHIPPED: &str = "/run/systemd/system/fleet.service.d/zz-shipped.conf";

/// Starts the agent anew with the shipped watchdog. Timers of the distribution start programs now and then, which would
/// be counted as the agent's.
const BEGIN: &str = "systemctl daemon-reload && systemctl restart fleet.service && systemctl stop '*.timer'";

/// Units started by one ctl.
const AT_ONCE: usize = 100;

/// Machines whose agents keep the default times and ask etcd through a proxy.
#[derive(Debug)]
pub struct Fleet<'world> {
    /// The machines.
    pub world: &'world mut World,
    /// What the agents ask through.
    pub proxy: EtcdProxy,
    units: usize,
}

impl<'world> Fleet<'world> {
    /// Empties the world and starts its agents with the shipped settings.
    ///
    /// # Errors
    /// When they do not come up.
    pub fn start(world: &'world mut World) -> Outcome<Self> {
        world.fresh()?;
        let proxy = EtcdProxy::start(world.etcd.client_address())?;
        for machine in world.machines() {
            let config = format!("etcd_servers=http://{HOST}:{}\n", proxy.port());
            put(machine.root(), "etc/fleet/fleet.conf", &config)?;
            put(&machine.inside("")?, AS_SHIPPED.trim_start_matches('/'), &shipped_watchdog()?)?;
            machine.run(&["/bin/sh", "-c", BEGIN])?.success()?;
        }
        world.all_machines_listed(3)?;
        Ok(Self { world, proxy, units: 0 })
    }

    /// The agent of machine `number`.
    ///
    /// # Errors
    /// When it does not run.
    pub fn agent(&self, number: usize) -> Outcome<Process> {
        Process::of_service(self.world.machine(number), SERVICE)
    }

    /// The machine that leads, and the others.
    ///
    /// # Errors
    /// When none leads.
    pub fn roles(&self) -> Outcome<(usize, Vec<usize>)> {
        let leader = self.world.leader()?;
        Ok((leader, self.world.numbers().filter(|number| *number != leader).collect()))
    }

    /// Starts units until there are `count`, and waits for rest.
    ///
    /// # Errors
    /// When they do not start.
    pub fn grow(&mut self, count: usize) -> Outcome {
        let names: Vec<String> =
            (self.units..count).map(|number| format!("steady{number}.service")).collect();
        for names in names.chunks(AT_ONCE) {
            names.iter().try_for_each(|name| self.world.write_unit(name, SLEEPER))?;
            self.world.done(&format!("start {}", names.join(" ")))?;
        }
        self.units = count;
        self.rest()
    }

    /// Waits until the agents ask etcd for nothing but beats, renewals and polls.
    ///
    /// # Errors
    /// When they go on asking.
    pub fn rest(&self) -> Outcome {
        let (mut watch, mut seen) = (Stopwatch::start(), usize::MAX);
        wait_until("the fleet to come to rest", SOON * 4, || {
            let busy = |exchange: &Exchange| matches!(exchange.kind, Kind::Read | Kind::Write);
            let all: Vec<Exchange> = self.proxy.exchanges().into_iter().filter(busy).collect();
            if all.len() != seen {
                (watch, seen) = (Stopwatch::start(), all.len());
            }
            let last =
                |one: &Exchange| format!("{} {} at {:.3}", one.from, one.line, one.asked.as_secs_f64());
            let tail: Vec<String> = all.iter().rev().take(8).map(last).collect();
            if watch.elapsed() >= REST { Ok(()) } else { Err(format!("{seen}: {}", tail.join("; "))) }
        })
    }

    /// How long the agent of machine `number` takes from its start to READY=1, when it is started anew.
    ///
    /// # Errors
    /// When it does not start.
    pub fn restart(&self, number: usize) -> Outcome<Duration> {
        self.world.machine(number).run(&["systemctl", "restart", SERVICE])?.success()?;
        let unit = self.world.unit(SERVICE);
        let micros = |property: &str| {
            let text = unit.property(number, property)?;
            text.parse::<u64>().map_err(|cause| Failure::during(format!("{property}={text}"), cause))
        };
        let (ready, began) =
            (micros("ActiveEnterTimestampMonotonic")?, micros("ExecMainStartTimestampMonotonic")?);
        Ok(Duration::from_micros(ready.saturating_sub(began)))
    }
}

impl Drop for Fleet<'_> {
    /// Gives the world back as the scenarios know it; `World::fresh` does the rest.
    fn drop(&mut self) {
        for machine in self.world.machines().iter().filter(|machine| machine.is_on()) {
            let _ = machine.run(&["/bin/sh", "-c", &format!("rm -f {AS_SHIPPED}; systemctl daemon-reload")]);
        }
    }
}

/// A drop-in that says of the watchdog what the shipped unit file says.
fn shipped_watchdog() -> Outcome<String> {
    let path = workspace().join("dist/fleet.service");
    let text = fs::read_to_string(&path)
        .map_err(|cause| Failure::during(format!("read {}", path.display()), cause))?;
    let line = text.lines().find(|line| line.starts_with("WatchdogSec="));
    let line = line.ok_or_else(|| Failure::new(format!("no WatchdogSec= in {}", path.display())))?;
    Ok(format!("[Service]\n{line}\n"))
}
