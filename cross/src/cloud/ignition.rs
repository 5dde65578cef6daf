//! Ignition 3.3.0, which both Flatcar and Fedora CoreOS read. It fetches and checks files itself, before the machine's
//! first boot.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::template::{Content, File, Parts, Unit};
use super::{Fetched, Way};
use crate::json::Json;

const VERSION: &str = "3.3.0";

pub(super) fn write(parts: &Parts, way: Way) -> String {
    let files = parts.files.iter().map(|one| file(one, way)).collect();
    let units = parts.units.iter().map(unit).collect();
    Json::Object(vec![
        ("ignition", Json::Object(vec![("version", Json::text(VERSION))])),
        ("storage", Json::Object(vec![("files", Json::List(files))])),
        ("systemd", Json::Object(vec![("units", Json::List(units))])),
    ])
    .document()
}

/// Where a program comes from.
pub(super) fn source(program: &Fetched, way: Way) -> String {
    match way {
        Way::Fetch => program.url.clone(),
        Way::Inline => format!("data:;base64,{}", program.inline),
    }
}

/// The sum, which is of the unpacked program.
pub(super) fn hash(program: &Fetched) -> String {
    format!("sha256-{}", program.sha256)
}

fn file(File { path, mode, content }: &File, way: Way) -> Json {
    let contents = match content {
        Content::Text(text) => {
            vec![("source", Json::Text(format!("data:;base64,{}", STANDARD.encode(text))))]
        }
        Content::Program(program) => vec![
            ("source", Json::Text(source(program, way))),
            ("compression", Json::text("gzip")),
            ("verification", Json::Object(vec![("hash", Json::Text(hash(program)))])),
        ],
    };
    Json::Object(vec![
        ("path", Json::text(path.clone())),
        ("mode", Json::Number(u64::from(*mode))),
        ("overwrite", Json::Flag(true)),
        ("contents", Json::Object(contents)),
    ])
}

fn unit(unit: &Unit) -> Json {
    let mut members = vec![
        ("name", Json::text(unit.name.clone())),
        ("enabled", Json::Flag(unit.is_enabled())),
        ("contents", Json::text(unit.content.clone())),
    ];
    if !unit.dropins.is_empty() {
        let dropin = |(name, lines): &(String, String)| {
            Json::Object(vec![("name", Json::text(name.clone())), ("contents", Json::text(lines.clone()))])
        };
        members.push(("dropins", Json::List(unit.dropins.iter().map(dropin).collect())));
    }
    Json::Object(members)
}
