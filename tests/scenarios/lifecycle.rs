//! A unit's life: submit, load, start, stop, unload, destroy, with every list after every step; and changed files.

use tests::failure::{Failure, Outcome};
use tests::promises::SOON;
use tests::table::same_table;
use tests::wait::wait_until;
use tests::witness::Witness;
use tests::world::World;

use crate::Scenario;
use crate::placement::{exits, says};
use crate::units::{SLEEPER, sleeper_with};

pub(crate) const ALL: &[Scenario] = &[
    Scenario {
        name: "lifecycle: submit, load, start, stop, unload, destroy, and every list after each",
        run: whole_life,
    },
    Scenario {
        name: "lifecycle: --replace runs the old ExecStop before the new content starts",
        run: replace,
    },
    Scenario { name: "lifecycle: a file that differs is named, and replaced only when asked", run: differs },
    Scenario { name: "lifecycle: restart starts a unit anew where it is", run: restart },
    Scenario {
        name: "lifecycle: a global unit is stopped, started and unloaded everywhere",
        run: global_life,
    },
    Scenario { name: "lifecycle: a oneshot that ends well is a success", run: oneshot },
    Scenario { name: "lifecycle: a unit with an Install section is enabled for this boot", run: enabled },
    Scenario { name: "lifecycle: a timer starts its service", run: timer },
];

/// After a step, both lists have these rows and no others.
fn lists(world: &World, files: &str, units: &str) -> Outcome {
    for (words, header, rows) in [
        ("list-unit-files", "UNIT HASH DSTATE STATE TMACHINE", files),
        ("list-units", "UNIT MACHINE ACTIVE SUB", units),
    ] {
        wait_until(format!("ctl {words} to show the step"), SOON, || {
            same_table(&world.done(words)?.stdout, &format!("{header}\n{rows}"))
        })?;
    }
    Ok(())
}

fn whole_life(world: &mut World) -> Outcome {
    world.fresh()?;
    world.write_unit("hello.service", SLEEPER)?;
    lists(world, "", "")?;
    let printed = |words: &str, stdout: &str, stderr: &str| {
        let ran = world.done(words)?;
        let right = same_table(&format!("-\n{}", ran.stdout), &format!("-\n{stdout}")).is_ok();
        if right && ran.stderr.trim() == stderr {
            Ok(())
        } else {
            Err(Failure::new(format!("not as printed: {ran}")))
        }
    };
    printed("submit hello.service", "Unit hello.service inactive", "")?;
    lists(world, "hello.service 25b6371 inactive inactive -", "")?;
    printed("load hello.service", "Unit hello.service loaded on 148a18ff.../10.10.1.1", "")?;
    lists(
        world,
        "hello.service 25b6371 loaded loaded 148a18ff.../10.10.1.1",
        "hello.service 148a18ff.../10.10.1.1 inactive dead",
    )?;
    printed("start hello.service", "Unit hello.service launched on 148a18ff.../10.10.1.1", "")?;
    world.unit("hello.service").runs_on(&[1])?;
    lists(
        world,
        "hello.service 25b6371 launched launched 148a18ff.../10.10.1.1",
        "hello.service 148a18ff.../10.10.1.1 active running",
    )?;
    printed(
        "stop hello.service",
        "Unit hello.service loaded on 148a18ff.../10.10.1.1",
        "Successfully stopped units [hello.service].",
    )?;
    world.unit("hello.service").runs_nowhere()?;
    lists(
        world,
        "hello.service 25b6371 loaded loaded 148a18ff.../10.10.1.1",
        "hello.service 148a18ff.../10.10.1.1 inactive dead",
    )?;
    printed(
        "unload hello.service",
        "Unit hello.service inactive",
        "Successfully unloaded units [hello.service].",
    )?;
    lists(world, "hello.service 25b6371 inactive inactive -", "")?;
    printed("destroy hello.service", "Destroyed hello.service", "")?;
    lists(world, "", "")?;
    world.unit("hello.service").has_left_every_machine()
}

fn with_stop(text: &str) -> String {
    format!("[Service]\nExecStart=/bin/sleep infinity\nExecStop=/bin/echo goodbye from the {text} one\n")
}

fn replace(world: &mut World) -> Outcome {
    world.fresh()?;
    let unit = world.start_unit("changing.service", &with_stop("old"))?;
    let number = unit.runs_once()?;
    let before = unit.runs();
    let witness = Witness::watch(world, &["changing.service"]);
    world.write_unit("changing.service", &with_stop("new"))?;
    world.done("start --replace changing.service")?;
    unit.journal_says(number, "goodbye from the old one")?;
    let after = unit.runs_once()?;
    witness.stop()?.never_two_copies()?;
    if unit.runs() == before {
        return Err(Failure::new("the unit was not started anew"));
    }
    says(&world.done("cat changing.service")?, &["goodbye from the new one"])?;
    let loaded = unit.property(after, "ExecStop")?;
    if loaded.contains("new one") {
        Ok(())
    } else {
        Err(Failure::new(format!("systemd has ExecStop={loaded}")))
    }
}

