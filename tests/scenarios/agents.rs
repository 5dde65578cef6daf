//! The agent dies, hangs, is stopped and configured wrongly: units do not notice, and it says what is wrong.

use std::time::Duration;

use tests::failure::{Failure, Outcome};
use tests::install::configure;
use tests::promises::{SOON, WATCHDOG, leader_change, settled};
use tests::steady::SLEEPER;
pub(crate) use tests::steady::{one_each, stay};
use tests::wait::wait_until;
use tests::world::World;

use crate::Scenario;
use crate::placement::says;

pub(crate) const ALL: &[Scenario] = &[
    Scenario {
        name: "agents: kill -9 restarts no unit, and the restarted agent serves at once",
        run: killed,
    },
    Scenario { name: "agents: a hung agent is started again by the watchdog, and no unit moves", run: hung },
    Scenario { name: "agents: the leader's agent dies and another one schedules", run: leader_dies },
    Scenario { name: "agents: on_stop=keep leaves units running through a restart", run: keep },
    Scenario { name: "agents: a wrong setting is named with file, line and key", run: wrong_setting },
    Scenario { name: "agents: the API socket belongs to root and the group fleet", run: socket },
];

fn killed(world: &mut World) -> Outcome {
    world.fresh()?;
    let runs = one_each(world)?;
    for number in 1..=3 {
        world.machine(number).run(&["systemctl", "kill", "--signal=KILL", "fleet.service"])?.success()?;
    }
    // At once: well before its own old record could have expired.
    wait_until("the restarted agent to serve", Duration::from_secs(3), || {
        let listed = world.ctl_on(1, "list-units --no-legend")?.success()?;
        if listed.stdout.lines().count() == 3 { Ok(()) } else { Err(Failure::new(listed.to_string())) }
    })?;
    stay(world, &runs, settled())?;
    world.start_unit("later.service", SLEEPER)?.runs_once().map(|_| ())
}

fn hung(world: &mut World) -> Outcome {
    world.fresh()?;
    let runs = one_each(world)?;
    let restarts = |world: &World| {
        world.unit("fleet.service").property(2, "NRestarts").and_then(|text| {
            text.parse::<u32>().map_err(|cause| Failure::during(format!("NRestarts={text}"), cause))
        })
    };
    let before = restarts(world)?;
    world
        .machine(2)
        .run(&["systemctl", "kill", "--kill-whom=main", "--signal=STOP", "fleet.service"])?
        .success()?;
    wait_until("the watchdog to start the hung agent again", WATCHDOG * 3 + Duration::from_secs(2), || {
        let now = restarts(world)?;
        if now > before { Ok(()) } else { Err(Failure::new(format!("NRestarts={now}"))) }
    })?;
    stay(world, &runs, settled())?;
    world.all_machines_listed(3)
}

fn leader_dies(world: &mut World) -> Outcome {
    world.fresh()?;
    let runs = one_each(world)?;
    let leader = world.leader()?;
    let other = leader % 3 + 1;
    world.machine(leader).run(&["systemctl", "kill", "--signal=STOP", "fleet.service"])?.success()?;
    world.write_unit("after.service", SLEEPER)?;
    world.ctl_on(other, "start --no-block after.service")?.success()?;
    world.unit("after.service").runs_once_within(leader_change())?;
    world.machine(leader).run(&["systemctl", "kill", "--signal=CONT", "fleet.service"])?.success()?;
    stay(world, &runs, settled())?;
    world.unit("after.service").runs_once().map(|_| ())
}

fn keep(world: &mut World) -> Outcome {
    world.fresh()?;
    let runs = one_each(world)?;
    for number in 1..=3 {
        world.reconfigure(number, "", "on_stop=keep")?;
    }
    for number in 1..=3 {
        world.machine(number).run(&["systemctl", "restart", "fleet.service"])?.success()?;
    }
    stay(world, &runs, settled())
}

fn wrong_setting(world: &mut World) -> Outcome {
    world.fresh()?;
    let runs = one_each(world)?;
    let journal = |text: &str| {
        wait_until(format!("the agent's journal to say {text:?}"), SOON, || {
            let journal = world.unit("fleet.service").journal(3)?;
            says(&journal, &[text])
        })
    };
    // A reload that cannot be used changes nothing and is told.
    configure(world.machine(3).root(), "", "agent_tll=30s")?;
    world.machine(3).run(&["systemctl", "reload", "fleet.service"])?;
    journal("agent_tll")?;
    journal("/etc/fleet/fleet.conf")?;
    stay(world, &runs, settled())?;
    configure(world.machine(3).root(), "", "disable_engine=perhaps")?;
    world.machine(3).run(&["systemctl", "reload", "fleet.service"])?;
    journal("disable_engine")?;
    journal("perhaps")?;
    stay(world, &runs, Duration::from_secs(3))
}

fn socket(world: &mut World) -> Outcome {
    world.fresh()?;
    let seen = world.machine(1).run(&["stat", "--format=%a %U %G", "/run/fleet.sock"])?.success()?;
    if seen.stdout.trim() != "660 root fleet" {
        return Err(Failure::new(seen.to_string()));
    }
    let nobody = "setpriv --reuid=nobody --regid=nogroup --clear-groups ctl list-units";
    let refused = world.machine(1).shell(nobody)?;
    if refused.exit == 0 {
        return Err(Failure::new(format!("anybody may use the API: {refused}")));
    }
    says(&refused, &["fleet"])?;
    let member =
        "setpriv --reuid=nobody --regid=nogroup --groups=$(getent group fleet | cut -d: -f3) ctl list-units";
    world.machine(1).shell(member)?.success()?;
    // The socket's other old path, and the old name of the command.
    world.machine(1).shell("ctl --endpoint unix:///var/run/fleet.sock list-machines")?.success()?;
    says(&world.machine(1).shell("fleetctl version")?.success()?, &["fleetctl version"])
}
