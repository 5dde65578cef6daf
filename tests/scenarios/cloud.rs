//! A machine that has nothing but a cloud-config: Debian's own cloud-init reads it from a NoCloud seed, and afterwards
//! the machine is one of the fleet and runs units. Mistakes in what users edit are told where they look first.

use std::fs;

use tests::dist::Served;
use tests::failure::{Failure, Outcome};
use tests::machine_root::{CLOUD_INIT_OFF, link, put};
use tests::network::HOST;
use tests::promises::{AGENT_TTL, RECONCILE_INTERVAL, SOON};
use tests::run::run;
use tests::wait::wait_until;
use tests::world::World;

use crate::Scenario;
use crate::units::sleeper_with;

pub(crate) const ALL: &[Scenario] = &[
    Scenario { name: "cloud: programs are fetched, checked, and the machine joins", run: fetched },
    Scenario { name: "cloud: a machine without a server to fetch from has them inside", run: inlined },
    Scenario { name: "cloud: what was edited wrongly is told in systemctl status", run: edited_wrongly },
];

/// The `fleet.conf` that a user would edit, with the tests' times. The unit's WatchdogSec is the shipped one.
fn conf(servers: &str, metadata: &str) -> String {
    let (ttl, interval) = (AGENT_TTL.as_secs(), RECONCILE_INTERVAL.as_secs_f64());
    format!(
        "etcd_servers={servers}\nagent_ttl={ttl}s\nengine_reconcile_interval={interval}\nmetadata=\"{metadata}\"\n"
    )
}

fn right() -> String {
    conf(&format!("http://{HOST}:2379"), "from=cloud")
}

/// Prepares machine 4 with nothing but this cloud-config, and boots it.
fn boot_with(world: &mut World, cloud_config: &str) -> Outcome {
    world.add_bare_machine(4, None)?;
    let root = world.machine(4).root().to_path_buf();
    fs::remove_file(root.join(CLOUD_INIT_OFF))
        .map_err(|cause| Failure::during(format!("remove {CLOUD_INIT_OFF}"), cause))?;
    // What a host's image would say: its four stages are enabled, where they look, and that the network is there.
    let root_option = format!("--root={}", root.display());
    let mut enable = vec!["systemctl", &root_option, "--quiet", "enable"];
    enable.extend(["cloud-init-local", "cloud-init", "cloud-config", "cloud-final"]);
    run(&enable)?.success()?;
    let image = "datasource_list: [NoCloud]\nnetwork: {config: disabled}\n";
    put(&root, "etc/cloud/cloud.cfg.d/99-image.cfg", image)?;
    put(&root, "var/lib/cloud/seed/nocloud/meta-data", "instance-id: test\n")?;
    put(&root, "var/lib/cloud/seed/nocloud/user-data", cloud_config)?;
    // For this test's own questions; /opt/bin is in the path of the hosts that this is for.
    link(&root.join("usr/local/bin/ctl"), "/opt/bin/ctl")?;
    boot(world)
}

/// Boots machine 4, and waits for the last file that cloud-init writes, whatever came of it. Its own `status` takes
/// long while it works, and it works long: it reads programs of 3 MB in a YAML file several times, at each boot.
fn boot(world: &mut World) -> Outcome {
    world.machine_mut(4).boot()?;
    wait_until("cloud-init to end", SOON * 8, || {
        world.machine(4).run(&["ls", "/run/cloud-init/result.json"])?.success().map(drop)
    })
}

fn joins_and_runs(world: &World) -> Outcome {
    let joined = world.all_machines_listed(4);
    joined.map_err(|failure| Failure::new(format!("{failure}\n{}", told(world))))?;
    world.start_unit("cloudy.service", &sleeper_with("MachineMetadata=from=cloud"))?.runs_on(&[4])?;
    world.machine(4).shell("/opt/bin/fleetctl list-units --no-legend | grep cloudy")?.success().map(drop)
}

/// What the machine says of all that was to happen, for failures.
fn told(world: &World) -> String {
    let line = "cloud-init status --long; tail -n 30 /var/log/cloud-init-output.log; \
                systemctl status --no-pager --lines=30 skiff-setup.service fleet.socket fleet.service";
    world.machine(4).shell(line).map_or_else(|failure| failure.to_string(), |ran| ran.to_string())
}

fn fetched(world: &mut World) -> Outcome {
    world.fresh()?;
    let served = Served::start(&world.folder("served")?, &right())?;
    let program = served.folder().join("ctl-x86_64.gz");
    let kept = fs::read(&program).map_err(|cause| Failure::during("read the served ctl", cause))?;
    let write = |bytes: &[u8]| {
        fs::write(&program, bytes).map_err(|cause| Failure::during("change the served ctl", cause))
    };
    // Another program than the one that was summed, though a sound one.
    write(&fs::read(served.folder().join("skiff-agent-x86_64.gz")).unwrap_or_default())?;
    boot_with(world, &served.cloud_config("cloud-init-fetch-x86_64.yaml")?)?;
    let setup = world.unit("skiff-setup.service");
    setup.journal_says(4, "another SHA-256 sum")?;
    // What is started while the set-up still fails, fails with it.
    wait_until("the set-up to have failed", SOON, || match setup.property(4, "ActiveState")?.as_str() {
        "failed" => Ok(()),
        state => Err(Failure::new(format!("it is {state}"))),
    })?;
    let machine = world.machine(4);
    machine.shell("test ! -e /opt/bin/ctl && ! systemctl is-active fleet.service")?.success()?;
    write(&kept)?;
    machine.run(&["systemctl", "--no-block", "start", "fleet.service"])?.success()?;
    joins_and_runs(world)
}

fn inlined(world: &mut World) -> Outcome {
    world.fresh()?;
    let served = Served::start(&world.folder("inline")?, &right())?;
    let cloud_config = served.cloud_config("cloud-init-inline-x86_64.yaml")?;
    drop(served);
    boot_with(world, &cloud_config)?;
    joins_and_runs(world)?;
    // Once is enough: another boot finds everything in place.
    world.machine_mut(4).power_off()?;
    boot(world)?;
    world.all_machines_listed(4)
}

fn edited_wrongly(world: &mut World) -> Outcome {
    world.fresh()?;
    let served = Served::start(&world.folder("wrong")?, &conf("", "from=cloud"))?;
    let cloud_config = served.cloud_config("cloud-init-inline-x86_64.yaml")?;
    drop(served);
    boot_with(world, &cloud_config)?;
    let status_says = |text: &str| {
        wait_until(format!("systemctl status to say {text:?}"), SOON, || {
            // What stands there even when the journal has long gone on.
            let status =
                world.machine(4).run(&["systemctl", "status", "--no-pager", "--lines=0", "fleet.service"])?;
            if status.stdout.contains(text) { Ok(()) } else { Err(Failure::new(status.to_string())) }
        })
    };
    status_says("etcd_servers")?;
    put(world.machine(4).root(), "etc/fleet/fleet.conf", &conf(&format!("http://{HOST}:2379"), "=cloud"))?;
    status_says("metadata")?;
    // Nothing but the line has to be mended.
    put(world.machine(4).root(), "etc/fleet/fleet.conf", &right())?;
    joins_and_runs(world)
}
