//! Requests to the double's fleet, and its answers in the API's objects.

use std::sync::{Mutex, PoisonError};

use cluster::TargetState;
use cluster::json::{decode, encode};
use cluster::patterns::Patterns;
use cluster::sorted::Map;
use cluster::unit_file::{UnitFile, UnitOption};
use serde::{Deserialize, Serialize};

use super::fleet::{Fleet, MACHINES, Machine, Unit};
use super::http::{Answer, Request};

const BODY_MAX_BYTES: usize = 16 * 1024 * 1024;

pub(super) fn answer(fleet: &Mutex<Fleet>, request: &Request) -> Answer {
    let mut fleet = fleet.lock().unwrap_or_else(PoisonError::into_inner);
    let Request { method, path, query, .. } = request;
    fleet.asked.push(format!("{method} {path}?{query}").trim_end_matches('?').to_owned());
    if let Some((asked, status, message)) = &fleet.refused
        && format!("{method} {path}").starts_with(asked)
    {
        return Answer::refusal(*status, message);
    }
    let parts: Vec<&str> = path.split('/').collect();
    match (method.as_str(), parts.as_slice()) {
        ("GET", ["machines"]) => machines(&fleet, query),
        ("GET", ["units"]) => {
            let answer = page(&fleet, query, "units", &units(&fleet, query));
            fleet.listed_bytes += answer.body.len();
            answer
        }
        ("GET", ["units", name]) => match fleet.units.get(*name) {
            Some(unit) => json(&shown_unit(&fleet, name, unit)),
            None => Answer::refusal(404, "unit does not exist"),
        },
        ("PUT", ["units", name]) => put(&mut fleet, name, request),
        ("DELETE", ["units", name]) => match fleet.units.remove(*name) {
            Some(_) => Answer { status: 204, body: String::new() },
            None => Answer::refusal(404, "unit does not exist"),
        },
        ("GET", ["state"]) => page(&fleet, query, "states", &states(&fleet, query)),
        ("GET", ["explain", name]) => explain(&fleet, name),
        ("GET", ["events"]) if fleet.page.is_none() => Answer { status: 200, body: "{}".to_owned() },
        ("POST", ["rehearsal"]) => super::rehearsal::answer(&fleet, request),
        ("POST", ["registry", "adopt"]) => json(&Map::from([("message", "The registry is adopted.")])),
        ("POST", ["registry", "copy"]) => json(&Map::from([("message", "The registry is copied.")])),
        ("POST", ["machines", id, verb @ ("drain" | "undrain")]) => {
            fleet.drained.retain(|drained| drained != id);
            if *verb == "drain" {
                fleet.drained.push((*id).to_owned());
            }
            Answer { status: 204, body: String::new() }
        }
        _ => Answer::refusal(404, ""),
    }
}

fn json(value: &impl Serialize) -> Answer {
    Answer { status: 200, body: encode(value, BODY_MAX_BYTES).unwrap() }
}

/// All items, or the page a token names; the double's tokens are numbers.
fn page(fleet: &Fleet, query: &str, key: &str, items: &[impl Serialize]) -> Answer {
    let text = |items: &[_]| encode(&items, BODY_MAX_BYTES).unwrap();
    let Some(size) = fleet.page else {
        return Answer { status: 200, body: format!("{{{key:?}:{}}}", text(items)) };
    };
    let number: usize = parameter(query, "nextPageToken").map_or(0, |token| token.parse().unwrap());
    let on_it = items.iter().skip(number * size).take(size).collect::<Vec<_>>();
    let on_it = encode(&on_it, BODY_MAX_BYTES).unwrap();
    let next = if (number + 1) * size < items.len() {
        format!(",\"nextPageToken\":\"{}\"", number + 1)
    } else {
        String::new()
    };
    Answer { status: 200, body: format!("{{{key:?}:{on_it}{next}}}") }
}

fn parameter<'q>(query: &'q str, name: &str) -> Option<&'q str> {
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MachineOut<'a> {
    id: &'static str,
    metadata: Map<&'static str, &'static str>,
    #[serde(rename = "primaryIP")]
    primary_ip: &'a str,
    version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    draining: Option<bool>,
}

fn machines(fleet: &Fleet, query: &str) -> Answer {
    let out = |(id, primary_ip, metadata): &Machine| MachineOut {
        id,
        metadata: metadata.iter().copied().collect(),
        primary_ip,
        version: "0.1.0",
        draining: fleet.drained.iter().any(|drained| drained == id).then_some(true),
    };
    let mut machines: Vec<_> = MACHINES.iter().map(out).collect();
    if let Some(address) = &fleet.address {
        machines[0].primary_ip = address;
    }
    page(fleet, query, "machines", &machines)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UnitOut<'a> {
    name: &'a str,
    options: &'a [UnitOption],
    desired_state: TargetState,
    current_state: TargetState,
    #[serde(rename = "machineID", skip_serializing_if = "Option::is_none")]
    machine_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    launched: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    eligible: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

fn shown_unit<'a>(fleet: &'a Fleet, name: &'a str, unit: &'a Unit) -> UnitOut<'a> {
    let current = unit.machine.map_or(TargetState::Inactive, |_| unit.desired);
    let global = unit.is_global();
    let launched = if current == TargetState::Launched { MACHINES.len() } else { 0 };
    UnitOut {
        name,
        options: &unit.options,
        desired_state: unit.desired,
        current_state: current,
        machine_id: unit.machine.filter(|_| !global).map(|machine| fleet.machine_id(machine)),
        launched: global.then_some(launched),
        eligible: global.then_some(MACHINES.len()),
        reason: fleet.refusals.get(name).map(|reasons| waiting(reasons)),
    }
}

