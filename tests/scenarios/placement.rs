//! Which machine a unit gets: Conflicts, MachineOf, Replaces, MachineID, the old spellings, templates and specifiers.

use tests::failure::{Failure, Outcome};
use tests::promises::START;
use tests::run::Ran;
use tests::wait::wait_until;
use tests::world::World;

use crate::Scenario;
use crate::units::{SLEEPER, sleeper_with};

pub(crate) const ALL: &[Scenario] = &[
    Scenario {
        name: "placement: three copies that conflict take three machines, the fourth waits and says why",
        run: fourth_waits,
    },
    Scenario { name: "placement: the old spellings of every option work", run: old_spellings },
    Scenario { name: "placement: templates, instances and specifiers", run: templates },
    Scenario {
        name: "placement: the unit that Replaces= names moves, the other one does not",
        run: replaces,
    },
    Scenario { name: "placement: a dry run tells where units go, and changes nothing", run: dry_run },
    Scenario { name: "placement: units spread over the least loaded machines", run: spread },
];

/// It printed all of these, on whichever stream.
pub(crate) fn says(ran: &Ran, texts: &[&str]) -> Outcome {
    let all = format!("{}{}", ran.stdout, ran.stderr);
    match texts.iter().find(|text| !all.contains(**text)) {
        None => Ok(()),
        Some(missing) => Err(Failure::new(format!("{missing:?} is not in {ran}"))),
    }
}

/// It exited with that status.
pub(crate) fn exits(ran: Ran, status: i32) -> Outcome<Ran> {
    if ran.exit == status {
        Ok(ran)
    } else {
        Err(Failure::new(format!("exit status {status} was due: {ran}")))
    }
}

fn fourth_waits(world: &mut World) -> Outcome {
    world.fresh()?;
    let apache = sleeper_with("Conflicts=apache.*.service");
    for copy in 1..=4 {
        world.write_unit(&format!("apache.{copy}.service"), &apache)?;
    }
    world.done("start apache.1.service apache.2.service")?;
    world.done("start apache.3.service")?;
    let mut places = Vec::new();
    for copy in 1..=3 {
        places.push(world.unit(&format!("apache.{copy}.service")).runs_once()?);
    }
    places.sort_unstable();
    if places != [1, 2, 3] {
        return Err(Failure::new(format!("the three copies are on {places:?}")));
    }
    let refused = exits(world.ctl("start --block-attempts=3 apache.4.service")?, 1)?;
    says(
        &refused,
        &["apache.4.service", "148a18ff", "491586a6", "c9de9451", "conflict", "apache.1.service"],
    )?;
    let listed = world.done("list-unit-files --no-legend --fields=unit,dstate,state,tmachine")?;
    let row = listed.stdout.lines().find(|line| line.starts_with("apache.4.service")).unwrap_or_default();
    if row.split_whitespace().collect::<Vec<_>>() != ["apache.4.service", "launched", "inactive", "-"] {
        return Err(Failure::new(format!("the fourth copy's row is wrong: {listed}")));
    }
    // As soon as there is room, it runs.
    let freed = world.unit("apache.2.service").runs_once()?;
    world.done("destroy apache.2.service")?;
    world.unit("apache.4.service").runs_on(&[freed])
}

fn old_spellings(world: &mut World) -> Outcome {
    world.fresh_with(&["disk=hdd", "disk=ssd", "disk=tape"])?;
    let third = &world.machine(3).identity().machine_id.clone();
    let rows: [(&str, String, usize); 7] = [
        ("new-metadata", "ConditionMachineMetadata=disk=ssd".to_owned(), 2),
        ("old-metadata", "X-ConditionMachineMetadata=disk=tape".to_owned(), 3),
        ("new-id", format!("ConditionMachineID={third}"), 3),
        ("old-id", format!("X-ConditionMachineID={third}"), 3),
        ("boot-id", format!("X-ConditionMachineBootID={third}"), 3),
        ("new-of", "ConditionMachineOf=new-metadata.service".to_owned(), 2),
        ("old-of", "X-ConditionMachineOf=new-metadata.service".to_owned(), 2),
    ];
    for (name, option, place) in &rows {
        let unit = format!("{name}.service");
        world.start_unit(&unit, &sleeper_with(option))?.runs_on(&[*place])?;
    }
    // The least loaded machine is the first; the conflict keeps the second away from it.
    world.start_unit("pair.1.service", &sleeper_with("X-Conflicts=pair.*"))?.runs_on(&[1])?;
    let second = world.start_unit("pair.2.service", &sleeper_with("X-Conflicts=pair.*"))?.runs_once()?;
    if second == 1 { Err(Failure::new("X-Conflicts did not keep the pair apart")) } else { Ok(()) }
}

