//! etcd goes away, comes back, comes back empty, or is another one: nothing that runs is touched.

use std::time::Duration;

use tests::failure::{Failure, Outcome};
use tests::promises::{SOON, settled};
use tests::wait::wait_until;
use tests::world::World;

use crate::Scenario;
use crate::agents::{one_each, stay};
use crate::placement::says;
use crate::units::{SLEEPER, sleeper_with};

pub(crate) const ALL: &[Scenario] = &[
    Scenario {
        name: "store: etcd away for 60 s moves nothing, and a unit submitted right after runs",
        run: away,
    },
    Scenario { name: "store: etcd that hangs for a while moves nothing", run: hangs },
    Scenario { name: "store: etcd wiped, then replaced, freezes the fleet until adopt", run: wiped },
];

/// How long etcd is away: far longer than any TTL, so that every record in it has expired when it is back.
const AWAY: Duration = Duration::from_secs(60);

fn away(world: &mut World) -> Outcome {
    world.fresh()?;
    let mut runs = one_each(world)?;
    world.start_unit("everywhere.service", &sleeper_with("Global=true"))?.runs_on(&[1, 2, 3])?;
    runs.push(("everywhere.service".to_owned(), world.unit("everywhere.service").runs()));
    world.etcd.stop()?;
    stay(world, &runs, AWAY)?;
    world.etcd.start_again()?;
    world.write_unit("right-after.service", SLEEPER)?;
    wait_until("a submit right after", SOON, || {
        world.done("start --no-block right-after.service").map(|_| ())
    })?;
    world.unit("right-after.service").runs_once_within(SOON)?;
    stay(world, &runs, settled() * 2)?;
    world.all_machines_listed(3)
}

fn hangs(world: &mut World) -> Outcome {
    world.fresh()?;
    let runs = one_each(world)?;
    world.etcd.pause()?;
    stay(world, &runs, settled() * 2)?;
    world.etcd.resume()?;
    stay(world, &runs, settled())?;
    world.start_unit("right-after.service", SLEEPER)?.runs_once()?;
    world.all_machines_listed(3)
}

/// Every agent says, where systemd shows it, what it waits for and what to do.
fn everyone_says_why(world: &World) -> Outcome {
    for number in world.numbers() {
        wait_until(format!("the agent on m{number} to say why it waits"), settled() * 3, || {
            let status = world.unit("fleet.service").property(number, "StatusText")?;
            if status.contains("adopt") { Ok(()) } else { Err(Failure::new(format!("it says {status:?}"))) }
        })?;
    }
    Ok(())
}

fn wiped(world: &mut World) -> Outcome {
    world.fresh()?;
    let mut runs = one_each(world)?;
    world.start_unit("everywhere.service", &sleeper_with("Global=true"))?.runs_on(&[1, 2, 3])?;
    runs.push(("everywhere.service".to_owned(), world.unit("everywhere.service").runs()));
    world.etcd.wipe()?;
    stay(world, &runs, settled())?;
    everyone_says_why(world)?;
    world.replace_etcd()?;
    stay(world, &runs, settled())?;
    everyone_says_why(world)?;
    // Whoever asks meanwhile is told, too.
    let asked = world.ctl("list-units")?;
    says(&asked, &["adopt"])?;
    let frozen: Vec<String> = runs.iter().map(|(name, _)| name.clone()).collect();
    world.done("registry adopt")?;
    wait_until("every unit to be known again", SOON * 2, || {
        let listed = world.done("list-unit-files --no-legend --fields=unit,dstate,state")?;
        let right = |name: &String| {
            let row = listed.stdout.lines().find(|line| line.starts_with(name.as_str())).unwrap_or_default();
            row.split_whitespace().skip(1).eq(["launched", "launched"])
        };
        if frozen.iter().all(right) { Ok(()) } else { Err(Failure::new(listed.to_string())) }
    })?;
    stay(world, &runs, settled() * 2)?;
    world.all_machines_listed(3)?;
    world.start_unit("after.service", SLEEPER)?.runs_once().map(|_| ())
}
