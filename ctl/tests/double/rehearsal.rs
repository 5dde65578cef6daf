//! The double's answer to what would become of units: where the test placed them, or nowhere with the test's reasons.

use cluster::TargetState;
use cluster::json::{decode, encode};
use cluster::unit_file::UnitOption;
use serde::Deserialize;

use super::fleet::{Fleet, MACHINES};
use super::http::{Answer, Request};

#[derive(Deserialize)]
struct Question {
    units: Vec<Wish>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wish {
    name: String,
    options: Option<Vec<UnitOption>>,
    #[serde(rename = "desiredState")]
    _desired_state: TargetState,
}

pub(super) fn answer(fleet: &Fleet, request: &Request) -> Answer {
    let question: Question = decode(request.body.as_bytes()).unwrap();
    let mut fates = Vec::new();
    for wish in &question.units {
        let stored = fleet.units.get(&wish.name);
        if stored.is_none() && wish.options.is_none() {
            return Answer::refusal(404, "unit does not exist");
        }
        if let Some(option) = wish.options.iter().flatten().find(|option| option.section != "X-Fleet") {
            return Answer::refusal(400, &format!("{} was sent for nothing", option.name));
        }
        fates.push(fate(fleet, wish));
    }
    let displaced = match &fleet.displaced {
        Some(name) => object(name, "leaves", 0, "replaced by another"),
        None => String::new(),
    };
    let body = format!("{{\"units\":[{}],\"displaced\":[{displaced}]}}", fates.join(","));
    Answer { status: 200, body }
}

fn fate(fleet: &Fleet, wish: &Wish) -> String {
    let is_global = wish.options.iter().flatten().any(|option| option.name == "Global");
    let name = &wish.name;
    let stored = fleet.units.get(name).filter(|_| wish.options.is_none());
    if is_global || stored.is_some_and(super::fleet::Unit::is_global) {
        let refusals = fleet.refusals.get(name).copied().unwrap_or_default();
        let verdict = |(machine, reason): (&super::fleet::Machine, &str)| {
            let able = reason.is_empty();
            format!(
                r#"{{"id":"{}","primaryIP":"{}","able":{able},"reason":"{reason}"}}"#,
                machine.0, machine.1
            )
        };
        let machines: Vec<String> = MACHINES.iter().zip(refusals).map(verdict).collect();
        return format!(r#"{{"name":"{name}","fate":"everywhere","machines":[{}]}}"#, machines.join(","));
    }
    match (stored.and_then(|unit| unit.machine), fleet.places.get(name)) {
        (Some(machine), _) => object(name, "stays", machine, ""),
        (None, Some(machine)) => object(name, "goes", *machine, "least loaded machine that can run it"),
        (None, None) => {
            let name = encode(name, 1000).unwrap();
            format!(r#"{{"name":{name},"fate":"waits","reason":"no machine can run it"}}"#)
        }
    }
}

fn object(name: &str, fate: &str, machine: usize, reason: &str) -> String {
    let (id, address, _) = MACHINES[machine];
    format!(
        r#"{{"name":"{name}","fate":"{fate}","machineID":"{id}","primaryIP":"{address}","reason":"{reason}"}}"#
    )
}