fn templates(world: &mut World) -> Outcome {
    world.fresh_with(&["slot=1", "slot=2", "name=named@x"])?;
    let web = "[Unit]\nDescription=Web %i\n\n[Service]\nExecStart=/bin/sleep infinity\n\n\
               [X-Fleet]\nMachineMetadata=slot=%i\nConflicts=%p@*\n";
    world.write_unit("web@.service", web)?;
    world.done("submit web@.service")?;
    // Instances come from the registry, not from the file.
    world.machine(1).shell("rm web@.service")?.success()?;
    world.done("start web@1 web@2")?;
    world.unit("web@1.service").runs_on(&[1])?;
    world.unit("web@2.service").runs_on(&[2])?;
    // %N is the name without its type, %n the whole name: both lead to the third machine.
    world.write_unit("named@.service", &sleeper_with("MachineMetadata=name=%N"))?;
    world.done("start named@x.service")?;
    world.unit("named@x.service").runs_on(&[3])?;
    world.start_unit("partner-of.service", &sleeper_with("MachineOf=web@2.service"))?.runs_on(&[2])?;
    world.start_unit("lonely.service", &sleeper_with("Conflicts=%n.other"))?.runs_once()?;
    // A template itself never runs.
    let refused = world.ctl("start web@.service")?;
    if refused.exit == 0 {
        return Err(Failure::new(format!("a template was started: {refused}")));
    }
    says(&refused, &["web@.service"])
}

fn replaces(world: &mut World) -> Outcome {
    world.fresh()?;
    let old = world.start_unit("old.service", SLEEPER)?.runs_once()?;
    // Every other machine is fuller, so the newcomer wants the old one's place.
    for number in (1..=3).filter(|number| *number != old) {
        for copy in 1..=3 {
            let pin = format!("MachineID={}", world.machine(number).identity().machine_id);
            world
                .start_unit(&format!("filler{number}{copy}.service"), &sleeper_with(&pin))?
                .runs_on(&[number])?;
        }
    }
    let new = world.start_unit("new.service", &sleeper_with("Replaces=old.service"))?;
    new.runs_on(&[old])?;
    let moved =
        wait_until("old.service to run elsewhere", START, || match world.unit("old.service").runs_once() {
            Ok(number) if number != old => Ok(number),
            Ok(_) => Err(Failure::new("it still is where it was")),
            Err(failure) => Err(failure),
        })?;
    if moved == new.runs_once()? { Err(Failure::new("both are on one machine")) } else { Ok(()) }
}

fn spread(world: &mut World) -> Outcome {
    world.fresh()?;
    let names: Vec<String> = (1..=9).map(|number| format!("unit{number}.service")).collect();
    names.iter().try_for_each(|name| world.write_unit(name, SLEEPER))?;
    world.done(&format!("start {}", names.join(" ")))?;
    let mut count = std::collections::BTreeMap::new();
    for name in &names {
        *count.entry(world.unit(name).runs_once()?).or_insert(0) += 1;
    }
    if count == [(1, 3), (2, 3), (3, 3)].into() {
        Ok(())
    } else {
        Err(Failure::new(format!("nine units are spread as {count:?}")))
    }
}

/// The machine that the line about a unit's launch names.
fn place_in(text: &str, unit: &str) -> Option<String> {
    let mut lines = text.lines().filter(|line| line.contains(&format!("Unit {unit} ")));
    let (_, place) = lines.find_map(|line| line.split_once(" launched on "))?;
    Some(place.split_once(": ").map_or(place, |(place, _)| place).to_owned())
}

fn dry_run(world: &mut World) -> Outcome {
    world.fresh()?;
    let apache = sleeper_with("Conflicts=apache.*.service");
    for copy in 1..=3 {
        world.write_unit(&format!("apache.{copy}.service"), &apache)?;
    }
    world.write_unit("ssd.service", &sleeper_with("MachineMetadata=disk=floppy"))?;
    world.done("start apache.1.service")?;
    let rehearsed = world.done("start --dry-run apache.2.service apache.3.service")?;
    says(&rehearsed, &["least loaded machine that can run it"])?;
    let nowhere = exits(world.ctl("start --dry-run ssd.service")?, 1)?;
    says(
        &nowhere,
        &["ssd.service would be on no machine", "148a18ff: the machine lacks metadata disk=floppy"],
    )?;
    let listed = world.done("list-unit-files --no-legend --fields=unit")?;
    if listed.stdout.trim() != "apache.1.service" {
        return Err(Failure::new(format!("a dry run stored something: {listed}")));
    }
    let stays = world.done("start --dry-run apache.1.service")?;
    says(&stays, &["it is there already"])?;
    // One by one, so that the leader sees them in the order of the rehearsal.
    for unit in ["apache.2.service", "apache.3.service"] {
        let foretold = place_in(&rehearsed.stdout, unit);
        let started = world.done(&format!("start {unit}"))?;
        if foretold.is_none() || place_in(&started.stdout, unit) != foretold {
            return Err(Failure::new(format!("{unit} was foretold {foretold:?}: {rehearsed} {started}")));
        }
    }
    Ok(())
}
