//! The agent is replaced in place, by hand and by its package: the new one runs, and no unit has noticed.

use std::fs;

use tests::dist;
use tests::failure::{Failure, Outcome};
use tests::install::configure;
use tests::machine_root::put_bytes;
use tests::promises::{SOON, settled};
use tests::unit_view::Runs;
use tests::wait::wait_until;
use tests::world::World;

use crate::Scenario;
use crate::agents::{one_each, stay};
use crate::placement::says;
use crate::units::SLEEPER;

pub(crate) const ALL: &[Scenario] = &[
    Scenario { name: "upgrade: a reload runs the program that lies there now, and no unit", run: reload },
    Scenario { name: "upgrade: a reload ends at once while etcd is away", run: without_etcd },
    Scenario { name: "upgrade: a program that cannot run here does not replace one that does", run: broken },
    Scenario { name: "upgrade: the Debian package upgrades a machine at work", run: package },
];

/// Puts a copy of the agent's program in its place, as a package does: another file under the same name.
fn replace(world: &World, number: usize) -> Outcome {
    let path = "usr/bin/skiff-agent";
    let file = world.machine(number).root().join(path);
    let program =
        fs::read(&file).map_err(|cause| Failure::during(format!("read {}", file.display()), cause))?;
    put_bytes(world.machine(number).root(), &format!("{path}.new"), &program)?;
    let line = format!("chmod 755 /{path}.new && mv /{path}.new /{path}");
    world.machine(number).shell(&line)?.success().map(drop)
}

fn main_pid(world: &World, number: usize) -> Outcome<String> {
    world.unit("fleet.service").property(number, "MainPID")
}

/// The process runs the file that lies in `/usr/bin` now: systemctl said that the reload is done.
fn runs_what_lies_there(world: &World, number: usize) -> Outcome {
    let pid = main_pid(world, number)?;
    let same = format!("test /proc/{pid}/exe -ef /usr/bin/skiff-agent && systemctl is-active fleet.service");
    world.machine(number).shell(&same)?.success().map(drop)
}

fn reload_on(world: &World, number: usize) -> Outcome {
    let reloaded = world.machine(number).run(&["timeout", "20", "systemctl", "reload", "fleet.service"])?;
    reloaded.success().map(drop)
}

fn reload(world: &mut World) -> Outcome {
    world.fresh()?;
    let runs = one_each(world)?;
    for number in world.numbers() {
        let before = main_pid(world, number)?;
        replace(world, number)?;
        reload_on(world, number)?;
        runs_what_lies_there(world, number)?;
        let (now, restarts) =
            (main_pid(world, number)?, world.unit("fleet.service").property(number, "NRestarts")?);
        if now != before || restarts != "0" {
            return Err(Failure::new(format!("m{number}: pid {before}, then {now}; restarts: {restarts}")));
        }
    }
    stay(world, &runs, settled())?;
    world.all_machines_listed(3)?;
    // The sockets went along, also a second time, and new work is done.
    replace(world, 1)?;
    reload_on(world, 1)?;
    world.ctl_on(1, "list-machines")?.success()?;
    world.start_unit("later.service", SLEEPER)?.runs_once()?;
    stay(world, &runs, settled())
}

fn without_etcd(world: &mut World) -> Outcome {
    world.fresh()?;
    let runs = one_each(world)?;
    world.etcd.pause()?;
    replace(world, 2)?;
    reload_on(world, 2)?;
    runs_what_lies_there(world, 2)?;
    world.etcd.resume()?;
    world.all_machines_listed(3)?;
    stay(world, &runs, settled())
}

fn broken(world: &mut World) -> Outcome {
    world.fresh()?;
    let runs = one_each(world)?;
    let before = main_pid(world, 2)?;
    let root = world.machine(2).root().to_path_buf();
    world.machine(2).shell("cp --preserve=mode /usr/bin/skiff-agent /usr/bin/kept")?.success()?;
    for (program, complaint) in
        [("no program at all", "exec format error"), ("#!/bin/sh\nexit 3\n", "exit status: 3")]
    {
        put_bytes(&root, "usr/bin/skiff-agent", program.as_bytes())?;
        world.machine(2).shell("chmod 755 /usr/bin/skiff-agent")?.success()?;
        reload_on(world, 2)?;
        wait_until(format!("the journal to say {complaint:?}"), SOON, || {
            let journal = world.unit("fleet.service").journal(2)?;
            says(&journal, &["the old program goes on"])?;
            if journal.stdout.to_lowercase().contains(complaint) {
                Ok(())
            } else {
                Err(Failure::new(journal.to_string()))
            }
        })?;
    }
    world.machine(2).shell("mv /usr/bin/kept /usr/bin/skiff-agent")?.success()?;
    stay(world, &runs, settled())?;
    if main_pid(world, 2)? == before { Ok(()) } else { Err(Failure::new("the agent was started anew")) }
}

/// What `dpkg` is called with: no question is asked, and a changed configuration stays.
fn dpkg(world: &World, words: &str) -> Outcome {
    let line = format!("DEBIAN_FRONTEND=noninteractive dpkg --force-confold {words}");
    world.machine(4).shell(&line)?.success().map(drop)
}

fn package(world: &mut World) -> Outcome {
    world.fresh()?;
    let new = dist::file("skiff_", "_amd64.deb")?;
    let old = dist::package_as(&new, "0.0.1", &world.folder("old-package")?)?;
    world.add_bare_machine(4, None)?;
    let root = world.machine(4).root().to_path_buf();
    for (name, package) in [("old", &old), ("new", &new)] {
        let bytes = fs::read(package)
            .map_err(|cause| Failure::during(format!("read {}", package.display()), cause))?;
        put_bytes(&root, &format!("root/{name}.deb"), &bytes)?;
    }
    world.machine_mut(4).boot()?;
    dpkg(world, "--install /root/old.deb")?;
    let machine = world.machine(4);
    let asked = machine
        .shell("systemctl is-enabled fleet.service; systemctl is-active fleet.service fleet.socket")?;
    if asked.stdout != "disabled\ninactive\ninactive\n" {
        return Err(Failure::new(format!("the package did more than asked: {asked}")));
    }
    configure(&root, "disk=new", "")?;
    machine.run(&["systemctl", "enable", "--quiet", "--now", "fleet.service"])?.success()?;
    world.all_machines_listed(4)?;
    let unit = format!("{SLEEPER}\n[X-Fleet]\nMachineMetadata=disk=new\n");
    world.start_unit("here.service", &unit)?.runs_on(&[4])?;
    upgraded(world, &world.unit("here.service").runs())?;
    dpkg(world, "--remove skiff")?;
    world.unit("here.service").runs_nowhere()?;
    world.machine_mut(4).power_off()?;
    world.all_machines_listed(3)
}

fn upgraded(world: &World, runs: &Runs) -> Outcome {
    let before = main_pid(world, 4)?;
    dpkg(world, "--install /root/new.deb")?;
    runs_what_lies_there(world, 4)?;
    stay(world, &[("here.service".to_owned(), runs.clone())], settled())?;
    world.machine(4).shell("fleetctl list-units && fleetd --version")?.success()?;
    let after = main_pid(world, 4)?;
    if after == before {
        Ok(())
    } else {
        Err(Failure::new(format!("the agent was restarted: {before}, {after}")))
    }
}
