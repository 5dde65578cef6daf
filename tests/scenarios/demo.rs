//! `cargo demo` on a computer where nothing is installed but systemd: its program, once built, as an ordinary user.

use std::fs;
use std::time::Duration;

use tests::failure::{Failure, Outcome};
use tests::machine_root::{put, put_bytes};
use tests::wait::wait_until;
use tests::world::World;

use crate::Scenario;
use crate::placement::{exits, says};

pub(crate) const ALL: &[Scenario] = &[Scenario {
    name: "demo: an ordinary user runs it where nothing is installed beside systemd",
    run: newcomer,
}];

/// Three times what is promised.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a newcomer need not have.
const NOT_INSTALLED: &str =
    "etcd etcdctl curl podman docker docker-registry jq tmux sshd iptables systemd-nspawn";

/// The demo as a service of a user who may divide its control group, as a session's may.
const SERVICE: &str = "[Service]
User=nobody
Delegate=yes
Environment=SKIFF_BINARIES=/opt/skiff
ExecStart=/opt/skiff/demo
StandardOutput=file:/run/demo.out
StandardError=file:/run/demo.err
";

fn lay_out(world: &World) -> Outcome {
    let root = world.machine(4).root();
    let ours = world.machine(1).root().join("usr/bin");
    for program in [ours.join("skiff-agent"), ours.join("ctl"), env!("CARGO_BIN_EXE_demo").into()] {
        let bytes = fs::read(&program)
            .map_err(|cause| Failure::during(format!("read {}", program.display()), cause))?;
        let name = program.file_name().unwrap_or_default().to_string_lossy();
        put_bytes(root, &format!("opt/skiff/{name}"), &bytes)?;
    }
    put(root, "etc/systemd/system/demo.service", SERVICE)
}

fn newcomer(world: &mut World) -> Outcome {
    world.fresh()?;
    world.add_bare_machine(4, None)?;
    lay_out(world)?;
    world.machine_mut(4).boot()?;
    let machine = world.machine(4);
    let bare = format!(
        "chmod 755 /opt/skiff/*; for name in {NOT_INSTALLED}; do \
         while file=$(command -v $name); do rm $file || exit 1; done; done"
    );
    machine.shell(&bare)?.success()?;
    machine.run(&["systemctl", "start", "demo.service"])?.success()?;
    let view = world.unit("demo.service");
    wait_until("the demo to end", PATIENCE, || match view.property(4, "ActiveState")?.as_str() {
        "inactive" | "failed" => Ok(()),
        state => Err(Failure::new(format!("it is {state}"))),
    })?;
    let shown = machine.shell("cat /run/demo.out /run/demo.err")?.success()?;
    says(&shown, &["Hello World", "A machine dies", "And comes back", "Everything is cleaned up"])?;
    if view.property(4, "Result")? != "success" {
        return Err(Failure::new(format!("the demo failed: {shown}")));
    }
    let left = machine.shell("ls -d /tmp/skiff-demo-*; pgrep -u nobody -l")?;
    if !left.stdout.trim().is_empty() {
        return Err(Failure::new(format!("something is left of the demo: {left}")));
    }
    // Without a group that may be divided it says what to do, and begins nothing.
    let alone =
        "SKIFF_BINARIES=/opt/skiff setpriv --reuid=nobody --regid=nogroup --clear-groups /opt/skiff/demo";
    says(&exits(machine.shell(alone)?, 1)?, &["loginctl enable-linger"])
}