fn differs(world: &mut World) -> Outcome {
    world.fresh()?;
    let unit = world.start_unit("same.service", SLEEPER)?;
    unit.runs_once()?;
    let before = unit.runs();
    // Hash for hash the same: comments and blanks do not count.
    world.write_unit("same.service", &format!("# a comment\n{SLEEPER}\n\n"))?;
    says(
        &world.done("start --replace same.service")?,
        &["Found same Unit(same.service) in Registry, nothing to do"],
    )?;
    world.write_unit("same.service", "[Service]\nExecStart=/bin/sleep 4000\n")?;
    says(
        &world.done("start same.service")?,
        &["WARNING: Unit same.service in registry differs from local unit file"],
    )?;
    unit.still_runs_as(&before)
}

fn restart(world: &mut World) -> Outcome {
    world.fresh()?;
    let unit = world.start_unit("again.service", SLEEPER)?;
    let number = unit.runs_once()?;
    let before = unit.runs();
    world.done("restart again.service")?;
    unit.runs_on(&[number])?;
    if unit.runs() == before { Err(Failure::new("it still is the same run")) } else { Ok(()) }
}

fn global_life(world: &mut World) -> Outcome {
    world.fresh()?;
    let unit = world.start_unit("monitor.service", &sleeper_with("Global=true"))?;
    unit.runs_on(&[1, 2, 3])?;
    says(
        &world.done("stop monitor.service")?,
        &["Triggered global unit monitor.service stop", "[monitor.service]"],
    )?;
    unit.runs_nowhere()?;
    let row = |number: usize| format!("monitor.service 148a18ff.../10.10.1.{number} inactive dead");
    let rows: Vec<String> = (1..=3).map(row).collect();
    lists(world, "monitor.service a64e334 loaded loaded 0 of 3", &rows.join("\n"))?;
    says(&world.done("start monitor.service")?, &["Triggered global unit monitor.service start"])?;
    unit.runs_on(&[1, 2, 3])?;
    world.done("unload monitor.service")?;
    unit.has_left_every_machine()?;
    lists(world, "monitor.service a64e334 inactive inactive 0 of 3", "")
}

fn oneshot(world: &mut World) -> Outcome {
    world.fresh()?;
    world.write_unit("once.service", "[Service]\nType=oneshot\nExecStart=/bin/echo done at once\n")?;
    says(&world.done("start once.service")?, &["once.service"])?;
    world.write_unit("fails.service", "[Service]\nExecStart=/bin/sh -c \"echo out of luck; exit 7\"\n")?;
    let failed = exits(world.ctl("start fails.service")?, 1)?;
    says(&failed, &["fails.service", "exit-code", "out of luck"])
}

fn enabled(world: &mut World) -> Outcome {
    world.fresh()?;
    let content = format!("{SLEEPER}\n[Install]\nWantedBy=multi-user.target\n");
    let number = world.start_unit("wanted.service", &content)?.runs_once()?;
    let words = ["systemctl", "is-enabled", "wanted.service"];
    says(&world.machine(number).run(&words)?, &["enabled-runtime"])?;
    world.start_unit("unwanted.service", SLEEPER)?.runs_once()?;
    let number = world.unit("unwanted.service").runs_once()?;
    says(&world.machine(number).run(&["systemctl", "is-enabled", "unwanted.service"])?, &["linked-runtime"])?;
    world.done("destroy wanted.service")?;
    world.unit("wanted.service").has_left_every_machine()?;
    let left =
        world.machine(number).shell("find /run/systemd/system /etc/systemd/system -name 'wanted.service'")?;
    if left.stdout.is_empty() { Ok(()) } else { Err(Failure::new(format!("links are left: {left}"))) }
}

fn timer(world: &mut World) -> Outcome {
    world.fresh()?;
    let pin = format!("MachineID={}", world.machine(2).identity().machine_id);
    world.write_unit(
        "tick.service",
        &format!("[Service]\nType=oneshot\nExecStart=/bin/echo tick\n\n[X-Fleet]\n{pin}\n"),
    )?;
    world.write_unit(
        "tick.timer",
        &format!("[Timer]\nOnActiveSec=1s\nOnUnitInactiveSec=1s\nAccuracySec=100ms\n\n[X-Fleet]\n{pin}\n"),
    )?;
    world.done("load tick.service")?;
    world.done("start tick.timer")?;
    world.unit("tick.service").journal_says(2, "tick")?;
    // What systemd starts by itself is left alone: twice at least.
    wait_until("a second tick", SOON, || {
        let journal = world.unit("tick.service").journal(2)?;
        let ticks = journal.stdout.lines().filter(|line| line.trim() == "tick").count();
        if ticks >= 2 { Ok(()) } else { Err(Failure::new(journal.to_string())) }
    })
}
