//! `ctl status` and `ctl journal` of units on another machine, over the real ssh.

use tests::failure::Outcome;
use tests::machine_root::put;
use tests::promises::START;
use tests::wait::wait_until;
use tests::world::World;

use crate::Scenario;
use crate::placement::{exits, says};

pub(crate) const ALL: &[Scenario] = &[Scenario {
    name: "remote: status and journal of a unit on another machine go over ssh",
    run: over_ssh,
}];

const SPEAKER: &str = "[Service]\nExecStart=/bin/sh -c \"while true; do echo Hello World; sleep 1; done\"\n";

/// Gives every machine an sshd that lets the others in, and their root a key.
fn with_ssh(world: &World) -> Outcome {
    let key =
        world.machine(1).shell("rm -f /root/.ssh/*; ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519");
    key?.success()?;
    let private = world.machine(1).run(&["cat", "/root/.ssh/id_ed25519"])?.success()?.stdout;
    let public = world.machine(1).run(&["cat", "/root/.ssh/id_ed25519.pub"])?.success()?.stdout;
    for machine in world.machines() {
        put(machine.root(), "root/.ssh/id_ed25519", &private)?;
        put(machine.root(), "root/.ssh/authorized_keys", &public)?;
        let start = "chmod 700 /root/.ssh; chmod 600 /root/.ssh/*; ssh-keygen -A >/dev/null; \
                     mkdir -p /run/sshd; systemctl is-active --quiet test-sshd || \
                     systemd-run --quiet --unit=test-sshd /usr/sbin/sshd -D -o UsePAM=no -o PermitRootLogin=yes";
        machine.shell(start)?.success()?;
    }
    wait_until("sshd to listen", START, || {
        world.machine(1).shell("ssh -o StrictHostKeyChecking=no root@10.10.1.2 true")?.success().map(|_| ())
    })
}

fn over_ssh(world: &mut World) -> Outcome {
    world.fresh()?;
    with_ssh(world)?;
    let place = world.start_unit("speaker.service", SPEAKER)?.runs_once()?;
    world.unit("speaker.service").journal_says(place, "Hello World")?;
    let other = place % 3 + 1;
    let flags = "--ssh-username=root --strict-host-key-checking=false";
    let journal = world.ctl_on(other, &format!("{flags} journal --lines 2 speaker.service"))?.success()?;
    says(&journal, &["Hello World"])?;
    says(&world.ctl_on(other, &format!("{flags} status speaker"))?.success()?, &["active (running)"])?;
    // A hostile unit name is one word on the other side, too, and a remote failure is ctl's own exit status.
    world.done("stop speaker.service")?;
    exits(world.ctl_on(other, &format!("{flags} status speaker.service"))?, 3).map(|_| ())
}
