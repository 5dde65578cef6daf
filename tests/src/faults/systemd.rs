//! systemd and the units themselves: stops that hang, reloads without end, a systemd that does not answer.

use std::process::Child;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::failure::{Failure, Outcome};
use crate::faults::Fault;
use crate::faults::agents::decided;
use crate::faults::course::{Course, Excuse};
use crate::faults::fleet::Fleet;
use crate::promises::{SOON, settled};
use crate::steady::sleeper_with;
use crate::wait::{Stopwatch, wait_until};

pub(super) const ALL: &[Fault] = &[
    Fault {
        word: "stop-hangs",
        what: "a unit's stop takes 60 s",
        promise: "the machine's other units start and stop meanwhile, nothing is killed; from the end of the stop to \
                  nothing left of the unit",
        limit: Duration::from_secs(3),
        gates: false,
        run: stop_hangs,
    },
    Fault {
        word: "reload-storm",
        what: "`systemctl daemon-reload` without a pause for 20 s",
        promise: "no unit notices; a start on that machine, from the order, while it goes on",
        limit: Duration::from_secs(5),
        gates: false,
        run: reload_storm,
    },
    Fault {
        word: "systemd-stopped",
        what: "SIGSTOP of a machine's systemd for 15 s",
        promise: "no unit notices, the other machines go on; a start on that machine, from systemd's going on",
        limit: Duration::from_secs(3),
        gates: false,
        run: systemd_stopped,
    },
];

const STUBBORN: &str = "stubborn.service";

/// Ends by itself within systemd's own limit of 90 s.
const STUBBORN_FILE: &str = "[Service]\nExecStart=/bin/sleep infinity\nExecStop=/bin/sleep 60\n";

fn stop_hangs(fleet: &mut Fleet) -> Outcome<Duration> {
    let course = Course::begin(fleet)?;
    let victim = fleet.follower()?;
    let world = &fleet.world;
    world
        .start_unit(STUBBORN, &format!("{STUBBORN_FILE}\n[X-Fleet]\n{}\n", fleet.pin(victim)))?
        .runs_on(&[victim])?;
    world.done(&format!("destroy --no-block {STUBBORN}"))?;
    for _ in 0..2 {
        decided(fleet, victim)?;
        world.done("destroy decided.service")?;
        world.unit("decided.service").has_left_every_machine()?;
    }
    if world.unit(STUBBORN).runs().is_empty() {
        return Err(Failure::new("its stop was cut short"));
    }
    wait_until("the stop to end", Duration::from_secs(80), || {
        if world.unit(STUBBORN).runs().is_empty() { Ok(()) } else { Err(world.unit(STUBBORN).shown()) }
    })?;
    let watch = Stopwatch::start();
    wait_until("nothing to be left of it", SOON, || {
        let left = fleet.left_behind().map_err(|failure| failure.to_string())?;
        if left.contains(STUBBORN) { Err(left) } else { Ok(()) }
    })?;
    let recovery = watch.elapsed();
    course.end(fleet, &Excuse::default())?;
    Ok(recovery)
}

/// A program in a machine that is ended with this value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn reload_storm(fleet: &mut Fleet) -> Outcome<Duration> {
    let course = Course::begin(fleet)?;
    let victim = fleet.follower()?;
    let machine = fleet.world.machine(victim);
    let storm = "end=$(($(date +%s) + 20)); while [ $(date +%s) -lt $end ]; do systemctl daemon-reload; done";
    let mut command = machine.command(&["/bin/sh", "-c", storm])?;
    let storm = command.spawn().map_err(|cause| Failure::during("begin the storm", cause))?;
    let mut storm = Running(storm);
    let recovery = decided(fleet, victim)?;
    for number in 0..5 {
        let name = format!("gust{number}.service");
        fleet.world.start_unit(&name, &sleeper_with(&fleet.pin(victim)))?.runs_on(&[victim])?;
        fleet.world.done(&format!("destroy {name}"))?;
    }
    wait_until("the storm to end", SOON * 3, || match storm.0.try_wait() {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err("it goes on".to_owned()),
        Err(cause) => Err(cause.to_string()),
    })?;
    course.end(fleet, &Excuse::default())?;
    Ok(recovery)
}

fn systemd_stopped(fleet: &mut Fleet) -> Outcome<Duration> {
    let course = Course::begin(fleet)?;
    let victim = fleet.follower()?;
    let (world, other) = (&fleet.world, victim % 3 + 1);
    let name = "patient.service";
    world.write_unit(name, &sleeper_with(&fleet.pin(victim)))?;
    world.machine(victim).signal_init(Signal::SIGSTOP)?;
    let ordered = world.ctl_on(other, &format!("start --no-block {name}"));
    let meanwhile = ordered.and_then(|ran| ran.success()).and_then(|_| {
        decided(fleet, other)?;
        course.nothing_moves(fleet, settled() * 3 / 2)
    });
    world.machine(victim).signal_init(Signal::SIGCONT)?;
    let watch = Stopwatch::start();
    meanwhile?;
    world.unit(name).runs_on_within(&[victim], SOON * 2)?;
    let recovery = watch.elapsed();
    course.end(fleet, &Excuse::default())?;
    Ok(recovery)
}
