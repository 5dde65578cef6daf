//! `/run` without a free byte, and `/run` that cannot be written: the units of that machine go on, the others' fleet
//! too, and what could not be done is done once it can be.

use std::time::Duration;

use crate::failure::{Failure, Outcome};
use crate::faults::Fault;
use crate::faults::agents::decided;
use crate::faults::course::{Course, Excuse};
use crate::faults::fleet::Fleet;
use crate::promises::SOON;
use crate::steady::sleeper_with;
use crate::wait::{Stopwatch, wait_until};

/// A step that failed is tried again after 1, 2, 4 … s: for a fault of some seconds the next time is no farther away.
const NEXT_TRY: Duration = Duration::from_secs(8);

pub(super) const ALL: &[Fault] = &[
    Fault {
        word: "disk-full",
        what: "no byte is free where the unit files lie (`/run`)",
        promise: "no unit notices; a start there fails with the cause, one elsewhere goes through; from free space to \
                  running",
        limit: NEXT_TRY,
        gates: true,
        run: |fleet| hurt(fleet, FILL, FREE, "no space left on device"),
    },
    Fault {
        word: "run-read-only",
        what: "`/run` is read-only for the agent",
        promise: "no unit notices; a start there fails with the cause, one elsewhere goes through; from writable to \
                  running",
        limit: NEXT_TRY,
        gates: false,
        run: |fleet| hurt(fleet, LOCK, UNLOCK, "read-only file system"),
    },
];

const FILL: &str =
    "mount -o remount,size=$(df --output=used -k /run | tail -n 1 | tr -d ' ')k /run; df /run >&2";
const FREE: &str = "mount -o remount,size=20% /run";

/// In the agent's own view of the file system, where these are mounts by themselves.
const LOCK: &str = "in=\"nsenter -t $(systemctl show --property=MainPID --value fleet.service) -m\"; \
                    $in mount -o remount,bind,ro /run/fleet && $in mount -o remount,bind,ro /run/systemd/system";
const UNLOCK: &str = "in=\"nsenter -t $(systemctl show --property=MainPID --value fleet.service) -m\"; \
                      $in mount -o remount,bind,rw /run/fleet && $in mount -o remount,bind,rw /run/systemd/system";

/// The unit that meets with it.
const UNLUCKY: &str = "unlucky.service";

fn hurt(fleet: &mut Fleet, harm: &str, mend: &str, cause: &str) -> Outcome<Duration> {
    let course = Course::begin(fleet)?;
    let victim = fleet.follower()?;
    let machine = fleet.world.machine(victim);
    machine.run(&["/bin/sh", "-c", harm])?.success()?;
    let told = meets(fleet, victim, cause);
    let elsewhere = decided(fleet, victim % 3 + 1);
    let watch = Stopwatch::start();
    machine.run(&["/bin/sh", "-c", mend])?.success()?;
    told?;
    elsewhere?;
    fleet.world.unit(UNLUCKY).runs_on_within(&[victim], SOON * 2)?;
    let recovery = watch.elapsed();
    course.end(fleet, &Excuse::default())?;
    Ok(recovery)
}

/// A unit for the machine that is hurt does not start, and whoever asks is told why.
fn meets(fleet: &Fleet, victim: usize, cause: &str) -> Outcome {
    fleet.world.write_unit(UNLUCKY, &sleeper_with(&fleet.pin(victim)))?;
    let started = fleet.world.ctl_on(victim % 3 + 1, &format!("start {UNLUCKY}"))?;
    if started.exit == 0 {
        return Err(Failure::new(format!("it started all the same: {started}")));
    }
    wait_until("the cause to be told", SOON, || {
        let asked = fleet.world.ctl(&format!("status {UNLUCKY}")).map_err(|failure| failure.to_string())?;
        let listed = fleet.world.ctl("list-units --no-legend --fields=unit,active,sub,error");
        let listed = listed.map_err(|failure| failure.to_string())?;
        let all = format!("{started}\n{asked}\n{listed}");
        if all.to_lowercase().contains(cause) { Ok(()) } else { Err(all) }
    })
}
