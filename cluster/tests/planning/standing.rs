//! `standing` in lines: `remembers FLEET INDEX CLUSTER`, `layout FLEET [adopts FLEET…]`, `version 2 FLEET`, `unreadable`,
//! `leaving`, `left` and `arriving STORE MACHINE` for a layout in transit, `copy FLEET` for one that was copied into it,
//! and `read INDEX [CLUSTER]` as the question. `behind INDEX CLUSTER` is a store that was seen to be at an earlier moment. `adopt OURS FRESH` asks for the layout that an operator's word makes.

use cluster::limits::ADOPTED_FLEETS_MAX;
use cluster::records::Layout;
use cluster::standing::{Behind, Remembered, Standing, adopting, standing};
use cluster::{FleetId, MachineId};

use crate::runner;

#[test]
fn whose_store_it_is() {
    runner::run("standing", |input| answer(input).unwrap_or_else(|| "no such line".into()));
}

fn fleet(text: &str) -> FleetId {
    FleetId::parse(text).expect("a fleet ID")
}

fn answer(input: &str) -> Option<String> {
    let (mut remembered, mut layout, mut unreadable, mut out) = (None, None, false, String::new());
    for line in input.lines().filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["remembers", ours, index, cluster] => {
                let (index, cluster) = (index.parse().ok()?, cluster.parse().ok()?);
                remembered = Some(Remembered { fleet: fleet(ours), index, cluster, behind: None });
            }
            ["behind", index, cluster] => {
                let behind = Behind { index: index.parse().ok()?, cluster: cluster.parse().ok()? };
                remembered = remembered.map(|before| Remembered { behind: Some(behind), ..before });
            }
            ["layout", theirs, adopts @ ..] => {
                let adopts = adopts.iter().skip(1).map(|id| fleet(id)).collect();
                layout = Some(Layout { adopts, ..Layout::of(fleet(theirs)) });
            }
            ["version", version, theirs] => {
                let version = version.parse().ok()?;
                layout = Some(Layout { version, ..Layout::of(fleet(theirs)) });
            }
            ["unreadable"] => unreadable = true,
            [stage @ ("leaving" | "left" | "arriving"), store, by] => {
                let (before, by) = (layout?, MachineId::parse(by).expect("a machine ID"));
                layout = Some(match *stage {
                    "leaving" => before.leaving(store, &by),
                    "left" => before.left(store, &by),
                    _ => before.arriving(fleet("f9"), store, &by),
                });
            }
            ["copy", theirs] => {
                let by = MachineId::parse("m1").expect("a machine ID");
                layout = Some(layout?.arriving(fleet(theirs), "there", &by).open());
            }
            ["read", index, cluster @ ..] => {
                let cluster = cluster.first().map_or(Some(7), |cluster| cluster.parse().ok())?;
                let seen = (index.parse().ok()?, cluster);
                let found = standing(remembered.as_ref(), layout.as_ref(), unreadable, seen);
                out += &format!("{}\n", show(&found));
            }
            ["adopt", ours, fresh] => {
                let made = adopting(layout.as_ref(), &fleet(ours), fleet(fresh));
                let adopts: Vec<&str> = made.adopts.iter().map(FleetId::as_str).collect();
                out += &format!("layout {} adopts {}\n", made.fleet, adopts.join(" "));
                layout = Some(made);
            }
            _ => return None,
        }
    }
    Some(out)
}

fn show(standing: &Standing) -> String {
    match standing {
        Standing::Ours => "ours".into(),
        Standing::Join(fleet) => format!("join {fleet}"),
        Standing::Found => "found".into(),
        Standing::Moved(fleet) => format!("moved to {fleet}"),
        Standing::Adopted(fleet) => format!("adopted by {fleet}"),
        Standing::Frozen(freeze) => format!("frozen: {freeze}"),
    }
}

#[test]
fn an_adopting_layout_is_bounded_and_keeps_the_newest() {
    let mut layout = None;
    for generation in 0..3 * ADOPTED_FLEETS_MAX {
        let ours = fleet(&format!("f{generation}"));
        layout = Some(adopting(layout.as_ref(), &ours, fleet(&format!("f{}", generation + 1))));
    }
    let adopts = layout.expect("one was made").adopts;
    assert_eq!(adopts.len(), ADOPTED_FLEETS_MAX);
    assert_eq!(adopts.first().map(FleetId::as_str), Some("f23"));
}
