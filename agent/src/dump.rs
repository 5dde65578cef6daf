//! The agent's state as one JSON line on stdout, for SIGUSR1 (contract §4.4). For people and tests; nothing reads it
//! back.

use std::io::Write;

use cluster::json;
use cluster::sorted::Map;
use serde::Serialize;

use crate::holdings::Holdings;
use crate::node::Node;

/// Longest dump in bytes; past it an error is printed in its place.
const DUMP_MAX_BYTES: usize = 16 * 1024 * 1024;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Dump<'a> {
    agent: Agent<'a>,
    unit_state_publisher: Publisher<'a>,
    unit_state_generator: Generator<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Agent<'a> {
    cache: TargetStates<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TargetStates<'a> {
    target_states: Map<&'a str, &'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Publisher<'a> {
    cache: Map<&'a str, Row<'a>>,
    to_publish: Map<&'a str, Row<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Row<'a> {
    load_state: &'a str,
    active_state: &'a str,
    sub_state: &'a str,
    #[serde(rename = "MachineID")]
    machine_id: &'a str,
    unit_hash: String,
    unit_name: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Generator<'a> {
    subscribed: Vec<&'a str>,
}

/// Prints the state.
pub fn print(node: &Node, holdings: &Holdings) {
    let target_states = holdings
        .markers
        .iter()
        .map(|(unit, marker)| (unit.as_str(), marker.order.as_state().as_str()))
        .collect();
    let row = |(unit, marker): (&'_ cluster::UnitName, &cluster::records::Marker)| {
        let status = holdings.statuses.get(unit)?;
        Some((unit.clone(), status.clone(), marker.hash.to_string()))
    };
    let rows: Vec<_> = holdings.markers.iter().filter_map(row).collect();
    let cache = rows.iter().map(|(unit, status, hash)| {
        let row = Row {
            load_state: &status.load,
            active_state: &status.active,
            sub_state: &status.sub,
            machine_id: node.identity.id.as_str(),
            unit_hash: hash.clone(),
            unit_name: unit.as_str(),
        };
        (unit.as_str(), row)
    });
    let dump = Dump {
        agent: Agent { cache: TargetStates { target_states } },
        unit_state_publisher: Publisher { cache: cache.collect(), to_publish: Map::new() },
        unit_state_generator: Generator { subscribed: holdings.markers.keys().map(AsRef::as_ref).collect() },
    };
    let text =
        json::encode(&dump, DUMP_MAX_BYTES).unwrap_or_else(|error| format!("{{\"error\":\"{error}\"}}"));
    if let Err(error) = writeln!(std::io::stdout().lock(), "{text}") {
        crate::warn!("print the state: {error}");
    }
}