/// As the scheduler puts it.
fn waiting(reasons: &[&str]) -> String {
    let refusals =
        MACHINES.iter().zip(reasons).map(|(machine, reason)| format!("{}: {reason}", &machine.0[..8]));
    format!("no machine can run it: {}", refusals.collect::<Vec<_>>().join("; "))
}

/// All, or those that are asked for; fleet's own server, which had pages, knew no such question.
fn units<'a>(fleet: &'a Fleet, query: &str) -> Vec<UnitOut<'a>> {
    let asked = parameter(query, "units").filter(|_| fleet.page.is_none());
    let asked = asked.map(|words| Patterns::parse(words).unwrap());
    let wanted = |name: &str| asked.as_ref().is_none_or(|patterns| patterns.fit_text(name));
    let units = fleet.units.iter().filter(|(name, _)| wanted(name));
    units.map(|(name, unit)| shown_unit(fleet, name, unit)).collect()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StateOut<'a> {
    name: &'a str,
    hash: String,
    #[serde(rename = "machineID")]
    machine_id: &'a str,
    systemd_load_state: &'static str,
    systemd_active_state: &'static str,
    systemd_sub_state: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    error: &'static str,
}

fn states<'a>(fleet: &'a Fleet, query: &str) -> Vec<StateOut<'a>> {
    let wanted = parameter(query, "unitName");
    let on = parameter(query, "machineID");
    let mut rows = Vec::new();
    for (name, unit) in fleet.units.iter().filter(|(name, _)| wanted.is_none_or(|wanted| wanted == *name)) {
        let hash = UnitFile::from_options(unit.options.clone()).hash();
        for (machine, (active, sub, error)) in fleet.copies(name) {
            if on.is_some_and(|on| on != fleet.machine_id(machine)) {
                continue;
            }
            rows.push(StateOut {
                name,
                hash: hash.to_string(),
                machine_id: fleet.machine_id(machine),
                systemd_load_state: "loaded",
                systemd_active_state: active,
                systemd_sub_state: sub,
                error,
            });
        }
    }
    rows
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Order {
    name: String,
    options: Option<Vec<UnitOption>>,
    desired_state: Option<TargetState>,
}

fn put(fleet: &mut Fleet, name: &str, request: &Request) -> Answer {
    assert_eq!(request.content_type, "application/json");
    let order: Order = decode(request.body.as_bytes()).unwrap();
    assert_eq!(order.name, name, "the name in the body is not the one in the path");
    let options = order.options.unwrap_or_default();
    if !fleet.units.contains_key(name) && options.is_empty() {
        return Answer::refusal(409, "unit does not exist and options field empty");
    }
    if order.desired_state.is_some_and(TargetState::wants_machine) && name.contains("@.") {
        return Answer::refusal(400, &format!("cannot activate template \"{name}\""));
    }
    if !options.is_empty() {
        fleet.units.insert(name.to_owned(), Unit { options, desired: TargetState::Inactive, machine: None });
    }
    fleet.set(name, order.desired_state.unwrap_or(TargetState::Inactive));
    Answer { status: 201, body: String::new() }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Explanation<'a> {
    name: &'a str,
    desired_state: TargetState,
    current_state: TargetState,
    #[serde(rename = "machineID", skip_serializing_if = "Option::is_none")]
    machine_id: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: &'static str,
    machines: Vec<Verdict>,
}

#[derive(Serialize)]
struct Verdict {
    id: &'static str,
    #[serde(rename = "primaryIP")]
    primary_ip: &'static str,
    able: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: &'static str,
}

fn explain(fleet: &Fleet, name: &str) -> Answer {
    let (Some(unit), false) = (fleet.units.get(name), fleet.page.is_some()) else {
        return Answer::refusal(404, "unit does not exist");
    };
    let shown = shown_unit(fleet, name, unit);
    let refusals = fleet.refusals.get(name);
    let verdict = |(machine, reason): (&Machine, &'static str)| Verdict {
        id: machine.0,
        primary_ip: machine.1,
        able: reason.is_empty(),
        reason,
    };
    let reasons = refusals.copied().unwrap_or_default();
    json(&Explanation {
        name,
        desired_state: shown.desired_state,
        current_state: shown.current_state,
        machine_id: shown.machine_id,
        reason: if refusals.is_some() { "no machine can run it" } else { "" },
        machines: MACHINES.iter().zip(reasons).map(verdict).collect(),
    })
}
