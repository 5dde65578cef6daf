//! The other architecture's programs, under emulation: they start, refuse, and talk to a real agent.

use std::fs;

use tests::dist;
use tests::failure::{Failure, Outcome};
use tests::machine_root::{put, put_bytes};
use tests::run::run;
use tests::world::World;

use crate::Scenario;
use crate::placement::{exits, says};
use crate::units::SLEEPER;

pub(crate) const ALL: &[Scenario] =
    &[Scenario { name: "release: the aarch64 programs run, refuse, and list units", run: emulated }];

/// Unpacks an aarch64 program of the release into machine 1.
fn unpack(world: &World, name: &str) -> Outcome {
    let packed = dist::file(&format!("{name}-aarch64"), ".gz")?;
    let file = world.folder("aarch64")?.join(format!("{name}.gz"));
    fs::copy(&packed, &file).map_err(|cause| Failure::during(format!("copy {}", packed.display()), cause))?;
    run(&["gzip", "--decompress", "--force", &file.to_string_lossy()])?.success()?;
    let program = file.with_extension("");
    let bytes =
        fs::read(&program).map_err(|cause| Failure::during(format!("read {}", program.display()), cause))?;
    put_bytes(world.machine(1).root(), &format!("root/arm/{name}"), &bytes)?;
    world.machine(1).shell(&format!("chmod 755 /root/arm/{name}"))?.success().map(drop)
}

fn emulated(world: &mut World) -> Outcome {
    world.fresh()?;
    world.start_unit("steady.service", SLEEPER)?.runs_once()?;
    for name in ["skiff-agent", "ctl"] {
        unpack(world, name)?;
    }
    let machine = world.machine(1);
    let emulate = |words: &str| machine.shell(&format!("qemu-aarch64-static /root/arm/{words}"));
    says(&emulate("skiff-agent --version")?.success()?, &["skiff-agent version"])?;
    put(machine.root(), "root/arm/wrong.conf", "agent_tll=30s\n")?;
    let refused = exits(emulate("skiff-agent --config /root/arm/wrong.conf --check")?, 1)?;
    says(&refused, &["/root/arm/wrong.conf", "agent_tll"])?;
    emulate("skiff-agent --config /etc/fleet/fleet.conf --check")?.success()?;
    says(&emulate("ctl list-units --no-legend")?.success()?, &["steady.service", "running"])?;
    exits(emulate("ctl --endpoint http://127.0.0.1:1 list-units")?, 4).map(drop)
}
