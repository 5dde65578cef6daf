//! `rehearse::rehearse` on clusters written down in lines (see `scene`). Behind the line `asked:` come the wishes, `unit
//! NAME TARGET` with indented options for new content, and `stored NAME TARGET` for what is there.

use std::fmt::Write;

use cluster::rehearse::{Fate, Rehearsal, Wish, rehearse};
use cluster::requirements::Requirements;
use cluster::unit_file::UnitFile;
use cluster::{TargetState, UnitName};

use crate::{runner, scene};

#[test]
fn rehearsals() {
    runner::run("rehearse", |input| {
        let (before, asked) = input.split_once("asked:\n").expect("a line `asked:`");
        let before = before.lines().filter(|line| !line.is_empty());
        let scene = scene::read(before).unwrap_or_else(|error| panic!("{error}"));
        let snapshot = scene.store.snapshot();
        let untouched = snapshot.clone();
        let told = told(&rehearse(snapshot.clone(), &wishes(asked)));
        assert_eq!(snapshot, untouched);
        told
    });
}

fn wishes(text: &str) -> Vec<Wish> {
    let mut lines = text.lines().filter(|line| !line.is_empty()).peekable();
    let mut wishes = Vec::new();
    while let Some(line) = lines.next() {
        let mut file = String::from("[X-Fleet]\n");
        while let Some(option) = lines.next_if(|line| line.starts_with(' ')) {
            file.push_str(&format!("{}\n", option.trim()));
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let [kind, name, target] = words.as_slice() else { panic!("no wish: {line}") };
        let name = UnitName::parse(name).expect("a unit name");
        let target = TargetState::parse(target).expect("a target state");
        let file = UnitFile::parse(&file).expect("options");
        let requirements = (*kind == "unit").then(|| Requirements::of(&name, &file));
        wishes.push(Wish { name, target, requirements });
    }
    wishes
}

fn told(rehearsal: &Rehearsal) -> String {
    let mut out = String::new();
    for (name, fate) in &rehearsal.fates {
        let _ = match fate {
            Fate::Stays(machine) => writeln!(out, "{name} stays on {machine}"),
            Fate::Goes(machine, cause) => writeln!(out, "{name} goes to {machine}: {cause}"),
            Fate::Leaves(machine, cause) => writeln!(out, "{name} leaves {machine}: {cause}"),
            Fate::Waits(pending) => writeln!(out, "{name} waits: {pending}"),
            Fate::Nowhere => writeln!(out, "{name} is nowhere"),
            Fate::Everywhere(verdicts) => {
                let verdict = |(id, verdict): (&_, &Result<(), _>)| match verdict {
                    Ok(()) => format!("{id} yes"),
                    Err(refusal) => format!("{id} no ({refusal})"),
                };
                let verdicts: Vec<String> = verdicts.iter().map(verdict).collect();
                writeln!(out, "{name} everywhere: {}", verdicts.join(", "))
            }
        };
    }
    for (name, machine, cause) in &rehearsal.displaced {
        let _ = writeln!(out, "{name} has to leave {machine}: {cause}");
    }
    out
}
