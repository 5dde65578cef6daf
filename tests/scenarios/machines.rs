//! The test machines themselves, without Skiff: what the other scenarios rely on. A failure here is the harness's.

use std::time::Duration;

use tests::failure::{Failure, Outcome};
use tests::network::Cut;
use tests::promises::SOON;
use tests::wait::wait_until;
use tests::world::World;

use crate::Scenario;
use crate::guide::MYAPP;

pub(crate) const ALL: &[Scenario] = &[
    Scenario {
        name: "harness: a killed one boots again with another boot ID and the same files",
        run: boots_again,
    },
    Scenario { name: "harness: a cut network is silent in the direction that was cut", run: cut },
    Scenario { name: "harness: docker runs the guide's container under plain systemctl", run: docker },
];

fn boot_id(world: &World) -> Outcome<String> {
    Ok(world.machine(1).run(&["cat", "/proc/sys/kernel/random/boot_id"])?.success()?.stdout)
}

fn boots_again(world: &mut World) -> Outcome {
    let before = boot_id(world)?;
    world.machine(1).shell("touch /etc/kept /run/lost")?.success()?;
    world.machine_mut(1).kill()?;
    world.machine_mut(1).boot()?;
    world.machine(1).shell("test -e /etc/kept && test ! -e /run/lost")?.success()?;
    if boot_id(world)? == before {
        return Err(Failure::new(format!("the boot ID still is {before}")));
    }
    world.machine_mut(1).power_off()?;
    world.machine_mut(1).boot()
}

fn cut(world: &mut World) -> Outcome {
    let answers = |world: &World| {
        let probe = world.machine(1).shell("curl --silent --max-time 1 http://10.10.1.254:2379/version")?;
        Ok::<bool, Failure>(probe.exit == 0)
    };
    for cut in [Cut::Incoming, Cut::Outgoing, Cut::Both] {
        if !answers(world)? {
            return Err(Failure::new(format!("before {cut:?}, etcd does not answer m1")));
        }
        world.machine(1).link().cut(cut)?;
        let heard = answers(world)?;
        world.machine(1).link().restore()?;
        if heard {
            return Err(Failure::new(format!("with {cut:?} cut, etcd still answers m1")));
        }
    }
    if answers(world)? {
        Ok(())
    } else {
        Err(Failure::new("etcd does not answer m1 after the network is back"))
    }
}

fn docker(world: &mut World) -> Outcome {
    world.with_docker()?;
    world.write_unit("plain-myapp.service", MYAPP)?;
    let machine = world.machine(1);
    machine
        .shell("cp plain-myapp.service /run/systemd/system/ && systemctl start plain-myapp.service")?
        .success()?;
    world.unit("plain-myapp.service").journal_says(1, "Hello World")?;
    machine
        .shell("systemctl stop plain-myapp.service; rm /run/systemd/system/plain-myapp.service")?
        .success()?;
    wait_until("the container to be gone", SOON.min(Duration::from_secs(20)), || {
        let left =
            machine.run(&["/usr/bin/docker", "ps", "--quiet"]).map_err(|failure| failure.to_string())?;
        if left.stdout.trim().is_empty() { Ok(()) } else { Err(left.to_string()) }
    })
}
