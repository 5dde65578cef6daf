//! What an operator is told when a machine is lost: by `ctl events` on any machine and from the registry itself, by the
//! leader's journal with its fields; and the next leader goes on from there.

use tests::failure::{Failure, Outcome};
use tests::promises::{SOON, hard_loss};
use tests::wait::wait_until;
use tests::world::World;

use crate::Scenario;
use crate::agents::one_each;

pub(crate) const ALL: &[Scenario] = &[
    Scenario {
        name: "events: a lost machine and its unit are told of, and the next leader goes on",
        run: told,
    },
    Scenario { name: "events: a journal that hangs holds up no agent", run: hanging_journal },
];

const LINES: &str = "events -n 128 -o jsonl --fields=event,unit,machine,reason";

/// `ctl events` on machine `number` soon has all these lines, in this order.
fn says(world: &World, number: usize, line: &str, wanted: &[String]) -> Outcome {
    wait_until(format!("ctl on m{number} to tell of {wanted:?}"), hard_loss() + SOON, || {
        let said = world.ctl_on(number, line).map_err(|failure| failure.to_string())?;
        let mut lines = said.stdout.lines();
        let in_order = wanted.iter().all(|wanted| lines.any(|line| line.starts_with(wanted.as_str())));
        if in_order { Ok(()) } else { Err(said.to_string()) }
    })
}

fn told(world: &mut World) -> Outcome {
    world.fresh()?;
    let runs = one_each(world)?;
    let leader = world.leader()?;
    let (victim, third) = (leader % 3 + 1, (leader + 1) % 3 + 1);
    let lost = runs.iter().find(|(_, run)| run.contains_key(&victim));
    let (unit, _) = lost.ok_or_else(|| Failure::new(format!("no unit runs on m{victim}")))?;
    let id = world.machine(victim).identity().machine_id.clone();
    world.machine_mut(victim).kill()?;
    let story = [
        format!("{{\"event\":\"machine-lost\",\"unit\":null,\"machine\":\"{id}\""),
        format!(
            "{{\"event\":\"unit-taken\",\"unit\":\"{unit}\",\"machine\":\"{id}\",\"reason\":\"machine {} is lost\"",
            &id[..8]
        ),
        format!("{{\"event\":\"unit-placed\",\"unit\":\"{unit}\",\"machine\":\""),
    ];
    says(world, leader, LINES, &story)?;
    says(world, third, LINES, &story)?;
    says(world, third, &format!("--driver=etcd --endpoint=http://10.10.1.254:2379 {LINES}"), &story)?;
    journal_tells(world, leader, unit, &id)?;

    // It leaves in good order, its unit moves, and whoever leads next goes on from what is there.
    world.machine(leader).run(&["systemctl", "stop", "fleet.service"])?.success()?;
    let next = world.machine(third).identity().machine_id.clone();
    let lead = format!("{{\"event\":\"lead-taken\",\"unit\":null,\"machine\":\"{next}\"");
    says(world, third, LINES, &[&story[..], &[lead]].concat())
}

/// The leader's journal has the event with its fields.
fn journal_tells(world: &World, leader: usize, unit: &str, id: &str) -> Outcome {
    let since = format!("--since=@{}", world.began_epoch_secs());
    let of_unit = format!("SKIFF_UNIT={unit}");
    let words = [
        "journalctl",
        "--no-pager",
        &since,
        "-u",
        "fleet.service",
        "-o",
        "json",
        "SKIFF_EVENT=unit-taken",
        &of_unit,
    ];
    let entry = world.machine(leader).run(&words)?.success()?.stdout;
    let fields = [
        format!("\"SKIFF_MACHINE\":\"{id}\""),
        format!("\"SKIFF_REASON\":\"machine {} is lost\"", &id[..8]),
        "\"SKIFF_CAUSE\":\"machine-lost\"".to_owned(),
        "\"MESSAGE_ID\":\"7b1d2c8f40a94e6f9d35c1a6e87f0202\"".to_owned(),
        "\"PRIORITY\":\"6\"".to_owned(),
        "\"SYSLOG_IDENTIFIER\":\"skiff-agent\"".to_owned(),
        format!("\"MESSAGE\":\"INFO: unscheduled {unit} from {}: machine {} is lost\"", &id[..8], &id[..8]),
    ];
    match fields.iter().find(|field| !entry.contains(field.as_str())) {
        None => Ok(()),
        Some(field) => Err(Failure::new(format!("{field} is not in the journal's entry: {entry}"))),
    }
}

/// journald is stopped (SIGSTOP) while many units start and go: nothing is late for it, and once it goes on it is told
/// of everything, or of how much is missing.
fn hanging_journal(world: &mut World) -> Outcome {
    world.fresh()?;
    let leader = world.leader()?;
    let signal = |word: &str| {
        let words = ["systemctl", "kill", "--kill-who=main", word, "systemd-journald.service"];
        world.machine(leader).run(&words)?.success()
    };
    signal("--signal=STOP")?;
    let started = one_each(world);
    signal("--signal=CONT")?;
    for (unit, _) in started? {
        says(world, leader, LINES, &[format!("{{\"event\":\"unit-placed\",\"unit\":\"{unit}\"")])?;
        wait_until(format!("the journal of m{leader} to tell of {unit}"), SOON, || {
            let since = format!("--since=@{}", world.began_epoch_secs());
            let words = ["journalctl", "--no-pager", &since, "-u", "fleet.service", "-o", "cat"];
            let said = world.machine(leader).run(&words).map_err(|failure| failure.to_string())?.stdout;
            let is_there =
                said.contains(&format!("scheduled {unit} to")) || said.contains("lines of the log were lost");
            if is_there { Ok(()) } else { Err(said) }
        })?;
    }
    Ok(())
}
