//! Machines that leave on purpose, and units that move while their stop takes its time: never two copies.

use tests::failure::{Failure, Outcome};
use tests::promises::{clean_departure, settled};
use tests::wait::wait_until;
use tests::witness::Witness;
use tests::world::World;

use crate::Scenario;
use crate::agents::{one_each, stay};
use crate::units::{SLEEPER, SLOW_TO_STOP};

pub(crate) const ALL: &[Scenario] = &[
    Scenario {
        name: "departure: a clean stop hands units over, and waits for a stop of ten seconds",
        run: clean_stop,
    },
    Scenario { name: "departure: a machine that powers off hands its units over", run: power_off },
    Scenario { name: "departure: a unit moves while its ExecStop takes ten seconds", run: slow_move },
    Scenario { name: "departure: drain empties a machine, undrain opens it again", run: drain },
];

const SLOW: &str = "slow.service";

fn gap_is_short(witness: Witness, unit: &str) -> Outcome {
    let seen = witness.stop()?;
    seen.never_two_copies()?;
    match seen.gap(unit) {
        Some(gap) if gap <= clean_departure() => Ok(()),
        gap => Err(Failure::new(format!("{unit} was away for {gap:?}:\n{}", seen.shown()))),
    }
}

/// A unit is active on another machine than `old`, once.
fn moves_from(world: &World, unit: &str, old: usize) -> Outcome<usize> {
    wait_until(format!("{unit} to run elsewhere than on m{old}"), settled() * 2, || {
        match world.unit(unit).runs_once_within(std::time::Duration::ZERO)? {
            number if number != old => Ok(number),
            number => Err(Failure::new(format!("it is on m{number}"))),
        }
    })
}

fn clean_stop(world: &mut World) -> Outcome {
    world.fresh()?;
    let others = one_each(world)?;
    let old = world.start_unit(SLOW, SLOW_TO_STOP)?.runs_once()?;
    let quick: Vec<_> = others.iter().filter(|(_, run)| run.contains_key(&old)).cloned().collect();
    let (quick_name, _) = quick.first().ok_or_else(|| Failure::new(format!("no quick unit on m{old}")))?;
    let (slow, fast) = (Witness::watch(world, &[SLOW]), Witness::watch(world, &[quick_name]));
    let stop = ["systemctl", "--no-block", "stop", "fleet.socket", "fleet.service"];
    world.machine(old).run(&stop)?.success()?;
    // The quick one does not wait for the slow one.
    moves_from(world, quick_name, old)?;
    gap_is_short(fast, quick_name)?;
    if world.unit(SLOW).runs().keys().ne([&old]) {
        return Err(Failure::new(format!(
            "{SLOW} did not take its ten seconds: {}",
            world.unit(SLOW).shown()
        )));
    }
    moves_from(world, SLOW, old)?;
    gap_is_short(slow, SLOW)?;
    world.unit(SLOW).journal_says(old, "stopped in peace")?;
    let stayed: Vec<_> = others.iter().filter(|(name, _)| name != quick_name).cloned().collect();
    stay(world, &stayed, settled())
}

fn power_off(world: &mut World) -> Outcome {
    world.fresh()?;
    let others = one_each(world)?;
    let (name, _) =
        others.iter().find(|(_, run)| run.contains_key(&3)).ok_or_else(|| Failure::new("none on m3"))?;
    let witness = Witness::watch(world, &[name]);
    world.machine_mut(3).power_off()?;
    moves_from(world, name, 3)?;
    gap_is_short(witness, name)?;
    let stayed: Vec<_> = others.iter().filter(|(other, _)| other != name).cloned().collect();
    stay(world, &stayed, settled())?;
    world.all_machines_listed(2)
}

fn slow_move(world: &mut World) -> Outcome {
    world.fresh_with(&["zone=a", "zone=b", "zone=c"])?;
    let unit = format!("{SLOW_TO_STOP}\n[X-Fleet]\nMachineMetadata=zone=b\n");
    world.start_unit(SLOW, &unit)?.runs_on(&[2])?;
    let witness = Witness::watch(world, &[SLOW]);
    world.reconfigure(3, "zone=b", "")?;
    world.reconfigure(2, "zone=c", "")?;
    let now = moves_from(world, SLOW, 2)?;
    gap_is_short(witness, SLOW)?;
    world.unit(SLOW).journal_says(2, "stopped in peace")?;
    if now == 3 { Ok(()) } else { Err(Failure::new(format!("it moved to m{now}"))) }
}

fn drain(world: &mut World) -> Outcome {
    world.fresh()?;
    let others = one_each(world)?;
    let (name, _) =
        others.iter().find(|(_, run)| run.contains_key(&1)).ok_or_else(|| Failure::new("none on m1"))?;
    let witness = Witness::watch(world, &[name]);
    world.done("drain 148a18ff")?;
    moves_from(world, name, 1)?;
    gap_is_short(witness, name)?;
    // Nothing new comes, though it is the emptiest.
    for number in 1..=2 {
        let place = world.start_unit(&format!("new{number}.service"), SLEEPER)?.runs_once()?;
        if place == 1 {
            return Err(Failure::new("a drained machine was given a unit"));
        }
    }
    world.done("undrain 148a18ff")?;
    world.start_unit("after.service", SLEEPER)?.runs_on(&[1])
}
