//! The API's objects from hand-built snapshots, as golden text in `tests/golden/api`. An input is a line for each record
//! and ends with what is asked for:
//!
//! ```text
//! machine ID @SESSION ADDRESS [KEY=VALUE,…] [leaving]
//! unit NAME @INCARNATION TARGET SECTION/NAME=VALUE; …
//! place NAME ID @INCARNATION
//! row ID @SESSION NAME @INCARNATION ORDER LOAD/ACTIVE/SUB [other-content] [error: TEXT]
//! leaf KEY VALUE
//! show units|machines|states [LIMIT] | show explain NAME | show unit NAME
//! show rehearsal BODY
//! ```

#[path = "../../../cluster/tests/runner/mod.rs"]
mod runner;

use cluster::records::{Presence, Spec, StateRow};
use cluster::snapshot::Snapshot;
use cluster::state::Order;
use cluster::unit_file::{UnitFile, UnitOption};
use cluster::{BootId, Hash, Incarnation, MachineId, Nonce, TargetState, UnitName, json};

use super::page::Extent;
use super::reads::Files;
use super::reply::Reply;
use super::select::Select;
use super::{explain, machines, rehearsal, states, units};
use crate::{Failure, Method, Request};

fn number(word: &str) -> u64 {
    word.strip_prefix('@').and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("no index: {word}"))
}

fn incarnation(word: &str) -> Incarnation {
    Incarnation::new(number(word)).unwrap()
}

fn file(text: &str) -> UnitFile {
    let option = |line: &str| {
        let (section, rest) = line.trim().split_once('/').unwrap();
        let (name, value) = rest.split_once('=').unwrap();
        UnitOption { section: section.into(), name: name.into(), value: value.into() }
    };
    UnitFile::from_options(text.split(';').map(option).collect())
}

fn encode(value: &impl serde::Serialize) -> String {
    json::encode(value, 100_000).unwrap()
}

fn machine(rest: &str) -> (String, u64, String) {
    let words: Vec<&str> = rest.split(' ').collect();
    let id = MachineId::parse(words[0]).unwrap();
    let metadata =
        words.get(3).into_iter().flat_map(|pairs| pairs.split(',')).filter_map(|pair| pair.split_once('='));
    let presence = Presence {
        id: id.clone(),
        boot: BootId::parse("b").unwrap(),
        nonce: Nonce::parse("n").unwrap(),
        address: words[2].into(),
        metadata: metadata.map(|(key, value)| (key.into(), value.into())).collect(),
        version: "0.1.0".into(),
        leaving: words.contains(&"leaving"),
    };
    (cluster::keys::presence(&id), number(words[1]), encode(&presence))
}

fn unit(rest: &str) -> (String, u64, String) {
    let mut words = rest.splitn(4, ' ');
    let name = UnitName::parse(words.next().unwrap()).unwrap();
    let created = number(words.next().unwrap());
    let target = TargetState::parse(words.next().unwrap()).unwrap();
    let unit = file(words.next().unwrap()).serialise();
    (cluster::keys::spec(&name), created, encode(&Spec { target, hash: Hash::of(&unit), unit }))
}

fn row(rest: &str, snapshot: &Snapshot) -> (String, u64, String) {
    let (rest, error) = rest.split_once(" error: ").unwrap_or((rest, ""));
    let words: Vec<&str> = rest.split(' ').collect();
    let name = UnitName::parse(words[2]).unwrap();
    let states: Vec<&str> = words[5].split('/').collect();
    let current = snapshot.units.get(&name).filter(|_| !words.contains(&"other-content"));
    let row = StateRow {
        incarnation: incarnation(words[3]),
        hash: current.map_or_else(|| Hash::of("another content"), |unit| unit.hash),
        order: match words[4] {
            "launched" => Some(Order::Launched),
            "loaded" => Some(Order::Loaded),
            _ => None,
        },
        load: states[0].into(),
        active: states[1].into(),
        sub: states[2].into(),
        error: error.into(),
    };
    (format!("states/{}/{}/{name}", words[0], number(words[1])), 1, encode(&row))
}

fn absorb(snapshot: &mut Snapshot, files: &mut Files, line: &str) {
    let (kind, rest) = line.split_once(' ').unwrap_or_else(|| panic!("no record: {line}"));
    let (key, created, value) = match kind {
        "machine" => machine(rest),
        "unit" => unit(rest),
        "place" => {
            let words: Vec<&str> = rest.split(' ').collect();
            let value =
                format!(r#"{{"machine":"{}","incarnation":{},"epoch":1}}"#, words[1], number(words[2]));
            (format!("placements/{}", words[0]), 1, value)
        }
        "row" => row(rest, snapshot),
        "leaf" => rest.split_once(' ').map(|(key, value)| (key.into(), 1, value.into())).unwrap(),
        _ => panic!("no such record: {kind}"),
    };
    snapshot.absorb(&key, &value, created, created.max(1));
    files.absorb(&key, &value);
}

fn text(reply: Result<Reply, Failure>) -> String {
    match reply {
        Ok(reply) => format!("{} {}", reply.status().code(), reply.pieces().collect::<String>()),
        Err(failure) => format!("{} {}", failure.status.code(), failure.body()),
    }
}

fn pages(limit: u16, list: impl Fn(Extent) -> super::List) -> String {
    let mut query = if limit == 0 { vec![("all".to_owned(), "1".to_owned())] } else { Vec::new() };
    let mut shown = Vec::new();
    loop {
        let (content_types, body) = (Vec::new(), Vec::new());
        let request = Request { method: Method::Get, path: Vec::new(), query, content_types, body };
        let list = list(Extent::asked(&request, limit).unwrap());
        let token = list.token.clone();
        shown.push(text(Ok(Reply::List(list))));
        let Some(token) = token else { return shown.join("\n") };
        query = vec![("nextPageToken".to_owned(), token)];
    }
}

fn answer(input: &str) -> String {
    let (mut snapshot, mut files) = (Snapshot::with_files(), Files::default());
    for line in input.lines() {
        let Some(question) = line.strip_prefix("show ") else {
            absorb(&mut snapshot, &mut files, line);
            continue;
        };
        let (kind, of) = question.split_once(' ').unwrap_or((question, "0"));
        let name = || UnitName::parse(of).unwrap();
        return match kind {
            "units" => pages(of.parse().unwrap(), |extent| {
                units::listing(snapshot.clone(), files.clone(), &Select::default(), extent)
            }),
            "machines" => pages(of.parse().unwrap(), |extent| {
                machines::listing(snapshot.clone(), &Select::default(), extent)
            }),
            "states" => pages(of.parse().unwrap(), |extent| {
                states::listing(snapshot.clone(), &Select::default(), extent)
            }),
            "explain" => text(explain::from(&snapshot, &name())),
            "rehearsal" => {
                text(rehearsal::read(of.as_bytes()).and_then(|wishes| rehearsal::from(snapshot, &wishes)))
            }
            "unit" => text(units::object(&snapshot, &name())),
            _ => panic!("no such question: {kind}"),
        };
    }
    panic!("nothing is asked: {input}")
}

#[test]
fn objects() {
    runner::run("api", answer);
}

#[test]
fn the_discovery_document_is_json_and_names_the_routes() {
    let _: serde::de::IgnoredAny = json::decode(super::call::DISCOVERY.as_bytes()).unwrap();
    for text in [
        "\"discovery#restDescription\"",
        "\"fleet.Unit.Set\"",
        "\"state/{unitName}\"",
        "\"$ENDPOINT/fleet/v1/\"",
    ] {
        assert!(super::call::DISCOVERY.contains(text), "{text}");
    }
}
