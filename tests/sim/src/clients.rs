//! What clients ask, through the API's own code: each request is a process of its own at the office. What was answered is
//! the observer's to remember.

use cluster::TargetState;
use fleet_api::{Call, Method, Request};

use crate::kernel::{current, with};
use crate::observer::{Answer, Wish};
use crate::scenario::{Step, Unit};
use crate::sim::Sim;
use crate::weakened::Weakened;

/// Begins what a step asks for, if it is a client's.
pub fn ask(sim: &mut Sim, step: &Step) {
    let (verb, subject) = (step.word(0), step.word(1));
    let office = sim.office();
    let version = sim.now_us;
    let unit = sim.scenario.unit(subject).cloned();
    let target = match verb {
        "submit" => Some(TargetState::Inactive),
        "load" => Some(TargetState::Loaded),
        "start" | "resubmit" => Some(TargetState::Launched),
        _ => None,
    };
    let (request, wish) = match (unit, target, verb) {
        (Some(unit), Some(target), _) => {
            let fresh = if verb == "resubmit" { version } else { sim.observer.version_of(subject) };
            (put(subject, &body(&unit, target, fresh)), Some(Wish::Be(target, fresh)))
        }
        (Some(_), None, "stop") => {
            (put(subject, &state(TargetState::Loaded)), Some(Wish::Target(TargetState::Loaded)))
        }
        (Some(_), None, "unload") => {
            (put(subject, &state(TargetState::Inactive)), Some(Wish::Target(TargetState::Inactive)))
        }
        (Some(_), None, "destroy") => (request(Method::Delete, &["units", subject], ""), Some(Wish::Gone)),
        (None, _, "drain" | "undrain") => match machine(sim, subject) {
            Some(id) => (request(Method::Post, &["machines", &id, verb], ""), None),
            None => return,
        },
        (None, _, "metadata") => match machine(sim, subject) {
            Some(id) => (patch(&id, step.word(2)), None),
            None => return,
        },
        _ => return,
    };
    if sim.observer.asks(subject, wish, verb, version) {
        let subject = subject.to_owned();
        sim.processes.start(office, move || carry_out(office, &subject, &request, wish));
    }
}

/// One request, from its reading to its answer.
fn carry_out(office: usize, subject: &str, request: &Request, wish: Option<Wish>) {
    let client = Weakened::new(office, 0);
    let result = Call::read(request, 100).and_then(|call| match call {
        Call::Task(task) => task.run(&client).map(drop),
        _ => Ok(()),
    });
    let answer = match &result {
        Ok(()) => Answer::Done,
        Err(failure) if failure.is_open() => Answer::Open,
        Err(_) => Answer::Refused,
    };
    let said = result.err().map_or_else(|| "done".to_owned(), |failure| failure.message);
    with(|sim| {
        let now_us = sim.now_us;
        sim.trace(office, &format!("{subject}: {said}"));
        sim.observer.answered(subject, wish, answer, now_us);
    });
    debug_assert!(current().is_some());
}

fn machine(sim: &Sim, name: &str) -> Option<String> {
    let found = sim.nodes.iter().find(|node| node.name == name)?;
    Some(found.id.as_str().to_owned())
}

fn request(method: Method, path: &[&str], body: &str) -> Request {
    let path = ["fleet", "v1"].iter().chain(path).map(|part| (*part).to_owned()).collect();
    let content_types = vec!["application/json".to_owned()];
    Request { method, path, query: Vec::new(), content_types, body: body.as_bytes().to_vec() }
}

fn put(name: &str, body: &str) -> Request {
    request(Method::Put, &["units", name], body)
}

fn patch(id: &str, assignment: &str) -> Request {
    let (key, value) = assignment.split_once('=').unwrap_or((assignment, "x"));
    let body = format!(r#"[{{"op":"add","path":"/{id}/metadata/{key}","value":"{value}"}}]"#);
    request(Method::Patch, &["machines"], &body)
}

fn state(target: TargetState) -> String {
    format!(r#"{{"desiredState":"{target}"}}"#)
}

/// A unit's file; `version` stands in it, so that another version is another file.
fn body(unit: &Unit, target: TargetState, version: u64) -> String {
    let option = |section: &str, name: &str, value: &str| {
        format!(r#"{{"section":"{section}","name":"{name}","value":"{value}"}}"#)
    };
    let start = format!("/bin/unit {}", unit.program);
    let mut options = vec![
        option("Unit", "Description", &format!("version {version}")),
        option("Service", "ExecStart", &start),
    ];
    options.extend(unit.fleet.iter().map(|(key, value)| match key.strip_prefix("Install.") {
        Some(key) => option("Install", key, value),
        None => option("X-Fleet", key, value),
    }));
    format!(r#"{{"desiredState":"{target}","options":[{}]}}"#, options.join(","))
}
