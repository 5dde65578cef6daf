//! What is shown when a scenario fails: what the machines, the agents and etcd looked like at that moment. The whole
//! journals go into files.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use crate::run::Ran;
use crate::world::World;

/// Lines of each agent's journal on the terminal.
const JOURNAL_LINES: usize = 40;

/// Everything worth seeing, as text. `scenario` names the folder for the whole journals.
#[must_use]
pub fn of(world: &World, scenario: &str) -> String {
    let mut text = String::new();
    let folder = folder(scenario);
    for ctl in ["list-machines", "list-unit-files", "list-units"] {
        let _ = writeln!(text, "{}", shown(world.ctl(&format!("{ctl} --full"))));
    }
    for machine in world.machines() {
        let name = &machine.identity().name;
        if !machine.is_on() {
            let _ = writeln!(text, "---- {name} is off");
            continue;
        }
        let since = format!("--since=@{}", world.began_epoch_secs());
        let journal = |more: &[&str]| {
            let mut words = vec!["journalctl", "--no-pager", "--output=short-precise", &since];
            words.extend(more);
            machine.run(&words).map(|ran| ran.stdout).unwrap_or_default()
        };
        let _ = fs::write(folder.join(format!("{name}.journal")), journal(&[]));
        let agent = journal(&["--unit=fleet.service"]);
        let lines: Vec<&str> = agent.lines().collect();
        let tail = lines.iter().skip(lines.len().saturating_sub(JOURNAL_LINES));
        let _ = writeln!(text, "---- {name}: the agent's last lines");
        for line in tail {
            let _ = writeln!(text, "{line}");
        }
        let units =
            "systemctl list-units --all --plain --no-legend $(ls /run/fleet/units 2>/dev/null) fleet.service";
        let _ = writeln!(text, "{}", shown(machine.run(&["/bin/sh", "-c", units])));
    }
    let _ = writeln!(text, "---- etcd's keys\n{}", world.etcd.dump("/_coreos.com"));
    let _ = fs::write(folder.join("report.txt"), &text);
    let _ = writeln!(text, "(whole journals: {})", folder.display());
    text
}

fn shown(ran: Result<Ran, impl std::fmt::Display>) -> String {
    ran.map_or_else(|failure| failure.to_string(), |ran| ran.to_string())
}

fn folder(scenario: &str) -> PathBuf {
    let name: String =
        scenario.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).collect();
    let folder = std::env::temp_dir().join("skiff-scenario-failures").join(name);
    let _ = fs::create_dir_all(&folder);
    folder
}
