//! The guide's sidekick: it lands beside its partner, announces it with the real etcdctl, and ends with it.

use std::time::Duration;

use tests::failure::{Failure, Outcome};
use tests::promises::hard_loss;
use tests::table::same_table;
use tests::wait::wait_until;
use tests::world::World;

use crate::Scenario;
use crate::guide::two_apaches;
use crate::units::sleeper_with;

pub(crate) const ALL: &[Scenario] = &[
    Scenario {
        name: "sidekick: lands with its partner, announces it, and stops when it stops",
        run: guides_own,
    },
    Scenario { name: "sidekick: its announcement expires when the machine dies", run: expires },
];

/// "Run a Simple Sidekick".
const DISCOVERY_1: &str = r#"[Unit]
Description=Announce Apache1
BindsTo=apache.1.service

[Service]
ExecStart=/bin/sh -c "while true; do etcdctl set /services/website/apache1 '{ \"host\": \"%H\", \"port\": 80, \"version\": \"52c7248a14\" }' --ttl 60;sleep 45;done"
ExecStop=/usr/bin/etcdctl rm /services/website/apache1

[X-Fleet]
MachineOf=apache.1.service
"#;

const KEY: &str = "/services/website/apache1";

/// The guide's change for the second copy.
fn second(unit: &str) -> String {
    unit.replace("apache.1.service", "apache.2.service").replace("apache1", "apache2")
}

fn guides_own(world: &mut World) -> Outcome {
    world.with_docker()?;
    world.fresh()?;
    two_apaches(world)?;
    world.write_unit("apache-discovery.1.service", DISCOVERY_1)?;
    world.write_unit("apache-discovery.2.service", &second(DISCOVERY_1))?;
    world.done("start apache-discovery.*.service")?;
    for copy in ["1", "2"] {
        let partner = world.unit(&format!("apache.{copy}.service")).runs_once()?;
        world.unit(&format!("apache-discovery.{copy}.service")).runs_on(&[partner])?;
    }
    let host = world.unit("apache.1.service").runs_once()?;
    wait_until("both announcements", Duration::from_secs(10), || {
        let listed = world.machine(1).shell("etcdctl ls /services/ --recursive")?.success()?;
        same_table(
            &listed.stdout,
            "/services/website\n/services/website/apache1\n/services/website/apache2\n",
        )
    })?;
    let value = world.machine(1).shell(&format!("etcdctl get {KEY}"))?.success()?.stdout;
    let hostname = &world.machine(host).identity().hostname;
    let expected = format!("{{ \"host\": \"{hostname}\", \"port\": 80, \"version\": \"52c7248a14\" }}");
    if value.trim() != expected {
        return Err(Failure::new(format!("{KEY} holds {value}, not {expected}")));
    }
    // Its partner's stop stops it, by systemd's own BindsTo=, and its ExecStop takes the announcement back.
    world.done("stop apache.1.service")?;
    world.unit("apache-discovery.1.service").runs_nowhere()?;
    key_is_gone(world, Duration::from_secs(10))?;
    world.unit("apache-discovery.2.service").runs_once().map(|_| ())
}

fn key_is_gone(world: &World, deadline: Duration) -> Outcome {
    wait_until(format!("{KEY} to be gone"), deadline, || {
        let get = world.etcd.etcdctl(&["get", KEY])?;
        if get.exit == 0 { Err(Failure::new(format!("it holds {}", get.stdout.trim()))) } else { Ok(()) }
    })
}

fn expires(world: &mut World) -> Outcome {
    world.fresh()?;
    world.write_unit("apache.1.service", &sleeper_with("MachineMetadata=zone=a"))?;
    let short = DISCOVERY_1.replace("--ttl 60;sleep 45", "--ttl 4;sleep 2");
    world.write_unit("apache-discovery.1.service", &short)?;
    // Pinned, so that nothing announces it anew from elsewhere.
    world.reconfigure(3, "zone=a", "")?;
    world.done("start apache.1.service apache-discovery.1.service")?;
    world.unit("apache-discovery.1.service").runs_on(&[3])?;
    wait_until("the announcement", Duration::from_secs(10), || {
        world.etcd.etcdctl(&["get", KEY])?.success().map(|_| ())
    })?;
    world.machine_mut(3).kill()?;
    key_is_gone(world, Duration::from_secs(15))?;
    // The pair has nowhere to go, and comes back together with its machine.
    world.unit("apache.1.service").runs_nowhere()?;
    world.machine_mut(3).boot()?;
    world.unit("apache.1.service").runs_on_within(&[3], hard_loss())?;
    world.unit("apache-discovery.1.service").runs_on_within(&[3], hard_loss())
}
