//! ctl reaches machines and the API over the real ssh: status, journal and commands on another machine, host keys, and
//! tunnels.

use tests::failure::{Failure, Outcome};
use tests::install::configure;
use tests::machine_root::put;
use tests::promises::START;
use tests::run::Ran;
use tests::terminal::converse;
use tests::wait::wait_until;
use tests::world::World;

use crate::Scenario;
use crate::placement::{exits, says};
use crate::units::SLEEPER;

pub(crate) const ALL: &[Scenario] = &[
    Scenario {
        name: "remote: status, journal and commands on another machine go over ssh, exit codes come back",
        run: over_ssh,
    },
    Scenario { name: "remote: an unknown host key is asked about, a changed one is refused", run: host_keys },
    Scenario {
        name: "remote: ten units are started through a tunnel with one login, and seen through it",
        run: through_a_tunnel,
    },
    Scenario { name: "remote: a tunnel leads to an API on a port", run: through_a_tunnel_to_a_port },
];

const SPEAKER: &str = "[Service]\nExecStart=/bin/sh -c \"while true; do echo Hello World; sleep 1; done\"\n";

/// What a script of a fleet user sets, where root may log in.
const AS_ROOT: &str = "--ssh-username=root";

/// sshd as a service that logs each login, with host keys of its own on every machine.
const START_SSHD: &str =
    "chmod 700 /root/.ssh; chmod 600 /root/.ssh/*; rm -rf /root/.fleetctl /etc/ssh/ssh_host_*
    ssh-keygen -A >/dev/null; mkdir -p /run/sshd; systemctl stop test-sshd 2>/dev/null
    systemd-run --quiet --unit=test-sshd /usr/sbin/sshd -D -e -o UsePAM=no -o PermitRootLogin=yes";

/// Gives every machine an sshd that lets the others in, and their root a key. Nobody knows a host key.
fn with_ssh(world: &World) -> Outcome {
    let key = world.machine(1).shell(
        "rm -rf /root/.ssh; mkdir /root/.ssh; ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519",
    );
    key?.success()?;
    let private = world.machine(1).run(&["cat", "/root/.ssh/id_ed25519"])?.success()?.stdout;
    let public = world.machine(1).run(&["cat", "/root/.ssh/id_ed25519.pub"])?.success()?.stdout;
    for machine in world.machines() {
        machine.run(&["rm", "-rf", "/root/.ssh"])?.success()?;
        put(machine.root(), "root/.ssh/id_ed25519", &private)?;
        put(machine.root(), "root/.ssh/authorized_keys", &public)?;
        machine.shell(START_SSHD)?.success()?;
    }
    (1..=3).try_for_each(|number| sshd_listens(world, number))
}

fn sshd_listens(world: &World, number: usize) -> Outcome {
    let options = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null";
    wait_until("sshd to listen", START, || {
        world.machine(1).shell(&format!("ssh {options} root@10.10.1.{number} true"))?.success().map(|_| ())
    })
}

fn over_ssh(world: &mut World) -> Outcome {
    world.fresh()?;
    with_ssh(world)?;
    let place = world.start_unit("speaker.service", SPEAKER)?.runs_once()?;
    world.unit("speaker.service").journal_says(place, "Hello World")?;
    let other = place % 3 + 1;
    let flags = format!("{AS_ROOT} --strict-host-key-checking=false");
    let journal = world.ctl_on(other, &format!("{flags} journal --lines 2 speaker.service"))?.success()?;
    says(&journal, &["Hello World"])?;
    says(&world.ctl_on(other, &format!("{flags} status speaker"))?.success()?, &["active (running)"])?;
    // Nothing is lost of the list that a script is reading.
    let read = format!("printf 'speaker\\nspeaker\\n' | while read u; do ctl {flags} status $u; done");
    let twice = world.machine(other).shell(&read)?.success()?;
    if twice.stdout.matches("active (running)").count() != 2 {
        return Err(Failure::new(format!("both lines were to be read: {twice}")));
    }
    let command = |words: &str| world.ctl_on(other, &format!("{flags} ssh {words}"));
    exits(command("speaker -- 'echo one | grep -q one && exit 7'")?, 7)?;
    exits(command("speaker --ssh-port=1 true")?, 255)?;
    says(
        &world.machine(other).shell(&format!("echo in | ctl {flags} ssh speaker cat"))?.success()?,
        &["in"],
    )?;
    // A unit name with a backslash is one word on the other side, too.
    world.write_unit("a\\x2db.service", SLEEPER)?;
    world.done("start 'a\\x2db.service'")?;
    let place = world.unit("a\\x2db.service").runs_once()?;
    let shown = world.ctl_on(place % 3 + 1, &format!("{flags} status 'a\\x2db.service'"))?.success()?;
    says(&shown, &["a\\x2db.service", "active (running)"])?;
    world.done("stop speaker.service")?;
    exits(world.ctl_on(other, &format!("{flags} status speaker.service"))?, 3).map(|_| ())
}

/// Whether `known_hosts` of fleet's folder on machine 1 has a key.
fn knows_a_key(world: &World) -> Outcome<bool> {
    Ok(world
        .machine(1)
        .shell(
            "stat -c %a /root/.fleetctl /root/.fleetctl/known_hosts && test -s /root/.fleetctl/known_hosts",
        )?
        .exit
        == 0)
}

