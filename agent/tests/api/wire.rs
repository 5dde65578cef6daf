//! The captured answers of fleet, byte for byte but for dates and versions: the routes behind the real server, asked by
//! the very command lines of the captures, with the real curl.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use agent::api;
use agent::http::{self, Limits, Listener, Options};
use cluster::state::Order;
use cluster::unit_file::UnitOption;
use cluster::{TargetState, json};
use serde::Deserialize;
use smol::channel;

use super::fleet::{Fleet, presence};

/// Where fleet's API was when its answers were captured.
const CAPTURED_AT: &str = "http://127.0.0.1:49153";

/// ID, address, metadata.
type Machine = (&'static str, &'static str, [(&'static str, &'static str); 3]);

/// The machines of the captures.
const MACHINES: [Machine; 3] = [
    ("9678f7a7939f457fa0d9353761e189c7", "10.99.0.13", [("idx", "3"), ("region", "us-west"), ("role", "db")]),
    (
        "aaf2f89992379705dac844c0a2a1d45f",
        "10.99.0.12",
        [("idx", "2"), ("region", "us-west"), ("role", "web")],
    ),
    (
        "ae7be26cdaa742ca148068d5ac90eaca",
        "10.99.0.11",
        [("idx", "1"), ("region", "us-east"), ("role", "web")],
    ),
];

/// The unit the captures find loaded but not started.
const IDLE: (&str, &str, &str) = ("loaded", "inactive", "dead");

#[derive(Deserialize)]
struct Page {
    units: Vec<CapturedUnit>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CapturedUnit {
    name: String,
    current_state: TargetState,
    desired_state: TargetState,
    #[serde(rename = "machineID", default)]
    machine_id: String,
    options: Vec<UnitOption>,
}

/// A capture: its name, the command line, and what it printed.
struct Capture {
    name: String,
    command: String,
    stdout: String,
}

fn captures() -> Vec<Capture> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/captured");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        let (command, rest) = text.split_once("\n--- stdout\n").unwrap();
        let (stdout, end) = rest.split_once("--- stderr\n").unwrap();
        assert_eq!(end, "--- exit 0\n", "{}", path.display());
        let command = command.strip_prefix("$ ").unwrap().to_owned();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        Capture { name, command, stdout: stdout.to_owned() }
    };
    files.into_iter().map(read).collect()
}

/// The fleet as it was: its machines, and the units of the captured list in the states they were in.
fn arrange(fleet: &Fleet, captured_list: &str) {
    let sessions: Vec<_> = MACHINES
        .iter()
        .map(|(id, address, metadata)| {
            let metadata = metadata.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
            fleet.register_as(presence(id, address, metadata.collect()))
        })
        .collect();
    let (_, body) = captured_list.split_once("\r\n\r\n").unwrap();
    let Page { units } = json::decode(body.as_bytes()).unwrap();
    for unit in units {
        let options = json::encode(&unit.options, 100_000).unwrap();
        let incarnation = fleet.create(&unit.name, unit.desired_state.as_str(), &options);
        let Some(index) = MACHINES.iter().position(|(id, ..)| *id == unit.machine_id) else { continue };
        fleet.place(&unit.name, &unit.machine_id, incarnation);
        let (order, shown) = match unit.current_state {
            TargetState::Launched => (Order::Launched, ("loaded", "active", "running")),
            _ => (Order::Loaded, IDLE),
        };
        fleet.report_as(&unit.name, &unit.machine_id, sessions[index], incarnation, order, shown);
    }
}

/// Runs the command line of a capture against the server at `address`.
fn curl(command: &str, address: SocketAddr) -> String {
    let line = command.replace(CAPTURED_AT, &format!("http://{address}"));
    assert_ne!(line, command, "the capture asks another server");
    let output = Command::new("sh").arg("-c").arg(&line).output().unwrap();
    assert!(output.status.success(), "{line}: {}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

/// Dates and versions differ from run to run.
fn masked(text: &str) -> String {
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let line = |line: &str| match line.split_once(": ") {
        Some((name @ ("Server" | "Date"), _)) => format!("{name}: …"),
        _ => line.to_owned(),
    };
    format!("{}\n\n{}", head.lines().map(line).collect::<Vec<_>>().join("\n"), body.trim_end())
}

/// Where Skiff says more on purpose, taken out of its answer: a machine's record has its agent's version, a state its
/// machine's address.
fn depart(name: &str, answer: &str) -> String {
    let more = match name {
        "154-api-machines" => r#","version":"0.1.0""#,
        "156-api-state" => r#","primaryIP":"10.99.0.13""#,
        _ => return answer.to_owned(),
    };
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let shorter = answer.replace(more, "");
    let (_, left) = shorter.split_once("\r\n\r\n").unwrap();
    assert!(left.len() < body.len(), "{answer}");
    let length = |length: usize| format!("Content-Length: {length}\r\n");
    shorter.replace(&length(body.len()), &length(left.len()))
}

#[test]
fn curl_sees_what_fleet_answered() {
    let fleet = Fleet::start();
    let captures = captures();
    assert_eq!(captures.len(), 12);
    arrange(&fleet, &captures.iter().find(|capture| capture.name == "169-api-units-list").unwrap().stdout);
    let listener = Listener::tcp("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.tcp_address().unwrap();
    let (stop, stopped) = channel::bounded::<()>(1);
    let client = std::thread::spawn(move || {
        let answers: Vec<_> = captures
            .into_iter()
            .map(|capture| {
                let answer = curl(&capture.command, address);
                (capture, answer)
            })
            .collect();
        drop(stop);
        answers
    });
    let options = Options { server_name: "x".into(), limits: Limits::default(), notify: Box::new(|_| {}) };
    let handler = async |request, peer| api::answer(&fleet.agent, request, peer).await;
    smol::block_on(http::serve(vec![listener], options, handler, async {
        let _ = stopped.recv().await;
    }));
    for (Capture { name, stdout, .. }, answer) in client.join().unwrap() {
        assert_eq!(masked(&depart(&name, &answer)), masked(&stdout), "{name}");
    }
}
