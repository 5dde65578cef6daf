//! Global units and machine metadata: machines that join, machines whose metadata changes.

use tests::failure::Outcome;
use tests::promises::SOON;
use tests::table::same_table;
use tests::wait::wait_until;
use tests::world::World;

use crate::Scenario;
use crate::units::sleeper_with;

pub(crate) const ALL: &[Scenario] = &[
    Scenario { name: "metadata: a global unit runs on a fourth machine that joins later", run: fourth_joins },
    Scenario {
        name: "metadata: a global unit runs only where metadata fits, and follows a change",
        run: follows,
    },
    Scenario { name: "metadata: a unit moves when its machine's metadata changes", run: moves },
    Scenario {
        name: "metadata: among conflicting globals the first by name wins everywhere",
        run: first_wins,
    },
];

fn fourth_joins(world: &mut World) -> Outcome {
    world.fresh()?;
    world.start_unit("everywhere.service", &sleeper_with("Global=true"))?.runs_on(&[1, 2, 3])?;
    world.add_machine(4, None)?;
    world.machine_mut(4).boot()?;
    world.unit("everywhere.service").runs_on(&[1, 2, 3, 4])?;
    targets(world, "everywhere.service", "launched 4 of 4")
}

/// The unit's row in list-unit-files soon says this about state and machines.
fn targets(world: &World, unit: &str, expected: &str) -> Outcome {
    wait_until(format!("list-unit-files to say {unit} {expected}"), SOON, || {
        let listed = world.done("list-unit-files --no-legend --fields=unit,state,tmachine")?.stdout;
        same_table(&format!("-\n{listed}"), &format!("-\n{unit} {expected}\n"))
    })
}

fn follows(world: &mut World) -> Outcome {
    world.fresh_with(&["role=web", "role=db", "role=web"])?;
    let unit = sleeper_with("Global=true\nMachineMetadata=role=web");
    world.start_unit("frontend.service", &unit)?.runs_on(&[1, 3])?;
    targets(world, "frontend.service", "launched 2 of 2")?;
    let first = world.unit("frontend.service").runs();
    world.reconfigure(2, "role=web", "")?;
    world.reconfigure(3, "role=db", "")?;
    world.unit("frontend.service").runs_on(&[1, 2])?;
    // Where nothing changed, nothing was restarted.
    let now = world.unit("frontend.service").runs();
    if now.get(&1) != first.get(&1) {
        return Err(tests::failure::Failure::new("the copy on m1 was restarted"));
    }
    targets(world, "frontend.service", "launched 2 of 2")
}

fn moves(world: &mut World) -> Outcome {
    world.fresh_with(&["zone=a", "zone=b", "zone=c"])?;
    let unit = world.start_unit("in-zone-b.service", &sleeper_with("MachineMetadata=zone=b"))?;
    unit.runs_on(&[2])?;
    world.reconfigure(3, "zone=b", "")?;
    world.reconfigure(2, "zone=c", "")?;
    unit.runs_on(&[3])?;
    // With nowhere to go it stops: its machine no longer is what it asks for.
    world.reconfigure(3, "zone=d", "")?;
    unit.runs_nowhere()
}

fn first_wins(world: &mut World) -> Outcome {
    world.fresh()?;
    world.start_unit("b-global.service", &sleeper_with("Global=true"))?.runs_on(&[1, 2, 3])?;
    world
        .start_unit("a-global.service", &sleeper_with("Global=true\nConflicts=b-global.service"))?
        .runs_on(&[1, 2, 3])?;
    world.unit("b-global.service").runs_nowhere()?;
    world.done("destroy a-global.service")?;
    world.unit("b-global.service").runs_on(&[1, 2, 3])
}