fn host_keys(world: &mut World) -> Outcome {
    world.fresh()?;
    with_ssh(world)?;
    let id = &world.machine(2).identity().machine_id;
    let line = format!("ctl {AS_ROOT} ssh --machine {id} hostname");
    let go = |line: &str| world.machine(1).shell(line);
    // Without a terminal, so that nobody is asked but standard input.
    let nobody = exits(go(&format!("setsid --wait {line} </dev/null"))?, 255)?;
    says(&nobody, &["The authenticity of host '10.10.1.2", "nobody is there to answer"])?;
    says(&exits(go(&format!("echo no | setsid --wait {line}"))?, 255)?, &["Host key verification failed."])?;
    if knows_a_key(world)? {
        return Err(Failure::new("a key was kept that nobody accepted"));
    }
    says(&go(&format!("yes | {line}"))?.success()?, &["continue connecting", "ip-10-182-139-117"])?;
    if !knows_a_key(world)? {
        return Err(Failure::new("the key that was accepted is not kept"));
    }
    go(&format!("setsid --wait {line} </dev/null"))?.success()?;
    // A person at a terminal is asked there.
    go("rm -r /root/.fleetctl")?.success()?;
    let words = ["timeout", "--foreground", "30", "ctl", AS_ROOT, "ssh", "--machine", id, "hostname"];
    let typed = converse(&world.machine(1).command(&words)?, "continue connecting", "yes\n")?.success()?;
    says(&typed, &["continue connecting", "Permanently added", "ip-10-182-139-117"])?;
    world.machine(2).shell(START_SSHD)?.success()?;
    sshd_listens(world, 2)?;
    let changed = exits(go(&format!("yes | {line}"))?, 255)?;
    says(&changed, &["REMOTE HOST IDENTIFICATION HAS CHANGED", "Host key verification failed."])?;
    let tunnel = exits(go(&format!("yes | ctl {AS_ROOT} --tunnel 10.10.1.2 list-machines"))?, 4)?;
    says(&tunnel, &["REMOTE HOST IDENTIFICATION HAS CHANGED", "--tunnel 10.10.1.2: ssh could not connect"])?;
    go(&line.replace("ssh --machine", "--strict-host-key-checking=false ssh --machine"))?
        .success()
        .map(|_| ())
}

/// How often somebody has logged in on a machine.
fn logins(world: &World, number: usize) -> Outcome<usize> {
    let journal =
        world.machine(number).shell("journalctl --no-pager -o cat -u test-sshd | cat")?.success()?;
    Ok(journal.stdout.matches("Accepted publickey").count())
}

fn through_a_tunnel(world: &mut World) -> Outcome {
    world.fresh()?;
    with_ssh(world)?;
    let names: Vec<String> = (0..10).map(|number| format!("batch{number}.service")).collect();
    for name in &names {
        world.write_unit(name, SLEEPER)?;
    }
    let go = |words: &str| world.machine(1).shell(&format!("yes | ctl {AS_ROOT} --tunnel=10.10.1.2 {words}"));
    let before = logins(world, 2)?;
    go(&format!("start {}", names.join(" ")))?.success()?;
    let times = logins(world, 2)? - before;
    if times != 1 {
        return Err(Failure::new(format!("ten units were started with {times} logins")));
    }
    for name in &names {
        world.unit(name).runs_once()?;
    }
    let far = names.iter().find(|name| world.unit(name).runs_once().is_ok_and(|place| place == 3));
    let far = far.ok_or_else(|| Failure::new("none of ten units is on machine 3"))?;
    says(&go(&format!("status {far}"))?.success()?, &["active (running)"])?;
    says(&go(&format!("journal {far}"))?.success()?, &[far.as_str()])?;
    // The way to machine 3 leads over machine 2.
    says(&exits(go(&format!("ssh {far} 'echo $SSH_CLIENT; exit 9'"))?, 9)?, &["10.10.1.2 "])?;
    let left =
        world.machine(1).shell("grep -l Control[P]ath /proc/[0-9]*/cmdline; ls /tmp/skiff-ctl-0")?.stdout;
    if !left.is_empty() {
        return Err(Failure::new(format!("left behind: {left}")));
    }
    // The far end gone: said at once, with the exit code for it.
    world.machine(2).run(&["systemctl", "stop", "fleet.socket", "fleet.service"])?.success()?;
    let gone: Ran = exits(go("list-units")?, 4)?;
    says(&gone, &["Unable to connect to /var/run/fleet.sock", "through 10.10.1.2"])
}

fn through_a_tunnel_to_a_port(world: &mut World) -> Outcome {
    world.fresh()?;
    with_ssh(world)?;
    configure(world.machine(2).root(), "", "listen=\"127.0.0.1:49153\"")?;
    world.machine(2).run(&["systemctl", "restart", "fleet.service"])?.success()?;
    world.all_machines_listed(3)?;
    world.start_unit("sleeper.service", SLEEPER)?.runs_once()?;
    let go = |endpoint: &str| {
        let flags = format!("{AS_ROOT} --tunnel 10.10.1.2:22 --endpoint {endpoint}");
        world.machine(1).shell(&format!("yes | ctl {flags} list-units --no-legend --fields unit,active"))
    };
    says(&go("http://127.0.0.1:49153")?.success()?, &["sleeper.service\tactive"])?;
    says(&exits(go("http://127.0.0.1:1")?, 4)?, &["http://127.0.0.1:1 through 10.10.1.2:22"])
}
